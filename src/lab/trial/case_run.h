/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A case's script in the guest. */
#pragma once

#include "lab/trial/case_table.h"

/*
 * Puts the script, /lab/case.sh, and what it needs into the guest, which runs. `ret_skip`: why
 * there is nothing to hold the case with, or NULL.
 */
int case_prepare(struct trial_guest *t, const struct case_kind *kind, const char **ret_skip,
		 struct error *err);
/* How long its script may run: the more rounds are asked for, the longer. */
int case_limit_ms(const struct case_kind *kind, const struct trial_options *options);
/*
 * Runs what case_prepare() put, once more if it asks for modules. `said` gets its output. Errors:
 * those of guest_run(), ERR_TOO_LARGE (of output), and of loading the modules.
 */
int case_run(struct trial_guest *t, const struct case_kind *kind, struct buf *said,
	     struct channel_result *ret, struct error *err);
