/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server remembers: tokens, machines with their certificates and events, users and
 * sessions. One interface, several databases behind it, one test suite for all.
 *
 * All calls are safe from several threads. Each changes everything it says or nothing, and what it
 * reported as done survives the process being killed; enrolments, tokens, users and removals also
 * survive a power cut, check-ins may lose the last second then. Times are seconds since 1970.
 * Errors, besides those named: ERR_INVALID (a damaged database), ERR_NO_MEMORY, -errno.
 */
#pragma once

#include "base/error.h"
#include "base/hash.h"
#include "wire/check_in.h"
#include "wire/enrol.h"

#define STORE_ID_LEN     16 /* hexadecimal digits of a token's ID */
#define STORE_NOTE_MAX   255
#define STORE_USER_MAX   64
#define STORE_HASH_MAX   255
#define STORE_LIST_MAX   500 /* most that one call lists */
#define STORE_EVENTS_MAX 512 /* kept of each machine */

struct store;

/* Opens a SQLite database, making it (mode 0600) or bringing its schema up to date. ERR_UNSUPPORTED
 * when a newer program wrote it. The caller closes it with store_close(). */
int store_open_sqlite(const char *path, struct store **ret, struct error *err);
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close);
#define _cleanup_store_ _cleanup_(store_closep)

/* An enrolment token. Its secret is known by hash alone. */
struct store_token {
	char id[STORE_ID_LEN + 1];
	uint8_t secret_sha256[SHA256_LEN];
	int64_t uses; /* machines that may enrol with it */
	int64_t used;
	int64_t created, expires;
	bool revoked;
	char note[STORE_NOTE_MAX + 1];
};

/* Adds a token; `used` and `revoked` are taken as 0. ERR_EXISTS. */
int store_token_add(struct store *store, const struct store_token *token, struct error *err);
/* Tokens by ID, those above `after` ("" for the first), at most STORE_LIST_MAX; the caller frees
 * the array, NULL when *ret_n is 0. */
int store_token_list(struct store *store, const char *after, struct store_token **ret,
		     size_t *ret_n, struct error *err);
/* ERR_NOT_FOUND. To revoke again is no error. */
int store_token_revoke(struct store *store, const char *id, struct error *err);
/* 0 when a machine could enrol with this secret now, else ERR_DENIED with one message for every
 * reason. Changes nothing. */
int store_token_check(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
		      int64_t now, struct error *err);

/* A machine as it last reported. */
struct store_machine {
	char id[UUID_LEN + 1];
	char hostname[ENROL_HOSTNAME_MAX + 1];
	struct machine_facts facts;
	enum machine_state state;
	char version[PATCH_VERSION_MAX]; /* applied, or "" */
	char granted[PATCH_VERSION_MAX]; /* at the last check-in, or "" */
	char error_code[CODE_MAX + 1];   /* or "" */
	char error_message[CHECK_IN_MESSAGE_MAX + 1];
	enum code_check code_check;
	bool hold;
	char boot_id[UUID_LEN + 1]; /* "" before the first check-in */
	int64_t uptime;
	int64_t sequence; /* of the last check-in, 0 before the first */
	int64_t enrolled;
	int64_t last_check_in; /* 0: none yet */
};

/* The certificate of a new machine. */
struct store_certificate {
	uint8_t sha256[SHA256_LEN]; /* of its DER form */
	int64_t not_after;
};

/* In one step: one use of the token is spent, machine and certificate are added. Of the machine
 * `id`, `hostname`, `facts` and `enrolled` (which is also the time the token must be valid at)
 * count. ERR_DENIED as store_token_check(). */
int store_enrol(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
		const struct store_machine *machine, const struct store_certificate *certificate,
		struct error *err);
/* The machine that a certificate belongs to. ERR_NOT_FOUND: forgotten, or never of this store. */
int store_machine_by_certificate(struct store *store, const uint8_t sha256[static SHA256_LEN],
				 struct store_machine *ret, struct error *err);
/* ERR_NOT_FOUND */
int store_machine_get(struct store *store, const char *id, struct store_machine *ret,
		      struct error *err);
/* As store_token_list(). */
int store_machine_list(struct store *store, const char *after, struct store_machine **ret,
		       size_t *ret_n, struct error *err);
/* Removes a machine with its certificates and events. ERR_NOT_FOUND. */
int store_machine_forget(struct store *store, const char *id, struct error *err);
/* How many there are. */
int store_machine_count(struct store *store, int64_t *ret, struct error *err);

/* Writes a report down: state, events (the oldest beyond STORE_EVENTS_MAX go), time, and the
 * version granted in the answer ("": none). ERR_BAD_STATE when its sequence is not above the last
 * one, ERR_NOT_FOUND. */
int store_check_in(struct store *store, const char *id, const struct check_in_request *request,
		   const char *granted, int64_t now, struct error *err);
/* The newest `max` events of a machine, newest first; the caller frees the array. */
int store_event_list(struct store *store, const char *id, size_t max, struct check_in_event **ret,
		     size_t *ret_n, struct error *err);

/* Users of the admin API and their sessions. */
int store_user_count(struct store *store, int64_t *ret, struct error *err);
/* Adds a user or replaces the password hash. */
int store_user_set(struct store *store, const char *name, const char *password_hash,
		   struct error *err);
/* ERR_NOT_FOUND */
int store_user_get(struct store *store, const char *name, char ret_hash[static STORE_HASH_MAX + 1],
		   struct error *err);
/* Adds a session and removes those that ended before `now`. */
int store_session_add(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
		      const char *user, int64_t now, int64_t expires, struct error *err);
/* The user of a session that is valid at `now`; ERR_DENIED. */
int store_session_get(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
		      int64_t now, char ret_user[static STORE_USER_MAX + 1], struct error *err);
/* A missing session is no error. */
int store_session_remove(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
			 struct error *err);
