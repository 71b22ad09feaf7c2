/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <openssl/crypto.h>

#include "server/store/backend.h"
#include "server/store/sqlite_db.h"

struct sqlite_store {
	struct store store; /* first: a struct store * is one of these */
	struct sqlite_db *db;
};

static struct sqlite_db *db_of(struct store *store)
{
	return ((struct sqlite_store *)store)->db;
}

static void release(struct sqlite_db **db)
{
	sqlite_db_unlock(*db);
}

/* Holds the connection to the end of the scope. */
#define HOLD_DB(name, store)                                      \
	_cleanup_(release) struct sqlite_db *name = db_of(store); \
	sqlite_db_lock(name)

static void sqlite_close(struct store *store)
{
	sqlite_db_close(db_of(store));
	free(store);
}

/* Runs a statement that gives no rows, in a durable transaction of its own; the rows it changed. */
static int write_once(struct sqlite_db *db, sqlite3_stmt *statement, struct error *err)
{
	int r = sqlite_db_begin(db, SQLITE_SURVIVES_POWER_CUT, err), changed;

	if (r < 0)
		return r;
	r = sqlite_db_step(db, statement, err);
	changed = sqlite_db_changes(db);
	if (r < 0)
		return sqlite_db_abandon(db, r);
	r = sqlite_db_commit(db, err);
	return r < 0 ? r : changed;
}

/* Runs a statement whose one row is one number. */
static int read_number(struct store *store, const char *sql, int64_t *ret, struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db, sql, &statement, err);

	if (r == 0)
		r = sqlite_db_step(db, statement, err);
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

/* Tokens */

/* An index over the first 8 bytes of the hash finds candidates; the rest is compared in constant
 * time. */
static int64_t lookup_of(const uint8_t *sha256)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | sha256[i];
	return (int64_t)value;
}

static int token_add(struct store *store, const struct store_token *token, struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db, "INSERT INTO token VALUES (?, ?, ?, ?, 0, ?, ?, 0, ?)",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "tihiiit", token->id,
				   lookup_of(token->secret_sha256), token->secret_sha256,
				   token->uses, token->created, token->expires, token->note);
	if (r == 0)
		r = write_once(db, statement, err);
	return r < 0 ? r : 0;
}

#define TOKEN_COLUMNS "id, secret, uses, used, created, expires, revoked, note"

static void token_from_row(sqlite3_stmt *row, void *entry)
{
	struct store_token *ret = entry;

	sqlite_column_text(row, 0, sizeof(ret->id), ret->id);
	sqlite_column_sha256(row, 1, ret->secret_sha256);
	ret->uses = sqlite3_column_int64(row, 2);
	ret->used = sqlite3_column_int64(row, 3);
	ret->created = sqlite3_column_int64(row, 4);
	ret->expires = sqlite3_column_int64(row, 5);
	ret->revoked = sqlite3_column_int(row, 6) != 0;
	sqlite_column_text(row, 7, sizeof(ret->note), ret->note);
}

/* Puts one row into an entry of a list. */
typedef void (*from_row_fn)(sqlite3_stmt *row, void *entry);

/* Up to STORE_LIST_MAX rows of `sql` (which takes the last ID seen and a limit), `size` bytes an
 * entry. */
static int list_rows(struct store *store, const char *sql, const char *after, size_t size,
		     from_row_fn from_row, void **ret, size_t *ret_n, struct error *err)
{
	HOLD_DB(db, store);
	_cleanup_free_ uint8_t *list = NULL;
	sqlite3_stmt *statement;
	size_t n = 0;
	int r = sqlite_db_prepare(db, sql, &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "ti", after, (int64_t)STORE_LIST_MAX);
	if (r < 0)
		return r;
	list = calloc(STORE_LIST_MAX, size);
	if (!list)
		return error_set(err, ERR_NO_MEMORY, "list: out of memory");
	while (n < STORE_LIST_MAX && (r = sqlite_db_step(db, statement, err)) > 0)
		from_row(statement, list + size * n++);
	if (r < 0)
		return r;
	*ret = n ? TAKE_PTR(list) : NULL;
	*ret_n = n;
	return 0;
}

