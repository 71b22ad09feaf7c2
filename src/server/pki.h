/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's own certificate authority: one P-256 CA, the server's certificate, and client
 * certificates for machines (RFC 5280). Files under one folder: ca.key, ca.pem, server.key,
 * server.pem; keys have mode 0600.
 */
#pragma once

#include "base/error.h"
#include "base/hash.h"

#define PKI_NAMES_MAX    64
#define PKI_CSR_MAX      ((size_t)8 * 1024)
#define PKI_CA_DAYS      7300
#define PKI_SERVER_DAYS  397
#define PKI_SERVER_RENEW 90 /* days before its end at which the server's is made anew */
#define PKI_MACHINE_DAYS 825
#define PKI_BACKDATE     86400 /* seconds by which clocks of machines may be behind */

struct pki;

/*
 * Opens the folder, making what is missing: the CA and the server's key once, the server's
 * certificate whenever it is absent, not of this CA and key, near its end, or without one of
 * `names` (DNS names or IP addresses; "localhost", "127.0.0.1" and "::1" are always added). With
 * no names an existing certificate's are kept. What a crash left half done is finished.
 * ERR_INVALID (a name, a damaged file), -errno. The caller frees with pki_free().
 */
int pki_open(const char *dir, const char *const *names, size_t n_names, int64_t now,
	     struct pki **ret, struct error *err);
void pki_free(struct pki *pki);
DEFINE_CLEANUP(struct pki *, pki_free);
#define _cleanup_pki_ _cleanup_(pki_freep)

/* PEM; they belong to the pki. */
const char *pki_ca_certificate(const struct pki *pki);
const char *pki_server_certificate(const struct pki *pki);
const char *pki_server_key(const struct pki *pki);

/* A certificate for a machine. */
struct pki_certificate {
	char *pem;                  /* owned */
	uint8_t sha256[SHA256_LEN]; /* of its DER form */
	int64_t not_after;          /* seconds since 1970 */
};
void pki_certificate_clear(struct pki_certificate *certificate);
#define _cleanup_pki_certificate_ _cleanup_(pki_certificate_clear)

/* Checks a certificate request: one PEM block of at most PKI_CSR_MAX bytes, its own signature, a
 * key on the named curve P-256. Its subject and extensions are not looked at. ERR_INVALID. */
int pki_check_request(const char *csr, struct error *err);
/* Signs a client certificate with the request's key and the machine's ID as its name. Errors of
 * pki_check_request(). Safe to call from several threads. */
int pki_sign_machine(const struct pki *pki, const char *csr, const char *machine_id, int64_t now,
		     struct pki_certificate *ret, struct error *err);
