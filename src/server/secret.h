/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secrets that the server hands out or checks: random ones kept as hashes, and passwords. */
#pragma once

#include "base/error.h"
#include "base/hash.h"

#define SECRET_TEXT_LEN   43  /* 32 random bytes as base64url without padding */
#define PASSWORD_HASH_MAX 256 /* bytes with the zero */
#define PASSWORD_MAX      1024

/* A new random secret of A-Z a-z 0-9 _ - with 256 bits. The caller wipes it. */
int secret_new(char ret[static SECRET_TEXT_LEN + 1], struct error *err);

/* Hashes a password with scrypt (RFC 7914, N 32768, r 8, p 1, 16 bytes of salt) into
 * "scrypt$N$r$p$<salt>$<hash>". ERR_NO_MEMORY. */
int password_hash(const char *password, char ret[static PASSWORD_HASH_MAX], struct error *err);
/* 0 when the password fits the hash, ERR_DENIED when not, ERR_INVALID when the hash is not one of
 * password_hash(). Takes the same time for both of the first. */
int password_check(const char *password, const char *hash, struct error *err);
/* Takes the time of password_check() and is always ERR_DENIED: for users that do not exist. */
int password_check_nobody(const char *password, struct error *err);
