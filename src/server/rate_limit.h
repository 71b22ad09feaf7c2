/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts failures by key (an address, a user name) and says when it is enough. */
#pragma once

#include "base/error.h"

struct rate_limit;

/* At most `max` failures of one key within `window` seconds. Memory is fixed: keys share slots by
 * a keyed hash, so two may count together, and none can escape by making up others. ERR_NO_MEMORY.
 */
int rate_limit_new(unsigned max, int window, struct rate_limit **ret, struct error *err);
void rate_limit_free(struct rate_limit *limit);
DEFINE_CLEANUP(struct rate_limit *, rate_limit_free);

/* 0 when the key may try; else the seconds to wait. `now` in milliseconds of a monotonic clock. */
int rate_limit_wait(struct rate_limit *limit, const char *key, int64_t now);
/* Counts a failure. */
void rate_limit_failed(struct rate_limit *limit, const char *key, int64_t now);
/* Forgets the key's failures. */
void rate_limit_clear(struct rate_limit *limit, const char *key);
