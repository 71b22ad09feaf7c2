/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/insn.h"

#define INSN_MAX 15

/* What follows an opcode. */
enum {
	NONE = 0,
	MODRM = 1 << 0,
	IMM8 = 1 << 1,
	IMM16 = 1 << 2,
	IMMZ = 1 << 3,   /* 4 bytes, 2 with operand-size prefix */
	IMMV = 1 << 4,   /* as IMMZ, but 8 bytes with REX.W */
	REL8 = 1 << 5,   /* branch */
	REL32 = 1 << 6,  /* branch */
	MOFFS = 1 << 7,  /* absolute address */
	GROUP3 = 1 << 8, /* F6, F7: an immediate only for TEST */
	BAD = 1 << 9,    /* not an instruction in 64-bit mode, or a prefix out of place */
};

struct cursor {
	const uint8_t *code;
	size_t len, at;
	bool opsize, addrsize, rex_w, lea;
};

/* Opcodes below 0x40: eight arithmetic operations, eight opcodes each. */
static unsigned arithmetic(uint8_t op)
{
	switch (op & 7) {
	case 4: return IMM8;
	case 5: return IMMZ;
	case 6:
	case 7: return BAD;
	default: return MODRM;
	}
}

static unsigned one_byte_low(uint8_t op)
{
	if (op < 0x40)
		return arithmetic(op);
	if (op < 0x60)
		return NONE; /* 0x40 to 0x4f are REX and handled before */
	if (op >= 0x70)
		return REL8;
	switch (op) {
	case 0x63: return MODRM;
	case 0x68: return IMMZ;
	case 0x69: return MODRM | IMMZ;
	case 0x6a: return IMM8;
	case 0x6b: return MODRM | IMM8;
	case 0x6c:
	case 0x6d:
	case 0x6e:
	case 0x6f: return NONE;
	default: return BAD;
	}
}

static unsigned one_byte_middle(uint8_t op)
{
	if (op >= 0xb0)
		return op < 0xb8 ? IMM8 : IMMV;
	switch (op) {
	case 0x80:
	case 0x83: return MODRM | IMM8;
	case 0x81: return MODRM | IMMZ;
	case 0x82:
	case 0x9a: return BAD;
	case 0xa0:
	case 0xa1:
	case 0xa2:
	case 0xa3: return MOFFS;
	case 0xa8: return IMM8;
	case 0xa9: return IMMZ;
	default: return op < 0x90 ? MODRM : NONE;
	}
}

static unsigned one_byte_high(uint8_t op)
{
	switch (op) {
	case 0xc0:
	case 0xc1:
	case 0xc6: return MODRM | IMM8;
	case 0xc7: return MODRM | IMMZ;
	case 0xc2:
	case 0xca: return IMM16;
	case 0xc8: return IMM16 | IMM8;
	case 0xcd:
	case 0xe4:
	case 0xe5:
	case 0xe6:
	case 0xe7: return IMM8;
	case 0xe0:
	case 0xe1:
	case 0xe2:
	case 0xe3:
	case 0xeb: return REL8;
	case 0xe8:
	case 0xe9: return REL32;
	case 0xf6: return MODRM | GROUP3 | IMM8;
	case 0xf7: return MODRM | GROUP3 | IMMZ;
	case 0xfe:
	case 0xff: return MODRM;
	case 0xc4: /* VEX */
	case 0xc5:
	case 0xce:
	case 0xd4:
	case 0xd5:
	case 0xd6:
	case 0xea: return BAD;
	default: return op >= 0xd0 && op <= 0xdf && op != 0xd7 ? MODRM : NONE;
	}
}

static unsigned one_byte(uint8_t op)
{
	return op < 0x80 ? one_byte_low(op) : op < 0xc0 ? one_byte_middle(op) : one_byte_high(op);
}

static unsigned two_byte_low(uint8_t op)
{
	switch (op) {
	case 0x04:
	case 0x0a:
	case 0x0c:
	case 0x24:
	case 0x25:
	case 0x26:
	case 0x27:
	case 0x36:
	case 0x39:
	case 0x3b:
	case 0x3c:
	case 0x3d:
	case 0x3e:
	case 0x3f:
	case 0x7a:
	case 0x7b: return BAD;
	case 0x0f:
	case 0x70:
	case 0x71:
	case 0x72:
	case 0x73: return MODRM | IMM8;
	case 0x77: return NONE;
	default:
		if ((op >= 0x05 && op <= 0x0b) || op == 0x0e || (op >= 0x30 && op <= 0x37))
			return NONE;
		return MODRM;
	}
}

static unsigned two_byte_high(uint8_t op)
{
	switch (op) {
	case 0xa4:
	case 0xac:
	case 0xba:
	case 0xc2:
	case 0xc4:
	case 0xc5:
	case 0xc6: return MODRM | IMM8;
	case 0xa0:
	case 0xa1:
	case 0xa2:
	case 0xa8:
	case 0xa9:
	case 0xaa: return NONE;
	default:
		if (op < 0x90)
			return REL32;
		return op >= 0xc8 && op <= 0xcf ? NONE : MODRM;
	}
}

