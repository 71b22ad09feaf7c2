/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/url.h"

#include "base/buf.h"
#include "base/file.h"
#include "wire/fetch_message.h"

#define SCHEME   "https://"
#define HOST_MAX 253

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex_or_colon(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
	       c == ':' || c == '.';
}

/* Length of the host that `s` starts with, brackets included; 0 if there is none. */
static size_t host_len(const char *s)
{
	size_t n = 0;

	if (s[0] == '[') {
		for (n = 1; is_hex_or_colon(s[n]); n++)
			;
		return n > 2 && s[n] == ']' ? n + 1 : 0;
	}
	while (is_alnum(s[n]) || s[n] == '-' || s[n] == '.')
		n++;
	return n > HOST_MAX || s[0] == '.' || s[0] == '-' ? 0 : n;
}

/* True for ":1" to ":65535" without leading zeros. */
static bool is_port(const char *s)
{
	unsigned int value = 0;

	if (s[0] != ':' || s[1] < '1' || s[1] > '9')
		return false;
	for (s++; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		value = value * 10 + (unsigned int)(*s - '0');
		if (value > 65535)
			return false;
	}
	return true;
}

int url_check(const char *url, struct error *err)
{
	const char *host = url + strlen(SCHEME);
	size_t n;

	if (strlen(url) > FETCH_URL_MAX)
		return error_set(err, ERR_INVALID, "server address is over %d bytes",
				 FETCH_URL_MAX);
	if (!str_has_prefix(url, SCHEME))
		return error_set(err, ERR_INVALID, "server address does not start with %s", SCHEME);
	n = host_len(host);
	if (n == 0)
		return error_set(err, ERR_INVALID, "server address \"%s\" has no host name", url);
	if (host[n] && !is_port(host + n))
		return error_set(
			err, ERR_INVALID,
			"server address \"%s\" goes on after the host with other than a port", url);
	return 0;
}

int url_join(const char *base, const char *path, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT(URL_JOINED_MAX);
	int r = url_check(base, err);

	if (r < 0)
		return r;
	if (path[0] == '/')
		path++;
	if (!path_is_safe_relative(path))
		return error_set(err, ERR_INVALID, "path \"/%s\" is not a plain one", path);
	r = buf_append_str(&url, base);
	if (r == 0)
		r = buf_append_byte(&url, '/');
	if (r == 0)
		r = buf_append_percent(&url, path, "/");
	if (r < 0)
		return error_set(err, r, "path \"/%s\" is too long", path);
	*ret = (char *)buf_take(&url, NULL);
	return 0;
}
