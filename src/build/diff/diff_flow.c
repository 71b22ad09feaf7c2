/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the address of a variable goes in a function: through the registers, along all branches.
 * Reading through it, calculating with it, passing it to a call and keeping it on the stack leave
 * no trace. It is kept if it is written to other memory or returned, and it is told apart if it is
 * compared with anything but itself and numbers. What a called function does with it is not
 * followed. Opcodes are those of the Intel SDM, volume 2.
 */
#include "build/diff/diff_internal.h"
#include "build/object/insn.h"

enum { RAX = 0, RSP = 4, REGISTERS = 16, SEEN = 1 << REGISTERS };

/* rax, rcx, rdx, rsi, rdi, r8 to r11: a call does not keep them (System V ABI, AMD64). */
#define CALL_CLOBBERS 0x0fc7u

/* A function, or its cold part. */
struct part {
	const struct atom *atom;
	uint32_t *seen; /* for each byte: has it been executed, and with the address in which
			   registers */
};

struct place {
	size_t part;
	uint64_t at; /* in the section */
	uint32_t holds;
};

struct flow {
	const struct atom *what;
	struct part parts[2];
	VEC(struct place) queue;
	bool kept;
};

/* The operands of an instruction. */
struct operands {
	unsigned map, op; /* opcode map: 0 or 1 (0F) */
	unsigned reg, rm; /* with the bits of REX; `rm` only where memory is not used */
	unsigned field;   /* `reg` without REX: of a group of opcodes, which one */
	uint32_t address; /* registers that the address of the memory operand is made of */
	bool modrm, memory, stack;
};

static void flow_done(struct flow *flow)
{
	free(flow->parts[0].seen);
	free(flow->parts[1].seen);
	free(flow->queue.items);
}

static uint32_t bit(unsigned reg)
{
	return 1u << reg;
}

/* The registers of a memory operand. `code` is at the ModRM byte. */
static void read_memory(const uint8_t *code, unsigned rex, struct operands *o)
{
	unsigned mod = code[0] >> 6, rm = code[0] & 7, sib = code[1];

	if (rm != 4) {
		if (mod != 0 || rm != 5)
			o->address = bit(rm | (rex & 1) << 3);
		return;
	}
	if (mod != 0 || (sib & 7) != 5)
		o->address = bit((sib & 7) | (rex & 1) << 3);
	if ((((sib >> 3) & 7) | (rex & 2) << 2) != 4)
		o->address |= bit(((sib >> 3) & 7) | (rex & 2) << 2);
	o->stack = (o->address & bit(RSP)) && !(rex & 1);
}

static bool has_modrm(const struct operands *o)
{
	if (o->map == 1)
		return (o->op >= 0x40 && o->op <= 0x4f) || o->op >= 0x90;
	return (o->op < 0x40 && (o->op & 7) < 4) || o->op == 0x63 || o->op == 0x69 ||
	       o->op == 0x6b || (o->op >= 0x80 && o->op <= 0x8f) || o->op == 0xc0 ||
	       o->op == 0xc1 || o->op == 0xc6 || o->op == 0xc7 ||
	       (o->op >= 0xd0 && o->op <= 0xd3) || o->op >= 0xf6;
}

/* An instruction of a known length, which ends within its section. */
static struct operands read_operands(const uint8_t *code, const struct insn *insn)
{
	static const uint8_t prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64,
					    0x65, 0x66, 0xf0, 0xf2, 0xf3 };
	struct operands o = { 0 };
	const uint8_t *p = code, *end = code + insn->len;
	unsigned rex = 0;

	while (p < end && memchr(prefixes, *p, sizeof(prefixes)))
		p++;
	if (p < end && (*p & 0xf0) == 0x40)
		rex = *p++;
	if (p < end && *p == 0x0f) {
		o.map = 1;
		p++;
	}
	o.op = p < end ? *p++ : 0;
	o.modrm = p < end && has_modrm(&o);
	o.rm = (o.op & 7) | (rex & 1) << 3; /* in the opcode itself */
	if (!o.modrm)
		return o;
	o.field = (*p >> 3) & 7;
	o.reg = o.field | (rex & 4) << 1;
	o.memory = *p >> 6 != 3;
	o.rm = (*p & 7) | (rex & 1) << 3;
	if (o.memory)
		read_memory(p, rex, &o);
	return o;
}

