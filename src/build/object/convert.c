/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/convert.h"

#include "build/object/names.h"
#include "module/signature.h"

/* Longest names that the kernel reads back (klp_resolve_symbols() in kernel/livepatch/core.c). */
#define OBJECT_NAME_MAX 55
#define SYMBOL_NAME_MAX 511

struct converter {
	struct elf_object *object;
	struct name_table *symbols; /* of the module, by name */
	VEC(const char *) objects;  /* that own symbols, sorted */
	struct error *err;
};

static void converter_done(struct converter *c)
{
	elf_object_free(c->object);
	name_table_free(c->symbols);
	free(c->objects.items);
}

/*
 * Tables that the kernel reads while it loads the module, and code that it copies then. Symbols of
 * vmlinux are resolved before that; those of a module that is not there yet are not.
 */
static bool is_read_at_load(const char *section)
{
	static const char *const names[] = {
		"__jump_table",      ".static_call_sites",
		".altinstructions",  ".altinstr_replacement",
		".parainstructions", ".smp_locks",
		".retpoline_sites",  ".return_sites",
		".call_sites",       ".ibt_endbr_seal",
		"__bug_table",       "__ex_table",
		"__mcount_loc",      ".orc_unwind",
		".orc_unwind_ip",    ".gnu.linkonce.this_module",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(section, names[i]))
			return true;
	return false;
}

static bool is_object_name(const char *s)
{
	size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= OBJECT_NAME_MAX && s[len] == 0;
}

static bool is_symbol_name(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == ',')
			return false;
	return len > 0 && len <= SYMBOL_NAME_MAX;
}

static int add_object(struct converter *c, const char *name)
{
	size_t at = 0;

	while (at < c->objects.count && strcmp(c->objects.items[at], name) < 0)
		at++;
	if (at < c->objects.count && streq(c->objects.items[at], name))
		return 0;
	int e = VEC_PUSH(&c->objects, name);
	if (e < 0)
		return e;
	for (size_t i = c->objects.count - 1; i > at; i--)
		c->objects.items[i] = c->objects.items[i - 1];
	c->objects.items[at] = name;
	return 0;
}

/* Makes one undefined symbol a livepatch symbol; `user` then says whose it is. */
static int convert_symbol(struct converter *c, const struct convert_symbol *s)
{
	if (!is_object_name(s->object) || !is_symbol_name(s->name))
		return error_set(c->err, ERR_INVALID,
				 "no livepatch symbol can be made for %s of %s", s->name,
				 s->object);
	const struct name_entry *entry = name_table_find(c->symbols, s->symbol);
	if (!entry)
		return error_set(c->err, ERR_NOT_FOUND, "the module has no symbol %s", s->symbol);
	struct elf_symbol *sym = entry->items.items[0];
	if (entry->items.count > 1 || sym->user)
		return error_set(c->err, ERR_INVALID, "the symbol %s is there twice", s->symbol);
	if (sym->section || sym->shndx != SHN_UNDEF)
		return error_set(c->err, ERR_INVALID, "the module itself defines %s", s->symbol);
	sym->name =
		arena_printf(c->object->arena, ".klp.sym.%s.%s,%u", s->object, s->name, s->sympos);
	sym->user = arena_strdup(c->object->arena, s->object);
	if (!sym->name || !sym->user)
		return ERR_NO_MEMORY;
	sym->shndx = SHN_LIVEPATCH;
	return add_object(c, sym->user);
}

static int convert_symbols(struct converter *c, const struct convert_symbol *symbols, size_t count)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < c->object->symbol_count; i++) {
		struct elf_symbol *sym = c->object->symbols[i];
		if (sym->binding != STB_LOCAL)
			e = name_table_add(c->symbols, sym->name, sym);
	}
	for (size_t i = 0; e == 0 && i < count; i++)
		e = convert_symbol(c, &symbols[i]);
	return e;
}

static bool belongs(const struct elf_rela *rela, const char *object)
{
	return rela->symbol && rela->symbol->user && streq(rela->symbol->user, object);
}

