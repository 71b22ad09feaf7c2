/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of stress-ng runs in a guest: emulated, one processor, 512 MB, no disk. Each profile ends by
 * itself after `--timeout N`, with status 0 within a second of it, leaves nothing in /tmp and no
 *line in the kernel's log (stress-ng 0.15.06, 6.12 cloud-amd64, N = 1 and 5). The profiles as a
 *guest takes them:
 *
 *	stress-ng --quiet --timeout N PROFILE
 *
 * stress-ng comes along with guest_options.programs ("/usr/bin/stress-ng"): 8.7 MB, its libraries
 * 24.5 MB. The guest has then some 33 MB less.
 */
#pragma once

struct stress_profile {
	const char *name;
	const char *arguments; /* separated by blanks */
};

static const struct stress_profile stress_profiles[] = {
	{ "cpu", "--cpu 1 --cpu-method all" },
	{ "vm", "--vm 1 --vm-bytes 64m --mmap 1 --mmap-bytes 32m" },
	{ "io", "--temp-path /tmp --hdd 1 --hdd-bytes 16m --dentry 1 --rename 1 --dir 1" },
	{ "sched", "--fork 1 --switch 1 --yield 1 --futex 1" },
	{ "net", "--sock 1 --udp 1 --sockpair 1 --epoll 1" },
	{ "ipc", "--pipe 1 --msg 1 --sem-sysv 1 --mq 1 --sigq 1" },
};
