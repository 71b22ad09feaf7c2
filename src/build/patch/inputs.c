/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/inputs.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/process.h"
#include "build/unit/prebuilt.h"

#define INPUT_FILE_MAX ((size_t)256 * 1024 * 1024)
#define TREE_LIST_MAX  ((size_t)4 * 1024 * 1024)
#define TREE_DEPTH_MAX 16

static int add(struct record *rec, const char *kind, const char *name, const char *sha256,
	       struct error *err)
{
	struct record_file *grown;
	struct record_file f;

	if (rec->n_inputs == RECORD_INPUTS_MAX)
		return error_set(err, ERR_TOO_LARGE, "more than %d inputs", RECORD_INPUTS_MAX);
	memcpy(f.sha256, sha256, sizeof(f.sha256));
	grown = reallocarray(rec->inputs, rec->n_inputs + 1, sizeof(*grown));
	if (!grown)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	rec->inputs = grown;
	if (asprintf(&f.name, "%s/%s", kind, name) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	grown[rec->n_inputs++] = f;
	return 0;
}

static int add_hash(struct record *rec, const char *kind, const char *name, const void *data,
		    size_t len, struct error *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	int r = hash_sha256_hex(data, len, sha256);

	return r < 0 ? error_set(err, r, "cannot hash %s", name)
		     : add(rec, kind, name, sha256, err);
}

static int add_file(struct record *rec, const char *kind, const char *name, const char *path,
		    struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(INPUT_FILE_MAX);
	int r = file_read(path, &data, err);

	return r < 0 ? r : add_hash(rec, kind, name, data.data, data.len, err);
}

static int add_built(struct record *rec, const struct kernel *k, const char *kind, const char *name,
		     const char *file, struct error *err)
{
	_cleanup_free_ char *path = path_join(k->build, file, NULL);

	return path ? add_file(rec, kind, name, path, err)
		    : error_set(err, ERR_NO_MEMORY, "out of memory");
}

static int add_program(struct record *rec, const char *name, struct error *err)
{
	_cleanup_free_ char *path = strchr(name, '/') ? strdup(name) : process_find(name);

	if (!path)
		return error_set(err, ERR_NOT_FOUND, "there is no program %s", name);
	return add_file(rec, "program", path_base(name), path, err);
}

/* The compiler proper, which the driver calls. */
static int add_compiler(struct record *rec, const char *driver, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(64 * 1024);
	_cleanup_free_ char *path = NULL;
	struct process_options options = {
		.argv = (const char *const[]){ driver, "-print-prog-name=cc1", NULL },
		.env = (const char *const[]){ "LC_ALL=C", NULL },
		.timeout_ms = 30000,
		.out = &out,
	};
	int r = process_run(&options, NULL, err);

	if (r < 0)
		return r;
	path = strndup(buf_str(&out), strcspn(buf_str(&out), "\n"));
	return path ? add_program(rec, path, err) : error_set(err, ERR_NO_MEMORY, "out of memory");
}

static int add_programs(const struct analysis *a, struct record *rec, struct error *err)
{
	static const char *const programs[] = { "as", "x86_64-linux-gnu-ld", "strip" };
	int r = add_compiler(rec, a->kbuild->compiler, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(programs); i++)
		r = add_program(rec, programs[i], err);
	return r;
}

static int list_tree(const char *folder, const char *prefix, unsigned depth, struct buf *out,
		     struct error *err);

static int list_entry(const char *path, const char *name, unsigned depth, struct buf *out,
		      struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(INPUT_FILE_MAX);
	char sha256[SHA256_HEX_LEN + 1];
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return error_set_errno(err, errno, "cannot read %s", path);
	if (S_ISDIR(st.st_mode))
		return list_tree(path, name, depth + 1, out, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	r = file_read(path, &data, err);
	if (r == 0)
		r = hash_sha256_hex(data.data, data.len, sha256);
	return r < 0 ? r : buf_printf(out, "%s %s\n", name, sha256);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

static int skip_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Appends "PATH HASH\n" for each file of a folder, deeper ones too, in the order of names. */
static int list_tree(const char *folder, const char *prefix, unsigned depth, struct buf *out,
		     struct error *err)
{
	struct dirent **entries;
	int n = depth < TREE_DEPTH_MAX ? scandir(folder, &entries, skip_dots, NULL) : -1, r = 0;

	if (n < 0)
		return error_set_errno(err, errno, "cannot read %s", folder);
	qsort(entries, (size_t)n, sizeof(*entries), compare_entries);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = path_join(folder, entries[i]->d_name, NULL);
		_cleanup_free_ char *name = path_join(prefix, entries[i]->d_name, NULL);

		if (r == 0)
			r = path && name ? list_entry(path, name, depth, out, err) : ERR_NO_MEMORY;
		free(entries[i]);
	}
	free(entries);
	return r;
}

int inputs_hash_tree(const char *folder, char ret[static SHA256_HEX_LEN + 1], struct error *err)
{
	_cleanup_buf_ struct buf list = BUF_INIT(TREE_LIST_MAX);
	int r = list_tree(folder, "", 0, &list, err);

	if (r == 0 && hash_sha256_hex(list.data, list.len, ret) < 0)
		r = error_set(err, ERR_NO_MEMORY, "cannot hash %s", folder);
	return r;
}

/* The sources of a tool that kbuild runs on the module. The tool itself was compiled on this
 * machine, and its bytes say where. */
static int add_tree(struct record *rec, const struct kbuild *kb, const char *folder,
		    struct error *err)
{
	_cleanup_free_ char *path = path_join(kb->source, folder, NULL);
	char sha256[SHA256_HEX_LEN + 1];
	int r = path ? inputs_hash_tree(path, sha256, err)
		     : error_set(err, ERR_NO_MEMORY, "out of memory");

	return r < 0 ? r : add(rec, "source", folder, sha256, err);
}

static int add_modules(const struct analysis *a, struct record *rec, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->shipped_count; i++) {
		const char *hash = shipped_sha256(a->shipped[i]);

		if (hash)
			r = add(rec, "module", shipped_object(a->shipped[i]), hash, err);
	}
	return r;
}

static int add_sources(const struct analysis *a, struct record *rec, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && a->sources && i < a->sources->n; i++) {
		const struct source_file *f = a->sources->files[i];

		r = add_hash(rec, "source", f->path, f->original.data, f->original.len, err);
	}
	for (size_t i = 0; r == 0 && i < a->unit_set.n; i++) {
		const struct unit *u = &a->unit_set.units[i];

		if (prebuilt_is(u))
			r = add_hash(rec, "object", u->object_path, u->original.data,
				     u->original.len, err);
	}
	if (r == 0 && a->external_sha256[0])
		r = add(rec, "source", "module", a->external_sha256, err);
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct record_file *)a)->name, ((const struct record_file *)b)->name);
}

int inputs_collect(const struct analysis *a, struct record *rec, struct error *err)
{
	const struct kernel *k = a->kbuild->kernel;
	int r = add_file(rec, "kernel", "config", k->config, err);

	if (r == 0)
		r = add_built(rec, k, "kernel", "Module.symvers", "Module.symvers", err);
	if (r == 0)
		r = add_tree(rec, a->kbuild, "tools/objtool", err);
	if (r == 0)
		r = add_tree(rec, a->kbuild, "scripts/mod", err);
	if (r == 0)
		r = add_programs(a, rec, err);
	if (r == 0)
		r = add_modules(a, rec, err);
	if (r == 0)
		r = add_sources(a, rec, err);
	if (r < 0)
		return error_prefix(err, r, "the record's inputs");
	qsort(rec->inputs, rec->n_inputs, sizeof(*rec->inputs), compare);
	return 0;
}
