/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/resolve.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "build/diff/declared.h"
#include "build/proof/landing.h"

#define ARENA_MAX   ((size_t)64 * 1024 * 1024)
#define SYMBOLS_MAX 1000000

struct resolver {
	struct analysis *a;
	struct extract *const *extracts;
	const struct symvers *symvers;
	struct resolution *out;
	struct error *err;
};

void resolution_free(struct resolution *r)
{
	free(r->symbols);
	name_list_free(&r->objects);
	arena_free(r->arena);
	*r = (struct resolution){ 0 };
}

int resolution_init(struct resolution *ret, struct error *err)
{
	*ret = (struct resolution){ .arena = arena_new(ARENA_MAX) };
	return ret->arena ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

int resolution_add(struct resolution *out, const char *symbol, const char *object, const char *name,
		   unsigned sympos, struct error *err)
{
	if (out->symbol_count == out->symbol_cap) {
		size_t cap = out->symbol_cap ? out->symbol_cap * 2 : 64;
		struct convert_symbol *grown =
			cap > SYMBOLS_MAX ? NULL : reallocarray(out->symbols, cap, sizeof(*grown));

		if (!grown)
			return error_set(err, ERR_NO_MEMORY, "out of memory");
		out->symbols = grown;
		out->symbol_cap = cap;
	}

	struct convert_symbol c = { arena_strdup(out->arena, symbol),
				    arena_strdup(out->arena, object),
				    arena_strdup(out->arena, name), sympos };

	if (!c.symbol || !c.object || !c.name)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	out->symbols[out->symbol_count++] = c;
	return 0;
}

static int refuse(struct resolver *rs, enum reason_code code, const struct analysis_unit *u,
		  const char *subject, const char *format, ...) _printf_(5, 6);
static int refuse(struct resolver *rs, enum reason_code code, const struct analysis_unit *u,
		  const char *subject, const char *format, ...)
{
	_cleanup_free_ char *why = NULL;
	va_list ap;

	va_start(ap, format);
	int n = vasprintf(&why, format, ap);
	va_end(ap);

	int r = n < 0 ? ERR_NO_MEMORY
		      : reason_add(&rs->a->reasons, code, u->unit->path, subject, "%s", why);

	return r < 0 ? error_set(rs->err, r, "out of memory") : 0;
}

/* Adds a livepatch symbol; one of that name that means something else is a contradiction. */
static int add(struct resolver *rs, const struct analysis_unit *u, const char *symbol,
	       const char *object, const char *name, unsigned sympos)
{
	struct resolution *out = rs->out;

	for (size_t i = 0; i < out->symbol_count; i++) {
		const struct convert_symbol *c = &out->symbols[i];

		if (!streq(c->symbol, symbol))
			continue;
		if (streq(c->object, object) && streq(c->name, name) && c->sympos == sympos)
			return 0;
		return refuse(rs, REASON_AMBIGUOUS_SYMBOL, u, symbol,
			      "%s means different things in the patched files", symbol);
	}
	return resolution_add(out, symbol, object, name, sympos, rs->err);
}

/* The position of the only global symbol among several of one name; -1 if there is none, or more.
 */
static int only_global(const struct shipped *s, const char *name)
{
	size_t n = shipped_matches(s, name);
	struct shipped_symbol y;
	int found = -1;

	if (!shipped_is_settled(s, name))
		return -1;
	for (size_t pos = 1; pos <= n; pos++) {
		if (!shipped_find(s, name, pos, &y) || !y.global)
			continue;
		if (found >= 0)
			return -1;
		found = n == 1 ? 0 : (int)pos;
	}
	return found;
}

/* A symbol that the unit itself defines: it is in the unit's own object. */
static int resolve_own(struct resolver *rs, const struct analysis_unit *u,
		       const struct extract_symbol *y)
{
	const struct shipped *s = u->shipped;
	size_t n = shipped_matches(s, y->name);
	uint64_t where;
	int sympos;

	if (n == 0)
		return refuse(rs, REASON_UNKNOWN_SYMBOL, u, y->name,
			      "%s is not in the symbol table of %s", y->name, u->unit->object);
	if (runpre_where(u->runpre, y->name, &where))
		sympos = shipped_sympos(s, y->name, where);
	else if (!y->local)
		sympos = only_global(s, y->name);
	else
		sympos = n == 1 && shipped_is_settled(s, y->name) ? 0 : -1;
	if (sympos < 0)
		return refuse(rs, REASON_AMBIGUOUS_SYMBOL, u, y->name,
			      "%s has %zu symbols named %s, and nothing tells which is meant",
			      u->unit->object, n, y->name);
	return add(rs, u, y->symbol, u->unit->object, y->name, (unsigned)sympos);
}

/* Does an object of the kernel have a global of that name? */
static bool has_global(const struct shipped *s, const char *name)
{
	size_t n = shipped_matches(s, name);
	struct shipped_symbol y;

	for (size_t pos = 1; pos <= n; pos++)
		if (shipped_find(s, name, pos, &y) && y.global)
			return true;
	return false;
}

static int check_new_name(struct analysis *a, const struct analysis_unit *u, const char *name,
			  struct error *err)
{
	const struct shipped *vmlinux;
	int r = analysis_shipped(a, "vmlinux", &vmlinux, err);
	bool own = r == 0 && has_global(u->shipped, name);
	char message[ERROR_MESSAGE_MAX];
	struct reason reason = {
		.code = REASON_AMBIGUOUS_SYMBOL,
		.file = u->unit->path,
		.subject = (char *)name,
		.message = message,
		.hint = (char *)"leave what the kernel has in its file; what is new needs a name of "
				"its own, and what is to use it must use that name",
	};

	if (r < 0 || (!own && !has_global(vmlinux, name)))
		return r;
	snprintf(message, sizeof(message),
		 "%s is new in this file, and %s has a global %s already: whatever is not replaced "
		 "goes on using that one",
		 name, own ? u->unit->object : "vmlinux", name);
	return reason_add_copy(&a->reasons, &reason) < 0
		       ? error_set(err, ERR_NO_MEMORY, "out of memory")
		       : 0;
}

int resolve_check_new(struct analysis *a, const struct analysis_unit *u, struct error *err)
{
	const struct diff_result *d = diff_result(u->diff);
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->added_count; i++)
		if (!d->added[i].local)
			r = check_new_name(a, u, d->added[i].name, err);
	for (size_t i = 0; r == 0 && i < d->data_count; i++)
		if (!d->data[i].local)
			r = check_new_name(a, u, d->data[i].name, err);
	return r;
}

