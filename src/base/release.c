/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/release.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

#define DIGITS "0123456789"
#define WORD   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "._+~-"

bool kernel_release_is_valid(const char *text)
{
	size_t len = strspn(text, WORD);

	return len >= 1 && len <= KERNEL_RELEASE_MAX && text[len] == '\0' && *text != '.' &&
	       *text != '-';
}

/* A number of at most six digits; moves *text behind it. */
static bool take_number(const char **text, unsigned int *ret)
{
	size_t digits = strspn(*text, DIGITS);

	if (digits == 0 || digits > 6)
		return false;
	*ret = (unsigned int)strtoul(*text, NULL, 10);
	*text += digits;
	return true;
}

/* "-88-generic": an ABI number and a flavour. */
static const char *flavour_after_abi(const char *rest)
{
	size_t digits = rest[0] == '-' ? strspn(rest + 1, DIGITS) : 0;

	return digits && rest[1 + digits] == '-' && rest[2 + digits] ? rest + 2 + digits : NULL;
}

static void find_vendor(const char *rest, struct kernel_release *r)
{
	const char *flavour = flavour_after_abi(rest);
	size_t len = strlen(rest);
	bool amd64 = len >= 6 && streq(rest + len - 6, "-amd64");

	if (flavour && (amd64 || streq(flavour, "amd64"))) {
		r->vendor = KERNEL_DEBIAN;
	} else if (str_has_prefix(rest, "+deb") && strchr(rest, '-')) {
		r->vendor = KERNEL_DEBIAN;
		flavour = strchr(rest, '-') + 1;
	} else if (flavour && r->patch == 0 && flavour[0] >= 'a' && flavour[0] <= 'z') {
		r->vendor = KERNEL_UBUNTU;
	} else {
		return;
	}
	snprintf(r->flavour, sizeof(r->flavour), "%s", flavour);
}

int kernel_release_parse(const char *text, struct kernel_release *ret)
{
	struct kernel_release r = { 0 };
	const char *p = text;

	if (!kernel_release_is_valid(text) || !take_number(&p, &r.major) || *p++ != '.' ||
	    !take_number(&p, &r.minor))
		return ERR_INVALID;
	if (*p == '.') {
		p++;
		if (!take_number(&p, &r.patch))
			return ERR_INVALID;
	}
	find_vendor(p, &r);
	*ret = r;
	return 0;
}

int kernel_signature_parse(const char *text, struct kernel_signature *ret)
{
	static const char vendor[] = "Ubuntu ";
	struct kernel_signature s = { 0 };
	const char *start, *dash, *dot, *flavour, *end;

	if (!str_has_prefix(text, vendor))
		return ERR_INVALID;
	start = text + strlen(vendor);
	end = strchr(start, ' ');
	dash = strchr(start, '-');
	dot = dash ? strchr(dash, '.') : NULL;
	flavour = dot ? strchr(dot, '-') : NULL;
	if (!end || !flavour || flavour > end || end - start > KERNEL_RELEASE_MAX)
		return ERR_INVALID;
	snprintf(s.package, sizeof(s.package), "%.*s", (int)(flavour - start), start);
	snprintf(s.release, sizeof(s.release), "%.*s%.*s", (int)(dot - start), start,
		 (int)(end - flavour), flavour);
	snprintf(s.mainline, sizeof(s.mainline), "%.*s",
		 (int)MIN(strspn(end + 1, DIGITS "."), (size_t)KERNEL_RELEASE_MAX), end + 1);

	struct kernel_release parts;

	if (kernel_release_parse(s.release, &parts) < 0 || parts.vendor != KERNEL_UBUNTU ||
	    kernel_release_parse(s.mainline, &parts) < 0)
		return ERR_INVALID;
	*ret = s;
	return 0;
}
