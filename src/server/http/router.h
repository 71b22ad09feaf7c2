/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routing table: method and path to handler. */
#pragma once

#include "server/http/message.h"

struct http_route {
	const char *method; /* "GET" answers HEAD too; NULL ends the table */
	/* An exact path; or one ending in a slash and "{}", which stands for one part without '/';
	 * or in a slash and '*', which stands for all the rest. */
	const char *pattern;
	size_t max_body;       /* bytes of body; 0: no body is accepted */
	http_handler_fn guard; /* decides from the headers alone who may go on; NULL: everyone */
	http_handler_fn run;
	bool any_type; /* the body need not be JSON */
};

/* Room for the methods that a path allows. */
#define HTTP_ALLOW_MAX 64

/*
 * The route of a request; *ret_parameter points into `path`. ERR_NOT_FOUND: no pattern fits;
 * ERR_UNSUPPORTED: one does, but for other methods, which `ret_allow` lists ("GET, HEAD").
 */
int http_route_find(const struct http_route *routes, const char *method, const char *path,
		    const struct http_route **ret, const char **ret_parameter,
		    char ret_allow[static HTTP_ALLOW_MAX]);
