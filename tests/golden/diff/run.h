/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For run.c: the world around a unit, where NEW(f) is the replaced code of f. */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEW(name) asm("suture_new.unit." #name)

#define EXPECT(condition)                                                       \
	do {                                                                    \
		if (!(condition)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
			exit(1);                                                \
		}                                                               \
	} while (0)

asm(".text\n.globl __fentry__\n__fentry__: ret\n.section .note.GNU-stack,\"\",@progbits\n.text");

char printed[256];
int outside_variable = 1000;

int printk(const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	vsnprintf(printed, sizeof(printed), text, ap);
	va_end(ap);
	return 0;
}

int outside(int x)
{
	return x + 1;
}
