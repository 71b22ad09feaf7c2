/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test record of any bytes; what is read can be written in each form, and reads back the same. */
#include "lab/report/junit.h"
#include "lab/report/report_page.h"
#include "lab/report/statement.h"

static void check(const struct report *report)
{
	_cleanup_json_ json_t *first = NULL, *second = NULL;
	_cleanup_buf_ struct buf xml = BUF_INIT(JUNIT_MAX), page = BUF_INIT(PAGE_MAX);
	_cleanup_report_ struct report again;

	report_init(&again);
	if (statement_to_json(report, &first, NULL) < 0 ||
	    statement_from_json(first, &again, NULL) < 0 ||
	    statement_to_json(&again, &second, NULL) < 0 || !json_equal(first, second) ||
	    junit_append(report, &xml) < 0 || report_page_append(report, &page) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_report_ struct report report;
	_cleanup_json_ json_t *json = NULL;

	report_init(&report);
	if (json_parse(data, size, &json, NULL) == 0 &&
	    statement_from_json(json, &report, NULL) == 0)
		check(&report);
	return 0;
}
