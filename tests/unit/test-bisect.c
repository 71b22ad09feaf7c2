// SPDX-License-Identifier: GPL-2.0-or-later
/* The search for the functions that break a case, with a trial_run() that only looks into the
 * module that it is given. */
#include <stdio.h>

#include "base/file.h"
#include "lab/bisect/bisect.h"
#include "sample_livepatch.h"

/* one_show and two_show of vmlinux, two_show of nf_tables; as bits, in the module's order. */
#define ALL 7U

static struct {
	unsigned breaks; /* with all of these the case fails */
	enum trial_cause cause;
	const char *message;
	unsigned needs; /* without all of these it fails otherwise */
	enum trial_cause other_cause;
	const char *other_message;
	unsigned held[16];
	size_t n;
} lab;

static unsigned functions_of(const char *path)
{
	_cleanup_livepatch_subset_ struct livepatch_subset s = { 0 };
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20);
	struct error err = { 0 };
	unsigned found = 0;

	assert_ok(file_read(path, &file, &err), &err);
	assert_ok(livepatch_subset_read(file.data, file.len, &s, &err), &err);
	for (size_t i = 0; i < s.tables.function_count; i++) {
		const struct tables_function *f = &s.tables.functions[i];

		found |= streq(f->object, "nf_tables") ? 4 : streq(f->name, "two_show") ? 2 : 1;
	}
	return found;
}

int trial_run(const struct trial_options *options, struct trial *ret, struct error *err)
{
	unsigned functions = functions_of(options->module);
	bool whole = (functions & lab.needs) == lab.needs;
	const char *message = whole ? lab.message : lab.other_message;
	struct trial_outcome *o = &ret->cases[0].run;

	(void)err;
	assert_true(lab.n < ARRAY_SIZE(lab.held));
	lab.held[lab.n++] = functions;
	*ret = (struct trial){ .n = 1 };
	snprintf(ret->cases[0].name, TRIAL_NAME_MAX, "%s", options->cases[0]);
	if (whole && (functions & lab.breaks) != lab.breaks)
		return 0;
	o->verdict = VERDICT_FAIL;
	o->cause = whole ? lab.cause : lab.other_cause;
	snprintf(o->message, sizeof(o->message), "%s", message ? message : "");
	return 0;
}

static void write_module(const char *path)
{
	_cleanup_buf_ struct buf file = BUF_INIT(1 << 20);
	struct sample_livepatch m;
	struct error err = { 0 };

	sample_livepatch_make(&m, true, true);
	sample_point(&m, SAMPLE_FIRST + 40, m.strings->symbol, 9);
	sample_point(&m, SAMPLE_FIRST + 48, m.code, 0);
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
static void run(struct bisect_options *o, struct bisect *ret)
{
	static const char *const cases[] = { "load", NULL };
	char *folder = unit_make_dir();
	_cleanup_free_ char *path = path_join(folder, "patch.ko", NULL);
	struct error err = { 0 };

	write_module(path);
	o->trial.module = path;
	o->trial.cases = cases;
	lab.n = 0;
	assert_ok(bisect_run(o, ret, &err), &err);
	assert_int_equal(ret->tries, lab.n);
	assert_int_equal(lab.held[0], ALL);
	unit_remove_dir(folder);
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
	o.any_cause = true;
	run(&o, &any);
	assert_int_equal(any.state, BISECT_ELSEWHERE);
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
		cmocka_unit_test(one_is_named),       cmocka_unit_test(not_by_the_functions),
		cmocka_unit_test(nothing_fails),      cmocka_unit_test(another_cause),
		cmocka_unit_test(trouble_of_the_lab), cmocka_unit_test(tries_are_limited),
	};

	return cmocka_run_group_tests_name("bisect", tests, NULL, NULL);
}
