/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lab/matrix/worker.h"

static char heard[256];

static void said(void *user, void *tag, const char *text)
{
	(void)user;
	snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%s:%s ", (char *)tag, text);
}

static void answers(void *user, struct worker_out *out)
{
	_cleanup_json_ json_t *value = json_string(user);

	worker_say(out, "first");
	worker_say(out, "se\x1b[2Jcond");
	worker_answer(out, value);
}

static void crashes(void *user, struct worker_out *out)
{
	(void)user;
	(void)out;
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void says_nothing(void *user, struct worker_out *out)
{
	(void)user;
	(void)out;
}

static void hangs(void *user, struct worker_out *out)
{
	(void)user;
	worker_say(out, "hanging");
	for (;;)
		pause();
}

/* Says the number of a child, in a group of its own as process_start() makes it, that goes on after
 * it. */
static void leaves_a_child(void *user, struct worker_out *out)
{
	pid_t pid = fork();

	(void)user;
	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(pid, pid);

	_cleanup_json_ json_t *value = json_integer(pid);

	worker_answer(out, value);
}

static void answers_twice(void *user, struct worker_out *out)
{
	_cleanup_json_ json_t *value = json_string("twice");

	(void)user;
	worker_answer(out, value);
	worker_answer(out, value);
	for (;;)
		pause();
}

static void floods(void *user, struct worker_out *out)
{
	_cleanup_free_ char *text = calloc(1, 100001);

	(void)user;
	memset(text, 'x', 100000);
	for (;;)
		worker_say(out, text);
}

/* Where it may put its files. */
static void leaves_files(void *user, struct worker_out *out)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *path = path_join(folder, "left", NULL);
	_cleanup_json_ json_t *value = json_string(folder);

	(void)user;
	if (file_write_atomic(path, "x", 1, 0600, NULL) == 0)
		worker_answer(out, value);
}

static struct worker_pool *new_pool(void)
{
	struct worker_pool *pool = NULL;
	struct error err = { 0 };

	heard[0] = 0;
	assert_ok(worker_pool_new(said, NULL, &pool, &err), &err);
	return pool;
}

static void one(worker_fn fn, int timeout_ms, struct worker_end *ret)
{
	_cleanup_(worker_pool_freep) struct worker_pool *pool = new_pool();
	struct error err = { 0 };

	assert_ok(worker_start(pool, fn, (void *)"done", (void *)"a", NULL, timeout_ms, &err),
		  &err);
	assert_int_equal(worker_count(pool), 1);
	assert_ok(worker_wait(pool, ret, &err), &err);
	assert_int_equal(worker_count(pool), 0);
	assert_string_equal(ret->tag, "a");
}

static void an_answer_arrives(void **state)
{
	struct worker_end end;

	(void)state;
	one(answers, 0, &end);
	assert_int_equal(end.how, WORKER_ANSWERED);
	assert_string_equal(json_string_value(end.answer), "done");
	assert_string_equal(heard, "a:first a:se?[2Jcond ");
	json_decref(end.answer);
}

static void every_other_end_is_told(void **state)
{
	struct worker_end end;

	(void)state;
	one(crashes, 0, &end);
	assert_int_equal(end.how, WORKER_CRASHED);
	assert_non_null(strstr(end.message, "signal 11"));
	one(says_nothing, 0, &end);
	assert_int_equal(end.how, WORKER_CRASHED);
	assert_non_null(strstr(end.message, "status 0"));
	one(hangs, 50, &end);
	assert_int_equal(end.how, WORKER_TOO_LONG);
	one(answers_twice, 0, &end);
	assert_int_equal(end.how, WORKER_BROKE_OFF);
	assert_null(end.answer);
	one(floods, 0, &end);
	assert_int_equal(end.how, WORKER_BROKE_OFF);
}

static void several_work_at_once(void **state)
{
	static const char *const tags[] = { "a", "b", "c", "d" };
	_cleanup_(worker_pool_freep) struct worker_pool *pool = new_pool();
	struct worker_end end;
	struct error err = { 0 };
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_ok(worker_start(pool, answers, (void *)tags[i], (void *)tags[i], NULL, 0,
				       &err),
			  &err);
	assert_int_equal(worker_count(pool), 4);
	for (size_t i = 0; i < 4; i++) {
		assert_ok(worker_wait(pool, &end, &err), &err);
		assert_string_equal(json_string_value(end.answer), end.tag);
		seen |= 1u << (*(char *)end.tag - 'a');
		json_decref(end.answer);
	}
	assert_int_equal(seen, 15);
	assert_int_equal(worker_wait(pool, &end, &err), ERR_NOT_FOUND);
}

