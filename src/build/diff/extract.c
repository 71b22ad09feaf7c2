/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/diff/extract.h"

#include "build/diff/diff_internal.h"

#define OBJECT_MAX ((size_t)64 << 20)
#define ARENA_MAX  ((size_t)256 << 20)
#define NOP        0x90

/* The object being made. */
struct maker {
	const struct diff *diff;
	struct elf_object *out;
	struct extract *extract;
	struct name_table *undefined; /* name → struct extract_symbol, its elf_symbol beside it */
	VEC(struct needed *) needed;
	struct error *err;
};

/* An undefined symbol of the result. */
struct needed {
	struct extract_symbol info;
	struct elf_symbol *made;
};

static void maker_done(struct maker *m)
{
	elf_object_free(m->out);
	name_table_free(m->undefined);
	free(m->needed.items);
}

void extract_free(struct extract *extract)
{
	if (!extract)
		return;
	buf_free(&extract->object);
	free(extract->symbols);
	arena_free(extract->arena);
	free(extract);
}

/* The alignment that a slice had: its section's, or what its offset there allows. */
static uint64_t slice_align(const struct atom *atom)
{
	uint64_t align = atom->section->elf->align;

	while (align > 1 && (atom->start & (align - 1)))
		align /= 2;
	return align;
}

/* Reserves a place for an atom in the section made for its section. */
static void place(struct atom *atom, struct elf_section *made)
{
	uint64_t align = slice_align(atom);

	atom->placed = (made->size + align - 1) & ~(align - 1);
	made->size = atom->placed + (atom->end - atom->start);
}

static struct elf_section *make_section(struct maker *m, struct atom_section *s)
{
	uint64_t flags = s->elf->flags & ~(uint64_t)(SHF_GROUP | SHF_LINK_ORDER | SHF_INFO_LINK);
	struct elf_section *made =
		elf_object_add_section(m->out, s->elf->name, s->elf->type, flags, s->elf->align);
	struct elf_symbol *sym = made ? elf_object_add_symbol(m->out, "") : NULL;

	if (!sym)
		return NULL;
	made->entsize = s->elf->entsize;
	sym->type = STT_SECTION;
	sym->binding = STB_LOCAL;
	sym->section = made;
	s->made_symbol = sym;
	return s->made = made;
}

static void fill_bytes(struct elf_section *made, const struct atom *atom)
{
	const struct elf_section *from = atom->section->elf;

	if (!from->data || atom->end == atom->start)
		return;
	memcpy(made->data + atom->placed, from->data + atom->start, atom->end - atom->start);
	for (size_t i = 0; i < atom->ref_count; i++) {
		const struct ref *ref = &atom->refs[i];
		if (!ref->rela) /* the loader wants zeros under a relocation */
			memset(made->data + atom->placed + (ref->offset - atom->start), 0,
			       ref->width);
	}
}

static int make_content(struct maker *m, struct atom_section *s)
{
	struct elf_section *made = NULL;

	for (size_t i = 0; i < s->atoms.count; i++) {
		if (!s->atoms.items[i]->kept)
			continue;
		if (!made)
			made = make_section(m, s);
		if (!made)
			return ERR_NO_MEMORY;
		place(s->atoms.items[i], made);
	}
	if (!made || made->type == SHT_NOBITS)
		return 0;
	made->data = arena_alloc(m->out->arena, made->size, 1);
	if (!made->data)
		return ERR_NO_MEMORY;
	if (made->flags & SHF_EXECINSTR)
		memset(made->data, NOP, made->size);
	for (size_t i = 0; i < s->atoms.count; i++)
		if (s->atoms.items[i]->kept)
			fill_bytes(made, s->atoms.items[i]);
	return 0;
}

static bool entry_is_kept(const struct special_entry *entry)
{
	return entry->owner && entry->owner->kept && !entry->silenced;
}

static size_t count_kept(const struct atom_section *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->entry_count; i++)
		count += entry_is_kept(&s->entries[i]);
	return count;
}

