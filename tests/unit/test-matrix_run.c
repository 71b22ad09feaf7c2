/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which a matrix does things, and what becomes of each, with a builder that only
 * writes down what it is told. Its kernels have no image, so every trial fails at once.
 */
#include "unit.h"

#include <sys/stat.h>

#include "lab/matrix/matrix_report.h"
#include "lab/matrix/matrix_run.h"

struct fixture {
	char *dir, *builder;
	struct matrix_store *store;
	struct matrix_file file;
	struct matrix_plan plan;
	struct matrix_figures figures;
	struct buf calls;
	const char *const *only;
};

/* kernel add RELEASE…, kernel remove RELEASE, patch --kernel RELEASE --version V -o KO --record
 * JSON */
static const char builder[] =
	"#!/bin/sh\n"
	"dir=${0%/*}\n"
	"echo \"$1 $2 $3 $([ \"$1\" = patch ] && echo $5) $(echo \"$*\" | grep -o image-only)\" >>$dir/calls\n"
	"case \"$1 $2\" in\n"
	"'kernel add')\n"
	"	case $3 in *bad*) echo 'noise'; echo 'suture-build: no such kernel' >&2; exit 1;; esac\n"
	"	mkdir -p $dir/cache/suture/kernels/$3\n"
	"	echo '{\"format\": 1, \"release\": \"'$3'\", \"version\": \"1\", \"build_id\": \"abcd\","
	" \"source_package\": \"s\"}' >$dir/cache/suture/kernels/$3/kernel.json;;\n"
	"'kernel remove') case $3 in *stuck*) exit 1;; esac; rm -r $dir/cache/suture/kernels/$3;;\n"
	"*)\n"
	"	case $3 in *refused*) echo 'suture-build: cannot be patched'; exit 4;; esac\n"
	"	case $3 in *broken*) kill -KILL $$;; esac\n"
	"	echo module >$7; echo {} >$9;;\n"
	"esac\n";

static const char text[] = "[matrix]\n"
			   "[patch a]\n"
			   "source = x.patch\n"
			   "version = 1.1\n";

static void run(struct fixture *f, const struct matrix_kernel *kernels, size_t n, unsigned jobs,
		bool discard)
{
	struct matrix_run_options o = { .plan = { .builder = f->builder, .only = f->only },
					.jobs = jobs,
					.discard = discard };
	struct matrix_kernel *copy = calloc(n, sizeof(*copy));
	_cleanup_free_ char *calls = path_join(f->dir, "calls", NULL);
	struct error err = { 0 };
	int signal_number;

	assert_non_null(copy);
	memcpy(copy, kernels, n * sizeof(*copy));
	matrix_figures_free(&f->figures);
	matrix_plan_free(&f->plan);
	assert_ok(matrix_plan_fill(&f->file, f->store, &o.plan, copy, n, &f->plan, &err), &err);
	assert_ok(matrix_run(&f->plan, f->store, &o, &f->figures, &signal_number, &err), &err);
	assert_int_equal(signal_number, 0);
	buf_clear(&f->calls);
	if (file_exists(calls))
		assert_ok(file_read(calls, &f->calls, &err), &err);
	unlink(calls);
}

/* Where a call stands among all, or -1. */
static long place(const struct fixture *f, const char *call)
{
	const char *at = strstr(buf_str(&f->calls), call);

	return at ? at - buf_str(&f->calls) : -1;
}

