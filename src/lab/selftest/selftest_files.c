// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/selftest/selftest_files.h"

#include <glob.h>
#include <stdio.h>

#include "base/file.h"

#define TESTS          "tools/testing/selftests/livepatch"
#define HASH_TEXT_MAX  (1024 * 1024)
#define SCRIPT_MAX     (1024 * 1024)
#define NAME_MAX_BYTES 64

void selftest_name(const char *path, char *ret, size_t size)
{
	const char *base = path_base(path);

	base += str_has_prefix(base, "test-") ? strlen("test-") : 0;
	snprintf(ret, size, "%.*s", (int)strcspn(base, "."), base);
}

static bool has_tests(const char *tree)
{
	_cleanup_free_ char *path = path_join(tree, TESTS "/functions.sh", NULL);

	return path && file_exists(path);
}

/* A tree that real-time headers were laid over is the plain one of its version otherwise. */
int selftest_tree(const struct kernel *kernel, char **ret, struct error *err)
{
	_cleanup_free_ char *marker = path_join(kernel->folder, "prepared.json", NULL);
	_cleanup_free_ char *used = path_join(kernel->build, "source", NULL), *cached = NULL;
	bool exists = false;
	int r = 0;

	if (!marker || !used)
		return error_set(err, ERR_NO_MEMORY, "selftests");
	if (!file_exists(marker)) {
		error_set(err, ERR_NOT_FOUND, "kernel %s is not prepared for building",
			  kernel->release);
		error_hint(err, "prepare it with: suture-build kernel add %s", kernel->release);
		return ERR_NOT_FOUND;
	}
	if (kernel->source_package[0])
		r = kernel_source_folder(kernel->source_package, kernel->version, &cached, &exists,
					 err);
	if (r < 0)
		return r;
	if (has_tests(used))
		*ret = TAKE_PTR(used);
	else if (exists && has_tests(cached))
		*ret = TAKE_PTR(cached);
	else {
		error_set(err, ERR_NOT_FOUND, "kernel %s: its source has no livepatch selftests",
			  kernel->release);
		error_hint(err, "add it again with: suture-build kernel add %s", kernel->release);
		return ERR_NOT_FOUND;
	}
	return 0;
}

/* Adds the files of a folder that match, in alphabetical order, unless `leave_out` has them. */
static int find(const char *tree, const char *pattern, const struct path_list *leave_out,
		struct path_list *ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(tree, pattern, NULL);
	glob_t found = { 0 };
	int r = path ? 0 : ERR_NO_MEMORY;

	if (r == 0)
		r = glob(path, 0, NULL, &found) == GLOB_NOSPACE ? ERR_NO_MEMORY : 0;
	for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++)
		if (!leave_out || !path_list_has(leave_out, found.gl_pathv[i]))
			r = path_list_add(ret, found.gl_pathv[i]);
	globfree(&found);
	return r < 0 ? error_set(err, r, "%s/%s", tree, pattern) : 0;
}

static bool is_wanted(const char *path, const char *wanted)
{
	char a[NAME_MAX_BYTES], b[NAME_MAX_BYTES];

	selftest_name(path, a, sizeof(a));
	selftest_name(wanted, b, sizeof(b));
	return streq(a, b);
}

static int choose(const struct path_list *all, const char *const *only, struct path_list *ret,
		  struct error *err)
{
	int r = 0;

	for (size_t k = 0; only[k]; k++) {
		size_t before = ret->n;

		for (size_t i = 0; r >= 0 && i < all->n; i++)
			if (is_wanted(all->items[i], only[k]))
				r = path_list_add(ret, all->items[i]);
		if (r < 0)
			return error_set(err, r, "selftests");
		if (ret->n == before)
			return error_set(err, ERR_NOT_FOUND,
					 "%s: the kernel has no such script (or it is named twice)",
					 only[k]);
	}
	return 0;
}

