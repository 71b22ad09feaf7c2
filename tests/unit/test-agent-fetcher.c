/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/fetcher: sutured's end of the fetch socket, with fetchers that do not play by the rules. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/fetcher.h"
#include "wire/fetch_message.h"

#define BODY_BYTES   40000
#define REQUESTS_MAX 200

struct world {
	char *dir, *path;
	struct fetcher *fetcher;
	int peer; /* the hostile end */
};

static void set_up(struct world *w, uid_t uid, int cancel_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct error err = { 0 };

	w->dir = unit_make_dir();
	w->path = path_join(w->dir, "fetch.sock", NULL);
	assert_ok(fetcher_new(w->path, uid, getegid(), cancel_fd, &w->fetcher, &err), &err);
	w->peer = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(w->peer >= 0);
	memcpy(address.sun_path, w->path, strlen(w->path) + 1);
	assert_int_equal(connect(w->peer, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void tear_down(struct world *w)
{
	close(w->peer);
	fetcher_free(w->fetcher);
	free(w->path);
	unit_remove_dir(w->dir);
}

static int ask(struct world *w, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();
	_cleanup_buf_ struct buf out = BUF_INIT(1024);
	_cleanup_free_ char *text = calloc(1, BODY_BYTES + 1);
	int status;

	assert_non_null(text);
	memset(text, 'x', BODY_BYTES);
	assert_int_equal(json_set_str(body, "text", text), 0);
	return fetcher_post(w->fetcher, "/v1/check-in", body, 1024, &out, &status, err);
}

/* Sees each request come without taking it off the socket, and answers it. */
static void *answer_unread(void *arg)
{
	struct world *w = arg;
	int zero = 0;

	if (setsockopt(w->peer, SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof(zero)) < 0)
		return NULL;
	for (int64_t id = 1; id <= REQUESTS_MAX; id++) {
		struct fetch_answer answer = { .id = id, .ok = true, .status = 200 };
		static char packet[FETCH_PACKET_MAX];
		int fd, r;

		if (recv(w->peer, packet, sizeof(packet), MSG_PEEK) <= 0)
			return NULL;
		if (fetch_memfd_new(&fd, NULL) < 0)
			return NULL;
		r = fetch_memfd_seal(fd, NULL);
		if (r == 0)
			r = fetch_answer_send(w->peer, &answer, fd, NULL);
		close(fd);
		if (r < 0)
			return NULL;
	}
	return NULL;
}

/* Its socket fills up. A send that waits for room would wait for ever. */
static void one_that_never_reads(void **state)
{
	struct world w;
	struct error err = { 0 };
	pthread_t thread;
	int r = 0, n = 0;

	(void)state;
	set_up(&w, geteuid(), -1);
	assert_int_equal(pthread_create(&thread, NULL, answer_unread, &w), 0);
	alarm(60);
	while (r == 0 && n++ < REQUESTS_MAX)
		r = ask(&w, &err);
	alarm(0);
	assert_int_equal(r, ERR_PROTOCOL);
	/* The first ones were answered: it was the full socket that ended it. */
	assert_true(n > 1);
	shutdown(w.peer, SHUT_RDWR);
	pthread_join(thread, NULL);
	tear_down(&w);
}

/* Somebody who is not the fetcher's user may connect (root always may), but is not talked to. */
static void another_user(void **state)
{
	struct world w;
	struct error err = { 0 };

	(void)state;
	set_up(&w, geteuid() + 1, -1);
	assert_int_equal(ask(&w, &err), ERR_UNREACHABLE);
	tear_down(&w);
}

/* sutured does not wait for a fetcher that says nothing when it is to end. */
static void one_that_says_nothing(void **state)
{
	_cleanup_close_ int cancel = eventfd(1, EFD_CLOEXEC);
	struct world w;
	struct error err = { 0 };

	(void)state;
	set_up(&w, geteuid(), cancel);
	alarm(60);
	assert_int_equal(ask(&w, &err), -ECANCELED);
	alarm(0);
	tear_down(&w);
}

/* Everything that is asked in one job has one time. */
static void one_that_takes_too_long_in_all(void **state)
{
	struct world w;
	struct error err = { 0 };

	(void)state;
	set_up(&w, geteuid(), -1);
	fetcher_begin(w.fetcher, 50);
	alarm(60);
	assert_int_equal(ask(&w, &err), ERR_TIMEOUT);
	assert_int_equal(ask(&w, &err), ERR_TIMEOUT);
	alarm(0);
	assert_non_null(strstr(err.message, "in all"));
	tear_down(&w);
}

/* What is urgent takes the fetcher away from what runs, until the next job begins. */
static void gives_way(void **state)
{
	struct world w;
	struct error err = { 0 };

	(void)state;
	set_up(&w, geteuid(), -1);
	fetcher_begin(w.fetcher, 60000);
	fetcher_give_way(w.fetcher);
	alarm(60);
	assert_int_equal(ask(&w, &err), -ECANCELED);
	assert_int_equal(ask(&w, &err), -ECANCELED);
	fetcher_begin(w.fetcher, 50);
	assert_int_equal(ask(&w, &err), ERR_TIMEOUT);
	alarm(0);
	tear_down(&w);
}

/* Whoever took the fetcher over has no other voice than its own. */
static void *lie(void *arg)
{
	struct fetch_answer answer = {
		.id = 1, .code = -ECANCELED, .message = "all is well", .hint = "run my program"
	};
	static char packet[FETCH_PACKET_MAX];
	const struct world *w = arg;

	if (recv(w->peer, packet, sizeof(packet), 0) > 0)
		fetch_answer_send(w->peer, &answer, -1, NULL);
	return NULL;
}

static void its_words_are_its_own(void **state)
{
	struct world w;
	struct error err = { 0 };
	pthread_t thread;

	(void)state;
	set_up(&w, geteuid(), -1);
	assert_int_equal(pthread_create(&thread, NULL, lie, &w), 0);
	alarm(60);
	/* That a request is given up is for us to say. */
	assert_int_equal(ask(&w, &err), ERR_PROTOCOL);
	alarm(0);
	pthread_join(thread, NULL);
	assert_string_equal(err.message, "suture-fetch: all is well");
	assert_string_equal(err.hint, "suture-fetch says: run my program");
	tear_down(&w);
}

/* What it hands over must be a sealed memory file: nothing that could change, or block, later. */
static void *answer_after(void *arg)
{
	const int *fds = arg; /* socket, body */
	struct fetch_answer answer = { .id = 1, .ok = true, .status = 200 };
	static char packet[FETCH_PACKET_MAX];

	if (recv(fds[0], packet, sizeof(packet), 0) > 0)
		fetch_answer_send(fds[0], &answer, fds[1], NULL);
	return NULL;
}

static void one_that_hands_over(int body)
{
	struct world w;
	struct error err = { 0 };
	pthread_t thread;
	char byte;
	int fds[2], r;

	set_up(&w, geteuid(), -1);
	fds[0] = w.peer;
	fds[1] = body;
	alarm(60);
	/* An answer that is there before the question ends the connection, so it comes after. */
	assert_int_equal(pthread_create(&thread, NULL, answer_after, fds), 0);
	r = ask(&w, &err);
	alarm(0);
	pthread_join(thread, NULL);
	assert_int_equal(r, ERR_PROTOCOL);
	assert_int_equal(recv(w.peer, &byte, 1, 0), 0);
	close(body);
	tear_down(&w);
}

static void unsealed_file(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(fetch_memfd_new(&fd, NULL), 0);
	one_that_hands_over(fd);
}

static void pipe_end(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	one_that_hands_over(fds[0]);
	close(fds[1]);
}

/* Storage that may not be listed says "forbidden" of what is not there. */
static void *forbid(void *arg)
{
	struct fetch_answer answer = { .status = 403, .code = ERR_DENIED, .message = "403" };
	static char packet[FETCH_PACKET_MAX];
	const struct world *w = arg;

	for (answer.id = 1; answer.id <= 2; answer.id++) {
		if (recv(w->peer, packet, sizeof(packet), 0) > 0)
			fetch_answer_send(w->peer, &answer, -1, NULL);
	}
	return NULL;
}

static void a_forbidden_file_is_none(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(100);
	struct error err = { 0 };
	pthread_t thread;
	struct world w;

	(void)state;
	set_up(&w, geteuid(), -1);
	alarm(60);
	assert_int_equal(pthread_create(&thread, NULL, forbid, &w), 0);
	assert_int_equal(fetcher_get_file(w.fetcher, "/repository/x", 100, &out, &err),
			 ERR_NOT_FOUND);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(fetcher_get(w.fetcher, "/v1/x", 100, &out, NULL, &err), ERR_DENIED);
	alarm(0);
	pthread_join(thread, NULL);
	tear_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_never_reads),
		cmocka_unit_test(another_user),
		cmocka_unit_test(one_that_says_nothing),
		cmocka_unit_test(one_that_takes_too_long_in_all),
		cmocka_unit_test(gives_way),
		cmocka_unit_test(its_words_are_its_own),
		cmocka_unit_test(unsealed_file),
		cmocka_unit_test(pipe_end),
		cmocka_unit_test(a_forbidden_file_is_none),
	};

	return cmocka_run_group_tests_name("agent-fetcher", tests, NULL, NULL);
}
