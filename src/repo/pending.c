/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/pending.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "wire/field.h"

#define PENDING_MAX_SIGNATURES 4096

/* One role that may wait: where its metadata is now and where the published one goes. */
struct slot {
	const char *name;
	enum tuf_type type;
	struct tuf_metadata **md, **before;
	bool *changed;
};

/* The `i`th offline role; false past the last. */
static bool slot_at(struct repository *repo, size_t i, struct slot *ret)
{
	if (i == 0)
		*ret = (struct slot){ "root", TUF_ROOT, &repo->root, &repo->root_before,
				      &repo->root_changed };
	else if (i == 1)
		*ret = (struct slot){ "targets", TUF_TARGETS, &repo->targets, &repo->targets_before,
				      &repo->targets_changed };
	else if (i < repo->n_roles + 2)
		*ret = (struct slot){ repo->roles[i - 2].name, TUF_TARGETS, &repo->roles[i - 2].md,
				      &repo->roles[i - 2].before, &repo->roles[i - 2].changed };
	else
		return false;
	return true;
}

bool pending_holds(const struct repository *repo, const struct tuf_metadata *md)
{
	struct slot slot;

	for (size_t i = 0; slot_at((struct repository *)repo, i, &slot); i++) {
		if (*slot.md == md)
			return *slot.before != NULL;
	}
	return false;
}

/* ---- The folder ---- */

static char *pending_path(const struct repository *repo, const char *name)
{
	return name ? path_join(repo->dir, "pending", name, NULL)
		    : path_join(repo->dir, "pending", NULL);
}

static int load_slot(struct repository *repo, const struct slot *slot, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	_cleanup_buf_ struct buf data = BUF_INIT(REPOSITORY_FILE_MAX);
	_cleanup_free_ char *path = NULL;
	char name[TUF_ROLE_NAME_MAX + 64];
	int64_t next = (*slot->md)->version + 1;
	int r;

	snprintf(name, sizeof(name), "%" PRId64 ".%s.json", next, slot->name);
	path = pending_path(repo, name);
	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!file_exists(path))
		return 0;
	r = file_read(path, &data, err);
	if (r == 0)
		r = tuf_metadata_parse(slot->type, name, data.data, data.len, &md, err);
	if (r == 0 && md->version != next)
		r = error_set(err, ERR_INVALID, "holds another version");
	if (r < 0)
		return error_prefix(err, r, "pending/%s", name);
	*slot->before = *slot->md;
	*slot->md = TAKE_PTR(md);
	*slot->changed = true;
	repo->waiting = true;
	return 0;
}

/* Bytes of one target that only the waiting metadata lists. An earlier suture-repo put them where
 * they are published. */
static int load_file(struct repository *repo, const char *path, const json_t *target,
		     struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(REPOSITORY_TARGET_MAX);
	_cleanup_free_ char *relative = NULL, *full = NULL, *published = NULL;
	const char *sha256 =
		json_string_value(json_object_get(json_object_get(target, "hashes"), "sha256"));
	int r;

	if (!sha256 || !hex_is_lower(sha256, SHA256_HEX_LEN) || !path_is_safe_relative(path))
		return error_set(err, ERR_INVALID, "pending: %s: not a target", path);
	relative = repository_file_path(path, sha256);
	full = relative ? pending_path(repo, relative) : NULL;
	published = relative ? path_join(repo->tree, relative, NULL) : NULL;
	if (!full || !published)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!file_exists(full) && file_exists(published))
		return 0;
	r = file_read(full, &data, err);
	if (r == 0)
		r = tuf_check_bytes(target, path, data.data, data.len, err);
	return r < 0 ? error_prefix(err, r, "pending")
		     : repository_keep_file(repo, path, data.data, data.len, err);
}

