/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/external.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/scratch.h"
#include "build/unit/command.h"
#include "build/diff/declared.h"
#include "build/patch/inputs.h"
#include "build/output/output.h"

#define COMMAND_MAX (1024 * 1024)
#define DEPTH_MAX   32
#define OBJECTS_MAX 32 /* at once: kbuild_make() takes a limited number of arguments */

struct work {
	const struct kbuild *kb;
	const struct source_set *sources;
	const char *folder; /* the private copy */
	uint64_t size;      /* bytes copied so far */
	const struct source_file **files;
	size_t file_count;
	struct error *err;
};

/* What kbuild made, and what belongs to nobody. */
static bool is_product(const char *name)
{
	static const char *const endings[] = { ".o", ".ko", ".cmd", ".mod", ".mod.c", ".a" };

	if (name[0] == '.')
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (str_has_suffix(name, endings[i]))
			return true;
	return streq(name, "modules.order") || streq(name, "__pycache__");
}

static int copy_folder(struct work *w, const char *from, const char *to, unsigned depth);

static int copy_entry(struct work *w, const char *from, const char *to, unsigned depth)
{
	struct stat st;

	if (stat(from, &st) < 0)
		return error_set_errno(w->err, errno, "cannot read %s", from);
	if (S_ISDIR(st.st_mode))
		return copy_folder(w, from, to, depth + 1);
	if (!S_ISREG(st.st_mode))
		return 0;
	w->size += (uint64_t)st.st_size;
	if (w->size > EXTERNAL_SIZE_MAX)
		return error_set(w->err, ERR_TOO_LARGE, "%s is too large for a module's source",
				 w->sources->tree);
	return file_copy_new(from, to, w->err);
}

static int copy_folder(struct work *w, const char *from, const char *to, unsigned depth)
{
	DIR *dir = depth < DEPTH_MAX ? opendir(from) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return error_set(w->err, ERR_INVALID, "cannot read folder %s%s", from,
				 depth < DEPTH_MAX ? "" : ": too deep");
	if (depth > 0 && mkdir(to, 0755) < 0)
		r = error_set_errno(w->err, errno, "cannot make %s", to);
	while (r == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *a = path_join(from, entry->d_name, NULL);
		_cleanup_free_ char *b = path_join(to, entry->d_name, NULL);

		if (is_product(entry->d_name))
			continue;
		r = a && b ? copy_entry(w, a, b, depth)
			   : error_set(w->err, ERR_NO_MEMORY, "out of memory");
	}
	closedir(dir);
	return r;
}

static char *object_of(const struct source_file *file)
{
	char *object = NULL;

	return asprintf(&object, "%.*s.o", (int)(strlen(file->path) - strlen(".c")), file->path) < 0
		       ? NULL
		       : object;
}

/* Has kbuild compile some of the objects. */
static int make_some(const struct work *w, const char *m, const char *kcflags, size_t from)
{
	const char *arguments[OBJECTS_MAX + 4] = { m, kcflags, "OBJECT_FILES_NON_STANDARD=y" };
	char *objects[OBJECTS_MAX] = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < OBJECTS_MAX && from + i < w->file_count; i++) {
		arguments[3 + i] = objects[i] = object_of(w->files[from + i]);
		if (!objects[i])
			r = error_set(w->err, ERR_NO_MEMORY, "out of memory");
	}
	if (r == 0)
		r = kbuild_make(w->kb, arguments, NULL, w->err);
	for (size_t i = 0; i < OBJECTS_MAX; i++)
		free(objects[i]);
	return r;
}

/* Has kbuild compile the objects, with these flags besides the kernel's own. */
static int make_objects(const struct work *w, const char *flags)
{
	_cleanup_free_ char *m = NULL, *kcflags = NULL;
	_cleanup_close_ int lock = -1;
	int r = kernel_lock(w->kb->kernel->release, NULL, &lock, w->err);

	if (r < 0)
		return r;
	if (asprintf(&m, "M=%s", w->folder) < 0 ||
	    asprintf(&kcflags, "KCFLAGS=-g0 -fmacro-prefix-map=%s/=%s/ %s", w->folder,
		     w->sources->tree, flags) < 0)
		return error_set(w->err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; r == 0 && i < w->file_count; i += OBJECTS_MAX)
		r = make_some(w, m, kcflags, i);
	return r;
}

static int read_object(const struct work *w, const struct source_file *file, struct buf *ret)
{
	_cleanup_free_ char *object = object_of(file);
	_cleanup_free_ char *path = object ? path_join(w->folder, object, NULL) : NULL;

	return path ? file_read(path, ret, w->err)
		    : error_set(w->err, ERR_NO_MEMORY, "out of memory");
}

/* kbuild's command for an object, from beside it. */
static int read_command(const struct work *w, const struct source_file *file, struct name_list *ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT(COMMAND_MAX);
	_cleanup_free_ char *path = NULL;
	const char *base = path_base(file->path);
	int r;

	if (asprintf(&path, "%s/%.*s.%.*s.o.cmd", w->folder, (int)(base - file->path), file->path,
		     (int)(strlen(base) - strlen(".c")), base) < 0)
		return error_set(w->err, ERR_NO_MEMORY, "out of memory");
	r = file_read(path, &text, w->err);
	if (r < 0)
		return r;
	((char *)text.data)[strcspn(buf_str(&text), "\n")] = 0;
	return command_parse(buf_str(&text), ret, w->err);
}

