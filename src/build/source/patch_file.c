/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/source/patch_file.h"

#include "base/file.h"

struct parser {
	const char *p, *end; /* what is left */
	uint32_t line;       /* number of the line at p */
	const char *name;
	struct reason_list *reasons;
	struct patch_file *patch;
	size_t hunks;
	struct error *err;
	/* the entry that is being read */
	bool open;
	bool refused;
	char old_path[PATCH_PATH_MAX], path[PATCH_PATH_MAX]; /* by its "diff --git" */
};

void patch_file_free(struct patch_file *patch)
{
	if (!patch)
		return;
	arena_free(patch->arena);
	free(patch);
}

static int bad(struct parser *ps, const char *why)
{
	return error_set(ps->err, ERR_INVALID, "%s, line %u: %s", ps->name, ps->line, why);
}

/* The current line without its newline. */
static size_t line_len(const struct parser *ps)
{
	const char *nl = memchr(ps->p, '\n', (size_t)(ps->end - ps->p));

	return (size_t)((nl ? nl : ps->end) - ps->p);
}

static void next_line(struct parser *ps)
{
	size_t len = line_len(ps);

	ps->p += len;
	if (ps->p < ps->end)
		ps->p++;
	ps->line++;
}

static bool at(const struct parser *ps, const char *prefix)
{
	size_t n = strlen(prefix);

	return (size_t)(ps->end - ps->p) >= n && memcmp(ps->p, prefix, n) == 0;
}

/* Is this line the first of a file: "--- " with "+++ " on the next line? */
static bool at_file(const struct parser *ps)
{
	size_t len = line_len(ps);

	return at(ps, "--- ") && (size_t)(ps->end - ps->p) > len + 5 &&
	       memcmp(ps->p + len + 1, "+++ ", 4) == 0;
}

static int refuse(struct parser *ps, enum reason_code code, const char *path, const char *why)
{
	int r = reason_add(ps->reasons, code, path, NULL, "%s", why);

	ps->refused = true;
	return r < 0 ? error_set(ps->err, r, "%s: too many reasons", ps->name) : 0;
}

/* The path after "--- " or "+++ ": up to a tab, where a time may follow. */
static int read_path(struct parser *ps, char ret[static PATCH_PATH_MAX])
{
	size_t skip = 4, len = line_len(ps);
	const char *tab;

	if (len > 0 && ps->p[len - 1] == '\r') {
		bad(ps, "the patch has DOS line ends");
		error_hint(ps->err, "make them those of the source: sed -i 's/\\r$//' %s",
			   ps->name);
		return ERR_INVALID;
	}
	tab = memchr(ps->p, '\t', len);
	if (tab)
		len = (size_t)(tab - ps->p);
	if (len <= skip || len - skip >= PATCH_PATH_MAX)
		return bad(ps, "a file name is missing or too long");
	memcpy(ret, ps->p + skip, len - skip);
	ret[len - skip] = '\0';
	if (strlen(ret) != len - skip)
		return bad(ps, "a file name holds a zero byte");
	return 0;
}

/* Takes "a/" or "b/" (any first folder, as patch -p1 does) off a path; NULL if nothing is left. */
static const char *strip_first(const char *path)
{
	const char *slash = strchr(path, '/');

	return path[0] != '/' && slash && slash[1] ? slash + 1 : NULL;
}

/* What a path is called in reasons, safe or not. */
static const char *name_of(const char *path)
{
	const char *name = strip_first(path);

	return name ? name : path;
}

static int check_path(struct parser *ps, const char *raw)
{
	const char *path = strip_first(raw);
	enum reason_code code;
	const char *why;

	if (raw[0] == '/')
		return refuse(ps, REASON_UNSAFE_PATH, raw, "is an absolute path");
	if (raw[0] == '"')
		return refuse(ps, REASON_UNSAFE_PATH, raw,
			      "is a quoted name, which no kernel file has");
	if (!path)
		return refuse(ps, REASON_UNSAFE_PATH, raw,
			      "names no file below a first folder (a/…, b/…)");
	if (!path_is_safe_relative(path) || !path_is_safe_relative(raw))
		return refuse(ps, REASON_UNSAFE_PATH, raw, "has '..' or an empty part in its path");
	why = patch_path_refusal(path, &code);
	return why ? refuse(ps, code, path, why) : 0;
}

