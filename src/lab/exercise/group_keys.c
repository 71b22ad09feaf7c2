// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's keys, in a keyring of this process only. */
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "lab/exercise/check.h"

static long add(const char *type, const char *name, const void *data, size_t len, long ring)
{
	return syscall(SYS_add_key, type, name, data, len, ring);
}

static long ctl(int what, long a, const void *b, const void *d, long e)
{
	return syscall(SYS_keyctl, what, a, b, d, e);
}

void group_keys(struct check *c)
{
	char back[64] = "", expected[64];
	long key = add("user", "exercise", "first value", 11, KEY_SPEC_PROCESS_KEYRING);

	if (key < 0 && lacks_errno(c, "keys", errno))
		return;
	expect_ok(c, "add_key()", key);
	expect_number(c, "keyctl(READ)", ctl(KEYCTL_READ, key, back, (void *)sizeof(back), 0), 11);
	expect_text(c, "keyctl(READ)", back, "first value");
	expect_number(c, "add_key() again",
		      add("user", "exercise", "second", 6, KEY_SPEC_PROCESS_KEYRING), key);
	expect_number(c, "keyctl(READ)", ctl(KEYCTL_READ, key, back, (void *)sizeof(back), 0), 6);
	expect_bytes(c, "keyctl(READ)", back, "second", 6);
	expect_number(c, "keyctl(SEARCH)",
		      ctl(KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, "user", "exercise", 0), key);
	expect_errno(c, "keyctl(SEARCH) of nothing",
		     ctl(KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, "user", "none", 0), ENOKEY);
	memset(back, 0, sizeof(back));
	snprintf(expected, sizeof(expected), "user;%u;%u;3f010000;exercise", getuid(), getgid());
	expect_ok(c, "keyctl(DESCRIBE)", ctl(KEYCTL_DESCRIBE, key, back, (void *)sizeof(back), 0));
	expect_text(c, "keyctl(DESCRIBE)", back, expected);
	long ring = add("keyring", "inner", NULL, 0, KEY_SPEC_PROCESS_KEYRING);
	int32_t list[4] = { 0 };

	expect_ok(c, "add_key() of a keyring", ring);
	expect_ok(c, "keyctl(LINK)", ctl(KEYCTL_LINK, key, (void *)ring, NULL, 0));
	expect_number(c, "keyctl(READ) of a keyring",
		      ctl(KEYCTL_READ, ring, list, (void *)sizeof(list), 0), 4);
	expect_number(c, "what a keyring holds", list[0], key);
	expect_ok(c, "keyctl(REVOKE)", ctl(KEYCTL_REVOKE, key, NULL, NULL, 0));
	expect_errno(c, "keyctl(READ) of a revoked key",
		     ctl(KEYCTL_READ, key, back, (void *)sizeof(back), 0), EKEYREVOKED);
	expect_ok(c, "keyctl(UNLINK)",
		  ctl(KEYCTL_UNLINK, ring, (void *)KEY_SPEC_PROCESS_KEYRING, NULL, 0));
	expect_errno(c, "add_key() of no type",
		     add("none-such", "x", "x", 1, KEY_SPEC_PROCESS_KEYRING), ENODEV);
}