static int add_units(struct work *w, struct unit_set *set)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->file_count; i++) {
		_cleanup_name_list_ struct name_list command = { 0 };
		_cleanup_free_ char *object = object_of(w->files[i]);
		size_t before = set->n;

		if (!object)
			return error_set(w->err, ERR_NO_MEMORY, "out of memory");
		r = read_command(w, w->files[i], &command);
		if (r == 0)
			r = unit_set_add(set, w->files[i]->path, object, &command, w->err);
		if (r == 0 && (set->n != before + 1 || streq(set->units[before].object, "vmlinux")))
			r = error_set(w->err, ERR_INVALID,
				      "%s: kbuild names no single module for it",
				      w->files[i]->path);
		if (r == 0)
			set->units[before].external = true;
	}
	return r;
}

static int write_patched(const struct work *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->file_count; i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(2 * SOURCE_FILE_MAX);
		_cleanup_free_ char *path = path_join(w->folder, w->files[i]->path, NULL);

		r = path ? source_file_text(w->files[i], &text) : ERR_NO_MEMORY;
		if (r == 0)
			r = file_write_atomic(path, text.data, text.len, 0644, w->err);
	}
	return r;
}

/* kbuild three times: as the module was built, in sections, and patched in sections. */
static int compile_all(struct work *w, struct unit_set *set)
{
	_cleanup_free_ char *sections = NULL, *patched = NULL;
	struct unit *units = NULL;
	int r;

	if (asprintf(&sections, "-ffunction-sections -fdata-sections %s %s %s %s",
		     COMPILE_TYPES_FLAGS) < 0 ||
	    asprintf(&patched, "%s -I%s/.suture -DSUTURE_EXTERNAL", sections, w->folder) < 0)
		return error_set(w->err, ERR_NO_MEMORY, "out of memory");
	r = make_objects(w, "");
	if (r == 0)
		r = add_units(w, set);
	if (r < 0)
		return r;
	units = &set->units[set->n - w->file_count];
	for (size_t i = 0; r == 0 && i < w->file_count; i++)
		r = read_object(w, w->files[i], &units[i].stock);
	if (r == 0)
		r = make_objects(w, sections);
	for (size_t i = 0; r == 0 && i < w->file_count; i++)
		r = read_object(w, w->files[i], &units[i].original);
	if (r == 0)
		r = write_patched(w);
	if (r == 0)
		r = make_objects(w, patched);
	for (size_t i = 0; r == 0 && i < w->file_count; i++)
		r = read_object(w, w->files[i], &units[i].patched);
	return r;
}

static int list_files(struct work *w, struct reason_list *reasons)
{
	int r = 0;

	w->files = calloc(w->sources->n + 1, sizeof(struct source_file *));
	if (!w->files)
		return error_set(w->err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; r == 0 && i < w->sources->n; i++) {
		const struct source_file *f = w->sources->files[i];

		if (!source_file_changed(f))
			continue;
		if (str_has_suffix(f->path, ".c"))
			w->files[w->file_count++] = f;
		else if (reason_add(reasons, REASON_HEADER, f->path, NULL,
				    "is not a C file of the module") < 0)
			r = error_set(w->err, ERR_NO_MEMORY, "out of memory");
	}
	return r;
}

int external_compile(const struct kbuild *kb, const struct source_set *sources,
		     struct reason_list *reasons, struct unit_set *set, char ret_sha256[static 65],
		     struct error *err)
{
	_cleanup_scratch_ struct scratch *scratch = NULL;
	struct work w = { .kb = kb, .sources = sources, .err = err };
	const struct output_progress progress = { .what = "compiling the module's files",
						  .total = 1 };
	_cleanup_free_ char *header = NULL;
	int r = list_files(&w, reasons);

	if (r < 0 || w.file_count == 0) {
		free(w.files);
		return r;
	}
	r = scratch_new(&scratch, err);
	if (r < 0) {
		free(w.files);
		return r;
	}
	w.folder = scratch_path(scratch);
	header = path_join(w.folder, ".suture", NULL);
	r = header ? copy_folder(&w, sources->tree, w.folder, 0) : ERR_NO_MEMORY;
	if (r == 0)
		r = inputs_hash_tree(w.folder, ret_sha256, err);
	if (r == 0)
		r = declared_write_header(header, err);
	output_progress_begin(&progress);
	if (r == 0)
		r = compile_all(&w, set);
	output_progress_end(&progress);
	scratch_unname(scratch, err);
	free(w.files);
	return r < 0 ? error_prefix(err, r, "module source %s", sources->tree) : 0;
}

bool external_has(const struct source_set *sources, const struct patch_file *patch)
{
	for (size_t i = 0; i < patch->entry_count; i++) {
		_cleanup_free_ char *path = path_join(sources->tree, patch->entries[i].path, NULL);

		if (!path || !file_exists(path))
			return false;
	}
	return patch->entry_count > 0;
}
