/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel image says of itself: the line that it prints first when it boots. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/release.h"

#define BANNER_WORD_MAX 128

struct kernel_banner {
	char release[KERNEL_RELEASE_MAX + 1];
	char compiler[BANNER_WORD_MAX]; /* "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0" */
	char package[BANNER_WORD_MAX];  /* version of the distribution's package; "": not said */
	char mainline[BANNER_WORD_MAX]; /* "6.1.192"; "" when the release does not tell it */
};

/*
 * Finds `linux_banner` (init/version.c) in the bytes of an ELF image:
 *
 *   Linux version RELEASE (USER@HOST) (COMPILER, LINKER) #N SMP … Debian VERSION (DATE)
 *   Linux version RELEASE (USER@HOST) (COMPILER, LINKER) #N-Ubuntu SMP DATE (SIGNATURE)
 *
 * ERR_NOT_FOUND.
 */
int kernel_banner_find(const uint8_t *image, size_t len, struct kernel_banner *ret,
		       struct error *err);

/* The last "X.Y.Z" in a compiler's description, written into `ret`; "" if there is none. */
void compiler_version(const char *compiler, char ret[static BANNER_WORD_MAX]);
