/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command line for a guest, and whether hardware virtualisation works here. */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "lab/guest/guest.h"

#define QEMU_PROGRAM   "qemu-system-x86_64"

/* Names in a guest's folder. */
#define QEMU_CHANNEL   "channel"  /* unix socket of the command channel */
#define QEMU_TERMINAL  "terminal" /* unix socket of the console, if asked for */
#define QEMU_CONSOLE   "console.log"
#define QEMU_RESETS    "resets.log" /* what it says of processors that were reset */
#define QEMU_PID_FILE  "qemu.pid"
#define QEMU_INITRAMFS "initramfs.cpio"
#define QEMU_ERRORS    "qemu.log" /* what QEMU itself says */

/* The machine type that the options mean. */
const char *qemu_machine(const struct guest_options *options);
/*
 * Starts QEMU on the kernel and the folder's initramfs, after qmp_prepare(). It is this process's
 * child; unless options->stays, it dies with it. Errors: -errno, ERR_NOT_FOUND (QEMU is not
 * installed), ERR_UNSUPPORTED (KVM), ERR_CHILD.
 */
int qemu_start(const struct guest_options *options, bool serial_channel, pid_t *ret_pid,
	       struct error *err);
/* Reads the folder's pid file; ERR_BAD_STATE unless that process is this folder's QEMU. */
int qemu_pid(const char *dir, pid_t *ret, struct error *err);
/* Whether KVM runs code here, found out with a firmware that prints, within 3 s: /dev/kvm may open
 * and hang all the same. */
bool qemu_kvm_works(void);
