/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/kernel/keyring.h against a kernel of ours; tests/kernel/test-secure-boot.sh asks a real one.
 */
#include "unit.h"

#include "kernel/keyring.h"

/* A Debian machine: the builtin key and one of the owner's (MOK) are linked into the secondary
 * keyring, one of the firmware's is in .platform, and one of dbx in .blacklist. */
enum {
	BUILTIN = 1,
	MACHINE,
	SECONDARY,
	PLATFORM,
	BLACKLIST,
	DEBIAN_KEY = 16,
	MOK_KEY,
	DB_KEY,
	DBX_KEY
};

static const char listing[] =
	"00000001 I------     1 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 1\n"
	"00000002 I------     1 perm 1f0b0000     0     0 keyring   .machine: 1\n"
	"00000003 I------     1 perm 1f0f0000     0     0 keyring   .secondary_trusted_keys: 2\n"
	"00000004 I------     1 perm 1f0b0000     0     0 keyring   .platform: 1\n"
	"00000005 I------     1 perm 1f0b0000     0     0 keyring   .blacklist: 1\n"
	"00000007 I------     1 perm 1f3f0000  1000  1000 keyring   .platform: 1\n"
	"00000008 I------     1 perm 1f3f0000     0     0 keyring   .platform2: 1\n"
	"00000010 I------     1 perm 1f030000     0     0 asymmetri Debian: aa00: X509.rsa aa00 []\n"
	"0000002a I--Q---     1 perm 3f010000  1000  1000 user      .platform: 12\n";

/* What the kernel holds; identifiers are what KEYCTL_SEARCH is asked for. */
static const struct {
	int32_t key, ring;
	const char *id, *description;
} held[] = {
	{ DEBIAN_KEY, BUILTIN, "ex:0101", "Debian: aa00" },
	{ MOK_KEY, MACHINE, "ex:0202", "Owner: bb00" },
	{ DB_KEY, PLATFORM, "ex:0303", "Vendor: Firmware: cc00" },
	{ DBX_KEY, BLACKLIST, "ex:0404", "Bad: dd00" },
};

struct fake {
	const char *list;
	bool mok_trusted;  /* .machine is linked into .secondary_trusted_keys */
	bool searchable;   /* a search gives the key's number, not EACCES */
	int search_result; /* otherwise: what each search gives */
};

static int fake_list(void *user, struct buf *out, struct error *err)
{
	const struct fake *fake = user;

	(void)err;
	return buf_append_str(out, fake->list);
}

static int fake_read(void *user, int32_t ring, int32_t *ret, size_t n)
{
	const struct fake *fake = user;
	int found = 0;

	assert_true(n >= 4);
	if (ring == SECONDARY) {
		ret[found++] = BUILTIN;
		if (fake->mok_trusted)
			ret[found++] = MACHINE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].ring == ring)
			ret[found++] = held[i].key;
	return found;
}

static int fake_describe(void *user, int32_t key, char *ret, size_t size)
{
	(void)user;
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].key == key) {
			snprintf(ret, size, "asymmetric;0;0;1f030000;%s", held[i].description);
			return 0;
		}
	snprintf(ret, size, "keyring;0;0;1f0b0000;.of_no_matter");
	return 0;
}

static bool is_in(const struct fake *fake, int32_t ring, int32_t tree)
{
	return ring == tree ||
	       (tree == SECONDARY && (ring == BUILTIN || (ring == MACHINE && fake->mok_trusted)));
}

static int fake_search(void *user, int32_t ring, const char *type, const char *description)
{
	const struct fake *fake = user;

	if (fake->search_result)
		return fake->search_result;
	if (streq(type, "blacklist"))
		return ring == BLACKLIST && streq(description, "bin:ff") ? 99 : -ENOKEY;
	assert_string_equal(type, "asymmetric");
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (is_in(fake, held[i].ring, ring) && streq(held[i].id, description))
			return fake->searchable ? held[i].key : -EACCES;
	return -ENOKEY;
}

static const struct kernel_facts debian = { .version = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2" };
static const struct kernel_facts other = { .version = "#1 SMP Thu Nov 26 2026" };

static int read_keys(struct fake *fake, const struct kernel_facts *facts, struct kernel_keys **ret)
{
	const struct kernel_key_source source = { .list = fake_list,
						  .read = fake_read,
						  .describe = fake_describe,
						  .search = fake_search,
						  .user = fake };
	struct error err = { 0 };

	return kernel_keys_read("", facts, &source, ret, &err);
}

static struct kernel_key_match find(const struct kernel_keys *keys, const char *id,
				    const char *key_id)
{
	struct kernel_key_match match;

	kernel_keys_find(keys, id, key_id, &match);
	return match;
}

static void every_keyring(void **state)
{
	for (int searchable = 0; searchable < 2; searchable++) {
		struct fake fake = { .list = listing,
				     .mok_trusted = true,
				     .searchable = searchable };
		_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
		struct kernel_key_match m;

		(void)state;
		assert_int_equal(read_keys(&fake, &debian, &keys), 0);
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
	struct fake fake = { .list = listing };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	assert_int_equal(read_keys(&fake, &debian, &keys), 0);
	m = find(keys, "0303", "1234");
	assert_int_equal(m.accepted, KERNEL_YES);
	assert_string_equal(m.description, "");
}

static void keyrings_that_do_not_count(void **state)
{
	struct fake fake = { .list = listing, .mok_trusted = false };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	assert_int_equal(read_keys(&fake, &other, &keys), 0);
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
	struct fake fake = { .list = listing, .mok_trusted = true };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	assert_int_equal(read_keys(&fake, &debian, &keys), 0);
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
	struct fake fake = { .list = listing };
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct kernel_key_match m;

	(void)state;
	assert_int_equal(read_keys(&fake, &debian, &keys), 0);
	m = find(keys, "0404", "dd00");
	assert_true(m.forbidden);
	assert_int_equal(m.accepted, KERNEL_NO);
	assert_true(kernel_keys_forbid_module(keys, "ff"));
	assert_false(kernel_keys_forbid_module(keys, "fe"));
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
	assert_int_equal(read_keys(&fake, &other, &keys), 0);
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
		"00000001 I------ 1 perm 1f0b0000 1000 0 keyring .builtin_trusted_keys: 1",
	};
	struct fake fake = { .list = listing, .search_result = -EACCES };
	struct kernel_keys *keys = NULL;

	(void)state;
	/* A search that never says "none" says nothing. */
	assert_int_equal(read_keys(&fake, &debian, &keys), ERR_DENIED);
	fake.search_result = -EPERM;
	assert_int_equal(read_keys(&fake, &debian, &keys), ERR_DENIED);
	fake.search_result = 0;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		fake.list = lists[i];
		assert_true(read_keys(&fake, &debian, &keys) < 0);
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
		cmocka_unit_test(keyrings_that_do_not_count),
		cmocka_unit_test(none_of_them),
		cmocka_unit_test(forbidden),
		cmocka_unit_test(an_older_kernel),
		cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(demands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