static bool is_kernel_code(const char *path)
{
	enum reason_code code;

	/* A space: the names of "diff --git a/X b/Y" may be parted elsewhere. */
	return !path_is_safe_relative(path) || strchr(path, ' ') ||
	       !patch_path_refusal(path, &code) || code != REASON_NOT_KERNEL_CODE;
}

/* Refuses what becomes of a file as a whole, unless it is no kernel code before and after. */
static int refuse_kind(struct parser *ps, const char *old_path, const char *new_path,
		       const char *why, const char *hint)
{
	struct reason reason = { .code = REASON_FILE_KIND,
				 .file = (char *)new_path,
				 .message = (char *)why,
				 .hint = (char *)hint };
	int r;

	if (!is_kernel_code(old_path) && !is_kernel_code(new_path))
		return refuse(ps, REASON_NOT_KERNEL_CODE, new_path,
			      patch_path_refusal(new_path, NULL));
	ps->refused = true;
	r = reason_add_copy(ps->reasons, &reason);
	return r < 0 ? error_set(ps->err, r, "%s: too many reasons", ps->name) : 0;
}

static const char new_file[] = "is a new file: only headers may be new";
static const char deleted[] = "is deleted: deleted files are not supported";
static const char renamed[] = "is renamed: renames cannot be live-patched";

/* Ways round. */
static const char stay[] = "leave the file where it is, and change its code there";
static const char keep[] = "leave the file as it is, and change the functions that call it";
static const char no_mode[] = "leave the change of the mode out of the patch: the code is the same";
static const char no_rewrite[] = "make the patch without git's -B (--break-rewrites)";
static const char no_file[] =
	"leave the file out of the patch if the fix of the C code stands alone";

