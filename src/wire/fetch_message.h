/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sutured and suture-fetch say to each other over /run/suture/fetch.sock: one JSON object a
 * SOCK_SEQPACKET packet of at most FETCH_PACKET_MAX bytes, bodies as sealed memory files beside it
 * (docs/formats.md, "sutured and suture-fetch"). Either end may be hostile to the other.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#define FETCH_PACKET_MAX       (64 * 1024)
#define FETCH_BODY_MAX         (64 * 1024 * 1024) /* most that `max` may be */
#define FETCH_PATH_MAX         1024
#define FETCH_URL_MAX          512
#define FETCH_CA_MAX           (32 * 1024)
#define FETCH_ID_MAX           INT64_C(9007199254740991) /* 2^53 - 1: exact in every JSON reader */
#define FETCH_ENROL_ANSWER_MAX (64 * 1024) /* bound of `enrol`'s answer, which has no `max` */

enum fetch_op {
	FETCH_GET,
	FETCH_POST,
	FETCH_BUNDLE,
	FETCH_ENROL,
	FETCH_FORGET,
};

/* A request. Strings and `body` are owned; those that the operation has no use for are NULL. */
struct fetch_request {
	int64_t id; /* 1 to FETCH_ID_MAX; the answer repeats it */
	enum fetch_op op;
	char *path;      /* get, post: 1 to FETCH_PATH_MAX bytes, no control characters */
	char *url;       /* bundle, enrol: 1 to FETCH_URL_MAX bytes, no control characters */
	char *server_ca; /* enrol: PEM certificates, 1 to FETCH_CA_MAX bytes */
	json_t *body;    /* post, enrol: an object */
	int64_t max;     /* get, post, bundle: most bytes of body, 1 to FETCH_BODY_MAX; for enrol
			    FETCH_ENROL_ANSWER_MAX, for forget 0 */
};

/* An answer, without its body. */
struct fetch_answer {
	int64_t id;
	bool ok;
	int status; /* HTTP status, 100 to 599; 0: there was none */
	int code;   /* !ok: one of the codes of docs/formats.md as ERR_… or -errno */
	char message[ERROR_MESSAGE_MAX]; /* !ok: one line without control characters */
	char hint[ERROR_HINT_MAX];       /* !ok: what to do about it; may be "" */
};

/* Frees what a request owns; strings in `body` are overwritten first, since a token may be among
 * them. Safe on a zeroed request. */
void fetch_request_clear(struct fetch_request *request);
#define _cleanup_fetch_request_ _cleanup_(fetch_request_clear)

/* "get", "post", …; static storage. */
const char *fetch_op_name(enum fetch_op op);

/* Parses one packet. ERR_INVALID names the field; `ret` is untouched then. */
int fetch_request_parse(const void *data, size_t len, struct fetch_request *ret, struct error *err);
/* Appends a request's packet to `out` after checking it as the parser does. ERR_INVALID,
 * ERR_TOO_LARGE (over FETCH_PACKET_MAX or out's maximum). */
int fetch_request_write(const struct fetch_request *request, struct buf *out, struct error *err);
int fetch_answer_parse(const void *data, size_t len, struct fetch_answer *ret, struct error *err);
int fetch_answer_write(const struct fetch_answer *answer, struct buf *out, struct error *err);

/* Sends one packet, with a descriptor beside it unless `fd` is -1 (the caller keeps it). Errors:
 * -errno (-EAGAIN on a non-blocking socket, -EPIPE when the peer is gone; never a signal). */
int fetch_send(int sock, const void *data, size_t len, int fd, struct error *err);

/*
 * Receives one packet into `out` (cleared first; its maximum should be FETCH_PACKET_MAX). Returns 1
 * with a packet, 0 when the peer has closed, or an error: -errno (-EAGAIN: nothing there yet),
 * ERR_PROTOCOL for a packet or ancillary data that was cut, or for more than one descriptor; all
 * descriptors received are closed then, and none of them can make that wait
 * (process_close_elsewhere()). `ret_fd` gets the descriptor, close-on-exec, or -1; when it is NULL,
 * any descriptor is refused.
 */
int fetch_receive(int sock, struct buf *out, int *ret_fd, struct error *err);

/* Both steps at once, for the asking end. fetch_request_send() wipes its copy of the packet. */
int fetch_request_send(int sock, const struct fetch_request *request, struct error *err);
/*
 * Receives the answer to request `id` and copies its body, at most `max` bytes, to `body`
 * (appended; untouched when the answer carries none). Returns 1, 0 when the peer has closed, or an
 * error. ERR_PROTOCOL: another id, a descriptor where none belongs, none where one does (only
 * `forget` has none: `max` 0), a file that is not sealed. ERR_TOO_LARGE. When it returns 1 and
 * !ret->ok, *ret tells what failed at the other end.
 */
int fetch_answer_receive(int sock, int64_t id, size_t max, struct fetch_answer *ret,
			 struct buf *body, struct error *err);
/* For the answering end: 1 with a request, 0 when the peer has closed, or an error. */
int fetch_request_receive(int sock, struct fetch_request *ret, struct error *err);
int fetch_answer_send(int sock, const struct fetch_answer *answer, int fd, struct error *err);

/* A new memory file that can be sealed; the caller closes. */
int fetch_memfd_new(int *ret_fd, struct error *err);
/* Seals it against write, grow, shrink and further seals. -EBUSY while a writable mapping exists.
 */
int fetch_memfd_seal(int fd, struct error *err);
/* Appends a received memory file to `out` after checking that it is a regular file sealed against
 * write, grow and shrink, of at most `max` bytes. ERR_PROTOCOL, ERR_TOO_LARGE. */
int fetch_memfd_read(int fd, size_t max, struct buf *out, struct error *err);

/* User ID of the process at the other end of a unix socket when it connected (SO_PEERCRED). */
int fetch_peer_uid(int sock, uid_t *ret, struct error *err);
