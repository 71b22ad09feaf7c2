/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "package/deb_version.h"
#include "package/name_list.h"

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

/* Each row is older than the next; the first rows are the examples of deb-version(7). */
static void versions_in_order(void **state)
{
	static const char *const rising[] = {
		"0~~",
		"0~~a",
		"0~",
		"0",
		"0a",
		"1.0~rc1",
		"1.0",
		"1.0-1",
		"1.0-1~x+1",
		"6.1.0-9",
		"6.1.0-10",
		"6.1.170-3",
		"6.1.192-1",
		"6.1.192-2",
		"6.12.107-1~deb12u1",
		"6.12.117-1~deb12u1",
		"6.12.117-1",
		"1:0.1",
		"2:0",
	};

	(void)state;
	for (size_t i = 0; i + 1 < ARRAY_SIZE(rising); i++) {
		if (streq(rising[i], "1.0-1")) /* '~' sorts before the end: the next is older */
			continue;
		assert_int_equal(sign(deb_version_compare(rising[i], rising[i + 1])), -1);
		assert_int_equal(sign(deb_version_compare(rising[i + 1], rising[i])), 1);
	}
	assert_int_equal(sign(deb_version_compare("1.0-1~x+1", "1.0-1")), -1);
}

static void equal_versions(void **state)
{
	(void)state;
	assert_int_equal(deb_version_compare("6.1.0-56-cloud-amd64", "6.1.0-56-cloud-amd64"), 0);
	assert_int_equal(deb_version_compare("1.002", "1.2"), 0);
	assert_int_equal(deb_version_compare("0:1", "1"), 0);
	assert_int_equal(deb_version_compare("99999999999999999999999", "99999999999999999999999"),
			 0);
}

static void releases_in_order(void **state)
{
	(void)state;
	assert_int_equal(sign(deb_version_compare("6.1.0-9-cloud-amd64", "6.1.0-56-cloud-amd64")),
			 -1);
	assert_int_equal(sign(deb_version_compare("6.12.107+deb12-cloud-amd64",
						  "6.12.117+deb12-cloud-amd64")),
			 -1);
	assert_int_equal(
		sign(deb_version_compare("6.1.0-56-cloud-amd64", "6.12.100+deb12-cloud-amd64")),
		-1);
}

static void lists_hold_lines(void **state)
{
	_cleanup_name_list_ struct name_list list = { 0 };

	(void)state;
	assert_int_equal(name_list_add_lines(&list, "b\n\na\nc"), 0);
	assert_int_equal(list.n, 3);
	name_list_sort(&list);
	assert_string_equal(list.items[0], "a");
	assert_string_equal(list.items[2], "c");
	assert_true(name_list_has(&list, "b"));
	assert_false(name_list_has(&list, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_in_order),
		cmocka_unit_test(equal_versions),
		cmocka_unit_test(releases_in_order),
		cmocka_unit_test(lists_hold_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
