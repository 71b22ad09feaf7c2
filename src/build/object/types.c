/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/types.h"

#include <dwarf.h>

#define ARENA_MAX   ((size_t)256 << 20)
#define MEMBERS_MAX 65536

/* libdw reads a file's sections as they are; in an object their references are still relocations.
 */
static int relocate(const struct elf_section *s, struct arena *arena, uint8_t **ret)
{
	uint8_t *data = arena_alloc(arena, s->size, 1);

	if (!data)
		return ERR_NO_MEMORY;
	memcpy(data, s->data, s->size);
	for (size_t i = 0; s->rela && i < s->rela->rela_count; i++) {
		const struct elf_rela *r = &s->rela->relas[i];
		uint32_t value;

		/* Addresses of code are 64 bits wide; nobody asks for them. */
		if (r->type != R_X86_64_32 || !r->symbol || !r->symbol->section ||
		    s->size < sizeof(value) || r->offset > s->size - sizeof(value))
			continue;
		value = (uint32_t)(r->symbol->value + (uint64_t)r->addend);
		memcpy(data + r->offset, &value, sizeof(value));
	}
	*ret = data;
	return 0;
}

static int make_image(const struct elf_object *object, struct types *t)
{
	static const char *const wanted[] = { ".debug_info", ".debug_abbrev", ".debug_str" };
	_cleanup_elf_object_ struct elf_object *image = NULL;
	int r = elf_object_new(&image);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(wanted); i++) {
		const struct elf_section *s = elf_object_section(object, wanted[i]);

		if (!s || !s->data)
			return ERR_NOT_FOUND;

		struct elf_section *copy =
			elf_object_add_section(image, wanted[i], SHT_PROGBITS, 0, 1);

		if (!copy)
			return ERR_NO_MEMORY;
		copy->size = s->size;
		r = relocate(s, image->arena, &copy->data);
	}
	return r < 0 ? r : elf_object_write(image, &t->image, NULL);
}

int types_next(Dwarf_Die *die)
{
	Dwarf_Off before = dwarf_dieoffset(die);
	int r = dwarf_siblingof(die, die);

	if (r == 0 && dwarf_dieoffset(die) <= before)
		return ERR_INVALID;
	return r < 0 ? ERR_INVALID : r;
}

static bool refers_to(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, ret);
}

static bool number(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &value) != 0)
		return false;
	*ret = value;
	return true;
}

const char *types_name(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name ? name : "";
}

bool types_is_aggregate(Dwarf_Die *die)
{
	int tag = die->addr ? dwarf_tag(die) : 0;

	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

Dwarf_Die types_of(Dwarf_Die *die)
{
	Dwarf_Die at = *die;

	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX && refers_to(&at, &at); depth++) {
		switch (dwarf_tag(&at)) {
		case DW_TAG_typedef:
		case DW_TAG_volatile_type:
		case DW_TAG_const_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type: break;
		default: return at;
		}
	}
	return (Dwarf_Die){ 0 };
}

/* How many elements an array has, over all its dimensions; 0 if one has no length. */
static uint64_t count_elements(Dwarf_Die *array)
{
	uint64_t count = 1, n;
	Dwarf_Die child;
	int r = dwarf_child(array, &child);

	for (; r == 0; r = types_next(&child)) {
		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (!number(&child, DW_AT_count, &n)) {
			if (!number(&child, DW_AT_upper_bound, &n))
				return 0;
			n++;
		}
		count *= n;
	}
	return count;
}

uint64_t types_size(Dwarf_Die *die)
{
	uint64_t count = 1, size;
	Dwarf_Die at = *die;

	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX && at.addr; depth++) {
		if (number(&at, DW_AT_byte_size, &size))
			return count * size;
		if (dwarf_tag(&at) != DW_TAG_array_type)
			return 0;
		count *= count_elements(&at);
		at = types_of(&at);
	}
	return 0;
}

