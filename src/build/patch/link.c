/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/link.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/scratch.h"
#include "build/diff/declared.h"
#include "build/output/output.h"
#include "module/tables.h"

#define WRAPPER_MAX       (16 * 1024 * 1024)
#define STRIP_TIMEOUT_MS  (60 * 1000)

#define SOURCE_NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

struct linker {
	const struct analysis *a;
	struct extract *const *extracts;
	const struct resolution *resolution;
	const struct link_options *options;
	const char *folder; /* private */
	struct error *err;
};

static const char wrapper_head[] =
	"// SPDX-License-Identifier: GPL-2.0\n"
	"#include <linux/kernel.h>\n#include <linux/livepatch.h>\n#include <linux/module.h>\n\n";

/* suture/callbacks.c.in: how several sets of callbacks act as those of one object. */
extern const char wrapper_callbacks[];

static const char wrapper_tail[] =
	"struct klp_patch " DECLARED_PATCH_SYMBOL " = {\n"
	"\t.mod = THIS_MODULE, .objs = objects, .states = states, .replace = true,\n};\n\n"
	"static int __init suture_init(void)\n{\n"
	"\treturn klp_enable_patch(&" DECLARED_PATCH_SYMBOL ");\n}\n\n"
	"static void __exit suture_exit(void)\n{\n}\n\n"
	"module_init(suture_init);\nmodule_exit(suture_exit);\n"
	"MODULE_LICENSE(\"GPL\");\nMODULE_INFO(livepatch, \"Y\");\n";

/* The objects to patch, each once, in order: vmlinux first, then as the units come. */
static int list_objects(const struct linker *l, struct name_list *ret)
{
	int r = 0;

	for (int pass = 0; r == 0 && pass < 2; pass++)
		for (size_t i = 0; r == 0 && i < l->a->unit_count; i++) {
			const char *object = l->a->units[i].unit->object;

			if (streq(object, "vmlinux") == (pass == 0) && !name_list_has(ret, object))
				r = name_list_add(ret, object);
		}
	/* Objects that only lend symbols have an empty list of functions: the kernel resolves
	 * livepatch symbols of a module only for objects of the patch. */
	for (size_t i = 0; r == 0 && i < l->resolution->objects.n; i++)
		if (!name_list_has(ret, l->resolution->objects.items[i]))
			r = name_list_add(ret, l->resolution->objects.items[i]);
	return r;
}

static int write_functions(const struct linker *l, const char *object, size_t index, size_t *number,
			   struct buf *declarations, struct buf *tables)
{
	int r = buf_printf(tables, "static struct klp_func functions%zu[] = {\n", index);

	for (size_t i = 0; r == 0 && i < l->a->unit_count; i++) {
		const struct analysis_unit *u = &l->a->units[i];
		const struct diff_result *d = diff_result(u->diff);

		if (!streq(u->unit->object, object))
			continue;
		for (size_t j = 0; r == 0 && j < d->changed_count; j++, (*number)++) {
			r = buf_printf(declarations, "extern void f%zu(void) __asm__(\"%s\");\n",
				       *number, d->changed[j].symbol);
			if (r == 0)
				r = buf_printf(tables,
					       "\t{ .old_name = \"%s\", .new_func = f%zu, "
					       ".old_sympos = %u },\n",
					       d->changed[j].name, *number,
					       u->runpre->functions[j].sympos);
		}
	}
	return r < 0 ? r : buf_append_str(tables, "\t{ }\n};\n\n");
}

/* Declares the sets of callbacks of one unit, and names them in their object's list. */
static int write_unit_callbacks(const struct analysis_unit *u, size_t *number,
				struct buf *declarations, struct buf *list)
{
	_cleanup_free_ const char **names = NULL;
	size_t n;
	int r = declared_list(diff_result(u->diff), DECLARED_CALLBACKS, &names, &n);

	for (size_t i = 0; r == 0 && i < n; i++, (*number)++) {
		r = buf_printf(declarations,
			       "extern const struct klp_callbacks c%zu __asm__(\"%s\");\n", *number,
			       names[i]);
		if (r == 0)
			r = buf_printf(list, "&c%zu, ", *number);
	}
	return r;
}

