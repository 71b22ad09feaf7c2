/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which paths a delegation holds (TUF 1.0.34 section 4.5). */
#include "base/hash.h"
#include "tuf/metadata.h"

/*
 * Not fnmatch(3): its behaviour depends on the locale and its running time on the pattern. This one
 * goes back to the last '*' of a part only, so it takes at most pattern × path steps. Both texts
 * are taken apart at '/' first, so nothing in a pattern ever matches one.
 */

/* The next character (UTF-8; a stray byte is one of its own), and moves on. */
static uint32_t take_char(const char **p, const char *end)
{
	unsigned char first = (unsigned char)*(*p)++;
	unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
	uint32_t value = more > 0 ? first & (0x3fu >> more) : first;

	for (; more > 0 && *p < end && ((unsigned char)**p & 0xc0) == 0x80; more--)
		value = value << 6 | ((unsigned char)*(*p)++ & 0x3f);
	return value;
}

/* The ']' that ends the set whose '[' stands before `p`, or NULL: then that '[' is an ordinary
 * character. The first member may be a ']' itself. `last` is the part's last ']', or NULL. */
static const char *set_end(const char *p, const char *last)
{
	p += *p == '!';
	return last && p < last ? memchr(p + 1, ']', (size_t)(last - p)) : NULL;
}

static bool in_set(const char *p, const char *end, uint32_t c)
{
	bool negated = *p == '!', found = false;

	p += negated;
	while (p < end) {
		uint32_t low = take_char(&p, end), high = low;

		/* A '-' that is the first or the last member stands for itself. */
		if (p + 1 < end && *p == '-') {
			p++;
			high = take_char(&p, end);
		}
		found |= low <= c && c <= high;
	}
	return found != negated;
}

/* Takes one element of the pattern, which is no '*', and says whether it matches a character. */
static bool match_one(const char **pattern, const char *end, const char *last, uint32_t c)
{
	const char *p = *pattern;
	uint32_t wanted = take_char(&p, end);
	const char *close = wanted == '[' ? set_end(p, last) : NULL;

	*pattern = close ? close + 1 : p;
	return close ? in_set(p, close, c) : wanted == '?' || wanted == c;
}

static bool match_part(const char *pattern, const char *pattern_end, const char *path,
		       const char *path_end)
{
	const char *last = memrchr(pattern, ']', (size_t)(pattern_end - pattern));
	const char *star = NULL, *resume = NULL;

	while (path < path_end) {
		const char *next = path;

		if (pattern < pattern_end && *pattern == '*') {
			star = ++pattern;
			resume = path;
		} else if (pattern < pattern_end &&
			   match_one(&pattern, pattern_end, last, take_char(&next, path_end))) {
			path = next;
		} else if (star) {
			pattern = star;
			take_char(&resume, path_end);
			path = resume;
		} else {
			return false;
		}
	}
	while (pattern < pattern_end && *pattern == '*')
		pattern++;
	return pattern == pattern_end;
}

bool tuf_pattern_matches(const char *pattern, const char *path)
{
	for (;;) {
		const char *pattern_end = strchrnul(pattern, '/');
		const char *path_end = strchrnul(path, '/');

		if (*pattern_end != *path_end || !match_part(pattern, pattern_end, path, path_end))
			return false;
		if (*path_end == '\0')
			return true;
		pattern = pattern_end + 1;
		path = path_end + 1;
	}
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
