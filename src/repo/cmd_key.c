/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo key generate, key list. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "module/certificate.h"
#include "repo/commands.h"

#define CERT_DAYS_DEFAULT 1825

/* ---- key generate ---- */

/* Nothing is replaced: not what was there, nor, under another spelling of its name, the new key. */
static int is_free(const char *path, struct error *err)
{
	return file_exists(path) ? error_set(err, ERR_EXISTS,
					     "%s: there is a file of that name already", path)
				 : 0;
}

static int write_cert(const struct cli *cli, const char *key_path, const char *cert_path,
		      struct error *err)
{
	_cleanup_buf_ struct buf cert = BUF_INIT(PEM_FILE_MAX);
	_cleanup_secret_ char *pem = NULL;
	const char *name = cli_get(cli, "name");
	int64_t days;
	int r = cli_get_int(cli, "days", 1, 36500, CERT_DAYS_DEFAULT, &days, err);

	if (r == 0)
		r = command_read_text(key_path, &pem, err);
	if (r == 0)
		r = certificate_make(pem, name ? name : "Suture module signing key", clock_now(),
				     (unsigned)days, &cert, err);
	if (r == 0)
		r = is_free(cert_path, err);
	return r < 0 ? r : file_write_atomic(cert_path, cert.data, cert.len, 0644, err);
}

static int write_public(const struct tuf_key *key, const char *path, struct error *err)
{
	_cleanup_buf_ struct buf pem = BUF_INIT(PEM_FILE_MAX);
	int r = tuf_key_public_pem(key, &pem, err);

	if (r == 0)
		r = is_free(path, err);
	return r < 0 ? r : file_write_atomic(path, pem.data, pem.len, 0644, err);
}

static int generate(const struct cli *cli, enum tuf_key_type type, struct tuf_key **ret,
		    struct error *err)
{
	const char *path = cli_get(cli, "output"), *cert = cli_get(cli, "cert");
	const char *public_key = cli_get(cli, "public");
	_cleanup_secret_ char *passphrase = NULL;
	int64_t bits;
	int r = cli_get_int(cli, "bits", 2048, 4096, 0, &bits, err);

	if (r < 0)
		return r;
	if (cert && cli_has(cli, "passphrase-file"))
		return error_set(err, ERR_USAGE, "--passphrase-file: not for a module's key yet");
	if (cert && type != TUF_KEY_RSA)
		return error_set(err, ERR_USAGE, "--cert is for --type rsa: module signing keys");
	if ((cert && (r = is_free(cert, err)) < 0) ||
	    (public_key && (r = is_free(public_key, err)) < 0))
		return r;
	r = tuf_key_generate(type, (unsigned)bits, ret, err);
	if (r == 0)
		r = command_new_passphrase(cli, false, &passphrase, err);
	if (r == 0)
		r = key_store_write(*ret, path, passphrase, err);
	if (r < 0)
		return r;
	if (public_key)
		r = write_public(*ret, public_key, err);
	if (r == 0 && cert) {
		r = write_cert(cli, path, cert, err);
		if (r < 0 && public_key)
			(void)file_remove(public_key, NULL);
	}
	if (r < 0)
		(void)file_remove(path, NULL);
	return r;
}

int cmd_key_generate(struct cli *cli, struct error *err)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	const char *name = cli_get(cli, "type");
	enum tuf_key_type type = cli_has(cli, "cert") ? TUF_KEY_RSA : TUF_KEY_ED25519;
	int r;

	if (name && tuf_key_type_parse(name, &type) < 0)
		return error_set(err, ERR_USAGE, "--type %s: ed25519, ecdsa-p256 or rsa", name);
	r = generate(cli, type, &key, err);
	if (r < 0)
		return r;
	printf("%s  %s  %s\n", tuf_key_id(key), tuf_key_type_name(type), cli_get(cli, "output"));
	return EXIT_OK;
}

/* ---- key list ---- */

static json_t *describe(const struct repository *repo, const char *role_name, const char *key_id,
			const json_t *keys, int64_t threshold)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	const char *path = NULL;
	json_t *object;

	(void)key_store_find(repo->keys, key_id, &path);
	if (tuf_key_from_json(json_object_get(keys, key_id), &key, NULL) < 0)
		return NULL;
	object = json_pack("{s:s, s:I, s:s, s:s}", "role", role_name, "threshold",
			   (json_int_t)threshold, "key_id", key_id, "type",
			   tuf_key_type_name(tuf_key_type(key)));
	if (object && json_set_str(object, "file", path) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static int list_role(const struct repository *repo, const char *name, const json_t *role,
		     const json_t *keys, json_t *list)
{
	const json_t *ids = json_object_get(role, "keyids");
	int64_t threshold = json_integer_value(json_object_get(role, "threshold"));

	for (size_t i = 0; i < json_array_size(ids); i++) {
		json_t *line = describe(repo, name, json_string_value(json_array_get(ids, i)), keys,
					threshold);

		if (json_array_append_new(list, line) != 0)
			return ERR_NO_MEMORY;
	}
	return 0;
}

static int list_all(struct repository *repo, json_t *list)
{
	const json_t *keys = json_object_get(repo->root->body, "keys");
	int r = 0;

	for (enum tuf_type type = TUF_ROOT; r == 0 && type <= TUF_TARGETS; type++)
		r = list_role(repo, tuf_type_name(type), tuf_root_role(repo->root, type), keys,
			      list);
	for (size_t i = 0; r == 0 && i < repo->n_roles; i++)
		r = list_role(repo, repo->roles[i].name,
			      tuf_targets_delegation(repo->targets, repo->roles[i].name),
			      tuf_targets_keys(repo->targets), list);
	return r;
}

static void print_keys(const json_t *list)
{
	size_t i;
	json_t *line;

	printf("%-12s %-9s %-11s %-64s %s\n", "ROLE", "THRESHOLD", "TYPE", "KEY ID", "FILE");
	json_array_foreach ((json_t *)list, i, line) {
		const char *file = json_string_value(json_object_get(line, "file"));

		printf("%-12s %-9" JSON_INTEGER_FORMAT " %-11s %-64s %s\n",
		       json_string_value(json_object_get(line, "role")),
		       json_integer_value(json_object_get(line, "threshold")),
		       json_string_value(json_object_get(line, "type")),
		       json_string_value(json_object_get(line, "key_id")),
		       file ? file : "not here");
	}
}

int cmd_key_list(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_json_ json_t *list = json_array();
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 24);
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = command_open_keys(cli, &repo, err);
	if (r < 0)
		return r;
	if (list_all(repo, list) < 0 || json_append_pretty(list, &text) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (format == CLI_JSON)
		fputs(buf_str(&text), stdout);
	else
		print_keys(list);
	return EXIT_OK;
}
