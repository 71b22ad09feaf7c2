/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/proof/sites.h"

#include "build/object/insn.h"

#define SITES_MAX  (4 * 1024 * 1024)
#define LENGTH_MAX 255

struct collector {
	const struct elf_object *object;
	struct sites sites;
	struct error *err;
};

void sites_free(struct sites *sites)
{
	free(sites->items);
	*sites = (struct sites){ 0 };
}

static int add(struct collector *c, const struct elf_section *section, uint64_t offset,
	       uint64_t length, enum site_kind kind)
{
	struct sites *sites = &c->sites;

	if (sites->n == sites->cap) {
		size_t cap = sites->cap ? sites->cap * 2 : 256;
		struct site *items =
			cap <= SITES_MAX ? reallocarray(sites->items, cap, sizeof(*items)) : NULL;

		if (!items)
			return error_set(c->err, ERR_NO_MEMORY, "out of memory");
		sites->items = items;
		sites->cap = cap;
	}
	sites->items[sites->n++] = (struct site){ section, offset, length, kind };
	return 0;
}

static int bad_section(const struct collector *c, const struct elf_section *s)
{
	return error_set(c->err, ERR_INVALID, "section %s is not understood", s->name);
}

/* Is the byte `back` bytes before `offset` this one? */
static bool byte_before(const struct elf_section *s, uint64_t offset, uint64_t back, uint8_t mask,
			uint8_t value)
{
	return s->data && offset >= back && offset - back < s->size &&
	       (s->data[offset - back] & mask) == value;
}

/* The whole call or jump whose 4-byte field is at `offset`, with a CS prefix if it has one. */
static int add_branch(struct collector *c, const struct elf_section *s, uint64_t offset,
		      enum site_kind kind)
{
	uint64_t start = offset;

	if (byte_before(s, offset, 2, 0xff, 0x0f) && byte_before(s, offset, 1, 0xf0, 0x80))
		start -= 2; /* conditional jump */
	else if (byte_before(s, offset, 1, 0xfe, 0xe8))
		start -= 1; /* call or jump */
	if (start != offset && byte_before(s, start, 1, 0xff, 0x2e))
		start -= 1; /* -mindirect-branch-cs-prefix */
	return add(c, s, start, offset + 4 - start, kind);
}

/* Branches to these are rewritten as a whole: the call at a function's entry by objtool --mnop, the
 * others at boot or later. */
static bool rewritten_target(const char *name, enum site_kind *ret)
{
	static const char *const prefixes[] = { "__x86_indirect_", "__x86_return_thunk",
						"__SCT__" };

	*ret = SITE_REWRITTEN;
	if (streq(name, "__fentry__"))
		return true;
	*ret = SITE_RUN_TIME;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (str_has_prefix(name, prefixes[i]))
			return true;
	return false;
}

static uint64_t field_size(uint32_t type)
{
	return type == R_X86_64_64 || type == R_X86_64_PC64 ? 8 : type == R_X86_64_NONE ? 0 : 4;
}

static int collect_relocations(struct collector *c, const struct elf_section *s)
{
	enum site_kind kind;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rela->rela_count; i++) {
		const struct elf_rela *rela = &s->rela->relas[i];

		r = add(c, s, rela->offset, field_size(rela->type), SITE_FIELD);
		if (r == 0 && (s->flags & SHF_EXECINSTR) && rela->symbol &&
		    rewritten_target(rela->symbol->name, &kind))
			r = add_branch(c, s, rela->offset, kind);
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

/* struct alt_instr (arch/x86/include/asm/alternative.h): two relative addresses; where the length
 * of the code is, the entry's size tells: 12 bytes until 6.2, 14 since then. 13, until 5.11, has
 * one more length behind. */
static int collect_alternatives(struct collector *c, const struct elf_section *s)
{
	size_t count = s->rela->rela_count / 2;
	uint64_t entry = count ? s->size / count : 0;
	uint64_t length_at = entry == 14 ? 12 : 10;
	int r = 0;

	if (s->rela->rela_count % 2 || entry < 12 || entry > 14 || entry * count != s->size)
		return bad_section(c, s);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct elf_section *code;
		uint64_t offset;
		const struct elf_rela *rela = &s->rela->relas[2 * i];

		if (rela->offset != i * entry || !target_of(rela, &code, &offset))
			return bad_section(c, s);
		r = add(c, code, offset, s->data[i * entry + length_at], SITE_RUN_TIME);
	}
	return r;
}

/* struct jump_entry: the code, the target, the key; the code is a jump or nop of 2 or 5 bytes,
 * which objtool --hacks=jump_label makes a nop. */
static int collect_jump_labels(struct collector *c, const struct elf_section *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rela->rela_count; i++) {
		const struct elf_rela *rela = &s->rela->relas[i];
		const struct elf_section *code;
		uint64_t offset;

		if (rela->offset % 16)
			continue;
		if (!target_of(rela, &code, &offset) || !code->data)
			return bad_section(c, s);

		uint8_t first = code->data[offset];

		r = add(c, code, offset, first == 0xeb || first == 0x66 ? 2 : 5, SITE_REWRITTEN);
	}
	return r;
}

