// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/channel.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/time.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "lab/guest/frame.h"

#define HELLO_MS    3000  /* a greeting may get lost on a serial line: say it again */
#define ANSWER_MS   60000 /* longest silence of a guest that owes an answer */
#define GRACE_MS    20000 /* what a command may take over its time limit */
#define FINISH_MS   2000  /* for what is still to be sent when a channel is closed */
#define REFUSED_MS  5000
#define CONNECT_MS  20 /* between attempts to connect */
#define WINDOW_MIN  1024
#define WINDOW_MAX  (1024 * 1024)
#define OUT_PENDING (2 * FRAME_PAYLOAD_MAX)

struct channel {
	int fd;
	bool stale;     /* the last operation ended half-way */
	size_t window;  /* DATA bytes that may be under way */
	size_t unacked; /* DATA bytes that are */
	struct buf out; /* frames on their way to the socket */
	struct frame_reader in;
};

static int ended(struct error *err)
{
	return error_set(err, ERR_BAD_STATE, "the guest has ended");
}

static int flush(struct channel *c, struct error *err)
{
	if (c->out.len == 0)
		return 0;
	ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return errno == EPIPE || errno == ECONNRESET
			       ? ended(err)
			       : error_set_errno(err, errno, "command channel");
	memmove(c->out.data, c->out.data + n, c->out.len - (size_t)n);
	c->out.len -= (size_t)n;
	return 0;
}

static int receive(struct channel *c, struct error *err)
{
	uint8_t *space;
	size_t room = frame_reader_space(&c->in, &space);
	ssize_t n = recv(c->fd, space, room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return ended(err);
	if (n < 0)
		return error_set_errno(err, errno, "command channel");
	frame_reader_added(&c->in, (size_t)n);
	return 0;
}

/* Moves bytes both ways until a frame is there (1), everything was sent and `until_sent` (0), or
 * the deadline passed (ERR_TIMEOUT). */
static int next_frame(struct channel *c, int64_t deadline_ms, bool until_sent, struct frame *ret,
		      struct error *err)
{
	for (;;) {
		if (frame_reader_next(&c->in, ret))
			return 1;
		int r = flush(c, err);

		if (r < 0)
			return r;
		if (until_sent && c->out.len == 0)
			return 0;
		int64_t left = deadline_ms ? deadline_ms - clock_monotonic_ms() : 60000;

		if (left <= 0)
			return error_set(err, ERR_TIMEOUT, "the guest does not answer");
		struct pollfd p = { .fd = c->fd,
				    .events = (short)(POLLIN | (c->out.len ? POLLOUT : 0)) };
		if (poll(&p, 1, (int)MIN(left, (int64_t)60000)) < 0 && errno != EINTR)
			return error_set_errno(err, errno, "command channel");
		if (p.revents & (POLLIN | POLLHUP | POLLERR))
			r = receive(c, err);
		if (r < 0)
			return r;
	}
}

static int post(struct channel *c, enum frame_type type, const struct buf *payload,
		struct error *err)
{
	int r = frame_append(&c->out, type, payload ? payload->data : NULL,
			     payload ? payload->len : 0);

	return r < 0 ? error_set(err, r, "command channel") : 0;
}

/* The guest's answer to our greeting: nonce, version, window, problems. */
static int read_hello(struct channel *c, const struct frame *frame, char **ret_problems,
		      struct error *err)
{
	const uint8_t *p = frame->payload + FRAME_NONCE_LEN;
	uint32_t version = frame_u32(p);

	if (version != FRAME_VERSION)
		return error_set(err, ERR_PROTOCOL, "the guest's init speaks version %u, not %d",
				 version, FRAME_VERSION);
	c->window = MAX(MIN((size_t)frame_u32(p + 4), (size_t)WINDOW_MAX), (size_t)WINDOW_MIN);
	c->unacked = 0;
	c->stale = false;
	if (ret_problems)
		*ret_problems = strndup((const char *)p + 8, frame->len - FRAME_NONCE_LEN - 8);
	return ret_problems && !*ret_problems ? error_set(err, ERR_NO_MEMORY, "command channel")
					      : 0;
}

static int greet(struct channel *c, int64_t deadline_ms, char **ret_problems, struct error *err)
{
	uint8_t nonce[FRAME_NONCE_LEN];
	int r = random_bytes(nonce, sizeof(nonce), err);

	while (r == 0) {
		struct frame frame;
		int64_t again = clock_monotonic_ms() + HELLO_MS;

		buf_clear(&c->out);
		r = frame_append(&c->out, FRAME_HELLO, nonce, sizeof(nonce));
		if (r < 0)
			return error_set(err, r, "command channel");
		while ((r = next_frame(c, MIN(again, deadline_ms), false, &frame, err)) == 1)
			if (frame.type == FRAME_HELLO && frame.len >= FRAME_NONCE_LEN + 8 &&
			    memcmp(frame.payload, nonce, sizeof(nonce)) == 0)
				return read_hello(c, &frame, ret_problems, err);
		if (r == ERR_TIMEOUT && clock_monotonic_ms() < deadline_ms)
			r = 0;
	}
	return r;
}

static int open_socket(const char *path, int64_t deadline_ms, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t refused_ms = clock_monotonic_ms() + REFUSED_MS;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    (int)sizeof(address.sun_path))
		return error_set(err, ERR_INVALID, "%s: too long for the path of a socket", path);
	for (;;) {
		_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return error_set_errno(err, errno, "socket");
		/* Others may wait for the channel: then connect(2) waits too. */
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ .tv_sec = 1 },
			   sizeof(struct timeval));
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return TAKE_FD(fd);
		if (errno != EAGAIN && errno != ENOENT && errno != ECONNREFUSED)
			return error_set_errno(err, errno, "%s", path);
		/* Refused: its owner is gone, or has not come to listen(2) yet. */
		if (clock_monotonic_ms() >=
		    (errno == ECONNREFUSED ? MIN(deadline_ms, refused_ms) : deadline_ms))
			return errno == EAGAIN ? error_set(err, ERR_TIMEOUT, "%s is busy", path)
					       : ended(err);
		nanosleep(&(struct timespec){ .tv_nsec = CONNECT_MS * 1000000 }, NULL);
	}
}

