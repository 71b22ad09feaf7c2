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
 *   .blacklist               what is forbidden: keys (CONFIG_SYSTEM_REVOCATION_LIST),
 *                            certificates by the hash of what was signed ("tbs:…"), and files by
 *                            theirs ("bin:…"). The last are looked up for modules only in kernels
 *                            whose distribution has added that, as Debian has, and only after a
 *                            key was found and the signature is good.
 *
 * What is in a keyring only the kernel knows: /proc/keys gives the keyrings' numbers, which the
 * kernel must confirm, and their contents are walked with keyctl(2). Whether a key fits a signature
 * is asked as the kernel asks itself, by an exact identifier; that search answers EACCES for a key
 * that is there and that only the kernel may use, and ENOKEY for none. Needs root.
 */
#pragma once

#include "base/buf.h"
#include "kernel/facts.h"

#define KERNEL_KEYS_MAX        1024
#define KERNEL_KEY_DESCRIPTION 256
#define KERNEL_KEY_ID          129

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
	/* KEYCTL_READ of a keyring: how many keys, their serial numbers; or -errno, -E2BIG for more
	 * than `n`. */
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
	char description[KERNEL_KEY_DESCRIPTION]; /* "Subject: key identifier", cut if need be */
	char key_id[KERNEL_KEY_ID];               /* its end; "" for none or a longer one */
};

struct kernel_keys {
	struct kernel_key_source source;
	bool debian;                    /* with what Debian has added (above) */
	int32_t rings[KERNEL_KEYRINGS]; /* serial numbers, 0: the kernel has none, or .blacklist
					   cannot be searched */
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

/* What the kernel looks for (src/module/key_lookup.h), in hexadecimal: an identifier, and the
 * subject key identifier that the key must have too (NULL or "": any). */
struct kernel_key_id {
	const char *id;
	const char *key_id;
};

/* What the kernel makes of a signature's identifiers. */
struct kernel_key_match {
	enum kernel_answer accepted; /* a key that it takes for modules; unknown if it may be one */
	bool present;                /* `ring` is set: where the key is, taken for modules or not */
	bool open;                   /* some search gave no answer */
	bool other_key; /* a key of that issuer and serial number is there, but is another one */
	enum kernel_keyring ring;
	/* The key's description; without `present` that of another certificate of the same key,
	 * which does not count; "" if there is none. */
	char description[KERNEL_KEY_DESCRIPTION];
};

/* Looks for a key as the kernel does: every identifier in one keyring before the next keyring; the
 * first key found decides. */
void kernel_keys_find(const struct kernel_keys *keys, const struct kernel_key_id *ids, size_t n,
		      struct kernel_key_match *ret);

/* Is that key on the blacklist? And a certificate with that hash (hexadecimal) of what its issuer
 * signed? Both are final: no other key helps, and it does not matter whether the kernel demands
 * signatures. */
bool kernel_keys_forbid_key(const struct kernel_keys *keys, const struct kernel_key_id *id);
bool kernel_keys_forbid_certificate(const struct kernel_keys *keys, const char *tbs);

/* Does this kernel look for hashes of modules on the blacklist, and is this one's there (SHA-256,
 * hexadecimal, of the whole signed file)? It counts when a key accepts the signature. */
bool kernel_keys_forbid_module(const struct kernel_keys *keys, const char *sha256);

/* Does this kernel refuse modules without a signature that it can check? */
enum kernel_answer kernel_signatures_demanded(const struct kernel_facts *facts);
