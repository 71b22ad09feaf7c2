/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo refresh, sign: new dates and signatures for what is there, by one person or several.
 */
#include "base/clock.h"
#include "base/file.h"
#include "repo/commands.h"
#include "repo/pending.h"

#define WARN_BEFORE \
	(INT64_C(14) * 86400) /* an offline role that expires within two weeks is named */

/* ---- refresh ---- */

static void warn(const struct repository *repo, const char *role, const struct tuf_metadata *md)
{
	char text[CLOCK_TEXT_MAX];

	if (md->expires - repo->now > WARN_BEFORE)
		return;
	clock_format(md->expires, text);
	fprintf(stderr, "suture-repo: role %s %s on %s: `suture-repo sign DIR %s` renews it\n",
		role, md->expires <= repo->now ? "expired" : "expires", text, role);
}

/* Can the online keys alone sign this role? */
static bool is_online(const struct repository *repo, const char *role)
{
	const json_t *keys, *object = repository_delegation(repo, role, &keys);
	const json_t *ids = json_object_get(object, "keyids");
	_cleanup_free_ char *folder = path_join(repo->dir, "online-keys", "", NULL);
	int64_t n = 0;

	for (size_t i = 0; folder && i < json_array_size(ids); i++) {
		const char *path = NULL;

		(void)key_store_find(repo->keys, json_string_value(json_array_get(ids, i)), &path);
		n += path && str_has_prefix(path, folder);
	}
	return n > 0 && n >= json_integer_value(json_object_get(object, "threshold"));
}

/* A new timestamp each time; what else the online keys sign only when half of its life is over, so
 * that clients need not fetch it every day. */
int cmd_refresh(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = command_open(cli, &repo, err);

	if (r < 0)
		return r;
	repo->snapshot_changed |=
		repo->snapshot->expires - repo->now < repo->settings->snapshot / 2;
	for (size_t i = 0; i < repo->n_roles; i++) {
		struct repo_role *role = &repo->roles[i];
		int64_t half = settings_lifetime(repo->settings, role->name) / 2;

		role->changed = role->md->expires - repo->now < half && is_online(repo, role->name);
	}
	r = repository_commit(repo, err);
	if (r < 0)
		return r;
	warn(repo, "root", repo->root);
	warn(repo, "targets", repo->targets);
	for (size_t i = 0; i < repo->n_roles; i++)
		warn(repo, repo->roles[i].name, repo->roles[i].md);
	printf("timestamp %lld, snapshot %lld\n", (long long)repo->timestamp->version,
	       (long long)repo->snapshot->version);
	return EXIT_OK;
}

/* ---- sign ---- */

/* Marks one role, or all but root, to be signed anew. */
static int mark(struct repository *repo, const char *name, struct error *err)
{
	struct repo_role *role = name ? repository_role(repo, name) : NULL;

	if (name && streq(name, "root"))
		repo->root_changed = true;
	else if (name && streq(name, "targets"))
		repo->targets_changed = true;
	else if (name && streq(name, "snapshot"))
		repo->snapshot_changed = true;
	else if (role)
		role->changed = true;
	else if (name && !streq(name, "timestamp"))
		return error_set(err, ERR_NOT_FOUND, "role %s: the repository has no such role",
				 name);
	if (name)
		return 0;
	repo->targets_changed = true;
	for (size_t i = 0; i < repo->n_roles; i++)
		repo->roles[i].changed = true;
	return 0;
}

static int sign_anew(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	const char *name = cli_argc(cli) > 1 ? cli_arg(cli, 1) : NULL;
	int r = command_open_change(cli, &repo, err);

	if (r == 0)
		r = mark(repo, name, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	if (!repo->waiting)
		printf("%s: signed; snapshot %lld, timestamp %lld\n",
		       name ? name : "targets and all tiers", (long long)repo->snapshot->version,
		       (long long)repo->timestamp->version);
	return command_done(repo);
}

/* ---- sign --detached, --merge, --discard ---- */

static int open_pending(const struct cli *cli, struct repository **ret, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = command_open_pending(cli, &repo, err);

	if (r < 0)
		return r;
	if (!repo->waiting)
		return error_set(err, ERR_NOT_FOUND, "%s: nothing waits for signatures",
				 cli_arg(cli, 0));
	*ret = TAKE_PTR(repo);
	return 0;
}

static int print_pending(const struct repository *repo, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT((size_t)64 * 1024 * 1024);
	int r = pending_describe(repo, &text, err);

	if (r == 0)
		fputs(buf_str(&text), stdout);
	return r;
}

/* What is signed is shown first, for whoever has to answer for it; without -o it is only shown. */
static int sign_detached(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(PENDING_FILE_MAX);
	const char *file = cli_get(cli, "output");
	size_t n = 0;
	int r = open_pending(cli, &repo, err);

	if (r == 0)
		r = print_pending(repo, err);
	if (r == 0 && !file)
		return EXIT_OK;
	if (r == 0)
		r = pending_sign(repo, &out, &n, err);
	if (r == 0)
		r = file_write_atomic(file, out.data, out.len, 0644, err);
	if (r < 0)
		return r;
	printf("%s: %zu signature%s\n", file, n, n == 1 ? "" : "s");
	return EXIT_OK;
}

static int merge(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = open_pending(cli, &repo, err);

	for (size_t i = 0; r == 0 && i < cli_count(cli, "merge"); i++) {
		const char *file = cli_get_nth(cli, "merge", i);
		_cleanup_buf_ struct buf data = BUF_INIT(PENDING_FILE_MAX);

		r = file_read(file, &data, err);
		if (r == 0) {
			r = pending_merge(repo, data.data, data.len, err);
			if (r < 0)
				error_prefix(err, r, "%s", file);
		}
	}
	if (r < 0)
		return r;
	repo->may_wait = repo->snapshot_changed = true;
	r = repository_commit(repo, err);
	if (r < 0)
		return r;
	if (!repo->waiting)
		printf("all signatures are there; snapshot %lld, timestamp %lld\n",
		       (long long)repo->snapshot->version, (long long)repo->timestamp->version);
	return command_done(repo);
}

static int discard(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = open_pending(cli, &repo, err);

	if (r == 0)
		r = print_pending(repo, err);
	if (r == 0 && !cli_confirm(cli, "Drop these changes?"))
		r = error_set(err, ERR_USAGE, "not dropped: --yes answers without a terminal");
	return r < 0 ? r : pending_remove(repo, err);
}

int cmd_sign(struct cli *cli, struct error *err)
{
	int ways = cli_has(cli, "detached") + cli_has(cli, "merge") + cli_has(cli, "discard");

	if (ways > 1 || (ways == 1 && cli_argc(cli) > 1))
		return error_set(err, ERR_USAGE,
				 "one of ROLE, --detached, --merge and --discard at a time");
	if (cli_has(cli, "detached"))
		return sign_detached(cli, err);
	if (cli_has(cli, "merge"))
		return merge(cli, err);
	return cli_has(cli, "discard") ? discard(cli, err) : sign_anew(cli, err);
}
