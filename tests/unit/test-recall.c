/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/wire/recall.h */
#include "unit.h"

#include "wire/recall.h"

static const char *const two[] = { "6.1.0-56-amd64", "6.1.0-57-amd64" };

static void round_trip(void **state)
{
	_cleanup_recall_ struct recall *in = NULL, *out = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(RECALL_MAX);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(recall_new(&in), 0);
	assert_ok(recall_add(in, "1.2", NULL, 0, "it \"hangs\"", 1750000000, &err), &err);
	assert_ok(recall_add(in, "2.0", two, 2, "oops", 1750000001, &err), &err);
	assert_ok(recall_write(in, &text, &err), &err);
	assert_ok(recall_parse(text.data, text.len, &out, &err), &err);
	assert_int_equal(out->n_entries, 2);
	assert_string_equal(out->entries[0].version, "1.2");
	assert_string_equal(out->entries[0].reason, "it \"hangs\"");
	assert_int_equal(out->entries[0].time, 1750000000);
	assert_int_equal(out->entries[0].n_kernels, 0);
	assert_int_equal(out->entries[1].n_kernels, 2);
	assert_string_equal(out->entries[1].kernels[1], two[1]);
}

static void lookup(void **state)
{
	_cleanup_recall_ struct recall *list = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(recall_new(&list), 0);
	assert_null(recall_lookup(list, "1.2", two[0]));
	assert_ok(recall_add(list, "1.2", two, 1, "why", 1, &err), &err);
	assert_non_null(recall_lookup(list, "1.2", two[0]));
	assert_null(recall_lookup(list, "1.2", two[1]));
	assert_null(recall_lookup(list, "1.20", two[0]));
	assert_ok(recall_add(list, "1.2", NULL, 0, "why", 1, &err), &err);
	assert_non_null(recall_lookup(list, "1.2", two[1]));
}

static void removal(void **state)
{
	_cleanup_recall_ struct recall *list = NULL;

	assert_int_equal(recall_new(&list), 0);
	assert_int_equal(recall_add(list, "1.1", two, 2, "why", 1, NULL), 0);
	assert_int_equal(recall_add(list, "1.2", NULL, 0, "why", 1, NULL), 0);
	assert_int_equal(recall_add(list, "1.3", two, 2, "why", 1, NULL), 0);
	assert_int_equal(recall_remove(list, "1.4", NULL, 0, NULL), ERR_NOT_FOUND);
	assert_int_equal(recall_remove(list, "1.2", two, 1, NULL), ERR_NOT_FOUND);
	assert_int_equal(recall_remove(list, "1.1", two, 1, NULL), 0);
	assert_null(recall_lookup(list, "1.1", two[0]));
	assert_non_null(recall_lookup(list, "1.1", two[1]));
	assert_int_equal(recall_remove(list, "1.1", two, 1, NULL), ERR_NOT_FOUND);
	assert_int_equal(recall_remove(list, "1.2", NULL, 0, NULL), 0);
	assert_int_equal(recall_remove(list, "1.3", two, 2, NULL), 0);
	assert_int_equal(list->n_entries, 1);
	assert_non_null(recall_lookup(list, "1.1", two[1]));
	(void)state;
}

static void add_refuses(void **state)
{
	_cleanup_recall_ struct recall *list = NULL;
	const char *bad_kernel = "../x";
	char reason[RECALL_REASON_MAX + 2];

	(void)state;
	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	assert_int_equal(recall_new(&list), 0);
	assert_int_equal(recall_add(list, "1", NULL, 0, "why", 1, NULL), ERR_INVALID);
	assert_int_equal(recall_add(list, "1.01", NULL, 0, "why", 1, NULL), ERR_INVALID);
	assert_int_equal(recall_add(list, "1.1", NULL, 0, "", 1, NULL), ERR_INVALID);
	assert_int_equal(recall_add(list, "1.1", NULL, 0, reason, 1, NULL), ERR_INVALID);
	assert_int_equal(recall_add(list, "1.1", &bad_kernel, 1, "why", 1, NULL), ERR_INVALID);
	assert_int_equal(recall_add(list, "1.1", two, 2, "why", 1, NULL), 0);
	assert_int_equal(recall_add(list, "1.1", two, 1, "why", 1, NULL), ERR_EXISTS);
	assert_int_equal(recall_add(list, "1.1", NULL, 0, "why", 1, NULL), 0);
	assert_int_equal(recall_add(list, "1.1", NULL, 0, "why", 1, NULL), ERR_EXISTS);
	assert_int_equal(list->n_entries, 2);
}

static void parse_refuses(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{ "{\"format\":1,\"withdrawn\":[]}", 0 },
		{ "{\"format\":2,\"withdrawn\":[]}", ERR_UNSUPPORTED },
		{ "{\"format\":1}", ERR_INVALID },
		{ "[]", ERR_INVALID },
		{ "", ERR_INVALID },
		{ "{\"format\":1,\"withdrawn\":[1]}", ERR_INVALID },
		{ "{\"format\":1,\"withdrawn\":[{\"version\":\"1.1\",\"kernels\":[],"
		  "\"reason\":\"x\",\"time\":\"2026-01-01T00:00:00Z\"}]}",
		  0 },
		{ "{\"format\":1,\"withdrawn\":[{\"version\":\"1.1\",\"kernels\":[],"
		  "\"reason\":\"x\",\"time\":\"2026-01-01\"}]}",
		  ERR_INVALID },
		{ "{\"format\":1,\"withdrawn\":[{\"version\":\"x\",\"kernels\":[],"
		  "\"reason\":\"x\",\"time\":\"2026-01-01T00:00:00Z\"}]}",
		  ERR_INVALID },
		{ "{\"format\":1,\"withdrawn\":[{\"version\":\"1.1\",\"kernels\":[\"a/b\"],"
		  "\"reason\":\"x\",\"time\":\"2026-01-01T00:00:00Z\"}]}",
		  ERR_INVALID },
		{ "{\"format\":1,\"withdrawn\":[{\"version\":\"1.1\",\"kernels\":[7],"
		  "\"reason\":\"x\",\"time\":\"2026-01-01T00:00:00Z\"}]}",
		  ERR_INVALID },
		{ "{\"format\":1,\"withdrawn\":[{\"version\":\"1.1\","
		  "\"reason\":\"x\",\"time\":\"2026-01-01T00:00:00Z\"}]}",
		  ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct recall *list = NULL;
		int r = recall_parse(cases[i].text, strlen(cases[i].text), &list, NULL);

		if (r != cases[i].code)
			fail_msg("case %zu: %d", i, r);
		recall_free(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),    cmocka_unit_test(lookup),
		cmocka_unit_test(removal),       cmocka_unit_test(add_refuses),
		cmocka_unit_test(parse_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
