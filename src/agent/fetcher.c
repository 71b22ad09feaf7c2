/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/fetcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/log.h"
#include "wire/fetch_message.h"

/* A fetcher that was just started, or restarts, connects within this time. */
#define CONNECT_MS 10000
/* The fetcher has shorter limits of its own for each network operation; this one bounds a fetcher
 * that plays dead. */
#define ANSWER_MS  180000
/* Connections that are looked at in one go; as many as may wait. A fetcher that connects faster
 * than it is refused must not be followed for ever. */
#define BACKLOG    8

struct fetcher {
	char *path;
	int listener;
	int connection; /* -1: none */
	int cancel_fd;
	int hurry_fd;     /* eventfd: the job under way is to give way */
	int budget_ms;    /* of that job */
	int64_t deadline; /* its end, CLOCK_MONOTONIC in milliseconds; 0: none */
	uid_t uid;
	int64_t next_id;
};

static int bind_socket(struct fetcher *f, gid_t gid, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(f->path) >= sizeof(address.sun_path))
		return error_set(err, ERR_TOO_LARGE, "%s: path too long for a socket", f->path);
	memcpy(address.sun_path, f->path, strlen(f->path) + 1);
	f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->listener < 0)
		return error_set_errno(err, errno, "making the fetch socket");
	unlink(f->path);
	/* Nobody may connect between bind and chmod. */
	mode_t old = umask(0177);
	int r = bind(f->listener, (struct sockaddr *)&address, sizeof(address));
	int saved = errno;
	umask(old);
	if (r < 0)
		return error_set_errno(err, saved, "%s", f->path);
	if (chown(f->path, (uid_t)-1, gid) < 0 || chmod(f->path, 0660) < 0 ||
	    listen(f->listener, BACKLOG) < 0)
		return error_set_errno(err, errno, "%s", f->path);
	return 0;
}