/* Moves the relocations of one section that name symbols of one object. */
static int move_relas(struct converter *c, struct elf_section *from, const char *object)
{
	size_t count = 0, left = 0, n = 0;

	for (size_t i = 0; i < from->rela_count; i++)
		count += belongs(&from->relas[i], object);
	if (count == 0)
		return 0;
	if (!streq(object, "vmlinux") && is_read_at_load(from->target->name))
		return error_set(c->err, ERR_NOT_PATCHABLE,
				 "section %s needs a symbol of the module %s, and the kernel reads "
				 "it before that module need be there",
				 from->target->name, object);
	const char *name =
		arena_printf(c->object->arena, ".klp.rela.%s.%s", object, from->target->name);
	struct elf_section *to = name ? elf_object_add_rela(c->object, from->target, name,
							    SHF_ALLOC | SHF_RELA_LIVEPATCH, count)
				      : NULL;
	if (!to)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < from->rela_count; i++) {
		if (belongs(&from->relas[i], object))
			to->relas[n++] = from->relas[i];
		else
			from->relas[left++] = from->relas[i];
	}
	from->rela_count = left;
	return 0;
}

static bool is_candidate(const struct elf_section *s)
{
	return s->type == SHT_RELA && !(s->flags & SHF_RELA_LIVEPATCH) &&
	       (s->target->flags & SHF_ALLOC);
}

/* Relocation sections that became empty go. */
static void drop_empty(struct elf_object *object)
{
	size_t n = 0;

	for (size_t i = 0; i < object->section_count; i++) {
		struct elf_section *s = object->sections[i];

		if (is_candidate(s) && s->rela_count == 0) {
			s->target->rela = NULL;
			continue;
		}
		object->sections[n++] = s;
	}
	object->section_count = n;
}

static int convert_relas(struct converter *c)
{
	size_t count = c->object->section_count; /* sections made here come behind */

	for (size_t i = 0; i < count; i++) {
		if (!is_candidate(c->object->sections[i]))
			continue;
		for (size_t k = 0; k < c->objects.count; k++) {
			int e = move_relas(c, c->object->sections[i], c->objects.items[k]);
			if (e < 0)
				return e;
		}
	}
	drop_empty(c->object);
	return 0;
}

static int check_unsigned(const void *module, size_t len, struct error *err)
{
	struct signature_parts parts;
	int e = signature_split(module, len, &parts, err);

	if (e < 0)
		return e;
	if (parts.signature)
		return error_set(err, ERR_INVALID, "the module is signed already");
	return 0;
}

/* Does one of the section's strings begin with "key="? */
static bool says(const struct elf_section *info, const char *key)
{
	size_t len = strlen(key), n;

	for (uint64_t at = 0; at < info->size; at += n + 1) {
		const char *text = (const char *)info->data + at;

		n = strnlen(text, info->size - at);
		if (n > len && memcmp(text, key, len) == 0 && text[len] == '=')
			return true;
	}
	return false;
}

static int add_note(struct converter *c, const struct convert_note *note)
{
	struct elf_section *info = note ? elf_object_section(c->object, ".modinfo") : NULL;
	const char *text;
	uint8_t *grown;
	size_t len;

	if (!note)
		return 0;
	if (!info || !info->data || info->size == 0 || info->data[info->size - 1] != 0)
		return error_set(c->err, ERR_INVALID, "the module has no .modinfo");
	if (says(info, note->key))
		return error_set(c->err, ERR_INVALID, "the module says %s already", note->key);
	text = arena_printf(c->object->arena, "%s=%s", note->key, note->value);
	if (!text)
		return ERR_NO_MEMORY;
	len = strlen(text) + 1;
	grown = arena_alloc(c->object->arena, info->size + len, 1);
	if (!grown)
		return ERR_NO_MEMORY;
	memcpy(grown, info->data, info->size);
	memcpy(grown + info->size, text, len);
	info->data = grown;
	info->size += len;
	return 0;
}

int convert_module(const void *module, size_t len, const struct convert_symbol *symbols,
		   size_t count, const struct convert_note *note, struct buf *out,
		   struct error *err)
{
	struct error why = { 0 };
	_cleanup_(converter_done) struct converter c = { .err = &why };
	int e = check_unsigned(module, len, &why);

	if (e == 0)
		e = elf_object_parse(module, len, "module", &c.object, &why);
	if (e == 0) {
		c.symbols = name_table_new();
		e = c.symbols ? convert_symbols(&c, symbols, count) : ERR_NO_MEMORY;
	}
	if (e == 0)
		e = convert_relas(&c);
	if (e == 0)
		e = add_note(&c, note);
	if (e == 0)
		e = elf_object_write(c.object, out, &why);
	if (e < 0)
		return error_set(err, e, "%s", why.code ? why.message : "out of memory");
	return 0;
}
