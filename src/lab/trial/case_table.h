/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cases that there are, in the order in which they are held. A case is a script for the guest
 * (cases/NAME.sh, after cases/lib.sh), and where the host has a part in it, a function before or
 * after. A new one is a file and a row.
 */
#pragma once

#include "lab/trial/trial_guest.h"

struct case_kind {
	const char *name;   /* at most TRIAL_NAME_MAX - 1 */
	const char *what;   /* one line, for people */
	const char *script; /* without cases/lib.sh */
	/* Seconds that it may take beside what it waits for (two transitions or reproducers). */
	int seconds;
	bool standard; /* held unless others are asked for */
	/* Puts into the guest what the script needs. A text in `ret_skip`: there is nothing to
	 * hold the case with. May be NULL. */
	int (*prepare)(struct trial_guest *t, const char **ret_skip, struct error *err);
	/* Judges what the script said, when it did not fail; may be NULL. */
	void (*judge)(struct trial_guest *t, const char *said, struct trial_outcome *ret);
	bool by_rounds; /* `seconds` is for TRIAL_ROUNDS rounds; more may take more */
};

extern const struct case_kind case_kinds[];
extern const size_t case_kinds_n;

/* NULL: there is none of that name. */
const struct case_kind *case_find(const char *name);