/* The lines between "diff --git" and "---" that say what a live patch cannot do. */
static int check_extended(struct parser *ps)
{
	static const struct {
		const char *prefix, *why, *hint;
	} known[] = {
		{ "rename ", renamed, stay },
		{ "copy ", "is copied: copies cannot be live-patched", stay },
		{ "similarity index ", "is renamed or copied, which cannot be live-patched", stay },
		{ "dissimilarity index ", "is rewritten as a new file", no_rewrite },
		{ "old mode ", "changes its mode, which cannot be live-patched", no_mode },
		{ "new mode ", "changes its mode, which cannot be live-patched", no_mode },
		{ "deleted file mode ", deleted, keep },
		{ "GIT binary patch", "is a binary file", no_file },
		{ "Binary files ", "is a binary file", no_file },
	};

	if (!ps->open)
		return at(ps, "GIT binary patch") || at(ps, "Binary files ")
			       ? refuse_kind(ps, "", ps->name, "holds a binary file", no_file)
			       : 0;
	if (ps->refused) /* said once */
		return 0;
	if (at(ps, "index ") && line_len(ps) > 7 && memmem(ps->p, line_len(ps), " 120000", 7))
		return refuse(ps, REASON_UNSAFE_PATH, ps->path, "is a symbolic link");
	if (at(ps, "new file mode ") && !patch_path_is_header(ps->path))
		return refuse_kind(ps, ps->old_path, ps->path, new_file, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (at(ps, known[i].prefix))
			return refuse_kind(ps, ps->old_path, ps->path, known[i].why, known[i].hint);
	return 0;
}

static void keep_path(char *to, const char *from, size_t len)
{
	size_t n = MIN(len, (size_t)PATCH_PATH_MAX - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

/* "diff --git a/X b/Y": opens an entry, named by its second half for messages. */
static int begin_git(struct parser *ps)
{
	size_t len = line_len(ps);
	const char *a = ps->p + strlen("diff --git "), *b = memmem(ps->p, len, " b/", 3);

	ps->open = true;
	ps->refused = false;
	ps->old_path[0] = '\0';
	if (b && at(ps, "diff --git a/") && b > a + 2)
		keep_path(ps->old_path, a + 2, (size_t)(b - (a + 2)));
	b = b ? b + 3 : a;
	keep_path(ps->path, b, (size_t)(ps->p + len - b));
	return 0;
}

static bool read_number(const char **p, const char *end, uint32_t *ret)
{
	uint32_t value = 0;
	const char *start = *p;

	while (*p < end && **p >= '0' && **p <= '9') {
		if (value > 100000000)
			return false;
		value = value * 10 + (uint32_t)(*(*p)++ - '0');
	}
	*ret = value;
	return *p > start;
}

static bool read_range(const char **p, const char *end, char sign, uint32_t *start, uint32_t *count)
{
	if (*p >= end || *(*p)++ != sign || !read_number(p, end, start))
		return false;
	*count = 1;
	if (*p < end && **p == ',') {
		(*p)++;
		return read_number(p, end, count);
	}
	return true;
}

/* "@@ -A,B +C,D @@ …" */
static int read_hunk_head(struct parser *ps, struct patch_hunk *h)
{
	const char *p = ps->p + 3, *end = ps->p + line_len(ps);

	h->line = ps->line;
	if (!at(ps, "@@ ") || !read_range(&p, end, '-', &h->old_start, &h->old_count) || p >= end ||
	    *p++ != ' ' || !read_range(&p, end, '+', &h->new_start, &h->new_count) || end - p < 3 ||
	    memcmp(p, " @@", 3) != 0)
		return bad(ps, "a damaged hunk header");
	if (h->old_count + h->new_count == 0 || h->old_count + h->new_count > 2000000)
		return bad(ps, "a hunk of no lines or of too many");
	return 0;
}

/* The lines of a hunk: exactly as many as its header announces. */
static int read_hunk_lines(struct parser *ps, struct patch_hunk *h)
{
	uint32_t old_left = h->old_count, new_left = h->new_count;
	uint32_t cap = MIN(h->old_count + h->new_count, (uint32_t)(ps->end - ps->p) + 1);

	h->lines = arena_alloc(ps->patch->arena, cap, sizeof(*h->lines));
	if (!h->lines)
		return error_set(ps->err, ERR_NO_MEMORY, "%s: too large", ps->name);
	while (old_left || new_left) {
		size_t len = line_len(ps);
		char kind = len > 0 ? ps->p[0] : ' ';

		if (ps->p >= ps->end)
			return bad(ps, "the patch ends within a hunk");
		if ((kind != ' ' && kind != '-' && kind != '+') || (kind != '+' && !old_left) ||
		    (kind != '-' && !new_left) || h->line_count >= cap)
			return bad(ps, "a line that does not belong to its hunk");
		if (memchr(ps->p, 0, len))
			return bad(ps, "a zero byte");
		old_left -= kind != '+';
		new_left -= kind != '-';
		h->lines[h->line_count++] =
			(struct patch_line){ kind, len > 0 ? ps->p + 1 : ps->p,
					     (uint32_t)(len > 0 ? len - 1 : 0), false };
		next_line(ps);
		if (ps->p < ps->end && *ps->p == '\\') {
			h->lines[h->line_count - 1].no_newline = true;
			next_line(ps);
		}
	}
	return 0;
}

static int add_hunk(struct parser *ps, struct patch_entry *e, size_t *cap)
{
	struct patch_hunk h = { 0 };
	int r;

	if (++ps->hunks > PATCH_HUNKS_MAX)
		return bad(ps, "too many hunks");
	r = read_hunk_head(ps, &h);
	if (r < 0)
		return r;
	next_line(ps);
	r = read_hunk_lines(ps, &h);
	if (r < 0)
		return r;
	if (e->hunk_count == *cap) {
		size_t more = *cap ? *cap * 2 : 8;
		struct patch_hunk *grown = arena_alloc(ps->patch->arena, more, sizeof(*grown));

		if (!grown)
			return error_set(ps->err, ERR_NO_MEMORY, "%s: too large", ps->name);
		if (e->hunk_count)
			memcpy(grown, e->hunks, e->hunk_count * sizeof(*grown));
		e->hunks = grown;
		*cap = more;
	}
	e->hunks[e->hunk_count++] = h;
	return 0;
}

static int check_paths(struct parser *ps, const char *old_path, const char *new_path)
{
	const char *old_name = name_of(old_path), *new_name = name_of(new_path);
	int r;

	if (streq(new_path, "/dev/null"))
		return refuse_kind(ps, old_name, old_name, deleted, keep);
	if (streq(old_path, "/dev/null"))
		return patch_path_is_header(new_path)
			       ? check_path(ps, new_path)
			       : refuse_kind(ps, new_name, new_name, new_file, NULL);
	if (!streq(old_name, new_name) && path_is_safe_relative(old_path) &&
	    path_is_safe_relative(new_path))
		return refuse_kind(ps, old_name, new_name, renamed, stay);
	r = check_path(ps, old_path);
	return r < 0 ? r : check_path(ps, new_path);
}

/* A line that a hunk would take if its header announced more of them: lost without a word, half of
 * a fix would be built. "-- " is how a mail ends. */
static bool at_hunk_line(const struct parser *ps)
{
	size_t len = line_len(ps);

	if (len == 0 || at_file(ps) || at(ps, "-- \n") || (len == 2 && at(ps, "--")))
		return false;
	return *ps->p == '+' || *ps->p == '-' || *ps->p == ' ';
}

/* From "--- " on: two names and the hunks. */
static int read_file(struct parser *ps)
{
	char old_path[PATCH_PATH_MAX], new_path[PATCH_PATH_MAX];
	struct patch_entry entry = { 0 };
	size_t cap = 0;
	int r = read_path(ps, old_path);

	if (r < 0)
		return r;
	next_line(ps);
	r = read_path(ps, new_path);
	if (r < 0)
		return r;
	/* A file of its own, after a "diff --git" of another one that has no hunks. */
	if (!ps->open ||
	    !streq(ps->path, name_of(streq(new_path, "/dev/null") ? old_path : new_path)))
		ps->refused = false;
	ps->open = false;
	r = check_paths(ps, old_path, new_path);
	if (r < 0)
		return r;
	next_line(ps);
	if (!at(ps, "@@ "))
		return bad(ps, "a file without hunks");
	while (r == 0 && at(ps, "@@ "))
		r = add_hunk(ps, &entry, &cap);
	if (r == 0 && at_hunk_line(ps))
		return bad(ps, "a line more than the header of its hunk announces");
	if (r < 0 || ps->refused)
		return r;
	if (ps->patch->entry_count >= PATCH_FILES_MAX)
		return bad(ps, "too many files");
	entry.is_new = streq(old_path, "/dev/null");
	entry.path = arena_strdup(ps->patch->arena, strip_first(new_path));
	if (!entry.path)
		return error_set(ps->err, ERR_NO_MEMORY, "out of memory");
	ps->patch->entries[ps->patch->entry_count++] = entry;
	return 0;
}

static int parse_all(struct parser *ps)
{
	size_t files = 0;
	int r = 0;

	while (r == 0 && ps->p < ps->end) {
		if (at_file(ps) || at(ps, "diff --git ") || at(ps, "GIT binary") ||
		    at(ps, "Binary files "))
			files++;
		if (at_file(ps)) {
			r = read_file(ps);
			continue;
		}
		if (at(ps, "@@ "))
			return bad(ps, "a hunk that belongs to no file");
		r = at(ps, "diff --git ") ? begin_git(ps) : check_extended(ps);
		next_line(ps);
	}
	if (r == 0 && files == 0) {
		error_set(ps->err, ERR_INVALID, "%s: no patch in it (no '---' line)", ps->name);
		error_hint(ps->err, "a patch is what diff -u, git diff or git format-patch prints, "
				    "without colours");
		return ERR_INVALID;
	}
	if (r == 0 && ps->patch->entry_count == 0 && ps->reasons->n == 0)
		return error_set(ps->err, ERR_INVALID, "%s: the patch touches no file", ps->name);
	return r;
}

int patch_file_parse(const char *text, size_t len, const char *name, struct reason_list *reasons,
		     struct patch_file **ret, struct error *err)
{
	_cleanup_patch_file_ struct patch_file *patch = calloc(1, sizeof(*patch));
	_cleanup_free_ struct parser *ps = calloc(1, sizeof(*ps));

	if (len > PATCH_SIZE_MAX)
		return error_set(err, ERR_TOO_LARGE, "%s: larger than 16 MiB", name);
	if (!patch || !ps)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	patch->arena = arena_new((size_t)256 * 1024 * 1024);
	if (!patch->arena)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	patch->entries = arena_alloc(patch->arena, PATCH_FILES_MAX, sizeof(*patch->entries));
	if (!patch->entries)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	*ps = (struct parser){ .p = text,
			       .end = text + len,
			       .line = 1,
			       .name = name,
			       .reasons = reasons,
			       .patch = patch,
			       .err = err };

	int r = parse_all(ps);

	if (r < 0)
		return r;
	*ret = TAKE_PTR(patch);
	return 0;
}
