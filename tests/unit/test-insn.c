/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/insn.h"
#include "unit.h"

struct sample {
	const char *what;
	uint8_t bytes[15];
	struct insn expected;
};

#define INSN(l, ...)                    \
	{                               \
		.len = (l), __VA_ARGS__ \
	}

/* Encodings as GNU as makes them. */
static const struct sample samples[] = {
	{ "ret", { 0xc3 }, INSN(1) },
	{ "endbr64", { 0xf3, 0x0f, 0x1e, 0xfa }, INSN(4) },
	{ "call rel32", { 0xe8 }, INSN(5, .imm_at = 1, .imm_len = 4, .branch = true) },
	{ "jne rel32", { 0x0f, 0x85 }, INSN(6, .imm_at = 2, .imm_len = 4, .branch = true) },
	{ "jmp rel8", { 0xeb, 0x10 }, INSN(2, .imm_at = 1, .imm_len = 1, .branch = true) },
	{ "call *%cs:thunk", { 0x2e, 0xe8 }, INSN(6, .imm_at = 2, .imm_len = 4, .branch = true) },
	{ "mov x(%rip), %rsi",
	  { 0x48, 0x8b, 0x35 },
	  INSN(7, .disp_at = 3, .disp_len = 4, .rip = true) },
	{ "lea x(%rip), %rdi",
	  { 0x48, 0x8d, 0x3d },
	  INSN(7, .disp_at = 3, .disp_len = 4, .rip = true, .address = true) },
	{ "movl $5, x(%rip)",
	  { 0xc7, 0x05 },
	  INSN(10, .disp_at = 2, .disp_len = 4, .imm_at = 6, .imm_len = 4, .rip = true) },
	{ "movw $5, x(%rip)",
	  { 0x66, 0xc7, 0x05 },
	  INSN(9, .disp_at = 3, .disp_len = 4, .imm_at = 7, .imm_len = 2, .rip = true) },
	{ "movb $5, x(%rip)",
	  { 0xc6, 0x05 },
	  INSN(7, .disp_at = 2, .disp_len = 4, .imm_at = 6, .imm_len = 1, .rip = true) },
	{ "movq $5, x(%rip)",
	  { 0x48, 0xc7, 0x05 },
	  INSN(11, .disp_at = 3, .disp_len = 4, .imm_at = 7, .imm_len = 4, .rip = true) },
	{ "testb $1, x(%rip)",
	  { 0xf6, 0x05 },
	  INSN(7, .disp_at = 2, .disp_len = 4, .imm_at = 6, .imm_len = 1, .rip = true) },
	{ "notb x(%rip)", { 0xf6, 0x15 }, INSN(6, .disp_at = 2, .disp_len = 4, .rip = true) },
	{ "testl $1, x(%rip)",
	  { 0xf7, 0x05 },
	  INSN(10, .disp_at = 2, .disp_len = 4, .imm_at = 6, .imm_len = 4, .rip = true) },
	{ "mov $x, %rdi", { 0x48, 0xc7, 0xc7 }, INSN(7, .imm_at = 3, .imm_len = 4) },
	{ "movabs $x, %rax", { 0x48, 0xb8 }, INSN(10, .imm_at = 2, .imm_len = 8) },
	{ "mov $x, %eax", { 0xb8 }, INSN(5, .imm_at = 1, .imm_len = 4) },
	{ "mov x(,%rax,8), %rdi",
	  { 0x48, 0x8b, 0x3c, 0xc5 },
	  INSN(8, .disp_at = 4, .disp_len = 4, .indexed = true) },
	{ "mov x, %eax (absolute)", { 0x8b, 0x04, 0x25 }, INSN(7, .disp_at = 3, .disp_len = 4) },
	{ "mov %gs:x, %rax",
	  { 0x65, 0x48, 0x8b, 0x04, 0x25 },
	  INSN(9, .disp_at = 5, .disp_len = 4) },
	{ "mov 8(%rsp), %rax",
	  { 0x48, 0x8b, 0x44, 0x24, 8 },
	  INSN(5, .disp_at = 4, .disp_len = 1, .indexed = true) },
	{ "mov x(%rbp), %eax",
	  { 0x8b, 0x85 },
	  INSN(6, .disp_at = 2, .disp_len = 4, .indexed = true) },
	{ "movabs x, %al", { 0xa0 }, INSN(9, .disp_at = 1, .disp_len = 8) },
	{ "imul $3, x(%rip), %eax",
	  { 0x69, 0x05 },
	  INSN(10, .disp_at = 2, .disp_len = 4, .imm_at = 6, .imm_len = 4, .rip = true) },
	{ "enter", { 0xc8, 1, 0, 0 }, INSN(4, .imm_at = 1, .imm_len = 2) },
	{ "ud2", { 0x0f, 0x0b }, INSN(2) },
	{ "ud1 %eax, %eax", { 0x0f, 0xb9, 0xc0 }, INSN(3) },
	{ "nopw 0(%rax,%rax)",
	  { 0x66, 0x0f, 0x1f, 0x44, 0, 0 },
	  INSN(6, .disp_at = 5, .disp_len = 1, .indexed = true) },
	{ "bts $3, x(%rip)",
	  { 0x0f, 0xba, 0x2d },
	  INSN(8, .disp_at = 3, .disp_len = 4, .imm_at = 7, .imm_len = 1, .rip = true) },
	{ "lock cmpxchg16b", { 0xf0, 0x48, 0x0f, 0xc7, 0x0e }, INSN(5, .indexed = true) },
	{ "crc32q", { 0xf2, 0x48, 0x0f, 0x38, 0xf1, 0xc1 }, INSN(6) },
	{ "palignr $8", { 0x66, 0x0f, 0x3a, 0x0f, 0xc1, 8 }, INSN(6, .imm_at = 5, .imm_len = 1) },
	{ "vpxor (VEX 2)", { 0xc5, 0xfd, 0xef, 0xc0 }, INSN(4) },
	{ "vpblendd (VEX 3)",
	  { 0xc4, 0xe3, 0x7d, 0x02, 0xc1, 0xf0 },
	  INSN(6, .imm_at = 5, .imm_len = 1) },
	{ "vmovdqu64 (EVEX)", { 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x06 }, INSN(6, .indexed = true) },
};

