/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/insn.h"
#include "build/proof/runpre_internal.h"

void runpre_object_close(struct runpre_object *object)
{
	for (size_t i = 0; object->sections && i < object->elf->section_count; i++) {
		free(object->sections[i].refs);
		free(object->sections[i].cuts.items);
		free(object->sections[i].names.items);
	}
	for (size_t i = 0; i < object->function_count; i++)
		free(object->functions[i].why);
	free(object->sections);
	free(object->functions);
	name_table_free(object->by_name);
	sites_free(&object->sites);
	elf_object_free(object->elf);
	*object = (struct runpre_object){ 0 };
}

struct runpre_candidate *runpre_object_function(const struct runpre_object *object,
						const char *name)
{
	const struct name_entry *entry = name_table_find(object->by_name, name);

	return entry ? entry->items.items[0] : NULL;
}

bool runpre_is_named(const struct elf_symbol *y)
{
	return y->name[0] && !str_has_prefix(y->name, ".L") && y->type != STT_SECTION &&
	       y->type != STT_FILE;
}

static bool is_code(const struct elf_section *s)
{
	return (s->flags & SHF_EXECINSTR) && s->data;
}

static bool is_function(const struct elf_symbol *y)
{
	return y->type == STT_FUNC && y->section && is_code(y->section) && y->size > 0 &&
	       y->value <= y->section->size && y->size <= y->section->size - y->value;
}

static bool is_pc_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64;
}

static int read_refs(struct runpre_section *s)
{
	const struct elf_section *rela = s->elf->rela;

	if (!rela)
		return 0;
	s->refs = calloc(rela->rela_count + 1, sizeof(*s->refs));
	if (!s->refs)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < rela->rela_count; i++) {
		bool code = is_code(s->elf);
		bool relative = code && is_pc_relative(rela->relas[i].type);

		s->refs[s->ref_count++] = (struct runpre_ref){
			.rela = &rela->relas[i],
			.position = rela->relas[i].addend + (relative ? 4 : 0),
			.unclear = code,
		};
	}
	return 0;
}

/* The first reference at or behind an offset. */
static size_t first_ref(const struct runpre_section *s, uint64_t offset)
{
	size_t low = 0, high = s->ref_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->refs[mid].rela->offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void decode_ref(struct runpre_ref *ref, uint64_t at, const struct insn *insn)
{
	uint64_t field = ref->rela->offset - at;
	uint64_t width = ref->rela->type == R_X86_64_64 || ref->rela->type == R_X86_64_PC64 ? 8 : 4;

	if (!(insn->disp_at && field == insn->disp_at && width == insn->disp_len) &&
	    !(insn->imm_at && field == insn->imm_at && width == insn->imm_len))
		return;
	if (ref->unclear && is_pc_relative(ref->rela->type))
		ref->position = ref->rela->addend + (int64_t)(insn->len - field);
	ref->unclear = false;
}

/* A processor counts from the end of the instruction; the addend knows only the field. */
static void decode_function(const struct elf_symbol *f)
{
	struct runpre_section *s = f->section->user;
	uint64_t at = f->value, end = f->value + f->size;
	struct insn insn;

	for (size_t i = first_ref(s, at); at < end && i < s->ref_count; at += insn.len) {
		if (!insn_decode(f->section->data + at, end - at, &insn))
			return;
		for (; i < s->ref_count && s->refs[i].rela->offset < at + insn.len; i++)
			decode_ref(&s->refs[i], at, &insn);
	}
}

static int add_cut(const struct elf_section *section, int64_t position)
{
	struct runpre_section *s = section->user;

	return position > 0 && (uint64_t)position < section->size
		       ? VEC_PUSH(&s->cuts, (uint64_t)position)
		       : 0;
}

static int cut_at_symbols(struct runpre_object *o)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->elf->symbol_count; i++) {
		const struct elf_symbol *y = o->elf->symbols[i];

		if (!y->section || !runpre_is_named(y))
			continue;
		struct runpre_section *s = y->section->user;

		r = VEC_PUSH(&s->names, y);
		if (r == 0)
			r = add_cut(y->section, (int64_t)y->value);
		if (r == 0 && y->size <= y->section->size)
			r = add_cut(y->section, (int64_t)(y->value + y->size));
	}
	return r;
}

static int compare_cuts(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool has_functions(const struct elf_section *section)
{
	return is_code(section) && ((struct runpre_section *)section->user)->names.count > 0;
}

static int cut_at_references(struct runpre_object *o)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->elf->section_count; i++) {
		const struct runpre_section *s = &o->sections[i];

		for (size_t k = 0; r == 0 && k < s->ref_count; k++) {
			const struct elf_symbol *y = s->refs[k].rela->symbol;

			if (y && y->section && y->type == STT_SECTION && !has_functions(y->section))
				r = add_cut(y->section, s->refs[k].position);
		}
	}
	for (size_t i = 0; r == 0 && i < o->elf->section_count; i++)
		if (o->sections[i].cuts.count > 1)
			qsort(o->sections[i].cuts.items, o->sections[i].cuts.count,
			      sizeof(uint64_t), compare_cuts);
	return r;
}

static int list_functions(struct runpre_object *o)
{
	int r = 0;

	o->functions = calloc(o->elf->symbol_count + 1, sizeof(*o->functions));
	o->by_name = name_table_new();
	if (!o->functions || !o->by_name)
		return ERR_NO_MEMORY;
	for (size_t i = 0; r == 0 && i < o->elf->symbol_count; i++) {
		const struct elf_symbol *y = o->elf->symbols[i];

		if (!is_function(y))
			continue;
		o->functions[o->function_count].symbol = y;
		r = name_table_add(o->by_name, y->name, &o->functions[o->function_count++]);
		decode_function(y);
	}
	return r;
}

static int prepare(struct runpre_object *o)
{
	int r = 0;

	o->sections = calloc(o->elf->section_count + 1, sizeof(*o->sections));
	if (!o->sections)
		return ERR_NO_MEMORY;
	for (size_t i = 0; r == 0 && i < o->elf->section_count; i++) {
		o->sections[i].elf = o->elf->sections[i];
		o->elf->sections[i]->user = &o->sections[i];
		r = read_refs(&o->sections[i]);
	}
	if (r == 0)
		r = list_functions(o);
	if (r == 0)
		r = cut_at_symbols(o);
	return r < 0 ? r : cut_at_references(o);
}

int runpre_object_open(const struct buf *file, const char *what, struct runpre_object *ret,
		       struct error *err)
{
	struct runpre_object o = { 0 };
	int r = elf_object_parse(file->data, file->len, what, &o.elf, err);

	if (r < 0)
		return r;
	r = sites_collect(o.elf, &o.sites, err);
	if (r < 0)
		error_prefix(err, r, "%s", what);
	if (r == 0) {
		r = prepare(&o);
		if (r < 0)
			error_set(err, r, "out of memory");
	}
	if (r < 0) {
		runpre_object_close(&o);
		return r;
	}
	*ret = o;
	return 0;
}
