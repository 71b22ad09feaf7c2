// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/qmp.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#define LOOK_MS 20 /* between attempts to connect */

struct qmp {
	int fd;
	struct buf in;
	char reason[QMP_REASON_MAX];
};

static void copy(char *ret, size_t size, const json_t *value)
{
	snprintf(ret, size, "%s", json_is_string(value) ? json_string_value(value) : "");
}

int qmp_parse(const void *data, size_t len, struct qmp_message *ret)
{
	_cleanup_json_ json_t *o = NULL;

	*ret = (struct qmp_message){ 0 };
	if (len > QMP_MESSAGE_MAX || json_parse(data, len, &o, NULL) < 0 || !json_is_object(o))
		return ERR_INVALID;
	if (json_object_get(o, "QMP")) {
		ret->kind = QMP_GREETING;
	} else if (json_object_get(o, "return")) {
		ret->kind = QMP_RETURN;
	} else if (json_object_get(o, "error")) {
		ret->kind = QMP_ERROR;
		copy(ret->text, sizeof(ret->text),
		     json_object_get(json_object_get(o, "error"), "desc"));
	} else if (json_is_string(json_object_get(o, "event"))) {
		ret->kind = QMP_EVENT;
		copy(ret->text, sizeof(ret->text), json_object_get(o, "event"));
		if (streq(ret->text, "SHUTDOWN"))
			copy(ret->reason, sizeof(ret->reason),
			     json_object_get(json_object_get(o, "data"), "reason"));
	} else {
		return ERR_INVALID;
	}
	return 0;
}

/* Takes the next whole message from what was read: 1, or 0 if there is none yet. */
static int next_message(struct qmp *q, struct qmp_message *ret)
{
	const uint8_t *end = q->in.len > 0 ? memchr(q->in.data, '\n', q->in.len) : NULL;

	if (!end)
		return q->in.len >= QMP_MESSAGE_MAX ? ERR_PROTOCOL : 0;
	size_t len = (size_t)(end - q->in.data);
	int r = qmp_parse(q->in.data, len, ret);

	memmove(q->in.data, end + 1, q->in.len - len - 1);
	q->in.len -= len + 1;
	if (r < 0)
		return ERR_PROTOCOL;
	if (ret->reason[0])
		snprintf(q->reason, sizeof(q->reason), "%s", ret->reason);
	return 1;
}

/* Waits for the next message. */
static int receive(struct qmp *q, int64_t deadline_ms, struct qmp_message *ret, struct error *err)
{
	for (;;) {
		int r = next_message(q, ret);
		char chunk[4096];

		if (r != 0)
			return r > 0 ? 0 : error_set(err, r, "QMP: a message makes no sense");
		struct pollfd p = { .fd = q->fd, .events = POLLIN };
		int64_t left = deadline_ms - clock_monotonic_ms();

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return error_set(err, ERR_TIMEOUT, "QMP: no answer");
		ssize_t n = recv(q->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return error_set(err, ERR_BAD_STATE, "QEMU has ended");
		if (n > 0 && buf_append(&q->in, chunk, (size_t)n) < 0)
			return error_set(err, ERR_PROTOCOL, "QMP: a message is too long");
	}
}

static int open_socket(const char *path, int64_t deadline_ms, int *ret, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, ERR_INVALID, "%s: too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	for (;;) {
		_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return error_set_errno(err, errno, "socket");
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
			*ret = TAKE_FD(fd);
			return 0;
		}
		if (errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN)
			return error_set_errno(err, errno, "%s", path);
		if (clock_monotonic_ms() >= deadline_ms)
			return error_set(err, ERR_TIMEOUT, "QMP: QEMU does not listen");
		poll(NULL, 0, LOOK_MS);
	}
}

int qmp_connect(const char *socket_path, int timeout_ms, struct qmp **ret, struct error *err)
{
	_cleanup_(qmp_freep) struct qmp *q = calloc(1, sizeof(*q));
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	struct qmp_message message;

	if (!q)
		return error_set(err, ERR_NO_MEMORY, "QMP");
	q->fd = -1;
	q->in = (struct buf)BUF_INIT(2 * QMP_MESSAGE_MAX);
	int r = open_socket(socket_path, deadline_ms, &q->fd, err);

	if (r == 0)
		r = receive(q, deadline_ms, &message, err);
	if (r == 0 && message.kind != QMP_GREETING)
		r = error_set(err, ERR_PROTOCOL, "QMP: no greeting");
	if (r == 0)
		r = qmp_execute(q, "qmp_capabilities", timeout_ms, err);
	if (r == 0)
		*ret = TAKE_PTR(q);
	return r;
}

void qmp_free(struct qmp *qmp)
{
	if (!qmp)
		return;
	if (qmp->fd >= 0)
		close(qmp->fd);
	buf_free(&qmp->in);
	free(qmp);
}

int qmp_execute(struct qmp *q, const char *command, int timeout_ms, struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	struct qmp_message message;
	char text[128];
	int n = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}\n", command), r;

	if (n >= (int)sizeof(text))
		return error_set(err, ERR_INVALID, "QMP: %s", command);
	if (send(q->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return error_set(err, ERR_BAD_STATE, "QEMU has ended");
	do
		r = receive(q, deadline_ms, &message, err);
	while (r == 0 && message.kind == QMP_EVENT);
	if (r == 0 && message.kind == QMP_ERROR)
		return error_set(err, ERR_CHILD, "QEMU: %s: %s", command, message.text);
	return r == 0 && message.kind != QMP_RETURN
		       ? error_set(err, ERR_PROTOCOL, "QMP: no answer to %s", command)
		       : r;
}

void qmp_shutdown_reason(struct qmp *q, int timeout_ms, char ret[static QMP_REASON_MAX])
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	struct qmp_message message;

	while (!q->reason[0] && receive(q, deadline_ms, &message, NULL) == 0)
		;
	snprintf(ret, QMP_REASON_MAX, "%s", q->reason);
}
