// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/selftest/selftest.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/notes.h"
#include "lab/guest/work_folder.h"
#include "lab/selftest/selftest_build.h"
#include "lab/selftest/selftest_guest.h"
#include "lab/selftest/selftest_judge.h"

#define FOLDER     SELFTEST_GUEST_FOLDER
#define COMMAND_MS 60000
#define SCRIPT_MAX (1024 * 1024)
#define SAID_MAX   (4 * 1024 * 1024)
#define OTHERS     2 /* cases that are no tests: build, log */

struct run {
	const struct selftest_options *o;
	struct trial *trial;
	struct selftest_files files;
	struct selftest_script *scripts; /* as many as files.scripts */
	struct selftest_built built;
	struct path_list guest_files, guest_programs;
	char *dir, *guest_dir, *build_dir;
	struct guest *guest;
	size_t first_case; /* of the guest's cases */
	struct console_report health;
	struct buf said; /* by the scripts in this guest */
};

/* Output of the script that runs. */
struct listener {
	struct run *t;
	const char *script;
	struct selftest_output *output;
};

static void say(const struct run *t, const char *what)
{
	if (t->o->say)
		t->o->say(t->o->user, t->o->kernel->release, what);
}

static int read_scripts(struct run *t, struct error *err)
{
	size_t tests = OTHERS, n = t->files.scripts.n;

	t->scripts = calloc(MAX(n, (size_t)1), sizeof(*t->scripts));
	if (!t->scripts)
		return error_set(err, ERR_NO_MEMORY, "selftests");
	for (size_t i = 0; i < n; i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(SCRIPT_MAX);
		const char *path = t->files.scripts.items[i];
		int r = file_read(path, &text, err);

		if (r == 0)
			r = selftest_script_read(buf_str(&text), &t->scripts[i], err);
		if (r == 0 && t->scripts[i].n == 0)
			r = error_set(err, ERR_INVALID, "no test in it");
		if (r < 0)
			return error_prefix(err, r, "%s", path_base(path));
		tests += t->scripts[i].n;
	}
	if (tests > TRIAL_CASES_MAX)
		return error_set(err, ERR_TOO_LARGE, "%zu tests, and %d at most in one run",
				 tests - OTHERS, TRIAL_CASES_MAX - OTHERS);
	return 0;
}

static int make_folders(struct run *t, struct error *err)
{
	int r = work_folder_make(&t->dir, err);

	if (r < 0)
		return r;
	t->guest_dir = path_join(t->dir, "guest", NULL);
	t->build_dir = path_join(t->dir, "build", NULL);
	r = t->guest_dir && t->build_dir ? file_make_dirs(t->build_dir, 0700, err)
					 : error_set(err, ERR_NO_MEMORY, "selftests");
	return r;
}

static void describe(struct run *t)
{
	struct trial *trial = t->trial;

	snprintf(trial->kernel, sizeof(trial->kernel), "%s", t->o->kernel->release);
	snprintf(trial->module, sizeof(trial->module), "%s", SELFTEST_MODULE);
	guest_describe(&t->o->guest, trial->machine);
	clock_format(clock_now(), trial->time);
}

static bool hold_build(struct run *t)
{
	struct trial_case *c = &t->trial->cases[t->trial->n++];
	int64_t start = clock_monotonic_ms();
	struct error err = { 0 };

	say(t, "building the selftests");
	snprintf(c->name, sizeof(c->name), "build");
	int r = selftest_build(t->o->kernel, &t->files, t->build_dir, t->o->jobs, &t->built, &err);

	c->run.ms = clock_monotonic_ms() - start;
	c->run.verdict = r == 0 ? VERDICT_PASS : VERDICT_FAIL;
	c->run.cause = r == 0 ? CAUSE_NONE : CAUSE_LAB;
	if (r == 0)
		snprintf(c->run.message, sizeof(c->run.message), "%zu modules", t->built.modules.n);
	else
		snprintf(c->run.message, sizeof(c->run.message), "%s", err.message);
	snprintf(c->excerpt, sizeof(c->excerpt), "%s", t->built.said);
	return r == 0;
}

