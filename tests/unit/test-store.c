/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The test suite of the store interface. A second database becomes a second group over the same
 * cases. */
#include "unit.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "server/store/store.h"

#define NOW INT64_C(1795000000)

static int open_sqlite(const char *dir, struct store **ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, "suture.db", NULL);

	return store_open_sqlite(path, ret, err);
}

struct world {
	char *dir;
	int (*open)(const char *dir, struct store **ret, struct error *err);
	struct store *store;
	struct error err;
};

#define OK(expression, w) assert_ok(expression, &(w)->err)

static void reopen(struct world *w)
{
	store_close(TAKE_PTR(w->store));
	OK(w->open(w->dir, &w->store, &w->err), w);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->dir = unit_make_dir();
	w->open = open_sqlite;
	OK(w->open(w->dir, &w->store, &w->err), w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	store_close(w->store);
	unit_remove_dir(w->dir);
	free(w);
	return 0;
}

static struct store_token a_token(const char *id, uint8_t secret, int64_t uses)
{
	struct store_token token = {
		.uses = uses, .created = NOW, .expires = NOW + 100, .note = "rack 7"
	};

	snprintf(token.id, sizeof(token.id), "%s", id);
	memset(token.secret_sha256, secret, SHA256_LEN);
	return token;
}

static struct store_machine a_machine(unsigned number)
{
	struct store_machine machine = {
		.hostname = "web-1",
		.facts = { "0.1.0", "6.1.0-41-amd64", "0123456789abcdef", "stable" },
		.enrolled = NOW,
	};

	snprintf(machine.id, sizeof(machine.id), "00000000-0000-4000-8000-%012u", number);
	return machine;
}

static struct store_certificate a_certificate(unsigned number)
{
	struct store_certificate certificate = { .not_after = NOW + 1000 };

	memcpy(certificate.sha256, &number, sizeof(number));
	return certificate;
}

/* Adds machine `number`, through a token of its own. */
static struct store_machine add_machine(struct world *w, unsigned number)
{
	struct store_machine machine = a_machine(number);
	struct store_certificate certificate = a_certificate(number);
	char id[17];
	struct store_token token;

	snprintf(id, sizeof(id), "%016x", number);
	token = a_token(id, 0, 1);
	memcpy(token.secret_sha256 + 8, &number, sizeof(number));
	OK(store_token_add(w->store, &token, &w->err), w);
	OK(store_enrol(w->store, token.secret_sha256, &machine, &certificate, &w->err), w);
	return machine;
}

static struct check_in_request a_report(int64_t sequence)
{
	return (struct check_in_request){
		.sequence = sequence,
		.facts = { "0.1.1", "6.1.0-42-amd64", "fedcba9876543210", "edge" },
		.boot_id = "01234567-89ab-4def-8123-456789abcdef",
		.uptime = 77,
		.state = MACHINE_FAILED,
		.version = "1.1",
		.error_code = "stuck",
		.error_message = "went nowhere",
		.code_check = CODE_CHECK_EQUAL,
		.hold = true,
	};
}

static void tokens_are_kept(void **state)
{
	struct world *w = *state;
	struct store_token token = a_token("00000000000000aa", 7, 3), *list;
	size_t n;

	OK(store_token_add(w->store, &token, &w->err), w);
	assert_int_equal(store_token_add(w->store, &token, NULL), ERR_EXISTS);
	reopen(w);
	OK(store_token_list(w->store, "", &list, &n, &w->err), w);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].id, token.id);
	assert_memory_equal(list[0].secret_sha256, token.secret_sha256, SHA256_LEN);
	assert_int_equal(list[0].uses, 3);
	assert_int_equal(list[0].used, 0);
	assert_int_equal(list[0].created, NOW);
	assert_int_equal(list[0].expires, NOW + 100);
	assert_false(list[0].revoked);
	assert_string_equal(list[0].note, "rack 7");
	free(list);
	OK(store_token_list(w->store, token.id, &list, &n, &w->err), w);
	assert_int_equal(n, 0);
	assert_null(list);
}