static void fields_are_where_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		struct insn insn;

		if (!insn_decode(s->bytes, sizeof(s->bytes), &insn))
			fail_msg("%s is not decoded", s->what);
		if (memcmp(&insn, &s->expected, sizeof(insn)) != 0)
			fail_msg("%s: length %u, displacement %u+%u, immediate %u+%u, rip %d, "
				 "indexed %d, branch %d",
				 s->what, insn.len, insn.disp_at, insn.disp_len, insn.imm_at,
				 insn.imm_len, insn.rip, insn.indexed, insn.branch);
	}
}

/* One byte too few is never taken for an instruction. */
static void cut_instructions_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		for (size_t len = 0; len < samples[i].expected.len; len++) {
			struct insn insn;
			uint8_t *exact = malloc(len + 1);

			assert_non_null(exact);
			memcpy(exact, samples[i].bytes, len);
			uint8_t *end = realloc(exact, len ? len : 1);
			assert_false(insn_decode(end, len, &insn));
			free(end);
		}
	}
}

static void what_64_bit_mode_lacks_is_refused(void **state)
{
	(void)state;
	static const uint8_t bad[][15] = {
		{ 0x06 },
		{ 0x27 },
		{ 0x60 },
		{ 0x82, 0xc0, 1 },
		{ 0x9a },
		{ 0xce },
		{ 0xea },
		{ 0x0f, 0x04 },
		{ 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		  0x66, 0x66 },
	};
	struct insn insn;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(insn_decode(bad[i], sizeof(bad[i]), &insn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_where_they_are),
		cmocka_unit_test(cut_instructions_are_refused),
		cmocka_unit_test(what_64_bit_mode_lacks_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
