/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people ask: login, tokens, machines. */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "server/api.h"
#include "server/secret.h"
#include "server/server.h"
#include "wire/field.h"

#define USES_MAX     1000000
#define LIFETIME_MAX (366 * 86400)
#define LIFETIME     86400
#define BODY_MAX     ((size_t)64 * 1024)

/* Puts an object into the answer. Takes it over. */
static int answer_json(struct http_response *response, json_t *object, struct error *err)
{
	int r = object ? json_append(object, &response->body) : ERR_NO_MEMORY;

	json_decref(object);
	return r < 0 ? error_set(err, r, "the answer does not fit") : 0;
}

static bool user_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= STORE_USER_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

/* Sessions */

/* The hash of the session in "Authorization: Bearer <session>". */
static int session_hash(const struct http_request *request, uint8_t ret[static SHA256_LEN])
{
	const char *header = http_header(request, "Authorization");
	size_t prefix = strlen("Bearer ");

	if (!header || strncasecmp(header, "Bearer ", prefix) != 0 ||
	    strlen(header + prefix) != SECRET_TEXT_LEN)
		return ERR_DENIED;
	return hash_sha256(header + prefix, SECRET_TEXT_LEN, ret);
}

int guard_session(void *app, struct http_request *request, struct http_response *response,
		  struct error *err)
{
	struct server *server = app;
	char user[STORE_USER_MAX + 1];
	uint8_t hash[SHA256_LEN];
	int r = session_hash(request, hash);

	if (r < 0)
		error_set(err, r, "a session is needed: log in first");
	else
		r = store_session_get(server->store, hash, clock_now(), user, err);
	if (r == ERR_DENIED) {
		response->status = 401;
		response->ask_bearer = true;
	}
	if (r < 0)
		return r;
	request->identity = strdup(user);
	return request->identity ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* The user's own name and the address count apart, so that neither guessing one user's password
 * from many places nor many users' from one goes on for long. */
static int login_wait(struct server *server, const char *peer, const char *user)
{
	int64_t now = clock_monotonic_ms();
	int by_peer = rate_limit_wait(server->logins, peer, now);
	int by_user = rate_limit_wait(server->logins, user, now);

	return MAX(by_peer, by_user);
}

static int check_password(struct server *server, const char *user, const char *password,
			  struct error *err)
{
	char hash[STORE_HASH_MAX + 1];
	int r = store_user_get(server->store, user, hash, err);

	if (r == ERR_NOT_FOUND)
		return password_check_nobody(password, err);
	return r < 0 ? r : password_check(password, hash, err);
}

static int start_session(struct server *server, const char *user, struct http_response *response,
			 struct error *err)
{
	int64_t now = clock_now(), expires = now + server->options.session;
	char secret[SECRET_TEXT_LEN + 1];
	uint8_t hash[SHA256_LEN];
	json_t *object;
	int r = secret_new(secret, err);

	if (r == 0)
		r = hash_sha256(secret, SECRET_TEXT_LEN, hash);
	if (r == 0)
		r = store_session_add(server->store, hash, user, now, expires, err);
	if (r < 0)
		return r;
	object = json_pack("{s:s, s:s}", "session", secret, "user", user);
	explicit_bzero(secret, sizeof(secret));
	if (object && field_set_time(object, "expires", expires) < 0)
		json_decref(TAKE_PTR(object));
	return answer_json(response, object, err);
}

static int login(struct server *server, struct http_request *request, const char *user,
		 const char *password, struct http_response *response, struct error *err)
{
	int wait = login_wait(server, request->peer, user), r;

	if (wait > 0) {
		response->status = 429;
		response->retry_after = wait;
		return error_set(err, ERR_DENIED, "too many failed logins: wait %d seconds", wait);
	}
	r = check_password(server, user, password, err);
	if (r == ERR_DENIED) {
		rate_limit_failed(server->logins, request->peer, clock_monotonic_ms());
		rate_limit_failed(server->logins, user, clock_monotonic_ms());
		atomic_fetch_add(&server->counters.logins_denied, 1);
		log_warning("login of %s from %s denied", user, request->peer);
		response->status = 401;
	}
	if (r < 0)
		return r;
	rate_limit_clear(server->logins, user);
	log_info("login of %s from %s", user, request->peer);
	return start_session(server, user, response, err);
}

static void wipe_password(json_t **object)
{
	json_t *password = json_object_get(*object, "password");

	if (json_is_string(password))
		explicit_bzero((char *)json_string_value(password), json_string_length(password));
	json_decref(*object);
}

int api_login(void *app, struct http_request *request, struct http_response *response,
	      struct error *err)
{
	_cleanup_(wipe_password) json_t *object = NULL;
	const char *password = NULL;
	char user[STORE_USER_MAX + 1];
	int r = field_parse_object(request->body.data, request->body.len, BODY_MAX, &object, err);

