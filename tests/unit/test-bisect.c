// SPDX-License-Identifier: GPL-2.0-or-later
/* The search for the functions that break a case, with a trial_run() that only looks into the
 * module that it is given. */
#include <stdio.h>

#include "base/file.h"
#include "lab/bisect/bisect.h"
#include "sample_build_record.h"
#include "sample_livepatch.h"

/* one_show and two_show of vmlinux, two_show of nf_tables; as bits, in the module's order. */
#define ALL 7U

static struct {
	unsigned breaks; /* with all of these the case fails */
	enum trial_cause cause;
	const char *message;
	unsigned needs;               /* without all of these it fails otherwise */
	enum trial_cause other_cause; /* CAUSE_NONE: it is skipped */
	const char *other_message;
	bool by_record; /* with another function than the record names it fails, too */
	unsigned held[16];
	size_t n;
} lab;

/* What `redirect` does: each function of the record, and none beside. */
static bool fits_record(const char *path, const struct tables *t)
{
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20);
	_cleanup_record_ struct record *record = NULL;
	struct error err = { 0 };
	size_t found = 0, recorded = 0;

	if (!path)
		return t->function_count == 0;
	assert_ok(file_read(path, &file, &err), &err);
	assert_ok(record_parse(file.data, file.len, &record, &err), &err);
	for (size_t i = 0; i < record->n_objects; i++)
		for (size_t k = 0; k < record->objects[i].n_functions; k++, recorded++)
			for (size_t f = 0; f < t->function_count; f++)
				found += streq(t->functions[f].object, record->objects[i].name) &&
					 streq(t->functions[f].name,
					       record->objects[i].functions[k].name) &&
					 t->functions[f].sympos ==
						 record->objects[i].functions[k].sympos;
	return found == recorded && recorded == t->function_count;
}

/* As bits; *ret_fits: whether they are those of the build record. */
static unsigned functions_of(const struct trial_options *o, bool *ret_fits)
{
	_cleanup_livepatch_subset_ struct livepatch_subset s = { 0 };
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20);
	struct error err = { 0 };
	unsigned found = 0;

	assert_ok(file_read(o->module, &file, &err), &err);
	assert_ok(livepatch_subset_read(file.data, file.len, &s, &err), &err);
	for (size_t i = 0; i < s.tables.function_count; i++) {
		const struct tables_function *f = &s.tables.functions[i];

		found |= strstr(f->object, "tables") ? 4 : streq(f->name, "two_show") ? 2 : 1;
	}
	*ret_fits = !lab.by_record || fits_record(o->build_record, &s.tables);
	return found;
}

int trial_run(const struct trial_options *options, struct trial *ret, struct error *err)
{
	bool fits;
	unsigned functions = functions_of(options, &fits);
	bool whole = (functions & lab.needs) == lab.needs;
	const char *message = whole ? lab.message : lab.other_message;
	struct trial_outcome *o = &ret->cases[1].run;

	(void)err;
	assert_true(lab.n < ARRAY_SIZE(lab.held));
	lab.held[lab.n++] = functions;
	*ret = (struct trial){ .n = 2, .cases[0].name = "boot" };
	snprintf(ret->cases[1].name, TRIAL_NAME_MAX, "%s", options->cases[0]);
	if (whole && fits && (functions & lab.breaks) != lab.breaks)
		return 0;
	o->cause = whole ? lab.cause : lab.other_cause;
	o->verdict = o->cause == CAUSE_NONE ? VERDICT_SKIP : VERDICT_FAIL;
	snprintf(o->message, sizeof(o->message), "%s", message ? message : "");
	return 0;
}

bool trial_passed(const struct trial *trial)
{
	return trial->n > 0;
}

static const char *object_name = "nf_tables"; /* of nine letters at most */

static void write_module(const char *path)
{
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20);
	struct sample_livepatch m;
	struct error err = { 0 };

	sample_livepatch_make(&m, true, true);
	sample_point(&m, SAMPLE_FIRST + 40, m.strings->symbol, 9);
	sample_point(&m, SAMPLE_FIRST + 48, m.code, 0);
	snprintf((char *)m.strings->data + 18, 10, "%s", object_name);
	sample_relas(m.object, m.data, m.relas, m.rela_count);
	assert_ok(elf_object_write(m.object, &file, &err), &err);
	elf_object_free(m.object);
	assert_ok(file_write_atomic(path, file.data, file.len, 0600, &err), &err);
}

static unsigned broken(const struct bisect *b)
{
	unsigned found = 0;

	for (size_t i = 0; i < b->patch.tables.function_count; i++)
		found |= b->broken[i] ? 1U << i : 0;
	return found;
}

