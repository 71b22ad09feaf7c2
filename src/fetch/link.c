/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/link.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

/* Connects and checks who answers. -errno (not there yet: ENOENT, ECONNREFUSED), ERR_DENIED. */
static int link_connect(const struct link_options *options, int *ret_sock, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int sock = -1;
	uid_t peer;
	int r;

	if (strlen(options->path) >= sizeof(address.sun_path))
		return error_set(err, ERR_INVALID, "socket path %s is too long", options->path);
	memcpy(address.sun_path, options->path, strlen(options->path) + 1);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return error_set_errno(err, errno, "making a socket");
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set_errno(err, errno, "%s", options->path);
	r = fetch_peer_uid(sock, &peer, err);
	if (r < 0)
		return r;
	if (peer != options->peer)
		return error_set(err, ERR_DENIED, "%s belongs to user %u instead of %u",
				 options->path, peer, options->peer);
	*ret_sock = TAKE_FD(sock);
	return 0;
}

/* What is waited for: `name` to appear in a folder. */
struct watch {
	int fd; /* -1: nothing can be watched, so only time wakes us */
	char *name;
};

static void watch_clear(struct watch *watch)
{
	closep(&watch->fd);
	free(watch->name);
}

/* Watches the lowest folder above the socket that exists for the next part of the path. */
static struct watch watch_path(const char *path)
{
	_cleanup_free_ char *folder = strdup(path);
	struct watch watch = { .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
	char *slash;

	while (folder && watch.fd >= 0 && (slash = strrchr(folder, '/')) != NULL) {
		*slash = 0;
		if (inotify_add_watch(watch.fd, *folder ? folder : "/",
				      IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0)
			continue;
		watch.name = strdup(path + (slash - folder) + 1);
		if (watch.name)
			watch.name[strcspn(watch.name, "/")] = 0;
		break;
	}
	return watch;
}

/* Reads what has happened in the folder; true if some of it is about our name. */
static bool watch_read(const struct watch *watch)
{
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool ours = false;
	ssize_t n;

	while ((n = read(watch->fd, bytes, sizeof(bytes))) > 0) {
		for (char *p = bytes; p < bytes + n;) {
			const struct inotify_event *event = (const struct inotify_event *)p;

			if (event->len > 0 && watch->name && streq(event->name, watch->name))
				ours = true;
			p += sizeof(*event) + event->len;
		}
	}
	return ours;
}

/* Sleeps until the name appears or changes, at most so long. True if it did. Other files come and
 * go in the same folder: they do not count. */
static bool watch_wait(const struct watch *watch, int timeout_ms)
{
	int64_t end = clock_monotonic_ms() + timeout_ms;

	for (;;) {
		struct pollfd change = { .fd = watch->fd, .events = POLLIN };
		int64_t left = end - clock_monotonic_ms();

		if (left <= 0 || poll(&change, 1, (int)left) <= 0)
			return false;
		if (watch_read(watch))
			return true;
	}
}

/* Answers requests until sutured closes. Returns how many there were, or an error. */
static int serve(int sock, struct fetcher *fetcher, struct error *err)
{
	int served = 0;

	for (;;) {
		_cleanup_fetch_request_ struct fetch_request request = { 0 };
		struct fetch_answer answer;
		_cleanup_close_ int fd = -1;
		int r = fetch_request_receive(sock, &request, err);

		if (r <= 0)
			return r < 0 ? r : served;
		fetcher_handle(fetcher, sock, &request, &answer, &fd);
		r = fetch_answer_send(sock, &answer, fd, err);
		if (r < 0)
			return r;
		if (served < INT32_MAX)
			served++;
	}
}

/* One connection from its start to its end. 1 if work was done on it, 0 if not. */
static int link_once(const struct link_options *options, struct fetcher *fetcher)
{
	_cleanup_close_ int sock = -1;
	struct error err = { 0 };
	int r = link_connect(options, &sock, &err);

	if (r == -ENOENT || r == -ECONNREFUSED || r == -ENOTDIR) {
		log_debug("sutured is not there yet: %s", err.message);
		return 0;
	}
	if (r == 0) {
		log_debug("connected to sutured");
		r = serve(sock, fetcher, &err);
	}
	if (r < 0)
		log_warning("%s", err.message);
	return r > 0;
}

int link_run(const struct link_options *options, struct fetcher *fetcher, struct error *err)
{
	int pause = LINK_PAUSE_FIRST_MS;

	if (strlen(options->path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return error_set(err, ERR_INVALID, "socket path %s is too long", options->path);
	for (;;) {
		/* The watch comes before the attempt, so that no change falls between the two. */
		_cleanup_(watch_clear) struct watch watch = watch_path(options->path);

		if (link_once(options, fetcher)) {
			pause = LINK_PAUSE_FIRST_MS;
			continue;
		}
		/* bind() shows before listen(): after a change the first attempts come soon. */
		if (watch_wait(&watch, pause))
			pause = LINK_PAUSE_FIRST_MS;
		else
			pause = MIN(2 * pause, LINK_PAUSE_LAST_MS);
	}
}
