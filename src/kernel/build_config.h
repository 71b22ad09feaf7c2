/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the running kernel was configured when it was built. */
#pragma once

#include "kernel/facts.h"

#define KERNEL_BUILD_CONFIG_MAX ((size_t)4 * 1024 * 1024)

/* One symbol that is asked for. */
struct kernel_option {
	const char *name;          /* "CONFIG_LIVEPATCH" */
	enum kernel_answer answer; /* out: yes for "y" alone; "m", "n" and none at all are no */
};

/*
 * Answers all from /proc/config.gz (CONFIG_IKCONFIG_PROC) or else from /boot/config-RELEASE, which
 * may be another build's of the same release: so nothing is refused because of it. Every answer is
 * unknown when there is neither; ERR_NOT_FOUND then, ERR_TOO_LARGE over KERNEL_BUILD_CONFIG_MAX.
 */
int kernel_build_config_ask(const char *root, const char *release, struct kernel_option *options,
			    size_t n, struct error *err);

/*
 * The vermagic that this kernel's modules have, put together as include/linux/vermagic.h of 6.1 and
 * 6.12 does for x86-64 ("6.1.0-56-amd64 SMP preempt mod_unload modversions "). Errors as above;
 * ERR_UNSUPPORTED with CONFIG_RANDSTRUCT, of which no file tells the seed.
 */
int kernel_vermagic(const char *root, const char *release, char *ret, size_t size,
		    struct error *err);
