/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a folder, as answers: never one outside of it, never through a symbolic link. */
#pragma once

#include "server/http/message.h"

/*
 * Fills in the answer to a GET of `path` below the folder `dir_fd`: the open file, its size, type,
 * ETag and caching. A name that begins with "<number>." or "<64 hex digits>." never changes its
 * content and may be kept for ever; everything else is asked for again each time. With a fitting
 * `if_none_match` (NULL: none) it is 304 without a body. ERR_NOT_FOUND for whatever is not a
 * regular file that may be read there, including every path that tries to leave.
 */
int static_file_answer(int dir_fd, const char *path, const char *if_none_match,
		       struct http_response *response, struct error *err);
