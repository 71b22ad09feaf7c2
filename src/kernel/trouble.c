/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/trouble.h"

/* Fewer are an error code or an identity. */
#define ADDRESS_DIGITS 8

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

/* What die() and its like are given, in arch/x86/kernel/traps.c and arch/x86/mm/fault.c of 6.1 and
 * 6.12; from 6.12 on "Oops: " comes before each. */
static const char *const deaths[] = {
	"Oops: ",
	"general protection fault",
	"segment-related general protection fault",
	"invalid opcode: ",
	"divide error: ",
	"overflow: ",
	"bounds: ",
	"int3: ",
	"invalid TSS: ",
	"segment not present: ",
	"stack segment: ",
	"stack guard page: ",
	"alignment check: ",
	"double fault: ",
	"Bad pagetable: ",
	"fpu exception: ",
	"simd exception: ",
	"iret exception: ",
	"coprocessor segment overrun: ",
	"unexpected #NM exception: ",
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

static bool line_ends(const struct kernel_line *line, const char *text)
{
	size_t n = strlen(text);

	return line->len >= n && memcmp(line->text + line->len - n, text, n) == 0;
}

bool kernel_line_ends_report(struct kernel_line line)
{
	kernel_line_skip_stamp(&line);
	return kernel_line_starts(&line, "---[ end ") && line_ends(&line, " ]---");
}

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS  "abcdefghijklmnopqrstuvwxyz" CAPITALS
#define DIGITS   "0123456789"
#define HEX      DIGITS "abcdef"

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

/* ": 0002 [#1] PREEMPT SMP NOPTI" to the line's end */
static bool is_death_end(struct kernel_line line)
{
	if (!skip_text(&line, ": ") || span(&line, HEX) != 4)
		return false;
	skip(&line, 4);
	if (!skip_text(&line, " [#") || span(&line, DIGITS) == 0)
		return false;
	skip(&line, span(&line, DIGITS));
	if (!skip_text(&line, "]"))
		return false;
	return span(&line, CAPITALS "_ ") == line.len;
}

/*
 * The line that __die_header() prints, and nothing else does: a program's name can be at the
 * beginning of a line, and a file's at its end, but nobody's words are at both.
 */
static bool is_death(struct kernel_line line)
{
	bool named = false;

	kernel_line_skip_stamp(&line);
	for (size_t i = 0; i < ARRAY_SIZE(deaths) && !named; i++)
		named = kernel_line_starts(&line, deaths[i]);
	for (; named && line.len > 0; skip(&line, 1))
		if (is_death_end(line))
			return true;
	return false;
}

enum kernel_trouble kernel_line_judge(struct kernel_line line)
{
	kernel_line_skip_stamp(&line);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (kernel_line_starts(&line, marks[i].text))
			return marks[i].trouble;
	return is_death(line) ? KERNEL_TROUBLE_OOPS : KERNEL_TROUBLE_NONE;
}

/* Registers of the kernel's own, also where they point to no code. */
static bool is_kernel_rip(struct kernel_line line)
{
	kernel_line_skip_stamp(&line);
	return kernel_line_starts(&line, "RIP: 0010:");
}

/* "---[ end trace 0123456789abcdef ]---", which is the end of WARN() and of die(). */
static bool is_trace_end(struct kernel_line line)
{
	kernel_line_skip_stamp(&line);
	if (!skip_text(&line, "---[ end trace ") || span(&line, HEX) != 16)
		return false;
	skip(&line, 16);
	return line.len == strlen(" ]---") && line_ends(&line, " ]---");
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

/* How long a run of digits is that may be an address in the kernel; 0: there is none here. */
static size_t address_span(struct kernel_line line)
{
	size_t prefix = kernel_line_starts(&line, "0x") ? 2 : 0, n;

	skip(&line, prefix);
	n = span(&line, HEX "ABCDEF");
	return n >= ADDRESS_DIGITS ? prefix + n : 0;
}

static void set_headline(struct kernel_report *report, struct kernel_line line)
{
	size_t n = 0;

	kernel_line_skip_stamp(&line);
	while (line.len > 0 && n + 4 < sizeof(report->headline)) {
		size_t address = address_span(line);
		char c = line.text[0];

		/* Anybody may read the status, and so learn where the kernel is. */
		if (address > 0) {
			memcpy(report->headline + n, "...", 3);
			n += 3;
			skip(&line, address);
			continue;
		}
		report->headline[n++] = c >= ' ' && c <= '~' ? c : '?';
		skip(&line, 1);
	}
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

	if (open && reporter->death && reporter->rip && reporter->end)
		reporter->report.trouble = KERNEL_TROUBLE_OOPS;
	reporter->open = false;
	return open;
}

static void begin_report(struct kernel_reporter *reporter, struct kernel_line line)
{
	*reporter = (struct kernel_reporter){ .open = true };
	set_headline(&reporter->report, line);
}

/* Notes what only a whole oops has all of. */
static void note_proof(struct kernel_reporter *reporter, struct kernel_line line)
{
	reporter->death |= is_death(line);
	reporter->rip |= reporter->death && is_kernel_rip(line);
	reporter->end |= reporter->rip && is_trace_end(line);
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
		begin_report(reporter, line);
	} else if (kernel_line_starts(&text, "------------[ cut here ]")) {
		return kernel_reporter_flush(reporter);
	} else if (!reporter->death && report->has_place && is_death(line)) {
		/* What was before has no end of its own: a trace comes after this line. */
		begin_report(reporter, line);
	}
	report->lines++;
	note_proof(reporter, line);
	if (trouble >= KERNEL_TROUBLE_OOPS)
		trouble = KERNEL_TROUBLE_WARNING;
	report->trouble = MAX(report->trouble, trouble);
	if (kernel_line_place(line, &place))
		note_place(report, &place);
	if (kernel_line_ends_report(line) || report->lines == KERNEL_REPORT_LINES_MAX)
		return kernel_reporter_flush(reporter);
	return false;
}
