// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.h"
#include "lab/commands.h"
#include "lab/report/statement.h"
#include "lab/report_output.h"

/* --module: the file itself, or its hash. */
static int select_module(const char *module, struct report *report, struct error *err)
{
	char hash[SHA256_HEX_LEN + 1];
	int r;

	if (!module || hex_is_lower(module, SHA256_HEX_LEN))
		return module ? report_select(report, module, err) : 0;
	r = hash_sha256_file(module, hash, err);
	return r < 0 ? r : report_select(report, hash, err);
}

int command_report(struct cli *cli, struct error *err)
{
	_cleanup_report_ struct report report;
	int r = report_output_check(cli, err);

	report_init(&report);
	for (size_t i = 0; r == 0 && i < cli_argc(cli); i++)
		r = statement_load(cli_arg(cli, i), &report, err);
	if (r == 0)
		r = select_module(cli_get(cli, "module"), &report, err);
	if (r == 0)
		r = report_output_print(cli, &report, err);
	if (r == 0)
		r = report_output_files(cli, &report, err);
	return r < 0 ? r : report_passed(&report) ? EXIT_OK : EXIT_CASE_FAILED;
}
