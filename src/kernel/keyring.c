/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/keyring.h"

#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "kernel/root.h"

#define PROC_KEYS_MAX ((size_t)4 * 1024 * 1024)
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
	if (len < 0)
		return -errno;
	/* The kernel says the full size then, and has copied nothing that can be relied on. */
	return (size_t)len > n * sizeof(*ret) ? -E2BIG : (int)((size_t)len / sizeof(*ret));
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
 * Is that root's keyring of that name? "keyring;0;0;1f0b0000;.platform": only the kernel gives
 * keyrings names that begin with a dot (security/keys/keyctl.c, keyctl_join_session_keyring() and
 * add_key()).
 */
static bool is_ring(const struct kernel_keys *keys, int32_t serial, const char *name)
{
	static const char begin[] = "keyring;0;0;";
	char text[SEARCH_MAX];
	const char *rest = text + sizeof(begin) - 1;

	return keys->source.describe(keys->source.user, serial, text, sizeof(text)) == 0 &&
	       str_has_prefix(text, begin) && strspn(rest, "0123456789abcdef") == 8 &&
	       rest[8] == ';' && streq(rest + 9, name);
}

/*
 * "020ac843 I------     1 perm 1f0b0000     0     0 keyring   .platform: 1": number, flags, users,
 * expiry, permissions, user, group, type, description (Documentation/security/keys/core.rst). Any
 * user's key may have a description with line breaks that looks like such a line: the number counts
 * only if the kernel describes it so.
 */
