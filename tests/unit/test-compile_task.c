/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many calls at once: all are run, the first failure counts, and what is said of it. */
#include "unit.h"

#include "build/unit/compile_task.h"

struct result {
	const char *path; /* must be there when its call has ended */
	bool seen;
	int answer;
};

static int look(void *user, struct error *err)
{
	struct result *result = user;

	result->seen = file_exists(result->path);
	return result->answer < 0 ? error_set(err, result->answer, "not so") : 0;
}

static struct compile_task *add(struct compile_tasks *tasks, const char *dir, const char *script)
{
	struct compile_task *t = compile_tasks_new(tasks, dir);
	const char *const words[] = { "sh", "-c", script };

	assert_non_null(t);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(name_list_add(&t->arguments, words[i]), 0);
	return t;
}

static void all_are_run(void **state)
{
	_cleanup_compile_tasks_ struct compile_tasks tasks = { 0 };
	char *dir = unit_make_dir(), *paths[20];
	struct result results[ARRAY_SIZE(paths)];
	struct output_progress progress = { .total = ARRAY_SIZE(paths) };
	struct kbuild kb = { .jobs = 3 };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char script[64];

		snprintf(script, sizeof(script), "echo x >out-%zu", i);
		paths[i] = path_join(dir, script + strlen("echo x >"), NULL);
		results[i] = (struct result){ .path = paths[i] };

		struct compile_task *t = add(&tasks, dir, script);

		t->then = look;
		t->user = &results[i];
	}
	assert_ok(compile_tasks_run(&tasks, &kb, &progress, &err), &err);
	assert_int_equal(progress.done, ARRAY_SIZE(paths));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_true(results[i].seen);
		free(paths[i]);
	}
	unit_remove_dir(dir);
}

static void first_failure(void **state)
{
	_cleanup_compile_tasks_ struct compile_tasks tasks = { 0 };
	char *dir = unit_make_dir();
	struct result result = { .path = dir, .answer = ERR_INVALID }, not_run = { .path = dir };
	struct kbuild kb = { .jobs = 2 };
	struct error err = { 0 };
	struct compile_task *t;

	(void)state;
	add(&tasks, dir, "true");
	t = add(&tasks, dir, "echo 'a.c:1: error: one' >&2; exit 1");
	t->then = look;
	t->user = &not_run;
	add(&tasks, dir, "echo 'b.c:1: error: two' >&2; exit 1");
	assert_int_equal(compile_tasks_run(&tasks, &kb, NULL, &err), ERR_CHILD);
	assert_non_null(strstr(err.message, "does not compile: a.c:1: error: one"));
	assert_string_equal(err.hint, "");
	assert_false(not_run.seen);
	compile_tasks_free(&tasks);

	t = add(&tasks, dir, "true");
	t->then = look;
	t->user = &result;
	assert_int_equal(compile_tasks_run(&tasks, &kb, NULL, &err), ERR_INVALID);
	assert_string_equal(err.message, "not so");
	compile_tasks_free(&tasks);

	add(&tasks, dir, "echo 'x.s: No space left on device'; exit 1");
	assert_int_equal(compile_tasks_run(&tasks, &kb, NULL, &err), -ENOSPC);
	unit_remove_dir(dir);
}

/* A source without the real-time patches below headers with them may be why. */
static void of_a_source_with_other_headers(void **state)
{
	_cleanup_compile_tasks_ struct compile_tasks tasks = { 0 };
	struct kbuild kb = { .jobs = 1, .laid_over = (char[]){ "headers" } };
	struct error err = { 0 };

	(void)state;
	add(&tasks, "/", "exit 1");
	assert_int_equal(compile_tasks_run(&tasks, &kb, NULL, &err), ERR_CHILD);
	assert_string_equal(err.hint, KBUILD_LAID_OVER_HINT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_run),
		cmocka_unit_test(first_failure),
		cmocka_unit_test(of_a_source_with_other_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
