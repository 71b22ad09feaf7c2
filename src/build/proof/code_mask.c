/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/proof/code_mask.h"

#include "base/hash.h"
#include "build/proof/sites.h"
#include "wire/record.h"

#define ARENA_MAX    ((size_t)64 * 1024 * 1024)
#define PER_CPU_MAX  0x100000 /* bytes of per-CPU variables, which begin at address 0 */
#define ENDBR_LENGTH 4
#define CALL_LENGTH  5

/* A function, and a byte for each of its bytes: 1 if it may change. */
struct code {
	uint64_t address;
	uint64_t len;
	const uint8_t *bytes;
	uint8_t *map;
};

static void mark(const struct code *c, uint64_t address, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		if (address + i >= c->address && address + i - c->address < c->len)
			c->map[address + i - c->address] = 1;
}

/* Tables of vmlinux that begin with the address of code, relative to the entry or absolute. */
struct table {
	const char *start, *end; /* symbols */
	uint32_t size;           /* of an entry */
	bool absolute;
	uint8_t length_at; /* of a byte with the code's length; 0: `length` */
	uint8_t length;
};

static void mark_table(const struct shipped *s, const struct table *t, const struct code *c)
{
	struct shipped_symbol start, end;
	const uint8_t *data;
	uint64_t len;

	if (t->size < 4 || !shipped_find(s, t->start, 1, &start) ||
	    !shipped_find(s, t->end, 1, &end) || end.address <= start.address)
		return;
	len = end.address - start.address;
	data = shipped_bytes(s, start.address, len);
	for (uint64_t at = 0; data && at + t->size <= len; at += t->size) {
		uint64_t address = 0;
		int32_t distance;

		if (t->absolute) {
			memcpy(&address, data + at, sizeof(address));
		} else {
			memcpy(&distance, data + at, sizeof(distance));
			address = start.address + at + (uint64_t)(int64_t)distance;
		}
		mark(c, address, t->length_at ? data[at + t->length_at] : t->length);
	}
}

