/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/object.h"

#include <gelf.h>
#include <inttypes.h>

#include "base/file.h"

/* What one object may take in memory, and the largest section and alignment that make sense. */
#define ARENA_MAX        ((size_t)2 << 30)
#define SECTION_SIZE_MAX ((uint64_t)1 << 32)
#define ALIGN_MAX        ((uint64_t)1 << 24)

/* An object being read. */
struct reader {
	Elf *elf;
	const char *what;
	struct elf_object *object;
	struct elf_section **by_index; /* also [0], which is NULL */
	uint32_t *links, *infos;       /* sh_link and sh_info as read */
	struct elf_section *extended;  /* section numbers that do not fit a symbol, or NULL */
	size_t count;
	struct error *err;
};

static void reader_done(struct reader *r)
{
	if (r->elf)
		elf_end(r->elf);
}

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NO_MEMORY, "out of memory");
}

void elf_object_free(struct elf_object *object)
{
	if (!object)
		return;
	free(object->sections);
	free(object->symbols);
	arena_free(object->arena);
	free(object);
}

static int object_alloc(struct elf_object **ret)
{
	_cleanup_elf_object_ struct elf_object *object = calloc(1, sizeof(*object));

	if (!object)
		return ERR_NO_MEMORY;
	object->arena = arena_new(ARENA_MAX);
	if (!object->arena)
		return ERR_NO_MEMORY;
	*ret = TAKE_PTR(object);
	return 0;
}

/* Makes room for one more pointer in an array of them. */
static int grow(void ***array, size_t count, size_t *cap)
{
	if (count < *cap)
		return 0;
	size_t n = *cap ? *cap * 2 : 64;
	void **p = reallocarray(*array, n, sizeof(*p));
	if (!p)
		return ERR_NO_MEMORY;
	*array = p;
	*cap = n;
	return 0;
}

static struct elf_section *append_section(struct elf_object *object)
{
	if (object->section_count >= ELF_OBJECT_SECTIONS_MAX)
		return NULL;
	if (grow((void ***)&object->sections, object->section_count, &object->section_cap) < 0)
		return NULL;
	struct elf_section *s = arena_new_object(object->arena, struct elf_section);
	if (!s)
		return NULL;
	s->align = 1;
	s->name = "";
	object->sections[object->section_count++] = s;
	s->index = (uint32_t)object->section_count;
	return s;
}

static struct elf_symbol *append_symbol(struct elf_object *object)
{
	if (object->symbol_count >= ELF_OBJECT_SYMBOLS_MAX)
		return NULL;
	if (grow((void ***)&object->symbols, object->symbol_count, &object->symbol_cap) < 0)
		return NULL;
	struct elf_symbol *s = arena_new_object(object->arena, struct elf_symbol);
	if (!s)
		return NULL;
	s->name = "";
	object->symbols[object->symbol_count++] = s;
	s->index = (uint32_t)object->symbol_count;
	return s;
}

/* The zero-terminated string at `offset` of a string table, as a pointer into it. */
static int string_at(struct reader *r, const struct elf_section *table, uint64_t offset,
		     const char *whose, const char **ret)
{
	if (offset == 0) {
		*ret = "";
		return 0;
	}
	if (!table || !table->data || offset >= table->size ||
	    !memchr(table->data + offset, 0, table->size - offset))
		return error_set(r->err, ERR_INVALID,
				 "%s: %s has its name outside the string table", r->what, whose);
	*ret = (const char *)table->data + offset;
	return 0;
}

/* Names go into messages, reports and generated source: visible ASCII, as compilers make them. */
static int check_name(struct reader *r, const char *whose, const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~')
			return error_set(r->err, ERR_INVALID,
					 "%s: the name of %s is not made of visible ASCII "
					 "characters",
					 r->what, whose);
	return 0;
}

