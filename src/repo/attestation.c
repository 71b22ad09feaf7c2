/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/attestation.h"

#define STATEMENT_TYPE  "https://in-toto.io/Statement/v1"
#define PROVENANCE_TYPE "https://slsa.dev/provenance/v1"
#define TEST_TYPE       "https://in-toto.io/attestation/test-result/v0.1"
#define BUILD_TYPE      "urn:suture:livepatch-build:v1"
#define MAX_ITEMS       65536 /* of any list */

/* ---- Writing ---- */

static json_t *resource(const char *name, const char *kind, const char *digest)
{
	return json_pack("{s:s, s:{s:s}}", "name", name, "digest", kind, digest);
}

/* A subject is the output as built, and the same as published: only the signature differs. */
static json_t *subjects(const struct attestation_subject *s)
{
	char name[MODULE_NAME_BYTES + 16];
	json_t *list = json_array();

	snprintf(name, sizeof(name), "%s.ko", s->module);
	json_array_append_new(list, resource(name, "sha256", s->sha256));
	snprintf(name, sizeof(name), "%s.unsigned.ko", s->module);
	if (json_array_append_new(list, resource(name, "sha256", s->unsigned_sha256)) != 0) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *parameters(const struct record *record)
{
	_cleanup_json_ json_t *cves = json_array(), *patches = json_array();
	int bad = !cves || !patches;

	for (size_t i = 0; i < record->n_cves; i++)
		bad |= json_array_append_new(cves, json_string(record->cves[i]));
	for (size_t i = 0; i < record->n_patches; i++)
		bad |= json_array_append_new(patches, resource(record->patches[i].name, "sha256",
							       record->patches[i].sha256));
	return bad ? NULL
		   : json_pack("{s:s, s:s, s:s, s:O, s:O}", "kernel", record->kernel, "version",
			       record->version, "severity", record->severity, "cves", cves,
			       "patches", patches);
}

static json_t *dependencies(const struct record *record)
{
	json_t *list = json_array();
	int bad = json_array_append_new(list,
					resource(record->kernel, "gnuBuildId", record->build_id));

	for (size_t i = 0; i < record->n_patches; i++)
		bad |= json_array_append_new(list, resource(record->patches[i].name, "sha256",
							    record->patches[i].sha256));
	for (size_t i = 0; i < record->n_inputs; i++)
		bad |= json_array_append_new(
			list, resource(record->inputs[i].name, "sha256", record->inputs[i].sha256));
	if (bad) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *byproducts(const struct record *record, const char *record_sha256,
			  const char *source_sha256)
{
	char name[MODULE_NAME_BYTES + 16];
	json_t *list = json_array();
	int bad;

	snprintf(name, sizeof(name), "%s.json", record->module);
	bad = json_array_append_new(list, resource(name, "sha256", record_sha256));
	snprintf(name, sizeof(name), "%s.source.tar", record->module);
	if (source_sha256)
		bad |= json_array_append_new(list, resource(name, "sha256", source_sha256));
	if (bad) {
		json_decref(list);
		return NULL;
	}
	return list;
}

int attestation_provenance(const struct record *record, const struct attestation_subject *subject,
			   const char *source_sha256, json_t **ret, struct error *err)
{
	char builder[RECORD_TEXT_MAX + 16];
	json_t *predicate;

	/* "suture-build 0.1.0" as part of a URI. */
	snprintf(builder, sizeof(builder), "urn:%s", record->tool);
	for (char *p = builder; *p; p++)
		*p = *p == ' ' ? ':' : *p;
	predicate = json_pack(
		"{s:{s:s, s:o, s:{s:s, s:s}, s:o}, s:{s:{s:s}, s:o}}", "buildDefinition",
		"buildType", BUILD_TYPE, "externalParameters", parameters(record),
		"internalParameters", "compiler", record->compiler, "tool", record->tool,
		"resolvedDependencies", dependencies(record), "runDetails", "builder", "id",
		builder, "byproducts", byproducts(record, subject->record_sha256, source_sha256));
	*ret = json_pack("{s:s, s:o, s:s, s:o}", "_type", STATEMENT_TYPE, "subject",
			 subjects(subject), "predicateType", PROVENANCE_TYPE, "predicate",
			 predicate);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "attestation: no memory");
}

/* ---- Reading ---- */

static bool text_is(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value && streq(value, text);
}

static bool digest_is(const json_t *resource, const char *kind, const char *digest)
{
	return text_is(json_object_get(resource, "digest"), kind, digest);
}

static bool is_hash_of(const struct attestation_subject *s, const char *sha256)
{
	return sha256 && (streq(sha256, s->sha256) || streq(sha256, s->unsigned_sha256));
}

static int check_statement(const json_t *statement, const char *type,
			   const struct attestation_subject *s, json_t **ret_subjects,
			   struct error *err)
{
	json_t *list;
	int r = json_get_array(statement, "subject", MAX_ITEMS, &list, err);

	if (r < 0)
		return r;
	if (!text_is(statement, "_type", STATEMENT_TYPE) ||
	    !text_is(statement, "predicateType", type))
		return error_set(err, ERR_INVALID, "not an in-toto statement with the predicate %s",
				 type);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *digest = json_object_get(json_array_get(list, i), "digest");

		if (is_hash_of(s, json_string_value(json_object_get(digest, "sha256")))) {
			*ret_subjects = list;
			return 0;
		}
	}
	return error_set(err, ERR_NOT_LISTED, "it is not about this module, %s (sha256 %.16s…)",
			 s->module, s->unsigned_sha256);
}