Dwarf_Die types_element(Dwarf_Die *die)
{
	Dwarf_Die at = *die;

	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX && at.addr; depth++) {
		if (dwarf_tag(&at) != DW_TAG_array_type)
			return at;
		at = types_of(&at);
	}
	return (Dwarf_Die){ 0 };
}

/* Bit fields: from DWARF 5 on by their first bit; before, by the bits left of them in the number
 * that they are part of. */
static int read_member(Dwarf_Die *die, struct types_member *m)
{
	uint64_t byte = 0, bit, size;

	*m = (struct types_member){ .name = types_name(die), .type = types_of(die) };
	m->size = types_size(&m->type);
	(void)number(die, DW_AT_bit_size, &m->width);
	if (number(die, DW_AT_data_bit_offset, &m->bit))
		return 0;
	if (dwarf_hasattr(die, DW_AT_data_member_location) &&
	    !number(die, DW_AT_data_member_location, &byte))
		return ERR_INVALID;
	m->bit = byte * 8;
	if (number(die, DW_AT_bit_offset, &bit))
		m->bit +=
			(number(die, DW_AT_byte_size, &size) ? size : m->size) * 8 - bit - m->width;
	return 0;
}

int types_members(struct types *t, Dwarf_Die *die, struct types_members *ret)
{
	size_t n = 0, i = 0;
	Dwarf_Die child;
	int r;

	*ret = (struct types_members){ 0 };
	for (r = dwarf_child(die, &child); r == 0; r = types_next(&child))
		n += dwarf_tag(&child) == DW_TAG_member;
	if (r < 0 || n > MEMBERS_MAX)
		return ERR_INVALID;
	ret->items = arena_alloc(t->arena, n + 1, sizeof(*ret->items));
	if (!ret->items)
		return ERR_NO_MEMORY;
	for (r = dwarf_child(die, &child); r == 0 && i < n; r = types_next(&child)) {
		if (dwarf_tag(&child) != DW_TAG_member)
			continue;
		r = read_member(&child, &ret->items[i++]);
		if (r < 0)
			return r;
	}
	ret->n = i;
	return 0;
}

const char *types_key(struct types *t, Dwarf_Die *die)
{
	const char *name = types_name(die);

	return *name ? arena_printf(t->arena, "%s %s",
				    dwarf_tag(die) == DW_TAG_union_type ? "union" : "struct", name)
		     : NULL;
}

static int add_die_to(struct types *t, struct name_table *table, const char *key,
		      const Dwarf_Die *die)
{
	Dwarf_Die *copy = arena_new_object(t->arena, Dwarf_Die);

	if (!key || !copy)
		return ERR_NO_MEMORY;
	*copy = *die;
	return name_table_add(table, key, copy);
}

/* A typedef that is the only name of a structure. */
static int add_typedef(struct types *t, Dwarf_Die *die)
{
	Dwarf_Die type;

	if (!refers_to(die, &type) || !types_is_aggregate(&type) || *types_name(&type) ||
	    dwarf_hasattr(&type, DW_AT_declaration))
		return 0;
	return add_die_to(t, t->named, types_name(die), &type);
}

static int add_enumerators(struct types *t, Dwarf_Die *die)
{
	Dwarf_Die child;
	uint64_t value;
	int r;

	for (r = dwarf_child(die, &child); r == 0; r = types_next(&child)) {
		if (dwarf_tag(&child) != DW_TAG_enumerator ||
		    !number(&child, DW_AT_const_value, &value))
			continue;
		r = name_table_add(t->enumerators, types_name(&child), (void *)(uintptr_t)value);
		if (r < 0)
			return r;
	}
	return r < 0 ? ERR_INVALID : 0;
}

/* Is it in memory, not on the stack or in a register? (DWARF 5, 2.6.1.1.2) */
static bool is_static(Dwarf_Die *variable)
{
	Dwarf_Attribute attribute;
	Dwarf_Block place;

	return dwarf_attr(variable, DW_AT_location, &attribute) &&
	       dwarf_formblock(&attribute, &place) == 0 && place.length > 0 &&
	       place.data[0] == DW_OP_addr;
}

