/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/store/sqlite_db.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>

#include "base/file.h"
#include "base/hash.h"

#define STATEMENTS_MAX  64
#define BUSY_TIMEOUT_MS 10000

struct sqlite_db {
	sqlite3 *handle;
	pthread_mutex_t lock;
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} statements[STATEMENTS_MAX];
	size_t n_statements;
	enum sqlite_durability durability;
};

/* Each entry leads from its index to the next version. */
static const char *const migrations[SCHEMA_VERSION] = {
	"CREATE TABLE token (id TEXT PRIMARY KEY, lookup INTEGER NOT NULL, secret BLOB NOT NULL,"
	"  uses INTEGER NOT NULL, used INTEGER NOT NULL, created INTEGER NOT NULL,"
	"  expires INTEGER NOT NULL, revoked INTEGER NOT NULL, note TEXT NOT NULL) STRICT;"
	"CREATE INDEX token_lookup ON token (lookup);"
	"CREATE TABLE machine (id TEXT PRIMARY KEY, token TEXT NOT NULL, hostname TEXT NOT NULL,"
	"  agent TEXT NOT NULL, kernel TEXT NOT NULL, build_id TEXT NOT NULL, tier TEXT NOT NULL,"
	"  state TEXT NOT NULL, version TEXT, granted TEXT, error_code TEXT,"
	"  error_message TEXT NOT NULL, code_check TEXT NOT NULL, hold INTEGER NOT NULL,"
	"  boot_id TEXT, uptime INTEGER NOT NULL, sequence INTEGER NOT NULL,"
	"  enrolled INTEGER NOT NULL, last_check_in INTEGER NOT NULL) STRICT;"
	"CREATE TABLE certificate (sha256 BLOB PRIMARY KEY, not_after INTEGER NOT NULL,"
	"  machine TEXT NOT NULL REFERENCES machine (id) ON DELETE CASCADE) STRICT, WITHOUT ROWID;"
	"CREATE INDEX certificate_machine ON certificate (machine);"
	"CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  machine TEXT NOT NULL REFERENCES machine (id) ON DELETE CASCADE,"
	"  received INTEGER NOT NULL, time INTEGER NOT NULL, event TEXT NOT NULL, version TEXT,"
	"  code TEXT, message TEXT NOT NULL) STRICT;"
	"CREATE INDEX event_machine ON event (machine, id);"
	"CREATE TABLE user (name TEXT PRIMARY KEY, password TEXT NOT NULL) STRICT;"
	"CREATE TABLE session (sha256 BLOB PRIMARY KEY, expires INTEGER NOT NULL,"
	"  user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE) STRICT, WITHOUT ROWID;",
};

/* What the database said, as an error. */
static int db_error(struct sqlite_db *db, struct error *err, const char *what)
{
	int code = sqlite3_errcode(db->handle);
	const char *message = sqlite3_errmsg(db->handle);

	switch (code & 0xff) {
	case SQLITE_NOMEM: return error_set(err, ERR_NO_MEMORY, "database: out of memory");
	case SQLITE_FULL: return error_set(err, -ENOSPC, "database: %s: the disk is full", what);
	case SQLITE_IOERR: return error_set(err, -EIO, "database: %s: %s", what, message);
	case SQLITE_READONLY: return error_set(err, -EROFS, "database: %s: %s", what, message);
	case SQLITE_BUSY:
		return error_set(err, -EBUSY, "database: %s: another program uses it", what);
	case SQLITE_CONSTRAINT:
		return error_set(err, ERR_EXISTS, "database: %s: %s", what, message);
	default: return error_set(err, ERR_INVALID, "database: %s: %s", what, message);
	}
}

static int execute(struct sqlite_db *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(db, err, "cannot execute");
	return 0;
}

static int read_schema(struct sqlite_db *db, int64_t *ret, struct error *err)
{
	sqlite3_stmt *statement;
	int r = execute(db, "CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT",
			err);

	if (r == 0)
		r = sqlite_db_prepare(db, "SELECT coalesce(max(version), 0) FROM schema",
				      &statement, err);
	if (r == 0)
		r = sqlite_db_step(db, statement, err);
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return 0;
}

/* All steps and the new number in one transaction. */
static int migrate(struct sqlite_db *db, struct error *err)
{
	sqlite3_stmt *statement;
	int64_t version = 0;
	int r = sqlite_db_begin(db, SQLITE_SURVIVES_POWER_CUT, err);

	if (r == 0)
		r = read_schema(db, &version, err);
	if (r == 0 && version > SCHEMA_VERSION) {
		r = error_set(err, ERR_UNSUPPORTED,
			      "database: its schema is version %lld, this program knows up to %d",
			      (long long)version, SCHEMA_VERSION);
		error_hint(err, "Use the newer suture-server that wrote it.");
	}
	if (r == 0 && version == SCHEMA_VERSION)
		return sqlite_db_commit(db, err);
	for (; r == 0 && version < SCHEMA_VERSION; version++)
		r = execute(db, migrations[version], err);
	if (r == 0)
		r = execute(db, "DELETE FROM schema", err);
	if (r == 0)
		r = sqlite_db_prepare(db, "INSERT INTO schema VALUES (?)", &statement, err);
	if (r == 0)
		r = sqlite_db_bind(db, statement, err, "i", (int64_t)SCHEMA_VERSION);
	if (r == 0)
		r = sqlite_db_step(db, statement, err);
	return r < 0 ? sqlite_db_abandon(db, r) : sqlite_db_commit(db, err);
}

