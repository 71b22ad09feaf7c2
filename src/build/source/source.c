/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/source/source.h"

#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/file.h"

#define ARENA_MAX ((size_t)512 * 1024 * 1024)

static void source_file_free(struct source_file *file)
{
	if (!file)
		return;
	free(file->path);
	buf_free(&file->original);
	arena_free(file->arena);
	free(file);
}
DEFINE_CLEANUP(struct source_file *, source_file_free);

int source_set_new(const char *tree, struct source_set **ret)
{
	_cleanup_source_set_ struct source_set *set = calloc(1, sizeof(*set));

	if (!set)
		return ERR_NO_MEMORY;
	set->tree = strdup(tree);
	if (!set->tree)
		return ERR_NO_MEMORY;
	*ret = TAKE_PTR(set);
	return 0;
}

void source_set_free(struct source_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->n; i++)
		source_file_free(set->files[i]);
	free(set->files);
	free(set->tree);
	free(set);
}

/* Opens a file below the tree without passing any symbolic link: -ELOOP if there is one. */
static int open_in_tree(const char *tree, const char *path)
{
	_cleanup_close_ int root = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	if (root < 0)
		return -errno;

	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int split_lines(struct source_file *f)
{
	const char *p = buf_str(&f->original), *end = p + f->original.len;
	size_t count = 0, i = 0;

	for (const char *q = p; q < end; q++)
		count += *q == '\n';
	f->lines = arena_alloc(f->arena, count + 1, sizeof(*f->lines));
	if (!f->lines)
		return ERR_NO_MEMORY;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);

		f->lines[i] = (struct source_line){ p, (uint32_t)len, (uint32_t)i + 1 };
		i++;
		p += len + (nl != NULL);
		f->no_newline = !nl;
	}
	f->line_count = f->original_count = i;
	return 0;
}

static int load(const struct source_set *set, const char *path, struct source_file **ret,
		struct error *err)
{
	_cleanup_(source_file_freep) struct source_file *f = calloc(1, sizeof(*f));
	_cleanup_close_ int fd = open_in_tree(set->tree, path);

	if (fd < 0)
		return fd;
	if (!f)
		return ERR_NO_MEMORY;
	f->original = BUF_INIT(SOURCE_FILE_MAX);
	f->path = strdup(path);
	f->arena = arena_new(ARENA_MAX);
	if (!f->path || !f->arena)
		return ERR_NO_MEMORY;

	int r = file_read_fd(fd, &f->original, err);

	if (r == 0)
		r = split_lines(f);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

/* A header that the patch makes. */
static int load_new(const struct source_set *set, const char *path, struct source_file **ret)
{
	_cleanup_(source_file_freep) struct source_file *f = calloc(1, sizeof(*f));
	_cleanup_close_ int fd = open_in_tree(set->tree, path);

	if (fd != -ENOENT && fd != -ENOTDIR)
		return fd < 0 ? fd : -EEXIST;
	if (!f)
		return ERR_NO_MEMORY;
	f->original = BUF_INIT(SOURCE_FILE_MAX);
	f->is_new = true;
	f->path = strdup(path);
	f->arena = arena_new(ARENA_MAX);
	if (!f->path || !f->arena)
		return ERR_NO_MEMORY;
	*ret = TAKE_PTR(f);
	return 0;
}

/* The file in the set, read if need be; *ret is NULL if it was refused with a reason. */
static int find_or_load(struct source_set *set, const struct patch_entry *entry, const char *patch,
			struct reason_list *reasons, struct source_file **ret, struct error *err)
{
	_cleanup_(source_file_freep) struct source_file *f = NULL;
	const char *path = entry->path;
	int r;

	*ret = NULL;
	for (size_t i = 0; i < set->n; i++)
		if (streq(set->files[i]->path, path)) {
			*ret = set->files[i];
			return 0;
		}
	r = entry->is_new ? load_new(set, path, &f) : load(set, path, &f, err);
	if (r == -EEXIST)
		return error_set(err, ERR_INVALID,
				 "%s does not apply: the source has %s already, which it makes",
				 patch, path);
	if (r == -ELOOP) {
		r = reason_add(reasons, REASON_UNSAFE_PATH, path, NULL,
			       "is reached through a symbolic link");
		return r < 0 ? error_set(err, r, "out of memory") : 0;
	}
	if (r == -ENOENT || r == -ENOTDIR) {
		error_set(err, ERR_INVALID, "%s does not apply: the source has no file %s", patch,
			  path);
		error_hint(err, "a patch names files below the kernel's source, after one leading "
				"folder: a/fs/proc/version.c");
		return ERR_INVALID;
	}
	if (r < 0)
		return error_set(err, r, "cannot read %s: %s", path,
				 r > -1000 ? strerror(-r) : error_code_name(r));