static void tokens_end(void **state)
{
	struct world *w = *state;
	struct store_token token = a_token("00000000000000aa", 7, 1);
	struct store_machine machine = a_machine(1);
	struct store_certificate certificate = a_certificate(1);
	uint8_t other[SHA256_LEN];

	/* Only the last byte differs: the index alone would find it. */
	memset(other, 7, sizeof(other));
	other[SHA256_LEN - 1] = 8;
	OK(store_token_add(w->store, &token, &w->err), w);
	OK(store_token_check(w->store, token.secret_sha256, NOW, &w->err), w);
	OK(store_token_check(w->store, token.secret_sha256, NOW + 99, &w->err), w);
	assert_int_equal(store_token_check(w->store, token.secret_sha256, NOW + 100, NULL),
			 ERR_DENIED);
	assert_int_equal(store_token_check(w->store, other, NOW, NULL), ERR_DENIED);
	assert_int_equal(store_enrol(w->store, other, &machine, &certificate, NULL), ERR_DENIED);
	OK(store_enrol(w->store, token.secret_sha256, &machine, &certificate, &w->err), w);
	assert_int_equal(store_token_check(w->store, token.secret_sha256, NOW, NULL), ERR_DENIED);
	machine = a_machine(2);
	certificate = a_certificate(2);
	assert_int_equal(store_enrol(w->store, token.secret_sha256, &machine, &certificate, NULL),
			 ERR_DENIED);
	assert_int_equal(store_machine_get(w->store, machine.id, &machine, NULL), ERR_NOT_FOUND);
}

static void every_refusal_says_the_same(void **state)
{
	struct world *w = *state;
	struct store_token token = a_token("00000000000000aa", 7, 1);
	struct error unknown = { 0 }, expired = { 0 }, revoked = { 0 };
	uint8_t other[SHA256_LEN] = { 1 };

	OK(store_token_add(w->store, &token, &w->err), w);
	store_token_check(w->store, other, NOW, &unknown);
	store_token_check(w->store, token.secret_sha256, NOW + 100, &expired);
	OK(store_token_revoke(w->store, token.id, &w->err), w);
	OK(store_token_revoke(w->store, token.id, &w->err), w);
	assert_int_equal(store_token_check(w->store, token.secret_sha256, NOW, &revoked),
			 ERR_DENIED);
	assert_string_equal(unknown.message, expired.message);
	assert_string_equal(unknown.message, revoked.message);
	assert_int_equal(store_token_revoke(w->store, "00000000000000bb", NULL), ERR_NOT_FOUND);
}

static void enrolment_is_one_step(void **state)
{
	struct world *w = *state;
	struct store_token token = a_token("00000000000000aa", 7, 2), *list;
	struct store_machine machine = a_machine(1), found;
	struct store_certificate certificate = a_certificate(1);
	size_t n;

	OK(store_token_add(w->store, &token, &w->err), w);
	OK(store_enrol(w->store, token.secret_sha256, &machine, &certificate, &w->err), w);
	/* The same certificate for another machine: nothing of it may stay. */
	machine = a_machine(2);
	assert_int_equal(store_enrol(w->store, token.secret_sha256, &machine, &certificate, NULL),
			 ERR_EXISTS);
	assert_int_equal(store_machine_get(w->store, machine.id, &found, NULL), ERR_NOT_FOUND);
	OK(store_token_list(w->store, "", &list, &n, &w->err), w);
	assert_int_equal(list[0].used, 1);
	free(list);
	/* It may have expired since it was checked. */
	certificate = a_certificate(2);
	machine.enrolled = token.expires;
	assert_int_equal(store_enrol(w->store, token.secret_sha256, &machine, &certificate, NULL),
			 ERR_DENIED);
}

static void machines_are_found(void **state)
{
	struct world *w = *state;
	struct store_machine machine = add_machine(w, 5), found;
	struct store_certificate certificate = a_certificate(5), other = a_certificate(6);

	reopen(w);
	OK(store_machine_by_certificate(w->store, certificate.sha256, &found, &w->err), w);
	assert_string_equal(found.id, machine.id);
	assert_string_equal(found.hostname, "web-1");
	assert_memory_equal(&found.facts, &machine.facts, sizeof(found.facts));
	assert_int_equal(found.state, MACHINE_UNAPPLIED);
	assert_string_equal(found.version, "");
	assert_int_equal(found.sequence, 0);
	assert_int_equal(found.enrolled, NOW);
	assert_int_equal(found.last_check_in, 0);
	assert_int_equal(store_machine_by_certificate(w->store, other.sha256, &found, NULL),
			 ERR_NOT_FOUND);
}

