/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What check and patch say of a patch in the end, for people and for programs. */
#pragma once

#include <stdio.h>

#include "build/patch/analysis.h"

/* Prints what changes, one function a line, on standard output. */
void report_functions(const struct analysis *a);

/*
 * Prints the report of docs/formats.md ("Report of a patch") to `out`. `verdict` is what
 * analysis_verdict() or analysis_run() returned: 0, ERR_NO_CHANGE, ERR_NOT_PATCHABLE or
 * ERR_MISMATCH. Sorts the reasons. ERR_INVALID if a name is not UTF-8, ERR_NO_MEMORY.
 */
int report_json(struct analysis *a, int verdict, FILE *out, struct error *err);
