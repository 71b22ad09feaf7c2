// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/trial.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/notes.h"
#include "lab/guest/guest_module.h"
#include "lab/trial/livepatch_file.h"
#include "lab/guest/module_tree.h"
#include "lab/guest/path_list.h"
#include "lab/guest/work_folder.h"

#define MODULE_PATH     "/lab/patch.ko"
#define REPRODUCER_PATH "/lab/reproducer"
#define NAME_LEN        56
#define COMMAND_MS      30000
/* TAINT_OOT_MODULE, TAINT_UNSIGNED_MODULE, TAINT_LIVEPATCH (include/linux/panic.h): what any
 * livepatch of ours brings. */
#define TAINTS_EXPECTED (1u << 12 | 1u << 13 | 1u << 15)

struct run {
	const struct trial_options *o;
	struct trial *trial;
	struct guest *guest;
	struct buf module;
	char livepatch[NAME_LEN]; /* its name in sysfs; "" while it is not loaded */
	uint64_t taints;          /* before */
	bool failed;
};

typedef int (*step_fn)(struct run *t, struct error *err);

/* Runs a script in the guest with one argument. */
static int script(struct run *t, const char *text, const char *argument, int timeout_ms,
		  struct buf *out, struct error *err)
{
	const char *const argv[] = { "sh", "-c", text, "sh", argument, NULL };
	int r = guest_run_simple(t->guest, argv, timeout_ms, out, err);

	/* "sh: " says nothing. */
	if (r == ERR_CHILD && err)
		memmove(err->message, err->message + 4, strlen(err->message + 4) + 1);
	return r;
}

static int read_taints(struct run *t, uint64_t *ret, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(64);
	char *end;
	int r = script(t, "cat /proc/sys/kernel/tainted", "", COMMAND_MS, &out, err);

	if (r < 0)
		return r;
	*ret = strtoumax(buf_str(&out), &end, 10);
	return end != buf_str(&out) ? 0 : error_set(err, ERR_PROTOCOL, "taints: not a number");
}

static int read_identity(struct run *t, struct error *err)
{
	_cleanup_buf_ struct buf notes = BUF_INIT(64 * 1024), release = BUF_INIT(64);
	int r = guest_get(t->guest, "/sys/kernel/notes", &notes, err);

	if (r == 0)
		r = kernel_notes_build_id(notes.data, notes.len, t->trial->build_id);
	if (r == 0)
		r = script(t, "uname -r | tr -cd 'A-Za-z0-9._+~-'", "", COMMAND_MS, &release, err);
	if (r == 0)
		snprintf(t->trial->kernel, sizeof(t->trial->kernel), "%s", buf_str(&release));
	return r < 0 ? error_prefix(err, r, "identity of the kernel") : 0;
}

static int put_files(struct run *t, struct error *err)
{
	int r = guest_put(t->guest, t->o->module, MODULE_PATH, err);

	if (r == 0 && t->o->reproducer)
		r = guest_put(t->guest, t->o->reproducer, REPRODUCER_PATH, err);
	return r;
}

/* The modules to load at start: those asked for, and those that the patch has relocations for. */
static int modules_to_load(struct run *t, struct path_list *ret, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && t->o->guest.load && t->o->guest.load[i]; i++)
		r = path_list_add(ret, t->o->guest.load[i]);
	if (r < 0)
		return error_set(err, r, "modules to load");
	return t->o->guest.modules ? livepatch_file_objects(t->module.data, t->module.len, ret, err)
				   : 0;
}

static int step_boot(struct run *t, struct error *err)
{
	_cleanup_paths_ struct path_list load = { 0 };
	struct guest_options o = t->o->guest;
	int r = modules_to_load(t, &load, err);

	o.load = (const char *const *)load.items;
	if (r == 0)
		r = guest_start(&o, &t->guest, err);
	if (r == 0 && *guest_problems(t->guest))
		r = error_set(err, ERR_CHILD, "%s", guest_problems(t->guest));
	if (r == 0)
		r = read_identity(t, err);
	if (r == 0)
		r = put_files(t, err);
	return r == 0 ? read_taints(t, &t->taints, err) : r;
}

