/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports to where the command line wants them. */
#pragma once

#include "base/cli.h"
#include "lab/report/report.h"

/* --junit and --html, where the verb has them. */
int report_output_files(const struct cli *cli, const struct report *report, struct error *err);
/* The table on standard output, as its terminal is. */
int report_output_text(const struct report *report, struct error *err);
