/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/runpre.h"

#include <stdio.h>

#include "base/hash.h"
#include "build/sites.h"

#define ARENA_MAX ((size_t)512 * 1024 * 1024)
#define WHY_MAX   256

/* A symbol of the unit and its address in the shipped object. */
struct runpre_known {
	const char *name;
	uint64_t address;
};

/* One build of the original to compare with. */
struct proof {
	struct elf_object *elf;
	struct sites sites;
};

struct check {
	const struct shipped *shipped;
	const char *file; /* of the source */
	struct proof proofs[2];
	size_t proof_count;
	struct runpre *out;
	struct error *err;
};

void runpre_free(struct runpre *runpre)
{
	if (!runpre)
		return;
	free(runpre->known);
	arena_free(runpre->arena);
	free(runpre);
}

bool runpre_where(const struct runpre *runpre, const char *name, uint64_t *ret_address)
{
	for (size_t i = 0; i < runpre->known_count; i++)
		if (streq(runpre->known[i].name, name)) {
			*ret_address = runpre->known[i].address;
			return true;
		}
	return false;
}

/* Remembers where a symbol is; false if it was seen elsewhere before. */
static bool learn(struct runpre *out, const char *name, uint64_t address)
{
	uint64_t before;

	if (runpre_where(out, name, &before))
		return before == address;
	if (out->known_count == out->known_cap) {
		size_t cap = out->known_cap ? out->known_cap * 2 : 64;
		struct runpre_known *known = reallocarray(out->known, cap, sizeof(*known));

		if (!known)
			return true; /* knowing less only makes later refusals likelier */
		out->known = known;
		out->known_cap = cap;
	}

	char *copy = arena_strdup(out->arena, name);

	if (copy)
		out->known[out->known_count++] = (struct runpre_known){ copy, address };
	return true;
}

/* Names that the compiler makes up are not in the kernel's symbol table. */
static bool is_named(const struct elf_symbol *y)
{
	return y->name[0] && !str_has_prefix(y->name, ".L") && y->type != STT_SECTION &&
	       y->type != STT_FILE;
}

/* May the reference to `name` be at `address`? Names without a symbol are not known to kallsyms. */
static bool reference_fits(const struct shipped *s, const char *name,
			   const struct shipped_target *target)
{
	size_t n = shipped_matches(s, name);
	struct shipped_symbol y;

	if (target->import)
		return streq(target->import, name);
	for (size_t pos = 1; pos <= n; pos++)
		if (shipped_find(s, name, pos, &y) && y.address == target->address)
			return true;
	return n == 0;
}

/* Every named symbol of a section, once it is known where the section was put. */
static bool learn_section(struct check *c, const struct elf_object *elf,
			  const struct elf_section *section, uint64_t address, char why[WHY_MAX])
{
	for (size_t i = 0; i < elf->symbol_count; i++) {
		const struct elf_symbol *y = elf->symbols[i];
		struct shipped_target target = { .address = address + (y->section ? y->value : 0) };

		if (y->section != section || !is_named(y))
			continue;
		if (!reference_fits(c->shipped, y->name, &target)) {
			snprintf(why, WHY_MAX, "it refers to another place than %s", y->name);
			return false;
		}
		if (shipped_matches(c->shipped, y->name) > 0)
			learn(c->out, y->name, target.address);
	}
	return true;
}

/* Compares what one relocated field refers to. */
static bool compare_reference(struct check *c, const struct proof *p, const struct elf_rela *rela,
			      uint64_t place, char why[WHY_MAX])
{
	const struct elf_symbol *y = rela->symbol;
	struct shipped_target target;

	if (!y || rela->type == R_X86_64_NONE || str_has_prefix(y->name, "__fentry__"))
		return true;
	if (!shipped_field(c->shipped, place, rela->type, rela->addend, &target)) {
		snprintf(why, WHY_MAX, "it has no reference where the rebuilt one has one");
		return false;
	}
	if (y->type == STT_SECTION) {
		/* Merged strings are put together anew by the linker. */
		if (!y->section || (y->section->flags & SHF_MERGE) || target.import)
			return true;
		return learn_section(c, p->elf, y->section, target.address - y->value, why);
	}
	if (!is_named(y))
		return true;
	if (!reference_fits(c->shipped, y->name, &target)) {
		snprintf(why, WHY_MAX, "it refers to something other than %s", y->name);
		return false;
	}
	if (y->section && !target.import && shipped_matches(c->shipped, y->name) > 0 &&
	    !learn(c->out, y->name, target.address)) {
		snprintf(why, WHY_MAX, "its references to %s do not agree", y->name);
		return false;
	}
	return true;
}