static int check_header(struct reader *r)
{
	GElf_Ehdr ehdr;

	if (elf_kind(r->elf) != ELF_K_ELF || !gelf_getehdr(r->elf, &ehdr))
		return error_set(r->err, ERR_INVALID, "%s: not an ELF file", r->what);
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr.e_machine != EM_X86_64)
		return error_set(r->err, ERR_UNSUPPORTED, "%s: not an x86-64 ELF file", r->what);
	if (ehdr.e_type != ET_REL)
		return error_set(r->err, ERR_UNSUPPORTED, "%s: not a relocatable object", r->what);
	if (elf_getshdrnum(r->elf, &r->count) < 0 || r->count == 0)
		return error_set(r->err, ERR_INVALID, "%s: the section table is damaged", r->what);
	if (r->count > ELF_OBJECT_SECTIONS_MAX)
		return error_set(r->err, ERR_TOO_LARGE, "%s: more than %u sections", r->what,
				 ELF_OBJECT_SECTIONS_MAX);
	return 0;
}

/* Copies a section's bytes. */
static int read_content(struct reader *r, Elf_Scn *scn, struct elf_section *s)
{
	if (s->type == SHT_NOBITS || s->size == 0)
		return 0;
	Elf_Data *raw = elf_rawdata(scn, NULL);
	if (!raw || !raw->d_buf || raw->d_size != s->size)
		return error_set(r->err, ERR_INVALID, "%s: section %u lies outside the file",
				 r->what, s->index);
	s->data = arena_memdup(r->object->arena, raw->d_buf, s->size);
	return s->data ? 0 : no_memory(r->err);
}

static int read_section(struct reader *r, size_t index)
{
	Elf_Scn *scn = elf_getscn(r->elf, index);
	GElf_Shdr shdr;

	if (!scn || !gelf_getshdr(scn, &shdr))
		return error_set(r->err, ERR_INVALID, "%s: the section table is damaged", r->what);
	uint64_t align = shdr.sh_addralign ? shdr.sh_addralign : 1;
	if ((align & (align - 1)) || align > ALIGN_MAX || shdr.sh_size > SECTION_SIZE_MAX)
		return error_set(r->err, ERR_INVALID,
				 "%s: section %zu has an impossible size or alignment", r->what,
				 index);
	struct elf_section *s = append_section(r->object);
	if (!s)
		return no_memory(r->err);
	s->type = shdr.sh_type;
	s->flags = shdr.sh_flags;
	s->align = align;
	s->entsize = shdr.sh_entsize;
	s->addr = shdr.sh_addr;
	s->size = shdr.sh_size;
	r->by_index[index] = s;
	r->links[index] = shdr.sh_link;
	r->infos[index] = shdr.sh_info;
	return read_content(r, scn, s);
}

static int read_sections(struct reader *r)
{
	struct arena *arena = r->object->arena;

	r->by_index = arena_alloc(arena, r->count, sizeof(*r->by_index));
	r->links = arena_alloc(arena, r->count, sizeof(*r->links));
	r->infos = arena_alloc(arena, r->count, sizeof(*r->infos));
	if (!r->by_index || !r->links || !r->infos)
		return no_memory(r->err);
	for (size_t i = 1; i < r->count; i++) {
		int e = read_section(r, i);
		if (e < 0)
			return e;
	}
	return 0;
}

static int name_sections(struct reader *r)
{
	size_t index;

	if (elf_getshdrstrndx(r->elf, &index) < 0 || index >= r->count)
		return error_set(r->err, ERR_INVALID, "%s: no table of section names", r->what);
	struct elf_section *table = r->by_index[index];
	if (!table || table->type != SHT_STRTAB)
		return error_set(r->err, ERR_INVALID, "%s: no table of section names", r->what);
	for (size_t i = 1; i < r->count; i++) {
		GElf_Shdr shdr;
		char whose[32];

		if (!gelf_getshdr(elf_getscn(r->elf, i), &shdr))
			return error_set(r->err, ERR_INVALID, "%s: the section table is damaged",
					 r->what);
		snprintf(whose, sizeof(whose), "section %zu", i);
		int e = string_at(r, table, shdr.sh_name, whose, &r->by_index[i]->name);
		if (e == 0)
			e = check_name(r, whose, r->by_index[i]->name);
		if (e < 0)
			return e;
	}
	r->object->shstrtab = table;
	return 0;
}

