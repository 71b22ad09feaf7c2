/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "server/http/router.h"

static int run(void *app _unused_, struct http_request *request _unused_,
	       struct http_response *response _unused_, struct error *err _unused_)
{
	return 0;
}

static const struct http_route routes[] = {
	{ "GET", "/livez", 0, NULL, run },     { "POST", "/v1/tokens", 10, NULL, run },
	{ "GET", "/v1/tokens", 0, NULL, run }, { "DELETE", "/v1/tokens/{}", 0, NULL, run },
	{ "GET", "/files/*", 0, NULL, run },   { 0 },
};

static void finds(void **state _unused_)
{
	static const struct {
		const char *method, *path;
		int place;
		const char *parameter;
	} cases[] = {
		{ "GET", "/livez", 0, "" },
		{ "HEAD", "/livez", 0, "" },
		{ "POST", "/v1/tokens", 1, "" },
		{ "GET", "/v1/tokens", 2, "" },
		{ "DELETE", "/v1/tokens/abc", 3, "abc" },
		{ "GET", "/files/a", 4, "a" },
		{ "GET", "/files/a/b/../c", 4, "a/b/../c" },
	};
	char allow[HTTP_ALLOW_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct http_route *route = NULL;
		const char *parameter = NULL;

		assert_int_equal(http_route_find(routes, cases[i].method, cases[i].path, &route,
						 &parameter, allow),
				 0);
		assert_ptr_equal(route, &routes[cases[i].place]);
		assert_string_equal(parameter, cases[i].parameter);
	}
}

static void refuses(void **state _unused_)
{
	static const struct {
		const char *method, *path;
		int code;
		const char *allow;
	} cases[] = {
		{ "GET", "/", ERR_NOT_FOUND, "" },
		{ "GET", "", ERR_NOT_FOUND, "" },
		{ "GET", "/livez/", ERR_NOT_FOUND, "" },
		{ "GET", "/livezz", ERR_NOT_FOUND, "" },
		{ "GET", "/files/", ERR_NOT_FOUND, "" },
		{ "GET", "/files", ERR_NOT_FOUND, "" },
		{ "DELETE", "/v1/tokens/", ERR_NOT_FOUND, "" },
		{ "DELETE", "/v1/tokens/a/b", ERR_NOT_FOUND, "" },
		{ "POST", "/livez", ERR_UNSUPPORTED, "GET, HEAD" },
		{ "DELETE", "/v1/tokens", ERR_UNSUPPORTED, "POST, GET, HEAD" },
		{ "GET", "/v1/tokens/abc", ERR_UNSUPPORTED, "DELETE" },
		{ "get", "/livez", ERR_UNSUPPORTED, "GET, HEAD" },
	};
	char allow[HTTP_ALLOW_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct http_route *route = NULL;
		const char *parameter = NULL;

		assert_int_equal(http_route_find(routes, cases[i].method, cases[i].path, &route,
						 &parameter, allow),
				 cases[i].code);
		assert_null(route);
		assert_string_equal(allow, cases[i].allow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