static void reports_are_kept(void **state)
{
	struct world *w = *state;
	struct store_machine machine = add_machine(w, 5), found;
	struct check_in_request report = a_report(3);

	OK(store_check_in(w->store, machine.id, &report, "1.2", NOW + 9, &w->err), w);
	reopen(w);
	OK(store_machine_get(w->store, machine.id, &found, &w->err), w);
	assert_memory_equal(&found.facts, &report.facts, sizeof(found.facts));
	assert_int_equal(found.state, MACHINE_FAILED);
	assert_string_equal(found.version, "1.1");
	assert_string_equal(found.granted, "1.2");
	assert_string_equal(found.error_code, "stuck");
	assert_string_equal(found.error_message, "went nowhere");
	assert_int_equal(found.code_check, CODE_CHECK_EQUAL);
	assert_true(found.hold);
	assert_string_equal(found.boot_id, report.boot_id);
	assert_int_equal(found.uptime, 77);
	assert_int_equal(found.sequence, 3);
	assert_int_equal(found.last_check_in, NOW + 9);
	assert_int_equal(found.enrolled, NOW);
}

static void sequences_rise(void **state)
{
	struct world *w = *state;
	struct store_machine machine = add_machine(w, 5), found;
	struct check_in_request report = a_report(3);

	OK(store_check_in(w->store, machine.id, &report, "", NOW, &w->err), w);
	report.uptime = 99;
	assert_int_equal(store_check_in(w->store, machine.id, &report, "", NOW, NULL),
			 ERR_BAD_STATE);
	report.sequence = 2;
	assert_int_equal(store_check_in(w->store, machine.id, &report, "", NOW, NULL),
			 ERR_BAD_STATE);
	OK(store_machine_get(w->store, machine.id, &found, &w->err), w);
	assert_int_equal(found.uptime, 77);
	report.sequence = 4;
	OK(store_check_in(w->store, machine.id, &report, "", NOW, &w->err), w);
	assert_int_equal(store_check_in(w->store, a_machine(6).id, &report, "", NOW, NULL),
			 ERR_NOT_FOUND);
}

static void events_are_bounded(void **state)
{
	struct world *w = *state;
	struct store_machine machine = add_machine(w, 5), other = add_machine(w, 6);
	struct check_in_event events[CHECK_IN_EVENTS_MAX] = { 0 }, *list;
	size_t n;

	for (int64_t i = 1; i <= STORE_EVENTS_MAX / CHECK_IN_EVENTS_MAX + 2; i++) {
		struct check_in_request report = a_report(i);

		for (size_t k = 0; k < CHECK_IN_EVENTS_MAX; k++) {
			events[k].time = i * 100 + (int64_t)k;
			strncpy(events[k].event, "applied", CODE_MAX);
			strncpy(events[k].version, "1.1", PATCH_VERSION_MAX - 1);
		}
		report.events = events;
		report.n_events = CHECK_IN_EVENTS_MAX;
		OK(store_check_in(w->store, machine.id, &report, "", NOW, &w->err), w);
		report.n_events = 1;
		OK(store_check_in(w->store, other.id, &report, "", NOW, &w->err), w);
	}
	OK(store_event_list(w->store, machine.id, 10000, &list, &n, &w->err), w);
	assert_int_equal(n, STORE_EVENTS_MAX);
	assert_int_equal(list[0].time, 1800 + 31);
	assert_string_equal(list[0].event, "applied");
	assert_string_equal(list[0].version, "1.1");
	assert_string_equal(list[0].code, "");
	assert_int_equal(list[n - 1].time, 300);
	free(list);
	OK(store_event_list(w->store, other.id, 3, &list, &n, &w->err), w);
	assert_int_equal(n, 3);
	free(list);
	OK(store_event_list(w->store, other.id, 0, &list, &n, &w->err), w);
	assert_int_equal(n, 0);
}

