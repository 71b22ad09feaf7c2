/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo add, attest: modules, and what is known about them. */
#include <dirent.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "module/modinfo.h"
#include "module/signature.h"
#include "repo/commands.h"
#include "repo/dsse.h"
#include "repo/evidence.h"
#include "repo/patch.h"
#include "wire/record.h"

/* ---- What is to be added ---- */

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
		fprintf(stderr, "warning: the source is not published: %s: --source says where\n",
			missing.message);
	/* Without the role, or without its key, a tier that demands nothing takes it all the same.
	 */
	if (r == ERR_NOT_FOUND || r == ERR_UNTRUSTED) {
		fprintf(stderr, "warning: provenance and source are not published: %s\n",
			local.message);
		return 0;
	}
	if (r < 0 && err)
		*err = local;
	return r;
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
		error_hint(err, "suture-repo attest DIR VERSION --lab FILE adds a test record");
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

static int put_patch(struct repository *repo, struct repo_role *role, const struct cli *cli,
		     const struct submission *s, const struct recall *recall, struct error *err)
{
	const struct record *rec = s->record;
	_cleanup_json_ json_t *custom = NULL;
	struct attestation_subject subject;
	int r = evidence_subject(rec->module, rec->kernel, rec->build_id, &s->module, &subject,
				 err);

	if (r == 0)
		r = add_build(repo, cli, s, &subject, err);
	if (r == 0)
		r = add_labs(repo, cli, &subject, err);
	if (r == 0)
		r = command_check_demands(repo, role->name, &subject, err);
	if (r == 0)
		r = make_custom(repo, s, &subject, &custom, err);
	return r < 0 ? r : put_files(repo, role, s, custom, recall, err);
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
	r = patch_check_newer(role, rec->kernel, rec->build_id, rec->version, err);
	return r < 0 ? r : put_patch(repo, role, cli, s, recall, err);
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
	int r = patch_read(tier, path, &parts, &custom, err);

	if (r < 0 || !streq(custom->version, a->version))
		return r;
	r = repository_read_target(a->repo, tier, path, &module, err);
	if (r == 0)
		r = evidence_subject(parts.module, parts.kernel, parts.build_id, &module, &subject,
				     err);
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
		int r = str_has_suffix(path, ".ko") ? attest_one(a, tier, path, err) : 0;

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
