/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/macro.h"
#include "lab/guest/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct console_report report;
	char line[64];

	console_classify(data, len, &report);
	console_headline(&report, line, sizeof(line));
	if ((report.verdict == CONSOLE_CLEAN) != (report.count == 0) ||
	    (report.verdict == CONSOLE_CLEAN) != (report.excerpt[0] == 0))
		abort();
	for (const char *p = report.excerpt; *p; p++)
		if (*p != '\n' && *p != '\t' && (*p < ' ' || *p > '~'))
			abort();
	return 0;
}
