/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies of security modules that forbid what the module signature permits. */
#pragma once

#include "kernel/facts.h"

#define KERNEL_IMA_POLICY_MAX ((size_t)1024 * 1024)

/*
 * May a module be loaded from a memory file, as sutured does it? KERNEL_NO and KERNEL_UNKNOWN come
 * with the reason, and the cure as its hint, in `err`. Looks at
 *
 * - LoadPin (security/loadpin/loadpin.c of 6.1 and 6.12): it takes modules from one file system
 *   alone, unless it is switched off (/proc/sys/kernel/loadpin/enforce, loadpin.enforce=) or does
 *   not care for modules (loadpin.exclude=);
 * - IMA (security/integrity/ima): the first rule that is about modules, or about every file, and
 *   fits a file in memory. Most kernels do not show their rules (CONFIG_IMA_READ_POLICY): then the
 *   command line tells which built-in ones there are, and the policy file is gone once others were
 *   loaded, unless the kernel takes them again and again (CONFIG_IMA_WRITE_POLICY).
 */
enum kernel_answer kernel_policy_memory_modules(const char *root, struct error *err);
