/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo add, attest: modules, and what is known about them. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "module/signature.h"
#include "repo/commands.h"
#include "repo/dsse.h"
#include "repo/evidence.h"
#include "repo/patch.h"
#include "repo/submission.h"
#include "wire/record.h"

/* ---- What is to be added ---- */

static int read_submission(const char *module, const char *record, struct submission *s,
			   struct error *err)
{
	int r = file_read(module, &s->module, err);

	if (r == 0)
		r = file_read(record, &s->text, err);
	if (r < 0)
		return r;
	r = submission_check(s, err);
	return r < 0 ? error_prefix(err, r, "%s", module) : 0;
}

static int make_custom(const struct repository *repo, const struct submission *s,
		       const struct attestation_subject *subject, json_t **ret, struct error *err)
{
	const struct repo_role *evidence =
		repository_role((struct repository *)repo, TARGET_EVIDENCE_ROLE);
	const struct record *record = s->record;
	struct target_custom custom = {
		.version = (char *)record->version,
		.kernel = (char *)record->kernel,
		.build_id = (char *)record->build_id,
		.published = repo->now,
		.severity = (char *)record->severity,
		.cves = record->cves,
		.n_cves = record->n_cves,
		.record_length = (int64_t)s->text.len,
	};
	int r = hash_sha256_hex(s->text.data, s->text.len, custom.record_sha256);

	if (r == 0 && evidence)
		r = evidence_list(evidence->md->body, subject, &custom, err);
	if (r == 0)
		r = target_custom_write(&custom, ret, err);
	free(custom.attestations);
	return r;
}

/* ---- Evidence ---- */

static int add_lab(struct repository *repo, const struct attestation_subject *subject,
		   const char *file, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(DSSE_PAYLOAD_MAX);
	int r = file_read(file, &data, err);

	if (r == ERR_TOO_LARGE)
		error_hint(err,
			   "suture-lab report --module FILE.ko makes the record of one module");
	if (r < 0)
		return r;
	r = evidence_add_lab(repo, subject, data.data, data.len, err);
	return r < 0 ? error_prefix(err, r, "%s", file) : 0;
}

static int add_labs(struct repository *repo, const struct cli *cli,
		    const struct attestation_subject *subject, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < cli_count(cli, "lab"); i++)
		r = add_lab(repo, subject, cli_get_nth(cli, "lab", i), err);
	return r;
}

/* The folder of a file; the caller frees. */
static char *folder_of(const char *path)
{
	return path_base(path) == path ? strdup(".")
				       : strndup(path, (size_t)(path_base(path) - path));
}

/* Where the sources may be: what --source names, else beside record and module, and here. */
static int add_build(struct repository *repo, const struct cli *cli, const struct submission *s,
		     const struct attestation_subject *subject, struct error *err)
{
	const char *places[64 + 3];
	size_t given = cli_count(cli, "source"), n = 0;
	_cleanup_free_ char *record = folder_of(cli_get(cli, "record"));
	_cleanup_free_ char *module = folder_of(cli_arg(cli, 1));
	struct evidence_input input = { s->record, &s->text, places, 0 };
	struct error missing = { 0 }, local = { 0 };
	int r;

	if (given > 64 || !record || !module)
		return error_set(err, ERR_USAGE, "--source: at most 64");
	while (n < given) {
		places[n] = cli_get_nth(cli, "source", n);
		n++;
	}
	if (n == 0) {
		places[n++] = record;
		places[n++] = module;
		places[n++] = ".";
	}
	input.n_places = n;
	r = evidence_add_build(repo, &input, subject, &missing, &local);
	if (missing.message[0] && given > 0)
		return error_set(err, ERR_NOT_FOUND, "%s", missing.message);
	if (missing.message[0])
		fprintf(stderr,
			"warning: the source is not published: %s: --source says where, also when "
			"it is added once more\n",
			missing.message);
	/* Without the role, or without its key, a tier that demands nothing takes it all the same.
	 */
	if (r == ERR_NOT_FOUND || r == ERR_UNTRUSTED) {
		fprintf(stderr, "warning: provenance and source are not published: %s%s\n",
			local.message,
			r == ERR_UNTRUSTED ? "; who has them adds it once more" : "");
		return 0;
	}
	if (r < 0 && err)
		*err = local;
	return r;
}

