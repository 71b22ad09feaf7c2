/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates in PEM (RFC 7468), over OpenSSL. */
#pragma once

#include <openssl/x509.h>

#include "base/error.h"

/* Largest text taken. */
#define PEM_TEXT_MAX ((size_t)256 * 1024)

/*
 * Adds every certificate of a text to `list`, which owns them, and returns how many. Other text
 * around them is passed over; a damaged certificate anywhere is ERR_INVALID. Also ERR_NO_MEMORY.
 */
int pem_read_certificates(const char *pem, STACK_OF(X509) * list);

/* No passphrase is ever asked for: OpenSSL's own way would ask on the terminal. */
int pem_no_passphrase(char *buffer, int size, int rwflag, void *user);
