/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of the running kernel, read through the ELF core file /proc/kcore. */
#pragma once

#include "base/error.h"

struct kcore;

/*
 * Opens /proc/kcore below `root` and reads its program headers (ELF64, little endian, at most 4096
 * of them). ERR_UNSUPPORTED when the kernel does not let it be read (lockdown confidentiality, no
 * CAP_SYS_RAWIO, no CONFIG_PROC_KCORE); ERR_INVALID when it is no such file.
 */
int kcore_open(const char *root, struct kcore **ret, struct error *err);
void kcore_free(struct kcore *core);
DEFINE_CLEANUP(struct kcore *, kcore_free);

/* Copies `len` bytes at a kernel address. ERR_NOT_FOUND when no segment holds all of them. */
int kcore_read(struct kcore *core, uint64_t address, void *ret, size_t len, struct error *err);
