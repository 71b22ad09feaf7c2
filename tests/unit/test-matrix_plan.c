/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which combinations there are, and what makes one be held again. */
#include "unit.h"

#include "lab/matrix/matrix_plan.h"

struct fixture {
	char *dir;
	struct matrix_store *store;
	struct matrix_file file;
	struct matrix_plan plan;
	struct matrix_plan_options options;
	unsigned notes;
};

static const char text[] = "[matrix]\n"
			   "cases = load\n"
			   "[patch new]\n"
			   "source = new.patch\n"
			   "version = 1.2\n"
			   "earlier = old\n"
			   "reproducer = shows\n"
			   "[patch old]\n"
			   "source = old.patch\n"
			   "version = 1.1\n"
			   "kernels = newest:6.1/*\n"
			   "[machine a]\n"
			   "[machine b]\n"
			   "cpus = 2\n";

static void note(void *user, const char *what)
{
	struct fixture *f = user;

	assert_true(*what);
	f->notes++;
}

static void put(struct fixture *f, const char *name, const char *content)
{
	_cleanup_free_ char *path = path_join(f->dir, name, NULL);
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, content, strlen(content), 0600, &err), &err);
}

/* Reads the file anew and makes the plan for two kernels, the second of which is cached. */
static void make(struct fixture *f, const char *content)
{
	static const struct matrix_kernel kernels[] = {
		{ .release = "6.1.0-2-amd64", .version = "6.1.2-1", .source = "s_6.1.2-1" },
		{ .release = "6.1.0-1-amd64",
		  .version = "6.1.1-1",
		  .build_id = "11",
		  .cached = true },
	};
	struct matrix_kernel *copy = malloc(sizeof(kernels));
	struct error err = { 0 };

	assert_non_null(copy);
	memcpy(copy, kernels, sizeof(kernels));
	matrix_plan_free(&f->plan);
	matrix_file_free(&f->file);
	assert_ok(matrix_file_parse(content, strlen(content), f->dir, &f->file, &err), &err);
	assert_ok(matrix_plan_fill(&f->file, f->store, &f->options, copy, 2, &f->plan, &err), &err);
}

/* As if all modules had been built and all jobs had ended, all passed but those on machine b. */
static void finish(struct fixture *f)
{
	struct error err = { 0 };

	for (size_t i = 0; i < 4; i++) {
		struct matrix_module *m = &f->plan.modules[i];
		_cleanup_free_ char *path =
			matrix_store_path(f->store, "modules", m->build.key, ".ko");

		if (!m->wanted || m->state != MODULE_UNKNOWN)
			continue;
		_cleanup_free_ char *record =
			matrix_store_path(f->store, "modules", m->build.key, ".record.json");

		assert_ok(file_write_atomic(record, "{}", 2, 0600, &err), &err);
		assert_ok(file_write_atomic(path, m->build.key, 9, 0600, &err), &err);
		assert_ok(hash_sha256_file(path, m->build.module_sha256, &err), &err);
		memcpy(m->build.build_id, m->kernel == 0 ? "22" : "11", 3);
		assert_ok(matrix_store_put_build(f->store, &m->build, &err), &err);
		m->state = MODULE_BUILT;
	}
	for (size_t i = 0; i < f->plan.jobs_n; i++) {
		struct matrix_job *job = &f->plan.jobs[i];
		struct matrix_result *r = calloc(1, sizeof(*r));

		assert_non_null(r);
		assert_true(matrix_job_is_ready(&f->plan, job));
		assert_ok(matrix_job_settle(&f->plan, f->store, &f->options, job, &err), &err);
		memcpy(r->key, job->key, sizeof(r->key));
		r->trial.n = 1;
		r->trial.cases[0].run.verdict = job->machine == 0 ? VERDICT_PASS : VERDICT_FAIL;
		assert_ok(matrix_store_put_result(f->store, r, &err), &err);
		free(r);
	}
}

static size_t remembered(const struct fixture *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->plan.jobs_n; i++)
		n += f->plan.jobs[i].remembered;
	return n;
}

static void combinations(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "new/6.1.0-2-amd64/a", "new/6.1.0-2-amd64/b",
					     "old/6.1.0-2-amd64/a", "old/6.1.0-2-amd64/b",
					     "new/6.1.0-1-amd64/a", "new/6.1.0-1-amd64/b" };
	char name[MATRIX_JOB_NAME];

	make(f, text);
	assert_int_equal(f->plan.jobs_n, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		matrix_job_name(&f->plan, &f->plan.jobs[i], name);
		assert_string_equal(name, names[i]);
		assert_int_equal(f->plan.jobs[i].state, JOB_WAITS);
		assert_string_equal(f->plan.jobs[i].key, "");
	}
	/* The older kernel's old version is not tried, but replaced. */
	for (size_t i = 0; i < 4; i++)
		assert_true(f->plan.modules[i].wanted);
}

