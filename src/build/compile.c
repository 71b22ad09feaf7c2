/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/compile.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "build/command.h"
#include "build/declared.h"
#include "build/included.h"
#include "build/patch_file.h"

#define OBJECT_MAX         (256 * 1024 * 1024)
#define COMMAND_MAX        (1024 * 1024)
#define COMPILE_TIMEOUT_MS (10 * 60 * 1000)
#define COMPILE_OUTPUT_MAX (16 * 1024 * 1024)
#define WORKERS_MAX        64

void unit_free(struct unit *u)
{
	free(u->object_path);
	free(u->object);
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

/* One call of the compiler. */
struct task {
	struct name_list arguments;
	char *output; /* where the object goes */
	const char *cwd;
	struct error err;
	int result;
};

struct tasks {
	struct task *items;
	size_t n;
	atomic_size_t next;
};

static void tasks_free(struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->n; i++) {
		name_list_free(&tasks->items[i].arguments);
		free(tasks->items[i].output);
	}
	free(tasks->items);
}

static void run_task(struct task *t)
{
	_cleanup_buf_ struct buf out = BUF_INIT(COMPILE_OUTPUT_MAX);
	_cleanup_free_ const char **argv = calloc(t->arguments.n + 1, sizeof(*argv));
	int status;

	if (!argv) {
		t->result = error_set(&t->err, ERR_NO_MEMORY, "out of memory");
		return;
	}
	for (size_t i = 0; i < t->arguments.n; i++)
		argv[i] = t->arguments.items[i];

	struct process_options options = {
		.argv = argv,
		.env = (const char *const[]){ "LC_ALL=C", "SOURCE_DATE_EPOCH=0", NULL },
		.cwd = t->cwd,
		.timeout_ms = COMPILE_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};

	t->result = process_run(&options, &status, &t->err);
	if (t->result == 0 && status != 0) {
		char why[512];

		if (strstr(buf_str(&out), "No space left on device")) {
			t->result = error_set(&t->err, -ENOSPC, "the compiler: the disk is full");
			return;
		}

		kbuild_first_error(buf_str(&out), why, sizeof(why));
		t->result = error_set(&t->err, ERR_CHILD, "does not compile: %s", why);
	}
}

static void *work(void *user)
{
	struct tasks *tasks = user;

	for (;;) {
		size_t i = atomic_fetch_add(&tasks->next, 1);

		if (i >= tasks->n)
			return NULL;
		run_task(&tasks->items[i]);
	}
}

/* Runs all tasks, as many at a time as there are jobs; the first failure in their order counts. */
static int run_tasks(struct tasks *tasks, int jobs, struct error *err)
{
	pthread_t threads[WORKERS_MAX];
	size_t want = MIN((size_t)MAX(jobs, 1), MIN(tasks->n, (size_t)WORKERS_MAX)), n = 0;

	while (n + 1 < want && pthread_create(&threads[n], NULL, work, tasks) == 0)
		n++;
	work(tasks);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < tasks->n; i++)
		if (tasks->items[i].result < 0) {
			if (err)
				*err = tasks->items[i].err;
			return tasks->items[i].result;
		}
	return 0;
}

