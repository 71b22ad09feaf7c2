/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/special_check.h"

#include "build/object/special.h"

#define INSN_MIN 5 /* bytes from the place that are looked at, where there are as many */

size_t special_count(const struct elf_object *module, const char *name)
{
	const struct special_def *def = special_find(name);
	size_t n = 0;

	if (def && def->follows)
		return special_count(module, def->follows);
	for (size_t i = 0; def && i < module->section_count; i++) {
		const struct elf_section *s = module->sections[i];
		if (s->type == SHT_RELA && s->target && streq(s->target->name, name))
			n += s->rela_count;
	}
	return def ? n / def->relocations : 0;
}

static bool is_conditional_jump(const uint8_t *code)
{
	return code[0] == 0x0f && (code[1] & 0xf0) == 0x80;
}

static bool is_noop(const uint8_t *code)
{
	return (code[0] == 0x0f && code[1] == 0x1f) || (code[0] == 0x66 && code[1] == 0x90);
}

static bool is_call_or_jump(const uint8_t *code)
{
	return code[0] == 0xe8 || code[0] == 0xe9 || is_conditional_jump(code);
}

/* `code`: INSN_MIN bytes. */
static bool is_of_kind(enum special_place place, const uint8_t *code)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };

	switch (place) {
	case PLACE_ANY:
	case PLACE_CODE:
	case PLACE_FUNCTION: return true;
	case PLACE_LOCK: /* of 16-bit operands the prefix comes first; the kernel leaves that one */
		return code[0] == 0xf0 || (code[0] == 0x66 && code[1] == 0xf0);
	case PLACE_TRAP:
		return code[0] == 0xcc || code[0] == 0x67 ||
		       (code[0] == 0x0f && (code[1] == 0x0b || code[1] == 0xb9));
	case PLACE_NOP_JUMP: return code[0] == 0xe9 || code[0] == 0xeb || is_noop(code);
	case PLACE_CALL: return is_call_or_jump(code);
	case PLACE_RETURN: return code[0] == 0xc3 || is_call_or_jump(code);
	case PLACE_THUNK: /* a prefix may fill the place up */
		return code[0] == 0x2e || code[0] == 0x3e || is_call_or_jump(code);
	case PLACE_FENTRY: return code[0] == 0xe8 || is_noop(code);
	case PLACE_ENDBR: return memcmp(code, endbr, sizeof(endbr)) == 0;
	}
	return false;
}

static bool leads_there(const struct special_def *def, const struct elf_rela *rela)
{
	const struct elf_section *code = rela->symbol ? rela->symbol->section : NULL;
	uint8_t bytes[INSN_MIN] = { 0 };

	if (!code || !(code->flags & SHF_EXECINSTR) || !code->data)
		return false;
	uint64_t at = rela->symbol->value + (uint64_t)rela->addend;
	if (at >= code->size)
		return def->ends && at == code->size;
	memcpy(bytes, code->data + at, MIN((uint64_t)INSN_MIN, code->size - at));
	return is_of_kind(def->place, bytes);
}

static int check_section(const struct elf_object *module, const struct special_def *def,
			 const struct elf_section *s, struct error *err)
{
	size_t count = special_count(module, s->name), next = 0;

	if (count == 0 || s->size % count)
		return error_set(err, ERR_MISMATCH, "section %s is not made of whole entries",
				 s->name);
	for (size_t i = 0; i < count; i++) {
		uint64_t start = i * (s->size / count);
		const struct elf_section *rela = s->rela;

		while (rela && next < rela->rela_count && rela->relas[next].offset < start)
			next++;
		if (!rela || next == rela->rela_count || rela->relas[next].offset != start ||
		    !leads_there(def, &rela->relas[next]))
			return error_set(err, ERR_MISMATCH,
					 "entry %zu of section %s leads to no instruction of its "
					 "kind",
					 i, s->name);
	}
	return 0;
}

int special_check(const struct elf_object *module, struct error *err)
{
	for (size_t i = 0; i < module->section_count; i++) {
		const struct elf_section *s = module->sections[i];
		const struct special_def *def =
			s->type == SHT_PROGBITS && s->size > 0 ? special_find(s->name) : NULL;

		if (!def || def->place == PLACE_ANY)
			continue;
		int e = check_section(module, def, s, err);
		if (e < 0)
			return e;
	}
	return 0;
}
