/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample_object.h"

#define FILE_MAX ((size_t)1 << 20)

/* What the object is read as after it was written. */
static struct elf_object *read_back(const struct buf *file)
{
	struct elf_object *object = NULL;
	struct error err = { 0 };

	assert_ok(elf_object_parse(file->data, file->len, "sample.o", &object, &err), &err);
	return object;
}

static void written_objects_are_read_back(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf file = BUF_INIT(FILE_MAX);
	sample_file(42, 7, "text", &file);
	_cleanup_elf_object_ struct elf_object *o = read_back(&file);

	struct elf_section *text = elf_object_section(o, ".text.second");
	assert_non_null(text);
	assert_int_equal(text->flags, SHF_ALLOC | SHF_EXECINSTR);
	assert_int_equal(text->size, 25);
	assert_int_equal(text->data[11], 42);
	assert_non_null(text->rela);
	assert_string_equal(text->rela->name, ".rela.text.second");
	assert_ptr_equal(text->rela->target, text);
	assert_ptr_equal(text->rela->link, o->symtab);
	assert_int_equal(text->rela->rela_count, 3);
	assert_int_equal(text->rela->relas[1].addend, -8);
	assert_int_equal(text->rela->relas[1].type, R_X86_64_PC32);
	struct elf_section *data = elf_object_section(o, ".data.variable");
	assert_ptr_equal(text->rela->relas[1].symbol, data->symbol);
	assert_ptr_equal(data->symbol->section, data);

	struct elf_symbol *second = elf_object_symbol(o, "second");
	assert_ptr_equal(second->section, text);
	assert_int_equal(second->size, 25);
	assert_int_equal(second->binding, STB_LOCAL);
	assert_string_equal(second->file, "unit.c");
	assert_int_equal(elf_object_symbol(o, "outside")->shndx, SHN_UNDEF);
	assert_null(elf_object_symbol(o, "outside")->section);
	assert_null(elf_object_symbol(o, "nothing"));
	assert_null(elf_object_section(o, ".nothing"));
}