static int name_unit(const char *path, struct unit *u, struct error *err)
{
	_cleanup_free_ char *id = strndup(path, strlen(path) - strlen(".c"));
	char hex[SHA256_HEX_LEN + 1];

	if (!id || asprintf(&u->object_path, "%s.o", id) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (char *p = id; *p; p++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", *p))
			*p = '_';

	/* sound/ac97/bus.c and sound/ac97_bus.c look alike by now. */
	int r = hash_sha256_hex(path, strlen(path), hex);

	if (r < 0)
		return error_set(err, r, "cannot hash");
	snprintf(u->id, sizeof(u->id), "%.55s_%.8s", id, hex);
	return 0;
}

/* The folder of a unit in the kernel's cache: another one for another source or compiler, whose
 * objects would differ. */
static char *unit_folder(const struct kbuild *kb, const struct unit *u)
{
	char source[SHA256_HEX_LEN + 1], compiler[SHA256_HEX_LEN + 1];
	_cleanup_free_ char *name = NULL;

	if (hash_sha256_hex(u->file->original.data, u->file->original.len, source) < 0 ||
	    hash_sha256_hex(kb->compiler_version, strlen(kb->compiler_version), compiler) < 0 ||
	    asprintf(&name, "%s-%.8s%s-%.16s", u->id, compiler, kb->writes_types ? "t" : "",
		     source) < 0)
		return NULL;
	return path_join(kb->kernel->folder, "units", name, NULL);
}

/* Where kbuild leaves the command of an object that it has compiled: DIR/.NAME.o.cmd. */
static char *command_path(const struct kbuild *kb, const struct unit *u)
{
	const char *base = path_base(u->object_path);
	char *path = NULL;

	if (asprintf(&path, "%s/%.*s.%s.cmd", kb->kernel->build, (int)(base - u->object_path),
		     u->object_path, base) < 0)
		return NULL;
	return path;
}

/* Finds the compiler's call for the object among what `make -n` would run, and appends it in the
 * form of a .cmd file. Appends nothing if there is none. */
static int find_call(const struct kbuild *kb, const struct unit *u, const char *output,
		     struct buf *text)
{
	_cleanup_free_ char *call = NULL, *target = NULL;

	if (asprintf(&call, " %s -Wp,-MMD,", kb->compiler) < 0 ||
	    asprintf(&target, " -c -o %s ", u->object_path) < 0)
		return ERR_NO_MEMORY;
	for (const char *p = output; *p;) {
		size_t len = strcspn(p, "\n");
		const char *start = memmem(p, len, call, strlen(call));
		const char *end = memmem(p, len, target, strlen(target));

		if (start && end && start < end) {
			int r = buf_printf(text, "savedcmd_%s := ", u->object_path);

			return r < 0 ? r
				     : buf_append(text, start + 1, (size_t)(p + len - start - 1));
		}
		p += len + (p[len] == '\n');
	}
	return 0;
}

/* Asks kbuild what it would run for the object; nothing in `text` if it would not compile it. */
static int ask_kbuild(const struct kbuild *kb, const struct unit *u, struct buf *text,
		      struct error *err)
{
	struct error made = { 0 };
	_cleanup_close_ int lock = -1;
	_cleanup_buf_ struct buf output = BUF_INIT(COMPILE_OUTPUT_MAX);
	_cleanup_free_ char *cmd = command_path(kb, u);
	int r = cmd ? kernel_lock(kb->kernel->release, NULL, &lock, err) : ERR_NO_MEMORY;

	if (r < 0)
		return r;
	/* An object that is there already, and its command with it: `make -n` would skip it. */
	if (file_exists(cmd)) {
		_cleanup_buf_ struct buf all = BUF_INIT(COMMAND_MAX);

		r = file_read(cmd, &all, err);
		return r < 0 ? r : buf_append(text, all.data, strcspn(buf_str(&all), "\n"));
	}
	r = kbuild_make(
		kb,
		(const char *const[]){ "-n", "OBJECT_FILES_NON_STANDARD=y", u->object_path, NULL },
		&output, &made);
	if (r == ERR_CHILD && strstr(buf_str(&output), "No rule to make target"))
		return 0;
	if (r < 0) {
		if (err)
			*err = made;
		return error_prefix(err, r, "%s", u->file->path);
	}
	r = find_call(kb, u, buf_str(&output), text);
	return r < 0 ? error_set(err, r, "%s: cannot read its command line", u->file->path) : 0;
}

/* The command line as the kernel's cache has it, from kbuild if need be. Leaves *ret empty if the
 * configuration does not compile the file. */
static int get_command(const struct kbuild *kb, const struct unit *u, const char *folder,
		       struct name_list *ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, "command", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(COMMAND_MAX);
	int r = path ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r < 0)
		return r;
	if (file_exists(path)) {
		r = file_read(path, &text, err);
	} else {
		r = ask_kbuild(kb, u, &text, err);
		if (r < 0 || text.len == 0)
			return r;
		r = file_make_dirs(folder, 0755, err);
		if (r == 0)
			r = file_write_atomic(path, text.data, text.len, 0644, err);
	}
	return r < 0 ? r : command_parse(buf_str(&text), ret, err);
}

/* "vmlinux", or the module that the command line names. */
static int find_object(const struct name_list *command, struct unit *u, struct error *err)
{
	static const char key[] = "-DKBUILD_MODNAME=\"";
	const char *object = "vmlinux";
	size_t len = strlen(object);

	if (name_list_has(command, "-DMODULE"))
		for (size_t i = 0; i < command->n; i++)
			if (str_has_prefix(command->items[i], key)) {
				object = command->items[i] + strlen(key);
				len = strcspn(object, "\"");
			}
	u->object = strndup(object, len);
	return u->object ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* The kernel fixes these places up in its own image only; read the variables instead. */
static const char *const no_runtime_const[] = {
	"-D_ASM_RUNTIME_CONST_H",
	"-Druntime_const_ptr(sym)=(sym)",
	"-Druntime_const_shift_right_32(val,sym)=((u32)(val) >> (sym))",
	"-Druntime_const_init(type,sym)=do { } while (0)",
};

static const char *const section_flags[] = { "-ffunction-sections", "-fdata-sections", "-pipe" };

/* Types without line numbers, for the comparison of structures; behind another -g they would come
 * with all of DWARF. */
static const char types_flag[] = "-gbtf";

static int add_all(struct name_list *list, const char *const *words, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = name_list_add(list, words[i]);
	return r;
}

/* The folder of the original source, for `#include "…"` from a copy elsewhere. */
static int add_include_folder(struct name_list *list, const char *source)
{
	_cleanup_free_ char *folder = strndup(source, (size_t)(path_base(source) - source));
	int r = folder ? name_list_add(list, "-iquote") : ERR_NO_MEMORY;

	return r < 0 ? r : name_list_add(list, folder);
}

/* kbuild's command with another source and output, and sections. Its choice of debugging data would
 * come on top of ours. */
static int make_task(const struct kbuild *kb, const struct unit *u, const struct name_list *command,
		     bool sections, const char *source, const char *output, struct task *t)
{
	int r = 0;
	size_t n = command->n;

	/* "… -c -o OBJECT SOURCE" */
	for (size_t i = 0; r == 0 && i + 1 < n; i++) {
		if (str_has_prefix(command->items[i], "-Wp,-MMD") ||
		    (sections && str_has_prefix(command->items[i], "-g")))
			continue;
		if (streq(command->items[i], "-o")) {
			i++;
			continue;
		}
		r = name_list_add(&t->arguments, command->items[i]);
	}
	if (r == 0 && sections)
		r = add_all(&t->arguments, section_flags, ARRAY_SIZE(section_flags));
	if (r == 0 && sections)
		r = name_list_add(&t->arguments, kb->writes_types ? types_flag : "-g0");
	if (r == 0 && sections && u->runtime_const)
		r = add_all(&t->arguments, no_runtime_const, ARRAY_SIZE(no_runtime_const));
	if (r == 0)
		r = add_include_folder(&t->arguments, command->items[n - 1]);
	if (r == 0)
		r = add_all(&t->arguments, (const char *const[]){ "-o", output, source }, 3);
	t->output = strdup(output);
	return r < 0 ? r : t->output ? 0 : ERR_NO_MEMORY;
}

/* Patched sources may include <suture/livepatch.h>. */
static int offer_header(const struct unit *u, const char *tmp, struct task *t)
{
	char define[UNIT_ID_MAX + 32];

	snprintf(define, sizeof(define), "-DSUTURE_UNIT=\"%s\"", u->id);
	return add_all(&t->arguments, (const char *const[]){ "-I", tmp, define }, 3);
}

/* What is needed to compile one unit, and where its results go. */
struct job {
	struct unit *unit;
	struct name_list command;
	char *folder;       /* in the cache */
	char *original;     /* cached object */
	char *original_tmp; /* written first, then renamed; unset if cached */
	char *source, *patched;
	bool again; /* to be compiled once more, in another way */
};

static void job_free(struct job *j)
{
	name_list_free(&j->command);
	free(j->folder);
	free(j->original);
	free(j->original_tmp);
	free(j->source);
	free(j->patched);
}

/* The cached object of the original. Its name says which variant it is. */
static int name_original(struct job *j, struct error *err)
{
	_cleanup_free_ char *other = path_join(j->folder, "original-runtime.o", NULL);

	free(j->original);
	j->original = NULL;
	if (other && file_exists(other))
		j->unit->runtime_const = true;
	j->original = path_join(j->folder,
				j->unit->runtime_const ? "original-runtime.o" : "original.o", NULL);
	return other && j->original ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

static void forget_paths(struct job *j)
{
	free(j->source);
	free(j->patched);
	free(j->original_tmp);
	j->source = j->patched = j->original_tmp = NULL;
}

/* Adds the unit's calls of the compiler: the patched source, and the original unless cached. */
static int plan(const struct kbuild *kb, const struct source_set *sources, const char *tmp,
		struct job *j, struct tasks *tasks, struct error *err)
{
	struct unit *u = j->unit;
	_cleanup_buf_ struct buf text = BUF_INIT(2 * SOURCE_FILE_MAX);
	int r = name_original(j, err);

	if (r < 0)
		return r;
	forget_paths(j);
	if (asprintf(&j->source, "%s/%s.c", tmp, u->id) < 0 ||
	    asprintf(&j->patched, "%s/%s.o", tmp, u->id) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = source_file_text(sources, u->file, &text);
	if (r == 0)
		r = file_write_atomic(j->source, text.data, text.len, 0644, err);
	if (r == 0) {
		tasks->items[tasks->n].cwd = kb->kernel->build;
		r = make_task(kb, u, &j->command, true, j->source, j->patched,
			      &tasks->items[tasks->n]);
		if (r == 0)
			r = offer_header(u, tmp, &tasks->items[tasks->n]);
		tasks->n++;
	}
	if (r == 0 && !file_exists(j->original)) {
		if (asprintf(&j->original_tmp, "%s.%d.tmp", j->original, (int)getpid()) < 0)
			return error_set(err, ERR_NO_MEMORY, "out of memory");
		tasks->items[tasks->n].cwd = kb->kernel->build;
		r = make_task(kb, u, &j->command, true, j->command.items[j->command.n - 1],
			      j->original_tmp, &tasks->items[tasks->n++]);
	}
	return r < 0 ? error_prefix(err, r, "%s", u->file->path) : 0;
}

static int collect(struct job *j, struct error *err)
{
	int r;

	if (j->original_tmp && rename(j->original_tmp, j->original) < 0)
		return error_set_errno(err, errno, "cannot rename %s", j->original_tmp);
	buf_clear(&j->unit->original);
	buf_clear(&j->unit->patched);
	r = file_read(j->original, &j->unit->original, err);
	return r < 0 ? r : file_read(j->patched, &j->unit->patched, err);
}

/* Compiles what is needed of each job (only those for which `all` or runtime_const holds). */
static int run_round(const struct kbuild *kb, const struct source_set *sources, const char *tmp,
		     struct job *jobs, size_t n, bool all, struct error *err)
{
	struct tasks tasks = { .items = calloc(2 * n + 1, sizeof(struct task)) };
	int r = tasks.items ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	for (size_t i = 0; r == 0 && i < n; i++)
		if (all || jobs[i].again)
			r = plan(kb, sources, tmp, &jobs[i], &tasks, err);
	if (r == 0)
		r = run_tasks(&tasks, kb->jobs, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (all || jobs[i].again)
			r = collect(&jobs[i], err);
	for (size_t i = 0; r < 0 && i < n; i++)
		if (jobs[i].original_tmp)
			unlink(jobs[i].original_tmp);
	if (tasks.items)
		tasks_free(&tasks);
	return r;
}

/* Does the object hold constants that the kernel sets while it boots? */
static bool has_runtime_const(const struct buf *object)
{
	return memmem(object->data, object->len, "runtime_ptr_", 12) ||
	       memmem(object->data, object->len, "runtime_shift_", 14);
}

static int run_jobs(const struct kbuild *kb, const struct source_set *sources, struct job *jobs,
		    size_t n, struct error *err)
{
	char tmp[] = "/tmp/suture-build-XXXXXX";
	bool again = false;
	int r;

	if (!mkdtemp(tmp))
		return error_set_errno(err, errno, "cannot make a folder under /tmp");
	r = declared_write_header(tmp, err);
	if (r == 0)
		r = run_round(kb, sources, tmp, jobs, n, true, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct unit *u = jobs[i].unit;

		jobs[i].again = !u->runtime_const && has_runtime_const(&u->original);
		u->runtime_const |= jobs[i].again;
		again |= jobs[i].again;
	}
	if (r == 0 && again)
		r = run_round(kb, sources, tmp, jobs, n, false, err);
	(void)file_remove_tree(tmp, NULL);
	return r;
}

/* Compiles the original source into a cached object, unless it is there already. */
static int compile_cached(const struct kbuild *kb, const struct unit *unit,
			  const struct name_list *command, const char *folder, bool sections,
			  struct buf *ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, sections ? "original.o" : "stock.o", NULL);
	_cleanup_free_ char *tmp = NULL;
	struct task task = { .cwd = kb->kernel->build };
	struct tasks tasks = { .items = &task, .n = 1 };
	int r = 0;

	if (!path || asprintf(&tmp, "%s.%d.tmp", path, (int)getpid()) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!file_exists(path)) {
		r = make_task(kb, unit, command, sections, command->items[command->n - 1], tmp,
			      &task);
		if (r == 0)
			r = run_tasks(&tasks, 1, err);
		name_list_free(&task.arguments);
		free(task.output);
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
	_cleanup_free_ char *folder = unit_folder(kb, unit);
	_cleanup_name_list_ struct name_list command = { 0 };
	int r = folder ? get_command(kb, unit, folder, &command, err)
		       : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && command.n < 4)
		r = error_set(err, ERR_INVALID, "%s has no command line", unit->file->path);
	return r < 0 ? r : compile_cached(kb, unit, &command, folder, false, &unit->stock, err);
}

/* The preprocessor's output; with its marks of files and lines, which genksyms reads. */
static int preprocess(const struct kbuild *kb, const struct unit *unit, const char *source,
		      const char *output, struct error *err)
{
	_cleanup_free_ char *folder = unit_folder(kb, unit);
	_cleanup_name_list_ struct name_list command = { 0 };
	struct task task = { .cwd = kb->kernel->build };
	struct tasks tasks = { .items = &task, .n = 1 };
	int r = folder ? get_command(kb, unit, folder, &command, err)
		       : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && command.n < 4)
		r = error_set(err, ERR_INVALID, "%s has no command line", unit->file->path);
	if (r == 0)
		r = make_task(kb, unit, &command, false,
			      source ? source : command.items[command.n - 1], output, &task);
	if (r == 0)
		r = add_all(&task.arguments, (const char *const[]){ "-E", "-D__GENKSYMS__" }, 2);
	if (r == 0)
		r = run_tasks(&tasks, 1, err);
	name_list_free(&task.arguments);
	free(task.output);
	return r;
}

/* genksyms takes the file that it hears of first for the one that it is about; a patched copy's
 * name must not be that. */
static int run_genksyms(const struct kbuild *kb, const struct unit *unit, const char *path,
			struct buf *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(OBJECT_MAX);
	_cleanup_free_ char *tool = path_join(kb->kernel->build, "scripts/genksyms/genksyms", NULL);
	int r = tool ? buf_printf(&text, "# 1 \"%s/%s\"\n", kb->source, unit->file->path)
		     : ERR_NO_MEMORY;

	if (r < 0)
		return error_set(err, r, "out of memory");
	r = file_read(path, &text, err);
	if (r < 0)
		return r;

	struct process_options options = {
		.argv = (const char *const[]){ tool, "-r", "/dev/null", NULL },
		.cwd = kb->kernel->build,
		.timeout_ms = COMPILE_TIMEOUT_MS,
		.input = text.data,
		.input_len = text.len,
		.out = ret,
	};

	return process_run(&options, NULL, err);
}

int compile_versions(const struct kbuild *kb, const struct buf *text, const struct unit *unit,
		     struct buf *ret, struct error *err)
{
	char tmp[] = "/tmp/suture-build-XXXXXX";
	_cleanup_free_ char *source = NULL, *output = NULL;
	int r = 0;

	if (!mkdtemp(tmp))
		return error_set_errno(err, errno, "cannot make a folder under /tmp");
	source = path_join(tmp, "unit.c", NULL);
	output = path_join(tmp, "unit.i", NULL);
	if (!source || !output)
		r = error_set(err, ERR_NO_MEMORY, "out of memory");
	if (r == 0 && text)
		r = file_write_atomic(source, text->data, text->len, 0644, err);
	if (r == 0)
		r = preprocess(kb, unit, text ? source : NULL, output, err);
	if (r == 0)
		r = run_genksyms(kb, unit, output, ret, err);
	(void)file_remove_tree(tmp, NULL);
	return r < 0 ? error_prefix(err, r, "%s", unit->file->path) : 0;
}

int compile_original(const struct kbuild *kb, const struct source_file *file, struct unit *ret,
		     struct error *err)
{
	struct unit u = { .file = file };
	_cleanup_name_list_ struct name_list command = { 0 };
	_cleanup_free_ char *folder = NULL;
	int r = name_unit(file->path, &u, err);

	u.stock = u.original = u.patched = BUF_INIT(OBJECT_MAX);
	if (r == 0) {
		folder = unit_folder(kb, &u);
		r = folder ? get_command(kb, &u, folder, &command, err)
			   : error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (r == 0 && command.n < 4)
		r = error_set(err, ERR_NOT_FOUND,
			      "%s is not compiled in this kernel's configuration", file->path);
	if (r == 0)
		r = find_object(&command, &u, err);
	if (r == 0)
		r = compile_cached(kb, &u, &command, folder, true, &u.original, err);
	if (r < 0) {
		unit_free(&u);
		return r;
	}
	*ret = u;
	return 0;
}

static int refuse(struct reason_list *reasons, enum reason_code code, const char *path,
		  const char *why, struct error *err)
{
	int r = reason_add(reasons, code, path, NULL, "%s", why);

	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

/* Does this kernel compile the file as a part of `candidate` too? */
static int check_includer(const struct kbuild *kb, const char *candidate, const char *path,
			  struct reason_list *reasons, struct error *err)
{
	struct source_file file = { .path = (char *)candidate };
	struct unit u = { .file = &file };
	_cleanup_name_list_ struct name_list command = { 0 };
	_cleanup_free_ char *folder = NULL, *why = NULL;
	int r = name_unit(candidate, &u, err);

	if (r < 0)
		return r;
	folder = unit_folder(kb, &u);
	/* One that this kernel does not compile has no command, or none that is understood. */
	if (!folder)
		r = error_set(err, ERR_NO_MEMORY, "out of memory");
	else if (get_command(kb, &u, folder, &command, NULL) == 0 && command.n >= 4 &&
		 included_is_read(&command, kb->kernel->build, path)) {
		if (asprintf(&why, "is compiled as part of %s too, which is not supported",
			     candidate) < 0)
			r = error_set(err, ERR_NO_MEMORY, "out of memory");
		else
			r = refuse(reasons, REASON_INCLUDED_FILE, path, why, err);
	}
	free(u.object_path);
	return r;
}

/* Replaced only in one of the places where it is, a fix would be half a fix. */
static int check_included(const struct kbuild *kb, const char *path, struct reason_list *reasons,
			  struct error *err)
{
	_cleanup_name_list_ struct name_list candidates = { 0 };
	int r = included_candidates(kb->source, path, &candidates, err);

	for (size_t i = 0; r == 0 && i < candidates.n; i++)
		if (!patch_path_refusal(candidates.items[i], NULL))
			r = check_includer(kb, candidates.items[i], path, reasons, err);
	return r;
}

/* Names the unit and finds its command; *ret_use is false if it is not compiled at all. */
static int begin_job(const struct kbuild *kb, const struct source_file *file, struct unit *u,
		     struct job *j, struct reason_list *reasons, bool *ret_use, struct error *err)
{
	u->file = file;
	u->stock = u->original = u->patched = BUF_INIT(OBJECT_MAX);
	j->unit = u;

	int r = name_unit(file->path, u, err);

	if (r < 0)
		return r;
	j->folder = unit_folder(kb, u);
	if (!j->folder)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = get_command(kb, u, j->folder, &j->command, err);
	if (r < 0)
		return r;
	r = check_included(kb, file->path, reasons, err);
	if (r < 0)
		return r;
	*ret_use = j->command.n >= 4;
	if (!*ret_use)
		return refuse(reasons, REASON_NOT_COMPILED, file->path,
			      "is not compiled in this kernel's configuration", err);
	return find_object(&j->command, u, err);
}

int compile_units(const struct kbuild *kb, const struct source_set *sources,
		  struct reason_list *reasons, struct unit_set *ret, struct error *err)
{
	struct unit_set set = { .units = calloc(sources->n + 1, sizeof(struct unit)) };
	struct job *jobs = calloc(sources->n + 1, sizeof(*jobs));
	size_t n = 0;
	int r = set.units && jobs ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	for (size_t i = 0; r == 0 && i < sources->n; i++) {
		bool use = false;

		if (!source_file_changed(sources->files[i]))
			continue;
		set.n++;
		n++;
		r = begin_job(kb, sources->files[i], &set.units[n - 1], &jobs[n - 1], reasons, &use,
			      err);
		if (r == 0 && !use) {
			unit_free(&set.units[--set.n]);
			job_free(&jobs[--n]);
		}
	}
	if (r == 0)
		r = run_jobs(kb, sources, jobs, n, err);
	for (size_t i = 0; jobs && i < n; i++)
		job_free(&jobs[i]);
	free(jobs);
	if (r < 0) {
		unit_set_free(&set);
		return r;
	}
	*ret = set;
	return 0;
}
