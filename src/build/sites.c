/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/sites.h"

#define SITES_MAX (4 * 1024 * 1024)

void sites_free(struct sites *sites)
{
	free(sites->items);
	*sites = (struct sites){ 0 };
}

static int add(struct sites *sites, const struct elf_section *section, uint64_t offset,
	       uint64_t length)
{
	if (sites->n == sites->cap) {
		size_t cap = sites->cap ? sites->cap * 2 : 256;
		struct site *items =
			cap <= SITES_MAX ? reallocarray(sites->items, cap, sizeof(*items)) : NULL;

		if (!items)
			return ERR_NO_MEMORY;
		sites->items = items;
		sites->cap = cap;
	}
	sites->items[sites->n++] = (struct site){ section, offset, length };
	return 0;
}

/* Does `len` bytes before `offset` stand exactly this byte? */
static bool byte_before(const struct elf_section *s, uint64_t offset, uint64_t back, uint8_t mask,
			uint8_t value)
{
	return s->data && offset >= back && offset - back < s->size &&
	       (s->data[offset - back] & mask) == value;
}

/* The whole call or jump whose 4-byte field is at `offset`, with a CS prefix if it has one. */
static int add_branch(struct sites *sites, const struct elf_section *s, uint64_t offset)
{
	uint64_t start = offset;

	if (byte_before(s, offset, 2, 0xff, 0x0f) && byte_before(s, offset, 1, 0xf0, 0x80))
		start -= 2; /* conditional jump */
	else if (byte_before(s, offset, 1, 0xfe, 0xe8))
		start -= 1; /* call or jump */
	if (start != offset && byte_before(s, start, 1, 0xff, 0x2e))
		start -= 1; /* -mindirect-branch-cs-prefix */
	return add(sites, s, start, offset + 4 - start);
}

/* Branches to these are rewritten as a whole at boot or later. */
static bool is_rewritten_target(const char *name)
{
	static const char *const prefixes[] = { "__x86_indirect_", "__x86_return_thunk", "__SCT__",
						"__fentry__" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (str_has_prefix(name, prefixes[i]))
			return true;
	return false;
}

static uint64_t field_size(uint32_t type)
{
	return type == R_X86_64_64 || type == R_X86_64_PC64 ? 8 : type == R_X86_64_NONE ? 0 : 4;
}

static int collect_relocations(const struct elf_section *s, struct sites *sites)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rela->rela_count; i++) {
		const struct elf_rela *rela = &s->rela->relas[i];
		bool branch = rela->symbol && is_rewritten_target(rela->symbol->name);

		r = branch ? add_branch(sites, s, rela->offset)
			   : add(sites, s, rela->offset, field_size(rela->type));
	}
	return r;
}

/* The place that an entry of a special section points to. */
static bool target_of(const struct elf_rela *rela, const struct elf_section **ret_section,
		      uint64_t *ret_offset)
{
	if (!rela->symbol || !rela->symbol->section)
		return false;
	*ret_section = rela->symbol->section;
	*ret_offset = rela->symbol->value + (uint64_t)rela->addend;
	return *ret_offset < (*ret_section)->size;
}

static int bad_section(const struct elf_section *s, struct error *err)
{
	return error_set(err, ERR_INVALID, "section %s is not understood", s->name);
}

/* struct alt_instr: two relative addresses, then the length of the code before the last byte
 * (arch/x86/include/asm/alternative.h). */
static int collect_alternatives(const struct elf_section *s, struct sites *sites, struct error *err)
{
	size_t count = s->rela->rela_count / 2;
	uint64_t entry = count ? s->size / count : 0;
	int r = 0;

	if (s->rela->rela_count % 2 || (entry != 12 && entry != 14) || entry * count != s->size)
		return bad_section(s, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct elf_section *code;
		uint64_t offset;
		const struct elf_rela *rela = &s->rela->relas[2 * i];

		if (rela->offset != i * entry || !target_of(rela, &code, &offset))
			return bad_section(s, err);
		r = add(sites, code, offset, s->data[i * entry + entry - 2]);
	}
	return r;
}

