/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/compile.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/scratch.h"
#include "build/unit/command.h"
#include "build/unit/compile_task.h"
#include "build/diff/declared.h"
#include "build/output/output.h"
#include "build/unit/unit_list.h"

#define GENKSYMS_TIMEOUT_MS (10 * 60 * 1000)

static void unit_free(struct unit *u)
{
	free(u->path);
	free(u->object_path);
	free(u->object);
	name_list_free(&u->command);
	buf_free(&u->stock);
	buf_free(&u->original);
	buf_free(&u->patched);
}

void unit_set_free(struct unit_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		unit_free(&set->units[i]);
	free(set->units);
	*set = (struct unit_set){ 0 };
}

/* A C name from the path; what distinguishes sound/ac97/bus.c from sound/ac97_bus.c, and the places
 * of one source from each other, is in the hash. */
static int name_unit(struct unit *u, struct error *err)
{
	_cleanup_free_ char *whole = NULL;
	char hex[SHA256_HEX_LEN + 1], id[56];

	if (asprintf(&whole, "%s %s", u->object_path, u->object) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	int r = hash_sha256_hex(whole, strlen(whole), hex);

	if (r < 0)
		return error_set(err, r, "cannot hash");
	snprintf(id, sizeof(id), "%.*s", (int)MIN(strcspn(u->path, "."), sizeof(id)), u->path);
	for (char *p = id; *p; p++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", *p))
			*p = '_';
	snprintf(u->id, sizeof(u->id), "%s_%.8s", id, hex);
	return 0;
}

/* "vmlinux", or the modules that the command line names, with ':' between them. */
static void find_modules(const struct name_list *command, const char **ret, size_t *ret_len)
{
	static const char key[] = "-DKBUILD_MODNAME=\"";

	*ret = "vmlinux";
	*ret_len = strlen(*ret);
	if (!name_list_has(command, "-DMODULE"))
		return;
	for (size_t i = 0; i < command->n; i++)
		if (str_has_prefix(command->items[i], key)) {
			*ret = command->items[i] + strlen(key);
			*ret_len = strcspn(*ret, "\"");
		}
}

static int copy_list(const struct name_list *from, struct name_list *to)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n; i++)
		r = name_list_add(to, from->items[i]);
	return r;
}

static int add_unit(struct unit_set *set, const char *path, const char *object_path,
		    const char *object, size_t object_len, const struct name_list *command,
		    struct error *err)
{
	struct unit *u;

	if (set->n == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 8;
		struct unit *units = reallocarray(set->units, cap, sizeof(*units));

		if (!units)
			return error_set(err, ERR_NO_MEMORY, "out of memory");
		set->units = units;
		set->cap = cap;
	}
	u = &set->units[set->n++];
	*u = (struct unit){ .path = strdup(path),
			    .object_path = strdup(object_path),
			    .object = strndup(object, object_len),
			    .stock = BUF_INIT(UNIT_OBJECT_MAX),
			    .original = BUF_INIT(UNIT_OBJECT_MAX),
			    .patched = BUF_INIT(UNIT_OBJECT_MAX) };
	if (!u->path || !u->object_path || !u->object || copy_list(command, &u->command) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return name_unit(u, err);
}

int unit_set_add(struct unit_set *set, const char *path, const char *object_path,
		 struct name_list *command, struct error *err)
{
	const char *module;
	size_t len;
	int r = 0;

