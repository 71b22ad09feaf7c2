/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/unit_list.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "base/vec.h"
#include "build/output/output.h"

/* Twice what the largest configuration makes. */
#define OUTPUT_MAX      ((size_t)1024 * 1024 * 1024)
#define LIST_MAX        ((size_t)256 * 1024 * 1024)
#define FOLDERS_MAX     30

/* Objects that one call of make is asked for. */
#define OBJECTS_AT_ONCE 16

/* Another one whenever the code is that makes the list or the graph of what its sources include
 * (meson.build, tools/code-id). */
extern const char lists_code[];

static const char list_head[] = "suture units 2\n";

void unit_list_free(struct unit_list *list)
{
	free(list->entries);
	buf_free(&list->text);
	*list = (struct unit_list){ 0 };
}

/* Folders of the tree that hold no code of the kernel. */
static bool is_tool_folder(const char *name)
{
	static const char *const tools[] = { "Documentation", "LICENSES", "arch",    "certs",
					     "include",       "rust",     "samples", "scripts",
					     "tools",         "usr" };

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (streq(name, tools[i]))
			return true;
	return name[0] == '.';
}

/* The kernel's folders as targets of make, "net/". */
static int list_folders(const char *tree, struct name_list *ret, struct error *err)
{
	int r = name_list_add(ret, "arch/x86/");
	DIR *dir = opendir(tree);

	if (!dir)
		return error_set_errno(err, errno, "cannot read %s", tree);
	for (struct dirent *e; r == 0 && (e = readdir(dir));) {
		_cleanup_free_ char *makefile = path_join(tree, e->d_name, "Makefile", NULL);
		_cleanup_free_ char *target = NULL;

		if (!makefile || asprintf(&target, "%s/", e->d_name) < 0)
			r = ERR_NO_MEMORY;
		else if (!is_tool_folder(e->d_name) && file_exists(makefile))
			r = name_list_add(ret, target);
	}
	closedir(dir);
	name_list_sort(ret);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

/* A call of the compiler as it stands in make's output; `start` is NULL if there is none, and the
 * line only names the object. */
struct call {
	const char *start, *end;
	const char *object, *source;
	uint32_t object_len, source_len;
};

static int compare_calls(const void *a, const void *b)
{
	const struct call *x = a, *y = b;
	int c = memcmp(x->object, y->object, MIN(x->object_len, y->object_len));

	if (c == 0)
		c = (x->object_len > y->object_len) - (x->object_len < y->object_len);
	if (c == 0)
		c = (x->start == NULL) - (y->start == NULL);
	return c ? c : (x->end > y->end) - (x->end < y->end);
}

/* What stands before the object: it is compiled, or made assembler of for its constants, or the
 * linker's script. */
static const char *find_object(const char *from, const char *end)
{
	static const char *const targets[] = { " -c -o ", " -S -o ", " -DLINKER_SCRIPT -o " };

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		const char *at = memmem(from, (size_t)(end - from), targets[i], strlen(targets[i]));

		if (at)
			return at + strlen(targets[i]);
	}
	return NULL;
}

/* Finds the call in a line: "COMPILER [-E] -Wp,-MMD,… -c -o OBJECT SOURCE". False if the line has
 * nothing to do with an object of the kernel. */
static bool find_call(const char *line, size_t len, const char *compiler, struct call *ret)
{
	static const char kernel[] = "-D__KERNEL__", depends[] = "-Wp,-MMD,", only[] = "-E ";
	const char *start = memmem(line, len, compiler, strlen(compiler)), *end = line + len, *p;

	for (; start; start = memmem(p, (size_t)(end - p), compiler, strlen(compiler))) {
		p = start + strlen(compiler);
		if ((size_t)(end - p) > strlen(only) && memcmp(p, only, strlen(only)) == 0)
			p += strlen(only);
		if ((size_t)(end - p) > strlen(depends) && memcmp(p, depends, strlen(depends)) == 0)
			break;
	}
	ret->object = find_object(start ? start : line, end);
	if (!ret->object || !memmem(line, len, kernel, strlen(kernel)))
		return false;
	ret->start = start ? start + 1 : NULL;
	ret->object_len = (uint32_t)strcspn(ret->object, " \t\n;'");
	ret->source = ret->object + ret->object_len;
	ret->source += strspn(ret->source, " \t");
	ret->source_len = (uint32_t)strcspn(ret->source, " \t\n;'");
	ret->end = ret->source + ret->source_len;
	return ret->object_len > 2 && ret->source_len > 2 && ret->end <= line + len;
}

