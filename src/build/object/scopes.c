/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/scopes.h"

#include <dwarf.h>

#include "build/object/types.h"

/* Scopes nested deeper than this are taken for damaged. */
#define DEPTH_MAX 256

struct visit {
	const struct scopes_visitor *visitor;
	const struct elf_section *info;
	Dwarf_Off reached;    /* all before has been seen; damaged data could lead back */
	const char *function; /* whose code is looked at; NULL: only a model of inlined code */
};

/* The relocation of a place in .debug_info, or NULL. */
static const struct elf_rela *relocation_at(const struct elf_section *info, uint64_t offset)
{
	const struct elf_section *rela = info->rela;
	size_t low = 0, high = rela ? rela->rela_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (rela->relas[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return rela && low < rela->rela_count && rela->relas[low].offset == offset
		       ? &rela->relas[low]
		       : NULL;
}

/* Only of what has one address; in an object that is a relocation. */
static int visit_variable(const struct visit *v, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Block block;
	Dwarf_Word line = 0;

	if (!v->visitor->variable || !dwarf_attr(die, DW_AT_location, &attribute) ||
	    dwarf_formblock(&attribute, &block) != 0 || block.length != 9 ||
	    block.data[0] != DW_OP_addr)
		return 0;
	const struct elf_rela *rela = relocation_at(
		v->info, dwarf_dieoffset(die) + (uint64_t)(block.data + 1 - (uint8_t *)die->addr));
	if (!rela || !rela->symbol || !rela->symbol->section ||
	    !dwarf_attr_integrate(die, DW_AT_decl_line, &attribute) ||
	    dwarf_formudata(&attribute, &line) != 0)
		return 0;
	Dwarf_Die own = *die, type;
	if (dwarf_attr_integrate(die, DW_AT_abstract_origin, &attribute))
		(void)dwarf_formref_die(&attribute, &own);
	type = types_of(&own);
	type = types_element(&type);
	return v->visitor->variable(v->visitor->user, rela->symbol->section,
				    rela->symbol->value + (uint64_t)rela->addend, line,
				    type.addr ? types_name(&type) : "");
}

static int visit_inlined(const struct visit *v, Dwarf_Die *die)
{
	const char *callee = types_name(die);

	return v->visitor->inlined && v->function && *callee
		       ? v->visitor->inlined(v->visitor->user, v->function, callee)
		       : 0;
}

static int advance(struct visit *v, Dwarf_Die *die)
{
	Dwarf_Off at = dwarf_dieoffset(die);

	if (at <= v->reached)
		return ERR_INVALID;
	v->reached = at;
	return 0;
}

static int visit_children(struct visit *v, Dwarf_Die *die, unsigned depth)
{
	Dwarf_Die child;
	int r = depth < DEPTH_MAX ? 0 : ERR_INVALID, end = dwarf_child(die, &child);

	for (; r >= 0 && end == 0; end = types_next(&child)) {
		int tag = dwarf_tag(&child);

		r = advance(v, &child);
		if (r < 0)
			return r;
		if (tag == DW_TAG_variable)
			r = visit_variable(v, &child);
		else if (tag == DW_TAG_inlined_subroutine)
			r = visit_inlined(v, &child);
		if (r >= 0 && (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block))
			r = visit_children(v, &child, depth + 1);
	}
	return r < 0 ? r : end < 0 ? ERR_INVALID : 0;
}

static int visit_function(void *user, Dwarf_Die *die)
{
	struct visit *v = user;
	int r = advance(v, die);

	if (r < 0 || dwarf_tag(die) != DW_TAG_subprogram)
		return r;
	v->function = dwarf_hasattr(die, DW_AT_inline) ? NULL : types_name(die);
	return visit_children(v, die, 0);
}

int scopes_visit(const struct elf_object *object, const struct scopes_visitor *visitor)
{
	struct visit v = { .visitor = visitor, .info = elf_object_section(object, ".debug_info") };
	struct types types;
	int r = types_open(object, &types);

	if (r == 0)
		r = types_each(&types, visit_function, &v);
	types_close(&types);
	return r < 0 ? r : 0;
}
