/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "package/kallsyms.h"

#define BASE      UINT64_C(0xffffffff81000000)
#define IMAGE_MAX (1 << 20)

/* A made-up kernel: symbols by address; names that occur several times; per-CPU ones first. */
struct made {
	struct buf image;
	size_t count;
	size_t tables; /* where they begin */
};

enum layout { OLD, OLD_WITH_SEQS, NEW };

static void put(struct buf *b, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(buf_append_byte(b, (uint8_t)(value >> (8 * i))), 0);
}

static void put_offsets(struct buf *b, size_t count, bool percpu)
{
	assert_int_equal(buf_align(b, 8), 0);
	for (size_t i = 0; i < count; i++) {
		uint64_t address = i < 3 && percpu ? i * 0x40 : i * 0x10;

		put(b,
		    i < 3 && percpu ? address
		    : percpu        ? (uint32_t)(-1 - (int64_t)address)
				    : address,
		    4);
	}
	assert_int_equal(buf_align(b, 8), 0);
	put(b, BASE, 8);
}

static void name_of(size_t i, char ret[32])
{
	if (i % 5 == 4)
		snprintf(ret, 32, "Dtwin");
	else
		snprintf(ret, 32, "%cfunc_%zu", i % 2 ? 't' : 'T', i);
}

/* Names as in scripts/kallsyms.c; each token is one character, so that nothing is compressed. */
static void put_names(struct buf *b, size_t count)
{
	uint32_t markers[64];
	size_t start, n = 0;

	put(b, count, 8);
	start = b->len;
	for (size_t i = 0; i < count; i++) {
		char name[32];

		name_of(i, name);
		if (i % 256 == 0)
			markers[n++] = (uint32_t)(b->len - start);
		put(b, strlen(name), 1);
		assert_int_equal(buf_append_str(b, name), 0);
	}
	assert_int_equal(buf_align(b, 8), 0);
	for (size_t i = 0; i < n; i++)
		put(b, markers[i], 4);
	assert_int_equal(buf_align(b, 8), 0);
}

/* Three bytes each; with a multiple of eight symbols nothing pads them, and the last one is not 0.
 */
static void put_seqs(struct buf *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(buf_append_byte(b, (uint8_t)(i >> 16)), 0);
		assert_int_equal(buf_append_byte(b, (uint8_t)(i >> 8)), 0);
		assert_int_equal(buf_append_byte(b, (uint8_t)i), 0);
	}
}

static void put_tokens(struct buf *b)
{
	uint16_t index[256];
	size_t start = b->len;

	for (unsigned int i = 0; i < 256; i++) {
		index[i] = (uint16_t)(b->len - start);
		if (i == 0)
			assert_int_equal(buf_append_str(b, "unused"), 0);
		else
			assert_int_equal(buf_append_byte(b, (uint8_t)i), 0);
		assert_int_equal(buf_append_byte(b, 0), 0);
	}
	assert_int_equal(buf_align(b, 8), 0);
	for (unsigned int i = 0; i < 256; i++)
		put(b, index[i], 2);
}

static struct made make(enum layout layout, size_t count, bool percpu)
{
	struct made m = { .image = BUF_INIT(IMAGE_MAX), .count = count };

	/* Something else before them, with what looks like digits of a token table. */
	assert_int_equal(
		buf_append(&m.image, "0\0001\0002\0003\0004\0005\0006\0007\0008\0009\0", 20), 0);
	assert_int_equal(buf_append_zero(&m.image, 4096), 0);
	assert_int_equal(buf_align(&m.image, 8), 0);
	m.tables = m.image.len;
	if (layout != NEW)
		put_offsets(&m.image, count, percpu);
	put_names(&m.image, count);
	if (layout == OLD_WITH_SEQS) {
		put_seqs(&m.image, count);
		assert_int_equal(buf_align(&m.image, 8), 0);
	}
	put_tokens(&m.image);
	if (layout == NEW)
		put_offsets(&m.image, count, percpu);
	assert_int_equal(buf_append_zero(&m.image, 64), 0);
	return m;
}