static void what_they_leave_goes_with_them(void **state)
{
	_cleanup_(worker_pool_freep) struct worker_pool *pool = new_pool();
	char *dir = unit_make_dir();
	struct worker_end end;
	struct error err = { 0 };

	(void)state;
	assert_ok(worker_start(pool, leaves_files, NULL, NULL, dir, 0, &err), &err);
	assert_ok(worker_wait(pool, &end, &err), &err);
	assert_int_equal(end.how, WORKER_ANSWERED);
	assert_int_equal(strncmp(json_string_value(end.answer), dir, strlen(dir)), 0);
	assert_false(file_exists(json_string_value(end.answer)));
	assert_int_equal(rmdir(dir), 0);
	json_decref(end.answer);
	free(dir);
}

/* No child of theirs is left when their end is told: it may still write what goes next. */
static void children_go_with_them(void **state)
{
	struct worker_end end;

	(void)state;
	one(leaves_a_child, 0, &end);
	assert_int_equal(end.how, WORKER_ANSWERED);
	assert_true(json_integer_value(end.answer) > 0);
	assert_int_equal(kill((pid_t)json_integer_value(end.answer), 0), -1);
	assert_int_equal(errno, ESRCH);
	json_decref(end.answer);
}

/* A signal ends the wait, not the process, and the workers end with the pool. */
static void a_signal_ends_the_wait(void **state)
{
	struct worker_pool *pool = new_pool();
	struct worker_end end;
	struct error err = { 0 };

	(void)state;
	assert_ok(worker_start(pool, hangs, NULL, (void *)"a", NULL, 0, &err), &err);
	raise(SIGTERM);
	assert_int_equal(worker_wait(pool, &end, &err), -EINTR);
	assert_int_equal(worker_signal(pool), SIGTERM);
	worker_pool_free(pool);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A signal that comes with a worker's end is heard at the next wait. */
static void a_signal_is_not_lost(void **state)
{
	_cleanup_(worker_pool_freep) struct worker_pool *pool = new_pool();
	struct worker_end end;
	struct error err = { 0 };
	siginfo_t info;

	(void)state;
	assert_ok(worker_start(pool, says_nothing, NULL, (void *)"a", NULL, 0, &err), &err);
	assert_ok(worker_start(pool, hangs, NULL, (void *)"b", NULL, 0, &err), &err);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	raise(SIGTERM);
	assert_ok(worker_wait(pool, &end, &err), &err);
	assert_string_equal(end.tag, "a");
	assert_int_equal(worker_wait(pool, &end, &err), -EINTR);
}

/* nohup, and a script's background jobs: what whoever started us ignores is not our signal. */
static void what_is_ignored_is_no_signal(void **state)
{
	_cleanup_(worker_pool_freep) struct worker_pool *pool = NULL;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct worker_end end;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(sigaction(SIGHUP, &ignore, &before), 0);
	pool = new_pool();
	assert_ok(worker_start(pool, hangs, NULL, (void *)"a", NULL, 50, &err), &err);
	raise(SIGHUP);
	assert_ok(worker_wait(pool, &end, &err), &err);
	assert_int_equal(end.how, WORKER_TOO_LONG);
	assert_int_equal(worker_signal(pool), 0);
	sigaction(SIGHUP, &before, NULL);
}

/* A wait that is not possible (too few files are allowed for poll(2)) ends the workers all the
 * same. */
static void an_end_without_waiting(void **state)
{
	struct worker_pool *pool = NULL;
	struct error err = { 0 };
	struct rlimit before, few;

	(void)state;
	assert_ok(worker_pool_new(NULL, NULL, &pool, &err), &err);
	assert_ok(worker_start(pool, hangs, NULL, NULL, NULL, 0, &err), &err);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ 32, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	alarm(60);
	worker_pool_free(pool);
	alarm(0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_arrives),
		cmocka_unit_test(every_other_end_is_told),
		cmocka_unit_test(several_work_at_once),
		cmocka_unit_test(what_they_leave_goes_with_them),
		cmocka_unit_test(children_go_with_them),
		cmocka_unit_test(a_signal_ends_the_wait),
		cmocka_unit_test(a_signal_is_not_lost),
		cmocka_unit_test(what_is_ignored_is_no_signal),
		cmocka_unit_test(an_end_without_waiting),
	};

	alarm(300); /* a wait that never ends is a failure; the signals that end a test are held
		       back */
	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
