/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of code that linking, objtool, booting or running may change: one assembler text a case. */
#include "build/proof/sites.h"

#include "shipped_module.h"

struct text {
	char *dir;
	struct elf_object *object;
	struct sites sites;
	struct error err;
};

/* A function f of these instructions, and what else the file holds. */
static int set_up(struct text *t, const char *body, const char *rest)
{
	_cleanup_free_ char *source = NULL, *o = NULL;

	*t = (struct text){ .dir = unit_make_dir() };
	assert_true(asprintf(&source,
			     "__asm__(\".text\\n.globl f\\n.type f,@function\\nf: %s\\n"
			     ".size f,.-f\\n%s\");\n",
			     body, rest) > 0);
	o = shipped_in(t->dir, "t.o");
	shipped_compile(t->dir, source, "t.o", false);
	assert_ok(elf_object_load(o, &t->object, &t->err), &t->err);
	return sites_collect(t->object, &t->sites, &t->err);
}

static void tear_down(struct text *t)
{
	sites_free(&t->sites);
	elf_object_free(t->object);
	unit_remove_dir(t->dir);
}

/* 'x' for each byte of f that may change, '.' for others. */
static void draw(const struct text *t, bool at_link, char *ret)
{
	const struct elf_symbol *f = elf_object_symbol(t->object, "f");
	uint8_t map[512] = { 0 };

	assert_true(f && f->size < sizeof(map));
	sites_mark(&t->sites, f->section, f->value, f->size, at_link, map);
	for (size_t i = 0; i < f->size; i++)
		ret[i] = map[i] ? 'x' : '.';
	ret[f->size] = '\0';
}

#define ALTERNATIVE(entry)                                               \
	".section .altinstructions,\\\"a\\\"\\n.long f-., 9f-.\\n" entry \
	"\\n.section .altinstr_replacement,\\\"ax\\\"\\n9: nop\\n"

