/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a matrix reads back from its memory: whatever is taken is written again as it was. */
#include "lab/matrix/matrix_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct matrix_result result, second;
	_cleanup_json_ json_t *json = NULL, *again = NULL, *built = NULL;
	struct matrix_build build;

	if (json_parse(data, size, &json, NULL) < 0)
		return 0;
	if (matrix_result_from_json(json, &result, NULL) == 0 &&
	    (matrix_result_to_json(&result, &again, NULL) < 0 ||
	     matrix_result_from_json(again, &second, NULL) < 0 || result.trial.n != second.trial.n))
		abort();
	if (matrix_build_from_json(json, &build, NULL) == 0 &&
	    (matrix_build_to_json(&build, &built, NULL) < 0 ||
	     matrix_build_from_json(built, &build, NULL) < 0))
		abort();
	return 0;
}
