/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/upload.h"

#include <curl/curl.h>
#include <stdio.h>

#include "wire/problem.h"
#include "wire/session.h"

#define ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define STALL_S    30L /* at less than 1 kB/s for so long, the server counts as stuck */

DEFINE_CLEANUP(struct curl_slist *, curl_slist_free_all);

struct upload {
	CURL *curl; /* one connection for all */
	struct session session;
};

void upload_free(struct upload *upload)
{
	if (!upload)
		return;
	curl_easy_cleanup(upload->curl);
	session_clear(&upload->session);
	free(upload);
}

static int take_session(struct upload *upload, const char *url, const char *path, struct error *err)
{
	_cleanup_session_ struct session asked = { 0 };
	int r = session_set_url(&asked, url, err);

	if (r < 0)
		return r;
	r = session_load(path, &upload->session, err);
	if (r == ERR_NOT_FOUND) {
		error_hint(err, "Log in first: suture-admin login %s --ca FILE", asked.url);
		return error_prefix(err, r, "%s", asked.url);
	}
	if (r < 0)
		return r;
	/* The secret goes to nobody else. */
	if (!streq(upload->session.url, asked.url))
		return error_set(err, ERR_DENIED, "the login is at %s, not at %s",
				 upload->session.url, asked.url);
	return 0;
}

int upload_new(const char *url, const char *session, struct upload **ret, struct error *err)
{
	_cleanup_upload_ struct upload *upload = calloc(1, sizeof(*upload));
	int r;

	if (!upload)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	upload->curl = curl_easy_init();
	if (!upload->curl)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = take_session(upload, url, session, err);
	if (r == 0)
		*ret = TAKE_PTR(upload);
	return r;
}

/* ---- Requests ---- */

static size_t take(char *data, size_t size, size_t n, void *user)
{
	return buf_append(user, data, size * n) < 0 ? 0 : size * n;
}

static int set_url(struct upload *u, const char *relative)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);
	int r = buf_printf(&url, "%s/v1/admin/repository/", u->session.url);

	/* Releases have '+', which servers may read as a blank. */
	if (r == 0)
		r = buf_append_percent(&url, relative, "/");
	return r < 0 || curl_easy_setopt(u->curl, CURLOPT_URL, buf_str(&url)) != CURLE_OK;
}

static int set_up(struct upload *u, const char *relative, struct curl_slist **headers,
		  struct buf *answer, char *detail)
{
	char *pem = u->session.ca;
	struct curl_blob ca = { pem, pem ? strlen(pem) : 0, CURL_BLOB_COPY };
	_cleanup_free_ char *line = NULL;
	int bad;

