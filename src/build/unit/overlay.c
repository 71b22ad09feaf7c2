/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/overlay.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/scratch.h"
#include "build/unit/unit_list.h"

#define ARGUMENT_MAX 65536

struct overlay {
	char *tree; /* the real one */
	struct scratch *scratch;
	char *copy; /* FOLDER/tree */
};

int overlay_new(const char *tree, struct overlay **ret, struct error *err)
{
	_cleanup_overlay_ struct overlay *o = calloc(1, sizeof(*o));
	int r;

	if (!o || !(o->tree = strdup(tree)))
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = scratch_new(&o->scratch, err);
	if (r < 0)
		return r;
	o->copy = path_join(scratch_path(o->scratch), "tree", NULL);
	if (!o->copy)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (mkdir(o->copy, 0755) < 0)
		return error_set_errno(err, errno, "cannot make %s", o->copy);
	*ret = TAKE_PTR(o);
	return 0;
}

void overlay_free(struct overlay *o)
{
	if (!o)
		return;
	scratch_free(o->scratch);
	free(o->tree);
	free(o->copy);
	free(o);
}

void overlay_unname(const struct overlay *o, struct error *err)
{
	_cleanup_free_ char *place = NULL;

	if (asprintf(&place, "%s/", o->copy) < 0)
		place = NULL;
	error_remove(err, place ? place : "");
}

const char *overlay_folder(const struct overlay *o)
{
	return scratch_path(o->scratch);
}

/* Makes the folder of COPY/PATH, unless it is `last`, which is there. */
static int make_folder(const struct overlay *o, const char *path, char last[static PATH_MAX],
		       struct error *err)
{
	size_t len = (size_t)(path_base(path) - path);
	char full[PATH_MAX];

	if (len >= PATH_MAX ||
	    snprintf(full, sizeof(full), "%s/%.*s", o->copy, (int)len, path) >= PATH_MAX)
		return error_set(err, ERR_TOO_LARGE, "a file name of the source is too long");
	if (strlen(last) == len && memcmp(last, path, len) == 0)
		return 0;
	memcpy(last, path, len);
	last[len] = '\0';
	if (len == 0)
		return 0;
	full[strlen(full) - 1] = '\0';
	return file_make_dirs(full, 0755, err);
}

static int write_patched(const struct overlay *o, const struct source_file *f,
			 char last[static PATH_MAX], struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(2 * SOURCE_FILE_MAX);
	_cleanup_free_ char *full = path_join(o->copy, f->path, NULL);
	_cleanup_fclose_ FILE *file = NULL;
	int r = full ? source_file_text(f, &text) : ERR_NO_MEMORY;

	if (r < 0)
		return error_set(err, r, "%s: the patched file is too large", f->path);
	r = make_folder(o, f->path, last, err);
	if (r < 0)
		return r;
	file = fopen(full, "wxe");
	if (!file || fwrite(buf_str(&text), 1, text.len, file) != text.len || fflush(file) != 0)
		return error_set_errno(err, errno, "cannot write %s", full);
	return 0;
}

static int link_file(const struct overlay *o, const char *path, char last[static PATH_MAX],
		     struct error *err)
{
	char from[PATH_MAX], to[PATH_MAX];
	int r = make_folder(o, path, last, err);

	if (r < 0)
		return r;
	if (snprintf(from, sizeof(from), "%s/%s", o->tree, path) >= PATH_MAX ||
	    snprintf(to, sizeof(to), "%s/%s", o->copy, path) >= PATH_MAX)
		return error_set(err, ERR_TOO_LARGE, "a file name of the source is too long");
	/* The patched file is there already. */
	if (symlink(from, to) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "cannot link %s", to);
	return 0;
}

int overlay_fill(const struct overlay *o, const struct source_set *sources,
		 const struct name_list *files, struct error *err)
{
	char last[PATH_MAX] = "";
	int r = 0;

	for (size_t i = 0; r == 0 && i < sources->n; i++)
		r = write_patched(o, sources->files[i], last, err);
	for (size_t i = 0; r == 0 && i < files->n; i++)
		r = link_file(o, files->items[i], last, err);
	return r;
}

/* A path that goes up again ("TREE/arch/x86/kvm/../../../virt") needs the folder that it leaves. */
static int make_left_folder(const struct overlay *o, const char *path, struct error *err)
{
	const char *up = strstr(path, "/../");
	char left[PATH_MAX], last[PATH_MAX] = "";

	if (!up || (size_t)(up - path) + 3 > sizeof(left))
		return 0;
	snprintf(left, sizeof(left), "%.*s/x", (int)(up - path), path);
	return make_folder(o, left, last, err);
}

int overlay_move(const struct overlay *o, const struct name_list *arguments, struct name_list *ret,
		 struct error *err)
{
	size_t len = strlen(o->tree);
	int r = 0;

	for (size_t i = 0; r == 0 && i < arguments->n; i++) {
		_cleanup_buf_ struct buf moved = BUF_INIT(ARGUMENT_MAX);
		const char *p = arguments->items[i], *at;

		for (; r == 0 && (at = strstr(p, o->tree)); p = at + len) {
			bool whole = at[len] == '/' || at[len] == '\0';

			r = buf_append(&moved, p, (size_t)(at - p));
			if (r == 0)
				r = buf_append_str(&moved, whole ? o->copy : o->tree);
			if (r == 0 && whole && at[len] == '/')
				r = make_left_folder(o, at + len + 1, err);
		}
		if (r == 0)
			r = buf_append_str(&moved, p);
		if (r == 0)
			r = name_list_add(ret, buf_str(&moved));
	}
	return r < 0 ? error_set(err, r, "cannot move a command of the compiler") : 0;
}