int channel_connect(const char *socket_path, int timeout_ms, struct channel **ret,
		    char **ret_problems, struct error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	_cleanup_(channel_freep) struct channel *c = calloc(1, sizeof(*c));

	if (!c)
		return error_set(err, ERR_NO_MEMORY, "command channel");
	c->out = BUF_INIT(OUT_PENDING);
	c->fd = open_socket(socket_path, deadline_ms, err);
	int r = c->fd < 0 ? c->fd : greet(c, deadline_ms, ret_problems, err);

	if (r == 0)
		*ret = TAKE_PTR(c);
	return r;
}

/* Half a frame would swallow the next session's greeting, until the guest gives it up. */
static void finish_sending(struct channel *c)
{
	int64_t deadline_ms = clock_monotonic_ms() + FINISH_MS;

	while (c->out.len > 0 && flush(c, NULL) == 0) {
		struct pollfd p = { .fd = c->fd, .events = POLLOUT };
		int64_t left = deadline_ms - clock_monotonic_ms();

		if (c->out.len > 0 && (left <= 0 || poll(&p, 1, (int)left) <= 0))
			return;
	}
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	finish_sending(channel);
	closep(&channel->fd);
	buf_free(&channel->out);
	free(channel);
}

/* Starts an operation: greets again if the last one ended half-way, and marks this one as such. */
static int begin(struct channel *c, enum frame_type type, const struct buf *payload,
		 struct error *err)
{
	int r = c->stale ? greet(c, clock_monotonic_ms() + ANSWER_MS, NULL, err) : 0;

	if (r == 0)
		r = post(c, type, payload, err);
	c->stale = true;
	return r;
}

static int guest_error(const struct frame *frame, struct error *err)
{
	uint32_t errnum = frame->len >= 4 ? frame_u32(frame->payload) : 0;

	if (errnum < 1 || errnum > 4095)
		return error_set(err, ERR_PROTOCOL, "the guest's answer makes no sense");
	size_t len = MIN(frame->len - 4, (size_t)512);

	return error_set(err, -(int)errnum, "in the guest: %.*s", (int)len,
			 (const char *)frame->payload + 4);
}

/* DATA frames as far as the window allows, then the empty one that ends the input. */
struct feed {
	const uint8_t *data;
	size_t left;
	bool ended;
};

