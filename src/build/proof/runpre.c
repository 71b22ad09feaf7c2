/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/proof/runpre.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "build/object/insn.h"
#include "build/proof/runpre_internal.h"

#define ARENA_MAX ((size_t)512 * 1024 * 1024)
#define ALIGNMENT 16 /* of functions; what lies between them is padding */

/* The unit's builds, and what came of comparing each of their functions. */
struct proof {
	struct runpre_check check;
	struct runpre_object objects[2];
	size_t object_count;
	const char *file; /* of the source */
	struct reason_list *mismatches;
	struct error *err;
};

void runpre_free(struct runpre *runpre)
{
	if (!runpre)
		return;
	name_table_free(runpre->known);
	arena_free(runpre->arena);
	free(runpre);
}

static size_t padding_length(const uint8_t *code, size_t len)
{
	struct insn insn;
	size_t at = 0;

	if (code[0] == 0xcc || code[0] == 0x90 || code[0] == 0)
		return 1;
	if (!insn_decode(code, len, &insn))
		return 0;
	while (at < insn.len && (code[at] == 0x66 || code[at] == 0x2e || (code[at] & 0xf8) == 0x48))
		at++;
	if (at + 1 < insn.len && code[at] == 0x0f && code[at + 1] == 0x1f)
		return insn.len;
	return at < insn.len && code[at] == 0x90 ? insn.len : 0;
}

/* Between the end of the function and the next symbol, or the next place where a function may
 * begin, must be nothing but padding: else the shipped function is longer. */
static bool ends_there(struct runpre_check *c, const struct elf_symbol *f,
		       const struct shipped_symbol *at)
{
	uint64_t end = at->address + f->size;
	uint64_t gap = MIN(at->room ? at->room - f->size : 0,
			   ((end + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1)) - end);
	const uint8_t *code = gap ? shipped_bytes(c->shipped, end, gap) : NULL;

	for (uint64_t i = 0, n; code && i < gap; i += n) {
		n = padding_length(code + i, gap - i);
		if (n == 0)
			return runpre_differs(
				c, "its shipped code is longer than %" PRIu64 " bytes", f->size);
	}
	return true;
}

/* Up to eight bytes from a difference on, for people to look at. */
static void print_bytes(const uint8_t *code, uint64_t left, char ret[static 32])
{
	int n = 0;

	ret[0] = '\0';
	for (uint64_t i = 0; i < MIN(left, (uint64_t)8); i++)
		n += snprintf(ret + n, 32 - (size_t)n, "%s%02x", i ? " " : "", code[i]);
}

static bool code_differs(struct runpre_check *c, const struct elf_symbol *f, uint64_t address)
{
	uint64_t at = c->difference, start = 0;
	const uint8_t *code = f->section->data + f->value;
	const uint8_t *theirs = shipped_bytes(c->shipped, address, f->size);
	struct insn insn;
	char a[32], b[32];

	if (at >= f->size || !theirs)
		return runpre_differs(c, "its shipped code is shorter than %" PRIu64 " bytes",
				      f->size);
	while (insn_decode(code + start, f->size - start, &insn) && start + insn.len <= at)
		start += insn.len;
	print_bytes(code + start, f->size - start, a);
	print_bytes(theirs + start, f->size - start, b);
	return runpre_differs(c,
			      "its code differs at byte %#" PRIx64 " of %#" PRIx64
			      ": the instruction at %#" PRIx64 " is %s as rebuilt, %s as shipped",
			      at, f->size, start, a, b);
}

/* Is the function of this build at that address of the shipped object? What it teaches stays on
 * trial. */
static bool compare_at(struct runpre_check *c, const struct elf_symbol *f,
		       const struct shipped_symbol *at)
{
	bool unused;

	runpre_trial_drop(c);
	if (at->room && at->room < f->size)
		return runpre_differs(
			c, "its shipped code is shorter: %" PRIu64 " bytes, not %" PRIu64, at->room,
			f->size);
	if (!runpre_same_bytes(c, f->section, f->value, f->size, at->address))
		return code_differs(c, f, at->address);
	return ends_there(c, f, at) && runpre_place(c, f, at->address - f->value, &unused) &&
	       runpre_same_references(c, f->section, f->value, f->size, at->address, 0) &&
	       (runpre_learn(c, f->name, at->address) ||
		runpre_differs(c, "the unit's other code refers to another function of its name"));
}

/* The one shipped function of that name that is equal; if several are, the one that the unit's
 * other code refers to. */
static bool find_equal(struct runpre_check *c, const struct elf_symbol *f,
		       struct shipped_symbol *ret)
{
	size_t n = shipped_matches(c->shipped, f->name), equal = 0;
	struct shipped_symbol y;

