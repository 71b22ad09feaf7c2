/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors: what a function that can fail returns, and what a person reads.
 *
 * Every such function returns 0 or a negative code: -errno for what the system said, or one of the
 * codes below. Where a person needs more, the last parameter is a `struct error *`, which may be
 * NULL. A library never prints; the same code name and message reach the socket, the JSON and the
 * screen.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>

#include "base/macro.h"

/* The project's own codes. Numbers and names are stable: they appear in JSON and in reports. */
enum {
	ERR_USAGE = -1000,       /* the command line is wrong (exit status 2) */
	ERR_INVALID = -1001,     /* input that does not follow its format */
	ERR_TOO_LARGE = -1002,   /* input over its stated maximum */
	ERR_NOT_FOUND = -1003,   /* what was asked for does not exist */
	ERR_EXISTS = -1004,      /* what was to be made is already there */
	ERR_UNSUPPORTED = -1005, /* valid, but this program or machine cannot do it */
	ERR_TIMEOUT = -1006,     /* a time limit was reached */
	ERR_CHILD = -1007,       /* a program that was run failed */
	ERR_BAD_STATE = -1008,   /* not possible in the present state */
	ERR_DENIED = -1009,      /* the peer may not do this */
	ERR_UNREACHABLE = -1010, /* the server could not be reached */
	ERR_PROTOCOL = -1011,    /* the peer said something that the protocol does not allow */
	ERR_NO_MEMORY = -1012,   /* memory, or a stated cap on it, is exhausted */

	ERR_SIGNATURE = -1020,  /* too few valid signatures, or a wrong one */
	ERR_EXPIRED = -1021,    /* metadata or certificate past its date */
	ERR_ROLLBACK = -1022,   /* a lower version than the one already trusted */
	ERR_HASH = -1023,       /* length or hash differs from what was signed */
	ERR_UNTRUSTED = -1024,  /* no trust anchor leads to this */
	ERR_NOT_LISTED = -1025, /* no signed role lists it */

	ERR_NO_CHANGE = -1040,     /* the patch changes no code (exit status 3) */
	ERR_NOT_PATCHABLE = -1041, /* cannot be live-patched (exit status 4) */
	ERR_MISMATCH = -1042, /* the rebuilt original is not the shipped code (exit status 5) */

	ERR_WRONG_KERNEL = -1060,   /* made for another kernel build */
	ERR_KERNEL_REFUSED = -1061, /* the kernel refused to load or to change over */
	ERR_STUCK = -1062,          /* the transition did not finish in its time */
	ERR_QUARANTINED = -1063,    /* this version failed here before */
	ERR_CRASHED = -1064,        /* the kernel crashed, or a task in it, with this version */
	ERR_INTERRUPTED = -1065,    /* the machine went down with this version; why is not known */
};

/* Longest message, with its terminating zero; longer ones are cut and end in "...". */
#define ERROR_MESSAGE_MAX 1024
#define ERROR_HINT_MAX    256

/* A failure as a person reads it. Zero-initialise: `struct error err = {0};` */
struct error {
	int code;                        /* 0: no error */
	char message[ERROR_MESSAGE_MAX]; /* "what failed: why", one line, no final full stop */
	char hint[ERROR_HINT_MAX];       /* what to do about it; "" when there is nothing to say */
};

/*
 * Sets code and message (printf-like) and clears the hint. Control characters in the result become
 * '?', since parts of it may come from outside. Returns `code`, so that `return error_set(...)`
 * works. `err` may be NULL: then only the code is returned.
 */
int error_set(struct error *err, int code, const char *format, ...) _printf_(3, 4);

/* As error_set() with code -`errnum`, and ": <what errno says>" added to the message. */
int error_set_errno(struct error *err, int errnum, const char *format, ...) _printf_(3, 4);

/* Puts "prefix: " before an existing message. Returns err's code (or `code` when err is NULL). */
int error_prefix(struct error *err, int code, const char *format, ...) _printf_(3, 4);

/* Sets the hint: one sentence on what the reader can do. */
void error_hint(struct error *err, const char *format, ...) _printf_(2, 3);

/* Takes every `part` out of the message, such as the path of a private folder. */
void error_remove(struct error *err, const char *part);

/* The stable lower-case name of a code ("signature", "not-found", "errno-28"); static storage or
 * a per-thread buffer valid until the next call. */
const char *error_code_name(int code);
/* The code that error_code_name() gives this name to; 0 for any other text. */
int error_code_parse(const char *name);

/* Replaces control characters by '?', in place: parts of a message or of a log line may come from
 * outside, and a terminal would act upon them. So are those of UTF-8, as many '?' as they have
 * bytes; other UTF-8 stays as it is. */
void error_clean_text(char *text);