/* Programs that run while building are compiled by the same compiler. */
static bool is_kernel_object(const struct call *c)
{
	static const char *const folders[] = { "scripts/", "tools/", "usr/", "samples/" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (c->object_len > strlen(folders[i]) &&
		    memcmp(c->object, folders[i], strlen(folders[i])) == 0)
			return false;
	return true;
}

static int append_call(const struct call *c, const char *tree, struct buf *out)
{
	size_t skip = strlen(tree);
	bool below = c->source_len > skip + 1 && memcmp(c->source, tree, skip) == 0 &&
		     c->source[skip] == '/';
	char path[PATH_MAX];
	int r = buf_append(out, c->object, c->object_len);

	if (below)
		snprintf(path, sizeof(path), "%.*s", (int)(c->source_len - skip - 1),
			 c->source + skip + 1);
	else
		snprintf(path, sizeof(path), "./%.*s", (int)c->source_len, c->source);
	if (r == 0)
		r = path_normalize(path) && *path ? buf_printf(out, "\t%s", path) : ERR_INVALID;
	if (r == 0)
		r = buf_printf(out, "\tsavedcmd_%.*s := ", (int)c->object_len, c->object);
	if (r == 0)
		r = buf_append(out, c->start, (size_t)(c->end - c->start));
	return r < 0 ? r : buf_append_byte(out, '\n');
}

int unit_list_from_make(const char *output, const char *compiler, const char *tree, struct buf *ret,
			struct error *err)
{
	VEC(struct call) calls = { 0 };
	_cleanup_free_ char *call = NULL;
	int r = asprintf(&call, " %s ", compiler) < 0 ? ERR_NO_MEMORY : 0;

	for (const char *p = output; r == 0 && *p;) {
		size_t len = strcspn(p, "\n");
		struct call c;

		if (find_call(p, len, call, &c) && is_kernel_object(&c))
			r = VEC_PUSH(&calls, c);
		p += len + (p[len] == '\n');
	}
	if (r == 0 && calls.count > 0)
		qsort(calls.items, calls.count, sizeof(*calls.items), compare_calls);
	if (r == 0)
		r = buf_append_str(ret, list_head);
	for (size_t i = 0; r == 0 && i < calls.count; i++) {
		const struct call *c = &calls.items[i], *before = i > 0 ? c - 1 : NULL;

		if (before && before->object_len == c->object_len &&
		    memcmp(before->object, c->object, c->object_len) == 0)
			continue;
		r = c->start ? append_call(c, tree, ret) : ERR_INVALID;
		if (r == ERR_INVALID)
			error_set(err, r,
				  "make does not say in a way that is understood how "
				  "%.*s is compiled",
				  (int)c->object_len, c->object);
	}
	free(calls.items);
	if (r == ERR_INVALID)
		return r;
	return r < 0 ? error_set(err, r, "the list of what make compiles is too large") : 0;
}

/* Cuts the field at *p off at `end`, which must come before the line's end. */
static char *cut_field(char **p, char end)
{
	char *field = *p, *stop = field + strcspn(field, end == '\t' ? "\t\n" : "\n");

	if (*stop != end || stop == field)
		return NULL;
	*stop = '\0';
	*p = stop + 1;
	return field;
}

bool path_normalize(char *path)
{
	size_t base = str_has_prefix(path, "./") ? 2 : 0, n = base;

	for (const char *p = path + base; *p;) {
		size_t len = strcspn(p, "/");
		bool more = p[len] == '/';

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			if (n == base)
				return false;
			for (n--; n > base && path[n - 1] != '/'; n--)
				;
		} else if (len > 0 && !(len == 1 && *p == '.')) {
			memmove(path + n, p, len);
			n += len;
			path[n++] = '/';
		}
		if (!more)
			break;
		p += len + 1;
	}
	if (n > base)
		n--;
	path[n] = '\0';
	return true;
}

