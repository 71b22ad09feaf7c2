/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trials for people and programs: a table, the test record (docs/formats.md), JUnit's XML. */
#pragma once

#include <stdio.h>

#include "base/json.h"
#include "lab/trial/trial.h"

/* One line a case; why one failed stands below it. */
void trial_report_print(FILE *out, const struct trial *trials, size_t n);
/* The test record; the caller owns it. `module` is read again for its hash. */
int trial_report_json(const struct trial *trials, size_t n, const char *module, json_t **ret,
		      struct error *err);
/* Appends JUnit's XML: a suite a kernel, a case a case. */
int trial_report_junit(const struct trial *trials, size_t n, struct buf *out);
