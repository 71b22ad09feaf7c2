/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo add, promote, recall: what tiers list. */
#include <dirent.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "module/modinfo.h"
#include "module/signature.h"
#include "repo/commands.h"
#include "repo/patch.h"
#include "wire/record.h"

/* ---- add ---- */

struct submission {
	struct buf module; /* signed */
	struct buf text;   /* of the record */
	struct record *record;
};

static void submission_free(struct submission *s)
{
	buf_free(&s->module);
	buf_free(&s->text);
	record_free(s->record);
}

static int read_submission(const char *module, const char *record, struct submission *ret,
			   struct error *err)
{
	int r;

	ret->module = BUF_INIT(MODULE_FILE_MAX + SIGNATURE_MAX);
	ret->text = BUF_INIT(RECORD_MAX);
	r = file_read(module, &ret->module, err);
	if (r == 0)
		r = file_read(record, &ret->text, err);
	if (r < 0)
		return r;
	r = record_parse(ret->text.data, ret->text.len, &ret->record, err);
	return r < 0 ? error_prefix(err, r, "%s", record) : 0;
}

/* The record speaks of the module before it was signed. */
static int check_hash(const struct submission *s, struct error *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	struct signature_parts parts;
	int r = signature_split(s->module.data, s->module.len, &parts, err);

	if (r < 0)
		return r;
	if (!parts.signature) {
		error_set(err, ERR_SIGNATURE, "the module is not signed");
		error_hint(err, "suture-repo module sign --key KEY --cert CERT FILE.ko signs it");
		return ERR_SIGNATURE;
	}
	if (hash_sha256_hex(parts.module, parts.module_len, sha256) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!streq(sha256, s->record->module_sha256))
		return error_set(err, ERR_INVALID,
				 "the record is of another module: it names %.16s…, this is %.16s…",
				 s->record->module_sha256, sha256);
	return 0;
}

static int check_names(const struct submission *s, struct error *err)
{
	_cleanup_modinfo_ struct modinfo *info = NULL;
	const struct record *record = s->record;
	char expected[MODULE_NAME_BYTES];
	struct patch_version version;
	int r = modinfo_parse(s->module.data, s->module.len, record->module, &info, err);

	if (r == 0)
		r = patch_version_parse(record->version, &version);
	if (r == 0)
		r = livepatch_module_name(record->kernel, version, expected);
	if (r < 0)
		return r;
	if (!streq(record->module, expected) || !info->name || !streq(info->name, expected))
		return error_set(err, ERR_INVALID,
				 "module name: the file says %s, the record %s; %s %s is %s",
				 info->name ? info->name : "nothing", record->module,
				 record->kernel, record->version, expected);
	if (!info->vermagic || !streq(info->vermagic, record->vermagic))
		return error_set(err, ERR_INVALID,
				 "vermagic: the module says \"%s\", the record \"%s\"",
				 info->vermagic ? info->vermagic : "", record->vermagic);
	if (!info->livepatch)
		return error_set(err, ERR_INVALID, "not a livepatch module");
	return 0;
}

DEFINE_CLEANUP(DIR *, closedir);

#define SIGNERS_MAX 64

/* Where the offline keys' folder holds certificates of module keys, one of them must have signed.
 * Without any (an online tier is added to without offline keys) nothing can be compared: machines
 * refuse what their trust bundle does not name, so it is said and goes on. */
static int check_signer(const struct repository *repo, const char *keys, const struct submission *s,
			struct error *err)
{
	const char *dir = keys ? keys : repo->settings->keys;
	_cleanup_(closedirp) DIR *folder = dir ? opendir(dir) : NULL;
	struct dirent *entry;
	char *certs[SIGNERS_MAX] = { 0 };
	size_t n = 0;
	int r = 0;