/* Writes the module, bisects the case. */
static int try_run(struct bisect_options *o, struct bisect *ret, struct error *err)
{
	static const char *const cases[] = { "load", NULL };
	char *folder = unit_make_dir();
	_cleanup_free_ char *path = path_join(folder, "patch.ko", NULL);

	write_module(path);
	o->trial.module = path;
	o->trial.cases = cases;
	lab.n = 0;
	int r = bisect_run(o, ret, err);

	unit_remove_dir(folder);
	return r;
}

static void run(struct bisect_options *o, struct bisect *ret)
{
	struct error err = { 0 };

	assert_ok(try_run(o, ret, &err), &err);
	assert_int_equal(ret->tries, lab.n);
	assert_int_equal(lab.held[0], ALL);
}

static void one_is_named(void **state)
{
	(void)state;
	for (unsigned bad = 1; bad <= 4; bad *= 2) {
		_cleanup_bisect_ struct bisect b = { 0 };
		struct bisect_options o = { 0 };

		memset(&lab, 0, sizeof(lab));
		lab.breaks = bad;
		lab.cause = CAUSE_OOPS;
		run(&o, &b);
		assert_int_equal(b.state, BISECT_FOUND);
		assert_int_equal(broken(&b), bad);
		assert_string_equal(b.name, "load");
		assert_int_equal(lab.held[1], 0);
		assert_int_equal(lab.held[lab.n - 1] | bad, ALL);
		assert_true(b.others_tried && b.others == DDMIN_PASSES);
		assert_int_equal(b.unresolved, 0);
	}
}

static void not_by_the_functions(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 };
	struct bisect_options o = { 0 };

	memset(&lab, 0, sizeof(lab));
	lab.cause = CAUSE_WARNING;
	run(&o, &b);
	assert_int_equal(b.state, BISECT_ELSEWHERE);
	assert_int_equal(b.tries, 2);
	assert_false(b.others_tried);
}

static void nothing_fails(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 };
	struct bisect_options o = { 0 };

	memset(&lab, 0, sizeof(lab));
	lab.breaks = 8;
	run(&o, &b);
	assert_int_equal(b.state, BISECT_PASSES);
	assert_int_equal(b.tries, 1);
}

/* What fails without the first function fails otherwise: it stays beside the third. Unless every
 * failure counts, and then nothing is left to look for. */
static void another_cause(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 }, any = { 0 };
	struct bisect_options o = { 0 };

	memset(&lab, 0, sizeof(lab));
	lab.breaks = 4;
	lab.needs = 1;
	lab.cause = CAUSE_OOPS;
	lab.other_cause = CAUSE_FAULT_STAYS;
	run(&o, &b);
	assert_int_equal(b.state, BISECT_FOUND);
	assert_int_equal(broken(&b), 5);
	/* It is not the third alone that is to blame, but it is told which one is uncertain. */
	assert_true(b.unclear[0] && !b.unclear[2]);
	lab.other_cause = CAUSE_WARNING;
	o.any_cause = true;
	run(&o, &any);
	assert_int_equal(any.state, BISECT_ELSEWHERE);
}

/* That the fault shows without the function that mends it is no failure of that part. */
static void fault_stays_in_parts(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 };
	struct bisect_options o = { .any_cause = true };

	memset(&lab, 0, sizeof(lab));
	lab.breaks = 4;
	lab.needs = 1;
	lab.cause = CAUSE_OOPS;
	lab.other_cause = CAUSE_FAULT_STAYS;
	run(&o, &b);
	assert_int_equal(b.state, BISECT_FOUND);
	assert_int_equal(broken(&b), 5);
}

/* No part of a patch that does not mend the fault can tell more. */
static void fault_stays(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 };
	_cleanup_json_ json_t *json = NULL;
	struct bisect_options o = { 0 };

	memset(&lab, 0, sizeof(lab));
	lab.cause = CAUSE_FAULT_STAYS;
	run(&o, &b);
	assert_int_equal(b.state, BISECT_NOT_SEARCHED);
	assert_int_equal(b.tries, 1);
	assert_int_equal(bisect_json(&b, &json, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(json, "result")), "not-searched");
	assert_int_equal(json_array_size(json_object_get(json, "functions")), 0);
}

/* A part for which the case is skipped has not passed it. */
static void skipped(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 }, none = { 0 };
	struct bisect_options o = { 0 };
	struct error err = { 0 };

	memset(&lab, 0, sizeof(lab));
	lab.breaks = 4;
	lab.needs = 2;
	lab.cause = CAUSE_OOPS;
	run(&o, &b);
	assert_int_equal(broken(&b), 6);
	assert_true(b.unclear[1] && !b.unclear[2]);
	assert_true(b.unresolved >= 2);
	assert_int_equal(b.others, DDMIN_UNRESOLVED);
	lab.needs = 8;
	lab.other_message = "there is no sleeper";
	assert_int_equal(try_run(&o, &none, &err), ERR_BAD_STATE);
	assert_string_equal(err.message, "case load cannot be held: there is no sleeper");
}

