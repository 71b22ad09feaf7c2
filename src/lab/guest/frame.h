/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames between suture-lab and the init of its guest: over a virtio port, or a serial line
 * where the kernel has no virtio. Both ends treat what arrives as hostile.
 *
 * A frame is a header of 12 bytes (magic "SUL1", type, three zero bytes, payload length as a
 * little-endian u32) and the payload. A reader that meets anything else skips byte by byte to the
 * next good header: a session that was cut off in the middle costs its own frames and no others.
 *
 * A session starts when the host says FRAME_HELLO with a nonce, which ends whatever was going on;
 * the guest answers with the nonce and the window: how many bytes of FRAME_DATA payload it takes
 * before the host must wait for FRAME_ACK (a serial line has no flow control of its own).
 *
 *   host                          guest
 *   HELLO nonce                   HELLO nonce, version, window
 *   RUN timeout, flags, argv      (DATA to its standard input, empty: end) OUT… ERROUT… EXIT status
 *   PUT mode, path   DATA… ""     ACK…, then OK or FAIL
 *   GET max, path                 DATA… OK or FAIL
 *   POWER_OFF                     OK, then the machine goes off
 */
#pragma once

#include "base/buf.h"

#define FRAME_HEADER_LEN  12
#define FRAME_PAYLOAD_MAX 32768
#define FRAME_NONCE_LEN   16
#define FRAME_VERSION     1
#define FRAME_ARGS_MAX    256
#define FRAME_PATH_MAX    1024

enum frame_type {
	FRAME_HELLO = 1, /* nonce; from the guest also u32 version, u32 window */
	FRAME_RUN,       /* u32 time limit in ms (0: none), u32 FRAME_RUN_…, argv */
	FRAME_PUT,       /* u32 permission bits, path */
	FRAME_GET,       /* u64 longest accepted length, path */
	FRAME_DATA,      /* bytes of a file or of standard input; empty: end */
	FRAME_POWER_OFF, /* empty */
	FRAME_OUT,       /* bytes from standard output */
	FRAME_ERROUT,    /* bytes from standard error */
	FRAME_EXIT,      /* u32 status, u32 1 if the time limit ended it */
	FRAME_ACK,       /* u32 bytes of DATA payload that the guest has disposed of */
	FRAME_OK,        /* empty */
	FRAME_FAIL,      /* u32 errno, message */
	FRAME_TYPE_LAST = FRAME_FAIL,
};

/* Answers with EXIT 0 at once; output goes to /var/log/<name of the program>.log in the guest. */
#define FRAME_RUN_BACKGROUND 1u

struct frame {
	enum frame_type type;
	const uint8_t *payload; /* belongs to the reader, until its next use */
	size_t len;
};

/* Takes bytes as they come and gives frames. Zero-initialise. */
struct frame_reader {
	size_t start, len; /* bytes [start, len) of data are not consumed yet */
	uint64_t skipped;  /* bytes that belonged to no frame */
	uint8_t data[2 * (FRAME_HEADER_LEN + FRAME_PAYLOAD_MAX)];
};

/* Where the next bytes go and how many fit (never 0); frame_reader_added() then says how many came.
 * Frames handed out before are no longer valid. */
size_t frame_reader_space(struct frame_reader *r, uint8_t **ret_space);
void frame_reader_added(struct frame_reader *r, size_t n);
/* The next whole frame; false when more bytes are needed. */
bool frame_reader_next(struct frame_reader *r, struct frame *ret);
/* True while part of a frame waits for its rest. */
bool frame_reader_is_partial(const struct frame_reader *r);
/* Forgets everything that was not consumed. */
void frame_reader_reset(struct frame_reader *r);

/* Appends one frame to `out`. ERR_TOO_LARGE over FRAME_PAYLOAD_MAX or out->max. */
int frame_append(struct buf *out, enum frame_type type, const void *payload, size_t len)
	_warn_unused_;

/* Little-endian integers of payloads. */
int frame_append_u32(struct buf *payload, uint32_t value) _warn_unused_;
int frame_append_u64(struct buf *payload, uint64_t value) _warn_unused_;
uint32_t frame_u32(const uint8_t *bytes);
uint64_t frame_u64(const uint8_t *bytes);

struct frame_run {
	uint32_t timeout_ms;
	uint32_t flags;
	char *argv[FRAME_ARGS_MAX + 1]; /* NULL-terminated; point into the payload */
	size_t argc;
};

/* Payload of FRAME_RUN. ERR_TOO_LARGE over FRAME_ARGS_MAX arguments or FRAME_PAYLOAD_MAX bytes,
 * ERR_INVALID without an argument. */
int frame_encode_run(uint32_t timeout_ms, uint32_t flags, const char *const *argv,
		     struct buf *payload) _warn_unused_;
/* ERR_INVALID for what frame_encode_run() would not make. `ret` points into the payload. */
int frame_decode_run(const struct frame *frame, struct frame_run *ret) _warn_unused_;

/* The path that follows `skip` bytes of fixed fields: absolute, 2 to FRAME_PATH_MAX bytes, no zero
 * byte. Copied to `ret`. ERR_INVALID otherwise. */
int frame_decode_path(const struct frame *frame, size_t skip, char ret[static FRAME_PATH_MAX + 1])
	_warn_unused_;
