// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/worker_trial.h"

#include <unistd.h>

#include "lab/report/report.h"
#include "lab/trial/trial_json.h"

void worker_answer_trial(struct worker_out *out, int r, struct trial *trial,
			 const struct error *err)
{
	_cleanup_json_ json_t *answer = NULL;
	struct error problem = *err;

	if (r == 0) {
		report_clean_trial(trial);
		r = trial_to_json(trial, &answer, &problem);
	}
	if (r < 0)
		worker_answer_error(out, r, &problem);
	else
		worker_answer(out, answer);
}

int worker_take_trial(const json_t *answer, struct trial *ret, struct error *err)
{
	int r = worker_take_error(answer, err);

	return r < 0 ? r : trial_from_json(answer, ret, err);
}
