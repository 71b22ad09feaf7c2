/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/tables.h"

#include "base/vec.h"

/* include/linux/livepatch.h, bytes from the structure's start. */
#define PATCH_OBJS_AT    8
#define PATCH_STATES_AT  16
#define PATCH_REPLACE_AT 24
#define OBJECT_FUNCS_AT  8
#define OBJECT_CALLS_AT  16 /* pre_patch, post_patch, pre_unpatch, post_unpatch */
#define OBJECT_CALLS_END 48
#define STATE_VERSION_AT 8
#define STATE_SIZE       24
/* A struct klp_func has pointers of the kernel's own behind its three fields. */
#define FUNC_SIZE_MIN    32

#define OBJECTS_MAX      256
#define FUNCTIONS_MAX    8192 /* of all objects together */
#define STATES_MAX       256

/* A place in a section. */
struct place {
	struct elf_section *section;
	uint64_t at;
};

struct reader {
	const struct elf_object *module;
	VEC(struct tables_object) objects;
	VEC(struct tables_function) functions;
	VEC(struct tables_state) states;
	uint64_t func_size; /* of struct klp_func, as the first two neighbours show; 0: unknown */
	struct error *err;
};

void tables_free(struct tables *tables)
{
	free(tables->objects);
	free(tables->functions);
	free(tables->states);
	*tables = (struct tables){ 0 };
}

