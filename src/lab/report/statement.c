// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report/statement.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/file.h"
#include "lab/trial/trial_json.h"

#define STATEMENT_TYPE "https://in-toto.io/Statement/v1"
#define PREDICATE_TYPE "https://in-toto.io/attestation/test-result/v0.1"
#define NAME_MAX_BYTES (4 * REPORT_TEXT_MAX)

/* The lists of a predicate by the name of their field. */
struct tests {
	json_t *passed, *warned, *failed;
};

static int append_new(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) < 0 ? ERR_NO_MEMORY : 0;
}

/* "PATCH/KERNEL/MACHINE/CASE"; without the patch outside of a matrix. */
static int add_test(json_t *list, const struct report_job *job, const char *name)
{
	char text[NAME_MAX_BYTES];

	snprintf(text, sizeof(text), "%s%s%s/%s/%s", job->patch ? job->patch : "",
		 job->patch ? "/" : "", report_kernel(job), report_machine(job), name);
	return append_new(list, json_string(text));
}

static int add_job_tests(const struct tests *tests, const struct report_job *job)
{
	bool any = job->state == REPORT_LEFT_OUT;
	int r = 0;

	for (size_t i = 0; r == 0 && job->trial && i < job->trial->n; i++) {
		const struct trial_case *c = &job->trial->cases[i];
		json_t *const lists[MARK_COUNT] = { [MARK_PASS] = tests->passed,
						    [MARK_FLAKY] = tests->warned,
						    [MARK_FAIL] = tests->failed };
		json_t *list = lists[report_mark(c)];

		if (list)
			r = add_test(list, job, c->name);
		any = any || list;
	}
	if (r == 0 && !any)
		r = add_test(tests->failed, job,
			     job->state == REPORT_NOT_BUILT ? "build" : "trial");
	return r;
}

static json_t *subject_json(const struct trial *t)
{
	return json_pack("{s:s, s:{s:s}}", "name", t->module, "digest", "sha256", t->module_sha256);
}

static bool has(const json_t *array, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (json_equal(json_array_get(array, i), value))
			return true;
	return false;
}

/* Adds what is not there yet. */
static int add_once(json_t *array, json_t *value)
{
	_cleanup_json_ json_t *own = value;

	if (!own)
		return ERR_NO_MEMORY;
	return has(array, own) || json_array_append(array, own) == 0 ? 0 : ERR_NO_MEMORY;
}

