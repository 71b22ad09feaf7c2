/* SPDX-License-Identifier: GPL-2.0-or-later */
/* References: relocations, and branches that the assembler resolved by itself. */
#include <inttypes.h>

#include "build/object/insn.h"
#include "build/diff/atom_internal.h"

/* Beyond the size of any section, and far from overflowing. */
#define ADDEND_MAX ((int64_t)1 << 40)

/* Bytes of the relocated field, 0 for a type that the kernel does not load in modules
 * (arch/x86/kernel/module.c). */
static uint8_t field_width(uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64: return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32: return 4;
	default: return 0;
	}
}

static bool is_pc_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64;
}

static bool is_code(const struct atom_section *s)
{
	return s->class == CLASS_TEXT || s->class == CLASS_INIT_TEXT || s->class == CLASS_SNIPPET;
}

static int read_relocation(struct atom_set *unit, struct atom_section *s,
			   const struct elf_rela *rela, struct error *err)
{
	struct ref ref = {
		.offset = rela->offset,
		.rela = rela,
		.type = rela->type,
		.width = field_width(rela->type),
		.symbol = rela->symbol,
		.position = rela->addend,
		.undecoded = is_code(s),
	};

	if (rela->type == R_X86_64_NONE)
		return 0;
	if (rela->addend > ADDEND_MAX || rela->addend < -ADDEND_MAX)
		return error_set(err, ERR_UNSUPPORTED,
				 "%s: a relocation of %s points further than any object reaches",
				 unit->name, s->elf->name);
	if (ref.width > s->elf->size - rela->offset)
		return error_set(err, ERR_INVALID, "%s: a relocation of %s lies across its end",
				 unit->name, s->elf->name);
	if (ref.undecoded && is_pc_relative(rela->type))
		ref.position += 4;
	if (rela->symbol && rela->symbol->section) {
		ref.section = rela->symbol->section->user;
		ref.position += (int64_t)rela->symbol->value;
	}
	return VEC_PUSH(&s->refs, ref);
}

int atom_read_refs(struct atom_set *unit, struct error *err)
{
	for (size_t i = 0; i < unit->section_count; i++) {
		struct atom_section *s = &unit->sections[i];
		const struct elf_section *rela = s->elf->rela;

		if (!rela || s->class == CLASS_IGNORED)
			continue;
		for (size_t k = 0; k < rela->rela_count; k++) {
			int e = read_relocation(unit, s, &rela->relas[k], err);
			if (e < 0)
				return e;
		}
	}
	return 0;
}

static void stretch_one(const struct ref *pad)
{
	struct atom_section *s = pad->section;

	if (!s || !is_code(s) || pad->position < 0)
		return;
	size_t low = 0, high = s->atoms.count;
	while (low < high) { /* the first atom at or behind the padding */
		size_t middle = low + (high - low) / 2;
		if (s->atoms.items[middle]->entry < (uint64_t)pad->position)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->atoms.count)
		return;
	struct atom *atom = s->atoms.items[low];
	if ((uint64_t)pad->position < atom->start &&
	    (low == 0 || s->atoms.items[low - 1]->end <= (uint64_t)pad->position))
		atom->start = (uint64_t)pad->position;
}

void atom_stretch_padding(struct atom_set *unit)
{
	for (size_t i = 0; i < unit->section_count; i++) {
		const struct atom_section *s = &unit->sections[i];

		if (!streq(s->elf->name, "__patchable_function_entries"))
			continue;
		for (size_t k = 0; k < s->refs.count; k++)
			stretch_one(&s->refs.items[k]);
	}
}

/* One run of instructions being decoded. */
struct decoder {
	struct atom_section *section;
	size_t ref;       /* the next reference */
	size_t relocated; /* how many references come from relocations */
	bool shared;      /* several functions are in the section */
};

/* Behind prefixes (Intel SDM volume 2, 2.1.1 and 2.2.1). */
static const uint8_t *opcode_of(const uint8_t *code)
{
	static const uint8_t prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64,
					    0x65, 0x66, 0xf0, 0xf2, 0xf3 };

	while (memchr(prefixes, *code, sizeof(prefixes)) || (*code & 0xf0) == 0x40)
		code++;
	return code;
}

/* Opcodes whose register field is a part of the opcode (Intel SDM volume 2, A.4). */
static bool is_group(uint8_t op)
{
	return (op & 0xfc) == 0x80 || op == 0x8f || (op & 0xfe) == 0xc0 || (op & 0xfe) == 0xc6 ||
	       (op & 0xfc) == 0xd0 || (op & 0xfe) == 0xf6 || (op & 0xfe) == 0xfe;
}

/* A small hash of what an instruction does, whatever its registers: opcode, width, immediate but
 * for addresses. */
