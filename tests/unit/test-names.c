/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "wire/names.h"

static struct patch_version v(const char *text)
{
	struct patch_version version;

	assert_int_equal(patch_version_parse(text, &version), 0);
	return version;
}

static void versions(void **state _unused_)
{
	static const char *const bad[] = { "",     "1",    "1.",        ".1",       "1.2.3",
					   "01.2", "1.02", "-1.2",      "1.2 ",     "1,2",
					   "a.b",  "1.+2", "1000000.0", "1.1234567" };
	struct patch_version version;
	char text[PATCH_VERSION_MAX];

	assert_true(patch_version_compare(v("1.10"), v("1.9")) > 0);
	assert_true(patch_version_compare(v("2.0"), v("10.0")) < 0);
	assert_int_equal(patch_version_compare(v("0.0"), v("0.0")), 0);
	patch_version_format(v("999999.999999"), text);
	assert_string_equal(text, "999999.999999");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (patch_version_parse(bad[i], &version) != ERR_INVALID)
			fail_msg("accepted '%s'", bad[i]);
}

static void words(void **state _unused_)
{
	assert_true(release_is_valid("6.12.117+deb12-cloud-amd64"));
	assert_false(release_is_valid("../6.1"));
	assert_false(release_is_valid("6.1/x"));
	assert_false(release_is_valid("-6.1"));
	assert_false(release_is_valid(""));
	assert_false(release_is_valid(
		"1234567890123456789012345678901234567890123456789012345678901234x"));
	assert_true(build_id_is_valid("0123456789abcdef0123456789abcdef01234567"));
	assert_false(build_id_is_valid("0123456789ABCDEF"));
	assert_false(build_id_is_valid("012345678"));
	assert_false(build_id_is_valid("012345"));
	assert_true(tier_is_valid("edge-2"));
	assert_false(tier_is_valid("2edge"));
	assert_false(tier_is_valid("Edge"));
	assert_true(cve_is_valid("CVE-2024-1086"));
	assert_true(cve_is_valid("CVE-2024-123456"));
	assert_false(cve_is_valid("cve-2024-1086"));
	assert_false(cve_is_valid("CVE-2024-108"));
	assert_false(cve_is_valid("CVE-2024-1086x"));
	assert_true(severity_is_valid("high"));
	assert_false(severity_is_valid("High"));
	assert_true(uuid_is_valid("123e4567-e89b-12d3-a456-426614174000"));
	assert_false(uuid_is_valid("123e4567-e89b-12d3-a456-42661417400"));
	assert_false(uuid_is_valid("123E4567-e89b-12d3-a456-426614174000"));
}

static void module_names(void **state _unused_)
{
	char name[MODULE_NAME_BYTES], other[MODULE_NAME_BYTES];

	assert_int_equal(livepatch_module_name("6.12.117+deb12-cloud-amd64", v("1.2"), name), 0);
	assert_string_equal(name, "suture_6_12_117_deb12_cloud_amd64_1_2");
	const char *longest = "6.1.0-123456789012345678901234567890123456789012345678901234567";
	assert_int_equal(livepatch_module_name(longest, v("1.2"), name), 0);
	assert_int_equal(strlen(name), 55);
	assert_int_equal(livepatch_module_name(longest, v("1.3"), other), 0);
	assert_string_not_equal(name, other);
	assert_memory_equal(name, other, 47);
}

static void paths(void **state _unused_)
{
	_cleanup_free_ char *path = target_path("edge", "6.1.0", "abcdef01", "suture_x", ".ko");

	assert_string_equal(path, "edge/6.1.0/abcdef01/suture_x.ko");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),
		cmocka_unit_test(words),
		cmocka_unit_test(module_names),
		cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