/* How to come by it, whether the module is listed already or not. */
static const char *demand_hint(enum evidence_kind kind)
{
	switch (kind) {
	case EVIDENCE_LAB:
		return "add --lab FILE adds a test record; suture-repo attest DIR VERSION --lab FILE "
		       "if a tier lists it";
	case EVIDENCE_SOURCE:
		return "add --source FILE|DIR adds the source, also of a version that is listed";
	default: return "add with the key of evidence adds it, also to a version that is listed";
	}
}

int command_check_demands(const struct repository *repo, const char *tier,
			  const struct attestation_subject *subject, struct error *err)
{
	const struct repo_role *role =
		repository_role((struct repository *)repo, TARGET_EVIDENCE_ROLE);
	size_t index;
	int r = settings_tier_index(repo->settings, tier, &index, err);

	for (unsigned kind = 0; r == 0 && kind < EVIDENCE_KINDS; kind++) {
		struct error why = { 0 };

		if (!(repo->settings->require[index] & 1u << kind))
			continue;
		if (role &&
		    evidence_check(repo, role->md->body, repo->tree, subject, kind, &why) == 0)
			continue;
		r = error_set(err, ERR_DENIED, "tier %s demands %s for %s on %s: %s", tier,
			      evidence_kind_name(kind), subject->module, subject->kernel,
			      role ? why.message : "the repository has no role evidence");
		error_hint(err, "%s", demand_hint(kind));
	}
	return r;
}

/* ---- Listing ---- */

static int put_files(struct repository *repo, struct repo_role *role, const struct submission *s,
		     json_t *custom, const struct recall *recall, struct error *err)
{
	const struct record *rec = s->record;
	_cleanup_free_ char *ko =
		target_path(role->name, rec->kernel, rec->build_id, rec->module, ".ko");
	_cleanup_free_ char *json =
		target_path(role->name, rec->kernel, rec->build_id, rec->module, ".json");
	int r;

	if (!ko || !json)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = repository_put_target(repo, role, ko, s->module.data, s->module.len, custom, err);
	if (r == 0)
		r = repository_put_target(repo, role, json, s->text.data, s->text.len, NULL, err);
	if (r == 0)
		r = patch_prune(role, rec->kernel, rec->build_id, repo->settings->keep, recall,
				err);
	return r < 0 ? r : evidence_prune(repo, err);
}

static int put_evidence(struct repository *repo, const struct cli *cli, const struct submission *s,
			struct attestation_subject *ret, struct error *err)
{
	const struct record *rec = s->record;
	int r = evidence_subject(rec->module, rec->kernel, rec->build_id, &s->module, &s->text, ret,
				 err);

	if (r == 0)
		r = add_build(repo, cli, s, ret, err);
	return r < 0 ? r : add_labs(repo, cli, ret, err);
}

static int put_patch(struct repository *repo, struct repo_role *role, const struct cli *cli,
		     const struct submission *s, const struct recall *recall, struct error *err)
{
	_cleanup_json_ json_t *custom = NULL;
	struct attestation_subject subject;
	int r = put_evidence(repo, cli, s, &subject, err);

	if (r == 0)
		r = command_check_demands(repo, role->name, &subject, err);
	if (r == 0)
		r = make_custom(repo, s, &subject, &custom, err);
	return r < 0 ? r : put_files(repo, role, s, custom, recall, err);
}

/* Does the role list these very bytes, module and record? */
static bool is_listed(const struct repo_role *role, const struct submission *s)
{
	const struct record *rec = s->record;
	const json_t *targets = json_object_get(role->md->body, "targets");
	const struct {
		const char *suffix;
		const struct buf *data;
	} files[] = { { ".ko", &s->module }, { ".json", &s->text } };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = target_path(role->name, rec->kernel, rec->build_id,
							rec->module, files[i].suffix);
		const json_t *target = path ? json_object_get(targets, path) : NULL;

		if (!target || tuf_check_bytes(target, path, files[i].data->data,
					       files[i].data->len, NULL) < 0)
			return false;
	}
	return true;
}

/* What was added before, perhaps without the key of evidence or without the source: the tier stays
 * as it is, and what can be said about the module now is added. */
static int add_again(struct repository *repo, const struct repo_role *role, const struct cli *cli,
		     const struct submission *s, struct error *err)
{
	const struct repo_role *evidence = repository_role(repo, TARGET_EVIDENCE_ROLE);
	struct attestation_subject subject;
	int r = put_evidence(repo, cli, s, &subject, err);

	if (r == 0 && !(evidence && evidence->changed))
		r = error_set(err, ERR_EXISTS, "tier %s: lists %s for %s already, nothing to add",
			      role->name, s->record->version, s->record->kernel);
	return r;
}