static uint16_t operation_of(const uint8_t *code, const struct insn *insn, bool address)
{
	const uint8_t *op = opcode_of(code);
	uint32_t hash = insn->imm_len;

	for (const uint8_t *p = code; p < op; p++)
		hash = hash * 31 + ((*p & 0xf0) == 0x40 ? *p & 8 : *p);
	hash = hash * 31 + op[0];
	if (op[0] == 0x0f && op + 1 < code + insn->len)
		hash = hash * 31 + op[1];
	if (is_group(op[0]) && op + 1 < code + insn->len)
		hash = hash * 31 + (op[1] & 0x38);
	for (uint8_t i = 0; i < insn->imm_len && !address && !insn->branch; i++)
		hash = hash * 31 + code[insn->imm_at + i];
	return (uint16_t)(hash ^ hash >> 16);
}

/* What only moves values between registers and the stack, fills, or says where to go on. */
static bool is_shuffle(const uint8_t *code, const struct insn *insn)
{
	const uint8_t *op = opcode_of(code);
	bool nop = *op == 0x90 || *op == 0xcc || (*op == 0x0f && op[1] == 0x1f);

	return nop || insn->branch || (*op & 0xf0) == 0x50 ||
	       ((*op & 0xfd) == 0x89 && op[1] >= 0xc0);
}

static void decode_ref(struct ref *ref, const uint8_t *code, uint64_t at, const struct insn *insn)
{
	uint64_t field = ref->offset - at;
	bool disp = insn->disp_at && field == insn->disp_at && ref->width == insn->disp_len;
	bool imm = insn->imm_at && field == insn->imm_at && ref->width == insn->imm_len;

	if (!disp && !imm)
		return;
	ref->undecoded = false;
	ref->branch = imm && insn->branch;
	ref->plain = disp && !insn->indexed && !insn->address;
	ref->operation = operation_of(code, insn, imm);
	if (is_pc_relative(ref->type))
		ref->position += (int64_t)(insn->len - field - ref->width);
}

/* A branch to another function of the same section has no relocation. */
static int add_branch(struct atom_section *s, const struct atom *atom, uint64_t at,
		      const struct insn *insn)
{
	const uint8_t *field = s->elf->data + at + insn->imm_at;
	int64_t distance = (int8_t)field[0];

	if (insn->imm_len == 4) {
		int32_t wide;
		memcpy(&wide, field, sizeof(wide));
		distance = wide;
	}
	struct ref ref = {
		.offset = at + insn->imm_at,
		.type = insn->imm_len == 4 ? R_X86_64_PLT32 : R_X86_64_NONE,
		.width = insn->imm_len,
		.section = s,
		.position = (int64_t)(at + insn->len) + distance,
		.branch = true,
	};
	if (ref.position >= (int64_t)atom->start && ref.position < (int64_t)atom->end)
		return 0;
	return VEC_PUSH(&s->refs, ref);
}

static int decode_range(struct decoder *d, uint64_t from, uint64_t to, const struct atom *atom)
{
	struct atom_section *s = d->section;
	struct insn insn;

	for (uint64_t at = from; at < to; at += insn.len) {
		if (!insn_decode(s->elf->data + at, to - at, &insn))
			return 0;
		const uint8_t *code = s->elf->data + at;
		bool relocated = false;
		if (d->ref > 0 && !is_shuffle(code, &insn) &&
		    (d->ref == d->relocated || s->refs.items[d->ref].offset >= at + insn.len)) {
			uint16_t *before = &s->refs.items[d->ref - 1].operation;
			*before = (uint16_t)(*before * 31 + operation_of(code, &insn, false));
		}
		while (d->ref < d->relocated && s->refs.items[d->ref].offset < at + insn.len) {
			struct ref *ref = &s->refs.items[d->ref++];
			if (ref->offset < at)
				continue;
			decode_ref(ref, code, at, &insn);
			relocated |= ref->branch;
		}
		if (insn.branch && !relocated && d->shared && atom) {
			int e = add_branch(s, atom, at, &insn);
			if (e < 0)
				return e;
		}
	}
	return 0;
}

static int compare_refs(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int decode_section(struct atom_section *s)
{
	struct decoder d = { .section = s,
			     .relocated = s->refs.count,
			     .shared = s->atoms.count > 1 };

	if (s->class == CLASS_SNIPPET || s->atoms.count == 0)
		return decode_range(&d, 0, s->elf->size, NULL);
	for (size_t i = 0; i < s->atoms.count; i++) {
		const struct atom *atom = s->atoms.items[i];
		int e = decode_range(&d, atom->start, atom->end, atom);
		if (e < 0)
			return e;
	}
	if (s->refs.count > d.relocated)
		qsort(s->refs.items, s->refs.count, sizeof(*s->refs.items), compare_refs);
	return 0;
}

int atom_decode(struct atom_set *unit)
{
	for (size_t i = 0; i < unit->section_count; i++) {
		struct atom_section *s = &unit->sections[i];

		if (!is_code(s) || !s->elf->data)
			continue;
		int e = decode_section(s);
		if (e < 0)
			return e;
	}
	return 0;
}
