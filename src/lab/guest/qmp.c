// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/qmp.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

#define LOOK_MS  20          /* between looks at the file */
#define TAIL_MAX (64 * 1024) /* how far back from its end is looked for the last event */
#define READ_MAX (1024 * 1024)

/* Takes over a member's text as one line that a terminal can show. */
static void take_text(const json_t *object, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));
	size_t n = 0;

	for (; text && text[n] && n + 1 < size; n++)
		ret[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	ret[n] = 0;
}

void qmp_parse(const void *line, size_t len, struct qmp_message *ret)
{
	_cleanup_json_ json_t *object = NULL;

	*ret = (struct qmp_message){ .kind = QMP_OTHER };
	if (len > QMP_LINE_MAX || json_parse(line, len, &object, NULL) < 0 ||
	    !json_is_object(object))
		return;
	const json_t *error = json_object_get(object, "error");

	if (json_is_string(json_object_get(object, "event"))) {
		ret->kind = QMP_EVENT;
		take_text(object, "event", ret->text, sizeof(ret->text));
		if (streq(ret->text, "SHUTDOWN"))
			take_text(json_object_get(object, "data"), "reason", ret->reason,
				  sizeof(ret->reason));
		return;
	}
	if (json_is_object(error)) {
		ret->kind = QMP_ERROR;
		take_text(error, "desc", ret->text, sizeof(ret->text));
	} else if (json_object_get(object, "return")) {
		ret->kind = QMP_RETURN;
	}
	take_text(object, "id", ret->id, sizeof(ret->id));
}

bool qmp_next(const struct buf *log, size_t *at, const char *id, struct qmp_message *ret)
{
	while (*at < log->len) {
		const uint8_t *line = log->data + *at;
		const uint8_t *end = memchr(line, '\n', log->len - *at);

		if (!end)
			return false;
		*at = (size_t)(end - log->data) + 1;
		qmp_parse(line, (size_t)(end - line), ret);
		if (id ? (ret->kind == QMP_RETURN || ret->kind == QMP_ERROR) && streq(ret->id, id)
		       : ret->kind == QMP_EVENT)
			return true;
	}
	return false;
}

static int post(int pipe, const char *command, const char *id, struct error *err)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "{\"execute\":\"%s\",\"id\":\"%s\"}\n", command, id);

	if (n >= (int)sizeof(line))
		return error_set(err, ERR_TOO_LARGE, "QEMU's command is too long");
	/* At most PIPE_BUF: all of it or nothing, whoever else writes. */
	if (write(pipe, line, (size_t)n) == n)
		return 0;
	return errno == EAGAIN ? error_set(err, ERR_TIMEOUT, "QEMU takes no commands")
			       : error_set_errno(err, errno, "QEMU's control pipe");
}

int qmp_prepare(const char *dir, int *ret_pipe, struct error *err)
{
	_cleanup_free_ char *in = path_join(dir, QMP_IN, NULL);
	_cleanup_free_ char *out = path_join(dir, QMP_OUT, NULL);

	if (!in || !out)
		return error_set(err, ERR_NO_MEMORY, "QEMU's control pipe");
	if ((unlink(in) < 0 && errno != ENOENT) || mkfifo(in, 0600) < 0)
		return error_set_errno(err, errno, "%s", in);
	_cleanup_close_ int file = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (file < 0)
		return error_set_errno(err, errno, "%s", out);
	_cleanup_close_ int pipe = open(in, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (pipe < 0)
		return error_set_errno(err, errno, "%s", in);
	int r = post(pipe, "qmp_capabilities", "start", err);

	if (r == 0)
		*ret_pipe = TAKE_FD(pipe);
	return r;
}

/* What QEMU said from an offset on. */
static int read_from(const char *dir, off_t offset, struct buf *out, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, QMP_OUT, NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "QEMU's answers");
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || lseek(fd, offset, offset < 0 ? SEEK_END : SEEK_SET) < 0)
		return error_set_errno(err, errno, "%s", path);
	return file_read_fd(fd, out, err);
}

static int wait_answer(const char *dir, const char *id, off_t offset, int64_t deadline_ms,
		       struct qmp_message *ret, struct error *err)
{
	for (;;) {
		_cleanup_buf_ struct buf log = BUF_INIT(READ_MAX);
		size_t at = 0;
		int r = read_from(dir, offset, &log, err);

		if (r < 0)
			return r;
		if (qmp_next(&log, &at, id, ret))
			return 0;
		if (clock_monotonic_ms() >= deadline_ms)
			return error_set(err, ERR_TIMEOUT, "QEMU does not answer");
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_MS * 1000000 }, NULL);
	}
}

int qmp_execute(const char *dir, const char *command, int timeout_ms, struct error *err)
{
	_cleanup_free_ char *in = path_join(dir, QMP_IN, NULL),
			    *out = path_join(dir, QMP_OUT, NULL);
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	struct qmp_message answer;
	uint8_t nonce[8];
	char id[QMP_ID_MAX];
	struct stat st;

	if (!in || !out)
		return error_set(err, ERR_NO_MEMORY, "QEMU's control pipe");
	if (stat(out, &st) < 0)
		return error_set_errno(err, errno, "%s", out);
	_cleanup_close_ int pipe = open(in, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (pipe < 0)
		return errno == ENXIO ? error_set(err, ERR_BAD_STATE, "the guest has ended")
				      : error_set_errno(err, errno, "%s", in);
	int r = random_bytes(nonce, sizeof(nonce), err);

	if (r < 0)
		return r;
	hex_encode(nonce, sizeof(nonce), id);
	r = post(pipe, command, id, err);
	if (r == 0)
		r = wait_answer(dir, id, st.st_size, deadline_ms, &answer, err);
	if (r == 0 && answer.kind == QMP_ERROR)
		r = error_set(err, ERR_CHILD, "QEMU: %s: %s", command, answer.text);
	return r;
}

void qmp_shutdown_reason(const char *dir, char ret[static 64])
{
	_cleanup_buf_ struct buf log = BUF_INIT(READ_MAX);
	struct qmp_message m;
	size_t at = 0;

	ret[0] = 0;
	/* A seek to before the start fails: then the file is short. */
	if (read_from(dir, -TAIL_MAX, &log, NULL) < 0 && read_from(dir, 0, &log, NULL) < 0)
		return;
	while (qmp_next(&log, &at, NULL, &m))
		if (streq(m.text, "SHUTDOWN"))
			snprintf(ret, 64, "%s", m.reason[0] ? m.reason : "unknown");
}