/* An array of lists, one for each object. *ret_used[i] tells whether the ith has any. */
static int write_callbacks(const struct linker *l, const struct name_list *objects, bool *used,
			   struct buf *out)
{
	_cleanup_buf_ struct buf lists = BUF_INIT(WRAPPER_MAX), all = BUF_INIT(WRAPPER_MAX);
	size_t number = 0;
	int r = buf_append_str(&all, "static const struct klp_callbacks *const *const callbacks[]"
				     " = {\n\t");

	for (size_t i = 0; r == 0 && i < objects->n; i++) {
		size_t before = number;

		r = buf_printf(&lists, "static const struct klp_callbacks *const sets%zu[] = { ",
			       i);
		for (size_t k = 0; r == 0 && k < l->a->unit_count; k++)
			if (streq(l->a->units[k].unit->object, objects->items[i]))
				r = write_unit_callbacks(&l->a->units[k], &number, out, &lists);
		if (r == 0)
			r = buf_append_str(&lists, "NULL };\n");
		if (r == 0)
			r = buf_printf(&all, "%ssets%zu", i > 0 ? ", " : "", i);
		used[i] = number > before;
	}
	if (r < 0 || number == 0)
		return r;
	r = buf_printf(out, "\n%s%s\n};\n\nstatic struct klp_object objects[%zu];\n\n%s\n",
		       buf_str(&lists), buf_str(&all), objects->n + 1, wrapper_callbacks);
	return r;
}

static int write_objects(const struct name_list *objects, const bool *callbacks, struct buf *out)
{
	static const char calls[] =
		", .callbacks = { .pre_patch = pre_patch, .post_patch = post_patch,\n"
		"\t  .pre_unpatch = pre_unpatch, .post_unpatch = post_unpatch }";
	int r = buf_append_str(out, "static struct klp_object objects[] = {\n");

	for (size_t i = 0; r == 0 && i < objects->n; i++) {
		r = buf_append_str(out, "\t{ ");
		if (r == 0 && !streq(objects->items[i], "vmlinux"))
			r = buf_printf(out, ".name = \"%s\", ", objects->items[i]);
		if (r == 0)
			r = buf_printf(out, ".funcs = functions%zu%s },\n", i,
				       callbacks[i] ? calls : "");
	}
	return r < 0 ? r : buf_append_str(out, "\t{ }\n};\n\n");
}

/* Writes one state; declared twice with one version, it is there once. */
static int write_state(const struct linker *l, const struct analysis_unit *u, const char *symbol,
		       struct tables_state **list, size_t *n, struct buf *out)
{
	struct tables_state state;
	struct tables_state *grown;
	int r = declared_state(u->patched, symbol, &state.id, &state.version, l->err);

	if (r < 0)
		return error_prefix(l->err, r, "%s", u->unit->path);
	for (size_t i = 0; i < *n; i++) {
		if ((*list)[i].id != state.id)
			continue;
		if ((*list)[i].version == state.version)
			return 0;
		return error_set(l->err, ERR_INVALID,
				 "%s: state %" PRIu64 " has version %u here and %u elsewhere",
				 u->unit->path, state.id, state.version, (*list)[i].version);
	}
	grown = reallocarray(*list, *n + 1, sizeof(*grown));
	if (!grown)
		return ERR_NO_MEMORY;
	*list = grown;
	grown[(*n)++] = state;
	return buf_printf(out, "\t{ .id = %" PRIu64 "UL, .version = %uU },\n", state.id,
			  state.version);
}

static int write_states(const struct linker *l, struct buf *out)
{
	_cleanup_free_ struct tables_state *list = NULL;
	size_t n = 0;
	int r = buf_append_str(out, "static struct klp_state states[] = {\n");

	for (size_t i = 0; r == 0 && i < l->a->unit_count; i++) {
		_cleanup_free_ const char **names = NULL;
		const struct analysis_unit *u = &l->a->units[i];
		size_t count = 0;

		r = declared_list(diff_result(u->diff), DECLARED_STATE, &names, &count);
		for (size_t k = 0; r == 0 && k < count; k++)
			r = write_state(l, u, names[k], &list, &n, out);
	}
	return r < 0 ? r : buf_append_str(out, "\t{ }\n};\n\n");
}

static int write_file(const struct linker *l, const char *name, const void *data, size_t len)
{
	_cleanup_free_ char *path = path_join(l->folder, name, NULL);

	return path ? file_write_atomic(path, data, len, 0644, l->err)
		    : error_set(l->err, ERR_NO_MEMORY, "out of memory");
}

