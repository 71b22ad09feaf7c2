/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo refresh, sign: new dates and signatures for what is there, by one person or several.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "repo/commands.h"
#include "repo/describe.h"
#include "repo/pending.h"
#include "repo/role_keys.h"

#define WAITING_TEXT_MAX ((size_t)64 * 1024 * 1024)
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

/* A root that was published without the targets that its keys sign: those wait. */
static int check_merged(const struct repository *repo, struct error *err)
{
	if (!repo->targets_changed || !pending_has_next(repo, "targets", repo->targets->version))
		return 0;
	error_set(err, ERR_BAD_STATE, "%s: a merge was ended half-way", repo->dir);
	error_hint(err, "suture-repo sign DIR --merge FILE once more completes it");
	return ERR_BAD_STATE;
}

/* A new timestamp each time; what else the online keys sign only when half of its life is over, so
 * that clients need not fetch it every day. */
int cmd_refresh(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = command_open_keys(cli, &repo, err);

	if (r == 0)
		r = check_merged(repo, err);
	if (r < 0)
		return r;
	repo->snapshot_changed |=
		repo->snapshot->expires - repo->now < repo->settings->snapshot / 2;
	for (size_t i = 0; i < repo->n_roles; i++) {
		struct repo_role *role = &repo->roles[i];
		int64_t half = settings_lifetime(repo->settings, role->name) / 2;

		/* Not under a change that waits, which names this version as the one before it. */
		role->changed = role->md->expires - repo->now < half &&
				role_keys_online(repo, role->name) &&
				!pending_has_next(repo, role->name, role->md->version);
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

/* Marks one role, or targets and all that it delegates to, to be signed anew. */
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
		       name ? name : "targets, recall, evidence and all tiers",
		       (long long)repo->snapshot->version, (long long)repo->timestamp->version);
	return command_done(repo);
}

/* ---- sign --detached, --merge, --discard ---- */

static int check_waiting(const struct repository *repo, struct error *err)
{
	return repo->waiting ? 0
			     : error_set(err, ERR_NOT_FOUND, "%s: nothing waits for signatures",
					 repo->dir);
}

static int print_pending(struct repository *repo, const struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(WAITING_TEXT_MAX);
	int r = describe_waiting(repo, cli_get(cli, "keys"), &text, err);

	if (r == 0)
		fputs(buf_str(&text), stdout);
	return r;
}

static int print_trust(const struct repository *repo, const char *root, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(WAITING_TEXT_MAX);
	int r = describe_trust(repo, root, &text, err);

	if (r == 0)
		fputs(buf_str(&text), stdout);
	return r;
}

static bool is_signatures(const void *data, size_t len)
{
	_cleanup_json_ json_t *object = NULL;

	return json_parse(data, len, &object, NULL) == 0 && json_object_size(object) == 2 &&
	       json_object_get(object, "format") &&
	       json_is_array(json_object_get(object, "signatures"));
}

static int write_signatures(struct repository *repo, const char *file, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(PENDING_FILE_MAX);
	size_t n = 0;
	int r = pending_sign(repo, &out, &n, err);

	if (r == 0)
		r = command_write_output(file, &out, is_signatures, err);
	if (r < 0)
		return r;
	printf("%s: %zu signature%s\n", file, n, n == 1 ? "" : "s");
	return EXIT_OK;
}

/* What is signed is shown first, and is what was read for that; without -o it is only shown. */
static int sign_detached(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	const char *file = cli_get(cli, "output");
	int r;

	if (file && !cli_has(cli, "keys"))
		return error_set(err, ERR_USAGE,
				 "--keys DIR: where are your keys? A folder that is handed over is "
				 "not asked for any");
	r = command_open_handed_over(cli, &repo, err);
	if (r == 0)
		r = check_waiting(repo, err);
	if (r == 0)
		r = print_trust(repo, cli_get(cli, "root"), err);
	if (r == 0)
		r = print_pending(repo, cli, err);
	fflush(stdout);
	if (r == 0)
		r = pending_check_release(repo, cli_get(cli, "keys"), err);
	if (r < 0 || !file)
		return r < 0 ? r : EXIT_OK;
	if (!cli_confirm(cli, "Sign this?"))
		return error_set(err, ERR_USAGE, "not signed: --yes answers without a terminal");
	return write_signatures(repo, file, err);
}

static int merge_file(struct repository *repo, const char *file, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(PENDING_FILE_MAX);
	size_t fresh = 0;
	int r = file_read(file, &data, err);

	if (r < 0)
		return r;
	r = pending_merge(repo, data.data, data.len, &fresh, err);
	if (r < 0)
		return error_prefix(err, r, "%s", file);
	if (fresh == 0)
		printf("%s: adds nothing: its signatures are there already\n", file);
	else
		printf("%s: %zu signature%s added\n", file, fresh, fresh == 1 ? "" : "s");
	return 0;
}

static int merge(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = command_open_pending(cli, &repo, err);

	if (r == 0)
		r = check_waiting(repo, err);
	if (r == 0)
		r = pending_check_release(repo, cli_get(cli, "keys"), err);
	for (size_t i = 0; r == 0 && i < cli_count(cli, "merge"); i++)
		r = merge_file(repo, cli_get_nth(cli, "merge", i), err);
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

/* What waits may be so that no other command takes it. */
static int print_to_discard(struct repository *repo, const struct cli *cli, struct error *err)
{
	struct error local = { 0 };
	int r = pending_load(repo, &local);

	if (r < 0) {
		printf("%s\n", local.message);
		return 0;
	}
	r = check_waiting(repo, err);
	return r < 0 ? r : print_pending(repo, cli, err);
}

static int discard(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = command_open(cli, &repo, err);

	if (r == 0)
		r = print_to_discard(repo, cli, err);
	if (r == 0 && !cli_confirm(cli, "Drop these changes?"))
		r = error_set(err, ERR_USAGE, "not dropped: --yes answers without a terminal");
	return r < 0 ? r : pending_remove(repo, err);
}

int cmd_sign(struct cli *cli, struct error *err)
{
	int ways = cli_has(cli, "detached") + cli_has(cli, "merge") + cli_has(cli, "discard");

	if (cli_has(cli, "root") && !cli_has(cli, "detached"))
		return error_set(err, ERR_USAGE, "--root is for --detached");
	if (ways > 1 || (ways == 1 && cli_argc(cli) > 1))
		return error_set(err, ERR_USAGE,
				 "one of ROLE, --detached, --merge and --discard at a time");
	if (cli_has(cli, "detached"))
		return sign_detached(cli, err);
	if (cli_has(cli, "merge"))
		return merge(cli, err);
	return cli_has(cli, "discard") ? discard(cli, err) : sign_anew(cli, err);
}
