/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/fetcher.h"

#include "base/json.h"
#include "base/log.h"
#include "fetch/identity.h"
#include "fetch/url.h"
#include "wire/enrol.h"

struct fetcher {
	char *folder;
	struct http_limits limits;
	/* What the kept connection is for; NULL until the first get or post. */
	struct identity *identity;
	struct http_client *client;
	int client_sock;
};

/* What one request leads to. */
struct outcome {
	int status;
	int fd; /* the body, or -1 */
};

int fetcher_new(const char *folder, const struct http_limits *limits, struct fetcher **ret,
		struct error *err)
{
	_cleanup_(fetcher_freep) struct fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (fetcher)
		fetcher->folder = strdup(folder);
	if (!fetcher || !fetcher->folder)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	fetcher->limits = *limits;
	*ret = TAKE_PTR(fetcher);
	return 0;
}

/* Lets go of the connection and of the identity that it was made with. */
static void disconnect(struct fetcher *fetcher)
{
	http_client_free(TAKE_PTR(fetcher->client));
	identity_free(TAKE_PTR(fetcher->identity));
}

void fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	disconnect(fetcher);
	free(fetcher->folder);
	free(fetcher);
}

/* Makes sure that there is a client that speaks as this machine. */
static int connect_identity(struct fetcher *fetcher, int sock, struct error *err)
{
	struct http_trust trust;
	int r;

	if (fetcher->client && fetcher->client_sock == sock)
		return 0;
	disconnect(fetcher);
	r = identity_load(fetcher->folder, &fetcher->identity, err);
	if (r < 0)
		return r;
	trust = (struct http_trust){ .server_ca = fetcher->identity->server_ca,
				     .certificate = fetcher->identity->certificate,
				     .key = fetcher->identity->key };
	fetcher->client_sock = sock;
	return http_client_new(&trust, &fetcher->limits, sock, &fetcher->client, err);
}

