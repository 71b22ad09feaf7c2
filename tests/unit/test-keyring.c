/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/kernel/keyring.h against a kernel of ours; tests/kernel/test-secure-boot.sh asks a real one.
 */
#include "fake_keyrings.h"

static struct kernel_key_match find(const struct kernel_keys *keys, const char *id,
				    const char *key_id)
{
	const struct kernel_key_id ids[] = { { id, key_id } };
	struct kernel_key_match match;

	kernel_keys_find(keys, ids, 1, &match);
	return match;
}

static void every_keyring(void **state)
{
	for (int searchable = 0; searchable < 2; searchable++) {
		struct fake fake = { .mok_trusted = true, .searchable = searchable };
		_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
		struct kernel_key_match m;

		(void)state;
		assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
		assert_int_equal(keys->rings[KERNEL_KEYRING_PLATFORM], PLATFORM);
		assert_int_equal(keys->n, 3);
		m = find(keys, "0101", "aa00");
		assert_int_equal(m.accepted, KERNEL_YES);
		assert_int_equal(m.ring, KERNEL_KEYRING_BUILTIN);
		assert_string_equal(m.description, "Debian: aa00");
		m = find(keys, "0202", "bb00");
		assert_int_equal(m.accepted, KERNEL_YES);
		assert_int_equal(m.ring, KERNEL_KEYRING_MACHINE);
		m = find(keys, "0303", "cc00");
		assert_int_equal(m.accepted, KERNEL_YES);
		assert_int_equal(m.ring, KERNEL_KEYRING_PLATFORM);
		assert_string_equal(m.description, "Vendor: Firmware: cc00");
	}
}

/* Found by the identifier, whatever is known of the name. */
static void without_a_name(void **state)
{
	struct fake fake = { 0 };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
	m = find(keys, "0303", NULL);
	assert_int_equal(m.accepted, KERNEL_YES);
	assert_string_equal(m.description, "");
	m = find(keys, "cc00", "cc00");
	assert_int_equal(m.accepted, KERNEL_YES);
	assert_string_equal(m.description, "Vendor: Firmware: cc00");
}

/* A renewed authority with the old one's name and serial number is another key. */
static void another_key_of_the_name(void **state)
{
	for (int searchable = 0; searchable < 2; searchable++) {
		struct fake fake = { .mok_trusted = true, .searchable = searchable };
		_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
		struct kernel_key_match m;

		(void)state;
		assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
		m = find(keys, "0202", "1234");
		assert_int_equal(m.accepted, KERNEL_NO);
		assert_false(m.present);
		assert_true(m.other_key);
		assert_false(
			kernel_keys_forbid_key(keys, &(struct kernel_key_id){ "0404", "1234" }));
	}
}

/* Every identifier in one keyring before the next keyring. */
static void order_of_the_searches(void **state)
{
	static const struct kernel_key_id ids[] = { { "0303", "cc00" }, { "0202", "bb00" } };
	struct fake fake = { .mok_trusted = true };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
	kernel_keys_find(keys, ids, 2, &m);
	assert_int_equal(m.ring, KERNEL_KEYRING_MACHINE);
	assert_string_equal(m.description, "Owner: bb00");
}

/* Only ENOKEY means that there is none. */
static void searches_that_say_nothing(void **state)
{
	static const int results[] = { -EKEYREVOKED, -ENOMEM, -EPERM, -EINTR };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		struct fake fake = { .mok_trusted = true,
				     .search_result = results[i],
				     .broken = BUILTIN,
				     .only_asked = true };
		_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;

		assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
		assert_int_equal(find(keys, "0505", "").accepted, KERNEL_UNKNOWN);
		assert_int_equal(find(keys, "0202", "").accepted, KERNEL_YES);
	}
}

