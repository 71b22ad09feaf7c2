/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "/v1/enable", "/v1/rollback", "/v1/disable" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct job *job = NULL;

		if (control_parse(paths[i], data, size, &job, NULL) < 0 && job)
			abort();
		job_free(job);
	}
	return 0;
}