static void forgotten_is_forgotten(void **state)
{
	struct world *w = *state;
	struct store_machine machine = add_machine(w, 5), found;
	struct store_certificate certificate = a_certificate(5);
	struct check_in_event event = { .time = NOW, .event = "applied" }, *list;
	struct check_in_request report = a_report(1);
	int64_t count;
	size_t n;

	report.events = &event;
	report.n_events = 1;
	OK(store_check_in(w->store, machine.id, &report, "", NOW, &w->err), w);
	OK(store_machine_count(w->store, &count, &w->err), w);
	assert_int_equal(count, 1);
	OK(store_machine_forget(w->store, machine.id, &w->err), w);
	assert_int_equal(store_machine_forget(w->store, machine.id, NULL), ERR_NOT_FOUND);
	assert_int_equal(store_machine_by_certificate(w->store, certificate.sha256, &found, NULL),
			 ERR_NOT_FOUND);
	OK(store_event_list(w->store, machine.id, 10, &list, &n, &w->err), w);
	assert_int_equal(n, 0);
	report.sequence = 2;
	assert_int_equal(store_check_in(w->store, machine.id, &report, "", NOW, NULL),
			 ERR_NOT_FOUND);
	OK(store_machine_count(w->store, &count, &w->err), w);
	assert_int_equal(count, 0);
}

static void lists_come_in_pages(void **state)
{
	struct world *w = *state;
	struct store_machine *list;
	char last[UUID_LEN + 1] = "";
	size_t n, all = 0;

	for (unsigned i = 0; i < STORE_LIST_MAX + 3; i++)
		add_machine(w, i);
	for (int page = 0; page < 3; page++) {
		OK(store_machine_list(w->store, last, &list, &n, &w->err), w);
		assert_int_equal(n, page == 0 ? STORE_LIST_MAX : page == 1 ? 3 : 0);
		for (size_t i = 0; i < n; i++) {
			assert_true(strcmp(list[i].id, last) > 0);
			memcpy(last, list[i].id, sizeof(last));
		}
		all += n;
		free(list);
	}
	assert_int_equal(all, STORE_LIST_MAX + 3);
}

static void users_and_sessions(void **state)
{
	struct world *w = *state;
	uint8_t one[SHA256_LEN] = { 1 }, two[SHA256_LEN] = { 2 };
	char hash[STORE_HASH_MAX + 1], user[STORE_USER_MAX + 1];
	int64_t count;

	OK(store_user_count(w->store, &count, &w->err), w);
	assert_int_equal(count, 0);
	OK(store_user_set(w->store, "admin", "hash 1", &w->err), w);
	OK(store_user_set(w->store, "admin", "hash 2", &w->err), w);
	OK(store_user_count(w->store, &count, &w->err), w);
	assert_int_equal(count, 1);
	OK(store_user_get(w->store, "admin", hash, &w->err), w);
	assert_string_equal(hash, "hash 2");
	assert_int_equal(store_user_get(w->store, "nobody", hash, NULL), ERR_NOT_FOUND);
	OK(store_session_add(w->store, one, "admin", NOW, NOW + 10, &w->err), w);
	reopen(w);
	OK(store_session_get(w->store, one, NOW + 9, user, &w->err), w);
	assert_string_equal(user, "admin");
	assert_int_equal(store_session_get(w->store, one, NOW + 10, user, NULL), ERR_DENIED);
	assert_int_equal(store_session_get(w->store, two, NOW, user, NULL), ERR_DENIED);
	/* A new login sweeps the ended ones out. */
	OK(store_session_add(w->store, two, "admin", NOW + 10, NOW + 20, &w->err), w);
	assert_int_equal(store_session_get(w->store, one, NOW, user, NULL), ERR_DENIED);
	OK(store_session_remove(w->store, two, &w->err), w);
	OK(store_session_remove(w->store, two, &w->err), w);
	assert_int_equal(store_session_get(w->store, two, NOW + 10, user, NULL), ERR_DENIED);
}