static void every_end_has_its_state(void **state)
{
	static const struct matrix_kernel kernels[] = {
		{ .release = "6.1.0-1-good", .version = "1", .source = "s_1" },
		{ .release = "6.1.0-1-bad", .version = "2", .source = "s_2" },
		{ .release = "6.1.0-1-refused", .version = "3", .source = "s_3" },
		{ .release = "6.1.0-1-broken", .version = "4", .source = "s_4" },
	};
	static const enum matrix_job_state states[] = { JOB_BROKEN, JOB_BROKEN, JOB_NOT_BUILT,
							JOB_BROKEN };
	struct fixture *f = *state;

	run(f, kernels, ARRAY_SIZE(kernels), 3, false);
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		if (f->plan.jobs[i].state != states[i])
			fail_msg("%s: %s (%s)", kernels[i].release,
				 matrix_job_state_name(f->plan.jobs[i].state),
				 f->plan.jobs[i].reason);
	assert_non_null(strstr(f->plan.jobs[0].reason, "record"));
	assert_string_equal(f->plan.jobs[1].reason, "kernel: no such kernel");
	assert_string_equal(f->plan.jobs[2].reason, "cannot be patched");
	assert_non_null(strstr(f->plan.jobs[3].reason, "status 137"));
	assert_int_equal(f->figures.held, 0);
	assert_false(matrix_plan_passed(&f->plan));

	/* What was refused stays so, a module that was built stays built; the rest is tried again.
	 */
	run(f, kernels, ARRAY_SIZE(kernels), 1, false);
	assert_int_equal(place(f, "refused"), -1);
	assert_int_equal(place(f, "patch --kernel 6.1.0-1-good"), -1);
	assert_true(place(f, "kernel add 6.1.0-1-good  image-only") >= 0);
	assert_true(place(f, "kernel add 6.1.0-1-bad") >= 0);
	assert_true(place(f, "patch --kernel 6.1.0-1-broken") >= 0);
}

/* Two of one source are not added at once before it is there; kernels of others go with them. */
static void a_source_is_laid_down_once(void **state)
{
	static const struct matrix_kernel kernels[] = {
		{ .release = "6.1.0-2-a", .version = "2", .source = "s_2" },
		{ .release = "6.1.0-2-b", .version = "2", .source = "s_2" },
		{ .release = "6.1.0-1-a", .version = "1", .source = "s_1" },
	};
	struct fixture *f = *state;

	run(f, kernels, ARRAY_SIZE(kernels), 2, false);
	assert_true(place(f, "kernel add 6.1.0-2-b") > place(f, "kernel add 6.1.0-2-a"));
	assert_true(place(f, "kernel add 6.1.0-2-b") > place(f, "kernel add 6.1.0-1-a"));
	assert_int_equal(place(f, "kernel remove"), -1);
}

static void kernels_go_when_they_are_done(void **state)
{
	static const struct matrix_kernel kernels[] = {
		{ .release = "6.1.0-3-a", .version = "3", .source = "s_3" },
		{ .release = "6.1.0-3-b", .version = "3", .source = "s_3" },
		{ .release = "6.1.0-2-a", .version = "2", .source = "s_2" },
		{ .release = "6.1.0-1-a", .version = "1", .source = "s_1", .cached = true },
	};
	struct fixture *f = *state;

	run(f, kernels, ARRAY_SIZE(kernels), 1, true);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(f->plan.jobs[i].state, JOB_BROKEN);
	/* The source goes with the last kernel of it. */
	assert_true(place(f, "kernel remove 6.1.0-3-a") > place(f, "kernel add 6.1.0-3-b"));
	assert_true(place(f, "kernel remove 6.1.0-3-b") > 0);
	assert_true(place(f, "kernel remove 6.1.0-2-a") > 0);
	/* This one was there before. */
	assert_int_equal(place(f, "kernel remove 6.1.0-1-a"), -1);
}

/* A run that was killed before it took its kernels out: the next one does. */
static void kernels_of_a_killed_run_go_too(void **state)
{
	struct matrix_kernel kernel = { .release = "6.1.0-1-refused",
					.version = "1",
					.source = "s_1" };
	struct fixture *f = *state;

	run(f, &kernel, 1, 1, false);
	assert_true(place(f, "kernel add") >= 0);
	kernel.cached = true;
	run(f, &kernel, 1, 1, true);
	assert_int_equal(place(f, "kernel add"), -1);
	assert_true(place(f, "kernel remove 6.1.0-1-refused") >= 0);
	run(f, &kernel, 1, 1, true);
	assert_int_equal(f->calls.len, 0);
}

static bool has_marker(const struct fixture *f, const char *release)
{
	_cleanup_free_ char *path = path_join(matrix_store_dir(f->store), "added", release, NULL);

	return file_exists(path);
}

/* Of what could not be added nothing is kept: whoever adds it later keeps it. */
static void what_was_not_added_is_not_ours(void **state)
{
	static const struct matrix_kernel kernel = { .release = "6.1.0-1-bad",
						     .version = "1",
						     .source = "s_1" };
	struct fixture *f = *state;

	run(f, &kernel, 1, 1, false);
	assert_int_equal(f->plan.jobs[0].state, JOB_BROKEN);
	assert_false(has_marker(f, kernel.release));
}

