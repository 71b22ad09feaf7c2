/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf_mutate.h"

#include "elf/object.h"

static uint64_t next(uint64_t *random, uint64_t below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return below ? *random % below : 0;
}

static int64_t odd_number(uint64_t *random)
{
	static const int64_t odd[] = { 0,     1,    -1,         -4,         4,         16,
				       65535, 4096, 0x7fffffff, 0x80000000, INT64_MAX, INT64_MIN };

	return next(random, 2) ? odd[next(random, ARRAY_SIZE(odd))] : (int64_t)next(random, 300);
}

static void change_rela(struct elf_object *o, struct elf_section *s, uint64_t *random)
{
	struct elf_rela *r = &s->relas[next(random, s->rela_count)];

	switch (next(random, 4)) {
	case 0: r->offset = (uint64_t)odd_number(random); break;
	case 1: r->addend = (int64_t)((uint64_t)r->addend + (uint64_t)odd_number(random)); break;
	case 2: r->type = (uint32_t)next(random, 45); break;
	default:
		if (o->symbol_count > 0)
			r->symbol = o->symbols[next(random, o->symbol_count)];
	}
}

static void change_symbol(struct elf_object *o, uint64_t *random)
{
	struct elf_symbol *y = o->symbols[next(random, o->symbol_count)];

	switch (next(random, 6)) {
	case 0: y->value = (uint64_t)odd_number(random); break;
	case 1: y->size = (uint64_t)odd_number(random); break;
	case 2: y->type = (uint8_t)next(random, 7); break;
	case 3: y->binding = (uint8_t)next(random, 3); break;
	case 4: y->name = o->symbols[next(random, o->symbol_count)]->name; break;
	default:
		y->section = next(random, 8) ? o->sections[next(random, o->section_count)] : NULL;
		y->shndx = SHN_UNDEF;
	}
}

static void change_section(struct elf_object *o, struct elf_section *s, uint64_t *random)
{
	switch (next(random, 5)) {
	case 0: s->flags ^= 1U << next(random, 12); break;
	case 1: s->entsize = (uint64_t)odd_number(random); break;
	case 2: s->name = o->sections[next(random, o->section_count)]->name; break;
	case 3:
		if (s->type == SHT_NOBITS)
			s->size = (uint64_t)odd_number(random);
		else if (s->data)
			s->size = next(random, s->size + 1);
		break;
	default:
		if (s->data && s->size > 0)
			s->data[next(random, s->size)] = (uint8_t)next(random, 256);
	}
}

size_t elf_mutate(uint8_t *data, size_t len, size_t max, unsigned seed)
{
	_cleanup_elf_object_ struct elf_object *o = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT((size_t)64 << 20);
	uint64_t random = (uint64_t)seed * 0x9e3779b97f4a7c15 + 1;

	if (elf_object_parse(data, len, "a.o", &o, NULL) < 0 || o->section_count == 0)
		return 0;
	for (uint64_t n = 1 + next(&random, 3); n > 0; n--) {
		struct elf_section *s = o->sections[next(&random, o->section_count)];

		if (s->rela_count > 0)
			change_rela(o, s, &random);
		else if (o->symbol_count > 0 && next(&random, 2))
			change_symbol(o, &random);
		else
			change_section(o, s, &random);
	}
	if (elf_object_write(o, &out, NULL) < 0 || out.len > max)
		return 0;
	memcpy(data, out.data, out.len);
	return out.len;
}