/* Compared with itself, as loops do with the end of a table, an address tells nothing. */
static void compare(struct flow *flow, bool a, bool b)
{
	flow->kept |= a != b;
}

static uint32_t assign(uint32_t holds, unsigned reg, bool value)
{
	return value ? holds | bit(reg) : holds & ~bit(reg);
}

/* add, or, adc, sbb, and, sub, xor, cmp: `op` & 7 says between what. */
static uint32_t arithmetic(struct flow *flow, const struct operands *o, uint32_t holds)
{
	bool reg = holds & bit(o->reg), rm = !o->memory && (holds & bit(o->rm));
	unsigned what = o->op >> 3, to = o->op & 2 ? o->reg : o->rm;

	if (what >= 5) /* sub, xor, cmp */
		compare(flow, reg, rm);
	if (what == 7 || (o->memory && !(o->op & 2)))
		return holds;
	if (what == 6 || what == 5) /* xor, sub: nothing is left of it */
		return assign(holds, to, false);
	return assign(holds, to, reg || rm);
}

/* The address itself stands in the instruction. */
static uint32_t immediate(struct flow *flow, const struct operands *o, uint32_t holds)
{
	if (o->map == 0 && o->op >= 0xb8 && o->op <= 0xbf)
		return assign(holds, o->rm, true);
	if (o->map == 0 && o->op == 0xc7) {
		flow->kept |= o->memory && !o->stack;
		return o->memory ? holds : assign(holds, o->rm, true);
	}
	if (o->map == 0 && o->op == 0x68) /* push */
		return holds;
	if (o->map == 0 && (o->op == 0x3d || (o->op == 0x81 && o->field == 7))) {
		unsigned reg = o->op == 0x3d ? RAX : o->rm;

		compare(flow, true, !o->memory && (holds & bit(reg)));
		return holds;
	}
	if (o->map == 0 && (o->op == 0x2d || (o->op == 0x81 && o->field == 5 && !o->memory))) {
		unsigned reg = o->op == 0x2d ? RAX : o->rm; /* sub: which element is it? */

		compare(flow, true, holds & bit(reg));
		return assign(holds, reg, false);
	}
	if (o->map == 0 && (o->op == 0x05 || (o->op == 0x81 && o->field == 0 && !o->memory)))
		return assign(holds, o->op == 0x05 ? RAX : o->rm, true);
	flow->kept = true; /* another calculation with it */
	return holds;
}

/* What the instruction leaves in the registers. `lea`: of an address near the variable. */
static uint32_t simple(struct flow *flow, const struct operands *o, bool lea, uint32_t holds)
{
	bool reg = holds & bit(o->reg), rm = !o->memory && (holds & bit(o->rm));

	if (o->op < 0x40 && (o->op & 7) < 4)
		return arithmetic(flow, o, holds);
	switch (o->op) {
	case 0x87: /* xchg */
		flow->kept |= o->memory && reg;
		holds = assign(holds, o->reg, rm);
		return o->memory ? holds : assign(holds, o->rm, reg);
	case 0x89: /* mov to memory or register */
		flow->kept |= o->memory && !o->stack && reg;
		return o->memory ? holds : assign(holds, o->rm, reg);
	case 0x8b: return assign(holds, o->reg, rm);
	case 0x8d: return assign(holds, o->reg, lea || (holds & o->address));
	case 0x63:
	case 0x69:
	case 0x6b: return assign(holds, o->reg, false);
	case 0xab: /* stos */ flow->kept |= (holds & bit(RAX)) != 0; return holds;
	case 0xc7: return o->memory ? holds : assign(holds, o->rm, false);
	default: break;
	}
	if ((o->op >= 0x58 && o->op <= 0x5f) || (o->op >= 0xb8 && o->op <= 0xbf)) /* pop, mov */
		return assign(holds, o->rm, false);
	return holds;
}

