/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every table of the kernel about places in code: compared, cut to the functions that are taken. */
#include "build/diff/extract.h"
#include "build/object/special.h"
#include "sample_object.h"

#define ENTRIES_MAX 4
#define ENTRY_MAX   16

/* Two samples, of which the second has another constant in second(), with a table added to both. */
struct pair {
	struct sample a, b;
	struct diff *diff;
	struct extract *extract;
	struct elf_object *out;
	bool objtool_again;
};

/* A table with an entry for first() at 5 and one for second() at 5, whose bytes are 0x11 and 0x22
 * but where relocations are. */
struct table {
	const char *name;
	size_t size; /* of an entry */
	size_t relocations;
	size_t offsets[3]; /* of them in the entry */
	uint32_t type;     /* of the first */
};

static const struct table tables[] = {
	{ ".altinstructions", 14, 2, { 0, 4 }, R_X86_64_PC32 },
	{ ".parainstructions", 16, 1, { 0 }, R_X86_64_64 },
	{ "__ex_table", 12, 2, { 0, 4 }, R_X86_64_PC32 },
	{ "__jump_table", 16, 3, { 0, 4, 8 }, R_X86_64_PC32 },
	{ ".smp_locks", 4, 1, { 0 }, R_X86_64_PC32 },
	{ ".static_call_sites", 8, 2, { 0, 4 }, R_X86_64_PC32 },
	{ ".call_sites", 4, 1, { 0 }, R_X86_64_PC32 },
	{ ".retpoline_sites", 4, 1, { 0 }, R_X86_64_PC32 },
	{ ".return_sites", 4, 1, { 0 }, R_X86_64_PC32 },
	{ ".ibt_endbr_seal", 4, 1, { 0 }, R_X86_64_PC32 },
	{ ".cfi_sites", 4, 1, { 0 }, R_X86_64_PC32 },
	{ ".orc_unwind_ip", 4, 1, { 0 }, R_X86_64_PC32 },
	{ "_kprobe_blacklist", 8, 1, { 0 }, R_X86_64_64 },
	{ ".discard.retpoline_safe", 4, 1, { 0 }, R_X86_64_PC32 },
	{ "__patchable_function_entries", 8, 1, { 0 }, R_X86_64_64 },
	{ ".discard.addressable", 8, 1, { 0 }, R_X86_64_64 },
};

static size_t relocate(const struct table *t, size_t entry, const struct elf_section *code,
		       int64_t at, struct elf_rela *relas)
{
	for (size_t i = 0; i < t->relocations; i++)
		relas[i] = (struct elf_rela){
			.offset = entry * t->size + t->offsets[i],
			.symbol = code->symbol,
			.type = i == 0               ? t->type
				: t->offsets[i] == 8 ? R_X86_64_64
						     : R_X86_64_PC32,
			.addend = at + (int64_t)t->offsets[i],
		};
	return t->relocations;
}

static struct elf_section *add_table(struct sample *s, const struct table *t)
{
	uint8_t data[2 * ENTRY_MAX];
	struct elf_rela relas[2 * 3];
	size_t n = 0;

	memset(data, 0x11, t->size);
	memset(data + t->size, 0x22, t->size);
	struct elf_section *made = sample_section(s->object, t->name, SHF_ALLOC, data, 2 * t->size);
	n += relocate(t, 0, s->text_first, 5, relas);
	n += relocate(t, 1, s->text_second, 5, relas + n);
	sample_relas(s->object, made, relas, n);
	return made;
}

static int run(struct pair *p, const struct special_sizes *sizes, struct error *err)
{
	struct diff_options options = { .name = "unit.o",
					.unit = "u",
					.objtool_again = p->objtool_again };

	if (sizes)
		options.sizes = *sizes;
	return diff_objects(p->a.object, p->b.object, &options, &p->diff, err);
}

static void open_pair(struct pair *p, uint8_t number)
{
	memset(p, 0, sizeof(*p));
	sample_make(&p->a, 1, 2, "text");
	sample_make(&p->b, number, 2, "text");
}