	if (asprintf(&line, "Authorization: Bearer %s", u->session.secret) < 0) {
		line = NULL;
		return -1;
	}
	*headers = curl_slist_append(NULL, line);
	explicit_bzero(line, strlen(line));
	curl_easy_reset(u->curl);
	bad = !*headers || !curl_slist_append(*headers, "Content-Type: application/octet-stream") ||
	      !curl_slist_append(*headers, "Expect:") || set_url(u, relative);
	bad |= curl_easy_setopt(u->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(u->curl, CURLOPT_PROTOCOLS_STR, "https");
	bad |= curl_easy_setopt(u->curl, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(u->curl, CURLOPT_CONNECTTIMEOUT, STALL_S);
	bad |= curl_easy_setopt(u->curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
	bad |= curl_easy_setopt(u->curl, CURLOPT_LOW_SPEED_TIME, STALL_S);
	bad |= curl_easy_setopt(u->curl, CURLOPT_HTTPHEADER, *headers);
	bad |= curl_easy_setopt(u->curl, CURLOPT_WRITEFUNCTION, take);
	bad |= curl_easy_setopt(u->curl, CURLOPT_WRITEDATA, answer);
	bad |= curl_easy_setopt(u->curl, CURLOPT_ERRORBUFFER, detail);
	if (pem) {
		bad |= curl_easy_setopt(u->curl, CURLOPT_CAINFO_BLOB, &ca);
		bad |= curl_easy_setopt(u->curl, CURLOPT_CAPATH, NULL);
	}
	return bad;
}

/* One request: PUT of `data`, or GET, or with `head` only its headers. */
static int request(struct upload *u, const char *relative, const struct buf *data, bool head,
		   struct buf *answer, long *ret_status, struct error *err)
{
	_cleanup_(curl_slist_free_allp) struct curl_slist *headers = NULL;
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code;
	int bad = set_up(u, relative, &headers, answer, detail);

	if (data) {
		bad |= curl_easy_setopt(u->curl, CURLOPT_POSTFIELDSIZE_LARGE,
					(curl_off_t)data->len);
		bad |= curl_easy_setopt(u->curl, CURLOPT_POSTFIELDS,
					data->len > 0 ? (const char *)data->data : "");
		bad |= curl_easy_setopt(u->curl, CURLOPT_CUSTOMREQUEST, "PUT");
	} else if (head) {
		bad |= curl_easy_setopt(u->curl, CURLOPT_NOBODY, 1L);
	}
	if (bad)
		return error_set(err, ERR_UNSUPPORTED, "libcurl lacks an option");
	code = curl_easy_perform(u->curl);
	if (code == CURLE_OK) {
		curl_easy_getinfo(u->curl, CURLINFO_RESPONSE_CODE, ret_status);
		return 0;
	}
	return error_set(err,
			 code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE
				 ? ERR_UNTRUSTED
				 : ERR_UNREACHABLE,
			 "%s: %s", u->session.url, detail[0] ? detail : curl_easy_strerror(code));
}

static int refused(const char *relative, long status, const struct buf *answer, struct error *err)
{
	struct problem problem;

	if (problem_parse((int)status, answer->data, answer->len, &problem, NULL) < 0)
		return error_set(err, ERR_PROTOCOL, "%s: the server answered with status %ld",
				 relative, status);
	return error_set(err, problem_code(&problem), "%s: %s", relative, problem.detail);
}

int upload_get(void *upload, const char *path, size_t max, struct buf *out, struct error *err)
{
	_cleanup_buf_ struct buf answer = BUF_INIT(max);
	long status = 0;
	int r = request(upload, path, NULL, false, &answer, &status, err);

	if (r < 0)
		return r;
	if (status == 404)
		return error_set(err, ERR_NOT_FOUND, "%s: the server has it not", path);
	if (status != 200)
		return refused(path, status, &answer, err);
	r = buf_append(out, answer.data, answer.len);
	return r < 0 ? error_set(err, r, "%s: no room", path) : 0;
}

/* The server says the hash of what it has as an ETag: a damaged file is sent again. */
static int is_there(struct upload *u, const struct walk_file *file, bool *ret, struct error *err)
{
	_cleanup_buf_ struct buf answer = BUF_INIT(ANSWER_MAX);
	char expected[SHA256_HEX_LEN + 3];
	struct curl_header *etag;
	long status = 0;
	int r = request(u, file->path, NULL, true, &answer, &status, err);

	if (r < 0)
		return r;
	*ret = false;
	if (status == 404)
		return 0;
	if (status != 200)
		return refused(file->path, status, &answer, err);
	snprintf(expected, sizeof(expected), "\"%s\"", file->sha256);
	*ret = curl_easy_header(u->curl, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK &&
	       streq(etag->value, expected);
	return 0;
}

int upload_put(void *upload, const struct walk_file *file, const struct buf *data,
	       struct error *err)
{
	_cleanup_buf_ struct buf answer = BUF_INIT(ANSWER_MAX);
	bool there = false;
	long status = 0;
	int r = is_there(upload, file, &there, err);

	if (r < 0)
		return r;
	if (there)
		return ERR_EXISTS;
	r = request(upload, file->path, data, false, &answer, &status, err);
	if (r < 0)
		return r;
	return status == 201 ? 0 : refused(file->path, status, &answer, err);
}
