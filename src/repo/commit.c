/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signing what changed in a repository, and writing it in order. */
#include <inttypes.h>

#include "base/file.h"
#include "repo/pending.h"
#include "repo/repository.h"

static void outputs_free(struct pending_files *o)
{
	for (size_t i = 0; i < o->n; i++)
		buf_free(&o->list[i].data);
}

/* Offline roles may wait for people, the online ones never. */
static int or_wait(struct repository *repo, const struct tuf_metadata *md, int r, struct error *err)
{
	if (r != ERR_UNTRUSTED || !repo->may_wait || md->type == TUF_SNAPSHOT ||
	    md->type == TUF_TIMESTAMP)
		return r;
	if (err)
		*err = (struct error){ 0 };
	repo->waiting = true;
	return 0;
}

/* What waited is as it was signed: neither version nor date change any more. */
static int sign_pending(struct repository *repo, struct tuf_metadata *md, const char *role_name,
			struct error *err)
{
	size_t have, want;
	int r = pending_count(repo, md, role_name, &have, &want, err);

	if (r == 0 && have < want)
		r = error_set(err, ERR_UNTRUSTED, "role %s: %zu of %zu needed signatures are there",
			      role_name, have, want);
	return or_wait(repo, md, r, err);
}

static int sign_new(struct repository *repo, struct tuf_metadata *md, const char *role_name,
		    const json_t *role, bool first, struct error *err)
{
	int r = 0;

	if (!first)
		r = tuf_metadata_set_version(md, md->version + 1, err);
	if (r == 0)
		r = tuf_metadata_set_expires(
			md, repo->now + settings_lifetime(repo->settings, role_name), err);
	if (r == 0)
		r = or_wait(repo, md, key_store_sign(repo->keys, role_name, role, md, err), err);
	/* Each root is signed by the one before too: that is how a client follows. */
	if (r == 0 && md == repo->root && repo->old_root_role)
		r = or_wait(repo, md,
			    key_store_sign(repo->keys, "root (the one before)", repo->old_root_role,
					   md, err),
			    err);
	return r;
}

/* New version and date, signatures, and a place among the outputs. */
static int sign_one(struct repository *repo, struct tuf_metadata *md, const char *role_name,
		    const json_t *role, bool first, struct pending_files *o, struct error *err)
{
	struct pending_file *out = &o->list[o->n];
	int r = pending_holds(repo, md) ? sign_pending(repo, md, role_name, err)
					: sign_new(repo, md, role_name, role, first, err);

	if (r < 0)
		return r;
	out->data = BUF_INIT(REPOSITORY_FILE_MAX);
	out->online = md->type == TUF_SNAPSHOT || md->type == TUF_TIMESTAMP;
	o->n++;
	if (md->type == TUF_TIMESTAMP)
		snprintf(out->name, sizeof(out->name), "timestamp.json");
	else
		snprintf(out->name, sizeof(out->name), "%" PRId64 ".%s.json", md->version,
			 role_name);
	return tuf_metadata_write(md, &out->data, err);
}

/* What the parent says about the file signed last. */
static int list_in(struct tuf_metadata *parent, const char *role_name, int64_t version,
		   const struct pending_files *o, struct error *err)
{
	const struct buf *data = &o->list[o->n - 1].data;
	char file[TUF_ROLE_NAME_MAX + 8];

	snprintf(file, sizeof(file), "%s.json", role_name);
	return tuf_meta_put(parent, file, version, data->data, data->len, err);
}

static int sign_roles(struct repository *repo, bool first, struct pending_files *o,
		      struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < repo->n_roles; i++) {
		struct repo_role *role = &repo->roles[i];

		if (!role->changed)
			continue;
		r = sign_one(repo, role->md, role->name,
			     tuf_targets_delegation(repo->targets, role->name), first, o, err);
		if (r == 0)
			r = list_in(repo->snapshot, role->name, role->md->version, o, err);
		repo->snapshot_changed = true;
	}
	if (r < 0 || !repo->targets_changed)
		return r;
	r = sign_one(repo, repo->targets, "targets", tuf_root_role(repo->root, TUF_TARGETS), first,
		     o, err);
	if (r == 0)
		r = list_in(repo->snapshot, "targets", repo->targets->version, o, err);
	repo->snapshot_changed = true;
	return r;
}