static int feed(struct channel *c, struct feed *f, struct error *err)
{
	size_t chunk = MIN(c->window / 2, (size_t)FRAME_PAYLOAD_MAX);

	while (!f->ended && c->out.len == 0 && c->unacked < c->window) {
		size_t n = MIN(MIN(f->left, chunk), c->window - c->unacked);
		int r = frame_append(&c->out, FRAME_DATA, f->data, n);

		if (r < 0)
			return error_set(err, r, "command channel");
		f->ended = n == 0;
		f->data += n;
		f->left -= n;
		c->unacked += n;
		r = flush(c, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void take_ack(struct channel *c, const struct frame *frame)
{
	size_t n = frame->len == 4 ? frame_u32(frame->payload) : 0;

	c->unacked -= MIN(n, c->unacked);
}

/* The next frame that is no ACK, feeding input meanwhile. */
static int exchange(struct channel *c, struct feed *f, int64_t deadline_ms, struct frame *ret,
		    struct error *err)
{
	for (;;) {
		int r = f ? feed(c, f, err) : 0;

		if (r == 0)
			r = next_frame(c, deadline_ms, f && !f->ended && c->unacked < c->window,
				       ret, err);
		if (r < 0)
			return r;
		if (r == 1 && ret->type == FRAME_ACK)
			take_ack(c, ret);
		else if (r == 1 && ret->type != FRAME_HELLO)
			return 0;
	}
}

static int take_run_frame(const struct channel_command *command, const struct frame *frame,
			  struct channel_result *ret, bool *ret_done, struct error *err)
{
	switch (frame->type) {
	case FRAME_OUT:
	case FRAME_ERROUT:
		if (!command->output)
			return 0;
		int r = command->output(command->user, frame->type == FRAME_ERROUT, frame->payload,
					frame->len);
		return r < 0 ? error_set(err, r, "output of %s", command->argv[0]) : 0;
	case FRAME_EXIT:
		if (frame->len != 8)
			break;
		*ret = (struct channel_result){ .status = (int)(frame_u32(frame->payload) & 255),
						.timed_out = frame_u32(frame->payload + 4) != 0 };
		*ret_done = true;
		return 0;
	case FRAME_FAIL: return guest_error(frame, err);
	default: break;
	}
	return error_set(err, ERR_PROTOCOL, "the guest sent a frame that does not belong here");
}

int channel_run(struct channel *channel, const struct channel_command *command,
		struct channel_result *ret, struct error *err)
{
	_cleanup_buf_ struct buf request = BUF_INIT(FRAME_PAYLOAD_MAX + 1024);
	struct feed input = { .data = command->input, .left = command->input_len };
	struct channel_result result = { 0 };
	bool done = false;
	int r = frame_encode_run((uint32_t)MAX(command->timeout_ms, 0),
				 command->background ? FRAME_RUN_BACKGROUND : 0, command->argv,
				 &request);

	if (r < 0)
		return error_set(err, r, "arguments: too many, too long, or none");
	r = begin(channel, FRAME_RUN, &request, err);
	int64_t deadline_ms =
		command->timeout_ms ? clock_monotonic_ms() + command->timeout_ms + GRACE_MS : 0;

	while (r == 0 && !done) {
		struct frame frame;

		r = exchange(channel, command->background ? NULL : &input, deadline_ms, &frame,
			     err);
		if (r == 0)
			r = take_run_frame(command, &frame, &result, &done, err);
	}
	if (r < 0)
		return r;
	channel->unacked = 0;
	channel->stale = !command->background && !input.ended;
	*ret = result;
	return 0;
}

int channel_put(struct channel *channel, const char *path, mode_t mode, const void *data,
		size_t len, struct error *err)
{
	_cleanup_buf_ struct buf request = BUF_INIT(FRAME_PATH_MAX + 4);
	struct feed input = { .data = data, .left = len };
	struct frame frame;

	if (frame_append_u32(&request, mode & 07777) < 0 || buf_append_str(&request, path) < 0)
		return error_set(err, ERR_TOO_LARGE, "%s: path too long", path);
	int r = begin(channel, FRAME_PUT, &request, err);

	if (r == 0)
		r = exchange(channel, &input, clock_monotonic_ms() + ANSWER_MS + (int64_t)len / 16,
			     &frame, err);
	if (r == 0 && frame.type != FRAME_OK)
		r = frame.type == FRAME_FAIL ? guest_error(&frame, err)
					     : error_set(err, ERR_PROTOCOL, "put: wrong answer");
	if (r == 0)
		channel->stale = false;
	return r;
}

int channel_get(struct channel *channel, const char *path, struct buf *out, struct error *err)
{
	_cleanup_buf_ struct buf request = BUF_INIT(FRAME_PATH_MAX + 8);

	if (frame_append_u64(&request, out->max - out->len) < 0 ||
	    buf_append_str(&request, path) < 0)
		return error_set(err, ERR_TOO_LARGE, "%s: path too long", path);
	int r = begin(channel, FRAME_GET, &request, err);

	while (r == 0) {
		struct frame frame;

		r = exchange(channel, NULL, clock_monotonic_ms() + ANSWER_MS, &frame, err);
		if (r < 0 || frame.type == FRAME_OK)
			break;
		if (frame.type == FRAME_FAIL)
			r = guest_error(&frame, err);
		else if (frame.type != FRAME_DATA)
			r = error_set(err, ERR_PROTOCOL, "get: wrong answer");
		else if (buf_append(out, frame.payload, frame.len) < 0)
			r = error_set(err, ERR_TOO_LARGE, "%s: too large", path);
	}
	if (r == 0)
		channel->stale = false;
	return r == -EFBIG ? error_set(err, ERR_TOO_LARGE, "%s: too large", path) : r;
}

int channel_power_off(struct channel *channel, struct error *err)
{
	struct frame frame;
	int r = begin(channel, FRAME_POWER_OFF, NULL, err);

	return r < 0 ? r : exchange(channel, NULL, clock_monotonic_ms() + ANSWER_MS, &frame, err);
}
