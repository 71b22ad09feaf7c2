/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/output.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

void output_step(const char *what)
{
	printf("  … %s\n", what);
	fflush(stdout);
}

void output_done(int64_t start_ms, const char *format, ...)
{
	va_list ap;

	printf("%7.1f s  ", (double)(clock_monotonic_ms() - start_ms) / 1000);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void output_reasons(const struct name_list *reasons)
{
	for (size_t i = 0; i < reasons->n; i++)
		fprintf(stderr, "suture-build: %s\n", reasons->items[i]);
}