static void must_extract(struct pair *p)
{
	struct error err = { 0 };

	assert_ok(run(p, NULL, &err), &err);
	if (diff_result(p->diff)->reason_count > 0)
		fail_msg("%s", diff_result(p->diff)->reasons[0].message);
	assert_ok(extract_object(p->diff, &p->extract, &err), &err);
	assert_ok(elf_object_parse(p->extract->object.data, p->extract->object.len, "out.o",
				   &p->out, &err),
		  &err);
}

static void close_pair(struct pair *p)
{
	elf_object_free(p->out);
	extract_free(p->extract);
	diff_free(p->diff);
	elf_object_free(p->a.object);
	elf_object_free(p->b.object);
}

/* Only the entry of second() is there, and points to the same places in its code. */
static void check_table(const struct elf_object *out, const struct table *t)
{
	const struct elf_section *made = elf_object_section(out, t->name);

	if (!special_find(t->name)->carried) {
		assert_null(made);
		return;
	}
	assert_non_null(made);
	assert_int_equal(made->size, t->size);
	assert_int_equal(made->rela->rela_count, t->relocations);
	for (size_t i = 0; i < t->relocations; i++) {
		const struct elf_rela *rela = &made->rela->relas[i];
		assert_int_equal(rela->offset, t->offsets[i]);
		assert_string_equal(rela->symbol->section->name, ".text.second");
		assert_int_equal((int64_t)rela->symbol->value + rela->addend, 5 + t->offsets[i]);
	}
	if (t->size > 12)
		assert_int_equal(made->data[12], 0x22);
}

static void entries_go_with_their_functions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct pair p;

		open_pair(&p, 9);
		add_table(&p.a, &tables[i]);
		add_table(&p.b, &tables[i]);
		must_extract(&p);
		check_table(p.out, &tables[i]);
		close_pair(&p);
	}
}

/* Where objtool runs once more, what it made is left out: it would skip tables that are there. */
static void objtool_makes_its_tables_anew(void **state)
{
	(void)state;
	size_t left_out = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct pair p;

		open_pair(&p, 9);
		p.objtool_again = true;
		add_table(&p.a, &tables[i]);
		add_table(&p.b, &tables[i]);
		must_extract(&p);
		if (special_find(tables[i].name)->by_objtool) {
			assert_null(elf_object_section(p.out, tables[i].name));
			left_out++;
		} else {
			check_table(p.out, &tables[i]);
		}
		close_pair(&p);
	}
	assert_int_equal(left_out, 7);
}

/* Every table but those that have tests of their own is in the list above. */
static void every_table_is_tested(void **state)
{
	(void)state;
	static const char *const others[] = { "__bug_table", "__mcount_loc", ".orc_unwind",
					      ".orc_header" };
	const struct special_def *def;

	for (size_t i = 0; (def = special_at(i)); i++) {
		bool found = false;
		for (size_t k = 0; k < ARRAY_SIZE(tables); k++)
			found |= special_find(tables[k].name) == def;
		for (size_t k = 0; k < ARRAY_SIZE(others); k++)
			found |= streq(others[k], def->name);
		if (!found)
			fail_msg("%s is not tested", def->name);
	}
}

/* What the kernel does at a place is part of the function; what objtool derives is not. */
static void an_entry_is_part_of_its_function(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct error err = { 0 };
		struct pair p;

		open_pair(&p, 1);
		add_table(&p.a, &tables[i]);
		add_table(&p.b, &tables[i])->rela->relas[tables[i].relocations].addend++;
		assert_ok(run(&p, NULL, &err), &err);
		assert_int_equal(diff_result(p.diff)->changed_count,
				 special_find(tables[i].name)->compared ? 1 : 0);
		close_pair(&p);
	}
}

/* The unwind table of objtool: two columns, the second without relocations, and an entry for the
 * end of each section. */