static int make_entries(struct maker *m, struct atom_section *s)
{
	size_t count = count_kept(s);

	if (count == 0)
		return 0;
	struct elf_section *made = make_section(m, s);
	if (!made)
		return ERR_NO_MEMORY;
	made->data = arena_alloc(m->out->arena, count, s->entry_size);
	if (!made->data)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->entry_count; i++) {
		if (!entry_is_kept(&s->entries[i]))
			continue;
		memcpy(made->data + made->size, s->elf->data + s->entries[i].offset, s->entry_size);
		made->size += s->entry_size;
	}
	return 0;
}

/* A section that goes with another one's entries. */
static int make_whole(struct maker *m, struct atom_section *s)
{
	const struct elf_section *first =
		elf_object_section(m->diff->patched.object, s->special->follows);

	if (!first || count_kept(first->user) == 0 || !s->elf->data)
		return 0;
	struct elf_section *made = make_section(m, s);
	if (!made)
		return ERR_NO_MEMORY;
	made->data = arena_memdup(m->out->arena, s->elf->data, s->elf->size);
	made->size = s->elf->size;
	return made->data ? 0 : ERR_NO_MEMORY;
}

/* Where the atom has a branch, a no-op of its length; a relocation in it goes. */
static bool make_noop(const struct atom *atom, uint64_t position)
{
	static const uint8_t noop2[] = { 0x66, 0x90 }, noop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	uint64_t at = position - atom->start, size = atom->end - atom->start;
	uint8_t *code = atom->section->made->data + atom->placed + at;

	if (size - at >= sizeof(noop5) && (code[0] == 0xe9 || memcmp(code, noop5, 5) == 0))
		memcpy(code, noop5, sizeof(noop5));
	else if (size - at >= sizeof(noop2) && (code[0] == 0xeb || memcmp(code, noop2, 2) == 0))
		memcpy(code, noop2, sizeof(noop2));
	else
		return false;
	for (size_t i = 0; i < atom->ref_count; i++)
		atom->refs[i].gone |= atom->refs[i].offset == position + 1;
	return true;
}

/* Branches of entries that are not taken along: nothing else would ever make them no-ops. */
static int silence_entries(struct maker *m, const struct atom_section *s)
{
	for (size_t i = 0; i < s->entry_count; i++) {
		const struct special_entry *entry = &s->entries[i];
		const struct atom *owner = entry->owner;

		if (!entry->silenced || !owner->kept)
			continue;
		int64_t position = entry->refs[0].position;
		if (position < (int64_t)owner->start || position >= (int64_t)owner->end ||
		    !make_noop(owner, (uint64_t)position))
			return error_set(m->err, ERR_NOT_PATCHABLE,
					 "%s: an entry of %s for %s leads to no branch",
					 m->diff->name, s->elf->name, owner->name);
	}
	return 0;
}

static int make_sections(struct maker *m)
{
	const struct atom_set *unit = &m->diff->patched;
	int e = 0;

	for (size_t i = 0; e == 0 && i < unit->section_count; i++) {
		struct atom_section *s = &unit->sections[i];

		s->made = NULL;
		s->made_symbol = NULL;
		if (s->class != CLASS_SPECIAL)
			e = make_content(m, s);
		else if (s->special->carried && s->special->whole)
			e = make_whole(m, s);
		else if (s->special->carried)
			e = make_entries(m, s);
	}
	for (size_t i = 0; e == 0 && i < unit->section_count; i++)
		e = silence_entries(m, &unit->sections[i]);
	return e;
}

static struct elf_symbol *define(struct maker *m, const struct atom *atom, const char *name,
				 const struct elf_symbol *like, uint8_t binding)
{
	struct elf_symbol *sym = elf_object_add_symbol(m->out, name);

	if (!sym)
		return NULL;
	sym->type = atom->kind == ATOM_FUNCTION ? STT_FUNC : like->type;
	sym->binding = binding;
	sym->section = atom->section->made;
	sym->value = atom->placed + (like->value - atom->start);
	sym->size = like->size;
	return sym;
}