/* Searches where the build record puts one_show at another position than the module, and it another
 * two_show: a part whose record does so fails. */
static void search_wrong(const char *one_show, struct bisect *b)
{
	struct bisect_options o = { 0 };
	char *folder = unit_make_dir(), first[256];
	_cleanup_free_ char *path = path_join(folder, "record.json", NULL);
	_cleanup_buf_ struct buf record = BUF_INIT(1 << 20);
	struct error err = { 0 };

	memset(&lab, 0, sizeof(lab));
	lab.breaks = 8;
	lab.by_record = true;
	lab.cause = CAUSE_WRONG_FUNCTION;
	snprintf(first, sizeof(first),
		 SAMPLE_FUNCTION("one_show", "%s") "," SAMPLE_FUNCTION("two_show", "2"), one_show);
	assert_int_equal(
		sample_build_record(&record, first, SAMPLE_FUNCTION("two_show", "3"), "false"), 0);
	assert_ok(file_write_atomic(path, record.data, record.len, 0600, &err), &err);
	o.trial.build_record = path;
	run(&o, b);
	assert_int_equal(b->state, BISECT_FOUND);
	unit_remove_dir(folder);
}

/* Two break it, each alone: one is named, and that the others break it too is said. */
static void others_fail(void **state)
{
	_cleanup_bisect_ struct bisect b = { 0 };

	(void)state;
	search_wrong("2", &b);
	assert_int_equal(broken(&b), 1);
	assert_int_equal(b.others, DDMIN_FAILS);
}

/* Another function than the build record names: each part is held with its part of the record. */
static void wrong_function(void **state)
{
	_cleanup_bisect_ struct bisect b = { 0 };

	(void)state;
	search_wrong("0", &b);
	assert_int_equal(broken(&b), 2);
	assert_int_equal(b.others, DDMIN_PASSES);
}

/* Whatever stands in the file or comes from the guest is one line of text. */
static void names_are_clean(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 };
	_cleanup_json_ json_t *json = NULL;
	struct bisect_options o = { 0 };
	struct error err = { 0 };

	memset(&lab, 0, sizeof(lab));
	lab.breaks = 4;
	lab.cause = CAUSE_OOPS;
	lab.message = "a \33[31mred\nmessage \xff";
	object_name = "\33c\xfftables";
	run(&o, &b);
	object_name = "nf_tables";
	assert_string_equal(b.outcome.message, "a ?[31mred?message ?");
	assert_string_equal(bisect_name(&b, 2).object, "?c?tables");
	assert_ok(bisect_json(&b, &json, &err), &err);
	assert_int_equal(json_array_size(json_object_get(json, "functions")), 1);
}

/* A script that failed is not a guest that ended, though both are trouble of the lab. */
static void trouble_of_the_lab(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 }, same = { 0 };
	struct bisect_options o = { 0 };

	memset(&lab, 0, sizeof(lab));
	lab.breaks = 4;
	lab.needs = 1;
	lab.cause = lab.other_cause = CAUSE_LAB;
	lab.message = "the script failed with status 3: it is wrong";
	lab.other_message = "the guest has ended: killed";
	run(&o, &b);
	assert_int_equal(b.state, BISECT_FOUND);
	assert_int_equal(broken(&b), 5);
	lab.other_message = "the script failed with status 3: 17 is wrong";
	run(&o, &same);
	assert_int_equal(same.state, BISECT_ELSEWHERE);
}

static void tries_are_limited(void **state)
{
	(void)state;
	_cleanup_bisect_ struct bisect b = { 0 };
	struct bisect_options o = { .most = 1 };

	memset(&lab, 0, sizeof(lab));
	lab.breaks = 6;
	lab.cause = CAUSE_PANIC;
	run(&o, &b);
	assert_int_equal(b.state, BISECT_TOO_MANY);
	assert_int_equal(broken(&b) & 6, 6);
	assert_int_equal(b.tries, 3); /* the whole, none, one part */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_named),
		cmocka_unit_test(not_by_the_functions),
		cmocka_unit_test(nothing_fails),
		cmocka_unit_test(another_cause),
		cmocka_unit_test(fault_stays_in_parts),
		cmocka_unit_test(fault_stays),
		cmocka_unit_test(skipped),
		cmocka_unit_test(others_fail),
		cmocka_unit_test(wrong_function),
		cmocka_unit_test(names_are_clean),
		cmocka_unit_test(trouble_of_the_lab),
		cmocka_unit_test(tries_are_limited),
	};

	return cmocka_run_group_tests_name("bisect", tests, NULL, NULL);
}
