/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/convert.h"
#include "build/patch/inspect.h"
#include "sample_object.h"

#define FILE_MAX ((size_t)1 << 20)

static const struct convert_symbol to_vmlinux[] = {
	{ "outside", "vmlinux", "outside.isra.0", 3 },
	{ "__fentry__", "nf_tables", "__fentry__", 0 },
};

static int convert(const struct buf *in, const struct convert_symbol *symbols, size_t count,
		   struct buf *out, struct error *err)
{
	return convert_module(in->data, in->len, symbols, count, NULL, out, err);
}

static void symbols_and_relocations_become_livepatch_ones(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf in = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
	_cleanup_elf_object_ struct elf_object *o = NULL;
	struct error err = { 0 };

	sample_file(1, 2, "x", &in);
	assert_ok(convert(&in, to_vmlinux, 2, &out, &err), &err);
	assert_ok(elf_object_parse(out.data, out.len, "out.ko", &o, &err), &err);

	assert_null(elf_object_symbol(o, "outside"));
	struct elf_symbol *outside = elf_object_symbol(o, ".klp.sym.vmlinux.outside.isra.0,3");
	struct elf_symbol *fentry = elf_object_symbol(o, ".klp.sym.nf_tables.__fentry__,0");
	assert_int_equal(outside->shndx, SHN_LIVEPATCH);
	assert_int_equal(fentry->shndx, SHN_LIVEPATCH);
	assert_int_equal(outside->binding, STB_GLOBAL);

	struct elf_section *v = elf_object_section(o, ".klp.rela.vmlinux..text.first");
	struct elf_section *m = elf_object_section(o, ".klp.rela.nf_tables..text.first");
	assert_int_equal(v->flags, 0x100042);
	assert_ptr_equal(v->link, o->symtab);
	assert_string_equal(v->target->name, ".text.first");
	assert_int_equal(v->rela_count, 1);
	assert_int_equal(v->relas[0].offset, 6);
	assert_int_equal(v->relas[0].addend, -4);
	assert_int_equal(v->relas[0].type, R_X86_64_PLT32);
	assert_ptr_equal(v->relas[0].symbol, outside);
	assert_int_equal(m->rela_count, 1);
	assert_ptr_equal(m->relas[0].symbol, fentry);
	/* the empty one is gone, the others keep what is left */
	assert_null(elf_object_section(o, ".rela.text.first"));
	assert_int_equal(elf_object_section(o, ".rela.text.second")->rela_count, 2);
	assert_int_equal(elf_object_section(o, ".rela__bug_table")->rela_count, 2);
}

