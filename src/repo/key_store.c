/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/key_store.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "wire/field.h"

#define TOKEN_FILE_MAX ((size_t)64 * 1024)
#define SUFFIX_PEM     ".pem"
#define SUFFIX_TOKEN   ".pkcs11"

DEFINE_CLEANUP(DIR *, closedir);

static void entry_free(struct key_entry *e)
{
	tuf_key_free(e->key);
	free(e->path);
	free(e->uri);
	free(e->module);
	free(e->failure.message);
}

/* Private bytes do not stay in freed memory. */
static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

static void wipe_text(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

int key_store_new(struct key_store **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : ERR_NO_MEMORY;
}

void key_store_free(struct key_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->n; i++)
		entry_free(&store->entries[i]);
	for (size_t i = 0; i < store->n_tokens; i++) {
		free(store->tokens[i].name);
		wipe_text(&store->tokens[i].pin);
		free(store->tokens[i].failure.message);
	}
	free(store->entries);
	free(store->tokens);
	free(store);
}

void key_store_set_secret(struct key_store *store, key_secret_fn secret, void *user)
{
	store->secret = secret;
	store->user = user;
}

/* All of it at once: a growing buffer would leave copies behind. */
static int read_pem(const char *path, struct buf *pem, struct error *err)
{
	int r = buf_reserve(pem, TUF_KEY_PEM_MAX);

	return r < 0 ? r : file_read(path, pem, err);
}

static int keep_failure(struct key_failure *failure, int code, const struct error *why)
{
	failure->code = code;
	failure->message = strdup(why->message);
	return failure->message ? 0 : ERR_NO_MEMORY;
}

/* ---- Adding ---- */

/* Takes the entry over when it succeeds. */
static int add_entry(struct key_store *store, const struct key_entry *entry)
{
	struct key_entry *entries = reallocarray(store->entries, store->n + 1, sizeof(*entries));

	if (!entries)
		return ERR_NO_MEMORY;
	store->entries = entries;
	entries[store->n++] = *entry;
	return 0;
}

int key_store_add(struct key_store *store, struct tuf_key *key, const char *path)
{
	struct key_entry entry = { .key = key, .path = strdup(path) };

	if (!entry.path || add_entry(store, &entry) < 0) {
		free(entry.path);
		return ERR_NO_MEMORY;
	}
	return 0;
}

static int ask(struct key_store *store, const char *path, bool pin, char **ret, struct error *err)
{
	if (!store->secret)
		return error_set(err, ERR_NOT_FOUND, "%s: %s protects it", path,
				 pin ? "a PIN" : "a passphrase");
	return store->secret(store->user, path, pin, ret, err);
}

static int open_protected(struct key_store *store, const char *path, const struct buf *pem,
			  struct tuf_key **ret, struct error *err)
{
	_cleanup_(wipe_text) char *passphrase = NULL;
	int r = ask(store, path, false, &passphrase, err);

