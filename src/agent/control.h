/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: HTTP on /run/suture/control.sock, for root of this machine. Served by the
 * main loop; what takes time becomes a job, and the answer comes when it is done.
 *
 *   GET  /v1/status     the status file
 *   POST /v1/enable     {"token", "bundle"?: base64, "tier"?, "hostname"?}
 *   POST /v1/disable    {"unpatch"?: bool}
 *   POST /v1/refresh    {}
 *   POST /v1/rollback   {"version"?}
 *   POST /v1/retry      {"version"}
 *   POST /v1/hold       {}
 *   POST /v1/unhold     {}
 *
 * A POST answers 200 with {"status": …}, or a problem (RFC 9457) with `code` and `hint`.
 */
#pragma once

#include "agent/jobs.h"

#define CONTROL_BODY_MAX ((size_t)512 * 1024)

struct control;

/* Makes the socket (0600) and serves it. `status_path` is the file that GET /v1/status sends. The
 * caller frees with control_free(), before the jobs; those who still wait are sent away. */
int control_open(const char *path, const char *status_path, struct jobs *jobs, struct control **ret,
		 struct error *err);
void control_free(struct control *control);
DEFINE_CLEANUP(struct control *, control_free);

/* A descriptor that is readable when control_run() has something to do. */
int control_fd(const struct control *control);
/* Milliseconds until control_run() wants to be called anyway; -1: never. */
int control_timeout_ms(const struct control *control);
void control_run(struct control *control);
/* Answers the request that a done job came from (job->owner), if any. Takes the job. */
void control_finish(struct control *control, struct job *job);

/* Reads a POST body into a job: its kind and its arguments. Every bound is checked. ERR_NOT_FOUND
 * for an unknown path, ERR_INVALID names the field. For control.c and its tests. */
int control_parse(const char *path, const void *body, size_t len, struct job **ret,
		  struct error *err);
