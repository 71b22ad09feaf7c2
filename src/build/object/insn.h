/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lengths and fields of x86-64 instructions: just enough to know which instruction a relocated
 * field belongs to and how many bytes follow it (Intel SDM volume 2, chapter 2 and appendix A).
 */
#pragma once

#include "base/macro.h"

struct insn {
	uint8_t len;      /* in bytes, 1 to 15 */
	uint8_t disp_at;  /* of the displacement in the instruction; 0: none */
	uint8_t disp_len; /* 1, 4 or 8 (absolute) */
	uint8_t imm_at;   /* of the (first) immediate; 0: none */
	uint8_t imm_len;  /* 1, 2, 4 or 8 */
	bool rip;         /* the displacement is relative to the next instruction */
	bool indexed;     /* the memory operand uses a register besides rip */
	bool address;     /* LEA: the operand's address is the result, memory is not touched */
	bool branch;      /* the immediate is relative to the next instruction: call or jump */
};

/* Decodes the instruction at `code`; false when `len` bytes do not hold a known one. */
bool insn_decode(const uint8_t *code, size_t len, struct insn *ret);
