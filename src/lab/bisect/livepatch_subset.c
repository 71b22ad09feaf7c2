// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/bisect/livepatch_subset.h"

#include <inttypes.h>
#include <stdlib.h>

#include "module/signature.h"

#define DESCRIPTION_MAX ((size_t)64 * 1024 * 1024) /* of the tables: long names repeat */

int livepatch_subset_read(const void *data, size_t len, struct livepatch_subset *ret,
			  struct error *err)
{
	_cleanup_livepatch_subset_ struct livepatch_subset s = { 0 };
	struct signature_parts parts;
	int r = signature_split(data, len, &parts, err);

	if (r == 0)
		r = elf_object_parse(parts.module, parts.module_len, "module", &s.module, err);
	if (r == 0)
		r = tables_read(s.module, &s.tables, err);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct livepatch_subset){ 0 };
	return 0;
}

void livepatch_subset_free(struct livepatch_subset *subset)
{
	tables_free(&subset->tables);
	elf_object_free(subset->module);
	*subset = (struct livepatch_subset){ 0 };
}

static int compare_offset(const void *offset, const void *rela)
{
	uint64_t a = *(const uint64_t *)offset, b = ((const struct elf_rela *)rela)->offset;

	return (a > b) - (a < b);
}

/* There is one: tables_read() has seen it, and relocations go at the very end. */
static struct elf_rela *pointer_at(const struct tables_function *f, uint64_t field)
{
	const struct elf_section *rela = f->section->rela;
	uint64_t offset = f->at + field;

	return bsearch(&offset, rela->relas, rela->rela_count, sizeof(*rela->relas),
		       compare_offset);
}

/* What a module fills in of an entry: two pointers and a number. The last entry is all zero. */
static void put(const struct tables_function *place, const struct elf_rela pointers[2],
		uint64_t sympos)
{
	static const uint64_t fields[] = { TABLES_FUNC_NAME, TABLES_FUNC_CODE };

	for (size_t i = 0; i < 2; i++) {
		struct elf_rela *to = pointer_at(place, fields[i]);

		if (!to)
			continue;
		to->symbol = pointers ? pointers[i].symbol : NULL;
		to->addend = pointers ? pointers[i].addend : 0;
		to->type = pointers ? R_X86_64_64 : R_X86_64_NONE;
	}
	memcpy(place->section->data + place->at + TABLES_FUNC_SYMPOS, &sympos, sizeof(sympos));
}

/* One table, functions first to last - 1: those that stay move to its front. */
static void keep_of_table(const struct tables *t, const bool *keep, size_t first, size_t last)
{
	size_t to = first;

	for (size_t i = first; i < last; i++) {
		const struct tables_function *f = &t->functions[i];
		const struct elf_rela *name = pointer_at(f, TABLES_FUNC_NAME);
		const struct elf_rela *code = pointer_at(f, TABLES_FUNC_CODE);

		if (keep[i] && name && code)
			put(&t->functions[to++], (const struct elf_rela[]){ *name, *code },
			    f->sympos);
	}
	for (; to < last; to++)
		put(&t->functions[to], NULL, 0);
}

/* Takes the relocations away that mean nothing any more. */
static void compact(struct elf_section *rela)
{
	size_t kept = 0;

	for (size_t i = 0; i < rela->rela_count; i++)
		if (rela->relas[i].type != R_X86_64_NONE)
			rela->relas[kept++] = rela->relas[i];
	rela->rela_count = kept;
}

static int add_text(struct buf *out, const char *text)
{
	return buf_append(out, text, strlen(text) + 1);
}

/* All that the tables say, or would say with these functions only (NULL: all). */
static int describe(const struct tables *t, const bool *keep, struct buf *out)
{
	int r = buf_append(out, &t->replace, sizeof(t->replace));

	for (size_t i = 0; r == 0 && i < t->object_count; i++) {
		r = add_text(out, t->objects[i].name);
		if (r == 0)
			r = buf_append(out, &t->objects[i].callbacks, sizeof(bool));
	}
	for (size_t i = 0; r == 0 && i < t->state_count; i++)
		r = buf_printf(out, "%" PRIu64 " %u\n", t->states[i].id, t->states[i].version);
	for (size_t i = 0; r == 0 && i < t->function_count; i++) {
		const struct tables_function *f = &t->functions[i];

		if (keep && !keep[i])
			continue;
		r = buf_printf(out, "%zu %" PRIu64 "\n", f->table, f->sympos);
		if (r == 0)
			r = add_text(out, f->name);
		if (r == 0)
			r = add_text(out, f->symbol);
	}
	return r;
}

/* Reads what was written. Tables of a strange file may lie in each other, or names in tables: what
 * was moved has changed these too. */
static int check_written(const struct buf *expected, const uint8_t *data, size_t len,
			 struct error *err)
{
	_cleanup_livepatch_subset_ struct livepatch_subset part = { 0 };
	_cleanup_buf_ struct buf found = BUF_INIT(DESCRIPTION_MAX);
	int r = livepatch_subset_read(data, len, &part, err);

	if (r < 0)
		return error_prefix(err, r, "a part of it");
	r = describe(&part.tables, NULL, &found);
	if (r < 0)
		return error_set(err, r, "what a part of it replaces");
	return found.len == expected->len && memcmp(found.data, expected->data, found.len) == 0
		       ? 0
		       : error_set(err, ERR_INVALID, "its tables lie in each other");
}

int livepatch_subset_write(struct livepatch_subset *subset, const bool *keep, struct buf *out,
			   struct error *err)
{
	const struct tables *t = &subset->tables;
	_cleanup_buf_ struct buf expected = BUF_INIT(DESCRIPTION_MAX);
	size_t start = out->len;
	int r = describe(t, keep, &expected);

	if (r < 0)
		return error_set(err, r, "what a part of it replaces");
	for (size_t first = 0, last; first < t->function_count; first = last) {
		for (last = first + 1; last < t->function_count &&
				       t->functions[last].table == t->functions[first].table;
		     last++)
			;
		keep_of_table(t, keep, first, last);
	}
	for (size_t i = 0; i < t->function_count; i++)
		if (i == 0 || t->functions[i].section != t->functions[i - 1].section)
			compact(t->functions[i].section->rela);
	r = elf_object_write(subset->module, out, err);
	return r < 0 ? r : check_written(&expected, out->data + start, out->len - start, err);
}
