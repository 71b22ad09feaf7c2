/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/fetch_message.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/process.h"

/* As many descriptors as one packet can carry (SCM_MAX_FD of the kernel, which no header of its own
 * tells): what does not fit, the kernel would close itself, and closing may take for ever. */
#define FDS_MAX        253
#define SEALS_REQUIRED (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

enum {
	NEEDS_PATH = 1 << 0,
	NEEDS_URL = 1 << 1,
	NEEDS_CA = 1 << 2,
	NEEDS_BODY = 1 << 3,
	NEEDS_MAX = 1 << 4,
};

static const struct op_form {
	const char *name;
	unsigned int needs;
	int64_t max; /* where the request says none */
} op_forms[] = {
	[FETCH_GET] = { "get", NEEDS_PATH | NEEDS_MAX, 0 },
	[FETCH_POST] = { "post", NEEDS_PATH | NEEDS_MAX | NEEDS_BODY, 0 },
	[FETCH_BUNDLE] = { "bundle", NEEDS_URL | NEEDS_MAX, 0 },
	[FETCH_ENROL] = { "enrol", NEEDS_URL | NEEDS_CA | NEEDS_BODY, FETCH_ENROL_ANSWER_MAX },
	[FETCH_FORGET] = { "forget", 0, 0 },
};

/* The codes that may appear in an answer, besides "errno-N". */
static const int answer_codes[] = {
	ERR_UNREACHABLE, ERR_TIMEOUT,  ERR_UNTRUSTED, ERR_TOO_LARGE, ERR_NOT_FOUND,
	ERR_DENIED,      ERR_PROTOCOL, ERR_BAD_STATE, ERR_INVALID,   ERR_NO_MEMORY,
};

const char *fetch_op_name(enum fetch_op op)
{
	return (size_t)op < ARRAY_SIZE(op_forms) ? op_forms[op].name : "unknown";
}

static void wipe_strings(json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		if (json_is_string(value))
			explicit_bzero((char *)json_string_value(value), json_string_length(value));
	}
}