/* A section number in a header field; 0 is NULL where `required` is not set. */
static int section_ref(struct reader *r, const struct elf_section *s, uint32_t index, bool required,
		       struct elf_section **ret)
{
	if (index >= r->count || (required && index == 0))
		return error_set(r->err, ERR_INVALID,
				 "%s: section %s refers to section %u, which is not there", r->what,
				 s->name, index);
	*ret = r->by_index[index];
	return 0;
}

static int link_symtab(struct reader *r, struct elf_section *s)
{
	if (r->object->symtab)
		return error_set(r->err, ERR_INVALID, "%s: more than one symbol table", r->what);
	if (!s->link || s->link->type != SHT_STRTAB)
		return error_set(r->err, ERR_INVALID, "%s: the symbol table has no strings",
				 r->what);
	r->object->symtab = s;
	r->object->strtab = s->link;
	return 0;
}

/* These have another size when the object is written: nothing may point into them. */
static bool is_made_anew(const struct elf_section *s)
{
	return s->type == SHT_RELA || s->type == SHT_SYMTAB || s->type == SHT_STRTAB ||
	       s->type == SHT_SYMTAB_SHNDX;
}

static int link_rela(struct reader *r, struct elf_section *s, uint32_t info)
{
	int e = section_ref(r, s, info, true, &s->target);

	if (e < 0)
		return e;
	if (s->target == s || is_made_anew(s->target))
		return error_set(r->err, ERR_INVALID, "%s: section %s relocates relocations",
				 r->what, s->name);
	if (s->flags & SHF_RELA_LIVEPATCH)
		return 0;
	if (s->target->rela)
		return error_set(r->err, ERR_INVALID, "%s: two relocation sections for %s", r->what,
				 s->target->name);
	s->target->rela = s;
	return 0;
}

static int link_section(struct reader *r, size_t index)
{
	struct elf_section *s = r->by_index[index];
	int e = section_ref(r, s, r->links[index], false, &s->link);

	if (e < 0)
		return e;
	s->info = r->infos[index];
	switch (s->type) {
	case SHT_SYMTAB: return link_symtab(r, s);
	case SHT_RELA: return link_rela(r, s, r->infos[index]);
	case SHT_REL:
		return error_set(r->err, ERR_UNSUPPORTED,
				 "%s: section %s: relocations without addends", r->what, s->name);
	case SHT_SYMTAB_SHNDX: r->extended = s; return 0;
	default: return 0;
	}
}

/* Some compilers keep all strings in one table; the writer wants two. */
static int separate_names(struct reader *r)
{
	struct elf_object *object = r->object;

	if (object->shstrtab != object->strtab)
		return 0;
	object->shstrtab = elf_object_add_section(object, ".shstrtab", SHT_STRTAB, 0, 1);
	return object->shstrtab ? 0 : no_memory(r->err);
}

static int link_sections(struct reader *r)
{
	for (size_t i = 1; i < r->count; i++) {
		int e = link_section(r, i);
		if (e < 0)
			return e;
	}
	for (size_t i = 1; i < r->count; i++) {
		const struct elf_section *s = r->by_index[i];
		if (s->type == SHT_RELA && (!r->object->symtab || s->link != r->object->symtab))
			return error_set(r->err, ERR_INVALID,
					 "%s: section %s does not use the symbol table", r->what,
					 s->name);
	}
	return separate_names(r);
}

/* The section of a symbol that says SHN_XINDEX; 0 or ERR_INVALID. */
static int extended_number(const struct reader *r, uint32_t symbol, uint32_t *ret)
{
	const struct elf_section *table = r->extended;

	if (!table || !table->data || table->size / sizeof(*ret) <= symbol)
		return ERR_INVALID;
	memcpy(ret, table->data + (size_t)symbol * sizeof(*ret), sizeof(*ret));
	return 0;
}

