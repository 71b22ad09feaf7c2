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

/* As many lines as there are; -1 for one that is none. */
static ssize_t read_wanted(struct wanted *wanted, struct kernel_symbol *symbols)
{
	char line[1024];
	size_t n = 0;

	while (n < FUNCTIONS_MAX && fgets(line, sizeof(line), stdin)) {
		struct wanted *w = &wanted[n];
		unsigned int position;

		if (sscanf(line, "%63s %511s %u %u", w->object, w->name, &position, &w->size) !=
			    4 ||
		    w->size > SIZE_MAX_CODE)
			return -1;
		symbols[n++] = (struct kernel_symbol){ .object = w->object,
						       .name = w->name,
						       .sympos = position };
	}
	return (ssize_t)n;
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
	ssize_t n = read_wanted(wanted, symbols);

	if (n < 0)
		return fail("a line is not OBJECT FUNCTION SYMPOS SIZE");
	int r = kernel_symbols_find("", symbols, (size_t)n, &err);

	if (r == 0)
		r = kcore_open("", &core, &err);
	if (r < 0)
		return fail(err.message);
	for (ssize_t i = 0; i < n; i++)
		print_code(core, &symbols[i], wanted[i].size, code);
	return fflush(stdout) == 0 ? 0 : fail("cannot write");
}
