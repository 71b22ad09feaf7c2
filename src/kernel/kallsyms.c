/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kallsyms.h"

#include <stdio.h>

#include "base/file.h"
#include "kernel/root.h"

/* A kernel has a few hundred thousand names, a name at most a few hundred places. */
#define PLACES_MAX 65536

struct place {
	size_t symbol; /* index into the caller's list */
	uint64_t address;
};

struct search {
	struct kernel_symbol *symbols;
	size_t *order; /* indices of `symbols` by name */
	size_t n;
	struct place *places;
	size_t n_places, cap_places;
	bool any_address;
	bool wanted[4096]; /* by first_letters() of a name */
};

/* A number for how a name begins. Nearly every line is of a name that nobody asked for, and this
 * says so sooner than a search does: a boot waits for it. */
static size_t first_letters(const char *name)
{
	size_t hash = 0;

	for (size_t i = 0; i < 12 && name[i] > ' ' && name[i] != '['; i++)
		hash = hash * 31 + (unsigned char)name[i];
	return hash % 4096;
}

static int by_symbol_name(const void *a, const void *b, void *arg)
{
	const struct kernel_symbol *symbols = arg;

	return strcmp(symbols[*(const size_t *)a].name, symbols[*(const size_t *)b].name);
}

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->symbol != y->symbol)
		return x->symbol < y->symbol ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

/* First index into `order` whose name is not less than `name`. */
static size_t lower_bound(const struct search *s, const char *name)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(s->symbols[s->order[middle]].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add_place(struct search *s, size_t symbol, uint64_t address)
{
	if (s->n_places == s->cap_places) {
		size_t cap = s->cap_places ? s->cap_places * 2 : 64;
		struct place *places;

		if (cap > PLACES_MAX)
			return ERR_TOO_LARGE;
		places = reallocarray(s->places, cap, sizeof(*places));
		if (!places)
			return ERR_NO_MEMORY;
		s->places = places;
		s->cap_places = cap;
	}
	s->places[s->n_places++] = (struct place){ .symbol = symbol, .address = address };
	return 0;
}

/* Cuts the word at `*p` off and moves on; NULL at the end of the line. */
static char *take_word(char **p)
{
	char *word = *p + strspn(*p, " \t\n[]");
	size_t len = strcspn(word, " \t\n[]");

	if (len == 0)
		return NULL;
	*p = word + len + (word[len] != 0);
	word[len] = 0;
	return word;
}

/* "ffffffff81000000 T name" or "… t name\t[module]". The line is cut up in place. */
static int take_line(struct search *s, char *line)
{
	char *name, *object, *rest = strchr(line, ' ');
	uint64_t address;

	if (!rest || rest == line || !rest[1] || rest[2] != ' ')
		return 0;
	rest += 3;
	if (s->any_address && !s->wanted[first_letters(rest)])
		return 0;
	address = strtoull(line, NULL, 16);
	if (address)
		s->any_address = true;
	name = take_word(&rest);
	if (!name)
		return 0;
	object = take_word(&rest);
	for (size_t i = lower_bound(s, name); i < s->n; i++) {
		const struct kernel_symbol *symbol = &s->symbols[s->order[i]];
		int r;

		if (!streq(symbol->name, name))
			break;
		if (!streq(symbol->object, object ? object : "vmlinux"))
			continue;
		r = add_place(s, s->order[i], address);
		if (r < 0)
			return r;
	}
	return 0;
}

static void resolve(struct search *s)
{
	size_t at = 0;

	if (s->n_places)
		qsort(s->places, s->n_places, sizeof(*s->places), by_place);
	while (at < s->n_places) {
		struct kernel_symbol *symbol = &s->symbols[s->places[at].symbol];
		size_t count = 1;

		while (at + count < s->n_places &&
		       s->places[at + count].symbol == s->places[at].symbol)
			count++;
		if (symbol->sympos == 0 && count == 1)
			symbol->address = s->places[at].address;
		else if (symbol->sympos >= 1 && symbol->sympos <= count)
			symbol->address = s->places[at + symbol->sympos - 1].address;
		at += count;
	}
}

int kernel_symbols_find(const char *root, struct kernel_symbol *symbols, size_t n,
			struct error *err)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ size_t *order = NULL;
	_cleanup_free_ char *line = NULL;
	struct search s = { .symbols = symbols, .n = n };
	struct kernel_path path;
	size_t cap = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		symbols[i].address = 0;
	order = calloc(n ? n : 1, sizeof(*order));
	if (!order || kernel_memory_path(&path, root, "kallsyms") < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++) {
		order[i] = i;
		s.wanted[first_letters(symbols[i].name)] = true;
	}
	qsort_r(order, n, sizeof(*order), by_symbol_name, symbols);
	s.order = order;
	file = fopen(path.s, "re");
	if (!file)
		return error_set_errno(err, errno, "%s", path.s);
	setvbuf(file, NULL, _IOFBF, 256 * 1024);
	while (r == 0 && getline(&line, &cap, file) >= 0)
		r = take_line(&s, line);
	if (r == 0)
		resolve(&s);
	free(s.places);
	if (r < 0)
		return error_set(err, r, "%s: too many places of one name", path.s);
	if (!s.any_address)
		return error_set(err, ERR_UNSUPPORTED, "%s shows no addresses", path.s);
	return 0;
}
