/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which paths a delegation holds (TUF 1.0.34 section 4.5). */
#include "base/hash.h"
#include "tuf/metadata.h"

/*
 * Not fnmatch(3): brackets and backslashes would be special there, its behaviour depends on the
 * locale, and its running time on the pattern. This one goes back to the last '*' only, so it takes
 * at most pattern × path steps; '*' and '?' stop at '/'.
 */
bool tuf_pattern_matches(const char *pattern, const char *path)
{
	const char *star = NULL, *resume = NULL;

	while (*path != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			resume = path;
		} else if (*pattern != '\0' &&
			   (*pattern == *path || (*pattern == '?' && *path != '/'))) {
			pattern++;
			path++;
		} else if (star && *resume != '/') {
			pattern = star;
			path = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool matches_prefix(const json_t *prefixes, const char *path)
{
	char hex[SHA256_HEX_LEN + 1];

	if (hash_sha256_hex(path, strlen(path), hex) < 0)
		return false;
	for (size_t i = 0; i < json_array_size(prefixes); i++) {
		const char *prefix = json_string_value(json_array_get(prefixes, i));

		if (prefix && str_has_prefix(hex, prefix))
			return true;
	}
	return false;
}

bool tuf_delegation_matches(const json_t *delegation, const char *path)
{
	const json_t *paths = json_object_get(delegation, "paths");
	const json_t *prefixes = json_object_get(delegation, "path_hash_prefixes");

	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *pattern = json_string_value(json_array_get(paths, i));

		if (pattern && tuf_pattern_matches(pattern, path))
			return true;
	}
	return prefixes && matches_prefix(prefixes, path);
}
