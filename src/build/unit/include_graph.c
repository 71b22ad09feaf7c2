/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/include_graph.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/vec.h"
#include "build/unit/include_scan.h"
#include "build/output/output.h"
#include "build/source/source.h"

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((void)(element))
#include <uthash.h>

#define CACHE_MAX ((size_t)256 * 1024 * 1024)
#define ARENA_MAX ((size_t)1024 * 1024 * 1024)
#define NODES_MAX 1000000

typedef VEC(uint32_t) index_list;

/* A file. Edges are indices of nodes. */
struct node {
	const char *path; /* relative to the tree; "./…": to the build folder */
	uint32_t index;
	bool scanned, marked, listed;
	index_list reads;
	VEC(const char *) missing; /* names that no file has */
	UT_hash_handle hh;
};

/* A folder of the compiler's -I options, with the first parts of the names in it. */
struct folder {
	const char
		*path; /* as in node.path; "" for the top of the tree, "./" of the build folder */
	uint32_t uses; /* by how many units */
	bool general;  /* most units have it */
	bool front;    /* some unit has it before a general one */
	UT_hash_handle hh;
};

/* A first part of names ("linux", "core.h"), and the folders that have it. */
struct entry {
	const char *name;
	VEC(struct folder *) folders;
	UT_hash_handle hh;
};

/* What a name in an #include line stands for. */
struct meaning {
	const char *name;
	index_list files;
	UT_hash_handle hh;
};

struct include_graph {
	char *tree, *build; /* absolute */
	struct arena *arena;
	struct node *by_path;
	VEC(struct node *) nodes;
	struct folder *folders;
	struct entry *entries;
	struct meaning *meanings;
	bool folders_known;
	size_t loaded; /* nodes that units read without a patch */
	const struct unit_list *units;
};

static void free_nodes(struct include_graph *g)
{
	struct node *n, *next;

	HASH_ITER (hh, g->by_path, n, next) {
		HASH_DEL(g->by_path, n);
		free(n->reads.items);
		free(n->missing.items);
	}
	free(g->nodes.items);
}

void include_graph_free(struct include_graph *g)
{
	struct entry *e, *next_entry;
	struct meaning *m, *next_meaning;

	if (!g)
		return;
	free_nodes(g);
	HASH_CLEAR(hh, g->folders);
	HASH_ITER (hh, g->entries, e, next_entry) {
		HASH_DEL(g->entries, e);
		free(e->folders.items);
	}
	HASH_ITER (hh, g->meanings, m, next_meaning) {
		HASH_DEL(g->meanings, m);
		free(m->files.items);
	}
	arena_free(g->arena);
	free(g->tree);
	free(g->build);
	free(g);
}

static struct node *find_node(const struct include_graph *g, const char *path)
{
	struct node *n;

	HASH_FIND_STR(g->by_path, path, n);
	return n;
}

/* The node of a path, new if need be. */
static struct node *get_node(struct include_graph *g, const char *path)
{
	struct node *n = find_node(g, path);

	if (n)
		return n;
	n = arena_new_object(g->arena, struct node);
	if (!n || !(n->path = arena_strdup(g->arena, path)) || g->nodes.count >= NODES_MAX)
		return NULL;
	n->index = (uint32_t)g->nodes.count;
	if (VEC_PUSH(&g->nodes, n) < 0)
		return NULL;
	HASH_ADD_KEYPTR(hh, g->by_path, n->path, strlen(n->path), n);
	return n;
}

static int add_index(index_list *list, uint32_t index)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i] == index)
			return 0;
	return VEC_PUSH(list, index);
}

/* The absolute path of a node's; false if it is too long. */
static bool full_path(const struct include_graph *g, const char *path, char ret[static PATH_MAX])
{
	bool built = str_has_prefix(path, "./");

	return snprintf(ret, PATH_MAX, "%s/%s", built ? g->build : g->tree,
			built ? path + 2 : path) < PATH_MAX;
}

static bool is_file(const struct include_graph *g, const char *path)
{
	char full[PATH_MAX];
	struct stat st;

	return full_path(g, path, full) && stat(full, &st) == 0 && S_ISREG(st.st_mode);
}

/* The node of FOLDER/NAME if there is such a file; NULL also without memory. */
static struct node *look(struct include_graph *g, const char *folder, size_t folder_len,
			 const char *name)
{
	char path[PATH_MAX];
	struct node *n;

	if (snprintf(path, sizeof(path), "%.*s%s%s", (int)folder_len, folder,
		     folder_len && folder[folder_len - 1] != '/' ? "/" : "", name) >= PATH_MAX ||
	    !path_normalize(path))
		return NULL;
	n = find_node(g, path);
	if (!n && is_file(g, path))
		n = get_node(g, path);
	return n;
}

