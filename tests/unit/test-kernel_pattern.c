/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "lab/matrix/kernel_pattern.h"

/* Newest first, as apt_offered_kernels() gives them. */
static const struct apt_kernel offered[] = {
	{ .release = "6.12.117+deb12-rt-amd64" },    { .release = "6.12.117+deb12-cloud-amd64" },
	{ .release = "6.12.115+deb12-cloud-amd64" }, { .release = "6.1.0-56-rt-amd64" },
	{ .release = "6.1.0-56-cloud-amd64" },       { .release = "6.1.0-56-amd64" },
	{ .release = "6.1.0-55-cloud-amd64" },       { .release = "6.1.0-55-amd64" },
};

/* One letter a kernel: 'x' chosen. */
static void chooses(const char *text, const char *expected)
{
	bool chosen[ARRAY_SIZE(offered)] = { false };
	char seen[ARRAY_SIZE(offered) + 1] = "";
	struct kernel_pattern p;
	struct error err = { 0 };
	size_t n = 0;

	assert_ok(kernel_pattern_parse(text, &p, &err), &err);
	size_t said = kernel_pattern_choose(&p, offered, ARRAY_SIZE(offered), chosen);

	for (size_t i = 0; i < ARRAY_SIZE(offered); i++) {
		seen[i] = chosen[i] ? 'x' : '-';
		n += chosen[i];
	}
	assert_string_equal(seen, expected);
	assert_int_equal(said, n);
}

static void patterns_mean_kernels(void **state)
{
	(void)state;
	chooses("*", "xxxxxxxx");
	chooses("*/*", "xxxxxxxx");
	chooses("6.1/*", "---xxxxx");
	chooses("6.12/*", "xxx-----");
	chooses("6.1/amd64", "-----x-x");
	chooses("*/rt-amd64", "x--x----");
	chooses("newest:*", "xx-xxx--");
	chooses("newest:6.12/cloud-amd64", "-x------");
	chooses("newest:6.1/*", "---xxx--");
	chooses("6.1.0-55-cloud-amd64", "------x-");
	chooses("6.1.0-54-cloud-amd64", "--------");
	chooses("6.13/*", "--------");
}

static void others_are_refused(void **state)
{
	static const char *const texts[] = { "",        "6.1",     "/",
					     "6.1/",    "/amd64",  "newest:",
					     "6/amd64", "6.1/AMD", "6.1//",
					     "6.1/-x",  "6.1.0/*", "newest:6.1.0-55-amd64",
					     "../x",    "linux",   "6.1/a b",
					     "**",      "6.1.0-*", "6.1/*/*",
					     "-6.1/*",  "6.1/a/b", "newest:newest:*" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct kernel_pattern p;
		struct error err = { 0 };

		if (kernel_pattern_parse(texts[i], &p, &err) != ERR_INVALID)
			fail_msg("'%s' was taken", texts[i]);
		assert_non_null(strstr(err.hint, "the forms are"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_mean_kernels),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests_name("kernel_pattern", tests, NULL, NULL);
}
