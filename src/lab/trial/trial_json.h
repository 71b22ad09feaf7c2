/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trial as JSON: what a worker hands to its parent, a matrix remembers, and a record holds
 * (docs/formats.md, "Test record"). */
#pragma once

#include "base/json.h"
#include "lab/trial/trial.h"

/* The caller owns it. ERR_NO_MEMORY. */
int trial_to_json(const struct trial *trial, json_t **ret, struct error *err);
/* Bounded; any bytes. ERR_INVALID with the field's name. */
int trial_from_json(const json_t *json, struct trial *ret, struct error *err);
