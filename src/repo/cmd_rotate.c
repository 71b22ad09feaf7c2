/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo rotate, key import, key revoke: which keys a role has. */
#include "base/file.h"
#include "base/json.h"
#include "repo/commands.h"
#include "repo/evidence.h"
#include "repo/role_keys.h"
#include "repo/unfinished.h"

/* Files made on the way, to be taken back if nothing came of it. */
struct new_files {
	char *paths[ROLE_KEYS_MAX];
	size_t n;
	struct buf list; /* the same, for the next command if this one is ended (unfinished.h) */
};

static void new_files_free(struct new_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->paths[i]);
	buf_free(&files->list);
}

/* Before the file is written. Takes the path over, also when it fails. The next command may be run
 * elsewhere: its list has whole paths. */
static int announce(const struct repository *repo, struct new_files *files, const char *key_id,
		    char *path, struct error *err)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(path_base(path) - path));
	_cleanup_free_ char *dir = folder ? realpath(*folder ? folder : ".", NULL) : NULL;
	_cleanup_free_ char *whole = dir ? path_join(dir, path_base(path), NULL) : NULL;
	int r;

	files->list.max = UNFINISHED_MAX;
	files->paths[files->n++] = path;
	if (!whole)
		return error_set_errno(err, errno, "%s", path);
	r = unfinished_add(&files->list, key_id, whole, err);
	return r < 0 ? r : unfinished_write(repo->dir, &files->list, err);
}

/* Keys that nothing names would only confuse. Once the repository may name them, the next command
 * finds out whether it does. */
static int finish(struct repository *repo, const struct new_files *files, int r)
{
	if (files->n == 0 || (r < 0 && repo->writing))
		return r;
	if (r == 0 || unfinished_take_back(repo->dir, NULL, NULL, NULL) == 0)
		(void)unfinished_end(repo->dir, NULL);
	return r;
}