	if (n == 0)
		return runpre_differs(c, "%s has no such function", shipped_object(c->shipped));
	if (!shipped_is_settled(c->shipped, f->name))
		return runpre_differs(
			c,
			"%s has that name in its initialisation too, and the kernel cannot tell "
			"them apart while it loads",
			shipped_object(c->shipped));
	for (size_t pos = 1; pos <= n; pos++) {
		if (shipped_find(c->shipped, f->name, pos, &y) && compare_at(c, f, &y)) {
			*ret = y;
			equal++;
		}
	}
	if (equal > 1)
		return runpre_differs(c, "%s has it %zu times with equal code",
				      shipped_object(c->shipped), equal);
	/* Once more, for what it teaches. */
	return equal == 1 && compare_at(c, f, ret);
}

static void compare_one(struct proof *p, struct runpre_object *o, struct runpre_candidate *f)
{
	struct runpre_check *c = &p->check;

	c->object = o;
	free(f->why);
	f->why = NULL;
	f->state = CANDIDATE_DIFFERENT;
	if (find_equal(c, f->symbol, &f->at)) {
		runpre_trial_keep(c);
		f->state = CANDIDATE_EQUAL;
		return;
	}
	runpre_trial_drop(c);
	f->why = strdup(c->why);
	if (!f->why)
		c->no_memory = true;
}

/* First the functions whose name says which they are, then the rest, by what those have taught. */
static int compare_object(struct proof *p, struct runpre_object *o)
{
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < o->function_count; i++) {
			struct runpre_candidate *f = &o->functions[i];
			bool unique = shipped_matches(p->check.shipped, f->symbol->name) == 1;

			if (f->state == CANDIDATE_NEW && unique == (round == 0))
				compare_one(p, o, f);
		}
	/* What was learned meanwhile may tell equal functions apart. */
	for (size_t i = 0; i < o->function_count; i++)
		if (o->functions[i].state == CANDIDATE_DIFFERENT)
			compare_one(p, o, &o->functions[i]);
	return p->check.no_memory ? error_set(p->err, ERR_NO_MEMORY, "out of memory") : 0;
}

/* Turns the map of changing bytes into runs. */
static int fill_mask(struct proof *p, const uint8_t *map, size_t size, struct runpre_function *f)
{
	size_t runs = 0;

	for (size_t i = 0; i < size; i++)
		runs += map[i] && (i == 0 || !map[i - 1]);
	f->mask = arena_alloc(p->check.out->arena, runs + 1, sizeof(*f->mask));
	if (!f->mask)
		return error_set(p->err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < size; i++) {
		if (!map[i])
			continue;
		if (i == 0 || !map[i - 1])
			f->mask[f->mask_count++].offset = (uint32_t)i;
		f->mask[f->mask_count - 1].length++;
	}
	return 0;
}

static int fill_function(struct proof *p, const struct runpre_object *o,
			 const struct runpre_candidate *from, struct runpre_function *ret)
{
	const struct elf_symbol *f = from->symbol;
	const struct shipped *shipped = p->check.shipped;
	_cleanup_free_ uint8_t *map = calloc(1, f->size), *code = malloc(f->size);
	int r;

	if (!map || !code)
		return error_set(p->err, ERR_NO_MEMORY, "out of memory");
	sites_mark(&o->sites, f->section, f->value, f->size, false, map);
	memcpy(code, shipped_bytes(shipped, from->at.address, f->size), f->size);
	for (uint64_t i = 0; i < f->size; i++)
		if (map[i])
			code[i] = 0;
	ret->equal = true;
	ret->sympos = (unsigned)MAX(shipped_sympos(shipped, f->name, from->at.address), 0);
	ret->size = (uint32_t)f->size;
	r = hash_sha256_hex(code, f->size, ret->sha256);
	return r < 0 ? error_set(p->err, r, "cannot hash") : fill_mask(p, map, f->size, ret);
}

static int mismatch(struct proof *p, const char *name, const char *why)
{
	int r = reason_add(p->mismatches, REASON_MISMATCH, p->file, name, "%s: %s", name, why);

	return r < 0 ? error_set(p->err, r, "out of memory") : 0;
}

/* The first build in which the function is equal, or NULL; then ret_why is what the last says. */
static const struct runpre_candidate *find_proof(const struct proof *p, const char *name,
						 const struct runpre_object **ret_object,
						 const char **ret_why)
{
	for (size_t i = 0; i < p->object_count; i++) {
		const struct runpre_candidate *f = runpre_object_function(&p->objects[i], name);

		if (!f)
			continue;
		*ret_object = &p->objects[i];
		if (f->state == CANDIDATE_EQUAL)
			return f;
		*ret_why = f->why;
	}
	return NULL;
}

/*
 * Another file's definition stands in the kernel for a weak one, if the unit's own code is
 * elsewhere than the symbol table has the name: the unit's other functions tell where that code is,
 * at least in the build that has them all in one section.
 */
