/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/inspect.h"

#include "build/object/special.h"
#include "build/object/special_check.h"
#include "module/signature.h"

#define KLP_SYM  ".klp.sym."
#define KLP_RELA ".klp.rela."

void inspect_free(struct inspect *in)
{
	if (!in)
		return;
	modinfo_free(in->modinfo);
	tables_free(&in->tables);
	free(in->symbols);
	free(in->relocations);
	free(in->special);
	elf_object_free(in->elf);
	free(in);
}

static int bad_name(struct error *err, const char *what, const char *name)
{
	return error_set(err, ERR_INVALID, "%s: %s is not a livepatch name", what, name);
}

/* OBJECT.NAME,SYMPOS */
static int parse_symbol(struct inspect *in, const char *text, struct inspect_symbol *ret)
{
	const char *dot = strchr(text, '.');
	const char *comma = strrchr(text, ',');
	char *end;

	if (!dot || dot == text || !comma || comma <= dot + 1 || comma[1] < '0' || comma[1] > '9')
		return ERR_INVALID;
	errno = 0;
	ret->sympos = strtoull(comma + 1, &end, 10);
	if (*end || errno)
		return ERR_INVALID;
	ret->object = arena_strndup(in->elf->arena, text, (size_t)(dot - text));
	ret->name = arena_strndup(in->elf->arena, dot + 1, (size_t)(comma - dot - 1));
	return ret->object && ret->name ? 0 : ERR_NO_MEMORY;
}

static int read_symbols(struct inspect *in, const char *what, struct error *err)
{
	VEC(struct inspect_symbol) list = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < in->elf->symbol_count; i++) {
		const struct elf_symbol *sym = in->elf->symbols[i];
		struct inspect_symbol symbol;

		if (sym->section || sym->shndx != SHN_LIVEPATCH)
			continue;
		e = str_has_prefix(sym->name, KLP_SYM)
			    ? parse_symbol(in, sym->name + strlen(KLP_SYM), &symbol)
			    : ERR_INVALID;
		if (e == ERR_INVALID)
			bad_name(err, what, sym->name);
		if (e == 0)
			e = VEC_PUSH(&list, symbol);
	}
	in->symbols = list.items;
	in->symbol_count = list.count;
	return e;
}

static int read_relocations(struct inspect *in, const char *what, struct error *err)
{
	VEC(struct inspect_relocations) list = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < in->elf->section_count; i++) {
		const struct elf_section *s = in->elf->sections[i];
		struct inspect_relocations r = { .count = s->rela_count };

		if (s->type != SHT_RELA || !(s->flags & SHF_RELA_LIVEPATCH))
			continue;
		const char *text = s->name + strlen(KLP_RELA);
		const char *dot = str_has_prefix(s->name, KLP_RELA) ? strchr(text, '.') : NULL;
		if (!dot || dot == text || !dot[1]) {
			e = bad_name(err, what, s->name);
			break;
		}
		r.object = arena_strndup(in->elf->arena, text, (size_t)(dot - text));
		r.section = dot + 1;
		e = r.object ? VEC_PUSH(&list, r) : ERR_NO_MEMORY;
	}
	in->relocations = list.items;
	in->relocation_count = list.count;
	return e;
}

/* A module without tables is worth a look too. */
static int read_tables(struct inspect *in, struct error *err)
{
	struct error why = { 0 };
	int r = tables_read(in->elf, &in->tables, &why);

	return r == ERR_NOT_FOUND ? 0 : r < 0 ? error_set(err, r, "%s", why.message) : 0;
}

static int read_special(struct inspect *in)
{
	VEC(struct inspect_table) list = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < in->elf->section_count; i++) {
		const struct elf_section *s = in->elf->sections[i];
		const struct special_def *def =
			s->type == SHT_PROGBITS && s->size > 0 ? special_find(s->name) : NULL;
		struct inspect_table table = { .section = s->name, .size = s->size };

		if (!def || def->whole)
			continue;
		table.entries = special_count(in->elf, s->name);
		e = VEC_PUSH(&list, table);
	}
	in->special = list.items;
	in->special_count = list.count;
	return e;
}

static int read_module(struct inspect *in, const void *data, size_t len, const char *what,
		       struct error *err)
{
	int e = modinfo_parse(data, len, what, &in->modinfo, err);

	if (e == 0)
		e = elf_object_parse(data, in->modinfo->module_len, what, &in->elf, err);
	if (e == 0)
		e = read_symbols(in, what, err);
	if (e == 0)
		e = read_relocations(in, what, err);
	if (e == 0)
		e = read_special(in);
	if (e == 0)
		e = read_tables(in, err);
	return e;
}

int inspect_module(const void *data, size_t len, const char *what, struct inspect **ret,
		   struct error *err)
{
	struct error why = { 0 };
	_cleanup_inspect_ struct inspect *in = calloc(1, sizeof(*in));
	int e = in ? read_module(in, data, len, what, &why) : ERR_NO_MEMORY;

	if (e < 0)
		return error_set(err, e, "%s", why.code ? why.message : "out of memory");
	*ret = TAKE_PTR(in);
	return 0;
}
