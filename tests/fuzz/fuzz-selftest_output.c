// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/macro.h"
#include "lab/selftest/selftest_judge.h"

static const struct selftest_script script = { .tests = { "a", "b" }, .n = 2 };

static void check_text(const char *text, size_t size)
{
	if (strnlen(text, size) == size)
		abort();
	for (; *text; text++)
		if (*text != '\n' && (*text < ' ' || *text > '~'))
			abort();
}

/* In two pieces, as it may come: the first byte says where it is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct selftest_output output;
	static struct trial trial;
	size_t cut = len > 0 ? MIN((size_t)data[0], len) : 0;

	output = (struct selftest_output){ 0 };
	trial = (struct trial){ 0 };
	selftest_output_feed(&output, data, cut, 1);
	selftest_output_feed(&output, data + cut, len - cut, 2);
	selftest_output_end(&output, 3);
	if (output.n > SELFTEST_TESTS_MAX)
		abort();
	for (size_t i = 0; i < output.n; i++) {
		check_text(output.tests[i].name, SELFTEST_TEXT_MAX);
		if (output.tests[i].end_ms < output.tests[i].begin_ms)
			abort();
	}
	check_text(output.reason, sizeof(output.reason));
	check_text(output.excerpt, sizeof(output.excerpt));
	bool passed = selftest_judge("x", &script, &output, &(struct selftest_end){ 0 }, &trial);

	if (passed && (output.n < 2 || output.tests[0].result != SELFTEST_OK))
		abort();
	return 0;
}
