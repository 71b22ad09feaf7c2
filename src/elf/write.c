/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Written directly, since libelf writes to descriptors only. */
#include "elf/object.h"

struct writer {
	struct elf_object *object;
	struct elf_section **order; /* sections as they go into the file */
	size_t count;
	Elf64_Shdr *headers; /* [0] is the null section */
	struct buf names, strings;
	struct buf *out;
	size_t start; /* of the file in `out` */
	struct error *err;
};

static void writer_done(struct writer *w)
{
	buf_free(&w->names);
	buf_free(&w->strings);
	free(w->order);
	free(w->headers);
}

static bool is_own_table(const struct elf_object *object, const struct elf_section *s)
{
	return s == object->symtab || s == object->strtab || s == object->shstrtab;
}

/* Tables come last, since their contents are made here. */
static int order_sections(struct writer *w)
{
	struct elf_object *object = w->object;
	struct elf_section *tables[] = { object->symtab, object->strtab, object->shstrtab };

	w->order = calloc(object->section_count + 1, sizeof(struct elf_section *));
	w->headers = calloc(object->section_count + 1, sizeof(*w->headers));
	if (!w->order || !w->headers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < object->section_count; i++)
		if (!is_own_table(object, object->sections[i]) &&
		    object->sections[i]->type != SHT_SYMTAB_SHNDX)
			w->order[w->count++] = object->sections[i];
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (tables[i])
			w->order[w->count++] = tables[i];
	}
	if (w->count + 1 >= SHN_LORESERVE)
		return error_set(w->err, ERR_TOO_LARGE, "%zu sections are too many for a file",
				 w->count);
	for (size_t i = 0; i < w->count; i++)
		w->order[i]->index = (uint32_t)(i + 1);
	return 0;
}

/* The ABI wants local symbols before all others; sh_info counts them. */
static int order_symbols(struct elf_object *object)
{
	_cleanup_free_ struct elf_symbol **sorted =
		calloc(object->symbol_count + 1, sizeof(struct elf_symbol *));
	size_t n = 0;

	if (!sorted)
		return ERR_NO_MEMORY;
	for (int global = 0; global < 2; global++)
		for (size_t i = 0; i < object->symbol_count; i++)
			if ((object->symbols[i]->binding != STB_LOCAL) == global)
				sorted[n++] = object->symbols[i];
	for (size_t i = 0; i < n; i++) {
		object->symbols[i] = sorted[i];
		sorted[i]->index = (uint32_t)(i + 1);
	}
	return 0;
}

static int add_string(struct buf *table, const char *s, uint32_t *ret)
{
	*ret = 0;
	if (!*s)
		return 0;
	*ret = (uint32_t)table->len;
	return buf_append(table, s, strlen(s) + 1);
}

static int put_symbols(struct writer *w)
{
	Elf64_Sym raw = { 0 };
	int e = buf_append(w->out, &raw, sizeof(raw));

	for (size_t i = 0; e == 0 && i < w->object->symbol_count; i++) {
		const struct elf_symbol *sym = w->object->symbols[i];

		raw = (Elf64_Sym){
			.st_info = (uint8_t)ELF64_ST_INFO(sym->binding, sym->type),
			.st_other = sym->other,
			.st_shndx = sym->section ? (uint16_t)sym->section->index : sym->shndx,
			.st_value = sym->value,
			.st_size = sym->size,
		};
		e = add_string(&w->strings, sym->name, &raw.st_name);
		if (e == 0)
			e = buf_append(w->out, &raw, sizeof(raw));
	}
	return e;
}

static int put_relas(struct writer *w, const struct elf_section *s)
{
	for (size_t i = 0; i < s->rela_count; i++) {
		const struct elf_rela *rela = &s->relas[i];
		uint32_t index = rela->symbol ? rela->symbol->index : 0;

		if (index > w->object->symbol_count ||
		    (index && w->object->symbols[index - 1] != rela->symbol))
			return error_set(w->err, ERR_INVALID,
					 "a relocation in %s names a symbol of another object",
					 s->name);
		Elf64_Rela raw = {
			.r_offset = rela->offset,
			.r_info = ELF64_R_INFO((uint64_t)index, rela->type),
			.r_addend = rela->addend,
		};
		int e = buf_append(w->out, &raw, sizeof(raw));
		if (e < 0)
			return e;
	}
	return 0;
}

