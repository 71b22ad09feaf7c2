/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/evidence.h"

#include <stdio.h>

#include "base/file.h"
#include "module/signature.h"
#include "repo/dsse.h"
#include "repo/source.h"
#include "tuf/client.h"

#define SUFFIX_BUILD  ".build.json"
#define SUFFIX_SOURCE ".source.tar"
#define SUFFIX_SIZE   24
#define KEYS_FIELD    "attestation_keys"

/* ".lab.json", ".lab-2.json", … */
static void lab_suffix(unsigned i, char ret[static SUFFIX_SIZE])
{
	if (i <= 1)
		snprintf(ret, SUFFIX_SIZE, ".lab.json");
	else
		snprintf(ret, SUFFIX_SIZE, ".lab-%u.json", i);
}

static char *evidence_path(const struct attestation_subject *s, const char *suffix)
{
	return target_path(TARGET_EVIDENCE_ROLE, s->kernel, s->build_id, s->module, suffix);
}

int evidence_subject(const char *name, const char *kernel, const char *build_id,
		     const struct buf *module, const struct buf *record,
		     struct attestation_subject *ret, struct error *err)
{
	struct attestation_subject s = { .module = name, .kernel = kernel, .build_id = build_id };
	struct signature_parts parts;
	int r = signature_split(module->data, module->len, &parts, err);

	if (r < 0)
		return r;
	if (!parts.signature)
		return error_set(err, ERR_SIGNATURE, "the module is not signed");
	if (hash_sha256_hex(module->data, module->len, s.sha256) < 0 ||
	    hash_sha256_hex(parts.module, parts.module_len, s.unsigned_sha256) < 0 ||
	    (record && hash_sha256_hex(record->data, record->len, s.record_sha256) < 0))
		return error_set(err, ERR_NO_MEMORY, "no memory");
	*ret = s;
	return 0;
}

static int find_role(struct repository *repo, struct repo_role **ret, struct error *err)
{
	*ret = repository_role(repo, TARGET_EVIDENCE_ROLE);
	return *ret ? 0
		    : error_set(err, ERR_NOT_FOUND, "the repository has no role %s",
				TARGET_EVIDENCE_ROLE);
}

/* ---- Reading ---- */

static const json_t *listed(const json_t *role, const char *path)
{
	return json_object_get(json_object_get(role, "targets"), path);
}

static const char *hash_of(const json_t *target)
{
	return json_string_value(json_object_get(json_object_get(target, "hashes"), "sha256"));
}

/* The bytes of a listed file, checked against the list. */
static int read_listed(const struct repository *repo, const json_t *role, const char *tree,
		       const char *path, struct buf *out, struct error *err)
{
	const json_t *target = listed(role, path);
	const char *sha256 = hash_of(target);
	_cleanup_free_ char *relative = NULL;
	const struct buf *kept;
	int r;

	if (!target)
		return error_set(err, ERR_NOT_FOUND, "%s: not listed", path);
	if (!sha256 || !hex_is_lower(sha256, SHA256_HEX_LEN) || !path_is_safe_relative(path))
		return error_set(err, ERR_INVALID, "%s: listed without a SHA-256", path);
	relative = repository_file_path(path, sha256);
	if (!relative)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	kept = repo ? repository_kept_file(repo, relative) : NULL;
	r = kept ? buf_append(out, kept->data, kept->len)
		 : tuf_fetch_folder((void *)tree, relative, out->max, out, err);
	return r < 0 ? r : tuf_check_bytes(target, path, out->data, out->len, err);
}