/* A replaced function keeps its name as a local symbol; the module's table uses the other. */
static int define_changed(struct maker *m, struct atom *atom)
{
	const char *name = atom->pair->name;
	const char *global =
		arena_printf(m->out->arena, "suture_new.%s.%s", m->diff->unit_name, name);

	atom->made = define(m, atom, name, atom->symbol, STB_LOCAL);
	if (!global || !atom->made)
		return ERR_NO_MEMORY;
	return define(m, atom, global, atom->symbol, STB_GLOBAL) ? 0 : ERR_NO_MEMORY;
}

/* Things that are new keep all their names; copies of contents and cold parts stay private. */
static int define_symbol(struct maker *m, const struct elf_symbol *sym)
{
	struct atom *atom = sym->user;
	bool private = atom->kind == ATOM_CONTENT || atom->parent;

	if (atom->kind == ATOM_FUNCTION && atom->changed)
		return sym == atom->symbol ? define_changed(m, atom) : 0;
	struct elf_symbol *made =
		define(m, atom, sym->name, sym, private ? STB_LOCAL : sym->binding);
	if (sym == atom->symbol)
		atom->made = made;
	return made ? 0 : ERR_NO_MEMORY;
}

static int make_file_symbol(struct maker *m)
{
	const struct elf_object *object = m->diff->patched.object;

	for (size_t i = 0; i < object->symbol_count; i++) {
		if (object->symbols[i]->type != STT_FILE)
			continue;
		struct elf_symbol *sym = elf_object_add_symbol(m->out, object->symbols[i]->name);
		if (!sym)
			return ERR_NO_MEMORY;
		sym->type = STT_FILE;
		sym->binding = STB_LOCAL;
		sym->shndx = SHN_ABS;
		return 0;
	}
	return 0;
}

static int make_symbols(struct maker *m)
{
	const struct elf_object *object = m->diff->patched.object;
	int e = 0;

	for (size_t i = 0; e == 0 && i < object->symbol_count; i++) {
		const struct elf_symbol *sym = object->symbols[i];
		const struct atom *atom = sym->user;

		if (atom && atom->kept && sym->type != STT_SECTION)
			e = define_symbol(m, sym);
	}
	return e;
}

static int add_needed(struct maker *m, const char *symbol, const struct extract_symbol *info,
		      uint8_t binding, struct elf_symbol **ret)
{
	struct arena *arena = m->extract->arena;
	const struct name_entry *entry = name_table_find(m->undefined, symbol);

	if (entry) {
		*ret = ((struct needed *)entry->items.items[0])->made;
		return 0;
	}
	struct needed *n = arena_new_object(arena, struct needed);
	if (!n)
		return ERR_NO_MEMORY;
	n->info = *info;
	n->info.symbol = arena_strdup(arena, symbol);
	n->info.name = arena_strdup(arena, info->name);
	n->info.file = info->file ? arena_strdup(arena, info->file) : NULL;
	n->made = elf_object_add_symbol(m->out, symbol);
	if (!n->info.symbol || !n->info.name || (info->file && !n->info.file) || !n->made)
		return ERR_NO_MEMORY;
	n->made->binding = binding;
	*ret = n->made;
	int e = name_table_add(m->undefined, n->info.symbol, n);
	return e < 0 ? e : VEC_PUSH(&m->needed, n);
}

/* A name that nothing else in the module has. */
static const char *own_name(const struct maker *m, const char *name)
{
	return arena_printf(m->out->arena, "suture_ref.%s.%s", m->diff->unit_name, name);
}

/* The running kernel's own copy of something that this file defines; `renamed`: not under its own
 * name, even if that is global. */
