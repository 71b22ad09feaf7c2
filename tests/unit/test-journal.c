/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/journal and agent/state. */
#include "unit.h"

#include "agent/journal.h"
#include "agent/state.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define UUID "0f6cbf9a-3b02-4c6a-8f4e-6d0d0a0f9d11"

static struct journal *full_journal(void)
{
	struct journal *j = journal_new();
	struct error why = { 0 };

	assert_non_null(j);
	snprintf(j->machine_id, sizeof(j->machine_id), "%s", UUID);
	snprintf(j->tier, sizeof(j->tier), "stable");
	j->sequence = 41;
	j->time_floor = 1790000000;
	j->state = MACHINE_APPLYING;
	j->step = (struct journal_step){ .action = JOURNAL_LOAD,
					 .version = { 1, 3 },
					 .kernel = "6.1.0-56-amd64",
					 .stopped = true,
					 .module = "suture_x_1_3",
					 .sha256 = HASH,
					 .boot_id = UUID,
					 .length = 30000,
					 .published = 1780000000,
					 .time = 1790000001 };
	j->accepted = (struct journal_accepted){ .present = true,
						 .version = { 1, 2 },
						 .kernel = "6.1.0-56-amd64",
						 .build_id = "0123456789abcdef",
						 .module = "suture_x_1_2",
						 .sha256 = HASH,
						 .length = 29000,
						 .published = 1770000000 };
	j->has_avoid = true;
	j->avoid = (struct patch_version){ 1, 1 };
	j->hold = true;
	j->interrupted = (struct journal_interrupted){
		.present = true, .version = { 1, 3 }, .kernel = "6.1.0-56-amd64", .time = 1790000002
	};
	j->watch = (struct journal_watch){ .present = true,
					   .version = { 1, 2 },
					   .kernel = "6.1.0-56-amd64",
					   .boot_id = UUID,
					   .began_ms = 12345,
					   .carried_ms = 678,
					   .since = 1790000003,
					   .stopped = true,
					   .crashed = true };
	j->interrupted.evidence = (struct journal_evidence){
		.time = 1790000000, .floor = 1780000000, .ids = { "fedcba9876543210" }, .n = 1
	};
	j->evidence = (struct journal_evidence){
		.time = 1790000004, .floor = 1790000000, .ids = { "0123456789abcdef" }, .n = 1
	};
	j->log = (struct journal_log){ .boot_id = UUID, .next = 4711 };
	journal_add_survived(j, (struct patch_version){ 1, 1 }, "6.1.0-56-amd64");
	error_set(&why, ERR_STUCK, "a \"quoted\" message");
	error_hint(&why, "a hint");
	journal_set_failure(j, &why);
	journal_add_quarantine(j, (struct patch_version){ 1, 0 }, "6.1.0-56-amd64", &why);
	journal_add_event(j, "failed", &j->step.version, &why);
	journal_add_event(j, "enabled", NULL, NULL);
	j->history[0].sent = true;
	return j;
}

static void round_trip(void **state)
{
	_cleanup_free_ struct journal *j = full_journal(), *back = NULL;
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "journal.json", NULL);
	struct error err = { 0 };

	(void)state;
	assert_ok(journal_save(j, path, &err), &err);
	assert_ok(journal_load(path, &back, &err), &err);
	assert_memory_equal(j, back, sizeof(*j));
	assert_true(journal_is_interrupted(back, (struct patch_version){ 1, 3 }, "6.1.0-56-amd64"));
	assert_false(
		journal_is_interrupted(back, (struct patch_version){ 1, 3 }, "6.1.0-57-amd64"));
	assert_false(
		journal_is_interrupted(back, (struct patch_version){ 1, 2 }, "6.1.0-56-amd64"));
	assert_true(journal_is_quarantined(back, (struct patch_version){ 1, 0 }, "6.1.0-56-amd64"));
	assert_false(
		journal_is_quarantined(back, (struct patch_version){ 1, 0 }, "6.1.0-57-amd64"));
	assert_false(
		journal_is_quarantined(back, (struct patch_version){ 1, 1 }, "6.1.0-56-amd64"));
	assert_true(journal_is_watched(back, (struct patch_version){ 1, 2 }, "6.1.0-56-amd64"));
	assert_false(journal_is_watched(back, (struct patch_version){ 1, 2 }, "6.1.0-57-amd64"));
	assert_true(journal_has_survived(back, (struct patch_version){ 1, 1 }, "6.1.0-56-amd64"));
	assert_false(journal_has_survived(back, (struct patch_version){ 1, 1 }, "6.1.0-57-amd64"));
	unit_remove_dir(dir);
}