static bool is_overridden(const struct proof *p, const char *name)
{
	struct shipped_symbol y;

	for (size_t i = 0; i < p->object_count; i++) {
		const struct runpre_candidate *f = runpre_object_function(&p->objects[i], name);
		const struct runpre_section *s = f ? f->symbol->section->user : NULL;

		if (f && f->symbol->binding == STB_WEAK && s->placed.section &&
		    shipped_matches(p->check.shipped, name) == 1 &&
		    shipped_find(p->check.shipped, name, 1, &y) &&
		    y.address != s->placed.base + f->symbol->value)
			return true;
	}
	return false;
}

/* Not counted among those compared: the kernel has no such code to compare with. */
static int overridden(struct proof *p, const char *name)
{
	int r = reason_add(p->mismatches, REASON_OVERRIDDEN, p->file, name,
			   "%s: is weak here, and a definition in another file overrides it", name);

	return r < 0 ? error_set(p->err, r, "out of memory") : 0;
}

/* The part of a function that the compiler moved away because it rarely runs. */
static int check_cold(struct proof *p, const char *name)
{
	_cleanup_free_ char *cold = NULL;
	const struct runpre_object *unused = NULL;
	const char *why = NULL;

	if (asprintf(&cold, "%s.cold", name) < 0)
		return error_set(p->err, ERR_NO_MEMORY, "out of memory");
	if (!runpre_object_function(&p->objects[0], cold))
		return 0;
	p->check.out->compared++;
	if (!find_proof(p, cold, &unused, &why))
		return mismatch(p, cold, why);
	p->check.out->equal++;
	return 0;
}

static int check_function(struct proof *p, const char *name, struct runpre_function *ret)
{
	const char *why = "the rebuilt original has no such function";
	const struct runpre_object *o = NULL;
	const struct runpre_candidate *f = find_proof(p, name, &o, &why);

	ret->name = name;
	if (!f && is_overridden(p, name))
		return overridden(p, name);
	p->check.out->compared++;
	if (!f)
		return mismatch(p, name, why);
	p->check.out->equal++;

	int r = fill_function(p, o, f, ret);

	return r < 0 ? r : check_cold(p, name);
}

static int add_object(struct proof *p, const struct buf *file, const char *what)
{
	int r = runpre_object_open(file, what, &p->objects[p->object_count], p->err);

	return r < 0 ? r : compare_object(p, &p->objects[p->object_count++]);
}

static int check_all(struct proof *p, const struct unit *unit, const char *const *names, size_t n)
{
	struct runpre *out = p->check.out;
	int r = 0;

	if (!unit->runtime_const)
		r = add_object(p, &unit->original, unit->object_path);
	if (r == 0 && unit->stock.len > 0)
		r = add_object(p, &unit->stock, unit->object_path);
	if (r < 0)
		return r;
	out->functions = arena_alloc(out->arena, n + 1, sizeof(*out->functions));
	if (!out->functions)
		return error_set(p->err, ERR_NO_MEMORY, "out of memory");
	out->function_count = n;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = check_function(p, names[i], &out->functions[i]);
	return r;
}

int runpre_check(const struct shipped *shipped, const struct unit *unit, const char *const *names,
		 size_t n, struct reason_list *mismatches, struct runpre **ret, struct error *err)
{
	_cleanup_runpre_ struct runpre *out = calloc(1, sizeof(*out));
	struct proof p = { .check = { .shipped = shipped, .out = out },
			   .file = unit->path,
			   .mismatches = mismatches,
			   .err = err };
	int r;

	if (out) {
		out->arena = arena_new(ARENA_MAX);
		out->known = name_table_new();
	}
	if (!out || !out->arena || !out->known)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = check_all(&p, unit, names, n);
	for (size_t i = 0; i < p.object_count; i++)
		runpre_object_close(&p.objects[i]);
	free(p.check.trial.known.items);
	free(p.check.trial.placed.items);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(out);
	return 0;
}

/* Does the kernel keep it after it has booted, as it is? Trampolines of static calls are rewritten.
 */
static bool stays(const struct elf_symbol *f)
{
	const char *section = f->section->name;
	size_t unused;

	return !str_has_prefix(section, ".init") && !str_has_prefix(section, ".exit") &&
	       !str_has_prefix(section, ".altinstr") && !str_has_prefix(section, ".discard") &&
	       !streq(section, ".static_call.text") && !str_has_prefix(f->name, "__pfx_") &&
	       !name_is_cold(f->name, &unused);
}

int runpre_list(const struct unit *unit, struct name_list *ret, struct error *err)
{
	struct runpre_object o;
	const struct buf *file = unit->runtime_const ? &unit->stock : &unit->original;
	int r = runpre_object_open(file, unit->object_path, &o, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < o.function_count; i++)
		if (stays(o.functions[i].symbol) &&
		    !name_list_has(ret, o.functions[i].symbol->name))
			r = name_list_add(ret, o.functions[i].symbol->name);
	runpre_object_close(&o);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}