static bool compare_references(struct check *c, const struct proof *p, const struct elf_symbol *f,
			       uint64_t address, char why[WHY_MAX])
{
	const struct elf_section *rela = f->section->rela;

	for (size_t i = 0; rela && i < rela->rela_count; i++) {
		const struct elf_rela *x = &rela->relas[i];

		if (x->offset < f->value || x->offset - f->value >= f->size)
			continue;
		if (!compare_reference(c, p, x, address + x->offset - f->value, why))
			return false;
	}
	return true;
}

/* Fills `map` (f->size bytes) with 1 for what may change. */
static const uint8_t *masked_code(const struct proof *p, const struct elf_symbol *f, uint8_t *map)
{
	sites_mark(&p->sites, f->section, f->value, f->size, map);
	return f->section->data + f->value;
}

/* Is the function of this build at that address of the shipped object? */
static bool compare_at(struct check *c, const struct proof *p, const struct elf_symbol *f,
		       const struct shipped_symbol *at, char why[WHY_MAX])
{
	const uint8_t *theirs = shipped_bytes(c->shipped, at->address, f->size);
	_cleanup_free_ uint8_t *map = calloc(1, f->size);

	if (!theirs || !map || (at->room && at->room < f->size)) {
		snprintf(why, WHY_MAX, "its shipped code is shorter");
		return false;
	}

	const uint8_t *ours = masked_code(p, f, map);

	for (uint64_t i = 0; i < f->size; i++)
		if (!map[i] && ours[i] != theirs[i]) {
			snprintf(why, WHY_MAX, "its code differs at byte %llu of %llu",
				 (unsigned long long)i, (unsigned long long)f->size);
			return false;
		}

	size_t known = c->out->known_count;

	if (compare_references(c, p, f, at->address, why))
		return true;
	c->out->known_count = known;
	return false;
}

static const struct elf_symbol *find_function(const struct proof *p, const char *name)
{
	for (size_t i = 0; i < p->elf->symbol_count; i++) {
		const struct elf_symbol *y = p->elf->symbols[i];

		if (y->type == STT_FUNC && y->section && y->section->data && y->size > 0 &&
		    y->value <= y->section->size && y->size <= y->section->size - y->value &&
		    streq(y->name, name))
			return y;
	}
	return NULL;
}

/* Finds the shipped place of a function among all of its name: the one that is equal, and, if
 * several are, the one that the unit's other code refers to. */
static bool find_equal(struct check *c, const struct proof *p, const char *name,
		       struct shipped_symbol *ret, char why[WHY_MAX])
{
	const struct elf_symbol *f = find_function(p, name);
	size_t n = shipped_matches(c->shipped, name), equal = 0;
	size_t known_count = c->out->known_count;
	uint64_t where;
	bool known = runpre_where(c->out, name, &where);
	struct shipped_symbol y;

	if (!f) {
		snprintf(why, WHY_MAX, "the rebuilt original has no such function");
		return false;
	}
	if (n == 0)
		snprintf(why, WHY_MAX, "%s has no such function", shipped_object(c->shipped));
	if (!shipped_is_settled(c->shipped, name)) {
		snprintf(why, WHY_MAX,
			 "%s has that name in its initialisation too, and the kernel cannot tell "
			 "them apart while it loads",
			 shipped_object(c->shipped));
		return false;
	}
	for (size_t pos = 1; pos <= n; pos++) {
		if (!shipped_find(c->shipped, name, pos, &y) || (known && y.address != where))
			continue;
		if (compare_at(c, p, f, &y, why)) {
			*ret = y;
			equal++;
		}
	}
	if (equal != 1)
		c->out->known_count = known_count;
	if (equal > 1)
		snprintf(why, WHY_MAX, "%s has it %zu times with equal code",
			 shipped_object(c->shipped), equal);
	return equal == 1;
}

/* Looks at all functions with a unique name, for what their references say about the rest. */
static void learn_unit(struct check *c)
{
	char why[WHY_MAX];
	struct shipped_symbol y;

	for (size_t i = 0; i < c->proof_count; i++) {
		const struct proof *p = &c->proofs[i];

		for (size_t j = 0; j < p->elf->symbol_count; j++) {
			const struct elf_symbol *f = p->elf->symbols[j];

			if (f->type != STT_FUNC || !f->section || find_function(p, f->name) != f ||
			    shipped_matches(c->shipped, f->name) != 1)
				continue;
			if (shipped_find(c->shipped, f->name, 1, &y))
				compare_at(c, p, f, &y, why);
		}
	}
}

/* Turns the map of changing bytes into runs. */
static int fill_mask(struct check *c, const uint8_t *map, size_t size, struct runpre_function *f)
{
	size_t runs = 0;

	for (size_t i = 0; i < size; i++)
		runs += map[i] && (i == 0 || !map[i - 1]);
	f->mask = arena_alloc(c->out->arena, runs + 1, sizeof(*f->mask));
	if (!f->mask)
		return error_set(c->err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < size; i++) {
		if (!map[i])
			continue;
		if (i == 0 || !map[i - 1])
			f->mask[f->mask_count++].offset = (uint32_t)i;
		f->mask[f->mask_count - 1].length++;
	}
	return 0;
}

