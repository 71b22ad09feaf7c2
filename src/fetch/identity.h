/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fetcher keeps: the server it is enrolled with and the key that proves who it is. One
 * file, replaced as one step, so that key and certificate always belong together.
 */
#pragma once

#include "base/error.h"
#include "base/macro.h"

#define IDENTITY_FILE "identity.json"

/*
 * All strings are owned. File (0600, at most 128 KiB): {"format": 1, "url", "server_ca",
 * "key", "certificate"}.
 */
struct identity {
	char *url;         /* https://host[:port] */
	char *server_ca;   /* PEM: who may sign the server's certificate */
	char *key;         /* PEM PKCS#8, P-256; wiped when freed */
	char *certificate; /* PEM: given by the server */
};

void identity_free(struct identity *identity);
DEFINE_CLEANUP(struct identity *, identity_free);

/* Reads the identity in `folder`. ERR_BAD_STATE with a hint when there is none, ERR_INVALID for a
 * file that breaks its format. */
int identity_load(const char *folder, struct identity **ret, struct error *err);
/* Writes it, replacing one that is there. -errno; the old file is intact then. */
int identity_save(const char *folder, const struct identity *identity, struct error *err);
/* Writes and deletes a file as large as an identity can be: a full disk shows before a token is
 * spent on an identity that cannot be kept. -errno. */
int identity_check_space(const char *folder, struct error *err);
/* Deletes what a killed suture-fetch was writing. -errno. */
int identity_remove_leftovers(const char *folder, struct error *err);
/* Deletes it; none there is no error. */
int identity_remove(const char *folder, struct error *err);

/* Makes a P-256 key and a request for a certificate of it: PEM PKCS#8 and PEM PKCS#10 (RFC 2986),
 * subject CN=suture-machine, which the server ignores. The caller frees both and wipes the key. */
int identity_new_key(char **ret_key, char **ret_csr, struct error *err);
/* Checks that PEM certificate and PEM key belong together; ERR_PROTOCOL if not. */
int identity_check_pair(const char *certificate, const char *key, struct error *err);
