/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's folder (mode 0700): suture.db, pki/, admin-password (0600, until the owner removes
 * it), listen.json, and by the owner's hand trust-bundle.json and repository/. The first start
 * makes what is missing, every step in one piece, so that the next start continues a broken one.
 */
#pragma once

#include "base/error.h"
#include "server/store/store.h"

#define DATA_ADMIN_USER "admin"

struct data_dir {
	char *path;
	int lock_fd; /* held as long as the server runs */
};

/* Makes the folder if it is missing and locks it. ERR_BAD_STATE: another server runs on it. */
int data_dir_open(const char *path, struct data_dir *ret, struct error *err);
void data_dir_close(struct data_dir *dir);
#define _cleanup_data_dir_ _cleanup_(data_dir_close)

/* A path below the folder; the caller frees; NULL without memory. */
char *data_dir_path(const struct data_dir *dir, const char *name);
/* Opens the database. */
int data_dir_open_store(const struct data_dir *dir, struct store **ret, struct error *err);
/* When there is no user yet: writes a new password into admin-password, then adds the user. */
int data_dir_first_user(const struct data_dir *dir, struct store *store, struct error *err);
