/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a database implements: the functions of store.h, one for one, on its own `struct store`
 * that begins with the table. */
#pragma once

#include "server/store/store.h"

struct store_backend {
	void (*close)(struct store *store);
	int (*token_add)(struct store *store, const struct store_token *token, struct error *err);
	int (*token_list)(struct store *store, const char *after, struct store_token **ret,
			  size_t *ret_n, struct error *err);
	int (*token_revoke)(struct store *store, const char *id, struct error *err);
	int (*token_check)(struct store *store, const uint8_t *secret_sha256, int64_t now,
			   struct error *err);
	int (*enrol)(struct store *store, const uint8_t *secret_sha256,
		     const struct store_machine *machine,
		     const struct store_certificate *certificate, struct error *err);
	int (*machine_by_certificate)(struct store *store, const uint8_t *sha256,
				      struct store_machine *ret, struct error *err);
	int (*machine_get)(struct store *store, const char *id, struct store_machine *ret,
			   struct error *err);
	int (*machine_list)(struct store *store, const char *after, struct store_machine **ret,
			    size_t *ret_n, struct error *err);
	int (*machine_forget)(struct store *store, const char *id, struct error *err);
	int (*machine_count)(struct store *store, int64_t *ret, struct error *err);
	int (*check_in)(struct store *store, const char *id, const struct check_in_request *request,
			const char *granted, int64_t now, struct error *err);
	int (*event_list)(struct store *store, const char *id, size_t max,
			  struct check_in_event **ret, size_t *ret_n, struct error *err);
	int (*user_count)(struct store *store, int64_t *ret, struct error *err);
	int (*user_set)(struct store *store, const char *name, const char *password_hash,
			struct error *err);
	int (*user_get)(struct store *store, const char *name, char *ret_hash, struct error *err);
	int (*session_add)(struct store *store, const uint8_t *secret_sha256, const char *user,
			   int64_t now, int64_t expires, struct error *err);
	int (*session_get)(struct store *store, const uint8_t *secret_sha256, int64_t now,
			   char *ret_user, struct error *err);
	int (*session_remove)(struct store *store, const uint8_t *secret_sha256, struct error *err);
};

struct store {
	const struct store_backend *backend;
};
