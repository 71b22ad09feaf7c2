/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/handmade.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "build/proof/code_mask.h"
#include "build/diff/declared.h"
#include "build/patch/finish.h"
#include "build/patch/link.h"
#include "build/output/output.h"
#include "module/tables.h"
#include "module/modinfo.h"

struct maker {
	struct analysis *a;
	const struct build_options *options;
	struct buf linked; /* before its symbols are livepatch symbols */
	struct elf_object *elf;
	struct tables tables;
	const struct symvers *symvers; /* of the analysis */
	struct resolution resolution;
	struct error *err;
};

static void maker_free(struct maker *m)
{
	buf_free(&m->linked);
	tables_free(&m->tables);
	elf_object_free(m->elf);
	resolution_free(&m->resolution);
}

static int no_memory(struct maker *m)
{
	return error_set(m->err, ERR_NO_MEMORY, "out of memory");
}

static int refuse(struct maker *m, enum reason_code code, const char *name, const char *why)
{
	int r = reason_add(&m->a->reasons, code, NULL, name, "%s %s", name, why);

	return r < 0 ? no_memory(m) : 0;
}

/* The kernel resolves symbols of a module only for a patch that names this module. */
static bool names_object(const struct maker *m, const char *object)
{
	for (size_t i = 0; i < m->tables.object_count; i++)
		if (streq(m->tables.objects[i].name, object))
			return true;
	return streq(object, "vmlinux");
}

static int add(struct maker *m, const struct elf_symbol *y, const char *object, const char *name,
	       unsigned sympos)
{
	if (!names_object(m, object)) {
		int r = reason_add(&m->a->reasons, REASON_OTHER_MODULE, NULL, y->name,
				   "%s is a symbol of module %s, which struct klp_patch does not "
				   "name: add an object of that name with an empty list of "
				   "functions",
				   name, object);
		return r < 0 ? no_memory(m) : 0;
	}
	return resolution_add(&m->resolution, y->name, object, name, sympos, m->err);
}

static int resolve_declared(struct maker *m, const struct elf_symbol *y,
			    const struct declared_symbol *d)
{
	const struct shipped *s;
	int r = analysis_shipped(m->a, d->object, &s, m->err);

	if (r < 0)
		return r;

	size_t n = shipped_matches(s, d->name);

	if (n == 0 || (d->sympos == 0 && n > 1) || d->sympos > n || !shipped_is_settled(s, d->name))
		return refuse(m, REASON_UNKNOWN_SYMBOL, d->name,
			      "is not where SUTURE_SYMBOL() says");
	return add(m, y, d->object, d->name, n == 1 ? 0 : d->sympos);
}

/* Exported by a module: found when that one is loaded. */
static int resolve_export(struct maker *m, const struct elf_symbol *y, const char *path)
{
	_cleanup_free_ char *module = strdup(path_base(path));

	for (char *p = module; p && *p; p++)
		if (*p == '-')
			*p = '_';
	return module ? add(m, y, module, y->name, 0) : no_memory(m);
}

/* Not exported: in vmlinux, or else in one of the patched modules, if there is exactly one. */
static int resolve_unexported(struct maker *m, const struct elf_symbol *y)
{
	const struct shipped *s, *found = NULL;
	size_t n;
	int r = analysis_shipped(m->a, "vmlinux", &s, m->err);

	if (r < 0)
		return r;
	n = shipped_matches(s, y->name);
	if (n > 0)
		found = s;
	for (size_t i = 0; !found && i < m->tables.object_count; i++) {
		r = analysis_shipped(m->a, m->tables.objects[i].name, &s, m->err);
		if (r < 0)
			return r;
		if (shipped_matches(s, y->name) > 0) {
			found = s;
			n = shipped_matches(s, y->name);
		}
	}
	if (!found)
		return refuse(m, REASON_UNKNOWN_SYMBOL, y->name,
			      "is neither exported nor in the symbol tables of vmlinux and of the "
			      "patched modules");
	if (n > 1 || !shipped_is_settled(found, y->name))
		return refuse(m, REASON_AMBIGUOUS_SYMBOL, y->name,
			      "is there several times, and nothing tells which is meant");
	return add(m, y, shipped_object(found), y->name, 0);
}

