/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http/deadlines.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

struct deadline {
	struct deadlines *all;
	struct deadline *next, *previous;
	int fd;
	int64_t at; /* clock_monotonic_ms(); INT64_MAX once it is cut */
};

struct deadlines {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct deadline *first;
	int64_t wakes_at; /* when the thread looks again; INT64_MAX: when it is told to */
	uint64_t cut;
	bool stop;
};

/* Cuts what is due; when the next one will be. */
static int64_t cut_due(struct deadlines *all, int64_t now)
{
	int64_t next = INT64_MAX;

	for (struct deadline *d = all->first; d; d = d->next) {
		if (d->at <= now) {
			shutdown(d->fd, SHUT_RDWR);
			d->at = INT64_MAX;
			all->cut++;
		}
		next = MIN(next, d->at);
	}
	return next;
}

static void *watch(void *argument)
{
	struct deadlines *all = argument;

	pthread_mutex_lock(&all->lock);
	while (!all->stop) {
		all->wakes_at = cut_due(all, clock_monotonic_ms());
		if (all->wakes_at == INT64_MAX) {
			pthread_cond_wait(&all->changed, &all->lock);
		} else {
			struct timespec at = { all->wakes_at / 1000,
					       all->wakes_at % 1000 * 1000000 };

			pthread_cond_timedwait(&all->changed, &all->lock, &at);
		}
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

int deadlines_new(struct deadlines **ret, struct error *err)
{
	struct deadlines *all = calloc(1, sizeof(*all));
	pthread_condattr_t attributes;
	int r;

	if (!all)
		return error_set(err, ERR_NO_MEMORY, "deadlines: out of memory");
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&all->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	r = pthread_create(&all->thread, NULL, watch, all);
	if (r != 0) {
		pthread_cond_destroy(&all->changed);
		pthread_mutex_destroy(&all->lock);
		free(all);
		return error_set_errno(err, r, "starting a thread");
	}
	*ret = all;
	return 0;
}

void deadlines_free(struct deadlines *all)
{
	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	all->stop = true;
	pthread_cond_signal(&all->changed);
	pthread_mutex_unlock(&all->lock);
	pthread_join(all->thread, NULL);
	pthread_cond_destroy(&all->changed);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* With the lock held. The thread is woken only when it would sleep too long. */
static void set_at(struct deadline *deadline, int ms)
{
	deadline->at = clock_monotonic_ms() + ms;
	if (deadline->at < deadline->all->wakes_at)
		pthread_cond_signal(&deadline->all->changed);
}

struct deadline *deadline_add(struct deadlines *all, int fd, int ms)
{
	struct deadline *deadline = calloc(1, sizeof(*deadline));

	if (!deadline)
		return NULL;
	deadline->all = all;
	deadline->fd = fd;
	pthread_mutex_lock(&all->lock);
	deadline->next = all->first;
	if (all->first)
		all->first->previous = deadline;
	all->first = deadline;
	set_at(deadline, ms);
	pthread_mutex_unlock(&all->lock);
	return deadline;
}

void deadline_set(struct deadline *deadline, int ms)
{
	pthread_mutex_lock(&deadline->all->lock);
	/* Once cut, a connection stays so. */
	if (deadline->at != INT64_MAX)
		set_at(deadline, ms);
	pthread_mutex_unlock(&deadline->all->lock);
}

void deadline_remove(struct deadline *deadline)
{
	struct deadlines *all = deadline->all;

	pthread_mutex_lock(&all->lock);
	if (deadline->previous)
		deadline->previous->next = deadline->next;
	else
		all->first = deadline->next;
	if (deadline->next)
		deadline->next->previous = deadline->previous;
	pthread_mutex_unlock(&all->lock);
	free(deadline);
}

uint64_t deadlines_cut(struct deadlines *all)
{
	uint64_t cut;

	pthread_mutex_lock(&all->lock);
	cut = all->cut;
	pthread_mutex_unlock(&all->lock);
	return cut;
}