int attestation_check_build(const json_t *statement, const struct attestation_subject *subject,
			    struct error *err)
{
	const json_t *parameters;
	json_t *subjects;
	int r = check_statement(statement, PROVENANCE_TYPE, subject, &subjects, err);

	if (r < 0)
		return r;
	parameters = json_object_get(
		json_object_get(json_object_get(statement, "predicate"), "buildDefinition"),
		"externalParameters");
	if (!text_is(parameters, "kernel", subject->kernel))
		return error_set(err, ERR_DENIED, "it is not for the kernel %s", subject->kernel);
	if (subject->record_sha256[0] && !attestation_names(statement, subject->record_sha256))
		return error_set(err, ERR_NOT_LISTED, "it does not name this build record of %s",
				 subject->module);
	return 0;
}

bool attestation_names(const json_t *provenance, const char *sha256)
{
	const json_t *run = json_object_get(json_object_get(provenance, "predicate"), "runDetails");
	const json_t *list = json_object_get(run, "byproducts");

	for (size_t i = 0; sha256 && i < json_array_size(list); i++) {
		if (digest_is(json_array_get(list, i), "sha256", sha256))
			return true;
	}
	return false;
}

/* Among what was tested on: this kernel, in this build. */
static bool has_kernel(const json_t *predicate, const struct attestation_subject *s)
{
	const json_t *list = json_object_get(predicate, "configuration");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);

		if (text_is(entry, "name", s->kernel) &&
		    digest_is(entry, "gnuBuildId", s->build_id))
			return true;
	}
	return false;
}

/* suture-lab says which module each trial was of: a matrix has many modules and kernels. Of this
 * one on this build there is one at least, and none that failed. */
static bool passed_trials(const json_t *trials, const struct attestation_subject *s)
{
	size_t passed = 0;

	for (size_t i = 0; i < json_array_size(trials); i++) {
		const json_t *trial = json_array_get(trials, i);
		const json_t *hash = json_object_get(trial, "module_sha256");

		if (!is_hash_of(s, json_string_value(hash)) ||
		    !text_is(trial, "build_id", s->build_id) ||
		    !text_is(trial, "kernel", s->kernel))
			continue;
		if (!text_is(trial, "result", "pass"))
			return false;
		passed++;
	}
	return passed > 0;
}

int attestation_check_lab(const json_t *statement, const struct attestation_subject *s,
			  struct error *err)
{
	const json_t *predicate = json_object_get(statement, "predicate");
	const json_t *trials = json_object_get(json_object_get(predicate, "suture"), "trials");
	json_t *subjects;
	int r = check_statement(statement, TEST_TYPE, s, &subjects, err);

	if (r < 0)
		return r;
	if (!text_is(predicate, "result", "PASSED") && !text_is(predicate, "result", "WARNED"))
		return error_set(err, ERR_DENIED, "the tests did not pass");
	if (json_array_size(json_object_get(predicate, "failedTests")) > 0)
		return error_set(err, ERR_DENIED, "it names tests that failed");
	if (json_array_size(json_object_get(predicate, "passedTests")) +
		    json_array_size(json_object_get(predicate, "warnedTests")) ==
	    0)
		return error_set(err, ERR_DENIED, "it names no test that passed");
	if (!has_kernel(predicate, s) ||
	    (trials ? !passed_trials(trials, s) : json_array_size(subjects) != 1))
		return error_set(err, ERR_DENIED,
				 "it does not say that the module passed on %s with build ID %s",
				 s->kernel, s->build_id);
	return 0;
}