/* Is it a new global of this diff? */
static bool defines(const struct diff_result *d, const char *symbol)
{
	for (size_t j = 0; j < d->added_count; j++)
		if (streq(d->added[j].name, symbol) && !d->added[j].local)
			return true;
	for (size_t j = 0; j < d->data_count; j++)
		if (streq(d->data[j].name, symbol) && !d->data[j].local)
			return true;
	return false;
}

/* The unit with a new global of that name, or NULL. */
static const struct analysis_unit *find_definition(const struct resolver *rs, const char *symbol)
{
	for (size_t i = 0; i < rs->a->unit_count; i++)
		if (defines(diff_result(rs->a->units[i].diff), symbol))
			return &rs->a->units[i];
	return NULL;
}

/* What every livepatch defines itself: its wrapper, or kbuild. */
static bool is_of_module(const char *symbol)
{
	return streq(symbol, "init_module") || streq(symbol, "cleanup_module") ||
	       streq(symbol, "__this_module") || streq(symbol, DECLARED_PATCH_SYMBOL);
}

/* All new globals become globals of one module, in which a name has one meaning. */
static int refuse_shared_name(struct resolver *rs, const struct analysis_unit *u, const char *name,
			      const char *format, ...) _printf_(4, 5);
static int refuse_shared_name(struct resolver *rs, const struct analysis_unit *u, const char *name,
			      const char *format, ...)
{
	char message[ERROR_MESSAGE_MAX];
	struct reason reason = {
		.code = REASON_AMBIGUOUS_SYMBOL,
		.file = u->unit->path,
		.subject = (char *)name,
		.message = message,
		.hint = (char *)"give what is new a name of its own, or make it static",
	};
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	return reason_add_copy(&rs->a->reasons, &reason) < 0
		       ? error_set(rs->err, ERR_NO_MEMORY, "out of memory")
		       : 0;
}

/* The first of several units with a new global of one name has it. */
static int check_unique(struct resolver *rs, const struct analysis_unit *u, const char *name)
{
	if (is_of_module(name))
		return refuse_shared_name(
			rs, u, name, "%s is new in this file, and a livepatch has its own", name);
	for (const struct analysis_unit *first = rs->a->units; first < u; first++)
		if (defines(diff_result(first->diff), name))
			return refuse_shared_name(rs, u, name,
						  "%s is new in this file, and in %s too", name,
						  first->unit->path);
	return 0;
}

