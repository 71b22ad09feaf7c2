// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "lab/guest/frame.h"

static void feed(struct frame_reader *r, const void *data, size_t len)
{
	uint8_t *space;

	assert_true(frame_reader_space(r, &space) >= len);
	memcpy(space, data, len);
	frame_reader_added(r, len);
}

static struct frame_reader *new_reader(void)
{
	struct frame_reader *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	return r;
}

static void test_round_trip(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	_cleanup_free_ struct frame_reader *r = new_reader();
	struct frame f;

	assert_int_equal(frame_append(&out, FRAME_OUT, "hello", 5), 0);
	assert_int_equal(frame_append(&out, FRAME_OK, NULL, 0), 0);
	/* Byte by byte: a frame appears with its last byte and not before. */
	for (size_t i = 0; i < out.len; i++) {
		feed(r, out.data + i, 1);
		bool whole = i + 1 == FRAME_HEADER_LEN + 5 || i + 1 == out.len;

		assert_int_equal(frame_reader_next(r, &f), whole);
		if (i + 1 == FRAME_HEADER_LEN + 5) {
			assert_int_equal(f.type, FRAME_OUT);
			assert_int_equal(f.len, 5);
			assert_memory_equal(f.payload, "hello", 5);
			assert_false(frame_reader_is_partial(r));
		}
	}
	assert_int_equal(f.type, FRAME_OK);
	assert_int_equal(r->skipped, 0);
}

static void test_largest(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	_cleanup_free_ struct frame_reader *r = new_reader();
	_cleanup_free_ uint8_t *data = calloc(1, FRAME_PAYLOAD_MAX + 1);
	struct frame f;

	assert_int_equal(frame_append(&out, FRAME_DATA, data, FRAME_PAYLOAD_MAX + 1),
			 ERR_TOO_LARGE);
	assert_int_equal(out.len, 0);
	assert_int_equal(frame_append(&out, FRAME_DATA, data, FRAME_PAYLOAD_MAX), 0);
	for (int i = 0; i < 4; i++) {
		feed(r, out.data, out.len);
		assert_true(frame_reader_next(r, &f));
		assert_int_equal(f.len, FRAME_PAYLOAD_MAX);
	}
}

/* What stands in front of a good frame is passed over, whatever it is. */
static void check_garbage(const void *garbage, size_t len)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	_cleanup_free_ struct frame_reader *r = new_reader();
	struct frame f;

	feed(r, garbage, len);
	assert_false(frame_reader_next(r, &f));
	assert_int_equal(frame_append(&out, FRAME_EXIT, "12345678", 8), 0);
	feed(r, out.data, out.len);
	assert_true(frame_reader_next(r, &f));
	assert_int_equal(f.type, FRAME_EXIT);
	assert_memory_equal(f.payload, "12345678", 8);
	assert_int_equal(r->skipped, len);
}

static void test_malformed(void **state)
{
	(void)state;
	check_garbage("login: \r\n", 9);
	check_garbage("SUL", 3);
	check_garbage("SUL1\0\0\0\0\1\0\0\0", 12);         /* type 0 */
	check_garbage("SUL1\xff\0\0\0\1\0\0\0", 12);       /* unknown type */
	check_garbage("SUL1\1\0\1\0\1\0\0\0", 12);         /* a byte that must be zero */
	check_garbage("SUL1\1\0\0\0\1\x80\0\0", 12);       /* one byte over the maximum */
	check_garbage("SUL1\1\0\0\0\xff\xff\xff\xff", 12); /* length that would wrap */
	check_garbage("SUSUL1\xff", 7);
}

/* A reader that is fed and never asked stays within its bounds. */
static void test_flood(void **state)
{
	(void)state;
	_cleanup_free_ struct frame_reader *r = new_reader();
	uint8_t *space;

	for (int i = 0; i < 100; i++) {
		size_t n = frame_reader_space(r, &space);

		assert_true(n > 0 && n <= sizeof(r->data));
		memset(space, 'S', n);
		frame_reader_added(r, n + 100);
	}
	struct frame f;
	assert_false(frame_reader_next(r, &f));
}