int unit_list_parse(struct buf *text, struct unit_list *ret, struct error *err)
{
	_cleanup_unit_list_ struct unit_list list = { .text = *text };
	VEC(struct unit_entry) entries = { 0 };
	size_t head = strlen(list_head);
	char *p = (char *)list.text.data;
	int r = 0;

	*text = BUF_INIT(text->max);
	if (list.text.len < head || memcmp(p, list_head, head) != 0 || strlen(p) != list.text.len)
		return error_set(err, ERR_INVALID, "the list of compiled files is damaged");
	p += head;
	while (r == 0 && *p) {
		struct unit_entry e = { .object = cut_field(&p, '\t') };

		e.source = e.object ? cut_field(&p, '\t') : NULL;
		e.command = e.source ? cut_field(&p, '\n') : NULL;
		r = e.command ? VEC_PUSH(&entries, e) : ERR_INVALID;
	}
	list.entries = entries.items;
	list.n = entries.count;
	if (r < 0)
		return error_set(err, r, "the list of compiled files is damaged");
	*ret = list;
	list = (struct unit_list){ 0 };
	return 0;
}

static bool is_outside(const struct unit_entry *entry)
{
	static const char *const outside[] = { "arch/x86/boot/", "arch/x86/purgatory/",
					       "arch/x86/realmode/",
					       "drivers/firmware/efi/libstub/" };

	for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
		if (str_has_prefix(entry->object, outside[i]))
			return true;
	return false;
}

bool unit_entry_is_kernel(const struct unit_entry *entry)
{
	return str_has_suffix(entry->object, ".o") && !is_outside(entry);
}

bool unit_entry_shapes_kernel(const struct unit_entry *entry)
{
	return !str_has_suffix(entry->object, ".o") && !is_outside(entry);
}

static char *list_path(const struct kbuild *kb)
{
	return path_join(kb->kernel->folder, "units", "list", NULL);
}

/* Beside the list: by which code it was made. */
static char *code_path(const struct kbuild *kb)
{
	return path_join(kb->kernel->folder, "units", "code", NULL);
}

bool unit_list_is_cached(const struct kbuild *kb)
{
	_cleanup_free_ char *list = list_path(kb), *path = code_path(kb), *code = NULL;

	return list && path && file_exists(list) && file_read_line(path, &code, NULL) == 0 &&
	       streq(code, lists_code);
}

static int ask_make(const struct kbuild *kb, const char *const *arguments, struct buf *ret,
		    struct error *err)
{
	_cleanup_buf_ struct buf output = BUF_INIT(OUTPUT_MAX);
	int r = kbuild_make(kb, arguments, &output, err);

	return r < 0 ? error_prefix(err, r, "listing what the kernel is compiled from")
		     : unit_list_from_make(buf_str(&output), kb->compiler, kb->source, ret, err);
}