/* struct paravirt_patch_site: address, type, length. */
static int collect_paravirt(struct collector *c, const struct elf_section *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rela->rela_count; i++) {
		const struct elf_rela *rela = &s->rela->relas[i];
		const struct elf_section *code;
		uint64_t offset;

		if (rela->offset > s->size || s->size - rela->offset < 10 ||
		    !target_of(rela, &code, &offset))
			return bad_section(c, s);
		r = add(c, code, offset, s->data[rela->offset + 9], SITE_RUN_TIME);
	}
	return r;
}

/* A section with one address an entry. */
static int collect_plain(struct collector *c, const struct elf_section *s, uint64_t length,
			 enum site_kind kind)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rela->rela_count; i++) {
		const struct elf_section *code;
		uint64_t offset;

		if (!target_of(&s->rela->relas[i], &code, &offset))
			return bad_section(c, s);
		r = add(c, code, offset, length, kind);
	}
	return r;
}

static int collect_special(struct collector *c, const struct elf_section *s)
{
	static const struct {
		const char *name;
		uint64_t length;
		enum site_kind kind;
	} plain[] = {
		{ ".smp_locks", 1, SITE_RUN_TIME },
		{ "__mcount_loc", 5, SITE_REWRITTEN },
		{ "runtime_ptr_", 8, SITE_RUN_TIME },
		{ "runtime_shift_", 1, SITE_RUN_TIME },
	};

	if (!s->data)
		return 0;
	if (streq(s->name, ".altinstructions"))
		return collect_alternatives(c, s);
	if (streq(s->name, "__jump_table"))
		return collect_jump_labels(c, s);
	if (streq(s->name, ".parainstructions"))
		return collect_paravirt(c, s);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (str_has_prefix(s->name, plain[i].name))
			return collect_plain(c, s, plain[i].length, plain[i].kind);
	return 0;
}

/* Every call may be made one of the address before, where call depth is tracked (6.2 and later,
 * arch/x86/kernel/callthunks.c); also those that the assembler resolved. */
static int collect_calls(struct collector *c, const struct elf_symbol *f)
{
	const struct elf_section *s = f->section;
	struct insn insn;
	int r = 0;

	for (uint64_t at = f->value, end = at + f->size; r == 0 && at < end; at += insn.len) {
		if (!insn_decode(s->data + at, end - at, &insn))
			return 0;
		if (insn.branch && insn.imm_at && insn.imm_len == 4 &&
		    s->data[at + insn.imm_at - 1] == 0xe8)
			r = add(c, s, at + insn.imm_at, 4, SITE_RUN_TIME);
	}
	return r;
}

/* endbr64 at a function's entry is overwritten where no pointer to the function remains (IBT). */
static int collect_functions(struct collector *c)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->object->symbol_count; i++) {
		const struct elf_symbol *y = c->object->symbols[i];

		if (y->type != STT_FUNC || !y->section || !y->section->data ||
		    y->value > y->section->size || y->size > y->section->size - y->value)
			continue;
		if (y->section->size - y->value >= sizeof(endbr64) &&
		    memcmp(y->section->data + y->value, endbr64, sizeof(endbr64)) == 0)
			r = add(c, y->section, y->value, sizeof(endbr64), SITE_RUN_TIME);
		if (r == 0)
			r = collect_calls(c, y);
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
	struct collector c = { .object = object, .err = err };
	int r = 0;

	for (size_t i = 0; r == 0 && i < object->section_count; i++) {
		const struct elf_section *s = object->sections[i];

		if (!s->rela || !(s->flags & SHF_ALLOC))
			continue;
		r = collect_relocations(&c, s);
		if (r == 0 && !(s->flags & SHF_EXECINSTR))
			r = collect_special(&c, s);
	}
	if (r == 0)
		r = collect_functions(&c);
	if (r < 0) {
		sites_free(&c.sites);
		return r;
	}
	if (c.sites.n > 1)
		qsort(c.sites.items, c.sites.n, sizeof(*c.sites.items), compare);
	*ret = c.sites;
	return 0;
}

/* The first site that may reach to `offset`. */
static size_t first_site(const struct sites *sites, const struct elf_section *section,
			 uint64_t offset)
{
	size_t low = 0, high = sites->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct site *x = &sites->items[mid];

		if (x->section->index < section->index ||
		    (x->section == section && x->offset + LENGTH_MAX < offset))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void sites_mark(const struct sites *sites, const struct elf_section *section, uint64_t offset,
		uint64_t size, bool at_link, uint8_t *map)
{
	for (size_t k = first_site(sites, section, offset); k < sites->n; k++) {
		const struct site *x = &sites->items[k];

		if (x->section != section || x->offset >= offset + size)
			break;
		if (at_link && x->kind == SITE_RUN_TIME)
			continue;
		for (uint64_t i = 0; i < x->length; i++)
			if (x->offset + i >= offset && x->offset + i - offset < size)
				map[x->offset + i - offset] = 1;
	}
}

bool sites_rewritten(const struct sites *sites, const struct elf_section *section, uint64_t offset)
{
	for (size_t k = first_site(sites, section, offset); k < sites->n; k++) {
		const struct site *x = &sites->items[k];

		if (x->section != section || x->offset > offset)
			break;
		if (x->kind == SITE_REWRITTEN && offset - x->offset < x->length)
			return true;
	}
	return false;
}
