/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker whose task is a trial: what it answers, and what its parent takes from that. */
#pragma once

#include "lab/matrix/worker.h"
#include "lab/trial/trial.h"

/* In the child: the trial, whose text is cleaned for it, or the error `r` (below 0) that kept it
 * from being held. */
void worker_answer_trial(struct worker_out *out, int r, struct trial *trial,
			 const struct error *err);
/* In the parent: the trial, or that error; ERR_INVALID for what makes no sense. */
int worker_take_trial(const json_t *answer, struct trial *ret, struct error *err);
