/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/output/reason.h"

#include "unit.h"

static void one_is_said_once(void **state)
{
	_cleanup_reason_list_ struct reason_list list = { 0 };

	(void)state;
	assert_int_equal(reason_add(&list, REASON_FILE_KIND, "a.h", NULL, "is a %s", "header"), 0);
	assert_int_equal(reason_add(&list, REASON_FILE_KIND, "a.h", NULL, "is a header"), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(reason_add(&list, REASON_FILE_KIND, "b.h", NULL, "is a header"), 0);
	assert_int_equal(reason_add(&list, REASON_BUILD_FILE, "b.h", NULL, "is a header"), 0);
	assert_int_equal(reason_add(&list, REASON_FILE_KIND, "b.h", "f", "is a header"), 0);
	assert_int_equal(list.n, 4);
	reason_list_sort(&list);
	assert_int_equal(list.items[0].code, REASON_BUILD_FILE);
	assert_string_equal(list.items[1].file, "a.h");
	assert_string_equal(list.items[2].subject, "");
	assert_string_equal(list.items[3].subject, "f");
}

static void grades_are_counted(void **state)
{
	_cleanup_reason_list_ struct reason_list list = { 0 };

	(void)state;
	assert_int_equal(reason_add(&list, REASON_NOT_COMPILED, "a.c", NULL, "is not"), 0);
	assert_int_equal(reason_count(&list, REASON_REFUSAL), 0);
	assert_int_equal(reason_count(&list, REASON_NOTE), 1);
	assert_int_equal(reason_add(&list, REASON_CHANGED_DATA, "a.c", "x", "x changed"), 0);
	assert_int_equal(reason_count(&list, REASON_REFUSAL), 1);
	assert_string_equal(reason_grade_name(reason_grade(REASON_CHANGED_DATA)), "refusal");
}

static void a_hint_of_its_own_counts(void **state)
{
	_cleanup_reason_list_ struct reason_list list = { 0 };
	struct reason r = { .code = REASON_CHANGED_DATA, .message = (char *)"a\tb\x1b[31m" };

	(void)state;
	assert_int_equal(reason_add_copy(&list, &r), 0);
	assert_true(strlen(reason_hint(&list.items[0])) > 0);
	assert_null(strchr(list.items[0].message, '\x1b'));
	r.message = (char *)"another";
	r.hint = (char *)"do this";
	assert_int_equal(reason_add_copy(&list, &r), 0);
	assert_string_equal(reason_hint(&list.items[1]), "do this");
}

/* Every code has a name, a title and a grade, and no two the same name. */
static void codes_are_complete(void **state)
{
	(void)state;
	for (enum reason_code i = 0; i < REASON_CODES; i++) {
		assert_non_null(reason_name(i));
		assert_non_null(reason_title(i));
		for (enum reason_code j = 0; j < i; j++)
			assert_string_not_equal(reason_name(i), reason_name(j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_said_once),
		cmocka_unit_test(grades_are_counted),
		cmocka_unit_test(a_hint_of_its_own_counts),
		cmocka_unit_test(codes_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
