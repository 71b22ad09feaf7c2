/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/source.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "base/file.h"

#define FILE_MAX  ((size_t)16 * 1024 * 1024)
#define NAME_SIZE (MODULE_NAME_BYTES + RECORD_TEXT_MAX + 32)

/* ---- Finding ---- */

static int has_hash(const struct buf *data, const char *sha256, bool *ret)
{
	char hex[SHA256_HEX_LEN + 1];
	int r = hash_sha256_hex(data->data, data->len, hex);

	*ret = r == 0 && streq(hex, sha256);
	return r;
}

/* Reads the file if it is the one; an unreadable one is another's. */
static int try_file(const char *path, const char *sha256, struct buf *out, bool *ret)
{
	*ret = false;
	buf_clear(out);
	if (file_read(path, out, NULL) < 0)
		return 0;
	return has_hash(out, sha256, ret);
}

static int find_file(const struct record_file *file, const char *const *places, size_t n,
		     struct buf *out, struct error *err)
{
	const char *missing = NULL;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *inner = path_join(places[i], file->name, NULL);
		struct stat st;
		int r;

		if (!inner)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		if (stat(places[i], &st) < 0) {
			missing = missing ? missing : places[i];
			continue;
		}
		r = try_file(S_ISDIR(st.st_mode) ? inner : places[i], file->sha256, out, &found);
		if (r < 0)
			return error_set(err, r, "no memory");
		if (found)
			return 0;
	}
	error_set(err, ERR_NOT_FOUND, "source: no file here is %s of the record (sha256 %.16s…)",
		  file->name, file->sha256);
	if (missing)
		error_hint(err, "there is no %s: --source FILE or --source DIR says where they are",
			   missing);
	else
		error_hint(err, "--source FILE or --source DIR says where the source patches are");
	return ERR_NOT_FOUND;
}

/* ---- Writing ---- */

struct sink {
	struct buf *out;
	int error;
};

static la_ssize_t sink_write(struct archive *a, void *user, const void *data, size_t len)
{
	struct sink *sink = user;

	sink->error = buf_append(sink->out, data, len);
	if (sink->error == 0)
		return (la_ssize_t)len;
	archive_set_error(a, ENOMEM, "the archive is too large");
	return -1;
}

DEFINE_CLEANUP(struct archive *, archive_write_free);
DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);

/* No time, no owner: they would differ from machine to machine. */
static int put(struct archive *a, const char *name, const void *data, size_t len, struct error *err)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();

	if (!entry)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, 0, 0);
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
	    (len > 0 && archive_write_data(a, data, len) != (la_ssize_t)len))
		return error_set(err, ERR_TOO_LARGE, "source: %s: %s", name,
				 archive_error_string(a));
	return 0;
}

static const char recipe_head[] =
	"# How this module is built again\n"
	"\n"
	"The module is %s.ko, a livepatch of version %s for the kernel %s (build ID %s).\n"
	"Its source is the kernel's own, as the distribution publishes it for exactly this build,\n"
	"and the files under patches/, which are applied in their order. The same inputs give the\n"
	"same bytes: without its signature the module has the SHA-256\n"
	"%s.\n"
	"\n"
	"Built by %s with %s.\n"
	"record.json names every input with its hash: configuration, tools, original files.\n"
	"\n"
	"    suture-build kernel add %s\n"
	"    suture-build %s --kernel %s --version %s --severity %s \\\n";

static bool is_module(const struct record *record)
{
	return str_has_suffix(record->patches[0].name, ".c");
}

static int write_recipe(const struct record *rec, struct buf *out)
{
	int r = buf_printf(out, recipe_head, rec->module, rec->version, rec->kernel, rec->build_id,
			   rec->module_sha256, rec->tool, rec->compiler, rec->kernel,
			   is_module(rec) ? "module" : "patch", rec->kernel, rec->version,
			   rec->severity);

	for (size_t i = 0; r == 0 && i < rec->n_cves; i++)
		r = buf_printf(out, "        --cve %s \\\n", rec->cves[i]);
	if (r == 0)
		r = buf_printf(out, "        -o %s.ko --record record.json", rec->module);
	for (size_t i = 0; r == 0 && i < rec->n_patches; i++)
		r = buf_printf(out, " \\\n        patches/%02zu/%s", i + 1, rec->patches[i].name);
	return r < 0 ? r : buf_append_str(out, "\n");
}

static int put_sources(struct archive *a, const struct record *rec, const char *const *places,
		       size_t n_places, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(FILE_MAX);
	char name[NAME_SIZE];
	int r = 0;

	for (size_t i = 0; r == 0 && i < rec->n_patches; i++) {
		r = find_file(&rec->patches[i], places, n_places, &data, err);
		/* Two files may have one name. */
		snprintf(name, sizeof(name), "%s/patches/%02zu/%s", rec->module, i + 1,
			 rec->patches[i].name);
		if (r == 0)
			r = put(a, name, data.data, data.len, err);
	}
	return r;
}

static int put_all(struct archive *a, const struct record *rec, const void *text, size_t len,
		   const char *const *places, size_t n_places, struct error *err)
{
	_cleanup_buf_ struct buf recipe = BUF_INIT((size_t)1024 * 1024);
	char name[NAME_SIZE];
	int r = write_recipe(rec, &recipe);

	if (r < 0)
		return error_set(err, r, "source: recipe too large");
	snprintf(name, sizeof(name), "%s/BUILD.md", rec->module);
	r = put(a, name, recipe.data, recipe.len, err);
	snprintf(name, sizeof(name), "%s/record.json", rec->module);
	if (r == 0)
		r = put(a, name, text, len, err);
	return r < 0 ? r : put_sources(a, rec, places, n_places, err);
}

int source_archive(const struct record *record, const void *text, size_t len,
		   const char *const *places, size_t n_places, struct buf *out, struct error *err)
{
	_cleanup_(archive_write_freep) struct archive *a = archive_write_new();
	struct sink sink = { .out = out };
	int r;

	for (size_t i = 0; i < record->n_patches; i++) {
		/* A name is one without folders, but a record may come from anywhere. */
		if (!path_is_safe_relative(record->patches[i].name) ||
		    strchr(record->patches[i].name, '/'))
			return error_set(err, ERR_INVALID, "source: \"%s\" is no file name",
					 record->patches[i].name);
	}
	if (!a || archive_write_set_format_ustar(a) != ARCHIVE_OK ||
	    archive_write_open2(a, &sink, NULL, sink_write, NULL, NULL) != ARCHIVE_OK)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = put_all(a, record, text, len, places, n_places, err);
	if (r == 0 && archive_write_close(a) != ARCHIVE_OK)
		r = error_set(err, ERR_TOO_LARGE, "source: %s", archive_error_string(a));
	return r;
}