/* As it was before there were watches. */
static void older_is_read(void **state)
{
	static const char text[] =
		"{\"format\":1,\"machine_id\":null,\"tier\":null,\"sequence\":0,\"time_floor\":"
		"\"1970-01-01T00:00:00Z\",\"state\":\"unapplied\",\"step\":null,\"accepted\":null,"
		"\"avoid\":null,\"hold\":false,\"interrupted\":null,\"quarantine\":[],\"error\":null,"
		"\"history\":[]}";
	_cleanup_free_ struct journal *j = NULL, *empty = journal_new();
	struct error err = { 0 };

	(void)state;
	assert_ok(journal_parse(text, strlen(text), &j, &err), &err);
	assert_memory_equal(j, empty, sizeof(*j));
}

static void forgiven(void **state)
{
	_cleanup_free_ struct journal *j = full_journal();
	struct patch_version v13 = { 1, 3 }, v10 = { 1, 0 };

	(void)state;
	assert_false(journal_forgive(j, v10, "6.1.0-57-amd64"));
	assert_true(journal_forgive(j, v10, "6.1.0-56-amd64"));
	assert_int_equal(j->n_quarantine, 0);
	assert_true(j->interrupted.present);
	assert_true(journal_forgive(j, v13, "6.1.0-56-amd64"));
	assert_false(j->interrupted.present);
	assert_false(journal_forgive(j, v13, "6.1.0-56-amd64"));
}

/* After its watch, an oops; then the owner wants it tried again. */
static void quarantined_is_watched_again(void **state)
{
	_cleanup_free_ struct journal *j = journal_new();
	struct patch_version v10 = { 1, 0 }, v11 = { 1, 1 };
	struct error why = { 0 };

	(void)state;
	error_set(&why, ERR_CRASHED, "oops");
	journal_add_survived(j, v10, "6.1.0-56-amd64");
	journal_add_survived(j, v11, "6.1.0-56-amd64");
	journal_add_survived(j, v11, "6.1.0-57-amd64");
	journal_add_quarantine(j, v11, "6.1.0-56-amd64", &why);
	assert_true(journal_forgive(j, v11, "6.1.0-56-amd64"));
	assert_false(journal_has_survived(j, v11, "6.1.0-56-amd64"));
	assert_true(journal_has_survived(j, v11, "6.1.0-57-amd64"));
	assert_true(journal_has_survived(j, v10, "6.1.0-56-amd64"));
}

static void missing_is_empty(void **state)
{
	_cleanup_free_ struct journal *j = NULL;
	struct error err = { 0 };

	(void)state;
	assert_ok(journal_load("/nonexistent/journal.json", &j, &err), &err);
	assert_int_equal(j->state, MACHINE_UNAPPLIED);
	assert_string_equal(j->machine_id, "");
}

/* A journal that was cut, or in which one field is wrong, is refused as a whole. */
static void damaged_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
		int code;
	} cases[] = {
		{ "\"format\": 1", "\"format\": 2", ERR_UNSUPPORTED },
		{ "\"state\": \"applying\"", "\"state\": \"asleep\"", ERR_INVALID },
		/* Two truths that do not go together. */
		{ "\"state\": \"applying\"", "\"state\": \"applied\"", ERR_BAD_STATE },
		{ "\"action\": \"load\"", "\"action\": \"jump\"", ERR_INVALID },
		{ "\"version\": \"1.3\"", "\"version\": \"1\"", ERR_INVALID },
		{ "suture_x_1_3", "../suture_x_", ERR_INVALID },
		{ "\"sequence\": 41", "\"sequence\": -1", ERR_INVALID },
		{ UUID, "0f6cbf9a-3b02-4c6a-8f4e-6d0d0a0f9dzz", ERR_INVALID },
		{ "\"kernel\": \"6.1.0-56-amd64\"", "\"kernel\": \"../x\"", ERR_INVALID },
		{ "\"stopped\": true", "\"stopped\": 1", ERR_INVALID },
		{ "\"interrupted\": {", "\"interrupted\": 1, \"x\": {", ERR_INVALID },
		{ "\"began_ms\": 12345", "\"began_ms\": -1", ERR_INVALID },
		{ "\"crashed\": true", "\"crashed\": 1", ERR_INVALID },
		{ "0123456789abcdef\"\n", "0123456789ABCDEF\"\n", ERR_INVALID },
		{ "\"next\": 4711", "\"next\": \"x\"", ERR_INVALID },
		{ "\"survived\": [", "\"survived\": [1, ", ERR_INVALID },
		{ "\"tier\": \"stable\"", "\"tier\": \"Stable\"", ERR_INVALID },
	};
	_cleanup_free_ struct journal *j = full_journal();
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "journal.json", NULL);
	_cleanup_buf_ struct buf good = BUF_INIT(JOURNAL_FILE_MAX);
	struct journal *back = NULL;
	struct error err = { 0 };

	(void)state;
	assert_ok(journal_save(j, path, &err), &err);
	assert_ok(file_read(path, &good, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf bad = BUF_INIT(JOURNAL_FILE_MAX);
		const char *text = buf_str(&good), *at = strstr(text, cases[i].from);

		assert_non_null(at);
		assert_int_equal(buf_append(&bad, text, (size_t)(at - text)), 0);
		assert_int_equal(buf_append_str(&bad, cases[i].to), 0);
		assert_int_equal(buf_append_str(&bad, at + strlen(cases[i].from)), 0);
		if (journal_parse(bad.data, bad.len, &back, &err) != cases[i].code)
			fail_msg("%s: %d %s", cases[i].to, err.code, err.message);
	}
	for (size_t len = 0; len + 2 < good.len; len += 7)
		assert_true(journal_parse(good.data, len, &back, NULL) < 0);
	assert_null(back);
	unit_remove_dir(dir);
}