/* The statement in a listed envelope, whose signature is good. */
static int read_statement(const struct repository *repo, const json_t *role, const char *tree,
			  const char *path, json_t **ret, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(DSSE_MAX);
	_cleanup_dsse_ struct dsse *dsse = NULL;
	const void *payload;
	size_t len;
	int r = read_listed(repo, role, tree, path, &data, err);

	if (r < 0)
		return r;
	r = dsse_parse(data.data, data.len, &dsse, err);
	if (r == 0)
		r = dsse_verify(dsse, json_object_get(role, KEYS_FIELD), err);
	if (r == 0 && !streq(dsse_type(dsse), ATTESTATION_TYPE))
		r = error_set(err, ERR_INVALID, "its payload is no in-toto statement");
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	payload = dsse_payload(dsse, &len);
	r = json_parse(payload, len, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

/* One envelope of this kind. */
static int check_file(const struct repository *repo, const json_t *role, const char *tree,
		      const struct attestation_subject *subject, const char *suffix,
		      enum evidence_kind kind, json_t **ret, struct error *err)
{
	_cleanup_free_ char *path = evidence_path(subject, suffix);
	_cleanup_json_ json_t *statement = NULL;
	int r;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = read_statement(repo, role, tree, path, &statement, err);
	if (r < 0)
		return r;
	r = kind == EVIDENCE_BUILD ? attestation_check_build(statement, subject, err)
				   : attestation_check_lab(statement, subject, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	if (ret)
		*ret = TAKE_PTR(statement);
	return 0;
}

/* The source of this very module is the archive that its provenance names. */
static int check_source(const struct repository *repo, const json_t *role, const char *tree,
			const struct attestation_subject *subject, struct error *err)
{
	_cleanup_free_ char *path = evidence_path(subject, SUFFIX_SOURCE);
	_cleanup_buf_ struct buf source = BUF_INIT(SOURCE_MAX);
	_cleanup_json_ json_t *provenance = NULL;
	int r;

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = read_listed(repo, role, tree, path, &source, err);
	if (r == 0)
		r = check_file(repo, role, tree, subject, SUFFIX_BUILD, EVIDENCE_BUILD, &provenance,
			       err);
	if (r == 0 && !attestation_names(provenance, hash_of(listed(role, path))))
		r = error_set(err, ERR_NOT_LISTED, "%s: the provenance does not name it", path);
	return r;
}

/* Of several test records one good one is enough. */
static int check_labs(const struct repository *repo, const json_t *role, const char *tree,
		      const struct attestation_subject *subject, struct error *err)
{
	struct error first = { 0 }, local = { 0 };
	char suffix[SUFFIX_SIZE];

	for (unsigned i = 1; i <= EVIDENCE_MAX_LABS; i++) {
		int r;

		lab_suffix(i, suffix);
		r = check_file(repo, role, tree, subject, suffix, EVIDENCE_LAB, NULL, &local);
		if (r == 0)
			return 0;
		if (first.code == 0 || (first.code == ERR_NOT_FOUND && r != ERR_NOT_FOUND))
			first = local;
	}
	if (err)
		*err = first;
	return first.code;
}

int evidence_check(const struct repository *repo, const json_t *role, const char *tree,
		   const struct attestation_subject *subject, enum evidence_kind kind,
		   struct error *err)
{
	if (kind == EVIDENCE_LAB)
		return check_labs(repo, role, tree, subject, err);
	if (kind == EVIDENCE_SOURCE)
		return check_source(repo, role, tree, subject, err);
	return check_file(repo, role, tree, subject, SUFFIX_BUILD, kind, NULL, err);
}

/* The `i`th envelope that a module may have, the provenance first: its ending, and its hash or NULL
 * if it is not listed. */
static int envelope_at(const json_t *role, const struct attestation_subject *subject, unsigned i,
		       char suffix[static SUFFIX_SIZE], const char **ret_hash, struct error *err)
{
	_cleanup_free_ char *path = NULL;

	if (i == 0)
		snprintf(suffix, SUFFIX_SIZE, SUFFIX_BUILD);
	else
		lab_suffix(i, suffix);
	path = evidence_path(subject, suffix);
	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	*ret_hash = hash_of(listed(role, path));
	return 0;
}

/* Which of a module's files has this hash. */
static int find_by_hash(const json_t *role, const struct attestation_subject *subject,
			const char *sha256, char suffix[static SUFFIX_SIZE],
			enum evidence_kind *ret_kind, struct error *err)
{
	const char *hash;

	for (unsigned i = 0; i <= EVIDENCE_MAX_LABS; i++) {
		int r = envelope_at(role, subject, i, suffix, &hash, err);

		*ret_kind = i == 0 ? EVIDENCE_BUILD : EVIDENCE_LAB;
		if (r < 0 || (hash && streq(hash, sha256)))
			return r;
	}
	return error_set(err, ERR_NOT_LISTED, "attestation %.16s…: role %s does not list it",
			 sha256, TARGET_EVIDENCE_ROLE);
}

int evidence_check_listed(const json_t *role, const char *tree,
			  const struct attestation_subject *subject, const char *sha256,
			  struct error *err)
{
	char suffix[SUFFIX_SIZE];
	enum evidence_kind kind;
	int r = find_by_hash(role, subject, sha256, suffix, &kind, err);

	return r < 0 ? r : check_file(NULL, role, tree, subject, suffix, kind, NULL, err);
}

int evidence_list(const json_t *role, const struct attestation_subject *subject,
		  struct target_custom *custom, struct error *err)
{
	char suffix[SUFFIX_SIZE];

	free(custom->attestations);
	custom->n_attestations = 0;
	custom->attestations =
		calloc(TARGET_CUSTOM_MAX_ATTESTATIONS, sizeof(*custom->attestations));
	if (!custom->attestations)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (unsigned i = 0; i <= EVIDENCE_MAX_LABS; i++) {
		const char *hash;
		int r = envelope_at(role, subject, i, suffix, &hash, err);

		if (r < 0)
			return r;
		if (hash && hex_is_lower(hash, SHA256_HEX_LEN))
			memcpy(custom->attestations[custom->n_attestations++], hash,
			       SHA256_HEX_LEN + 1);
	}
	return 0;
}

/* ---- Adding ---- */

/* Remembers in the role that this key's envelopes count. */
static int remember_key(struct repo_role *role, const struct tuf_key *key, struct error *err)
{
	json_t *keys = json_object_get(role->md->body, KEYS_FIELD);

	if (!keys) {
		keys = json_object();
		if (json_object_set_new(role->md->body, KEYS_FIELD, keys) != 0)
			return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	if (json_object_set_new(keys, tuf_key_id(key), tuf_key_to_json(key)) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return 0;
}

struct signers {
	const struct tuf_key *keys[TUF_MAX_ROLE_KEYS];
	size_t n;
};

/* The keys of the role that are here. When they are too few to sign it nothing of it is to be
 * changed: ERR_DENIED when what was given for one of them does not open it, else ERR_UNTRUSTED. */
static int find_signers(struct repository *repo, const struct repo_role *role, struct signers *ret,
			struct error *err)
{
	const json_t *keys, *object = repository_delegation(repo, role->name, &keys);
	const json_t *ids = json_object_get(object, "keyids");
	json_int_t need = json_integer_value(json_object_get(object, "threshold"));
	struct error why = { 0 }, denied = { 0 };

	ret->n = 0;
	for (size_t i = 0; i < json_array_size(ids) && ret->n < ARRAY_SIZE(ret->keys); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		int r = key_store_open(repo->keys, id, &ret->keys[ret->n], &why);

		if (r < 0 && r != ERR_NOT_FOUND && r != ERR_DENIED)
			return error_set(err, r, "%s", why.message);
		if (r == ERR_DENIED)
			denied = why;
		ret->n += r == 0;
	}
	if (ret->n > 0 && (repo->may_wait || (json_int_t)ret->n >= need))
		return 0;
	if (denied.code)
		return error_set(err, ERR_DENIED, "role %s: %s", role->name, denied.message);
	return error_set(err, ERR_UNTRUSTED, "role %s: %zu of %lld needed keys are here: %s",
			 role->name, ret->n, (long long)need, why.message);
}

static int put_envelope(struct repository *repo, struct repo_role *role, const char *path,
			const void *statement, size_t len, const struct signers *signers,
			struct error *err)
{
	_cleanup_dsse_ struct dsse *dsse = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(DSSE_MAX);
	int r = dsse_new(ATTESTATION_TYPE, statement, len, &dsse, err);

	for (size_t i = 0; r == 0 && i < signers->n; i++) {
		r = dsse_sign(dsse, signers->keys[i], err);
		if (r == 0)
			r = remember_key(role, signers->keys[i], err);
	}
	if (r == 0)
		r = dsse_write(dsse, &out, err);
	return r < 0 ? r : repository_put_target(repo, role, path, out.data, out.len, NULL, err);
}

/* The archive, or nothing: without the sources the module is added all the same, unless its tier
 * demands them. */
static int make_source(const struct evidence_input *input, struct buf *out,
		       struct error *ret_missing, struct error *err)
{
	struct error why = { 0 };
	int r = source_archive(input->record, input->text->data, input->text->len, input->places,
			       input->n_places, out, &why);

	*ret_missing = (struct error){ 0 };
	if (r == ERR_NOT_FOUND) {
		buf_clear(out);
		*ret_missing = why;
		return 0;
	}
	return r < 0 ? error_set(err, r, "%s", why.message[0] ? why.message : "no memory") : 0;
}

/* Another module of the same name may have left its own source. */
static int put_source(struct repository *repo, struct repo_role *role,
		      const struct attestation_subject *subject, const struct buf *source,
		      struct error *err)
{
	_cleanup_free_ char *path = evidence_path(subject, SUFFIX_SOURCE);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (source->len > 0)
		return repository_put_target(repo, role, path, source->data, source->len, NULL,
					     err);
	json_object_del(json_object_get(role->md->body, "targets"), path);
	return 0;
}

static int put_build(struct repository *repo, struct repo_role *role,
		     const struct evidence_input *input, const struct attestation_subject *subject,
		     const struct buf *source, const struct signers *signers, struct error *err)
{
	_cleanup_free_ char *path = evidence_path(subject, SUFFIX_BUILD);
	_cleanup_buf_ struct buf text = BUF_INIT(DSSE_PAYLOAD_MAX);
	_cleanup_json_ json_t *statement = NULL;
	char archive[SHA256_HEX_LEN + 1];
	int r = hash_sha256_hex(source->data, source->len, archive);

	if (r < 0 || !path)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = attestation_provenance(input->record, subject, source->len > 0 ? archive : NULL,
				   &statement, err);
	if (r < 0)
		return r;
	if (json_append(statement, &text) < 0)
		return error_set(err, ERR_TOO_LARGE, "provenance: too large");
	r = put_source(repo, role, subject, source, err);
	return r < 0 ? r : put_envelope(repo, role, path, text.data, text.len, signers, err);
}

int evidence_add_build(struct repository *repo, const struct evidence_input *input,
		       const struct attestation_subject *subject, struct error *ret_missing,
		       struct error *err)
{
	_cleanup_buf_ struct buf source = BUF_INIT(SOURCE_MAX);
	struct repo_role *role;
	struct signers signers;
	bool built, sourced;
	int r = find_role(repo, &role, err);

	*ret_missing = (struct error){ 0 };
	if (r == 0)
		r = make_source(input, &source, ret_missing, err);
	if (r < 0)
		return r;
	/* What another tier names by its hash stays, unless there is more to say now. */
	built = check_file(repo, role->md->body, repo->tree, subject, SUFFIX_BUILD, EVIDENCE_BUILD,
			   NULL, NULL) == 0;
	sourced = built && check_source(repo, role->md->body, repo->tree, subject, NULL) == 0;
	if (sourced)
		*ret_missing = (struct error){ 0 };
	if (sourced || (built && source.len == 0))
		return 0;
	r = find_signers(repo, role, &signers, err);
	return r < 0 ? r : put_build(repo, role, input, subject, &source, &signers, err);
}

/* The first free place; ERR_EXISTS when a listed record says the same. */
static int free_lab(struct repository *repo, const struct repo_role *role,
		    const struct attestation_subject *subject, const json_t *statement, char **ret,
		    struct error *err)
{
	char suffix[SUFFIX_SIZE];

	for (unsigned i = 1; i <= EVIDENCE_MAX_LABS; i++) {
		_cleanup_json_ json_t *other = NULL;
		_cleanup_free_ char *path = NULL;

		lab_suffix(i, suffix);
		path = evidence_path(subject, suffix);
		if (!path)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		if (!listed(role->md->body, path)) {
			*ret = TAKE_PTR(path);
			return 0;
		}
		if (read_statement(repo, role->md->body, repo->tree, path, &other, NULL) == 0 &&
		    json_equal(other, statement))
			return error_set(err, ERR_EXISTS, "%s: this test record is there already",
					 path);
	}
	return error_set(err, ERR_TOO_LARGE, "a module has at most %d test records",
			 EVIDENCE_MAX_LABS);
}

int evidence_add_lab(struct repository *repo, const struct attestation_subject *subject,
		     const void *data, size_t len, struct error *err)
{
	_cleanup_json_ json_t *statement = NULL;
	_cleanup_free_ char *path = NULL;
	struct repo_role *role;
	struct signers signers;
	int r = find_role(repo, &role, err);

	if (r == 0)
		r = json_parse(data, len, &statement, err);
	if (r == 0)
		r = attestation_check_lab(statement, subject, err);
	if (r == 0)
		r = free_lab(repo, role, subject, statement, &path, err);
	if (r == 0)
		r = find_signers(repo, role, &signers, err);
	return r < 0 ? r : put_envelope(repo, role, path, data, len, &signers, err);
}

/* ---- Leaving ---- */

/* Does a tier list the module that this evidence is about? */
static bool is_wanted(const struct repository *repo, const char *path)
{
	const char *rest = path + sizeof(TARGET_EVIDENCE_ROLE) - 1, *name = path_base(path);
	const char *dot = strchr(name, '.');

	for (size_t i = 0; dot && i < repo->settings->n_tiers; i++) {
		const char *tier = repo->settings->tiers[i];
		const struct repo_role *role = repository_role((struct repository *)repo, tier);
		char module[TARGET_PATH_MAX];

		snprintf(module, sizeof(module), "%s%.*s.ko", tier, (int)(dot - rest), rest);
		if (role && listed(role->md->body, module))
			return true;
	}
	return false;
}

int evidence_prune(struct repository *repo, struct error *err)
{
	struct repo_role *role = repository_role(repo, TARGET_EVIDENCE_ROLE);
	json_t *targets = role ? json_object_get(role->md->body, "targets") : NULL, *target;
	struct signers signers;
	const char *path;
	void *next = NULL;
	size_t n = 0;
	int r;

	json_object_foreach (targets, path, target)
		n += !is_wanted(repo, path);
	if (n == 0)
		return 0;
	/* It does no harm there: the next one who has the key takes it out. */
	r = find_signers(repo, role, &signers, NULL);
	if (r < 0)
		return r == ERR_UNTRUSTED || r == ERR_DENIED
			       ? 0
			       : error_set(err, r, "role %s: its keys", role->name);
	json_object_foreach_safe(targets, next, path, target)
	{
		if (!is_wanted(repo, path))
			json_object_del(targets, path);
	}
	role->changed = true;
	return tuf_metadata_changed(role->md, err);
}

const json_t *evidence_keys(struct repository *repo, const char *role)
{
	const struct repo_role *evidence = repository_role(repo, TARGET_EVIDENCE_ROLE);

	return evidence && streq(role, TARGET_EVIDENCE_ROLE)
		       ? json_object_get(evidence->md->body, KEYS_FIELD)
		       : NULL;
}

int evidence_forget_key(struct repository *repo, const char *id, size_t *ret_n, struct error *err)
{
	struct repo_role *role = repository_role(repo, TARGET_EVIDENCE_ROLE);
	json_t *keys = role ? json_object_get(role->md->body, KEYS_FIELD) : NULL, *key;
	const char *key_id;
	void *next;

	*ret_n = 0;
	json_object_foreach_safe(keys, next, key_id, key)
	{
		if (!streq(key_id, id))
			continue;
		json_object_del(keys, key_id);
		(*ret_n)++;
	}
	if (*ret_n == 0)
		return 0;
	role->changed = true;
	return tuf_metadata_changed(role->md, err);
}
