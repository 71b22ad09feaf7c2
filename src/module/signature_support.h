/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which module signatures a kernel can check, read from its configuration (kernel 6.1 and 6.12:
 * kernel/module/Kconfig, certs/Kconfig, crypto/asymmetric_keys/pkcs7_verify.c and public_key.c).
 *
 * What counts is the algorithm itself, not CONFIG_MODULE_SIG_HASH, which only says what the
 * kernel's own modules were signed with. It must be built in: a module that holds the algorithm may
 * not be there when it is needed, and cannot be loaded to check its own signature.
 */
#pragma once

#include "base/error.h"

#define SIGNATURE_CONFIG_MAX ((size_t)4 * 1024 * 1024)

/* What a key signs with. */
enum signature_algorithm {
	SIGNATURE_RSA,
	SIGNATURE_ECDSA_P256,
	SIGNATURE_ECDSA_P384,
};
/* "RSA", "ECDSA P-256", "ECDSA P-384". */
const char *signature_algorithm_name(enum signature_algorithm algorithm);

/* Hashes that a signature may have; the first is what every kernel here has. */
enum signature_hash {
	SIGNATURE_SHA256,
	SIGNATURE_SHA384,
	SIGNATURE_SHA512,
};
/* "sha256", … */
const char *signature_hash_name(enum signature_hash hash);
/* ERR_USAGE, with the names that there are. */
int signature_hash_parse(const char *name, enum signature_hash *ret, struct error *err);

/* A tristate of the configuration. */
enum signature_option { SIGNATURE_ABSENT, SIGNATURE_AS_MODULE, SIGNATURE_BUILT_IN };

struct signature_support {
	bool module_sig; /* CONFIG_MODULE_SIG: the kernel looks at signatures at all; if not, it
			    takes any */
	enum signature_option rsa, ecdsa, sha256, sha512;
};

/* Reads a .config. A text with no option in it is no configuration: ERR_INVALID. Also
 * ERR_TOO_LARGE. */
int signature_support_parse(const void *text, size_t len, struct signature_support *ret,
			    struct error *err);

/*
 * Can that kernel check such a signature? `support` NULL: a kernel of which nothing is known, which
 * is taken to have RSA and SHA-256 and nothing else. ERR_UNSUPPORTED, naming the option that is
 * missing.
 */
int signature_support_check(const struct signature_support *support,
			    enum signature_algorithm algorithm, enum signature_hash hash,
			    struct error *err);