static int check_all_unique(struct resolver *rs, const struct analysis_unit *u)
{
	const struct diff_result *d = diff_result(u->diff);
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->added_count; i++)
		if (!d->added[i].local)
			r = check_unique(rs, u, d->added[i].name);
	for (size_t i = 0; r == 0 && i < d->data_count; i++)
		if (!d->data[i].local)
			r = check_unique(rs, u, d->data[i].name);
	return r;
}

/* Does the unit mean something that is there already? */
static bool means_old(const struct resolver *rs, const struct analysis_unit *u,
		      const struct extract_symbol *y, const struct analysis_unit *by)
{
	return y->own || has_global(u->shipped, y->name) ||
	       (!streq(by->unit->object, u->unit->object) && symvers_find(rs->symvers, y->name));
}

/* Code of a module may be called only where that module is loaded: before, what it refers to is not
 * resolved. */
static int resolve_defined(struct resolver *rs, const struct analysis_unit *u,
			   const struct extract_symbol *y, const struct analysis_unit *by)
{
	if (streq(by->unit->object, u->unit->object) || streq(by->unit->object, "vmlinux"))
		return 0;
	return refuse(rs, REASON_OTHER_MODULE, u, y->name,
		      "%s is new in module %s, which need not be there when %s uses it", y->name,
		      by->unit->object, u->unit->object);
}

