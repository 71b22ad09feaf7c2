/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/output/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

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

/* One kind of reason: how many, each, and the way round where they share one. */
static void print_group(const struct reason_list *list, size_t from, size_t to)
{
	const struct reason *first = &list->items[from];

	fprintf(stderr, "\n%s: %s [%s]: %zu\n", reason_grade_name(reason_grade(first->code)),
		reason_title(first->code), reason_name(first->code), to - from);
	for (size_t i = from; i < to; i++) {
		const struct reason *r = &list->items[i];
		bool last = i + 1 == to || !streq(reason_hint(r), reason_hint(r + 1));

		fprintf(stderr, "  %s%s%s\n", r->file, *r->file ? ": " : "", r->message);
		if (last && *reason_hint(r))
			fprintf(stderr, "    way round: %s\n", reason_hint(r));
	}
}

void output_reasons(struct reason_list *reasons)
{
	reason_list_sort(reasons);
	for (size_t i = 0, j; i < reasons->n; i = j) {
		for (j = i + 1; j < reasons->n && reasons->items[j].code == reasons->items[i].code;)
			j++;
		print_group(reasons, i, j);
	}
	if (reasons->n > 0)
		fputc('\n', stderr);
}

/* Fewer parts than this are over before anyone has read of them. */
#define PROGRESS_LEAST 8
#define BAR_WIDTH      30

static bool is_shown(const struct output_progress *p)
{
	return p->what && p->total > 0 && isatty(STDOUT_FILENO);
}

void output_progress_begin(const struct output_progress *p)
{
	if (is_shown(p)) {
		printf("  … %s", p->what);
		fflush(stdout);
	}
}

void output_progress_step(struct output_progress *p)
{
	size_t before = p->total ? p->done * 10 / p->total : 0;

	p->done++;
	if (!p->what || p->total < PROGRESS_LEAST)
		return;
	if (isatty(STDOUT_FILENO)) {
		int full = (int)(p->done * BAR_WIDTH / p->total);

		printf("\r  … %s [%.*s%*s] %zu of %zu", p->what, full,
		       "##############################", BAR_WIDTH - full, "", p->done, p->total);
	} else if (p->done * 10 / p->total > before) {
		printf("  … %s: %zu of %zu\n", p->what, p->done, p->total);
	}
	fflush(stdout);
}

void output_progress_end(const struct output_progress *p)
{
	if (is_shown(p)) {
		printf("\r\033[K");
		fflush(stdout);
	}
}