/* struct jump_entry: the code, the target, the key; the code is a jump of 2 or 5 bytes. */
static int collect_jump_labels(const struct elf_section *s, struct sites *sites, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rela->rela_count; i++) {
		const struct elf_rela *rela = &s->rela->relas[i];
		const struct elf_section *code;
		uint64_t offset;

		if (rela->offset % 16)
			continue;
		if (!target_of(rela, &code, &offset) || !code->data)
			return bad_section(s, err);

		uint8_t first = code->data[offset];

		r = add(sites, code, offset, first == 0xeb || first == 0x66 ? 2 : 5);
	}
	return r;
}

/* struct paravirt_patch_site: address, type, length. */
static int collect_paravirt(const struct elf_section *s, struct sites *sites, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rela->rela_count; i++) {
		const struct elf_rela *rela = &s->rela->relas[i];
		const struct elf_section *code;
		uint64_t offset;

		if (rela->offset + 10 > s->size || !target_of(rela, &code, &offset))
			return bad_section(s, err);
		r = add(sites, code, offset, s->data[rela->offset + 9]);
	}
	return r;
}

/* A section with one address an entry. */
static int collect_plain(const struct elf_section *s, uint64_t length, struct sites *sites,
			 struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rela->rela_count; i++) {
		const struct elf_section *code;
		uint64_t offset;

		if (!target_of(&s->rela->relas[i], &code, &offset))
			return bad_section(s, err);
		r = add(sites, code, offset, length);
	}
	return r;
}

static int collect_special(const struct elf_section *s, struct sites *sites, struct error *err)
{
	static const struct {
		const char *name;
		uint64_t length;
	} plain[] = {
		{ ".smp_locks", 1 },
		{ "__mcount_loc", 5 },
		{ "runtime_ptr_", 8 },
		{ "runtime_shift_", 1 },
	};

	if (!s->data)
		return 0;
	if (streq(s->name, ".altinstructions"))
		return collect_alternatives(s, sites, err);
	if (streq(s->name, "__jump_table"))
		return collect_jump_labels(s, sites, err);
	if (streq(s->name, ".parainstructions"))
		return collect_paravirt(s, sites, err);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (str_has_prefix(s->name, plain[i].name))
			return collect_plain(s, plain[i].length, sites, err);
	return 0;
}

/* endbr64 at a function's entry is overwritten where no pointer to the function remains (IBT). */
static int collect_entries(const struct elf_object *object, struct sites *sites)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	int r = 0;

	for (size_t i = 0; r == 0 && i < object->symbol_count; i++) {
		const struct elf_symbol *y = object->symbols[i];

		if (y->type == STT_FUNC && y->section && y->section->data &&
		    y->value <= y->section->size &&
		    y->section->size - y->value >= sizeof(endbr64) &&
		    memcmp(y->section->data + y->value, endbr64, sizeof(endbr64)) == 0)
			r = add(sites, y->section, y->value, sizeof(endbr64));
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	if (x->section != y->section)
		return x->section->index < y->section->index ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

int sites_collect(const struct elf_object *object, struct sites *ret, struct error *err)
{
	_cleanup_sites_ struct sites sites = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < object->section_count; i++) {
		const struct elf_section *s = object->sections[i];

		if (!s->rela)
			continue;
		r = s->flags & SHF_EXECINSTR ? collect_relocations(s, &sites)
					     : collect_special(s, &sites, err);
	}
	if (r == 0)
		r = collect_entries(object, &sites);
	if (r < 0)
		return r == ERR_NO_MEMORY ? error_set(err, r, "out of memory") : r;
	if (sites.n > 1)
		qsort(sites.items, sites.n, sizeof(*sites.items), compare);
	*ret = sites;
	sites = (struct sites){ 0 };
	return 0;
}

void sites_mark(const struct sites *sites, const struct elf_section *section, uint64_t offset,
		uint64_t size, uint8_t *map)
{
	size_t low = 0, high = sites->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct site *x = &sites->items[mid];

		/* No site is longer than 255 bytes (the length of an alternative is one byte). */
		if (x->section->index < section->index ||
		    (x->section == section && x->offset + 256 <= offset))
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < sites->n; low++) {
		const struct site *x = &sites->items[low];

		if (x->section != section || x->offset >= offset + size)
			break;
		for (uint64_t i = 0; i < x->length; i++)
			if (x->offset + i >= offset && x->offset + i - offset < size)
				map[x->offset + i - offset] = 1;
	}
}
