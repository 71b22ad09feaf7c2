/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The status of this machine as text, and JSON values as YAML. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

enum render_detail { RENDER_SUMMARY, RENDER_NORMAL, RENDER_VERBOSE };

/* Appends the text of a status (docs/formats.md, status.json): one line for RENDER_SUMMARY. Fields
 * that are missing or of a wrong kind are shown as unknown. ERR_NO_MEMORY, ERR_TOO_LARGE. */
int render_status(const json_t *status, enum render_detail detail, struct buf *out);
/* Appends the line of one event of the history: when, which, the version, and what that means. */
int render_event(const json_t *event, struct buf *out);
/* Appends a JSON value as a YAML 1.2 document, strings in double quotes. */
int render_yaml(const json_t *value, struct buf *out);
/* The `exit_status` of a status, 1 when it has none that is known. */
int render_exit_status(const json_t *status);
/* What an exit status means: "protected", "not enabled", … */
const char *render_exit_meaning(int exit_status);