static uint32_t two_bytes(struct flow *flow, const struct operands *o, uint32_t holds)
{
	bool reg = holds & bit(o->reg), rm = !o->memory && (holds & bit(o->rm));

	if (o->op >= 0x40 && o->op <= 0x4f) /* cmov */
		return assign(holds, o->reg, reg || rm);
	switch (o->op) {
	case 0xb1: /* cmpxchg */
		compare(flow, holds & bit(RAX), rm);
		flow->kept |= reg;
		return holds;
	case 0xc1: /* xadd */ flow->kept |= o->memory && reg; return holds;
	case 0xaf:
	case 0xb6:
	case 0xb7:
	case 0xbc:
	case 0xbd:
	case 0xbe:
	case 0xbf: return assign(holds, o->reg, false);
	default: return holds;
	}
}

static const struct ref *find_ref(const struct flow *flow, const struct atom *part, uint64_t at,
				  const struct insn *insn)
{
	const struct ref *ref = diff_ref_within(part, at, at + insn->len);
	const struct ref *end = part->refs + part->ref_count;

	for (; ref && ref < end && ref->offset < at + insn->len; ref++)
		if (ref->target == flow->what)
			return ref;
	return NULL;
}

static uint32_t execute(struct flow *flow, const struct atom *part, uint64_t at,
			const struct insn *insn, const struct operands *o, uint32_t holds)
{
	const struct ref *ref = find_ref(flow, part, at, insn);

	if (ref && insn->imm_at && ref->offset == at + insn->imm_at)
		return immediate(flow, o, holds);
	return o->map == 1 ? two_bytes(flow, o, holds) : simple(flow, o, ref != NULL, holds);
}

static int go(struct flow *flow, size_t part, uint64_t at, uint32_t holds)
{
	const struct atom *atom = flow->parts[part].atom;

	if (!atom || at < atom->start || at >= atom->end)
		return 0;
	struct place place = { part, at, holds };
	uint32_t seen = flow->parts[part].seen[at - atom->start];

	return (seen & SEEN) && !(holds & ~seen) ? 0 : VEC_PUSH(&flow->queue, place);
}

/* Goes to where a reference leads, if that is in the function. */
static int go_to(struct flow *flow, const struct ref *ref, uint32_t holds)
{
	for (size_t i = 0; i < ARRAY_SIZE(flow->parts); i++)
		if (ref->target && ref->target == flow->parts[i].atom)
			return go(flow, i, (uint64_t)ref->position, holds);
	return 0;
}

/* A jump to another function takes along what is in the registers of arguments, like a call. */
static int follow(struct flow *flow, const struct place *from, const struct insn *insn)
{
	const struct atom *atom = flow->parts[from->part].atom;
	const uint8_t *field = atom->section->elf->data + from->at + insn->imm_at;
	const struct ref *ref = diff_ref_within(atom, from->at, from->at + insn->len);
	int64_t distance = (int8_t)field[0];

	if (ref) {
		if (ref->symbol && streq(ref->symbol->name, "__x86_return_thunk"))
			flow->kept |= (from->holds & bit(RAX)) != 0;
		return go_to(flow, ref, from->holds);
	}
	if (insn->imm_len == 4) {
		int32_t wide;

		memcpy(&wide, field, sizeof(wide));
		distance = wide;
	}
	return go(flow, from->part, from->at + insn->len + (uint64_t)distance, from->holds);
}

/* Static branches and exceptions: the place, and where it goes from there instead. */
static int follow_entries(struct flow *flow, const struct place *from)
{
	const struct atom *atom = flow->parts[from->part].atom;
	int e = 0;

	for (size_t i = 0; e == 0 && i < atom->entries.count; i++) {
		const struct special_entry *entry = atom->entries.items[i];

		if (entry->ref_count >= 2 && entry->refs[0].target == atom &&
		    entry->refs[0].position == (int64_t)from->at)
			e = go_to(flow, &entry->refs[1], from->holds);
	}
	return e;
}

enum { CALL = 2, JUMP = 4 }; /* of the group FF */

static bool is_indirect(const struct operands *o, unsigned field)
{
	return o->map == 0 && o->op == 0xff && o->modrm && o->field == field;
}

