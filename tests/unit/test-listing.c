/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "server/listing.h"

#define KERNEL "6.1.0-41-amd64"
#define BUILD  "0123456789abcdef"

static void add(struct listing *listing, const char *tier, const char *kernel, const char *build_id,
		const char *version, bool withdrawn)
{
	struct patch_version parsed;

	assert_int_equal(patch_version_parse(version, &parsed), 0);
	assert_int_equal(listing_add(listing, tier, kernel, build_id, parsed, withdrawn, NULL), 0);
}

static struct listing *make(void)
{
	struct listing *listing;

	assert_int_equal(listing_new(&listing, NULL), 0);
	add(listing, "stable", KERNEL, BUILD, "1.9", false);
	add(listing, "edge", KERNEL, BUILD, "1.10", false);
	add(listing, "stable", KERNEL, BUILD, "1.2", false);
	add(listing, "edge", KERNEL, BUILD, "2.0", true);
	add(listing, "stable", KERNEL, "fedcba9876543210", "7.1", false);
	add(listing, "stable", "6.1.0-42-amd64", BUILD, "8.1", false);
	add(listing, "beta", "6.1.0-43-amd64", BUILD, "3.1", true);
	listing_sort(listing);
	return listing;
}

static void decides(void **state _unused_)
{
	static const struct {
		const char *tier, *kernel, *build_id, *applied;
		enum check_in_reason reason;
		const char *version;
	} cases[] = {
		{ "stable", KERNEL, BUILD, "", REASON_GRANTED, "1.9" },
		{ "stable", KERNEL, BUILD, "1.2", REASON_GRANTED, "1.9" },
		{ "stable", KERNEL, BUILD, "1.9", REASON_UP_TO_DATE, "" },
		{ "stable", KERNEL, BUILD, "1.10", REASON_UP_TO_DATE, "" },
		{ "stable", KERNEL, BUILD, "junk", REASON_UP_TO_DATE, "" },
		{ "edge", KERNEL, BUILD, "1.9", REASON_GRANTED, "1.10" },
		{ "edge", KERNEL, BUILD, "2.0", REASON_UP_TO_DATE, "" },
		{ "beta", KERNEL, BUILD, "", REASON_NONE_AVAILABLE, "" },
		{ "stabl", KERNEL, BUILD, "", REASON_NONE_AVAILABLE, "" },
		{ "stable", KERNEL, "fedcba9876543210", "", REASON_GRANTED, "7.1" },
		{ "stable", KERNEL, "0123456789abcdee", "", REASON_NOT_COVERED, "" },
		{ "stable", "6.1.0-42-amd64", BUILD, "", REASON_GRANTED, "8.1" },
		{ "beta", "6.1.0-43-amd64", BUILD, "", REASON_NONE_AVAILABLE, "" },
		{ "stable", "6.1.0-40-amd64", BUILD, "", REASON_NOT_COVERED, "" },
		{ "stable", "6.1.0-44-amd64", BUILD, "", REASON_NOT_COVERED, "" },
	};
	_cleanup_listing_ struct listing *listing = make();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine_facts facts = { 0 };
		char version[PATCH_VERSION_MAX];

		snprintf(facts.tier, sizeof(facts.tier), "%s", cases[i].tier);
		snprintf(facts.kernel, sizeof(facts.kernel), "%s", cases[i].kernel);
		snprintf(facts.build_id, sizeof(facts.build_id), "%s", cases[i].build_id);
		assert_int_equal(listing_decide(listing, &facts, cases[i].applied, version),
				 cases[i].reason);
		assert_string_equal(version, cases[i].version);
	}
}

static void empty(void **state _unused_)
{
	_cleanup_listing_ struct listing *listing = NULL;
	struct machine_facts facts = { .kernel = KERNEL, .build_id = BUILD, .tier = "stable" };
	char version[PATCH_VERSION_MAX];

	assert_int_equal(listing_new(&listing, NULL), 0);
	listing_sort(listing);
	assert_int_equal(listing_size(listing), 0);
	assert_int_equal(listing_decide(listing, &facts, "", version), REASON_NOT_COVERED);
}

static void grows(void **state _unused_)
{
	_cleanup_listing_ struct listing *listing = NULL;
	struct machine_facts facts = { .kernel = KERNEL, .build_id = BUILD, .tier = "stable" };
	char version[PATCH_VERSION_MAX];

	assert_int_equal(listing_new(&listing, NULL), 0);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(listing_add(listing, "stable", KERNEL, BUILD,
					     (struct patch_version){ 1, i * 7919 % 1000 }, false,
					     NULL),
				 0);
	listing_sort(listing);
	assert_int_equal(listing_size(listing), 1000);
	assert_int_equal(listing_decide(listing, &facts, "1.998", version), REASON_GRANTED);
	assert_string_equal(version, "1.999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides),
		cmocka_unit_test(empty),
		cmocka_unit_test(grows),
	};

	return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
