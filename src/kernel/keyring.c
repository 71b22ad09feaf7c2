/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/keyring.h"

#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "kernel/root.h"

#define PROC_KEYS_MAX ((size_t)4 * 1024 * 1024)
/* Keyrings in keyrings: builtin and machine are in secondary, nothing is below them. */
#define DEPTH_MAX     3
#define SEARCH_MAX    4096

const char *kernel_keyring_name(enum kernel_keyring ring)
{
	static const char *const names[] = { ".builtin_trusted_keys", ".machine",
					     ".secondary_trusted_keys", ".platform", ".blacklist" };

	return names[ring];
}

/* ---- The running kernel ---- */

static int list_proc_keys(void *user, struct buf *out, struct error *err)
{
	(void)user;
	return file_read("/proc/keys", out, err);
}

static int read_ring(void *user, int32_t ring, int32_t *ret, size_t n)
{
	long len = syscall(SYS_keyctl, KEYCTL_READ, ring, ret, n * sizeof(*ret), 0);

	(void)user;
	return len < 0 ? -errno : (int)MIN((size_t)len / sizeof(*ret), n);
}

static int describe_key(void *user, int32_t key, char *ret, size_t size)
{
	long len = syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, ret, size, 0);

	(void)user;
	if (len < 0)
		return -errno;
	return (size_t)len <= size ? 0 : -ENAMETOOLONG;
}

static int search_ring(void *user, int32_t ring, const char *type, const char *description)
{
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, ring, type, description, 0);

	(void)user;
	return key < 0 ? -errno : (int)key;
}

static const struct kernel_key_source running_kernel = {
	.list = list_proc_keys,
	.read = read_ring,
	.describe = describe_key,
	.search = search_ring,
};

/* ---- Finding the keyrings ---- */

/* The next word of a line, made a string; *line moves behind it. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " ");
	size_t n = strcspn(word, " ");

	*line = word + n;
	if (**line)
		*(*line)++ = 0;
	return word;
}

/*
 * "020ac843 I------     1 perm 1f0b0000     0     0 keyring   .platform: 1": number, flags, users,
 * expiry, permissions, user, group, type, description (Documentation/security/keys/core.rst). Names
 * that begin with a dot only the kernel can give; being root's is checked all the same.
 */
static void note_ring(struct kernel_keys *keys, char *line)
{
	char *words[8], *name, *end;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = next_word(&line);
	name = line + strspn(line, " ");
	n = strcspn(name, ":");
	if (!streq(words[7], "keyring") || !streq(words[5], "0") || !streq(words[6], "0"))
		return;
	for (int ring = 0; ring < KERNEL_KEYRINGS; ring++) {
		const char *wanted = kernel_keyring_name((enum kernel_keyring)ring);
		unsigned long serial = strtoul(words[0], &end, 16);

		if (n == strlen(wanted) && memcmp(name, wanted, n) == 0 && *end == 0 &&
		    serial > 0 && serial <= INT32_MAX)
			keys->rings[ring] = (int32_t)serial;
	}
}

static int find_rings(struct kernel_keys *keys, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(PROC_KEYS_MAX);
	int r = keys->source.list(keys->source.user, &text, err);
	char *at = (char *)text.data;

	if (r < 0)
		return r;
	while (at && *at) {
		char *newline = strchr(at, '\n');

		if (newline)
			*newline = 0;
		note_ring(keys, at);
		at = newline ? newline + 1 : NULL;
	}
	if (keys->rings[KERNEL_KEYRING_BUILTIN])
		return 0;
	if (text.len > 0 && geteuid() == 0)
		return error_set(err, ERR_NOT_FOUND,
				 "this kernel shows no keyring for module signatures");
	return error_set(err, ERR_DENIED, "the kernel's keyrings are shown to root only");
}

/* ---- Walking them ---- */

/* The description behind "type;uid;gid;permission;", and the type. */
static const char *split_description(char *text)
{
	char *p = text;

	for (int i = 0; i < 4; i++) {
		p = strchr(p, ';');
		if (!p)
			return NULL;
		*p++ = 0;
	}
	return p;
}

static int add_key(struct kernel_keys *keys, int32_t serial, enum kernel_keyring ring,
		   const char *description, struct error *err)
{
	struct kernel_key *key;

	if (keys->n == KERNEL_KEYS_MAX)
		return error_set(err, ERR_TOO_LARGE, "the kernel has more than %d keys",
				 KERNEL_KEYS_MAX);
	key = &keys->keys[keys->n++];
	*key = (struct kernel_key){ .serial = serial, .ring = ring };
	snprintf(key->description, sizeof(key->description), "%s", description);
	error_clean_text(key->description);
	return 0;
}