static void add_orc(struct sample *s)
{
	static const uint8_t orc[] = { 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
				       3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4 };
	struct elf_section *ip =
		sample_section(s->object, ".orc_unwind_ip", SHF_ALLOC, (uint8_t[16]){ 0 }, 16);

	sample_relas(s->object, ip,
		     (struct elf_rela[]){ { 0, s->text_first->symbol, R_X86_64_PC32, 0 },
					  { 4, s->text_second->symbol, R_X86_64_PC32, 0 },
					  { 8, s->text_second->symbol, R_X86_64_PC32, 5 },
					  { 12, s->text_second->symbol, R_X86_64_PC32,
					    (int64_t)s->text_second->size } },
		     4);
	sample_section(s->object, ".orc_unwind", SHF_ALLOC, orc, sizeof(orc));
	sample_section(s->object, ".orc_header", SHF_ALLOC, "0123456789", 10);
}

static void unwind_entries_stay_side_by_side(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, 9);
	add_orc(&p.a);
	add_orc(&p.b);
	must_extract(&p);
	const struct elf_section *ip = elf_object_section(p.out, ".orc_unwind_ip");
	const struct elf_section *orc = elf_object_section(p.out, ".orc_unwind");
	const struct elf_section *header = elf_object_section(p.out, ".orc_header");
	assert_int_equal(ip->size, 12);
	assert_int_equal(orc->size, 18);
	assert_int_equal(orc->data[0], 2);
	assert_int_equal(orc->data[6], 3);
	assert_int_equal(orc->data[12], 4);
	assert_int_equal(ip->rela->relas[2].addend + (int64_t)ip->rela->relas[2].symbol->value,
			 p.b.text_second->size);
	assert_memory_equal(header->data, "0123456789", 10);
	close_pair(&p);
}

/* An alternative for second(), whose replacement has that length: the end of the section. */
static void add_alternative(struct sample *s, uint8_t length)
{
	uint8_t data[14] = { [13] = length };
	struct elf_section *code, *table;

	code = sample_section(s->object, ".altinstr_replacement", SHF_ALLOC | SHF_EXECINSTR,
			      "\x90\x90", 2);
	table = sample_section(s->object, ".altinstructions", SHF_ALLOC, data, sizeof(data));
	sample_relas(s->object, table,
		     (struct elf_rela[]){ { 0, s->text_second->symbol, R_X86_64_PC32, 5 },
					  { 4, code->symbol, R_X86_64_PC32, 2 + 4 } },
		     2);
}

/* What removes code has no replacement: its address leads nowhere, and nobody reads it. */
static void an_empty_replacement_points_to_its_function(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 9);
	add_alternative(&p.a, 0);
	add_alternative(&p.b, 0);
	must_extract(&p);
	const struct elf_section *made = elf_object_section(p.out, ".altinstructions");
	assert_int_equal(made->rela->rela_count, 2);
	const struct elf_rela *empty = &made->rela->relas[1];
	assert_string_equal(empty->symbol->section->name, ".text.second");
	assert_int_equal((int64_t)empty->symbol->value + empty->addend, 0);
	close_pair(&p);

	open_pair(&p, 9); /* two bytes that are not there */
	add_alternative(&p.a, 2);
	add_alternative(&p.b, 2);
	assert_ok(run(&p, NULL, &err), &err);
	assert_int_equal(diff_result(p.diff)->verdict, DIFF_REFUSED);
	assert_int_equal(diff_result(p.diff)->reasons[0].code, REASON_UNKNOWN_REFERENCE);
	close_pair(&p);
}

/* An entry of __ex_table, whose references are at these places of it and lead there. */
static void add_exception(struct sample *s, uint64_t first, struct elf_section *where)
{
	struct elf_section *table =
		sample_section(s->object, "__ex_table", SHF_ALLOC, (uint8_t[12]){ 0 }, 12);

	sample_relas(s->object, table,
		     (struct elf_rela[]){
			     { first, where->symbol, R_X86_64_PC32, (int64_t)first },
			     { first + 4, where->symbol, R_X86_64_PC32, (int64_t)first + 4 } },
		     2);
}

static void entries_begin_with_a_place_in_code(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 9);
	add_exception(&p.b, 4, p.b.text_second);
	assert_int_equal(run(&p, NULL, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "entry 0 of __ex_table does not begin"));
	close_pair(&p);
	open_pair(&p, 9);
	add_exception(&p.b, 0, p.b.data);
	assert_int_equal(run(&p, NULL, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "entry 0 of __ex_table does not begin"));
	close_pair(&p);
}

