/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

int first(int x)
{
	switch (x) {
	case 0: return outside(3);
	case 1: return printk("one");
	case 2: return outside(99) + 4;
	case 3: return outside_variable;
	case 4: return printk("four") + 4;
	case 5: return outside(44) * 2;
	}
	return 0;
}

int second(int x)
{
	switch (x) {
	case 0: return outside(4);
	case 1: return printk("eins");
	case 2: return outside(100) + 4;
	case 3: return outside_variable + 1;
	case 4: return printk("vier") + 4;
	case 5: return outside(45) * 2;
	}
	return 0;
}
