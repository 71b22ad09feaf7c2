// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/module_tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <fts.h>
#include <gelf.h>
#include <stdio.h>
#include <uthash.h>

#include "base/file.h"

#define NAME_LEN    64
#define MODULES_MAX 16384
#define WANTED_MAX  256

struct module {
	char name[NAME_LEN];
	char *path; /* NULL: built in */
	struct buf data;
	bool visited;
	UT_hash_handle hh;
};

struct module_tree {
	char *dir;
	struct module *by_name;
	struct module *order[WANTED_MAX];
	size_t n;
};

DEFINE_CLEANUP(FTS *, fts_close);
DEFINE_CLEANUP(struct archive *, archive_read_free);
DEFINE_CLEANUP(Elf *, elf_end);

static void normalise(const char *name, size_t len, char ret[static NAME_LEN])
{
	snprintf(ret, NAME_LEN, "%.*s", (int)MIN(len, (size_t)NAME_LEN), name);
	for (char *p = ret; *p; p++)
		if (*p == '-')
			*p = '_';
}

static struct module *find(const struct module_tree *tree, const char *name)
{
	struct module *m = NULL;
	char key[NAME_LEN];

	normalise(name, strlen(name), key);
	HASH_FIND_STR(tree->by_name, key, m);
	return m;
}

/* `path` NULL: built into the kernel. A path that is not of a module is passed over. */
static int add(struct module_tree *tree, const char *file, const char *path)
{
	static const char *const suffixes[] = { ".ko", ".ko.xz", ".ko.zst", ".ko.gz" };
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (str_has_suffix(file, suffixes[i]))
			len = strlen(file) - strlen(suffixes[i]);
	if (len == 0 || len >= NAME_LEN)
		return 0;
	if (HASH_COUNT(tree->by_name) >= MODULES_MAX)
		return ERR_TOO_LARGE;
	struct module *m = calloc(1, sizeof(*m)), *old = NULL;

	if (!m || (path && !(m->path = strdup(path)))) {
		free(m);
		return ERR_NO_MEMORY;
	}
	m->data = BUF_INIT(MODULE_FILE_MAX);
	normalise(file, len, m->name);
	HASH_FIND_STR(tree->by_name, m->name, old);
	if (old) {
		free(m->path);
		free(m);
		return 0;
	}
	HASH_ADD_STR(tree->by_name, name, m);
	return 0;
}

static int read_builtin(struct module_tree *tree, struct error *err)
{
	_cleanup_free_ char *path = path_join(tree->dir, "modules.builtin", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(4 * 1024 * 1024);
	char *rest = NULL;

	if (!path || !file_exists(path))
		return 0;
	int r = file_read(path, &text, err);

	if (r < 0 || text.len == 0)
		return r;
	for (char *line = strtok_r((char *)text.data, "\n", &rest); line && r == 0;
	     line = strtok_r(NULL, "\n", &rest))
		r = add(tree, path_base(line), NULL);
	return r < 0 ? error_set(err, r, "%s", path) : 0;
}

static int walk(struct module_tree *tree, struct error *err)
{
	char *const roots[] = { tree->dir, NULL };
	_cleanup_(fts_closep) FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int r = 0;

	if (!fts)
		return error_set_errno(err, errno, "%s", tree->dir);
	for (FTSENT *e; r == 0 && (e = fts_read(fts));)
		if (e->fts_info == FTS_F)
			r = add(tree, e->fts_name, e->fts_path);
	return r < 0 ? error_set(err, r, "%s: list of modules", tree->dir) : 0;
}

int module_tree_open(const char *dir, struct module_tree **ret, struct error *err)
{
	if (access(dir, R_OK | X_OK) < 0)
		return error_set_errno(err, errno, "modules: %s", dir);
	_cleanup_(module_tree_freep) struct module_tree *tree = calloc(1, sizeof(*tree));

	if (!tree || !(tree->dir = strdup(dir)))
		return error_set(err, ERR_NO_MEMORY, "modules");
	int r = walk(tree, err);

	if (r == 0)
		r = read_builtin(tree, err);
	if (r == 0)
		*ret = TAKE_PTR(tree);
	return r;
}

void module_tree_free(struct module_tree *tree)
{
	struct module *m, *next;

	if (!tree)
		return;
	HASH_ITER (hh, tree->by_name, m, next) {
		HASH_DEL(tree->by_name, m);
		buf_free(&m->data);
		free(m->path);
		free(m);
	}
	free(tree->dir);
	free(tree);
}

bool module_tree_has(const struct module_tree *tree, const char *name)
{
	const struct module *m = find(tree, name);

	return m && m->path;
}

bool module_tree_is_builtin(const struct module_tree *tree, const char *name)
{
	const struct module *m = find(tree, name);

	return m && !m->path;
}

static int decompress(const char *path, struct buf *out, struct error *err)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();
	struct archive_entry *entry;
	uint8_t block[64 * 1024];

	if (!a || archive_read_support_filter_all(a) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open_filename(a, path, sizeof(block)) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return error_set(err, ERR_INVALID, "%s: %s", path,
				 a ? archive_error_string(a) : "out of memory");
	for (;;) {
		la_ssize_t n = archive_read_data(a, block, sizeof(block));

		if (n == 0)
			return 0;
		if (n < 0)
			return error_set(err, ERR_INVALID, "%s: %s", path, archive_error_string(a));
		int r = buf_append(out, block, (size_t)n);

		if (r < 0)
			return error_set(err, r, "%s: too large", path);
	}
}

int module_tree_read_file(const char *path, struct buf *out, struct error *err)
{
	return str_has_suffix(path, ".ko") ? file_read(path, out, err) : decompress(path, out, err);
}

/* The value of the first `key=` in .modinfo after `*position`; NULL when there is none. */
static const char *next_modinfo(const Elf_Data *data, const char *key, size_t *position)
{
	const char *text = data->d_buf;
	size_t key_len = strlen(key);

	while (*position < data->d_size) {
		const char *entry = text + *position;
		size_t len = strnlen(entry, data->d_size - *position);

		if (len == data->d_size - *position)
			return NULL; /* not terminated */
		*position += len + 1;
		if (len > key_len && memcmp(entry, key, key_len) == 0 && entry[key_len] == '=')
			return entry + key_len + 1;
	}
	return NULL;
}

static Elf_Data *modinfo_section(Elf *elf)
{
	size_t names;
	GElf_Shdr section;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *name = gelf_getshdr(scn, &section)
					   ? elf_strptr(elf, names, section.sh_name)
					   : NULL;
		if (name && streq(name, ".modinfo") && section.sh_type == SHT_PROGBITS) {
			Elf_Data *data = elf_rawdata(scn, NULL);
			return data && data->d_buf ? data : NULL;
		}
	}
	return NULL;
}

