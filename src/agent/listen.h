/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listens to the kernel's log while a patch of ours is in the kernel. The worker says when; the
 * main loop reads. It costs nothing while the kernel says nothing, and some thousand lines a second
 * at most when it never stops: then older lines may be overwritten unread.
 */
#pragma once

#include "kernel/log.h"

struct listener;

/* NULL without memory. The caller frees with listener_free(). */
struct listener *listener_new(const char *root);
void listener_free(struct listener *listener);
DEFINE_CLEANUP(struct listener *, listener_free);

/*
 * For the worker. From now on; or with `module`, which has been in the kernel while nobody
 * listened, from its load on, but not below the sequence number `from`. Nothing changes if it
 * listens already. A log that cannot be read is said in the program's log, once.
 */
void listener_start(struct listener *listener, const char *module, uint64_t from);
void listener_stop(struct listener *listener);

/* For the main loop: what to poll for reading, -1 for nothing; and when to call listener_read() at
 * the latest, in milliseconds, -1 for never. Times as clock_boottime_ms(). */
int listener_fd(struct listener *listener, int64_t now_ms);
int listener_timeout_ms(struct listener *listener, int64_t now_ms);
/* True with the next report; false when there is none for now. `ret_next`: how far the log has been
 * read with it (kernel_log_next()). */
bool listener_read(struct listener *listener, int64_t now_ms, struct kernel_report *ret,
		   uint64_t *ret_next);
/* How far the log has been read; 0: nothing was. */
uint64_t listener_next(struct listener *listener);
