/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/wire/target_custom.h */
#include "unit.h"

#include "base/json.h"
#include "wire/target_custom.h"

#define HASH "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define ID   "0123456789abcdef0123456789abcdef01234567"

static json_t *sample(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s,s], s:{s:i, s:s}, s:[s]}", "version",
			 "1.2", "kernel", "6.1.0-56-cloud-amd64", "build_id", ID, "published",
			 "2026-01-02T03:04:05Z", "severity", "high", "cves", "CVE-2024-1086",
			 "CVE-2025-0001", "record", "length", 4711, "sha256", HASH, "attestations",
			 HASH);
}

static void round_trip(void **state)
{
	_cleanup_json_ json_t *in = sample(), *out = NULL;
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	struct error err = { 0 };

	(void)state;
	assert_ok(target_custom_parse(in, &custom, &err), &err);
	assert_string_equal(custom->version, "1.2");
	assert_string_equal(custom->kernel, "6.1.0-56-cloud-amd64");
	assert_string_equal(custom->build_id, ID);
	assert_int_equal(custom->published, 1767323045);
	assert_int_equal(custom->n_cves, 2);
	assert_int_equal(custom->record_length, 4711);
	assert_string_equal(custom->record_sha256, HASH);
	assert_int_equal(custom->n_attestations, 1);
	assert_ok(target_custom_write(custom, &out, &err), &err);
	assert_true(json_equal(in, out));
	free(custom->version);
	custom->version = strdup("1.x");
	assert_int_equal(target_custom_write(custom, &out, &err), ERR_INVALID);
}

static void refuse(const char *key, json_t *value)
{
	json_t *in = sample();
	struct target_custom *custom = NULL;

	if (value)
		json_object_set_new(in, key, value);
	else
		json_object_del(in, key);
	if (target_custom_parse(in, &custom, NULL) != ERR_INVALID)
		fail_msg("%s was accepted", key);
	assert_null(custom);
	json_decref(in);
}

static void every_field_is_checked(void **state)
{
	static const char *const keys[] = { "version",  "kernel", "build_id", "published",
					    "severity", "cves",   "record",   "attestations" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		refuse(keys[i], NULL);
		refuse(keys[i], json_integer(5));
	}
	refuse("version", json_string("1"));
	refuse("kernel", json_string("a/b"));
	refuse("build_id", json_string("xyz"));
	refuse("published", json_string("yesterday"));
	refuse("severity", json_string("terrible"));
	refuse("cves", json_pack("[s,s]", "CVE-2025-0001", "CVE-2024-1086"));
	refuse("cves", json_pack("[s,s]", "CVE-2024-1086", "CVE-2024-1086"));
	refuse("cves", json_pack("[s]", "cve-2024-1086"));
	refuse("record", json_pack("{s:i, s:s}", "length", 0, "sha256", HASH));
	refuse("record", json_pack("{s:i, s:s}", "length", 5 << 20, "sha256", HASH));
	refuse("record", json_pack("{s:i, s:s}", "length", 5, "sha256", "ca97"));
	refuse("attestations", json_pack("[s]", "ca97"));
}

static void paths(void **state)
{
	static const char *const bad[] = {
		"",
		"stable",
		"stable/6.1/" ID,
		"stable/6.1/" ID "/m",
		"stable/6.1/" ID "/.ko",
		"stable/6.1/" ID "/a/m.ko",
		"stable/6.1/" ID "/m-x.ko",
		"Stable/6.1/" ID "/m.ko",
		"stable/../" ID "/m.ko",
		"stable/6.1/zz/m.ko",
		"stable//" ID "/m.ko",
		"/stable/6.1/" ID "/m.ko",
		"stable/6.1/" ID "/mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm.ko",
		"stable/6.1/" ID ID ID "/m.ko",
	};
	struct target_path_parts parts;
	char folder[TARGET_PATH_MAX];
	struct error err = { 0 };

	(void)state;
	assert_ok(target_path_parse("stable/6.1.0-56-amd64/" ID "/suture_6_1_1.ko", &parts, &err),
		  &err);
	assert_string_equal(parts.tier, "stable");
	assert_string_equal(parts.kernel, "6.1.0-56-amd64");
	assert_string_equal(parts.build_id, ID);
	assert_string_equal(parts.module, "suture_6_1_1");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (target_path_parse(bad[i], &parts, NULL) != ERR_INVALID)
			fail_msg("%s", bad[i]);
	}
	assert_ok(target_folder("edge", "6.1", ID, folder, &err), &err);
	assert_string_equal(folder, "edge/6.1/" ID "/");
	assert_int_equal(target_folder("edge", "..", ID, folder, &err), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(every_field_is_checked),
		cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
