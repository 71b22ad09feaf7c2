/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http/router.h"

/* Whether the path fits; what the pattern leaves open starts at *ret_parameter. */
static bool pattern_fits(const char *pattern, const char *path, const char **ret_parameter)
{
	size_t len = strlen(pattern);

	if (str_has_suffix(pattern, "/*")) {
		if (strncmp(path, pattern, len - 1) != 0 || !path[len - 1])
			return false;
		*ret_parameter = path + len - 1;
		return true;
	}
	if (str_has_suffix(pattern, "/{}")) {
		if (strncmp(path, pattern, len - 2) != 0 || !path[len - 2] ||
		    strchr(path + len - 2, '/'))
			return false;
		*ret_parameter = path + len - 2;
		return true;
	}
	*ret_parameter = "";
	return streq(pattern, path);
}

static void add_method(char allow[static HTTP_ALLOW_MAX], const char *method)
{
	const char *text = streq(method, "GET") ? "GET, HEAD" : method;
	size_t used = strlen(allow);

	if (strstr(allow, method) || used + 2 + strlen(text) >= HTTP_ALLOW_MAX)
		return;
	if (used > 0) {
		memcpy(allow + used, ", ", 3);
		used += 2;
	}
	memcpy(allow + used, text, strlen(text) + 1);
}

int http_route_find(const struct http_route *routes, const char *method, const char *path,
		    const struct http_route **ret, const char **ret_parameter,
		    char ret_allow[static HTTP_ALLOW_MAX])
{
	const char *wanted = streq(method, "HEAD") ? "GET" : method;

	ret_allow[0] = 0;
	for (const struct http_route *route = routes; route->method; route++) {
		const char *parameter;

		if (!pattern_fits(route->pattern, path, &parameter))
			continue;
		if (streq(route->method, wanted)) {
			*ret = route;
			*ret_parameter = parameter;
			return 0;
		}
		add_method(ret_allow, route->method);
	}
	return ret_allow[0] ? ERR_UNSUPPORTED : ERR_NOT_FOUND;
}