/* One that could not be taken out is still to be. */
static void what_stays_stays_ours(void **state)
{
	static const struct matrix_kernel kernel = { .release = "6.1.0-1-stuck",
						     .version = "1",
						     .source = "s_1" };
	struct fixture *f = *state;

	run(f, &kernel, 1, 1, true);
	assert_true(place(f, "kernel remove 6.1.0-1-stuck") >= 0);
	assert_true(has_marker(f, kernel.release));
}

static void write_text(const char *folder, const char *name, const char *content)
{
	_cleanup_free_ char *path = path_join(folder, name, NULL);
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, content, strlen(content), 0600, &err), &err);
}

/* Whatever stands in the note, only a folder of this memory's goes. */
static void only_own_leftovers_go(void **state)
{
	static const struct matrix_kernel kernel = { .release = "6.1.0-1-bad",
						     .version = "1",
						     .source = "s_1" };
	struct fixture *f = *state;
	const char *memory = matrix_store_dir(f->store);
	_cleanup_free_ char *own = realpath(memory, NULL);
	_cleanup_free_ char *folder = path_join(f->dir, "suture-lab-others", NULL);

	assert_int_equal(mkdir(folder, 0700), 0);
	write_text(memory, "runtime", folder);
	run(f, &kernel, 1, 1, false);
	assert_true(file_exists(folder));
	write_text(folder, "matrix", "/of/another");
	write_text(memory, "runtime", folder);
	run(f, &kernel, 1, 1, false);
	assert_true(file_exists(folder));
	write_text(folder, "matrix", own);
	write_text(memory, "runtime", folder);
	run(f, &kernel, 1, 1, false);
	assert_false(file_exists(folder));
}

/* Of those that are not asked for none goes. */
static void other_kernels_stay(void **state)
{
	struct matrix_kernel kernels[] = {
		{ .release = "6.1.0-1-a", .version = "1", .source = "s_1" },
		{ .release = "6.1.0-2-a", .version = "2", .source = "s_2" },
	};
	struct fixture *f = *state;

	run(f, kernels, 2, 1, false);
	kernels[0].cached = kernels[1].cached = true;
	f->only = (const char *const[]){ "*-2-a/*", NULL };
	run(f, kernels, 2, 1, true);
	assert_true(place(f, "kernel remove 6.1.0-2-a") >= 0);
	assert_int_equal(place(f, "kernel remove 6.1.0-1-a"), -1);
}

static int setup(void **state)
{
	static struct fixture f;
	struct error err = { 0 };

	f = (struct fixture){ .dir = unit_make_dir(), .calls = BUF_INIT(65536) };
	f.builder = path_join(f.dir, "suture-build", NULL);
	_cleanup_free_ char *cache = path_join(f.dir, "cache", NULL);
	_cleanup_free_ char *memory = path_join(f.dir, "memory", NULL);
	_cleanup_free_ char *patch = path_join(f.dir, "x.patch", NULL);

	setenv("XDG_CACHE_HOME", cache, 1);
	setenv("XDG_RUNTIME_DIR", f.dir, 1);
	assert_ok(file_write_atomic(f.builder, builder, strlen(builder), 0700, &err), &err);
	assert_ok(file_write_atomic(patch, "x", 1, 0600, &err), &err);
	assert_ok(matrix_store_open(memory, &f.store, &err), &err);
	assert_ok(matrix_file_parse(text, strlen(text), f.dir, &f.file, &err), &err);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	matrix_figures_free(&f->figures);
	matrix_plan_free(&f->plan);
	matrix_file_free(&f->file);
	matrix_store_free(f->store);
	buf_free(&f->calls);
	free(f->builder);
	unit_remove_dir(f->dir);
	return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(every_end_has_its_state),
		test(a_source_is_laid_down_once),
		test(kernels_go_when_they_are_done),
		test(kernels_of_a_killed_run_go_too),
		test(other_kernels_stay),
		test(what_was_not_added_is_not_ours),
		test(what_stays_stays_ours),
		test(only_own_leftovers_go),
	};

	return cmocka_run_group_tests_name("matrix_run", tests, NULL, NULL);
}
