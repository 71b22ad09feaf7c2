/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest under trial: started when a case needs it, with the module, its companions and what the
 * cases' scripts use put into /lab, and thrown away by the first case that fails.
 */
#pragma once

#include "lab/guest/path_list.h"
#include "lab/trial/trial.h"
#include "wire/record.h"

/* How long one of the lab's own small commands in the guest may take. */
#define TRIAL_COMMAND_MS 30000

struct trial_guest {
	const struct trial_options *o;
	struct trial *trial;     /* what the kernel says of itself is written there */
	enum guest_accel accel;  /* of the next guest */
	struct guest *guest;     /* NULL: none is there */
	char *dir;               /* its folder */
	struct buf module;       /* the file's bytes */
	struct record *record;   /* NULL: none was given */
	struct path_list load;   /* modules to load at start */
	struct path_list target; /* those of them that the patch is for */
	uint64_t taints;         /* before the present case */
	size_t console;          /* bytes of console log before it */
};

/* Reads the files that the options name. Errors: those of file_read(), ERR_INVALID (record). */
int trial_guest_open(const struct trial_options *options, struct trial *trial,
		     struct trial_guest *ret, struct error *err);
void trial_guest_close(struct trial_guest *t);
#define _cleanup_trial_guest_ _cleanup_(trial_guest_close)

/* Starts the guest if there is none. ERR_BAD_STATE, ERR_CHILD, … as guest_start(): the kernel or
 * the modules did not come up. The folder stays until trial_guest_drop(). */
int trial_guest_start(struct trial_guest *t, struct error *err);
/* Ends it at once. */
void trial_guest_drop(struct trial_guest *t);

/* Puts bytes into the guest, which may be large. */
int trial_guest_put(struct trial_guest *t, const char *path, const void *data, size_t len,
		    struct error *err);
/* Puts a module into the guest: under Secure Boot signed with the test key. */
int trial_guest_put_module(struct trial_guest *t, const char *path, const void *data, size_t len,
			   struct error *err);
/* Loads a module that the patch is for into the running guest and at the start of later ones. */
int trial_guest_add_target(struct trial_guest *t, const char *name, struct error *err);
/* The kernel's taints (Documentation/admin-guide/tainted-kernels.rst). */
int trial_guest_taints(struct trial_guest *t, uint64_t *ret, struct error *err);
