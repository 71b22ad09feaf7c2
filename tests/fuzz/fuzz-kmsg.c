/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(const struct kernel_report *report)
{
	if (report->trouble == KERNEL_TROUBLE_NONE || report->lines == 0 ||
	    report->lines > KERNEL_REPORT_LINES_MAX)
		abort();
	if (report->in_livepatch &&
	    (!report->has_place || !str_has_prefix(report->where.module, KERNEL_REPORT_OURS)))
		abort();
	for (const char *p = report->headline; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
}

/* Lines of /dev/kmsg; each text also as a line of its own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel_reporter reporter = { 0 };
	const char *at = (const char *)data, *end = size ? at + size : at;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);
		struct kernel_line line = { at, len };
		struct kernel_record record;

		if (kernel_record_parse(at, len, &record) == 0)
			line = record.text;
		if (line.text < at || line.text + line.len != at + len)
			abort();
		if (kernel_reporter_take(&reporter, line))
			check_report(&reporter.report);
		at += len + 1;
	}
	if (kernel_reporter_flush(&reporter))
		check_report(&reporter.report);
	return 0;
}
