// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/exercise/exercise.h"

#define SPIN_MAX 1024

int exercise_spin(const char *count)
{
	struct children all = { 0 };
	unsigned long n;

	if (!parse_number(count, SPIN_MAX, &n)) {
		complain("spin: %s: not a number of 0 to %d", count, SPIN_MAX);
		return EXIT_USAGE;
	}
	hold_prepare();
	for (unsigned long i = 0; i < n; i++) {
		pid_t pid = children_fork(&all);

		if (pid < 0) {
			children_end(&all);
			return complain("spin: fork: %s", strerror(-pid));
		}
		if (pid == 0)
			for (;;)
				__asm__ volatile("pause");
	}
	puts("ready");
	fflush(stdout);
	hold(0, true);
	children_end(&all);
	return 0;
}
