/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where this system runs, and what the machine has left: containers, memory, the command line. */
#pragma once

#include "base/error.h"

#define KERNEL_CONTAINER_MAX 32
/* Longest command line that is looked at, with its zero; x86 cuts at 2048 itself. */
#define KERNEL_CMDLINE_MAX   4096

/*
 * What contains this system: "" when nothing does, else "wsl", what the container's manager calls
 * itself ("docker", "lxc", "systemd-nspawn", …), or the namespace that gives it away
 * ("pid-namespace", "user-namespace"). A virtual machine is no container. Looks where
 * systemd-detect-virt(1) does (/proc/sys/kernel/osrelease, /run/host/container-manager,
 * /run/systemd/container, `container=` of /proc/1/environ, /run/.containerenv, /.dockerenv,
 * /proc/vz), and at the numbers that the kernel's first namespaces always have
 * (include/linux/proc_ns.h). The last files but one may be left over on a machine that was made
 * from a container's image: they count only outside of those namespaces. Characters that are no
 * part of a name become '?'.
 */
void kernel_container(const char *root, char ret[static KERNEL_CONTAINER_MAX]);

/* Bytes that can be had without swapping (MemAvailable of /proc/meminfo, proc(5)). -errno,
 * ERR_INVALID when the kernel does not say. */
int kernel_memory_available(const char *root, uint64_t *ret, struct error *err);

/* The kernel's command line (/proc/cmdline); "" when it cannot be read. */
void kernel_cmdline_read(const char *root, char ret[static KERNEL_CMDLINE_MAX]);
/*
 * Looks for a switch by the kernel's rules (kernel/params.c): words end at white space outside of
 * double quotes, '-' and '_' are the same in a name, the last one counts, and "--" ends it. Returns
 * its value in `ret` ("" for a bare word, cut to `size`), or false.
 */
bool kernel_cmdline_find(const char *cmdline, const char *name, char *ret, size_t size);
