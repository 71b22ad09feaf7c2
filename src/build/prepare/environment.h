/* SPDX-License-Identifier: GPL-2.0-or-later */
/* make and the compiler read dozens of variables of the environment; none may reach a module. */
#pragma once

/*
 * Removes all variables from the process's environment but those that say where things are and how
 * to reach the network (PATH, HOME, TMPDIR, XDG_CACHE_HOME, APT_CONFIG, proxies, …). Call it first
 * in main(), before any thread. 0 or ERR_NO_MEMORY.
 */
int environment_clean(void);
