/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/module_check.h"
#include "sample_object.h"

struct module {
	struct elf_object *object;
	struct elf_section *text, *this_module, *orc, *sites, *header;
};

/* A traced function that returns through the thunk, all its tables, and a struct module. */
static void make(struct module *m)
{
	static const uint8_t code[16], zeros[64];
	struct elf_symbol *fentry, *thunk, *indirect, *init, *cleanup, *f;

	assert_int_equal(elf_object_new(&m->object), 0);
	m->text = sample_section(m->object, ".text.f", SHF_ALLOC | SHF_EXECINSTR, code, 16);
	m->this_module =
		sample_section(m->object, ".gnu.linkonce.this_module", SHF_ALLOC, zeros, 64);
	m->orc = sample_section(m->object, ".orc_unwind_ip", SHF_ALLOC, zeros, 4);
	m->sites = sample_section(m->object, ".return_sites", SHF_ALLOC, zeros, 4);
	m->header = sample_section(m->object, ".orc_header", SHF_ALLOC, "0123", 4);

	struct elf_section *mcount = sample_section(m->object, "__mcount_loc", SHF_ALLOC, zeros, 8);
	struct elf_section *indirects =
		sample_section(m->object, ".retpoline_sites", SHF_ALLOC, zeros, 4);

	f = sample_symbol(m->object, "f", STT_FUNC, STB_GLOBAL, m->text, 16);
	init = sample_symbol(m->object, "init_module", STT_FUNC, STB_GLOBAL, m->text, 1);
	cleanup = sample_symbol(m->object, "cleanup_module", STT_FUNC, STB_GLOBAL, m->text, 1);
	fentry = sample_symbol(m->object, "__fentry__", STT_NOTYPE, STB_GLOBAL, NULL, 0);
	thunk = sample_symbol(m->object, "__x86_return_thunk", STT_NOTYPE, STB_GLOBAL, NULL, 0);
	indirect = sample_symbol(m->object, "__x86_indirect_thunk_rax", STT_NOTYPE, STB_GLOBAL,
				 NULL, 0);
	sample_relas(m->object, m->text,
		     (struct elf_rela[]){ { 1, fentry, R_X86_64_PLT32, -4 },
					  { 6, thunk, R_X86_64_PLT32, -4 },
					  { 11, indirect, R_X86_64_PLT32, -4 } },
		     3);
	sample_relas(m->object, m->this_module,
		     (struct elf_rela[]){ { 24, init, R_X86_64_64, 0 },
					  { 48, cleanup, R_X86_64_64, 0 } },
		     2);
	sample_relas(m->object, m->orc, &(struct elf_rela){ 0, f, R_X86_64_PC32, 0 }, 1);
	sample_relas(m->object, m->sites, &(struct elf_rela){ 0, f, R_X86_64_PC32, 5 }, 1);
	sample_relas(m->object, mcount, &(struct elf_rela){ 0, f, R_X86_64_64, 0 }, 1);
	sample_relas(m->object, indirects, &(struct elf_rela){ 0, f, R_X86_64_PC32, 10 }, 1);
}

static void expect(struct module *made, const struct module *shipped, const char *why)
{
	struct error err = { 0 };
	int r = module_check(made->object, shipped->object, &err);

	if (!why) {
		assert_ok(r, &err);
	} else {
		assert_int_equal(r, ERR_MISMATCH);
		if (!strstr(err.message, why))
			fail_msg("'%s' does not hold '%s'", err.message, why);
	}
	elf_object_free(made->object);
	make(made);
}

static void what_is_wrong_is_named(void **state)
{
	struct module shipped, made;

	(void)state;
	make(&shipped);
	make(&made);
	expect(&made, &shipped, NULL);
	made.this_module->size = 63;
	expect(&made, &shipped, "63 bytes here and 64");
	made.this_module->size = 65;
	expect(&made, &shipped, "65 bytes here and 64");
	made.header->name = ".other";
	expect(&made, &shipped, ".orc_header");
	elf_object_section(made.object, ".retpoline_sites")->rela->rela_count = 0;
	expect(&made, &shipped, "1 branches to __x86_indirect_thunk, but 0 entries");
	/* not code to objtool */
	sample_section(made.object, ".altinstr_replacement", SHF_ALLOC | SHF_EXECINSTR, "x", 1);
	sample_section(made.object, ".discard.text", SHF_ALLOC | SHF_EXECINSTR, "x", 1);
	expect(&made, &shipped, NULL);
	sample_section(made.object, ".text.more", SHF_ALLOC | SHF_EXECINSTR, "x", 1);
	expect(&made, &shipped, "section .text.more has no ORC entries");
	made.this_module->rela->relas[0].offset = 32;
	expect(&made, &shipped, "init_module");
	made.this_module->rela->rela_count = 1;
	expect(&made, &shipped, "cleanup_module");
	made.sites->rela->rela_count = 0;
	expect(&made, &shipped, "1 branches to __x86_return_thunk, but 0 entries in .return_sites");
	made.orc->rela->rela_count = 0;
	expect(&made, &shipped, "section .text.f has no ORC entries");
	made.header->data[0] = 'x';
	expect(&made, &shipped, ".orc_header");
	elf_object_section(made.object, "__mcount_loc")->rela->rela_count = 0;
	expect(&made, &shipped, "__fentry__");
	elf_object_free(made.object);
	elf_object_free(shipped.object);
}

/* A kernel without return thunks has no table of them either. */
static void what_the_kernel_does_not_have(void **state)
{
	struct module shipped, made;

	(void)state;
	make(&shipped);
	make(&made);
	shipped.sites->name = "other";
	made.sites->rela->rela_count = 0;
	expect(&made, &shipped, NULL);
	elf_object_free(made.object);
	elf_object_free(shipped.object);
}

static void what_is_left_undefined(void **state)
{
	static const char good[] = "0x1\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n"
				   "0x2\t__x86_return_thunk\tvmlinux\tEXPORT_SYMBOL\t\n";
	static const char *const bad[] = {
		"0x1\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n",
		"0x1\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n"
		"0x2\t__x86_return_thunk\tfs/other\tEXPORT_SYMBOL\t\n",
		"0x1\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n"
		"0x2\t__x86_return_thunk\tvmlinux\tEXPORT_SYMBOL\tINNER\n",
	};
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "Module.symvers", NULL);
	struct error err = { 0 };
	struct module made;

	(void)state;
	make(&made);
	elf_object_symbol(made.object, "__x86_indirect_thunk_rax")->binding = STB_WEAK;
	for (size_t i = 0; i <= ARRAY_SIZE(bad); i++) {
		_cleanup_symvers_ struct symvers *s = NULL;
		const char *text = i ? bad[i - 1] : good;

		assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
		assert_ok(symvers_load(path, &s, &err), &err);
		int r = module_check_imports(made.object, s, &err);
		assert_int_equal(r, i ? ERR_INVALID : 0);
		assert_true(i == 0 || strstr(err.message, "needs __x86_return_thunk"));
		err = (struct error){ 0 };
	}
	elf_object_free(made.object);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_is_left_undefined),
		cmocka_unit_test(what_the_kernel_does_not_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