/* Runs the reproducer; `shows`: what is expected of it. */
static int reproduce(struct run *t, bool shows, struct error *err)
{
	static const char *const argv[] = { "sh", REPRODUCER_PATH, NULL };
	struct channel_result result;
	int r = guest_run(t->guest,
			  &(struct channel_command){ .argv = argv,
						     .timeout_ms = t->o->transition_timeout_ms },
			  &result, err);

	if (r < 0)
		return r;
	if (result.timed_out)
		return error_set(err, ERR_TIMEOUT, "the reproducer did not end");
	if (result.status > 1)
		return error_set(err, ERR_CHILD, "the reproducer failed with status %d",
				 result.status);
	if (result.status == 0 && !shows)
		return error_set(err, ERR_BAD_STATE, "the fault still shows");
	if (result.status == 1 && shows)
		return error_set(err, ERR_BAD_STATE, "the fault does not show");
	return 0;
}

static int step_fault_shows(struct run *t, struct error *err)
{
	return reproduce(t, true, err);
}

static int step_fault_gone(struct run *t, struct error *err)
{
	return reproduce(t, false, err);
}

/* The name comes from a hostile guest and goes into scripts. */
static int take_name(struct run *t, const char *text, struct error *err)
{
	size_t len = strcspn(text, "\n");

	if (len == 0)
		return error_set(err, ERR_INVALID,
				 "the kernel took the module, which is no livepatch");
	if (len >= NAME_LEN ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != len)
		return error_set(err, ERR_PROTOCOL, "the livepatch's name makes no sense");
	snprintf(t->livepatch, sizeof(t->livepatch), "%.*s", (int)len, text);
	return 0;
}

static int step_load(struct run *t, struct error *err)
{
	/* The kernel's own words say more than insmod's: what it wrote since the mark. */
	static const char text[] =
		"cd /sys/kernel/livepatch && ls >/lab/before || exit 1\n"
		"echo 'suture-lab: load' >/dev/kmsg\n"
		"if ! said=$(insmod " MODULE_PATH " 2>&1); then\n"
		"	why=$(dmesg | awk '/suture-lab: load$/ { text = \"\"; next }\n"
		"		{ sub(/^\\[[^]]*\\] */, \"\"); text = text \"; \" $0 }\n"
		"		END { print substr(text, 3, 600) }')\n"
		"	echo \"${said#insmod: can*: }${why:+ ($why)}\"; exit 1\n"
		"fi\n"
		"for name in *; do grep -qx \"$name\" /lab/before || echo \"$name\"; done\n";
	_cleanup_buf_ struct buf out = BUF_INIT(4096);
	int r = script(t, text, "", COMMAND_MS, &out, err);

	if (r == ERR_CHILD)
		return error_prefix(err, ERR_KERNEL_REFUSED, "the kernel refused it");
	return r < 0 ? r : take_name(t, streq(buf_str(&out), "*\n") ? "" : buf_str(&out), err);
}

/* After a transition that took too long: which tasks have not changed over. */
static int report_stuck(struct run *t, const char *target, struct error *err)
{
	static const char text[] =
		"for f in /proc/[0-9]*/task/[0-9]*/patch_state; do\n"
		"	s=$(cat $f 2>/dev/null) && [ \"$s\" != \"$1\" ] && [ \"$s\" != -1 ] &&\n"
		"		echo -n \"$(cat ${f%patch_state}comm) \"\n"
		"done | head -c 300\n";
	_cleanup_buf_ struct buf out = BUF_INIT(512);
	int seconds = t->o->transition_timeout_ms / 1000;

	if (script(t, text, target, COMMAND_MS, &out, NULL) < 0 || out.len == 0)
		return error_set(err, ERR_STUCK, "not done after %d s", seconds);
	return error_set(err, ERR_STUCK, "not done after %d s; waits for: %s", seconds,
			 buf_str(&out));
}