void fetch_request_clear(struct fetch_request *request)
{
	free(request->path);
	free(request->url);
	free(request->server_ca);
	/* The strings of an object that others still hold are theirs. */
	if (request->body && request->body->refcount == 1)
		wipe_strings(request->body);
	json_decref(request->body);
	*request = (struct fetch_request){ 0 };
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

/* A string of 1 to `max` bytes, on one line unless `lines`; as a copy. */
static int get_text(const json_t *object, const char *key, size_t max, bool lines, char **ret,
		    struct error *err)
{
	const char *text;
	int r = json_get_str(object, key, max, &text, err);

	if (r < 0)
		return r;
	if (!*text)
		return error_set(err, ERR_INVALID, "%s: is empty", key);
	if (!lines && has_control(text))
		return error_set(err, ERR_INVALID, "%s: has a control character", key);
	*ret = strdup(text);
	if (!*ret)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", key);
	return 0;
}

static int get_op(const json_t *object, enum fetch_op *ret, struct error *err)
{
	const char *name;
	int r = json_get_str(object, "op", 16, &name, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(op_forms); i++) {
		if (streq(op_forms[i].name, name)) {
			*ret = (enum fetch_op)i;
			return 0;
		}
	}
	return error_set(err, ERR_INVALID, "op: \"%s\" is not an operation", name);
}

static int get_body(const json_t *object, json_t **ret, struct error *err)
{
	json_t *body = json_object_get(object, "body");

	if (!json_is_object(body))
		return error_set(err, ERR_INVALID, "body: is not an object");
	*ret = json_incref(body);
	return 0;
}

static int get_fields(const json_t *object, struct fetch_request *request, struct error *err)
{
	const struct op_form *form = &op_forms[request->op];
	int r = 0;

	request->max = form->max;
	if (form->needs & NEEDS_PATH)
		r = get_text(object, "path", FETCH_PATH_MAX, false, &request->path, err);
	if (r == 0 && (form->needs & NEEDS_URL))
		r = get_text(object, "url", FETCH_URL_MAX, false, &request->url, err);
	if (r == 0 && (form->needs & NEEDS_CA))
		r = get_text(object, "server_ca", FETCH_CA_MAX, true, &request->server_ca, err);
	if (r == 0 && (form->needs & NEEDS_MAX))
		r = json_get_int(object, "max", 1, FETCH_BODY_MAX, &request->max, err);
	if (r == 0 && (form->needs & NEEDS_BODY))
		r = get_body(object, &request->body, err);
	return r;
}

/* One JSON object out of a packet; what is wrong with it is always ERR_INVALID or ERR_TOO_LARGE. */
static int parse_object(const void *data, size_t len, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	int r;

	if (len > FETCH_PACKET_MAX)
		return error_set(err, ERR_TOO_LARGE, "packet of %zu bytes, at most %d are allowed",
				 len, FETCH_PACKET_MAX);
	r = json_parse(data, len, &object, err);
	if (r < 0)
		return r;
	if (!json_is_object(object))
		return error_set(err, ERR_INVALID, "packet is not a JSON object");
	*ret = TAKE_PTR(object);
	return 0;
}

int fetch_request_parse(const void *data, size_t len, struct fetch_request *ret, struct error *err)
{
	/* In this order, so that the packet's object is let go first and the body can be wiped. */
	_cleanup_fetch_request_ struct fetch_request request = { 0 };
	_cleanup_json_ json_t *object = NULL;
	int r = parse_object(data, len, &object, err);

	if (r == 0)
		r = json_get_int(object, "id", 1, FETCH_ID_MAX, &request.id, err);
	if (r == 0)
		r = get_op(object, &request.op, err);
	if (r == 0)
		r = get_fields(object, &request, err);
	if (r < 0)
		return error_prefix(err, r, "request");
	*ret = request;
	request = (struct fetch_request){ 0 };
	return 0;
}

/* Appends an object as a packet; the text passes through a buffer of its own that is wiped. */
static int append_packet(const json_t *object, struct buf *out, struct error *err)
{
	struct buf text = BUF_INIT(FETCH_PACKET_MAX);
	int r = buf_reserve(&text, FETCH_PACKET_MAX);

	if (r == 0)
		r = json_append(object, &text);
	if (r == 0)
		r = buf_append(out, text.data, text.len);
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_free(&text);
	if (r == ERR_TOO_LARGE)
		return error_set(err, r, "packet is over %d bytes", FETCH_PACKET_MAX);
	if (r < 0)
		return error_set(err, r, "packet: out of memory");
	return 0;
}

/* A request as JSON; `body` is shared with it. */
static json_t *request_object(const struct fetch_request *request)
{
	const struct op_form *form = &op_forms[request->op];
	_cleanup_json_ json_t *object = json_object();
	int bad = object ? 0 : -1;

	bad |= json_object_set_new(object, "id", json_integer(request->id));
	bad |= json_set_str(object, "op", form->name);
	if (form->needs & NEEDS_PATH)
		bad |= json_set_str(object, "path", request->path);
	if (form->needs & NEEDS_URL)
		bad |= json_set_str(object, "url", request->url);
	if (form->needs & NEEDS_CA)
		bad |= json_set_str(object, "server_ca", request->server_ca);
	if (form->needs & NEEDS_MAX)
		bad |= json_object_set_new(object, "max", json_integer(request->max));
	if (form->needs & NEEDS_BODY)
		bad |= json_object_set(object, "body", request->body);
	return bad ? NULL : TAKE_PTR(object);
}

int fetch_request_write(const struct fetch_request *request, struct buf *out, struct error *err)
{
	_cleanup_fetch_request_ struct fetch_request check = { 0 };
	_cleanup_json_ json_t *object = NULL;
	int r;

	if ((size_t)request->op >= ARRAY_SIZE(op_forms))
		return error_set(err, ERR_INVALID, "request: unknown operation");
	if (request->id < 1 || request->id > FETCH_ID_MAX)
		return error_set(err, ERR_INVALID, "request: id is out of bounds");
	object = request_object(request);
	if (!object)
		return error_set(err, ERR_INVALID, "request: a field is missing or not UTF-8");
	check.op = request->op;
	r = get_fields(object, &check, err);
	if (r < 0)
		return error_prefix(err, r, "request");
	return append_packet(object, out, err);
}

/* The code that stands in an answer for any code of ours. To the asking end ECANCELED says that it
 * is stopping itself, which is not for the other end to say. */
static int answer_code(int code)
{
	if (code == -ECANCELED)
		return ERR_PROTOCOL;
	for (size_t i = 0; i < ARRAY_SIZE(answer_codes); i++)
		if (answer_codes[i] == code)
			return code;
	return code < 0 && code > ERR_USAGE ? code : ERR_PROTOCOL;
}

static int get_code(const json_t *object, int *ret, struct error *err)
{
	const char *name;
	int code, r = json_get_str(object, "code", 32, &name, err);

	if (r < 0)
		return r;
	code = error_code_parse(name);
	if (code == 0 || answer_code(code) != code)
		return error_set(err, ERR_INVALID, "code: \"%s\" is not one of this protocol",
				 name);
	*ret = code;
	return 0;
}

static int get_failure(const json_t *object, struct fetch_answer *answer, struct error *err)
{
	struct error cleaned = { 0 };
	const char *message, *hint = NULL;
	int r = get_code(object, &answer->code, err);

	if (r == 0)
		r = json_get_str(object, "message", ERROR_MESSAGE_MAX - 1, &message, err);
	if (r == 0)
		r = json_get_str_opt(object, "hint", ERROR_HINT_MAX - 1, &hint, err);
	if (r < 0)
		return r;
	if (hint && has_control(hint))
		return error_set(err, ERR_INVALID, "hint: has a control character");
	error_set(&cleaned, answer->code, "%s", message);
	memcpy(answer->message, cleaned.message, sizeof(answer->message));
	snprintf(answer->hint, sizeof(answer->hint), "%s", hint ? hint : "");
	return 0;
}

int fetch_answer_parse(const void *data, size_t len, struct fetch_answer *ret, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	struct fetch_answer answer = { 0 };
	int64_t status = 0;
	int r = parse_object(data, len, &object, err);

	if (r == 0)
		r = json_get_int(object, "id", 0, FETCH_ID_MAX, &answer.id, err);
	if (r == 0 && !json_is_boolean(json_object_get(object, "ok")))
		r = error_set(err, ERR_INVALID, "ok: is not true or false");
	if (r == 0)
		r = json_get_int_opt(object, "status", 0, 599, 0, &status, err);
	if (r == 0 && status > 0 && status < 100)
		r = error_set(err, ERR_INVALID, "status: is no HTTP status");
	if (r == 0) {
		answer.ok = json_is_true(json_object_get(object, "ok"));
		answer.status = (int)status;
		if (!answer.ok)
			r = get_failure(object, &answer, err);
	}
	if (r < 0)
		return error_prefix(err, r, "answer");
	*ret = answer;
	return 0;
}

/* Sets a line of text; one whose end was cut within a character loses all that is not ASCII. */
static int set_line(json_t *object, const char *key, const char *text)
{
	char ascii[ERROR_MESSAGE_MAX];
	size_t i;

	if (json_set_str(object, key, text) == 0)
		return 0;
	for (i = 0; i < sizeof(ascii) - 1 && text[i]; i++)
		ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
	ascii[i] = 0;
	return json_set_str(object, key, ascii);
}

int fetch_answer_write(const struct fetch_answer *answer, struct buf *out, struct error *err)
{
	_cleanup_json_ json_t *object = json_object();
	int bad = object ? 0 : -1;

	bad |= json_object_set_new(object, "id", json_integer(answer->id));
	bad |= json_object_set_new(object, "ok", json_boolean(answer->ok));
	bad |= json_object_set_new(object, "status", json_integer(answer->status));
	if (!answer->ok) {
		bad |= json_set_str(object, "code", error_code_name(answer_code(answer->code)));
		bad |= set_line(object, "message", answer->message);
		if (answer->hint[0])
			bad |= set_line(object, "hint", answer->hint);
	}
	if (bad)
		return error_set(err, ERR_NO_MEMORY, "answer: out of memory");
	return append_packet(object, out, err);
}

int fetch_send(int sock, const void *data, size_t len, int fd, struct error *err)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	do
		n = sendmsg(sock, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set_errno(err, errno, "sending to the fetch socket");
	return 0;
}

/* Gathers the descriptors of all ancillary messages; how many there were. */
static size_t take_descriptors(struct msghdr *message, int fds[static FDS_MAX])
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (count < FDS_MAX)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	return count;
}

