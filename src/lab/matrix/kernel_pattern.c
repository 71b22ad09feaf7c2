// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/kernel_pattern.h"

#include <stdio.h>

static int complain(const char *text, struct error *err)
{
	error_set(err, ERR_INVALID, "'%s' names no kernels", text);
	error_hint(err, "the forms are: *, 6.12/cloud-amd64 (either part may be *), newest: before "
			"one of these, or a release");
	return ERR_INVALID;
}

/* "6.1", as apt_kernel_releases() takes it. */
static bool is_series(const char *text)
{
	size_t major = strspn(text, "0123456789");
	size_t minor = text[major] == '.' ? strspn(text + major + 1, "0123456789") : 0;

	return major > 0 && minor > 0 && !text[major + 1 + minor];
}

static bool is_flavour(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && !text[len] && text[0] != '-';
}

/* "SERIES/FLAVOUR", either may be '*'. */
static int parse_pair(const char *text, const char *slash, struct kernel_pattern *p,
		      struct error *err)
{
	size_t len = (size_t)(slash - text);

	if (len >= sizeof(p->series) || strlen(slash + 1) >= sizeof(p->flavour))
		return complain(text, err);
	memcpy(p->series, text, len);
	p->series[len] = '\0';
	snprintf(p->flavour, sizeof(p->flavour), "%s", slash + 1);
	if (streq(p->series, "*"))
		p->series[0] = '\0';
	else if (!is_series(p->series))
		return complain(text, err);
	if (streq(p->flavour, "*"))
		p->flavour[0] = '\0';
	else if (!is_flavour(p->flavour))
		return complain(text, err);
	return 0;
}

int kernel_pattern_parse(const char *text, struct kernel_pattern *ret, struct error *err)
{
	static const char newest[] = "newest:";
	struct kernel_pattern p = { .newest = str_has_prefix(text, newest) };
	const char *rest = p.newest ? text + strlen(newest) : text, *slash = strchr(rest, '/');
	struct kernel_release parts;

	if (slash) {
		int r = parse_pair(rest, slash, &p, err);

		if (r < 0)
			return r;
	} else if (!streq(rest, "*")) {
		if (p.newest || !kernel_release_is_valid(rest) ||
		    kernel_release_parse(rest, &parts) < 0 || is_series(rest))
			return complain(text, err);
		snprintf(p.release, sizeof(p.release), "%s", rest);
	}
	*ret = p;
	return 0;
}

static void series_of(const struct kernel_release *parts, char *ret, size_t size)
{
	snprintf(ret, size, "%u.%u", parts->major, parts->minor);
}

bool kernel_pattern_fits(const struct kernel_pattern *p, const char *release)
{
	struct kernel_release parts;
	char series[32];

	if (p->release[0])
		return streq(p->release, release);
	if (kernel_release_parse(release, &parts) < 0)
		return false;
	series_of(&parts, series, sizeof(series));
	return (!p->series[0] || streq(p->series, series)) &&
	       (!p->flavour[0] || streq(p->flavour, parts.flavour));
}

/* Of one series and flavour. */
static bool are_alike(const char *a, const char *b)
{
	struct kernel_release x, y;

	return kernel_release_parse(a, &x) == 0 && kernel_release_parse(b, &y) == 0 &&
	       x.major == y.major && x.minor == y.minor && streq(x.flavour, y.flavour);
}

size_t kernel_pattern_choose(const struct kernel_pattern *p, const struct apt_kernel *offered,
			     size_t n, bool *ret_chosen)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		bool newer = false;

		for (size_t k = 0; p->newest && k < i && !newer; k++)
			newer = are_alike(offered[k].release, offered[i].release);
		if (newer || !kernel_pattern_fits(p, offered[i].release))
			continue;
		ret_chosen[i] = true;
		found++;
	}
	return found;
}
