/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task that sleeps inside kernel_clone() until its child ends: no signal but SIGKILL gets it out.
 */
#include <unistd.h>

int main(void)
{
	/* The child has its parent's memory, and only waits. */
	if (vfork() == 0)
		for (;;)
			pause();
	return 0;
}
