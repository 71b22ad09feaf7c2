/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests under Secure Boot: Debian's OVMF with the test key that is enrolled in its "snakeoil"
 * variables (package ovmf). Whoever reads the package has that key, so it proves nothing to anybody
 * but such a guest.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/* Names in a guest's folder. */
#define SECURE_BOOT_IMAGE     "vmlinuz.signed"
#define SECURE_BOOT_VARIABLES "variables.fd"
/* The firmware's code, read only. */
#define SECURE_BOOT_FIRMWARE  "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"

/*
 * Signs the kernel image with the test key into the guest's folder and copies the firmware's
 * variables there. Errors: ERR_NOT_FOUND, with the package to install as the hint, ERR_CHILD
 * (sbsign's words), -errno.
 */
int secure_boot_prepare(const char *image, const char *dir, struct error *err);

/* Appends the module, without the signature that it may have, signed with the test key: the kernel
 * of such a guest takes it. Errors: ERR_NOT_FOUND as above, those of signature_sign(). */
int secure_boot_sign_module(const void *module, size_t len, struct buf *out, struct error *err);