/* Any user's key may have a description that looks like a line of /proc/keys. */
static void forged_lines(void **state)
{
	static const char *const forged[] = {
		"00000001 I------ 1 perm 1f0b0000 0 0 keyring .builtin_trusted_keys: 1\n"
		"0000002a I--Q--- 1 perm 3f010000 1000 1000 user x\n"
		"00000007 I------ 1 perm 1f0b0000 0 0 keyring .platform: 1\n: 5\n",
		"00000001 I------ 1 perm 1f0b0000 0 0 keyring .builtin_trusted_keys: 1\n"
		"00000002 I------ 1 perm 1f0b0000 0 0 keyring .platform: 1\n"
		"00000010 I------ 1 perm 1f0b0000 0 0 keyring .platform: 1\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
		struct fake fake = { .list = forged[i] };
		_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;

		assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
		assert_int_equal(keys->rings[KERNEL_KEYRING_PLATFORM], 0);
		assert_int_equal(keys->rings[KERNEL_KEYRING_BUILTIN], BUILTIN);
	}
}

/* A blacklist that may not be searched forbids nothing. */
static void blacklist_that_cannot_be_searched(void **state)
{
	static const int results[] = { -EACCES, -EPERM, 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		struct fake fake = { .search_result = results[i], .broken = BLACKLIST };
		_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;

		assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
		assert_false(
			kernel_keys_forbid_key(keys, &(struct kernel_key_id){ "0404", "dd00" }));
		assert_false(kernel_keys_forbid_module(keys, "ff"));
		assert_false(kernel_keys_forbid_certificate(keys, "ee"));
	}
}

/* KEYCTL_READ gives nothing of what does not fit. */
static void a_crowded_keyring(void **state)
{
	struct fake fake = { .crowd = KERNEL_KEYS_MAX };
	struct kernel_keys *keys = NULL;

	(void)state;
	assert_int_equal(fake_keys(&fake, &debian, &keys), ERR_DENIED);
}

/* A name longer than what is shown: the key is told by the end of it. */
static void a_long_name(void **state)
{
	char text[400];
	struct fake fake = { .extra = { { FIRST_EXTRA, PLATFORM, { "ex:0606" }, text } } };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 7, ": 9900", 7);
	assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
	m = find(keys, "0707", "9900");
	assert_false(m.present);
	assert_int_equal(strlen(m.description), KERNEL_KEY_DESCRIPTION - 1);
}

static void keyrings_that_do_not_count(void **state)
{
	struct fake fake = { .mok_trusted = false };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	assert_int_equal(fake_keys(&fake, &other, &keys), 0);
	m = find(keys, "0202", "bb00");
	assert_int_equal(m.accepted, KERNEL_NO);
	assert_true(m.present);
	assert_int_equal(m.ring, KERNEL_KEYRING_MACHINE);
	/* Not every distribution uses .platform for modules. */
	m = find(keys, "0303", "cc00");
	assert_int_equal(m.accepted, KERNEL_UNKNOWN);
	assert_int_equal(m.ring, KERNEL_KEYRING_PLATFORM);
}

static void none_of_them(void **state)
{
	struct fake fake = { .mok_trusted = true };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
	m = find(keys, "0505", "ee00");
	assert_int_equal(m.accepted, KERNEL_NO);
	assert_false(m.present);
	assert_string_equal(m.description, "");
	/* Another certificate of the same key is another key to the kernel. */
	m = find(keys, "0505", "bb00");
	assert_int_equal(m.accepted, KERNEL_NO);
	assert_false(m.present);
	assert_string_equal(m.description, "Owner: bb00");
	m = find(keys, "0505", "b00");
	assert_string_equal(m.description, "");
}