static void saving_checks_first(void **state)
{
	_cleanup_free_ struct journal *j = full_journal();
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "journal.json", NULL);
	struct error err = { 0 };

	(void)state;
	j->step.action = JOURNAL_NONE;
	assert_int_equal(journal_save(j, path, &err), ERR_BAD_STATE);
	assert_false(file_exists(path));
	unit_remove_dir(dir);
}

static void bounded(void **state)
{
	_cleanup_free_ struct journal *j = journal_new();
	struct error why = { 0 };
	char longest[ERROR_MESSAGE_MAX];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	error_set(&why, ERR_HASH, "%s", longest);
	for (unsigned int i = 0; i < 300; i++) {
		struct patch_version v = { 1, i }, other = { 2, i };

		journal_add_event(j, "failed", &v, &why);
		journal_add_quarantine(j, v, "6.1.0", &why);
		journal_add_quarantine(j, v, "6.1.0", &why);
		journal_add_survived(j, other, "6.1.0");
		journal_add_survived(j, other, "6.1.0");
	}
	assert_int_equal(j->n_history, JOURNAL_HISTORY);
	assert_int_equal(j->history[0].version.minor, 300 - JOURNAL_HISTORY);
	assert_int_equal(j->n_quarantine, JOURNAL_QUARANTINE);
	assert_int_equal(j->quarantine[JOURNAL_QUARANTINE - 1].version.minor, 299);
	assert_int_equal(j->quarantine[0].version.minor, 300 - JOURNAL_QUARANTINE);
	assert_int_equal(j->n_survived, JOURNAL_SURVIVED);
	assert_int_equal(j->survived[0].version.minor, 300 - JOURNAL_SURVIVED);
	assert_int_equal(strlen(j->history[0].message), JOURNAL_MESSAGE_MAX - 1);
}

static void transitions(void **state)
{
	(void)state;
	/* Nothing is loaded that was not verified, and no state appears from nowhere. */
	assert_false(state_may_follow(MACHINE_UNAPPLIED, MACHINE_APPLYING));
	assert_false(state_may_follow(MACHINE_UNAPPLIED, MACHINE_APPLIED));
	assert_false(state_may_follow(MACHINE_DOWNLOADING, MACHINE_APPLYING));
	assert_false(state_may_follow(MACHINE_REVERTED, MACHINE_APPLYING));
	assert_false(state_may_follow(MACHINE_REVERTED, MACHINE_APPLIED));
	assert_true(state_may_follow(MACHINE_UNAPPLIED, MACHINE_DOWNLOADING));
	assert_true(state_may_follow(MACHINE_DOWNLOADING, MACHINE_VERIFYING));
	assert_true(state_may_follow(MACHINE_VERIFYING, MACHINE_APPLYING));
	assert_true(state_may_follow(MACHINE_APPLYING, MACHINE_APPLIED));
	assert_true(state_may_follow(MACHINE_APPLIED, MACHINE_APPLYING));
	/* After a crash in its watch, found at the next start; and after an oops, out of the
	 * kernel. */
	assert_true(state_may_follow(MACHINE_APPLIED, MACHINE_QUARANTINED));
	assert_true(state_may_follow(MACHINE_APPLYING, MACHINE_QUARANTINED));
	assert_true(state_may_follow(MACHINE_QUARANTINED, MACHINE_UNAPPLIED));
	for (int i = 0; i < MACHINE_STATES; i++)
		assert_true(state_may_follow((enum machine_state)i, (enum machine_state)i));
	assert_true(state_is_busy(MACHINE_VERIFYING) && !state_is_busy(MACHINE_FAILED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(older_is_read),
		cmocka_unit_test(forgiven),
		cmocka_unit_test(quarantined_is_watched_again),
		cmocka_unit_test(missing_is_empty),
		cmocka_unit_test(damaged_is_refused),
		cmocka_unit_test(saving_checks_first),
		cmocka_unit_test(bounded),
		cmocka_unit_test(transitions),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