static int denied(int r, enum kernel_keyring ring, struct error *err)
{
	return error_set(err, ERR_DENIED, "the kernel's keyring %s may not be read: %s",
			 kernel_keyring_name(ring), strerror(-r));
}

/* The keys that are in a keyring itself. What cannot be described is left out: the search finds it
 * all the same, only without its name. */
static int walk_ring(struct kernel_keys *keys, enum kernel_keyring ring, struct error *err)
{
	_cleanup_free_ int32_t *serials = calloc(KERNEL_KEYS_MAX, sizeof(*serials));
	const struct kernel_key_source *source = &keys->source;
	char text[SEARCH_MAX];
	int n, r = 0;

	if (!serials)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	n = source->read(source->user, keys->rings[ring], serials, KERNEL_KEYS_MAX);
	if (n < 0)
		return denied(n, ring, err);
	for (int i = 0; r == 0 && i < n; i++) {
		const char *description;

		if (source->describe(source->user, serials[i], text, sizeof(text)) < 0)
			continue;
		description = split_description(text);
		if (description && streq(text, "asymmetric"))
			r = add_key(keys, serials[i], ring, description, err);
	}
	return r;
}

/* A search for what no key has must find nothing; anything else means that the answers to searches
 * say nothing. */
static int try_search(struct kernel_keys *keys, enum kernel_keyring ring, struct error *err)
{
	int r = keys->source.search(keys->source.user, keys->rings[ring], "asymmetric", "ex:00");

	return r == -ENOKEY ? 0 : denied(r < 0 ? r : -EPROTO, ring, err);
}

static int walk_all(struct kernel_keys *keys, struct error *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < KERNEL_KEYRINGS; i++) {
		if (!keys->rings[i] || i == KERNEL_KEYRING_BLACKLIST)
			continue;
		r = walk_ring(keys, (enum kernel_keyring)i, err);
		if (r == 0)
			r = try_search(keys, (enum kernel_keyring)i, err);
	}
	return r;
}

/* Is one keyring linked into another? */
static bool is_linked(const struct kernel_keys *keys, int32_t ring, int32_t into)
{
	int32_t serials[KERNEL_KEYS_MAX];
	int n = keys->source.read(keys->source.user, into, serials, KERNEL_KEYS_MAX);

	for (int i = 0; i < n; i++)
		if (serials[i] == ring)
			return true;
	return false;
}

/* "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-20)" */
static bool is_debian(const struct kernel_facts *facts)
{
	return strstr(facts->version, " Debian ") != NULL;
}

static void decide_use(struct kernel_keys *keys, const struct kernel_facts *facts)
{
	int32_t secondary = keys->rings[KERNEL_KEYRING_SECONDARY];
	enum kernel_answer *use = keys->for_modules;

	use[KERNEL_KEYRING_SECONDARY] = secondary ? KERNEL_YES : KERNEL_NO;
	for (int ring = KERNEL_KEYRING_BUILTIN; ring <= KERNEL_KEYRING_MACHINE; ring++)
		use[ring] = secondary && keys->rings[ring] &&
					    is_linked(keys, keys->rings[ring], secondary)
				    ? KERNEL_YES
				    : KERNEL_NO;
	if (!secondary)
		use[KERNEL_KEYRING_BUILTIN] = KERNEL_YES;
	if (keys->rings[KERNEL_KEYRING_PLATFORM])
		use[KERNEL_KEYRING_PLATFORM] = is_debian(facts) ? KERNEL_YES : KERNEL_UNKNOWN;
}

int kernel_keys_read(const char *root, const struct kernel_facts *facts,
		     const struct kernel_key_source *source, struct kernel_keys **ret,
		     struct error *err)
{
	_cleanup_kernel_keys_ struct kernel_keys *keys = calloc(1, sizeof(*keys));
	int r;

	if (!source && !kernel_root_is_real(root))
		return error_set(err, ERR_UNSUPPORTED,
				 "the files below %s are not this machine's: its keyrings are not "
				 "known",
				 root);
	if (keys)
		keys->keys = calloc(KERNEL_KEYS_MAX, sizeof(*keys->keys));
	if (!keys || !keys->keys)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	keys->source = source ? *source : running_kernel;
	if ((r = find_rings(keys, err)) < 0 || (r = walk_all(keys, err)) < 0)
		return r;
	decide_use(keys, facts);
	*ret = TAKE_PTR(keys);
	return 0;
}