/* Whether a script holds the name of a source, without its ending. */
static int is_mentioned(const struct path_list *scripts, const char *source, bool *ret,
			struct error *err)
{
	const char *name = path_base(source);
	size_t len = strlen(name) - strlen(".c");

	*ret = false;
	for (size_t i = 0; i < scripts->n && !*ret; i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(SCRIPT_MAX);
		int r = file_read(scripts->items[i], &text, err);

		if (r < 0)
			return r;
		*ret = memmem(buf_str(&text), text.len, name, len) != NULL;
	}
	return 0;
}

/* Compiling takes longer than some scripts: only what the chosen ones name. A script that makes
 * names up fails for want of its module; it never passes. */
static int keep_mentioned(const struct path_list *scripts, struct path_list *sources,
			  struct error *err)
{
	_cleanup_paths_ struct path_list kept = { 0 };
	bool mentioned;

	for (size_t i = 0; i < sources->n; i++) {
		int r = is_mentioned(scripts, sources->items[i], &mentioned, err);

		if (r == 0 && mentioned)
			r = path_list_add(&kept, sources->items[i]);
		if (r < 0)
			return error_set(err, r, "%s", sources->items[i]);
	}
	path_list_free(sources);
	*sources = kept;
	kept = (struct path_list){ 0 };
	return 0;
}

static int hash_list(const struct path_list *list, struct buf *text, struct error *err)
{
	char hash[SHA256_HEX_LEN + 1];

	for (size_t i = 0; i < list->n; i++) {
		int r = hash_sha256_file(list->items[i], hash, err);

		if (r < 0)
			return r;
		if (buf_printf(text, "%s  %s\n", hash, path_base(list->items[i])) < 0)
			return error_set(err, ERR_TOO_LARGE, "too many files");
	}
	return 0;
}

static int hash_files(struct selftest_files *f, struct error *err)
{
	const struct path_list *lists[] = { &f->scripts, &f->others, &f->modules, &f->programs };
	_cleanup_buf_ struct buf text = BUF_INIT(HASH_TEXT_MAX);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++)
		r = hash_list(lists[i], &text, err);
	return r < 0 ? r : hash_sha256_hex(text.data, text.len, f->sha256);
}

static int choose_files(const struct path_list *all, const char *const *only,
			struct selftest_files *f, struct error *err)
{
	int r = choose(all, only, &f->scripts, err);

	if (r == 0)
		r = keep_mentioned(&f->scripts, &f->modules, err);
	return r < 0 ? r : keep_mentioned(&f->scripts, &f->programs, err);
}

int selftest_files_list(const char *tree, const char *const *only, struct selftest_files *ret,
			struct error *err)
{
	_cleanup_selftest_files_ struct selftest_files f = { 0 };
	_cleanup_paths_ struct path_list all = { 0 };
	int r = find(tree, TESTS "/test-*.sh", NULL, &all, err);

	if (r == 0)
		r = find(tree, TESTS "/*.sh", &all, &f.others, err);
	if (r == 0)
		r = find(tree, TESTS "/*.c", NULL, &f.programs, err);
	if (r == 0)
		r = find(tree, TESTS "/test_modules/test_klp_*.c", NULL, &f.modules, err);
	if (r == 0 && f.modules.n == 0)
		r = find(tree, "lib/livepatch/test_klp_*.c", NULL, &f.modules, err);
	if (r < 0)
		return r;
	if (all.n == 0 || f.modules.n == 0)
		return error_set(err, ERR_NOT_FOUND, "%s: no livepatch selftests there", tree);
	if (only && only[0])
		r = choose_files(&all, only, &f, err);
	else {
		f.scripts = all;
		all = (struct path_list){ 0 };
	}
	if (r == 0)
		r = hash_files(&f, err);
	if (r < 0)
		return r;
	*ret = f;
	f = (struct selftest_files){ 0 };
	return 0;
}

void selftest_files_free(struct selftest_files *files)
{
	path_list_free(&files->scripts);
	path_list_free(&files->others);
	path_list_free(&files->modules);
	path_list_free(&files->programs);
}
