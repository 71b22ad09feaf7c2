/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The differ and the extraction on objects made by hand: what the golden units cannot hold. */
#include "build/diff/extract.h"
#include "sample_object.h"

#define FILE_MAX ((size_t)1 << 20)

/* Two samples and what the differ says of them. */
struct pair {
	struct sample a, b;
	struct diff *diff;
	const struct diff_result *result;
};

static void open_pair(struct pair *p, uint8_t number, uint8_t line, const char *text)
{
	memset(p, 0, sizeof(*p));
	sample_make(&p->a, 1, 2, "text");
	sample_make(&p->b, number, line, text);
}

static int run(struct pair *p, struct error *err)
{
	struct diff_options options = { .name = "unit.o", .unit = "dir_unit" };
	int e = diff_objects(p->a.object, p->b.object, &options, &p->diff, err);

	p->result = e < 0 ? NULL : diff_result(p->diff);
	return e;
}

static void must_run(struct pair *p)
{
	struct error err = { 0 };

	assert_ok(run(p, &err), &err);
}

static void close_pair(struct pair *p)
{
	diff_free(p->diff);
	elf_object_free(p->a.object);
	elf_object_free(p->b.object);
}

static void check_verdict(uint8_t number, uint8_t line, const char *text, enum diff_verdict verdict)
{
	struct pair p;

	open_pair(&p, number, line, text);
	must_run(&p);
	assert_int_equal(p.result->verdict, verdict);
	assert_int_equal(p.result->changed_count, verdict == DIFF_ACCEPTED ? 1 : 0);
	close_pair(&p);
}

static void lines_do_not_count_and_contents_do(void **state)
{
	(void)state;
	check_verdict(1, 2, "text", DIFF_NO_CHANGE);
	check_verdict(1, 99, "text", DIFF_NO_CHANGE); /* the bug's line */
	check_verdict(9, 2, "text", DIFF_ACCEPTED);
	check_verdict(1, 2, "other text", DIFF_ACCEPTED);
}

static void changed_function_is_described(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, 9, 2, "text");
	must_run(&p);
	const struct diff_function *f = &p.result->changed[0];
	assert_string_equal(f->name, "second");
	assert_string_equal(f->symbol, "suture_new.dir_unit.second");
	assert_string_equal(f->file, "unit.c");
	assert_true(f->local);
	assert_false(f->weak);
	assert_int_equal(f->size, 25);
	assert_int_equal(p.result->added_count, 0);
	close_pair(&p);
}

static const struct extract_symbol *find(const struct extract *x, const char *symbol)
{
	for (size_t i = 0; i < x->symbol_count; i++)
		if (streq(x->symbols[i].symbol, symbol))
			return &x->symbols[i];
	fail_msg("no symbol %s", symbol);
	return NULL;
}

static void extracted_object_is_complete(void **state)
{
	(void)state;
	_cleanup_extract_ struct extract *x = NULL;
	_cleanup_elf_object_ struct elf_object *o = NULL;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 9, 2, "text");
	must_run(&p);
	assert_ok(extract_object(p.diff, &x, &err), &err);
	assert_ok(elf_object_parse(x->object.data, x->object.len, "out.o", &o, &err), &err);
	assert_null(elf_object_section(o, ".text.first"));
	assert_null(elf_object_section(o, ".data.variable"));

	struct elf_section *text = elf_object_section(o, ".text.second");
	assert_int_equal(text->data[11], 9);
	struct elf_symbol *new = elf_object_symbol(o, "suture_new.dir_unit.second");
	assert_int_equal(new->binding, STB_GLOBAL);
	assert_ptr_equal(new->section, text);
	assert_int_equal(elf_object_symbol(o, "second")->binding, STB_LOCAL);

	/* the kernel's variable, four bytes of immediate behind the field */
	const struct elf_rela *to_data = &text->rela->relas[1];
	assert_string_equal(to_data->symbol->name, "suture_ref.dir_unit.variable");
	assert_int_equal(to_data->addend, -8);
	assert_int_equal(to_data->symbol->shndx, SHN_UNDEF);
	assert_string_equal(text->rela->relas[2].symbol->section->name, ".rodata.second.str1.1");

	struct elf_section *mcount = elf_object_section(o, "__mcount_loc");
	assert_int_equal(mcount->size, 8);
	assert_ptr_equal(mcount->rela->relas[0].symbol->section, text);
	assert_int_equal(elf_object_section(o, "__bug_table")->size, 12);

	assert_int_equal(x->symbol_count, 2);
	assert_false(find(x, "__fentry__")->own);
	const struct extract_symbol *variable = find(x, "suture_ref.dir_unit.variable");
	assert_string_equal(variable->name, "variable");
	assert_string_equal(variable->file, "unit.c");
	assert_true(variable->own && variable->local);
	assert_int_equal(variable->type, STT_OBJECT);
	assert_int_equal(variable->size, 4);
	assert_ptr_equal(variable->original, p.a.variable);
	close_pair(&p);
}

