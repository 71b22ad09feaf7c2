/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The check-in: what a machine reports and what the server answers (POST /v1/check-in,
 * docs/formats.md, "Machine and server").
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "wire/field.h"
#include "wire/machine.h"

#define CHECK_IN_REQUEST_MAX ((size_t)64 * 1024)
#define CHECK_IN_ANSWER_MAX  ((size_t)16 * 1024)
#define CHECK_IN_EVENTS_MAX  32
#define CHECK_IN_MESSAGE_MAX 1024
#define CHECK_IN_ROLLOUT_MAX 64
#define CHECK_IN_NUMBER_MAX  INT64_C(9007199254740991) /* 2^53 - 1 */

/* One line of a machine's history. */
struct check_in_event {
	int64_t time;                    /* seconds since 1970 */
	char event[CODE_MAX + 1];        /* what happened: a word of a-z 0-9 - */
	char version[PATCH_VERSION_MAX]; /* or "" */
	char code[CODE_MAX + 1];         /* or "" */
	char message[CHECK_IN_MESSAGE_MAX + 1];
};

/* As messages show it; the caller's. NULL without memory. */
json_t *check_in_event_object(const struct check_in_event *event);

struct check_in_request {
	int64_t sequence; /* 1 to CHECK_IN_NUMBER_MAX */
	struct machine_facts facts;
	char boot_id[UUID_LEN + 1];
	int64_t uptime; /* seconds */
	enum machine_state state;
	char version[PATCH_VERSION_MAX]; /* applied now, or "" */
	char error_code[CODE_MAX + 1];   /* of the last failure, or "" */
	char error_message[CHECK_IN_MESSAGE_MAX + 1];
	enum code_check code_check;
	bool hold;
	struct check_in_event *events; /* owned */
	size_t n_events;               /* at most CHECK_IN_EVENTS_MAX */
};

void check_in_request_clear(struct check_in_request *request);
#define _cleanup_check_in_request_ _cleanup_(check_in_request_clear)

/* Reads a request of at most CHECK_IN_REQUEST_MAX bytes. The caller clears it. ERR_INVALID names
 * the field; ERR_TOO_LARGE, ERR_UNSUPPORTED (architecture), ERR_NO_MEMORY. */
int check_in_request_parse(const void *data, size_t len, struct check_in_request *ret,
			   struct error *err);
/* Appends a request. ERR_INVALID when it breaks a rule of the parser, ERR_TOO_LARGE when it is
 * over the maximum (send fewer events then). */
int check_in_request_write(const struct check_in_request *request, struct buf *out,
			   struct error *err);

/* Why a check-in was answered as it was. */
enum check_in_reason {
	REASON_GRANTED,        /* `grant` says what */
	REASON_UP_TO_DATE,     /* the newest version that the tier lists is applied */
	REASON_NONE_AVAILABLE, /* the kernel is covered, but the tier lists nothing for it yet */
	REASON_NOT_COVERED,    /* no tier lists anything for this kernel build */
	REASON_PAUSED,         /* something is listed, and the server holds it back */
	REASONS,
};

const char *check_in_reason_name(enum check_in_reason reason);

struct check_in_answer {
	int64_t sequence;
	bool granted;
	char version[PATCH_VERSION_MAX]; /* granted: which, */
	char kernel[RELEASE_MAX + 1];    /* for which kernel, */
	char rollout[CHECK_IN_ROLLOUT_MAX +
		     1]; /* and the server's name of the rollout, may be "" */
	enum check_in_reason reason;
	int64_t interval; /* seconds until the next check-in, 1 to 86400 */
	int64_t time;     /* the server's, seconds since 1970; for messages only */
};

/* Reads an answer of at most CHECK_IN_ANSWER_MAX bytes. ERR_INVALID (also when grant and reason
 * disagree), ERR_TOO_LARGE. */
int check_in_answer_parse(const void *data, size_t len, struct check_in_answer *ret,
			  struct error *err);
/* Appends an answer; refuses what the parser would refuse. */
int check_in_answer_write(const struct check_in_answer *answer, struct buf *out, struct error *err);