static int load_files(struct repository *repo, const struct slot *slot, struct error *err)
{
	const json_t *before;
	const char *path;
	json_t *target;

	if (!*slot->before || slot->type != TUF_TARGETS)
		return 0;
	before = json_object_get((*slot->before)->body, "targets");
	json_object_foreach (json_object_get((*slot->md)->body, "targets"), path, target) {
		int r = json_equal(target, json_object_get(before, path))
				? 0
				: load_file(repo, path, target, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Without the folder nothing waits. A folder without the next version of anything is what a run
 * left that was ended between publishing and taking it away: this one does that.
 */
int pending_load(struct repository *repo, struct error *err)
{
	struct slot slot;
	int r = 0;

	for (size_t i = 0; r == 0 && slot_at(repo, i, &slot); i++) {
		r = load_slot(repo, &slot, err);
		if (r == 0)
			r = load_files(repo, &slot, err);
	}
	return r < 0 || repo->waiting ? r : pending_remove(repo, err);
}

/* Puts a complete folder in place, as one step, whether there was one or not. */
static int put_in_place(const struct repository *repo, const char *made, struct error *err)
{
	_cleanup_free_ char *path = pending_path(repo, NULL);
	_cleanup_close_ int dir = open(repo->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned flags;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	flags = file_exists(path) ? RENAME_EXCHANGE : 0;
	if (dir < 0 || renameat2(AT_FDCWD, made, AT_FDCWD, path, flags) < 0 || fsync(dir) < 0)
		return error_set_errno(err, errno, "%s", path);
	return file_remove_tree(made, err);
}

int pending_save(const struct repository *repo, const struct pending_files *files,
		 struct error *err)
{
	_cleanup_free_ char *made = path_join(repo->dir, "pending.tmp", NULL);
	int r = made ? file_remove_tree(made, err) : ERR_NO_MEMORY;

	if (r == 0)
		r = file_make_dirs(made, 0755, err);
	if (r == 0)
		r = repository_write_files(repo, made, err);
	for (size_t i = 0; r == 0 && i < files->n; i++) {
		const struct pending_file *file = &files->list[i];
		_cleanup_free_ char *path = path_join(made, file->name, NULL);

		if (!path)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		if (!file->online)
			r = file_write_atomic(path, file->data.data, file->data.len, 0644, err);
	}
	return r < 0 ? r : put_in_place(repo, made, err);
}

int pending_remove(struct repository *repo, struct error *err)
{
	_cleanup_free_ char *path = pending_path(repo, NULL);
	_cleanup_free_ char *old = path_join(repo->dir, "pending.tmp", NULL);

	if (!path || !old)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!file_exists(path))
		return 0;
	(void)file_remove_tree(old, NULL);
	if (rename(path, old) < 0)
		return error_set_errno(err, errno, "%s", path);
	return file_remove_tree(old, err);
}

/* ---- Signatures ---- */

/* Is there a valid signature by this one key? */
static int signed_by(const struct tuf_metadata *md, const json_t *keys, const char *key_id,
		     bool *ret, struct error *err)
{
	_cleanup_json_ json_t *role = json_pack("{s:[s], s:i}", "keyids", key_id, "threshold", 1);
	int r;

	if (!role)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = tuf_metadata_verify(md, key_id, keys, role, false, err);
	*ret = r == 0;
	if (r == ERR_SIGNATURE && err)
		*err = (struct error){ 0 };
	return r == ERR_SIGNATURE ? 0 : r;
}

static int count(const struct tuf_metadata *md, const json_t *keys, const json_t *role,
		 size_t *ret_have, size_t *ret_want, struct error *err)
{
	const json_t *ids = json_object_get(role, "keyids");
	size_t have = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(ids); i++) {
		bool good = false;

		r = signed_by(md, keys, json_string_value(json_array_get(ids, i)), &good, err);
		have += good;
	}
	*ret_have = have;
	*ret_want = (size_t)json_integer_value(json_object_get(role, "threshold"));
	return r;
}

int pending_count(const struct repository *repo, const struct tuf_metadata *md, const char *role,
		  size_t *ret_have, size_t *ret_want, struct error *err)
{
	const json_t *keys, *object = repository_delegation(repo, role, &keys);
	size_t have, want;
	int r = count(md, keys, object, ret_have, ret_want, err);

	if (r < 0 || md->type != TUF_ROOT || !repo->root_before)
		return r;
	r = count(md, json_object_get(repo->root_before->body, "keys"),
		  tuf_root_role(repo->root_before, TUF_ROOT), &have, &want, err);
	if (r == 0 && have < want && *ret_have >= *ret_want) {
		*ret_have = have;
		*ret_want = want;
	}
	return r;
}

/* ---- What is to be signed, for people ---- */

static const char *text_of(const json_t *custom, const char *key)
{
	const char *text = json_string_value(json_object_get(custom, key));

	return text ? text : "?";
}

/* Targets in `a` and not, or not so, in `b`. */
static int describe_targets(const struct tuf_metadata *a, const struct tuf_metadata *b,
			    const char *verb, struct buf *out)
{
	const json_t *others = json_object_get(b->body, "targets");
	const char *path;
	json_t *target;
	int r = 0;

	json_object_foreach (json_object_get(a->body, "targets"), path, target) {
		const json_t *custom = json_object_get(target, "custom");

		if (r < 0 || json_equal(target, json_object_get(others, path)))
			continue;
		if (custom)
			r = buf_printf(out, "  %s version %s, severity %s: %s\n", verb,
				       text_of(custom, "version"), text_of(custom, "severity"),
				       path);
		else
			r = buf_printf(out, "  %s %s\n", verb, path);
	}
	return r;
}

static int describe_role_keys(const char *name, const json_t *now, const json_t *before,
			      struct buf *out)
{
	const json_t *ids = json_object_get(now, "keyids");
	int r;

	if (json_equal(now, before))
		return 0;
	r = buf_printf(out, "  keys of %s, %" JSON_INTEGER_FORMAT " needed:", name,
		       json_integer_value(json_object_get(now, "threshold")));
	for (size_t i = 0; r == 0 && i < json_array_size(ids); i++)
		r = buf_printf(out, " %.16s…", json_string_value(json_array_get(ids, i)));
	return r < 0 ? r : buf_append_str(out, "\n");
}

static int describe_keys(const struct repository *repo, const struct slot *slot, struct buf *out)
{
	int r = 0;

	if (slot->type == TUF_ROOT) {
		for (enum tuf_type type = TUF_ROOT; r == 0 && type <= TUF_TARGETS; type++)
			r = describe_role_keys(tuf_type_name(type), tuf_root_role(*slot->md, type),
					       tuf_root_role(*slot->before, type), out);
		return r;
	}
	for (size_t i = 0; r == 0 && streq(slot->name, "targets") && i < repo->n_roles; i++) {
		const char *name = repo->roles[i].name;

		r = describe_role_keys(name, tuf_targets_delegation(*slot->md, name),
				       tuf_targets_delegation(*slot->before, name), out);
	}
	return r;
}

static int describe_slot(const struct repository *repo, const struct slot *slot, struct buf *out,
			 struct error *err)
{
	char expires[CLOCK_TEXT_MAX];
	size_t have, want;
	int r = pending_count(repo, *slot->md, slot->name, &have, &want, err);

	if (r < 0)
		return r;
	clock_format((*slot->md)->expires, expires);
	r = buf_printf(out, "%s: version %" PRId64 " until %s, %zu of %zu signatures\n", slot->name,
		       (*slot->md)->version, expires, have, want);
	if (r == 0 && slot->type == TUF_TARGETS)
		r = describe_targets(*slot->md, *slot->before, "lists", out);
	if (r == 0 && slot->type == TUF_TARGETS)
		r = describe_targets(*slot->before, *slot->md, "listed until now", out);
	if (r == 0)
		r = describe_keys(repo, slot, out);
	return r < 0 ? error_set(err, r, "no memory") : 0;
}

int pending_describe(const struct repository *repo, struct buf *out, struct error *err)
{
	struct slot slot;
	int r = 0;

	for (size_t i = 0; r == 0 && slot_at((struct repository *)repo, i, &slot); i++) {
		if (*slot.before)
			r = describe_slot(repo, &slot, out, err);
	}
	return r;
}

/* ---- Detached signatures ---- */

static const char *signature_of(const struct tuf_metadata *md, const char *key_id)
{
	size_t i;
	json_t *entry;

	json_array_foreach (md->signatures, i, entry) {
		if (streq(json_string_value(json_object_get(entry, "keyid")), key_id))
			return json_string_value(json_object_get(entry, "sig"));
	}
	return NULL;
}

/* Signs with those keys of a role that are here. */
static int sign_with(struct repository *repo, const struct slot *slot, const json_t *role,
		     json_t *list, struct error *err)
{
	const json_t *ids = json_object_get(role, "keyids");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct tuf_key *key;
		int r;

		if (!key_store_find(repo->keys, id, NULL))
			continue;
		r = key_store_open(repo->keys, id, &key, err);
		if (r == 0)
			r = tuf_metadata_sign(*slot->md, key, err);
		if (r < 0)
			return error_prefix(err, r, "role %s", slot->name);
		if (json_array_append_new(
			    list, json_pack("{s:s, s:I, s:s, s:s}", "role", slot->name, "version",
					    (json_int_t)(*slot->md)->version, "keyid", id, "sig",
					    signature_of(*slot->md, id))) != 0)
			return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	return 0;
}

static int sign_slot(struct repository *repo, const struct slot *slot, json_t *list,
		     struct error *err)
{
	const json_t *keys, *role = repository_delegation(repo, slot->name, &keys), *old;
	int r = sign_with(repo, slot, role, list, err);

	if (r < 0 || slot->type != TUF_ROOT)
		return r;
	old = tuf_root_role(*slot->before, TUF_ROOT);
	return json_equal(old, role) ? 0 : sign_with(repo, slot, old, list, err);
}

int pending_sign(struct repository *repo, struct buf *out, size_t *ret_n, struct error *err)
{
	_cleanup_json_ json_t *object = json_pack("{s:i, s:[]}", "format", 1, "signatures");
	json_t *list = json_object_get(object, "signatures");
	struct slot slot;
	int r = list ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");

	for (size_t i = 0; r == 0 && slot_at(repo, i, &slot); i++) {
		if (*slot.before)
			r = sign_slot(repo, &slot, list, err);
	}
	if (r < 0)
		return r;
	*ret_n = json_array_size(list);
	if (*ret_n == 0) {
		error_set(err, ERR_NOT_FOUND, "no key in %s is asked for a signature",
			  repo->keys->places[0] ? repo->keys->places : "any folder");
		error_hint(err, "--keys DIR says where your keys are");
		return ERR_NOT_FOUND;
	}
	r = json_append_pretty(object, out);
	return r < 0 ? error_set(err, r, "signatures: too large") : 0;
}

static bool role_has_key(const json_t *role, const char *key_id)
{
	const json_t *ids = json_object_get(role, "keyids");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		if (streq(json_string_value(json_array_get(ids, i)), key_id))
			return true;
	}
	return false;
}

/* The keys among which a signer of this role is looked up: for root the old ones too. */
static int find_signer(const struct repository *repo, const struct slot *slot, const char *key_id,
		       const json_t **ret_keys, struct error *err)
{
	const json_t *role = repository_delegation(repo, slot->name, ret_keys);

	if (role_has_key(role, key_id))
		return 0;
	if (slot->type == TUF_ROOT &&
	    role_has_key(tuf_root_role(*slot->before, TUF_ROOT), key_id)) {
		*ret_keys = json_object_get((*slot->before)->body, "keys");
		return 0;
	}
	return error_set(err, ERR_UNTRUSTED, "role %s: %.16s… is none of its keys", slot->name,
			 key_id);
}

static int merge_into(const struct repository *repo, const struct slot *slot, const char *key_id,
		      const char *sig, struct error *err)
{
	json_t *signatures = (*slot->md)->signatures;
	const json_t *keys;
	bool good = false;
	int r = find_signer(repo, slot, key_id, &keys, err);

	if (r < 0)
		return r;
	for (size_t i = json_array_size(signatures); i-- > 0;) {
		const json_t *entry = json_array_get(signatures, i);

		if (streq(json_string_value(json_object_get(entry, "keyid")), key_id))
			json_array_remove(signatures, i);
	}
	if (json_array_append_new(signatures,
				  json_pack("{s:s, s:s}", "keyid", key_id, "sig", sig)) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = signed_by(*slot->md, keys, key_id, &good, err);
	if (r == 0 && !good)
		r = error_set(err, ERR_SIGNATURE,
			      "role %s: the signature of %.16s… is not over what waits here",
			      slot->name, key_id);
	return r;
}

static int merge_one(struct repository *repo, const json_t *entry, struct error *err)
{
	const char *role, *key_id, *sig;
	struct slot slot;
	int64_t version;
	int r = json_get_str(entry, "role", TUF_ROLE_NAME_MAX, &role, err);

	if (r == 0)
		r = json_get_int(entry, "version", 1, INT64_MAX, &version, err);
	if (r == 0)
		r = json_get_str(entry, "keyid", 256, &key_id, err);
	if (r == 0)
		r = json_get_str(entry, "sig", 2 * TUF_SIG_MAX, &sig, err);
	if (r < 0)
		return error_prefix(err, r, "signatures");
	for (size_t i = 0; slot_at(repo, i, &slot); i++) {
		if (streq(slot.name, role) && *slot.before && (*slot.md)->version == version)
			return merge_into(repo, &slot, key_id, sig, err);
	}
	return error_set(err, ERR_NOT_FOUND, "role %s: no version %" PRId64 " waits here", role,
			 version);
}

int pending_merge(struct repository *repo, const void *data, size_t len, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	json_t *list = NULL;
	int r = field_parse_object(data, len, PENDING_FILE_MAX, &object, err);

	if (r == 0)
		r = field_format(object, err);
	if (r == 0)
		r = json_get_array(object, "signatures", PENDING_MAX_SIGNATURES, &list, err);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = merge_one(repo, json_array_get(list, i), err);
	return r;
}
