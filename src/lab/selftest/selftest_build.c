// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/selftest/selftest_build.h"

#include <stdio.h>

#include "base/file.h"
#include "base/process.h"

#define BUILD_MS    600000
#define LOG_MAX     (1024 * 1024)
#define CONFIG_MAX  (4 * 1024 * 1024)
#define SAID_LINES  20
#define COMPILER    "CONFIG_CC_VERSION_TEXT=\""
#define WORD_LETTER "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+"

/* The end of the compiler's output. */
static void keep_said(const struct buf *log, char ret[static SELFTEST_SAID_MAX])
{
	const char *text = buf_str(log);
	size_t start = log->len, n = 0;

	for (int lines = 0; start > 0 && log->len - start < SELFTEST_SAID_MAX - 1; start--)
		if (text[start - 1] == '\n' && start < log->len && ++lines == SAID_LINES)
			break;
	for (size_t i = start; i < log->len; i++) {
		char c = text[i];

		ret[n++] = (c >= ' ' && c <= '~') || c == '\n' ? c : '?';
	}
	ret[n] = 0;
}

/* The compiler that the kernel was built with, by the first word that its configuration has of it.
 */
static int find_compiler(const struct kernel *kernel, char *ret, size_t size, struct error *err)
{
	_cleanup_buf_ struct buf config = BUF_INIT(CONFIG_MAX);
	int r = file_read(kernel->config, &config, err);
	const char *at = r < 0 ? NULL : strstr(buf_str(&config), "\n" COMPILER);

	if (r < 0)
		return r;
	at = at ? at + 1 + strlen(COMPILER) : "gcc";
	snprintf(ret, size, "%.*s", (int)strspn(at, WORD_LETTER), at);
	return ret[0] ? 0 : error_set(err, ERR_INVALID, "%s: no compiler", kernel->config);
}

static int run(const char *const *argv, char said[static SELFTEST_SAID_MAX], struct error *err)
{
	static const char *const plain[] = { "LC_ALL=C", NULL };
	_cleanup_buf_ struct buf log = BUF_INIT(LOG_MAX);
	int status = 0;
	int r = process_run(&(struct process_options){ .argv = argv,
						       .env = plain,
						       .timeout_ms = BUILD_MS,
						       .out = &log,
						       .errout = &log },
			    &status, err);

	if (r < 0 || status == 0)
		return r;
	keep_said(&log, said);
	return error_set(err, ERR_CHILD, "%s ended with status %d", argv[0], status);
}

static int copy_all(const struct path_list *list, const char *dir, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		_cleanup_free_ char *to = path_join(dir, path_base(list->items[i]), NULL);

		r = to ? file_copy_new(list->items[i], to, err)
		       : error_set(err, ERR_NO_MEMORY, "selftests");
	}
	return r;
}

/* A makefile for what was found: those of the kernel differ from series to series. */
static int write_makefile(const struct path_list *modules, const char *dir, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, "Makefile", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(64 * 1024);
	int r = path ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; r == 0 && i < modules->n; i++) {
		const char *name = path_base(modules->items[i]);

		r = buf_printf(&text, "obj-m += %.*s.o\n", (int)strlen(name) - 2, name);
	}
	return r < 0 ? error_set(err, r, "selftests")
		     : file_write_atomic(path, text.data, text.len, 0644, err);
}

/* Adds DIR/NAME.ENDING for each source NAME.c. */
static int add_built(const struct path_list *sources, const char *dir, const char *ending,
		     struct path_list *ret, struct error *err)
{
	for (size_t i = 0; i < sources->n; i++) {
		const char *name = path_base(sources->items[i]);
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%.*s%s", dir, (int)strlen(name) - 2, name, ending) < 0 ||
		    path_list_add(ret, path) < 0)
			return error_set(err, ERR_NO_MEMORY, "selftests");
		if (!file_exists(path))
			return error_set(err, ERR_CHILD, "%s was not made", path_base(path));
	}
	return 0;
}

static int build_modules(const struct kernel *kernel, const struct selftest_files *files,
			 const char *dir, const char *compiler, int jobs,
			 struct selftest_built *ret, struct error *err)
{
	_cleanup_free_ char *folder = NULL, *cc = NULL, *parallel = NULL;
	int r = copy_all(&files->modules, dir, err);

	if (r == 0)
		r = write_makefile(&files->modules, dir, err);
	if (r < 0)
		return r;
	if (asprintf(&folder, "M=%s", dir) < 0 || asprintf(&cc, "CC=%s", compiler) < 0 ||
	    asprintf(&parallel, "-j%d", jobs) < 0)
		return error_set(err, ERR_NO_MEMORY, "selftests");
	/* Without debug information and BTF: both only cost time. */
	const char *const argv[] = { "make",
				     "-C",
				     kernel->build,
				     folder,
				     cc,
				     parallel,
				     "CONFIG_DEBUG_INFO_BTF_MODULES=",
				     "KCFLAGS=-g0",
				     "modules",
				     NULL };

	r = run(argv, ret->said, err);
	return r < 0 ? r : add_built(&files->modules, dir, ".ko", &ret->modules, err);
}

static int build_programs(const struct selftest_files *files, const char *dir, const char *compiler,
			  struct selftest_built *ret, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->programs.n; i++) {
		const char *source = files->programs.items[i], *name = path_base(source);
		_cleanup_free_ char *out = NULL;

		if (asprintf(&out, "%s/%.*s", dir, (int)strlen(name) - 2, name) < 0)
			return error_set(err, ERR_NO_MEMORY, "selftests");
		r = run((const char *const[]){ compiler, "-O2", "-static", "-o", out, source,
					       NULL },
			ret->said, err);
	}
	return r < 0 ? r : add_built(&files->programs, dir, "", &ret->programs, err);
}

int selftest_build(const struct kernel *kernel, const struct selftest_files *files, const char *dir,
		   int jobs, struct selftest_built *ret, struct error *err)
{
	char compiler[128];
	int r = find_compiler(kernel, compiler, sizeof(compiler), err);

	if (r == 0)
		r = build_modules(kernel, files, dir, compiler, jobs, ret, err);
	if (r == 0)
		r = build_programs(files, dir, compiler, ret, err);
	return r < 0 ? error_prefix(err, r, "building the selftests") : 0;
}

void selftest_built_free(struct selftest_built *built)
{
	path_list_free(&built->modules);
	path_list_free(&built->programs);
}
