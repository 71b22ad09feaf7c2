// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/console.h"

#include <stdio.h>

#include "base/macro.h"
#include "kernel/trouble.h"

#define EXCERPT_LINES 40

/* One line without its end; `next` is where the following one starts. */
struct line {
	const char *text;
	size_t len;
	const char *next;
};

static bool next_line(const char *at, const char *end, struct line *ret)
{
	if (at >= end)
		return false;
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	size_t len = (size_t)((newline ? newline : end) - at);

	*ret = (struct line){ .text = at, .len = len, .next = newline ? newline + 1 : end };
	while (ret->len > 0 && ret->text[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static struct kernel_line text_of(const struct line *line)
{
	return (struct kernel_line){ line->text, line->len };
}

static enum console_verdict judge(const struct line *line)
{
	static const enum console_verdict verdicts[] = {
		[KERNEL_TROUBLE_NONE] = CONSOLE_CLEAN,
		[KERNEL_TROUBLE_WARNING] = CONSOLE_WARNING,
		/* A processor that does not come back for so long fails a case as a dead task does.
		 */
		[KERNEL_TROUBLE_LOCKUP] = CONSOLE_OOPS,
		[KERNEL_TROUBLE_OOPS] = CONSOLE_OOPS,
		[KERNEL_TROUBLE_PANIC] = CONSOLE_PANIC,
	};

	return verdicts[kernel_line_judge(text_of(line))];
}

static void cut_excerpt(const char *at, const char *end, char ret[static CONSOLE_EXCERPT_MAX])
{
	struct line line;
	size_t n = 0;

	for (int i = 0; i < EXCERPT_LINES && next_line(at, end, &line); i++, at = line.next) {
		if (n + line.len + 2 > CONSOLE_EXCERPT_MAX)
			break;
		for (size_t k = 0; k < line.len; k++) {
			char c = line.text[k];

			ret[n++] = c == '\t' || (c >= ' ' && c <= '~') ? c : '?';
		}
		ret[n++] = '\n';
		if (kernel_line_ends_report(text_of(&line)))
			break;
	}
	ret[n] = 0;
}

void console_classify(const void *log, size_t len, struct console_report *ret)
{
	const char *end = (const char *)log + len, *start = NULL;
	struct line line;

	*ret = (struct console_report){ .verdict = CONSOLE_CLEAN };
	for (const char *at = log; next_line(at, end, &line); at = line.next) {
		enum console_verdict verdict = judge(&line);

		ret->count += verdict != CONSOLE_CLEAN;
		/* A panic mostly follows from an oops before it: that is the place to look. */
		if (verdict > ret->verdict && ret->verdict < CONSOLE_OOPS)
			start = line.text;
		ret->verdict = MAX(ret->verdict, verdict);
	}
	if (start)
		cut_excerpt(start, end, ret->excerpt);
}

void console_cut(const void *log, size_t len, const char *text,
		 char ret[static CONSOLE_EXCERPT_MAX])
{
	const char *end = (const char *)log + len;
	struct line line;

	ret[0] = 0;
	for (const char *at = log; next_line(at, end, &line); at = line.next) {
		struct kernel_line message = text_of(&line);

		kernel_line_skip_stamp(&message);
		if (kernel_line_starts(&message, text)) {
			cut_excerpt(line.text, end, ret);
			return;
		}
	}
}

const char *console_verdict_name(enum console_verdict verdict)
{
	static const char *const names[] = { "clean", "warning", "oops", "panic" };

	return names[verdict];
}

void console_headline(const struct console_report *report, char *ret, size_t size)
{
	struct line line = { .text = "" };
	struct kernel_line message = { .text = "" };

	if (next_line(report->excerpt, report->excerpt + strlen(report->excerpt), &line))
		message = text_of(&line);
	kernel_line_skip_stamp(&message);
	snprintf(ret, size, "%.*s", (int)MIN(message.len, size), message.text);
}
