/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/patch.h"

#include <stdio.h>

#include "base/json.h"

static json_t *targets_of(const struct repo_role *role)
{
	return json_object_get(role->md->body, "targets");
}

int patch_read(const struct repo_role *role, const char *path, struct target_path_parts *ret_parts,
	       struct target_custom **ret_custom, struct error *err)
{
	const json_t *target = json_object_get(targets_of(role), path);
	int r = target_path_parse(path, ret_parts, err);

	if (r == 0 && !streq(ret_parts->tier, role->name))
		r = error_set(err, ERR_INVALID, "not below %s/", role->name);
	if (r == 0)
		r = target_custom_parse(json_object_get(target, "custom"), ret_custom, err);
	return r < 0 ? error_prefix(err, r, "role %s: %s", role->name, path) : 0;
}

int patch_next(const struct repo_role *role, const char *path, struct target_path_parts *ret_parts,
	       struct target_custom **ret_custom, bool *ret, struct error *err)
{
	struct error local = { 0 };
	int r;

	*ret = false;
	if (!str_has_suffix(path, ".ko"))
		return 0;
	r = patch_read(role, path, ret_parts, ret_custom, &local);
	if (r == ERR_NO_MEMORY)
		return error_set(err, r, "no memory");
	*ret = r == 0;
	if (r == 0)
		return 0;
	error_clean_text(local.message);
	fprintf(stderr,
		"warning: passed over: %s (suture-repo unlist DIR %s takes it off the list)\n",
		local.message, role->name);
	return 0;
}

/* One listed version of a kernel build. */
struct listed {
	const char *path;
	struct patch_version version;
};

static int by_version(const void *a, const void *b)
{
	return patch_version_compare(((const struct listed *)b)->version,
				     ((const struct listed *)a)->version);
}

/* All versions of a kernel build in a role, newest first; the caller frees the array. */
static int list_versions(const struct repo_role *role, const char *kernel, const char *build_id,
			 struct listed **ret, size_t *ret_n, struct error *err)
{
	_cleanup_free_ struct listed *list =
		calloc(json_object_size(targets_of(role)) + 1, sizeof(*list));
	char folder[TARGET_PATH_MAX];
	const char *path;
	json_t *target;
	size_t n = 0;
	int r = target_folder(role->name, kernel, build_id, folder, err);

	if (r < 0)
		return r;
	if (!list)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	json_object_foreach (targets_of(role), path, target) {
		const char *text = json_string_value(
			json_object_get(json_object_get(target, "custom"), "version"));

		if (!str_has_prefix(path, folder) || !str_has_suffix(path, ".ko") || !text ||
		    patch_version_parse(text, &list[n].version) < 0)
			continue;
		list[n++].path = path;
	}
	if (n > 1)
		qsort(list, n, sizeof(*list), by_version);
	*ret = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}

int patch_check_newer(const struct repo_role *role, const char *kernel, const char *build_id,
		      const char *version, struct error *err)
{
	_cleanup_free_ struct listed *list = NULL;
	struct patch_version wanted;
	char text[PATCH_VERSION_MAX];
	size_t n;
	int r = patch_version_parse(version, &wanted);

	if (r < 0)
		return error_set(err, r, "%s: not a version", version);
	r = list_versions(role, kernel, build_id, &list, &n, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (patch_version_compare(list[i].version, wanted) == 0)
			return error_set(err, ERR_EXISTS, "tier %s: lists %s for %s already",
					 role->name, version, kernel);
	}
	if (n == 0 || patch_version_compare(list[0].version, wanted) < 0)
		return 0;
	patch_version_format(list[0].version, text);
	return error_set(err, ERR_ROLLBACK, "tier %s: lists %s for %s, which is above %s",
			 role->name, text, kernel, version);
}

/* How many of a list, newest first, hold the `keep` newest that are not withdrawn. */
static size_t count_kept(const struct listed *list, size_t n, int64_t keep, const char *kernel,
			 const struct recall *withdrawn)
{
	size_t i;

	for (i = 0; i < n && keep > 0; i++) {
		char version[PATCH_VERSION_MAX];

		patch_version_format(list[i].version, version);
		keep -= !withdrawn || !recall_lookup(withdrawn, version, kernel);
	}
	return i;
}

int patch_prune(struct repo_role *role, const char *kernel, const char *build_id, int64_t keep,
		const struct recall *withdrawn, struct error *err)
{
	_cleanup_free_ struct listed *list = NULL;
	size_t n;
	int r = list_versions(role, kernel, build_id, &list, &n, err);

	for (size_t i = r == 0 ? count_kept(list, n, keep, kernel, withdrawn) : 0; r == 0 && i < n;
	     i++) {
		_cleanup_buf_ struct buf record = BUF_INIT(TARGET_PATH_MAX);

		if (buf_printf(&record, "%.*s.json", (int)strlen(list[i].path) - 3, list[i].path) <
		    0)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		json_object_del(targets_of(role), buf_str(&record));
		json_object_del(targets_of(role), list[i].path);
		r = tuf_metadata_changed(role->md, err);
		role->changed = true;
	}
	return r;
}

int patch_recall_list(struct repository *repo, struct recall **ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(RECALL_MAX);
	struct repo_role *role = repository_role(repo, TARGET_RECALL_ROLE);
	int r;

	if (!role)
		return error_set(err, ERR_NOT_FOUND, "the repository has no role recall");
	r = repository_read_target(repo, role, TARGET_RECALL_PATH, &text, err);
	return r < 0 ? r : recall_parse(text.data, text.len, ret, err);
}