/* Runs `sql`, which takes an ID and must change one row; `what` names the kind in the error. */
static int change_row(struct store *store, const char *sql, const char *id, const char *what,
		      struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db, sql, &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "t", id);
	if (r == 0)
		r = write_once(db, statement, err);
	if (r == 0)
		return error_set(err, ERR_NOT_FOUND, "there is no %s %s", what, id);
	return r < 0 ? r : 0;
}

static int token_list(struct store *store, const char *after, struct store_token **ret,
		      size_t *ret_n, struct error *err)
{
	void *list = NULL;
	int r = list_rows(store,
			  "SELECT " TOKEN_COLUMNS " FROM token WHERE id > ? ORDER BY id LIMIT ?",
			  after, sizeof(**ret), token_from_row, &list, ret_n, err);

	if (r == 0)
		*ret = list;
	return r;
}

static int token_revoke(struct store *store, const char *id, struct error *err)
{
	return change_row(store, "UPDATE token SET revoked = 1 WHERE id = ?", id, "token", err);
}

/* The ID of a token that may be used now. The same error for every reason. */
static int find_token(struct sqlite_db *db, const uint8_t *sha256, int64_t now,
		      char ret_id[static STORE_ID_LEN + 1], struct error *err)
{
	struct store_token token = { 0 };
	sqlite3_stmt *statement;
	bool found = false;
	int r = sqlite_db_prepare(db, "SELECT " TOKEN_COLUMNS " FROM token WHERE lookup = ?",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "i", lookup_of(sha256));
	while (r >= 0 && !found && (r = sqlite_db_step(db, statement, err)) > 0) {
		token_from_row(statement, &token);
		found = CRYPTO_memcmp(token.secret_sha256, sha256, SHA256_LEN) == 0;
	}
	if (r < 0)
		return r;
	if (!found || token.revoked || token.used >= token.uses || token.expires <= now)
		return error_set(err, ERR_DENIED,
				 "this token is not valid: unknown, used up, expired or revoked");
	memcpy(ret_id, token.id, sizeof(token.id));
	return 0;
}

static int token_check(struct store *store, const uint8_t *sha256, int64_t now, struct error *err)
{
	HOLD_DB(db, store);
	char id[STORE_ID_LEN + 1];

	return find_token(db, sha256, now, id, err);
}

/* Machines */

#define MACHINE_COLUMNS                                                                      \
	"id, hostname, agent, kernel, build_id, tier, state, version, granted, error_code, " \
	"error_message, code_check, hold, boot_id, uptime, sequence, enrolled, last_check_in"

static void machine_from_row(sqlite3_stmt *row, void *entry)
{
	struct store_machine *ret = entry;
	char word[CODE_MAX + 1];

	memset(ret, 0, sizeof(*ret));
	sqlite_column_text(row, 0, sizeof(ret->id), ret->id);
	sqlite_column_text(row, 1, sizeof(ret->hostname), ret->hostname);
	sqlite_column_text(row, 2, sizeof(ret->facts.agent), ret->facts.agent);
	sqlite_column_text(row, 3, sizeof(ret->facts.kernel), ret->facts.kernel);
	sqlite_column_text(row, 4, sizeof(ret->facts.build_id), ret->facts.build_id);
	sqlite_column_text(row, 5, sizeof(ret->facts.tier), ret->facts.tier);
	sqlite_column_text(row, 6, sizeof(word), word);
	if (machine_state_parse(word, &ret->state) < 0)
		ret->state = MACHINE_UNAPPLIED;
	sqlite_column_text(row, 7, sizeof(ret->version), ret->version);
	sqlite_column_text(row, 8, sizeof(ret->granted), ret->granted);
	sqlite_column_text(row, 9, sizeof(ret->error_code), ret->error_code);
	sqlite_column_text(row, 10, sizeof(ret->error_message), ret->error_message);
	sqlite_column_text(row, 11, sizeof(word), word);
	if (code_check_parse(word, &ret->code_check) < 0)
		ret->code_check = CODE_CHECK_NONE;
	ret->hold = sqlite3_column_int(row, 12) != 0;
	sqlite_column_text(row, 13, sizeof(ret->boot_id), ret->boot_id);
	ret->uptime = sqlite3_column_int64(row, 14);
	ret->sequence = sqlite3_column_int64(row, 15);
	ret->enrolled = sqlite3_column_int64(row, 16);
	ret->last_check_in = sqlite3_column_int64(row, 17);
}