	if (r < 0)
		return r;
	r = tuf_key_from_protected_pem(pem->data, pem->len, passphrase ? passphrase : "", ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

/* A protected key that has no public part beside it has to be opened at once. */
static int load_pem(struct key_store *store, struct key_entry *e, struct error *err)
{
	_cleanup_(wipe) struct buf pem = BUF_INIT(TUF_KEY_PEM_MAX);
	int r = read_pem(e->path, &pem, err);

	if (r < 0)
		return r;
	if (!tuf_key_pem_is_protected(pem.data, pem.len)) {
		r = tuf_key_from_private_pem(pem.data, pem.len, &e->key, err);
		return r < 0 ? error_prefix(err, r, "%s", e->path) : 0;
	}
	e->protection = KEY_PASSPHRASE;
	if (tuf_key_from_public_pem(pem.data, pem.len, &e->key, NULL) < 0)
		return open_protected(store, e->path, &pem, &e->key, err);
	e->locked = true;
	return 0;
}

int key_store_check_uri(const char *uri, struct error *err)
{
	if (!strstr(uri, "pin-value") && !strstr(uri, "pin-source"))
		return 0;
	return error_set(err, ERR_USAGE, "a PIN belongs into --pin-file, not into a URI");
}

static int read_token(const json_t *object, struct key_entry *e, struct error *err)
{
	const char *uri, *module;
	json_t *key;
	int r = field_format(object, err);

	if (r == 0)
		r = json_get_str(object, "uri", KEY_STORE_URI_MAX, &uri, err);
	if (r == 0)
		r = key_store_check_uri(uri, err);
	if (r == 0)
		r = json_get_str_opt(object, "module", KEY_STORE_URI_MAX, &module, err);
	if (r == 0)
		r = json_get_object(object, "key", 16, &key, err);
	if (r == 0)
		r = tuf_key_from_json(key, &e->key, err);
	if (r < 0)
		return r;
	e->uri = strdup(uri);
	e->module = module ? strdup(module) : NULL;
	e->locked = true;
	e->protection = KEY_TOKEN;
	return e->uri && (!module || e->module) ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

static int load_token(struct key_entry *e, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	int r = json_load_path(e->path, TOKEN_FILE_MAX, &object, err);

	if (r < 0)
		return r;
	r = read_token(object, e, err);
	return r < 0 ? error_prefix(err, r, "%s", e->path) : 0;
}

bool key_store_file_holds(const char *path, const char *key_id)
{
	struct key_store nobody = { 0 }; /* to be asked for a passphrase */
	struct key_entry entry = { .path = (char *)path };
	struct stat st;
	bool holds = lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		     (load_pem(&nobody, &entry, NULL) == 0 || load_token(&entry, NULL) == 0) &&
		     streq(tuf_key_id(entry.key), key_id);

	entry.path = NULL; /* the caller's */
	entry_free(&entry);
	return holds;
}

/* For messages; what does not fit is left out. */
static void add_place(struct key_store *store, const char *text)
{
	size_t used = strlen(store->places);

	snprintf(store->places + used, sizeof(store->places) - used, "%s%s", used ? ", " : "",
		 text);
}

/* A key that cannot be opened is one that is not here. */
static int add_file(struct key_store *store, const char *dir, const char *name, bool readable_only,
		    struct error *err)
{
	struct key_entry entry = { .path = path_join(dir, name, NULL) };
	struct error local = { 0 };
	bool closed;
	int r;

	if (!entry.path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = str_has_suffix(name, SUFFIX_PEM) ? load_pem(store, &entry, &local)
					     : load_token(&entry, &local);
	if (r == 0 && store->n >= KEY_STORE_MAX)
		r = error_set(&local, ERR_TOO_LARGE, "%s: more than %d keys", dir, KEY_STORE_MAX);
	if (r == 0)
		r = add_entry(store, &entry);
	if (r == 0)
		return 0;
	entry_free(&entry);
	closed = r == ERR_NOT_FOUND || r == ERR_DENIED;
	store->passed_over |= closed;
	if (closed || (readable_only && r != ERR_UNSUPPORTED))
		add_place(store, local.message);
	if (closed || r == ERR_UNSUPPORTED || readable_only)
		return 0;
	if (err)
		*err = local;
	return r;
}

static int add_files(struct key_store *store, const char *dir, bool readable_only,
		     struct error *err)
{
	_cleanup_(closedirp) DIR *folder = opendir(dir);
	struct dirent *entry;
	int r = 0;

	if (!folder && errno == ENOENT) {
		error_set(err, ERR_NOT_FOUND, "%s: no such folder of keys", dir);
		error_hint(err, "--keys DIR says where the offline keys are");
		return ERR_NOT_FOUND;
	}
	if (!folder)
		return error_set_errno(err, errno, "%s", dir);
	add_place(store, dir);
	while (r == 0 && (entry = readdir(folder))) {
		if (str_has_suffix(entry->d_name, SUFFIX_PEM) ||
		    str_has_suffix(entry->d_name, SUFFIX_TOKEN))
			r = add_file(store, dir, entry->d_name, readable_only, err);
	}
	return r;
}

int key_store_add_folder(struct key_store *store, const char *dir, struct error *err)
{
	return add_files(store, dir, false, err);
}

int key_store_add_readable(struct key_store *store, const char *dir, struct error *err)
{
	struct error local = { 0 };
	int r = add_files(store, dir, true, &local);

	if (r == ERR_NO_MEMORY)
		return error_set(err, r, "no memory");
	if (r < 0 && r != ERR_NOT_FOUND)
		add_place(store, local.message);
	return 0;
}

/* ---- Finding, opening, signing ---- */

static struct key_entry *find_entry(const struct key_store *store, const char *key_id)
{
	for (size_t i = 0; i < store->n; i++) {
		if (streq(tuf_key_id(store->entries[i].key), key_id))
			return &store->entries[i];
	}
	return NULL;
}

const struct tuf_key *key_store_find(const struct key_store *store, const char *key_id,
				     const char **ret_path)
{
	const struct key_entry *entry = find_entry(store, key_id);

	if (!entry)
		return NULL;
	if (ret_path)
		*ret_path = entry->path;
	return entry->key;
}

enum key_protection key_store_protection(const struct key_store *store, const char *key_id)
{
	const struct key_entry *entry = find_entry(store, key_id);

	return entry ? entry->protection : KEY_PLAIN;
}

/* Library and URI without what says which key: two keys of one token have the same. */
static int token_name(const struct key_entry *e, struct buf *out)
{
	static const char *const of_key[] = { "object=", "id=", "type=" };
	_cleanup_free_ char *path = strndup(e->uri, strcspn(e->uri, "?"));
	char *rest = path ? strchr(path, ':') : NULL, *part;
	int r = path ? buf_printf(out, "%s", e->module ? e->module : "") : ERR_NO_MEMORY;

	if (rest)
		rest++;
	while (r == 0 && (part = strsep(&rest, ";"))) {
		bool other = false;

		for (size_t i = 0; i < ARRAY_SIZE(of_key); i++)
			other |= str_has_prefix(part, of_key[i]);
		if (!other)
			r = buf_printf(out, ";%s", part);
	}
	return r;
}

/* The token of a key, with its PIN, which is asked for once. */
static int find_token(struct key_store *store, const struct key_entry *e, struct key_token **ret,
		      struct error *err)
{
	_cleanup_buf_ struct buf name = BUF_INIT(4 * KEY_STORE_URI_MAX);
	struct key_token *token, *tokens;
	struct error local = { 0 };
	int r;

	if (token_name(e, &name) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; i < store->n_tokens; i++) {
		*ret = &store->tokens[i];
		if (streq((*ret)->name, buf_str(&name)))
			return 0;
	}
	tokens = reallocarray(store->tokens, store->n_tokens + 1, sizeof(*tokens));
	if (!tokens)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	store->tokens = tokens;
	token = *ret = &tokens[store->n_tokens++];
	*token = (struct key_token){ .name = strdup(buf_str(&name)) };
	r = token->name ? ask(store, e->path, true, &token->pin, &local) : ERR_NO_MEMORY;
	if (r < 0 && token->name)
		r = keep_failure(&token->failure, r, &local);
	return r < 0 ? error_set(err, r, "no memory") : 0;
}

static int open_token(struct key_store *store, const struct key_entry *e, struct tuf_key **ret,
		      struct error *err)
{
	struct key_token *token = NULL;
	struct error local = { 0 };
	int r = find_token(store, e, &token, err);

	if (r < 0)
		return r;
	if (token->failure.code)
		return error_set(err, token->failure.code, "%s", token->failure.message);
	r = tuf_key_from_pkcs11(e->uri, e->module, token->pin, ret, &local);
	if (r == ERR_DENIED && keep_failure(&token->failure, r, &local) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (r < 0 && err)
		*err = local;
	return r;
}

static int unlock(struct key_store *store, struct key_entry *e, struct error *err)
{
	_cleanup_tuf_key_ struct tuf_key *opened = NULL;
	_cleanup_(wipe) struct buf pem = BUF_INIT(TUF_KEY_PEM_MAX);
	int r;

	if (e->uri) {
		r = open_token(store, e, &opened, err);
	} else {
		r = read_pem(e->path, &pem, err);
		if (r == 0)
			r = open_protected(store, e->path, &pem, &opened, err);
	}
	if (r < 0)
		return r;
	if (!tuf_key_same(opened, e->key))
		return error_set(err, ERR_INVALID, "%s: the public part is of another key",
				 e->path);
	tuf_key_free(e->key);
	e->key = TAKE_PTR(opened);
	e->locked = false;
	return 0;
}

/* Once: each further try would be asked for, and counted by a token. */
static int unlock_once(struct key_store *store, struct key_entry *e, struct error *err)
{
	struct error local = { 0 };
	int r;

	if (e->failure.code)
		return error_set(err, e->failure.code, "%s", e->failure.message);
	r = unlock(store, e, &local);
	if ((r == ERR_DENIED || r == ERR_NOT_FOUND) && keep_failure(&e->failure, r, &local) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (r < 0 && err)
		*err = local;
	return r;
}

int key_store_open(struct key_store *store, const char *key_id, const struct tuf_key **ret,
		   struct error *err)
{
	struct key_entry *entry = find_entry(store, key_id);
	int r;

	if (!entry)
		return error_set(err, ERR_NOT_FOUND, "key %.16s…: is not in %s", key_id,
				 store->places[0] ? store->places : "any folder");
	r = entry->locked ? unlock_once(store, entry, err) : 0;
	if (r == 0)
		*ret = entry->key;
	return r;
}

/* A full list of missing keys is no error of its own; one reason of several keys is said once. */
static void add_missing(struct buf *missing, const char *id, bool listed, const struct error *why)
{
	int full = buf_printf(missing, " %.16s…", id);

	if (full == 0 && listed && !strstr(buf_str(missing), why->message))
		(void)!buf_printf(missing, " (%s)", why->message);
}

int key_store_sign(struct key_store *store, const char *role_name, const json_t *role,
		   struct tuf_metadata *md, struct error *err)
{
	const json_t *ids = json_object_get(role, "keyids");
	size_t threshold = (size_t)json_integer_value(json_object_get(role, "threshold")), n = 0;
	_cleanup_buf_ struct buf missing = BUF_INIT(600);
	bool denied = false;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct tuf_key *key;
		struct error why = { 0 };
		int r = key_store_open(store, id, &key, &why);

		if (r == ERR_NOT_FOUND || r == ERR_DENIED) {
			add_missing(&missing, id, find_entry(store, id), &why);
			denied |= r == ERR_DENIED;
			continue;
		}
		if (r == 0)
			r = tuf_metadata_sign(md, key, &why);
		if (r < 0) {
			if (err)
				*err = why;
			return error_prefix(err, r, "role %s", role_name);
		}
		n++;
	}
	if (n >= threshold)
		return 0;
	error_set(err, denied && n == 0 ? ERR_DENIED : ERR_UNTRUSTED,
		  "role %s: %zu of %zu needed keys are in %s; missing:%s", role_name, n, threshold,
		  store->places[0] ? store->places : "no folder", buf_str(&missing));
	if (!denied)
		error_hint(err, "--keys DIR says where the offline keys are; --pending lets others "
				"sign");
	return denied && n == 0 ? ERR_DENIED : ERR_UNTRUSTED;
}

/* ---- Writing ---- */

int key_store_write(const struct tuf_key *key, const char *path, const char *passphrase,
		    struct error *err)
{
	_cleanup_(wipe) struct buf pem = BUF_INIT(TUF_KEY_PEM_MAX);
	int r = buf_reserve(&pem, TUF_KEY_PEM_MAX);

	if (file_exists(path))
		return error_set(err, ERR_EXISTS, "%s: there is a file of that name already", path);
	if (r == 0)
		r = passphrase ? tuf_key_protected_pem(key, passphrase, &pem, err)
			       : tuf_key_private_pem(key, &pem, err);
	if (r == 0 && passphrase)
		r = tuf_key_public_pem(key, &pem, err);
	return r < 0 ? r : file_write_atomic(path, pem.data, pem.len, 0600, err);
}

int key_store_write_token(const struct tuf_key *key, const char *path, const char *uri,
			  const char *module, struct error *err)
{
	_cleanup_json_ json_t *object =
		json_pack("{s:i, s:s, s:o}", "format", 1, "uri", uri, "key", tuf_key_to_json(key));

	if (file_exists(path))
		return error_set(err, ERR_EXISTS, "%s: there is a file of that name already", path);
	if (!object || json_set_str(object, "module", module) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return json_save_path(object, path, 0600, err);
}