static int put_group(struct writer *w, const struct elf_section *s)
{
	int e = buf_append(w->out, &s->group_flags, sizeof(uint32_t));

	for (size_t i = 0; e == 0 && i < s->member_count; i++)
		e = buf_append(w->out, &s->members[i]->index, sizeof(uint32_t));
	return e;
}

static int put_content(struct writer *w, const struct elf_section *s)
{
	if (s == w->object->symtab)
		return put_symbols(w);
	if (s == w->object->strtab)
		return buf_append(w->out, w->strings.data, w->strings.len);
	if (s == w->object->shstrtab)
		return buf_append(w->out, w->names.data, w->names.len);
	if (s->type == SHT_RELA)
		return put_relas(w, s);
	if (s->type == SHT_GROUP)
		return put_group(w, s);
	if (s->type == SHT_NOBITS || s->size == 0)
		return 0;
	return buf_append(w->out, s->data, s->size);
}

static uint32_t header_info(const struct writer *w, const struct elf_section *s)
{
	uint32_t locals = 1;

	if (s->type == SHT_RELA)
		return s->target->index;
	if (s->type == SHT_GROUP)
		return s->signature->index;
	if (s != w->object->symtab)
		return s->info;
	for (size_t i = 0; i < w->object->symbol_count; i++)
		locals += w->object->symbols[i]->binding == STB_LOCAL;
	return locals;
}

/* Pads so that the section starts at a multiple of its alignment within the file. */
static int align_out(struct writer *w, uint64_t align)
{
	size_t rest = (w->out->len - w->start) & (align - 1);

	return rest ? buf_append_zero(w->out, align - rest) : 0;
}

static int put_section(struct writer *w, struct elf_section *s)
{
	Elf64_Shdr *h = &w->headers[s->index];
	int e = align_out(w, s->type == SHT_NOBITS ? 1 : s->align);

	if (e < 0)
		return e;
	*h = (Elf64_Shdr){
		.sh_type = s->type,
		.sh_flags = s->flags,
		.sh_addr = s->addr,
		.sh_offset = w->out->len - w->start,
		.sh_link = s->link ? s->link->index : 0,
		.sh_info = header_info(w, s),
		.sh_addralign = s->align,
		.sh_entsize = s->entsize,
	};
	if (s == w->object->symtab) {
		h->sh_link = w->object->strtab->index;
		h->sh_entsize = sizeof(Elf64_Sym);
	}
	e = add_string(&w->names, s->name, &h->sh_name);
	if (e == 0)
		e = put_content(w, s);
	h->sh_size = s->type == SHT_NOBITS ? s->size : w->out->len - w->start - h->sh_offset;
	return e;
}

static int put_file(struct writer *w)
{
	int e = buf_append_zero(w->out, sizeof(Elf64_Ehdr));

	for (size_t i = 0; e == 0 && i < w->count; i++)
		e = put_section(w, w->order[i]);
	if (e == 0)
		e = align_out(w, 8);
	if (e < 0)
		return e;
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = w->out->len - w->start,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (uint16_t)(w->count + 1),
		.e_shstrndx = (uint16_t)w->object->shstrtab->index,
	};
	memcpy(w->out->data + w->start, &ehdr, sizeof(ehdr));
	return buf_append(w->out, w->headers, (w->count + 1) * sizeof(*w->headers));
}

int elf_object_write(struct elf_object *object, struct buf *out, struct error *err)
{
	_cleanup_(writer_done) struct writer w = {
		.object = object,
		.names = BUF_INIT(1U << 30),
		.strings = BUF_INIT(1U << 30),
		.out = out,
		.start = out->len,
		.err = err,
	};
	struct error first = { 0 };

	w.err = &first;
	int e = order_sections(&w);
	if (e == 0)
		e = order_symbols(object);
	if (e == 0)
		e = buf_append_byte(&w.names, 0);
	if (e == 0)
		e = buf_append_byte(&w.strings, 0);
	if (e == 0)
		e = put_file(&w);
	if (e == 0)
		return 0;
	if (out->len > w.start) { /* nothing half-done is left in the caller's buffer */
		out->len = w.start;
		out->data[out->len] = 0;
	}
	return error_set(err, e, "%s", first.code ? first.message : error_code_name(e));
}
