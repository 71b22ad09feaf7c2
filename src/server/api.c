/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routing tables: every path that the server answers. */
#include "server/api.h"

#include "server/server.h"

#define LOGIN_MAX  ((size_t)4096)
#define TOKEN_MAX  ((size_t)4096)
/* A module with its signature, or the archive of its sources. */
#define UPLOAD_MAX ((size_t)80 * 1024 * 1024)

const struct http_route server_machine_routes[] = {
	{ "POST", "/v1/enrol", ENROL_REQUEST_MAX, NULL, api_enrol },
	{ "POST", "/v1/check-in", CHECK_IN_REQUEST_MAX, guard_machine, api_check_in },
	{ "GET", "/v1/trust-bundle", 0, NULL, api_trust_bundle },
	{ "GET", "/repository/*", 0, NULL, api_repository },
	{ "GET", "/livez", 0, NULL, api_alive },
	{ "GET", "/readyz", 0, NULL, api_ready },
	{ 0 },
};

const struct http_route server_people_routes[] = {
	{ "POST", "/v1/admin/login", LOGIN_MAX, NULL, api_login },
	{ "DELETE", "/v1/admin/session", 0, guard_session, api_logout },
	{ "POST", "/v1/admin/tokens", TOKEN_MAX, guard_session, api_token_create },
	{ "GET", "/v1/admin/tokens", 0, guard_session, api_token_list },
	{ "DELETE", "/v1/admin/tokens/{}", 0, guard_session, api_token_revoke },
	{ "GET", "/v1/admin/machines", 0, guard_session, api_machine_list },
	{ "GET", "/v1/admin/machines/{}", 0, guard_session, api_machine_show },
	{ "DELETE", "/v1/admin/machines/{}", 0, guard_session, api_machine_forget },
	{ "GET", "/v1/admin/repository/*", 0, guard_session, api_repository_read },
	{ "PUT", "/v1/admin/repository/*", UPLOAD_MAX, guard_session, api_repository_put, true },
	{ "GET", "/livez", 0, NULL, api_alive },
	{ "GET", "/readyz", 0, NULL, api_ready },
	{ "GET", "/metrics", 0, NULL, api_metrics },
	{ 0 },
};