/* The index of the first relocation at or behind an offset. */
static size_t first_rela(const struct elf_section *rela, uint64_t offset)
{
	size_t low = 0, high = rela ? rela->rela_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rela->relas[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The 8-byte pointer that is stored at a place, or NULL. */
static const struct elf_rela *pointer_at(const struct elf_section *s, uint64_t offset)
{
	size_t i = first_rela(s->rela, offset);

	if (!s->rela || i >= s->rela->rela_count)
		return NULL;

	const struct elf_rela *r = &s->rela->relas[i];

	return r->offset == offset && r->type == R_X86_64_64 && r->symbol ? r : NULL;
}

/* Where in this module a pointer points; false if it does not. */
static bool follow(const struct elf_rela *r, struct place *ret)
{
	if (!r || !r->symbol->section)
		return false;
	*ret = (struct place){ r->symbol->section, r->symbol->value + (uint64_t)r->addend };
	return ret->at < ret->section->size;
}

static const char *string_at(const struct elf_rela *r)
{
	struct place p;

	if (!follow(r, &p) || !p.section->data ||
	    !memchr(p.section->data + p.at, 0, p.section->size - p.at))
		return NULL;
	return (const char *)p.section->data + p.at;
}

/* The variable that begins at a place or holds it, to tell where a table ends. */
static uint64_t table_end(const struct elf_object *module, const struct place *p)
{
	for (size_t i = 0; i < module->symbol_count; i++) {
		const struct elf_symbol *y = module->symbols[i];

		if (y->section == p->section && y->type == STT_OBJECT && y->value <= p->at &&
		    y->size <= p->section->size - MIN(y->value, p->section->size) &&
		    p->at < y->value + y->size)
			return y->value + y->size;
	}
	return p->section->size;
}

static bool is_writable(const struct place *p)
{
	return (p->section->flags & SHF_WRITE) && !(p->section->flags & SHF_EXECINSTR);
}

/* The name of the code that a pointer means. */
static const char *code_name(const struct elf_object *module, const struct elf_rela *r)
{
	struct place p;
	const char *found = "";

	if (r->symbol->type != STT_SECTION)
		return r->symbol->name;
	if (!follow(r, &p))
		return "";
	for (size_t i = 0; i < module->symbol_count; i++) {
		const struct elf_symbol *y = module->symbols[i];

		if (y->section != p.section || y->value != p.at || y->type != STT_FUNC)
			continue;
		found = y->name;
		if (y->binding == STB_GLOBAL)
			break;
	}
	return found;
}

/* Is anything within [from, to) relocated, by another section than `except`? Also with the kernel's
 * own symbols, by a livepatch relocation. */
static bool is_relocated(const struct elf_object *module, const struct elf_section *s,
			 uint64_t from, uint64_t to, const struct elf_section *except)
{
	for (size_t i = 0; i < module->section_count; i++) {
		const struct elf_section *rela = module->sections[i];

		if (rela == except || rela->type != SHT_RELA || rela->target != s)
			continue;

		size_t k = first_rela(rela, from);

		if (k < rela->rela_count && rela->relas[k].offset < to)
			return true;
	}
	return false;
}

/* An entry is a name and, 8 bytes behind it, the new code: zeros that are relocated, or the kernel
 * refuses the relocation (arch/x86/kernel/module.c). */
static int read_function(const struct reader *rd, const char *object, struct elf_section *s,
			 uint64_t at, uint64_t end, struct tables_function *ret)
{
	static const uint8_t zeros[TABLES_FUNC_SYMPOS];
	const char *name = string_at(pointer_at(s, at));
	const struct elf_rela *code = pointer_at(s, at + TABLES_FUNC_CODE);

	if (!name || !*name || !code || !s->data || end - at < TABLES_FUNC_SYMPOS + 8 ||
	    memcmp(s->data + at, zeros, sizeof(zeros)) != 0)
		return error_set(rd->err, ERR_INVALID, "its table of functions is not understood");
	*ret = (struct tables_function){
		.object = object, .name = name, .table = rd->objects.count, .section = s, .at = at
	};
	memcpy(&ret->sympos, s->data + at + TABLES_FUNC_SYMPOS, sizeof(ret->sympos));
	ret->symbol = code_name(rd->module, code);
	return 0;
}

/* The kernel reads entry after entry until an empty one: there is none between, and all are of one
 * size. `nth` of its table, which begins at `start`. */
static int check_place(struct reader *rd, uint64_t start, size_t nth, uint64_t at)
{
	if (nth == 1 && rd->func_size == 0 && at - start >= FUNC_SIZE_MIN)
		rd->func_size = at - start;
	if (nth == 0 ? at == start : rd->func_size > 0 && at == start + nth * rd->func_size)
		return 0;
	return error_set(rd->err, ERR_INVALID,
			 "its table of functions has gaps, or entries of different sizes");
}

/* Whether an object's table can be read by itself. */
static int check_table(const struct reader *rd, const struct place *table, uint64_t end)
{
	const struct elf_section *s = table->section;

	if (is_relocated(rd->module, s, table->at, end, s->rela))
		return error_set(rd->err, ERR_INVALID,
				 "its table of functions has livepatch relocations");
	for (size_t i = 0; i < rd->functions.count; i++) {
		const struct tables_function *f = &rd->functions.items[i];

		if (f->section == s && f->at >= table->at && f->at < end)
			return error_set(rd->err, ERR_INVALID,
					 "its objects share a table of functions");
	}
	return 0;
}

static int read_functions(struct reader *rd, const char *object, const struct place *table,
			  size_t *ret_count)
{
	struct elf_section *s = table->section;
	uint64_t end = table_end(rd->module, table);
	size_t i = first_rela(s->rela, table->at);
	int r = check_table(rd, table, end);

	while (r == 0 && s->rela && i < s->rela->rela_count && s->rela->relas[i].offset < end) {
		uint64_t at = s->rela->relas[i].offset;
		struct tables_function f;

		if (rd->functions.count == FUNCTIONS_MAX)
			return error_set(rd->err, ERR_TOO_LARGE, "it has more than %d functions",
					 FUNCTIONS_MAX);
		r = read_function(rd, object, s, at, end, &f);
		if (r == 0)
			r = check_place(rd, table->at, *ret_count, at);
		if (r == 0)
			r = VEC_PUSH(&rd->functions, f);
		(*ret_count)++;
		i += 2; /* name and code */
	}
	if (r == 0 && *ret_count > 0 && rd->func_size > 0 &&
	    (end - table->at) / rd->func_size <= *ret_count)
		r = error_set(rd->err, ERR_INVALID, "its table of functions has no end");
	return r;
}

/* An object points to its table of functions, which is writable; its name, which is not, stands
 * before that, or nothing for the kernel itself. */
static int read_object(struct reader *rd, const struct elf_section *s, uint64_t funcs_at,
		       uint64_t end, const struct place *functions)
{
	const struct elf_rela *named =
		funcs_at >= OBJECT_FUNCS_AT ? pointer_at(s, funcs_at - OBJECT_FUNCS_AT) : NULL;
	const char *name = named ? string_at(named) : "vmlinux";
	struct tables_object o = { .name = name };

	if (!name || !*name || funcs_at < OBJECT_FUNCS_AT)
		return error_set(rd->err, ERR_INVALID, "its table of objects is not understood");
	if (named && streq(name, "vmlinux"))
		return error_set(rd->err, ERR_INVALID,
				 "it has an object named vmlinux, for which the kernel waits as "
				 "for a module: the kernel itself has no name");
	uint64_t at = funcs_at - OBJECT_FUNCS_AT;

	o.callbacks = is_relocated(rd->module, s, at + OBJECT_CALLS_AT,
				   MIN(at + OBJECT_CALLS_END, end), NULL);

	int r = read_functions(rd, name, functions, &o.function_count);

	return r < 0 ? r : VEC_PUSH(&rd->objects, o);
}

static int read_objects(struct reader *rd, const struct place *table)
{
	const struct elf_section *s = table->section;
	uint64_t end = table_end(rd->module, table);
	int r = 0;

	for (size_t i = first_rela(s->rela, table->at); r == 0 && s->rela; i++) {
		struct place functions;

		if (i >= s->rela->rela_count || s->rela->relas[i].offset >= end)
			break;

		uint64_t at = s->rela->relas[i].offset;

		/* The name, and callbacks. */
		if (!follow(pointer_at(s, at), &functions) || !is_writable(&functions))
			continue;
		if (rd->objects.count == OBJECTS_MAX)
			return error_set(rd->err, ERR_TOO_LARGE, "it has more than %d objects",
					 OBJECTS_MAX);
		r = read_object(rd, s, at, end, &functions);
	}
	if (r == 0 && rd->objects.count == 0)
		r = error_set(rd->err, ERR_INVALID, "its table of objects is empty");
	return r;
}

/* Ends with an id of 0. */
static int read_states(struct reader *rd, const struct place *table)
{
	const struct elf_section *s = table->section;
	uint64_t end = table_end(rd->module, table);
	int r = 0;

	for (uint64_t at = table->at; r == 0; at += STATE_SIZE) {
		struct tables_state state = { 0 };

		if (!s->data) /* all zero: it ends at once */
			break;
		if (end - at < STATE_SIZE || rd->states.count >= STATES_MAX)
			return error_set(rd->err, ERR_INVALID, "its table of states has no end");
		memcpy(&state.id, s->data + at, sizeof(state.id));
		memcpy(&state.version, s->data + at + STATE_VERSION_AT, sizeof(state.version));
		if (state.id == 0)
			break;
		r = VEC_PUSH(&rd->states, state);
	}
	return r;
}

/* Is this the `mod` field of a struct klp_patch: THIS_MODULE, and a table of objects behind it? */
static bool is_patch(const struct elf_section *s, const struct elf_rela *r, struct place *ret)
{
	return r->type == R_X86_64_64 && r->symbol && streq(r->symbol->name, "__this_module") &&
	       follow(pointer_at(s, r->offset + PATCH_OBJS_AT), ret) && is_writable(ret);
}

static int read_patch(struct reader *rd, const struct elf_section *s, uint64_t at,
		      const struct place *objects, bool *ret_replace)
{
	struct place states;
	int r = read_objects(rd, objects);

	if (r == 0 && follow(pointer_at(s, at + PATCH_STATES_AT), &states))
		r = read_states(rd, &states);
	*ret_replace = s->data && s->size - at > PATCH_REPLACE_AT && s->data[at + PATCH_REPLACE_AT];
	return r;
}

static int read_module(struct reader *rd, bool *ret_replace)
{
	size_t found = 0;
	int r = 0;

	for (size_t i = 0; i < rd->module->section_count; i++) {
		const struct elf_section *s = rd->module->sections[i];

		if (!(s->flags & SHF_WRITE) || !s->rela)
			continue;
		for (size_t k = 0; r == 0 && k < s->rela->rela_count; k++) {
			struct place objects;

			if (!is_patch(s, &s->rela->relas[k], &objects))
				continue;
			if (found++)
				return error_set(rd->err, ERR_UNSUPPORTED,
						 "it has more than one struct klp_patch");
			r = read_patch(rd, s, s->rela->relas[k].offset, &objects, ret_replace);
		}
	}
	return r < 0 || found ? r
			      : error_set(rd->err, ERR_NOT_FOUND,
					  "it has no initialised struct klp_patch");
}

int tables_read(const struct elf_object *module, struct tables *ret, struct error *err)
{
	struct reader rd = { .module = module, .err = err };
	bool replace = false;
	int r = read_module(&rd, &replace);
	struct tables tables = { rd.objects.items,
				 rd.objects.count,
				 rd.functions.items,
				 rd.functions.count,
				 rd.states.items,
				 rd.states.count,
				 replace };

	if (r < 0) {
		tables_free(&tables);
		return r == ERR_NO_MEMORY ? error_set(err, r, "out of memory") : r;
	}
	*ret = tables;
	return 0;
}