/* The compiler may write tables in another order; each function's entries are compared by table. */
static void tables_may_change_places(void **state)
{
	static const struct table locks = { ".smp_locks", 4, 1, { 0 }, R_X86_64_PC32 },
				  exceptions = { "__ex_table", 12, 2, { 0, 4 }, R_X86_64_PC32 };

	(void)state;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 1);
	add_table(&p.a, &locks);
	add_table(&p.a, &exceptions);
	add_table(&p.b, &exceptions);
	add_table(&p.b, &locks);
	assert_ok(run(&p, NULL, &err), &err);
	assert_int_equal(diff_result(p.diff)->verdict, DIFF_NO_CHANGE);
	close_pair(&p);
}

static void unwind_columns_of_different_length_are_refused(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 9);
	add_orc(&p.b);
	elf_object_section(p.b.object, ".orc_unwind")->size = 23;
	assert_int_equal(run(&p, NULL, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, ".orc_unwind_ip"));
	close_pair(&p);
	open_pair(&p, 9); /* of another size than the kernel's */
	add_orc(&p.a);
	add_orc(&p.b);
	assert_int_equal(run(&p, &(struct special_sizes){ .orc_entry = 12 }, &err), ERR_INVALID);
	close_pair(&p);
	open_pair(&p, 9); /* the second column alone */
	sample_section(p.b.object, ".orc_unwind", SHF_ALLOC, "123456", 6);
	assert_int_equal(run(&p, NULL, &err), ERR_INVALID);
	close_pair(&p);
}

/* Puts 16 no-ops before the code of a section, and their name, as objtool does. */
static void pad(struct sample *s, struct elf_section *text, struct elf_symbol *function)
{
	struct elf_symbol *name;
	uint8_t *data = arena_alloc(s->object->arena, text->size + 16, 1);

	assert_non_null(data);
	memset(data, 0x90, 16);
	memcpy(data + 16, text->data, text->size);
	text->data = data;
	text->size += 16;
	function->value = 16;
	for (size_t i = 0; i < text->rela->rela_count; i++)
		text->rela->relas[i].offset += 16;
	for (size_t i = 0; i < s->object->section_count; i++) {
		const struct elf_section *rela = s->object->sections[i];
		for (size_t k = 0; k < rela->rela_count; k++)
			rela->relas[k].addend += rela->relas[k].symbol == text->symbol ? 16 : 0;
	}
	name = sample_symbol(s->object, arena_printf(s->object->arena, "__pfx_%s", function->name),
			     STT_FUNC, function->binding, text, 16);
	assert_int_equal(name->value, 0);
}

/* Named padding is part of the function; objtool names it anew in the linked module. */
static void named_padding_is_part_of_its_function(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, 9);
	for (struct sample *s = &p.a; s; s = s == &p.a ? &p.b : NULL) {
		pad(s, s->text_first, s->first);
		pad(s, s->text_second, s->second);
		add_orc(s);
	}
	must_extract(&p);
	const struct diff_result *r = diff_result(p.diff);
	assert_int_equal(r->changed_count, 1);
	assert_string_equal(r->changed[0].name, "second");
	assert_int_equal(r->added_count, 0);
	assert_null(elf_object_symbol(p.out, "__pfx_second"));
	const struct elf_symbol *second = elf_object_symbol(p.out, "second");
	assert_int_equal(second->value, 16);
	assert_int_equal(second->section->size, p.b.text_second->size);
	assert_int_equal(elf_object_section(p.out, ".orc_unwind_ip")->size, 12);
	close_pair(&p);
}

/* A function that is only called so is none. */
static void a_name_alone_is_no_padding(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, 9);
	p.a.second->name = p.b.second->name = "__pfx_second";
	must_extract(&p);
	assert_string_equal(diff_result(p.diff)->changed[0].name, "__pfx_second");
	close_pair(&p);
}