static void order_of_the_list_does_not_matter(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf in = BUF_INIT(FILE_MAX);
	_cleanup_buf_ struct buf a = BUF_INIT(FILE_MAX), b = BUF_INIT(FILE_MAX);
	struct convert_symbol turned[] = { to_vmlinux[1], to_vmlinux[0] };
	struct error err = { 0 };

	sample_file(1, 2, "x", &in);
	assert_ok(convert(&in, to_vmlinux, 2, &a, &err), &err);
	assert_ok(convert(&in, turned, 2, &b, &err), &err);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void check_refused(struct convert_symbol symbol, size_t count, int code, const char *words)
{
	_cleanup_buf_ struct buf in = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
	struct convert_symbol symbols[] = { symbol, symbol };
	struct error err = { 0 };

	sample_file(1, 2, "x", &in);
	assert_int_equal(convert(&in, symbols, count, &out, &err), code);
	assert_int_equal(out.len, 0);
	if (!strstr(err.message, words))
		fail_msg("%s", err.message);
}

static void wrong_symbols_are_refused(void **state)
{
	static const struct {
		struct convert_symbol symbol;
		size_t count;
		int code;
		const char *words;
	} wrong[] = {
		{ { "nothing", "vmlinux", "nothing", 0 }, 1, ERR_NOT_FOUND, "no symbol nothing" },
		{ { "first", "vmlinux", "first", 0 }, 1, ERR_INVALID, "itself defines first" },
		{ { "outside", "a.b", "outside", 0 }, 1, ERR_INVALID, "outside of a.b" },
		{ { "outside", "", "outside", 0 }, 1, ERR_INVALID, "can be made for outside" },
		{ { "outside", "vmlinux", "out,side", 0 }, 1, ERR_INVALID, "out,side of vmlinux" },
		{ { "outside", "vmlinux", "", 0 }, 1, ERR_INVALID, "no livepatch symbol" },
		{ { "outside", "vmlinux", "outside", 0 },
		  2,
		  ERR_INVALID,
		  "outside is there twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		check_refused(wrong[i].symbol, wrong[i].count, wrong[i].code, wrong[i].words);
}

/* A local symbol of the same name is another one; what is not loaded is not relocated there. */
static void only_what_the_kernel_reads_is_converted(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf in = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
	_cleanup_elf_object_ struct elf_object *o = NULL;
	struct error err = { 0 };
	struct sample s;

	sample_make(&s, 1, 2, "x");
	sample_symbol(s.object, "outside", STT_OBJECT, STB_LOCAL, s.data, 4);
	struct elf_section *notes = sample_section(s.object, ".debug_notes", 0, &s, 16);
	sample_relas(s.object, notes, (struct elf_rela[]){ { 8, s.outside, R_X86_64_64, 0 } }, 1);
	sample_write(&s, &in);
	elf_object_free(s.object);
	assert_ok(convert(&in, to_vmlinux, 2, &out, &err), &err);
	assert_ok(elf_object_parse(out.data, out.len, "out.ko", &o, &err), &err);
	assert_int_equal(elf_object_symbol(o, "outside")->binding, STB_LOCAL);
	assert_null(elf_object_section(o, ".klp.rela.vmlinux..debug_notes"));
	assert_int_equal(elf_object_section(o, ".rela.debug_notes")->rela_count, 1);
}

/* What the kernel reads while it loads the module: a symbol of a module that is not there yet, a
 * jump label's key for example, cannot be resolved in time. */
static void check_early(const char *name)
{
	_cleanup_buf_ struct buf in = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
	struct convert_symbol symbol = { "outside", "nf_tables", "key", 0 };
	struct error err = { 0 };
	struct sample s;

	sample_make(&s, 1, 2, "x");
	struct elf_section *table = elf_object_section(s.object, name);
	if (!table)
		table = sample_section(s.object, name, SHF_ALLOC | SHF_WRITE, &s, 16);
	if (table->rela)
		table->rela->relas[0].symbol = s.outside;
	else
		sample_relas(s.object, table,
			     (struct elf_rela[]){ { 8, s.outside, R_X86_64_PC64, 0 } }, 1);
	sample_write(&s, &in);
	elf_object_free(s.object);
	assert_int_equal(convert(&in, &symbol, 1, &out, &err), ERR_NOT_PATCHABLE);
	assert_non_null(strstr(err.message, name));
	symbol.object = "vmlinux";
	assert_ok(convert(&in, &symbol, 1, &out, &err), &err);
}

static void early_tables_need_vmlinux(void **state)
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

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		check_early(names[i]);
}

static void signed_modules_are_refused(void **state)
{
	(void)state;
	static const uint8_t trailer[] = { 0x30, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1 };
	_cleanup_buf_ struct buf in = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
	struct error err = { 0 };

	sample_file(1, 2, "x", &in);
	assert_ok(buf_append(&in, trailer, sizeof(trailer)), &err);
	assert_ok(buf_append_str(&in, "~Module signature appended~\n"), &err);
	assert_int_equal(convert(&in, to_vmlinux, 2, &out, &err), ERR_INVALID);
}

/* A note comes behind what .modinfo says already, once. */
static void notes_are_added(void **state)
{
	static const char info[] = "name=suture_x\0suture_codes=1";
	static const struct convert_note note = { "suture_code", "abc" };
	_cleanup_buf_ struct buf in = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX),
				 twice = BUF_INIT(FILE_MAX), none = BUF_INIT(FILE_MAX);
	_cleanup_modinfo_ struct modinfo *said = NULL;
	struct error err = { 0 };
	struct sample s;

	(void)state;
	sample_make(&s, 1, 2, "x");
	sample_section(s.object, ".modinfo", SHF_ALLOC, info, sizeof(info));
	sample_write(&s, &in);
	elf_object_free(s.object);
	assert_ok(convert_module(in.data, in.len, NULL, 0, &note, &out, &err), &err);
	assert_ok(modinfo_parse(out.data, out.len, "x.ko", &said, &err), &err);
	assert_int_equal(said->entry_count, 3);
	assert_string_equal(said->name, "suture_x");
	assert_string_equal(modinfo_get(said, "suture_codes"), "1");
	assert_string_equal(modinfo_get(said, "suture_code"), "abc");
	assert_int_equal(convert_module(out.data, out.len, NULL, 0, &note, &twice, &err),
			 ERR_INVALID);
	sample_file(1, 2, "x", &none);
	assert_int_equal(convert_module(none.data, none.len, NULL, 0, &note, &twice, &err),
			 ERR_INVALID);
	assert_int_equal(twice.len, 0);
}

/* What is written can be inspected. */
static void inspection_names_them(void **state)
{
	(void)state;
	static const char names[] = "real_name\0nf_tables";
	static const char info[] = "name=suture_x\0livepatch=Y\0vermagic=6.1\0depends=";
	_cleanup_buf_ struct buf in = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
	_cleanup_inspect_ struct inspect *i = NULL;
	struct error err = { 0 };
	struct sample s;
	uint8_t table[104] = { [40] = 5 }; /* sympos of the klp_func at 24 */

	sample_make(&s, 1, 2, "x");
	sample_section(s.object, ".modinfo", SHF_ALLOC, info, sizeof(info));
	struct elf_section *strings =
		sample_section(s.object, ".rodata", SHF_ALLOC, names, sizeof(names));
	struct elf_section *data =
		sample_section(s.object, ".data", SHF_ALLOC | SHF_WRITE, table, sizeof(table));
	struct elf_symbol *code = sample_symbol(s.object, "suture_new.unit.f", STT_FUNC, STB_GLOBAL,
						s.text_first, 11);
	struct elf_symbol *module =
		sample_symbol(s.object, "__this_module", STT_OBJECT, STB_GLOBAL, s.data, 4);
	/* The tables have their own sizes: klp_patch at 0, klp_func at 24, klp_object at 64. */
	sample_symbol(s.object, "functions", STT_OBJECT, STB_LOCAL, data, 40)->value = 24;
	sample_symbol(s.object, "objects", STT_OBJECT, STB_LOCAL, data, 40)->value = 64;
	sample_relas(s.object, data,
		     (struct elf_rela[]){ { 0, module, R_X86_64_64, 0 },
					  { 8, data->symbol, R_X86_64_64, 64 },
					  { 24, strings->symbol, R_X86_64_64, 0 },
					  { 32, code, R_X86_64_64, 0 },
					  { 64, strings->symbol, R_X86_64_64, 10 },
					  { 72, data->symbol, R_X86_64_64, 24 } },
		     6);
	sample_write(&s, &in);
	elf_object_free(s.object);
	assert_ok(convert(&in, to_vmlinux, 2, &out, &err), &err);
	assert_ok(inspect_module(out.data, out.len, "x.ko", &i, &err), &err);
	assert_string_equal(i->modinfo->name, "suture_x");
	assert_true(i->modinfo->livepatch);
	assert_int_equal(i->tables.function_count, 1);
	assert_string_equal(i->tables.functions[0].object, "nf_tables");
	assert_string_equal(i->tables.functions[0].name, "real_name");
	assert_int_equal(i->tables.functions[0].sympos, 5);
	assert_int_equal(i->symbol_count, 2);
	assert_string_equal(i->symbols[1].object, "vmlinux");
	assert_string_equal(i->symbols[1].name, "outside.isra.0");
	assert_int_equal(i->symbols[1].sympos, 3);
	assert_int_equal(i->relocation_count, 3);
	assert_string_equal(i->relocations[0].object, "nf_tables");
	assert_string_equal(i->relocations[0].section, ".text.first");

	for (size_t bit = 0; bit < out.len * 8; bit += 3) { /* never a crash */
		_cleanup_inspect_ struct inspect *bad = NULL;
		out.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		if (inspect_module(out.data, out.len, "x.ko", &bad, &err) < 0)
			assert_true(err.message[0]);
		out.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_and_relocations_become_livepatch_ones),
		cmocka_unit_test(order_of_the_list_does_not_matter),
		cmocka_unit_test(wrong_symbols_are_refused),
		cmocka_unit_test(only_what_the_kernel_reads_is_converted),
		cmocka_unit_test(early_tables_need_vmlinux),
		cmocka_unit_test(signed_modules_are_refused),
		cmocka_unit_test(notes_are_added),
		cmocka_unit_test(inspection_names_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
