/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "http_get.h"

#include <curl/curl.h>

/* Of an answer that is no 200 nothing is kept, and no more than this is waited for. */
#define REFUSAL_MAX ((size_t)64 * 1024)
#define CONNECT_S   10L
#define TOTAL_MAX_S 86400

struct http_get {
	CURL *curl;
	long rate, stall;
	struct buf *out; /* of the request that runs */
	size_t max, received;
	bool too_large;
};

void http_get_free(struct http_get *get)
{
	if (!get)
		return;
	curl_easy_cleanup(get->curl);
	free(get);
}

static size_t on_body(char *data, size_t one, size_t len, void *user)
{
	struct http_get *get = user;
	size_t n = one * len;
	long status = 0;

	curl_easy_getinfo(get->curl, CURLINFO_RESPONSE_CODE, &status);
	get->received += n;
	if (status != 200)
		return get->received > REFUSAL_MAX ? 0 : n;
	get->too_large = get->received > get->max;
	if (get->too_large || buf_append(get->out, data, n) < 0)
		return 0;
	return n;
}

static CURLcode set_options(CURL *curl, long rate, long stall)
{
	const struct {
		CURLoption option;
		long value;
	} longs[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_PATH_AS_IS, 1 },
		{ CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_CONNECTTIMEOUT, CONNECT_S },
		{ CURLOPT_LOW_SPEED_LIMIT, rate },
		{ CURLOPT_LOW_SPEED_TIME, stall },
	};
	CURLcode c = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");

	for (size_t i = 0; i < ARRAY_SIZE(longs) && c == CURLE_OK; i++)
		c = curl_easy_setopt(curl, longs[i].option, longs[i].value);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_USERAGENT, "suture-tuf-client");
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	return c;
}

int http_get_new(long rate, long stall, struct http_get **ret, struct error *err)
{
	_cleanup_(http_get_freep) struct http_get *get = calloc(1, sizeof(*get));

	if (!get || !(get->curl = curl_easy_init()) ||
	    set_options(get->curl, rate, stall) != CURLE_OK ||
	    curl_easy_setopt(get->curl, CURLOPT_WRITEDATA, get) != CURLE_OK)
		return error_set(err, ERR_NO_MEMORY, "HTTP: no memory");
	get->rate = rate;
	get->stall = stall;
	*ret = TAKE_PTR(get);
	return 0;
}

static int explain(const struct http_get *get, CURLcode code, long status, const char *url,
		   struct error *err)
{
	if (get->too_large)
		return error_set(err, ERR_TOO_LARGE, "%s: more than %zu bytes", url, get->max);
	if (status == 403 || status == 404 || status == 410)
		return error_set(err, ERR_NOT_FOUND, "%s: HTTP status %ld", url, status);
	if (code == CURLE_OK || (status != 0 && status != 200))
		return error_set(err, ERR_PROTOCOL, "%s: HTTP status %ld", url, status);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, ERR_TIMEOUT, "%s: the server is too slow", url);
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
		return error_set(err, ERR_UNREACHABLE, "%s: %s", url, curl_easy_strerror(code));
	return error_set(err, ERR_PROTOCOL, "%s: %s", url, curl_easy_strerror(code));
}

/* Seconds for a whole answer: the least rate is kept on average, whatever the pauses. */
static long total_time(const struct http_get *get, size_t max)
{
	size_t transfer = max / (size_t)get->rate;

	return CONNECT_S + get->stall + (long)MIN(transfer, (size_t)TOTAL_MAX_S);
}

int http_get(struct http_get *get, const char *url, size_t max, struct buf *out, struct error *err)
{
	long status = 0;
	CURLcode c;

	get->out = out;
	get->max = max;
	get->received = 0;
	get->too_large = false;
	c = curl_easy_setopt(get->curl, CURLOPT_URL, url);
	if (c == CURLE_OK)
		c = curl_easy_setopt(get->curl, CURLOPT_TIMEOUT, total_time(get, max));
	if (c == CURLE_OK)
		c = curl_easy_perform(get->curl);
	curl_easy_getinfo(get->curl, CURLINFO_RESPONSE_CODE, &status);
	if (c == CURLE_OK && status == 200)
		return 0;
	return explain(get, c, status, url, err);
}
