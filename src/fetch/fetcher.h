/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fetcher's work: one request of sutured, one answer. It keeps the identity of this machine at
 * the server and one connection to it.
 */
#pragma once

#include "base/error.h"
#include "fetch/client.h"
#include "wire/fetch_message.h"

struct fetcher;

/* `folder` holds the identity (it exists already); the limits are copied. */
int fetcher_new(const char *folder, const struct http_limits *limits, struct fetcher **ret,
		struct error *err);
void fetcher_free(struct fetcher *fetcher);
DEFINE_CLEANUP(struct fetcher *, fetcher_free);

/*
 * Does what a request asks and fills the answer; never fails itself, since every failure is an
 * answer. `sock` is the connection to sutured: when it closes, the work is given up. `ret_fd` gets
 * the sealed body, or -1; the caller closes.
 */
void fetcher_handle(struct fetcher *fetcher, int sock, struct fetch_request *request,
		    struct fetch_answer *ret, int *ret_fd);