/* Constants have no state: what they hold is for the objects to compare. */
static bool is_constant(Dwarf_Die *variable)
{
	Dwarf_Die at = *variable;

	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX && refers_to(&at, &at); depth++) {
		switch (dwarf_tag(&at)) {
		case DW_TAG_const_type: return true;
		case DW_TAG_array_type:
		case DW_TAG_typedef:
		case DW_TAG_volatile_type: break;
		default: return false;
		}
	}
	return false;
}

/* The static variables of a function and of the blocks in it, as "FUNCTION.NAME". */
static int add_locals(struct types *t, Dwarf_Die *scope, const char *function, unsigned depth)
{
	Dwarf_Die die;
	int end = depth < TYPES_DEPTH_MAX ? dwarf_child(scope, &die) : -1, r = 0;

	for (; r == 0 && end == 0; end = types_next(&die)) {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_lexical_block)
			r = add_locals(t, &die, function, depth + 1);
		else if (tag == DW_TAG_variable && *types_name(&die) && is_static(&die) &&
			 !is_constant(&die))
			r = add_die_to(t, t->variables,
				       arena_printf(t->arena, "%s.%s", function, types_name(&die)),
				       &die);
	}
	return end < 0 ? ERR_INVALID : r;
}

static int add_die(void *user, Dwarf_Die *die)
{
	struct types *t = user;

	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return *types_name(die) && !dwarf_hasattr(die, DW_AT_declaration)
			       ? add_die_to(t, t->named, types_key(t, die), die)
			       : 0;
	case DW_TAG_typedef: return add_typedef(t, die);
	case DW_TAG_enumeration_type: return add_enumerators(t, die);
	case DW_TAG_variable:
		return *types_name(die) && !is_constant(die)
			       ? add_die_to(t, t->variables, types_name(die), die)
			       : 0;
	case DW_TAG_subprogram:
		return *types_name(die) ? add_locals(t, die, types_name(die), 0) : 0;
	default: return 0;
	}
}

/* Units must fill the section: what libdw cannot follow, it leaves out without a word. */
int types_each(struct types *t, int (*each)(void *user, Dwarf_Die *die), void *user)
{
	Dwarf_Off at = 0, next, size = t->info_size;
	Dwarf_Die top, die;
	size_t header;
	int r = 0;

	for (; r == 0 && at < size; at = next) {
		if (dwarf_next_unit(t->dwarf, at, &next, &header, NULL, NULL, NULL, NULL, NULL,
				    NULL) != 0 ||
		    next <= at || next > size || !dwarf_offdie(t->dwarf, at + header, &top))
			return ERR_INVALID;

		int end = dwarf_child(&top, &die);

		for (; r == 0 && end == 0; end = types_next(&die))
			r = each(user, &die);
		if (end < 0)
			return ERR_INVALID;
	}
	return r;
}

int types_open(const struct elf_object *object, struct types *t)
{
	*t = (struct types){ .image = BUF_INIT(ELF_OBJECT_SIZE_MAX) };

	int r = make_image(object, t);

	if (r < 0)
		return r;
	t->named = name_table_new();
	t->enumerators = name_table_new();
	t->variables = name_table_new();
	t->arena = arena_new(ARENA_MAX);
	if (!t->named || !t->enumerators || !t->variables || !t->arena)
		return ERR_NO_MEMORY;
	elf_version(EV_CURRENT);
	t->elf = elf_memory((char *)t->image.data, t->image.len);
	t->dwarf = t->elf ? dwarf_begin_elf(t->elf, DWARF_C_READ, NULL) : NULL;
	t->info_size = elf_object_section(object, ".debug_info")->size;
	return t->dwarf ? types_each(t, add_die, t) : ERR_INVALID;
}

void types_close(struct types *t)
{
	name_table_free(t->named);
	name_table_free(t->enumerators);
	name_table_free(t->variables);
	arena_free(t->arena);
	dwarf_end(t->dwarf);
	elf_end(t->elf);
	buf_free(&t->image);
	*t = (struct types){ 0 };
}
