/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel's files are. Every function of this folder takes `root`: "" for the running
 * machine, or a folder that holds `proc`, `sys` and `dev` of a test. Under such a folder everything
 * is read as usual, but nothing is ever loaded into the real kernel.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define KERNEL_PATH_MAX 1024

/* One path below a root. */
struct kernel_path {
	char s[KERNEL_PATH_MAX];
};

/* `root` followed by `format` (printf-like, beginning with '/'). ERR_TOO_LARGE when it does not
 * fit. */
int kernel_path(struct kernel_path *ret, const char *root, const char *format, ...) _printf_(3, 4)
	_warn_unused_;

/* Where a sandbox that hides /proc/kcore and /proc/kallsyms shows them (sutured.service). */
#define KERNEL_SHOWN "/run/suture/kernel"

/* The path of `name`, which is kcore or kallsyms: below KERNEL_SHOWN if that is a file of procfs,
 * else below /proc. ERR_TOO_LARGE when it does not fit. */
int kernel_memory_path(struct kernel_path *ret, const char *root, const char *name) _warn_unused_;

/* Reads a small file (at most 4095 bytes) into `ret` of `size` bytes without its final newline.
 * ERR_TOO_LARGE when it does not fit, -errno as file_read(). */
int kernel_read_text(const char *root, const char *path, char *ret, size_t size, struct error *err);
/* Reads a whole number, decimal or 0x…. */
int kernel_read_u64(const char *root, const char *path, uint64_t *ret, struct error *err);

/* True when `root` is the running machine. */
static inline bool kernel_root_is_real(const char *root)
{
	return root[0] == 0;
}