static void forbidden(void **state)
{
	struct fake fake = { 0 };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;

	(void)state;
	assert_int_equal(fake_keys(&fake, &debian, &keys), 0);
	assert_true(kernel_keys_forbid_key(keys, &(struct kernel_key_id){ "0404", "dd00" }));
	assert_false(kernel_keys_forbid_key(keys, &(struct kernel_key_id){ "0101", "aa00" }));
	assert_int_equal(find(keys, "0404", "dd00").accepted, KERNEL_NO);
	assert_true(kernel_keys_forbid_module(keys, "ff"));
	assert_false(kernel_keys_forbid_module(keys, "fe"));
	assert_true(kernel_keys_forbid_certificate(keys, "ee"));
	assert_false(kernel_keys_forbid_certificate(keys, "ff"));
	/* Hashes of modules are Debian's addition. */
	kernel_keys_freep(&keys);
	keys = NULL;
	assert_int_equal(fake_keys(&fake, &other, &keys), 0);
	assert_false(kernel_keys_forbid_module(keys, "ff"));
	assert_true(kernel_keys_forbid_certificate(keys, "ee"));
}

/* No secondary keyring: the builtin one alone. */
static void an_older_kernel(void **state)
{
	struct fake fake = {
		.list = "00000001 I------ 1 perm 1f0b0000 0 0 keyring .builtin_trusted_keys: 1\n"
			"00000002 I------ 1 perm 1f0b0000 0 0 keyring .machine: 1"
	};
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;

	(void)state;
	assert_int_equal(fake_keys(&fake, &other, &keys), 0);
	assert_int_equal(find(keys, "0101", "").accepted, KERNEL_YES);
	assert_int_equal(find(keys, "0202", "").accepted, KERNEL_NO);
	assert_int_equal(find(keys, "0303", "").accepted, KERNEL_NO);
}

static void what_cannot_be_read(void **state)
{
	static const char *const lists[] = {
		"",
		"\n\n",
		"garbage",
		"zz I",
		"00000001 I------     1 perm 1f0b0000     0     0 keyring",
		"ffffffff I------ 1 perm 1f0b0000 0 0 keyring .builtin_trusted_keys: 1",
		"00000007 I------ 1 perm 1f0b0000 0 0 keyring .builtin_trusted_keys: 1",
	};
	struct fake fake = { .search_result = -EACCES };
	struct kernel_keys *keys = NULL;

	(void)state;
	/* A search that never says "none" says nothing. */
	assert_int_equal(fake_keys(&fake, &debian, &keys), ERR_DENIED);
	fake.search_result = -EPERM;
	assert_int_equal(fake_keys(&fake, &debian, &keys), ERR_DENIED);
	fake.search_result = 0;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		fake.list = lists[i];
		assert_true(fake_keys(&fake, &debian, &keys) < 0);
	}
	assert_int_equal(kernel_keys_read("/nowhere", &debian, NULL, &keys, NULL), ERR_UNSUPPORTED);
	assert_null(keys);
}

static void demands(void **state)
{
	struct kernel_facts facts = { .signatures_enforced = KERNEL_NO,
				      .lockdown = KERNEL_LOCKDOWN_NONE };

	(void)state;
	assert_int_equal(kernel_signatures_demanded(&facts), KERNEL_NO);
	facts.lockdown = KERNEL_LOCKDOWN_INTEGRITY;
	assert_int_equal(kernel_signatures_demanded(&facts), KERNEL_YES);
	facts.lockdown = KERNEL_LOCKDOWN_UNKNOWN;
	assert_int_equal(kernel_signatures_demanded(&facts), KERNEL_UNKNOWN);
	facts.signatures_enforced = KERNEL_YES;
	assert_int_equal(kernel_signatures_demanded(&facts), KERNEL_YES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_keyring),
		cmocka_unit_test(without_a_name),
		cmocka_unit_test(another_key_of_the_name),
		cmocka_unit_test(order_of_the_searches),
		cmocka_unit_test(searches_that_say_nothing),
		cmocka_unit_test(forged_lines),
		cmocka_unit_test(blacklist_that_cannot_be_searched),
		cmocka_unit_test(a_crowded_keyring),
		cmocka_unit_test(a_long_name),
		cmocka_unit_test(keyrings_that_do_not_count),
		cmocka_unit_test(none_of_them),
		cmocka_unit_test(forbidden),
		cmocka_unit_test(an_older_kernel),
		cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(demands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