/* CONFIG_PRINTK_INDEX: each message's format, file, line and function, for debugfs alone. */
static void the_index_of_messages_stays_behind(void **state)
{
	(void)state;
	struct pair p;

	open_pair(&p, 9);
	for (struct sample *s = &p.a; s; s = s == &p.a ? &p.b : NULL) {
		struct elf_section *entry = sample_section(s->object, ".rodata._entry.1", SHF_ALLOC,
							   (uint8_t[48]){ s == &p.b }, 48);
		struct elf_section *index = sample_section(
			s->object, ".printk_index", SHF_ALLOC | SHF_WRITE, (uint8_t[8]){ 0 }, 8);

		sample_relas(s->object, entry,
			     (struct elf_rela[]){ { 0, s->string->symbol, R_X86_64_64, 0 } }, 1);
		sample_relas(s->object, index,
			     (struct elf_rela[]){ { 0, entry->symbol, R_X86_64_64, 0 } }, 1);
		sample_symbol(s->object, "_entry.1", STT_OBJECT, STB_LOCAL, entry, 48);
		sample_symbol(s->object, "_entry_ptr.0", STT_OBJECT, STB_LOCAL, index, 8);
	}
	must_extract(&p);
	assert_int_equal(diff_result(p.diff)->changed_count, 1);
	assert_null(elf_object_section(p.out, ".printk_index"));
	assert_null(elf_object_symbol(p.out, "_entry.1"));
	close_pair(&p);
}

/* Functions that share a section have one run of unwind entries. */
static void a_part_of_an_unwind_table_is_refused(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 9);
	for (struct sample *s = &p.a; s; s = s == &p.a ? &p.b : NULL) {
		add_orc(s);
		s->second->size = 22;
		sample_symbol(s->object, "third", STT_FUNC, STB_LOCAL, s->text_second, 3)->value =
			22;
	}
	assert_ok(run(&p, NULL, &err), &err);
	assert_int_equal(diff_result(p.diff)->verdict, DIFF_REFUSED);
	assert_non_null(strstr(diff_result(p.diff)->reasons[0].message, "-ffunction-sections"));
	close_pair(&p);
}

static void add_unknown(struct sample *s, uint32_t type, int64_t addend)
{
	struct elf_section *r =
		sample_section(s->object, "__nobody_knows", SHF_ALLOC, (uint8_t[8]){ 0 }, 8);

	sample_relas(s->object, r,
		     (struct elf_rela[]){ { 0, s->text_second->symbol, type, addend } }, 1);
}

/* A section that nobody knows may mark places that the kernel changes: not so a plain pointer. */
static void unknown_sections_are_refused(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 9);
	add_unknown(&p.a, R_X86_64_PC32, 5);
	add_unknown(&p.b, R_X86_64_PC32, 5);
	assert_ok(run(&p, NULL, &err), &err);
	const struct diff_result *r = diff_result(p.diff);
	assert_int_equal(r->verdict, DIFF_REFUSED);
	assert_int_equal(r->reason_count, 1);
	assert_int_equal(r->reasons[0].code, REASON_UNSUPPORTED_SECTION);
	assert_string_equal(r->reasons[0].subject, "second");
	assert_non_null(strstr(r->reasons[0].message, "__nobody_knows"));
	close_pair(&p);

	open_pair(&p, 9);
	add_unknown(&p.a, R_X86_64_64, 0);
	add_unknown(&p.b, R_X86_64_64, 0);
	assert_ok(run(&p, NULL, &err), &err);
	assert_int_equal(diff_result(p.diff)->verdict, DIFF_ACCEPTED);
	close_pair(&p);
}

static void new_entries_of_tables_are_refused_with_advice(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct pair p;

	open_pair(&p, 9);
	sample_section(p.b.object, "__tracepoints", SHF_ALLOC | SHF_WRITE, "1234", 4);
	assert_ok(run(&p, NULL, &err), &err);
	const struct diff_result *r = diff_result(p.diff);
	assert_int_equal(r->verdict, DIFF_REFUSED);
	assert_int_equal(r->reasons[0].code, REASON_CHANGED_TABLE);
	assert_non_null(strstr(reason_hint(&r->reasons[0]), "pr_debug"));
	close_pair(&p);
}

static int size_of(const char *name, const struct special_sizes *sizes, uint64_t size,
		   size_t relocations, uint32_t *ret)
{
	static const uint8_t bytes[256];
	struct elf_section rela = { .rela_count = relocations };
	struct elf_section s = {
		.name = name, .size = size, .data = (uint8_t *)bytes, .rela = &rela
	};

	return special_entry_size(special_find(name), sizes, &s, ret, NULL);
}

