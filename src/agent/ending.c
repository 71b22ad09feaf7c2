/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/ending.h"

enum ending_verdict ending_judge(const struct ending_facts *facts)
{
	if (facts->evidence == ENDING_CRASH)
		return ENDING_CRASHED;
	if (facts->stopped)
		return ENDING_CLEAN;
	if (facts->evidence == ENDING_OOPS)
		return ENDING_CRASHED;
	return facts->again ? ENDING_TWICE : ENDING_INTERRUPTED;
}