static int need_own(struct maker *m, struct atom *atom, bool renamed, struct elf_symbol **ret)
{
	struct elf_symbol *original = atom->pair->symbol;
	bool local = original->binding == STB_LOCAL;
	struct extract_symbol info = {
		.name = original->name,
		.file = local ? original->file : NULL,
		.local = local,
		.own = true,
		.type = original->type,
		.size = original->size,
		.original = original,
	};

	if (!local && !renamed)
		return add_needed(m, original->name, &info, STB_GLOBAL, ret);
	const char *symbol = own_name(m, original->name);
	return symbol ? add_needed(m, symbol, &info, STB_GLOBAL, ret) : ERR_NO_MEMORY;
}

static int need_outside(struct maker *m, const struct ref *ref, struct elf_symbol **ret)
{
	const struct elf_symbol *sym = ref->symbol;
	struct extract_symbol info = { .name = sym->name, .type = STT_NOTYPE };
	const char *symbol = ref->renamed ? own_name(m, sym->name) : sym->name;

	if (!symbol)
		return ERR_NO_MEMORY;
	return add_needed(m, symbol, &info, sym->binding == STB_WEAK ? STB_WEAK : STB_GLOBAL, ret);
}

/* A static call's trampoline is of no use without its key: objtool's table of call sites names the
 * key. */
static int need_static_call_key(struct maker *m, const char *trampoline)
{
	struct extract_symbol info = { .type = STT_NOTYPE };
	struct elf_symbol *unused;

	if (!str_has_prefix(trampoline, "__SCT__"))
		return 0;
	info.name = arena_printf(m->out->arena, "__SCK__%s", trampoline + strlen("__SCT__"));
	if (!info.name)
		return ERR_NO_MEMORY;
	const struct elf_symbol *key = elf_object_symbol(m->diff->patched.object, info.name);
	struct atom *atom = key ? key->user : NULL;
	if (atom && atom->pair)
		return need_own(m, atom, false, &unused);
	return add_needed(m, info.name, &info, STB_GLOBAL, &unused);
}

/*
 * Whether a reference stays within the object. An address of a changed function that is not a call
 * is the kernel's: it may be stored, compared, and used after this patch is gone. What belongs to
 * the function itself (special sections, jump tables) means this code.
 */
static bool stays_inside(const struct ref *ref, bool special)
{
	const struct atom *target = ref->target;

	if (!target->kept)
		return false;
	if (target->kind != ATOM_FUNCTION || special || ref->branch || !target->changed)
		return true;
	return target->parent || ref->position != (int64_t)target->entry;
}

static int relocate_inside(const struct ref *ref, struct elf_rela *rela)
{
	const struct atom *target = ref->target;
	int64_t moved = (int64_t)target->placed - (int64_t)target->start;

	if (!ref->rela) {
		rela->symbol = target->section->made_symbol;
		rela->addend = ref->position + moved - 4;
	} else if (ref->symbol->type != STT_SECTION && target->made) {
		rela->symbol = target->made;
		rela->addend = ref->rela->addend + (int64_t)ref->symbol->value -
			       (int64_t)target->symbol->value;
	} else {
		rela->symbol = target->section->made_symbol;
		rela->addend = ref->rela->addend + (int64_t)ref->symbol->value + moved;
	}
	return 0;
}

static int relocate_to_kernel(struct maker *m, const struct ref *ref, struct elf_rela *rela)
{
	struct atom *target = ref->target;
	int64_t addend =
		ref->rela ? ref->rela->addend + (int64_t)ref->symbol->value : ref->position - 4;

	if (!target->pair || !target->symbol || !target->pair->symbol)
		return error_set(m->err, ERR_NOT_PATCHABLE,
				 "%s: a reference to section %s cannot be expressed", m->diff->name,
				 target->section->elf->name);
	rela->addend = addend - (int64_t)target->symbol->value;
	int e = need_own(m, target, ref->renamed, &rela->symbol);
	return e < 0 || ref->renamed ? e : need_static_call_key(m, target->symbol->name);
}

