/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/proof/landing.h"

#include "build/object/special.h"

#define SEAL       ".ibt_endbr_seal"
#define SEAL_ENTRY 4 /* bytes: the distance from itself */

/* Both are of arch/x86/kernel/vmlinux.lds.S, which has them in kernels with IBT only. kallsyms has
 * all symbols where livepatch is (Kconfig: LIVEPATCH depends on KALLSYMS_ALL). */
#define SEAL_START "__ibt_endbr_seal"
#define SEAL_END   "__ibt_endbr_seal_end"

bool landing_matters(const struct shipped *vmlinux)
{
	return shipped_matches(vmlinux, SEAL_START) > 0;
}

/* Where the table of sealed functions is; empty if there is none. */
static void find_seal(const struct shipped *s, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct elf_object *module = shipped_elf(s);
	const struct elf_section *section = module ? elf_object_section(module, SEAL) : NULL;
	struct shipped_symbol start, end;

	*ret_start = *ret_end = 0;
	if (section) {
		*ret_start = shipped_section_address(section);
		*ret_end = *ret_start + section->size;
	} else if (!module && shipped_find(s, SEAL_START, 1, &start) &&
		   shipped_find(s, SEAL_END, 1, &end)) {
		*ret_start = start.address;
		*ret_end = end.address;
	}
}

static bool is_sealed(const struct shipped *s, uint64_t address)
{
	struct shipped_target target;
	uint64_t at, end;

	find_seal(s, &at, &end);
	for (; at < end && end - at >= SEAL_ENTRY; at += SEAL_ENTRY)
		if (shipped_field(s, at, R_X86_64_PC32, 0, &target) && !target.import &&
		    target.address == address)
			return true;
	return false;
}

enum landing landing_at(const struct shipped *s, const struct shipped_symbol *symbol)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const uint8_t *code = shipped_bytes(s, symbol->address, sizeof(endbr));

	if (!symbol->code)
		return LANDING_GOOD;
	if (!code || memcmp(code, endbr, sizeof(endbr)) != 0)
		return LANDING_MISSING;
	return is_sealed(s, symbol->address) ? LANDING_SEALED : LANDING_GOOD;
}

static bool is_pc_relative(const struct elf_rela *rela)
{
	return rela->type == R_X86_64_PC32 || rela->type == R_X86_64_PLT32;
}

/* The field of a direct call or jump follows its opcode; that of any other instruction with a
 * distance in it follows a ModRM byte, which is then 0x05, 0x0d, ... 0x3d. */
static bool is_branch(const struct elf_section *code, const struct elf_rela *rela)
{
	if (!is_pc_relative(rela) || rela->offset == 0 || !code->data)
		return false;
	uint8_t before = code->data[rela->offset - 1];
	return before == 0xe8 || before == 0xe9 || (before & 0xf0) == 0x80;
}

static bool leads_to(const struct elf_rela *rela, bool in_code, const struct elf_symbol *symbol)
{
	int64_t behind = in_code && is_pc_relative(rela) ? 4 : 0;

	if (rela->symbol == symbol)
		return true;
	return symbol->section && rela->symbol && rela->symbol->section == symbol->section &&
	       rela->symbol->value + (uint64_t)rela->addend + (uint64_t)behind == symbol->value;
}

static bool section_takes(const struct elf_section *s, const struct elf_symbol *symbol)
{
	bool in_code = s->flags & SHF_EXECINSTR;

	if (!s->rela || !(s->flags & SHF_ALLOC) || special_find(s->name))
		return false;
	for (size_t i = 0; i < s->rela->rela_count; i++) {
		const struct elf_rela *rela = &s->rela->relas[i];
		if (leads_to(rela, in_code, symbol) && !(in_code && is_branch(s, rela)))
			return true;
	}
	return false;
}

bool landing_taken(const struct elf_object *object, const struct elf_symbol *symbol)
{
	for (size_t i = 0; i < object->section_count; i++)
		if (section_takes(object->sections[i], symbol))
			return true;
	return false;
}