static int write_tables(const struct linker *l, struct buf *text)
{
	_cleanup_name_list_ struct name_list objects = { 0 };
	_cleanup_buf_ struct buf tables = BUF_INIT(WRAPPER_MAX);
	_cleanup_free_ bool *callbacks = NULL;
	size_t number = 0;
	int r = list_objects(l, &objects);

	if (r == 0 && !(callbacks = calloc(objects.n + 1, sizeof(*callbacks))))
		r = ERR_NO_MEMORY;
	for (size_t i = 0; r == 0 && i < objects.n; i++)
		r = write_functions(l, objects.items[i], i, &number, text, &tables);
	if (r == 0)
		r = buf_append_byte(text, '\n');
	if (r == 0)
		r = buf_append(text, tables.data, tables.len);
	if (r == 0)
		r = write_callbacks(l, &objects, callbacks, text);
	if (r == 0)
		r = write_objects(&objects, callbacks, text);
	return r < 0 ? r : write_states(l, text);
}

int link_wrapper(const struct analysis *a, const struct resolution *resolution, const char *version,
		 struct buf *out, struct error *err)
{
	struct linker l = { .a = a, .resolution = resolution, .err = err };
	int r = buf_append_str(out, wrapper_head);

	if (r == 0)
		r = write_tables(&l, out);
	if (r == 0)
		r = buf_append_str(out, wrapper_tail);
	if (r == 0)
		r = buf_printf(out, "MODULE_DESCRIPTION(\"Suture live patch %s\");\n", version);
	if (r < 0 && !(err && err->code))
		return error_set(err, r, "the module's wrapper is too large");
	return r;
}

static int write_wrapper(const struct linker *l)
{
	_cleanup_buf_ struct buf text = BUF_INIT(WRAPPER_MAX);
	int r = link_wrapper(l->a, l->resolution, l->options->version, &text, l->err);

	return r < 0 ? r : write_file(l, "wrapper.c", text.data, text.len);
}

/* kbuild takes ready objects as NAME.o_shipped, and modpost wants their .cmd files. */
static int write_units(const struct linker *l)
{
	_cleanup_buf_ struct buf kbuild = BUF_INIT(WRAPPER_MAX);
	int r = buf_printf(&kbuild, "obj-m := %s.o\n%s-y := wrapper.o", l->options->name,
			   l->options->name);

	for (size_t i = 0; r == 0 && i < l->a->unit_count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "unit%zu.o_shipped", i);
		r = write_file(l, name, l->extracts[i]->object.data, l->extracts[i]->object.len);
		snprintf(name, sizeof(name), ".unit%zu.o.cmd", i);
		if (r == 0)
			r = write_file(l, name, "", 0);
		if (r == 0)
			r = buf_printf(&kbuild, " unit%zu.o", i);
	}
	if (r == 0)
		r = buf_append_byte(&kbuild, '\n');
	return r < 0 ? r : write_file(l, "Kbuild", kbuild.data, kbuild.len);
}

static int run_kbuild(const struct kbuild *kb, const char *folder, struct error *err)
{
	_cleanup_free_ char *m = NULL;
	_cleanup_close_ int lock = -1;
	int r = kernel_lock(kb->kernel->release, NULL, &lock, err);

	if (r < 0)
		return r;
	if (asprintf(&m, "M=%s", folder) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	/* delay-objtool: on 6.1 too, objtool is to see the linked module. The symbols that modpost
	 * would miss become livepatch symbols afterwards, and so do exports of a namespace. */
	r = kbuild_make(kb,
			(const char *const[]){ m, "KBUILD_MODPOST_WARN=1", "delay-objtool=y",
					       "CONFIG_DEBUG_INFO_BTF_MODULES=",
					       "CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS=y",
					       "modules", NULL },
			NULL, err);
	return r < 0 ? error_prefix(err, r, "linking the module") : 0;
}

static int strip_module(const char *path, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);
	struct process_options options = {
		.argv = (const char *const[]){ "strip", "--strip-debug", path, NULL },
		.env = (const char *const[]){ "LC_ALL=C", NULL },
		.timeout_ms = STRIP_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};

	return process_run(&options, NULL, err);
}

/* Makes the module that the folder's Kbuild names. */
static int build(const struct kbuild *kb, const char *folder, const char *name, struct buf *out,
		 struct error *err)
{
	const struct output_progress progress = { .what = "linking", .total = 1 };
	_cleanup_free_ char *path = NULL;
	int r;