static unsigned two_byte(uint8_t op)
{
	return op < 0x80 ? two_byte_low(op) : two_byte_high(op);
}

/* By opcode map: 1 is 0F, 2 is 0F 38, 3 is 0F 3A. */
static unsigned in_map(unsigned map, uint8_t op)
{
	switch (map) {
	case 1: return two_byte(op);
	case 2: return MODRM;
	case 3: return MODRM | IMM8;
	default: return BAD;
	}
}

static bool next(struct cursor *c, uint8_t *ret)
{
	if (c->at >= c->len)
		return false;
	*ret = c->code[c->at++];
	return true;
}

/* Legacy prefixes in any order, then REX directly before the opcode. */
static bool prefixes(struct cursor *c, uint8_t *op)
{
	while (next(c, op)) {
		switch (*op) {
		case 0x66: c->opsize = true; break;
		case 0x67: c->addrsize = true; break;
		case 0xf0:
		case 0xf2:
		case 0xf3:
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65: break;
		default:
			if ((*op & 0xf0) != 0x40)
				return true;
			c->rex_w = *op & 8;
			return next(c, op) && (*op & 0xf0) != 0x40;
		}
	}
	return false;
}

/* VEX (C4, C5) and EVEX (62): the map is in the prefix. Branches have no such form. */
static bool vector_prefix(struct cursor *c, uint8_t op, unsigned *what)
{
	uint8_t byte, map = 1;

	if (!next(c, &byte))
		return false;
	if (op != 0xc5)
		map = byte & (op == 0x62 ? 7 : 31);
	for (int skip = op == 0xc4 ? 1 : op == 0x62 ? 2 : 0; skip > 0; skip--)
		if (!next(c, &byte))
			return false;
	if (!next(c, &op))
		return false;
	*what = in_map(map, op);
	return !(*what & (REL8 | REL32 | BAD));
}

static bool opcode(struct cursor *c, unsigned *what)
{
	uint8_t op;

	if (!prefixes(c, &op))
		return false;
	if (op == 0xc4 || op == 0xc5 || op == 0x62)
		return vector_prefix(c, op, what);
	if (op != 0x0f) {
		c->lea = op == 0x8d;
		*what = one_byte(op);
		return !(*what & BAD);
	}
	if (!next(c, &op))
		return false;
	unsigned map = op == 0x38 ? 2 : op == 0x3a ? 3 : 1;
	if (map > 1 && !next(c, &op))
		return false;
	*what = in_map(map, op);
	return !(*what & BAD);
}

/* The ModRM byte, a SIB byte and the displacement. */
static bool memory_operand(struct cursor *c, unsigned *what, struct insn *insn)
{
	uint8_t modrm, sib = 0;

	if (!next(c, &modrm))
		return false;
	uint8_t mod = modrm >> 6, rm = modrm & 7;
	if ((*what & GROUP3) && ((modrm >> 3) & 7) > 1)
		*what &= ~(unsigned)(IMM8 | IMMZ);
	if (mod == 3)
		return true;
	if (rm == 4 && !next(c, &sib))
		return false;
	bool no_base = mod == 0 && (rm == 4 ? (sib & 7) == 5 : rm == 5);
	insn->rip = no_base && rm == 5;
	insn->indexed = !no_base || (rm == 4 && ((sib >> 3) & 7) != 4);
	insn->disp_len = mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
	if (insn->disp_len == 0)
		return true;
	insn->disp_at = (uint8_t)c->at;
	c->at += insn->disp_len;
	return c->at <= c->len;
}

static uint8_t immediate_len(const struct cursor *c, unsigned what)
{
	uint8_t z = c->opsize && !c->rex_w ? 2 : 4;

	if (what & IMMV)
		return c->rex_w ? 8 : z;
	if (what & IMMZ)
		return z;
	if (what & REL32)
		return 4;
	if (what & IMM16)
		return 2;
	return what & (IMM8 | REL8) ? 1 : 0;
}

bool insn_decode(const uint8_t *code, size_t len, struct insn *ret)
{
	struct cursor c = { .code = code, .len = MIN(len, (size_t)INSN_MAX) };
	struct insn insn = { 0 };
	unsigned what;

	if (!opcode(&c, &what))
		return false;
	if ((what & MODRM) && !memory_operand(&c, &what, &insn))
		return false;
	if (what & MOFFS) {
		insn.disp_at = (uint8_t)c.at;
		insn.disp_len = c.addrsize ? 4 : 8;
		c.at += insn.disp_len;
	}
	insn.imm_len = immediate_len(&c, what);
	if (insn.imm_len) {
		insn.imm_at = (uint8_t)c.at;
		c.at += insn.imm_len;
	}
	if ((what & IMM16) && (what & IMM8))
		c.at++; /* ENTER */
	if (c.at > c.len)
		return false;
	insn.address = c.lea;
	insn.branch = what & (REL8 | REL32);
	insn.len = (uint8_t)c.at;
	*ret = insn;
	return true;
}
