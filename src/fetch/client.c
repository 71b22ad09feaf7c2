/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/client.h"

#include <curl/curl.h>
#include <poll.h>
#include <strings.h>

#include "fetch/failure.h"
#include "wire/fetch_message.h"

/* As much of an address as a message shows, so that the cause fits too. */
#define MESSAGE_URL_MAX 300

struct http_client {
	CURL *curl;
	struct curl_slist *post_headers;
	int abort_fd;
	char curl_error[CURL_ERROR_SIZE];
};

/* One request while it runs. */
struct exchange {
	struct http_client *client;
	int fd;
	size_t size, max, headers;
	bool framed;          /* the answer says where it ends, other than by closing */
	struct error failure; /* why a callback gave up */
};

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->post_headers);
	free(client);
}

static bool starts_header(const char *line, size_t len, const char *name)
{
	return len >= strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

/* Any other coding ends where the connection does. */
static bool is_chunked(const char *line, size_t len)
{
	static const char name[] = "transfer-encoding:", value[] = "chunked";

	if (!starts_header(line, len, name))
		return false;
	line += strlen(name);
	len -= strlen(name);
	while (len > 0 && strchr(" \t", *line))
		line++, len--;
	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		len--;
	return len == strlen(value) && strncasecmp(line, value, len) == 0;
}

static size_t on_header(char *data, size_t one, size_t len, void *user)
{
	struct exchange *exchange = user;

	exchange->headers += one * len;
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
		exchange->framed = false;
	else if (starts_header(data, len, "content-length:") || is_chunked(data, len))
		exchange->framed = true;
	if (exchange->headers <= HTTP_HEADERS_MAX)
		return one * len;
	error_set(&exchange->failure, ERR_PROTOCOL, "the answer's headers are over %d bytes",
		  HTTP_HEADERS_MAX);
	return 0;
}

static size_t on_body(char *data, size_t one, size_t len, void *user)
{
	struct exchange *exchange = user;
	size_t n = one * len;
	long status = 0;

	curl_easy_getinfo(exchange->client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 && status != 201) {
		/* Of a refusal only the problem document matters; the rest is not waited for. */
		if (exchange->size + n > HTTP_REFUSAL_MAX) {
			error_set(&exchange->failure, ERR_TOO_LARGE, "the answer is over %d bytes",
				  HTTP_REFUSAL_MAX);
			return 0;
		}
	} else if (n > exchange->max || exchange->size > exchange->max - n) {
		error_set(&exchange->failure, ERR_TOO_LARGE, "the answer is over %zu bytes",
			  exchange->max);
		return 0;
	}
	if (file_write_fd(exchange->fd, data, n, &exchange->failure) < 0)
		return 0;
	exchange->size += n;
	return n;
}

/* Called at least once a second: is there still someone who wants the answer? */
static int on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		       curl_off_t up)
{
	struct exchange *exchange = user;
	struct pollfd asker = { .fd = exchange->client->abort_fd, .events = POLLRDHUP };

	(void)down_total, (void)down, (void)up_total, (void)up;
	if (asker.fd < 0 || poll(&asker, 1, 0) <= 0)
		return 0;
	error_set(&exchange->failure, -ECANCELED, "nobody waits for the answer any more");
	return 1;
}

/* What every request of ours has in common. Each line's constant says what it does. */
static CURLcode set_common(CURL *curl, const struct http_limits *limits)
{
	const struct {
		CURLoption option;
		long value;
	} longs[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_PATH_AS_IS, 1 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_MAXCONNECTS, 1 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_HTTPAUTH, 0 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_CONNECTTIMEOUT, limits->connect },
		{ CURLOPT_LOW_SPEED_LIMIT, limits->rate },
		{ CURLOPT_LOW_SPEED_TIME, limits->stall },
		{ CURLOPT_TIMEOUT, limits->total },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_NOPROGRESS, 0 },
	};
	CURLcode c = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");

	for (size_t i = 0; i < ARRAY_SIZE(longs) && c == CURLE_OK; i++)
		c = curl_easy_setopt(curl, longs[i].option, longs[i].value);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_USERAGENT, "suture-fetch/" SUTURE_VERSION);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	return c;
}

static CURLcode set_blob(CURL *curl, CURLoption option, const char *text)
{
	struct curl_blob blob = { (void *)text, strlen(text), CURL_BLOB_COPY };

	return curl_easy_setopt(curl, option, &blob);
}

/* The system's certificate authorities are never asked: neither the file nor the folder that
 * libcurl was built with. */
