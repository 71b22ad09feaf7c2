// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/bisect/ddmin.h"

#include <stdlib.h>

struct search {
	bool *part, *candidate; /* the smallest that fails, and the one to try */
	size_t n, most, tries;
	/* Those tried before, n members each: what passes once passes again. */
	bool *tried;
	enum ddmin_verdict *verdicts;
	ddmin_try_fn attempt;
	void *user;
};

static size_t count(const bool *part, size_t n)
{
	size_t members = 0;

	for (size_t i = 0; i < n; i++)
		members += part[i];
	return members;
}

/* Tries the candidate, unless that was done. */
static int judge(struct search *s, enum ddmin_verdict *ret, struct error *err)
{
	for (size_t i = 0; i < s->tries; i++)
		if (memcmp(s->tried + i * s->n, s->candidate, s->n * sizeof(bool)) == 0) {
			*ret = s->verdicts[i];
			return 0;
		}
	if (s->tries == s->most)
		return error_set(err, ERR_TIMEOUT, "not found in %zu tries", s->most);
	int r = s->attempt(s->user, s->candidate, ret, err);

	if (r < 0)
		return r;
	memcpy(s->tried + s->tries * s->n, s->candidate, s->n * sizeof(bool));
	s->verdicts[s->tries++] = *ret;
	return 0;
}

/* The candidate: of the part's members, those of chunk `chunk` of `chunks`, or all others. */
static void choose(struct search *s, size_t chunk, size_t chunks, bool others)
{
	size_t members = count(s->part, s->n), seen = 0;
	size_t from = members * chunk / chunks, to = members * (chunk + 1) / chunks;

	for (size_t i = 0; i < s->n; i++) {
		bool inside = s->part[i] && seen >= from && seen < to;

		seen += s->part[i];
		s->candidate[i] = s->part[i] && inside != others;
	}
}

/* Looks for a smaller part among the chunks, then among what is left without each. 1: found. */
static int reduce(struct search *s, size_t *chunks, struct error *err)
{
	for (int others = 0; others < 2; others++) {
		/* Of two, each is what is left without the other. */
		if (others && *chunks == 2)
			break;
		for (size_t i = 0; i < *chunks; i++) {
			enum ddmin_verdict verdict;

			choose(s, i, *chunks, others);
			int r = judge(s, &verdict, err);

			if (r < 0)
				return r;
			if (verdict != DDMIN_FAILS)
				continue;
			memcpy(s->part, s->candidate, s->n * sizeof(bool));
			*chunks = others ? MAX(*chunks - 1, (size_t)2) : 2;
			return 1;
		}
	}
	return 0;
}

int ddmin(bool *part, size_t n, size_t most, ddmin_try_fn attempt, void *user, size_t *ret_tries,
	  struct error *err)
{
	_cleanup_free_ bool *candidate = calloc(n + 1, sizeof(bool));
	_cleanup_free_ bool *tried = calloc(most + 1, (n + 1) * sizeof(bool));
	_cleanup_free_ enum ddmin_verdict *verdicts = calloc(most + 1, sizeof(*verdicts));
	struct search s = { .part = part,
			    .candidate = candidate,
			    .n = n,
			    .most = most,
			    .tried = tried,
			    .verdicts = verdicts,
			    .attempt = attempt,
			    .user = user };
	size_t chunks = 2;
	int r = candidate && tried && verdicts ? 0 : error_set(err, ERR_NO_MEMORY, "search");

	while (r >= 0 && count(part, n) > 1) {
		size_t members = count(part, n);

		chunks = MIN(chunks, members);
		r = reduce(&s, &chunks, err);
		if (r == 0 && chunks == members)
			break;
		if (r == 0)
			chunks = MIN(2 * chunks, members);
	}
	if (ret_tries)
		*ret_tries = s.tries;
	return r < 0 ? r : 0;
}