static void places(void **state)
{
	static const struct {
		const char *what, *body, *rest;
		const char *running, *linking;
	} cases[] = {
		{ "a return", "jmp __x86_return_thunk; nop", "", "xxxxx.", ".xxxx." },
		{ "a conditional one", "jne __x86_return_thunk", "", "xxxxxx", "..xxxx" },
		{ "with a prefix", ".byte 0x2e; call __x86_indirect_thunk_rax", "", "xxxxxx",
		  "..xxxx" },
		{ "the call of ftrace", "call __fentry__; nop", "", "xxxxx.", "xxxxx." },
		{ "a static call", "call __SCT__x; nop", "", "xxxxx.", ".xxxx." },
		{ "an address", "movabs $outside, %rax; nop", "", "..xxxxxxxx.", "..xxxxxxxx." },
		{ "a call that is known", "call 1f; 1: nop", "", ".xxxx.", "......" },
		{ "a jump that is known", ".byte 0xe9, 0, 0, 0, 0; nop", "", "......", "......" },
		{ "an entry for indirect branches", "endbr64; nop", "", "xxxx.", "....." },
		{ "an alternative", "nop; nop; nop", ALTERNATIVE(".long 0x01010101; .byte 2, 1"),
		  "xx.", "..." },
		{ "one of 12 bytes", "nop; nop; nop", ALTERNATIVE(".word 7; .byte 2, 1"), "xx.",
		  "..." },
		{ "one of 13 bytes", "nop; nop; nop", ALTERNATIVE(".word 7; .byte 2, 1, 1"), "xx.",
		  "..." },
		{ "a short jump", ".byte 0xeb, 0; nop; nop; nop; nop",
		  ".section __jump_table,\\\"a\\\"\\n.long f-., f+2-.\\n.quad key-.\\n", "xx....",
		  "xx...." },
		{ "a short nop", ".byte 0x66, 0x90; nop; nop; nop; nop",
		  ".section __jump_table,\\\"a\\\"\\n.long f-., f+2-.\\n.quad key-.\\n", "xx....",
		  "xx...." },
		{ "a jump", "nop; nop; nop; nop; nop; nop",
		  ".section __jump_table,\\\"a\\\"\\n.long f-., f+5-.\\n.quad key-.\\n", "xxxxx.",
		  "xxxxx." },
		{ "a hypervisor's call", "nop; nop; nop; nop",
		  ".section .parainstructions,\\\"a\\\"\\n.quad f\\n.byte 1, 3\\n.word 0, 0, 0\\n",
		  "xxx.", "...." },
		{ "a lock", "lock; incl (%rax)", ".section .smp_locks,\\\"a\\\"\\n.long f-.\\n",
		  "x..", "..." },
		{ "an ftrace site", "nop; nop; nop; nop; nop; nop",
		  ".section __mcount_loc,\\\"a\\\"\\n.quad f\\n", "xxxxx.", "xxxxx." },
		{ "a pointer set at boot", "movabs $1, %rax",
		  ".section runtime_ptr_x,\\\"a\\\"\\n.long f+2-.\\n", "..xxxxxxxx", ".........." },
		{ "a shift set at boot", "shr $12, %rax",
		  ".section runtime_shift_x,\\\"a\\\"\\n.long f+3-.\\n", "...x", "...." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char running[513], linking[513];
		struct text t;

		assert_ok(set_up(&t, cases[i].body, cases[i].rest), &t.err);
		draw(&t, false, running);
		draw(&t, true, linking);
		if (!streq(running, cases[i].running) || !streq(linking, cases[i].linking))
			fail_msg("%s: %s and %s", cases[i].what, running, linking);
		tear_down(&t);
	}
}

static void what_is_not_understood(void **state)
{
	static const struct {
		const char *rest, *section;
	} cases[] = {
		{ ".section .smp_locks,\\\"a\\\"\\n.long f+64-.\\n", ".smp_locks" },
		{ ".section .smp_locks,\\\"a\\\"\\n.long outside-.\\n", ".smp_locks" },
		{ ALTERNATIVE(".long 0; .byte 2, 1, 0"), ".altinstructions" },
		{ ".section .altinstructions,\\\"a\\\"\\n.long f-., f-., f-.\\n.byte 1, 1\\n",
		  ".altinstructions" },
		{ ".section .altinstructions,\\\"a\\\"\\n.word 0\\n.long f-., f-.\\n.byte 1, 1, 1, 1\\n",
		  ".altinstructions" },
		{ ".section .parainstructions,\\\"a\\\"\\n.quad f\\n.byte 1\\n",
		  ".parainstructions" },
		{ ".section __jump_table,\\\"a\\\"\\n.long outside-., f-.\\n.quad key-.\\n",
		  "__jump_table" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text t;

		assert_int_equal(set_up(&t, "nop; nop", cases[i].rest), ERR_INVALID);
		if (!strstr(t.err.message, cases[i].section))
			fail_msg("case %zu: %s", i, t.err.message);
		tear_down(&t);
	}
}

/* Of a long site only what lies in the range is marked, and all of that. */
static void parts(void **state)
{
	uint8_t map[12];
	struct text t;

	(void)state;
	assert_ok(set_up(&t, ".fill 250, 1, 0x90", ALTERNATIVE(".long 0; .byte 200, 1")), &t.err);

	const struct elf_section *text = elf_object_symbol(t.object, "f")->section;
	static const struct {
		uint64_t from;
		const char *map;
	} cases[] = { { 0, "xxxxxxxxxx" },
		      { 100, "xxxxxxxxxx" },
		      { 195, "xxxxx....." },
		      { 200, ".........." } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(map, '.', sizeof(map));
		sites_mark(&t.sites, text, cases[i].from, 10, false, map);
		for (size_t k = 0; k < 10; k++)
			assert_int_equal(map[k] == 1, cases[i].map[k] == 'x');
		assert_int_equal(map[10], '.');
	}
	tear_down(&t);
}

/* A site that begins with the last byte of a range is in it. */
static void last_byte(void **state)
{
	uint8_t map[4] = { 0 };
	struct text t;

	(void)state;
	assert_ok(set_up(&t, "nop; nop; lock; incl (%rax)",
			 ".section .smp_locks,\\\"a\\\"\\n.long f+2-.\\n"),
		  &t.err);
	sites_mark(&t.sites, elf_object_symbol(t.object, "f")->section, 0, 3, false, map);
	assert_memory_equal(map, "\0\0\1\0", 4);
	tear_down(&t);
}

static void rewritten(void **state)
{
	struct text t;

	(void)state;
	assert_ok(set_up(&t, "nop; call __fentry__; call __x86_return_thunk", ""), &t.err);

	const struct elf_section *text = elf_object_symbol(t.object, "f")->section;

	for (uint64_t at = 0; at < 11; at++)
		assert_int_equal(sites_rewritten(&t.sites, text, at), at >= 1 && at < 6);
	tear_down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),    cmocka_unit_test(what_is_not_understood),
		cmocka_unit_test(parts),     cmocka_unit_test(last_byte),
		cmocka_unit_test(rewritten),
	};

	return cmocka_run_group_tests_name("sites", tests, NULL, NULL);
}
