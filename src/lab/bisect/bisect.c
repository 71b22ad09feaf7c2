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
#include "lab/report/report.h"

#define MOST      200
#define TRIED_MAX ((size_t)128 * 1024 * 1024)

struct search {
	const struct bisect_options *o;
	struct bisect *found;
	char *folder;
	struct trial *trial; /* of the latest try */
	struct buf tried;    /* for each part: a byte a function, 1 if it had that; its verdict */
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

/* Holds a trial, whose words may come from the guest. */
static int hold(struct search *s, const struct trial_options *o, struct error *err)
{
	int r = trial_run(o, s->trial, err);

	s->found->tries++;
	report_clean_trial(s->trial);
	return r;
}

/* The build record of a part, to a file; *ret NULL: there is nothing that one could say. */
static int write_record(const struct search *s, const bool *part, const struct buf *module,
			char **ret, struct error *err)
{
	_cleanup_buf_ struct buf record = BUF_INIT(RECORD_MAX);
	char hash[SHA256_HEX_LEN + 1];
	int r;

	if (!s->found->record.record)
		return 0;
	r = hash_sha256_hex(module->data, module->len, hash);
	if (r < 0)
		return error_set(err, r, "hash of a part");
	r = record_subset_write(&s->found->record, part, hash, &record, err);
	if (r < 0 || record.len == 0)
		return r;
	*ret = path_join(s->folder, "part.json", NULL);
	return *ret ? file_write_atomic(*ret, record.data, record.len, 0600, err)
		    : error_set(err, ERR_NO_MEMORY, "part");
}

/* Holds one case with a part of the functions. */
static int hold_part(struct search *s, const bool *part, struct error *err)
{
	const char *const cases[] = { s->found->name, NULL };
	_cleanup_buf_ struct buf module = BUF_INIT(MODULE_FILE_MAX);
	_cleanup_free_ char *path = path_join(s->folder, "part.ko", NULL), *record = NULL;
	struct trial_options o = s->o->trial;
	int r = path ? make_part(s->o, part, &module, err) : error_set(err, ERR_NO_MEMORY, "part");

	if (r == 0)
		r = file_write_atomic(path, module.data, module.len, 0600, err);
	if (r == 0)
		r = write_record(s, part, &module, &record, err);
	if (r < 0)
		return r;
	o.module = path;
	o.cases = cases;
	o.build_record = record;
	o.logs = NULL;
	return hold(s, &o, err);
}

/* The first case that ended so; one that only booted says nothing of the patch. NULL: none. */
static const struct trial_case *first(const struct trial *trial, enum trial_verdict verdict)
{
	for (size_t i = 0; i < trial->n; i++)
		if (trial->cases[i].run.verdict == verdict &&
		    (verdict == VERDICT_FAIL || !streq(trial->cases[i].name, "boot")))
			return &trial->cases[i];
	return NULL;
}

/* Whether a failure is the one that is looked for. What the lab says of a script that failed is
 * told from other trouble of the lab by its words up to the first colon, and so is a fault that is
 * absent at first from one that does not come back. */
static bool is_same(const struct search *s, const struct trial_outcome *o)
{
	const struct trial_outcome *wanted = &s->found->outcome;
	size_t len = strcspn(wanted->message, ":");

	if (s->o->any_cause)
		return o->cause != CAUSE_FAULT_STAYS;
	if (o->cause != wanted->cause || (o->cause != CAUSE_LAB && o->cause != CAUSE_FAULT_ABSENT))
		return o->cause == wanted->cause;
	return strcspn(o->message, ":") == len && memcmp(o->message, wanted->message, len) == 0;
}

/* Only a case that passed has not shown the fault: one that was skipped has shown nothing.
 * `ret_why`: one word on it, or "". */
static enum ddmin_verdict judge(const struct search *s, const char **ret_why)
{
	const struct trial_case *c = first(s->trial, VERDICT_FAIL);