/* Does the way end there? */
static bool ends(const struct operands *o)
{
	return (o->map == 0 && (o->op == 0xe9 || o->op == 0xeb || o->op == 0xc3)) ||
	       (o->map == 1 && o->op == 0x0b) || is_indirect(o, JUMP);
}

/* Executes an instruction, and goes where it may jump. */
static int step(struct flow *flow, struct place *p, const struct insn *insn,
		const struct operands *o)
{
	int e = follow_entries(flow, p);

	if ((o->map == 0 && o->op == 0xe8) || is_indirect(o, CALL))
		p->holds &= ~CALL_CLOBBERS;
	else if (e == 0 && insn->branch)
		e = follow(flow, p, insn);
	else
		p->holds = execute(flow, flow->parts[p->part].atom, p->at, insn, o, p->holds);
	if (o->map == 0 && o->op == 0xc3)
		flow->kept |= (p->holds & bit(RAX)) != 0;
	return e;
}

static bool decode(const struct part *part, uint64_t at, struct insn *insn, struct operands *o)
{
	const uint8_t *code = part->atom->section->elf->data + at;

	if (!insn_decode(code, part->atom->end - at, insn))
		return false;
	*o = read_operands(code, insn);
	return true;
}

/* One instruction after the other, up to where the way ends, or one that is not known. */
static int run(struct flow *flow, struct place p)
{
	const struct part *part = &flow->parts[p.part];
	struct operands o = { 0 };
	struct insn insn;
	int e = 0;

	for (; e == 0 && p.at < part->atom->end && !ends(&o); p.at += insn.len) {
		uint32_t *seen = &part->seen[p.at - part->atom->start];

		if ((*seen & SEEN) && !(p.holds & ~*seen))
			return 0;
		p.holds |= *seen & ~(uint32_t)SEEN;
		*seen = p.holds | SEEN;
		if (!decode(part, p.at, &insn, &o))
			return 0;
		e = step(flow, &p, &insn, &o);
	}
	return e;
}

static int drain(struct flow *flow)
{
	int e = 0;

	while (e == 0 && flow->queue.count > 0)
		e = run(flow, flow->queue.items[--flow->queue.count]);
	return e;
}

/* Goes over every instruction: first to execute it with all that follows, unless it has been
 * reached already (the function's beginning has not; nor what a way leads to that is not known
 * here); then to judge it, with what the registers may hold there at most. */
static int sweep(struct flow *flow, size_t number, bool judge)
{
	const struct part *part = &flow->parts[number];
	struct insn insn = { .len = 1 };
	struct operands o;
	int e = 0;

	for (uint64_t at = part->atom->entry; e == 0 && at < part->atom->end; at += insn.len) {
		uint32_t seen = part->seen[at - part->atom->start];
		struct place p = { number, at, seen & ~(uint32_t)SEEN };

		if (!decode(part, at, &insn, &o)) {
			flow->kept = true; /* nobody knows */
			return 0;
		}
		if (!judge && !(seen & SEEN))
			e = go(flow, number, at, 0) < 0 ? ERR_NO_MEMORY : drain(flow);
		else if (judge)
			e = step(flow, &p, &insn, &o);
	}
	return e;
}

static int sweep_all(struct flow *flow, bool judge)
{
	int e = 0;

	flow->kept = false;
	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(flow->parts) && flow->parts[i].atom; i++)
		e = sweep(flow, i, judge);
	return e;
}

int diff_keeps_address(const struct atom *function, const struct atom *what, bool *ret)
{
	_cleanup_(flow_done) struct flow flow = { .what = what };
	int e;

	*ret = true;
	flow.parts[0].atom = function;
	flow.parts[1].atom = function->cold;
	for (size_t i = 0; i < ARRAY_SIZE(flow.parts) && flow.parts[i].atom; i++) {
		const struct atom *atom = flow.parts[i].atom;

		if (!atom->section->elf->data)
			return 0;
		flow.parts[i].seen = calloc(atom->end - atom->start + 1, sizeof(uint32_t));
		if (!flow.parts[i].seen)
			return ERR_NO_MEMORY;
	}
	e = sweep_all(&flow, false);
	if (e == 0)
		e = sweep_all(&flow, true);
	if (e == 0)
		*ret = flow.kept;
	return e;
}
