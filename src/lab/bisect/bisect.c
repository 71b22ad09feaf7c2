// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/bisect/bisect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "lab/bisect/ddmin.h"
#include "lab/guest/module_tree.h"
#include "lab/guest/work_folder.h"

#define MOST 200

struct search {
	const struct bisect_options *o;
	struct bisect *found;
	char *folder;
	struct trial *trial; /* of the latest try */
};

static int read_module(const struct bisect_options *o, struct livepatch_subset *ret,
		       struct error *err)
{
	_cleanup_buf_ struct buf file = BUF_INIT(MODULE_FILE_MAX);
	int r = file_read(o->trial.module, &file, err);

	if (r == 0)
		r = livepatch_subset_read(file.data, file.len, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path_base(o->trial.module)) : 0;
}

/* The module with a part of its functions, made anew from the file. */
static int make_part(const struct bisect_options *o, const bool *part, struct buf *out,
		     struct error *err)
{
	_cleanup_livepatch_subset_ struct livepatch_subset patch = { 0 };
	int r = read_module(o, &patch, err);

	return r < 0 ? r : livepatch_subset_write(&patch, part, out, err);
}

/* Holds one case with a part of the functions. */
static int hold(struct search *s, const bool *part, struct error *err)
{
	const char *const cases[] = { s->found->name, NULL };
	_cleanup_buf_ struct buf module = BUF_INIT(MODULE_FILE_MAX);
	_cleanup_free_ char *path = path_join(s->folder, "part.ko", NULL);
	struct trial_options o = s->o->trial;
	int r = path ? make_part(s->o, part, &module, err) : error_set(err, ERR_NO_MEMORY, "part");

	if (r == 0)
		r = file_write_atomic(path, module.data, module.len, 0600, err);
	if (r < 0)
		return r;
	o.module = path;
	o.cases = cases;
	o.build_record = NULL; /* it describes the whole */
	o.logs = NULL;
	s->found->tries++;
	return trial_run(&o, s->trial, err);
}

/* The first case that failed, or NULL. */
static const struct trial_case *first_failure(const struct trial *trial)
{
	for (size_t i = 0; i < trial->n; i++)
		if (trial->cases[i].run.verdict == VERDICT_FAIL)
			return &trial->cases[i];
	return NULL;
}

/* Whether a failure is the one that is looked for. What the lab says of a script that failed is
 * told from other trouble of the lab by its words up to the first colon. */
static bool is_same(const struct search *s, const struct trial_outcome *o)
{
	const struct trial_outcome *wanted = &s->found->outcome;
	size_t len = strcspn(wanted->message, ":");

	if (s->o->any_cause)
		return true;
	if (o->cause != wanted->cause || o->cause != CAUSE_LAB)
		return o->cause == wanted->cause;
	return strcspn(o->message, ":") == len && memcmp(o->message, wanted->message, len) == 0;
}

static enum ddmin_verdict judge(const struct search *s)
{
	const struct trial_case *c = first_failure(s->trial);

	if (!c)
		return DDMIN_PASSES;
	return streq(c->name, s->found->name) && is_same(s, &c->run) ? DDMIN_FAILS
								     : DDMIN_UNRESOLVED;
}

static int attempt(void *user, const bool *part, enum ddmin_verdict *ret, struct error *err)
{
	static const char *const words[] = { "passes", "fails", "fails otherwise" };
	struct search *s = user;
	size_t members = 0;
	char text[128];
	int r = hold(s, part, err);

	if (r < 0)
		return r;
	*ret = judge(s);
	for (size_t i = 0; i < s->found->patch.tables.function_count; i++)
		members += part[i];
	snprintf(text, sizeof(text), "try %zu: %zu of %zu functions: %s", s->found->tries, members,
		 s->found->patch.tables.function_count, words[*ret]);
	if (s->o->say)
		s->o->say(s->o->user, text);
	return 0;
}

/* The whole patch, all cases. */
static int hold_whole(struct search *s, struct error *err)
{
	int r = trial_run(&s->o->trial, s->trial, err);
	const struct trial_case *c = r == 0 ? first_failure(s->trial) : NULL;

	s->found->tries++;
	if (r < 0)
		return r;
	s->found->state = BISECT_PASSES;
	if (!c)
		return 0;
	if (streq(c->name, "boot"))
		return error_set(err, ERR_BAD_STATE, "the kernel does not boot: %s",
				 c->run.message);
	s->found->state = BISECT_FOUND;
	snprintf(s->found->name, sizeof(s->found->name), "%s", c->name);
	s->found->outcome = c->run;
	return 0;
}

