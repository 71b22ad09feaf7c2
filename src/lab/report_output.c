// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report_output.h"

#include "base/file.h"
#include "lab/guest/terminal.h"
#include "lab/report/junit.h"
#include "lab/report/report_page.h"
#include "lab/report/report_text.h"
#include "lab/report/statement.h"

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

/* The folder of a file that is to be written. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/")
			     : strndup(slash ? path : ".", slash ? (size_t)(slash - path) : 1);
}

int report_output_check(const struct cli *cli, struct error *err)
{
	static const char *const options[] = { "record", "junit", "html" };
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *path = cli_get(cli, options[i]);
		_cleanup_free_ char *folder = path ? folder_of(path) : NULL;

		if (path && !folder)
			return error_set(err, ERR_NO_MEMORY, "--%s", options[i]);
		if (folder && access(folder, W_OK | X_OK) < 0)
			return error_set_errno(err, errno, "--%s %s: folder %s", options[i], path,
					       folder);
	}
	return 0;
}

int report_output_files(const struct cli *cli, const struct report *report, struct error *err)
{
	const char *record = cli_get(cli, "record");
	struct error others = { 0 };
	int r = record ? statement_save(report, record, err) : 0;
	int junit = write_form(cli_get(cli, "junit"), junit_append, report, r < 0 ? &others : err);

	r = r < 0 ? r : junit;

	int html =
		write_form(cli_get(cli, "html"), report_page_append, report, r < 0 ? &others : err);

	return r < 0 ? r : html;
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

static int print_json(const struct report *report, struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	int r = statement_to_json(report, &json, err);

	return r < 0 ? r : json_print(json, err);
}

int report_output_print(const struct cli *cli, const struct report *report, struct error *err)
{
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r < 0)
		return r;
	return format == CLI_JSON ? print_json(report, err) : report_output_text(report, err);
}
