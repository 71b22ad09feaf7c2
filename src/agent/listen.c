/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/listen.h"

#include <pthread.h>

#include "base/log.h"

/* Records that are read at once, and the pause after them. */
#define RECORDS_MAX 1024
#define PAUSE_MS    250

struct listener {
	pthread_mutex_t lock; /* guards all that follows */
	char *root;
	struct kernel_log *log; /* NULL until it is needed */
	bool on, said;
	int64_t pause_until;
};

struct listener *listener_new(const char *root)
{
	_cleanup_free_ struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return NULL;
	listener->root = strdup(root);
	if (!listener->root)
		return NULL;
	pthread_mutex_init(&listener->lock, NULL);
	return TAKE_PTR(listener);
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	kernel_log_free(listener->log);
	pthread_mutex_destroy(&listener->lock);
	free(listener->root);
	free(listener);
}

static void start(struct listener *l, const char *module, uint64_t from)
{
	struct error err = { 0 };

	if (!l->log && kernel_log_open(l->root, &l->log, &err) < 0) {
		if (!l->said)
			log_warning("the kernel's log is not watched: %s", err.message);
		l->said = true;
		return;
	}
	if (module)
		kernel_log_rewind(l->log, from, module);
	else
		kernel_log_skip(l->log);
	l->on = true;
	l->pause_until = 0;
}

void listener_start(struct listener *listener, const char *module, uint64_t from)
{
	pthread_mutex_lock(&listener->lock);
	if (!listener->on)
		start(listener, module, from);
	pthread_mutex_unlock(&listener->lock);
}

void listener_stop(struct listener *listener)
{
	pthread_mutex_lock(&listener->lock);
	listener->on = false;
	pthread_mutex_unlock(&listener->lock);
}

int listener_fd(struct listener *listener, int64_t now_ms)
{
	int fd = -1;

	pthread_mutex_lock(&listener->lock);
	if (listener->on && now_ms >= listener->pause_until)
		fd = kernel_log_fd(listener->log);
	pthread_mutex_unlock(&listener->lock);
	return fd;
}

int listener_timeout_ms(struct listener *listener, int64_t now_ms)
{
	int timeout = -1;

	pthread_mutex_lock(&listener->lock);
	if (listener->on) {
		timeout = kernel_log_timeout_ms(listener->log, now_ms);
		if (now_ms < listener->pause_until)
			timeout = (int)(listener->pause_until - now_ms);
	}
	pthread_mutex_unlock(&listener->lock);
	return timeout;
}

bool listener_read(struct listener *listener, int64_t now_ms, struct kernel_report *ret,
		   uint64_t *ret_next)
{
	int r = 0;

	pthread_mutex_lock(&listener->lock);
	if (listener->on && now_ms >= listener->pause_until) {
		uint64_t before = kernel_log_next(listener->log);

		r = kernel_log_read(listener->log, RECORDS_MAX, now_ms, ret);
		*ret_next = kernel_log_next(listener->log);
		/* Lines that tell nothing are read in groups. */
		if (r != 1 && *ret_next != before)
			listener->pause_until = now_ms + PAUSE_MS;
	}
	pthread_mutex_unlock(&listener->lock);
	return r == 1;
}

uint64_t listener_next(struct listener *listener)
{
	uint64_t next = 0;

	pthread_mutex_lock(&listener->lock);
	if (listener->log)
		next = kernel_log_next(listener->log);
	pthread_mutex_unlock(&listener->lock);
	return next;
}