static void note_ring(struct kernel_keys *keys, char *line)
{
	char *words[8], *name, *end;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = next_word(&line);
	name = line + strspn(line, " ");
	n = strcspn(name, ":");
	if (!streq(words[7], "keyring"))
		return;
	for (int ring = 0; ring < KERNEL_KEYRINGS; ring++) {
		const char *wanted = kernel_keyring_name((enum kernel_keyring)ring);
		unsigned long serial = strtoul(words[0], &end, 16);

		if (n == strlen(wanted) && memcmp(name, wanted, n) == 0 && *end == 0 &&
		    serial > 0 && serial <= INT32_MAX && is_ring(keys, (int32_t)serial, wanted))
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
	const char *last;

	if (keys->n == KERNEL_KEYS_MAX)
		return error_set(err, ERR_TOO_LARGE, "the kernel has more than %d keys",
				 KERNEL_KEYS_MAX);
	key = &keys->keys[keys->n++];
	*key = (struct kernel_key){ .serial = serial, .ring = ring };
	last = strrchr(description, ' ');
	if (last && last > description && last[-1] == ':' && strlen(last + 1) < sizeof(key->key_id))
		snprintf(key->key_id, sizeof(key->key_id), "%s", last + 1);
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
 * say nothing. 0 or -errno. */
static int try_search(const struct kernel_keys *keys, enum kernel_keyring ring, const char *type,
		      const char *description)
{
	int r = keys->source.search(keys->source.user, keys->rings[ring], type, description);

	return r == -ENOKEY ? 0 : r < 0 ? r : -EPROTO;
}

/* What cannot be searched forbids nothing: the kernel will say so itself. */
static void try_blacklist(struct kernel_keys *keys)
{
	const enum kernel_keyring ring = KERNEL_KEYRING_BLACKLIST;

	if (keys->rings[ring] && (try_search(keys, ring, "asymmetric", "ex:00") < 0 ||
				  try_search(keys, ring, "blacklist", "bin:00") < 0))
		keys->rings[ring] = 0;
}

static int walk_all(struct kernel_keys *keys, struct error *err)
{
	int r = 0, tried;

	for (int i = 0; r == 0 && i < KERNEL_KEYRINGS; i++) {
		if (!keys->rings[i] || i == KERNEL_KEYRING_BLACKLIST)
			continue;
		r = walk_ring(keys, (enum kernel_keyring)i, err);
		if (r == 0 &&
		    (tried = try_search(keys, (enum kernel_keyring)i, "asymmetric", "ex:00")) < 0)
			r = denied(tried, (enum kernel_keyring)i, err);
	}
	try_blacklist(keys);
	return r;
}

/* Is one keyring linked into another? */
static enum kernel_answer is_linked(const struct kernel_keys *keys, int32_t ring, int32_t into)
{
	int32_t serials[KERNEL_KEYS_MAX];
	int n = keys->source.read(keys->source.user, into, serials, KERNEL_KEYS_MAX);

	for (int i = 0; i < n; i++)
		if (serials[i] == ring)
			return KERNEL_YES;
	return n < 0 ? KERNEL_UNKNOWN : KERNEL_NO;
}

/* "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-20)" */
static bool is_debian(const struct kernel_facts *facts)
{
	return strstr(facts->version, " Debian ") != NULL;
}

static void decide_use(struct kernel_keys *keys)
{
	int32_t secondary = keys->rings[KERNEL_KEYRING_SECONDARY];
	enum kernel_answer *use = keys->for_modules;

	use[KERNEL_KEYRING_SECONDARY] = secondary ? KERNEL_YES : KERNEL_NO;
	for (int ring = KERNEL_KEYRING_BUILTIN; ring <= KERNEL_KEYRING_MACHINE; ring++)
		use[ring] = secondary && keys->rings[ring]
				    ? is_linked(keys, keys->rings[ring], secondary)
				    : KERNEL_NO;
	if (!secondary)
		use[KERNEL_KEYRING_BUILTIN] = KERNEL_YES;
	if (keys->rings[KERNEL_KEYRING_PLATFORM])
		use[KERNEL_KEYRING_PLATFORM] = keys->debian ? KERNEL_YES : KERNEL_UNKNOWN;
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
	keys->debian = is_debian(facts);
	decide_use(keys);
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

/* Is it in the keyring? A key that only the kernel may use answers EACCES, and no key ENOKEY; any
 * other answer says nothing. *ret_serial 0: not known. */
static enum kernel_answer search(const struct kernel_keys *keys, enum kernel_keyring ring,
				 const char *type, const char *kind, const char *hex,
				 int32_t *ret_serial)
{
	char wanted[SEARCH_MAX];
	int r;

	*ret_serial = 0;
	if (!keys->rings[ring])
		return KERNEL_NO;
	if (snprintf(wanted, sizeof(wanted), "%s:%s", kind, hex) >= (int)sizeof(wanted))
		return KERNEL_UNKNOWN;
	r = keys->source.search(keys->source.user, keys->rings[ring], type, wanted);
	if (r > 0)
		*ret_serial = r;
	return r > 0 || r == -EACCES ? KERNEL_YES : r == -ENOKEY ? KERNEL_NO : KERNEL_UNKNOWN;
}

/* A key that has both identifiers. A renewed authority may have the old one's name and serial
 * number: then the two are not in one key, and *ret_other says so. */
static enum kernel_answer search_key(const struct kernel_keys *keys, enum kernel_keyring ring,
				     const struct kernel_key_id *id, int32_t *ret_serial,
				     bool *ret_other)
{
	enum kernel_answer found = search(keys, ring, "asymmetric", "ex", id->id, ret_serial);
	int32_t second;

	if (found != KERNEL_YES || !id->key_id || !*id->key_id || streq(id->id, id->key_id))
		return found;
	found = search(keys, ring, "asymmetric", "ex", id->key_id, &second);
	/* Where the kernel gives numbers, they must be one. */
	if (found == KERNEL_YES && *ret_serial > 0 && second > 0 && second != *ret_serial)
		found = KERNEL_UNKNOWN;
	if (found == KERNEL_NO)
		*ret_other = true;
	return found;
}

/* The description ends in the subject key identifier, or without one in the serial number, with
 * which the identifier begins (x509_key_preparse()). */
static bool names_key(const struct kernel_key *key, const struct kernel_key_id *id)
{
	if (id->key_id && *id->key_id)
		return streq(key->key_id, id->key_id);
	return key->key_id[0] && str_has_prefix(id->id, key->key_id);
}

static const struct kernel_key *describe_match(const struct kernel_keys *keys, int32_t serial,
					       enum kernel_keyring ring,
					       const struct kernel_key_id *id)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->keys[i].ring == ring &&
		    (serial > 0 ? keys->keys[i].serial == serial : names_key(&keys->keys[i], id)))
			return &keys->keys[i];
	return NULL;
}

static void note_found(const struct kernel_keys *keys, enum kernel_keyring ring, int32_t serial,
		       const struct kernel_key_id *id, struct kernel_key_match *ret)
{
	const struct kernel_key *key = describe_match(keys, serial, ring, id);

	ret->present = true;
	ret->ring = ring;
	ret->accepted = keys->for_modules[ring];
	snprintf(ret->description, sizeof(ret->description), "%s", key ? key->description : "");
}

/* Another certificate of the same key, for the message. */
static void note_other_cert(const struct kernel_keys *keys, const char *key_id,
			    struct kernel_key_match *ret)
{
	for (size_t i = 0; i < keys->n && key_id && *key_id && !ret->description[0]; i++)
		if (streq(keys->keys[i].key_id, key_id))
			memcpy(ret->description, keys->keys[i].description,
			       sizeof(ret->description));
}

/* Keyrings that the kernel searches as one, those for modules first; the last ones are those that
 * it does not use, for the message. */
static unsigned stage_of(const struct kernel_keys *keys, enum kernel_keyring ring)
{
	if (keys->for_modules[ring] == KERNEL_NO)
		return 2;
	return ring == KERNEL_KEYRING_PLATFORM ? 1 : 0;
}

/* One identifier in the keyrings of a stage. A search that says nothing leaves it open whether the
 * kernel has the key. */
static void find_in_stage(const struct kernel_keys *keys, unsigned stage,
			  const struct kernel_key_id *id, struct kernel_key_match *ret)
{
	for (int i = 0; i < KERNEL_KEYRING_BLACKLIST && !ret->present; i++) {
		enum kernel_keyring ring = (enum kernel_keyring)i;
		enum kernel_answer found;
		int32_t serial;

		if (stage_of(keys, ring) != stage)
			continue;
		found = search_key(keys, ring, id, &serial, &ret->other_key);
		if (found == KERNEL_YES)
			note_found(keys, ring, serial, id, ret);
		else if (found == KERNEL_UNKNOWN && keys->for_modules[ring] != KERNEL_NO)
			ret->open = true;
	}
}

void kernel_keys_find(const struct kernel_keys *keys, const struct kernel_key_id *ids, size_t n,
		      struct kernel_key_match *ret)
{
	*ret = (struct kernel_key_match){ .accepted = KERNEL_NO };
	for (unsigned stage = 0; stage <= 2; stage++)
		for (size_t i = 0; i < n && !ret->present; i++)
			find_in_stage(keys, stage, &ids[i], ret);
	if (ret->open && ret->accepted == KERNEL_NO)
		ret->accepted = KERNEL_UNKNOWN;
	if (!ret->present && n > 0)
		note_other_cert(keys, ids[0].key_id, ret);
}

bool kernel_keys_forbid_key(const struct kernel_keys *keys, const struct kernel_key_id *id)
{
	int32_t serial;
	bool other;

	return search_key(keys, KERNEL_KEYRING_BLACKLIST, id, &serial, &other) == KERNEL_YES;
}

bool kernel_keys_forbid_certificate(const struct kernel_keys *keys, const char *tbs)
{
	int32_t serial;

	return search(keys, KERNEL_KEYRING_BLACKLIST, "blacklist", "tbs", tbs, &serial) ==
	       KERNEL_YES;
}

bool kernel_keys_forbid_module(const struct kernel_keys *keys, const char *sha256)
{
	int32_t serial;

	return keys->debian && search(keys, KERNEL_KEYRING_BLACKLIST, "blacklist", "bin", sha256,
				      &serial) == KERNEL_YES;
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
