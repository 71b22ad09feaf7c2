/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/trouble.h"

struct mark {
	const char *text;
	enum kernel_trouble trouble;
};

/* Each at the start of the message, which may follow a time stamp. */
static const struct mark marks[] = {
	{ "Kernel panic - not syncing", KERNEL_TROUBLE_PANIC },
	{ "BUG: ", KERNEL_TROUBLE_OOPS },
	{ "Oops: ", KERNEL_TROUBLE_OOPS },
	{ "Oops[", KERNEL_TROUBLE_OOPS },
	{ "general protection fault", KERNEL_TROUBLE_OOPS },
	{ "kernel BUG at ", KERNEL_TROUBLE_OOPS },
	{ "invalid opcode: ", KERNEL_TROUBLE_OOPS },
	{ "int3: ", KERNEL_TROUBLE_OOPS },
	{ "divide error: ", KERNEL_TROUBLE_OOPS },
	{ "stack segment: ", KERNEL_TROUBLE_OOPS },
	{ "traps: PANIC: ", KERNEL_TROUBLE_PANIC },
	{ "watchdog: BUG: ", KERNEL_TROUBLE_LOCKUP },
	{ "watchdog: Watchdog detected hard LOCKUP", KERNEL_TROUBLE_LOCKUP },
	{ "NMI watchdog: Watchdog detected hard LOCKUP", KERNEL_TROUBLE_LOCKUP },
	{ "Watchdog detected hard LOCKUP", KERNEL_TROUBLE_LOCKUP },
	{ "Unable to handle kernel", KERNEL_TROUBLE_OOPS },
	{ "double fault: ", KERNEL_TROUBLE_PANIC },
	{ "WARNING: ", KERNEL_TROUBLE_WARNING },
	{ "Unpatched return thunk", KERNEL_TROUBLE_WARNING },
	{ "unchecked MSR access error", KERNEL_TROUBLE_WARNING },
	{ "rcu: INFO: rcu_", KERNEL_TROUBLE_WARNING },
	{ "INFO: rcu_", KERNEL_TROUBLE_WARNING },
	{ "INFO: task ", KERNEL_TROUBLE_WARNING },
	{ "INFO: possible recursive locking", KERNEL_TROUBLE_WARNING },
	{ "UBSAN: ", KERNEL_TROUBLE_WARNING },
	{ "list_add corruption", KERNEL_TROUBLE_OOPS },
	{ "list_del corruption", KERNEL_TROUBLE_OOPS },
	{ "refcount_t: ", KERNEL_TROUBLE_WARNING },
};

const char *kernel_trouble_name(enum kernel_trouble trouble)
{
	static const char *const names[] = {
		[KERNEL_TROUBLE_NONE] = "none",     [KERNEL_TROUBLE_WARNING] = "warning",
		[KERNEL_TROUBLE_LOCKUP] = "lockup", [KERNEL_TROUBLE_OOPS] = "oops",
		[KERNEL_TROUBLE_PANIC] = "panic",
	};

	return names[trouble];
}

static void skip(struct kernel_line *line, size_t n)
{
	line->text += n;
	line->len -= n;
}

static void skip_spaces(struct kernel_line *line)
{
	while (line->len > 0 && line->text[0] == ' ')
		skip(line, 1);
}

/* How many of the first bytes are among `set`. */
static size_t span(const struct kernel_line *line, const char *set)
{
	size_t n = 0;

	while (n < line->len && line->text[n] && strchr(set, line->text[n]))
		n++;
	return n;
}

void kernel_line_skip_stamp(struct kernel_line *line)
{
	while (line->len > 0) {
		char open = line->text[0];
		char close = open == '[' ? ']' : open == '<' ? '>' : 0;
		struct kernel_line inner = { line->text + 1, line->len - 1 };
		size_t n;

		if (!close)
			break;
		/* A stamp holds digits; "<TASK>" and "[end]" are text. */
		n = span(&inner, " .0123456789T");
		if (n == 0 || n > 22 || n == inner.len || inner.text[n] != close)
			break;
		skip(line, n + 2);
		skip_spaces(line);
	}
}

bool kernel_line_starts(const struct kernel_line *line, const char *text)
{
	size_t n = strlen(text);

	return line->len >= n && memcmp(line->text, text, n) == 0;
}

