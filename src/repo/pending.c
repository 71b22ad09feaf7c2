/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/pending.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "repo/submission.h"
#include "wire/field.h"

#define PENDING_MAX_SIGNATURES 4096
#define OLD_FOLDER             "pending.old"

DEFINE_CLEANUP(DIR *, closedir);

bool pending_slot_at(struct repository *repo, size_t i, struct pending_slot *ret)
{
	if (i == 0)
		*ret = (struct pending_slot){ "root", TUF_ROOT, &repo->root, &repo->root_before,
					      &repo->root_changed };
	else if (i == 1)
		*ret = (struct pending_slot){ "targets", TUF_TARGETS, &repo->targets,
					      &repo->targets_before, &repo->targets_changed };
	else if (i < repo->n_roles + 2)
		*ret = (struct pending_slot){ repo->roles[i - 2].name, TUF_TARGETS,
					      &repo->roles[i - 2].md, &repo->roles[i - 2].before,
					      &repo->roles[i - 2].changed };
	else
		return false;
	return true;
}

bool pending_holds(const struct repository *repo, const struct tuf_metadata *md)
{
	struct pending_slot slot;

	for (size_t i = 0; pending_slot_at((struct repository *)repo, i, &slot); i++) {
		if (*slot.md == md)
			return *slot.before != NULL;
	}
	return false;
}

bool pending_holds_any(const struct repository *repo)
{
	struct pending_slot slot;

	for (size_t i = 0; pending_slot_at((struct repository *)repo, i, &slot); i++) {
		if (*slot.before)
			return true;
	}
	return false;
}

/* ---- The folder ---- */

static char *pending_path(const struct repository *repo, const char *name)
{
	return name ? path_join(repo->dir, "pending", name, NULL)
		    : path_join(repo->dir, "pending", NULL);
}

static int read_role(const char *path, const char *name, enum tuf_type type,
		     struct tuf_metadata **ret, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(REPOSITORY_FILE_MAX);
	int r = path ? file_read(path, &data, err) : error_set(err, ERR_NO_MEMORY, "no memory");

	return r < 0 ? r : tuf_metadata_parse(type, name, data.data, data.len, ret, err);
}

/* "N.<role>.json"; false for any other name, and for roles that this repository has not. */
static bool parse_name(struct repository *repo, const char *name, int64_t *ret_version,
		       struct pending_slot *ret)
{
	char wanted[TUF_ROLE_NAME_MAX + 64], *end;

	*ret_version = strtoll(name, &end, 10);
	for (size_t i = 0; pending_slot_at(repo, i, ret); i++) {
		snprintf(wanted, sizeof(wanted), "%" PRId64 ".%s.json", *ret_version, ret->name);
		if (streq(name, wanted))
			return true;
	}
	return false;
}

/* Is it what was published under that version? Signatures may have come since. */
static int check_published(struct repository *repo, const struct pending_slot *slot,
			   const char *name, const struct tuf_metadata *md, struct error *err)
{
	_cleanup_free_ char *path = path_join(repo->tree, "metadata", name, NULL);
	_cleanup_tuf_metadata_ struct tuf_metadata *published = NULL;
	int r = md->version > (*slot->md)->version
			? ERR_BAD_STATE
			: read_role(path, name, slot->type, &published, NULL);

	if (r == 0 && json_equal(published->body, md->body))
		return 0;
	error_set(err, ERR_BAD_STATE,
		  "pending/%s: made when another version of %s was published than now", name,
		  slot->name);
	error_hint(err, "suture-repo sign DIR --discard drops the change, to be made anew");
	return ERR_BAD_STATE;
}

static int load_file(struct repository *repo, const char *name, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	_cleanup_free_ char *path = pending_path(repo, name);
	struct pending_slot slot;
	int64_t version;
	int r;

	if (!parse_name(repo, name, &version, &slot))
		return error_set(err, ERR_INVALID, "pending/%s: not N.<role>.json of a role here",
				 name);
	r = read_role(path, name, slot.type, &md, err);
	if (r == 0 && md->version != version)
		r = error_set(err, ERR_INVALID, "holds another version");
	if (r < 0)
		return error_prefix(err, r, "pending/%s", name);
	if (*slot.before || version != (*slot.md)->version + 1)
		return check_published(repo, &slot, name, md, err);
	*slot.before = *slot.md;
	*slot.md = TAKE_PTR(md);
	*slot.changed = true;
	repo->waiting = true;
	return 0;
}

