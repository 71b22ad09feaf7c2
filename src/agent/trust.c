/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/trust.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define BUNDLE_FILE  "bundle.json"
#define METADATA_DIR "metadata"
#define RECALL_FILE  "recall.json" /* the last list that was downloaded and checked */
#define REPOSITORY   "/repository/"
#define PATH_MAX_    1024

int trust_load_bundle(const struct settings_paths *paths, struct bundle **ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(paths->trust, BUNDLE_FILE, NULL);
	_cleanup_buf_ struct buf data = BUF_INIT(BUNDLE_MAX);
	int r;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_read(path, &data, err);
	if (r < 0)
		return r;
	r = bundle_parse(data.data, data.len, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

/* Fills a new trust folder. */
static int make_folder(const char *folder, const void *data, size_t len,
		       const struct bundle *bundle, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, BUNDLE_FILE, NULL);
	_cleanup_free_ char *metadata = path_join(folder, METADATA_DIR, NULL);
	int r;

	if (!path || !metadata)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_make_dirs(folder, 0700, err);
	if (r < 0)
		return r;
	r = tuf_client_init(metadata, bundle->root, bundle->root_len, false, err);
	if (r < 0)
		return error_prefix(err, r, "trust bundle");
	return file_write_atomic(path, data, len, 0600, err);
}

int trust_install(const struct settings_paths *paths, const void *data, size_t len,
		  const struct bundle *bundle, struct error *err)
{
	char draft[PATH_MAX_];
	int r;

	if (snprintf(draft, sizeof(draft), "%s.new", paths->trust) >= (int)sizeof(draft))
		return error_set(err, ERR_TOO_LARGE, "%s: path too long", paths->trust);
	/* What a killed sutured left. */
	r = file_remove_tree(draft, err);
	if (r < 0)
		return r;
	r = make_folder(draft, data, len, bundle, err);
	if (r == 0)
		r = file_replace_tree(draft, paths->trust, err);
	if (r < 0)
		(void)file_remove_tree(draft, NULL);
	return r;
}

int trust_remove(const struct settings_paths *paths, struct error *err)
{
	return file_remove_tree(paths->trust, err);
}

/* tuf_fetch_fn: one file of the repository through the fetcher, or from a medium. */
static int fetch_file(void *user, const char *path, size_t max, struct buf *out, struct error *err)
{
	struct agent *agent = user;
	char full[PATH_MAX_];

	if (agent->medium)
		return tuf_fetch_folder((void *)agent->medium, path, max, out, err);
	if (snprintf(full, sizeof(full), REPOSITORY "%s", path) >= (int)sizeof(full))
		return error_set(err, ERR_TOO_LARGE, "%s: path too long", path);
	return fetcher_get_file(agent->fetcher, full, max, out, err);
}

void trust_view_free(struct trust_view *view)
{
	if (!view)
		return;
	for (size_t i = 0; i < view->n; i++)
		target_custom_free(view->versions[i].custom);
	free(view->versions);
	recall_free(view->recall);
	tuf_client_free(view->client);
	free(view);
}

bool trust_is_withdrawn(const struct trust_view *view, struct patch_version version,
			const char *kernel)
{
	char text[PATCH_VERSION_MAX];

	if (!view->recall)
		return false;
	patch_version_format(version, text);
	return recall_lookup(view->recall, text, kernel) != NULL;
}

const struct trust_version *trust_find(const struct trust_view *view, struct patch_version version)
{
	for (size_t i = 0; i < view->n; i++)
		if (patch_version_compare(view->versions[i].version, version) == 0)
			return &view->versions[i];
	return NULL;
}

/*
 * One target of the tier's role as a version. What does not fit its own path is left out: the role
 * is signed, but a mistake in it must not become a module of another kernel. Returns 1 when `ret`
 * was filled in.
 */
static int read_version(const struct agent *agent, const struct tuf_target *target,
			struct trust_version *ret)
{
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	struct target_path_parts parts;
	struct error err = { 0 };
	int r;

	if (!str_has_suffix(target->path, ".ko"))
		return 0;
	r = target_path_parse(target->path, &parts, &err);
	if (r == 0)
		r = target_custom_parse(target->custom, &custom, &err);
	if (r == 0)
		r = patch_version_parse(custom->version, &ret->version);
	if (r == 0)
		r = livepatch_module_name(agent->facts.release, ret->version, ret->module);
	if (r == 0 &&
	    (!streq(custom->kernel, agent->facts.release) ||
	     !streq(custom->build_id, agent->facts.build_id) || !streq(parts.module, ret->module)))
		r = error_set(&err, ERR_INVALID, "its path and its description disagree");
	if (r < 0) {
		log_warning("target %s left out: %s", target->path, err.message);
		return r == ERR_NO_MEMORY ? r : 0;
	}
	ret->target = *target;
	ret->custom = TAKE_PTR(custom);
	return 1;
}

static int by_version(const void *a, const void *b)
{
	const struct trust_version *x = a, *y = b;

	return patch_version_compare(x->version, y->version);
}

static int load_versions(struct agent *agent, struct trust_view *view, struct error *err)
{
	_cleanup_free_ struct tuf_target *targets = NULL;
	const struct tuf_role *role;
	char prefix[TARGET_PATH_MAX];
	size_t n;
	int r;

	if (snprintf(prefix, sizeof(prefix), "%s/%s/%s/", agent_tier(agent), agent->facts.release,
		     agent->facts.build_id) >= (int)sizeof(prefix))
		return error_set(err, ERR_TOO_LARGE, "target path too long");
	r = tuf_client_load_role(view->client, agent_tier(agent), &role, err);
	if (r == 0)
		r = tuf_role_list(role, prefix, &targets, &n, err);
	if (r < 0)
		return r;
	view->versions = calloc(n ? n : 1, sizeof(*view->versions));
	if (!view->versions)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct trust_version *v = &view->versions[view->n];

		r = read_version(agent, &targets[i], v);
		if (r < 0)
			return error_set(err, r, "out of memory");
		if (r == 0)
			continue;
		v->withdrawn = trust_is_withdrawn(view, v->version, agent->facts.release);
		view->n++;
	}
	qsort(view->versions, view->n, sizeof(*view->versions), by_version);
	return 0;
}

