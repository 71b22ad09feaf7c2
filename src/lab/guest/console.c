// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/console.h"

#include <stdio.h>

#include "base/macro.h"

#define EXCERPT_LINES 40

struct mark {
	const char *text;
	enum console_verdict verdict;
};

/* Each at the start of the message, which may follow a time stamp. */
static const struct mark marks[] = {
	{ "Kernel panic - not syncing", CONSOLE_PANIC },
	{ "BUG: ", CONSOLE_OOPS },
	{ "Oops: ", CONSOLE_OOPS },
	{ "Oops[", CONSOLE_OOPS },
	{ "general protection fault", CONSOLE_OOPS },
	{ "kernel BUG at ", CONSOLE_OOPS },
	{ "invalid opcode: ", CONSOLE_OOPS },
	{ "int3: ", CONSOLE_OOPS },
	{ "divide error: ", CONSOLE_OOPS },
	{ "stack segment: ", CONSOLE_OOPS },
	{ "traps: PANIC: ", CONSOLE_PANIC },
	{ "watchdog: BUG: ", CONSOLE_OOPS },
	{ "watchdog: Watchdog detected hard LOCKUP", CONSOLE_OOPS },
	{ "NMI watchdog: Watchdog detected hard LOCKUP", CONSOLE_OOPS },
	{ "Watchdog detected hard LOCKUP", CONSOLE_OOPS },
	{ "Unable to handle kernel", CONSOLE_OOPS },
	{ "double fault: ", CONSOLE_PANIC },
	{ "WARNING: ", CONSOLE_WARNING },
	{ "Unpatched return thunk", CONSOLE_WARNING },
	{ "unchecked MSR access error", CONSOLE_WARNING },
	{ "rcu: INFO: rcu_", CONSOLE_WARNING },
	{ "INFO: rcu_", CONSOLE_WARNING },
	{ "INFO: task ", CONSOLE_WARNING },
	{ "INFO: possible recursive locking", CONSOLE_WARNING },
	{ "UBSAN: ", CONSOLE_WARNING },
	{ "list_add corruption", CONSOLE_OOPS },
	{ "list_del corruption", CONSOLE_OOPS },
	{ "refcount_t: ", CONSOLE_WARNING },
};

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

/* Skips "<4>" and "[   12.345678] " or "[   12.345678][  T123] ". */
static void skip_stamp(struct line *line)
{
	for (;;) {
		char open = line->len > 0 ? line->text[0] : 0;
		char close = open == '[' ? ']' : open == '<' ? '>' : 0;
		const char *end =
			close ? memchr(line->text, close, MIN(line->len, (size_t)24)) : NULL;
		size_t skip = end ? (size_t)(end - line->text) + 1 : 0;

		/* A stamp holds digits; "<TASK>" and "[end]" are text. */
		if (skip < 3 || strspn(line->text + 1, " .0123456789T") + 2 != skip)
			break;
		while (skip < line->len && line->text[skip] == ' ')
			skip++;
		line->text += skip;
		line->len -= skip;
	}
}

static bool starts_with(const struct line *line, const char *text)
{
	size_t n = strlen(text);

	return line->len >= n && memcmp(line->text, text, n) == 0;
}

static enum console_verdict judge(struct line line)
{
	skip_stamp(&line);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (starts_with(&line, marks[i].text))
			return marks[i].verdict;
	return CONSOLE_CLEAN;
}

static bool ends_report(struct line line)
{
	skip_stamp(&line);
	return starts_with(&line, "---[ end ");
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
		if (ends_report(line))
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
		enum console_verdict verdict = judge(line);

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
		const char *start = line.text;

		skip_stamp(&line);
		if (starts_with(&line, text)) {
			cut_excerpt(start, end, ret);
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

	if (next_line(report->excerpt, report->excerpt + strlen(report->excerpt), &line))
		skip_stamp(&line);
	snprintf(ret, size, "%.*s", (int)MIN(line.len, size), line.text);
}