/* Three functions in one section, 16 bytes from one to the next: zeroth() as it was, first() and
 * second(), which calls first() by a distance without relocation, as assemblers do it. */
static void add_shared_section(struct sample *s, uint8_t number)
{
	const uint8_t code[] = {
		0xe8, 0,    0,    0,    0,    0xc3, 0xcc, 0xcc,   0xcc, 0xcc, 0xcc,   0xcc,
		0xcc, 0xcc, 0xcc, 0xcc, 0xe8, 0,    0,    0,      0,    0xb8, number, 0,
		0,    0,    0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,   0xe8, 0,    0,      0,
		0,    0xe8, 0xe6, 0xff, 0xff, 0xff, 0xb8, number, 0,    0,    0,      0xc3,
	};
	struct elf_object *o = s->object;
	struct elf_section *text =
		sample_section(o, ".text", SHF_ALLOC | SHF_EXECINSTR, code, sizeof(code));
	static const char *const names[] = { "zeroth", "one", "two" };
	static const uint64_t sizes[] = { 6, 11, 16 };

	text->align = 16;
	for (size_t i = 0; i < 3; i++)
		sample_symbol(o, names[i], STT_FUNC, STB_GLOBAL, text, sizes[i])->value = 16 * i;
	sample_relas(o, text,
		     (struct elf_rela[]){ { 1, s->fentry, R_X86_64_PLT32, -4 },
					  { 17, s->fentry, R_X86_64_PLT32, -4 },
					  { 33, s->fentry, R_X86_64_PLT32, -4 } },
		     3);
}

static void functions_of_one_section_are_cut_out_of_it(void **state)
{
	(void)state;
	static const uint8_t zeros[4] = { 0 }, padding[] = { 0x90, 0x90, 0x90, 0x90, 0x90 };
	_cleanup_extract_ struct extract *x = NULL;
	_cleanup_elf_object_ struct elf_object *o = NULL;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 1, 2, "text");
	add_shared_section(&p.a, 3);
	add_shared_section(&p.b, 4);
	must_run(&p);
	assert_int_equal(p.result->verdict, DIFF_ACCEPTED);
	assert_int_equal(p.result->changed_count, 2);
	assert_ok(extract_object(p.diff, &x, &err), &err);
	assert_ok(elf_object_parse(x->object.data, x->object.len, "out.o", &o, &err), &err);

	const struct elf_section *text = elf_object_section(o, ".text");

	assert_int_equal(text->size, 32);
	assert_int_equal(elf_object_symbol(o, "one")->value, 0);
	assert_int_equal(elf_object_symbol(o, "two")->value, 16);
	assert_memory_equal(text->data + 11, padding, sizeof(padding));
	/* the loader adds to nothing but zeros */
	assert_int_equal(text->data[21], 0xe8);
	assert_memory_equal(text->data + 22, zeros, sizeof(zeros));
	for (size_t i = 0; i < text->rela->rela_count; i++)
		if (text->rela->relas[i].offset == 22) {
			assert_ptr_equal(text->rela->relas[i].symbol->section, text);
			assert_int_equal(text->rela->relas[i].symbol->value, 0);
			assert_int_equal(text->rela->relas[i].addend, -4);
			close_pair(&p);
			return;
		}
	fail_msg("no relocation where one() is called");
}

static void only_accepted_changes_are_extracted(void **state)
{
	(void)state;
	struct extract *x = NULL;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 1, 2, "text");
	must_run(&p);
	assert_int_equal(extract_object(p.diff, &x, &err), ERR_BAD_STATE);
	assert_null(x);
	close_pair(&p);
}

/* Damages the patched object, which also has a real change, and expects one reason. */
static void check_reason(void (*damage)(struct sample *s), enum reason_code code)
{
	struct pair p;

	open_pair(&p, 9, 2, "text");
	damage(&p.b);
	must_run(&p);
	assert_int_equal(p.result->verdict, DIFF_REFUSED);
	assert_int_equal(p.result->reason_count, 1);
	assert_int_equal(p.result->reasons[0].code, code);
	assert_string_equal(p.result->reasons[0].file, "unit.o");
	assert_true(strlen(p.result->reasons[0].message) > 10);
	assert_string_not_equal(reason_name(code), "unknown");
	close_pair(&p);
}

static void unknown_relocation(struct sample *s)
{
	s->text_second->rela->relas[2].type = R_X86_64_GOTPCREL;
}

static void nothing_there(struct sample *s)
{
	s->text_second->rela->relas[2].addend = 1000;
}

static void absolute_address(struct sample *s)
{
	struct elf_symbol *sym = elf_object_add_symbol(s->object, "constant");

	sym->shndx = SHN_ABS;
	s->text_second->rela->relas[2].symbol = sym;
}