/* Places a symbol in its section. */
static int place_symbol(struct reader *r, const Elf64_Sym *raw, struct elf_symbol *sym)
{
	uint32_t index = raw->st_shndx;

	if (index == SHN_UNDEF || (index >= SHN_LORESERVE && index != SHN_XINDEX)) {
		sym->shndx = raw->st_shndx;
		return 0;
	}
	if (index == SHN_XINDEX && extended_number(r, sym->index, &index) < 0)
		return error_set(r->err, ERR_INVALID,
				 "%s: symbol %u (%s) has no extended section number", r->what,
				 sym->index, sym->name);
	if (index == 0 || index >= r->count)
		return error_set(r->err, ERR_INVALID,
				 "%s: symbol %u (%s) is in section %u, which is not there", r->what,
				 sym->index, sym->name, index);
	struct elf_section *s = r->by_index[index];
	if (is_made_anew(s))
		return error_set(r->err, ERR_INVALID,
				 "%s: symbol %u (%s) is in section %s, which is no code or data",
				 r->what, sym->index, sym->name, s->name);
	if (sym->value > s->size || sym->size > s->size - sym->value)
		return error_set(r->err, ERR_INVALID, "%s: symbol %u (%s) lies outside section %s",
				 r->what, sym->index, sym->name, s->name);
	sym->section = s;
	if (sym->type == STT_SECTION && !s->symbol)
		s->symbol = sym;
	return 0;
}

static int read_symbol(struct reader *r, const Elf64_Sym *raw, const char **file)
{
	struct elf_symbol *sym = append_symbol(r->object);
	char whose[32];

	if (!sym)
		return no_memory(r->err);
	snprintf(whose, sizeof(whose), "symbol %u", sym->index);
	int e = string_at(r, r->object->strtab, raw->st_name, whose, &sym->name);
	sym->type = ELF64_ST_TYPE(raw->st_info);
	if (e == 0 && sym->type != STT_FILE)
		e = check_name(r, whose, sym->name);
	if (e < 0)
		return e;
	sym->binding = ELF64_ST_BIND(raw->st_info);
	sym->other = raw->st_other;
	sym->value = raw->st_value;
	sym->size = raw->st_size;
	if (sym->type == STT_FILE)
		*file = sym->name;
	if (sym->binding == STB_LOCAL)
		sym->file = *file;
	return place_symbol(r, raw, sym);
}

static int read_symbols(struct reader *r)
{
	struct elf_section *symtab = r->object->symtab;
	const char *file = NULL;

	if (!symtab || symtab->size == 0)
		return 0;
	if (symtab->entsize != sizeof(Elf64_Sym) || symtab->size % sizeof(Elf64_Sym) ||
	    !symtab->data)
		return error_set(r->err, ERR_INVALID, "%s: the symbol table has a wrong entry size",
				 r->what);
	size_t count = symtab->size / sizeof(Elf64_Sym);
	if (count > ELF_OBJECT_SYMBOLS_MAX)
		return error_set(r->err, ERR_TOO_LARGE, "%s: more than %u symbols", r->what,
				 ELF_OBJECT_SYMBOLS_MAX);
	for (size_t i = 1; i < count; i++) {
		Elf64_Sym raw;

		memcpy(&raw, symtab->data + i * sizeof(raw), sizeof(raw));
		int e = read_symbol(r, &raw, &file);
		if (e < 0)
			return e;
	}
	return 0;
}

/* Relocations are compared and sliced by offset; those of one offset keep their order. */
static int compare_relas(const void *a, const void *b)
{
	const struct elf_rela *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return 0;
}

/* qsort() is stable only by accident, so the relocations are merged by hand when out of order. */
static void sort_relas(struct elf_rela *relas, size_t count, struct elf_rela *tmp)
{
	if (count < 2)
		return;
	size_t half = count / 2, i = 0, j = half;

	sort_relas(relas, half, tmp);
	sort_relas(relas + half, count - half, tmp);
	if (compare_relas(&relas[half - 1], &relas[half]) <= 0)
		return;
	memcpy(tmp, relas, count * sizeof(*tmp));
	for (size_t k = 0; k < count; k++) {
		bool left = j == count || (i < half && compare_relas(&tmp[i], &tmp[j]) <= 0);
		relas[k] = left ? tmp[i++] : tmp[j++];
	}
}