/* "net/netfilter/nfnetlink" is the module "nfnetlink"; '-' becomes '_'. */
static char *module_of(struct arena *arena, const char *path)
{
	char *name = arena_strdup(arena, path_base(path));

	for (char *p = name; p && *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

/* Exported by a module: found when that module is loaded, so that the patch needs none of them. */
static int resolve_in_module(struct resolver *rs, const struct analysis_unit *u,
			     const struct extract_symbol *y, const char *path)
{
	const char *module = module_of(rs->out->arena, path);
	const struct shipped *s;

	if (!module)
		return error_set(rs->err, ERR_NO_MEMORY, "out of memory");

	int r = analysis_shipped(rs->a, module, &s, rs->err);

	if (r < 0)
		return r;

	int sympos = only_global(s, y->name);

	if (sympos < 0)
		return refuse(rs, REASON_AMBIGUOUS_SYMBOL, u, y->name,
			      "%s of module %s is not known for certain", y->name, module);
	if (!name_list_has(&rs->out->objects, module) &&
	    name_list_add(&rs->out->objects, module) < 0)
		return error_set(rs->err, ERR_NO_MEMORY, "out of memory");
	return add(rs, u, y->symbol, module, y->name, (unsigned)sympos);
}

static int resolve_other(struct resolver *rs, const struct analysis_unit *u,
			 const struct extract_symbol *y)
{
	const struct symvers_entry *export = symvers_find(rs->symvers, y->name);
	bool in_vmlinux = streq(u->unit->object, "vmlinux");
	const struct analysis_unit *by = find_definition(rs, y->symbol);
	const struct shipped *vmlinux;
	int sympos, r;

	if (by)
		return resolve_defined(rs, u, y, by);
	/* A module's own names come before the kernel's. */
	sympos = in_vmlinux ? -1 : only_global(u->shipped, y->name);
	if (sympos >= 0)
		return add(rs, u, y->symbol, u->unit->object, y->name, (unsigned)sympos);
	if (export && streq(export->module, "vmlinux") && !export->space[0])
		return 0;
	if (export && !streq(export->module, "vmlinux"))
		return resolve_in_module(rs, u, y, export->module);
	if (!in_vmlinux && !export && !str_has_prefix(y->name, "__SCK__"))
		return refuse(rs, REASON_UNKNOWN_SYMBOL, u, y->name,
			      "%s is neither in module %s nor exported to it", y->name,
			      u->unit->object);
	r = analysis_shipped(rs->a, "vmlinux", &vmlinux, rs->err);
	if (r < 0)
		return r;
	sympos = only_global(vmlinux, y->name);
	if (sympos < 0)
		return refuse(rs, REASON_UNKNOWN_SYMBOL, u, y->name,
			      "the kernel's symbol table has no single global %s", y->name);
	return add(rs, u, y->symbol, "vmlinux", y->name, (unsigned)sympos);
}

/* Exported by the kernel itself, by its global name: the module loader finds it. */
static bool is_plain_export(const struct resolver *rs, const struct analysis_unit *u,
			    const struct extract_symbol *y)
{
	const struct symvers_entry *export = symvers_find(rs->symvers, y->name);

	return export && streq(u->unit->object, "vmlinux") && streq(y->symbol, y->name) &&
	       streq(export->module, "vmlinux") && !export->space[0];
}

/*
 * THIS_MODULE in a module's function means that module; the livepatch module that the code is
 * linked into defines a symbol of the same name. Gives the reference a name of its own.
 */
static int detach_this_module(struct resolver *rs, const struct analysis_unit *u, struct extract *x,
			      struct extract_symbol *y)
{
	_cleanup_elf_object_ struct elf_object *elf = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(ELF_OBJECT_SIZE_MAX);
	struct elf_symbol *symbol;
	int r = elf_object_parse(x->object.data, x->object.len, u->unit->object_path, &elf,
				 rs->err);

	if (r < 0)
		return r;
	symbol = elf_object_symbol(elf, y->symbol);
	y->symbol = arena_printf(x->arena, "suture_ref.%s.%s", u->unit->id, y->name);
	if (!symbol || !y->symbol)
		return error_set(rs->err, ERR_NO_MEMORY, "out of memory");
	symbol->name = y->symbol;
	r = elf_object_write(elf, &out, rs->err);
	if (r < 0)
		return r;
	buf_free(&x->object);
	x->object = out;
	out = BUF_INIT(0);
	return 0;
}

/* The source says which symbol it means: check that it is there. */
static int resolve_declared(struct resolver *rs, const struct analysis_unit *u,
			    const struct extract_symbol *y, const struct declared_symbol *d)
{
	const struct shipped *s;
	int r = analysis_shipped(rs->a, d->object, &s, rs->err);

	if (r < 0)
		return r;

	size_t n = shipped_matches(s, d->name);

	if (n == 0 || (d->sympos == 0 && n > 1) || d->sympos > n || !shipped_is_settled(s, d->name))
		return refuse(rs, REASON_UNKNOWN_SYMBOL, u, d->name,
			      "SUTURE_SYMBOL(%s, %s, %u): %s has %zu symbols of that name",
			      d->object, d->name, d->sympos, d->object, n);
	if (!streq(d->object, "vmlinux") && !name_list_has(&rs->out->objects, d->object) &&
	    name_list_add(&rs->out->objects, d->object) < 0)
		return error_set(rs->err, ERR_NO_MEMORY, "out of memory");
	return add(rs, u, y->symbol, d->object, d->name, n == 1 ? 0 : d->sympos);
}

static int resolve_symbol(struct resolver *rs, const struct analysis_unit *u,
			  const struct extract_symbol *y)
{
	const struct analysis_unit *by = find_definition(rs, y->symbol);
	struct declared_symbol declared;
	int r;

	if (by && means_old(rs, u, y, by))
		return refuse_shared_name(rs, by, y->name,
					  "%s is new in this file, and %s uses what has that name "
					  "already",
					  y->name, u->unit->path);
	if (is_plain_export(rs, u, y) || streq(y->symbol, DECLARED_PATCH_SYMBOL))
		return 0;
	if (is_of_module(y->symbol))
		return refuse(rs, REASON_AMBIGUOUS_SYMBOL, u, y->name,
			      "%s is a name that the livepatch has itself", y->name);
	r = declared_symbol_parse(y->symbol, &declared, rs->err);
	if (r != ERR_NOT_FOUND)
		return r < 0 ? r : resolve_declared(rs, u, y, &declared);
	return y->own ? resolve_own(rs, u, y) : resolve_other(rs, u, y);
}

/* Whose the symbol is, and where; *ret_object is NULL for what is the patch's own. */
static int find_target(struct analysis *a, const struct resolution *r, const char *symbol,
		       const struct shipped **ret_object, struct shipped_symbol *ret,
		       struct error *err)
{
	const struct symvers_entry *export = symvers_find(a->symvers, symbol);
	bool imported = export && streq(export->module, "vmlinux");
	const char *object = NULL, *name = symbol;
	const struct shipped *s;
	int sympos = 0, e;

	*ret_object = NULL;
	for (size_t i = 0; !object && i < r->symbol_count; i++) {
		if (!streq(r->symbols[i].symbol, symbol))
			continue;
		object = r->symbols[i].object;
		name = r->symbols[i].name;
		sympos = (int)r->symbols[i].sympos;
		imported = false;
	}
	if (!object && !imported)
		return 0;
	e = analysis_shipped(a, imported ? "vmlinux" : object, &s, err);
	if (e < 0)
		return e;
	if (imported)
		sympos = MAX(only_global(s, name), 0);
	if (shipped_find(s, name, (size_t)MAX(sympos, 1), ret))
		*ret_object = s;
	return 0;
}

/* A static call's trampoline is handed over, and never called by its address. */
static bool is_trampoline(const char *name)
{
	return str_has_prefix(name, "__SCT__");
}

static int check_landing(struct analysis *a, const struct shipped *s,
			 const struct shipped_symbol *to, const struct elf_object *original,
			 const char *file, struct error *err)
{
	const struct elf_symbol *known = original ? elf_object_symbol(original, to->name) : NULL;
	enum landing landing = is_trampoline(to->name) ? LANDING_GOOD : landing_at(s, to);
	int r = 0;

	if (landing == LANDING_MISSING && !(known && landing_taken(original, known)))
		r = reason_add(
			&a->reasons, REASON_NO_ENDBR, file, to->name,
			"the patch takes the address of %s, which begins without ENDBR64 in "
			"%s: with indirect branch tracking, a call through that address ends "
			"in an oops",
			to->name, shipped_object(s));
	else if (landing == LANDING_SEALED)
		r = reason_add(&a->reasons, REASON_NO_ENDBR, file, to->name,
			       "the patch takes the address of %s, which nothing in %s does: the "
			       "kernel has overwritten its ENDBR64, and with indirect branch "
			       "tracking, a call through that address ends in an oops",
			       to->name, shipped_object(s));
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

int resolution_check_landings(struct analysis *a, const struct resolution *r,
			      const struct elf_object *object, const struct elf_object *original,
			      const char *file, struct error *err)
{
	const struct symvers *unused;
	const struct shipped *s;
	int e = analysis_shipped(a, "vmlinux", &s, err);

	if (e == 0)
		e = analysis_symvers(a, &unused, err);
	if (e < 0 || !landing_matters(s))
		return e;
	for (size_t i = 0; e == 0 && i < object->symbol_count; i++) {
		const struct elf_symbol *symbol = object->symbols[i];
		struct shipped_symbol to;

		if (symbol->section || symbol->shndx != SHN_UNDEF || !landing_taken(object, symbol))
			continue;
		e = find_target(a, r, symbol->name, &s, &to, err);
		if (e == 0 && s)
			e = check_landing(a, s, &to, original, file, err);
	}
	return e;
}

static int check_extracted(struct resolver *rs, const struct analysis_unit *u,
			   const struct extract *x)
{
	_cleanup_elf_object_ struct elf_object *object = NULL;
	int r = elf_object_parse(x->object.data, x->object.len, u->unit->object_path, &object,
				 rs->err);

	return r < 0 ? r
		     : resolution_check_landings(rs->a, rs->out, object, u->original, u->unit->path,
						 rs->err);
}

static int resolve_unit(struct resolver *rs, size_t i)
{
	const struct analysis_unit *u = &rs->a->units[i];
	int r = 0;

	for (size_t j = 0; r == 0 && j < rs->extracts[i]->symbol_count; j++) {
		struct extract_symbol *y = &rs->extracts[i]->symbols[j];

		if (streq(y->symbol, "__this_module"))
			r = detach_this_module(rs, u, rs->extracts[i], y);
	}

	if (r == 0)
		r = check_all_unique(rs, u);
	for (size_t j = 0; r == 0 && j < rs->extracts[i]->symbol_count; j++)
		r = resolve_symbol(rs, u, &rs->extracts[i]->symbols[j]);
	return r < 0 ? r : check_extracted(rs, u, rs->extracts[i]);
}

int resolution_warn(struct analysis *a, const struct resolution *res, struct error *err)
{
	const struct shipped *vmlinux;
	int r = analysis_shipped(a, "vmlinux", &vmlinux, err);

	if (r < 0 || shipped_matches(vmlinux, "clear_relocate_add") > 0)
		return r;
	for (size_t i = 0; r == 0 && i < res->symbol_count; i++) {
		const char *object = res->symbols[i].object;

		if (!streq(object, "vmlinux") &&
		    reason_add(&a->reasons, REASON_MODULE_RELOAD, NULL, object,
			       "module %s cannot be loaded again once it has been unloaded while "
			       "the patch is applied: this kernel relocates a patch only once",
			       object) < 0)
			r = error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	return r;
}

int resolve_symbols(struct analysis *a, struct extract *const *extracts, struct resolution *ret,
		    struct error *err)
{
	_cleanup_resolution_ struct resolution out = { 0 };
	struct resolver rs = { .a = a, .extracts = extracts, .out = &out, .err = err };
	int r = resolution_init(&out, err);

	if (r == 0)
		r = analysis_symvers(a, &rs.symvers, err);

	for (size_t i = 0; r == 0 && i < a->unit_count; i++)
		if (extracts[i])
			r = resolve_unit(&rs, i);
	if (r == 0)
		r = resolution_warn(a, &out, err);
	if (r < 0)
		return r;
	*ret = out;
	out = (struct resolution){ 0 };
	return 0;
}
