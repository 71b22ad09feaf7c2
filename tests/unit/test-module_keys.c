/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static keys and static calls of modules, in a function that branches on one and calls another. */
#include "build/diff/module_keys.h"

#include "base/file.h"
#include "build/diff/extract.h"
#include "sample_object.h"

struct pair {
	struct sample a, b;
	struct diff *diff;
	struct reason_list reasons;
	struct extract *extract;
	struct elf_object *out;
};

/* A function as before the kernel's objtool: call __fentry__; jmp; nop; call CALLED; mov; ret; with
 * an entry of __jump_table for the jump. `key`, `called`: names; without `own` of another file. */
static void add_function(struct sample *s, uint8_t number, const char *key, const char *called,
			 bool own)
{
	const uint8_t code[] = { 0xe8, 0, 0, 0, 0, 0xe9, 1,      0, 0, 0, 0x90,
				 0xe8, 0, 0, 0, 0, 0xb8, number, 0, 0, 0, 0xc3 };
	struct elf_object *o = s->object;
	struct elf_section *text = sample_section(o, ".text.third", SHF_ALLOC | SHF_EXECINSTR, code,
						  sizeof(code)),
			   *table = sample_section(o, "__jump_table", SHF_ALLOC | SHF_WRITE,
						   (uint8_t[16]){ 0 }, 16);
	struct elf_section *data =
		own ? sample_section(o, ".data.key", SHF_ALLOC | SHF_WRITE, (uint8_t[16]){ 0 }, 16)
		    : NULL;
	struct elf_symbol *key_symbol =
		data ? sample_symbol(o, key, STT_OBJECT, STB_LOCAL, data, 16)
		     : elf_object_add_symbol(o, key);
	struct elf_symbol *called_symbol = elf_object_add_symbol(o, called);

	sample_symbol(o, "third", STT_FUNC, STB_GLOBAL, text, sizeof(code));
	sample_relas(o, text,
		     (struct elf_rela[]){ { 1, s->fentry, R_X86_64_PLT32, -4 },
					  { 12, called_symbol, R_X86_64_PLT32, -4 } },
		     2);
	sample_relas(o, table,
		     (struct elf_rela[]){ { 0, text->symbol, R_X86_64_PC32, 5 },
					  { 4, text->symbol, R_X86_64_PC32, 11 },
					  { 8, key_symbol, R_X86_64_PC64, 8 + 2 } },
		     3);
}

static void open_pair(struct pair *p, const char *key, const char *called, bool own)
{
	struct diff_options options = { .name = "unit.o", .unit = "u" };
	struct error err = { 0 };

	memset(p, 0, sizeof(*p));
	sample_make(&p->a, 1, 2, "text");
	sample_make(&p->b, 1, 2, "text");
	add_function(&p->a, 1, key, called, own);
	add_function(&p->b, 2, key, called, own);
	assert_ok(diff_objects(p->a.object, p->b.object, &options, &p->diff, &err), &err);
	assert_int_equal(diff_result(p->diff)->verdict, DIFF_ACCEPTED);
}

static void extract(struct pair *p)
{
	struct error err = { 0 };

	assert_ok(extract_object(p->diff, &p->extract, &err), &err);
	assert_ok(elf_object_parse(p->extract->object.data, p->extract->object.len, "out.o",
				   &p->out, &err),
		  &err);
}

static void close_pair(struct pair *p)
{
	elf_object_free(p->out);
	extract_free(p->extract);
	reason_list_free(&p->reasons);
	diff_free(p->diff);
	elf_object_free(p->a.object);
	elf_object_free(p->b.object);
}

static const uint8_t *jump_of(const struct pair *p)
{
	return elf_object_section(p->out, ".text.third")->data + 5;
}

static void keys_of_a_module_are_refused_by_name(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, "nft_trace_enabled", "outside", true);
	assert_int_equal(module_keys_settle(p.diff, NULL, "a.c", &p.reasons), 0);
	assert_int_equal(p.reasons.n, 1);
	const struct reason *r = &p.reasons.items[0];
	assert_int_equal(r->code, REASON_MODULE_KEY);
	assert_string_equal(r->subject, "third");
	assert_string_equal(r->file, "a.c");
	assert_non_null(strstr(r->message, "nft_trace_enabled"));
	assert_non_null(strstr(reason_hint(r), "static_key_enabled(&nft_trace_enabled)"));
	close_pair(&p);
}

