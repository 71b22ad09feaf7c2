/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/status, agent/schedule and agent/settings; cli/render of what agent/status writes. */
#include "unit.h"

#include "agent/schedule.h"
#include "agent/settings.h"
#include "agent/status.h"

static void exit_priority(void **state)
{
	static const struct {
		struct status_facts facts;
		int exit_status;
	} cases[] = {
		/* Everything at once: not enabled comes first. */
		{ { false, KERNEL_NO, true, MACHINE_FAILED, false, false }, 3 },
		{ { true, KERNEL_NO, true, MACHINE_FAILED, false, false }, 7 },
		{ { true, KERNEL_YES, true, MACHINE_FAILED, false, false }, 8 },
		{ { true, KERNEL_YES, false, MACHINE_FAILED, true, false }, 6 },
		{ { true, KERNEL_YES, false, MACHINE_REFUSED, true, false }, 6 },
		{ { true, KERNEL_YES, false, MACHINE_QUARANTINED, true, false }, 6 },
		{ { true, KERNEL_YES, false, MACHINE_APPLYING, true, false }, 5 },
		{ { true, KERNEL_YES, false, MACHINE_DOWNLOADING, false, false }, 5 },
		{ { true, KERNEL_YES, false, MACHINE_APPLIED, true, false }, 4 },
		{ { true, KERNEL_YES, false, MACHINE_REVERTED, false, true }, 4 },
		{ { true, KERNEL_YES, false, MACHINE_APPLIED, true, true }, 0 },
		{ { true, KERNEL_YES, false, MACHINE_UNAPPLIED, false, true }, 0 },
		/* After a boot without a network: the accepted patch protects. */
		{ { true, KERNEL_UNKNOWN, false, MACHINE_APPLIED, true, true }, 0 },
		{ { true, KERNEL_UNKNOWN, false, MACHINE_UNAPPLIED, false, true }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (status_exit(&cases[i].facts) != cases[i].exit_status)
			fail_msg("case %zu: %d", i, status_exit(&cases[i].facts));
}

static struct agent *make_agent(const char *root)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	struct error err = { 0 };

	assert_non_null(agent);
	assert_ok(settings_paths_init(&agent->paths, root, &err), &err);
	assert_ok(config_load(agent->paths.config, settings_keys, &agent->config, &err), &err);
	assert_ok(file_make_dirs(agent->paths.run, 0755, &err), &err);
	agent->journal = journal_new();
	agent->covered = KERNEL_UNKNOWN;
	agent->lock_fd = -1;
	snprintf(agent->facts.release, sizeof(agent->facts.release), "6.1.0-56-amd64");
	return agent;
}

static void written(void **state)
{
	char *root = unit_make_dir();
	struct agent *agent = make_agent(root);
	_cleanup_json_ json_t *status = NULL;
	struct error err = { 0 };

	(void)state;
	assert_ok(status_publish(agent, &err), &err);
	assert_ok(json_load_path(agent->paths.status, 100000, &status, &err), &err);
	assert_false(json_is_true(json_object_get(status, "enabled")));
	assert_true(json_is_null(json_object_get(status, "version")));
	assert_true(json_is_null(json_object_get(status, "covered")));
	assert_string_equal(json_string_value(json_object_get(status, "state")), "unapplied");
	assert_string_equal(json_string_value(json_object_get(status, "kernel")), "6.1.0-56-amd64");
	assert_int_equal(json_integer_value(json_object_get(status, "exit_status")), 3);
	agent_free(agent);
	unit_remove_dir(root);
}

/* A commit that cannot be written leaves the journal as it was, but an attempt ends all the same.
 */
static void commits(void **state)
{
	char *root = unit_make_dir();
	struct agent *agent = make_agent(root);
	struct journal *draft;
	struct error err = { 0 };

	(void)state;
	assert_ok(file_make_dirs(agent->paths.state, 0700, &err), &err);
	assert_int_equal(agent_move(agent, MACHINE_APPLIED, NULL, NULL, NULL, &err), ERR_BAD_STATE);
	assert_int_equal(agent->journal->state, MACHINE_UNAPPLIED);
	assert_false(file_exists(agent->paths.journal));
	assert_ok(agent_move(agent, MACHINE_VERIFYING, "verifying", NULL, NULL, &err), &err);
	assert_int_equal(agent->journal->state, MACHINE_VERIFYING);
	assert_ok(agent_settle(agent, &err), &err);
	assert_int_equal(agent->journal->state, MACHINE_UNAPPLIED);

	assert_ok(agent_move(agent, MACHINE_VERIFYING, NULL, NULL, NULL, &err), &err);
	assert_ok(file_remove_tree(agent->paths.state, &err), &err);
	draft = agent_draft(agent, &err);
	draft->hold = true;
	assert_true(agent_commit(agent, draft, &err) < 0);
	assert_false(agent->journal->hold);
	assert_int_equal(agent->journal->state, MACHINE_VERIFYING);
	agent_end(agent, MACHINE_FAILED, "failed", NULL, &err);
	assert_int_equal(agent->journal->state, MACHINE_FAILED);
	assert_string_equal(agent->journal->failure.message, err.message);
	err = (struct error){ 0 };
	assert_true(agent_move(agent, MACHINE_VERIFYING, NULL, NULL, NULL, &err) < 0);
	assert_int_not_equal(err.code, ERR_BAD_STATE);
	agent_end(agent, agent_rest(agent), NULL, NULL, NULL);
	assert_int_equal(agent->journal->state, MACHINE_UNAPPLIED);
	assert_string_equal(agent->journal->failure.code, "");
	agent_free(agent);
	unit_remove_dir(root);
}

/* While a step is open no other attempt's end changes anything, so that its own can be written. */
static void open_step(void **state)
{
	char *root = unit_make_dir();
	struct agent *agent = make_agent(root);
	struct error why = { .code = ERR_EXPIRED, .message = "too old" }, err = { 0 };
	struct journal *draft;

	(void)state;
	assert_ok(file_make_dirs(agent->paths.state, 0700, &err), &err);
	assert_ok(agent_move(agent, MACHINE_VERIFYING, NULL, NULL, NULL, &err), &err);
	draft = agent_draft(agent, &err);
	draft->state = MACHINE_APPLYING;
	draft->step.action = JOURNAL_LOAD;
	snprintf(draft->step.module, sizeof(draft->step.module), "suture_1_1");
	assert_ok(agent_commit(agent, draft, &err), &err);
	agent_end(agent, MACHINE_REFUSED, "refused", NULL, &why);
	assert_int_equal(agent->journal->state, MACHINE_APPLYING);
	assert_int_equal(agent->journal->n_history, 0);
	draft = agent_draft(agent, &err);
	draft->state = MACHINE_REFUSED;
	agent_commit_done(agent, draft);
	assert_int_equal(agent->journal->state, MACHINE_APPLYING);

	draft = agent_draft(agent, &err);
	draft->hold = true;
	assert_ok(agent_commit(agent, draft, &err), &err);
	draft = agent_draft(agent, &err);
	draft->state = MACHINE_FAILED;
	draft->step = (struct journal_step){ 0 };
	agent_commit_done(agent, draft);
	assert_int_equal(agent->journal->state, MACHINE_FAILED);
	assert_ok(agent_move(agent, MACHINE_VERIFYING, NULL, NULL, NULL, &err), &err);
	agent_free(agent);
	unit_remove_dir(root);
}

static void schedule(void **state)
{
	struct schedule s = { 0 };

	(void)state;
	assert_int_equal(schedule_next_ms(&s, 1000, 0), 3600 * 1000);
	assert_int_equal(schedule_next_ms(&s, 1000, 600), 600 * 1000);
	schedule_note(&s, 1000, true, false);
	assert_int_equal(schedule_next_ms(&s, 1000, 600), 15 * 1000);
	schedule_note(&s, 1000, true, false);
	assert_int_equal(schedule_next_ms(&s, 1000, 600), 30 * 1000);
	for (int i = 0; i < 100; i++)
		schedule_note(&s, 1000, true, false);
	assert_int_equal(schedule_next_ms(&s, 1000, 600), 600 * 1000);
	schedule_note(&s, 1000, false, true);
	assert_int_equal(schedule_next_ms(&s, 1000, 3600), 60 * 1000);
	assert_int_equal(schedule_next_ms(&s, 1000 + 60000, 3600), 240 * 1000);
	assert_int_equal(schedule_next_ms(&s, 1000 + 3600 * 1000, 3600), 3600 * 1000);
}

static void settings(void **state)
{
	struct settings_paths paths;
	struct error err = { 0 };

	(void)state;
	assert_ok(settings_paths_init(&paths, "/tmp/x/", &err), &err);
	assert_string_equal(paths.root, "/tmp/x");
	assert_string_equal(paths.journal, "/tmp/x/var/lib/suture/journal.json");
	settings_paths_clear(&paths);
	assert_ok(settings_paths_init(&paths, NULL, &err), &err);
	assert_string_equal(paths.root, "");
	assert_string_equal(paths.control, "/run/suture/control.sock");
	settings_paths_clear(&paths);
	assert_int_equal(settings_paths_init(&paths, "x", &err), ERR_INVALID);
	settings_paths_clear(&paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_priority), cmocka_unit_test(written),
		cmocka_unit_test(commits),       cmocka_unit_test(schedule),
		cmocka_unit_test(settings),      cmocka_unit_test(open_step),
	};

	return cmocka_run_group_tests_name("agent-status", tests, NULL, NULL);
}
