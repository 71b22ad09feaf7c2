/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's control protocol (QMP: docs/interop/qmp-spec.txt of QEMU) through two files in the guest's
 * folder: a named pipe that takes commands, and an ordinary file in which QEMU writes one JSON
 * object a line, answers and events. So what QEMU said last is still there when it has ended, and
 * nobody need have listened. QEMU is trusted by half: a guest may have taken it over.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/* In the guest's folder: QMP_PIPE is what `-chardev pipe,path=` takes. */
#define QMP_PIPE     "qmp"
#define QMP_IN       "qmp.in"
#define QMP_OUT      "qmp.out"

#define QMP_ID_MAX   40
/* Longest line that is looked at. */
#define QMP_LINE_MAX 4096

enum qmp_kind {
	QMP_OTHER, /* the greeting, and what is not understood */
	QMP_RETURN,
	QMP_ERROR,
	QMP_EVENT,
};

/* One line, printable ASCII only. */
struct qmp_message {
	enum qmp_kind kind;
	char id[QMP_ID_MAX]; /* of an answer; "" without */
	char text[128];      /* an error's description, an event's name */
	char reason[64];     /* of an event SHUTDOWN */
};

/* Any bytes. */
void qmp_parse(const void *line, size_t len, struct qmp_message *ret);
/* The next whole line at `*at` that is an answer with this id, or with `id` NULL any event; moves
 * `*at` behind it. False: none. */
bool qmp_next(const struct buf *log, size_t *at, const char *id, struct qmp_message *ret);

/* Makes both files anew, with the command in the pipe that QEMU wants first. `ret_pipe` is to stay
 * open until QEMU has opened it: what is in a pipe is lost with its last reader. */
int qmp_prepare(const char *dir, int *ret_pipe, struct error *err);
/*
 * Has QEMU carry out a command that takes no arguments; waits for its answer.
 * Errors: -errno, ERR_BAD_STATE (no QEMU reads the pipe), ERR_CHILD (QEMU refused; its words),
 * ERR_TIMEOUT.
 */
int qmp_execute(const char *dir, const char *command, int timeout_ms, struct error *err);
/* Why QEMU ended, in its words ("guest-shutdown", "guest-reset", …); "" as long as it did not say.
 */
void qmp_shutdown_reason(const char *dir, char ret[static 64]);
