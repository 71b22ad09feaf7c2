/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal *journal = NULL;

	/* What is read holds what every journal must hold. */
	if (journal_parse(data, size, &journal, NULL) == 0 && journal_check(journal, NULL) < 0)
		abort();
	free(journal);
	return 0;
}