static int visit(struct module_tree *tree, struct module *m, struct error *err);

/* A comma-separated list: every one must be there. */
static int visit_depends(struct module_tree *tree, const char *list, struct error *err)
{
	int r = 0;

	while (*list && r == 0) {
		char name[NAME_LEN];
		size_t len = strcspn(list, ",");

		normalise(list, len, name);
		list += len + (list[len] == ',');
		struct module *m = find(tree, name);

		if (!m)
			return error_set(err, ERR_NOT_FOUND, "module %s: not in %s", name,
					 tree->dir);
		r = visit(tree, m, err);
	}
	return r;
}

/* "pre: a b post: c": taken along where they exist. An algorithm of the crypto interface is called
 * NAME and its module NAME_generic. */
static int visit_softdep(struct module_tree *tree, const char *list, struct error *err)
{
	int r = 0;

	while (r == 0 && *(list += strspn(list, " "))) {
		char name[NAME_LEN], generic[NAME_LEN + 16];
		size_t len = strcspn(list, " ");

		normalise(list, len, name);
		list += len;
		struct module *m = find(tree, name);

		snprintf(generic, sizeof(generic), "%s_generic", name);
		if (!m)
			m = find(tree, generic);
		if (m)
			r = visit(tree, m, err);
	}
	return r;
}

static int visit_needs(struct module_tree *tree, struct module *m, struct error *err)
{
	elf_version(EV_CURRENT);
	_cleanup_(elf_endp) Elf *elf = elf_memory((char *)m->data.data, m->data.len);
	const Elf_Data *data = elf ? modinfo_section(elf) : NULL;
	const char *value;
	int r = 0;

	if (!data)
		return error_set(err, ERR_INVALID, "%s: not a kernel module", m->path);
	for (size_t i = 0; r == 0 && (value = next_modinfo(data, "softdep", &i));)
		r = visit_softdep(tree, value, err);
	for (size_t i = 0; r == 0 && (value = next_modinfo(data, "depends", &i));)
		r = visit_depends(tree, value, err);
	return r;
}

static int visit(struct module_tree *tree, struct module *m, struct error *err)
{
	if (m->visited || !m->path)
		return 0;
	m->visited = true;
	int r = module_tree_read_file(m->path, &m->data, err);

	if (r == 0)
		r = visit_needs(tree, m, err);
	if (r == 0 && tree->n == WANTED_MAX)
		return error_set(err, ERR_TOO_LARGE, "more than %d modules to load", WANTED_MAX);
	if (r == 0)
		tree->order[tree->n++] = m;
	return r;
}

int module_tree_want(struct module_tree *tree, const char *name, struct error *err)
{
	struct module *m = find(tree, name);

	if (!m)
		return error_set(err, ERR_NOT_FOUND, "module %s: not in %s", name, tree->dir);
	return visit(tree, m, err);
}

size_t module_tree_count(const struct module_tree *tree)
{
	return tree->n;
}

struct module_file module_tree_get(const struct module_tree *tree, size_t i)
{
	const struct module *m = tree->order[i];

	return (struct module_file){ .name = m->name, .data = m->data.data, .len = m->data.len };
}