	while (r == 0 && folder && (entry = readdir(folder))) {
		_cleanup_free_ char *path = path_join(dir, entry->d_name, NULL);

		if (!path)
			r = error_set(err, ERR_NO_MEMORY, "no memory");
		else if (str_has_suffix(entry->d_name, ".crt"))
			r = n < SIGNERS_MAX
				    ? command_read_text(path, &certs[n++], err)
				    : error_set(err, ERR_TOO_LARGE, "%s: more than %d certificates",
						dir, SIGNERS_MAX);
	}
	if (r == 0 && n == 0)
		fprintf(stderr, "warning: who signed the module is not checked: %s%s\n",
			dir ? "no certificate (*.crt) is in " : "no folder of offline keys",
			dir ? dir : "");
	if (r == 0 && n > 0)
		r = signature_verify(s->module.data, s->module.len, (const char *const *)certs, n,
				     repo->now, NULL, err);
	for (size_t i = 0; i < ARRAY_SIZE(certs); i++)
		free(certs[i]);
	return r;
}

static int make_custom(const struct submission *s, int64_t now, json_t **ret, struct error *err)
{
	const struct record *record = s->record;
	struct target_custom custom = {
		.version = (char *)record->version,
		.kernel = (char *)record->kernel,
		.build_id = (char *)record->build_id,
		.published = now,
		.severity = (char *)record->severity,
		.cves = record->cves,
		.n_cves = record->n_cves,
		.record_length = (int64_t)s->text.len,
	};
	int r = hash_sha256_hex(s->text.data, s->text.len, custom.record_sha256);

	return r < 0 ? error_set(err, r, "no memory") : target_custom_write(&custom, ret, err);
}

static int put_patch(struct repository *repo, struct repo_role *role, const struct submission *s,
		     struct error *err)
{
	const struct record *rec = s->record;
	_cleanup_free_ char *ko =
		target_path(role->name, rec->kernel, rec->build_id, rec->module, ".ko");
	_cleanup_free_ char *json =
		target_path(role->name, rec->kernel, rec->build_id, rec->module, ".json");
	_cleanup_json_ json_t *custom = NULL;
	int r;

	if (!ko || !json)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = make_custom(s, repo->now, &custom, err);
	if (r == 0)
		r = repository_put_target(repo, role, ko, s->module.data, s->module.len, custom,
					  err);
	if (r == 0)
		r = repository_put_target(repo, role, json, s->text.data, s->text.len, NULL, err);
	if (r == 0)
		r = patch_prune(role, rec->kernel, rec->build_id, repo->settings->keep, err);
	return r;
}

static int add_to(struct repository *repo, const char *tier, const struct submission *s,
		  struct error *err)
{
	_cleanup_recall_ struct recall *recall = NULL;
	const struct record *rec = s->record;
	struct repo_role *role;
	int r = repository_tier(repo, tier, &role, err);

	if (r == 0)
		r = patch_recall_list(repo, &recall, err);
	if (r < 0)
		return r;
	if (recall_lookup(recall, rec->version, rec->kernel))
		return error_set(err, ERR_DENIED, "%s is withdrawn for %s", rec->version,
				 rec->kernel);
	r = patch_check_newer(role, rec->kernel, rec->build_id, rec->version, err);
	return r < 0 ? r : put_patch(repo, role, s, err);
}

