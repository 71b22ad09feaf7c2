/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules made from the one under trial that the kernel has to refuse. */
#pragma once

#include "lab/trial/trial_guest.h"

/* /lab/wrong.ko: its vermagic names another kernel, and each symbol that it uses has another
 * version
 * (`__versions`, struct modversion_info of the kernel's include/linux/module.h). */
int case_put_wrong_kernel(struct trial_guest *t, const char **ret_skip, struct error *err);
/* /lab/unsigned.ko: without its signature; /lab/damaged.ko: signed, then one bit of it changed.
 * Skipped without Secure Boot. */
int case_put_unsigned(struct trial_guest *t, const char **ret_skip, struct error *err);