static int fill_function(struct check *c, const struct proof *p, const char *name,
			 const struct shipped_symbol *at, struct runpre_function *ret)
{
	const struct elf_symbol *f = find_function(p, name);
	_cleanup_free_ uint8_t *map = calloc(1, f->size), *code = malloc(f->size);
	int sympos = shipped_sympos(c->shipped, name, at->address);
	int r;

	if (!map || !code)
		return error_set(c->err, ERR_NO_MEMORY, "out of memory");
	masked_code(p, f, map);
	memcpy(code, shipped_bytes(c->shipped, at->address, f->size), f->size);
	for (uint64_t i = 0; i < f->size; i++)
		if (map[i])
			code[i] = 0;
	ret->sympos = (unsigned)MAX(sympos, 0);
	ret->size = (uint32_t)f->size;
	r = hash_sha256_hex(code, f->size, ret->sha256);
	if (r < 0)
		return error_set(c->err, r, "cannot hash");
	return fill_mask(c, map, f->size, ret);
}

static int mismatch(struct check *c, struct reason_list *mismatches, const char *name,
		    const char *why)
{
	int r = reason_add(mismatches, REASON_MISMATCH, c->file, name, "%s: %s", name, why);

	return r < 0 ? error_set(c->err, r, "out of memory") : 0;
}

/* The part of a function that the compiler moved away because it rarely runs. */
static int check_cold(struct check *c, const char *name, struct reason_list *mismatches)
{
	_cleanup_free_ char *cold = NULL;
	char why[WHY_MAX] = "";
	struct shipped_symbol at;

	if (asprintf(&cold, "%s.cold", name) < 0)
		return error_set(c->err, ERR_NO_MEMORY, "out of memory");
	if (!find_function(&c->proofs[0], cold) || shipped_matches(c->shipped, cold) == 0)
		return 0;
	c->out->compared++;
	for (size_t i = 0; i < c->proof_count; i++)
		if (find_equal(c, &c->proofs[i], cold, &at, why)) {
			c->out->equal++;
			return 0;
		}
	return mismatch(c, mismatches, cold, why);
}

static int check_function(struct check *c, const char *name, struct runpre_function *ret,
			  struct reason_list *mismatches)
{
	char why[WHY_MAX] = "";
	struct shipped_symbol at;

	ret->name = name;
	c->out->compared++;
	for (size_t i = 0; i < c->proof_count; i++) {
		if (!find_equal(c, &c->proofs[i], name, &at, why))
			continue;
		c->out->equal++;

		int r = fill_function(c, &c->proofs[i], name, &at, ret);

		return r < 0 ? r : check_cold(c, name, mismatches);
	}
	return mismatch(c, mismatches, name, why);
}

static int add_proof(struct check *c, const struct buf *object, const char *what)
{
	struct proof *p = &c->proofs[c->proof_count];
	int r = elf_object_parse(object->data, object->len, what, &p->elf, c->err);

	if (r < 0)
		return r;
	c->proof_count++;
	r = sites_collect(p->elf, &p->sites, c->err);
	return r < 0 ? error_prefix(c->err, r, "%s", what) : 0;
}

static int check_all(struct check *c, const struct unit *unit, const struct diff_result *diff,
		     struct reason_list *mismatches)
{
	int r = 0;

	if (!unit->runtime_const)
		r = add_proof(c, &unit->original, unit->object_path);
	if (r == 0 && unit->stock.len > 0)
		r = add_proof(c, &unit->stock, unit->object_path);
	if (r < 0)
		return r;
	learn_unit(c);
	c->out->functions =
		arena_alloc(c->out->arena, diff->changed_count + 1, sizeof(*c->out->functions));
	if (!c->out->functions)
		return error_set(c->err, ERR_NO_MEMORY, "out of memory");
	c->out->function_count = diff->changed_count;
	for (size_t i = 0; r == 0 && i < diff->changed_count; i++)
		r = check_function(c, diff->changed[i].name, &c->out->functions[i], mismatches);
	return r;
}

int runpre_check(const struct shipped *shipped, const struct unit *unit,
		 const struct diff_result *diff, struct reason_list *mismatches,
		 struct runpre **ret, struct error *err)
{
	_cleanup_runpre_ struct runpre *out = calloc(1, sizeof(*out));
	struct check c = { .shipped = shipped, .file = unit->file->path, .out = out, .err = err };
	int r;

	if (out)
		out->arena = arena_new(ARENA_MAX);
	if (!out || !out->arena)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = check_all(&c, unit, diff, mismatches);
	for (size_t i = 0; i < c.proof_count; i++) {
		elf_object_free(c.proofs[i].elf);
		sites_free(&c.proofs[i].sites);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(out);
	return 0;
}
