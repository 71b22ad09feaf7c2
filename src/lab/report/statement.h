/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report as JSON, the test record of docs/formats.md: a Statement v1 of in-toto with the
 * predicate https://in-toto.io/attestation/test-result/v0.1 and, in its field `suture`, all that
 * the report holds. One document also for a matrix: a statement may have many subjects, and the
 * names of its tests tell the patches apart. For the statement of one module alone:
 * report_select().
 */
#pragma once

#include "base/json.h"
#include "lab/report/report.h"

#define STATEMENT_MAX (64 * 1024 * 1024) /* bytes of a file */

/* The caller owns it. ERR_NO_MEMORY. */
int statement_to_json(const struct report *report, json_t **ret, struct error *err);
int statement_save(const struct report *report, const char *path, struct error *err);
/*
 * Adds the jobs of a statement and its duration to `report`; an empty one takes its tool and time
 * too. Only `suture` is read. Bounded; any bytes. ERR_INVALID with the field's name,
 * ERR_TOO_LARGE. A part may have been added by then.
 */
int statement_from_json(const json_t *json, struct report *report, struct error *err);
int statement_load(const char *path, struct report *report, struct error *err);