static int read_rela(struct reader *r, const struct elf_section *s, const Elf64_Rela *raw,
		     struct elf_rela *rela)
{
	uint64_t index = ELF64_R_SYM(raw->r_info);

	if (raw->r_offset >= s->target->size)
		return error_set(r->err, ERR_INVALID,
				 "%s: a relocation in %s lies outside its section", r->what,
				 s->name);
	if (index > r->object->symbol_count)
		return error_set(r->err, ERR_INVALID,
				 "%s: a relocation in %s names symbol %" PRIu64
				 ", which is not there",
				 r->what, s->name, index);
	rela->offset = raw->r_offset;
	rela->type = (uint32_t)ELF64_R_TYPE(raw->r_info);
	rela->addend = raw->r_addend;
	rela->symbol = index ? r->object->symbols[index - 1] : NULL;
	/* It has no address, and its name is that of any file. */
	if (rela->symbol && rela->symbol->type == STT_FILE)
		return error_set(r->err, ERR_INVALID,
				 "%s: a relocation in %s refers to the name of a source file",
				 r->what, s->name);
	return 0;
}

static int read_relas(struct reader *r, struct elf_section *s)
{
	struct arena *arena = r->object->arena;

	if (s->size == 0)
		return 0;
	if (s->entsize != sizeof(Elf64_Rela) || s->size % sizeof(Elf64_Rela) || !s->data)
		return error_set(r->err, ERR_INVALID, "%s: section %s has a wrong entry size",
				 r->what, s->name);
	size_t count = s->size / sizeof(Elf64_Rela);
	struct elf_rela *relas = arena_alloc(arena, count, sizeof(*relas));
	_cleanup_free_ struct elf_rela *tmp = calloc(count, sizeof(*tmp));
	if (!relas || !tmp)
		return no_memory(r->err);
	for (size_t i = 0; i < count; i++) {
		Elf64_Rela raw;

		memcpy(&raw, s->data + i * sizeof(raw), sizeof(raw));
		int e = read_rela(r, s, &raw, &relas[i]);
		if (e < 0)
			return e;
	}
	sort_relas(relas, count, tmp);
	s->relas = relas;
	s->rela_count = count;
	return 0;
}

static int read_group(struct reader *r, struct elf_section *s, uint32_t info)
{
	uint32_t word;

	if (s->size < sizeof(word) || s->size % sizeof(word) || !s->data || info == 0 ||
	    info > r->object->symbol_count)
		return error_set(r->err, ERR_INVALID, "%s: section group %u is damaged", r->what,
				 s->index);
	s->signature = r->object->symbols[info - 1];
	memcpy(&s->group_flags, s->data, sizeof(word));
	s->member_count = s->size / sizeof(word) - 1;
	s->members = arena_alloc(r->object->arena, s->member_count, sizeof(*s->members));
	if (!s->members)
		return no_memory(r->err);
	for (size_t i = 0; i < s->member_count; i++) {
		memcpy(&word, s->data + (i + 1) * sizeof(word), sizeof(word));
		int e = section_ref(r, s, word, true, &s->members[i]);
		if (e < 0)
			return e;
	}
	return 0;
}

static int read_all(struct reader *r)
{
	int e = check_header(r);

	if (e == 0)
		e = read_sections(r);
	if (e == 0)
		e = name_sections(r);
	if (e == 0)
		e = link_sections(r);
	if (e == 0)
		e = read_symbols(r);
	for (size_t i = 1; e == 0 && i < r->count; i++) {
		struct elf_section *s = r->by_index[i];

		if (s->type == SHT_RELA)
			e = read_relas(r, s);
		else if (s->type == SHT_GROUP)
			e = read_group(r, s, r->infos[i]);
	}
	return e;
}

