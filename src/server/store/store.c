/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/store/store.h"

#include "server/store/backend.h"

void store_close(struct store *store)
{
	if (store)
		store->backend->close(store);
}

int store_token_add(struct store *store, const struct store_token *token, struct error *err)
{
	return store->backend->token_add(store, token, err);
}

int store_token_list(struct store *store, const char *after, struct store_token **ret,
		     size_t *ret_n, struct error *err)
{
	return store->backend->token_list(store, after, ret, ret_n, err);
}

int store_token_revoke(struct store *store, const char *id, struct error *err)
{
	return store->backend->token_revoke(store, id, err);
}

int store_token_check(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
		      int64_t now, struct error *err)
{
	return store->backend->token_check(store, secret_sha256, now, err);
}

int store_enrol(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
		const struct store_machine *machine, const struct store_certificate *certificate,
		struct error *err)
{
	return store->backend->enrol(store, secret_sha256, machine, certificate, err);
}

int store_machine_by_certificate(struct store *store, const uint8_t sha256[static SHA256_LEN],
				 struct store_machine *ret, struct error *err)
{
	return store->backend->machine_by_certificate(store, sha256, ret, err);
}

int store_machine_get(struct store *store, const char *id, struct store_machine *ret,
		      struct error *err)
{
	return store->backend->machine_get(store, id, ret, err);
}

int store_machine_list(struct store *store, const char *after, struct store_machine **ret,
		       size_t *ret_n, struct error *err)
{
	return store->backend->machine_list(store, after, ret, ret_n, err);
}

int store_machine_forget(struct store *store, const char *id, struct error *err)
{
	return store->backend->machine_forget(store, id, err);
}

int store_machine_count(struct store *store, int64_t *ret, struct error *err)
{
	return store->backend->machine_count(store, ret, err);
}

int store_check_in(struct store *store, const char *id, const struct check_in_request *request,
		   const char *granted, int64_t now, struct error *err)
{
	return store->backend->check_in(store, id, request, granted, now, err);
}

int store_event_list(struct store *store, const char *id, size_t max, struct check_in_event **ret,
		     size_t *ret_n, struct error *err)
{
	return store->backend->event_list(store, id, max, ret, ret_n, err);
}

int store_user_count(struct store *store, int64_t *ret, struct error *err)
{
	return store->backend->user_count(store, ret, err);
}

int store_user_set(struct store *store, const char *name, const char *password_hash,
		   struct error *err)
{
	return store->backend->user_set(store, name, password_hash, err);
}

int store_user_get(struct store *store, const char *name, char ret_hash[static STORE_HASH_MAX + 1],
		   struct error *err)
{
	return store->backend->user_get(store, name, ret_hash, err);
}

int store_session_add(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
		      const char *user, int64_t now, int64_t expires, struct error *err)
{
	return store->backend->session_add(store, secret_sha256, user, now, expires, err);
}

int store_session_get(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
		      int64_t now, char ret_user[static STORE_USER_MAX + 1], struct error *err)
{
	return store->backend->session_get(store, secret_sha256, now, ret_user, err);
}

int store_session_remove(struct store *store, const uint8_t secret_sha256[static SHA256_LEN],
			 struct error *err)
{
	return store->backend->session_remove(store, secret_sha256, err);
}