/* What is wrong with a received packet, or 0. */
static int check_received(const struct msghdr *message, size_t fds, bool fd_allowed,
			  struct error *err)
{
	if (message->msg_flags & MSG_TRUNC)
		return error_set(err, ERR_PROTOCOL, "packet on the fetch socket is over %d bytes",
				 FETCH_PACKET_MAX);
	if (message->msg_flags & MSG_CTRUNC)
		return error_set(err, ERR_PROTOCOL,
				 "too much came beside a packet on the fetch socket");
	if (fds > (fd_allowed ? 1 : 0))
		return error_set(err, ERR_PROTOCOL, "%zu descriptors came on the fetch socket, %s",
				 fds, fd_allowed ? "at most one is allowed" : "none is allowed");
	return 0;
}

int fetch_receive(int sock, struct buf *out, int *ret_fd, struct error *err)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[FDS_MAX];
	size_t count;
	ssize_t n;
	int r;

	buf_clear(out);
	r = buf_reserve(out, FETCH_PACKET_MAX);
	if (r < 0)
		return error_set(err, r, "receiving from the fetch socket: out of memory");
	iov = (struct iovec){ .iov_base = out->data, .iov_len = FETCH_PACKET_MAX };
	message.msg_control = control.bytes;
	message.msg_controllen = sizeof(control.bytes);
	do
		n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set_errno(err, errno, "receiving from the fetch socket");
	count = take_descriptors(&message, fds);
	r = check_received(&message, count, ret_fd != NULL, err);
	if (r < 0 || n == 0) {
		process_close_elsewhere(fds, count);
		return r;
	}
	out->len = (size_t)n;
	out->data[n] = 0;
	if (ret_fd)
		*ret_fd = count ? fds[0] : -1;
	return 1;
}