static int step_transition(struct run *t, struct error *err)
{
	static const char text[] =
		"cd /sys/kernel/livepatch/$1 || exit 1\n"
		"until [ \"$(cat transition)\" = 0 ]; do usleep 20000; done\n"
		"[ \"$(cat enabled)\" = 1 ] || { echo 'the kernel turned the patch off'; exit 1; }\n";
	int r = script(t, text, t->livepatch, t->o->transition_timeout_ms, NULL, err);

	return r == ERR_TIMEOUT ? report_stuck(t, "1", err) : r;
}

/* Prints the objects of the livepatch that are not patched. */
static int unpatched_objects(struct run *t, struct buf *out, struct error *err)
{
	static const char text[] = "cd /sys/kernel/livepatch/$1 || exit 1\n"
				   "for f in */patched; do\n"
				   "	[ -e \"$f\" ] && [ \"$(cat $f)\" != 1 ] && echo ${f%/*}\n"
				   "done; true\n";

	return script(t, text, t->livepatch, COMMAND_MS, out, err);
}

static int step_objects(struct run *t, struct error *err)
{
	_cleanup_buf_ struct buf before = BUF_INIT(4096), after = BUF_INIT(4096);
	char *rest = NULL;
	int r = unpatched_objects(t, &before, err);

	if (r < 0 || before.len == 0)
		return r;
	if (!t->o->guest.modules)
		return error_set(err, ERR_NOT_FOUND, "%s: not loaded, and no modules were given",
				 strtok_r((char *)before.data, "\n", &rest));
	for (char *name = strtok_r((char *)before.data, "\n", &rest); name && r == 0;
	     name = strtok_r(NULL, "\n", &rest)) {
		r = guest_load_module(t->guest, t->o->guest.modules, name, COMMAND_MS, err);
		if (r == 0)
			error_set(err, 0, "%s was loaded into the patched kernel", name);
	}
	if (r == 0)
		r = unpatched_objects(t, &after, err);
	if (r == 0 && after.len > 0)
		r = error_set(err, ERR_BAD_STATE, "%s: loaded and not patched",
			      strtok_r((char *)after.data, "\n", &rest));
	return r;
}

static int step_take_back(struct run *t, struct error *err)
{
	static const char text[] = "echo 0 >/sys/kernel/livepatch/$1/enabled || exit 1\n"
				   "while [ -d /sys/kernel/livepatch/$1 ]; do usleep 20000; done\n";
	int r = script(t, text, t->livepatch, t->o->transition_timeout_ms, NULL, err);

	return r == ERR_TIMEOUT ? report_stuck(t, "0", err) : r;
}

static int step_unload(struct run *t, struct error *err)
{
	/* The kernel lets go of the module a moment after the folder is gone. */
	static const char text[] = "for i in 1 2 3 4 5 6 7 8 9 10; do\n"
				   "	rmmod $1 2>/dev/null && exit 0\n"
				   "	usleep 200000\n"
				   "done\n"
				   "rmmod $1\n";
	int r = script(t, text, t->livepatch, COMMAND_MS, NULL, err);

	if (r == 0)
		t->livepatch[0] = 0;
	return r;
}

static int step_cycles(struct run *t, struct error *err)
{
	static const step_fn steps[] = { step_load, step_transition, step_take_back, step_unload };

	for (int cycle = 2; cycle <= t->o->cycles; cycle++)
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
			int r = steps[i](t, err);

			if (r < 0)
				return error_prefix(err, r, "cycle %d", cycle);
		}
	return 0;
}

