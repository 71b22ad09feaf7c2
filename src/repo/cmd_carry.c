/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo export, import: the repository on a medium, for networks that are apart. */
#include "base/clock.h"
#include "base/file.h"
#include "repo/commands.h"
#include "repo/publication.h"
#include "repo/walk.h"

/* A role that expired, or a target that is not there, must not keep the others from being carried:
 * machines refuse it. */
static int verify_tree(const char *tree, const char *root, int64_t now, struct walk_result *ret,
		       struct error *err)
{
	const struct walk_options options = {
		.root = root, .now = now, .expired_roles = true, .bad_targets = true
	};
	int r = walk_repository(tree, &options, ret, err);

	return r < 0 ? error_prefix(err, r, "%s", tree) : 0;
}

/* Files and folders of the medium are on it, so that it can be taken out. */
static int sync_medium(const char *to, struct error *err)
{
	_cleanup_close_ int fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) < 0 ? error_set_errno(err, errno, "%s: sync", to) : 0;
}

/* What lies there afterwards is read again before it is said to be good. */
static int carry(struct publication *p, const char *root, int64_t now, struct walk_result *ret,
		 struct error *err)
{
	_cleanup_walk_ struct walk_result verified = { 0 };
	int r = verify_tree(p->from, root, now, &verified, err);

	if (r < 0)
		return r;
	walk_print_warnings(&verified);
	p->what = &verified;
	r = publication_run(p, err);
	p->what = NULL;
	return r < 0 ? r : verify_tree(p->to, root, now, ret, err);
}

int cmd_export(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_walk_ struct walk_result result = { 0 };
	_cleanup_free_ char *root = NULL;
	struct publication p = { .to = cli_get(cli, "to") };
	int r = command_open(cli, &repo, err);

	if (r < 0)
		return r;
	root = path_join(repo->tree, "metadata", "1.root.json", NULL);
	if (!root)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	p.from = repo->tree;
	r = carry(&p, root, repo->now, &result, err);
	if (r == 0)
		r = sync_medium(p.to, err);
	if (r < 0)
		return r;
	printf("%s: %zu files new, %zu as they were; %zu modules; to be imported before %s\n", p.to,
	       p.copied, p.kept, result.modules, result.until);
	return EXIT_OK;
}

/*
 * The medium counts for nothing: the chain begins with a root that was trusted before. Nothing is
 * copied unless all metadata is good, no target but a good one, and never an older state over a
 * newer one. A medium may say another thing the second time: no byte is written that is not the
 * verified one.
 */
int cmd_import(struct cli *cli, struct error *err)
{
	_cleanup_walk_ struct walk_result result = { 0 };
	_cleanup_free_ char *tree = NULL;
	struct publication p = { .to = cli_get(cli, "to") };
	int r = walk_find_tree(cli_arg(cli, 0), &tree, err);

	if (r < 0)
		return r;
	p.from = tree;
	r = carry(&p, cli_get(cli, "root"), clock_now(), &result, err);
	if (r < 0)
		return r;
	printf("%s: %zu files new, %zu as they were; %zu modules verified\n", p.to, p.copied,
	       p.kept, result.modules);
	return EXIT_OK;
}
