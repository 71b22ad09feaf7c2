/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/crash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kernel_crashes found;

	found.n = 0;
	kernel_crash_parse(data, size, 1, &found);
	if (found.n > KERNEL_CRASHES_MAX)
		abort();
	for (size_t i = 0; i < found.n; i++) {
		const struct kernel_crash *crash = &found.items[i];

		if (crash->trouble < KERNEL_TROUBLE_OOPS || strlen(crash->id) != 16)
			abort();
		for (const char *p = crash->headline; *p; p++)
			if (*p < ' ' || *p > '~')
				abort();
	}
	return 0;
}