static void text_is_only_text(void **state)
{
	struct world *w = *state;
	struct store_token token = a_token("00000000000000aa", 7, 1), *list;
	size_t n;

	strncpy(token.note, "'); DROP TABLE token; --", STORE_NOTE_MAX);
	OK(store_token_add(w->store, &token, &w->err), w);
	OK(store_token_list(w->store, "", &list, &n, &w->err), w);
	assert_string_equal(list[0].note, token.note);
	free(list);
	assert_int_equal(store_token_revoke(w->store, "' OR 1 --", NULL), ERR_NOT_FOUND);
}

struct racer {
	struct world *w;
	unsigned first;
	unsigned enrolled;
};

static void *race(void *argument)
{
	struct racer *racer = argument;
	struct store_token token = a_token("00000000000000aa", 7, 10);

	for (unsigned i = 0; i < 10; i++) {
		struct store_machine machine = a_machine(racer->first + i);
		struct store_certificate certificate = a_certificate(racer->first + i);

		if (store_enrol(racer->w->store, token.secret_sha256, &machine, &certificate,
				NULL) == 0)
			racer->enrolled++;
	}
	return NULL;
}

static void a_token_is_not_overspent(void **state)
{
	struct world *w = *state;
	struct store_token token = a_token("00000000000000aa", 7, 10);
	struct racer racers[4];
	pthread_t threads[4];
	unsigned enrolled = 0;

	OK(store_token_add(w->store, &token, &w->err), w);
	for (unsigned i = 0; i < 4; i++) {
		racers[i] = (struct racer){ w, 100 * i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		enrolled += racers[i].enrolled;
	}
	assert_int_equal(enrolled, 10);
}

/* What only SQLite has. */

static void execute(const char *dir, const char *sql)
{
	_cleanup_free_ char *path = path_join(dir, "suture.db", NULL);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int count_rows(void *user, int n _unused_, char **values, char **names _unused_)
{
	*(long *)user = strtol(values[0], NULL, 10);
	return 0;
}

/* A listing is cut to the maximum anyway: what counts is that the rows are gone. */
static void sqlite_prunes_events(void **state)
{
	struct world *w = *state;
	struct store_machine machine = add_machine(w, 5);
	struct check_in_event events[CHECK_IN_EVENTS_MAX] = { 0 };
	_cleanup_free_ char *path = path_join(w->dir, "suture.db", NULL);
	sqlite3 *db;
	long rows = 0;

	for (int64_t i = 1; i <= STORE_EVENTS_MAX / CHECK_IN_EVENTS_MAX + 2; i++) {
		struct check_in_request report = a_report(i);

		report.events = events;
		report.n_events = CHECK_IN_EVENTS_MAX;
		OK(store_check_in(w->store, machine.id, &report, "", NOW, &w->err), w);
	}
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "SELECT count(*) FROM event", count_rows, &rows, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(rows, STORE_EVENTS_MAX);
}

static void sqlite_newer_schema(void **state)
{
	struct world *w = *state;

	store_close(TAKE_PTR(w->store));
	execute(w->dir, "UPDATE schema SET version = version + 1");
	assert_int_equal(w->open(w->dir, &w->store, &w->err), ERR_UNSUPPORTED);
	assert_null(w->store);
	execute(w->dir, "UPDATE schema SET version = version - 1");
	OK(w->open(w->dir, &w->store, &w->err), w);
}

static void sqlite_files(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *path = path_join(w->dir, "suture.db", NULL);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_close(TAKE_PTR(w->store));
	OK(file_write_atomic(path, "this is no database, whatever its name says", 43, 0600,
			     &w->err),
	   w);
	assert_true(w->open(w->dir, &w->store, &w->err) < 0);
	assert_null(w->store);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(tokens_are_kept),
		CASE(tokens_end),
		CASE(every_refusal_says_the_same),
		CASE(enrolment_is_one_step),
		CASE(machines_are_found),
		CASE(reports_are_kept),
		CASE(sequences_rise),
		CASE(events_are_bounded),
		CASE(forgotten_is_forgotten),
		CASE(lists_come_in_pages),
		CASE(users_and_sessions),
		CASE(text_is_only_text),
		CASE(a_token_is_not_overspent),
		CASE(sqlite_prunes_events),
		CASE(sqlite_newer_schema),
		CASE(sqlite_files),
	};

	return cmocka_run_group_tests_name("store (SQLite)", tests, NULL, NULL);
}