static void wipe_and_free(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_free(b);
}

int fetch_request_send(int sock, const struct fetch_request *request, struct error *err)
{
	_cleanup_(wipe_and_free) struct buf packet = BUF_INIT(FETCH_PACKET_MAX);
	int r = buf_reserve(&packet, FETCH_PACKET_MAX);

	if (r < 0)
		return error_set(err, r, "request: out of memory");
	r = fetch_request_write(request, &packet, err);
	if (r < 0)
		return r;
	return fetch_send(sock, packet.data, packet.len, -1, err);
}

int fetch_request_receive(int sock, struct fetch_request *ret, struct error *err)
{
	_cleanup_(wipe_and_free) struct buf packet = BUF_INIT(FETCH_PACKET_MAX);
	int r = fetch_receive(sock, &packet, NULL, err);

	if (r <= 0)
		return r;
	r = fetch_request_parse(packet.data, packet.len, ret, err);
	return r < 0 ? r : 1;
}

int fetch_answer_send(int sock, const struct fetch_answer *answer, int fd, struct error *err)
{
	_cleanup_buf_ struct buf packet = BUF_INIT(FETCH_PACKET_MAX);
	int r = fetch_answer_write(answer, &packet, err);

	if (r < 0)
		return r;
	return fetch_send(sock, packet.data, packet.len, fd, err);
}

/* A memory file can be closed; of anything else nobody knows. */
static void let_go(int *fd)
{
	if (*fd < 0)
		return;
	if (fcntl(*fd, F_GET_SEALS) >= 0)
		close(*fd);
	else
		process_close_elsewhere(fd, 1);
}

int fetch_answer_receive(int sock, int64_t id, size_t max, struct fetch_answer *ret,
			 struct buf *body, struct error *err)
{
	_cleanup_buf_ struct buf packet = BUF_INIT(FETCH_PACKET_MAX);
	_cleanup_(let_go) int fd = -1;
	struct fetch_answer answer;
	int r = fetch_receive(sock, &packet, &fd, err);

	if (r <= 0)
		return r;
	r = fetch_answer_parse(packet.data, packet.len, &answer, err);
	if (r < 0)
		return error_prefix(err, r, "fetcher");
	if (answer.id != id)
		return error_set(err, ERR_PROTOCOL, "fetcher answered request %lld instead of %lld",
				 (long long)answer.id, (long long)id);
	if ((fd >= 0) != (answer.ok && max > 0))
		return error_set(err, ERR_PROTOCOL, "fetcher's answer came %s a file",
				 fd >= 0 ? "with" : "without");
	if (fd >= 0)
		r = fetch_memfd_read(fd, max, body, err);
	if (r < 0)
		return r;
	*ret = answer;
	return 1;
}

int fetch_memfd_new(int *ret_fd, struct error *err)
{
	int fd = memfd_create("suture-fetch", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return error_set_errno(err, errno, "making a memory file");
	*ret_fd = fd;
	return 0;
}

int fetch_memfd_seal(int fd, struct error *err)
{
	if (fcntl(fd, F_ADD_SEALS, SEALS_REQUIRED | F_SEAL_SEAL) < 0)
		return error_set_errno(err, errno, "sealing a memory file");
	return 0;
}

/* Reads exactly `size` bytes from the start, wherever the sender left the file's offset. */
static int read_whole(int fd, size_t size, struct buf *out, struct error *err)
{
	size_t done = 0;
	int r = buf_reserve(out, size);

	if (r < 0)
		return error_set(err, r, "received file of %zu bytes does not fit", size);
	while (done < size) {
		ssize_t n = pread(fd, out->data + out->len + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "reading a received file");
		if (n == 0)
			return error_set(err, ERR_PROTOCOL, "received file ends early");
		done += (size_t)n;
	}
	if (size > 0) {
		out->len += size;
		out->data[out->len] = 0;
	}
	return 0;
}

int fetch_memfd_read(int fd, size_t max, struct buf *out, struct error *err)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	/* Only memory files have seals, so nothing here can be a device, a pipe, or on a disk. */
	if (seals < 0 || (seals & SEALS_REQUIRED) != SEALS_REQUIRED)
		return error_set(err, ERR_PROTOCOL, "received file is not a sealed memory file");
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "looking at a received file");
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_PROTOCOL, "received file is not a regular one");
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return error_set(err, ERR_TOO_LARGE,
				 "received file has %lld bytes, at most %zu are allowed",
				 (long long)st.st_size, max);
	return read_whole(fd, (size_t)st.st_size, out, err);
}

int fetch_peer_uid(int sock, uid_t *ret, struct error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return error_set_errno(err, errno,
				       "asking who is at the other end of the fetch socket");
	*ret = peer.uid;
	return 0;
}