static void sizes_come_from_types_and_agree_with_relocations(void **state)
{
	(void)state;
	const struct special_sizes none = { 0 }, six_one = { .alt_instr = 12, .bug_entry = 12 },
				   six_twelve = { .alt_instr = 14 };
	uint32_t size = 0;

	assert_int_equal(size_of(".altinstructions", &none, 28, 4, &size), 0);
	assert_int_equal(size, 14);
	assert_int_equal(size_of(".altinstructions", &none, 24, 4, &size), 0);
	assert_int_equal(size, 12);
	assert_int_equal(size_of(".altinstructions", &six_twelve, 28, 4, &size), 0);
	assert_int_equal(size, 14);
	/* 84 bytes are seven entries of 12 and six of 14 */
	assert_int_equal(size_of(".altinstructions", &six_one, 84, 12, &size), ERR_INVALID);
	assert_int_equal(size_of(".altinstructions", &six_twelve, 84, 12, &size), 0);
	assert_int_equal(size_of(".altinstructions", &six_twelve, 24, 4, &size), ERR_INVALID);
	assert_int_equal(size_of("__bug_table", &six_one, 24, 4, &size), 0);
	assert_int_equal(size_of(".smp_locks", &none, 8, 2, &size), 0);
	assert_int_equal(size, 4);
	assert_int_equal(size_of(".smp_locks", &none, 16, 2, &size), ERR_INVALID);
	assert_int_equal(size_of(".smp_locks", &none, 6, 1, &size), ERR_INVALID);
	assert_int_equal(size_of("__jump_table", &none, 32, 5, &size), ERR_INVALID);
	assert_int_equal(size_of("__jump_table", &none, 32, 0, &size), ERR_INVALID);
}

static void places_in_structures_come_from_types(void **state)
{
	(void)state;
	const struct special_def *alt = special_find(".altinstructions"),
				 *bug = special_find("__bug_table");
	const struct special_sizes none = { 0 },
				   moved = { .alt_replacementlen = 11, .bug_line = 4 };
	uint32_t place = 0;

	assert_int_equal(special_replacement_length(alt, &none, 13), 11); /* 5.10 */
	assert_int_equal(special_replacement_length(alt, &none, 12), 11); /* 6.1 */
	assert_int_equal(special_replacement_length(alt, &none, 14), 13); /* 6.12 */
	assert_int_equal(special_replacement_length(alt, &moved, 14), 11);
	assert_int_equal(special_replacement_length(bug, &none, 12), -1);
	assert_int_equal(special_loose(bug, &none, 12, &place), 2);
	assert_int_equal(place, 8);
	assert_int_equal(special_loose(bug, &moved, 12, &place), 2);
	assert_int_equal(place, 4);
	assert_int_equal(special_loose(bug, &none, 6, &place), 0); /* no file and line */
	assert_int_equal(special_loose(alt, &none, 14, &place), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_go_with_their_functions),
		cmocka_unit_test(objtool_makes_its_tables_anew),
		cmocka_unit_test(every_table_is_tested),
		cmocka_unit_test(an_entry_is_part_of_its_function),
		cmocka_unit_test(unwind_entries_stay_side_by_side),
		cmocka_unit_test(an_empty_replacement_points_to_its_function),
		cmocka_unit_test(entries_begin_with_a_place_in_code),
		cmocka_unit_test(tables_may_change_places),
		cmocka_unit_test(unwind_columns_of_different_length_are_refused),
		cmocka_unit_test(named_padding_is_part_of_its_function),
		cmocka_unit_test(a_name_alone_is_no_padding),
		cmocka_unit_test(the_index_of_messages_stays_behind),
		cmocka_unit_test(a_part_of_an_unwind_table_is_refused),
		cmocka_unit_test(unknown_sections_are_refused),
		cmocka_unit_test(new_entries_of_tables_are_refused_with_advice),
		cmocka_unit_test(sizes_come_from_types_and_agree_with_relocations),
		cmocka_unit_test(places_in_structures_come_from_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
