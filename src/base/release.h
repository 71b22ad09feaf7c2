/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel release strings (`uname -r`) and what distributions write into them:
 *
 *   Debian  6.1.0-56-cloud-amd64, 6.12.117+deb12-cloud-amd64
 *   Ubuntu  5.15.0-88-generic, and /proc/version_signature: "Ubuntu 5.15.0-88.98-generic 5.15.126"
 */
#pragma once

#include "base/macro.h"

#define KERNEL_RELEASE_MAX 64 /* bytes, without the zero */

enum kernel_vendor { KERNEL_OTHER, KERNEL_DEBIAN, KERNEL_UBUNTU };

struct kernel_release {
	enum kernel_vendor vendor;
	unsigned int major, minor, patch;     /* the three numbers that it begins with */
	char flavour[KERNEL_RELEASE_MAX + 1]; /* "cloud-amd64", "generic"; "" for other vendors */
};

/* 1 to 64 letters, digits and "._+~-", not beginning with '.' or '-': fit for a file's name. */
bool kernel_release_is_valid(const char *text);

/* Takes a release apart. ERR_INVALID if it does not begin with two or three numbers. */
int kernel_release_parse(const char *text, struct kernel_release *ret);

#define KERNEL_SIGNATURE_MAX 256 /* bytes of the text, with its zero */

/* What /proc/version_signature says, or the text in brackets at the end of Ubuntu's banner. */
struct kernel_signature {
	char release[KERNEL_RELEASE_MAX + 1];  /* "5.15.0-88-generic" */
	char package[KERNEL_RELEASE_MAX + 1];  /* version of the packages: "5.15.0-88.98" */
	char mainline[KERNEL_RELEASE_MAX + 1]; /* "5.15.126" */
};

/* ERR_INVALID for anything that is not "Ubuntu A.B.C-ABI.UPLOAD-FLAVOUR X.Y.Z". */
int kernel_signature_parse(const char *text, struct kernel_signature *ret);