/* The folder of an option's value as the compiler is given it. */
static struct folder *get_folder(struct include_graph *g, const char *value, size_t len)
{
	size_t tree = strlen(g->tree);
	char path[PATH_MAX];
	struct folder *f;
	int n;

	if (len >= tree && memcmp(value, g->tree, tree) == 0 && (len == tree || value[tree] == '/'))
		n = snprintf(path, sizeof(path), "%.*s", (int)(len - MIN(len, tree + 1)),
			     value + MIN(len, tree + 1));
	else if (*value != '/')
		n = snprintf(path, sizeof(path), "./%.*s", (int)len, value);
	else
		return NULL;
	if (n >= PATH_MAX || !path_normalize(path))
		return NULL;
	HASH_FIND_STR(g->folders, path, f);
	if (f)
		return f;
	f = arena_new_object(g->arena, struct folder);
	if (!f || !(f->path = arena_strdup(g->arena, path)))
		return NULL;
	HASH_ADD_KEYPTR(hh, g->folders, f->path, strlen(f->path), f);
	return f;
}

/* The value of the next option at *p ("-I DIR", "-IDIR", "-include FILE"), whose name is `option`.
 */
static const char *next_value(const char **p, const char *option, size_t *ret_len)
{
	const char *at = strstr(*p, option);

	if (!at)
		return NULL;
	at += strlen(option);
	at += strspn(at, " ");
	*ret_len = strcspn(at, " ");
	*p = at + *ret_len;
	return at;
}

static const char *const folder_options[] = { " -I", " -iquote ", " -isystem " };

/* Counts the folders of all units, then says which are in front of the general ones. */
static void count_folders(struct include_graph *g)
{
	size_t len;
	struct folder *f, *next;

	for (size_t o = 0; o < ARRAY_SIZE(folder_options); o++)
		for (size_t i = 0; i < g->units->n; i++)
			for (const char *p = g->units->entries[i].command, *v;
			     (v = next_value(&p, folder_options[o], &len));) {
				f = get_folder(g, v, len);
				if (f)
					f->uses++;
			}
	HASH_ITER (hh, g->folders, f, next) {
		f->general = f->uses * 2 > g->units->n;
	}
	for (size_t i = 0; i < g->units->n; i++) {
		struct folder *held[256];
		size_t n = 0;

		for (const char *p = g->units->entries[i].command, *v;
		     (v = next_value(&p, " -I", &len));) {
			f = get_folder(g, v, len);
			if (f && f->general)
				while (n > 0)
					held[--n]->front = true;
			else if (f && n < ARRAY_SIZE(held))
				held[n++] = f;
		}
	}
}

static int add_entry(struct include_graph *g, const char *name, struct folder *f)
{
	struct entry *e;

	HASH_FIND_STR(g->entries, name, e);
	if (!e) {
		e = arena_new_object(g->arena, struct entry);
		if (!e || !(e->name = arena_strdup(g->arena, name)))
			return ERR_NO_MEMORY;
		HASH_ADD_KEYPTR(hh, g->entries, e->name, strlen(e->name), e);
	}
	return VEC_PUSH(&e->folders, f);
}