/* The list's bytes: those of the last time while they are the ones that are signed now. */
static int get_recall(struct agent *agent, struct trust_view *view, const struct tuf_target *target,
		      struct buf *data, struct error *err)
{
	_cleanup_free_ char *path = path_join(agent->paths.trust, RECALL_FILE, NULL);
	int r;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (file_read(path, data, NULL) == 0 &&
	    tuf_target_check(target, data->data, data->len, NULL) == 0)
		return 0;
	buf_clear(data);
	r = tuf_client_download(view->client, target, data, err);
	return r < 0 ? r : file_write_atomic(path, data->data, data->len, 0600, err);
}

/* A repository need not have recalled anything yet: no role or no list is no error. */
static int load_recall(struct agent *agent, struct trust_view *view, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(RECALL_MAX);
	const struct tuf_role *role;
	struct tuf_target target;
	int r;

	r = tuf_client_load_role(view->client, TARGET_RECALL_ROLE, &role, err);
	if (r == 0)
		r = tuf_role_find(role, TARGET_RECALL_PATH, &target, err);
	if (r == ERR_NOT_LISTED)
		return 0;
	if (r == 0)
		r = get_recall(agent, view, &target, &data, err);
	if (r == 0)
		r = recall_parse(data.data, data.len, &view->recall, err);
	return r < 0 ? error_prefix(err, r, "recall list") : 0;
}

