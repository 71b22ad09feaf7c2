// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/case_judge.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"

/* TAINT_OOT_MODULE, TAINT_UNSIGNED_MODULE, TAINT_LIVEPATCH (include/linux/panic.h): what any
 * livepatch of ours brings. */
#define TAINTS_EXPECTED ((uint64_t)1 << 12 | (uint64_t)1 << 13 | (uint64_t)1 << 15)
#define TRACE_MS        10000

static void set(struct trial_outcome *ret, enum trial_cause cause, const char *format, ...)
	_printf_(3, 4);

static void set(struct trial_outcome *ret, enum trial_cause cause, const char *format, ...)
{
	va_list ap;

	ret->verdict = VERDICT_FAIL;
	ret->cause = cause;
	va_start(ap, format);
	vsnprintf(ret->message, sizeof(ret->message), format, ap);
	va_end(ap);
}

/* A report that a task does not come on is a hang, whatever the kernel calls it. */
static bool is_stall(const char *headline)
{
	static const char *const texts[] = { "soft lockup", "hard LOCKUP", "blocked for more than",
					     "stall" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strstr(headline, texts[i]))
			return true;
	return false;
}

/* Puts into the case what every processor does: of the log, what each but the one that asked had
 * to tell ("skipped" where it does nothing), and what follows `first`. */
static void cut_processors(const struct buf *log, const char *first, struct trial_case *c)
{
	char asked[CONSOLE_EXCERPT_MAX], others[CONSOLE_EXCERPT_MAX];

	console_cut(log->data, log->len, first, asked);
	console_cut(log->data, log->len, "Sending NMI from CPU", others);
	if (!strstr(others, "RIP: "))
		snprintf(c->excerpt, sizeof(c->excerpt), "%s", asked);
	else
		snprintf(c->excerpt, sizeof(c->excerpt), "%.*s\n%.*s", CONSOLE_EXCERPT_MAX / 2,
			 others, CONSOLE_EXCERPT_MAX / 2 - 2, asked);
}

/* The guest does not answer: asks it, by an interrupt that cannot be masked, where it is. That ends
 * it. */
static void cut_silence(struct trial_guest *t, struct trial_case *c)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);

	if (guest_hang_trace(t->guest, TRACE_MS, NULL) == 0 &&
	    guest_console_from(t->guest, t->console, &log, NULL) == 0)
		cut_processors(&log, "Kernel panic", c);
}

static void judge_end(struct trial_guest *t, const struct console_report *report,
		      struct trial_outcome *ret)
{
	char line[256];
	enum guest_end end = guest_end(t->guest);

	console_headline(report, line, sizeof(line));
	if (report->verdict == CONSOLE_PANIC ||
	    (end == GUEST_RESET && report->verdict != CONSOLE_CLEAN))
		set(ret, CAUSE_PANIC, "%s", line);
	else if (end == GUEST_TRIPLE_FAULT)
		set(ret, CAUSE_TRIPLE_FAULT,
		    "the processor was reset without a word of the kernel");
	else
		set(ret, CAUSE_LAB, "the guest has ended: %s", guest_end_name(end));
}

/* Something did not end, though the guest answers: which tasks wait in the kernel, and what do the
 * other processors do? The kernel prints what an NMI found after the command's end, in order: once
 * the mark is there, all is. */
static void cut_blocked(struct trial_guest *t, struct trial_case *c)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
	char mark[48], script[160];
	const char *argv[] = { "sh", "-c", script, NULL };

	snprintf(mark, sizeof(mark), "suture-lab: told after %zu", guest_console_size(t->guest));
	snprintf(script, sizeof(script),
		 "echo w >/proc/sysrq-trigger; echo l >/proc/sysrq-trigger; echo '%s' >/dev/kmsg",
		 mark);
	if (guest_run_simple(t->guest, argv, TRIAL_COMMAND_MS, NULL, NULL) < 0 ||
	    guest_wait_console(t->guest, mark, TRIAL_COMMAND_MS, NULL) < 0) {
		/* One processor that hangs soon holds up the others. */
		cut_silence(t, c);
		return;
	}
	if (guest_console_from(t->guest, t->console, &log, NULL) == 0)
		cut_processors(&log, "sysrq: Show Blocked State", c);
}

/* The first line that begins with a mark, without it; false if there is none. */
static bool find_line(const char *said, const char *mark, char *ret, size_t size)
{
	for (const char *at = said; at && *at; at = strchr(at, '\n'), at += at != NULL)
		if (str_has_prefix(at, mark)) {
			at += strlen(mark);
			snprintf(ret, size, "%.*s", (int)MIN(strcspn(at, "\n"), size), at);
			return true;
		}
	return false;
}

/* All notes, with "; " between them. */
static void take_notes(const char *said, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = 0;
	for (const char *at = said; at && *at && n < size; at = strchr(at, '\n'), at += at != NULL)
		if (str_has_prefix(at, "@note ")) {
			int len = snprintf(ret + n, size - n, "%s%.*s", n > 0 ? "; " : "",
					   (int)MIN(strcspn(at + 6, "\n"), size), at + 6);

			n += len > 0 ? (size_t)len : 0;
		}
}

/* A message that came from the guest, fit for one line of a report. */
static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
			*text = '?';
}

