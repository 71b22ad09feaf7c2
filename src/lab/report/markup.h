/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from anywhere within XML and HTML. */
#pragma once

#include "base/buf.h"

/*
 * Appends text so that it is only text, in an element as well as in a quoted attribute: the five
 * characters of markup become entities, what is no UTF-8 and what XML 1.0 cannot hold becomes '?'.
 */
int markup_text(struct buf *out, const char *text) _warn_unused_;
/* As printf(3), for short text (up to 8 KiB, longer is cut), and escaped as a whole. */
int markup_printf(struct buf *out, const char *format, ...) _printf_(2, 3) _warn_unused_;
/* Appends a relative path as a URI reference (RFC 3986): it begins with "./", and whatever is not
 * plain is percent-encoded, so that it never has a scheme, a host or a query. */
int markup_path(struct buf *out, const char *path) _warn_unused_;
/* Appends a word for a POSIX shell: as it is if it is plain, else in single quotes. Not escaped for
 * markup. */
int markup_shell_word(struct buf *out, const char *word) _warn_unused_;
