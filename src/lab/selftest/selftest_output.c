// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/selftest/selftest_output.h"

#define TEST "TEST: "
#define DOTS " ... "

static struct selftest_seen *last_test(struct selftest_output *o)
{
	return o->n > 0 && o->beyond == 0 ? &o->tests[o->n - 1] : NULL;
}

static void end_test(struct selftest_output *o, enum selftest_result result, int64_t now_ms)
{
	struct selftest_seen *test = last_test(o);

	if (!test || test->result != SELFTEST_OPEN)
		return;
	test->result = result;
	test->end_ms = now_ms;
}

static bool all_ok(const struct selftest_output *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->tests[i].result != SELFTEST_OK)
			return false;
	return true;
}

static void begin_test(struct selftest_output *o, const char *name, size_t len)
{
	struct selftest_seen *before = last_test(o);

	if (before && before->result == SELFTEST_OPEN)
		before->end_ms = o->line_ms;
	if (all_ok(o))
		o->used = 0;
	if (o->n == SELFTEST_TESTS_MAX) {
		o->beyond++;
		return;
	}
	struct selftest_seen *test = &o->tests[o->n++];

	*test = (struct selftest_seen){ .begin_ms = o->line_ms, .end_ms = o->line_ms };
	selftest_copy_text(test->name, sizeof(test->name), name, len);
}

static void take_reason(struct selftest_output *o)
{
	static const char *const words[] = { "ERROR: ", "SKIP: ", "skip all tests: " };

	for (size_t i = 0; i < ARRAY_SIZE(words) && !o->reason[0]; i++) {
		const char *at = strstr(o->line, words[i]);

		if (at)
			selftest_copy_text(o->reason, sizeof(o->reason), at, strlen(at));
	}
}

static void add_excerpt(struct selftest_output *o)
{
	size_t n = MIN(o->len, sizeof(o->excerpt) - 2 - MIN(o->used, sizeof(o->excerpt) - 2));

	memcpy(o->excerpt + o->used, o->line, n);
	o->used += n;
	if (o->used < sizeof(o->excerpt) - 1)
		o->excerpt[o->used++] = '\n';
	o->excerpt[o->used] = 0;
}

/* A command within a test may print too, so that the verdict stands on a later line alone. */
static void take_line(struct selftest_output *o, int64_t now_ms)
{
	const char *verdict = o->line;

	o->line[o->len] = 0;
	if (str_has_prefix(o->line, TEST)) {
		const char *name = o->line + strlen(TEST), *dots = NULL;

		for (const char *at = name; (at = strstr(at, DOTS)) != NULL; at++)
			dots = at;
		begin_test(o, name, dots ? (size_t)(dots - name) : strlen(name));
		verdict = dots ? dots + strlen(DOTS) : "";
	}
	take_reason(o);
	add_excerpt(o);
	if (streq(verdict, "ok"))
		end_test(o, SELFTEST_OK, now_ms);
	else if (streq(verdict, "not ok"))
		end_test(o, SELFTEST_NOT_OK, now_ms);
	o->len = 0;
}

void selftest_output_feed(struct selftest_output *output, const void *data, size_t len,
			  int64_t now_ms)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\n') {
			take_line(output, now_ms);
			continue;
		}
		if (output->len == 0)
			output->line_ms = now_ms;
		if (output->len < sizeof(output->line) - 1)
			output->line[output->len++] =
				(char)(p[i] >= ' ' && p[i] <= '~' ? p[i] : '?');
	}
}

void selftest_output_end(struct selftest_output *output, int64_t now_ms)
{
	if (output->len > 0)
		take_line(output, now_ms);
	struct selftest_seen *test = last_test(output);

	if (test && test->result == SELFTEST_OPEN)
		test->end_ms = now_ms;
}
