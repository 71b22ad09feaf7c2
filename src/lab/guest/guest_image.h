/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The initramfs of a guest: busybox, our init, modules, programs and files. */
#pragma once

#include "base/error.h"
#include "lab/guest/guest.h"

/*
 * Writes it to `path`. `ret_serial`: the kernel has no virtio, so the command channel is its second
 * serial line.
 * Errors: as guest_start().
 */
int guest_image_write(const struct guest_options *options, const char *path, bool *ret_serial,
		      struct error *err);
