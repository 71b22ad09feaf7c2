/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http/listener.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "server/http/deadlines.h"
#include "wire/problem.h"

#define BACKLOG        1024
#define HEADERS_MAX    (24 * 1024) /* libmicrohttpd's memory for one connection */
#define IDLE_S         60
/* A refused body up to this size is read and thrown away, so that the client sees the answer. */
#define DISCARD_MAX    ((uint64_t)1024 * 1024)
#define BODY_RATE_MIN  64 /* bytes a millisecond, beyond the time that every body has */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http_listener {
	struct http_listener_options options;
	struct MHD_Daemon *daemon;
	struct deadlines *deadlines;
	uint16_t port;
	_Atomic uint64_t requests, client_errors, server_errors;
};

/* One request on its way. */
struct exchange {
	struct http_listener *listener;
	const struct http_route *route;
	struct http_request request;
	struct http_response response;
	uint64_t received, discarded; /* bytes of the body; of one that was refused */
	int64_t began;                /* clock_monotonic_ms() at its headers */
	int failure;                  /* negative: the answer is `err` */
	struct error err;
	char allow[HTTP_ALLOW_MAX];
};

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_argument(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

int http_client_certificate(const struct http_request *request, uint8_t ret[static SHA256_LEN],
			    struct error *err)
{
	gnutls_typed_vdata_st purpose = { GNUTLS_DT_KEY_PURPOSE_OID,
					  (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0 };
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t session = info ? (gnutls_session_t)info->tls_session : NULL;
	const gnutls_datum_t *certificates;
	unsigned int n = 0, status = 0;

	certificates = session ? gnutls_certificate_get_peers(session, &n) : NULL;
	if (!certificates || n == 0)
		return error_set(err, ERR_DENIED, "a client certificate of this server is needed");
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status != 0)
		return error_set(err, ERR_UNTRUSTED,
				 "the client certificate is not a valid one of this server");
	return hash_sha256(certificates[0].data, certificates[0].size, ret);
}

static void set_deadline(const struct exchange *x, int ms)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->request.connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (info && info->socket_context)
		deadline_set(info->socket_context, ms);
}

/* Answers */

static struct MHD_Response *make_body(struct http_response *response)
{
	size_t len = response->body.len;
	uint8_t *data;

	if (response->fd >= 0)
		return MHD_create_response_from_fd64(response->size, TAKE_FD(response->fd));
	if (len == 0)
		return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	data = buf_take(&response->body, NULL);
	return data ? MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE) : NULL;
}

static void add_headers(struct exchange *x, struct MHD_Response *answer, int status)
{
	const struct http_response *response = &x->response;
	char number[16];

	if (status != 304)
		MHD_add_response_header(answer, "Content-Type",
					response->content_type ? response->content_type
							       : HTTP_JSON);
	MHD_add_response_header(answer, "Cache-Control",
				response->cache_control ? response->cache_control : HTTP_NO_STORE);
	MHD_add_response_header(answer, "X-Content-Type-Options", "nosniff");
	if (response->etag[0])
		MHD_add_response_header(answer, "ETag", response->etag);
	if (x->allow[0])
		MHD_add_response_header(answer, "Allow", x->allow);
	if (response->ask_bearer)
		MHD_add_response_header(answer, "WWW-Authenticate", "Bearer");
	if (response->retry_after > 0) {
		snprintf(number, sizeof(number), "%d", response->retry_after);
		MHD_add_response_header(answer, "Retry-After", number);
	}
}

/* Turns the failure into a problem document. */
static int fill_problem(struct exchange *x)
{
	struct http_response *response = &x->response;
	int status = response->status >= 400 ? response->status : problem_status(x->failure);

	if (status >= 500)
		log_error("%s %s: %s", x->request.method, x->request.path, x->err.message);
	response->status = status;
	response->content_type = PROBLEM_CONTENT_TYPE;
	response->cache_control = HTTP_NO_STORE;
	response->etag[0] = 0;
	buf_clear(&response->body);
	if (response->fd >= 0)
		close(TAKE_FD(response->fd));
	/* What broke inside is for the log, not for the peer. */
	return problem_write(status, x->failure,
			     status >= 500 ? "the server could not do this" : x->err.message,
			     &response->body);
}

static enum MHD_Result send_answer(struct exchange *x)
{
	struct MHD_Response *answer;
	enum MHD_Result result;
	int status;

	if (x->failure < 0 && fill_problem(x) < 0)
		return MHD_NO;
	status = x->response.status ? x->response.status : 200;
	atomic_fetch_add(&x->listener->requests, 1);
	if (status >= 500)
		atomic_fetch_add(&x->listener->server_errors, 1);
	else if (status >= 400)
		atomic_fetch_add(&x->listener->client_errors, 1);
	answer = make_body(&x->response);
	if (!answer)
		return MHD_NO;
	add_headers(x, answer, status);
	set_deadline(x, x->listener->options.answer_ms);
	result = MHD_queue_response(x->request.connection, (unsigned int)status, answer);
	MHD_destroy_response(answer);
	return result;
}

