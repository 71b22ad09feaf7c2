/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/ending, agent/watch and agent/trouble: what is held against a patch. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "agent/apply.h"
#include "agent/ending.h"
#include "agent/jobs.h"
#include "agent/trouble.h"
#include "agent/watch.h"
#include "base/clock.h"

#define KERNEL    "6.1.0-56-amd64"
#define HASH      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define THIS_BOOT "0f6cbf9a-3b02-4c6a-8f4e-6d0d0a0f9d11"
#define LAST_BOOT "0f6cbf9a-3b02-4c6a-8f4e-6d0d0a0f9d10"

static const struct patch_version v11 = { 1, 1 }, v12 = { 1, 2 };

static void endings(void **state)
{
	static const struct {
		struct ending_facts facts;
		enum ending_verdict verdict;
	} cases[] = {
		{ { ENDING_NOTHING, false, false }, ENDING_INTERRUPTED },
		{ { ENDING_NOTHING, false, true }, ENDING_TWICE },
		{ { ENDING_NOTHING, true, false }, ENDING_CLEAN },
		{ { ENDING_NOTHING, true, true }, ENDING_CLEAN },
		{ { ENDING_OOPS, false, false }, ENDING_CRASHED },
		{ { ENDING_OOPS, false, true }, ENDING_CRASHED },
		{ { ENDING_OOPS, true, false }, ENDING_CLEAN },
		{ { ENDING_OOPS, true, true }, ENDING_CLEAN },
		{ { ENDING_CRASH, false, false }, ENDING_CRASHED },
		{ { ENDING_CRASH, false, true }, ENDING_CRASHED },
		{ { ENDING_CRASH, true, false }, ENDING_CRASHED },
		{ { ENDING_CRASH, true, true }, ENDING_CRASHED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (ending_judge(&cases[i].facts) != cases[i].verdict)
			fail_msg("case %zu", i);
}

/* A machine below a folder, with 1.1 applied in this boot. */
static struct agent *make_agent(void)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	struct error err = { 0 };
	char *root = unit_make_dir();

	assert_non_null(agent);
	assert_ok(settings_paths_init(&agent->paths, root, &err), &err);
	free(root);
	assert_ok(config_load(agent->paths.config, settings_keys, &agent->config, &err), &err);
	assert_ok(file_make_dirs(agent->paths.run, 0755, &err), &err);
	assert_ok(file_make_dirs(agent->paths.state, 0700, &err), &err);
	agent->journal = journal_new();
	agent->lock_fd = -1;
	snprintf(agent->facts.release, sizeof(agent->facts.release), KERNEL);
	snprintf(agent->facts.boot_id, sizeof(agent->facts.boot_id), THIS_BOOT);
	agent->journal->state = MACHINE_APPLIED;
	agent->journal->accepted = (struct journal_accepted){ .present = true,
							      .version = v11,
							      .kernel = KERNEL,
							      .build_id = "0123456789abcdef",
							      .module = "suture_x_1_1",
							      .sha256 = HASH,
							      .length = 1,
							      .published = 1 };
	agent->applied.present = true;
	agent->applied.version = v11;
	snprintf(agent->applied.module, sizeof(agent->applied.module), "suture_x_1_1");
	return agent;
}

static void free_agent(struct agent *agent)
{
	char *root = strdup(agent->paths.root);

	agent_free(agent);
	unit_remove_dir(root);
}

static struct journal_step load_step(struct patch_version version, const char *boot_id)
{
	struct journal_step step = { .action = JOURNAL_LOAD,
				     .version = version,
				     .kernel = KERNEL,
				     .module = "suture_x",
				     .sha256 = HASH,
				     .length = 1 };

	snprintf(step.boot_id, sizeof(step.boot_id), "%s", boot_id);
	return step;
}

static bool has_event(const struct agent *agent, const char *event, const char *code)
{
	const struct journal *j = agent->journal;

	for (size_t i = 0; i < j->n_history; i++)
		if (streq(j->history[i].event, event) && streq(j->history[i].code, code))
			return true;
	return false;
}

static void put_crash(const struct agent *agent, const char *text)
{
	_cleanup_free_ char *dir = path_join(agent->paths.root, "sys/fs/pstore", NULL);
	_cleanup_free_ char *path = path_join(dir, "dmesg-ramoops-0", NULL);
	struct error err = { 0 };

	assert_ok(file_make_dirs(dir, 0755, &err), &err);
	assert_ok(file_write_atomic(path, text, strlen(text), 0600, &err), &err);
}

static void set_crash_time(const struct agent *agent, int64_t time)
{
	_cleanup_free_ char *path =
		path_join(agent->paths.root, "sys/fs/pstore/dmesg-ramoops-0", NULL);
	struct timespec times[2] = { { .tv_sec = time }, { .tv_sec = time } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void runs_its_time(void **state)
{
	struct agent *agent = make_agent();
	struct journal_step step = load_step(v11, THIS_BOOT);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(watch_left_ms(agent), -1);
	watch_open(agent, agent->journal, &step);
	assert_true(journal_is_watched(agent->journal, v11, KERNEL));
	assert_true(watch_left_ms(agent) > 1790000 && watch_left_ms(agent) <= 1800000);
	assert_ok(watch_tick(agent, &err), &err);
	assert_true(agent->journal->watch.present);
	/* Part of it was in an earlier boot; nearly all of it now. */
	agent->journal->watch.carried_ms = 1799999;
	agent->journal->watch.began_ms -= 10;
	agent->journal->interrupted =
		(struct journal_interrupted){ .present = true, .version = v11, .kernel = KERNEL };
	assert_int_equal(watch_left_ms(agent), 0);
	assert_ok(watch_tick(agent, &err), &err);
	assert_false(agent->journal->watch.present);
	assert_false(agent->journal->interrupted.present);
	assert_true(has_event(agent, "survived", ""));
	/* Never again on this kernel; on another one it is new. */
	watch_open(agent, agent->journal, &step);
	assert_false(agent->journal->watch.present);
	snprintf(step.kernel, sizeof(step.kernel), "6.1.0-57-amd64");
	watch_open(agent, agent->journal, &step);
	assert_true(agent->journal->watch.present);
	free_agent(agent);
}

/* An order to end, then the next start: in the same boot, and in the next one. */
static void goes_on(void **state)
{
	struct agent *agent = make_agent();
	struct journal_step step = load_step(v11, THIS_BOOT);
	struct error err = { 0 };

	(void)state;
	watch_open(agent, agent->journal, &step);
	agent->journal->watch.carried_ms = 5000;
	watch_stop(agent, 77);
	assert_true(agent->journal->watch.stopped);
	assert_int_equal(agent->journal->log.next, 77);
	assert_ok(watch_boot(agent, &err), &err);
	assert_false(agent->journal->watch.stopped);
	watch_stop(agent, 0);
	snprintf(agent->facts.boot_id, sizeof(agent->facts.boot_id), LAST_BOOT);
	assert_ok(watch_boot(agent, &err), &err);
	assert_true(agent->journal->watch.present);
	assert_string_equal(agent->journal->watch.boot_id, "");
	assert_int_equal(agent->journal->n_quarantine, 0);
	assert_int_equal(watch_left_ms(agent), -1);
	/* A second boot in which the patch was never loaded says nothing of it. */
	assert_ok(watch_boot(agent, &err), &err);
	assert_true(agent->journal->watch.present && !agent->journal->interrupted.present);
	watch_open(agent, agent->journal, &step);
	assert_true(watch_left_ms(agent) > 1700000 && watch_left_ms(agent) <= 1795000);
	free_agent(agent);
}

static void begin_watch_in_last_boot(struct agent *agent)
{
	struct journal_step step = load_step(v11, LAST_BOOT);

	watch_note_evidence(agent, agent->journal);
	watch_open(agent, agent->journal, &step);
	snprintf(agent->journal->watch.boot_id, sizeof(agent->journal->watch.boot_id), LAST_BOOT);
	agent->applied.present = false;
}

static void power_cut(void **state)
{
	struct agent *agent = make_agent();
	struct error err = { 0 };

	(void)state;
	begin_watch_in_last_boot(agent);
	assert_ok(watch_boot(agent, &err), &err);
	assert_int_equal(agent->journal->state, MACHINE_FAILED);
	assert_true(journal_is_interrupted(agent->journal, v11, KERNEL));
	assert_true(agent->journal->accepted.present);
	assert_true(has_event(agent, "interrupted", "interrupted"));
	assert_false(has_event(agent, "quarantined", "quarantined"));
	begin_watch_in_last_boot(agent);
	assert_ok(watch_boot(agent, &err), &err);
	assert_int_equal(agent->journal->state, MACHINE_QUARANTINED);
	assert_true(journal_is_quarantined(agent->journal, v11, KERNEL));
	assert_false(agent->journal->accepted.present || agent->journal->interrupted.present ||
		     agent->journal->watch.present);
	assert_true(has_event(agent, "quarantined", "quarantined"));
	assert_false(has_event(agent, "crashed", "crashed"));
	assert_string_equal(agent->journal->failure.code, "quarantined");
	free_agent(agent);
}

static void panic_in_the_watch(void **state)
{
	struct agent *agent = make_agent();
	struct error err = { 0 };

	(void)state;
	/* Old evidence, and a record that tells of no crash, are none. */
	put_crash(agent, "Panic#1 Part1\n<0>[1.0] Kernel panic - not syncing: old\n");
	begin_watch_in_last_boot(agent);
	agent->journal->watch.stopped = true;
	assert_ok(watch_boot(agent, &err), &err);
	assert_int_equal(agent->journal->n_quarantine, 0);
	put_crash(agent, "Shutdown#1 Part1\n<0>[1.0] Kernel panic - not syncing: none\n");
	begin_watch_in_last_boot(agent);
	agent->journal->watch.stopped = true;
	assert_ok(watch_boot(agent, &err), &err);
	assert_int_equal(agent->journal->n_quarantine, 0);
	/* It wins over the order to end. */
	begin_watch_in_last_boot(agent);
	put_crash(agent, "Panic#1 Part1\n<0>[1.0] Kernel panic - not syncing: new\n");
	agent->journal->watch.stopped = true;
	assert_ok(watch_boot(agent, &err), &err);
	assert_int_equal(agent->journal->state, MACHINE_QUARANTINED);
	assert_true(has_event(agent, "crashed", "crashed"));
	assert_true(has_event(agent, "quarantined", "crashed"));
	assert_non_null(strstr(agent->journal->failure.message, "not syncing: new (pstore)"));
	assert_non_null(strstr(agent->journal->failure.hint, "suture retry 1.1"));
	assert_false(has_event(agent, "interrupted", "interrupted"));
	free_agent(agent);
}

/* The file's time counts only as far as the clock can be believed. */
static void file_times(void **state)
{
	struct agent *agent = make_agent();
	struct error err = { 0 };
	int64_t now = clock_now();

	(void)state;
	/* It turned up after the load, and says that it is older: by a clock that was right. */
	agent->journal->time_floor = now + 200;
	begin_watch_in_last_boot(agent);
	put_crash(agent, "Panic#1 Part1\n");
	set_crash_time(agent, now - 1000);
	agent->journal->watch.stopped = true;
	assert_ok(watch_boot(agent, &err), &err);
	assert_int_equal(agent->journal->n_quarantine, 1);
	free_agent(agent);
	agent = make_agent();
	begin_watch_in_last_boot(agent);
	put_crash(agent, "Panic#1 Part1\n");
	set_crash_time(agent, now - 1000);
	/* That of today says nothing about the clock at the load. */
	agent->journal->time_floor = now + 200;
	agent->journal->watch.stopped = true;
	assert_ok(watch_boot(agent, &err), &err);
	assert_int_equal(agent->journal->n_quarantine, 0);
	free_agent(agent);
}

static void steps(void **state)
{
	static const struct {
		enum journal_action action;
		bool stopped, crash;
		enum machine_state state;
		const char *event;
	} cases[] = {
		{ JOURNAL_LOAD, false, false, MACHINE_FAILED, "interrupted" },
		{ JOURNAL_LOAD, true, false, MACHINE_UNAPPLIED, "stopped" },
		{ JOURNAL_LOAD, false, true, MACHINE_QUARANTINED, "crashed" },
		{ JOURNAL_UNLOAD, false, false, MACHINE_REVERTED, "reverted" },
		{ JOURNAL_UNLOAD, true, false, MACHINE_REVERTED, "reverted" },
		{ JOURNAL_UNLOAD, false, true, MACHINE_QUARANTINED, "crashed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct agent *agent = make_agent();
		struct journal *j = agent->journal;

		begin_watch_in_last_boot(agent);
		j->watch.carried_ms = 7; /* before a start that did not end in order */
		j->state = MACHINE_APPLYING;
		j->step = load_step(v12, LAST_BOOT);
		j->step.action = cases[i].action;
		j->step.stopped = cases[i].stopped;
		if (cases[i].crash)
			put_crash(agent, "Panic#1 Part1\n");
		watch_judge_step(agent, j);
		assert_ok(journal_check(j, NULL), &(struct error){ 0 });
		if (j->state != cases[i].state || !streq(j->history[0].event, cases[i].event))
			fail_msg("case %zu: %s %s", i, machine_state_name(j->state),
				 j->history[0].event);
		/* The older version is not to blame; its watch waits for its load. */
		assert_true(journal_is_watched(j, v11, KERNEL) && j->accepted.present);
		assert_string_equal(j->watch.boot_id, "");
		assert_int_equal(j->watch.carried_ms, 0);
		free_agent(agent);
	}
}

/* A crash dump that was still being written at the start. */
static void late_evidence(void **state)
{
	struct agent *agent = make_agent();
	struct error err = { 0 };

	(void)state;
	begin_watch_in_last_boot(agent);
	assert_ok(watch_boot(agent, &err), &err);
	assert_ok(watch_look_again(agent, &err), &err);
	assert_int_equal(agent->journal->n_quarantine, 0);
	put_crash(agent, "Oops#1 Part1\n");
	assert_ok(watch_look_again(agent, &err), &err);
	assert_true(journal_is_quarantined(agent->journal, v11, KERNEL));
	assert_true(has_event(agent, "crashed", "crashed"));
	assert_ok(watch_look_again(agent, &err), &err);
	assert_int_equal(agent->journal->n_quarantine, 1);
	free_agent(agent);
}

/* The version before it was loaded meanwhile, and is watched. */
static void late_evidence_amid_another_watch(void **state)
{
	struct agent *agent = make_agent();
	struct journal_step step = load_step(v12, THIS_BOOT);
	struct error err = { 0 };

	(void)state;
	begin_watch_in_last_boot(agent);
	agent->journal->evidence.time -= 100;
	assert_ok(watch_boot(agent, &err), &err);
	watch_note_evidence(agent, agent->journal);
	watch_open(agent, agent->journal, &step);
	put_crash(agent, "Panic#1 Part1\n");
	set_crash_time(agent, clock_now() - 50);
	assert_ok(watch_look_again(agent, &err), &err);
	assert_true(journal_is_quarantined(agent->journal, v11, KERNEL));
	assert_true(journal_is_watched(agent->journal, v12, KERNEL));
	free_agent(agent);
}

/* What is held against one version is not also held against the one that waits. */
static void one_crash_one_culprit(void **state)
{
	struct agent *agent = make_agent();
	struct journal_step step = load_step(v12, THIS_BOOT);
	struct error err = { 0 };

	(void)state;
	begin_watch_in_last_boot(agent);
	assert_ok(watch_boot(agent, &err), &err);
	watch_note_evidence(agent, agent->journal);
	watch_open(agent, agent->journal, &step);
	snprintf(agent->journal->watch.boot_id, sizeof(agent->journal->watch.boot_id), LAST_BOOT);
	put_crash(agent, "Panic#1 Part1\n");
	assert_ok(watch_boot(agent, &err), &err);
	assert_true(journal_is_quarantined(agent->journal, v12, KERNEL));
	assert_ok(watch_look_again(agent, &err), &err);
	assert_false(journal_is_quarantined(agent->journal, v11, KERNEL));
	assert_true(journal_is_interrupted(agent->journal, v11, KERNEL));
	free_agent(agent);
}

/* The journal can be written again. */
static void free_the_disk(struct agent *agent, char *journal)
{
	struct journal *back = NULL;
	struct error err = { 0 };

	free(agent->paths.journal);
	agent->paths.journal = journal;
	assert_ok(agent_move(agent, MACHINE_VERIFYING, NULL, NULL, NULL, &err), &err);
	assert_ok(journal_load(agent->paths.journal, &back, &err), &err);
	assert_int_equal(back->step.action, JOURNAL_NONE);
	assert_true(journal_is_interrupted(back, v11, KERNEL) ||
		    journal_is_interrupted(back, v12, KERNEL));
	free(back);
}

/* What an earlier boot left open is judged, though that cannot be written now. */
static void nowhere_to_write(void **state)
{
	struct error err = { 0 };

	(void)state;
	for (int amid_a_load = 0; amid_a_load < 2; amid_a_load++) {
		struct agent *agent = make_agent();
		char *journal = agent->paths.journal;

		begin_watch_in_last_boot(agent);
		if (amid_a_load) {
			agent->journal->state = MACHINE_APPLYING;
			agent->journal->step = load_step(v12, LAST_BOOT);
		}
		agent->paths.journal = path_join(agent->paths.root, "nowhere/journal.json", NULL);
		assert_ok(apply_boot(agent, &err), &err);
		assert_int_equal(agent->journal->step.action, JOURNAL_NONE);
		assert_int_equal(agent->journal->state, MACHINE_FAILED);
		free_the_disk(agent, journal);
		free_agent(agent);
	}
}

/* A load of this boot that sutured ended in comes to nothing. The watch of the version before it
 * goes on, and is not taken for one that a shutdown ended. */
static void watch_after_a_failed_resume(void **state)
{
	struct agent *agent = make_agent();
	struct journal_step step = load_step(v11, THIS_BOOT);
	struct error err = { 0 };

	(void)state;
	agent->listener = listener_new(agent->paths.root);
	watch_open(agent, agent->journal, &step);
	agent->journal->watch.stopped = true;
	agent->journal->state = MACHINE_APPLYING;
	agent->journal->step = load_step(v12, THIS_BOOT);
	agent->journal->step.stopped = true;
	assert_true(apply_boot(agent, &err) < 0);
	assert_int_equal(agent->journal->state, MACHINE_FAILED);
	assert_true(journal_is_watched(agent->journal, v11, KERNEL));
	assert_false(agent->journal->watch.stopped);
	free_agent(agent);
}

static void whose_trouble(void **state)
{
	static const struct {
		struct kernel_report report;
		enum trouble_kind kind;
	} cases[] = {
		{ { .trouble = KERNEL_TROUBLE_OOPS, .in_livepatch = true, .has_place = true },
		  TROUBLE_OOPS_IN_PATCH },
		/* Also in a function that it replaces: that is the old code. */
		{ { .trouble = KERNEL_TROUBLE_OOPS,
		    .rip = { .symbol = "version_proc_show" },
		    .has_place = true },
		  TROUBLE_OOPS },
		/* The name of a program at the beginning of a line. */
		{ { .trouble = KERNEL_TROUBLE_OOPS }, TROUBLE_NONE },
		{ { .trouble = KERNEL_TROUBLE_WARNING }, TROUBLE_NONE },
		{ { .trouble = KERNEL_TROUBLE_WARNING, .in_livepatch = true, .has_place = true },
		  TROUBLE_WARNED },
		{ { .trouble = KERNEL_TROUBLE_LOCKUP, .in_livepatch = true, .has_place = true },
		  TROUBLE_WARNED },
		{ { .trouble = KERNEL_TROUBLE_WARNING, .has_place = true }, TROUBLE_NONE },
		{ { .trouble = KERNEL_TROUBLE_NONE, .in_livepatch = true }, TROUBLE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (trouble_classify(&cases[i].report) != cases[i].kind)
			fail_msg("case %zu", i);
}

/* No update is cut off by what anybody can have the kernel say. */
static void who_gives_way(void **state)
{
	struct kernel_report report = { .trouble = KERNEL_TROUBLE_WARNING,
					.in_livepatch = true,
					.has_place = true };
	struct job trouble = { .kind = JOB_TROUBLE, .report = &report };
	const struct job refresh = { .kind = JOB_REFRESH }, rollback = { .kind = JOB_ROLLBACK };

	(void)state;
	assert_false(job_wants_way(&refresh));
	assert_true(job_wants_way(&rollback));
	assert_false(job_wants_way(&trouble));
	report.trouble = KERNEL_TROUBLE_OOPS;
	assert_true(job_wants_way(&trouble));
	report.in_livepatch = false;
	assert_false(job_wants_way(&trouble));
}

/* Events are bounded, and what the log told of is on the disk. */
static void events_of_the_log(void **state)
{
	struct agent *agent = make_agent();
	struct kernel_report report = { .trouble = KERNEL_TROUBLE_WARNING,
					.headline = "WARNING: x",
					.has_place = true,
					.in_livepatch = true,
					.where = { .symbol = "f", .module = "suture_x_1_1" } };
	struct journal *back = NULL;
	struct error err = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		assert_ok(trouble_take(agent, &report, 100 + i, &err), &err);
	assert_int_equal(agent->journal->n_history, TROUBLE_EVENTS_MAX);
	assert_true(has_event(agent, "warned", ""));
	assert_ok(journal_load(agent->paths.journal, &back, &err), &err);
	assert_int_equal(back->log.next, 100 + TROUBLE_EVENTS_MAX - 1);
	assert_string_equal(back->history[0].message, "WARNING: x, in f [suture_x_1_1]");
	free(back);
	free_agent(agent);
}

static void put(const struct agent *agent, const char *path, const char *text)
{
	_cleanup_free_ char *full = path_join(agent->paths.root, path, NULL);
	_cleanup_free_ char *dir = strdup(full);
	struct error err = { 0 };

	assert_non_null(dir);
	*strrchr(dir, '/') = 0;
	assert_ok(file_make_dirs(dir, 0755, &err), &err);
	assert_ok(file_write_atomic(full, text, strlen(text), 0644, &err), &err);
}

static const struct kernel_report oops_in_patch = {
	.trouble = KERNEL_TROUBLE_OOPS,
	.headline = "divide error: 0000 [#1] SMP",
	.has_place = true,
	.in_livepatch = true,
	.where = { .symbol = "f", .module = "suture_x_1_1" },
};

/* The patch goes even if nothing can be written. */
static void oops_without_a_disk(void **state)
{
	struct agent *agent = make_agent();
	_cleanup_free_ char *path =
		path_join(agent->paths.root, "sys/kernel/livepatch/suture_x_1_1/enabled", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(16);
	struct error err = { 0 };

	(void)state;
	put(agent, "sys/kernel/livepatch/suture_x_1_1/enabled", "1\n");
	put(agent, "sys/kernel/livepatch/suture_x_1_1/transition", "0\n");
	/* Nothing can take the place of a folder. */
	assert_ok(file_make_dirs(agent->paths.journal, 0700, &err), &err);
	/* Whoever waits for the kernel is told to stop. */
	agent->cancel_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_int_equal(trouble_take(agent, &oops_in_patch, 1, &err), -ECANCELED);
	assert_ok(file_read(path, &text, &err), &err);
	assert_int_equal(text.data[0], '0');
	assert_int_equal(agent->journal->step.action, JOURNAL_UNLOAD);
	assert_true(journal_is_quarantined(agent->journal, v11, KERNEL));
	close(agent->cancel_fd);
	free_agent(agent);
}

/* What the patch in the kernel has done is not forgotten by the next check. */
static void crash_is_said(void **state)
{
	struct agent *agent = make_agent();
	struct error err = { 0 };

	(void)state;
	assert_ok(trouble_write_down(agent, &oops_in_patch, 1, &err), &err);
	assert_ok(agent_settle(agent, &err), &err);
	assert_int_equal(agent->journal->state, MACHINE_QUARANTINED);
	assert_string_equal(agent->journal->failure.code, "crashed");
	/* Left in the kernel, as on-oops = report says. */
	agent->journal->n_quarantine = 0;
	assert_ok(agent_settle(agent, &err), &err);
	agent_end(agent, agent_rest(agent), NULL, NULL, NULL);
	assert_int_equal(agent->journal->state, MACHINE_APPLIED);
	assert_string_equal(agent->journal->failure.code, "crashed");
	/* Of a version that is not in the kernel any more. */
	agent->applied.version = v12;
	assert_ok(agent_settle(agent, &err), &err);
	assert_string_equal(agent->journal->failure.code, "");
	free_agent(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endings),
		cmocka_unit_test(runs_its_time),
		cmocka_unit_test(goes_on),
		cmocka_unit_test(power_cut),
		cmocka_unit_test(panic_in_the_watch),
		cmocka_unit_test(file_times),
		cmocka_unit_test(steps),
		cmocka_unit_test(late_evidence),
		cmocka_unit_test(late_evidence_amid_another_watch),
		cmocka_unit_test(one_crash_one_culprit),
		cmocka_unit_test(nowhere_to_write),
		cmocka_unit_test(watch_after_a_failed_resume),
		cmocka_unit_test(whose_trouble),
		cmocka_unit_test(who_gives_way),
		cmocka_unit_test(events_of_the_log),
		cmocka_unit_test(oops_without_a_disk),
		cmocka_unit_test(crash_is_said),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
