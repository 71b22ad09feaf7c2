/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

int pem_no_passphrase(char *buffer, int size, int rwflag, void *user)
{
	(void)buffer, (void)size, (void)rwflag, (void)user;
	return -1;
}

static int read_all(BIO *bio, STACK_OF(X509) * list)
{
	X509 *cert;
	int n = 0;

	ERR_clear_error();
	while ((cert = PEM_read_bio_X509(bio, NULL, pem_no_passphrase, NULL))) {
		if (sk_X509_push(list, cert) <= 0) {
			X509_free(cert);
			return ERR_NO_MEMORY;
		}
		n++;
	}
	/* Anything but the end of the text means that something in it is no certificate. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return ERR_INVALID;
	return n;
}

int pem_read_certificates(const char *pem, STACK_OF(X509) * list)
{
	size_t len = strnlen(pem, PEM_TEXT_MAX + 1);
	BIO *bio = len > PEM_TEXT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	int r = bio ? read_all(bio, list) : ERR_INVALID;

	BIO_free_all(bio);
	ERR_clear_error();
	return r;
}