static void check(enum layout layout, size_t count, bool percpu)
{
	struct made m = make(layout, count, percpu);
	_cleanup_kallsyms_ struct kallsyms *k = NULL;
	struct error err = { 0 };

	assert_ok(kallsyms_parse(m.image.data, m.image.len, &k, &err), &err);
	assert_int_equal(kallsyms_count(k), count);
	for (size_t i = 0; i < count; i++) {
		const struct kallsyms_symbol *s = kallsyms_get(k, i);
		uint64_t address = i < 3 && percpu ? i * 0x40 : BASE + i * 0x10;
		char name[32];

		name_of(i, name);
		assert_string_equal(s->name, name + 1);
		assert_int_equal(s->type, name[0]);
		assert_true(s->address == address);
		if (i > 3 && i + 1 < count)
			assert_int_equal(s->size, 0x10);
	}
	assert_null(kallsyms_get(k, count));
	buf_free(&m.image);
}

static void every_layout(void **state)
{
	(void)state;
	for (int layout = OLD; layout <= NEW; layout++)
		for (int percpu = 0; percpu < 2; percpu++) {
			check((enum layout)layout, 10, percpu);
			check((enum layout)layout, 256, percpu);
			check((enum layout)layout, 1001, percpu);
		}
}

static void names_and_positions(void **state)
{
	struct made m = make(NEW, 600, true);
	_cleanup_kallsyms_ struct kallsyms *k = NULL;
	struct error err = { 0 };

	(void)state;
	assert_ok(kallsyms_parse(m.image.data, m.image.len, &k, &err), &err);
	assert_int_equal(kallsyms_matches(k, "twin"), 120);
	assert_int_equal(kallsyms_matches(k, "func_17"), 1);
	assert_int_equal(kallsyms_matches(k, "nothing"), 0);
	assert_true(kallsyms_find(k, "twin", 1)->address == BASE + 4 * 0x10);
	assert_true(kallsyms_find(k, "twin", 3)->address == BASE + 14 * 0x10);
	assert_null(kallsyms_find(k, "twin", 0));
	assert_null(kallsyms_find(k, "twin", 121));
	assert_null(kallsyms_find(k, "zzz", 1));
	assert_string_equal(kallsyms_at(k, BASE + 17 * 0x10)->name, "func_17");
	assert_null(kallsyms_at(k, BASE + 17 * 0x10 + 1));
	buf_free(&m.image);
}

/* A table that is cut anywhere is refused, and nothing outside the bytes is read (ASan sees it). */
static void truncated(void **state)
{
	struct made m = make(OLD_WITH_SEQS, 300, true);

	(void)state;
	for (size_t len = 0; len + 64 < m.image.len; len += 61) {
		struct kallsyms *k = NULL;
		uint8_t *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, m.image.data, len);
		assert_int_equal(kallsyms_parse(copy, len, &k, NULL), ERR_INVALID);
		free(copy);
	}
	buf_free(&m.image);
}

/* A flipped bit is refused or gives a table that can be used: never a crash. */
static void flipped(void **state)
{
	struct made m = make(NEW, 300, true);
	size_t refused = 0, tried = 0;

	(void)state;
	for (size_t bit = m.tables * 8; bit < m.image.len * 8; bit += 97) {
		struct kallsyms *k = NULL;

		m.image.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		tried++;
		if (kallsyms_parse(m.image.data, m.image.len, &k, NULL) < 0)
			refused++;
		else
			assert_int_equal(kallsyms_matches(k, "no such name"), 0);
		kallsyms_free(k);
		m.image.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(refused > tried / 20);
	buf_free(&m.image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layout),
		cmocka_unit_test(names_and_positions),
		cmocka_unit_test(truncated),
		cmocka_unit_test(flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
