/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From how a case's script ended, and what became of the kernel meanwhile, to verdict and cause. */
#pragma once

#include "lab/trial/case_table.h"

/* How holding it ended. */
struct case_end {
	int code;                     /* 0, or what guest_run() and the preparation gave */
	const char *message;          /* why, if code is negative */
	struct channel_result result; /* of the script */
	const char *said;             /* its standard output and error */
};

/*
 * The kernel's own words since the case began count first: a panic, an oops or a hang, then what
 * the script said of a failure, then warnings and new taints. `c` gets excerpt and, with
 * trial_options.logs, the console log of the case. A guest that hangs is made to say where.
 */
void case_judge(struct trial_guest *t, const struct case_kind *kind, const struct case_end *end,
		struct trial_case *c, struct trial_outcome *ret);
/* Keeps the console log of a boot, and if it failed the part that shows why. */
void case_keep_boot(struct trial_guest *t, struct trial_case *c);
