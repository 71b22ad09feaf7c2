/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report for a terminal or a file. */
#pragma once

#include <stdio.h>

#include "lab/report/report.h"

struct report_text_options {
	unsigned columns; /* of the terminal: 80 to 160, others are clamped; 0: 100 */
	bool colour;
};

/*
 * One run: a line a case. A matrix: a grid of signs, patch and kernel down, machine and case
 * across, and one line for each case that is not simply passed. Then the slowest cases, seconds of
 * each kernel and the sums.
 */
int report_print(FILE *out, const struct report *report, const struct report_text_options *options);
