/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of a livepatch module as a compiler would lay them out, built by hand. */
#pragma once

#include "sample_object.h"

/* Places in .data: struct klp_patch, klp_object[3] of 64 bytes, klp_func[3] and [2] of 40 each,
 * klp_state. */
enum {
	SAMPLE_PATCH = 0,
	SAMPLE_OBJECTS = 64,
	SAMPLE_FIRST = 256,
	SAMPLE_SECOND = 376,
	SAMPLE_STATES = 456,
	SAMPLE_SIZE = 576
};

struct sample_livepatch {
	struct elf_object *object;
	struct elf_section *data, *strings;
	struct elf_symbol *code;
	struct elf_rela relas[32];
	size_t rela_count;
};

static inline void sample_point(struct sample_livepatch *m, uint64_t at, struct elf_symbol *to,
				int64_t addend)
{
	m->relas[m->rela_count++] = (struct elf_rela){ at, to, R_X86_64_64, addend };
}

/* vmlinux with one function, nf_tables with another at position 3, both states. */
static inline void sample_livepatch_make(struct sample_livepatch *m, bool callbacks, bool states)
{
	static const char names[] = "one_show\0two_show\0nf_tables";
	static const uint8_t text[32], zeros[64];
	uint8_t data[SAMPLE_SIZE] = { [SAMPLE_PATCH + 24] = 1, [SAMPLE_SECOND + 16] = 3 };
	const uint64_t ids[] = { 7, 2, 0, 9, 5, 0, 0, 0, 0 };

	*m = (struct sample_livepatch){ 0 };
	memcpy(data + SAMPLE_STATES, ids, sizeof(ids));
	assert_int_equal(elf_object_new(&m->object), 0);

	struct elf_section *code =
		sample_section(m->object, ".text", SHF_ALLOC | SHF_EXECINSTR, text, sizeof(text));
	struct elf_section *this_module =
		sample_section(m->object, ".gnu.linkonce.this_module", SHF_ALLOC | SHF_WRITE, zeros,
			       sizeof(zeros));

	m->strings = sample_section(m->object, ".rodata.str1.1", SHF_ALLOC, names, sizeof(names));
	m->data = sample_section(m->object, ".data", SHF_ALLOC | SHF_WRITE, data, sizeof(data));
	m->code = sample_symbol(m->object, "new_show", STT_FUNC, STB_LOCAL, code, 16);
	struct elf_symbol *module =
		sample_symbol(m->object, "__this_module", STT_OBJECT, STB_GLOBAL, this_module, 64);
	struct {
		const char *name;
		uint64_t at, size;
	} tables[] = { { "states", SAMPLE_STATES, 72 },
		       { "second", SAMPLE_SECOND, 80 },
		       { "first", SAMPLE_FIRST, 120 },
		       { "objects", SAMPLE_OBJECTS, 192 },
		       { "patch", SAMPLE_PATCH, 64 } };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		sample_symbol(m->object, tables[i].name, STT_OBJECT, STB_LOCAL, m->data,
			      tables[i].size)
			->value = tables[i].at;
	sample_point(m, SAMPLE_PATCH, module, 0);
	sample_point(m, SAMPLE_PATCH + 8, m->data->symbol, SAMPLE_OBJECTS);
	if (states)
		sample_point(m, SAMPLE_PATCH + 16, m->data->symbol, SAMPLE_STATES);
	sample_point(m, SAMPLE_OBJECTS + 8, m->data->symbol, SAMPLE_FIRST);
	sample_point(m, SAMPLE_OBJECTS + 64, m->strings->symbol, 18);
	sample_point(m, SAMPLE_OBJECTS + 72, m->data->symbol, SAMPLE_SECOND);
	if (callbacks)
		sample_point(m, SAMPLE_OBJECTS + 64 + 40, m->code, 0); /* post_unpatch */
	sample_point(m, SAMPLE_FIRST, m->strings->symbol, 0);
	sample_point(m, SAMPLE_FIRST + 8, code->symbol, 0);
	sample_point(m, SAMPLE_SECOND, m->strings->symbol, 9);
	sample_point(m, SAMPLE_SECOND + 8, code->symbol, 0);
}
