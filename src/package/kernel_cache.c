/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/kernel_cache.h"

#include <sys/file.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/release.h"
#include "package/apt.h"
#include "package/kernel_files.h"
#include "package/kernel_lock.h"
#include "package/kernel_sources.h"
#include "package/vmlinuz.h"

#define LIST_FILE_MAX (4 * 1024 * 1024)
#define INFO_MAX      (64 * 1024)

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	free(k->release);
	free(k->version);
	free(k->build_id);
	free(k->source_package);
	free(k->folder);
	free(k->vmlinuz);
	free(k->vmlinux);
	free(k->config);
	free(k->root);
	free(k->modules);
	free(k->build);
	closep(&k->lock);
	free(k);
}

int kernel_cache_folder(char **ret, struct error *err)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	_cleanup_free_ char *path = NULL;

	if (xdg && xdg[0] == '/')
		path = path_join(xdg, "suture", NULL);
	else if (home && home[0] == '/')
		path = path_join(home, ".cache", "suture", NULL);
	else
		return error_set(err, ERR_UNSUPPORTED,
				 "no cache folder: neither XDG_CACHE_HOME nor HOME is set");
	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	int r = file_make_dirs(path, 0755, err);

	if (r < 0)
		return r;
	*ret = TAKE_PTR(path);
	return 0;
}

int kernel_release_folder(const char *release, char **ret, struct error *err)
{
	_cleanup_free_ char *cache = NULL;
	int r;

	if (*release && !kernel_release_is_valid(release))
		return error_set(err, ERR_INVALID, "'%s' is not a kernel release", release);
	r = kernel_cache_folder(&cache, err);
	if (r < 0)
		return r;

	_cleanup_free_ char *kernels = path_join(cache, "kernels", NULL);
	char *folder =
		kernels ? *release ? path_join(kernels, release, NULL) : strdup(kernels) : NULL;

	if (!folder)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_make_dirs(kernels, 0755, err);
	if (r < 0) {
		free(folder);
		return r;
	}
	*ret = folder;
	return 0;
}

static int fill_paths(struct kernel *k, const char *folder, const char *release)
{
	k->release = strdup(release);
	k->folder = strdup(folder);
	k->vmlinuz = path_join(folder, "vmlinuz", NULL);
	k->vmlinux = path_join(folder, "vmlinux", NULL);
	k->config = path_join(folder, "config", NULL);
	k->root = path_join(folder, "root", NULL);
	k->modules = path_join(folder, "root/lib/modules", release, NULL);
	k->build = path_join(folder, "build", NULL);
	return k->release && k->folder && k->vmlinuz && k->vmlinux && k->config && k->root &&
			       k->modules && k->build
		       ? 0
		       : ERR_NO_MEMORY;
}