/* Keeps what scripts, console and kernel said in this guest. */
static void write_log(struct run *t)
{
	static const char *const dmesg[] = { "dmesg", NULL };
	_cleanup_buf_ struct buf log = BUF_INIT(2 * GUEST_CONSOLE_MAX);
	_cleanup_free_ char *path = NULL;
	char name[TRIAL_LOG_MAX];
	struct error err = { 0 };

	snprintf(name, sizeof(name), "%s-selftests-%u.log", t->o->kernel->release, t->trial->boots);
	path = path_join(t->o->logs, name, NULL);
	if (!path || buf_append(&log, t->said.data, t->said.len) < 0 ||
	    buf_append_str(&log, "\n---- kernel log\n") < 0)
		return;
	(void)guest_run_simple(t->guest, dmesg, COMMAND_MS, &log, NULL);
	if (buf_append_str(&log, "\n---- console\n") < 0 ||
	    guest_console(t->guest, &log, NULL) < 0 ||
	    file_write_atomic(path, log.data, log.len, 0644, &err) < 0)
		return;
	for (size_t i = t->first_case; i < t->trial->n; i++)
		snprintf(t->trial->cases[i].log, TRIAL_LOG_MAX, "%s", name);
}

static void end_guest(struct run *t)
{
	struct console_report report;

	if (t->guest && guest_health(t->guest, &report, NULL) == 0 &&
	    report.verdict > t->health.verdict)
		t->health = report;
	if (t->guest && t->o->logs)
		write_log(t);
	buf_clear(&t->said);
	guest_free(t->guest);
	t->guest = NULL;
	file_remove_tree(t->guest_dir, NULL);
}

static int read_build_id(struct run *t, struct error *err)
{
	_cleanup_buf_ struct buf notes = BUF_INIT(64 * 1024);
	int r = guest_get(t->guest, "/sys/kernel/notes", &notes, err);

	return r < 0 ? r : kernel_notes_build_id(notes.data, notes.len, t->trial->build_id);
}

/* modprobe finds the modules where depmod has listed them; insmod takes them from their folder. */
static int begin_guest(struct run *t, struct error *err)
{
	static const char setup[] =
		"d=/lib/modules/$(uname -r)\n"
		"mkdir -p $d && cp " FOLDER "/test_modules/*.ko $d/ &&\n"
		"	/usr/bin/depmod 2>/lab/depmod || { cat /lab/depmod; exit 1; }\n";
	static const char *const argv[] = { "sh", "-c", setup, NULL };
	struct guest_options o = t->o->guest;
	int r = file_make_dirs(t->guest_dir, 0700, err);

	say(t, "booting");
	o.dir = t->guest_dir;
	o.stays = false;
	o.files = (const char *const *)t->guest_files.items;
	o.programs = (const char *const *)t->guest_programs.items;
	t->trial->boots++;
	t->first_case = t->trial->n;
	if (r == 0)
		r = guest_start(&o, &t->guest, err);
	if (r == 0 && *guest_problems(t->guest))
		r = error_set(err, ERR_CHILD, "%s", guest_problems(t->guest));
	if (r == 0)
		r = read_build_id(t, err);
	return r < 0 ? r : guest_run_simple(t->guest, argv, COMMAND_MS, NULL, err);
}

static int hear(void *user, bool is_error, const void *data, size_t len)
{
	struct listener *l = user;
	size_t before = l->output->n;
	char what[256];

	(void)is_error;
	selftest_output_feed(l->output, data, len, clock_monotonic_ms());
	/* What is over the log's maximum is left out. */
	(void)!buf_append(&l->t->said, data, len);
	if (l->output->n > before) {
		snprintf(what, sizeof(what), "%s, %s", l->script,
			 l->output->tests[l->output->n - 1].name);
		say(l->t, what);
	}
	return 0;
}

/* Why the guest does not answer any more. */
static enum trial_cause cause_of_loss(struct guest *guest)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
	struct console_report report = { 0 };
	enum guest_end end = guest_end(guest);

	if (guest_console(guest, &log, NULL) == 0)
		console_classify(log.data, log.len, &report);
	if (report.verdict >= CONSOLE_OOPS)
		return report.verdict == CONSOLE_PANIC ? CAUSE_PANIC : CAUSE_OOPS;
	return end == GUEST_RUNS           ? CAUSE_HANG
	       : end == GUEST_TRIPLE_FAULT ? CAUSE_TRIPLE_FAULT
	       : end == GUEST_RESET        ? CAUSE_PANIC
					   : CAUSE_LAB;
}