void kernel_keys_free(struct kernel_keys *keys)
{
	if (!keys)
		return;
	free(keys->keys);
	free(keys);
}

/* ---- Asking ---- */

static bool ends_in(const char *description, const char *key_id)
{
	size_t n = strlen(description), m = key_id ? strlen(key_id) : 0;

	return m > 0 && n > m + 2 && streq(description + n - m, key_id) &&
	       memcmp(description + n - m - 2, ": ", 2) == 0;
}

/* The description ends in the subject key identifier, or without one in the serial number, with
 * which the identifier begins (x509_key_preparse()). */
static bool names_key(const char *description, const char *id, const char *key_id)
{
	const char *last = strrchr(description, ' ');

	if (key_id && *key_id)
		return ends_in(description, key_id);
	return last && last[1] && str_has_prefix(id, last + 1);
}

static const struct kernel_key *describe_match(const struct kernel_keys *keys, int32_t serial,
					       enum kernel_keyring ring, const char *id,
					       const char *key_id)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->keys[i].ring == ring &&
		    (serial > 0 ? keys->keys[i].serial == serial
				: names_key(keys->keys[i].description, id, key_id)))
			return &keys->keys[i];
	return NULL;
}

/* The serial number, 0 for a key that only the kernel may use, or negative: none. */
static int search(const struct kernel_keys *keys, enum kernel_keyring ring, const char *type,
		  const char *description)
{
	int r;

	if (!keys->rings[ring])
		return -ENOKEY;
	r = keys->source.search(keys->source.user, keys->rings[ring], type, description);
	return r == -EACCES ? 0 : r;
}

static void note_other_cert(const struct kernel_keys *keys, const char *key_id,
			    struct kernel_key_match *ret)
{
	for (size_t i = 0; i < keys->n && !ret->description[0]; i++)
		if (ends_in(keys->keys[i].description, key_id))
			memcpy(ret->description, keys->keys[i].description,
			       sizeof(ret->description));
}

/* How much a place says: used for modules before perhaps used before not. */
static int rank(enum kernel_answer answer)
{
	return answer == KERNEL_YES ? 2 : answer == KERNEL_UNKNOWN ? 1 : 0;
}

void kernel_keys_find(const struct kernel_keys *keys, const char *id, const char *key_id,
		      struct kernel_key_match *ret)
{
	char wanted[SEARCH_MAX];

	*ret = (struct kernel_key_match){ .accepted = KERNEL_NO };
	if (snprintf(wanted, sizeof(wanted), "ex:%s", id) >= (int)sizeof(wanted))
		return;
	for (int i = 0; i < KERNEL_KEYRINGS; i++) {
		enum kernel_keyring ring = (enum kernel_keyring)i;
		const struct kernel_key *key;
		int serial = search(keys, ring, "asymmetric", wanted);

		if (serial < 0)
			continue;
		if (ring == KERNEL_KEYRING_BLACKLIST) {
			ret->forbidden = true;
			continue;
		}
		if (ret->present && rank(keys->for_modules[ring]) <= rank(ret->accepted))
			continue;
		ret->present = true;
		ret->ring = ring;
		ret->accepted = keys->for_modules[ring];
		key = describe_match(keys, serial, ring, id, key_id);
		snprintf(ret->description, sizeof(ret->description), "%s",
			 key ? key->description : "");
	}
	if (ret->forbidden)
		ret->accepted = KERNEL_NO;
	if (!ret->present)
		note_other_cert(keys, key_id, ret);
}

bool kernel_keys_forbid_module(const struct kernel_keys *keys, const char *sha256)
{
	char wanted[128];

	snprintf(wanted, sizeof(wanted), "bin:%s", sha256);
	return search(keys, KERNEL_KEYRING_BLACKLIST, "blacklist", wanted) >= 0;
}

enum kernel_answer kernel_signatures_demanded(const struct kernel_facts *facts)
{
	if (facts->signatures_enforced == KERNEL_YES ||
	    facts->lockdown == KERNEL_LOCKDOWN_INTEGRITY ||
	    facts->lockdown == KERNEL_LOCKDOWN_CONFIDENTIALITY)
		return KERNEL_YES;
	return facts->signatures_enforced == KERNEL_NO && facts->lockdown == KERNEL_LOCKDOWN_NONE
		       ? KERNEL_NO
		       : KERNEL_UNKNOWN;
}
