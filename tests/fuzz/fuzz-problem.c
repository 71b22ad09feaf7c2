/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/problem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct problem problem;

	if (problem_parse(500, data, len, &problem, NULL) == 0)
		problem_code(&problem);
	return 0;
}
