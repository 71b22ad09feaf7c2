/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/repository.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "repo/pending.h"
#include "repo/unfinished.h"
#include "wire/target_custom.h"

/* DIR/repository/targets/<tier>/<release>/<build id> */
#define LEFTOVER_DEPTH 5

static void file_list_free(struct repo_file *files)
{
	while (files) {
		struct repo_file *next = files->next;

		free(files->path);
		buf_free(&files->data);
		free(files);
		files = next;
	}
}

void repository_free(struct repository *repo)
{
	if (!repo)
		return;
	free(repo->dir);
	free(repo->tree);
	settings_free(repo->settings);
	key_store_free(repo->keys);
	tuf_metadata_free(repo->root);
	tuf_metadata_free(repo->targets);
	tuf_metadata_free(repo->snapshot);
	tuf_metadata_free(repo->timestamp);
	tuf_metadata_free(repo->previous_root);
	tuf_metadata_free(repo->root_before);
	tuf_metadata_free(repo->targets_before);
	json_decref(repo->old_root_role);
	for (size_t i = 0; i < repo->n_roles; i++) {
		tuf_metadata_free(repo->roles[i].md);
		tuf_metadata_free(repo->roles[i].before);
	}
	file_list_free(repo->files);
	if (repo->lock_fd >= 0)
		close(repo->lock_fd);
	free(repo);
}

static int make(const char *dir, int64_t now, struct repository **ret, struct error *err)
{
	_cleanup_repository_ struct repository *repo = calloc(1, sizeof(*repo));

	if (!repo)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	repo->lock_fd = -1;
	repo->now = now;
	repo->dir = strdup(dir);
	repo->tree = path_join(dir, "repository", NULL);
	if (!repo->dir || !repo->tree)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	*ret = TAKE_PTR(repo);
	return 0;
}

int repository_create(const char *dir, struct settings *settings, struct key_store *keys,
		      int64_t now, struct repository **ret, struct error *err)
{
	int r = make(dir, now, ret, err);

	if (r < 0) {
		settings_free(settings);
		key_store_free(keys);
		return r;
	}
	(*ret)->settings = settings;
	(*ret)->keys = keys;
	return 0;
}

/* ---- Loading ---- */

