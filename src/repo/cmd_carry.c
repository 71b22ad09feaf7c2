/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo export, import: the repository on a medium, for networks that are apart. */
#include "base/clock.h"
#include "base/file.h"
#include "repo/commands.h"
#include "repo/publication.h"
#include "repo/walk.h"

/* How the one end is verified. A role that expired must not keep the others from being carried:
 * machines refuse it. */
static struct walk_options options_for(const char *root, int64_t now, bool bad_targets)
{
	return (struct walk_options){
		.root = root, .now = now, .expired_roles = true, .bad_targets = bad_targets
	};
}

static int verify_tree(const char *tree, const struct walk_options *options,
		       struct walk_result *ret, struct error *err)
{
	int r = walk_repository(tree, options, ret, err);

	return r < 0 ? error_prefix(err, r, "%s", tree) : 0;
}

/* What was left out is missing there, and nothing else. */
static int check_copy(const struct publication *p, const struct walk_result *from,
		      const struct walk_result *to, struct error *err)
{
	size_t i;
	json_t *entry;

	json_array_foreach (to->bad, i, entry) {
		if (json_equal(entry, json_array_get(from->bad, i)))
			continue;
		return error_set(err, ERR_HASH, "%s: %s: was not written as it was read", p->to,
				 json_string_value(json_object_get(entry, "path")));
	}
	return 0;
}

/* Files and folders of the medium are on it, so that it can be taken out. */
static int sync_medium(const char *to, struct error *err)
{
	_cleanup_close_ int fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) < 0 ? error_set_errno(err, errno, "%s: sync", to) : 0;
}

/* What lies there afterwards is read again before it is said to be good. */
static int carry(struct publication *p, struct walk_options *options, struct walk_result *ret,
		 struct error *err)
{
	_cleanup_walk_ struct walk_result verified = { 0 };
	int r = verify_tree(p->from, options, &verified, err);

	if (r < 0)
		return r;
	walk_print_warnings(&verified);
	p->what = &verified;
	r = publication_run(p, err);
	p->what = NULL;
	if (r == 0)
		r = verify_tree(p->to, options, ret, err);
	return r < 0 ? r : check_copy(p, &verified, ret, err);
}

int cmd_export(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_walk_ struct walk_result result = { 0 };
	_cleanup_free_ char *root = NULL;
	struct publication p = { .to = cli_get(cli, "to") };
	struct walk_options options;
	int r = command_open(cli, &repo, err);

	if (r < 0)
		return r;
	root = path_join(repo->tree, "metadata", "1.root.json", NULL);
	if (!root)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	p.from = repo->tree;
	/* A target that is not there must not keep a recall from being carried. */
	options = options_for(root, repo->now, true);
	r = carry(&p, &options, &result, err);
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
 * copied unless all of it is good (with --partial all metadata, and no target but a good one), and
 * never an older state over a newer one. A medium may say another thing the second time: no byte is
 * written that is not the verified one.
 */
int cmd_import(struct cli *cli, struct error *err)
{
	_cleanup_walk_ struct walk_result result = { 0 };
	_cleanup_free_ char *tree = NULL;
	struct publication p = { .to = cli_get(cli, "to") };
	bool partial = cli_has(cli, "partial");
	struct walk_options options = options_for(cli_get(cli, "root"), clock_now(), partial);
	int r = walk_find_tree(cli_arg(cli, 0), &tree, err);

	if (r < 0)
		return r;
	p.from = tree;
	options.copied = true;
	r = carry(&p, &options, &result, err);
	if (!partial && (r == ERR_HASH || r == ERR_NOT_FOUND))
		error_hint(err, "suture-repo export makes the medium anew; --partial leaves "
				"damaged and missing modules out");
	if (r < 0)
		return r;
	printf("%s: %zu files new, %zu as they were; %zu modules verified\n", p.to, p.copied,
	       p.kept, result.modules);
	return EXIT_OK;
}