static void tracepoints_of_a_module_stay_silent(void **state)
{
	(void)state;
	static const uint8_t noop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	struct pair p;

	open_pair(&p, "__tracepoint_recv", "outside", true);
	assert_int_equal(module_keys_settle(p.diff, NULL, "a.c", &p.reasons), 0);
	assert_int_equal(p.reasons.n, 1);
	assert_int_equal(p.reasons.items[0].code, REASON_SILENT_TRACEPOINT);
	assert_int_equal(reason_count(&p.reasons, REASON_REFUSAL), 0);
	extract(&p);
	assert_null(elf_object_section(p.out, "__jump_table"));
	assert_memory_equal(jump_of(&p), noop, sizeof(noop));
	close_pair(&p);
}

/* What this patch does not touch is left as it was. */
static void the_kernels_keys_keep_their_entries(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, "__tracepoint_recv", "__SCT__tp_func_recv", false);
	assert_int_equal(module_keys_settle(p.diff, NULL, "a.c", &p.reasons), 0);
	assert_int_equal(p.reasons.n, 0);
	extract(&p);
	assert_int_equal(elf_object_section(p.out, "__jump_table")->size, 16);
	assert_int_equal(jump_of(&p)[0], 0xe9);
	assert_non_null(elf_object_symbol(p.out, "__SCT__tp_func_recv"));
	assert_non_null(elf_object_symbol(p.out, "__SCK__tp_func_recv"));
	close_pair(&p);
}

static struct symvers *exports(void)
{
	static const char text[] = "0x11111111\t__tracepoint_kernel\tvmlinux\tEXPORT_SYMBOL\t\n"
				   "0x22222222\tother_key\tnet/other\tEXPORT_SYMBOL\t\n";
	char path[] = "/tmp/suture-test-XXXXXX";
	int fd = mkstemp(path);
	struct symvers *ret = NULL;
	struct error err = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_ok(symvers_load(path, &ret, &err), &err);
	unlink(path);
	return ret;
}

static void exports_tell_whose_a_key_is(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		size_t reasons;
	} cases[] = { { "__tracepoint_kernel", 0 }, { "other_key", 1 }, { "unexported", 1 } };
	_cleanup_symvers_ struct symvers *symvers = exports();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pair p;

		open_pair(&p, cases[i].key, "outside", false);
		assert_int_equal(module_keys_settle(p.diff, symvers, "a.c", &p.reasons), 0);
		assert_int_equal(p.reasons.n, cases[i].reasons);
		close_pair(&p);
	}
}

/* A static call of a module goes to its trampoline as any call does: under another name, so that
 * objtool makes no site of it. */
static void static_calls_of_a_module_become_calls(void **state)
{
	(void)state;
	_cleanup_symvers_ struct symvers *symvers = exports();
	struct pair p;

	open_pair(&p, "__tracepoint_kernel", "__SCT__kvm_run", false);
	assert_int_equal(module_keys_settle(p.diff, symvers, "a.c", &p.reasons), 0);
	assert_int_equal(p.reasons.n, 0);
	extract(&p);
	const struct elf_rela *call = &elf_object_section(p.out, ".text.third")->rela->relas[1];
	assert_string_equal(call->symbol->name, "suture_ref.u.__SCT__kvm_run");
	assert_null(elf_object_symbol(p.out, "__SCK__kvm_run"));
	for (size_t i = 0; i < p.extract->symbol_count; i++)
		if (streq(p.extract->symbols[i].symbol, call->symbol->name))
			assert_string_equal(p.extract->symbols[i].name, "__SCT__kvm_run");
	close_pair(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_a_module_are_refused_by_name),
		cmocka_unit_test(tracepoints_of_a_module_stay_silent),
		cmocka_unit_test(the_kernels_keys_keep_their_entries),
		cmocka_unit_test(exports_tell_whose_a_key_is),
		cmocka_unit_test(static_calls_of_a_module_become_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
