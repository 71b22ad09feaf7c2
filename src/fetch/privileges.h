/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fetcher's user and limits. It talks to the network, so it may own nothing but its cache. */
#pragma once

#include "base/error.h"

#define FETCH_USER "suture-fetch"

/*
 * Makes the identity's folder (0700) and, for root, gives up root for FETCH_USER, who then owns the
 * folder. Root without that user is refused with a hint, unless `keep_user`. Another user stays
 * what they are. Errors: -errno, ERR_DENIED.
 */
int privileges_drop(const char *folder, bool keep_user, struct error *err);

/* No new privileges, no core dumps, few descriptors, no file over FETCH_BODY_MAX. */
int privileges_limit(struct error *err);