static int step_taints(struct run *t, struct error *err)
{
	static const char letters[] = "GFSRMBUDAWCIOELKXTN"; /* kernel/panic.c, taint_flags */
	char names[sizeof(letters)] = "";
	uint64_t now = 0;
	size_t n = 0;
	int r = read_taints(t, &now, err);

	if (r < 0)
		return r;
	for (size_t bit = 0; bit < sizeof(letters) - 1; bit++)
		if ((now & ~t->taints & ~(uint64_t)TAINTS_EXPECTED) >> bit & 1)
			names[n++] = bit == 0 ? 'P' : letters[bit];
	if (n > 0)
		return error_set(err, ERR_BAD_STATE, "new taints %s (%" PRIu64 ")", names, now);
	error_set(err, 0, "%" PRIu64, now);
	return 0;
}

static int step_log(struct run *t, struct error *err)
{
	struct console_report report;
	char line[256];
	int r = guest_health(t->guest, &report, err);

	if (r < 0 || report.verdict == CONSOLE_CLEAN)
		return r;
	snprintf(t->trial->cases[t->trial->n].excerpt, CONSOLE_EXCERPT_MAX, "%s", report.excerpt);
	console_headline(&report, line, sizeof(line));
	return error_set(err, ERR_BAD_STATE, "%s: %s", console_verdict_name(report.verdict), line);
}

static void hold_case(struct run *t, const char *name, step_fn step)
{
	struct trial_case *c = &t->trial->cases[t->trial->n];
	int64_t start = clock_monotonic_ms();
	struct error err = { 0 };

	if (t->trial->n == TRIAL_CASES_MAX)
		return;
	if (t->o->say)
		t->o->say(t->o->user, t->o->kernel, name);
	int r = step(t, &err);

	c->run.verdict = r == 0 ? VERDICT_PASS : VERDICT_FAIL;
	c->run.cause = r == 0 ? CAUSE_NONE : CAUSE_LAB;
	c->run.ms = clock_monotonic_ms() - start;
	snprintf(c->name, sizeof(c->name), "%s", name);
	/* A step that passed may leave a note (code 0), and what it got over on its way, unread. */
	const char *note = err.code == 0 ? err.message : "";

	snprintf(c->run.message, sizeof(c->run.message), "%s",
		 r >= 0            ? note
		 : !err.message[0] ? error_code_name(r)
				   : err.message);
	t->trial->n++;
	t->failed = t->failed || r < 0;
}

static void hold_cases(struct run *t)
{
	static const struct {
		const char *name;
		step_fn step;
		bool reproducer, many, always;
	} cases[] = {
		{ "before", step_fault_shows, .reproducer = true },
		{ "load", step_load },
		{ "transition", step_transition },
		{ "objects", step_objects },
		{ "after", step_fault_gone, .reproducer = true },
		{ "take-back", step_take_back },
		{ "restored", step_fault_shows, .reproducer = true },
		{ "unload", step_unload },
		{ "cycles", step_cycles, .many = true },
		{ "taints", step_taints, .always = true },
		{ "log", step_log, .always = true },
	};

	hold_case(t, "boot", step_boot);
	for (size_t i = 0; i < ARRAY_SIZE(cases) && t->guest; i++)
		if ((!t->failed || cases[i].always) && (!cases[i].reproducer || t->o->reproducer) &&
		    (!cases[i].many || t->o->cycles > 1))
			hold_case(t, cases[i].name, cases[i].step);
}

int trial_run(const struct trial_options *options, struct trial *ret, struct error *err)
{
	_cleanup_(work_folder_removep) char *dir = NULL;
	_cleanup_buf_ struct buf module = BUF_INIT(MODULE_FILE_MAX);
	struct trial_options o = *options;
	struct run t = { .o = &o, .trial = ret };

	*ret = (struct trial){ 0 };
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", o.kernel);
	int r = file_read(o.module, &module, err);

	if (r == 0)
		r = work_folder_make(&dir, err);
	if (r < 0)
		return r;
	o.guest.dir = dir;
	o.guest.stays = false;
	t.module = module;
	hold_cases(&t);
	guest_free(t.guest);
	return 0;
}

bool trial_passed(const struct trial *trial)
{
	for (size_t i = 0; i < trial->n; i++)
		if (trial->cases[i].run.verdict == VERDICT_FAIL)
			return false;
	return trial->n > 0;
}