static int list_folder(struct include_graph *g, struct folder *f)
{
	bool built = str_has_prefix(f->path, "./");
	_cleanup_free_ char *full =
		path_join(built ? g->build : g->tree, built ? f->path + 2 : f->path, NULL);
	DIR *dir = full ? opendir(full) : NULL;
	int r = full ? 0 : ERR_NO_MEMORY;

	for (struct dirent *e; r == 0 && dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			r = add_entry(g, e->d_name, f);
	if (dir)
		closedir(dir);
	/* Names that begin with ".." are looked for everywhere. */
	return r < 0 ? r : add_entry(g, "..", f);
}

/* Learns where the compiler looks for headers. */
static int know_folders(struct include_graph *g)
{
	struct folder *f, *next;
	int r = 0;

	if (g->folders_known)
		return 0;
	count_folders(g);
	HASH_ITER (hh, g->folders, f, next) {
		if (r == 0)
			r = list_folder(g, f);
	}
	g->folders_known = r == 0;
	return r;
}

/* Fills in all files that FOLDER/NAME may be for the folders of any unit: those of the general
 * folders if they have it, else those of all. */
static int find_meaning(struct include_graph *g, struct meaning *m)
{
	_cleanup_free_ char *first = strndup(m->name, strcspn(m->name, "/"));
	struct entry *e = NULL;
	int r = first ? 0 : ERR_NO_MEMORY;

	if (r == 0)
		HASH_FIND_STR(g->entries, first, e);
	for (int general = 1; r == 0 && e && general >= 0; general--) {
		bool done = general == 0 && m->files.count > 0;

		for (size_t i = 0; r == 0 && i < e->folders.count; i++) {
			struct folder *f = e->folders.items[i];
			struct node *n;

			if (f->general != (general == 1) || (done && !f->front))
				continue;
			n = look(g, f->path, strlen(f->path), m->name);
			if (n)
				r = add_index(&m->files, n->index);
		}
	}
	return r;
}

static int get_meaning(struct include_graph *g, const char *name, const struct meaning **ret)
{
	struct meaning *m;
	int r = know_folders(g);

	if (r < 0)
		return r;
	HASH_FIND_STR(g->meanings, name, m);
	if (!m) {
		m = arena_new_object(g->arena, struct meaning);
		if (!m || !(m->name = arena_strdup(g->arena, name)))
			return ERR_NO_MEMORY;
		HASH_ADD_KEYPTR(hh, g->meanings, m->name, strlen(m->name), m);
		r = find_meaning(g, m);
	}
	*ret = m;
	return r;
}

/* One name of an #include line in `n`, as include_scan() gives it. */
static int add_read(struct include_graph *g, struct node *n, const char *name)
{
	const struct meaning *m = NULL;
	struct node *beside = NULL;
	bool quoted = *name++ == '"';
	int r;

	if (quoted)
		beside = look(g, n->path, (size_t)(path_base(n->path) - n->path), name);
	if (beside)
		return add_index(&n->reads, beside->index);
	while (str_has_prefix(name, "./"))
		name += 2;
	r = get_meaning(g, name, &m);
	for (size_t i = 0; r == 0 && i < m->files.count; i++)
		r = add_index(&n->reads, m->files.items[i]);
	if (r == 0 && m->files.count == 0) {
		const char *copy = arena_strdup(g->arena, name);

		r = copy ? VEC_PUSH(&n->missing, copy) : ERR_NO_MEMORY;
	}
	return r;
}

static int add_text(struct include_graph *g, struct node *n, const char *text, size_t len)
{
	_cleanup_name_list_ struct name_list names = { 0 };
	int r = include_scan(text, len, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = add_read(g, n, names.items[i]);
	return r;
}

static int scan_node(struct include_graph *g, struct node *n)
{
	_cleanup_buf_ struct buf text = BUF_INIT(SOURCE_FILE_MAX);
	bool built = str_has_prefix(n->path, "./");
	_cleanup_free_ char *full =
		path_join(built ? g->build : g->tree, built ? n->path + 2 : n->path, NULL);
	int r = full ? file_read(full, &text, NULL) : ERR_NO_MEMORY;

	n->scanned = true;
	if (r == -ENOENT || r == -ENOTDIR || r == ERR_TOO_LARGE)
		return 0; /* made while building, or nothing that a person wrote */
	return r < 0 ? r : add_text(g, n, buf_str(&text), text.len);
}

/* The unit's source, and the headers that its command line includes before it. */
static int add_unit(struct include_graph *g, const struct unit_entry *u)
{
	struct node *n = get_node(g, u->source);
	const char *p = u->command, *v;
	size_t len;
	int r = n ? 0 : ERR_NO_MEMORY;

	while (r == 0 && (v = next_value(&p, " -include ", &len))) {
		char path[PATH_MAX];
		struct node *first;
		size_t tree = strlen(g->tree);

		if (len > tree + 1 && memcmp(v, g->tree, tree) == 0)
			snprintf(path, sizeof(path), "%.*s", (int)(len - tree - 1), v + tree + 1);
		else
			snprintf(path, sizeof(path), "./%.*s", (int)len, v);
		first = look(g, "", 0, path);
		if (first)
			r = add_index(&n->reads, first->index);
	}
	return r;
}

static int build_graph(struct include_graph *g, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->units->n; i++)
		r = add_unit(g, &g->units->entries[i]);
	for (size_t i = 0; r == 0 && i < g->nodes.count; i++)
		if (!g->nodes.items[i]->scanned)
			r = scan_node(g, g->nodes.items[i]);
	return r < 0 ? error_set(err, r, "cannot follow the #include lines of the source") : 0;
}

/* "suture includes 1 NODES\n", then a line each: PATH, its reads, missing names, by tabs. */
static int write_cache(const struct include_graph *g, const char *path, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(CACHE_MAX);
	int r = buf_printf(&out, "suture includes 1 %zu\n", g->nodes.count);

	for (size_t i = 0; r == 0 && i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		r = buf_append_str(&out, n->path);
		for (size_t j = 0; r == 0 && j < n->reads.count; j++)
			r = buf_printf(&out, "\t%u", n->reads.items[j]);
		for (size_t j = 0; r == 0 && j < n->missing.count; j++)
			r = buf_printf(&out, "\t?%s", n->missing.items[j]);
		if (r == 0)
			r = buf_append_byte(&out, '\n');
	}
	if (r < 0)
		return error_set(err, r, "%s would be too large", path);
	return file_write_atomic(path, out.data, out.len, 0644, err);
}

static int parse_field(struct include_graph *g, struct node *n, char *field, size_t count)
{
	char *end;
	unsigned long index;
	const char *name;

	if (*field == '?') {
		name = arena_strdup(g->arena, field + 1);
		return name ? VEC_PUSH(&n->missing, name) : ERR_NO_MEMORY;
	}
	if (*field < '0' || *field > '9')
		return ERR_INVALID;
	index = strtoul(field, &end, 10);
	return *end || index >= count ? ERR_INVALID : VEC_PUSH(&n->reads, (uint32_t)index);
}

static int parse_line(struct include_graph *g, char *line, size_t count)
{
	char *field = line + strcspn(line, "\t"), *next;
	bool more = *field == '\t';
	struct node *n;
	int r = 0;

	*field++ = '\0';
	if (!*line || find_node(g, line))
		return ERR_INVALID;
	n = get_node(g, line);
	if (!n)
		return ERR_NO_MEMORY;
	n->scanned = true;
	for (; r == 0 && more; field = next) {
		next = field + strcspn(field, "\t");
		more = *next == '\t';
		*next++ = '\0';
		r = parse_field(g, n, field, count);
	}
	return r;
}

/* ERR_NOT_FOUND: there is none, or one of another version of this program. ERR_INVALID. */
static int read_cache(struct include_graph *g, const char *path, struct error *err)
{
	static const char head[] = "suture includes 1 ";
	_cleanup_buf_ struct buf text = BUF_INIT(CACHE_MAX);
	int r = file_read(path, &text, err);
	unsigned long count;
	char *p;

	if (r == -ENOENT || (r == 0 && !str_has_prefix(buf_str(&text), head)))
		return ERR_NOT_FOUND;
	if (r < 0)
		return r;
	count = strtoul((char *)text.data + strlen(head), &p, 10);
	if (*p++ != '\n' || count > NODES_MAX)
		return ERR_INVALID;
	while (r == 0 && *p) {
		char *line = p, *end = p + strcspn(p, "\n");

		p = end + (*end == '\n');
		*end = '\0';
		r = parse_line(g, line, count);
	}
	return r == 0 && g->nodes.count != count ? ERR_INVALID : r;
}

static int new_graph(const struct kbuild *kb, const struct unit_list *units,
		     struct include_graph **ret, struct error *err)
{
	_cleanup_include_graph_ struct include_graph *g = calloc(1, sizeof(*g));

	if (!g)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	g->units = units;
	g->tree = strdup(kb->source);
	g->build = strdup(kb->kernel->build);
	g->arena = arena_new(ARENA_MAX);
	if (!g->tree || !g->build || !g->arena)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	*ret = TAKE_PTR(g);
	return 0;
}

int include_graph_load(const struct kbuild *kb, const struct unit_list *units,
		       struct include_graph **ret, struct error *err)
{
	_cleanup_free_ char *path = path_join(kb->kernel->folder, "units", "includes", NULL);
	_cleanup_include_graph_ struct include_graph *kept = NULL, *made = NULL;
	int r = path ? new_graph(kb, units, &kept, err)
		     : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = read_cache(kept, path, err);
	if (r == ERR_INVALID)
		output_step("the list of what includes what is damaged: making it anew");
	if (r == ERR_INVALID || r == ERR_NOT_FOUND) {
		r = new_graph(kb, units, &made, err);
		if (r == 0)
			r = build_graph(made, err);
		if (r == 0)
			r = write_cache(made, path, err);
	}
	if (r < 0)
		return r == ERR_NO_MEMORY ? error_set(err, r, "out of memory") : r;
	*ret = made ? TAKE_PTR(made) : TAKE_PTR(kept);
	(*ret)->loaded = (*ret)->nodes.count;
	return 0;
}

int include_graph_stamp(const struct include_graph *g, const char *code,
			char ret[static SHA256_HEX_LEN + 1], struct error *err)
{
	_cleanup_buf_ struct buf all = BUF_INIT(CACHE_MAX);
	int r = buf_printf(&all, "%s\n", code);

	for (size_t i = 0; r == 0 && i < g->loaded; i++) {
		const char *path = g->nodes.items[i]->path;
		char full[PATH_MAX];
		struct stat st;

		if (!full_path(g, path, full) || stat(full, &st) < 0)
			st = (struct stat){ 0 };
		r = buf_printf(&all, "%s %jd %jd.%ld\n", path, (intmax_t)st.st_size,
			       (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
	if (r == 0)
		r = hash_sha256_hex(all.data, all.len, ret);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

int include_graph_forget(const struct kbuild *kb, struct error *err)
{
	_cleanup_free_ char *path = path_join(kb->kernel->folder, "units", "includes", NULL);

	return path ? file_remove(path, err) : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* Whoever reads a file of the new one's name may find the new one first. */
static int add_new_file(struct include_graph *g, const struct node *fresh)
{
	const char *base = path_base(fresh->path);
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->nodes.count; i++) {
		struct node *n = g->nodes.items[i];
		bool may = false;

		for (size_t j = 0; j < n->reads.count && !may; j++)
			may = streq(path_base(g->nodes.items[n->reads.items[j]]->path), base);
		for (size_t j = 0; j < n->missing.count && !may; j++)
			may = streq(path_base(n->missing.items[j]), base);
		if (may)
			r = add_index(&n->reads, fresh->index);
	}
	return r;
}

int include_graph_add(struct include_graph *g, const char *path, const char *text, size_t len,
		      struct error *err)
{
	bool fresh = !is_file(g, path);
	struct node *n = find_node(g, path);
	int r = 0;

	/* A file that no unit reads so far has not been scanned. */
	if (!n)
		n = get_node(g, path);
	if (!n)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	n->scanned = true;
	if (fresh)
		r = add_new_file(g, n);
	if (r == 0)
		r = add_text(g, n, text, len);
	for (size_t i = 0; r == 0 && i < g->nodes.count; i++)
		if (!g->nodes.items[i]->scanned)
			r = scan_node(g, g->nodes.items[i]);
	return r < 0 ? error_set(err, r, "cannot follow the #include lines of %s", path) : 0;
}

void include_graph_mark(struct include_graph *g, const char *path)
{
	struct node *start = find_node(g, path);
	bool more = true;

	if (!start)
		return;
	start->marked = true;
	/* As many passes as the longest chain; the lists are short and the passes few. */
	while (more) {
		more = false;
		for (size_t i = g->nodes.count; i-- > 0;) {
			struct node *n = g->nodes.items[i];

			for (size_t j = 0; j < n->reads.count && !n->marked; j++)
				if (g->nodes.items[n->reads.items[j]]->marked)
					n->marked = more = true;
		}
	}
}

void include_graph_unmark_all(struct include_graph *g)
{
	for (size_t i = 0; i < g->nodes.count; i++)
		g->nodes.items[i]->marked = false;
}

bool include_graph_is_marked(const struct include_graph *g, const char *path)
{
	const struct node *n = find_node(g, path);

	return n && n->marked;
}

int include_graph_closure(struct include_graph *g, const char *path, struct name_list *ret,
			  struct error *err)
{
	_cleanup_free_ uint32_t *stack = calloc(g->nodes.count + 1, sizeof(*stack));
	struct node *n = find_node(g, path);
	size_t top = 0;
	int r = stack ? 0 : ERR_NO_MEMORY;

	if (n && !n->listed && stack) {
		n->listed = true;
		stack[top++] = n->index;
	}
	while (r == 0 && top > 0) {
		n = g->nodes.items[stack[--top]];
		if (!str_has_prefix(n->path, "./"))
			r = name_list_add(ret, n->path);
		for (size_t j = 0; j < n->reads.count; j++) {
			struct node *to = g->nodes.items[n->reads.items[j]];

			if (to->listed)
				continue;
			to->listed = true;
			stack[top++] = to->index;
		}
	}
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}