int trust_refresh(struct agent *agent, struct trust_view **ret, struct error *err)
{
	_cleanup_(trust_view_freep) struct trust_view *view = calloc(1, sizeof(*view));
	_cleanup_free_ char *folder = path_join(agent->paths.trust, METADATA_DIR, NULL);
	struct tuf_client_options options = { .fetch = fetch_file, .user = agent, .poll = true };
	struct error local = { 0 };
	int r;

	if (!err)
		err = &local;
	if (!view || !folder)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if ((r = tuf_client_open(folder, &options, &view->client, err)) < 0 ||
	    (r = tuf_client_refresh(view->client, agent_now(agent), err)) < 0 ||
	    (r = load_recall(agent, view, err)) < 0)
		return r;
	r = load_versions(agent, view, err);
	if (r == ERR_EXPIRED && view->recall)
		view->tier_expired = *err;
	else if (r < 0)
		return r;
	*ret = TAKE_PTR(view);
	return 0;
}

static void note_earlier(struct agent_dates *dates, const char *role, int64_t expires)
{
	if (dates->expires && dates->expires <= expires)
		return;
	dates->expires = expires;
	snprintf(dates->role, sizeof(dates->role), "%s", role);
}

static void note_dates(struct agent *agent, struct tuf_client *client)
{
	static const char *const top[] = { "root", "targets", "snapshot", "timestamp" };
	const char *const delegated[] = { agent_tier(agent), TARGET_RECALL_ROLE };
	struct agent_dates dates = { 0 };
	const struct tuf_role *role;
	int64_t expires;

	for (size_t i = 0; i < ARRAY_SIZE(top); i++)
		if (tuf_client_info(client, top[i], NULL, &expires) == 0)
			note_earlier(&dates, top[i], expires);
	for (size_t i = 0; i < ARRAY_SIZE(delegated); i++)
		if (tuf_client_load_role(client, delegated[i], &role, NULL) == 0)
			note_earlier(&dates, delegated[i], tuf_role_expires(role));
	agent->dates = dates;
}

void trust_note_dates(struct agent *agent, const struct trust_view *view)
{
	_cleanup_free_ char *folder = NULL;
	struct tuf_client_options options = { 0 };
	_cleanup_tuf_client_ struct tuf_client *client = NULL;

	/* A role that has expired is not in the view: its date is read from the folder. */
	if (view && !view->tier_expired.code) {
		note_dates(agent, view->client);
		return;
	}
	folder = path_join(agent->paths.trust, METADATA_DIR, NULL);
	if (folder && tuf_client_open(folder, &options, &client, NULL) == 0 &&
	    tuf_client_load_cached(client, agent_now(agent), true, NULL) == 0)
		note_dates(agent, client);
}

/* The record stands beside the module; its length and hash are in the module's signed description,
 * so that it needs no trust of its own. */
static int download_record(struct agent *agent, const struct trust_version *version,
			   struct buf *record, struct error *err)
{
	const struct target_custom *custom = version->custom;
	char path[PATH_MAX_], hash[SHA256_HEX_LEN + 1];
	size_t folder = strlen(version->target.path) - strlen(path_base(version->target.path));
	int r;

	r = snprintf(path, sizeof(path), "targets/%.*s%s.%s.json", (int)folder,
		     version->target.path, custom->record_sha256, version->module);
	if (r < 0 || (size_t)r >= sizeof(path) || (uint64_t)custom->record_length > record->max)
		return error_set(err, ERR_TOO_LARGE, "build record of %s: too large",
				 version->module);
	r = fetch_file(agent, path, (size_t)custom->record_length, record, err);
	if (r < 0)
		return error_prefix(err, r, "build record");
	if (record->len != (size_t)custom->record_length ||
	    hash_sha256_hex(record->data, record->len, hash) < 0 ||
	    !streq(hash, custom->record_sha256))
		return error_set(err, ERR_HASH,
				 "build record of %s: not the bytes that were signed",
				 version->module);
	return 0;
}

int trust_download(struct agent *agent, struct trust_view *view,
		   const struct trust_version *version, struct buf *module, struct buf *record,
		   struct error *err)
{
	int r = tuf_client_download(view->client, &version->target, module, err);

	if (r < 0)
		return r;
	return download_record(agent, version, record, err);
}
