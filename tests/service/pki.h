/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Certificates for tests: a CA and what it signs, as PEM files FOLDER/NAME.pem and NAME.key. */
#pragma once

#include "base/error.h"

/* A self-signed CA of one day with a P-256 key. */
int pki_make_ca(const char *folder, const char *name, struct error *err);
/*
 * A server certificate with a new P-256 key, signed by an existing `ca`, for the given subject
 * alternative names in OpenSSL's words ("IP:127.0.0.1,DNS:localhost"), valid from and to so many
 * seconds from now.
 */
int pki_issue(const char *folder, const char *name, const char *ca, const char *alt_names,
	      long from, long to, struct error *err);
