/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/release.h"

static void expect(const char *text, enum kernel_vendor vendor, unsigned int major,
		   unsigned int minor, unsigned int patch, const char *flavour)
{
	struct kernel_release r;

	assert_int_equal(kernel_release_parse(text, &r), 0);
	assert_int_equal(r.vendor, vendor);
	assert_int_equal(r.major, major);
	assert_int_equal(r.minor, minor);
	assert_int_equal(r.patch, patch);
	assert_string_equal(r.flavour, flavour);
}

static void releases(void **state)
{
	(void)state;
	expect("6.1.0-56-cloud-amd64", KERNEL_DEBIAN, 6, 1, 0, "cloud-amd64");
	expect("6.1.0-56-amd64", KERNEL_DEBIAN, 6, 1, 0, "amd64");
	expect("5.10.0-33-rt-amd64", KERNEL_DEBIAN, 5, 10, 0, "rt-amd64");
	expect("6.12.117+deb12-cloud-amd64", KERNEL_DEBIAN, 6, 12, 117, "cloud-amd64");
	expect("6.12.117+deb12-rt-amd64", KERNEL_DEBIAN, 6, 12, 117, "rt-amd64");
	expect("5.15.0-88-generic", KERNEL_UBUNTU, 5, 15, 0, "generic");
	expect("6.8.0-45-lowlatency", KERNEL_UBUNTU, 6, 8, 0, "lowlatency");
	expect("5.15.0-1053-aws", KERNEL_UBUNTU, 5, 15, 0, "aws");
	expect("6.1.77-custom", KERNEL_OTHER, 6, 1, 77, "");
	expect("6.18", KERNEL_OTHER, 6, 18, 0, "");
	expect("6.18-rc1", KERNEL_OTHER, 6, 18, 0, "");
	expect("5.14.0-362.8.1.el9_3.x86_64", KERNEL_OTHER, 5, 14, 0, "");
}

static void no_releases(void **state)
{
	static const char *const wrong[] = { "",       "generic", "6",        "6.",   "6.x",
					     "-6.1",   ".6.1",    "6.1.0/..", "6.1 ", "6.1.",
					     "6.1.0;", "6.1\n",   "1234567.1" };
	char longest[KERNEL_RELEASE_MAX + 2];
	struct kernel_release r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(kernel_release_parse(wrong[i], &r), ERR_INVALID);
	memset(longest, '6', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_false(kernel_release_is_valid(longest));
	longest[sizeof(longest) - 2] = '\0';
	assert_true(kernel_release_is_valid(longest));
}

static void signatures(void **state)
{
	static const char *const wrong[] = {
		"",
		"Ubuntu",
		"Ubuntu ",
		"Ubuntu 5.15.0-88-generic",
		"Ubuntu 5.15.0-88-generic 5.15.126",
		"Ubuntu 5.15.0-88.98-generic",
		"Ubuntu 5.15.0-88.98-generic x",
		"Debian 5.15.0-88.98-generic 5.15.126",
		"Ubuntu 5.15.0-88.98-gen/eric 5.15.126",
		"Ubuntu 5.15.0-88.98 -generic 5.15.126",
	};
	struct kernel_signature s;

	(void)state;
	assert_int_equal(kernel_signature_parse("Ubuntu 5.15.0-88.98-generic 5.15.126", &s), 0);
	assert_string_equal(s.release, "5.15.0-88-generic");
	assert_string_equal(s.package, "5.15.0-88.98");
	assert_string_equal(s.mainline, "5.15.126");
	assert_int_equal(kernel_signature_parse("Ubuntu 6.8.0-45.45.1-lowlatency 6.8.12\n", &s), 0);
	assert_string_equal(s.release, "6.8.0-45-lowlatency");
	assert_string_equal(s.package, "6.8.0-45.45.1");
	assert_string_equal(s.mainline, "6.8.12");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(kernel_signature_parse(wrong[i], &s), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(releases),
		cmocka_unit_test(no_releases),
		cmocka_unit_test(signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
