/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int get_errors(void);
int second(int x) NEW(second);

void failed(const char *what)
{
	strcpy(printed, what);
}

int main(void)
{
	EXPECT(second(1) == 4);
	EXPECT(second(8) == 8);
	EXPECT(strcmp(printed, "the second") == 0);
	EXPECT(get_errors() == 1);
	return 0;
}
