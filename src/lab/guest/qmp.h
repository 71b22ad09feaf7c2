/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's machine protocol (QMP), over the unix socket of a guest: JSON objects, one a line. QEMU
 * stands between us and a guest that may have broken it, so what it says is bounded too.
 */
#pragma once

#include "base/error.h"

/* Longest message that is read; a longer one ends the connection. */
#define QMP_MESSAGE_MAX (64 * 1024)
#define QMP_REASON_MAX  32

struct qmp;

/* Connects, waits for the greeting and leaves negotiation mode. Errors: -errno, ERR_TIMEOUT,
 * ERR_PROTOCOL, ERR_BAD_STATE (QEMU has ended). */
int qmp_connect(const char *socket_path, int timeout_ms, struct qmp **ret, struct error *err);
void qmp_free(struct qmp *qmp);
DEFINE_CLEANUP(struct qmp *, qmp_free);

/* Executes a command without arguments and waits for its answer. ERR_CHILD with QEMU's words if it
 * is refused; otherwise as qmp_connect(). */
int qmp_execute(struct qmp *qmp, const char *command, int timeout_ms, struct error *err);

/*
 * Why the guest ended: the reason of QEMU's SHUTDOWN event ("guest-reset", "guest-shutdown",
 * "guest-panic", "host-signal", …), which stays readable after QEMU has gone. Waits for it until
 * the connection ends, `timeout_ms` at most; "" if QEMU said none.
 */
void qmp_shutdown_reason(struct qmp *qmp, int timeout_ms, char ret[static QMP_REASON_MAX]);

/* What one message is; for qmp.c and its tests. */
enum qmp_kind { QMP_GREETING, QMP_RETURN, QMP_ERROR, QMP_EVENT };

struct qmp_message {
	enum qmp_kind kind;
	char text[256];              /* error: its description; event: its name */
	char reason[QMP_REASON_MAX]; /* of a SHUTDOWN event */
};

/* Reads one message. ERR_INVALID for what is none. */
int qmp_parse(const void *data, size_t len, struct qmp_message *ret);
