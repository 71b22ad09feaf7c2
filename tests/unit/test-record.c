/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/json.h"
#include "wire/record.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID   "0123456789abcdef0123456789abcdef01234567"

static const char good[] =
	"{\"format\":1,\"kernel\":\"6.1.0-56-amd64\",\"build_id\":\"" ID "\",\"version\":\"1.2\","
	"\"module\":\"suture_6_1_0_56_amd64_1_2\",\"vermagic\":\"6.1.0-56-amd64 SMP \","
	"\"module_sha256\":\"" HASH "\",\"severity\":\"high\",\"cves\":[\"CVE-2026-12345\"],"
	"\"objects\":[{\"name\":\"vmlinux\",\"build_id\":\"" ID "\",\"functions\":["
	"{\"name\":\"cmdline_proc_show\",\"sympos\":0,\"size\":48,\"mask\":[[0,5],[9,4]],"
	"\"sha256\":\"" HASH "\"}],\"callbacks\":true}],"
	"\"states\":[{\"id\":7,\"version\":3}],\"inputs\":[{\"name\":\"config\",\"sha256\":\"" HASH
	"\"}],"
	"\"new_functions\":[\"helper\"],"
	"\"patches\":[{\"name\":\"fix.patch\",\"sha256\":\"" HASH "\"}],"
	"\"compiler\":\"gcc 12\",\"tool\":\"suture-build 0.1.0\","
	"\"run_pre\":{\"compared\":1,\"equal\":1}}";

static void test_reads_and_writes(void **state)
{
	_cleanup_record_ struct record *record = NULL, *again = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(RECORD_MAX), out2 = BUF_INIT(RECORD_MAX);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(record_parse(good, strlen(good), &record, &err), 0);
	assert_int_equal(record->n_objects, 1);
	assert_string_equal(record->objects[0].functions[0].name, "cmdline_proc_show");
	assert_int_equal(record->objects[0].functions[0].n_mask, 2);
	assert_int_equal(record->objects[0].functions[0].mask[1].offset, 9);
	assert_string_equal(record->cves[0], "CVE-2026-12345");
	assert_string_equal(record->patches[0].name, "fix.patch");
	assert_string_equal(record->inputs[0].name, "config");
	assert_true(record->objects[0].callbacks);
	assert_true(record_has_effects(record));
	assert_int_equal(record->states[0].id, 7);
	assert_int_equal(record->states[0].version, 3);
	assert_int_equal(record_write(record, &out, &err), 0);
	assert_int_equal(record_parse(out.data, out.len, &again, &err), 0);
	assert_int_equal(record_write(again, &out2, &err), 0);
	assert_string_equal(buf_str(&out), buf_str(&out2));
}

