/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors over HTTP: application/problem+json (RFC 9457) with the project's error code in `code`.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "wire/field.h"

#define PROBLEM_MAX          ((size_t)8 * 1024)
#define PROBLEM_DETAIL_MAX   1024
#define PROBLEM_CONTENT_TYPE "application/problem+json"

struct problem {
	int status;              /* HTTP status, 400 to 599 */
	char code[CODE_MAX + 1]; /* error_code_name() */
	char detail[PROBLEM_DETAIL_MAX + 1];
};

/* The HTTP status that fits an error code: 403 for ERR_DENIED, 404, 409, 413, 500, … */
int problem_status(int code);
/* The registered phrase of a status ("Not Found"); "Error" for one that is not used here. */
const char *problem_title(int status);
/* The code that a problem carries, as ERR_… or -errno; ERR_PROTOCOL for a name that is not ours. */
int problem_code(const struct problem *problem);

/* Appends the body of an answer with `status` for the code and message. */
int problem_write(int status, int code, const char *detail, struct buf *out) _warn_unused_;
/* Reads a body of at most PROBLEM_MAX bytes. Missing members are filled in (RFC 9457 makes all of
 * them optional), wrong kinds are ignored as section 3.1 demands. ERR_INVALID when it is no JSON
 * object, ERR_TOO_LARGE. `status` is that of the answer. */
int problem_parse(int status, const void *data, size_t len, struct problem *ret, struct error *err);
