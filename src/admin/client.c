/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "admin/client.h"

#include <curl/curl.h>

#include "wire/problem.h"

#define PAGES_MAX 100000

DEFINE_CLEANUP(CURL *, curl_easy_cleanup);
DEFINE_CLEANUP(struct curl_slist *, curl_slist_free_all);

static size_t take(char *data, size_t size, size_t n, void *user)
{
	return buf_append(user, data, size * n) < 0 ? 0 : size * n;
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_free(b);
}

/* Adds a header; the list stays the caller's on failure. */
static int add_header(struct curl_slist **list, const char *line, struct error *err)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	*list = longer;
	return 0;
}

static int add_headers(const struct session *session, const struct buf *body,
		       struct curl_slist **list, struct error *err)
{
	_cleanup_(wipe) struct buf line = BUF_INIT(1024);
	int r = 0;

	if (body->len > 0)
		r = add_header(list, "Content-Type: application/json", err);
	if (r == 0 && session->secret) {
		r = buf_printf(&line, "Authorization: Bearer %s", session->secret);
		r = r < 0 ? error_set(err, r, "session: too long")
			  : add_header(list, buf_str(&line), err);
	}
	return r;
}

static int set_trust(CURL *curl, const struct session *session)
{
	struct curl_blob ca = { session->ca, session->ca ? strlen(session->ca) : 0,
				CURL_BLOB_COPY };
	int bad = curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);

	bad |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	bad |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	if (session->ca) {
		bad |= curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
		bad |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	return bad;
}

/* What libcurl says, as one of our codes. */
static int transport_error(CURLcode code, const char *url, const char *detail, struct error *err)
{
	const char *text = *detail ? detail : curl_easy_strerror(code);

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT: return error_set(err, ERR_TIMEOUT, "%s: %s", url, text);
	case CURLE_WRITE_ERROR:
		return error_set(err, ERR_TOO_LARGE, "%s: the answer is too large", url);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		error_set(err, ERR_UNTRUSTED, "%s: %s", url, text);
		error_hint(err, "Give the server's CA certificate at the login with --ca.");
		return ERR_UNTRUSTED;
	case CURLE_OUT_OF_MEMORY: return error_set(err, ERR_NO_MEMORY, "out of memory");
	default: return error_set(err, ERR_UNREACHABLE, "%s: %s", url, text);
	}
}

static int refused(long status, const struct buf *answer, struct error *err)
{
	struct problem problem;
	int code;

	if (problem_parse((int)status, answer->data, answer->len, &problem, NULL) < 0)
		return error_set(err, ERR_PROTOCOL, "the server answered with status %ld", status);
	code = error_set(err, problem_code(&problem), "%s", problem.detail);
	if (status == 401)
		error_hint(err, "Log in: suture-admin login https://HOST:PORT --ca FILE");
	return code;
}

static int perform(const struct session *session, const char *method, const char *path,
		   const struct buf *body, struct buf *answer, long *ret_status, struct error *err)
{
	_cleanup_(curl_slist_free_allp) struct curl_slist *headers = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT(4096);
	_cleanup_(curl_easy_cleanupp) CURL *curl = curl_easy_init();
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code;
	int bad, r = buf_printf(&url, "%s%s", session->url, path);

	if (r < 0 || !curl)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = add_headers(session, body, &headers, err);
	if (r < 0)
		return r;
	bad = set_trust(curl, session);
	bad |= curl_easy_setopt(curl, CURLOPT_URL, buf_str(&url));
	bad |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
	bad |= curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)CLIENT_TIMEOUT_S);
	bad |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	bad |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	bad |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (body->len > 0) {
		bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
		bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data);
	}
	bad |= curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	if (bad)
		return error_set(err, ERR_UNSUPPORTED, "libcurl lacks an option");
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return transport_error(code, session->url, detail, err);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	return 0;
}

int client_request(const struct session *session, const char *method, const char *path,
		   const json_t *body, json_t **ret, struct error *err)
{
	_cleanup_(wipe) struct buf sent = BUF_INIT(64 * 1024);
	_cleanup_(wipe) struct buf answer = BUF_INIT(CLIENT_ANSWER_MAX);
	long status = 0;
	int r = body ? json_append(body, &sent) : 0;

	if (r < 0)
		return error_set(err, r, "the request does not fit");
	r = perform(session, method, path, &sent, &answer, &status, err);
	if (r < 0)
		return r;
	if (status < 200 || status > 299)
		return refused(status, &answer, err);
	if (!ret)
		return 0;
	*ret = NULL;
	if (answer.len == 0)
		return 0;
	r = json_parse(answer.data, answer.len, ret, err);
	return r < 0 ? error_prefix(err, ERR_PROTOCOL, "%s", session->url) : 0;
}

/* Adds one page's items to `all`; *ret_next is what to ask with for the next, or NULL. */
static int take_page(json_t *page, const char *key, json_t *all, const char **ret_next,
		     struct error *err)
{
	json_t *items;
	int r = json_get_array(page, key, 100000, &items, err);

	if (r == 0)
		r = json_get_str_opt(page, "next", 64, ret_next, err);
	if (r < 0)
		return error_prefix(err, ERR_PROTOCOL, "the server's answer");
	/* It becomes part of a URL. */
	if (*ret_next && strspn(*ret_next, "0123456789abcdef-") != strlen(*ret_next))
		return error_set(err, ERR_PROTOCOL, "the server's answer: \"next\" is no ID");
	return json_array_extend(all, items) < 0 ? error_set(err, ERR_NO_MEMORY, "out of memory")
						 : 0;
}

int client_list(const struct session *session, const char *path, const char *key, json_t **ret,
		struct error *err)
{
	_cleanup_json_ json_t *all = json_array(), *page = NULL;
	_cleanup_buf_ struct buf where = BUF_INIT(1024);
	const char *next = NULL;
	int r = buf_append_str(&where, path);

	if (!all || r < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (int i = 0; i < PAGES_MAX; i++) {
		json_decref(TAKE_PTR(page));
		r = client_request(session, "GET", buf_str(&where), NULL, &page, err);
		if (r == 0)
			r = take_page(page, key, all, &next, err);
		if (r < 0)
			return r;
		if (!next) {
			*ret = TAKE_PTR(all);
			return 0;
		}
		buf_clear(&where);
		r = buf_printf(&where, "%s?after=%s", path, next);
		if (r < 0)
			return error_set(err, r, "out of memory");
	}
	return error_set(err, ERR_PROTOCOL, "the server's list does not end");
}
