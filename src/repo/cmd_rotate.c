/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo rotate, key import, key revoke: which keys a role has. */
#include "base/file.h"
#include "base/json.h"
#include "repo/commands.h"
#include "repo/evidence.h"
#include "repo/role_keys.h"

/* Files made on the way, to be taken back if nothing came of it. */
struct new_files {
	char *paths[ROLE_KEYS_MAX];
	size_t n;
};

static void new_files_free(struct new_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->paths[i]);
}

/* Keys that nothing names would only confuse. Once the repository may name them, they stay. */
static int finish(struct repository *repo, const struct new_files *files, int r)
{
	for (size_t i = 0; r < 0 && !repo->writing && i < files->n; i++)
		(void)file_remove(files->paths[i], NULL);
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

/* A passphrase is for keys that people hold; nobody types one for the online keys. */
static bool is_online(const struct repository *repo, const char *folder)
{
	_cleanup_free_ char *online = path_join(repo->dir, "online-keys", "", NULL);

	return online && str_has_prefix(folder, online);
}

static int make_key(struct repository *repo, const char *folder, const char *passphrase,
		    struct role_keys *keys, struct new_files *files, struct error *err)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL, *public_key = NULL;
	_cleanup_json_ json_t *object = NULL;
	_cleanup_free_ char *path = NULL;
	int r = free_name(folder, keys->role, "pem", &path, err);

	if (r == 0)
		r = tuf_key_generate(TUF_KEY_ED25519, 0, &key, err);
	if (r < 0)
		return r;
	object = tuf_key_to_json(key);
	r = object ? tuf_key_from_json(object, &public_key, err) : ERR_NO_MEMORY;
	if (r == 0)
		r = key_store_write(key, path, is_online(repo, folder) ? NULL : passphrase, err);
	if (r < 0)
		return r;
	files->paths[files->n++] = path;
	r = key_store_add(repo->keys, key, path);
	path = NULL;
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
	int r = key_folder(repo, old, cli, &folder, err);

	memcpy(keys.role, old->role, sizeof(keys.role));
	if (r == 0)
		r = command_new_passphrase(cli, &passphrase, err);
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
	int r = 0;

	if (strstr(uri, "pin-value"))
		return error_set(err, ERR_USAGE, "--uri: a PIN belongs into --pin-file");
	if (cli_has(cli, "pin-file"))
		r = cli_read_secret(cli_get(cli, "pin-file"), "PIN", &pin, err);
	if (r == 0)
		r = tuf_key_from_pkcs11(uri, module, pin, ret, err);
	if (r == 0)
		r = key_folder(repo, keys, cli, &folder, err);
	if (r == 0)
		r = free_name(folder, keys->role, "pkcs11", &path, err);
	if (r == 0)
		r = key_store_write_token(*ret, path, uri, module, err);
	if (r < 0)
		return r;
	files->paths[files->n++] = TAKE_PTR(path);
	return 0;
}

static int new_threshold(const struct cli *cli, struct role_keys *keys, struct error *err)
{
	int64_t threshold;
	int r = cli_get_int(cli, "threshold", 1, ROLE_KEYS_MAX, keys->threshold, &threshold, err);

	keys->threshold = (unsigned)threshold;
	return r;
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

/* A key that the role has no more may still be one whose envelopes count. */
static int revoke_one(struct repository *repo, struct role_keys *keys, const char *id,
		      struct error *err)
{
	struct error local = { 0 };
	size_t forgotten = 0;
	int r = role_keys_drop(keys, id, &local);

	if (streq(keys->role, TARGET_EVIDENCE_ROLE) && (r == 0 || r == ERR_NOT_FOUND) &&
	    id[0] != '\0') {
		int s = evidence_forget_key(repo, id, &forgotten, &local);

		r = s < 0 ? s : forgotten > 0 ? 0 : r;
	}
	if (r < 0 && err)
		*err = local;
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
