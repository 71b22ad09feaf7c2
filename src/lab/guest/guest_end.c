// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "base/file.h"
#include "lab/guest/guest.h"
#include "lab/guest/qemu.h"
#include "lab/guest/qmp.h"

#define RESETS_MAX (64 * 1024 * 1024)

static bool file_says(const char *dir, const char *name, const char *const *texts)
{
	_cleanup_buf_ struct buf log = BUF_INIT(RESETS_MAX);
	_cleanup_free_ char *path = path_join(dir, name, NULL);

	if (!path || file_read(path, &log, NULL) < 0)
		return false;
	for (; *texts; texts++)
		if (memmem(buf_str(&log), log.len, *texts, strlen(*texts)))
			return true;
	return false;
}

/* QEMU says "guest-reset" of a triple fault too. TCG writes a line of its own of it; KVM does not,
 * but the kernel announces each reset that it asks for, however quiet it boots. */
static enum guest_end judge_reset(const char *dir)
{
	static const char *const emulated[] = { "CPU Reset", NULL };
	static const char *const faults[] = { "Triple fault", NULL };
	static const char *const announced[] = { "Kernel panic", "reboot: ", "sysrq: Resetting",
						 NULL };

	if (file_says(dir, QEMU_RESETS, faults))
		return GUEST_TRIPLE_FAULT;
	return file_says(dir, QEMU_RESETS, emulated) || file_says(dir, QEMU_CONSOLE, announced)
		       ? GUEST_RESET
		       : GUEST_TRIPLE_FAULT;
}

enum guest_end guest_end_of(const char *dir)
{
	/* Asked first: what QEMU says is written before it goes. */
	bool runs = guest_is_alive(dir);
	char reason[64];

	qmp_shutdown_reason(dir, reason);
	if (streq(reason, "guest-shutdown"))
		return GUEST_POWERED_OFF;
	if (streq(reason, "guest-reset"))
		return judge_reset(dir);
	return runs && !reason[0] ? GUEST_RUNS : GUEST_KILLED;
}

const char *guest_end_name(enum guest_end end)
{
	static const char *const names[] = { "runs", "powered off", "reset", "triple fault",
					     "QEMU was ended" };

	return names[end];
}
