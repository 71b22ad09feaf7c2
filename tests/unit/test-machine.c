/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "wire/machine.h"

static json_t *facts_object(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "agent", "0.1.0", "arch", "x86_64", "kernel",
			 "6.1.0-41-amd64", "build_id", "0123456789abcdef0123456789abcdef01234567",
			 "tier", "stable");
}

static void test_round_trip(void **state _unused_)
{
	_cleanup_json_ json_t *object = facts_object(), *again = json_object();
	struct machine_facts facts;

	assert_int_equal(machine_facts_parse(object, &facts, NULL), 0);
	assert_string_equal(facts.agent, "0.1.0");
	assert_string_equal(facts.kernel, "6.1.0-41-amd64");
	assert_string_equal(facts.tier, "stable");
	assert_int_equal(machine_facts_add(again, &facts), 0);
	assert_true(json_equal(object, again));
}

static void test_bounds(void **state _unused_)
{
	static const struct {
		const char *key, *value;
		int code;
	} cases[] = {
		{ "agent", "", ERR_INVALID },
		{ "agent", "0.1\n", ERR_INVALID },
		{ "agent", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  ERR_INVALID },
		{ "arch", "aarch64", ERR_UNSUPPORTED },
		{ "arch", "", ERR_INVALID },
		{ "kernel", "../6.1", ERR_INVALID },
		{ "kernel", "", ERR_INVALID },
		{ "build_id", "0123ABCD", ERR_INVALID },
		{ "build_id", "012345", ERR_INVALID },
		{ "tier", "Stable", ERR_INVALID },
		{ "tier", "a23456789012345678901234567890123", ERR_INVALID },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *object = facts_object();
		struct machine_facts facts = { 0 };
		struct error err = { 0 };

		json_set_str(object, cases[i].key, cases[i].value);
		assert_int_equal(machine_facts_parse(object, &facts, &err), cases[i].code);
		assert_non_null(strstr(err.message, cases[i].key));
		assert_string_equal(facts.agent, "");
		json_object_del(object, cases[i].key);
		assert_int_equal(machine_facts_parse(object, &facts, NULL), ERR_INVALID);
	}
}

static void test_words(void **state _unused_)
{
	for (int i = 0; i < MACHINE_STATES; i++) {
		enum machine_state found;

		assert_int_equal(
			machine_state_parse(machine_state_name((enum machine_state)i), &found), 0);
		assert_int_equal(found, i);
	}
	for (int i = 0; i < CODE_CHECKS; i++) {
		enum code_check found;

		assert_int_equal(code_check_parse(code_check_name((enum code_check)i), &found), 0);
		assert_int_equal(found, i);
	}
	assert_int_equal(machine_state_parse("unknown", &(enum machine_state){ 0 }), ERR_INVALID);
	assert_int_equal(code_check_parse("", &(enum code_check){ 0 }), ERR_INVALID);
	assert_string_equal(machine_state_name(MACHINE_STATES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
