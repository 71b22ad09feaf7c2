/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "server/http/deadlines.h"

/* Waits until the other end hangs up; whether it did within `ms`. */
static bool hangs_up(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, ms) == 1 && read(fd, &byte, 1) == 0;
}

static void cuts_what_is_due(void **state _unused_)
{
	struct error err = { 0 };
	struct deadlines *all;
	struct deadline *soon, *late;
	int a[2], b[2];
	int64_t start = clock_monotonic_ms();

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b), 0);
	assert_ok(deadlines_new(&all, &err), &err);
	late = deadline_add(all, b[0], 60000);
	soon = deadline_add(all, a[0], 50);
	assert_true(hangs_up(a[1], 20000));
	assert_true(clock_monotonic_ms() - start >= 50);
	assert_int_equal(deadlines_cut(all), 1);
	assert_false(hangs_up(b[1], 0));
	/* What is cut stays cut, and is counted once. */
	deadline_set(soon, 0);
	deadline_set(late, 0);
	assert_true(hangs_up(b[1], 20000));
	assert_int_equal(deadlines_cut(all), 2);
	deadline_remove(late);
	deadline_remove(soon);
	deadlines_free(all);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static void removed_ones_are_left_alone(void **state _unused_)
{
	struct error err = { 0 };
	struct deadlines *all;
	struct deadline *first, *middle, *last;
	int fd[3][2];

	assert_ok(deadlines_new(&all, &err), &err);
	for (int i = 0; i < 3; i++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd[i]), 0);
	first = deadline_add(all, fd[0][0], 60000);
	middle = deadline_add(all, fd[1][0], 60000);
	last = deadline_add(all, fd[2][0], 60000);
	deadline_remove(middle);
	deadline_set(first, 0);
	deadline_set(last, 0);
	assert_true(hangs_up(fd[0][1], 20000));
	assert_true(hangs_up(fd[2][1], 20000));
	assert_false(hangs_up(fd[1][1], 0));
	deadline_remove(first);
	deadline_remove(last);
	deadlines_free(all);
	for (int i = 0; i < 3; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_what_is_due),
		cmocka_unit_test(removed_ones_are_left_alone),
	};

	return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
