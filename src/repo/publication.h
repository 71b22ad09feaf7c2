/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying a repository to where it is read, so that a reader never sees half: target files, then
 * delegated roles, targets, snapshot, root and timestamp, each file as one step.
 */
#pragma once

#include "base/error.h"

struct publication {
	const char *from, *to; /* folders that hold metadata/ and targets/ */
	/* Puts one file there instead of copying it to `to`; ERR_EXISTS when it is there already.
	 * NULL: `to` is a folder. */
	int (*put)(void *user, const char *from, const char *relative, struct error *err);
	void *user;
	size_t copied, kept; /* files */
};

/* ERR_ROLLBACK when the folder `to` holds a newer timestamp. */
int publication_check(const struct publication *p, struct error *err);
int publication_run(struct publication *p, struct error *err);