/* Bytes of one target that only the waiting metadata lists. An earlier suture-repo put them where
 * they are published. */
static int load_target(struct repository *repo, const char *path, const json_t *target,
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

static int load_targets(struct repository *repo, const struct pending_slot *slot, struct error *err)
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
				: load_target(repo, path, target, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* How strictly the modules are checked that wait. */
struct pending_check {
	bool release; /* as when they go on to a tier */
	const char *keys;
};

static int check_module(struct repository *repo, const struct repo_role *role, const char *path,
			const struct pending_check *check, struct error *err)
{
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	_cleanup_submission_ struct submission files = submission_new();
	struct target_path_parts parts;
	int r = submission_load(repo, role, path, &parts, &custom, &files, err);

	if (r < 0 || !check->release)
		return r;
	r = submission_check_release(repo, check->keys, role->name, &parts, custom, &files, err);
	return r < 0 ? error_prefix(err, r, "role %s: %s", role->name, path) : 0;
}

static bool is_same(const json_t *now, const json_t *before, const char *path)
{
	const json_t *a = json_object_get(now, path), *b = json_object_get(before, path);

	return a == b || json_equal(a, b);
}

/* Is it listed otherwise than before, or its record? Without its record no machine takes it. */
static int is_changed(const json_t *now, const json_t *before, const char *path, bool *ret,
		      struct error *err)
{
	_cleanup_buf_ struct buf record = BUF_INIT(REPOSITORY_FILE_MAX);

	if (buf_printf(&record, "%.*s.json", (int)strlen(path) - 3, path) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	*ret = !is_same(now, before, path) || !is_same(now, before, buf_str(&record));
	return 0;
}

/* The modules that the waiting metadata lists otherwise than the published one: what their custom
 * says is what machines and signers go by. */
static int check_modules(struct repository *repo, const struct pending_slot *slot,
			 const struct pending_check *check, struct error *err)
{
	const struct repo_role *role = repository_role(repo, slot->name);
	const json_t *now, *before;
	const char *path;
	json_t *target;
	int r = 0;

	if (!*slot->before || !role)
		return 0;
	now = json_object_get(role->md->body, "targets");
	before = json_object_get((*slot->before)->body, "targets");
	json_object_foreach ((json_t *)now, path, target) {
		bool changed = false;

		if (r == 0 && str_has_suffix(path, ".ko"))
			r = is_changed(now, before, path, &changed, err);
		if (r == 0 && changed)
			r = check_module(repo, role, path, check, err);
	}
	return r < 0 ? error_prefix(err, r, "pending") : 0;
}

static int check_slots(struct repository *repo, const struct pending_check *check,
		       struct error *err)
{
	struct pending_slot slot;
	int r = 0;

	for (size_t i = 0; r == 0 && pending_slot_at(repo, i, &slot); i++)
		r = check_modules(repo, &slot, check, err);
	return r;
}

int pending_check_release(struct repository *repo, const char *keys, struct error *err)
{
	const struct pending_check check = { .release = true, .keys = keys };

	return check_slots(repo, &check, err);
}

/*
 * Without the folder nothing waits. A folder of nothing but what is published is what a run left
 * that was ended between publishing and taking it away: this one does that.
 */
int pending_load(struct repository *repo, struct error *err)
{
	_cleanup_free_ char *path = pending_path(repo, NULL);
	_cleanup_(closedirp) DIR *folder = path ? opendir(path) : NULL;
	struct pending_slot slot;
	struct dirent *entry;
	int r = 0;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!folder)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", path);
	while (r == 0 && (entry = readdir(folder))) {
		if (str_has_suffix(entry->d_name, ".json"))
			r = load_file(repo, entry->d_name, err);
	}
	for (size_t i = 0; r == 0 && pending_slot_at(repo, i, &slot); i++)
		r = load_targets(repo, &slot, err);
	if (r == 0)
		r = check_slots(repo, &(struct pending_check){ 0 }, err);
	return r < 0 || repo->waiting || repo->handed_over ? r : pending_remove(repo, err);
}

bool pending_has_next(const struct repository *repo, const char *role, int64_t version)
{
	char name[TUF_ROLE_NAME_MAX + 64];
	_cleanup_free_ char *path = NULL;

	snprintf(name, sizeof(name), "%" PRId64 ".%s.json", version + 1, role);
	path = pending_path(repo, name);
	return path && file_exists(path);
}

/* The two steps where there is no exchange (NFS): pending_recover() goes on from between them. */
static int replace_folder(const char *made, const char *path, const char *old)
{
	return rename(path, old) < 0 || rename(made, path) < 0 ? -1 : 0;
}

/* Puts a complete folder in place, whether there was one or not. */
static int put_in_place(const struct repository *repo, const char *made, struct error *err)
{
	_cleanup_free_ char *path = pending_path(repo, NULL);
	_cleanup_free_ char *old = path_join(repo->dir, OLD_FOLDER, NULL);
	_cleanup_close_ int dir = open(repo->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned flags;
	int bad, r;

	if (!path || !old)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	flags = file_exists(path) ? RENAME_EXCHANGE : 0;
	bad = dir < 0 ? -1 : renameat2(AT_FDCWD, made, AT_FDCWD, path, flags);
	if (bad && flags && (errno == EINVAL || errno == ENOSYS))
		bad = replace_folder(made, path, old);
	if (bad || fsync(dir) < 0)
		return error_set_errno(err, errno, "%s", path);
	r = file_remove_tree(old, err);
	return r < 0 ? r : file_remove_tree(made, err);
}

int pending_recover(const struct repository *repo, struct error *err)
{
	_cleanup_free_ char *path = pending_path(repo, NULL);
	_cleanup_free_ char *old = path_join(repo->dir, OLD_FOLDER, NULL);

	if (!path || !old)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!file_exists(old))
		return 0;
	if (file_exists(path))
		return file_remove_tree(old, err);
	return rename(old, path) < 0 ? error_set_errno(err, errno, "%s", old) : 0;
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
static int sign_with(struct repository *repo, const struct pending_slot *slot, const json_t *role,
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

static int sign_slot(struct repository *repo, const struct pending_slot *slot, json_t *list,
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
	struct pending_slot slot;
	int r = list ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");

	for (size_t i = 0; r == 0 && pending_slot_at(repo, i, &slot); i++) {
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
static int find_signer(const struct repository *repo, const struct pending_slot *slot,
		       const char *key_id, const json_t **ret_keys, struct error *err)
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

static int merge_into(const struct repository *repo, const struct pending_slot *slot,
		      const char *key_id, const char *sig, size_t *ret_new, struct error *err)
{
	json_t *signatures = (*slot->md)->signatures;
	const json_t *keys;
	bool good = false, had = false;
	int r = find_signer(repo, slot, key_id, &keys, err);

	if (r == 0)
		r = signed_by(*slot->md, keys, key_id, &had, err);
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
	*ret_new += r == 0 && !had;
	return r;
}

static int merge_one(struct repository *repo, const json_t *entry, size_t *ret_new,
		     struct error *err)
{
	const char *role, *key_id, *sig;
	struct pending_slot slot;
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
	for (size_t i = 0; pending_slot_at(repo, i, &slot); i++) {
		if (streq(slot.name, role) && *slot.before && (*slot.md)->version == version)
			return merge_into(repo, &slot, key_id, sig, ret_new, err);
		/* Of a merge that was ended when this role was published already. */
		if (streq(slot.name, role) && (*slot.md)->version == version)
			return 0;
	}
	return error_set(err, ERR_NOT_FOUND, "role %s: no version %" PRId64 " waits here", role,
			 version);
}

int pending_merge(struct repository *repo, const void *data, size_t len, size_t *ret_new,
		  struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	json_t *list = NULL;
	int r = field_parse_object(data, len, PENDING_FILE_MAX, &object, err);

	if (r == 0)
		r = field_format(object, err);
	if (r == 0)
		r = json_get_array(object, "signatures", PENDING_MAX_SIGNATURES, &list, err);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = merge_one(repo, json_array_get(list, i), ret_new, err);
	return r;
}
