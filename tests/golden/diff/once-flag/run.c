/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int first(int x), second(int x);
int first_new(int x) NEW(first);

int main(void)
{
	first(3);
	EXPECT(strcmp(printed, "first") == 0);
	first_new(1);
	strcpy(printed, "");
	first_new(1);
	EXPECT(strcmp(printed, "") == 0);
	first_new(3);
	EXPECT(strcmp(printed, "large") == 0);
	second(1);
	EXPECT(strcmp(printed, "second") == 0);
	return 0;
}
