/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a key of type "user" and lets it go: keyctl(2), add_key(2). */
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	long key = syscall(SYS_add_key, "user", "suture", "secret", (size_t)6,
			   KEY_SPEC_PROCESS_KEYRING);

	return key < 0 || syscall(SYS_keyctl, KEYCTL_INVALIDATE, key) < 0;
}
