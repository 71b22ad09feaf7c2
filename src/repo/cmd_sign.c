/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo refresh, sign: new dates and signatures for what is there. */
#include "base/clock.h"
#include "repo/commands.h"

#define WARN_BEFORE \
	(INT64_C(14) * 86400) /* an offline role that expires within two weeks is named */

int command_open(const struct cli *cli, struct repository **ret, struct error *err)
{
	return repository_open(cli_arg(cli, 0), cli_get(cli, "keys"), clock_now(), ret, err);
}

static void warn(const struct repository *repo, const char *role, const struct tuf_metadata *md)
{
	char text[CLOCK_TEXT_MAX];

	if (md->expires - repo->now > WARN_BEFORE)
		return;
	clock_format(md->expires, text);
	fprintf(stderr, "suture-repo: role %s %s on %s: `suture-repo sign DIR %s` renews it\n",
		role, md->expires <= repo->now ? "expired" : "expires", text, role);
}

/* A new timestamp each time; a new snapshot only when half of its life is over, so that clients
 * need not fetch it every day. */
int cmd_refresh(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = command_open(cli, &repo, err);

	if (r < 0)
		return r;
	repo->snapshot_changed = repo->snapshot->expires - repo->now < repo->settings->snapshot / 2;
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

int cmd_sign(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	const char *name = cli_argc(cli) > 1 ? cli_arg(cli, 1) : NULL;
	int r = command_open(cli, &repo, err);

	if (r == 0)
		r = mark(repo, name, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	printf("%s: signed; snapshot %lld, timestamp %lld\n", name ? name : "targets and all tiers",
	       (long long)repo->snapshot->version, (long long)repo->timestamp->version);
	return EXIT_OK;
}