	output_progress_begin(&progress);
	r = run_kbuild(kb, folder, err);
	output_progress_end(&progress);
	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s.ko", folder, name) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	int64_t start = clock_monotonic_ms();

	r = strip_module(path, err);
	timings_add(kb->timings, TIMINGS_STRIP, start);
	return r < 0 ? r : file_read(path, out, err);
}

int link_module(const struct analysis *a, struct extract *const *extracts,
		const struct resolution *resolution, const struct link_options *options,
		struct buf *out, struct error *err)
{
	_cleanup_scratch_ struct scratch *scratch = NULL;
	struct linker l = { a, extracts, resolution, options, NULL, err };
	int r = scratch_new(&scratch, err);

	if (r < 0)
		return r;
	l.folder = scratch_path(scratch);
	r = write_wrapper(&l);
	if (r == 0)
		r = write_units(&l);
	if (r == 0)
		r = build(a->kbuild, l.folder, options->name, out, err);
	scratch_unname(scratch, err);
	return r;
}

/* Copies one source, and adds it and its folder to the Kbuild file. Neither the place of the copy
 * nor that of the source may show in __FILE__. */
static int add_source(const char *folder, const char *source, struct buf *objects,
		      struct buf *flags, struct error *err)
{
	_cleanup_free_ char *real = realpath(source, NULL);
	_cleanup_free_ char *copy = path_join(folder, path_base(source), NULL);
	const char *base = path_base(source);
	int r, dir;

	if (!real)
		return error_set_errno(err, errno, "cannot read %s", source);
	if (!copy)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!str_has_suffix(base, ".c") || str_has_suffix(base, ".mod.c") ||
	    base[strspn(base, SOURCE_NAME_CHARS)])
		return error_set(err, ERR_INVALID,
				 "%s: not the name of a C file (letters, digits, '_', '-')",
				 source);
	if (file_exists(copy))
		return error_set(err, ERR_INVALID, "two sources are named %s", base);
	dir = (int)(path_base(real) - real);
	if (strcspn(real, " \t\n'\"$#\\") < (size_t)dir)
		return error_set(err, ERR_INVALID, "%s: make cannot handle that folder's name",
				 source);
	r = file_copy(source, copy, 0644, err);
	if (r == 0)
		r = buf_printf(objects, " %.*s.o", (int)strlen(base) - 2, base);
	if (r == 0)
		r = buf_printf(flags, " -iquote %.*s -fmacro-prefix-map=%.*s=", dir, real, dir,
			       real);
	return r;
}

static int write_sources(const char *folder, const char *const *sources, size_t n, const char *name,
			 struct error *err)
{
	_cleanup_buf_ struct buf objects = BUF_INIT(WRAPPER_MAX), flags = BUF_INIT(WRAPPER_MAX);
	_cleanup_buf_ struct buf kbuild = BUF_INIT(WRAPPER_MAX);
	_cleanup_free_ char *path = path_join(folder, "Kbuild", NULL);
	int r = path ? declared_write_header(folder, err) : ERR_NO_MEMORY;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_source(folder, sources[i], &objects, &flags, err);
	if (r == 0)
		r = buf_printf(&kbuild,
			       "obj-m := %s.o\n%s-y :=%s\n"
			       "ccflags-y := -DSUTURE_MODULE -I%s -fmacro-prefix-map=%s/=%s\n",
			       name, name, buf_str(&objects), folder, folder, buf_str(&flags));
	return r < 0 ? r : file_write_atomic(path, kbuild.data, kbuild.len, 0644, err);
}

int link_sources(const struct kbuild *kbuild, const char *const *sources, size_t n,
		 const struct link_options *options, struct buf *out, struct error *err)
{
	_cleanup_scratch_ struct scratch *scratch = NULL;
	int r;

	if (n > LINK_SOURCES_MAX)
		return error_set(err, ERR_TOO_LARGE, "more than %d sources", LINK_SOURCES_MAX);
	r = scratch_new(&scratch, err);
	if (r == 0)
		r = write_sources(scratch_path(scratch), sources, n, options->name, err);
	if (r == 0)
		r = build(kbuild, scratch_path(scratch), options->name, out, err);
	scratch_unname(scratch, err);
	return r;
}
