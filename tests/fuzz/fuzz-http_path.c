/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths as machines send them: the router, and then a folder that nothing may be found outside of
 * through it. */
#include <fcntl.h>
#include <unistd.h>

#include "server/http/static_file.h"
#include "server/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char path[2048], allow[HTTP_ALLOW_MAX];
	const struct http_route *route;
	const char *parameter;
	struct http_response response = { .fd = -1 };
	int dir;

	if (len >= sizeof(path))
		return 0;
	memcpy(path, data, len);
	path[len] = 0;
	(void)http_route_find(server_people_routes, "DELETE", path, &route, &parameter, allow);
	if (http_route_find(server_machine_routes, "GET", path, &route, &parameter, allow) < 0)
		return 0;
	if (parameter < path || parameter > path + len)
		return 0;
	dir = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (static_file_answer(dir, parameter, NULL, &response, NULL) == 0) {
		/* Found: then it is below, by the kernel's own word. */
		if (strstr(parameter, ".."))
			abort();
		close(response.fd);
	}
	close(dir);
	return 0;
}
