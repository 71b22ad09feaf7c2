/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo export, import: the repository on a medium, for networks that are apart. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "repo/commands.h"
#include "repo/publication.h"
#include "repo/walk.h"

static int verify_tree(const char *tree, const char *root, int64_t now, struct walk_result *ret,
		       struct error *err)
{
	int r = walk_repository(tree, root, now, ret, err);

	json_decref(ret->report);
	ret->report = NULL;
	return r < 0 ? error_prefix(err, r, "%s", tree) : 0;
}

/* What lies on the medium is read again before it is said to be good. */
int cmd_export(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	struct publication p = { .to = cli_get(cli, "to") };
	struct walk_result result = { 0 };
	int r = command_open(cli, &repo, err);

	if (r == 0)
		r = verify_tree(repo->tree, NULL, repo->now, &result, err);
	if (r < 0)
		return r;
	p.from = repo->tree;
	r = publication_check(&p, err);
	if (r == 0)
		r = publication_run(&p, err);
	if (r == 0)
		r = verify_tree(p.to, NULL, repo->now, &result, err);
	if (r < 0)
		return r;
	printf("%s: %zu files new, %zu as they were; %zu modules; to be imported before %s\n", p.to,
	       p.copied, p.kept, result.modules, result.until);
	return EXIT_OK;
}

/*
 * The medium counts for nothing: the chain begins with a root that was trusted before. Nothing is
 * copied unless all of it is good, and never an older state over a newer one; what was copied is
 * verified once more, since a medium may say another thing the second time.
 */
int cmd_import(struct cli *cli, struct error *err)
{
	_cleanup_free_ char *tree = NULL;
	struct publication p = { .to = cli_get(cli, "to") };
	struct walk_result result = { 0 };
	const char *root = cli_get(cli, "root");
	int64_t now = clock_now();
	int r = walk_find_tree(cli_arg(cli, 0), &tree, err);

	if (r == 0)
		r = verify_tree(tree, root, now, &result, err);
	if (r < 0)
		return r;
	p.from = tree;
	r = publication_check(&p, err);
	if (r == 0)
		r = publication_run(&p, err);
	if (r == 0)
		r = verify_tree(p.to, root, now, &result, err);
	if (r < 0)
		return r;
	printf("%s: %zu files new, %zu as they were; %zu modules verified\n", p.to, p.copied,
	       p.kept, result.modules);
	return EXIT_OK;
}
