/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int second(int x) NEW(second);

int main(void)
{
	second(1);
	EXPECT(strcmp(printed, "value of the second") == 0);
	return 0;
}