static void test_run(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf payload = BUF_INIT(1 << 20);
	static const char *const argv[] = { "sh", "-c", "echo a b", "", NULL };
	struct frame_run run;

	assert_int_equal(frame_encode_run(1500, FRAME_RUN_BACKGROUND, argv, &payload), 0);
	struct frame f = { FRAME_RUN, payload.data, payload.len };

	assert_int_equal(frame_decode_run(&f, &run), 0);
	assert_int_equal(run.timeout_ms, 1500);
	assert_int_equal(run.flags, FRAME_RUN_BACKGROUND);
	assert_int_equal(run.argc, 4);
	assert_string_equal(run.argv[2], "echo a b");
	assert_string_equal(run.argv[3], "");
	assert_null(run.argv[4]);
	f.len--;                                         /* the last argument has no end */
	assert_int_equal(frame_decode_run(&f, &run), 0); /* "" went, its neighbour's end is there */
	f.len--;
	assert_int_equal(frame_decode_run(&f, &run), ERR_INVALID);
	f.len = 8;
	assert_int_equal(frame_decode_run(&f, &run), ERR_INVALID);
}

static void test_run_limits(void **state)
{
	(void)state;
	const char *argv[FRAME_ARGS_MAX + 2];
	_cleanup_buf_ struct buf payload = BUF_INIT(1 << 20);
	uint8_t many[8 + 2 * (FRAME_ARGS_MAX + 1)] = { 0 };
	struct frame_run run;

	for (size_t i = 0; i < FRAME_ARGS_MAX + 1; i++) {
		argv[i] = "a";
		many[8 + 2 * i] = 'a';
	}
	argv[FRAME_ARGS_MAX + 1] = NULL;
	assert_int_equal(frame_encode_run(0, 0, argv, &payload), ERR_TOO_LARGE);
	argv[FRAME_ARGS_MAX] = NULL;
	buf_clear(&payload);
	assert_int_equal(frame_encode_run(0, 0, argv, &payload), 0);
	argv[0] = NULL;
	assert_int_equal(frame_encode_run(0, 0, argv, &payload), ERR_INVALID);
	assert_int_equal(frame_decode_run(&(struct frame){ FRAME_RUN, many, sizeof(many) }, &run),
			 ERR_INVALID);
	assert_int_equal(
		frame_decode_run(&(struct frame){ FRAME_RUN, many, sizeof(many) - 2 }, &run), 0);
	assert_int_equal(
		frame_decode_run(&(struct frame){ FRAME_RUN, (const uint8_t *)"12345678\0\0", 10 },
				 &run),
		ERR_INVALID);
}

static int path_of(const void *payload, size_t len)
{
	char path[FRAME_PATH_MAX + 1];

	return frame_decode_path(&(struct frame){ FRAME_PUT, payload, len }, 4, path);
}

static void test_path(void **state)
{
	(void)state;
	char longest[4 + FRAME_PATH_MAX + 1];

	memset(longest, '/', sizeof(longest));
	assert_int_equal(path_of("1234/a", 6), 0);
	assert_int_equal(path_of("1234/", 5), ERR_INVALID);
	assert_int_equal(path_of("1234", 4), ERR_INVALID);
	assert_int_equal(path_of("12", 2), ERR_INVALID);
	assert_int_equal(path_of("1234ab", 6), ERR_INVALID);
	assert_int_equal(path_of("1234/a\0b", 8), ERR_INVALID);
	assert_int_equal(path_of(longest, sizeof(longest) - 1), 0);
	assert_int_equal(path_of(longest, sizeof(longest)), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_largest),
		cmocka_unit_test(test_malformed),  cmocka_unit_test(test_flood),
		cmocka_unit_test(test_run),        cmocka_unit_test(test_run_limits),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
