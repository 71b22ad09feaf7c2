/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* Names that kernel macros use, for what is a program's own state. */
int first(int x)
{
	static int _rs = 3, __already_done = 4, descriptor = 5, __func__x;

	_rs += x;
	__already_done++;
	descriptor--;
	return _rs + __already_done + descriptor + __func__x++ + 1001;
}
