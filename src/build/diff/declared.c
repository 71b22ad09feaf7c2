/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/diff/declared.h"

#include "base/file.h"

#define SYMBOL_PREFIX "suture_sym."
#define SYMPOS_MAX    65536

/* suture/livepatch.h */
extern const char declared_header[];

int declared_write_header(const char *folder, struct error *err)
{
	_cleanup_free_ char *dir = path_join(folder, "suture", NULL);
	_cleanup_free_ char *path = path_join(folder, "suture", "livepatch.h", NULL);
	int r = dir && path ? file_make_dirs(dir, 0755, err)
			    : error_set(err, ERR_NO_MEMORY, "out of memory");

	return r < 0 ? r
		     : file_write_atomic(path, declared_header, strlen(declared_header), 0644, err);
}

static const char *const prefixes[] = {
	[DECLARED_CALLBACKS] = "suture_callbacks.",
	[DECLARED_STATE] = "suture_state.",
};

bool declared_is(const char *symbol, enum declared_kind kind)
{
	return str_has_prefix(symbol, prefixes[kind]);
}

bool declared_any(const struct diff_result *result)
{
	for (size_t i = 0; i < result->data_count; i++)
		if (declared_is(result->data[i].name, DECLARED_CALLBACKS) ||
		    declared_is(result->data[i].name, DECLARED_STATE))
			return true;
	return false;
}

/* The number at the end of a declaration's name rises through a file. */
static unsigned long number_of(const char *symbol)
{
	const char *dot = strrchr(symbol, '.');

	return dot ? strtoul(dot + 1, NULL, 10) : 0;
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned long x = number_of(*(const char *const *)a);
	unsigned long y = number_of(*(const char *const *)b);

	return x < y ? -1 : x > y;
}

int declared_list(const struct diff_result *result, enum declared_kind kind, const char ***ret,
		  size_t *ret_count)
{
	const char **list = calloc(result->data_count + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < result->data_count; i++)
		if (declared_is(result->data[i].name, kind))
			list[n++] = result->data[i].name;
	if (n > 1)
		qsort(list, n, sizeof(*list), compare_numbers);
	*ret = list;
	*ret_count = n;
	return 0;
}

int declared_state(const struct elf_object *patched, const char *symbol, uint64_t *ret_id,
		   uint32_t *ret_version, struct error *err)
{
	const struct elf_symbol *y = elf_object_symbol(patched, symbol);
	const struct elf_section *s = y ? y->section : NULL;

	/* struct suture_state: an unsigned long, an unsigned int */
	if (!s || !s->data || s->size < 12 || y->value > s->size - 12)
		return error_set(err, ERR_INVALID, "%s is not a constant", symbol);
	memcpy(ret_id, s->data + y->value, sizeof(*ret_id));
	memcpy(ret_version, s->data + y->value + sizeof(*ret_id), sizeof(*ret_version));
	if (*ret_id == 0)
		return error_set(err, ERR_INVALID,
				 "SUTURE_STATE: an id of 0 ends the kernel's list of states");
	return 0;
}

int declared_symbol_parse(const char *symbol, struct declared_symbol *ret, struct error *err)
{
	if (!str_has_prefix(symbol, SYMBOL_PREFIX))
		return ERR_NOT_FOUND;

	const char *text = symbol + strlen(SYMBOL_PREFIX);
	char *end;
	bool number = *text >= '0' && *text <= '9';
	unsigned long sympos = strtoul(text, &end, 10);
	size_t len = *end == '.' ? strcspn(end + 1, ".") : 0;

	if (!number || sympos > SYMPOS_MAX || len == 0 || len >= sizeof(ret->object) ||
	    end[1 + len] != '.' || !end[len + 2])
		return error_set(err, ERR_INVALID,
				 "SUTURE_SYMBOL(object, name, sympos): %s is not understood", text);
	memcpy(ret->object, end + 1, len);
	ret->object[len] = 0;
	ret->name = end + len + 2;
	ret->sympos = (unsigned)sympos;
	return 0;
}
