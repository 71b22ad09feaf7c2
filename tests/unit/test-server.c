/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "server/server.h"

static void addresses(void **state _unused_)
{
	static const struct {
		const char *text, *address;
		uint16_t port;
	} good[] = {
		{ "127.0.0.1:8443", "127.0.0.1", 8443 },
		{ "0.0.0.0:0", "0.0.0.0", 0 },
		{ "[::1]:65535", "::1", 65535 },
	};
	static const char *const bad[] = {
		"",           "127.0.0.1",     ":8443",
		"127.0.0.1:", "a:65536",       "127.0.0.1:-1",
		"[]:80",      "127.0.0.1: 80", "a:99999999999999999999"
	};
	char address[64];
	uint16_t port;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(
			server_split_address(good[i].text, address, sizeof(address), &port, NULL),
			0);
		assert_string_equal(address, good[i].address);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(
			server_split_address(bad[i], address, sizeof(address), &port, NULL),
			ERR_INVALID);
	assert_int_equal(server_split_address("127.0.0.1:80", address, 9, &port, NULL),
			 ERR_INVALID);
}

static bool has_route(const struct http_route *routes, const char *method, const char *path)
{
	const struct http_route *route;
	const char *parameter;
	char allow[HTTP_ALLOW_MAX];

	return http_route_find(routes, method, path, &route, &parameter, allow) == 0;
}

/* Whatever is added: no admin path without a session but the login, none for machines at all. */
static void guards(void **state _unused_)
{
	for (const struct http_route *r = server_people_routes; r->method; r++)
		if (str_has_prefix(r->pattern, "/v1/") && !streq(r->pattern, "/v1/admin/login"))
			assert_non_null(r->guard);
	for (const struct http_route *r = server_machine_routes; r->method; r++)
		assert_false(str_has_prefix(r->pattern, "/v1/admin"));
	assert_true(has_route(server_machine_routes, "POST", "/v1/check-in"));
	assert_false(has_route(server_people_routes, "POST", "/v1/check-in"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(guards),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
