/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/link.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/process.h"
#include "build/declared.h"
#include "build/tables.h"

#define WRAPPER_MAX      (16 * 1024 * 1024)
#define MODULE_MAX       (256 * 1024 * 1024)
#define STRIP_TIMEOUT_MS (60 * 1000)

struct linker {
	const struct analysis *a;
	struct extract *const *extracts;
	const struct resolution *resolution;
	const struct link_options *options;
	char *folder; /* private, below /tmp */
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
			r = buf_printf(&all, "sets%zu, ", i);
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
		return error_prefix(l->err, r, "%s", u->unit->file->path);
	for (size_t i = 0; i < *n; i++) {
		if ((*list)[i].id != state.id)
			continue;
		if ((*list)[i].version == state.version)
			return 0;
		return error_set(l->err, ERR_INVALID,
				 "%s: state %" PRIu64 " has version %u here and %u elsewhere",
				 u->unit->file->path, state.id, state.version, (*list)[i].version);
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

static int write_wrapper(const struct linker *l)
{
	_cleanup_name_list_ struct name_list objects = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(WRAPPER_MAX), tables = BUF_INIT(WRAPPER_MAX);
	_cleanup_free_ bool *callbacks = NULL;
	size_t number = 0;
	int r = list_objects(l, &objects);

	if (r == 0 && !(callbacks = calloc(objects.n + 1, sizeof(*callbacks))))
		r = ERR_NO_MEMORY;
	if (r == 0)
		r = buf_append_str(&text, wrapper_head);
	for (size_t i = 0; r == 0 && i < objects.n; i++)
		r = write_functions(l, objects.items[i], i, &number, &text, &tables);
	if (r == 0)
		r = buf_append_byte(&text, '\n');
	if (r == 0)
		r = buf_append(&text, tables.data, tables.len);
	if (r == 0)
		r = write_callbacks(l, &objects, callbacks, &text);
	if (r == 0)
		r = write_objects(&objects, callbacks, &text);
	if (r == 0)
		r = write_states(l, &text);
	if (r == 0)
		r = buf_append_str(&text, wrapper_tail);
	if (r == 0)
		r = buf_printf(&text, "MODULE_DESCRIPTION(\"Suture live patch %s\");\n",
			       l->options->version);
	if (r < 0)
		return l->err && l->err->code
			       ? r
			       : error_set(l->err, r, "the module's wrapper is too large");
	return write_file(l, "wrapper.c", text.data, text.len);
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

static int run_kbuild(const struct linker *l)
{
	_cleanup_free_ char *m = NULL;
	_cleanup_close_ int lock = -1;
	int r = kernel_lock(l->a->kbuild->kernel->release, &lock, l->err);

	if (r < 0)
		return r;
	if (asprintf(&m, "M=%s", l->folder) < 0)
		return error_set(l->err, ERR_NO_MEMORY, "out of memory");
	/* delay-objtool: on 6.1 too, objtool is to see the linked module. The symbols that modpost
	 * would miss become livepatch symbols afterwards. */
	r = kbuild_make(l->a->kbuild,
			(const char *const[]){ m, "KBUILD_MODPOST_WARN=1", "delay-objtool=y",
					       "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules", NULL },
			NULL, l->err);
	return r < 0 ? error_prefix(l->err, r, "linking the module") : 0;
}

static int strip_module(const struct linker *l, const char *path)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);
	struct process_options options = {
		.argv = (const char *const[]){ "strip", "--strip-debug", path, NULL },
		.env = (const char *const[]){ "LC_ALL=C", NULL },
		.timeout_ms = STRIP_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};

	return process_run(&options, NULL, l->err);
}

static int convert(const struct linker *l, struct buf *out)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf module = BUF_INIT(MODULE_MAX);
	int r;

	if (asprintf(&path, "%s/%s.ko", l->folder, l->options->name) < 0)
		return error_set(l->err, ERR_NO_MEMORY, "out of memory");
	r = strip_module(l, path);
	if (r == 0)
		r = file_read(path, &module, l->err);
	if (r == 0)
		r = convert_module(module.data, module.len, l->resolution->symbols,
				   l->resolution->symbol_count, out, l->err);
	return r;
}

int link_module(const struct analysis *a, struct extract *const *extracts,
		const struct resolution *resolution, const struct link_options *options,
		struct buf *out, struct error *err)
{
	char folder[] = "/tmp/suture-link-XXXXXX";
	struct linker l = { a, extracts, resolution, options, folder, err };

	if (!mkdtemp(folder))
		return error_set_errno(err, errno, "cannot make a folder under /tmp");

	int r = write_wrapper(&l);

	if (r == 0)
		r = write_units(&l);
	if (r == 0)
		r = run_kbuild(&l);
	if (r == 0)
		r = convert(&l, out);
	(void)file_remove_tree(folder, NULL);
	return r;
}
