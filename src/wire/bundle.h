/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trust bundle: the one file that a machine's trust starts from (docs/formats.md, "Trust
 * bundle").
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"

#define BUNDLE_MAX           ((size_t)256 * 1024)
#define BUNDLE_URL_MAX       512
#define BUNDLE_SERVER_CA_MAX ((size_t)32 * 1024)
#define BUNDLE_MAX_CERTS     16
#define BUNDLE_MAX_TIERS     32

/* All strings are owned by the bundle. */
struct bundle {
	char *url;       /* "https://host[:port]", no path, no final slash */
	char *server_ca; /* PEM certificates */
	uint8_t *root;   /* the exact bytes of root.json */
	size_t root_len;
	char **module_certificates; /* one PEM X.509 certificate each */
	size_t n_module_certificates;
	char **tiers; /* in the repository's order */
	size_t n_tiers;
	char *default_tier;
};

/* Parses and checks every bound; PEM texts must hold certificates that parse. It does not verify
 * the signatures of root.json: tuf_client_init() does. The caller frees with bundle_free().
 * ERR_INVALID, ERR_TOO_LARGE, ERR_UNSUPPORTED (a higher format). */
int bundle_parse(const void *data, size_t len, struct bundle **ret, struct error *err);
/* The file's bytes, deterministic; refuses what bundle_parse() would refuse. */
int bundle_write(const struct bundle *bundle, struct buf *out, struct error *err);
void bundle_free(struct bundle *bundle);
DEFINE_CLEANUP(struct bundle *, bundle_free);
#define _cleanup_bundle_ _cleanup_(bundle_freep)

/* ERR_HASH unless SHA-256 of the bytes is `sha256` (64 hexadecimal digits, from a token). */
int bundle_check_hash(const void *data, size_t len, const char *sha256, struct error *err);
/* True for the form that `url` must have. */
bool bundle_url_is_valid(const char *url);