	*ret_why = "";
	if (!c && first(s->trial, VERDICT_PASS))
		return DDMIN_PASSES;
	*ret_why = c ? trial_cause_name(c->run.cause) : "skipped";
	return c && streq(c->name, s->found->name) && is_same(s, &c->run) ? DDMIN_FAILS
									  : DDMIN_UNRESOLVED;
}

static int remember(struct search *s, const bool *part, enum ddmin_verdict verdict)
{
	int r = buf_append(&s->tried, part, s->found->patch.tables.function_count);

	return r < 0 ? r : buf_append_byte(&s->tried, (uint8_t)verdict);
}

/* What came of a part that was tried before; false if it was not. */
static bool recall(const struct search *s, const bool *part, enum ddmin_verdict *ret)
{
	size_t n = s->found->patch.tables.function_count;

	for (size_t at = 0; at < s->tried.len; at += n + 1)
		if (memcmp(s->tried.data + at, part, n) == 0) {
			*ret = (enum ddmin_verdict)s->tried.data[at + n];
			return true;
		}
	return false;
}

static int attempt(void *user, const bool *part, enum ddmin_verdict *ret, struct error *err)
{
	static const char *const words[] = { "passes", "fails: ", "tells nothing: " };
	struct search *s = user;
	size_t members = 0;
	const char *why;
	char text[128];
	int r = hold_part(s, part, err);

	if (r < 0)
		return r;
	*ret = judge(s, &why);
	s->found->unresolved += *ret == DDMIN_UNRESOLVED;
	r = remember(s, part, *ret);
	if (r < 0)
		return error_set(err, r, "what was tried");
	for (size_t i = 0; i < s->found->patch.tables.function_count; i++)
		members += part[i];
	snprintf(text, sizeof(text), "try %zu: %zu of %zu functions: %s%s", s->found->tries,
		 members, s->found->patch.tables.function_count, words[*ret], why);
	if (s->o->say)
		s->o->say(s->o->user, text);
	return 0;
}

/* The whole patch, all cases. */
static int hold_whole(struct search *s, struct error *err)
{
	int r = hold(s, &s->o->trial, err);
	const struct trial_case *c = first(s->trial, VERDICT_FAIL),
				*skipped = first(s->trial, VERDICT_SKIP);

	if (r < 0)
		return r;
	s->found->state = BISECT_PASSES;
	if (!c && skipped && !first(s->trial, VERDICT_PASS))
		return error_set(err, ERR_BAD_STATE, "case %s cannot be held: %s", skipped->name,
				 skipped->run.message);
	if (!c)
		return 0;
	if (streq(c->name, "boot"))
		return error_set(err, ERR_BAD_STATE, "the kernel does not boot: %s",
				 c->run.message);
	s->found->state = c->run.cause == CAUSE_FAULT_STAYS ? BISECT_NOT_SEARCHED : BISECT_FOUND;
	snprintf(s->found->name, sizeof(s->found->name), "%s", c->name);
	s->found->outcome = c->run;
	return 0;
}

/* The functions without which, of those that were found, nothing could be told. */
static void mark_unclear(struct search *s)
{
	struct bisect *found = s->found;
	size_t n = found->patch.tables.function_count, members = 0;

	for (size_t i = 0; i < n; i++)
		members += found->broken[i];
	for (size_t i = 0; members > 1 && i < n; i++) {
		enum ddmin_verdict verdict;

		if (!found->broken[i])
			continue;
		found->broken[i] = false;
		found->unclear[i] =
			recall(s, found->broken, &verdict) && verdict == DDMIN_UNRESOLVED;
		found->broken[i] = true;
	}
}

/* What the case says of the patch without the functions that were found. */
static int try_others(struct search *s, struct error *err)
{
	size_t n = s->found->patch.tables.function_count;
	_cleanup_free_ bool *others = calloc(n, sizeof(bool));
	bool any = false;

	if (!others)
		return error_set(err, ERR_NO_MEMORY, "bisection");
	for (size_t i = 0; i < n; i++) {
		others[i] = !s->found->broken[i];
		any = any || others[i];
	}
	s->found->others_tried = any;
	return !any || recall(s, others, &s->found->others)
		       ? 0
		       : attempt(s, others, &s->found->others, err);
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
	if (r == ERR_TIMEOUT) {
		found->state = BISECT_TOO_MANY;
		return 0;
	}
	mark_unclear(s);
	return r < 0 ? r : try_others(s, err);
}

static int read_record(const struct search *s, struct error *err)
{
	const char *path = s->o->trial.build_record;
	_cleanup_buf_ struct buf file = BUF_INIT(RECORD_MAX);
	int r = path ? file_read(path, &file, err) : 0;

	if (r == 0 && path) {
		r = record_subset_read(file.data, file.len, &s->found->patch.tables,
				       &s->found->record, err);
		if (r < 0)
			error_prefix(err, r, "%s", path);
	}
	return r;
}

static int prepare(struct search *s, struct error *err)
{
	int r = read_module(s->o, &s->found->patch, err);

	if (r == 0 && s->found->patch.tables.function_count == 0)
		r = error_set(err, ERR_UNSUPPORTED, "the patch replaces no function");
	if (r == 0)
		r = read_record(s, err);
	if (r == 0)
		r = work_folder_make(&s->folder, err);
	if (r < 0)
		return r;
	s->trial = calloc(1, sizeof(*s->trial));
	s->found->broken = calloc(s->found->patch.tables.function_count, sizeof(bool));
	s->found->unclear = calloc(s->found->patch.tables.function_count, sizeof(bool));
	return s->trial && s->found->broken && s->found->unclear
		       ? 0
		       : error_set(err, ERR_NO_MEMORY, "bisection");
}

int bisect_run(const struct bisect_options *options, struct bisect *ret, struct error *err)
{
	struct search s = { .o = options, .found = ret, .tried = BUF_INIT(TRIED_MAX) };
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
	buf_free(&s.tried);
	if (r < 0)
		bisect_free(ret);
	return r;
}

void bisect_free(struct bisect *bisect)
{
	livepatch_subset_free(&bisect->patch);
	record_subset_free(&bisect->record);
	free(bisect->broken);
	free(bisect->unclear);
	*bisect = (struct bisect){ 0 };
}

const char *bisect_state_name(enum bisect_state state)
{
	static const char *const names[] = { "found", "passes", "elsewhere", "too-many",
					     "not-searched" };

	return names[state];
}

bool bisect_names(const struct bisect *b, size_t i)
{
	return (b->state == BISECT_FOUND || b->state == BISECT_TOO_MANY) && b->broken[i];
}

static void copy_clean(const char *text, char *ret, size_t size)
{
	snprintf(ret, size, "%s", text);
	error_clean_text(ret);
	report_clean_text(ret);
}

struct bisect_name bisect_name(const struct bisect *b, size_t i)
{
	struct bisect_name name;

