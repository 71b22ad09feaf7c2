/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fetcher's end of /run/suture/fetch.sock. sutured makes the socket; the fetcher connects when
 * it is there, and again when sutured was restarted.
 */
#pragma once

#include "base/error.h"
#include "fetch/fetcher.h"

/* Pauses between attempts to connect double from the first to the last of these, milliseconds. */
#define LINK_PAUSE_FIRST_MS 50
#define LINK_PAUSE_LAST_MS  30000

struct link_options {
	const char *path; /* of the socket */
	uid_t peer;       /* the user that must be at the other end: 0 */
};

/* Serves sutured until the process is ended. Between attempts it sleeps; that the socket appears
 * wakes it. Returns only on failures that waiting cannot cure. */
int link_run(const struct link_options *options, struct fetcher *fetcher, struct error *err);
