/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a build folder is configured as the shipped kernel was. */
#pragma once

#include "base/error.h"

/*
 * Compares two kernel configurations (`CONFIG_X=value` and `# CONFIG_X is not set` lines, which is
 * the same as no line), or what kconfig makes of one, include/config/auto.conf. Options that cannot
 * change code or layouts may differ: signing keys, the build salt, versions of pahole, of Rust and
 * of the tool chain. Any other difference is ERR_MISMATCH and named: kbuild turns options off by
 * itself where a tool is missing (without pahole, CONFIG_DEBUG_INFO_BTF_MODULES, and with it fields
 * of struct module), and what is then built does not fit the kernel. `shipped` and `prepared` are
 * the files' texts.
 */
int config_compare(const char *shipped, const char *prepared, struct error *err);
