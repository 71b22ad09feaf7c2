/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan, before or after its run, for people and as JSON (docs/formats.md, "Matrix"). */
#pragma once

#include <stdio.h>

#include "lab/matrix/matrix_run.h"

/* One line a job, why it did not pass below it, and the sums. `figures` NULL: nothing was run. */
void matrix_report_print(FILE *out, const struct matrix_plan *plan,
			 const struct matrix_figures *figures);
/* The caller owns it. */
int matrix_report_json(const struct matrix_plan *plan, const struct matrix_figures *figures,
		       json_t **ret, struct error *err);
/* Every job passed. */
bool matrix_plan_passed(const struct matrix_plan *plan);
