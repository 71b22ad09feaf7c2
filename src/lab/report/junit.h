/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as JUnit's XML, as build servers read it: a suite a trial, a case a case. */
#pragma once

#include "base/error.h"
#include "lab/report/report.h"

#define JUNIT_MAX (64 * 1024 * 1024)

/*
 * Appends it. A failure's type is its cause; what was not built or not held is one failed case
 * `build` or `trial`, what was left out a skipped one; both results of a repeated case and the name
 * of its console log are its output. ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int junit_append(const struct report *report, struct buf *out);
