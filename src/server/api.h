/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The handlers of the routing tables (api.c). Each is an http_handler_fn whose `app` is a struct
 * server; the formats are those of docs/formats.md. */
#pragma once

#include "server/http/message.h"

/* Guards: what they find goes into request->identity. */
int guard_machine(void *app, struct http_request *request, struct http_response *response,
		  struct error *err); /* a struct store_machine */
int guard_session(void *app, struct http_request *request, struct http_response *response,
		  struct error *err); /* the user's name */

int api_enrol(void *app, struct http_request *request, struct http_response *response,
	      struct error *err);
int api_check_in(void *app, struct http_request *request, struct http_response *response,
		 struct error *err);
int api_trust_bundle(void *app, struct http_request *request, struct http_response *response,
		     struct error *err);
int api_repository(void *app, struct http_request *request, struct http_response *response,
		   struct error *err);

int api_alive(void *app, struct http_request *request, struct http_response *response,
	      struct error *err);
int api_ready(void *app, struct http_request *request, struct http_response *response,
	      struct error *err);
int api_metrics(void *app, struct http_request *request, struct http_response *response,
		struct error *err);

int api_login(void *app, struct http_request *request, struct http_response *response,
	      struct error *err);
int api_logout(void *app, struct http_request *request, struct http_response *response,
	       struct error *err);
int api_token_create(void *app, struct http_request *request, struct http_response *response,
		     struct error *err);
int api_token_list(void *app, struct http_request *request, struct http_response *response,
		   struct error *err);
int api_token_revoke(void *app, struct http_request *request, struct http_response *response,
		     struct error *err);
int api_machine_list(void *app, struct http_request *request, struct http_response *response,
		     struct error *err);
int api_machine_show(void *app, struct http_request *request, struct http_response *response,
		     struct error *err);
int api_machine_forget(void *app, struct http_request *request, struct http_response *response,
		       struct error *err);
int api_repository_read(void *app, struct http_request *request, struct http_response *response,
			struct error *err);
int api_repository_put(void *app, struct http_request *request, struct http_response *response,
		       struct error *err);