/* arch/x86/kernel/vmlinux.lds.S and include/asm-generic/vmlinux.lds.h */
static void mark_tables(const struct shipped *s, const struct special_sizes *sizes,
			const struct code *c)
{
	const struct table tables[] = {
		{ "__alt_instructions", "__alt_instructions_end", sizes->alt_instr, false,
		  (uint8_t)(sizes->alt_replacementlen ? sizes->alt_replacementlen - 1 : 0), 16 },
		{ "__parainstructions", "__parainstructions_end", sizes->paravirt_patch_site, true,
		  9, 0 },
		{ "__start___jump_table", "__stop___jump_table", sizes->jump_entry, false, 0, 5 },
		{ "__start_static_call_sites", "__stop_static_call_sites", sizes->static_call_site,
		  false, 0, 6 },
		{ "__smp_locks", "__smp_locks_end", 4, false, 0, 1 },
		{ "__retpoline_sites", "__retpoline_sites_end", 4, false, 0, 6 },
		{ "__return_sites", "__return_sites_end", 4, false, 0, 5 },
		{ "__call_sites", "__call_sites_end", 4, false, 0, 6 },
		{ "__ibt_endbr_seal", "__ibt_endbr_seal_end", 4, false, 0, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		mark_table(s, &tables[i], c);
}

/* Fields that the randomised base of the kernel changes. */
static void mark_addresses(const struct shipped *s, const struct code *c)
{
	struct shipped_symbol start, end;

	/* Without these symbols, anywhere in the upper 2 GiB. */
	if (!shipped_find(s, "_text", 1, &start))
		start.address = 0xffffffff80000000;
	if (!shipped_find(s, "_end", 1, &end))
		end.address = UINT64_MAX;
	for (uint64_t i = 0; i + 4 <= c->len; i++) {
		int32_t field;

		memcpy(&field, c->bytes + i, sizeof(field));

		uint64_t value = (uint64_t)(int64_t)field, behind = c->address + i + 4 + value;

		if ((value >= start.address && value <= end.address) || behind < PER_CPU_MAX)
			mark(c, c->address + i, 4);
	}
}

/* ENDBR64, which may be sealed, and the call of __fentry__. */
static void mark_entry(const struct code *c)
{
	static const uint8_t endbr[ENDBR_LENGTH] = { 0xf3, 0x0f, 0x1e, 0xfa };
	bool has = c->len >= sizeof(endbr) && memcmp(c->bytes, endbr, sizeof(endbr)) == 0;

	mark(c, c->address, MIN(c->len, (uint64_t)CALL_LENGTH + (has ? ENDBR_LENGTH : 0)));
}

static const struct elf_section *section_at(const struct elf_object *elf, uint64_t address)
{
	for (size_t i = 0; i < elf->section_count; i++)
		if (shipped_section_address(elf->sections[i]) == (address & ~(uint64_t)UINT32_MAX))
			return elf->sections[i];
	return NULL;
}

static int mark_code(const struct shipped *s, const struct special_sizes *sizes,
		     const struct sites *sites, const struct code *c)
{
	const struct elf_object *elf = shipped_elf(s);

	mark_entry(c);
	if (!elf) {
		mark_tables(s, sizes, c);
		mark_addresses(s, c);
		return 0;
	}

	const struct elf_section *section = section_at(elf, c->address);

	if (!section)
		return ERR_INVALID;
	sites_mark(sites, section, c->address & UINT32_MAX, c->len, false, c->map);
	return 0;
}

/* Turns the map into ranges, and hashes the code with every masked byte 0. */
static int finish(const struct code *c, struct arena *arena, struct runpre_function *f)
{
	uint8_t *copy = arena_memdup(arena, c->bytes, c->len);
	size_t runs = 0;

	for (uint64_t i = 0; i < c->len; i++)
		runs += c->map[i] && (i == 0 || !c->map[i - 1]);
	f->mask = arena_alloc(arena, runs + 1, sizeof(*f->mask));
	if (!copy || !f->mask)
		return ERR_NO_MEMORY;
	for (uint64_t i = 0; i < c->len; i++) {
		if (!c->map[i])
			continue;
		copy[i] = 0;
		if (i == 0 || !c->map[i - 1])
			f->mask[f->mask_count++] = (struct runpre_mask){ (uint32_t)i, 0 };
		f->mask[f->mask_count - 1].length++;
	}
	f->size = (uint32_t)c->len;
	return hash_sha256_hex(copy, c->len, f->sha256);
}

/* Finds the function that the kernel would take for that name and position. */
static int find(const struct shipped *s, const struct tables_function *t,
		struct reason_list *reasons, struct shipped_symbol *ret)
{
	size_t n = shipped_matches(s, t->name);
	uint64_t pos = t->sympos ? t->sympos : 1;

	if (n > 0 && pos <= n && (n == 1 || t->sympos) && shipped_is_settled(s, t->name) &&
	    shipped_find(s, t->name, (size_t)pos, ret) && ret->room > 0 &&
	    ret->room <= RECORD_FUNCTION_SIZE_MAX &&
	    shipped_bytes(s, ret->address, (size_t)ret->room))
		return 0;

	int r = reason_add(reasons, n > 1 ? REASON_AMBIGUOUS_SYMBOL : REASON_UNKNOWN_SYMBOL, NULL,
			   t->name, "%s has %zu functions named %s, and .old_sympos is %llu",
			   shipped_object(s), n, t->name, (unsigned long long)t->sympos);

	return r < 0 ? r : ERR_NOT_FOUND;
}

static int describe(const struct shipped *s, const struct special_sizes *sizes,
		    const struct sites *sites, const struct tables_function *t,
		    struct reason_list *reasons, struct arena *arena, struct runpre_function *ret)
{
	struct shipped_symbol y;
	int r = find(s, t, reasons, &y);

	/* The kernel takes position 1 of a unique name too; the record says 0. */
	*ret = (struct runpre_function){
		.name = arena_strdup(arena, t->name),
		.sympos = shipped_matches(s, t->name) == 1 ? 0 : (unsigned)t->sympos,
	};
	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;

	struct code c = { y.address, y.room, shipped_bytes(s, y.address, (size_t)y.room),
			  arena_alloc(arena, y.room, 1) };

	if (!c.map || !ret->name)
		return ERR_NO_MEMORY;
	memset(c.map, 0, y.room);
	r = mark_code(s, sizes, sites, &c);
	if (r == 0)
		r = finish(&c, arena, ret);
	ret->equal = r == 0;
	return r;
}

int code_mask_functions(const struct shipped *s, const struct special_sizes *sizes,
			const struct tables *tables, struct reason_list *reasons,
			struct runpre **ret, struct error *err)
{
	_cleanup_runpre_ struct runpre *out = calloc(1, sizeof(*out));
	_cleanup_sites_ struct sites sites = { 0 };
	int r = out ? 0 : ERR_NO_MEMORY;

	if (r == 0)
		out->arena = arena_new(ARENA_MAX);
	if (r == 0 && out->arena)
		out->functions = arena_alloc(out->arena, tables->function_count + 1,
					     sizeof(*out->functions));
	if (!out || !out->functions)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (shipped_elf(s))
		r = sites_collect(shipped_elf(s), &sites, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < tables->function_count; i++)
		if (streq(tables->functions[i].object, shipped_object(s)))
			r = describe(s, sizes, &sites, &tables->functions[i], reasons, out->arena,
				     &out->functions[out->function_count++]);
	if (r < 0)
		return error_set(err, r, "cannot describe the functions of %s", shipped_object(s));
	*ret = TAKE_PTR(out);
	return 0;
}