/* A JSON object as text; the caller wipes and frees. */
static int body_text(const json_t *body, char **ret, struct error *err)
{
	*ret = json_dumps(body, JSON_COMPACT);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

static void wipe_freep(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static int do_request(struct fetcher *fetcher, int sock, const struct fetch_request *request,
		      struct outcome *outcome, struct error *err)
{
	_cleanup_free_ char *url = NULL;
	_cleanup_(wipe_freep) char *json = NULL;
	int r = connect_identity(fetcher, sock, err);

	if (r == 0)
		r = url_join(fetcher->identity->url, request->path, &url, err);
	if (r == 0 && request->op == FETCH_POST)
		r = body_text(request->body, &json, err);
	if (r < 0)
		return r;
	return http_client_request(fetcher->client, url, json, (size_t)request->max,
				   &outcome->status, &outcome->fd, err);
}

/* One request over a connection of its own. */
static int request_once(struct fetcher *fetcher, int sock, const struct http_trust *trust,
			const char *url, const char *json, size_t max, struct outcome *outcome,
			struct error *err)
{
	_cleanup_(http_client_freep) struct http_client *client = NULL;
	int r = http_client_new(trust, &fetcher->limits, sock, &client, err);

	if (r < 0)
		return r;
	return http_client_request(client, url, json, max, &outcome->status, &outcome->fd, err);
}

static int do_bundle(struct fetcher *fetcher, int sock, const struct fetch_request *request,
		     struct outcome *outcome, struct error *err)
{
	const struct http_trust anyone = { 0 };
	_cleanup_free_ char *url = NULL;
	int r = url_join(request->url, "/v1/trust-bundle", &url, err);

	if (r < 0)
		return r;
	return request_once(fetcher, sock, &anyone, url, NULL, (size_t)request->max, outcome, err);
}

/* The certificate out of the answer to an enrolment; the caller frees. */
static int read_certificate(int fd, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(ENROL_ANSWER_MAX);
	_cleanup_free_ struct enrol_answer *answer = calloc(1, sizeof(*answer));
	int r;

	if (!answer)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, errno, "reading the server's answer");
	r = file_read_fd(fd, &text, err);
	if (r < 0)
		return r;
	if (enrol_answer_parse(text.data, text.len, answer, err) < 0) {
		error_prefix(err, ERR_PROTOCOL, "the server's answer to the enrolment");
		if (err)
			err->code = ERR_PROTOCOL;
		return ERR_PROTOCOL;
	}
	*ret = strdup(answer->certificate);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* Posts the body with the new key's request in it. */
static int post_enrolment(struct fetcher *fetcher, int sock, const struct fetch_request *request,
			  const char *csr, struct outcome *outcome, struct error *err)
{
	const struct http_trust trust = { .server_ca = request->server_ca };
	_cleanup_free_ char *url = NULL;
	_cleanup_(wipe_freep) char *json = NULL;
	int r = url_join(request->url, "/v1/enrol", &url, err);

	if (r == 0 && json_set_str(request->body, "csr", csr) < 0)
		r = error_set(err, ERR_NO_MEMORY, "out of memory");
	if (r == 0)
		r = body_text(request->body, &json, err);
	if (r < 0)
		return r;
	return request_once(fetcher, sock, &trust, url, json, FETCH_ENROL_ANSWER_MAX, outcome, err);
}

/* Nothing is written before the server's certificate has proved to be for our key; then all of the
 * identity is, as one step. */
static int do_enrol(struct fetcher *fetcher, int sock, const struct fetch_request *request,
		    struct outcome *outcome, struct error *err)
{
	_cleanup_(identity_freep) struct identity *identity = calloc(1, sizeof(*identity));
	_cleanup_free_ char *csr = NULL;
	int r;

	if (!identity)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	identity->url = strdup(request->url);
	identity->server_ca = strdup(request->server_ca);
	if (!identity->url || !identity->server_ca)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = identity_check_space(fetcher->folder, err);
	if (r < 0)
		error_prefix(err, r, "no room for the identity");
	if (r == 0)
		r = identity_new_key(&identity->key, &csr, err);
	if (r == 0)
		r = post_enrolment(fetcher, sock, request, csr, outcome, err);
	if (r == 0)
		r = read_certificate(outcome->fd, &identity->certificate, err);
	if (r == 0)
		r = identity_check_pair(identity->certificate, identity->key, err);
	if (r == 0)
		r = identity_save(fetcher->folder, identity, err);
	if (r < 0)
		return r;
	disconnect(fetcher);
	log_info("enrolled at %s", identity->url);
	return 0;
}

static int do_forget(struct fetcher *fetcher, struct outcome *outcome, struct error *err)
{
	int r;

	(void)outcome;
	disconnect(fetcher);
	r = identity_remove(fetcher->folder, err);
	if (r == 0)
		log_info("identity deleted");
	return r;
}

static int do_operation(struct fetcher *fetcher, int sock, const struct fetch_request *request,
			struct outcome *outcome, struct error *err)
{
	switch (request->op) {
	case FETCH_GET:
	case FETCH_POST: return do_request(fetcher, sock, request, outcome, err);
	case FETCH_BUNDLE: return do_bundle(fetcher, sock, request, outcome, err);
	case FETCH_ENROL: return do_enrol(fetcher, sock, request, outcome, err);
	case FETCH_FORGET: return do_forget(fetcher, outcome, err);
	}
	return error_set(err, ERR_INVALID, "unknown operation");
}

void fetcher_handle(struct fetcher *fetcher, int sock, struct fetch_request *request,
		    struct fetch_answer *ret, int *ret_fd)
{
	struct outcome outcome = { .fd = -1 };
	struct error err = { 0 };
	int r = do_operation(fetcher, sock, request, &outcome, &err);

	if (r == 0 && outcome.fd >= 0)
		r = fetch_memfd_seal(outcome.fd, &err);
	*ret = (struct fetch_answer){ .id = request->id, .ok = r == 0, .status = outcome.status };
	*ret_fd = outcome.fd;
	if (r == 0)
		return;
	if (outcome.fd >= 0)
		close(outcome.fd);
	*ret_fd = -1;
	ret->code = r;
	memcpy(ret->message, err.message, sizeof(ret->message));
	memcpy(ret->hint, err.hint, sizeof(ret->hint));
	log_warning("%s: %s", fetch_op_name(request->op), err.message);
}