static void some_are_asked_for(void **state)
{
	struct fixture *f = *state;

	f->options.only = (const char *const[]){ "old/*", "*-1-amd64/b", NULL };
	make(f, text);
	assert_int_equal(f->plan.jobs_n, 3);
	f->options.only = (const char *const[]){ "old/*", NULL };
	make(f, text);
	assert_int_equal(f->plan.jobs_n, 2);
	assert_false(matrix_plan_module(&f->plan, 0, 0)->wanted);
}

static void passes_are_remembered(void **state)
{
	struct fixture *f = *state;

	make(f, text);
	finish(f);
	make(f, text);
	assert_int_equal(remembered(f), 3);
	for (size_t i = 0; i < f->plan.jobs_n; i++)
		assert_int_equal(f->plan.jobs[i].state,
				 f->plan.jobs[i].machine == 0 ? JOB_PASSED : JOB_WAITS);
	assert_string_equal(f->plan.kernels[0].build_id, "22");
	f->options.keep_failures = true;
	make(f, text);
	assert_int_equal(remembered(f), 6);
	assert_int_equal(f->plan.jobs[1].state, JOB_FAILED);
	f->options.again = true;
	make(f, text);
	assert_int_equal(remembered(f), 0);
	assert_int_equal(f->plan.modules[0].state, MODULE_UNKNOWN);
}

static void replace_once(struct fixture *f, const char *from, const char *to, char *ret)
{
	const char *at = strstr(text, from);

	(void)f;
	assert_non_null(at);
	snprintf(ret, sizeof(text) + 100, "%.*s%s%s", (int)(at - text), text, to,
		 at + strlen(from));
}

/* One thing changes; `jobs` are still remembered, of three. */
static void change(struct fixture *f, const char *from, const char *to, size_t jobs)
{
	char changed[sizeof(text) + 100];

	replace_once(f, from, to, changed);
	make(f, changed);
	if (remembered(f) != jobs)
		fail_msg("'%s' to '%s': %zu remembered", from, to, remembered(f));
}

/* Another QEMU, or another build record of the same module. */
static void tools_and_records_count(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = strdup(getenv("PATH"));
	_cleanup_free_ char *qemu = path_join(f->dir, "qemu-system-x86_64", NULL);
	struct error err = { 0 };

	assert_int_equal(setenv("PATH", f->dir, 1), 0);
	make(f, text);
	finish(f);
	make(f, text);
	assert_int_equal(remembered(f), 3);
	assert_ok(file_write_atomic(qemu, "x", 1, 0700, &err), &err);
	make(f, text);
	assert_int_equal(remembered(f), 0);
	assert_int_equal(unlink(qemu), 0);
	for (size_t i = 0; i < 4; i++) {
		_cleanup_free_ char *record = matrix_store_path(
			f->store, "modules", f->plan.modules[i].build.key, ".record.json");

		assert_ok(file_write_atomic(record, "{ }", 3, 0600, &err), &err);
	}
	make(f, text);
	assert_int_equal(remembered(f), 0);
	setenv("PATH", before, 1);
}

static void what_changes_is_held_again(void **state)
{
	struct fixture *f = *state;

	make(f, text);
	finish(f);
	change(f, "cases = load", "cases = load replace", 0);
	change(f, "cases = load", "cases = load\ncycles = 9", 0);
	change(f, "cases = load", "cases = load\ntimeout = 9", 0);
	change(f, "reproducer = shows", "load = mana\nreproducer = shows", 1);
	change(f, "reproducer = shows\n", "", 1);
	change(f, "earlier = old\n", "", 1);
	change(f, "[machine a]\n", "[machine a]\nmemory = 600\n", 0);
	/* A name is only a name; a limit of time is none of the cases'. */
	change(f, "[machine a]\n", "[machine c]\n", 3);
	change(f, "cases = load", "cases = load\nlimit = 99", 3);

	put(f, "shows", "other");
	make(f, text);
	assert_int_equal(remembered(f), 1);
	put(f, "shows", "shows");
	put(f, "old.patch", "other");
	make(f, text);
	assert_int_equal(remembered(f), 0);
	put(f, "old.patch", "old.patch");
	put(f, "new.patch", "other");
	make(f, text);
	assert_int_equal(remembered(f), 1);
	put(f, "new.patch", "new.patch");
	make(f, text);
	assert_int_equal(remembered(f), 3);
	put(f, "builder", "other");
	make(f, text);
	assert_int_equal(f->plan.modules[0].state, MODULE_UNKNOWN);
	assert_int_equal(f->notes, 0);
}

