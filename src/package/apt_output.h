/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What apt's commands print. It holds what repositories say, so nothing in it is trusted: names and
 * versions that are none are left out, lines that do not follow the format too.
 */
#pragma once

#include "package/name_list.h"

#define APT_IMAGE_PREFIX "linux-image-"

/* Can this be the name or the version of a package, and a word of a command line? */
bool apt_is_name(const char *s);

/* "6.12.117+deb12-cloud-amd64" is a release, "6.12-cloud-amd64" a package that depends on one. */
bool apt_is_release(const char *s);

/*
 * Of `apt-cache madison PACKAGE`, lines such as
 *
 *   linux-source-6.1 | 6.1.192-2 | http://HOST/debian bookworm/main amd64 Packages
 *
 * the versions of that very package for x86-64 (deb-version(7)), each once, newest first.
 * ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int apt_output_versions(const char *text, const char *package, struct name_list *ret);

/* Of `apt-cache pkgnames`, a name a line, the kernel releases of that series ("6.1") and flavour;
 * NULL: any, any for x86-64. Newest first. ERR_TOO_LARGE, ERR_NO_MEMORY. */
int apt_output_releases(const char *text, const char *series, const char *flavour,
			struct name_list *ret);

/* The error that apt-get download's own complaint means; else apt-get's own first words of error
 * (ERR_CHILD). */
int apt_output_failure(const char *package, const char *said, struct error *err);