static int spend_token(struct sqlite_db *db, const char *id, struct error *err)
{
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db, "UPDATE token SET used = used + 1 WHERE id = ?", &statement,
				  err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "t", id);
	return r < 0 ? r : sqlite_db_step(db, statement, err);
}

static int add_machine(struct sqlite_db *db, const char *token, const struct store_machine *machine,
		       struct error *err)
{
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db,
				  "INSERT INTO machine (token, " MACHINE_COLUMNS ") VALUES"
				  " (?, ?, ?, ?, ?, ?, ?, 'unapplied', NULL, NULL, NULL, '',"
				  " 'none', 0, NULL, 0, 0, ?, 0)",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "ttttttti", token, machine->id,
				   machine->hostname, machine->facts.agent, machine->facts.kernel,
				   machine->facts.build_id, machine->facts.tier, machine->enrolled);
	return r < 0 ? r : sqlite_db_step(db, statement, err);
}

static int add_certificate(struct sqlite_db *db, const char *machine,
			   const struct store_certificate *certificate, struct error *err)
{
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db,
				  "INSERT INTO certificate (sha256, not_after, machine)"
				  " VALUES (?, ?, ?)",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "hit", certificate->sha256,
				   certificate->not_after, machine);
	return r < 0 ? r : sqlite_db_step(db, statement, err);
}

static int enrol(struct store *store, const uint8_t *sha256, const struct store_machine *machine,
		 const struct store_certificate *certificate, struct error *err)
{
	HOLD_DB(db, store);
	char token[STORE_ID_LEN + 1];
	int r = sqlite_db_begin(db, SQLITE_SURVIVES_POWER_CUT, err);

	if (r < 0)
		return r;
	r = find_token(db, sha256, machine->enrolled, token, err);
	if (r == 0)
		r = spend_token(db, token, err);
	if (r == 0)
		r = add_machine(db, token, machine, err);
	if (r == 0)
		r = add_certificate(db, machine->id, certificate, err);
	return r < 0 ? sqlite_db_abandon(db, r) : sqlite_db_commit(db, err);
}

static int machine_by_certificate(struct store *store, const uint8_t *sha256,
				  struct store_machine *ret, struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db,
				  "SELECT " MACHINE_COLUMNS " FROM machine WHERE id ="
				  " (SELECT machine FROM certificate WHERE sha256 = ?)",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "h", sha256);
	if (r == 0)
		r = sqlite_db_step(db, statement, err);
	if (r == 0)
		return error_set(err, ERR_NOT_FOUND, "no machine has this certificate");
	if (r > 0)
		machine_from_row(statement, ret);
	return r < 0 ? r : 0;
}

static int machine_get(struct store *store, const char *id, struct store_machine *ret,
		       struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db, "SELECT " MACHINE_COLUMNS " FROM machine WHERE id = ?",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "t", id);
	if (r == 0)
		r = sqlite_db_step(db, statement, err);
	if (r == 0)
		return error_set(err, ERR_NOT_FOUND, "there is no machine %s", id);
	if (r > 0)
		machine_from_row(statement, ret);
	return r < 0 ? r : 0;
}

static int machine_list(struct store *store, const char *after, struct store_machine **ret,
			size_t *ret_n, struct error *err)
{
	void *list = NULL;
	int r = list_rows(
		store, "SELECT " MACHINE_COLUMNS " FROM machine WHERE id > ? ORDER BY id LIMIT ?",
		after, sizeof(**ret), machine_from_row, &list, ret_n, err);

	if (r == 0)
		*ret = list;
	return r;
}

static int machine_forget(struct store *store, const char *id, struct error *err)
{
	return change_row(store, "DELETE FROM machine WHERE id = ?", id, "machine", err);
}

static int machine_count(struct store *store, int64_t *ret, struct error *err)
{
	return read_number(store, "SELECT count(*) FROM machine", ret, err);
}

/* Check-ins */