static int lock(struct repository *repo, struct error *err)
{
	repo->lock_fd = open(repo->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (repo->lock_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return settings_load(repo->dir, &repo->settings, err);
	if (repo->lock_fd < 0)
		return error_set_errno(err, errno, "%s", repo->dir);
	while (flock(repo->lock_fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return error_set_errno(err, errno, "%s: lock", repo->dir);
	}
	return 0;
}

static int read_metadata(struct repository *repo, const char *name, struct buf *out,
			 struct error *err)
{
	_cleanup_free_ char *path = path_join(repo->tree, "metadata", name, NULL);
	int r;

	*out = BUF_INIT(REPOSITORY_FILE_MAX);
	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = file_read(path, out, err);
	return r == -ENOENT ? error_set(err, ERR_NOT_FOUND, "%s: missing", path) : r;
}

/* A root that follows on the one before, or the first. */
static int take_root(struct repository *repo, const char *name, const struct buf *data,
		     struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	int r = tuf_metadata_parse(TUF_ROOT, name, data->data, data->len, &md, err);

	if (r == 0)
		r = tuf_root_verify_next(repo->root, md, name, false, err);
	if (r < 0)
		return r;
	tuf_metadata_free(repo->previous_root);
	repo->previous_root = repo->root;
	repo->root = TAKE_PTR(md);
	return 0;
}

static int take_first_root(struct repository *repo, const char *file, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(REPOSITORY_FILE_MAX);
	int r = file ? file_read(file, &data, err) : read_metadata(repo, "1.root.json", &data, err);

	if (r == 0)
		r = take_root(repo, file ? file : "1.root.json", &data, err);
	if (r == 0 && !file && repo->root->version != 1)
		r = error_set(err, ERR_INVALID, "1.root.json: holds another version");
	if (r < 0)
		return r;
	repo->trusted_root = repo->root->version;
	return hash_sha256_hex(data.data, data.len, repo->trusted_sha256);
}

/* From 1.root.json, or one that is trusted, to the newest, each signed by the one before and by
 * itself. */
static int load_root(struct repository *repo, const char *trusted, struct error *err)
{
	int r = take_first_root(repo, trusted, err);

	while (r == 0) {
		_cleanup_buf_ struct buf data = { 0 };
		struct error local = { 0 };
		char name[64];

		snprintf(name, sizeof(name), "%" PRId64 ".root.json", repo->root->version + 1);
		r = read_metadata(repo, name, &data, &local);
		if (r == ERR_NOT_FOUND)
			return 0;
		if (r == 0)
			r = take_root(repo, name, &data, &local);
		if (r < 0 && err)
			*err = local;
	}
	return r;
}

/* A file that `parent` names, checked against it; the signatures are the caller's to check. */
static int load_named(struct repository *repo, const struct tuf_metadata *parent,
		      enum tuf_type type, const char *role, struct tuf_metadata **ret,
		      struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	_cleanup_buf_ struct buf data = { 0 };
	char listed[TUF_ROLE_NAME_MAX + 8], name[TUF_ROLE_NAME_MAX + 64];
	const json_t *meta;
	int r;

	snprintf(listed, sizeof(listed), "%s.json", role);
	meta = tuf_meta_get(parent, listed);
	if (!meta)
		return error_set(err, ERR_INVALID, "%s: not listed in the snapshot", listed);
	snprintf(name, sizeof(name), "%" PRId64 ".%s", tuf_meta_version(meta), listed);
	r = read_metadata(repo, name, &data, err);
	if (r == 0)
		r = tuf_check_bytes(meta, name, data.data, data.len, err);
	if (r == 0)
		r = tuf_metadata_parse(type, name, data.data, data.len, &md, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(md);
	return 0;
}

/*
 * A run that was ended between writing a new root and the files that its new keys sign leaves files
 * of the root before. They are as good as they were, and are to be signed anew.
 */
static int verify_top_level(struct repository *repo, const struct tuf_metadata *md,
			    const char *what, bool *ret_changed, struct error *err)
{
	int r = tuf_root_verify(repo->root, md, what, false, err);

	if (r < 0 && repo->previous_root &&
	    tuf_root_verify(repo->previous_root, md, what, false, NULL) == 0) {
		if (err)
			*err = (struct error){ 0 };
		*ret_changed = repo->behind = true;
		return 0;
	}
	return r;
}

static int load_top_level(struct repository *repo, struct error *err)
{
	_cleanup_buf_ struct buf data = { 0 };
	bool always = false; /* the timestamp is signed anew each time */
	int r = read_metadata(repo, "timestamp.json", &data, err);

	if (r == 0)
		r = tuf_metadata_parse(TUF_TIMESTAMP, "timestamp.json", data.data, data.len,
				       &repo->timestamp, err);
	if (r == 0)
		r = verify_top_level(repo, repo->timestamp, "timestamp.json", &always, err);
	if (r == 0)
		r = load_named(repo, repo->timestamp, TUF_SNAPSHOT, "snapshot", &repo->snapshot,
			       err);
	if (r == 0)
		r = verify_top_level(repo, repo->snapshot, "snapshot.json", &repo->snapshot_changed,
				     err);
	if (r == 0)
		r = load_named(repo, repo->snapshot, TUF_TARGETS, "targets", &repo->targets, err);
	if (r == 0)
		r = verify_top_level(repo, repo->targets, "targets.json", &repo->targets_changed,
				     err);
	return r;
}

static int load_role(struct repository *repo, const json_t *delegation, struct error *err)
{
	const char *name = json_string_value(json_object_get(delegation, "name"));
	struct repo_role *role = repository_add_role(repo, name, err);
	int r;

	if (!role)
		return ERR_TOO_LARGE;
	role->changed = false;
	r = load_named(repo, repo->snapshot, TUF_TARGETS, name, &role->md, err);
	if (r == 0)
		r = tuf_metadata_verify(role->md, name, tuf_targets_keys(repo->targets), delegation,
					false, err);
	return r;
}

static int load_all(struct repository *repo, const char *trusted, struct error *err)
{
	const json_t *roles;
	int r = load_root(repo, trusted, err);

	if (r == 0)
		r = load_top_level(repo, err);
	if (r < 0)
		return r;
	roles = json_object_get(json_object_get(repo->targets->body, "delegations"), "roles");
	for (size_t i = 0; r == 0 && i < json_array_size(roles); i++)
		r = load_role(repo, json_array_get(roles, i), err);
	return r;
}

/* Offline keys that are remembered but not there now, or not to be read, are no error until one is
 * needed. */
static int load_keys(struct repository *repo, const struct repository_options *options,
		     struct error *err)
{
	_cleanup_free_ char *online = path_join(repo->dir, "online-keys", NULL);
	int r = 0;

	if (!online || key_store_new(&repo->keys) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (options->no_keys)
		return 0;
	key_store_set_secret(repo->keys, options->secret, options->user);
	if (!options->handed_over && file_exists(online))
		r = key_store_add_folder(repo->keys, online, err);
	if (r == 0 && options->keys)
		r = key_store_add_folder(repo->keys, options->keys, err);
	else if (r == 0 && !options->handed_over && repo->settings->keys)
		r = key_store_add_readable(repo->keys, repo->settings->keys, err);
	return r;
}

static int load_waiting(struct repository *repo, const struct repository_options *options,
			struct error *err)
{
	int r = options->handed_over ? 0 : pending_recover(repo, err);

	repo->published_only = options->published;
	return r < 0 || options->published ? r : pending_load(repo, err);
}

/* ---- What an ended command left ---- */

static bool names_key(const struct tuf_metadata *root, const struct tuf_metadata *targets,
		      const char *id)
{
	return (root && json_object_get(json_object_get(root->body, "keys"), id)) ||
	       (targets && json_object_get(tuf_targets_keys(targets), id));
}

/* "<role>-N.<suffix>": a name that rotate and key import give. */
static bool is_made_name(const struct repository *repo, const char *name)
{
	const json_t *keys;
	const char *dash = strrchr(name, '-');
	_cleanup_free_ char *role = dash ? strndup(name, (size_t)(dash - name)) : NULL;

	return role && repository_delegation(repo, role, &keys) &&
	       dash[1 + strspn(dash + 1, "0123456789")] == '.';
}

static bool is_to_stay(void *user, const char *key_id, const char *path)
{
	const struct repository *repo = user;

	return !is_made_name(repo, path_base(path)) ||
	       names_key(repo->root, repo->targets, key_id) ||
	       names_key(repo->root_before, repo->targets_before, key_id);
}

/* What waits may name new keys: without it nobody knows. Init names all of its keys at once. */
static void take_back(struct repository *repo)
{
	_cleanup_free_ char *pending = path_join(repo->dir, "pending", NULL);

	if (!pending || !unfinished_is_there(repo->dir) ||
	    (repo->published_only && file_exists(pending)))
		return;
	if (unfinished_take_back(repo->dir, is_to_stay, repo, NULL) == 0)
		(void)unfinished_end(repo->dir, NULL);
}

/* Files that were being written: only here, where the lock keeps every other writer out. */
static void remove_leftovers(int dir_fd, unsigned depth)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		closep(&fd);
		return;
	}
	(void)file_remove_matching(dirfd(dir), NULL, NULL);
	while (depth > 0 && (entry = readdir(dir))) {
		_cleanup_close_ int below = -1;

		if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
			continue;
		below = openat(dirfd(dir), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			remove_leftovers(below, depth - 1);
	}
	closedir(dir);
}

int repository_open(const char *dir, const struct repository_options *options,
		    struct repository **ret, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = make(dir, options->now, &repo, err);

	if (r == 0)
		r = lock(repo, err);
	if (r == 0)
		r = settings_load(dir, &repo->settings, err);
	if (r < 0)
		return r;
	repo->handed_over = options->handed_over;
	r = load_keys(repo, options, err);
	if (r < 0)
		return r;
	r = load_all(repo, options->root, err);
	if (r < 0)
		return error_prefix(err, r, "%s", dir);
	repo->old_root_role = json_deep_copy(tuf_root_role(repo->root, TUF_ROOT));
	if (!repo->old_root_role)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = load_waiting(repo, options, err);
	if (r < 0)
		return error_prefix(err, r, "%s", dir);
	if (!repo->handed_over) {
		take_back(repo);
		remove_leftovers(repo->lock_fd, LEFTOVER_DEPTH);
	}
	*ret = TAKE_PTR(repo);
	return 0;
}

/* ---- Roles and targets ---- */

bool repository_is_online(const struct repository *repo, const char *path)
{
	_cleanup_free_ char *folder = path_join(repo->dir, "online-keys", "", NULL);

	return folder && str_has_prefix(path, folder);
}

struct repo_role *repository_role(struct repository *repo, const char *name)
{
	for (size_t i = 0; i < repo->n_roles; i++) {
		if (streq(repo->roles[i].name, name))
			return &repo->roles[i];
	}
	return NULL;
}

struct repo_role *repository_add_role(struct repository *repo, const char *name, struct error *err)
{
	struct repo_role *role;

	if (repo->n_roles >= REPOSITORY_MAX_ROLES) {
		error_set(err, ERR_TOO_LARGE, "more than %d roles", REPOSITORY_MAX_ROLES);
		return NULL;
	}
	role = &repo->roles[repo->n_roles++];
	snprintf(role->name, sizeof(role->name), "%s", name);
	role->changed = true;
	return role;
}

const json_t *repository_delegation(const struct repository *repo, const char *role,
				    const json_t **ret_keys)
{
	for (enum tuf_type type = TUF_ROOT; type <= TUF_TARGETS; type++) {
		if (!streq(role, tuf_type_name(type)))
			continue;
		*ret_keys = json_object_get(repo->root->body, "keys");
		return tuf_root_role(repo->root, type);
	}
	*ret_keys = tuf_targets_keys(repo->targets);
	return tuf_targets_delegation(repo->targets, role);
}

int repository_tier(struct repository *repo, const char *name, struct repo_role **ret,
		    struct error *err)
{
	size_t index;
	struct repo_role *role;
	int r = settings_tier_index(repo->settings, name, &index, err);

	if (r < 0)
		return r;
	role = repository_role(repo, name);
	if (!role)
		return error_set(err, ERR_NOT_FOUND,
				 "tier %s: targets.json does not delegate to it", name);
	*ret = role;
	return 0;
}

char *repository_file_path(const char *path, const char *sha256)
{
	const char *name = path_base(path);
	char *ret;

	return asprintf(&ret, "targets/%.*s%s.%s", (int)(name - path), path, sha256, name) < 0
		       ? NULL
		       : ret;
}

const struct buf *repository_kept_file(const struct repository *repo, const char *file_path)
{
	for (const struct repo_file *f = repo->files; f; f = f->next) {
		if (streq(f->path, file_path))
			return &f->data;
	}
	return NULL;
}

int repository_keep_file(struct repository *repo, const char *path, const void *data, size_t len,
			 struct error *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	struct repo_file *file = calloc(1, sizeof(*file));

	if (!file || hash_sha256_hex(data, len, sha256) < 0) {
		free(file);
		return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	file->next = repo->files;
	repo->files = file;
	file->path = repository_file_path(path, sha256);
	file->data = BUF_INIT(len);
	if (!file->path || buf_append(&file->data, data, len) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return 0;
}

int repository_put_target(struct repository *repo, struct repo_role *role, const char *path,
			  const void *data, size_t len, json_t *custom, struct error *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	int r = hash_sha256_hex(data, len, sha256);

	if (r == 0)
		r = tuf_targets_put(role->md, path, (int64_t)len, sha256, custom, err);
	if (r == 0)
		r = repository_keep_file(repo, path, data, len, err);
	if (r == 0)
		role->changed = true;
	return r;
}

int repository_read_target(struct repository *repo, const struct repo_role *role, const char *path,
			   struct buf *out, struct error *err)
{
	const json_t *target = json_object_get(json_object_get(role->md->body, "targets"), path);
	const char *sha256 =
		json_string_value(json_object_get(json_object_get(target, "hashes"), "sha256"));
	_cleanup_free_ char *relative = NULL, *full = NULL;
	const struct buf *kept;
	int r;

	if (!sha256 || !path_is_safe_relative(path) || !hex_is_lower(sha256, SHA256_HEX_LEN))
		return error_set(err, ERR_NOT_LISTED, "%s: role %s does not list it", path,
				 role->name);
	relative = repository_file_path(path, sha256);
	full = relative ? path_join(repo->tree, relative, NULL) : NULL;
	if (!full)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	kept = repository_kept_file(repo, relative);
	r = kept ? buf_append(out, kept->data, kept->len) : file_read(full, out, err);
	return r < 0 ? r : tuf_check_bytes(target, path, out->data, out->len, err);
}