int fetcher_new(const char *path, uid_t uid, gid_t gid, int cancel_fd, struct fetcher **ret,
		struct error *err)
{
	_cleanup_(fetcher_freep) struct fetcher *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	f->listener = f->connection = -1;
	f->cancel_fd = cancel_fd;
	f->hurry_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->uid = uid;
	f->next_id = 1;
	f->path = strdup(path);
	if (!f->path || f->hurry_fd < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = bind_socket(f, gid, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

/* What the other end has sent, and nobody has read, goes with the connection. */
static void drop(struct fetcher *f)
{
	if (f->connection >= 0)
		process_close_elsewhere(&f->connection, 1);
	f->connection = -1;
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	drop(f);
	if (f->listener >= 0) {
		/* Connections that nobody took may be in it, with whatever they carry. */
		process_close_elsewhere(&f->listener, 1);
		unlink(f->path);
	}
	closep(&f->hurry_fd);
	free(f->path);
	free(f);
}

void fetcher_begin(struct fetcher *f, int budget_ms)
{
	uint64_t count;

	if (read(f->hurry_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("reading an event: %s", strerror(errno));
	f->budget_ms = budget_ms;
	f->deadline = clock_monotonic_ms() + budget_ms;
}

void fetcher_give_way(struct fetcher *f)
{
	const uint64_t one = 1;

	/* Full means that it is said already. */
	if (write(f->hurry_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("writing an event: %s", strerror(errno));
}

/* Takes the connections that wait; the last one of the right user becomes the fetcher. */
static void accept_all(struct fetcher *f)
{
	int old[BACKLOG + 1], fd;
	size_t n = 0;

	/* Non-blocking: a fetcher that answers without ever reading fills the socket, and must not
	 * hold up whoever sends the next request. */
	while (n < BACKLOG &&
	       (fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		uid_t uid;

		if (fetch_peer_uid(fd, &uid, NULL) < 0 || uid != f->uid) {
			old[n++] = fd;
			continue;
		}
		if (f->connection < 0) {
			f->connection = fd;
			continue;
		}
		old[n++] = f->connection;
		f->connection = fd;
	}
	process_close_elsewhere(old, n);
}

/* Has the connection ended since it was last used? Nothing is ever said unasked. */
static bool is_dead(const struct fetcher *f)
{
	struct pollfd p = { .fd = f->connection, .events = POLLIN };

	return f->connection < 0 || poll(&p, 1, 0) != 0;
}

/* Waits until `fd` is readable. ERR_TIMEOUT is left to the caller to explain. */
static int wait_readable(const struct fetcher *f, int fd, int64_t end, struct error *err)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
			      { .fd = f->cancel_fd, .events = POLLIN },
			      { .fd = f->hurry_fd, .events = POLLIN } };

	if (f->deadline)
		end = MIN(end, f->deadline);
	for (;;) {
		int64_t left = MAX(end - clock_monotonic_ms(), (int64_t)0);
		int r = poll(p, ARRAY_SIZE(p), (int)left);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return error_set_errno(err, errno, "waiting for the fetcher");
		if (p[1].revents)
			return error_set(err, -ECANCELED, "sutured is stopping");
		if (p[2].revents)
			return error_set(err, -ECANCELED, "gave way to another request");
		return r == 0 || left == 0 ? ERR_TIMEOUT : 0;
	}
}

/* Is the time of the whole job over? */
static bool is_late(const struct fetcher *f)
{
	return f->deadline && clock_monotonic_ms() >= f->deadline;
}

/* A request that got no answer in time: this one alone, or all of the job together. */
static int say_timeout(const struct fetcher *f, struct error *err)
{
	bool job = is_late(f);

	return error_set(err, ERR_TIMEOUT,
			 job ? "suture-fetch took more than %d s in all"
			     : "suture-fetch did not answer within %d s",
			 (job ? f->budget_ms : ANSWER_MS) / 1000);
}

int fetcher_reach(struct fetcher *f, struct error *err)
{
	int64_t end = clock_monotonic_ms() + CONNECT_MS;

	accept_all(f);
	if (is_dead(f))
		drop(f);
	while (f->connection < 0) {
		int r = wait_readable(f, f->listener, end, err);

		if (r == ERR_TIMEOUT && is_late(f))
			return say_timeout(f, err);
		if (r == ERR_TIMEOUT) {
			error_set(err, ERR_UNREACHABLE, "suture-fetch is not running");
			error_hint(err, "start it: `systemctl start suture-fetch`");
			return ERR_UNREACHABLE;
		}
		if (r < 0)
			return r;
		accept_all(f);
	}
	return 0;
}

/* A failure in the fetcher's words, which are marked as such: whoever took it over may use them to
 * talk the owner into something. */
static int pass_failure(const struct fetch_answer *answer, struct error *err)
{
	error_set(err, answer->code, "suture-fetch: %s", answer->message);
	if (answer->hint[0])
		error_hint(err, "suture-fetch says: %s", answer->hint);
	return answer->code;
}

/* One question and its answer. `out` gets the body, `ret_status` the HTTP status. */
static int ask(struct fetcher *f, struct fetch_request *request, size_t max, struct buf *out,
	       int *ret_status, struct error *err)
{
	struct fetch_answer answer = { 0 };
	int r;

	r = fetcher_reach(f, err);
	if (r < 0)
		return r;
	request->id = f->next_id++;
	r = fetch_request_send(f->connection, request, err);
	if (r == -EAGAIN)
		r = error_set(err, ERR_PROTOCOL, "suture-fetch does not read what it is asked");
	if (r == 0)
		r = wait_readable(f, f->connection, clock_monotonic_ms() + ANSWER_MS, err);
	if (r == ERR_TIMEOUT)
		say_timeout(f, err);
	if (r == 0)
		r = fetch_answer_receive(f->connection, request->id, max, &answer, out, err);
	if (r == 0)
		r = error_set(err, ERR_UNREACHABLE, "suture-fetch went away");
	if (r < 0) {
		/* A late answer must not be taken for the next one. */
		drop(f);
		return r;
	}
	if (!answer.ok)
		return pass_failure(&answer, err);
	*ret_status = answer.status;
	return 0;
}

/* Without a place for the status only 200 is good. */
static int judge(int status, int *ret_status, const char *what, struct error *err)
{
	if (ret_status) {
		*ret_status = status;
		return 0;
	}
	if (status == 404)
		return error_set(err, ERR_NOT_FOUND, "%s: not on the server", what);
	if (status != 200)
		return error_set(err, ERR_PROTOCOL, "%s: the server answered with status %d", what,
				 status);
	return 0;
}

int fetcher_get(struct fetcher *f, const char *path, size_t max, struct buf *out, int *ret_status,
		struct error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	struct fetch_request request = { .op = FETCH_GET, .path = copy, .max = (int64_t)max };
	int status = 0, r;

	if (!copy)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = ask(f, &request, max, out, &status, err);
	return r < 0 ? r : judge(status, ret_status, path, err);
}

int fetcher_get_file(struct fetcher *f, const char *path, size_t max, struct buf *out,
		     struct error *err)
{
	int r = fetcher_get(f, path, max, out, NULL, err);

	if (r != ERR_DENIED)
		return r;
	if (err)
		err->code = ERR_NOT_FOUND;
	return ERR_NOT_FOUND;
}

int fetcher_post(struct fetcher *f, const char *path, json_t *body, size_t max, struct buf *out,
		 int *ret_status, struct error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	struct fetch_request request = {
		.op = FETCH_POST, .path = copy, .body = body, .max = (int64_t)max
	};
	int status = 0, r;

	if (!copy)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = ask(f, &request, max, out, &status, err);
	return r < 0 ? r : judge(status, ret_status, path, err);
}

int fetcher_bundle(struct fetcher *f, const char *url, size_t max, struct buf *out,
		   struct error *err)
{
	_cleanup_free_ char *copy = strdup(url);
	struct fetch_request request = { .op = FETCH_BUNDLE, .url = copy, .max = (int64_t)max };
	int status = 0, r;

	if (!copy)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = ask(f, &request, max, out, &status, err);
	return r < 0 ? r : judge(status, NULL, "trust bundle", err);
}

int fetcher_enrol(struct fetcher *f, const char *url, const char *server_ca, json_t *body,
		  struct buf *out, int *ret_status, struct error *err)
{
	_cleanup_free_ char *url_copy = strdup(url), *ca_copy = strdup(server_ca);
	struct fetch_request request = { .op = FETCH_ENROL,
					 .url = url_copy,
					 .server_ca = ca_copy,
					 .body = body,
					 .max = FETCH_ENROL_ANSWER_MAX };

	if (!url_copy || !ca_copy)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return ask(f, &request, FETCH_ENROL_ANSWER_MAX, out, ret_status, err);
}

int fetcher_forget(struct fetcher *f, struct error *err)
{
	struct fetch_request request = { .op = FETCH_FORGET };
	int status;

	return ask(f, &request, 0, NULL, &status, err);
}