static CURLcode set_trust(CURL *curl, const struct http_trust *trust)
{
	long verify = trust->server_ca ? 1 : 0;
	CURLcode c = curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);

	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2 * verify);
	if (c == CURLE_OK && trust->server_ca)
		c = set_blob(curl, CURLOPT_CAINFO_BLOB, trust->server_ca);
	if (c == CURLE_OK && trust->certificate && trust->key) {
		c = set_blob(curl, CURLOPT_SSLCERT_BLOB, trust->certificate);
		if (c == CURLE_OK)
			c = set_blob(curl, CURLOPT_SSLKEY_BLOB, trust->key);
	}
	return c;
}

/* Without "Expect:" libcurl would wait a second for a 100 before a body of some size. */
static struct curl_slist *make_post_headers(void)
{
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
	struct curl_slist *longer = list ? curl_slist_append(list, "Expect:") : NULL;

	if (!longer)
		curl_slist_free_all(list);
	return longer;
}

int http_client_new(const struct http_trust *trust, const struct http_limits *limits, int abort_fd,
		    struct http_client **ret, struct error *err)
{
	_cleanup_(http_client_freep) struct http_client *client = calloc(1, sizeof(*client));
	CURLcode c;

	if (!client)
		return error_set(err, ERR_NO_MEMORY, "HTTPS: out of memory");
	client->abort_fd = abort_fd;
	client->curl = curl_easy_init();
	client->post_headers = make_post_headers();
	if (!client->curl || !client->post_headers)
		return error_set(err, ERR_NO_MEMORY, "HTTPS: out of memory");
	c = set_common(client->curl, limits);
	if (c == CURLE_OK)
		c = set_trust(client->curl, trust);
	if (c == CURLE_OK)
		c = curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, client->curl_error);
	if (c != CURLE_OK)
		return error_set(err, ERR_NO_MEMORY, "HTTPS: %s", curl_easy_strerror(c));
	*ret = TAKE_PTR(client);
	return 0;
}

static CURLcode set_request(struct exchange *exchange, const char *url, const char *json)
{
	CURL *curl = exchange->client->curl;
	CURLcode c = curl_easy_setopt(curl, CURLOPT_URL, url);

	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE,
				     (curl_off_t)MAX(exchange->max, (size_t)HTTP_REFUSAL_MAX));
	if (c == CURLE_OK && json) {
		c = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(json));
		if (c == CURLE_OK)
			c = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
	} else if (c == CURLE_OK) {
		c = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	}
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_HTTPHEADER,
				     json ? exchange->client->post_headers : NULL);
	return c;
}

/* What libcurl knows beyond its code. */
static int explain(struct http_client *client, CURLcode code, struct error *err)
{
	struct failure_details details = { .text = client->curl_error };

	curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &details.os_errno);
	curl_easy_getinfo(client->curl, CURLINFO_SSL_VERIFYRESULT, &details.verify_result);
	return failure_from_curl(code, &details, err);
}

static int perform(struct exchange *exchange, const char *url, const char *json, int *ret_status,
		   struct error *err)
{
	struct http_client *client = exchange->client;
	long status = 0;
	CURLcode c;

	client->curl_error[0] = 0;
	c = set_request(exchange, url, json);
	if (c == CURLE_OK)
		c = curl_easy_perform(client->curl);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	*ret_status = status >= 100 && status <= 599 ? (int)status : 0;
	if (c == CURLE_OK && (status == 200 || status == 201)) {
		/* libcurl takes a cut TLS connection for an end: who ends so could be anyone. */
		return exchange->framed ? 0
					: error_set(err, ERR_PROTOCOL,
						    "the answer does not say how long it is");
	}
	/* A clear refusal counts as such, even if its text was too long or broken off. */
	if (status >= 300 && exchange->failure.code != -ECANCELED)
		return failure_from_status((int)status, exchange->fd, err);
	if (exchange->failure.code) {
		*err = exchange->failure;
		return err->code;
	}
	return c == CURLE_OK ? failure_from_status((int)status, exchange->fd, err)
			     : explain(client, c, err);
}

int http_client_request(struct http_client *client, const char *url, const char *json, size_t max,
			int *ret_status, int *ret_fd, struct error *err)
{
	struct exchange exchange = { .client = client, .fd = -1, .max = max };
	struct error why = { 0 };
	int r = fetch_memfd_new(&exchange.fd, err);

	*ret_status = 0;
	if (r < 0)
		return r;
	r = perform(&exchange, url, json, ret_status, &why);
	if (r < 0) {
		close(exchange.fd);
		error_set(err, r, "%.*s: %s", MESSAGE_URL_MAX, url, why.message);
		if (why.hint[0])
			error_hint(err, "%s", why.hint);
		return r;
	}
	*ret_fd = exchange.fd;
	return 0;
}