	copy_clean(b->patch.tables.functions[i].object, name.object, sizeof(name.object));
	copy_clean(b->patch.tables.functions[i].name, name.name, sizeof(name.name));
	return name;
}

static json_t *function_json(const struct bisect *b, size_t i)
{
	struct bisect_name name = bisect_name(b, i);

	return json_pack("{s:s, s:s, s:I, s:b}", "object", name.object, "name", name.name, "sympos",
			 (json_int_t)b->patch.tables.functions[i].sympos, "unclear", b->unclear[i]);
}

int bisect_json(const struct bisect *b, json_t **ret, struct error *err)
{
	static const char *const verdicts[] = { "passes", "fails", "unresolved" };
	const char *others = b->others_tried ? verdicts[b->others] : NULL;
	_cleanup_json_ json_t *o = json_object(), *functions = json_array();

	for (size_t i = 0; functions && i < b->patch.tables.function_count; i++)
		if (bisect_names(b, i) && json_array_append_new(functions, function_json(b, i)) < 0)
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
	    json_set_str(o, "others", others) < 0 ||
	    json_object_set_new(o, "tries", json_integer((json_int_t)b->tries)) < 0 ||
	    json_object_set_new(o, "unresolved", json_integer((json_int_t)b->unresolved)) < 0 ||
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
