/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests with names, which go on when the command that started them ends: folders NAME below
 * $XDG_RUNTIME_DIR/suture-lab, or /tmp/suture-lab-UID, of mode 0700.
 */
#pragma once

#include "lab/guest/guest.h"
#include "lab/guest/path_list.h"

#define NAMED_NAME_MAX 32

/* The folder of a name (the caller frees); those above it are made and checked to be this user's
 * alone. ERR_USAGE unless the name is 1 to NAMED_NAME_MAX of a-z 0-9 and '-'. */
int named_folder(const char *name, char **ret, struct error *err);
/* Starts a guest under a name; `options->dir` and `stays` are set here. ERR_EXISTS if one of that
 * name runs. The console log of a start that failed stays for reading. */
int named_start(const char *name, const struct guest_options *options, struct guest **ret,
		struct error *err);
/* ERR_NOT_FOUND if there is no such guest; ERR_BAD_STATE if it has ended. */
int named_attach(const char *name, struct guest **ret, struct error *err);
/* Powers off and removes the folder. ERR_NOT_FOUND if there is none; one that has ended is only
 * removed. */
int named_stop(const char *name, struct error *err);
/* Appends the console log, of a guest that has ended too. */
int named_log(const char *name, struct buf *out, struct error *err);
/* The folder of modules that the guest was started with, absolute; the caller frees. ERR_NOT_FOUND
 * if it has none. */
int named_modules(const char *name, char **ret, struct error *err);
/* guest_hang_trace_of(), of a guest that need not answer. */
int named_trace(const char *name, int timeout_ms, struct buf *out, struct error *err);
/* All names, running or not. */
int named_list(struct path_list *ret, struct error *err);
