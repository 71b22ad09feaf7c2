/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `suture blocking`: a running transition and the tasks that hold it up, as text and JSON. */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "kernel/transition.h"

/* Appends what it says, with a table of the tasks. ERR_NO_MEMORY, ERR_TOO_LARGE. */
int blocking_render(const struct kernel_transition *transition, struct buf *out);
/* A new object (docs/formats.md, "Transition"), the caller's; NULL without memory. */
json_t *blocking_to_json(const struct kernel_transition *transition);