int cmd_add(struct cli *cli, struct error *err)
{
	_cleanup_(submission_free) struct submission s = { 0 };
	_cleanup_repository_ struct repository *repo = NULL;
	const char *file = cli_arg(cli, 1), *tier = cli_get(cli, "tier");
	int r = command_open_change(cli, &repo, err);

	if (r < 0)
		return r;
	if (!tier)
		tier = repo->settings->tiers[0];
	r = read_submission(file, cli_get(cli, "record"), &s, err);
	if (r < 0)
		return r;
	r = check_hash(&s, err);
	if (r == 0)
		r = check_names(&s, err);
	if (r == 0)
		r = check_signer(repo, cli_get(cli, "keys"), &s, err);
	if (r < 0)
		return error_prefix(err, r, "%s", file);
	r = add_to(repo, tier, &s, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	printf("%s: %s for %s, severity %s\n", tier, s.record->version, s.record->kernel,
	       s.record->severity);
	return command_done(repo);
}

/* ---- promote ---- */

struct promotion {
	struct repository *repo;
	const struct cli *cli;
	struct repo_role *from, *to;
	const char *version;
	struct recall *recall;
	size_t done;
};

static void promotion_free(struct promotion *p)
{
	recall_free(p->recall);
}

/* No --kernel means every kernel. */
static bool kernel_wanted(const struct cli *cli, const char *kernel)
{
	size_t n = cli_count(cli, "kernel");

	for (size_t i = 0; i < n; i++) {
		if (streq(cli_get_nth(cli, "kernel", i), kernel))
			return true;
	}
	return n == 0;
}

/* The same bytes under the other tier's path; `custom` stays, with the day of first publication. */
static int copy_target(struct promotion *p, const struct target_path_parts *parts,
		       const char *suffix, struct error *err)
{
	_cleanup_free_ char *from =
		target_path(p->from->name, parts->kernel, parts->build_id, parts->module, suffix);
	_cleanup_free_ char *to =
		target_path(p->to->name, parts->kernel, parts->build_id, parts->module, suffix);
	_cleanup_buf_ struct buf data = BUF_INIT(MODULE_FILE_MAX + SIGNATURE_MAX);
	json_t *target;
	int r;

	if (!from || !to)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = repository_read_target(p->repo, p->from, from, &data, err);
	if (r < 0)
		return r;
	target = json_object_get(json_object_get(p->from->md->body, "targets"), from);
	return repository_put_target(p->repo, p->to, to, data.data, data.len,
				     json_object_get(target, "custom"), err);
}

static int promote_one(struct promotion *p, const char *path, struct error *err)
{
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	struct target_path_parts parts;
	int r = patch_read(p->from, path, &parts, &custom, err);

	if (r < 0)
		return r;
	if (!streq(custom->version, p->version) || !kernel_wanted(p->cli, parts.kernel))
		return 0;
	if (recall_lookup(p->recall, custom->version, parts.kernel))
		return error_set(err, ERR_DENIED, "%s is withdrawn for %s", custom->version,
				 parts.kernel);
	r = patch_check_newer(p->to, parts.kernel, parts.build_id, custom->version, err);
	if (r == 0)
		r = copy_target(p, &parts, ".ko", err);
	if (r == 0)
		r = copy_target(p, &parts, ".json", err);
	if (r == 0)
		r = patch_prune(p->to, parts.kernel, parts.build_id, p->repo->settings->keep, err);
	p->done++;
	return r;
}

static int promote_all(struct promotion *p, struct error *err)
{
	const char *path;
	json_t *target;

	json_object_foreach (json_object_get(p->from->md->body, "targets"), path, target) {
		int r = str_has_suffix(path, ".ko") ? promote_one(p, path, err) : 0;

		if (r < 0)
			return r;
	}
	if (p->done > 0 && p->done >= cli_count(p->cli, "kernel"))
		return 0;
	error_set(err, ERR_NOT_FOUND, "tier %s: does not list %s%s", p->from->name, p->version,
		  cli_count(p->cli, "kernel") ? " for every kernel named" : "");
	error_hint(err, "--from TIER names another tier that lists it");
	return ERR_NOT_FOUND;
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
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	printf("%s: %s from %s, %zu kernel%s\n", p.to->name, p.version, p.from->name, p.done,
	       p.done == 1 ? "" : "s");
	return command_done(repo);
}

/* ---- recall ---- */

static int add_entries(const struct cli *cli, struct recall *list, int64_t now, struct error *err)
{
	const char *kernels[RECALL_MAX_KERNELS];
	size_t n = cli_count(cli, "kernel");
	int r = 0;

	if (n > ARRAY_SIZE(kernels))
		return error_set(err, ERR_USAGE, "--kernel: at most %zu", ARRAY_SIZE(kernels));
	for (size_t i = 0; i < n; i++)
		kernels[i] = cli_get_nth(cli, "kernel", i);
	for (size_t i = 1; r == 0 && i < cli_argc(cli); i++)
		r = recall_add(list, cli_arg(cli, i), kernels, n, cli_get(cli, "reason"), now, err);
	return r;
}

int cmd_recall(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_recall_ struct recall *list = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(RECALL_MAX);
	int r = command_open_change(cli, &repo, err);

	if (r == 0)
		r = patch_recall_list(repo, &list, err);
	if (r == 0)
		r = add_entries(cli, list, repo->now, err);
	if (r == 0)
		r = recall_write(list, &text, err);
	if (r == 0)
		r = repository_put_target(repo, repository_role(repo, TARGET_RECALL_ROLE),
					  TARGET_RECALL_PATH, text.data, text.len, NULL, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	printf("recall: %zu withdrawn\n", list->n_entries);
	return command_done(repo);
}
