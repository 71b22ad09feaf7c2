/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/inspect.h"

#include "module/signature.h"

#define SYMBOL_PREFIX   "suture_new."
#define KLP_SYM         ".klp.sym."
#define KLP_RELA        ".klp.rela."

/* struct klp_func: old_name, new_func, old_sympos; struct klp_object: name, funcs. */
#define FUNC_NEW_AT     8
#define FUNC_SYMPOS_AT  16
#define OBJECT_FUNCS_AT 8

void inspect_free(struct inspect *in)
{
	if (!in)
		return;
	modinfo_free(in->modinfo);
	free(in->functions);
	free(in->symbols);
	free(in->relocations);
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

/* The 8-byte pointer that is stored at an offset of a section, or NULL. */
static const struct elf_rela *pointer_at(const struct elf_section *s, uint64_t offset)
{
	const struct elf_section *rela = s->rela;
	size_t low = 0, high = rela ? rela->rela_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct elf_rela *r = &rela->relas[middle];
		if (r->offset == offset)
			return r->type == R_X86_64_64 && r->symbol ? r : NULL;
		if (r->offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const char *string_of(const struct elf_rela *r)
{
	const struct elf_section *s = r ? r->symbol->section : NULL;
	uint64_t at = s ? r->symbol->value + (uint64_t)r->addend : 0;

	if (!s || !s->data || at >= s->size || !memchr(s->data + at, 0, s->size - at))
		return NULL;
	return (const char *)s->data + at;
}

/* The object whose array of functions holds the place: the nearest one that begins before it. */
static const char *object_of(const struct inspect *in, const struct elf_section *where, uint64_t at)
{
	const char *name = "vmlinux";
	uint64_t best = 0;
	bool found = false;

	for (size_t i = 0; i < in->elf->section_count; i++) {
		const struct elf_section *s = in->elf->sections[i];

		for (size_t k = 0; s->rela && k < s->rela->rela_count; k++) {
			const struct elf_rela *r = &s->rela->relas[k];
			if (r->type != R_X86_64_64 || !r->symbol || r->symbol->section != where ||
			    r->offset < OBJECT_FUNCS_AT)
				continue;
			uint64_t start = r->symbol->value + (uint64_t)r->addend;
			if (start > at || (found && start <= best))
				continue;
			const char *object = string_of(pointer_at(s, r->offset - OBJECT_FUNCS_AT));
			name = object ? object : "vmlinux";
			best = start;
			found = true;
		}
	}
	return name;
}

static bool read_function(const struct inspect *in, const struct elf_section *s,
			  const struct elf_rela *r, struct inspect_function *ret)
{
	if (r->type != R_X86_64_64 || !r->symbol || r->offset < FUNC_NEW_AT ||
	    !str_has_prefix(r->symbol->name, SYMBOL_PREFIX) || !s->data)
		return false;
	uint64_t at = r->offset - FUNC_NEW_AT;
	const char *name = string_of(pointer_at(s, at));
	if (!name || s->size < FUNC_SYMPOS_AT + 8 || at > s->size - FUNC_SYMPOS_AT - 8)
		return false;
	*ret = (struct inspect_function){ .name = name, .symbol = r->symbol->name };
	memcpy(&ret->sympos, s->data + at + FUNC_SYMPOS_AT, sizeof(ret->sympos));
	ret->object = object_of(in, s, at);
	return true;
}

static int read_functions(struct inspect *in)
{
	VEC(struct inspect_function) list = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < in->elf->section_count; i++) {
		const struct elf_section *s = in->elf->sections[i];

		if (!(s->flags & SHF_WRITE) || !s->rela)
			continue;
		for (size_t k = 0; e == 0 && k < s->rela->rela_count; k++) {
			struct inspect_function function;
			if (read_function(in, s, &s->rela->relas[k], &function))
				e = VEC_PUSH(&list, function);
		}
	}
	in->functions = list.items;
	in->function_count = list.count;
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
		e = read_functions(in);
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