/* Each case replaces one piece of the good record and must be refused with the field's name. */
static void test_refuses(void **state)
{
	static const struct {
		const char *from, *to, *names;
		int code;
	} cases[] = {
		{ "\"format\":1", "\"format\":2", "format", ERR_UNSUPPORTED },
		{ "\"size\":48", "\"size\":0", "size", ERR_INVALID },
		{ "[9,4]", "[5,4]", "mask", ERR_INVALID },
		{ "[9,4]", "[9,40]", "mask", ERR_INVALID },
		{ "[9,4]", "[-1,4]", "mask", ERR_INVALID },
		{ "[9,4]", "[9,0]", "mask", ERR_INVALID },
		{ "[9,4]", "[9]", "mask", ERR_INVALID },
		{ "\"name\":\"vmlinux\"", "\"name\":\"../proc\"", "name", ERR_INVALID },
		{ "\"version\":\"1.2\"", "\"version\":\"1.02\"", "version", ERR_INVALID },
		{ "\"kernel\":\"6.1.0-56-amd64\"", "\"kernel\":\"../x\"", "kernel", ERR_INVALID },
		{ "\"severity\":\"high\"", "\"severity\":\"bad\"", "severity", ERR_INVALID },
		{ "CVE-2026-12345", "cve-2026-12345", "cves", ERR_INVALID },
		{ "fix.patch", "../fix.patch", "patches", ERR_INVALID },
		{ "\"helper\"", "\"he lper\"", "new_functions", ERR_INVALID },
		{ "\"equal\":1", "\"equal\":2", "equal", ERR_INVALID },
		{ "\"callbacks\":true", "\"callbacks\":1", "callbacks", ERR_INVALID },
		{ "{\"id\":7,\"version\":3}", "{\"id\":0,\"version\":3}", "states", ERR_INVALID },
		{ "{\"id\":7,\"version\":3}", "{\"id\":7,\"version\":3},{\"id\":7,\"version\":3}",
		  "states", ERR_INVALID },
		{ "\"name\":\"config\"", "\"name\":\"\"", "inputs", ERR_INVALID },
		{ "\"sympos\":0", "\"sympos\":-1", "sympos", ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(RECORD_MAX);
		const char *at = strstr(good, cases[i].from);
		struct record *record = NULL;
		struct error err = { 0 };

		assert_non_null(at);
		assert_int_equal(buf_append(&text, good, (size_t)(at - good)), 0);
		assert_int_equal(buf_append_str(&text, cases[i].to), 0);
		assert_int_equal(buf_append_str(&text, at + strlen(cases[i].from)), 0);
		assert_int_equal(record_parse(text.data, text.len, &record, &err), cases[i].code);
		assert_null(record);
		if (!strstr(err.message, cases[i].names))
			fail_msg("%s: %s", cases[i].to, err.message);
	}
}

/* What the digest covers, and what not. */
static void test_code_is_bound(void **state)
{
	/* Of {"build_id":…,"kernel":…,"objects":…,"states":…}, sorted and compact, by sha256sum. */
	static const char known[] =
		"a657850e52a9d35d0553c2b384d332f0c56f15a760fd671fc86a5ac2d72b18d8";
	static const struct {
		const char *from, *to;
		bool same;
	} cases[] = {
		{ "\"kernel\":\"6.1.0-56-amd64\"", "\"kernel\":\"6.1.0-57-amd64\"", false },
		{ "\"build_id\":\"0", "\"build_id\":\"1", false },
		{ "\"sympos\":0", "\"sympos\":1", false },
		{ "[9,4]", "[9,5]", false },
		{ "[0,5],[9,4]", "[9,4]", false },
		{ "\"sha256\":\"0", "\"sha256\":\"1", false },
		{ "\"callbacks\":true", "\"callbacks\":false", false },
		{ "\"name\":\"vmlinux\"", "\"name\":\"vmlinus\"", false },
		{ "{\"id\":7,\"version\":3}", "", false },
		{ "\"severity\":\"high\"", "\"severity\":\"low\"", true },
		{ "\"compiler\":\"gcc 12\"", "\"compiler\":\"gcc 13\"", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_record_ struct record *record = NULL, *other = NULL;
		_cleanup_buf_ struct buf text = BUF_INIT(RECORD_MAX);
		char sha256[SHA256_HEX_LEN + 1];
		const char *at = strstr(good, cases[i].from);
		struct error err = { 0 };

		assert_non_null(at);
		assert_int_equal(buf_append(&text, good, (size_t)(at - good)), 0);
		assert_int_equal(buf_append_str(&text, cases[i].to), 0);
		assert_int_equal(buf_append_str(&text, at + strlen(cases[i].from)), 0);
		assert_ok(record_parse(good, strlen(good), &record, &err), &err);
		assert_ok(record_parse(text.data, text.len, &other, &err), &err);
		assert_ok(record_code_sha256(record, sha256, &err), &err);
		assert_string_equal(sha256, known);
		assert_ok(record_check_code(record, sha256, &err), &err);
		if (record_check_code(other, sha256, &err) != (cases[i].same ? 0 : ERR_HASH))
			fail_msg("%s: %s", cases[i].to, err.message);
		assert_int_equal(record_check_code(record, NULL, &err), ERR_HASH);
	}
}

/* What cannot be written is never left out: the rest would pass for the whole. */
static void test_leaves_nothing_out(void **state)
{
	_cleanup_record_ struct record *record = NULL;
	char sha256[SHA256_HEX_LEN + 1];
	struct error err = { 0 };
	char *texts[5];

	(void)state;
	assert_ok(record_parse(good, strlen(good), &record, &err), &err);
	texts[0] = record->objects[0].functions[0].name;
	texts[1] = record->objects[0].name;
	texts[2] = record->cves[0];
	texts[3] = record->new_functions[0];
	texts[4] = record->patches[0].name;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT(RECORD_MAX);
		char first = texts[i][0];

		texts[i][0] = '\xff';
		assert_int_equal(record_write(record, &out, &err), ERR_INVALID);
		assert_non_null(strstr(err.message, "not UTF-8"));
		assert_int_equal(out.len, 0);
		if (i < 2)
			assert_int_equal(record_code_sha256(record, sha256, &err), ERR_INVALID);
		texts[i][0] = first;
	}
	assert_ok(record_code_sha256(record, sha256, &err), &err);
}

static void test_survives_cuts(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(good); len++) {
		struct record *record = NULL;

		assert_true(record_parse(good, len, &record, NULL) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_and_writes), cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_code_is_bound),    cmocka_unit_test(test_leaves_nothing_out),
		cmocka_unit_test(test_survives_cuts),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