static json_t *subjects_json(const struct report *report)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; list && i < report->n; i++) {
		const struct trial *t = report->jobs[i].trial;

		if (t && t->module_sha256[0] && add_once(list, subject_json(t)) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

/* A resource must have a digest, a URI or its content: that of a machine or of a kernel whose build
 * is not known is the text itself. */
static json_t *text_resource(const char *name, const char *text)
{
	unsigned char base64[4 * TRIAL_MACHINE_MAX];

	EVP_EncodeBlock(base64, (const unsigned char *)text, (int)strnlen(text, TRIAL_MACHINE_MAX));
	return json_pack("{s:s, s:s, s:s}", "name", name, "mediaType", "text/plain", "content",
			 (const char *)base64);
}

static json_t *kernel_resource(const char *kernel, const struct trial *t)
{
	if (!t || !t->build_id[0])
		return text_resource(kernel, kernel);
	return json_pack("{s:s, s:{s:s}}", "name", kernel, "digest", "gnuBuildId", t->build_id);
}

static json_t *configuration_json(const struct report *report)
{
	_cleanup_json_ json_t *list = json_array();

	for (size_t i = 0; list && i < report->n; i++) {
		const struct report_job *job = &report->jobs[i];
		const char *machine = job->trial ? job->trial->machine : report_machine(job);

		if (add_once(list, kernel_resource(report_kernel(job), job->trial)) < 0 ||
		    add_once(list, text_resource(report_machine(job), machine)) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

/* The trial's own fields, and beside them those of its job. */
static json_t *job_json(const struct report_job *job)
{
	_cleanup_json_ json_t *o = json_object(), *trial = NULL;

	if (!o || json_set_str(o, "patch", job->patch) < 0 ||
	    json_set_str(o, "kernel_name", job->kernel) < 0 ||
	    json_set_str(o, "machine_name", job->machine) < 0 ||
	    json_set_str(o, "state", report_state_name(job->state)) < 0 ||
	    json_set_str(o, "reason", job->reason) < 0 || json_set_str(o, "logs", job->logs) < 0 ||
	    json_set_str(o, "shell", job->shell) < 0)
		return NULL;
	if (job->trial && (trial_to_json(job->trial, &trial, NULL) < 0 ||
			   json_object_update_missing(o, trial) < 0))
		return NULL;
	return TAKE_PTR(o);
}

static json_t *own_json(const struct report *report)
{
	_cleanup_json_ json_t *o = json_object(), *jobs = json_array();
	struct report_totals n;

	for (size_t i = 0; jobs && i < report->n; i++)
		if (append_new(jobs, job_json(&report->jobs[i])) < 0)
			return NULL;
	report_count(report, &n);
	if (!o || !jobs || json_object_set_new(o, "format", json_integer(1)) < 0 ||
	    json_set_str(o, "tool", report->tool) < 0 ||
	    json_set_str(o, "time", report->time) < 0 ||
	    json_object_set_new(o, "seconds", json_real((double)n.ms / 1000)) < 0 ||
	    json_object_set_new(o, "combinations", json_integer((json_int_t)n.combinations)) < 0 ||
	    json_object_set(o, "trials", jobs) < 0)
		return NULL;
	return TAKE_PTR(o);
}

static json_t *predicate_json(const struct report *report)
{
	_cleanup_json_ json_t *o = json_object(), *passed = json_array(), *warned = json_array(),
			      *failed = json_array();
	struct tests tests = { passed, warned, failed };

	for (size_t i = 0; passed && warned && failed && i < report->n; i++)
		if (add_job_tests(&tests, &report->jobs[i]) < 0)
			return NULL;
	const char *result = !report_passed(report)        ? "FAILED"
			     : json_array_size(warned) > 0 ? "WARNED"
							   : "PASSED";
	if (!o || !passed || !warned || !failed || json_set_str(o, "result", result) < 0 ||
	    json_object_set_new(o, "configuration", configuration_json(report)) < 0 ||
	    json_object_set(o, "passedTests", passed) < 0 ||
	    json_object_set(o, "warnedTests", warned) < 0 ||
	    json_object_set(o, "failedTests", failed) < 0 ||
	    json_object_set_new(o, "suture", own_json(report)) < 0)
		return NULL;
	return TAKE_PTR(o);
}

int statement_to_json(const struct report *report, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *o = json_object();

	if (!o || json_set_str(o, "_type", STATEMENT_TYPE) < 0 ||
	    json_object_set_new(o, "subject", subjects_json(report)) < 0 ||
	    json_set_str(o, "predicateType", PREDICATE_TYPE) < 0 ||
	    json_object_set_new(o, "predicate", predicate_json(report)) < 0)
		return error_set(err, ERR_NO_MEMORY, "test record");
	*ret = TAKE_PTR(o);
	return 0;
}

int statement_save(const struct report *report, const char *path, struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	int r = statement_to_json(report, &json, err);

	return r < 0 ? r : json_save_path(json, path, 0644, err);
}

/* The strings of a job belong to the JSON. Its `shell`, which people paste, is not taken from a
 * file: it is made anew from the checked fields. */
static int take_job(const json_t *o, struct report_job *ret, struct error *err)
{
	const struct {
		const char *key;
		char **to;
	} fields[] = {
		{ "patch", &ret->patch },
		{ "kernel_name", &ret->kernel },
		{ "machine_name", &ret->machine },
		{ "reason", &ret->reason },
		{ "logs", &ret->logs },
	};
	const char *text;
	int r = json_get_str(o, "state", 32, &text, err);

	if (r < 0)
		return r;
	if (report_state_from(text, &ret->state) < 0)
		return error_set(err, ERR_INVALID, "state: %s", text);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		r = json_get_str_opt(o, fields[i].key, REPORT_TEXT_MAX - 1, &text, err);
		if (r < 0)
			return r;
		*fields[i].to = (char *)text;
	}
	if (ret->logs && !path_is_safe_relative(ret->logs))
		return error_set(err, ERR_INVALID, "logs: not a relative path");
	return 0;
}

static int add_job(const json_t *o, struct report *report, struct error *err)
{
	struct report_job job = { 0 };
	int r = take_job(o, &job, err);

	if (r == 0 && job.state <= REPORT_REMEMBERED) {
		_cleanup_free_ struct trial *t = malloc(sizeof(*t));

		r = t ? trial_from_json(o, t, err) : error_set(err, ERR_NO_MEMORY, "trial");
		if (r == 0)
			job.trial = TAKE_PTR(t);
	}
	return r < 0 ? r : report_add(report, &job, err);
}

static int take_head(const json_t *own, struct report *report, struct error *err)
{
	const char *tool, *time;
	const json_t *seconds = json_object_get(own, "seconds");
	double s = json_is_number(seconds) ? json_number_value(seconds) : -1;
	int r = json_get_str(own, "tool", sizeof(report->tool) - 1, &tool, err);

	if (r == 0)
		r = json_get_str(own, "time", sizeof(report->time) - 1, &time, err);
	if (r == 0 && !(s >= 0 && s <= 1e9))
		r = error_set(err, ERR_INVALID, "seconds: not a number of seconds");
	if (r < 0)
		return r;
	report->ms += (int64_t)(s * 1000 + 0.5);
	if (report->n > 0)
		return 0;
	snprintf(report->tool, sizeof(report->tool), "%s", tool);
	snprintf(report->time, sizeof(report->time), "%s", time);
	report_clean_text(report->tool);
	report_clean_text(report->time);
	return 0;
}

int statement_from_json(const json_t *json, struct report *report, struct error *err)
{
	const char *type;
	json_t *predicate, *own, *jobs;
	int64_t format;
	int r = json_get_str(json, "predicateType", 128, &type, err);

	if (r == 0 && !streq(type, PREDICATE_TYPE))
		r = error_set(err, ERR_INVALID, "not a test record: predicateType %s", type);
	if (r == 0)
		r = json_get_object(json, "predicate", 64, &predicate, err);
	if (r == 0)
		r = json_get_object(predicate, "suture", 64, &own, err);
	if (r == 0)
		r = json_get_int(own, "format", 1, 1, &format, err);
	if (r == 0)
		r = json_get_array(own, "trials", REPORT_JOBS_MAX, &jobs, err);
	if (r == 0)
		r = take_head(own, report, err);
	for (size_t i = 0; r == 0 && i < json_array_size(jobs); i++) {
		r = add_job(json_array_get(jobs, i), report, err);
		if (r < 0)
			error_prefix(err, r, "trial %zu", i + 1);
	}
	return r;
}

int statement_load(const char *path, struct report *report, struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	int r = json_load_path(path, STATEMENT_MAX, &json, err);

	if (r < 0)
		return r;
	r = statement_from_json(json, report, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}
