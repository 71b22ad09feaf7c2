// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/selftest/selftest_judge.h"

#include <stdio.h>

static void name_case(const char *script, size_t number, const char *test,
		      char ret[static TRIAL_NAME_MAX])
{
	int n = snprintf(ret, TRIAL_NAME_MAX, "%.16s-%02zu", script, number);
	size_t len = (size_t)n;

	for (const char *p = test; *p && len < TRIAL_NAME_MAX - 1; p++) {
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
			if (p == test)
				ret[len++] = '-';
			if (len < TRIAL_NAME_MAX - 1)
				ret[len++] = c;
		} else if (ret[len - 1] != '-') {
			ret[len++] = '-';
		}
	}
	len -= ret[len - 1] == '-';
	ret[len] = 0;
}

static void fail(struct trial_case *c, enum trial_cause cause, const char *message)
{
	c->run.verdict = VERDICT_FAIL;
	c->run.cause = cause;
	snprintf(c->run.message, sizeof(c->run.message), "%s", message);
}

/* What the functions that the scripts share say when they give up. */
static enum trial_cause cause_of(const struct selftest_output *output)
{
	static const struct {
		const char *text;
		enum trial_cause cause;
	} reasons[] = {
		{ "failed to complete transition", CAUSE_STUCK },
		{ "failed to disable livepatch", CAUSE_STUCK },
		{ "could not insert", CAUSE_REFUSED },
		{ "unexpectedly loaded", CAUSE_ACCEPTED },
		{ "SKIP: ", CAUSE_LAB },
		{ "skip all tests: ", CAUSE_LAB },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strstr(output->reason, reasons[i].text))
			return reasons[i].cause;
	return CAUSE_WRONG_DATA;
}

/* A script that did not come to an end of its own, or a test that did not end well. */
static void fail_case(struct trial_case *c, const char *what, const struct selftest_output *output,
		      const struct selftest_end *end)
{
	char message[ERROR_MESSAGE_MAX];

	if (end->cause != CAUSE_NONE)
		snprintf(message, sizeof(message), "%.200s: %.700s", what, end->message);
	else if (end->timed_out)
		snprintf(message, sizeof(message), "%.200s: the script did not end in %lld s", what,
			 (long long)(end->ms / 1000));
	else
		snprintf(message, sizeof(message), "%.200s: the script ended with status %d%s%s",
			 what, end->status, output->reason[0] ? ": " : "", output->reason);
	fail(c,
	     end->cause != CAUSE_NONE ? end->cause
	     : end->timed_out         ? CAUSE_HANG
				      : cause_of(output),
	     message);
}

static void judge_test(struct trial_case *c, const char *test, size_t i,
		       const struct selftest_output *output, const struct selftest_end *end)
{
	const struct selftest_seen *seen = i < output->n ? &output->tests[i] : NULL;
	char message[ERROR_MESSAGE_MAX];

	snprintf(c->run.message, sizeof(c->run.message), "%s", test);
	if (!seen) {
		fail_case(c, "did not begin", output, end);
		return;
	}
	c->run.ms = MAX(seen->end_ms - seen->begin_ms, (int64_t)0);
	if (!strchr(test, '$') && !streq(test, seen->name)) {
		snprintf(message, sizeof(message), "'%s' was announced in the place of '%s'",
			 seen->name, test);
		fail(c, CAUSE_LAB, message);
	} else if (seen->result == SELFTEST_NOT_OK) {
		fail_case(c, "not ok", output, end);
	} else if (seen->result == SELFTEST_OPEN) {
		fail_case(c, "did not end", output, end);
	}
	if (c->run.verdict == VERDICT_FAIL)
		snprintf(c->excerpt, sizeof(c->excerpt), "%s", output->excerpt);
}

static bool more_failed(const struct selftest_script *script, const struct selftest_output *output)
{
	for (size_t i = script->n; i < output->n; i++)
		if (output->tests[i].result != SELFTEST_OK)
			return true;
	return output->beyond > 0;
}

bool selftest_judge(const char *name, const struct selftest_script *script,
		    const struct selftest_output *output, const struct selftest_end *end,
		    struct trial *trial)
{
	bool passed = true;

	for (size_t i = 0; i < script->n && trial->n < TRIAL_CASES_MAX; i++) {
		struct trial_case *c = &trial->cases[trial->n++];
		bool last = i + 1 == script->n;

		*c = (struct trial_case){ .run.verdict = VERDICT_PASS };
		name_case(name, i + 1, script->tests[i], c->name);
		judge_test(c, script->tests[i], i, output, end);
		if (last && c->run.verdict == VERDICT_PASS && more_failed(script, output))
			fail_case(c, "a test that the script does not hold", output, end);
		if (last && c->run.verdict == VERDICT_PASS &&
		    (end->status != 0 || end->timed_out || end->cause != CAUSE_NONE))
			fail_case(c, "after its last test", output, end);
		passed = passed && c->run.verdict == VERDICT_PASS;
	}
	return passed;
}
