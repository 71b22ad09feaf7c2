/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	pr_warn_once("first");
	if (x > 2)
		pr_warn_once("large");
	return outside(x);
}

int second(int x)
{
	pr_warn_once("second");
	return outside(x);
}
