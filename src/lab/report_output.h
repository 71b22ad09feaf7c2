/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports to where the command line wants them. */
#pragma once

#include "base/cli.h"
#include "lab/report/report.h"

/* The verb's options hold REPORT_OPTIONS and CLI_FORMAT_OPTION.
 * Whether there are folders for --record, --junit and --html, and a format of that name: to be
 * asked before what takes minutes. */
int report_output_check(const struct cli *cli, struct error *err);
/* Writes them, each whatever became of the others; the first error is returned. */
int report_output_files(const struct cli *cli, const struct report *report, struct error *err);
/* On standard output: with --format json the test record, else the table, as its terminal is. */
int report_output_print(const struct cli *cli, const struct report *report, struct error *err);
/* The table alone. */
int report_output_text(const struct report *report, struct error *err);
