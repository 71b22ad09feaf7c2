/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/matrix/matrix_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_matrix_file_ struct matrix_file file = { 0 };

	if (matrix_file_parse(data, size, "/", &file, NULL) < 0)
		return 0;
	if (file.machines_n == 0 || file.patches_n == 0 || file.kernels.n == 0)
		abort();
	for (size_t i = 0; i < file.patches_n; i++)
		for (size_t k = 0; k < file.patches[i].earlier_n; k++)
			if (file.patches[i].earlier[k] >= file.patches_n)
				abort();
	return 0;
}
