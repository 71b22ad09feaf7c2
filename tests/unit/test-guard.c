/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work in a child process: what it says comes back, and nothing of it is left behind. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "build/unit/guard.h"

struct job {
	char *dir;
	int signal; /* what the work sends: to its parent, or SIGKILL to itself */
	bool cleaned;
};

static bool is_blocked(int signal_number)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, signal_number);
}

static int succeed(void *user, struct error *err)
{
	struct job *job = user;

	(void)err;
	job->cleaned = true; /* in the child's memory alone */
	return is_blocked(SIGTERM) || is_blocked(SIGCHLD) ? ERR_BAD_STATE : 0;
}

static int refuse(void *user, struct error *err)
{
	(void)user;
	return error_set(err, ERR_INVALID, "for a reason");
}

/* Starts a process that never ends, and is killed or has its parent killed. */
static int hang(void *user, struct error *err)
{
	struct job *job = user;
	_cleanup_free_ char *path = path_join(job->dir, "pid", NULL);
	char text[32];
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	snprintf(text, sizeof(text), "%d", (int)pid);
	if (file_write_atomic(path, text, strlen(text), 0644, err) < 0)
		return ERR_INVALID;
	kill(job->signal == SIGKILL ? getpid() : getppid(), job->signal);
	for (;;)
		pause();
}

static int clean(void *user, struct error *err)
{
	struct job *job = user;
	_cleanup_free_ char *path = path_join(job->dir, "cleaned", NULL);

	job->cleaned = true;
	return file_write_atomic(path, "", 0, 0644, err);
}

static bool was_cleaned(const struct job *job)
{
	_cleanup_free_ char *path = path_join(job->dir, "cleaned", NULL);

	return file_exists(path);
}

/* Is the process that hang() started there no more? */
static bool is_gone(const struct job *job)
{
	_cleanup_free_ char *path = path_join(job->dir, "pid", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(64);

	assert_int_equal(file_read(path, &text, NULL), 0);
	return kill((pid_t)strtol(buf_str(&text), NULL, 10), 0) < 0 && errno == ESRCH;
}

static void results_come_back(void **state)
{
	struct job job = { .dir = unit_make_dir() };
	struct error err = { 0 };

	(void)state;
	assert_ok(guard_run(succeed, clean, &job, &err), &err);
	assert_int_equal(guard_run(refuse, clean, &job, &err), ERR_INVALID);
	assert_string_equal(err.message, "for a reason");
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(guard_run(refuse, clean, &job, NULL), ERR_INVALID);
	assert_false(job.cleaned);
	assert_false(was_cleaned(&job));
	assert_false(is_blocked(SIGTERM) || is_blocked(SIGCHLD));
	unit_remove_dir(job.dir);
}

static void killed_work_is_cleaned_up(void **state)
{
	struct job job = { .dir = unit_make_dir(), .signal = SIGKILL };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(guard_run(hang, clean, &job, &err), ERR_CHILD);
	assert_non_null(strstr(err.message, "Killed"));
	assert_true(job.cleaned && was_cleaned(&job));
	assert_true(is_gone(&job));
	assert_false(is_blocked(SIGTERM) || is_blocked(SIGCHLD));
	unit_remove_dir(job.dir);
}

static void signals_end_everything(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct job job = { .dir = unit_make_dir(), .signal = signals[i] };
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			(void)guard_run(hang, clean, &job, NULL);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		assert_true(was_cleaned(&job));
		assert_true(is_gone(&job));
		unit_remove_dir(job.dir);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_come_back),
		cmocka_unit_test(killed_work_is_cleaned_up),
		cmocka_unit_test(signals_end_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
