/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo promote, unlist, recall: what later tiers list, what is no good there, and what is
 * withdrawn. */
#include "repo/commands.h"
#include "repo/evidence.h"
#include "repo/patch.h"
#include "repo/submission.h"
#include "repo/walk.h"

/* ---- promote ---- */

struct promotion {
	struct repository *repo;
	const struct cli *cli;
	struct repo_role *from, *to;
	const char *version;
	struct recall *recall;
	bool *found; /* which --kernel the version is listed for */
	size_t done;
};

static void promotion_free(struct promotion *p)
{
	recall_free(p->recall);
	free(p->found);
}

/* No --kernel means every kernel. */
static bool kernel_wanted(struct promotion *p, const char *kernel)
{
	size_t n = cli_count(p->cli, "kernel");
	bool wanted = n == 0;

	for (size_t i = 0; i < n; i++) {
		if (!streq(cli_get_nth(p->cli, "kernel", i), kernel))
			continue;
		p->found[i] = wanted = true;
	}
	return wanted;
}

/* One module on its way: what is copied. */
struct parcel {
	struct target_path_parts parts;
	struct target_custom *custom;
	struct submission files;
};

static void parcel_free(struct parcel *p)
{
	target_custom_free(p->custom);
	submission_free(&p->files);
}

/* The same bytes under the other tier's path. */
static int put_one(struct promotion *p, const struct parcel *parcel, const char *suffix,
		   const struct buf *data, json_t *custom, struct error *err)
{
	const struct target_path_parts *parts = &parcel->parts;
	_cleanup_free_ char *to =
		target_path(p->to->name, parts->kernel, parts->build_id, parts->module, suffix);

	return to ? repository_put_target(p->repo, p->to, to, data->data, data->len, custom, err)
		  : error_set(err, ERR_NO_MEMORY, "no memory");
}

/* All that was checked when it came in is so still: the tier's keys may have been used without. */
static int check_parcel(struct promotion *p, const char *path, struct parcel *parcel,
			struct error *err)
{
	int r = submission_load(p->repo, p->from, path, &parcel->parts, &parcel->custom,
				&parcel->files, err);

	if (r < 0)
		return r;
	r = submission_check_release(p->repo, cli_get(p->cli, "keys"), p->to->name, &parcel->parts,
				     parcel->custom, &parcel->files, err);
	return r < 0 ? error_prefix(err, r, "role %s: %s", p->from->name, path) : 0;
}

/* `custom` stays, with the day of first publication, but for the attestations, which may have
 * become more. */
static int copy_patch(struct promotion *p, struct parcel *parcel, struct error *err)
{
	const struct repo_role *evidence = repository_role(p->repo, TARGET_EVIDENCE_ROLE);
	const struct target_path_parts *parts = &parcel->parts;
	const struct submission *files = &parcel->files;
	struct attestation_subject subject;
	_cleanup_json_ json_t *custom = NULL;
	int r = evidence_subject(parts->module, parts->kernel, parts->build_id, &files->module,
				 &files->text, &subject, err);

	if (r == 0 && evidence)
		r = evidence_list(evidence->md->body, &subject, parcel->custom, err);
	if (r == 0)
		r = target_custom_write(parcel->custom, &custom, err);
	if (r == 0)
		r = put_one(p, parcel, ".ko", &files->module, custom, err);
	return r < 0 ? r : put_one(p, parcel, ".json", &files->text, NULL, err);
}

/* Is it this target's turn? Only then are its files read. */
static int is_wanted(struct promotion *p, const char *path, bool *ret, struct error *err)
{
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	struct target_path_parts parts;
	int r = patch_next(p->from, path, &parts, &custom, ret, err);

	if (r < 0 || !*ret)
		return r;
	*ret = streq(custom->version, p->version) && kernel_wanted(p, parts.kernel);
	if (*ret && recall_lookup(p->recall, custom->version, parts.kernel))
		return error_set(err, ERR_DENIED, "%s is withdrawn for %s", custom->version,
				 parts.kernel);
	return *ret ? patch_check_newer(p->to, parts.kernel, parts.build_id, custom->version, err)
		    : 0;
}

static int promote_one(struct promotion *p, const char *path, struct error *err)
{
	_cleanup_(parcel_free) struct parcel parcel = { .files = submission_new() };
	bool wanted;
	int r = is_wanted(p, path, &wanted, err);

	if (r < 0 || !wanted)
		return r;
	r = check_parcel(p, path, &parcel, err);
	if (r == 0)
		r = copy_patch(p, &parcel, err);
	if (r == 0)
		r = patch_prune(p->to, parcel.parts.kernel, parcel.parts.build_id,
				p->repo->settings->keep, p->recall, err);
	p->done++;
	return r;
}