static int check_sequence(struct sqlite_db *db, const char *id, int64_t sequence, struct error *err)
{
	sqlite3_stmt *statement;
	int64_t last;
	int r = sqlite_db_prepare(db, "SELECT sequence FROM machine WHERE id = ?", &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "t", id);
	if (r == 0)
		r = sqlite_db_step(db, statement, err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, ERR_NOT_FOUND, "there is no machine %s", id);
	last = sqlite3_column_int64(statement, 0);
	if (sequence <= last)
		return error_set(err, ERR_BAD_STATE,
				 "sequence %lld is not above the last one, %lld",
				 (long long)sequence, (long long)last);
	return 0;
}

static int update_machine(struct sqlite_db *db, const char *id,
			  const struct check_in_request *request, const char *granted, int64_t now,
			  struct error *err)
{
	const struct machine_facts *facts = &request->facts;
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(
		db,
		"UPDATE machine SET agent = ?, kernel = ?, build_id = ?, tier = ?, state = ?,"
		" version = ?, granted = ?, error_code = ?, error_message = ?, code_check = ?,"
		" hold = ?, boot_id = ?, uptime = ?, sequence = ?, last_check_in = ? WHERE id = ?",
		&statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "tttttooottitiiit", facts->agent,
				   facts->kernel, facts->build_id, facts->tier,
				   machine_state_name(request->state), request->version, granted,
				   request->error_code, request->error_message,
				   code_check_name(request->code_check), (int64_t)request->hold,
				   request->boot_id, request->uptime, request->sequence, now, id);
	return r < 0 ? r : sqlite_db_step(db, statement, err);
}

static int add_event(struct sqlite_db *db, const char *id, const struct check_in_event *event,
		     int64_t now, struct error *err)
{
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db,
				  "INSERT INTO event (machine, received, time, event, version,"
				  " code, message) VALUES (?, ?, ?, ?, ?, ?, ?)",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "tiitoot", id, now, event->time,
				   event->event, event->version, event->code, event->message);
	return r < 0 ? r : sqlite_db_step(db, statement, err);
}

static int prune_events(struct sqlite_db *db, const char *id, struct error *err)
{
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db,
				  "DELETE FROM event WHERE machine = ?1 AND id <= (SELECT id"
				  " FROM event WHERE machine = ?1 ORDER BY id DESC LIMIT 1"
				  " OFFSET ?2)",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "ti", id, (int64_t)STORE_EVENTS_MAX);
	return r < 0 ? r : sqlite_db_step(db, statement, err);
}

static int check_in(struct store *store, const char *id, const struct check_in_request *request,
		    const char *granted, int64_t now, struct error *err)
{
	HOLD_DB(db, store);
	int r = sqlite_db_begin(db, SQLITE_SURVIVES_KILL, err);

	if (r < 0)
		return r;
	r = check_sequence(db, id, request->sequence, err);
	if (r == 0)
		r = update_machine(db, id, request, granted, now, err);
	for (size_t i = 0; i < request->n_events && r == 0; i++)
		r = add_event(db, id, &request->events[i], now, err);
	if (r == 0 && request->n_events > 0)
		r = prune_events(db, id, err);
	return r < 0 ? sqlite_db_abandon(db, r) : sqlite_db_commit(db, err);
}

static int event_list(struct store *store, const char *id, size_t max, struct check_in_event **ret,
		      size_t *ret_n, struct error *err)
{
	HOLD_DB(db, store);
	_cleanup_free_ struct check_in_event *list = NULL;
	sqlite3_stmt *row;
	size_t n = 0;
	int r = sqlite_db_prepare(db,
				  "SELECT time, event, version, code, message FROM event"
				  " WHERE machine = ? ORDER BY id DESC LIMIT ?",
				  &row, err);

	max = MIN(max, (size_t)STORE_EVENTS_MAX);
	if (r == 0)
		r = sqlite_db_bind(db, row, err, "ti", id, (int64_t)max);
	if (r < 0)
		return r;
	list = calloc(max ? max : 1, sizeof(*list));
	if (!list)
		return error_set(err, ERR_NO_MEMORY, "events: out of memory");
	while (n < max && (r = sqlite_db_step(db, row, err)) > 0) {
		struct check_in_event *event = &list[n++];

		event->time = sqlite3_column_int64(row, 0);
		sqlite_column_text(row, 1, sizeof(event->event), event->event);
		sqlite_column_text(row, 2, sizeof(event->version), event->version);
		sqlite_column_text(row, 3, sizeof(event->code), event->code);
		sqlite_column_text(row, 4, sizeof(event->message), event->message);
	}
	if (r < 0)
		return r;
	*ret = n ? TAKE_PTR(list) : NULL;
	*ret_n = n;
	return 0;
}

