/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyrings that the running kernel checks module signatures with (certs/system_keyring.c,
 * kernel/module/signing.c and security/integrity/digsig.c of 6.1 and 6.12):
 *
 *   .secondary_trusted_keys  where the kernel has it; .builtin_trusted_keys is linked into it, and
 *                            .machine is if the owner's keys (MOK) are trusted
 *   .builtin_trusted_keys    alone, where there is no secondary one
 *   .platform                (UEFI db, and MOK otherwise) only in kernels whose distribution has
 *                            added that, as Debian has
 *   .blacklist               what the firmware's dbx forbids: certificates, and hashes of modules
 *
 * What is in a keyring only the kernel knows: /proc/keys gives the keyrings' numbers, their
 * contents are walked with keyctl(2). Whether a key fits a signature is asked as the kernel asks
 * itself, by an exact identifier; that search answers EACCES for a key that is there and that only
 * the kernel may use, and ENOKEY for none. Needs root.
 */
#pragma once

#include "base/buf.h"
#include "kernel/facts.h"

#define KERNEL_KEYS_MAX        1024
#define KERNEL_KEY_DESCRIPTION 256

enum kernel_keyring {
	KERNEL_KEYRING_BUILTIN,
	KERNEL_KEYRING_MACHINE,
	KERNEL_KEYRING_SECONDARY,
	KERNEL_KEYRING_PLATFORM,
	KERNEL_KEYRING_BLACKLIST,
};
#define KERNEL_KEYRINGS 5
/* ".builtin_trusted_keys", … */
const char *kernel_keyring_name(enum kernel_keyring ring);

/* What keyctl(2) and /proc/keys are asked for; tests put something else in their place. */
struct kernel_key_source {
	/* All of /proc/keys. */
	int (*list)(void *user, struct buf *out, struct error *err);
	/* KEYCTL_READ of a keyring: how many keys, their serial numbers (at most `n`); or -errno.
	 */
	int (*read)(void *user, int32_t ring, int32_t *ret, size_t n);
	/* KEYCTL_DESCRIBE: "type;uid;gid;permission;description"; 0 or -errno. */
	int (*describe)(void *user, int32_t key, char *ret, size_t size);
	/* KEYCTL_SEARCH through a keyring and those in it: a serial number, or -errno. */
	int (*search)(void *user, int32_t ring, const char *type, const char *description);
	void *user;
};

/* A key for signatures. */
struct kernel_key {
	int32_t serial;
	enum kernel_keyring ring;                 /* the one that holds it itself */
	char description[KERNEL_KEY_DESCRIPTION]; /* "Subject: key identifier" */
};

struct kernel_keys {
	struct kernel_key_source source;
	int32_t rings[KERNEL_KEYRINGS]; /* serial numbers, 0: the kernel has none */
	enum kernel_answer for_modules[KERNEL_KEYRINGS]; /* are they used for modules? */
	struct kernel_key *keys;
	size_t n;
};

/*
 * Reads them. `source` NULL: the running kernel's. ERR_UNSUPPORTED when `root` is not the running
 * machine, ERR_DENIED when they may not be read (root is needed; a sandbox may forbid keyctl),
 * ERR_NOT_FOUND when the kernel has no such keyrings. The caller frees with kernel_keys_free().
 */
int kernel_keys_read(const char *root, const struct kernel_facts *facts,
		     const struct kernel_key_source *source, struct kernel_keys **ret,
		     struct error *err);
void kernel_keys_free(struct kernel_keys *keys);
DEFINE_CLEANUP(struct kernel_keys *, kernel_keys_free);
#define _cleanup_kernel_keys_ _cleanup_(kernel_keys_freep)

/* What the kernel makes of one identifier. */
struct kernel_key_match {
	enum kernel_answer accepted; /* a key that it takes for modules; unknown if it may be one */
	bool forbidden;              /* on the blacklist */
	bool present;                /* `ring` is set: where the key is, taken for modules or not */
	enum kernel_keyring ring;
	/* The key's description; without `present` that of another certificate of the same key,
	 * which does not count; "" if there is none. */
	char description[KERNEL_KEY_DESCRIPTION];
};

/*
 * Looks for a key as the kernel does. `id` is hexadecimal (src/module/key_lookup.h). `key_id`, its
 * subject key identifier (NULL or "" if it is not known), finds the description.
 */
void kernel_keys_find(const struct kernel_keys *keys, const char *id, const char *key_id,
		      struct kernel_key_match *ret);

/* Is a module with that SHA-256 (hexadecimal, of the whole signed file) on the blacklist? */
bool kernel_keys_forbid_module(const struct kernel_keys *keys, const char *sha256);

/* Does this kernel refuse modules without a signature that it can check? */
enum kernel_answer kernel_signatures_demanded(const struct kernel_facts *facts);
