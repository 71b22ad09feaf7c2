/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small object as the kernel's flags would make it, built by hand: two traced functions in
 * sections of their own, a string, a variable, a bug entry, ftrace sites.
 */
#pragma once

#include "elf/object.h"
#include "unit.h"

struct sample {
	struct elf_object *object;
	struct elf_symbol *fentry, *outside, *variable, *first, *second;
	struct elf_section *text_first, *text_second, *string, *data, *bug, *mcount;
};

static inline struct elf_section *sample_section(struct elf_object *o, const char *name,
						 uint64_t flags, const void *data, size_t size)
{
	struct elf_section *s = elf_object_add_section(o, name, SHT_PROGBITS, flags, 1);

	assert_non_null(s);
	s->data = arena_memdup(o->arena, data, size);
	s->size = size;
	s->symbol = elf_object_add_symbol(o, "");
	assert_non_null(s->symbol);
	s->symbol->type = STT_SECTION;
	s->symbol->binding = STB_LOCAL;
	s->symbol->section = s;
	return s;
}

static inline struct elf_symbol *sample_symbol(struct elf_object *o, const char *name, uint8_t type,
					       uint8_t binding, struct elf_section *s,
					       uint64_t size)
{
	struct elf_symbol *sym = elf_object_add_symbol(o, name);

	assert_non_null(sym);
	sym->type = type;
	sym->binding = binding;
	sym->section = s;
	sym->size = size;
	return sym;
}

static inline void sample_relas(struct elf_object *o, struct elf_section *s,
				const struct elf_rela *relas, size_t count)
{
	struct elf_section *rela = elf_object_add_rela(o, s, NULL, 0, count);

	assert_non_null(rela);
	memcpy(rela->relas, relas, count * sizeof(*relas));
}

/* `number` is a constant in second(), `line` the bug's line there, `text` the string's content. */
static inline void sample_make(struct sample *s, uint8_t number, uint8_t line, const char *text)
{
	/* call __fentry__; call outside; ret */
	static const uint8_t first[] = { 0xe8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0xc3 };
	/* call __fentry__; movl $number, variable(%rip); mov $string, %rdi; ud2; ret */
	const uint8_t second[] = { 0xe8, 0, 0,      0, 0,    0xc7, 0x05, 0,    0,
				   0,    0, number, 0, 0,    0,    0x48, 0xc7, 0xc7,
				   0,    0, 0,      0, 0x0f, 0x0b, 0xc3 };
	const uint8_t bug[12] = { [8] = line };
	struct elf_symbol *file;

	assert_int_equal(elf_object_new(&s->object), 0);
	struct elf_object *o = s->object;
	file = sample_symbol(o, "unit.c", STT_FILE, STB_LOCAL, NULL, 0);
	file->shndx = SHN_ABS;
	s->text_first =
		sample_section(o, ".text.first", SHF_ALLOC | SHF_EXECINSTR, first, sizeof(first));
	s->text_second = sample_section(o, ".text.second", SHF_ALLOC | SHF_EXECINSTR, second,
					sizeof(second));
	s->string = sample_section(o, ".rodata.second.str1.1", SHF_ALLOC | SHF_MERGE | SHF_STRINGS,
				   text, strlen(text) + 1);
	s->string->entsize = 1;
	s->data = sample_section(o, ".data.variable", SHF_ALLOC | SHF_WRITE, "\1\0\0\0", 4);
	s->bug = sample_section(o, "__bug_table", SHF_ALLOC | SHF_WRITE, bug, sizeof(bug));
	s->mcount = sample_section(o, "__mcount_loc", SHF_ALLOC, (uint8_t[16]){ 0 }, 16);
	s->variable = sample_symbol(o, "variable", STT_OBJECT, STB_LOCAL, s->data, 4);
	s->first = sample_symbol(o, "first", STT_FUNC, STB_GLOBAL, s->text_first, sizeof(first));
	s->second = sample_symbol(o, "second", STT_FUNC, STB_LOCAL, s->text_second, sizeof(second));
	s->variable->file = s->second->file = file->name; /* as reading sets it */
	s->fentry = elf_object_add_symbol(o, "__fentry__");
	s->outside = elf_object_add_symbol(o, "outside");
	assert_non_null(s->outside);
	sample_relas(o, s->text_first,
		     (struct elf_rela[]){ { 1, s->fentry, R_X86_64_PLT32, -4 },
					  { 6, s->outside, R_X86_64_PLT32, -4 } },
		     2);
	sample_relas(o, s->text_second,
		     (struct elf_rela[]){ { 1, s->fentry, R_X86_64_PLT32, -4 },
					  { 7, s->data->symbol, R_X86_64_PC32, -8 },
					  { 18, s->string->symbol, R_X86_64_32S, 0 } },
		     3);
	sample_relas(o, s->bug,
		     (struct elf_rela[]){ { 0, s->text_second->symbol, R_X86_64_PC32, 22 },
					  { 4, s->string->symbol, R_X86_64_PC32, 4 } },
		     2);
	sample_relas(o, s->mcount,
		     (struct elf_rela[]){ { 0, s->text_first->symbol, R_X86_64_64, 0 },
					  { 8, s->text_second->symbol, R_X86_64_64, 0 } },
		     2);
}

static inline void sample_write(struct sample *s, struct buf *out)
{
	struct error err = { 0 };

	assert_ok(elf_object_write(s->object, out, &err), &err);
}

/* The object as a file. */
static inline void sample_file(uint8_t number, uint8_t line, const char *text, struct buf *out)
{
	struct sample s;

	sample_make(&s, number, line, text);
	sample_write(&s, out);
	elf_object_free(s.object);
}