/* Users and sessions */

static int user_count(struct store *store, int64_t *ret, struct error *err)
{
	return read_number(store, "SELECT count(*) FROM user", ret, err);
}

static int user_set(struct store *store, const char *name, const char *password_hash,
		    struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db,
				  "INSERT INTO user VALUES (?, ?) ON CONFLICT (name)"
				  " DO UPDATE SET password = excluded.password",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "tt", name, password_hash);
	if (r == 0)
		r = write_once(db, statement, err);
	return r < 0 ? r : 0;
}

static int user_get(struct store *store, const char *name, char *ret_hash, struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db, "SELECT password FROM user WHERE name = ?", &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "t", name);
	if (r == 0)
		r = sqlite_db_step(db, statement, err);
	if (r == 0)
		return error_set(err, ERR_NOT_FOUND, "there is no user %s", name);
	if (r > 0)
		sqlite_column_text(statement, 0, STORE_HASH_MAX + 1, ret_hash);
	return r < 0 ? r : 0;
}

static int session_add(struct store *store, const uint8_t *sha256, const char *user, int64_t now,
		       int64_t expires, struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *purge, *add;
	int r = sqlite_db_prepare(db, "DELETE FROM session WHERE expires <= ?", &purge, err);

	if (r == 0)
		r = sqlite_db_bind(db, purge, err, "i", now);
	if (r == 0)
		r = sqlite_db_prepare(db,
				      "INSERT INTO session (sha256, expires, user)"
				      " VALUES (?, ?, ?)",
				      &add, err);
	if (r == 0)
		r = sqlite_db_bind(db, add, err, "hit", sha256, expires, user);
	if (r == 0)
		r = sqlite_db_begin(db, SQLITE_SURVIVES_KILL, err);
	if (r < 0)
		return r;
	r = sqlite_db_step(db, purge, err);
	if (r == 0)
		r = sqlite_db_step(db, add, err);
	return r < 0 ? sqlite_db_abandon(db, r) : sqlite_db_commit(db, err);
}

static int session_get(struct store *store, const uint8_t *sha256, int64_t now, char *ret_user,
		       struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db, "SELECT user FROM session WHERE sha256 = ? AND expires > ?",
				  &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "hi", sha256, now);
	if (r == 0)
		r = sqlite_db_step(db, statement, err);
	if (r == 0)
		return error_set(err, ERR_DENIED, "this session is not valid: log in again");
	if (r > 0)
		sqlite_column_text(statement, 0, STORE_USER_MAX + 1, ret_user);
	return r < 0 ? r : 0;
}

static int session_remove(struct store *store, const uint8_t *sha256, struct error *err)
{
	HOLD_DB(db, store);
	sqlite3_stmt *statement;
	int r = sqlite_db_prepare(db, "DELETE FROM session WHERE sha256 = ?", &statement, err);

	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "h", sha256);
	if (r == 0)
		r = write_once(db, statement, err);
	return r < 0 ? r : 0;
}

static const struct store_backend sqlite_backend = {
	.close = sqlite_close,
	.token_add = token_add,
	.token_list = token_list,
	.token_revoke = token_revoke,
	.token_check = token_check,
	.enrol = enrol,
	.machine_by_certificate = machine_by_certificate,
	.machine_get = machine_get,
	.machine_list = machine_list,
	.machine_forget = machine_forget,
	.machine_count = machine_count,
	.check_in = check_in,
	.event_list = event_list,
	.user_count = user_count,
	.user_set = user_set,
	.user_get = user_get,
	.session_add = session_add,
	.session_get = session_get,
	.session_remove = session_remove,
};

int store_open_sqlite(const char *path, struct store **ret, struct error *err)
{
	_cleanup_free_ struct sqlite_store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", path);
	r = sqlite_db_open(path, &store->db, err);
	if (r < 0)
		return r;
	store->store.backend = &sqlite_backend;
	*ret = &TAKE_PTR(store)->store;
	return 0;
}
