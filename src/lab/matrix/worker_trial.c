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
		answer = json_pack("{s:i, s:s, s:s}", "code", r, "message",
				   problem.message[0] ? problem.message : error_code_name(r),
				   "hint", problem.hint);
	if (!answer)
		_exit(1);
	worker_answer(out, answer);
}

int worker_take_trial(const json_t *answer, struct trial *ret, struct error *err)
{
	const char *message, *hint;
	int64_t code;

	if (!json_object_get(answer, "code"))
		return trial_from_json(answer, ret, err);

	int r = json_get_int(answer, "code", INT32_MIN, -1, &code, err);

	if (r == 0)
		r = json_get_str(answer, "message", ERROR_MESSAGE_MAX, &message, err);
	if (r == 0)
		r = json_get_str(answer, "hint", ERROR_HINT_MAX, &hint, err);
	if (r < 0)
		return r;
	error_set(err, (int)code, "%s", message);
	if (*hint)
		error_hint(err, "%s", hint);
	return (int)code;
}