static void writing_twice_gives_the_same_bytes(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf a = BUF_INIT(FILE_MAX), b = BUF_INIT(FILE_MAX);
	struct error err = { 0 };

	sample_file(1, 2, "same", &a);
	_cleanup_elf_object_ struct elf_object *o = read_back(&a);
	assert_ok(elf_object_write(o, &b, &err), &err);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void local_symbols_come_first(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf file = BUF_INIT(FILE_MAX);
	sample_file(1, 2, "x", &file);
	_cleanup_elf_object_ struct elf_object *o = read_back(&file);
	bool global = false;

	for (size_t i = 0; i < o->symbol_count; i++) {
		if (o->symbols[i]->binding != STB_LOCAL)
			global = true;
		else
			assert_false(global);
		assert_int_equal(o->symbols[i]->index, i + 1);
	}
	assert_true(global);
	/* sh_info of the symbol table: the first that is not local */
	assert_true(o->symtab->info > 1);
	assert_int_equal(o->symbols[o->symtab->info - 2]->binding, STB_LOCAL);
	assert_int_equal(o->symbols[o->symtab->info - 1]->binding, STB_GLOBAL);
}

static void livepatch_sections_and_symbols_survive(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf file = BUF_INIT(FILE_MAX);
	struct sample s;

	sample_make(&s, 1, 2, "x");
	struct elf_section *klp =
		elf_object_add_rela(s.object, s.text_first, ".klp.rela.vmlinux..text.first",
				    SHF_ALLOC | SHF_RELA_LIVEPATCH, 1);
	assert_non_null(klp);
	klp->relas[0] = (struct elf_rela){ 6, s.outside, R_X86_64_PLT32, -4 };
	s.outside->shndx = SHN_LIVEPATCH;
	sample_write(&s, &file);
	elf_object_free(s.object);

	_cleanup_elf_object_ struct elf_object *o = read_back(&file);
	klp = elf_object_section(o, ".klp.rela.vmlinux..text.first");
	assert_non_null(klp);
	assert_int_equal(klp->flags, 0x100042);
	assert_string_equal(klp->target->name, ".text.first");
	assert_ptr_not_equal(klp->target->rela, klp);
	assert_int_equal(klp->relas[0].symbol->shndx, 0xff20);
}

static void relocations_are_sorted_and_keep_their_order(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf file = BUF_INIT(FILE_MAX);
	struct sample s;

	sample_make(&s, 1, 2, "x");
	struct elf_rela *relas = s.text_second->rela->relas;
	struct elf_rela swap = relas[0];
	relas[0] = relas[2];
	relas[2] = swap;
	relas[1].offset = 18; /* the same place twice */
	sample_write(&s, &file);
	elf_object_free(s.object);

	_cleanup_elf_object_ struct elf_object *o = read_back(&file);
	relas = elf_object_section(o, ".text.second")->rela->relas;
	assert_int_equal(relas[0].offset, 1);
	assert_int_equal(relas[1].type, R_X86_64_32S);
	assert_int_equal(relas[2].type, R_X86_64_PC32);
}

static void a_symbol_of_another_object_is_not_written(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf file = BUF_INIT(FILE_MAX);
	struct sample a, b;
	struct error err = { 0 };

	sample_make(&a, 1, 2, "x");
	sample_make(&b, 1, 2, "x");
	a.text_first->rela->relas[0].symbol = b.fentry;
	b.fentry->index = 3;
	assert_ok(buf_append_str(&file, "before"), &err);
	assert_int_equal(elf_object_write(a.object, &file, &err), ERR_INVALID);
	assert_string_equal(buf_str(&file), "before"); /* nothing half-done */
	elf_object_free(a.object);
	elf_object_free(b.object);
}

/* Every message says which file. */
static void refused(const struct buf *file, size_t len, int code)
{
	struct elf_object *object = NULL;
	struct error err = { 0 };

	assert_int_equal(elf_object_parse(file->data, len, "bad.o", &object, &err), code);
	assert_null(object);
	assert_non_null(strstr(err.message, "bad.o"));
}

static Elf64_Shdr *header(struct buf *file, size_t i)
{
	Elf64_Ehdr *ehdr = (Elf64_Ehdr *)(void *)file->data;

	return (Elf64_Shdr *)(void *)(file->data + ehdr->e_shoff) + i;
}

/* The number of the first section of a type. */
static size_t first_of(struct buf *file, uint32_t type)
{
	for (size_t i = 1;; i++)
		if (header(file, i)->sh_type == type)
			return i;
}

enum damage {
	BAD_MAGIC,
	BAD_CLASS,
	BAD_MACHINE,
	BAD_TYPE,
	NO_NAMES,
	HUGE_SECTION,
	SECTION_OUTSIDE,
	BAD_ALIGN,
	NAME_OUTSIDE,
	SYMBOL_SIZE,
	SYMBOL_SECTION,
	SYMBOL_OUTSIDE,
	SYMBOL_NAME,
	RELA_SIZE,
	RELA_TARGET,
	RELA_OFFSET,
	RELA_SYMBOL,
	RELA_TWICE,
	RELA_LINK,
	TYPE_REL,
	DAMAGE_COUNT
};

static int damage_header(Elf64_Ehdr *ehdr, enum damage what)
{
	switch (what) {
	case BAD_MAGIC: ehdr->e_ident[1] = 'e'; return ERR_INVALID;
	case BAD_CLASS: ehdr->e_ident[EI_CLASS] = ELFCLASS32; return ERR_UNSUPPORTED;
	case BAD_MACHINE: ehdr->e_machine = EM_AARCH64; return ERR_UNSUPPORTED;
	case BAD_TYPE: ehdr->e_type = ET_DYN; return ERR_UNSUPPORTED;
	default: ehdr->e_shstrndx = 1; return ERR_INVALID;
	}
}

static int damage_section(struct buf *file, enum damage what)
{
	Elf64_Shdr *text = header(file, 1), *symtab = header(file, first_of(file, SHT_SYMTAB));
	Elf64_Sym *symbol = (Elf64_Sym *)(void *)(file->data + symtab->sh_offset);

	switch (what) {
	case HUGE_SECTION: text->sh_size = UINT64_MAX; break;
	case SECTION_OUTSIDE: text->sh_offset = file->len - 1; break;
	case BAD_ALIGN: text->sh_addralign = 3; break;
	case NAME_OUTSIDE: text->sh_name = 0xfffffff0; break;
	case SYMBOL_SIZE: symtab->sh_entsize = 16; break;
	case SYMBOL_SECTION: symbol[2].st_shndx = 4000; break;
	case SYMBOL_OUTSIDE: symbol[2].st_value = UINT64_MAX; break;
	default: symbol[2].st_name = 0xffffff; break;
	}
	return ERR_INVALID;
}

static int damage_rela(struct buf *file, enum damage what)
{
	size_t at = first_of(file, SHT_RELA);
	Elf64_Shdr *rela = header(file, at);
	Elf64_Rela *first = (Elf64_Rela *)(void *)(file->data + rela->sh_offset);

	switch (what) {
	case RELA_SIZE: rela->sh_size--; break;
	case RELA_TARGET: rela->sh_info = 60000; break;
	case RELA_OFFSET: first->r_offset = 1000; break;
	case RELA_SYMBOL: first->r_info = ELF64_R_INFO(99999UL, R_X86_64_PC32); break;
	case RELA_TWICE: header(file, at + 1)->sh_info = rela->sh_info; break;
	case RELA_LINK: rela->sh_link = 1; break;
	default: rela->sh_type = SHT_REL; return ERR_UNSUPPORTED;
	}
	return ERR_INVALID;
}

static void damaged_objects_are_refused(void **state)
{
	(void)state;
	for (enum damage what = 0; what < DAMAGE_COUNT; what++) {
		_cleanup_buf_ struct buf file = BUF_INIT(FILE_MAX);
		int code;

		sample_file(1, 2, "x", &file);
		if (what <= NO_NAMES)
			code = damage_header((Elf64_Ehdr *)(void *)file.data, what);
		else if (what <= SYMBOL_NAME)
			code = damage_section(&file, what);
		else
			code = damage_rela(&file, what);
		refused(&file, file.len, code);
	}
}

/* In the file's first string of that text, one byte becomes another one. */
static void spoil(struct buf *file, const char *text, size_t len, uint8_t byte)
{
	uint8_t *at = memmem(file->data, file->len, text, len);

	assert_non_null(at);
	at[len / 2] = byte;
}

static void names_are_visible_ascii(void **state)
{
	static const uint8_t bytes[] = { ' ', '\n', '\x1b', 0x7f, 0x80, 0xff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		_cleanup_buf_ struct buf symbol = BUF_INIT(FILE_MAX);
		_cleanup_buf_ struct buf section = BUF_INIT(FILE_MAX);

		sample_file(1, 2, "x", &symbol);
		spoil(&symbol, "\0second", 8, bytes[i]);
		refused(&symbol, symbol.len, ERR_INVALID);
		sample_file(1, 2, "x", &section);
		spoil(&section, ".text.second", 13, bytes[i]);
		refused(&section, section.len, ERR_INVALID);
	}
}

static void truncated_objects_are_refused(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf file = BUF_INIT(FILE_MAX);

	sample_file(1, 2, "x", &file);
	for (size_t len = 0; len < file.len; len++) {
		uint8_t *exact = malloc(len + 1); /* so that reading past the end is seen */
		assert_non_null(exact);
		memcpy(exact, file.data, len);
		struct buf part = { .data = exact, .len = len };
		refused(&part, len, ERR_INVALID);
		free(exact);
	}
}

/* Whatever is accepted can be written and read again. */
static void flipped_bits_never_break_the_reader(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf file = BUF_INIT(FILE_MAX);
	size_t accepted = 0;

	sample_file(1, 2, "x", &file);
	for (size_t bit = 0; bit < file.len * 8; bit++) {
		_cleanup_elf_object_ struct elf_object *object = NULL;
		_cleanup_buf_ struct buf again = BUF_INIT(FILE_MAX);
		struct error err = { 0 };

		file.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		int e = elf_object_parse(file.data, file.len, "flipped.o", &object, &err);
		if (e < 0)
			assert_true(err.code == e && err.message[0]);
		else if (elf_object_write(object, &again, &err) == 0)
			accepted++;
		file.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
	assert_true(accepted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_objects_are_read_back),
		cmocka_unit_test(writing_twice_gives_the_same_bytes),
		cmocka_unit_test(local_symbols_come_first),
		cmocka_unit_test(livepatch_sections_and_symbols_survive),
		cmocka_unit_test(relocations_are_sorted_and_keep_their_order),
		cmocka_unit_test(a_symbol_of_another_object_is_not_written),
		cmocka_unit_test(damaged_objects_are_refused),
		cmocka_unit_test(names_are_visible_ascii),
		cmocka_unit_test(truncated_objects_are_refused),
		cmocka_unit_test(flipped_bits_never_break_the_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
