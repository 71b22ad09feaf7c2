// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/secure_boot.h"

#include <openssl/pem.h>
#include <stdio.h>

#include "base/file.h"
#include "base/process.h"
#include "module/signature.h"

#define KEY        "/usr/share/ovmf/PkKek-1-snakeoil.key"
#define CERT       "/usr/share/ovmf/PkKek-1-snakeoil.pem"
#define VARIABLES  "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"
#define PASSPHRASE "snakeoil"
#define PEM_MAX    (64 * 1024)
#define SIGN_MS    60000

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(BIO *, BIO_free_all);

static int check_package(struct error *err)
{
	static const char *const files[] = { KEY, CERT, VARIABLES, SECURE_BOOT_FIRMWARE };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (access(files[i], R_OK) < 0) {
			error_set(err, ERR_NOT_FOUND, "Secure Boot: %s is not there", files[i]);
			error_hint(err, "install the package ovmf");
			return ERR_NOT_FOUND;
		}
	return 0;
}

/* The test key as PEM without a passphrase. */
static int read_key(struct buf *out, struct error *err)
{
	_cleanup_(BIO_free_allp) BIO *in = BIO_new_file(KEY, "r"), *text = BIO_new(BIO_s_mem());
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key =
		in ? PEM_read_bio_PrivateKey(in, NULL, NULL, (void *)PASSPHRASE) : NULL;
	char *data;

	if (!key || !text ||
	    PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) != 1)
		return error_set(err, ERR_INVALID, "%s: cannot be read", KEY);
	long len = BIO_get_mem_data(text, &data);

	return buf_append(out, data, (size_t)len) < 0 ? error_set(err, ERR_TOO_LARGE, "%s", KEY)
						      : 0;
}

static int sign_image(const char *image, const char *key, const char *out, struct error *err)
{
	_cleanup_buf_ struct buf said = BUF_INIT(PEM_MAX);
	int status = 0;
	int r = process_run(
		&(struct process_options){
			.argv = (const char *const[]){ "sbsign", "--key", key, "--cert", CERT,
						       "--output", out, image, NULL },
			.timeout_ms = SIGN_MS,
			.out = &said,
			.errout = &said,
		},
		&status, err);

	if (r == -ENOENT) {
		error_set(err, ERR_NOT_FOUND, "Secure Boot: sbsign is not installed");
		error_hint(err, "install the package sbsigntool");
		return ERR_NOT_FOUND;
	}
	if (r == 0 && status != 0)
		r = error_set(err, ERR_CHILD, "sbsign: %.*s", (int)strcspn(buf_str(&said), "\n"),
			      buf_str(&said));
	return r;
}

int secure_boot_prepare(const char *image, const char *dir, struct error *err)
{
	_cleanup_free_ char *signed_image = path_join(dir, SECURE_BOOT_IMAGE, NULL);
	_cleanup_free_ char *variables = path_join(dir, SECURE_BOOT_VARIABLES, NULL);
	_cleanup_free_ char *key_path = path_join(dir, "key.pem", NULL);
	_cleanup_buf_ struct buf key = BUF_INIT(PEM_MAX);
	int r = check_package(err);

	if (!signed_image || !variables || !key_path)
		return error_set(err, ERR_NO_MEMORY, "Secure Boot");
	if (r == 0)
		r = read_key(&key, err);
	if (r == 0)
		r = file_write_atomic(key_path, key.data, key.len, 0600, err);
	if (r == 0)
		r = sign_image(image, key_path, signed_image, err);
	unlink(key_path);
	return r < 0 ? r : file_copy(VARIABLES, variables, 0600, err);
}

int secure_boot_sign_module(const void *module, size_t len, struct buf *out, struct error *err)
{
	_cleanup_buf_ struct buf key = BUF_INIT(PEM_MAX), cert = BUF_INIT(PEM_MAX);
	struct signature_parts parts;
	int r = check_package(err);

	if (r == 0)
		r = read_key(&key, err);
	if (r == 0)
		r = file_read(CERT, &cert, err);
	if (r < 0)
		return r;
	/* A damaged trailer is for the kernel to refuse, once another signature stands behind it.
	 */
	if (signature_split(module, len, &parts, NULL) < 0)
		parts = (struct signature_parts){ .module = module, .module_len = len };
	return signature_sign(parts.module, parts.module_len, buf_str(&key), buf_str(&cert), out,
			      err);
}