/* False if the script said of no failure. */
static bool judge_script(const struct case_end *end, struct trial_outcome *ret)
{
	char line[ERROR_MESSAGE_MAX + 32];

	if (find_line(end->said, "@fail ", line, sizeof(line))) {
		size_t len = strcspn(line, " ");
		enum trial_cause cause = CAUSE_LAB;
		const char *message = line[len] ? line + len + 1 : "";

		line[len] = 0;
		if (trial_cause_from(line, &cause) < 0 || cause == CAUSE_NONE)
			cause = CAUSE_LAB;
		set(ret, cause, "%s", message);
		return true;
	}
	if (end->result.status == 0)
		return false;
	const char *last = end->said + strlen(end->said);

	while (last > end->said && last[-1] == '\n')
		last--;
	size_t len = 0;

	while (last > end->said && last[-1] != '\n') {
		last--;
		len++;
	}
	set(ret, CAUSE_LAB, "the case's script ended with status %d: %.*s", end->result.status,
	    (int)MIN(len, (size_t)600), last);
	return true;
}

static void judge_taints(struct trial_guest *t, struct trial_outcome *ret)
{
	static const char letters[] = "GFSRMBUDAWCIOELKXTNJ"; /* kernel/panic.c, taint_flags */
	char names[sizeof(letters)] = "";
	uint64_t now = 0;
	size_t n = 0;
	struct error err = { 0 };

	if (trial_guest_taints(t, &now, &err) < 0) {
		set(ret, CAUSE_LAB, "%s", err.message);
		return;
	}
	for (size_t bit = 0; bit < sizeof(letters) - 1; bit++)
		if ((now & ~t->taints & ~TAINTS_EXPECTED) >> bit & 1)
			names[n++] = bit == 0 ? 'P' : letters[bit];
	if (n > 0)
		set(ret, CAUSE_TAINT, "new taints %s (%" PRIu64 ")", names, now);
}

static void keep_log(struct trial_guest *t, const struct buf *log, struct trial_case *c)
{
	if (!t->o->logs)
		return;
	snprintf(c->log, sizeof(c->log), "%s.log", c->name);
	_cleanup_free_ char *path = path_join(t->o->logs, c->log, NULL);

	if (!path || file_write_atomic(path, log->data, log->len, 0644, NULL) < 0)
		c->log[0] = 0;
}

/* What the kernel's words and the script's end say. */
static void judge_held(struct trial_guest *t, const struct case_kind *kind,
		       const struct case_end *end, const struct console_report *report,
		       struct trial_case *c, struct trial_outcome *ret)
{
	char line[256];

	console_headline(report, line, sizeof(line));
	if (end->code == ERR_TIMEOUT) {
		/* An oops before the silence says more than where that left the processors. */
		if (report->verdict < CONSOLE_OOPS)
			cut_silence(t, c);
		set(ret, CAUSE_HANG, "the guest does not answer any more");
	} else if (end->code == ERR_BAD_STATE) {
		judge_end(t, report, ret);
	} else if (report->verdict >= CONSOLE_OOPS) {
		set(ret, is_stall(line) ? CAUSE_HANG : CAUSE_OOPS, "%s", line);
	} else if (end->code < 0) {
		set(ret, CAUSE_LAB, "%s", end->message);
	} else if (end->result.timed_out) {
		set(ret, CAUSE_HANG, "not done after %" PRId64 " s", ret->ms / 1000);
	} else if (!judge_script(end, ret) &&
		   find_line(end->said, "@skip ", ret->message, sizeof(ret->message))) {
		ret->verdict = VERDICT_SKIP;
	} else if (ret->verdict == VERDICT_PASS) {
		take_notes(end->said, ret->message, sizeof(ret->message));
		if (kind->judge)
			kind->judge(t, end->said, ret);
	}
	if (report->verdict == CONSOLE_WARNING &&
	    (ret->verdict != VERDICT_FAIL || ret->cause == CAUSE_LAB))
		set(ret, is_stall(line) ? CAUSE_HANG : CAUSE_WARNING, "%s", line);
	if (ret->verdict != VERDICT_FAIL)
		judge_taints(t, ret);
	if (ret->cause == CAUSE_HANG && !c->excerpt[0] && end->code != ERR_TIMEOUT)
		cut_blocked(t, c);
	clean(ret->message);
}

void case_judge(struct trial_guest *t, const struct case_kind *kind, const struct case_end *end,
		struct trial_case *c, struct trial_outcome *ret)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
	struct console_report report = { 0 };
	bool readable = false;

	ret->verdict = VERDICT_PASS;
	ret->cause = CAUSE_NONE;
	c->excerpt[0] = 0;
	if (guest_console_from(t->guest, t->console, &log, NULL) == 0) {
		console_classify(log.data, log.len, &report);
		snprintf(c->excerpt, sizeof(c->excerpt), "%s", report.excerpt);
		readable = true;
	}
	judge_held(t, kind, end, &report, c, ret);
	if (!readable && ret->verdict != VERDICT_FAIL)
		set(ret, CAUSE_LAB, "the console log cannot be read");
	buf_clear(&log);
	if (guest_console_from(t->guest, t->console, &log, NULL) == 0)
		keep_log(t, &log, c);
}

void case_keep_boot(struct trial_guest *t, struct trial_case *c)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
	struct console_report report = { 0 };

	c->excerpt[0] = 0;
	if (!t->guest || guest_console_from(t->guest, 0, &log, NULL) < 0)
		return;
	console_classify(log.data, log.len, &report);
	if (c->run.verdict == VERDICT_FAIL)
		snprintf(c->excerpt, sizeof(c->excerpt), "%s", report.excerpt);
	keep_log(t, &log, c);
}
