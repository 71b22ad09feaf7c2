/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/kernel_sources.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/file.h"

/* The folder of source trees; made if missing. The caller frees. */
static int sources_folder(char **ret, struct error *err)
{
	_cleanup_free_ char *cache = NULL, *sources = NULL;
	int r = kernel_cache_folder(&cache, err);

	if (r < 0)
		return r;
	sources = path_join(cache, "sources", NULL);
	if (!sources)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_make_dirs(sources, 0755, err);
	if (r == 0)
		*ret = TAKE_PTR(sources);
	return r;
}

/* The lock is on the folder itself. */
static int sources_lock(const char *sources, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = open(sources, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s", sources);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_set_errno(err, errno, "cannot lock %s", sources);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int source_path(const char *sources, const char *package, const char *version, char **ret,
		       struct error *err)
{
	_cleanup_free_ char *name = NULL;

	if (asprintf(&name, "%s_%s", package, version) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!path_is_safe_relative(name) || strchr(name, '/'))
		return error_set(err, ERR_INVALID, "'%s' cannot name a source tree", name);
	*ret = path_join(sources, name, NULL);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* Whoever removes a source tree looks for kernels that share it while holding the lock: one that is
 * in the cache, and finds the tree, keeps it. */
int kernel_source_folder(const char *package, const char *version, char **ret, bool *ret_exists,
			 struct error *err)
{
	_cleanup_free_ char *sources = NULL, *path = NULL;
	_cleanup_close_ int lock = -1;
	int r = sources_folder(&sources, err);

	if (r == 0)
		r = source_path(sources, package, version, &path, err);
	if (r == 0)
		r = sources_lock(sources, &lock, err);
	if (r < 0)
		return r;
	*ret_exists = file_exists(path);
	*ret = TAKE_PTR(path);
	return 0;
}

/* Does any other kernel in the cache come from the same source? */
static bool source_is_shared(const struct kernel *k)
{
	_cleanup_name_list_ struct name_list all = { 0 };

	if (kernel_list(&all, NULL) < 0)
		return true;
	for (size_t i = 0; i < all.n; i++) {
		_cleanup_kernel_ struct kernel *other = NULL;

		if (streq(all.items[i], k->release) || kernel_open(all.items[i], &other, NULL) < 0)
			continue;
		if (streq(other->version, k->version) &&
		    streq(other->source_package, k->source_package))
			return true;
	}
	return false;
}

/* Renamed first: what is there under its name is whole. */
int kernel_source_remove(const struct kernel *k, struct error *err)
{
	_cleanup_free_ char *sources = NULL, *path = NULL, *tmp = NULL;
	_cleanup_close_ int lock = -1;
	int r = sources_folder(&sources, err);

	if (r == 0)
		r = source_path(sources, k->source_package, k->version, &path, err);
	if (r == 0)
		r = sources_lock(sources, &lock, err);
	if (r < 0 || source_is_shared(k))
		return r;
	if (asprintf(&tmp, "%s.tmp", path) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_remove_tree(tmp, err);
	if (r == 0 && rename(path, tmp) < 0 && errno != ENOENT)
		r = error_set_errno(err, errno, "cannot rename %s", path);
	return r < 0 ? r : file_remove_tree(tmp, err);
}

int kernel_sources_sweep(struct error *err)
{
	_cleanup_free_ char *sources = NULL;
	_cleanup_close_ int lock = -1;
	struct dirent *e;
	int r = sources_folder(&sources, err);

	if (r == 0)
		r = sources_lock(sources, &lock, err);

	DIR *dir = r == 0 ? opendir(sources) : NULL;

	while (dir && r == 0 && (e = readdir(dir)) != NULL) {
		_cleanup_free_ char *path = path_join(sources, e->d_name, NULL);

		if (str_has_suffix(e->d_name, ".tmp"))
			r = path ? file_remove_tree(path, err)
				 : error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (dir)
		closedir(dir);
	return r;
}