static int not_listed(const struct promotion *p, const char *kernel, struct error *err)
{
	error_set(err, ERR_NOT_FOUND, "tier %s: does not list %s%s%s", p->from->name, p->version,
		  kernel ? " for " : "", kernel ? kernel : "");
	error_hint(err, "--from TIER names another tier that lists it");
	return ERR_NOT_FOUND;
}

static int promote_all(struct promotion *p, struct error *err)
{
	size_t n = cli_count(p->cli, "kernel");
	const char *path;
	json_t *target;

	p->found = calloc(n + 1, sizeof(*p->found));
	if (!p->found)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	json_object_foreach (json_object_get(p->from->md->body, "targets"), path, target) {
		int r = promote_one(p, path, err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++) {
		if (!p->found[i])
			return not_listed(p, cli_get_nth(p->cli, "kernel", i), err);
	}
	return p->done > 0 ? 0 : not_listed(p, NULL, err);
}

/* --from, or the tier before the one to promote to. */
static int find_tiers(struct promotion *p, struct error *err)
{
	const char *to = cli_get(p->cli, "to"), *from = cli_get(p->cli, "from");
	size_t index;
	int r = settings_tier_index(p->repo->settings, to, &index, err);

	if (r < 0)
		return r;
	if (!from && index == 0)
		return error_set(err, ERR_USAGE,
				 "tier %s is the first: --from says where %s comes from", to,
				 p->version);
	r = repository_tier(p->repo, from ? from : p->repo->settings->tiers[index - 1], &p->from,
			    err);
	if (r == 0)
		r = repository_tier(p->repo, to, &p->to, err);
	if (r == 0 && p->from == p->to)
		r = error_set(err, ERR_USAGE, "--from and --to are the same tier");
	return r;
}

int cmd_promote(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_(promotion_free) struct promotion p = { .cli = cli, .version = cli_arg(cli, 1) };
	struct patch_version version;
	int r;

	if (patch_version_parse(p.version, &version) < 0)
		return error_set(err, ERR_USAGE, "%s: not a version such as 1.2", p.version);
	r = command_open_change(cli, &repo, err);
	p.repo = repo;
	if (r == 0)
		r = find_tiers(&p, err);
	if (r == 0)
		r = patch_recall_list(repo, &p.recall, err);
	if (r == 0)
		r = promote_all(&p, err);
	if (r == 0)
		r = evidence_prune(repo, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	printf("%s: %s from %s, %zu kernel%s\n", p.to->name, p.version, p.from->name, p.done,
	       p.done == 1 ? "" : "s");
	return command_done(repo);
}

/* ---- unlist ---- */

static int drop(struct repo_role *role, const char *path, struct error *err)
{
	json_t *targets = json_object_get(role->md->body, "targets");
	const char *dot = strrchr(path, '.');
	_cleanup_buf_ struct buf other = BUF_INIT(strlen(path) + 8);

	/* A module goes with its record: neither is of use alone. */
	if (dot && str_has_suffix(path, ".ko") &&
	    buf_printf(&other, "%.*s.json", (int)(dot - path), path) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (other.len > 0)
		json_object_del(targets, buf_str(&other));
	json_object_del(targets, path);
	role->changed = true;
	return tuf_metadata_changed(role->md, err);
}

/* What the delegation does not hold: nobody looks for it there. */
static int drop_strays(struct repository *repo, struct repo_role *role, size_t *n,
		       struct error *err)
{
	const json_t *keys, *delegation = repository_delegation(repo, role->name, &keys);
	json_t *targets = json_object_get(role->md->body, "targets"), *target;
	const char *path;
	void *next;

	json_object_foreach_safe(targets, next, path, target)
	{
		if (tuf_delegation_matches(delegation, path))
			continue;
		json_object_del(targets, path);
		role->changed = true;
		(*n)++;
	}
	return role->changed ? tuf_metadata_changed(role->md, err) : 0;
}

/* Whatever publish would leave out of a role: judged by the same walk. */
int cmd_unlist(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_walk_ struct walk_result result = { 0 };
	struct walk_options options = { .expired_roles = true, .bad_targets = true };
	const char *name = cli_arg(cli, 1);
	struct repo_role *role;
	json_t *entry;
	size_t i, n = 0;
	int r = command_open_change(cli, &repo, err);

	if (r < 0)
		return r;
	role = repository_role(repo, name);
	if (!role)
		return error_set(err, ERR_NOT_FOUND, "role %s: the repository has no such role",
				 name);
	options.now = repo->now;
	r = walk_repository(repo->tree, &options, &result, err);
	json_array_foreach (result.bad, i, entry) {
		const char *path = json_string_value(json_object_get(entry, "path"));

		if (r < 0 || !streq(json_string_value(json_object_get(entry, "role")), name))
			continue;
		r = drop(role, path, err);
		n++;
	}
	if (r == 0)
		r = drop_strays(repo, role, &n, err);
	if (r == 0 && n == 0)
		r = error_set(err, ERR_NOT_FOUND, "role %s: all that it lists is there and good",
			      name);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	walk_print_warnings(&result);
	printf("%s: %zu target%s off its list\n", name, n, n == 1 ? "" : "s");
	return command_done(repo);
}

/* ---- recall ---- */

static bool tier_lists(const struct repo_role *tier, const char *version, const char *kernel)
{
	const char *path;
	json_t *target;

	json_object_foreach (json_object_get(tier->md->body, "targets"), path, target) {
		const json_t *custom = json_object_get(target, "custom");
		const char *text = json_string_value(json_object_get(custom, "version"));
		const char *release = json_string_value(json_object_get(custom, "kernel"));

		if (text && release && streq(text, version) && (!kernel || streq(release, kernel)))
			return true;
	}
	return false;
}

/* A version may be withdrawn before it is listed, or after; more often it is a slip of the pen. */
static int check_listed(struct repository *repo, const char *version, const char *kernel,
			struct error *err)
{
	for (size_t i = 0; i < repo->settings->n_tiers; i++) {
		const struct repo_role *tier = repository_role(repo, repo->settings->tiers[i]);

		if (tier && tier_lists(tier, version, kernel))
			return 0;
	}
	error_set(err, ERR_NOT_FOUND, "no tier lists %s%s%s", version, kernel ? " for " : "",
		  kernel ? kernel : "");
	error_hint(err, "--unlisted withdraws it all the same, from machines that still have it");
	return ERR_NOT_FOUND;
}

/* What the command line names. */
struct withdrawal {
	const struct cli *cli;
	const char *kernels[RECALL_MAX_KERNELS];
	size_t n; /* 0: every kernel */
};

static int read_withdrawal(struct withdrawal *w, const struct cli *cli, struct error *err)
{
	w->cli = cli;
	w->n = cli_count(cli, "kernel");
	if (cli_has(cli, "undo") == cli_has(cli, "reason"))
		return error_set(err, ERR_USAGE,
				 "--reason TEXT, for the people on the machines, or --undo");
	if (w->n > ARRAY_SIZE(w->kernels))
		return error_set(err, ERR_USAGE, "--kernel: at most %zu", ARRAY_SIZE(w->kernels));
	for (size_t i = 0; i < w->n; i++)
		w->kernels[i] = cli_get_nth(cli, "kernel", i);
	return 0;
}

static int withdraw(struct repository *repo, const struct withdrawal *w, const char *version,
		    struct recall *list, struct error *err)
{
	bool listed = !cli_has(w->cli, "unlisted");
	int r = listed && w->n == 0 ? check_listed(repo, version, NULL, err) : 0;

	for (size_t i = 0; listed && r == 0 && i < w->n; i++)
		r = check_listed(repo, version, w->kernels[i], err);
	return r < 0 ? r
		     : recall_add(list, version, w->kernels, w->n, cli_get(w->cli, "reason"),
				  repo->now, err);
}

static int change_list(struct repository *repo, const struct withdrawal *w, struct recall *list,
		       struct error *err)
{
	int r = 0;

	for (size_t i = 1; r == 0 && i < cli_argc(w->cli); i++) {
		const char *version = cli_arg(w->cli, i);

		r = cli_has(w->cli, "undo") ? recall_remove(list, version, w->kernels, w->n, err)
					    : withdraw(repo, w, version, list, err);
	}
	return r;
}

static void print_withdrawal(const struct withdrawal *w)
{
	for (size_t i = 1; i < cli_argc(w->cli); i++) {
		printf("recall: %s is %s for", cli_arg(w->cli, i),
		       cli_has(w->cli, "undo") ? "no longer withdrawn" : "withdrawn");
		for (size_t k = 0; k < w->n; k++)
			printf(" %s", w->kernels[k]);
		printf("%s\n", w->n == 0 ? " every kernel" : "");
	}
}

int cmd_recall(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_recall_ struct recall *list = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(RECALL_MAX);
	struct withdrawal w;
	int r = read_withdrawal(&w, cli, err);

	if (r == 0)
		r = command_open_change(cli, &repo, err);
	if (r == 0)
		r = patch_recall_list(repo, &list, err);
	if (r == 0)
		r = change_list(repo, &w, list, err);
	if (r == 0)
		r = recall_write(list, &text, err);
	if (r == 0)
		r = repository_put_target(repo, repository_role(repo, TARGET_RECALL_ROLE),
					  TARGET_RECALL_PATH, text.data, text.len, NULL, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	print_withdrawal(&w);
	return command_done(repo);
}