/* New keys go where an old one is; without any here, to the folder of offline keys. */
static int key_folder(const struct repository *repo, const struct role_keys *old,
		      const struct cli *cli, char **ret, struct error *err)
{
	const char *path = NULL, *fallback = cli_get(cli, "keys");

	for (size_t i = 0; !path && i < old->n; i++)
		(void)key_store_find(repo->keys, tuf_key_id(old->keys[i]), &path);
	if (!fallback)
		fallback = repo->settings->keys;
	if (path)
		*ret = strndup(path, (size_t)(path_base(path) - path));
	else if (fallback)
		*ret = strdup(fallback);
	else
		return error_set(err, ERR_USAGE, "--keys DIR: where are the new keys to go?");
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

/* "<role>-N.<suffix>" with the first N that is free. */
static int free_name(const char *folder, const char *role, const char *suffix, char **ret,
		     struct error *err)
{
	for (unsigned i = 2; i < 10000; i++) {
		_cleanup_buf_ struct buf name = BUF_INIT(256);
		_cleanup_free_ char *path = NULL;

		if (buf_printf(&name, "%s-%u.%s", role, i, suffix) == 0)
			path = path_join(folder, buf_str(&name), NULL);
		if (!path)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		if (!file_exists(path)) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	return error_set(err, ERR_EXISTS, "%s: too many keys of role %s", folder, role);
}

/* ---- rotate ---- */

/*
 * New keys are to be no easier to take than the old ones. A key of the role that is not here may be
 * the one in a file that was passed over, for want of a passphrase.
 */
static int find_protection(const struct repository *repo, const struct role_keys *old, bool *ret,
			   struct error *err)
{
	*ret = false;
	for (size_t i = 0; i < old->n; i++) {
		const char *id = tuf_key_id(old->keys[i]);
		enum key_protection protection = key_store_protection(repo->keys, id);

		*ret |= protection == KEY_PASSPHRASE ||
			(repo->keys->passed_over && !key_store_find(repo->keys, id, NULL));
		if (protection != KEY_TOKEN)
			continue;
		error_set(err, ERR_UNSUPPORTED, "role %s: its key %.16s… is in a token", old->role,
			  id);
		error_hint(err,
			   "suture-repo key import --uri gives the role another key of a token, "
			   "key revoke takes this one");
		return ERR_UNSUPPORTED;
	}
	return 0;
}

static int make_key(struct repository *repo, const char *folder, const char *passphrase,
		    struct role_keys *keys, struct new_files *files, struct error *err)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL, *public_key = NULL;
	_cleanup_json_ json_t *object = NULL;
	_cleanup_free_ char *path = NULL;
	const char *file;
	int r = free_name(folder, keys->role, "pem", &path, err);

	if (r == 0)
		r = tuf_key_generate(TUF_KEY_ED25519, 0, &key, err);
	if (r < 0)
		return r;
	object = tuf_key_to_json(key);
	r = object ? tuf_key_from_json(object, &public_key, err) : ERR_NO_MEMORY;
	if (r < 0)
		return r;
	file = path;
	r = announce(repo, files, tuf_key_id(key), TAKE_PTR(path), err);
	if (r == 0)
		r = key_store_write(key, file, passphrase, err);
	if (r < 0)
		return r;
	r = key_store_add(repo->keys, key, file);
	if (r < 0)
		return error_set(err, r, "no memory");
	key = NULL;
	r = role_keys_add(keys, public_key, err);
	if (r == 0)
		public_key = NULL;
	return r;
}

/* As many new keys as the role has, in place of all of them. */
static int rotate(struct repository *repo, const struct cli *cli, struct role_keys *old,
		  struct new_files *files, struct error *err)
{
	_cleanup_role_keys_ struct role_keys keys = { .threshold = old->threshold };
	_cleanup_free_ char *folder = NULL;
	_cleanup_secret_ char *passphrase = NULL;
	bool is_protected = false;
	int r = key_folder(repo, old, cli, &folder, err);

	memcpy(keys.role, old->role, sizeof(keys.role));
	if (r == 0)
		r = find_protection(repo, old, &is_protected, err);
	/* A passphrase is for keys that people hold; nobody types one for the online keys. */
	if (r == 0 && !repository_is_online(repo, folder))
		r = command_new_passphrase(cli, is_protected, &passphrase, err);
	for (size_t i = 0; r == 0 && i < old->n; i++)
		r = make_key(repo, folder, passphrase, &keys, files, err);
	if (r == 0)
		r = role_keys_store(&keys, repo, err);
	if (r == 0)
		r = repository_commit(repo, err);
	for (size_t i = 0; r == 0 && i < keys.n; i++)
		printf("%s: %s in %s\n", keys.role, tuf_key_id(keys.keys[i]), files->paths[i]);
	return r;
}

int cmd_rotate(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_role_keys_ struct role_keys old = { 0 };
	_cleanup_(new_files_free) struct new_files files = { 0 };
	int r = command_open_change(cli, &repo, err);

	if (r == 0)
		r = role_keys_load(repo, cli_arg(cli, 1), &old, err);
	if (r < 0)
		return r;
	r = finish(repo, &files, rotate(repo, cli, &old, &files, err));
	return r < 0 ? r : command_done(repo);
}

/* ---- key import ---- */

/* The public part of a PEM file, of either kind. */
static int read_key_file(const char *path, struct tuf_key **ret, struct error *err)
{
	_cleanup_secret_ char *pem = NULL;
	int r = command_read_text(path, &pem, err);

	if (r < 0)
		return r;
	r = tuf_key_from_public_pem(pem, strlen(pem), ret, NULL);
	if (r == ERR_INVALID)
		r = tuf_key_from_private_pem(pem, strlen(pem), ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

static int import_token(struct repository *repo, const struct cli *cli,
			const struct role_keys *keys, struct tuf_key **ret, struct new_files *files,
			struct error *err)
{
	const char *uri = cli_get(cli, "uri"), *module = cli_get(cli, "module");
	_cleanup_free_ char *folder = NULL, *path = NULL;
	_cleanup_secret_ char *pin = NULL;
	const char *file;
	int r = key_store_check_uri(uri, err);
	/* A token may want no PIN. */
	if (r == 0 && (cli_has(cli, "pin-file") || isatty(STDIN_FILENO)))
		r = cli_read_secret(cli_get(cli, "pin-file"), "PIN", &pin, err);
	if (r == 0)
		r = tuf_key_from_pkcs11(uri, module, pin, ret, err);
	if (r == 0)
		r = key_folder(repo, keys, cli, &folder, err);
	if (r == 0)
		r = free_name(folder, keys->role, "pkcs11", &path, err);
	if (r < 0)
		return r;
	file = path;
	r = announce(repo, files, tuf_key_id(*ret), TAKE_PTR(path), err);
	return r < 0 ? r : key_store_write_token(*ret, file, uri, module, err);
}

static int new_threshold(const struct cli *cli, struct role_keys *keys, struct error *err)
{
	int64_t threshold;
	int r = cli_get_int(cli, "threshold", 1, ROLE_KEYS_MAX, keys->threshold, &threshold, err);

	keys->threshold = (unsigned)threshold;
	return r;
}

/* A key beside the repository gives whoever takes the server a say in an offline role. */
static void warn_online(const struct repository *repo, const struct role_keys *keys, const char *id)
{
	const char *path = NULL;

	if (!key_store_find(repo->keys, id, &path) || !repository_is_online(repo, path) ||
	    role_keys_are_online(keys, repo))
		return;
	fprintf(stderr, "suture-repo: role %s is offline, and %.16s… is an online key\n",
		keys->role, id);
}

/* The key store signs with the token's key already in this run. */
static int import(struct repository *repo, const struct cli *cli, struct role_keys *keys,
		  struct new_files *files, struct error *err)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	_cleanup_json_ json_t *object = NULL;
	struct tuf_key *public_key = NULL;
	int r = cli_has(cli, "uri") ? import_token(repo, cli, keys, &key, files, err)
				    : read_key_file(cli_arg(cli, 2), &key, err);

	if (r < 0)
		return r;
	object = tuf_key_to_json(key);
	r = object ? tuf_key_from_json(object, &public_key, err) : ERR_NO_MEMORY;
	if (r == 0)
		warn_online(repo, keys, tuf_key_id(public_key));
	if (r == 0)
		r = role_keys_add(keys, public_key, err);
	if (r < 0) {
		tuf_key_free(public_key);
		return r;
	}
	if (cli_has(cli, "uri")) {
		r = key_store_add(repo->keys, key, files->paths[0]);
		if (r < 0)
			return error_set(err, r, "no memory");
		key = NULL;
	}
	r = new_threshold(cli, keys, err);
	if (r == 0)
		r = role_keys_store(keys, repo, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r == 0)
		printf("%s: %s, %u of %zu keys needed\n", keys->role,
		       tuf_key_id(keys->keys[keys->n - 1]), keys->threshold, keys->n);
	return r;
}

int cmd_key_import(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_role_keys_ struct role_keys keys = { 0 };
	_cleanup_(new_files_free) struct new_files files = { 0 };
	int r;

	if (cli_has(cli, "uri") == (cli_argc(cli) > 2))
		return error_set(err, ERR_USAGE, "a key is given by FILE.pem or by --uri");
	r = command_open_change(cli, &repo, err);
	if (r == 0)
		r = role_keys_load(repo, cli_arg(cli, 1), &keys, err);
	if (r < 0)
		return r;
	r = finish(repo, &files, import(repo, cli, &keys, &files, err));
	return r < 0 ? r : command_done(repo);
}

/* ---- key revoke ---- */

/* Whole IDs that begin so; all but the first are an error. */
static int add_match(const struct role_keys *keys, const char *id, const char *prefix,
		     char found[static SHA256_HEX_LEN + 1], struct error *err)
{
	if (!str_has_prefix(id, prefix) || streq(found, id))
		return 0;
	if (found[0])
		return error_set(err, ERR_USAGE, "role %s: several key IDs begin with %s",
				 keys->role, prefix);
	snprintf(found, SHA256_HEX_LEN + 1, "%s", id);
	return 0;
}

/* Among the role's keys, and those whose envelopes still count though they are none of them. */
static int find_key(struct repository *repo, const struct role_keys *keys, const char *prefix,
		    char found[static SHA256_HEX_LEN + 1], struct error *err)
{
	const json_t *remembered = evidence_keys(repo, keys->role), *key;
	const char *id;
	int r = 0;

	found[0] = '\0';
	for (size_t i = 0; r == 0 && prefix[0] && i < keys->n; i++)
		r = add_match(keys, tuf_key_id(keys->keys[i]), prefix, found, err);
	json_object_foreach ((json_t *)remembered, id, key) {
		if (r == 0 && prefix[0])
			r = add_match(keys, id, prefix, found, err);
	}
	if (r == 0 && !found[0])
		r = error_set(err, ERR_NOT_FOUND, "role %s: none of its keys has the ID %s",
			      keys->role, prefix);
	return r;
}

/* A key that was lost is lost for all of its roles. */
static void warn_elsewhere(struct repository *repo, const char *role, const char *id)
{
	const char *names[REPOSITORY_MAX_ROLES + 4];
	size_t n = 0;

	for (enum tuf_type type = TUF_ROOT; type <= TUF_TARGETS; type++)
		names[n++] = tuf_type_name(type);
	for (size_t i = 0; i < repo->n_roles; i++)
		names[n++] = repo->roles[i].name;
	for (size_t i = 0; i < n; i++) {
		struct role_keys keys = { 0 };

		if (streq(names[i], role) || role_keys_load(repo, names[i], &keys, NULL) < 0)
			continue;
		if (role_keys_drop(&keys, id, NULL) == 0)
			fprintf(stderr, "suture-repo: %.16s… is still a key of role %s\n", id,
				names[i]);
		role_keys_free(&keys);
	}
}

static int revoke_one(struct repository *repo, struct role_keys *keys, const char *prefix,
		      struct error *err)
{
	char id[SHA256_HEX_LEN + 1];
	size_t forgotten = 0;
	int r = find_key(repo, keys, prefix, id, err);

	if (r == 0 && evidence_keys(repo, keys->role))
		r = evidence_forget_key(repo, id, &forgotten, err);
	if (r == 0) {
		r = role_keys_drop(keys, id, err);
		/* It may have been only one of those remembered. */
		if (r == ERR_NOT_FOUND && forgotten > 0)
			r = 0;
	}
	if (r == 0)
		warn_elsewhere(repo, keys->role, id);
	return r;
}

int cmd_key_revoke(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_role_keys_ struct role_keys keys = { 0 };
	int r = command_open_change(cli, &repo, err);

	if (r == 0)
		r = role_keys_load(repo, cli_arg(cli, 1), &keys, err);
	for (size_t i = 2; r == 0 && i < cli_argc(cli); i++)
		r = revoke_one(repo, &keys, cli_arg(cli, i), err);
	if (r == 0)
		r = new_threshold(cli, &keys, err);
	if (r == 0)
		r = role_keys_store(&keys, repo, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	printf("%s: %u of %zu keys needed\n", keys.role, keys.threshold, keys.n);
	return command_done(repo);
}