static void runtime_constant(struct sample *s)
{
	struct elf_section *r = sample_section(s->object, "runtime_ptr_x", SHF_ALLOC, "\0\0\0", 4);

	sample_relas(s->object, r,
		     (struct elf_rela[]){ { 0, s->text_second->symbol, R_X86_64_PC32, 7 } }, 1);
}

static void inside_another_function(struct sample *s)
{
	s->text_second->rela->relas[2].symbol = s->text_first->symbol;
	s->text_second->rela->relas[2].addend = 5;
}

static void to_init_data(struct sample *s)
{
	struct elf_section *init =
		sample_section(s->object, ".init.data", SHF_ALLOC | SHF_WRITE, "\0\0\0", 4);

	sample_symbol(s->object, "early", STT_OBJECT, STB_LOCAL, init, 4);
	s->text_second->rela->relas[2].symbol = init->symbol;
}

static void what_is_not_understood_is_refused(void **state)
{
	(void)state;
	check_reason(unknown_relocation, REASON_UNSUPPORTED_RELOC);
	check_reason(nothing_there, REASON_UNKNOWN_REFERENCE);
	check_reason(absolute_address, REASON_UNSUPPORTED_RELOC);
	check_reason(runtime_constant, REASON_UNSUPPORTED_SECTION);
	check_reason(inside_another_function, REASON_UNKNOWN_REFERENCE);
	check_reason(to_init_data, REASON_INIT_REFERENCE);
}

static void untraceable_originals_are_refused(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, 9, 2, "text");
	p.a.text_second->rela->relas[0].symbol = p.a.outside;
	must_run(&p);
	assert_int_equal(p.result->verdict, DIFF_REFUSED);
	assert_int_equal(p.result->reasons[0].code, REASON_NOT_TRACEABLE);
	assert_string_equal(p.result->reasons[0].subject, "second");
	close_pair(&p);
}

static void changed_variables_are_named(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, 1, 2, "text");
	p.b.data->data[0] = 77;
	must_run(&p);
	assert_int_equal(p.result->verdict, DIFF_REFUSED);
	assert_int_equal(p.result->changed_count, 0);
	assert_int_equal(p.result->reasons[0].code, REASON_CHANGED_DATA);
	assert_string_equal(p.result->reasons[0].subject, "variable");
	close_pair(&p);
}

static void unit_names_are_checked(void **state)
{
	(void)state;
	struct diff_options options = { .name = "unit.o", .unit = "fs/proc" };
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 1, 2, "text");
	assert_int_equal(diff_objects(p.a.object, p.b.object, &options, &p.diff, &err),
			 ERR_INVALID);
	assert_null(p.diff);
	close_pair(&p);
}

static void tables_of_half_entries_are_refused(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 1, 2, "text");
	p.b.bug->size = 11;
	struct diff_options options = { .name = "unit.o", .sizes = { .bug_entry = 12 } };
	assert_int_equal(diff_objects(p.a.object, p.b.object, &options, &p.diff, &err),
			 ERR_INVALID);
	assert_non_null(strstr(err.message, "__bug_table"));
	close_pair(&p);
}

/* One flipped bit in either object: an error or a verdict, never a crash; what is accepted can be
 * extracted, or says why not. */
static void flip(const struct buf *good, struct buf *bad, bool patched)
{
	struct diff_options options = { .name = "unit.o" };
	_cleanup_elf_object_ struct elf_object *a = NULL, *b = NULL;
	_cleanup_diff_ struct diff *diff = NULL;
	_cleanup_extract_ struct extract *x = NULL;
	struct error err = { 0 };

	if (elf_object_parse(bad->data, bad->len, "bad.o", &a, &err) < 0)
		return;
	assert_ok(elf_object_parse(good->data, good->len, "good.o", &b, &err), &err);
	int e = patched ? diff_objects(b, a, &options, &diff, &err)
			: diff_objects(a, b, &options, &diff, &err);
	if (e == 0 && diff_result(diff)->verdict == DIFF_ACCEPTED)
		e = extract_object(diff, &x, &err);
	assert_true(e == 0 || (err.code == e && err.message[0]));
}

static void flipped_bits_never_break_the_differ(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf good = BUF_INIT(FILE_MAX), bad = BUF_INIT(FILE_MAX);

	sample_file(1, 2, "text", &good);
	sample_file(9, 2, "text", &bad);
	for (size_t bit = 0; bit < bad.len * 8; bit++) {
		bad.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		flip(&good, &bad, bit % 2);
		bad.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_do_not_count_and_contents_do),
		cmocka_unit_test(changed_function_is_described),
		cmocka_unit_test(extracted_object_is_complete),
		cmocka_unit_test(functions_of_one_section_are_cut_out_of_it),
		cmocka_unit_test(only_accepted_changes_are_extracted),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(untraceable_originals_are_refused),
		cmocka_unit_test(changed_variables_are_named),
		cmocka_unit_test(unit_names_are_checked),
		cmocka_unit_test(tables_of_half_entries_are_refused),
		cmocka_unit_test(flipped_bits_never_break_the_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