	if (r == 0)
		r = field_name(object, "user", user_is_valid, sizeof(user), user, err);
	if (r == 0)
		r = json_get_str(object, "password", PASSWORD_MAX, &password, err);
	return r < 0 ? r : login(app, request, user, password, response, err);
}

int api_logout(void *app, struct http_request *request, struct http_response *response,
	       struct error *err)
{
	struct server *server = app;
	uint8_t hash[SHA256_LEN];
	int r = session_hash(request, hash);

	if (r < 0)
		return error_set(err, r, "a session is needed");
	response->status = 204;
	return store_session_remove(server->store, hash, err);
}

/* Tokens */

static const char *token_state(const struct store_token *token, int64_t now)
{
	if (token->revoked)
		return "revoked";
	if (token->expires <= now)
		return "expired";
	return token->used >= token->uses ? "used-up" : "valid";
}

static json_t *token_object(const struct store_token *token, const char *secret)
{
	_cleanup_json_ json_t *object = json_object();
	int bad = object ? 0 : -1;

	bad |= json_set_str(object, "id", token->id);
	if (secret)
		bad |= json_set_str(object, "secret", secret);
	bad |= json_set_str(object, "state", token_state(token, clock_now()));
	bad |= json_object_set_new(object, "uses", json_integer(token->uses));
	bad |= json_object_set_new(object, "used", json_integer(token->used));
	bad |= field_set_time(object, "created", token->created);
	bad |= field_set_time(object, "expires", token->expires);
	bad |= field_set_message(object, "note", token->note);
	return bad ? NULL : TAKE_PTR(object);
}

static int read_token(const json_t *object, struct store_token *token, struct error *err)
{
	int64_t lifetime = 0;
	int r = json_get_int_opt(object, "uses", 1, USES_MAX, 1, &token->uses, err);

	if (r == 0)
		r = json_get_int_opt(object, "lifetime", 1, LIFETIME_MAX, LIFETIME, &lifetime, err);
	if (r == 0 && json_object_get(object, "note") &&
	    !json_is_null(json_object_get(object, "note")))
		r = field_text(object, "note", 0, sizeof(token->note), token->note, err);
	token->created = clock_now();
	token->expires = token->created + lifetime;
	return r;
}

int api_token_create(void *app, struct http_request *request, struct http_response *response,
		     struct error *err)
{
	struct server *server = app;
	_cleanup_json_ json_t *object = NULL;
	struct store_token token = { 0 };
	char secret[SECRET_TEXT_LEN + 1];
	uint8_t id[STORE_ID_LEN / 2];
	int r = field_parse_object(request->body.data, request->body.len, BODY_MAX, &object, err);

	if (r == 0)
		r = read_token(object, &token, err);
	if (r == 0)
		r = random_bytes(id, sizeof(id), err);
	if (r == 0)
		r = secret_new(secret, err);
	if (r == 0)
		r = hash_sha256(secret, SECRET_TEXT_LEN, token.secret_sha256);
	if (r < 0)
		return r;
	hex_encode(id, sizeof(id), token.id);
	r = store_token_add(server->store, &token, err);
	if (r == 0) {
		log_info("%s made token %s for %lld machines", (char *)request->identity, token.id,
			 (long long)token.uses);
		response->status = 201;
		r = answer_json(response, token_object(&token, secret), err);
	}
	explicit_bzero(secret, sizeof(secret));
	return r;
}

static const char *after_argument(const struct http_request *request)
{
	const char *after = http_argument(request, "after");

	return after ? after : "";
}

/* One page of a list: `array` (taken over; NULL is out of memory) as `name`, and where the next
 * page begins, or null. */
static int answer_page(struct http_response *response, const char *name, json_t *array,
		       const char *next, struct error *err)
{
	json_t *object = array ? json_pack("{s:o}", name, array) : NULL;

	if (!object || json_set_str(object, "next", next) < 0) {
		json_decref(object);
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", name);
	}
	return answer_json(response, object, err);
}

int api_token_list(void *app, struct http_request *request, struct http_response *response,
		   struct error *err)
{
	struct server *server = app;
	_cleanup_free_ struct store_token *tokens = NULL;
	json_t *array;
	size_t n = 0;
	int bad = 0, r;