int elf_object_parse(const void *data, size_t len, const char *what, struct elf_object **ret,
		     struct error *err)
{
	_cleanup_elf_object_ struct elf_object *object = NULL;
	_cleanup_(reader_done) struct reader r = { .what = what, .err = err };

	if (len > ELF_OBJECT_SIZE_MAX)
		return error_set(err, ERR_TOO_LARGE, "%s: larger than %u bytes", what,
				 ELF_OBJECT_SIZE_MAX);
	if (object_alloc(&object) < 0)
		return no_memory(err);
	if (len < sizeof(Elf64_Ehdr) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return error_set(err, ERR_INVALID, "%s: not an ELF file", what);
	if (elf_version(EV_CURRENT) == EV_NONE)
		return error_set(err, ERR_UNSUPPORTED, "libelf does not know this ELF version");
	r.object = object;
	r.elf = elf_memory((char *)(uintptr_t)data, len); /* only read from */
	if (!r.elf)
		return error_set(err, ERR_INVALID, "%s: not an ELF file", what);
	int e = read_all(&r);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(object);
	return 0;
}

int elf_object_load(const char *path, struct elf_object **ret, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(ELF_OBJECT_SIZE_MAX);
	int e = file_read(path, &data, err);

	return e < 0 ? e : elf_object_parse(data.data, data.len, path, ret, err);
}

int elf_object_new(struct elf_object **ret)
{
	_cleanup_elf_object_ struct elf_object *object = NULL;
	int e = object_alloc(&object);

	if (e < 0)
		return e;
	object->symtab = elf_object_add_section(object, ".symtab", SHT_SYMTAB, 0, 8);
	object->strtab = elf_object_add_section(object, ".strtab", SHT_STRTAB, 0, 1);
	object->shstrtab = elf_object_add_section(object, ".shstrtab", SHT_STRTAB, 0, 1);
	if (!object->symtab || !object->strtab || !object->shstrtab)
		return ERR_NO_MEMORY;
	*ret = TAKE_PTR(object);
	return 0;
}

struct elf_section *elf_object_section(const struct elf_object *object, const char *name)
{
	for (size_t i = 0; i < object->section_count; i++)
		if (streq(object->sections[i]->name, name))
			return object->sections[i];
	return NULL;
}

struct elf_symbol *elf_object_symbol(const struct elf_object *object, const char *name)
{
	for (size_t i = 0; i < object->symbol_count; i++)
		if (streq(object->symbols[i]->name, name))
			return object->symbols[i];
	return NULL;
}

struct elf_section *elf_object_add_section(struct elf_object *object, const char *name,
					   uint32_t type, uint64_t flags, uint64_t align)
{
	const char *copy = arena_strdup(object->arena, name);
	struct elf_section *s = copy ? append_section(object) : NULL;

	if (!s)
		return NULL;
	s->name = copy;
	s->type = type;
	s->flags = flags;
	s->align = align;
	return s;
}

struct elf_symbol *elf_object_add_symbol(struct elf_object *object, const char *name)
{
	const char *copy = arena_strdup(object->arena, name);
	struct elf_symbol *sym = copy ? append_symbol(object) : NULL;

	if (!sym)
		return NULL;
	sym->name = copy;
	sym->type = STT_NOTYPE;
	sym->binding = STB_GLOBAL;
	return sym;
}

struct elf_section *elf_object_add_rela(struct elf_object *object, struct elf_section *target,
					const char *name, uint64_t flags, size_t count)
{
	if (!name)
		name = arena_printf(object->arena, ".rela%s", target->name);
	struct elf_rela *relas = arena_alloc(object->arena, count, sizeof(*relas));
	if (!name || !relas)
		return NULL;
	struct elf_section *s =
		elf_object_add_section(object, name, SHT_RELA, SHF_INFO_LINK | flags, 8);
	if (!s)
		return NULL;
	s->entsize = sizeof(Elf64_Rela);
	s->link = object->symtab;
	s->target = target;
	s->relas = relas;
	s->rela_count = count;
	if (!(flags & SHF_RELA_LIVEPATCH) && !target->rela)
		target->rela = s;
	return s;
}
