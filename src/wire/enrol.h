/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enrolment: the messages of POST /v1/enrol, and the token that a person carries to a machine
 * (docs/formats.md, "Machine and server" and "Trust bundle").
 */
#pragma once

#include "base/buf.h"
#include "base/hash.h"
#include "base/json.h"
#include "wire/machine.h"

#define ENROL_REQUEST_MAX     ((size_t)16 * 1024)
#define ENROL_ANSWER_MAX      ((size_t)64 * 1024)
#define ENROL_CSR_MAX         ((size_t)8 * 1024)
#define ENROL_CERT_MAX        ((size_t)32 * 1024)
#define ENROL_HOSTNAME_MAX    255
#define TOKEN_SECRET_MIN      22
#define TOKEN_SECRET_MAX      128
#define TOKEN_URL_MAX         512
#define TOKEN_TEXT_MAX        (TOKEN_URL_MAX + 1 + SHA256_HEX_LEN + 1 + TOKEN_SECRET_MAX)
#define CHECK_IN_INTERVAL_MAX 86400 /* seconds */

/* 22 to 128 of A-Z a-z 0-9 _ - */
bool token_secret_is_valid(const char *text);

/* `<secret>`, or `<url>#<hash of the bundle's bytes>#<secret>`. */
struct token {
	char url[TOKEN_URL_MAX + 1];            /* "" in the short form */
	char bundle_sha256[SHA256_HEX_LEN + 1]; /* "" in the short form */
	char secret[TOKEN_SECRET_MAX + 1];
};

/* Reads either form; no part of the text appears in the error. ERR_INVALID. */
int token_parse(const char *text, struct token *ret, struct error *err);
/* Appends the token's text, the short form when `url` is "". */
int token_format(const struct token *token, struct buf *out) _warn_unused_;
/* Overwrites the secret. */
void token_wipe(struct token *token);
#define _cleanup_token_ _cleanup_(token_wipe)

struct enrol_request {
	char token[TOKEN_SECRET_MAX + 1]; /* the secret alone */
	char csr[ENROL_CSR_MAX + 1];      /* PEM PKCS#10; "" : left out when written */
	char hostname[ENROL_HOSTNAME_MAX + 1];
	struct machine_facts facts;
};

/* Reads a request of at most ENROL_REQUEST_MAX bytes; `csr` must be there and look like PEM, but
 * is not parsed further. ERR_INVALID, ERR_TOO_LARGE, ERR_UNSUPPORTED (architecture); no error
 * repeats the token. The caller wipes with enrol_request_wipe(). */
int enrol_request_parse(const void *data, size_t len, struct enrol_request *ret, struct error *err);
/* The request as a new object, the caller's. With `csr` "" that field is missing: the fetcher adds
 * it. ERR_INVALID, ERR_NO_MEMORY. */
int enrol_request_object(const struct enrol_request *request, json_t **ret, struct error *err);
/* Overwrites all of it. */
void enrol_request_wipe(struct enrol_request *request);
#define _cleanup_enrol_request_ _cleanup_(enrol_request_wipe)

struct enrol_answer {
	char machine_id[UUID_LEN + 1];
	char certificate[ENROL_CERT_MAX + 1]; /* PEM, the machine's certificate (and its chain) */
	int64_t interval;                     /* seconds until the first check-in at the latest */
};

/* Reads an answer of at most ENROL_ANSWER_MAX bytes; the certificate must look like PEM, but is
 * not parsed further. ERR_INVALID, ERR_TOO_LARGE. */
int enrol_answer_parse(const void *data, size_t len, struct enrol_answer *ret, struct error *err);
/* Appends an answer. ERR_INVALID when it breaks a rule of the parser. */
int enrol_answer_write(const struct enrol_answer *answer, struct buf *out, struct error *err);