	r = store_token_list(server->store, after_argument(request), &tokens, &n, err);
	if (r < 0)
		return r;
	array = json_array();
	for (size_t i = 0; i < n && !bad; i++)
		bad = json_array_append_new(array, token_object(&tokens[i], NULL));
	if (bad) {
		json_decref(array);
		array = NULL;
	}
	return answer_page(response, "tokens", array, n == STORE_LIST_MAX ? tokens[n - 1].id : NULL,
			   err);
}

int api_token_revoke(void *app, struct http_request *request, struct http_response *response,
		     struct error *err)
{
	struct server *server = app;
	int r = hex_is_lower(request->parameter, STORE_ID_LEN)
			? store_token_revoke(server->store, request->parameter, err)
			: error_set(err, ERR_NOT_FOUND, "there is no such token");

	if (r == 0)
		log_info("%s revoked token %s", (char *)request->identity, request->parameter);
	response->status = r == 0 ? 204 : 0;
	return r;
}

/* Machines */

static int set_failure(json_t *object, const struct store_machine *machine)
{
	json_t *failure = json_null();

	if (machine->error_code[0]) {
		failure = json_object();
		if (json_set_str(failure, "code", machine->error_code) < 0 ||
		    field_set_message(failure, "message", machine->error_message) < 0) {
			json_decref(failure);
			return -1;
		}
	}
	return json_object_set_new(object, "error", failure);
}

static json_t *machine_object(const struct store_machine *machine)
{
	_cleanup_json_ json_t *object = json_object();
	int bad = object ? 0 : -1;

	bad |= json_set_str(object, "machine_id", machine->id);
	bad |= field_set_message(object, "hostname", machine->hostname);
	bad |= machine_facts_add(object, &machine->facts);
	bad |= json_set_str(object, "state", machine_state_name(machine->state));
	bad |= field_set_opt(object, "version", machine->version);
	bad |= field_set_opt(object, "granted", machine->granted);
	bad |= set_failure(object, machine);
	bad |= json_set_str(object, "code_check", code_check_name(machine->code_check));
	bad |= json_object_set_new(object, "hold", json_boolean(machine->hold));
	bad |= field_set_opt(object, "boot_id", machine->boot_id);
	bad |= json_object_set_new(object, "uptime", json_integer(machine->uptime));
	bad |= json_object_set_new(object, "sequence", json_integer(machine->sequence));
	bad |= field_set_time(object, "enrolled", machine->enrolled);
	if (machine->last_check_in > 0)
		bad |= field_set_time(object, "last_check_in", machine->last_check_in);
	else
		bad |= json_set_str(object, "last_check_in", NULL);
	return bad ? NULL : TAKE_PTR(object);
}

int api_machine_list(void *app, struct http_request *request, struct http_response *response,
		     struct error *err)
{
	struct server *server = app;
	_cleanup_free_ struct store_machine *machines = NULL;
	json_t *array;
	size_t n = 0;
	int bad = 0, r;

	r = store_machine_list(server->store, after_argument(request), &machines, &n, err);
	if (r < 0)
		return r;
	array = json_array();
	for (size_t i = 0; i < n && !bad; i++)
		bad = json_array_append_new(array, machine_object(&machines[i]));
	if (bad) {
		json_decref(array);
		array = NULL;
	}
	return answer_page(response, "machines", array,
			   n == STORE_LIST_MAX ? machines[n - 1].id : NULL, err);
}

int api_machine_show(void *app, struct http_request *request, struct http_response *response,
		     struct error *err)
{
	struct server *server = app;
	_cleanup_free_ struct check_in_event *events = NULL;
	_cleanup_json_ json_t *object = NULL;
	struct store_machine machine;
	json_t *array;
	size_t n = 0;
	int bad, r;

	if (!uuid_is_valid(request->parameter))
		return error_set(err, ERR_NOT_FOUND, "there is no such machine");
	r = store_machine_get(server->store, request->parameter, &machine, err);
	if (r == 0)
		r = store_event_list(server->store, machine.id, STORE_EVENTS_MAX, &events, &n, err);
	if (r < 0)
		return r;
	object = machine_object(&machine);
	array = json_array();
	bad = json_object_set_new(object, "events", array);
	for (size_t i = 0; i < n && !bad; i++)
		bad = json_array_append_new(array, check_in_event_object(&events[i]));
	if (bad)
		return error_set(err, ERR_NO_MEMORY, "machine: out of memory");
	return answer_json(response, json_incref(object), err);
}

int api_machine_forget(void *app, struct http_request *request, struct http_response *response,
		       struct error *err)
{
	struct server *server = app;
	int r = uuid_is_valid(request->parameter)
			? store_machine_forget(server->store, request->parameter, err)
			: error_set(err, ERR_NOT_FOUND, "there is no such machine");

	if (r == 0)
		log_info("%s forgot machine %s", (char *)request->identity, request->parameter);
	response->status = r == 0 ? 204 : 0;
	return r;
}
