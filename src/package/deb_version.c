/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/deb_version.h"

#include <string.h>

#include "base/macro.h"

/* A part of a version: not terminated. */
struct part {
	const char *s;
	size_t n;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Rank of the next byte outside a number; the end of the part and a digit both rank 0. */
static int rank(struct part p)
{
	if (p.n == 0 || is_digit(*p.s))
		return 0;
	if (*p.s == '~')
		return -1;
	return is_letter(*p.s) ? (unsigned char)*p.s : (unsigned char)*p.s + 256;
}

static void skip(struct part *p, size_t n)
{
	p->s += n;
	p->n -= n;
}

static struct part take_number(struct part *p)
{
	while (p->n > 0 && *p->s == '0')
		skip(p, 1);

	struct part digits = { p->s, 0 };

	while (p->n > 0 && is_digit(*p->s)) {
		skip(p, 1);
		digits.n++;
	}
	return digits;
}

/* Without leading zeros the longer number is the larger one. */
static int compare_numbers(struct part *a, struct part *b)
{
	struct part x = take_number(a), y = take_number(b);

	if (x.n != y.n)
		return x.n < y.n ? -1 : 1;
	return memcmp(x.s, y.s, x.n);
}

static int compare_parts(struct part a, struct part b)
{
	while (a.n > 0 || b.n > 0) {
		while ((a.n > 0 && !is_digit(*a.s)) || (b.n > 0 && !is_digit(*b.s))) {
			int x = rank(a), y = rank(b);

			if (x != y)
				return x - y;
			skip(&a, a.n > 0);
			skip(&b, b.n > 0);
		}

		int r = compare_numbers(&a, &b);

		if (r != 0)
			return r;
	}
	return 0;
}

static void split(const char *version, struct part *epoch, struct part *upstream,
		  struct part *revision)
{
	const char *colon = strchr(version, ':');
	const char *rest = colon ? colon + 1 : version;
	const char *dash = strrchr(rest, '-');
	const char *end = rest + strlen(rest);

	*epoch = colon ? (struct part){ version, (size_t)(colon - version) }
		       : (struct part){ "", 0 };
	*upstream = (struct part){ rest, (size_t)((dash ? dash : end) - rest) };
	*revision =
		dash ? (struct part){ dash + 1, (size_t)(end - dash - 1) } : (struct part){ "", 0 };
}

int deb_version_compare(const char *a, const char *b)
{
	struct part x[3], y[3];

	split(a, &x[0], &x[1], &x[2]);
	split(b, &y[0], &y[1], &y[2]);
	for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
		int r = compare_parts(x[i], y[i]);

		if (r != 0)
			return r;
	}
	return 0;
}
