// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * suture-lab-probe: prints the code of functions of the running kernel, for suture-lab's guests.
 * Reads lines OBJECT FUNCTION SYMPOS SIZE and writes OBJECT FUNCTION SYMPOS and the bytes in
 * hexadecimal, or "-" for a function that is not there. Static, so that it needs nothing of the
 * guest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "kernel/kallsyms.h"
#include "kernel/kcore.h"

#define FUNCTIONS_MAX 4096
#define SIZE_MAX_CODE (1024 * 1024)

struct wanted {
	char object[64], name[512];
	unsigned int size;
};

static int fail(const char *what)
{
	fprintf(stderr, "suture-lab-probe: %s\n", what);
	return 1;
}

/* A whole number up to `max`, and nothing behind it. */
static bool take_number(const char *text, unsigned long max, unsigned int *ret)
{
	char *end;
	unsigned long n = text ? strtoul(text, &end, 10) : 0;

	if (!text || end == text || *end || n > max)
		return false;
	*ret = (unsigned int)n;
	return true;
}

static bool take_line(char *line, struct wanted *w, struct kernel_symbol *symbol)
{
	char *words[4] = { 0 }, *rest = NULL;
	unsigned int position;
	size_t n = 0;

	for (char *word = strtok_r(line, " \n", &rest); word && n < ARRAY_SIZE(words);
	     word = strtok_r(NULL, " \n", &rest))
		words[n++] = word;
	if (n < ARRAY_SIZE(words) || strlen(words[0]) >= sizeof(w->object) ||
	    strlen(words[1]) >= sizeof(w->name) ||
	    !take_number(words[2], UINT16_MAX + 1, &position) ||
	    !take_number(words[3], SIZE_MAX_CODE, &w->size))
		return false;
	memcpy(w->object, words[0], strlen(words[0]) + 1);
	memcpy(w->name, words[1], strlen(words[1]) + 1);
	*symbol =
		(struct kernel_symbol){ .object = w->object, .name = w->name, .sympos = position };
	return true;
}

/* All lines; the text says why not. */
static const char *read_wanted(struct wanted *wanted, struct kernel_symbol *symbols, size_t *ret)
{
	char line[1024];

	for (*ret = 0; fgets(line, sizeof(line), stdin); ++*ret) {
		if (*ret == FUNCTIONS_MAX)
			return "more functions than the probe takes";
		if (!take_line(line, &wanted[*ret], &symbols[*ret]))
			return "a line is not OBJECT FUNCTION SYMPOS SIZE";
	}
	return ferror(stdin) ? "cannot read" : NULL;
}

static void print_code(struct kcore *core, const struct kernel_symbol *s, size_t size,
		       uint8_t *code)
{
	printf("%s %s %u ", s->object, s->name, s->sympos);
	if (s->address == 0 || kcore_read(core, s->address, code, size, NULL) < 0) {
		puts("-");
		return;
	}
	for (size_t i = 0; i < size; i++)
		printf("%02x", code[i]);
	putchar('\n');
}

int main(void)
{
	static struct wanted wanted[FUNCTIONS_MAX];
	static struct kernel_symbol symbols[FUNCTIONS_MAX];
	static uint8_t code[SIZE_MAX_CODE];
	_cleanup_(kcore_freep) struct kcore *core = NULL;
	struct error err = { 0 };
	size_t n = 0;
	const char *wrong = read_wanted(wanted, symbols, &n);

	if (wrong)
		return fail(wrong);
	int r = kernel_symbols_find("", symbols, n, &err);

	if (r == 0)
		r = kcore_open("", &core, &err);
	if (r < 0)
		return fail(err.message);
	for (size_t i = 0; i < n; i++)
		print_code(core, &symbols[i], wanted[i].size, code);
	return fflush(stdout) == 0 ? 0 : fail("cannot write");
}
