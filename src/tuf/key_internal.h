/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the sources of tuf/key.h share. */
#pragma once

#include <openssl/evp.h>

#include "tuf/key.h"

#define TUF_ED25519_LEN 32

struct tuf_key {
	enum tuf_key_type type;
	EVP_PKEY *pkey;
	bool has_private;
	json_t *object; /* metadata form */
	char id[SHA256_HEX_LEN + 1];
};

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);

/* A key of OpenSSL's as one of ours, with the metadata form that this library writes. Takes `pkey`
 * over in any case. ERR_UNSUPPORTED, ERR_NO_MEMORY. */
int tuf_key_adopt(EVP_PKEY *pkey, bool has_private, struct tuf_key **ret, struct error *err);
