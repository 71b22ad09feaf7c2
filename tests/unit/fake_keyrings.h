/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keyrings of a Debian machine as tests want them: the builtin key and one of the owner's (MOK)
 * are linked into the secondary keyring, one of the firmware's is in .platform, and one of dbx in
 * .blacklist. */
#pragma once

#include "unit.h"

#include "kernel/keyring.h"

enum {
	BUILTIN = 1,
	MACHINE,
	SECONDARY,
	PLATFORM,
	BLACKLIST,
	DEBIAN_KEY = 16,
	MOK_KEY,
	DB_KEY,
	DBX_KEY,
	HASH_KEY,
	FIRST_EXTRA
};

static const char fake_listing[] =
	"00000001 I------     1 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 1\n"
	"00000002 I------     1 perm 1f0b0000     0     0 keyring   .machine: 1\n"
	"00000003 I------     1 perm 1f0f0000     0     0 keyring   .secondary_trusted_keys: 2\n"
	"00000004 I------     1 perm 1f0b0000     0     0 keyring   .platform: 1\n"
	"00000005 I------     1 perm 1f0b0000     0     0 keyring   .blacklist: 1\n"
	"00000007 I------     1 perm 1f3f0000  1000  1000 keyring   .platform: 1\n"
	"00000008 I------     1 perm 1f3f0000     0     0 keyring   .platform2: 1\n"
	"00000010 I------     1 perm 1f030000     0     0 asymmetri Debian: aa00: X509.rsa aa00 []\n"
	"0000002a I--Q---     1 perm 3f010000  1000  1000 user      .platform: 12\n";

struct fake_key {
	int32_t key, ring;
	const char *ids[2]; /* what KEYCTL_SEARCH finds it by */
	const char *description;
};

static const struct fake_key fake_held[] = {
	{ DEBIAN_KEY, BUILTIN, { "ex:0101", "ex:aa00" }, "Debian: aa00" },
	{ MOK_KEY, MACHINE, { "ex:0202", "ex:bb00" }, "Owner: bb00" },
	{ DB_KEY, PLATFORM, { "ex:0303", "ex:cc00" }, "Vendor: Firmware: cc00" },
	{ DBX_KEY, BLACKLIST, { "ex:0404", "ex:dd00" }, "Bad: dd00" },
	{ HASH_KEY, BLACKLIST, { "bin:ff", "tbs:ee" }, NULL }, /* of the type blacklist */
};

#define FAKE_EXTRA 4

struct fake {
	const char *list;
	bool mok_trusted;  /* .machine is linked into .secondary_trusted_keys */
	bool searchable;   /* a search gives the key's number, not EACCES */
	int search_result; /* otherwise: what each search gives */
	int32_t broken;    /* the keyring whose searches all give `search_result` */
	bool only_asked;   /* … but those that it is tried with first */
	size_t crowd;      /* further keys in .platform, which are not held */
	struct fake_key extra[FAKE_EXTRA];
};

static const struct fake_key *fake_at(const struct fake *fake, size_t i)
{
	if (i < ARRAY_SIZE(fake_held))
		return &fake_held[i];
	i -= ARRAY_SIZE(fake_held);
	return i < FAKE_EXTRA && fake->extra[i].key ? &fake->extra[i] : NULL;
}

static int fake_list(void *user, struct buf *out, struct error *err)
{
	const struct fake *fake = user;

	(void)err;
	return buf_append_str(out, fake->list ? fake->list : fake_listing);
}

/* As the kernel: nothing is copied where not all fits. */
static int fake_read(void *user, int32_t ring, int32_t *ret, size_t n)
{
	const struct fake *fake = user;
	int32_t in[16];
	size_t found = 0;

	if (ring == SECONDARY) {
		in[found++] = BUILTIN;
		if (fake->mok_trusted)
			in[found++] = MACHINE;
	}
	for (size_t i = 0; fake_at(fake, i); i++)
		if (fake_at(fake, i)->ring == ring)
			in[found++] = fake_at(fake, i)->key;
	if (found + (ring == PLATFORM ? fake->crowd : 0) > n)
		return -E2BIG;
	memcpy(ret, in, found * sizeof(*ret));
	return (int)found;
}

static int fake_describe(void *user, int32_t key, char *ret, size_t size)
{
	static const char *const rings[] = { [BUILTIN] = ".builtin_trusted_keys",
					     [MACHINE] = ".machine",
					     [SECONDARY] = ".secondary_trusted_keys",
					     [PLATFORM] = ".platform",
					     [BLACKLIST] = ".blacklist" };

	for (size_t i = 0; fake_at(user, i); i++)
		if (fake_at(user, i)->key == key && fake_at(user, i)->description) {
			snprintf(ret, size, "asymmetric;0;0;1f030000;%s",
				 fake_at(user, i)->description);
			return 0;
		}
	if (key > 0 && key < (int32_t)ARRAY_SIZE(rings))
		snprintf(ret, size, "keyring;0;0;1f0b0000;%s", rings[key]);
	else
		snprintf(ret, size, "keyring;1000;1000;1f0b0000;.platform");
	return 0;
}

static bool fake_is_in(const struct fake *fake, int32_t ring, int32_t tree)
{
	return ring == tree ||
	       (tree == SECONDARY && (ring == BUILTIN || (ring == MACHINE && fake->mok_trusted)));
}

static int fake_search(void *user, int32_t ring, const char *type, const char *description)
{
	const struct fake *fake = user;
	bool tried = streq(description, "ex:00") || streq(description, "bin:00");

	if (fake->search_result && (!fake->broken || fake->broken == ring) &&
	    !(fake->only_asked && tried))
		return fake->search_result;
	for (size_t i = 0; fake_at(fake, i); i++) {
		const struct fake_key *key = fake_at(fake, i);

		if (!fake_is_in(fake, key->ring, ring) ||
		    streq(type, "asymmetric") != (key->description != NULL))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(key->ids); j++)
			if (key->ids[j] && streq(key->ids[j], description))
				return fake->searchable ? key->key : -EACCES;
	}
	return -ENOKEY;
}

static const struct kernel_facts debian = { .version = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2" };
static const struct kernel_facts other _unused_ = { .version = "#1 SMP Thu Nov 26 2026" };

static int fake_keys(struct fake *fake, const struct kernel_facts *facts, struct kernel_keys **ret)
{
	const struct kernel_key_source source = { .list = fake_list,
						  .read = fake_read,
						  .describe = fake_describe,
						  .search = fake_search,
						  .user = fake };
	struct error err = { 0 };

	return kernel_keys_read("", facts, &source, ret, &err);
}