enum kernel_trouble kernel_line_judge(struct kernel_line line)
{
	kernel_line_skip_stamp(&line);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (kernel_line_starts(&line, marks[i].text))
			return marks[i].trouble;
	return KERNEL_TROUBLE_NONE;
}

bool kernel_line_ends_report(struct kernel_line line)
{
	kernel_line_skip_stamp(&line);
	return kernel_line_starts(&line, "---[ end ");
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

/* Takes the `n` first bytes into a field of `size` bytes, as many as fit. */
static void take(struct kernel_line *line, size_t n, char *ret, size_t size)
{
	size_t kept = MIN(n, size - 1);

	memcpy(ret, line->text, kept);
	ret[kept] = 0;
	skip(line, n);
}

/* "0x1f" */
static bool skip_hex(struct kernel_line *line)
{
	size_t n;

	if (!kernel_line_starts(line, "0x"))
		return false;
	skip(line, 2);
	n = span(line, DIGITS "abcdef");
	skip(line, n);
	return n > 0;
}

static bool skip_text(struct kernel_line *line, const char *text)
{
	if (!kernel_line_starts(line, text))
		return false;
	skip(line, strlen(text));
	return true;
}

/* symbol+0x10/0x20 [module], or with its build ID [module 0123…], and nothing behind it */
static bool parse_place(struct kernel_line line, struct kernel_place *ret)
{
	struct kernel_place place = { .rip = ret->rip };
	size_t n = span(&line, LETTERS DIGITS "_.$");

	if (n == 0)
		return false;
	take(&line, n, place.symbol, sizeof(place.symbol));
	if (!skip_text(&line, "+") || !skip_hex(&line) || !skip_text(&line, "/") ||
	    !skip_hex(&line))
		return false;
	if (skip_text(&line, " [")) {
		n = span(&line, LETTERS DIGITS "_-");
		if (n == 0)
			return false;
		take(&line, n, place.module, sizeof(place.module));
		skip_spaces(&line);
		skip(&line, span(&line, DIGITS "abcdef"));
		if (!skip_text(&line, "]"))
			return false;
	}
	skip_spaces(&line);
	if (line.len > 0)
		return false;
	*ret = place;
	return true;
}

bool kernel_line_place(struct kernel_line line, struct kernel_place *ret)
{
	*ret = (struct kernel_place){ 0 };
	kernel_line_skip_stamp(&line);
	skip_spaces(&line);
	/* Segment 10 is the kernel's; 33 is a program's, where no symbol is known. */
	if (skip_text(&line, "RIP: 0010:"))
		ret->rip = true;
	return parse_place(line, ret);
}

static void set_headline(struct kernel_report *report, struct kernel_line line)
{
	size_t n;

	kernel_line_skip_stamp(&line);
	n = MIN(line.len, sizeof(report->headline) - 1);
	for (size_t i = 0; i < n; i++)
		report->headline[i] =
			line.text[i] >= ' ' && line.text[i] <= '~' ? line.text[i] : '?';
	report->headline[n] = 0;
}

static void note_place(struct kernel_report *report, const struct kernel_place *place)
{
	report->has_place = true;
	if (place->rip && !report->rip.symbol[0])
		report->rip = *place;
	if (!report->in_livepatch && str_has_prefix(place->module, KERNEL_REPORT_OURS)) {
		report->in_livepatch = true;
		report->where = *place;
	}
}

bool kernel_reporter_flush(struct kernel_reporter *reporter)
{
	bool open = reporter->open;

	reporter->open = false;
	return open;
}

bool kernel_reporter_take(struct kernel_reporter *reporter, struct kernel_line line)
{
	struct kernel_report *report = &reporter->report;
	enum kernel_trouble trouble = kernel_line_judge(line);
	struct kernel_line text = line;
	struct kernel_place place;

	kernel_line_skip_stamp(&text);
	if (!reporter->open) {
		if (trouble == KERNEL_TROUBLE_NONE)
			return false;
		*reporter = (struct kernel_reporter){ .open = true };
		set_headline(report, line);
	} else if (kernel_line_starts(&text, "------------[ cut here ]")) {
		return kernel_reporter_flush(reporter);
	}
	report->lines++;
	report->trouble = MAX(report->trouble, trouble);
	if (kernel_line_place(line, &place))
		note_place(report, &place);
	if (kernel_line_ends_report(line) || report->lines == KERNEL_REPORT_LINES_MAX)
		return kernel_reporter_flush(reporter);
	return false;
}