static void what_is_damaged_is_held_again(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };

	make(f, text);
	finish(f);
	make(f, text);

	_cleanup_free_ char *result =
		matrix_store_path(f->store, "results", f->plan.jobs[0].key, ".json");
	_cleanup_free_ char *module = matrix_store_path(
		f->store, "modules", matrix_plan_module(&f->plan, 1, 0)->build.key, ".ko");

	assert_ok(file_write_atomic(result, "{", 1, 0600, &err), &err);
	make(f, text);
	assert_int_equal(remembered(f), 2);
	assert_int_equal(f->notes, 1);
	assert_ok(file_write_atomic(module, "other", 5, 0600, &err), &err);
	make(f, text);
	assert_int_equal(matrix_plan_module(&f->plan, 1, 0)->state, MODULE_UNKNOWN);
	assert_int_equal(remembered(f), 1);
	assert_int_equal(f->notes, 2);
}

/* Of the memory of another kernel build nothing is taken. */
static void another_build_of_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct matrix_module *m;
	struct error err = { 0 };

	make(f, text);
	finish(f);
	m = matrix_plan_module(&f->plan, 0, 1);
	memcpy(m->build.build_id, "99", 3);
	assert_ok(matrix_store_put_build(f->store, &m->build, &err), &err);
	make(f, text);
	assert_int_equal(matrix_plan_module(&f->plan, 0, 1)->state, MODULE_UNKNOWN);
	assert_int_equal(matrix_plan_module(&f->plan, 1, 1)->state, MODULE_BUILT);
}

/* The same sources may come to other bytes, with another compiler: what counts is the module. */
static void another_earlier_module(void **state)
{
	struct fixture *f = *state;
	struct matrix_module *m;
	struct error err = { 0 };

	make(f, text);
	finish(f);
	m = matrix_plan_module(&f->plan, 1, 1);

	_cleanup_free_ char *path = matrix_store_path(f->store, "modules", m->build.key, ".ko");

	assert_ok(file_write_atomic(path, "other", 5, 0600, &err), &err);
	assert_ok(hash_sha256_file(path, m->build.module_sha256, &err), &err);
	assert_ok(matrix_store_put_build(f->store, &m->build, &err), &err);
	make(f, text);
	assert_int_equal(f->plan.jobs[4].state, JOB_WAITS);
	assert_int_equal(remembered(f), 2);
}

static void a_refusal_ends_its_jobs(void **state)
{
	struct fixture *f = *state;
	struct matrix_module *m;
	struct error err = { 0 };

	make(f, text);
	m = matrix_plan_module(&f->plan, 0, 0);
	m->build.status = 4;
	memcpy(m->build.reason, "why not", 8);
	assert_ok(matrix_store_put_build(f->store, &m->build, &err), &err);
	m = matrix_plan_module(&f->plan, 1, 0);
	m->build.status = 3;
	assert_ok(matrix_store_put_build(f->store, &m->build, &err), &err);
	make(f, text);
	assert_int_equal(f->plan.jobs[0].state, JOB_NOT_BUILT);
	assert_string_equal(f->plan.jobs[0].reason, "why not");
	assert_int_equal(f->plan.jobs[2].state, JOB_NOT_BUILT);
	assert_int_equal(f->plan.jobs[4].state, JOB_WAITS);
}

static int setup(void **state)
{
	static const char *const files[] = { "shows", "new.patch", "old.patch", "builder" };
	static struct fixture f;
	struct error err = { 0 };

	f = (struct fixture){ .dir = unit_make_dir() };
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(&f, files[i], files[i]);
	assert_ok(matrix_store_open(f.dir, &f.store, &err), &err);
	f.options = (struct matrix_plan_options){ .builder = path_join(f.dir, "builder", NULL),
						  .note = note,
						  .user = &f };
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	matrix_plan_free(&f->plan);
	matrix_file_free(&f->file);
	matrix_store_free(f->store);
	free((char *)f->options.builder);
	unit_remove_dir(f->dir);
	return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(combinations),
		test(some_are_asked_for),
		test(passes_are_remembered),
		test(what_changes_is_held_again),
		test(tools_and_records_count),
		test(what_is_damaged_is_held_again),
		test(another_build_of_the_kernel),
		test(another_earlier_module),
		test(a_refusal_ends_its_jobs),
	};

	return cmocka_run_group_tests_name("matrix_plan", tests, NULL, NULL);
}
