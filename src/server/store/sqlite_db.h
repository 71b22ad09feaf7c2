/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SQLite connection: one, behind a lock, that does every read, write and checkpoint; cached
 * statements; transactions; the schema and its migrations. Only src/server/store includes this.
 */
#pragma once

#include <sqlite3.h>

#include "base/error.h"

/* Schema version that this program writes. */
#define SCHEMA_VERSION 1

struct sqlite_db;

/* Opens or makes the file, sets it up (WAL) and migrates. ERR_UNSUPPORTED: a newer schema. */
int sqlite_db_open(const char *path, struct sqlite_db **ret, struct error *err);
void sqlite_db_close(struct sqlite_db *db);

/* Takes the lock; every function below is called between the two. */
void sqlite_db_lock(struct sqlite_db *db);
void sqlite_db_unlock(struct sqlite_db *db);

enum sqlite_durability {
	SQLITE_SURVIVES_KILL,      /* no fsync for each transaction */
	SQLITE_SURVIVES_POWER_CUT, /* the write-ahead log is synced at each commit */
};
/* Begins a write. Either commit or roll back. */
int sqlite_db_begin(struct sqlite_db *db, enum sqlite_durability durability, struct error *err);
int sqlite_db_commit(struct sqlite_db *db, struct error *err);
/* Rolls back; `code` is handed through. */
int sqlite_db_abandon(struct sqlite_db *db, int code);

/* A statement from the cache, reset and with nothing bound. `sql` must be a string literal: it is
 * compared by its address. The db owns it. */
int sqlite_db_prepare(struct sqlite_db *db, const char *sql, sqlite3_stmt **ret, struct error *err);
/* Binds by the letters of `types`: i int64_t, t text (const char *, copied), o text or null when
 * "", h 32 bytes. */
int sqlite_db_bind(struct sqlite_db *db, sqlite3_stmt *statement, struct error *err,
		   const char *types, ...);
/* One row: 1, at the end: 0. */
int sqlite_db_step(struct sqlite_db *db, sqlite3_stmt *statement, struct error *err);
/* Rows that the last statement changed. */
int sqlite_db_changes(struct sqlite_db *db);

/* Copies a text column, cut at `size`; "" for null. */
void sqlite_column_text(sqlite3_stmt *statement, int column, size_t size, char *ret);
/* Copies a blob of exactly 32 bytes; zeros when it is another length. */
void sqlite_column_sha256(sqlite3_stmt *statement, int column, uint8_t *ret);
