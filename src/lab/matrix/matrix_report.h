/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan, before or after its run, for people and as JSON (docs/formats.md, "Matrix"). */
#pragma once

#include <stdio.h>

#include "lab/matrix/matrix_run.h"
#include "lab/report/report.h"

/* One line a job with what is known of it, why it did not pass below it, and the sums: for a plan
 * that is not run. */
void matrix_report_print(FILE *out, const struct matrix_plan *plan);
/* What each kernel took in this run. */
void matrix_report_times(FILE *out, const struct matrix_plan *plan,
			 const struct matrix_figures *figures);
/* Adds all jobs to a report, with names of logs relative to the memory's folder. */
int matrix_report_fill(const struct matrix_plan *plan, const struct matrix_figures *figures,
		       struct report *report, struct error *err);
/* The caller owns it. */
int matrix_report_json(const struct matrix_plan *plan, const struct matrix_figures *figures,
		       json_t **ret, struct error *err);
/* Every job passed. */
bool matrix_plan_passed(const struct matrix_plan *plan);
