/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/submission.h"

#include <dirent.h>
#include <stdio.h>

#include "base/file.h"
#include "module/modinfo.h"
#include "repo/commands.h"
#include "repo/patch.h"

#define SIGNERS_MAX 64

DEFINE_CLEANUP(DIR *, closedir);

struct submission submission_new(void)
{
	return (struct submission){ .module = BUF_INIT(MODULE_FILE_MAX + SIGNATURE_MAX),
				    .text = BUF_INIT(RECORD_MAX) };
}

void submission_free(struct submission *s)
{
	buf_free(&s->module);
	buf_free(&s->text);
	record_free(s->record);
	s->record = NULL;
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
	return record_check_code(record, modinfo_get(info, RECORD_CODE_KEY), err);
}

int submission_check(struct submission *s, struct error *err)
{
	int r = record_parse(s->text.data, s->text.len, &s->record, err);

	if (r < 0)
		return error_prefix(err, r, "build record");
	r = check_hash(s, err);
	return r < 0 ? r : check_names(s, err);
}

static bool same_cves(const struct record *record, const struct target_custom *custom)
{
	bool same = record->n_cves == custom->n_cves;

	for (size_t i = 0; same && i < record->n_cves; i++)
		same = streq(record->cves[i], custom->cves[i]);
	return same;
}

int submission_check_custom(const struct submission *s, const struct target_path_parts *parts,
			    const struct target_custom *custom, struct error *err)
{
	const struct record *record = s->record;
	const struct {
		const char *what, *listed, *said;
	} fields[] = {
		{ "the module's place", parts->module, record->module },
		{ "the kernel's place", parts->kernel, record->kernel },
		{ "the build's place", parts->build_id, record->build_id },
		{ "version", custom->version, record->version },
		{ "kernel", custom->kernel, record->kernel },
		{ "build ID", custom->build_id, record->build_id },
		{ "severity", custom->severity, record->severity },
	};
	char sha256[SHA256_HEX_LEN + 1];

	if (hash_sha256_hex(s->text.data, s->text.len, sha256) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!streq(sha256, custom->record_sha256) || (int64_t)s->text.len != custom->record_length)
		return error_set(err, ERR_HASH,
				 "the record beside it is not the one that its "
				 "custom names");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!streq(fields[i].listed, fields[i].said))
			return error_set(err, ERR_INVALID, "%s: listed as %s, the record says %s",
					 fields[i].what, fields[i].listed, fields[i].said);
	return same_cves(record, custom)
		       ? 0
		       : error_set(err, ERR_INVALID, "the CVEs listed are not the record's");
}

/* ---- Who signed ---- */

struct certificates {
	char *pem[SIGNERS_MAX];
	size_t n;
};

static void certificates_free(struct certificates *certs)
{
	for (size_t i = 0; i < certs->n; i++)
		free(certs->pem[i]);
}

/* All certificates in a folder, as text. A folder that is not there has none; of one that cannot be
 * read nobody knows. */
static int read_certificates(const char *dir, struct certificates *certs, struct error *err)
{
	_cleanup_(closedirp) DIR *folder = dir ? opendir(dir) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!folder)
		return !dir || errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", dir);
	while (r == 0 && (entry = readdir(folder))) {
		_cleanup_free_ char *path = path_join(dir, entry->d_name, NULL);

		if (!path)
			r = error_set(err, ERR_NO_MEMORY, "no memory");
		else if (str_has_suffix(entry->d_name, ".crt"))
			r = certs->n < SIGNERS_MAX
				    ? command_read_text(path, &certs->pem[certs->n++], err)
				    : error_set(err, ERR_TOO_LARGE, "%s: more than %d certificates",
						dir, SIGNERS_MAX);
	}
	return r;
}

/* What somebody hands over does not say where the certificates are. */
static const char *folder_of_keys(const struct repository *repo, const char *keys)
{
	return keys ? keys : repo->handed_over ? NULL : repo->settings->keys;
}

int submission_find_signer(const struct repository *repo, const char *keys,
			   const struct submission *s, int64_t time, struct signature_signer *ret,
			   struct error *err)
{
	_cleanup_(certificates_free) struct certificates certs = { 0 };
	const char *dir = folder_of_keys(repo, keys);
	int r = read_certificates(dir, &certs, err);

	if (r < 0)
		return r;
	if (certs.n == 0)
		return error_set(err, ERR_NOT_FOUND, "%s%s",
				 dir ? "no certificate (*.crt) is in "
				     : "no folder of offline keys",
				 dir ? dir : "");
	return signature_verify(s->module.data, s->module.len, (const char *const *)certs.pem,
				certs.n, time, ret, err);
}

int submission_check_signer(const struct repository *repo, const char *keys,
			    const struct submission *s, struct error *err)
{
	struct error local = { 0 };
	int r = submission_find_signer(repo, keys, s, repo->now, NULL, &local);

	if (r == ERR_NOT_FOUND) {
		fprintf(stderr, "warning: who signed the module is not checked: %s\n",
			local.message);
		return 0;
	}
	if (r < 0 && err)
		*err = local;
	return r;
}

/* Machines ask whether the certificate was valid on the day that the tier's role names, and a
 * version that they refuse cannot be listed again. */
static int check_signed_then(const struct repository *repo, const char *keys,
			     const struct submission *s, int64_t published, struct error *err)
{
	struct error local = { 0 };
	int r = submission_find_signer(repo, keys, s, published, NULL, &local);

	if (r == 0 || r == ERR_NOT_FOUND)
		return 0;
	return error_set(err, r, "when it was published, as its custom says: %s", local.message);
}

int submission_check_release(const struct repository *repo, const char *keys, const char *tier,
			     const struct target_path_parts *parts,
			     const struct target_custom *custom, const struct submission *s,
			     struct error *err)
{
	struct attestation_subject subject;
	int r;

	if (custom->published > repo->now)
		return error_set(err, ERR_INVALID, "it says that it was published in the future");
	r = submission_check_signer(repo, keys, s, err);
	if (r == 0)
		r = check_signed_then(repo, keys, s, custom->published, err);
	if (r == 0)
		r = evidence_subject(parts->module, parts->kernel, parts->build_id, &s->module,
				     &s->text, &subject, err);
	return r < 0 ? r : command_check_demands(repo, tier, &subject, err);
}

int submission_load(struct repository *repo, const struct repo_role *role, const char *path,
		    struct target_path_parts *ret_parts, struct target_custom **ret_custom,
		    struct submission *ret, struct error *err)
{
	_cleanup_free_ char *record = NULL;
	int r = patch_read(role, path, ret_parts, ret_custom, err);

	if (r < 0)
		return r;
	record = target_path(role->name, ret_parts->kernel, ret_parts->build_id, ret_parts->module,
			     ".json");
	if (!record)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = repository_read_target(repo, role, path, &ret->module, err);
	if (r == 0)
		r = repository_read_target(repo, role, record, &ret->text, err);
	if (r == 0)
		r = submission_check(ret, err);
	if (r == 0)
		r = submission_check_custom(ret, ret_parts, *ret_custom, err);
	return r < 0 ? error_prefix(err, r, "role %s: %s", role->name, path) : 0;
}