static int relocate(struct maker *m, const struct ref *ref, bool special, struct elf_rela *rela)
{
	rela->type = ref->type;
	if (ref->section)
		return stays_inside(ref, special) ? relocate_inside(ref, rela)
						  : relocate_to_kernel(m, ref, rela);
	rela->addend = ref->rela->addend;
	int e = need_outside(m, ref, &rela->symbol);
	return e < 0 || ref->renamed ? e : need_static_call_key(m, ref->symbol->name);
}

/* Relocations of the atoms kept from one section, or of the entries kept from a table. */
static int make_relas(struct maker *m, struct atom_section *s)
{
	struct elf_section *made = s->made;
	size_t max = s->refs.count, n = 0;
	uint64_t entry_at = 0;

	if (!made || max == 0)
		return 0;
	struct elf_section *rela = elf_object_add_rela(m->out, made, NULL, 0, max);
	if (!rela)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->atoms.count; i++) {
		const struct atom *atom = s->atoms.items[i];

		for (size_t k = 0; atom->kept && k < atom->ref_count; k++) {
			if (atom->refs[k].gone)
				continue;
			rela->relas[n].offset = atom->placed + (atom->refs[k].offset - atom->start);
			int e = relocate(m, &atom->refs[k], false, &rela->relas[n++]);
			if (e < 0)
				return e;
		}
	}
	for (size_t i = 0; i < s->entry_count; i++) {
		const struct special_entry *entry = &s->entries[i];

		if (!entry_is_kept(entry))
			continue;
		for (size_t k = 0; k < entry->ref_count; k++, n++) {
			rela->relas[n].offset = entry_at + (entry->refs[k].offset - entry->offset);
			int e = relocate(m, &entry->refs[k], true, &rela->relas[n]);
			if (e < 0)
				return e;
		}
		entry_at += entry->size;
	}
	rela->rela_count = n;
	return 0;
}

static int compare_needed(const void *a, const void *b)
{
	return strcmp(((const struct extract_symbol *)a)->symbol,
		      ((const struct extract_symbol *)b)->symbol);
}

static int list_needed(struct maker *m)
{
	struct extract *extract = m->extract;

	extract->symbols = calloc(m->needed.count + 1, sizeof(*extract->symbols));
	if (!extract->symbols)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < m->needed.count; i++)
		extract->symbols[extract->symbol_count++] = m->needed.items[i]->info;
	qsort(extract->symbols, extract->symbol_count, sizeof(*extract->symbols), compare_needed);
	return 0;
}

static int make(struct maker *m)
{
	const struct atom_set *unit = &m->diff->patched;
	int e = elf_object_new(&m->out);

	m->undefined = name_table_new();
	if (e == 0 && !m->undefined)
		e = ERR_NO_MEMORY;
	if (e == 0)
		e = make_file_symbol(m);
	if (e == 0)
		e = make_sections(m);
	if (e == 0)
		e = make_symbols(m);
	for (size_t i = 0; e == 0 && i < unit->section_count; i++)
		e = make_relas(m, &unit->sections[i]);
	if (e == 0)
		e = list_needed(m);
	return e == 0 ? elf_object_write(m->out, &m->extract->object, m->err) : e;
}

int extract_object(const struct diff *diff, struct extract **ret, struct error *err)
{
	if (diff->result.verdict != DIFF_ACCEPTED)
		return error_set(err, ERR_BAD_STATE, "%s: only an accepted change can be extracted",
				 diff->name);
	_cleanup_extract_ struct extract *extract = calloc(1, sizeof(*extract));
	if (!extract)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	extract->object = BUF_INIT(OBJECT_MAX);
	extract->arena = arena_new(ARENA_MAX);
	struct error why = { 0 };
	_cleanup_(maker_done) struct maker m = { .diff = diff, .extract = extract, .err = &why };
	int e = extract->arena ? make(&m) : ERR_NO_MEMORY;
	if (e < 0)
		return error_set(err, e, "%s", why.code ? why.message : error_code_name(e));
	*ret = TAKE_PTR(extract);
	return 0;
}