	struct source_file **files = reallocarray(set->files, set->n + 1, sizeof(*files));

	if (!files)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	set->files = files;
	*ret = set->files[set->n++] = TAKE_PTR(f);
	return 0;
}

/* Do the hunk's lines stand at index `at` of the file: the old ones (`other` is '+') or the new
 * ones
 * ('-')? */
static bool fits(const struct source_file *f, const struct patch_hunk *h, char other, size_t at)
{
	for (uint32_t i = 0; i < h->line_count; i++) {
		const struct patch_line *p = &h->lines[i];

		if (p->kind == other)
			continue;
		if (at >= f->line_count || f->lines[at].len != p->len ||
		    memcmp(f->lines[at].text, p->text, p->len) != 0)
			return false;
		at++;
	}
	return true;
}

/* The place nearest to where the header says, not before `low` (where the last hunk ended). */
static bool find_place(const struct source_file *f, const struct patch_hunk *h, char other,
		       size_t low, int64_t shift, size_t *ret)
{
	int64_t want = (int64_t)h->old_start - (h->old_count > 0) + shift;
	int64_t last = (int64_t)f->line_count - (other == '+' ? h->old_count : h->new_count);

	for (int64_t d = 0; d <= (int64_t)f->line_count; d++)
		for (int side = 0; side < 2; side++) {
			int64_t at = side ? want + d : want - d;

			if (at >= (int64_t)low && at <= last && fits(f, h, other, (size_t)at)) {
				*ret = (size_t)at;
				return true;
			}
		}
	return false;
}

/* Appends the hunk's new lines to `out`; context lines keep their origin. */
static void take_hunk(struct source_file *f, const struct patch_hunk *h, size_t at,
		      struct source_line *out, size_t *n)
{
	for (uint32_t i = 0; i < h->line_count; i++) {
		const struct patch_line *p = &h->lines[i];

		if (p->kind == '+')
			out[(*n)++] = (struct source_line){ p->text, p->len, 0 };
		else if (p->kind == ' ')
			out[(*n)++] = f->lines[at++];
		else
			at++;
		if (p->kind != '-' && at == f->line_count && i + 1 == h->line_count)
			f->no_newline = p->no_newline;
	}
}

static int no_place(const struct source_set *set, const struct source_file *f,
		    const struct patch_entry *e, const struct patch_hunk *h, const char *name,
		    size_t low, struct error *err)
{
	size_t at;

	error_set(err, ERR_INVALID,
		  "%s does not apply: %s has no place for hunk %u (line %u of the patch)", name,
		  e->path, (unsigned)(h - e->hunks) + 1, h->line);
	if (find_place(f, h, '-', low, 0, &at))
		error_hint(err,
			   "the change is there already, in the source or by an earlier patch");
	else
		error_hint(err, "every line of context must be that of %s/%s", set->tree, e->path);
	return ERR_INVALID;
}

static int apply_entry(const struct source_set *set, struct source_file *f,
		       const struct patch_entry *e, const char *name, struct error *err)
{
	size_t added = 0, next = 0, n = 0;
	int64_t shift = 0;
	struct source_line *lines;

	for (uint32_t i = 0; i < e->hunk_count; i++)
		added += e->hunks[i].new_count;
	lines = arena_alloc(f->arena, f->line_count + added + 1, sizeof(*lines));
	if (!lines)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (uint32_t i = 0; i < e->hunk_count; i++) {
		const struct patch_hunk *h = &e->hunks[i];
		size_t at;

		if (!find_place(f, h, '+', next, shift, &at))
			return no_place(set, f, e, h, name, next, err);
		shift = (int64_t)at - ((int64_t)h->old_start - (h->old_count > 0));
		for (; next < at; next++)
			lines[n++] = f->lines[next];
		take_hunk(f, h, at, lines, &n);
		next = at + h->old_count;
	}
	for (; next < f->line_count; next++)
		lines[n++] = f->lines[next];
	f->lines = lines;
	f->line_count = n;
	return 0;
}

int source_set_apply(struct source_set *set, const struct patch_file *patch, const char *name,
		     struct reason_list *reasons, struct error *err)
{
	for (size_t i = 0; i < patch->entry_count; i++) {
		struct source_file *f;
		int r = find_or_load(set, &patch->entries[i], name, reasons, &f, err);

		if (r == 0 && f)
			r = apply_entry(set, f, &patch->entries[i], name, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Where in C the text stands at the end of a line: a #line directive may only follow a line that
 * ends outside comments, continued lines and parentheses (a macro's arguments). */
struct lexer {
	bool comment;
	bool continued;
	bool directive; /* within a preprocessor line */
	int depth;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f' || c == '\v' || c == '\r';
}

/* Steps over a string or character constant that begins at text[i]; returns the last index of it.
 */
static uint32_t skip_quoted(const struct source_line *line, uint32_t i)
{
	char quote = line->text[i];

	for (i++; i < line->len && line->text[i] != quote; i++)
		if (line->text[i] == '\\')
			i++;
	return i;
}

/* What a line says without comments, runs of blanks as one: appended to `out` (may be NULL). Goes
 * on from the line before. */
static int lex_line(struct lexer *lx, const struct source_line *line, struct buf *out)
{
	uint32_t i = 0, from;
	bool blank = true;
	int r = 0;

	if (!lx->continued)
		lx->directive = false;
	while (!lx->comment && i < line->len && is_blank(line->text[i]))
		i++;
	if (!lx->continued && !lx->comment && i < line->len && line->text[i] == '#')
		lx->directive = true;
	/* A brace in the first column ends a function whatever was counted before. */
	if (line->len > 0 && (line->text[0] == '}' || line->text[0] == '{') && !lx->comment)
		lx->depth = 0;
	for (; i < line->len; i++) {
		char c = line->text[i], d = i + 1 < line->len ? line->text[i + 1] : '\0';

		from = i;
		if (lx->comment || (c == '/' && d == '*') || is_blank(c)) {
			i += lx->comment ? c == '*' && d == '/' : c == '/';
			lx->comment = lx->comment ? !(c == '*' && d == '/') : c == '/';
			blank = true;
			continue;
		}
		if (c == '/' && d == '/')
			break;
		if (c == '"' || c == '\'')
			i = MIN(skip_quoted(line, i), line->len - 1);
		else if (!lx->directive)
			lx->depth += (c == '(') - (c == ')');
		if (out && r == 0 && blank)
			r = buf_append_byte(out, ' ');
		if (out && r == 0)
			r = buf_append(out, line->text + from, i - from + 1);
		blank = false;
	}
	lx->depth = MAX(lx->depth, 0);
	lx->continued = line->len > 0 && line->text[line->len - 1] == '\\';
	return r;
}

/* A text without what does not count; lines stay apart, as preprocessor lines must. */
static int bare_text(const struct source_line *lines, size_t n, struct buf *out)
{
	struct lexer lx = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		size_t before = out->len;

		r = lex_line(&lx, &lines[i], out);
		if (r == 0 && out->len > before)
			r = buf_append_byte(out, '\n');
	}
	return r;
}

bool source_file_changed(const struct source_file *file)
{
	_cleanup_buf_ struct buf old = BUF_INIT(2 * SOURCE_FILE_MAX), new = old;
	struct source_file original = { .original = file->original, .arena = file->arena };

	if (file->is_new || split_lines(&original) < 0 ||
	    bare_text(original.lines, original.line_count, &old) < 0 ||
	    bare_text(file->lines, file->line_count, &new) < 0)
		return true;
	return old.len != new.len || (old.len > 0 && memcmp(old.data, new.data, old.len) != 0);
}

int source_file_text(const struct source_file *file, struct buf *out)
{
	struct lexer lx = { 0 };
	uint32_t number = 1; /* what the compiler takes the next line for */
	int r = 0;

	for (size_t i = 0; r == 0 && i < file->line_count; i++) {
		const struct source_line *line = &file->lines[i];
		bool safe = !lx.comment && !lx.continued && lx.depth == 0;

		if (line->origin && line->origin != number && safe) {
			r = buf_printf(out, "#line %u\n", line->origin);
			number = line->origin;
		}
		if (r == 0)
			r = buf_append(out, line->text, line->len);
		if (r == 0 && (i + 1 < file->line_count || !file->no_newline))
			r = buf_append_byte(out, '\n');
		(void)lex_line(&lx, line, NULL);
		number++;
	}
	return r;
}