static int set_up(struct sqlite_db *db, struct error *err)
{
	int r;

	sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	sqlite3_extended_result_codes(db->handle, 1);
	/* A hostile or damaged file must not run code through its schema. */
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	r = execute(db,
		    "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;"
		    "PRAGMA synchronous = FULL;",
		    err);
	return r < 0 ? r : migrate(db, err);
}

/* SQLite gives -wal and -shm the mode of the database itself. */
static int make_private(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? error_set_errno(err, errno, "%s", path) : 0;
}

int sqlite_db_open(const char *path, struct sqlite_db **ret, struct error *err)
{
	struct sqlite_db *db;
	int r = make_private(path, err);

	if (r < 0)
		return r;
	db = calloc(1, sizeof(*db));
	if (!db)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", path);
	pthread_mutex_init(&db->lock, NULL);
	db->durability = SQLITE_SURVIVES_POWER_CUT;
	if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		r = db_error(db, err, "cannot open");
	else
		r = set_up(db, err);
	if (r < 0) {
		sqlite_db_close(db);
		return error_prefix(err, r, "%s", path);
	}
	*ret = db;
	return 0;
}

void sqlite_db_close(struct sqlite_db *db)
{
	for (size_t i = 0; i < db->n_statements; i++)
		sqlite3_finalize(db->statements[i].statement);
	sqlite3_close(db->handle);
	pthread_mutex_destroy(&db->lock);
	free(db);
}

void sqlite_db_lock(struct sqlite_db *db)
{
	pthread_mutex_lock(&db->lock);
}

void sqlite_db_unlock(struct sqlite_db *db)
{
	/* A statement left in the middle would keep a read transaction, and the log would grow. */
	for (size_t i = 0; i < db->n_statements; i++)
		if (sqlite3_stmt_busy(db->statements[i].statement))
			sqlite3_reset(db->statements[i].statement);
	pthread_mutex_unlock(&db->lock);
}

int sqlite_db_begin(struct sqlite_db *db, enum sqlite_durability durability, struct error *err)
{
	int r = 0;

	if (durability != db->durability)
		r = execute(db,
			    durability == SQLITE_SURVIVES_POWER_CUT ? "PRAGMA synchronous = FULL"
								    : "PRAGMA synchronous = NORMAL",
			    err);
	if (r < 0)
		return r;
	db->durability = durability;
	return execute(db, "BEGIN IMMEDIATE", err);
}

int sqlite_db_commit(struct sqlite_db *db, struct error *err)
{
	int r;

	for (size_t i = 0; i < db->n_statements; i++)
		sqlite3_reset(db->statements[i].statement);
	r = execute(db, "COMMIT", err);
	return r < 0 ? sqlite_db_abandon(db, r) : 0;
}

int sqlite_db_abandon(struct sqlite_db *db, int code)
{
	for (size_t i = 0; i < db->n_statements; i++)
		sqlite3_reset(db->statements[i].statement);
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

int sqlite_db_prepare(struct sqlite_db *db, const char *sql, sqlite3_stmt **ret, struct error *err)
{
	for (size_t i = 0; i < db->n_statements; i++) {
		if (db->statements[i].sql != sql)
			continue;
		*ret = db->statements[i].statement;
		sqlite3_reset(*ret);
		sqlite3_clear_bindings(*ret);
		return 0;
	}
	if (db->n_statements == STATEMENTS_MAX)
		return error_set(err, ERR_TOO_LARGE, "database: too many statements");
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) !=
	    SQLITE_OK)
		return db_error(db, err, "cannot prepare");
	db->statements[db->n_statements].sql = sql;
	db->statements[db->n_statements++].statement = *ret;
	return 0;
}

static int bind_one(sqlite3_stmt *statement, int index, char type, va_list *ap)
{
	const char *text;

	switch (type) {
	case 'i': return sqlite3_bind_int64(statement, index, va_arg(*ap, int64_t));
	case 'h':
		return sqlite3_bind_blob(statement, index, va_arg(*ap, const uint8_t *), SHA256_LEN,
					 SQLITE_TRANSIENT);
	default:
		text = va_arg(*ap, const char *);
		if (type == 'o' && !*text)
			return sqlite3_bind_null(statement, index);
		return sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
	}
}

int sqlite_db_bind(struct sqlite_db *db, sqlite3_stmt *statement, struct error *err,
		   const char *types, ...)
{
	int code = SQLITE_OK;
	va_list ap;

	va_start(ap, types);
	for (int i = 0; types[i] && code == SQLITE_OK; i++)
		code = bind_one(statement, i + 1, types[i], &ap);
	va_end(ap);
	return code == SQLITE_OK ? 0 : db_error(db, err, "cannot bind");
}

int sqlite_db_step(struct sqlite_db *db, sqlite3_stmt *statement, struct error *err)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	return db_error(db, err, "cannot execute");
}

int sqlite_db_changes(struct sqlite_db *db)
{
	return sqlite3_changes(db->handle);
}

void sqlite_column_text(sqlite3_stmt *statement, int column, size_t size, char *ret)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);
	size_t len = text ? strnlen(text, size - 1) : 0;

	if (len > 0)
		memcpy(ret, text, len);
	ret[len] = 0;
}

void sqlite_column_sha256(sqlite3_stmt *statement, int column, uint8_t *ret)
{
	const void *data = sqlite3_column_blob(statement, column);

	memset(ret, 0, SHA256_LEN);
	if (data && sqlite3_column_bytes(statement, column) == SHA256_LEN)
		memcpy(ret, data, SHA256_LEN);
}
