/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an HTTPS failure means to the owner of the machine: a code, a cause, a hint. */
#pragma once

#include <curl/curl.h>

#include "base/error.h"

struct failure_details {
	const char *text;   /* libcurl's error text, or "" */
	long os_errno;      /* of the last failed connection, or 0 */
	long verify_result; /* OpenSSL's X509_V_… of the server's certificate; 0: no complaint */
};

/* Sets *err for a transfer that libcurl gave up; returns its code. */
int failure_from_curl(CURLcode code, const struct failure_details *details, struct error *err);

/* Sets *err for an HTTP status that is not a success. `body_fd`: what came with it; if that is a
 * problem document (RFC 9457), its bounded and cleaned `detail` becomes part of the message. */
int failure_from_status(int status, int body_fd, struct error *err);
