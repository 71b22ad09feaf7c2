/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/prepare/environment.h"

#include <unistd.h>

#include "base/vec.h"

static const char *const kept[] = {
	"APT_CONFIG", "COLUMNS",     "HOME",        "LANG",          "LOGNAME",        "NO_COLOR",
	"PATH",       "TERM",        "TMPDIR",      "USER",          "XDG_CACHE_HOME", "all_proxy",
	"ftp_proxy",  "http_proxy",  "https_proxy", "no_proxy",      "ALL_PROXY",      "FTP_PROXY",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",    "SSL_CERT_FILE",
};

static bool is_kept(const char *variable)
{
	size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (strlen(kept[i]) == len && strncmp(kept[i], variable, len) == 0)
			return true;
	/* sanitizers, of tests; and messages */
	return str_has_prefix(variable, "ASAN_") || str_has_prefix(variable, "UBSAN_") ||
	       str_has_prefix(variable, "LC_");
}

int environment_clean(void)
{
	VEC(char *) list = { 0 };
	int r = 0;

	for (char **p = environ; r == 0 && p && *p; p++)
		if (is_kept(*p))
			r = VEC_PUSH(&list, *p);
	if (r == 0)
		r = clearenv() == 0 ? 0 : ERR_NO_MEMORY;
	for (size_t i = 0; r == 0 && i < list.count; i++)
		r = putenv(list.items[i]) == 0 ? 0 : ERR_NO_MEMORY;
	free(list.items);
	return r;
}