static int narrow(struct search *s, struct error *err)
{
	struct bisect *found = s->found;
	size_t n = found->patch.tables.function_count;
	enum ddmin_verdict without;
	int r = attempt(s, found->broken, &without, err); /* none of them yet */

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		found->broken[i] = true;
	/* Another cause is to be expected: what the patch mends shows without it. */
	if (without == DDMIN_FAILS) {
		found->state = BISECT_ELSEWHERE;
		return 0;
	}
	r = ddmin(found->broken, n, s->o->most ? s->o->most : MOST, attempt, s, NULL, err);
	if (r != ERR_TIMEOUT)
		return r;
	found->state = BISECT_TOO_MANY;
	return 0;
}

static int prepare(struct search *s, struct error *err)
{
	int r = read_module(s->o, &s->found->patch, err);

	if (r == 0 && s->found->patch.tables.function_count == 0)
		r = error_set(err, ERR_UNSUPPORTED, "the patch replaces no function");
	if (r == 0)
		r = work_folder_make(&s->folder, err);
	if (r < 0)
		return r;
	s->trial = calloc(1, sizeof(*s->trial));
	s->found->broken = calloc(s->found->patch.tables.function_count, sizeof(bool));
	return s->trial && s->found->broken ? 0 : error_set(err, ERR_NO_MEMORY, "bisection");
}

int bisect_run(const struct bisect_options *options, struct bisect *ret, struct error *err)
{
	struct search s = { .o = options, .found = ret };
	int64_t start = clock_monotonic_ms();

	*ret = (struct bisect){ 0 };
	int r = prepare(&s, err);

	if (r == 0)
		r = hold_whole(&s, err);
	if (r == 0 && ret->state == BISECT_FOUND)
		r = narrow(&s, err);
	ret->ms = clock_monotonic_ms() - start;
	work_folder_remove(s.folder);
	free(s.trial);
	if (r < 0)
		bisect_free(ret);
	return r;
}

void bisect_free(struct bisect *bisect)
{
	livepatch_subset_free(&bisect->patch);
	free(bisect->broken);
	*bisect = (struct bisect){ 0 };
}

const char *bisect_state_name(enum bisect_state state)
{
	static const char *const names[] = { "found", "passes", "elsewhere", "too-many" };

	return names[state];
}

static json_t *function_json(const struct tables_function *f)
{
	return json_pack("{s:s, s:s, s:I}", "object", f->object, "name", f->name, "sympos",
			 (json_int_t)f->sympos);
}

int bisect_json(const struct bisect *b, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *o = json_object(), *functions = json_array();

	for (size_t i = 0; functions && i < b->patch.tables.function_count; i++)
		if (b->broken[i] && (b->state == BISECT_FOUND || b->state == BISECT_TOO_MANY) &&
		    json_array_append_new(functions, function_json(&b->patch.tables.functions[i])) <
			    0)
			return error_set(err, ERR_NO_MEMORY, "bisection");
	if (!o || !functions || json_object_set_new(o, "format", json_integer(1)) < 0 ||
	    json_set_str(o, "tool", "suture-lab " SUTURE_VERSION) < 0 ||
	    json_set_str(o, "result", bisect_state_name(b->state)) < 0 ||
	    json_set_str(o, "case", b->name[0] ? b->name : NULL) < 0 ||
	    json_set_str(o, "cause", trial_cause_name(b->outcome.cause)) < 0 ||
	    json_set_str(o, "message", b->outcome.message) < 0 ||
	    json_object_set_new(o, "of", json_integer((json_int_t)b->patch.tables.function_count)) <
		    0 ||
	    json_object_set(o, "functions", functions) < 0 ||
	    json_object_set_new(o, "tries", json_integer((json_int_t)b->tries)) < 0 ||
	    json_object_set_new(o, "seconds", json_real((double)b->ms / 1000)) < 0)
		return error_set(err, ERR_NO_MEMORY, "bisection");
	*ret = TAKE_PTR(o);
	return 0;
}

int bisect_module(const struct bisect_options *options, const struct bisect *b, bool broken,
		  struct buf *out, struct error *err)
{
	_cleanup_free_ bool *part = calloc(b->patch.tables.function_count + 1, sizeof(bool));

	if (!part)
		return error_set(err, ERR_NO_MEMORY, "bisection");
	for (size_t i = 0; i < b->patch.tables.function_count; i++)
		part[i] = b->broken[i] == broken;
	return make_part(options, part, out, err);
}
