/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/diff/atom.h"

#include "build/diff/atom_internal.h"

/* Sections that are looked into. */
static bool has_atoms(const struct atom_section *s)
{
	return s->class != CLASS_IGNORED && s->class != CLASS_SPECIAL && s->class != CLASS_REFUSED;
}

static bool has_code(const struct atom_section *s)
{
	return s->class == CLASS_TEXT || s->class == CLASS_INIT_TEXT || s->class == CLASS_SNIPPET;
}

bool atom_is_code(const struct atom *atom)
{
	return has_code(atom->section);
}

bool atom_is_init(const struct atom *atom)
{
	return atom->section->class == CLASS_INIT_TEXT || atom->section->class == CLASS_INIT_DATA;
}

struct atom *atom_owner(struct atom *atom)
{
	return atom->parent ? atom->parent : atom;
}

bool atom_is_traceable(const struct atom *atom)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const struct elf_section *s = atom->section->elf;
	uint64_t at = atom->entry;

	if (!s->data || at + 9 > atom->end)
		return false;
	if (memcmp(s->data + at, endbr, sizeof(endbr)) == 0)
		at += sizeof(endbr);
	for (size_t i = 0; i < atom->ref_count; i++) {
		const struct ref *ref = &atom->refs[i];
		if (ref->offset == at + 1)
			return s->data[at] == 0xe8 && ref->symbol &&
			       streq(ref->symbol->name, "__fentry__");
	}
	return false;
}

static int compare_positions(const struct atom *atom, int64_t position)
{
	if (position < 0 || (uint64_t)position < atom->start)
		return -1;
	return (uint64_t)position < atom->end || (uint64_t)position == atom->start ? 0 : 1;
}

/* A section of its own for one variable: whatever is near it means it (arrays are addressed from
 * before their first element, too). */
static bool is_single_variable(const struct atom_section *s)
{
	return s->atoms.count == 1 && !has_code(s) && !section_is_table(s->class) &&
	       s->atoms.items[0]->symbol && s->atoms.items[0]->start == 0 &&
	       s->atoms.items[0]->end == s->elf->size;
}

struct atom *atom_at(const struct atom_section *s, int64_t position)
{
	size_t low = 0, high = s->atoms.count;

	if (is_single_variable(s))
		return s->atoms.items[0];
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare_positions(s->atoms.items[middle], position);
		if (c == 0)
			return s->atoms.items[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	bool behind =
		low > 0 && position >= 0 && (uint64_t)position == s->atoms.items[low - 1]->end;
	return behind && !has_code(s) ? s->atoms.items[low - 1] : NULL;
}

int atom_add(struct atom_set *unit, struct atom_section *section, enum atom_kind kind,
	     uint64_t start, uint64_t end, struct atom **ret)
{
	struct atom *atom = arena_new_object(unit->arena, struct atom);

	if (!atom)
		return ERR_NO_MEMORY;
	atom->kind = kind;
	atom->section = section;
	atom->start = atom->entry = start;
	atom->end = end;
	atom->name = section->elf->name;
	if (ret)
		*ret = atom;
	return VEC_PUSH(&section->atoms, atom);
}

/* True for the name that the compiler gave the section, which an alias has not. */
static bool names_section(const struct elf_symbol *sym)
{
	const char *section = sym->section->name;
	size_t n = strlen(section), m = strlen(sym->name);

	return n > m && section[n - m - 1] == '.' && streq(section + n - m, sym->name);
}

/* Which name of a place comes first: its own, then aliases; the most global. */
static int symbol_rank(const struct elf_symbol *sym)
{
	int rank = sym->binding == STB_GLOBAL ? 0 : sym->binding == STB_WEAK ? 1 : 2;

	rank += sym->type == STT_NOTYPE ? 3 : 0;
	return names_section(sym) ? rank : rank + 6;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct elf_symbol *x = *(struct elf_symbol *const *)a;
	const struct elf_symbol *y = *(struct elf_symbol *const *)b;

	if (x->section != y->section)
		return x->section->index < y->section->index ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	if (symbol_rank(x) != symbol_rank(y))
		return symbol_rank(x) - symbol_rank(y);
	return x->index < y->index ? -1 : x->index > y->index;
}

static int check_symbol(struct atom_set *unit, const struct elf_symbol *sym, struct error *err)
{
	switch (sym->type) {
	case STT_NOTYPE:
	case STT_OBJECT:
	case STT_FUNC: break;
	default:
		return error_set(err, ERR_UNSUPPORTED, "%s: symbol %s has type %u", unit->name,
				 sym->name, sym->type);
	}
	return 0;
}

/* Assembler-local labels (.LC3) survive in some references; they name nothing. */
static bool is_label(const struct elf_symbol *sym)
{
	return *sym->name == 0 || str_has_prefix(sym->name, ".L");
}

static int named_symbols(struct atom_set *unit, struct elf_symbol ***ret, size_t *ret_count,
			 struct error *err)
{
	VEC(struct elf_symbol *) list = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < unit->object->symbol_count; i++) {
		struct elf_symbol *sym = unit->object->symbols[i];

		if (sym->type == STT_SECTION || sym->type == STT_FILE)
			continue;
		e = check_symbol(unit, sym, err);
		if (e == 0 && sym->section && !is_label(sym) &&
		    has_atoms((struct atom_section *)sym->section->user))
			e = VEC_PUSH(&list, sym);
	}
	if (list.count > 0)
		qsort(list.items, list.count, sizeof(struct elf_symbol *), compare_symbols);
	*ret = list.items;
	*ret_count = list.count;
	return e;
}

