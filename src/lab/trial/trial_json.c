// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/trial_json.h"

#include <stdio.h>

#include "base/file.h"

#define MS_MAX    (INT64_C(1) << 40)
#define BOOTS_MAX 100000

static json_t *run_json(const struct trial_outcome *run)
{
	_cleanup_json_ json_t *o = json_object();

	if (!o || json_set_str(o, "result", trial_verdict_name(run->verdict)) < 0 ||
	    json_set_str(o, "cause", trial_cause_name(run->cause)) < 0 ||
	    json_object_set_new(o, "seconds", json_real((double)run->ms / 1000)) < 0 ||
	    json_set_str(o, "message", run->message) < 0)
		return NULL;
	return TAKE_PTR(o);
}

/* The first time, with what its log shows; these two only if there are any. */
static json_t *first_json(const struct trial_case *c)
{
	_cleanup_json_ json_t *o = run_json(&c->first);

	if (!o || (c->first_excerpt[0] && json_set_str(o, "excerpt", c->first_excerpt) < 0) ||
	    (c->first_log[0] && json_set_str(o, "log", c->first_log) < 0))
		return NULL;
	return TAKE_PTR(o);
}

static json_t *case_json(const struct trial_case *c)
{
	_cleanup_json_ json_t *o = json_object(), *run = run_json(&c->run);

	if (!o || !run || json_set_str(o, "name", c->name) < 0 || json_object_update(o, run) < 0 ||
	    json_object_set_new(o, "first", c->repeated ? first_json(c) : json_null()) < 0 ||
	    json_set_str(o, "excerpt", c->excerpt[0] ? c->excerpt : NULL) < 0 ||
	    json_set_str(o, "log", c->log[0] ? c->log : NULL) < 0)
		return NULL;
	return TAKE_PTR(o);
}

int trial_to_json(const struct trial *t, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *o = json_object(), *cases = json_array();

	for (size_t i = 0; cases && i < t->n; i++)
		if (json_array_append_new(cases, case_json(&t->cases[i])) < 0)
			return error_set(err, ERR_NO_MEMORY, "trial");
	if (!o || !cases || json_set_str(o, "kernel", t->kernel) < 0 ||
	    json_set_str(o, "build_id", t->build_id[0] ? t->build_id : NULL) < 0 ||
	    json_set_str(o, "module", t->module) < 0 ||
	    json_set_str(o, "module_sha256", t->module_sha256) < 0 ||
	    json_set_str(o, "machine", t->machine) < 0 || json_set_str(o, "time", t->time) < 0 ||
	    json_set_str(o, "result", trial_passed(t) ? "pass" : "fail") < 0 ||
	    json_object_set_new(o, "seconds", json_real((double)t->ms / 1000)) < 0 ||
	    json_object_set_new(o, "boots", json_integer(t->boots)) < 0 ||
	    json_object_set(o, "cases", cases) < 0)
		return error_set(err, ERR_NO_MEMORY, "trial");
	*ret = TAKE_PTR(o);
	return 0;
}

/* Copies a string of at most `size` - 1 bytes; null or absent gives "". */
static int take(const json_t *o, const char *key, char *ret, size_t size, struct error *err)
{
	const char *text;
	int r = json_get_str_opt(o, key, size - 1, &text, err);

	if (r == 0)
		snprintf(ret, size, "%s", text ? text : "");
	return r;
}

static int take_seconds(const json_t *o, int64_t *ret, struct error *err)
{
	const json_t *v = json_object_get(o, "seconds");
	double ms = json_is_number(v) ? json_number_value(v) * 1000 : -1;

	if (!(ms >= 0 && ms <= (double)MS_MAX))
		return error_set(err, ERR_INVALID, "seconds: not a number of seconds");
	*ret = (int64_t)(ms + 0.5);
	return 0;
}

static int take_run(const json_t *o, struct trial_outcome *ret, struct error *err)
{
	const char *verdict, *cause;
	int r = json_get_str(o, "result", 32, &verdict, err);

	if (r == 0)
		r = json_get_str(o, "cause", 32, &cause, err);
	if (r < 0)
		return r;
	if (trial_verdict_from(verdict, &ret->verdict) < 0)
		return error_set(err, ERR_INVALID, "result: %s", verdict);
	if (trial_cause_from(cause, &ret->cause) < 0)
		return error_set(err, ERR_INVALID, "cause: %s", cause);
	r = take_seconds(o, &ret->ms, err);
	return r < 0 ? r : take(o, "message", ret->message, sizeof(ret->message), err);
}

static int take_log(const json_t *o, char ret[static TRIAL_LOG_MAX], struct error *err)
{
	int r = take(o, "log", ret, TRIAL_LOG_MAX, err);

	if (r == 0 && ret[0] && !path_is_safe_relative(ret))
		r = error_set(err, ERR_INVALID, "log: not a relative path");
	return r;
}

static int take_first(const json_t *o, struct trial_case *ret, struct error *err)
{
	int r = take_run(o, &ret->first, err);

	if (r == 0)
		r = take(o, "excerpt", ret->first_excerpt, sizeof(ret->first_excerpt), err);
	return r < 0 ? r : take_log(o, ret->first_log, err);
}

static int take_case(const json_t *o, struct trial_case *ret, struct error *err)
{
	const json_t *first = json_object_get(o, "first");
	int r = take(o, "name", ret->name, sizeof(ret->name), err);

	if (r == 0)
		r = take_run(o, &ret->run, err);
	ret->repeated = first && !json_is_null(first);
	if (r == 0 && ret->repeated)
		r = take_first(first, ret, err);
	if (r == 0)
		r = take(o, "excerpt", ret->excerpt, sizeof(ret->excerpt), err);
	return r < 0 ? r : take_log(o, ret->log, err);
}

int trial_from_json(const json_t *o, struct trial *ret, struct error *err)
{
	json_t *cases;
	int64_t boots = 0;
	int r = json_get_array(o, "cases", TRIAL_CASES_MAX, &cases, err);

	*ret = (struct trial){ 0 };
	if (r == 0)
		r = take(o, "kernel", ret->kernel, sizeof(ret->kernel), err);
	if (r == 0)
		r = take(o, "build_id", ret->build_id, sizeof(ret->build_id), err);
	if (r == 0)
		r = take(o, "module", ret->module, sizeof(ret->module), err);
	if (r == 0)
		r = take(o, "module_sha256", ret->module_sha256, sizeof(ret->module_sha256), err);
	if (r == 0)
		r = take(o, "machine", ret->machine, sizeof(ret->machine), err);
	if (r == 0)
		r = take(o, "time", ret->time, sizeof(ret->time), err);
	if (r == 0)
		r = take_seconds(o, &ret->ms, err);
	if (r == 0)
		r = json_get_int(o, "boots", 0, BOOTS_MAX, &boots, err);
	if (r < 0)
		return r;
	ret->boots = (unsigned)boots;
	for (size_t i = 0; i < json_array_size(cases); i++, ret->n++) {
		r = take_case(json_array_get(cases, i), &ret->cases[i], err);
		if (r < 0)
			return error_prefix(err, r, "case %zu", i + 1);
	}
	return 0;
}
