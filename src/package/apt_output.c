/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/apt_output.h"

#include "base/file.h"
#include "base/release.h"
#include "package/apt.h"
#include "package/deb_version.h"

bool apt_is_name(const char *s)
{
	size_t n =
		strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+~-:_");

	return n > 0 && n < APT_NAME_MAX && s[n] == '\0' && s[0] != '-' && s[0] != '.';
}

static int compare_versions_down(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int r = -deb_version_compare(x, y);

	return r ? r : strcmp(x, y);
}

static void sort_down(struct name_list *list)
{
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare_versions_down);
}

/* Of a sorted list. */
static void drop_doubles(struct name_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (kept > 0 && streq(list->items[kept - 1], list->items[i]))
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->n = kept;
}

/* "http://HOST/debian bookworm/main amd64 Packages"; a repository without sections names no
 * architecture: "file:/srv ./ Packages". */
static bool is_for_us(const char *where, size_t len)
{
	static const char end[] = " Packages";

	if (len < strlen(end) || memcmp(where + len - strlen(end), end, strlen(end)) != 0)
		return false;
	len -= strlen(end);

	const char *word = where + len;

	while (word > where && word[-1] != ' ')
		word--;
	len = (size_t)(where + len - word);
	return memchr(word, '/', len) || (len == 5 && memcmp(word, "amd64", len) == 0) ||
	       (len == 3 && memcmp(word, "all", len) == 0);
}

/* Cuts the next field of " package | version | where" off, without the spaces around it. */
static size_t next_field(const char **p, const char **ret)
{
	const char *start = *p + strspn(*p, " "), *end = start + strcspn(start, "|");

	*p = *end ? end + 1 : end;
	while (end > start && end[-1] == ' ')
		end--;
	*ret = start;
	return (size_t)(end - start);
}

static int add_version(const char *line, const char *package, struct name_list *list)
{
	const char *name, *version, *where;
	size_t name_len = next_field(&line, &name), len = next_field(&line, &version);
	size_t where_len = next_field(&line, &where);

	if (name_len != strlen(package) || memcmp(name, package, name_len) != 0 ||
	    !is_for_us(where, where_len))
		return 0;

	char text[APT_NAME_MAX];

	if (len >= sizeof(text))
		return 0;
	memcpy(text, version, len);
	text[len] = '\0';
	return apt_is_name(text) ? name_list_add(list, text) : 0;
}

int apt_output_versions(const char *text, const char *package, struct name_list *ret)
{
	_cleanup_name_list_ struct name_list lines = { 0 }, versions = { 0 };
	int r = name_list_add_lines(&lines, text);

	for (size_t i = 0; r == 0 && i < lines.n; i++)
		r = add_version(lines.items[i], package, &versions);
	if (r < 0)
		return r;
	sort_down(&versions);
	drop_doubles(&versions);
	*ret = versions;
	versions = (struct name_list){ 0 };
	return 0;
}

/* "6.12.117+deb12-cloud-amd64" is a release, "6.12-cloud-amd64" a package that depends on one. */
static bool looks_like_release(const char *s)
{
	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(s, "0123456789");

		if (digits == 0 || digits > 6)
			return false;
		s += digits;
		if (i < 2 && *s++ != '.')
			return false;
	}
	return *s == '-' || *s == '+';
}

bool apt_is_release(const char *s)
{
	return kernel_release_is_valid(s) && looks_like_release(s);
}

static bool has_series(const char *release, const char *series)
{
	return !series || (str_has_prefix(release, series) && release[strlen(series)] == '.');
}

/* True if what follows the ABI number is exactly `flavour` (or, with NULL, any for x86-64). */
static bool has_flavour(const char *release, const char *flavour)
{
	const char *dash = strchr(release, '-');

	while (dash && strspn(dash + 1, "0123456789") > 0)
		dash = strchr(dash + 1, '-');
	if (!dash)
		return false;
	return flavour ? streq(dash + 1, flavour)
		       : streq(dash + 1, "amd64") || str_has_suffix(dash, "-amd64");
}

int apt_output_releases(const char *text, const char *series, const char *flavour,
			struct name_list *ret)
{
	_cleanup_name_list_ struct name_list lines = { 0 }, releases = { 0 };
	int r = name_list_add_lines(&lines, text);

	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		const char *release = lines.items[i];

		if (!str_has_prefix(release, APT_IMAGE_PREFIX))
			continue;
		release += strlen(APT_IMAGE_PREFIX);
		if (apt_is_release(release) && has_series(release, series) &&
		    has_flavour(release, flavour))
			r = name_list_add(&releases, release);
	}
	if (r < 0)
		return r;
	sort_down(&releases);
	drop_doubles(&releases);
	*ret = releases;
	releases = (struct name_list){ 0 };
	return 0;
}

int apt_output_failure(const char *package, const char *said, struct error *err)
{
	static const struct {
		const char *text;
		int code;
		const char *meaning;
	} known[] = {
		{ "No space left on device", -ENOSPC, "the disk is full" },
		{ "free space", -ENOSPC, "the disk is full" },
		{ "Unable to locate package", ERR_NOT_FOUND, "apt does not know it" },
		{ "was not found", ERR_NOT_FOUND, "apt does not have this version" },
		{ "404", ERR_UNREACHABLE,
		  "the mirror no longer has it (run apt-get update to renew the lists)" },
		{ "Could not resolve", ERR_UNREACHABLE, "the mirror's name does not resolve" },
		{ "Temporary failure resolving", ERR_UNREACHABLE,
		  "the mirror's name does not resolve" },
		{ "Could not connect", ERR_UNREACHABLE, "the mirror does not answer" },
		{ "Failed to fetch", ERR_UNREACHABLE, "the mirror could not be reached" },
	};
	const char *last = strstr(said, "E: ");

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strstr(said, known[i].text))
			return error_set(err, known[i].code, "cannot download %s: %s", package,
					 known[i].meaning);
	last = last ? last : said;
	return error_set(err, ERR_CHILD, "cannot download %s: apt-get: %.*s", package,
			 (int)strcspn(last, "\n"), last);
}