static enum atom_kind named_kind(const struct atom_section *s, const struct elf_symbol *sym)
{
	if (s->class == CLASS_SNIPPET)
		return ATOM_CONTENT;
	if (has_code(s))
		return ATOM_FUNCTION;
	return sym->type == STT_OBJECT && sym->size == 0 && name_is_numbered(sym->name)
		       ? ATOM_CONTENT /* an empty structure holds nothing */
		       : ATOM_DATA;
}

/* A label without a size reaches to the next symbol of its section. `next` goes ahead of `i`. */
static uint64_t symbol_end(struct elf_symbol **symbols, size_t count, size_t i, size_t *next)
{
	const struct elf_symbol *sym = symbols[i];

	if (sym->size > 0 || sym->type == STT_OBJECT)
		return sym->value + sym->size;
	*next = MAX(*next, i + 1);
	while (*next < count && symbols[*next]->section == sym->section &&
	       symbols[*next]->value <= sym->value)
		++*next;
	return *next < count && symbols[*next]->section == sym->section ? symbols[*next]->value
									: sym->section->size;
}

/* objtool gives the no-ops before a function a name of their own, `__pfx_` and the function's
 * (elf_create_prefix_symbol() of tools/objtool/elf.c). They are part of it. */
static bool is_padding(struct elf_symbol **symbols, size_t count, size_t i)
{
	static const char prefix[] = "__pfx_";
	const struct elf_symbol *sym = symbols[i];

	if (sym->type != STT_FUNC || sym->size == 0 || !str_has_prefix(sym->name, prefix))
		return false;
	for (i++; i < count && symbols[i]->section == sym->section; i++) {
		if (symbols[i]->value > sym->value + sym->size)
			break;
		if (symbols[i]->value == sym->value + sym->size &&
		    streq(symbols[i]->name, sym->name + strlen(prefix)))
			return true;
	}
	return false;
}

static int add_named(struct atom_set *unit, struct elf_symbol **symbols, size_t count)
{
	size_t next = 0;

	for (size_t i = 0; i < count; i++) {
		struct elf_symbol *sym = symbols[i];
		struct atom_section *s = sym->section->user;
		struct atom *last = s->atoms.count ? s->atoms.items[s->atoms.count - 1] : NULL;

		if (is_padding(symbols, count, i))
			continue;
		if (last && (sym->value < last->end || sym->value == last->start)) {
			sym->user = last;
			continue;
		}
		int e = atom_add(unit, s, named_kind(s, sym), sym->value,
				 symbol_end(symbols, count, i, &next), &last);
		if (e < 0)
			return e;
		last->symbol = sym;
		last->name = sym->name;
		sym->user = last;
		if (last->kind != ATOM_DATA || !name_is_numbered(sym->name))
			continue;
		last->base = name_base(unit->arena, sym->name);
		if (!last->base)
			return ERR_NO_MEMORY;
	}
	return 0;
}

static int named_atoms(struct atom_set *unit, struct error *err)
{
	_cleanup_free_ struct elf_symbol **symbols = NULL;
	size_t count = 0;
	int e = named_symbols(unit, &symbols, &count, err);

	return e < 0 ? e : add_named(unit, symbols, count);
}

/* A section with one function is that function, padding and all. */
static void stretch_functions(struct atom_set *unit)
{
	for (size_t i = 0; i < unit->section_count; i++) {
		struct atom_section *s = &unit->sections[i];

		if (!has_code(s) || s->class == CLASS_SNIPPET || s->atoms.count != 1)
			continue;
		s->atoms.items[0]->start = 0;
		s->atoms.items[0]->end = s->elf->size;
	}
}

