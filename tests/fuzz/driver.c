/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without a fuzzer, as part of the unit tests: over the files of its corpus, and
 * over a fixed number of mutations of them that are the same in every run. `make fuzz` looks
 * further. An input that fails is left as NAME.failed in the working folder.
 */
#include <dirent.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"

#define INPUT_MAX  ((size_t)64 * 1024)
#define CORPUS_MAX 256
#define MUTATIONS  5000
#define STEPS_MAX  8 /* changes in one mutation */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Where a target without a corpus starts. */
static const char *const seeds[] = { "",
				     "{}",
				     "[]",
				     "{\"format\":1}",
				     "a = b\n",
				     "\x7f"
				     "ELF" };

struct driver {
	const char *name;
	uint64_t random;
	struct buf corpus[CORPUS_MAX];
	size_t n_corpus;
	struct buf input; /* what the target is looking at */
};

/* The death callback takes no argument. */
static struct driver driver;

static void keep_failed(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s.failed", driver.name);
	(void)!file_write_atomic(path, driver.input.data, driver.input.len, 0644, NULL);
	fprintf(stderr, "the input was left in %s\n", path);
}

/* xorshift64: the same numbers everywhere. */
static size_t next_random(size_t below)
{
	driver.random ^= driver.random << 13;
	driver.random ^= driver.random >> 7;
	driver.random ^= driver.random << 17;
	return below ? (size_t)(driver.random % below) : 0;
}

static void add(const void *data, size_t len)
{
	struct buf *b = &driver.corpus[driver.n_corpus];

	*b = BUF_INIT(INPUT_MAX);
	if (driver.n_corpus < CORPUS_MAX && buf_append(b, data, len) == 0)
		driver.n_corpus++;
}

/* Reads the folder's files in the order of their names, so that runs are alike. */
static int load_corpus(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = path_join(folder, names[i]->d_name, NULL);
		_cleanup_buf_ struct buf text = BUF_INIT(INPUT_MAX);

		if (names[i]->d_name[0] != '.' && file_read(path, &text, NULL) == 0)
			add(text.data, text.len);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n;
}

static void change_byte(struct buf *b)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, '"', '{', '[', '-', '9', '\\', '/' };
	size_t place = next_random(b->len);

	if (b->len == 0)
		return;
	if (next_random(2))
		b->data[place] ^= (uint8_t)(1U << next_random(8));
	else
		b->data[place] = odd[next_random(sizeof(odd))];
}

/* Replaces a stretch of the input by a stretch of `other`, either perhaps empty. */
static void splice_from(struct buf *b, const struct buf *other)
{
	_cleanup_buf_ struct buf out = BUF_INIT(INPUT_MAX);
	size_t from = next_random(b->len + 1), gone = next_random(b->len - from + 1);
	size_t start = next_random(other->len + 1), n = next_random(other->len - start + 1);
	int r = buf_append(&out, b->data, from);

	if (next_random(2))
		gone = MIN(gone, (size_t)8);
	if (r == 0 && n > 0)
		r = buf_append(&out, other->data + start, n);
	if (r == 0 && from + gone < b->len)
		r = buf_append(&out, b->data + from + gone, b->len - from - gone);
	if (r < 0)
		return;
	buf_clear(b);
	(void)!buf_append(b, out.data, out.len);
}

static void mutate(struct buf *b)
{
	for (size_t steps = 1 + next_random(STEPS_MAX); steps > 0; steps--) {
		switch (next_random(4)) {
		case 0: splice_from(b, &driver.corpus[next_random(driver.n_corpus)]); break;
		case 1: splice_from(b, b); break;
		default: change_byte(b); break;
		}
	}
}

static void run_one(const struct buf *from, bool mutated)
{
	uint8_t *exact;

	buf_clear(&driver.input);
	if (buf_append(&driver.input, from->data, from->len) < 0)
		abort();
	if (mutated)
		mutate(&driver.input);
	/* In memory of just its size, so that a read past the end is seen. */
	exact = malloc(driver.input.len);
	if (driver.input.len > 0)
		memcpy(exact, driver.input.data, driver.input.len);
	LLVMFuzzerTestOneInput(exact, driver.input.len);
	free(exact);
}

int main(int argc, char **argv)
{
	size_t n;

	driver.name = path_base(argv[0]);
	driver.random = 88172645463325252U;
	driver.input = BUF_INIT(INPUT_MAX);
	__sanitizer_set_death_callback(keep_failed);
	if (argc > 1)
		load_corpus(argv[1]);
	n = driver.n_corpus;
	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
		add(seeds[i], strlen(seeds[i]));
	printf("1..2\n");
	for (size_t i = 0; i < driver.n_corpus; i++)
		run_one(&driver.corpus[i], false);
	printf("ok 1 - %zu files of the corpus and %zu seeds\n", n, ARRAY_SIZE(seeds));
	for (int i = 0; i < MUTATIONS; i++)
		run_one(&driver.corpus[next_random(driver.n_corpus)], true);
	printf("ok 2 - %d mutations\n", MUTATIONS);
	for (size_t i = 0; i < driver.n_corpus; i++)
		buf_free(&driver.corpus[i]);
	buf_free(&driver.input);
	return 0;
}
