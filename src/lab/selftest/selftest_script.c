// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/selftest/selftest_script.h"

#define CALL "start_test"

void selftest_copy_text(char *to, size_t size, const void *from, size_t len)
{
	const unsigned char *p = from;
	size_t n = MIN(len, size - 1);

	for (size_t i = 0; i < n; i++)
		to[i] = (char)(p[i] >= ' ' && p[i] <= '~' ? p[i] : '?');
	to[n] = 0;
}

/* What follows the word start_test on its line, or NULL if the line is no call. The function's own
 * definition ("function start_test {") begins with another word. */
static const char *call_argument(const char *line)
{
	line += strspn(line, " \t");
	if (!str_has_prefix(line, CALL))
		return NULL;
	line += strlen(CALL);
	return *line == ' ' || *line == '\t' ? line + strspn(line, " \t") : NULL;
}

int selftest_script_read(const char *text, struct selftest_script *ret, struct error *err)
{
	size_t number = 1;

	ret->n = 0;
	for (const char *line = text; *line; number++) {
		const char *name = call_argument(line), *end = NULL;

		line += strcspn(line, "\n");
		if (name && (*name == '"' || *name == '\''))
			end = memchr(name + 1, *name, (size_t)(line - name - 1));
		line += *line == '\n';
		if (!name)
			continue;
		if (!end)
			return error_set(err, ERR_INVALID, "line %zu: " CALL " without a name",
					 number);
		if (ret->n == SELFTEST_TESTS_MAX)
			return error_set(err, ERR_TOO_LARGE, "more than %d tests",
					 SELFTEST_TESTS_MAX);
		selftest_copy_text(ret->tests[ret->n++], SELFTEST_TEXT_MAX, name + 1,
				   (size_t)(end - name - 1));
	}
	return 0;
}
