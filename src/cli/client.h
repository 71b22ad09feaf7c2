/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket of sutured as the command line uses it, and where the files are. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#define CLIENT_ANSWER_MAX ((size_t)2 * 1024 * 1024)

/* `path` below $SUTURE_ROOT; the caller frees; NULL without memory. */
char *client_path(const char *path);

/*
 * Whether sutured holds its lock, as /proc/locks (proc_locks(5)) tells anyone. True also where that
 * cannot be told: without its lock file, which is there from its first start in a boot on.
 */
bool client_sutured_runs(void);

/*
 * POST of a JSON object to a path of the control socket. Waits for as long as the work takes. On
 * success `ret_status` (may be NULL) gets the machine's status, the caller's. Errors: what sutured
 * answered, with its hint; ERR_UNREACHABLE when it is not running, ERR_DENIED without root.
 */
int client_post(const char *path, const json_t *body, json_t **ret_status, struct error *err);
