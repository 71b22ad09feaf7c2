/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <lzma.h>

#include "package/unxz.h"

#define PLAIN_LEN  (1024 * 1024)
#define BLOCK_SIZE (64 * 1024)

/* Packed bytes that are given out in pieces of an odd size. */
struct source {
	const uint8_t *bytes;
	size_t len, at;
	bool fails; /* at the end, instead of ending */
};

static ssize_t give(void *user, void *bytes, size_t size)
{
	struct source *s = user;
	size_t n = MIN(MIN(size, (size_t)1237), s->len - s->at);

	if (n == 0 && s->fails)
		return -1;
	memcpy(bytes, s->bytes + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

/* Text that does not shrink to nothing. */
static uint8_t *make_plain(void)
{
	uint8_t *plain = malloc(PLAIN_LEN);
	uint32_t x = 1;

	assert_non_null(plain);
	for (size_t i = 0; i < PLAIN_LEN; i++) {
		x = x * 1664525 + 1013904223;
		plain[i] = (uint8_t)('a' + (x >> 28));
	}
	return plain;
}

static size_t pack(const uint8_t *plain, uint8_t *packed)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_mt mt = {
		.threads = 2, .block_size = BLOCK_SIZE, .preset = 1, .check = LZMA_CHECK_CRC64
	};

	assert_int_equal(lzma_stream_encoder_mt(&s, &mt), LZMA_OK);
	s.next_in = plain;
	s.avail_in = PLAIN_LEN;
	s.next_out = packed;
	s.avail_out = 2 * PLAIN_LEN;
	assert_int_equal(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);

	size_t len = 2 * PLAIN_LEN - s.avail_out;

	lzma_end(&s);
	return len;
}

/* How many bytes come out; -1 after an error. They must be the beginning of `plain`. */
static ssize_t unpack(struct source *s, const uint8_t *plain, const char **why)
{
	_cleanup_unxz_ struct unxz *x = NULL;
	const void *bytes;
	size_t total = 0;
	ssize_t n;

	assert_int_equal(unxz_new(give, s, &x), 0);
	while ((n = unxz_read(x, &bytes, why)) > 0) {
		assert_true(total + (size_t)n <= PLAIN_LEN);
		assert_memory_equal(bytes, plain + total, n);
		total += (size_t)n;
	}
	return n < 0 ? n : (ssize_t)total;
}

static void blocks_come_in_order(void **state)
{
	_cleanup_free_ uint8_t *plain = make_plain(), *packed = malloc(2 * PLAIN_LEN);
	const char *why = NULL;
	struct source s = { .bytes = packed };

	(void)state;
	assert_non_null(packed);
	s.len = pack(plain, packed);
	assert_int_equal(unpack(&s, plain, &why), PLAIN_LEN);
	assert_null(why);
}

static void damage_is_seen(void **state)
{
	_cleanup_free_ uint8_t *plain = make_plain(), *packed = malloc(2 * PLAIN_LEN);
	const char *why = NULL;
	size_t len;

	(void)state;
	assert_non_null(packed);
	len = pack(plain, packed);
	for (size_t cut = 0; cut < len; cut += len / 7 + 1) {
		struct source s = { .bytes = packed, .len = cut };

		assert_int_equal(unpack(&s, plain, &why), -1);
		assert_string_equal(why, "it ends too early");
	}

	/* The check of the block in the middle does not fit any more. */
	packed[len / 2] ^= 1;
	struct source bad = { .bytes = packed, .len = len };

	assert_int_equal(unpack(&bad, plain, &why), -1);

	struct source unreadable = { .bytes = packed, .len = len / 3, .fails = true };

	assert_int_equal(unpack(&unreadable, plain, &why), -1);
	assert_string_equal(why, "it cannot be read");

	struct source other = { .bytes = (const uint8_t *)"not packed at all", .len = 17 };

	assert_int_equal(unpack(&other, plain, &why), -1);
	assert_string_equal(why, "not an xz file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_come_in_order),
		cmocka_unit_test(damage_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