/* Requests */

static void set_peer(struct http_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	const void *bytes = NULL;

	if (address && address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)address)->sin_addr;
	else if (address && address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
	if (!bytes || !inet_ntop(address->sa_family, bytes, request->peer, sizeof(request->peer)))
		request->peer[0] = 0;
}

/* The body's length as announced: -1 when it is not. */
static int64_t announced_length(const struct http_request *request)
{
	const char *text = http_header(request, "Content-Length");

	/* libmicrohttpd has already refused what is no number. */
	return text ? (int64_t)MIN(strtoull(text, NULL, 10), (unsigned long long)INT64_MAX)
	       : http_header(request, "Transfer-Encoding") ? -1
							   : 0;
}

static bool is_json(const char *type)
{
	size_t len = strlen(HTTP_JSON);

	return type && strncasecmp(type, HTTP_JSON, len) == 0 &&
	       (!type[len] || type[len] == ';' || type[len] == ' ');
}

/* Everything that can be decided before the body comes. */
static int begin(struct exchange *x)
{
	struct http_request *request = &x->request;
	struct error *err = &x->err;
	int64_t length = announced_length(request);
	int r;

	r = http_route_find(x->listener->options.routes, request->method, request->path, &x->route,
			    &request->parameter, x->allow);
	if (r == ERR_UNSUPPORTED) {
		x->response.status = 405;
		return error_set(err, ERR_UNSUPPORTED, "%s is not possible here", request->method);
	}
	if (r < 0)
		return error_set(err, ERR_NOT_FOUND, "there is nothing at this path");
	if (length > 0 && (uint64_t)length > x->route->max_body)
		return error_set(err, ERR_TOO_LARGE, "the body is over %zu bytes",
				 x->route->max_body);
	if (x->route->max_body > 0 && !x->route->any_type &&
	    !is_json(http_header(request, "Content-Type"))) {
		x->response.status = 415;
		return error_set(err, ERR_INVALID, "the body must be %s", HTTP_JSON);
	}
	request->body = BUF_INIT(x->route->max_body);
	return x->route->guard
		       ? x->route->guard(x->listener->options.app, request, &x->response, err)
		       : 0;
}

/* A body may take its time as long as it comes at a least rate; one that is refused may not. */
static void extend_body(const struct exchange *x)
{
	int64_t allowed = x->listener->options.body_ms + (int64_t)(x->received / BODY_RATE_MIN);

	set_deadline(x, (int)MAX(x->began + allowed - clock_monotonic_ms(), 0));
}

static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *len)
{
	if (x->failure < 0) {
		x->discarded += *len;
	} else {
		x->received += *len;
		extend_body(x);
		x->failure = buf_append(&x->request.body, data, *len);
		if (x->failure < 0)
			error_set(&x->err, x->failure, "the body is over %zu bytes",
				  x->route->max_body);
	}
	*len = 0;
	return x->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

static struct exchange *exchange_new(struct http_listener *listener,
				     struct MHD_Connection *connection, const char *path,
				     const char *method)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->listener = listener;
	x->request.connection = connection;
	x->request.path = path;
	x->request.method = method;
	x->request.parameter = "";
	x->began = clock_monotonic_ms();
	x->response.fd = -1;
	x->response.body = BUF_INIT(HTTP_ANSWER_MAX);
	set_peer(&x->request);
	return x;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version _unused_,
				  const char *upload_data, size_t *upload_data_size,
				  void **request_cls)
{
	struct http_listener *listener = cls;
	struct exchange *x = *request_cls;

	if (!x) {
		int64_t length;

		x = exchange_new(listener, connection, url, method);
		if (!x)
			return MHD_NO;
		*request_cls = x;
		set_deadline(x, listener->options.body_ms);
		x->failure = begin(x);
		length = announced_length(&x->request);
		if (x->failure < 0 && length > 0 && (uint64_t)length > DISCARD_MAX)
			return send_answer(x);
		return MHD_YES;
	}
	if (*upload_data_size > 0)
		return take_body(x, upload_data, upload_data_size);
	if (x->failure == 0) {
		set_deadline(x, listener->options.answer_ms);
		x->failure =
			x->route->run(listener->options.app, &x->request, &x->response, &x->err);
		x->failure = MIN(x->failure, 0);
	}
	return send_answer(x);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
			 enum MHD_RequestTerminationCode code _unused_)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_listener *listener = cls;
	struct exchange *x = *request_cls;

	if (info && info->socket_context)
		deadline_set(info->socket_context, listener->options.header_ms);
	if (!x)
		return;
	/* Bodies may hold a token or a password. */
	if (x->request.body.data)
		explicit_bzero(x->request.body.data, x->request.body.len);
	buf_free(&x->request.body);
	buf_free(&x->response.body);
	if (x->response.fd >= 0)
		close(x->response.fd);
	free(x->request.identity);
	free(x);
	*request_cls = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_listener *listener = cls;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*socket_context)
			deadline_remove(*socket_context);
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info)
		*socket_context = deadline_add(listener->deadlines, info->connect_fd,
					       listener->options.header_ms);
}

