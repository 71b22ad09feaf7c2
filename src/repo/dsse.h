/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DSSE envelopes (Dead Simple Signing Envelope 1.0, secure-systems-lab/dsse): a payload of some
 * type, and signatures over "DSSEv1 <length> <type> <length> <payload>", by keys of the repository.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "tuf/key.h"

#define DSSE_PAYLOAD_MAX    ((size_t)4 * 1024 * 1024)
#define DSSE_MAX            (2 * DSSE_PAYLOAD_MAX) /* bytes of an envelope */
#define DSSE_TYPE_MAX       ((size_t)255)
#define DSSE_MAX_SIGNATURES 64

struct dsse;

/* An envelope without signatures; everything is copied. ERR_TOO_LARGE, ERR_NO_MEMORY. */
int dsse_new(const char *type, const void *payload, size_t len, struct dsse **ret,
	     struct error *err);
/* Any bytes. Checks the form; no signature is looked at. ERR_INVALID, ERR_TOO_LARGE. */
int dsse_parse(const void *data, size_t len, struct dsse **ret, struct error *err);
void dsse_free(struct dsse *dsse);
DEFINE_CLEANUP(struct dsse *, dsse_free);
#define _cleanup_dsse_ _cleanup_(dsse_freep)

const char *dsse_type(const struct dsse *dsse);
/* The payload belongs to the envelope. */
const void *dsse_payload(const struct dsse *dsse, size_t *ret_len);

/* Adds a signature. Errors as tuf_key_sign(). */
int dsse_sign(struct dsse *dsse, const struct tuf_key *key, struct error *err);
/* Appends the envelope as JSON. */
int dsse_write(const struct dsse *dsse, struct buf *out, struct error *err);
/*
 * Is there a valid signature by one of `keys`, an object of key IDs and metadata keys (tuf/key.h)?
 * A signature without a key ID is tried with every key. ERR_SIGNATURE.
 */
int dsse_verify(const struct dsse *dsse, const json_t *keys, struct error *err);