static int resolve(struct maker *m, const struct elf_symbol *y)
{
	const struct symvers_entry *export = symvers_find(m->symvers, y->name);
	struct declared_symbol declared;
	int r;

	if (y->section || y->shndx != SHN_UNDEF || y->binding == STB_WEAK || !*y->name)
		return 0;
	r = declared_symbol_parse(y->name, &declared, m->err);
	if (r != ERR_NOT_FOUND)
		return r < 0 ? r : resolve_declared(m, y, &declared);
	if (export && streq(export->module, "vmlinux"))
		return 0;
	return export ? resolve_export(m, y, export->module) : resolve_unexported(m, y);
}

/* What the sources must have made. */
static int read_linked(struct maker *m)
{
	struct modinfo *info = NULL;
	int r = elf_object_parse(m->linked.data, m->linked.len, "the linked module", &m->elf,
				 m->err);

	if (r == 0)
		r = modinfo_parse(m->linked.data, m->linked.len, "the linked module", &info,
				  m->err);
	if (r < 0)
		return r;

	bool livepatch = info->livepatch;

	modinfo_free(info);
	if (!livepatch)
		return error_set(m->err, ERR_INVALID,
				 "the sources have no MODULE_INFO(livepatch, \"Y\")");
	r = tables_read(m->elf, &m->tables, m->err);
	return r < 0 ? error_prefix(m->err, r, "the linked module is no livepatch") : 0;
}

static int resolve_all(struct maker *m)
{
	int r = analysis_symvers(m->a, &m->symvers, m->err);

	if (r == 0)
		r = resolution_init(&m->resolution, m->err);
	for (size_t i = 0; r == 0 && i < m->elf->symbol_count; i++)
		r = resolve(m, m->elf->symbols[i]);
	if (r == 0)
		r = resolution_check_landings(m->a, &m->resolution, m->elf, NULL, NULL, m->err);
	return r < 0 ? r : resolution_warn(m->a, &m->resolution, m->err);
}

/* The code that will be replaced, into the record's list of objects. */
static int describe(struct maker *m, struct record *rec)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->tables.object_count; i++) {
		_cleanup_runpre_ struct runpre *code = NULL;
		const struct shipped *s;

		r = analysis_shipped(m->a, m->tables.objects[i].name, &s, m->err);
		if (r == 0)
			r = code_mask_functions(s, &m->a->sizes, &m->tables, &m->a->reasons, &code,
						m->err);
		if (r == 0)
			r = build_record_add(rec, s, code);
	}
	return r;
}

/* The sources take the place of patches in the record. */
static int hash_sources(struct maker *m, const char *const *sources, size_t n)
{
	m->a->patches = calloc(n + 1, sizeof(*m->a->patches));
	if (!m->a->patches)
		return no_memory(m);
	for (size_t i = 0; i < n; i++) {
		struct analysis_patch *p = &m->a->patches[m->a->patch_count++];

		p->path = sources[i];
		p->text = BUF_INIT(SOURCE_FILE_MAX);

		int r = file_read(sources[i], &p->text, m->err);

		if (r == 0)
			r = hash_sha256_hex(p->text.data, p->text.len, p->sha256);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make(struct maker *m, struct record *rec, struct buf *module, struct buf *record)
{
	int r = read_linked(m);

	if (r == 0)
		r = resolve_all(m);
	if (r == 0)
		r = describe(m, rec);
	if (r < 0)
		return r;
	if (reason_count(&m->a->reasons, REASON_REFUSAL) > 0)
		return error_set(m->err, ERR_NOT_PATCHABLE, "the module cannot be applied live");
	return finish_module(m->a, m->options, &m->resolution, &m->linked, rec, module, record,
			     m->err);
}

int handmade_build(struct analysis *a, const char *const *sources, size_t n,
		   const struct build_options *options, struct buf *module, struct buf *record,
		   struct error *err)
{
	_cleanup_(maker_free) struct maker m = {
		.a = a, .options = options, .linked = BUF_INIT(LINK_MODULE_MAX), .err = err
	};
	_cleanup_record_ struct record *rec = calloc(1, sizeof(*rec));
	struct link_options link = { options->module, options->version_text };
	int64_t start = clock_monotonic_ms();
	int r = rec ? hash_sources(&m, sources, n) : no_memory(&m);

	if (r == 0)
		r = link_sources(a->kbuild, sources, n, &link, &m.linked, err);

	if (r == 0)
		r = make(&m, rec, module, record);
	if (r == 0)
		output_done(start, "linked %s, %zu bytes, %zu livepatch symbols", options->module,
			    module->len, m.resolution.symbol_count);
	return r;
}