static int link_cold_parts(struct atom_set *unit)
{
	_cleanup_name_table_ struct name_table *functions = name_table_new();
	int e = functions ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; e == 0 && i < unit->object->symbol_count; i++) {
		struct elf_symbol *sym = unit->object->symbols[i];
		struct atom *atom = sym->user;
		if (atom && atom->kind == ATOM_FUNCTION)
			e = name_table_add(functions, sym->name, atom);
	}
	for (size_t i = 0; e == 0 && i < unit->object->symbol_count; i++) {
		struct elf_symbol *sym = unit->object->symbols[i];
		struct atom *atom = sym->user;
		size_t len;

		if (!atom || atom->symbol != sym || atom->kind != ATOM_FUNCTION ||
		    !name_is_cold(sym->name, &len))
			continue;
		const char *parent = arena_strndup(unit->arena, sym->name, len);
		if (!parent)
			return ERR_NO_MEMORY;
		const struct name_entry *entry = name_table_find(functions, parent);
		struct atom *owner = entry ? entry->items.items[0] : NULL;
		if (owner && owner != atom && !owner->cold) {
			atom->parent = owner;
			owner->cold = atom;
		}
	}
	return e;
}

static int open_sections(struct atom_set *unit, const struct special_sizes *sizes,
			 bool objtool_again, struct error *err)
{
	struct elf_object *object = unit->object;

	unit->section_count = object->section_count;
	unit->sections = arena_alloc(unit->arena, object->section_count, sizeof(*unit->sections));
	if (!unit->sections)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < object->section_count; i++) {
		struct atom_section *s = &unit->sections[i];

		s->elf = object->sections[i];
		s->elf->user = s;
		s->class = section_class(s->elf);
		if (s->class != CLASS_SPECIAL)
			continue;
		s->special = special_find(s->elf->name);
		if (objtool_again && s->special->by_objtool) {
			s->class = CLASS_IGNORED;
			s->special = NULL;
			continue;
		}
		int e = special_entry_size(s->special, sizes, s->elf, &s->entry_size, err);
		if (e < 0)
			return error_prefix(err, e, "%s", unit->name);
	}
	return 0;
}

/* Points each atom at the references within it. */
static void attach_refs(struct atom_section *s)
{
	size_t k = 0;

	for (size_t i = 0; i < s->atoms.count; i++) {
		struct atom *atom = s->atoms.items[i];

		while (k < s->refs.count && s->refs.items[k].offset < atom->start)
			k++;
		atom->refs = s->refs.items + k;
		while (k < s->refs.count && s->refs.items[k].offset < atom->end)
			k++;
		atom->ref_count = (size_t)(s->refs.items + k - atom->refs);
	}
}

static int finish(struct atom_set *unit)
{
	for (size_t i = 0; i < unit->section_count; i++) {
		struct atom_section *s = &unit->sections[i];

		if (s->refs.count > 0)
			attach_refs(s);
		for (size_t k = 0; k < s->atoms.count; k++) {
			s->atoms.items[k]->order = (uint32_t)unit->atoms.count;
			int e = VEC_PUSH(&unit->atoms, s->atoms.items[k]);
			if (e < 0)
				return e;
		}
		for (size_t k = 0; k < s->refs.count; k++) {
			struct ref *ref = &s->refs.items[k];
			if (ref->section)
				ref->target = atom_at(ref->section, ref->position);
		}
	}
	return 0;
}

static int open_unit(struct atom_set *unit, const struct special_sizes *sizes, bool objtool_again,
		     struct error *err)
{
	int e = open_sections(unit, sizes, objtool_again, err);

	if (e == 0)
		e = named_atoms(unit, err);
	if (e == 0)
		e = link_cold_parts(unit);
	if (e == 0)
		e = atom_read_refs(unit, err);
	if (e == 0) {
		stretch_functions(unit);
		atom_stretch_padding(unit);
		e = atom_decode(unit);
	}
	if (e == 0)
		e = atom_find_unnamed(unit);
	if (e == 0)
		e = finish(unit);
	if (e == 0)
		atom_find_copies(unit);
	return e == 0 ? atom_read_entries(unit, sizes, err) : e;
}

int atom_set_open(struct elf_object *object, const char *name, const struct special_sizes *sizes,
		  bool objtool_again, struct arena *arena, struct atom_set *ret, struct error *err)
{
	struct error why = { 0 };

	*ret = (struct atom_set){ .object = object, .arena = arena, .name = name };
	int e = open_unit(ret, sizes, objtool_again, &why);
	if (e == 0)
		return 0;
	atom_set_close(ret);
	return error_set(err, e, "%s", why.code ? why.message : "out of memory");
}

void atom_set_close(struct atom_set *unit)
{
	for (size_t i = 0; i < unit->section_count; i++) {
		struct atom_section *s = &unit->sections[i];

		for (size_t k = 0; k < s->atoms.count; k++)
			free(s->atoms.items[k]->entries.items);
		free(s->atoms.items);
		free(s->refs.items);
	}
	free(unit->atoms.items);
	*unit = (struct atom_set){ 0 };
}