/* Percent-decoding in place; "%00" stays as it is, since it would end the path for us and not for
 * others who look at it. */
static size_t on_unescape(void *cls _unused_, struct MHD_Connection *connection _unused_, char *s)
{
	char *to = s;
	uint8_t byte;

	for (const char *from = s; *from; to++) {
		char digits[3] = { from[0] == '%' ? from[1] : 0, 0, 0 };

		if (digits[0])
			digits[1] = from[2];
		if (hex_decode(digits, 1, &byte) == 0 && byte != 0) {
			*to = (char)byte;
			from += 3;
		} else {
			*to = *from++;
		}
	}
	*to = 0;
	return (size_t)(to - s);
}

static _printf_(2, 0) void on_log(void *cls _unused_, const char *format, va_list ap)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, ap);
	line[strcspn(line, "\n")] = 0;
	log_debug("http: %s", line);
}

/* Start and stop */

static int make_address(const char *text, uint16_t port, struct sockaddr_storage *ret,
			socklen_t *ret_len, struct error *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*ret_len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*ret_len = sizeof(*v6);
		return 0;
	}
	return error_set(err, ERR_INVALID, "\"%s\": not an IPv4 or IPv6 address", text);
}

static int open_socket(const char *text, uint16_t port, int *ret_fd, uint16_t *ret_port,
		       struct error *err)
{
	struct sockaddr_storage address;
	_cleanup_close_ int fd = -1;
	socklen_t len;
	int one = 1, r = make_address(text, port, &address, &len, err);

	if (r < 0)
		return r;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return error_set_errno(err, errno, "listening on %s port %u", text, port);
	*ret_port =
		ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
						    : ((struct sockaddr_in *)&address)->sin_port);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int start_daemon(struct http_listener *listener, int fd, struct error *err)
{
	const struct http_listener_options *o = &listener->options;
	unsigned int flags =
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_TLS | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem trust[] = {
		{ o->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		  (void *)o->client_ca },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (strchr(o->address, ':'))
		flags |= MHD_USE_IPv6;
	listener->daemon = MHD_start_daemon(
		flags, listener->port, NULL, NULL, on_request, listener, MHD_OPTION_EXTERNAL_LOGGER,
		on_log, NULL, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_KEY, o->key,
		MHD_OPTION_HTTPS_MEM_CERT, o->certificate, MHD_OPTION_HTTPS_PRIORITIES,
		TLS_PRIORITIES, MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener, MHD_OPTION_THREAD_POOL_SIZE,
		o->threads, MHD_OPTION_CONNECTION_LIMIT, o->connections,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_address,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, trust, MHD_OPTION_END);
	if (!listener->daemon)
		return error_set(err, ERR_INVALID,
				 "the listener on %s port %u could not be started", o->address,
				 listener->port);
	return 0;
}

int http_listener_start(const struct http_listener_options *options, struct http_listener **ret,
			struct error *err)
{
	_cleanup_(http_listener_stopp) struct http_listener *listener =
		calloc(1, sizeof(*listener));
	int fd = -1, r;

	if (!listener)
		return error_set(err, ERR_NO_MEMORY, "listener: out of memory");
	listener->options = *options;
	r = deadlines_new(&listener->deadlines, err);
	if (r == 0)
		r = open_socket(options->address, options->port, &fd, &listener->port, err);
	if (r < 0)
		return r;
	r = start_daemon(listener, fd, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret = TAKE_PTR(listener);
	return 0;
}

void http_listener_stop(struct http_listener *listener)
{
	if (!listener)
		return;
	if (listener->daemon)
		MHD_stop_daemon(listener->daemon);
	deadlines_free(listener->deadlines);
	free(listener);
}

uint16_t http_listener_port(const struct http_listener *listener)
{
	return listener->port;
}

struct http_counters http_listener_counters(struct http_listener *listener)
{
	return (struct http_counters){
		.requests = atomic_load(&listener->requests),
		.client_errors = atomic_load(&listener->client_errors),
		.server_errors = atomic_load(&listener->server_errors),
		.cut_off = deadlines_cut(listener->deadlines),
	};
}
