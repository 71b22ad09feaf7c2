// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lab/bisect/ddmin.h"

#define MEMBERS_MAX 64

/* Fails where all of `bad` are together; with `needs`, a part without that member is unresolved. */
struct oracle {
	size_t n, needs; /* needs: n for none */
	bool bad[MEMBERS_MAX];
	size_t tries;
};

static int attempt(void *user, const bool *part, enum ddmin_verdict *ret, struct error *err)
{
	struct oracle *o = user;

	(void)err;
	o->tries++;
	*ret = o->needs < o->n && !part[o->needs] ? DDMIN_UNRESOLVED : DDMIN_FAILS;
	for (size_t i = 0; i < o->n; i++)
		if (o->bad[i] && !part[i] && *ret == DDMIN_FAILS)
			*ret = DDMIN_PASSES;
	return 0;
}

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static size_t find(struct oracle *o, bool *part)
{
	size_t tries = 0;

	for (size_t i = 0; i < o->n; i++)
		part[i] = true;
	assert_int_equal(ddmin(part, o->n, 5000, attempt, o, &tries, NULL), 0);
	assert_int_equal(tries, o->tries); /* nothing is tried twice */
	return tries;
}

/* One bad member of n: no more than some 2 log2 n tries, and it alone is left. */
static void test_one(void **state)
{
	(void)state;
	for (size_t n = 1; n <= MEMBERS_MAX; n++)
		for (size_t bad = 0; bad < n; bad++) {
			struct oracle o = { .n = n, .needs = n };
			bool part[MEMBERS_MAX];

			o.bad[bad] = true;
			assert_true(find(&o, part) <= 14);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(part[i], i == bad);
		}
}

static void test_several(void **state)
{
	(void)state;
	uint32_t seed = 1;

	for (int round = 0; round < 500; round++) {
		struct oracle o = { .n = 1 + next(&seed) % MEMBERS_MAX };
		bool part[MEMBERS_MAX];

		o.needs = o.n;
		for (size_t k = 1 + next(&seed) % 4; k > 0; k--)
			o.bad[next(&seed) % o.n] = true;
		find(&o, part);
		for (size_t i = 0; i < o.n; i++)
			assert_int_equal(part[i], o.bad[i]);
	}
}

/* A member without which nothing can be told stays, since no smaller part is known to fail. */
static void test_unresolved(void **state)
{
	(void)state;
	struct oracle o = { .n = 10, .needs = 7, .bad[2] = true };
	bool part[MEMBERS_MAX];

	find(&o, part);
	for (size_t i = 0; i < o.n; i++)
		assert_int_equal(part[i], i == 2 || i == 7);
}

static void test_limit(void **state)
{
	(void)state;
	struct oracle o = { .n = 40, .needs = 40, .bad[3] = true, .bad[30] = true };
	bool part[MEMBERS_MAX];
	size_t tries = 0;

	for (size_t i = 0; i < o.n; i++)
		part[i] = true;
	assert_int_equal(ddmin(part, o.n, 5, attempt, &o, &tries, NULL), ERR_TIMEOUT);
	assert_int_equal(tries, 5);
	assert_true(part[3] && part[30]); /* what is left still fails */
}

static int break_off(void *user, const bool *part, enum ddmin_verdict *ret, struct error *err)
{
	(void)user;
	(void)part;
	(void)ret;
	return error_set(err, ERR_CHILD, "no guest");
}

static void test_error(void **state)
{
	(void)state;
	bool part[2] = { true, true };

	assert_int_equal(ddmin(part, 2, 5, break_off, NULL, NULL, NULL), ERR_CHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),        cmocka_unit_test(test_several),
		cmocka_unit_test(test_unresolved), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
