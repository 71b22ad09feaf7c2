/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line with an address and a line with a path: whatever they are, the path stays below it. */
#include "fetch/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_free_ char *text = strndup((const char *)data, len), *url = NULL;
	char *path = text ? strchr(text, '\n') : NULL;

	if (!path)
		return 0;
	*path++ = 0;
	if (url_join(text, path, &url, NULL) == 0 &&
	    (!str_has_prefix(url, text) || url[strlen(text)] != '/' || strstr(url, "/../") ||
	     strpbrk(url + strlen(text), "?#@\\:")))
		abort();
	return 0;
}
