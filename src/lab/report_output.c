// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report_output.h"

#include "base/file.h"
#include "lab/guest/terminal.h"
#include "lab/report/junit.h"
#include "lab/report/report_page.h"
#include "lab/report/report_text.h"

static int write_form(const char *path, int (*append)(const struct report *, struct buf *),
		      const struct report *report, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(JUNIT_MAX);
	int r;

	if (!path)
		return 0;
	r = append(report, &out);
	return r < 0 ? error_set(err, r, "%s: a report of %zu trials", path, report->n)
		     : file_write_atomic(path, out.data, out.len, 0644, err);
}

int report_output_files(const struct cli *cli, const struct report *report, struct error *err)
{
	int r = write_form(cli_get(cli, "junit"), junit_append, report, err);

	return r < 0 ? r : write_form(cli_get(cli, "html"), report_page_append, report, err);
}

int report_output_text(const struct report *report, struct error *err)
{
	struct report_text_options options = { 0 };
	unsigned rows;

	if (isatty(STDOUT_FILENO)) {
		options.colour = !getenv("NO_COLOR");
		terminal_size(&rows, &options.columns);
	}
	int r = report_print(stdout, report, &options);

	return r < 0 ? error_set(err, r, "report") : 0;
}