static void run_script(struct run *t, const char *path, struct selftest_output *output,
		       struct selftest_end *end)
{
	static const char text[] = "cd " FOLDER " && KDIR=/ exec bash ./$1 2>&1";
	const char *const argv[] = { "sh", "-c", text, "sh", path_base(path), NULL };
	struct listener listener = { .t = t, .script = path_base(path), .output = output };
	struct channel_result result = { 0 };
	struct error err = { 0 };
	int64_t start = clock_monotonic_ms();
	int r = 0;

	if (!t->guest && (r = begin_guest(t, &err)) < 0)
		end->cause = CAUSE_BOOT;
	if (r == 0) {
		start = clock_monotonic_ms();
		r = guest_run(t->guest,
			      &(struct channel_command){ .argv = argv,
							 .timeout_ms = t->o->script_timeout_ms,
							 .output = hear,
							 .user = &listener },
			      &result, &err);
		end->cause = r < 0 ? cause_of_loss(t->guest) : CAUSE_NONE;
	}
	end->ms = clock_monotonic_ms() - start;
	end->status = result.status;
	end->timed_out = result.timed_out;
	snprintf(end->message, sizeof(end->message), "%s", err.message);
	selftest_output_end(output, clock_monotonic_ms());
}

static void hold_script(struct run *t, size_t i)
{
	_cleanup_free_ struct selftest_output *output = calloc(1, sizeof(*output));
	const char *path = t->files.scripts.items[i];
	struct selftest_end end = { 0 };
	char name[64];

	if (!output)
		return;
	selftest_name(path, name, sizeof(name));
	run_script(t, path, output, &end);
	/* A script that failed leaves livepatches behind. */
	if (!selftest_judge(name, &t->scripts[i], output, &end, t->trial))
		end_guest(t);
}

static void hold_log(struct run *t)
{
	struct trial_case *c = &t->trial->cases[t->trial->n++];
	char line[256];

	snprintf(c->name, sizeof(c->name), "log");
	if (t->health.verdict == CONSOLE_CLEAN)
		return;
	console_headline(&t->health, line, sizeof(line));
	c->run.verdict = VERDICT_FAIL;
	c->run.cause = t->health.verdict == CONSOLE_PANIC  ? CAUSE_PANIC
		       : t->health.verdict == CONSOLE_OOPS ? CAUSE_OOPS
							   : CAUSE_WARNING;
	snprintf(c->run.message, sizeof(c->run.message), "%s: %s",
		 console_verdict_name(t->health.verdict), line);
	snprintf(c->excerpt, sizeof(c->excerpt), "%s", t->health.excerpt);
}

static int prepare(struct run *t, struct error *err)
{
	_cleanup_free_ char *own = NULL;
	const char *tree = t->o->tree;
	int r = tree ? 0 : selftest_tree(t->o->kernel, &own, err);

	if (r == 0)
		r = selftest_files_list(tree ? tree : own, t->o->only, &t->files, err);
	if (r == 0)
		r = read_scripts(t, err);
	if (r == 0)
		r = selftest_guest_programs(t->o->guest.programs, &t->guest_programs, err);
	if (r == 0)
		r = make_folders(t, err);
	if (r == 0)
		snprintf(t->trial->module_sha256, sizeof(t->trial->module_sha256), "%s",
			 t->files.sha256);
	return r;
}

static void run_free(struct run *t)
{
	guest_free(t->guest);
	selftest_files_free(&t->files);
	free(t->scripts);
	selftest_built_free(&t->built);
	path_list_free(&t->guest_files);
	path_list_free(&t->guest_programs);
	work_folder_remove(t->dir);
	free(t->guest_dir);
	free(t->build_dir);
	buf_free(&t->said);
}

int selftest_run(const struct selftest_options *options, struct trial *ret, struct error *err)
{
	_cleanup_(
		run_free) struct run t = { .o = options, .trial = ret, .said = BUF_INIT(SAID_MAX) };
	int64_t start = clock_monotonic_ms();

	*ret = (struct trial){ 0 };
	describe(&t);
	int r = prepare(&t, err);

	if (r < 0)
		return r;
	if (hold_build(&t)) {
		r = selftest_guest_files(options->guest.files, &t.files, &t.built, &t.guest_files,
					 err);
		for (size_t i = 0; r == 0 && i < t.files.scripts.n; i++)
			hold_script(&t, i);
		end_guest(&t);
		hold_log(&t);
	}
	ret->ms = clock_monotonic_ms() - start;
	return r;
}