static int read_info(struct kernel *k, const char *path, struct error *err)
{
	_cleanup_json_ json_t *info = NULL;
	const char *version, *build_id, *source;
	int64_t format;
	int r = json_load_path(path, INFO_MAX, &info, err);

	if (r == 0)
		r = json_get_int(info, "format", 1, INT64_MAX, &format, err);
	if (r == 0 && format > 1)
		return error_set(err, ERR_UNSUPPORTED, "%s is of a newer version of this program",
				 path);
	if (r == 0)
		r = json_get_str(info, "version", 256, &version, err);
	if (r == 0)
		r = json_get_str(info, "build_id", BUILD_ID_HEX_MAX, &build_id, err);
	if (r == 0)
		r = json_get_str(info, "source_package", 256, &source, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	k->version = strdup(version);
	k->build_id = strdup(build_id);
	k->source_package = strdup(source);
	if (!k->version || !k->build_id || !k->source_package)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return 0;
}

int kernel_open(const char *release, struct kernel **ret, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	int r = kernel_release_folder(release, &folder, err);

	if (r < 0)
		return r;

	_cleanup_kernel_ struct kernel *k = calloc(1, sizeof(*k));
	_cleanup_free_ char *info = path_join(folder, "kernel.json", NULL);

	if (!k)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	k->lock = -1;
	if (!info || fill_paths(k, folder, release) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!*release || !file_exists(info)) {
		r = error_set(err, ERR_NOT_FOUND, "kernel %s is not in the cache", release);
		error_hint(err, "add it with: suture-build kernel add %s", release);
		return r;
	}
	r = read_info(k, info, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(k);
	return 0;
}

int kernel_use(const char *release, kernel_say_fn say, struct kernel **ret, struct error *err)
{
	_cleanup_kernel_ struct kernel *k = NULL;
	_cleanup_free_ char *folder = NULL;
	_cleanup_close_ int lock = -1;
	int r = kernel_release_folder(release, &folder, err);

	if (r == 0 && *release)
		r = kernel_folder_lock(folder, say, &lock, err);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	/* Says what to do about one that is not there. */
	r = kernel_open(release, &k, err);
	if (r < 0)
		return r;
	/* It was added between the two. */
	if (lock < 0)
		return kernel_use(release, say, ret, err);
	k->lock = TAKE_FD(lock);
	*ret = TAKE_PTR(k);
	return 0;
}

int kernel_claim(const struct kernel *k, kernel_say_fn say, struct error *err)
{
	return kernel_folder_claim(k->folder, k->lock, say, err);
}

void kernel_share(const struct kernel *k)
{
	(void)flock(k->lock, LOCK_SH);
}

static int write_info(const struct kernel_info *info, const char *folder, struct error *err)
{
	_cleanup_json_ json_t *o = json_object();
	_cleanup_free_ char *path = path_join(folder, "kernel.json", NULL);

	if (!o || !path || json_object_set_new(o, "format", json_integer(1)) < 0 ||
	    json_set_str(o, "release", info->release) < 0 ||
	    json_set_str(o, "version", info->version) < 0 ||
	    json_set_str(o, "build_id", info->build_id) < 0 ||
	    json_set_str(o, "source_package", info->source_package) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return json_save_path(o, path, 0644, err);
}

/* Fills a new folder and puts it in its place. The caller holds the lock. */
static int fetch_into(const char *release, const struct kernel_origin *origin, const char *folder,
		      const char *tmp, kernel_say_fn say, struct error *err)
{
	struct kernel_info info = { .release = release };
	int r = file_make_dirs(tmp, 0755, err);

	if (r == 0 && origin && origin->image)
		r = kernel_files_from(origin, tmp, say, &info, err);
	else if (r == 0)
		r = kernel_files_from_apt(tmp, say, &info, err);
	if (r == 0)
		r = write_info(&info, tmp, err);
	if (r == 0)
		r = file_remove_tree(folder, err);
	if (r < 0)
		return r;
	if (rename(tmp, folder) < 0)
		return error_set_errno(err, errno, "cannot rename %s", tmp);
	return 0;
}

static int fetch_locked(const char *release, const struct kernel_origin *origin, kernel_say_fn say,
			struct error *err)
{
	_cleanup_kernel_ struct kernel *there = NULL;
	_cleanup_close_ int lock = -1;
	_cleanup_free_ char *folder = NULL, *tmp = NULL;
	int r = kernel_release_folder(release, &folder, err);

	if (r == 0)
		r = kernel_lock(release, say, &lock, err);
	if (r < 0)
		return r;
	/* Another command may have fetched it while this one waited. */
	if (kernel_open(release, &there, NULL) == 0)
		return 0;
	if (asprintf(&tmp, "%s.tmp", folder) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_remove_tree(tmp, err);
	if (r == 0)
		r = fetch_into(release, origin, folder, tmp, say, err);
	if (r < 0) {
		(void)file_remove_tree(tmp, NULL);
		kernel_lock_forget(release);
	}
	return r;
}

int kernel_fetch(const char *release, const struct kernel_origin *origin, kernel_say_fn say,
		 struct kernel **ret, struct error *err)
{
	struct error first = { 0 };
	int r = kernel_use(release, say, ret, &first);

	if (r != ERR_NOT_FOUND) {
		if (r < 0 && err)
			*err = first;
		return r;
	}
	r = fetch_locked(release, origin, say, err);
	return r < 0 ? r : kernel_use(release, say, ret, err);
}

int kernel_list(struct name_list *ret, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	_cleanup_name_list_ struct name_list names = { 0 }, list = { 0 };
	int r = kernel_release_folder("", &folder, err);

	if (r == 0)
		r = kernel_names(&names, err);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		_cleanup_free_ char *info = path_join(folder, names.items[i], "kernel.json", NULL);

		if (!info || (file_exists(info) && name_list_add(&list, names.items[i]) < 0))
			r = error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (r < 0)
		return r;
	*ret = list;
	list = (struct name_list){ 0 };
	return 0;
}

int kernel_remove(const char *release, kernel_say_fn say, struct error *err)
{
	_cleanup_kernel_ struct kernel *k = NULL;
	_cleanup_close_ int lock = -1;
	_cleanup_free_ char *info = NULL;
	int r = kernel_use(release, say, &k, err);

	if (r == 0)
		r = kernel_claim(k, say, err);
	if (r == 0)
		r = kernel_lock(release, say, &lock, err);
	if (r == ERR_NOT_FOUND)
		error_hint(err, "suture-build kernel list shows what there is");
	if (r < 0)
		return r;
	info = path_join(k->folder, "kernel.json", NULL);
	if (!info)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	/* Without this file the rest counts as absent, so a half-done removal is one. */
	r = file_remove(info, err);
	if (r == 0)
		r = file_remove_tree(k->folder, err);
	if (r == 0)
		kernel_lock_forget(release);
	return r == 0 && k->source_package[0] ? kernel_source_remove(k, err) : r;
}

/* Do two module names mean the same one? The second ends at its first '.'. */
static bool same_module(const char *name, const char *file)
{
	for (;; name++, file++) {
		char a = *name == '-' ? '_' : *name, b = *file == '-' ? '_' : *file;

		if (b == '.')
			b = '\0';
		if (a != b)
			return false;
		if (a == '\0')
			return true;
	}
}

static int find_module(const struct kernel *k, const char *name, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf order = BUF_INIT(LIST_FILE_MAX);
	_cleanup_name_list_ struct name_list lines = { 0 };
	_cleanup_free_ char *path = path_join(k->modules, "modules.order", NULL);
	static const char *const endings[] = { "", ".xz", ".zst", ".gz" };
	int r = path ? file_read(path, &order, err) : ERR_NO_MEMORY;

	if (r == -ENOENT)
		return error_set(err, ERR_BAD_STATE, "kernel %s is cached without modules",
				 k->release);
	if (r == 0)
		r = name_list_add_lines(&lines, buf_str(&order));
	if (r < 0)
		return error_prefix(err, r, "modules of %s", k->release);
	for (size_t i = 0; i < lines.n; i++) {
		if (!same_module(name, path_base(lines.items[i])) ||
		    !path_is_safe_relative(lines.items[i]))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(endings); j++) {
			_cleanup_free_ char *file = NULL;

			if (asprintf(&file, "%s/%s%s", k->modules, lines.items[i], endings[j]) < 0)
				return error_set(err, ERR_NO_MEMORY, "out of memory");
			if (file_exists(file)) {
				*ret = TAKE_PTR(file);
				return 0;
			}
		}
	}
	return error_set(err, ERR_NOT_FOUND, "kernel %s has no module '%s'", k->release, name);
}

int kernel_read_module(const struct kernel *k, const char *name, struct buf *out, char **ret_path,
		       struct error *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf raw = BUF_INIT(KERNEL_MODULE_MAX);
	int r = find_module(k, name, &path, err);

	if (r == 0)
		r = file_read(path, &raw, err);
	if (r < 0)
		return r;
	r = str_has_suffix(path, ".ko") ? buf_append(out, raw.data, raw.len)
					: vmlinuz_decompress(raw.data, raw.len, out, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	if (ret_path)
		*ret_path = TAKE_PTR(path);
	return 0;
}