static int add_to(struct repository *repo, const char *tier, const struct cli *cli,
		  const struct submission *s, struct error *err)
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
	if (is_listed(role, s))
		return add_again(repo, role, cli, s, err);
	r = patch_check_newer(role, rec->kernel, rec->build_id, rec->version, err);
	return r < 0 ? r : put_patch(repo, role, cli, s, recall, err);
}

int cmd_add(struct cli *cli, struct error *err)
{
	_cleanup_submission_ struct submission s = submission_new();
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
	r = submission_check_signer(repo, cli_get(cli, "keys"), &s, err);
	if (r < 0)
		return error_prefix(err, r, "%s", file);
	r = add_to(repo, tier, cli, &s, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	printf("%s: %s for %s, severity %s\n", tier, s.record->version, s.record->kernel,
	       s.record->severity);
	return command_done(repo);
}

/* ---- attest ---- */

struct attesting {
	struct repository *repo;
	const struct cli *cli;
	const char *version;
	json_t *seen; /* modules of this version, by their hash */
	bool *used;   /* which --lab are about one of them */
	size_t done;  /* test records added */
};

static void attesting_done(struct attesting *a)
{
	json_decref(a->seen);
	free(a->used);
}

/* A record goes to the modules that it is about; it may be about others' kernels too. */
static int attest_with(struct attesting *a, const struct attestation_subject *subject, size_t i,
		       struct error *err)
{
	struct error local = { 0 };
	int r = add_lab(a->repo, subject, cli_get_nth(a->cli, "lab", i), &local);

	a->used[i] |= r == 0;
	a->done += r == 0;
	if (r == 0 || r == ERR_NOT_LISTED)
		return 0;
	if (err)
		*err = local;
	return r;
}

static int attest_one(struct attesting *a, const struct repo_role *tier, const char *path,
		      struct error *err)
{
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	_cleanup_buf_ struct buf module = BUF_INIT(MODULE_FILE_MAX + SIGNATURE_MAX);
	struct attestation_subject subject;
	struct target_path_parts parts;
	bool is_module;
	int r = patch_next(tier, path, &parts, &custom, &is_module, err);

	if (r < 0 || !is_module || !streq(custom->version, a->version))
		return r;
	r = repository_read_target(a->repo, tier, path, &module, err);
	if (r == 0)
		r = evidence_subject(parts.module, parts.kernel, parts.build_id, &module, NULL,
				     &subject, err);
	/* The same module in another tier has the same evidence. */
	if (r < 0 || json_object_get(a->seen, subject.sha256))
		return r;
	if (json_object_set_new(a->seen, subject.sha256, json_true()) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; r == 0 && i < cli_count(a->cli, "lab"); i++)
		r = attest_with(a, &subject, i, err);
	return r;
}

static int attest_tier(struct attesting *a, const struct repo_role *tier, struct error *err)
{
	const char *path;
	json_t *target;

	json_object_foreach (json_object_get(tier->md->body, "targets"), path, target) {
		int r = attest_one(a, tier, path, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int attest_tiers(struct attesting *a, struct error *err)
{
	const struct settings *settings = a->repo->settings;

	a->seen = json_object();
	a->used = calloc(cli_count(a->cli, "lab") + 1, sizeof(*a->used));
	if (!a->seen || !a->used)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; i < settings->n_tiers; i++) {
		const struct repo_role *tier = repository_role(a->repo, settings->tiers[i]);
		int r = tier ? attest_tier(a, tier, err) : 0;

		if (r < 0)
			return r;
	}
	if (json_object_size(a->seen) == 0)
		return error_set(err, ERR_NOT_FOUND, "no tier lists %s", a->version);
	for (size_t i = 0; i < cli_count(a->cli, "lab"); i++) {
		if (!a->used[i])
			return error_set(err, ERR_NOT_FOUND, "%s: is about no module of version %s",
					 cli_get_nth(a->cli, "lab", i), a->version);
	}
	return 0;
}

int cmd_attest(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_(attesting_done) struct attesting a = { .cli = cli, .version = cli_arg(cli, 1) };
	int r = command_open_change(cli, &repo, err);

	a.repo = repo;
	if (r == 0)
		r = attest_tiers(&a, err);
	if (r == 0)
		r = repository_commit(repo, err);
	if (r < 0)
		return r;
	printf("evidence: %zu test record%s of %s\n", a.done, a.done == 1 ? "" : "s", a.version);
	return command_done(repo);
}