	if (command->n < 4)
		return error_set(err, ERR_INVALID, "%s has no command line", object_path);
	find_modules(command, &module, &len);
	while (r == 0 && len > 0) {
		size_t n = MIN(strcspn(module, ":"), len);

		r = add_unit(set, path, object_path, module, n, command, err);
		n += n < len;
		module += n;
		len -= n;
	}
	name_list_free(command);
	return r;
}

int unit_set_add_object(struct unit_set *set, const char *path, const char *object_path,
			const char *object, struct error *err)
{
	static const struct name_list none;

	return add_unit(set, path, object_path, object, strlen(object), &none, err);
}

/* The folder of a unit in the kernel's cache: another one for another source or compiler, whose
 * objects would differ. */
static int unit_folder(const struct kbuild *kb, const struct unit *u, char **ret, struct error *err)
{
	char source[SHA256_HEX_LEN + 1], compiler[SHA256_HEX_LEN + 1];
	_cleanup_free_ char *name = NULL, *path = path_join(kb->source, u->path, NULL);
	bool built = str_has_prefix(u->path, "./");
	int r;

	if (built) {
		free(path);
		path = path_join(kb->kernel->build, u->path + 2, NULL);
	}
	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = hash_sha256_file(path, source, err);
	if (r < 0)
		return r;
	/* "d": with debugging data. */
	if (hash_sha256_hex(kb->compiler_version, strlen(kb->compiler_version), compiler) < 0 ||
	    asprintf(&name, "%s-%.8sd-%.16s", u->id, compiler, source) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	*ret = path_join(kb->kernel->folder, "units", name, NULL);
	return *ret ? file_make_dirs(*ret, 0755, err)
		    : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* Every build that writes objects holds a shared lock on the folder of all units; who has it alone
 * knows that nobody writes. Without the folder (-1) nothing is swept. */
static int open_units(const struct kbuild *kb, bool *ret_alone)
{
	_cleanup_free_ char *path = path_join(kb->kernel->folder, "units", NULL);
	int fd = path && file_make_dirs(path, 0755, NULL) == 0
			 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			 : -1;

	*ret_alone = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
	return fd;
}

static void share_units(int fd)
{
	while (fd >= 0 && flock(fd, LOCK_SH) < 0 && errno == EINTR)
		;
}

/* Removes what builds that were interrupted left in a unit's folder. */
static void sweep(const char *folder)
{
	DIR *dir = opendir(folder);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (str_has_suffix(e->d_name, ".tmp"))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
}

/* The kernel fixes these places up in its own image only; read the variables instead. */
static const char *const no_runtime_const[] = {
	"-D_ASM_RUNTIME_CONST_H",
	"-Druntime_const_ptr(sym)=(sym)",
	"-Druntime_const_shift_right_32(val,sym)=((u32)(val) >> (sym))",
	"-Druntime_const_init(type,sym)=do { } while (0)",
};

static const char *const section_flags[] = { "-ffunction-sections", "-fdata-sections", "-pipe" };

static const char *const types_flags[] = { COMPILE_TYPES_FLAGS };

static int add_all(struct name_list *list, const char *const *words, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = name_list_add(list, words[i]);
	return r;
}

/* kbuild's command ("… -c -o OBJECT SOURCE") with another output, and sections. Its choice of
 * debugging data would come on top of ours. */
static int make_arguments(const struct unit *u, bool sections, const char *output,
			  struct name_list *ret, struct error *err)
{
	const struct name_list *command = &u->command;
	size_t n = command->n;
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < n; i++) {
		if (str_has_prefix(command->items[i], "-Wp,-MMD") ||
		    (sections && str_has_prefix(command->items[i], "-g")))
			continue;
		if (streq(command->items[i], "-o")) {
			i++;
			continue;
		}
		r = name_list_add(ret, command->items[i]);
	}
	if (r == 0 && sections)
		r = add_all(ret, section_flags, ARRAY_SIZE(section_flags));
	if (r == 0 && sections)
		r = add_all(ret, types_flags, ARRAY_SIZE(types_flags));
	if (r == 0 && sections && u->runtime_const)
		r = add_all(ret, no_runtime_const, ARRAY_SIZE(no_runtime_const));
	if (r == 0)
		r = add_all(ret, (const char *const[]){ "-o", output, command->items[n - 1] }, 3);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

/* Patched sources may include <suture/livepatch.h>. */
static int offer_header(const struct unit *u, const struct overlay *overlay, struct name_list *ret)
{
	char define[UNIT_ID_MAX + 32];

	snprintf(define, sizeof(define), "-DSUTURE_UNIT=\"%s\"", u->id);
	return add_all(ret, (const char *const[]){ "-I", overlay_folder(overlay), define }, 3);
}

/* Where a unit's objects are in the cache. Each is written under a temporary name first. */
struct job {
	struct unit *unit;
	char *folder;
	char *original, *patched;
	char *original_tmp, *patched_tmp; /* unset if it is there already */
	bool again;                       /* to be compiled once more, in another way */
};

static void forget_paths(struct job *j)
{
	free(j->original);
	free(j->patched);
	free(j->original_tmp);
	free(j->patched_tmp);
	j->original = j->patched = j->original_tmp = j->patched_tmp = NULL;
}

static void job_free(struct job *j)
{
	forget_paths(j);
	free(j->folder);
}

/* The names of the unit's objects, which say which variant they are. */
static int name_objects(struct job *j, const char *key, struct error *err)
{
	_cleanup_free_ char *other = path_join(j->folder, "original-runtime.o", NULL);

	forget_paths(j);
	if (other && file_exists(other))
		j->unit->runtime_const = true;
	j->original = path_join(j->folder,
				j->unit->runtime_const ? "original-runtime.o" : "original.o", NULL);
	if (asprintf(&j->patched, "%s/patched%s-%.32s.o", j->folder,
		     j->unit->runtime_const ? "-runtime" : "", key) < 0)
		j->patched = NULL;
	if (!other || !j->original || !j->patched ||
	    (!file_exists(j->original) &&
	     asprintf(&j->original_tmp, "%s.%d.tmp", j->original, (int)getpid()) < 0) ||
	    (!file_exists(j->patched) &&
	     asprintf(&j->patched_tmp, "%s.%d.tmp", j->patched, (int)getpid()) < 0))
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return 0;
}

/* Adds the unit's calls of the compiler: what is not in the cache. */
static int plan(const struct kbuild *kb, const struct overlay *overlay, const char *key,
		struct job *j, struct compile_tasks *tasks, struct error *err)
{
	int r = name_objects(j, key, err);
	struct compile_task *t;

	if (r == 0 && j->patched_tmp) {
		_cleanup_name_list_ struct name_list arguments = { 0 };

		t = compile_tasks_new(tasks, kb->kernel->build);
		r = t ? make_arguments(j->unit, true, j->patched_tmp, &arguments, err)
		      : error_set(err, ERR_NO_MEMORY, "out of memory");
		if (r == 0)
			r = overlay_move(overlay, &arguments, &t->arguments, err);
		if (r == 0 && offer_header(j->unit, overlay, &t->arguments) < 0)
			r = error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (r == 0 && j->original_tmp) {
		t = compile_tasks_new(tasks, kb->kernel->build);
		r = t ? make_arguments(j->unit, true, j->original_tmp, &t->arguments, err)
		      : error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	return r < 0 ? error_prefix(err, r, "%s", j->unit->path) : 0;
}

/* Removes the patched objects of other patches: one that is tried again is the last one. */
static void remove_others(const struct job *j)
{
	DIR *dir = opendir(j->folder);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (str_has_prefix(e->d_name, "patched") && str_has_suffix(e->d_name, ".o") &&
		    !streq(e->d_name, path_base(j->patched)))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
}

static int collect(struct job *j, struct error *err)
{
	int r;

	if (j->original_tmp && rename(j->original_tmp, j->original) < 0)
		return error_set_errno(err, errno, "cannot rename %s", j->original_tmp);
	if (j->patched_tmp && rename(j->patched_tmp, j->patched) < 0)
		return error_set_errno(err, errno, "cannot rename %s", j->patched_tmp);
	buf_clear(&j->unit->original);
	buf_clear(&j->unit->patched);
	r = file_read(j->original, &j->unit->original, err);
	if (r == 0)
		r = file_read(j->patched, &j->unit->patched, err);
	if (r == 0 && j->patched_tmp)
		remove_others(j);
	return r;
}

static void remove_unfinished(const struct job *j)
{
	if (j->original_tmp)
		unlink(j->original_tmp);
	if (j->patched_tmp)
		unlink(j->patched_tmp);
}

/* Compiles what is needed of each job (only those for which `all` or `again` holds). */
static int run_round(const struct kbuild *kb, const struct overlay *overlay, const char *key,
		     struct job *jobs, size_t n, bool all, struct error *err)
{
	_cleanup_compile_tasks_ struct compile_tasks tasks = { 0 };
	int64_t start;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (all || jobs[i].again)
			r = plan(kb, overlay, key, &jobs[i], &tasks, err);
	struct output_progress progress = { .what = "compiling", .total = tasks.n };

	start = clock_monotonic_ms();
	output_progress_begin(&progress);
	if (r == 0)
		r = compile_tasks_run(&tasks, kb, &progress, err);
	output_progress_end(&progress);
	timings_add(kb->timings, TIMINGS_COMPILER, start);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (all || jobs[i].again)
			r = collect(&jobs[i], err);
	for (size_t i = 0; r < 0 && i < n; i++)
		remove_unfinished(&jobs[i]);
	return r;
}

/* Does the object hold constants that the kernel sets while it boots? */
static bool has_runtime_const(const struct buf *object)
{
	return memmem(object->data, object->len, "runtime_ptr_", 12) ||
	       memmem(object->data, object->len, "runtime_shift_", 14);
}

/* Some units include what the build generates: kbuild makes it before it compiles them. */
static int make_included(const struct kbuild *kb, const struct unit_set *set, struct error *err)
{
	_cleanup_name_list_ struct name_list objects = { 0 };
	struct error complaint = err ? *err : (struct error){ 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->n; i++)
		if (!name_list_has(&objects, set->units[i].object_path))
			r = name_list_add(&objects, set->units[i].object_path);
	if (r < 0)
		return error_set(err, r, "out of memory");
	r = unit_list_make(kb, &objects, err);
	/* What does not compile for kbuild either has said why. */
	if (r == ERR_CHILD && err)
		*err = complaint;
	return r;
}

int compile_units(const struct kbuild *kb, const struct overlay *overlay, const char *key,
		  struct unit_set *set, struct error *err)
{
	struct job *jobs = calloc(set->n + 1, sizeof(*jobs));
	bool again = false, alone;
	_cleanup_close_ int units = open_units(kb, &alone);
	int r = jobs ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = declared_write_header(overlay_folder(overlay), err);
	for (size_t i = 0; r == 0 && i < set->n; i++) {
		jobs[i].unit = &set->units[i];
		r = unit_folder(kb, &set->units[i], &jobs[i].folder, err);
		if (r == 0 && alone)
			sweep(jobs[i].folder);
	}
	share_units(units);
	if (r == 0)
		r = run_round(kb, overlay, key, jobs, set->n, true, err);
	if (r == ERR_CHILD && err && strstr(err->message, "No such file or directory")) {
		r = make_included(kb, set, err);
		if (r == 0)
			r = run_round(kb, overlay, key, jobs, set->n, true, err);
	}
	for (size_t i = 0; r == 0 && i < set->n; i++) {
		struct unit *u = &set->units[i];

		jobs[i].again = !u->runtime_const && has_runtime_const(&u->original);
		u->runtime_const |= jobs[i].again;
		again |= jobs[i].again;
	}
	if (r == 0 && again)
		r = run_round(kb, overlay, key, jobs, set->n, false, err);
	for (size_t i = 0; jobs && i < set->n; i++)
		job_free(&jobs[i]);
	free(jobs);
	if (r < 0)
		overlay_unname(overlay, err);
	return r;
}

/* Compiles the original source into a cached object, unless it is there already. */
static int compile_cached(const struct kbuild *kb, const struct unit *unit, bool sections,
			  struct buf *ret, struct error *err)
{
	_cleanup_compile_tasks_ struct compile_tasks tasks = { 0 };
	_cleanup_free_ char *folder = NULL, *path = NULL, *tmp = NULL;
	int64_t start = clock_monotonic_ms();
	bool alone;
	_cleanup_close_ int units = open_units(kb, &alone);
	int r = unit_folder(kb, unit, &folder, err);

	if (r < 0)
		return r;
	if (alone)
		sweep(folder);
	share_units(units);
	path = path_join(folder, sections ? "original.o" : "stock.o", NULL);
	if (!path || asprintf(&tmp, "%s.%d.tmp", path, (int)getpid()) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!file_exists(path)) {
		struct compile_task *t = compile_tasks_new(&tasks, kb->kernel->build);

		r = t ? make_arguments(unit, sections, tmp, &t->arguments, err)
		      : error_set(err, ERR_NO_MEMORY, "out of memory");
		if (r == 0)
			r = compile_tasks_run(&tasks, kb, NULL, err);
		timings_add(kb->timings, TIMINGS_COMPILER, start);
		if (r == 0 && rename(tmp, path) < 0)
			r = error_set_errno(err, errno, "cannot rename %s", tmp);
		if (r < 0) {
			unlink(tmp);
			return r;
		}
	}
	buf_clear(ret);
	return file_read(path, ret, err);
}

int compile_stock(const struct kbuild *kb, struct unit *unit, struct error *err)
{
	return compile_cached(kb, unit, false, &unit->stock, err);
}

/* The source that the last of the arguments names gives way to `text`, beside it. */
static int replace_source(struct name_list *arguments, const struct buf *text, struct error *err)
{
	char **last = &arguments->items[arguments->n - 1], *path;
	int r;

	if (asprintf(&path, "%s.versions.c", *last) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	free(*last);
	*last = path;
	r = file_write_atomic(path, buf_str(text), text->len, 0644, err);
	return r;
}

/* The preprocessor's output; with its marks of files and lines, which genksyms reads. *ret_source
 * is what it was made of. */
static int preprocess(const struct kbuild *kb, const struct overlay *overlay,
		      const struct buf *text, const struct unit *unit, const char *output,
		      char **ret_source, struct error *err)
{
	_cleanup_name_list_ struct name_list arguments = { 0 };
	_cleanup_compile_tasks_ struct compile_tasks tasks = { 0 };
	struct compile_task *t = compile_tasks_new(&tasks, kb->kernel->build);
	int64_t start;
	int r = t ? make_arguments(unit, false, output, overlay ? &arguments : &t->arguments, err)
		  : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && overlay)
		r = overlay_move(overlay, &arguments, &t->arguments, err);
	if (r == 0 && overlay && text)
		r = replace_source(&t->arguments, text, err);
	if (r < 0)
		return r;
	*ret_source = strdup(t->arguments.items[t->arguments.n - 1]);
	r = *ret_source ? add_all(&t->arguments, (const char *const[]){ "-E", "-D__GENKSYMS__" }, 2)
			: ERR_NO_MEMORY;
	if (r == 0 && overlay)
		r = offer_header(unit, overlay, &t->arguments);
	if (r < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	start = clock_monotonic_ms();
	r = compile_tasks_run(&tasks, kb, NULL, err);
	timings_add(kb->timings, TIMINGS_PREPROCESSOR, start);
	return r;
}

/* genksyms takes the file that it hears of first for the one that it is about. */
static int run_genksyms(const struct kbuild *kb, const char *source, const char *path,
			struct buf *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(UNIT_OBJECT_MAX);
	_cleanup_free_ char *tool = path_join(kb->kernel->build, "scripts/genksyms/genksyms", NULL);
	int r = tool ? buf_printf(&text, "# 1 \"%s\"\n", source) : ERR_NO_MEMORY;

	if (r < 0)
		return error_set(err, r, "out of memory");
	r = file_read(path, &text, err);
	if (r < 0)
		return r;

	struct process_options options = {
		.argv = (const char *const[]){ tool, "-r", "/dev/null", NULL },
		.cwd = kb->kernel->build,
		.timeout_ms = GENKSYMS_TIMEOUT_MS,
		.input = text.data,
		.input_len = text.len,
		.out = ret,
	};

	return process_run(&options, NULL, err);
}

int compile_versions(const struct kbuild *kb, const struct overlay *overlay, const struct buf *text,
		     const struct unit *unit, struct buf *ret, struct error *err)
{
	_cleanup_scratch_ struct scratch *scratch = NULL;
	_cleanup_free_ char *source = NULL, *output = NULL;
	int r = scratch_new(&scratch, err);

	if (r < 0)
		return r;
	output = path_join(scratch_path(scratch), "unit.i", NULL);
	if (!output)
		r = error_set(err, ERR_NO_MEMORY, "out of memory");
	if (r == 0)
		r = preprocess(kb, overlay, text, unit, output, &source, err);
	if (r == 0)
		r = run_genksyms(kb, source, output, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", unit->path) : 0;
}

/* The units of one source file, by the kernel's list. */
static int add_units_of(const struct kbuild *kb, const char *path, struct unit_set *set,
			struct error *err)
{
	_cleanup_unit_list_ struct unit_list list = { 0 };
	int r = unit_list_load(kb, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		_cleanup_name_list_ struct name_list command = { 0 };

		if (!streq(list.entries[i].source, path) || !unit_entry_is_kernel(&list.entries[i]))
			continue;
		r = command_parse(list.entries[i].command, &command, err);
		if (r == 0)
			r = unit_set_add(set, path, list.entries[i].object, &command, err);
	}
	return r;
}

static int no_unit(const struct kbuild *kb, const char *path, struct error *err)
{
	_cleanup_free_ char *full = path_join(kb->source, path, NULL);

	if (full && path[0] != '/' && file_exists(full))
		return error_set(err, ERR_NOT_FOUND,
				 "is not compiled in this kernel's configuration");
	error_set(err, ERR_NOT_FOUND, "the source has no such file");
	error_hint(err, "name it as a patch does, fs/proc/version.c, below %s", kb->source);
	return ERR_NOT_FOUND;
}

int compile_original(const struct kbuild *kb, const char *path, struct unit_set *ret,
		     struct error *err)
{
	_cleanup_unit_set_ struct unit_set set = { 0 };
	int r = add_units_of(kb, path, &set, err);

	if (r == 0 && set.n == 0)
		return no_unit(kb, path, err);
	for (size_t i = 0; r == 0 && i < set.n; i++)
		r = compile_cached(kb, &set.units[i], true, &set.units[i].original, err);
	if (r == ERR_CHILD && err && strstr(err->message, "No such file or directory")) {
		r = make_included(kb, &set, err);
		for (size_t i = 0; r == 0 && i < set.n; i++)
			r = compile_cached(kb, &set.units[i], true, &set.units[i].original, err);
	}
	if (r < 0)
		return r;
	*ret = set;
	set = (struct unit_set){ 0 };
	return 0;
}