static int sign_all(struct repository *repo, bool first, struct pending_files *o, struct error *err)
{
	int r = sign_roles(repo, first, o, err);

	if (r == 0 && repo->snapshot_changed) {
		r = sign_one(repo, repo->snapshot, "snapshot",
			     tuf_root_role(repo->root, TUF_SNAPSHOT), first, o, err);
		if (r == 0)
			r = list_in(repo->timestamp, "snapshot", repo->snapshot->version, o, err);
	}
	if (r == 0 && repo->root_changed)
		r = sign_one(repo, repo->root, "root", tuf_root_role(repo->root, TUF_ROOT), first,
			     o, err);
	if (r == 0)
		r = sign_one(repo, repo->timestamp, "timestamp",
			     tuf_root_role(repo->root, TUF_TIMESTAMP), first, o, err);
	return r;
}

int repository_write_files(const struct repository *repo, const char *tree, struct error *err)
{
	int r = 0;

	for (const struct repo_file *f = repo->files; r == 0 && f; f = f->next)
		r = file_write_below(tree, f->path, f->data.data, f->data.len, 0644, err);
	return r;
}

static int write_metadata(struct repository *repo, const struct pending_files *o, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n; i++) {
		char path[TUF_ROLE_NAME_MAX + 96];

		snprintf(path, sizeof(path), "metadata/%s", o->list[i].name);
		/* Before them the other files are named by nothing. */
		repo->writing |=
			str_has_suffix(path, "root.json") || str_has_suffix(path, "timestamp.json");
		r = file_write_below(repo->tree, path, o->list[i].data.data, o->list[i].data.len,
				     0644, err);
	}
	return r;
}

/* One root ahead of what it signs can be gone on from, two cannot (repository.c). */
static int check_complete(const struct repository *repo, struct error *err)
{
	if (!repo->behind || !repo->root_changed)
		return 0;
	error_set(err, ERR_BAD_STATE,
		  "root: version %" PRId64 " is published, but not yet what its keys sign",
		  (repo->root_before ? repo->root_before : repo->root)->version);
	error_hint(err, "suture-repo refresh DIR completes that, with the keys of targets if it "
			"is concerned");
	return ERR_BAD_STATE;
}

/* Whatever was changed, or left alone: what is about to be published is a whole. */
static int check_whole(const struct repository *repo, struct error *err)
{
	const struct tuf_metadata *const top[] = { repo->root, repo->targets, repo->snapshot,
						   repo->timestamp };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(top); i++)
		r = tuf_root_verify(repo->root, top[i], tuf_type_name(top[i]->type), false, err);
	for (size_t i = 0; r == 0 && i < repo->n_roles; i++) {
		const struct repo_role *role = &repo->roles[i];

		r = tuf_metadata_verify(role->md, role->name, tuf_targets_keys(repo->targets),
					tuf_targets_delegation(repo->targets, role->name), false,
					err);
	}
	return r < 0 ? error_prefix(err, r, "nothing was written, since no machine would take it")
		     : 0;
}

int repository_commit(struct repository *repo, struct error *err)
{
	_cleanup_(outputs_free) struct pending_files o = { 0 };
	int r;

	repo->waiting = false;
	r = check_complete(repo, err);
	/* A repository that was just made keeps the versions its files were made with. */
	if (r == 0)
		r = sign_all(repo, repo->lock_fd < 0, &o, err);
	if (r == 0 && !repo->waiting)
		r = check_whole(repo, err);
	if (r < 0)
		return r;
	if (repo->waiting) {
		repo->writing = true;
		return pending_save(repo, &o, err);
	}
	r = repository_write_files(repo, repo->tree, err);
	/* All signatures, so that a merge which is ended here needs none of them again. */
	if (r == 0 && pending_holds_any(repo))
		r = pending_save(repo, &o, err);
	if (r == 0)
		r = write_metadata(repo, &o, err);
	return r < 0 || repo->published_only ? r : pending_remove(repo, err);
}