static int ask_kbuild(const struct kbuild *kb, const char *path, struct error *err)
{
	_cleanup_name_list_ struct name_list folders = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(LIST_MAX);
	_cleanup_free_ char *units = path_join(kb->kernel->folder, "units", NULL);
	_cleanup_free_ char *graph = path_join(kb->kernel->folder, "units", "includes", NULL);
	_cleanup_free_ char *code = code_path(kb);
	/* An object that is there already is asked for too, as its flags are not these. Lines of
	 * several jobs must not mix, neither those of makes that make calls (-Orecurse). Nothing is
	 * written: no folder has to be there for it (obj-dirs). */
	const char *argv[FOLDERS_MAX + 6] = { "-n", "-Orecurse", "KCFLAGS=-g0 -g0",
					      "OBJECT_FILES_NON_STANDARD=y", "obj-dirs=" };
	int r = units && graph && code ? list_folders(kb->source, &folders, err)
				       : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && folders.n > FOLDERS_MAX)
		r = error_set(err, ERR_TOO_LARGE, "%s has too many folders", kb->source);
	if (r < 0)
		return r;
	for (size_t i = 0; i < folders.n; i++)
		argv[5 + i] = folders.items[i];
	r = ask_make(kb, argv, &text, err);
	if (r == 0)
		r = file_make_dirs(units, 0755, err);
	/* What was found of another list (include_graph.h). */
	if (r == 0)
		r = file_remove(graph, err);
	if (r == 0)
		r = file_write_atomic(path, text.data, text.len, 0644, err);
	return r < 0 ? r : file_write_atomic(code, lists_code, strlen(lists_code), 0644, err);
}

/* ERR_NOT_FOUND: there is none, or one of another version of this program. ERR_INVALID. */
static int load_cached(const struct kbuild *kb, const char *path, struct unit_list *ret,
		       struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(LIST_MAX);
	int r;

	if (!unit_list_is_cached(kb))
		return ERR_NOT_FOUND;
	r = file_read(path, &text, err);
	return r < 0 ? r : unit_list_parse(&text, ret, err);
}

int unit_list_load(const struct kbuild *kb, struct unit_list *ret, struct error *err)
{
	_cleanup_free_ char *path = list_path(kb);
	_cleanup_close_ int lock = -1;
	int r = path ? load_cached(kb, path, ret, err)
		     : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r != ERR_NOT_FOUND && r != ERR_INVALID)
		return r;
	r = kernel_lock(kb->kernel->release, NULL, &lock, err);
	if (r < 0)
		return r;
	/* Another program may have made it meanwhile. */
	r = load_cached(kb, path, ret, err);
	if (r == ERR_INVALID)
		output_step("the list of what this kernel is compiled from is damaged: making it "
			    "anew");
	if (r != ERR_NOT_FOUND && r != ERR_INVALID)
		return r;
	r = ask_kbuild(kb, path, err);
	if (r == 0)
		r = load_cached(kb, path, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

static int make_objects(const struct kbuild *kb, char *const *objects, size_t n, struct error *err)
{
	_cleanup_free_ const char **argv = calloc(n + 2, sizeof(*argv));
	_cleanup_close_ int lock = -1;
	int r = argv ? kernel_lock(kb->kernel->release, NULL, &lock, err)
		     : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r < 0)
		return r;
	argv[0] = "OBJECT_FILES_NON_STANDARD=y";
	for (size_t i = 0; i < n; i++)
		argv[1 + i] = objects[i];
	return kbuild_make(kb, argv, NULL, err);
}

int unit_list_make(const struct kbuild *kb, const struct name_list *objects, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < objects->n; i += OBJECTS_AT_ONCE)
		r = make_objects(kb, objects->items + i,
				 MIN((size_t)OBJECTS_AT_ONCE, objects->n - i), err);
	return r;
}

int unit_list_make_sources(const struct kbuild *kb, const struct unit_list *list, bool *ret_made,
			   struct error *err)
{
	_cleanup_name_list_ struct name_list objects = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct unit_entry *e = &list->entries[i];
		_cleanup_free_ char *path = NULL;

		if (!str_has_prefix(e->source, "./"))
			continue;
		path = path_join(kb->kernel->build, e->source + 2, NULL);
		if (!path)
			r = ERR_NO_MEMORY;
		else if (!file_exists(path))
			r = name_list_add(&objects, e->object);
	}
	if (r < 0)
		return error_set(err, r, "out of memory");
	*ret_made = objects.n > 0;
	return unit_list_make(kb, &objects, err);
}
