/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/livepatch.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/root.h"

DEFINE_CLEANUP(DIR *, closedir);

static int read_bit(const char *root, const char *name, const char *attribute, bool *ret)
{
	struct kernel_path path;
	uint64_t value;
	int r;

	r = kernel_path(&path, "", "/sys/kernel/livepatch/%s/%s", name, attribute);
	if (r == 0)
		r = kernel_read_u64(root, path.s, &value, NULL);
	if (r == 0)
		*ret = value != 0;
	return r;
}

int kernel_livepatch_get(const char *root, const char *name, struct kernel_livepatch *ret)
{
	struct kernel_livepatch patch = { 0 };

	if (strlen(name) > KERNEL_MODULE_NAME_MAX)
		return ERR_NOT_FOUND;
	memcpy(patch.name, name, strlen(name) + 1);
	if (read_bit(root, name, "enabled", &patch.enabled) < 0 ||
	    read_bit(root, name, "transition", &patch.transition) < 0)
		return ERR_NOT_FOUND;
	*ret = patch;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct kernel_livepatch *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int kernel_livepatch_list(const char *root, struct kernel_livepatch *ret, size_t max,
			  struct error *err)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	struct kernel_path path;
	struct dirent *entry;
	size_t n = 0;
	int r;

	r = kernel_path(&path, root, "/sys/kernel/livepatch");
	if (r < 0)
		return error_set(err, r, "path too long");
	dir = opendir(path.s);
	if (!dir)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", path.s);
	while ((entry = readdir(dir))) {
		struct kernel_livepatch patch;

		if (entry->d_name[0] == '.' ||
		    kernel_livepatch_get(root, entry->d_name, &patch) < 0)
			continue;
		if (n == max)
			return error_set(err, ERR_TOO_LARGE, "%s: more than %zu livepatches",
					 path.s, max);
		ret[n++] = patch;
	}
	qsort(ret, n, sizeof(*ret), by_name);
	return (int)n;
}

void kernel_livepatch_funcs_free(struct kernel_livepatch_funcs *funcs)
{
	for (size_t i = 0; i < funcs->n; i++)
		free(funcs->items[i].name);
	free(funcs->items);
	*funcs = (struct kernel_livepatch_funcs){ 0 };
}

static int by_object_and_name(const void *a, const void *b)
{
	const struct kernel_livepatch_func *x = a, *y = b;
	int c = strcmp(x->object, y->object);

	if (c == 0)
		c = strcmp(x->name, y->name);
	return c != 0 ? c : (x->sympos > y->sympos) - (x->sympos < y->sympos);
}

/* A folder "function,sympos" below an object's folder. */
static int add_func(struct kernel_livepatch_funcs *funcs, const char *object, const char *entry,
		    struct error *err)
{
	const char *comma = strrchr(entry, ',');
	struct kernel_livepatch_func *items, *func;
	size_t len;

	if (!comma || comma == entry)
		return 0;
	len = (size_t)(comma - entry);
	if (funcs->n == KERNEL_LIVEPATCH_FUNCS || len > KERNEL_SYMBOL_MAX)
		return error_set(err, ERR_TOO_LARGE, "livepatch with more than %d functions",
				 KERNEL_LIVEPATCH_FUNCS);
	items = reallocarray(funcs->items, funcs->n + 1, sizeof(*items));
	if (!items)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	funcs->items = items;
	func = &items[funcs->n];
	*func = (struct kernel_livepatch_func){
		.name = strndup(entry, len),
		.sympos = (unsigned int)strtoul(comma + 1, NULL, 10),
	};
	if (!func->name)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	funcs->n++;
	snprintf(func->object, sizeof(func->object), "%s", object);
	return 0;
}

static int add_object(struct kernel_livepatch_funcs *funcs, const char *patch_path,
		      const char *object, struct error *err)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	struct kernel_path path;
	struct dirent *entry;
	int r = 0;

	if (strlen(object) > KERNEL_MODULE_NAME_MAX ||
	    kernel_path(&path, patch_path, "/%s", object) < 0)
		return 0;
	dir = opendir(path.s);
	if (!dir)
		return 0; /* an attribute of the patch, not an object */
	while (r == 0 && (entry = readdir(dir)))
		r = add_func(funcs, object, entry->d_name, err);
	return r;
}

int kernel_livepatch_funcs(const char *root, const char *name, struct kernel_livepatch_funcs *ret,
			   struct error *err)
{
	_cleanup_(kernel_livepatch_funcs_free) struct kernel_livepatch_funcs funcs = { 0 };
	_cleanup_(closedirp) DIR *dir = NULL;
	struct kernel_path path;
	struct dirent *entry;
	int r;

	r = kernel_path(&path, root, "/sys/kernel/livepatch/%s", name);
	if (r < 0)
		return error_set(err, r, "path too long");
	dir = opendir(path.s);
	if (!dir)
		return error_set_errno(err, errno, "%s", path.s);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		r = add_object(&funcs, path.s, entry->d_name, err);
		if (r < 0)
			return r;
	}
	if (funcs.n)
		qsort(funcs.items, funcs.n, sizeof(*funcs.items), by_object_and_name);
	*ret = funcs;
	funcs = (struct kernel_livepatch_funcs){ 0 };
	return 0;
}

/* 1 when the wait is over, 0 to go on. */
static int wait_over(const char *root, const char *name, bool target, struct error *err)
{
	struct kernel_livepatch patch;

	if (kernel_livepatch_get(root, name, &patch) < 0) {
		if (!target)
			return 1;
		return error_set(err, ERR_KERNEL_REFUSED,
				 "livepatch %s is gone: the kernel, or somebody, took it back",
				 name);
	}
	if (patch.enabled == target)
		return target && !patch.transition;
	if (target)
		return error_set(err, ERR_KERNEL_REFUSED,
				 "livepatch %s was turned back during its transition", name);
	return 0;
}

/* The kernel sends no event when a transition ends, so this looks again after 5 ms, and up to
 * 100 ms apart when it takes long. */
int kernel_livepatch_wait(const char *root, const char *name, bool target, int timeout_ms,
			  int cancel_fd, struct error *err)
{
	int64_t end = clock_monotonic_ms() + timeout_ms;
	int pause = 5;

	for (;;) {
		struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };
		int r = wait_over(root, name, target, err);

		if (r != 0)
			return r < 0 ? r : 0;
		if (clock_monotonic_ms() >= end)
			break;
		if (poll(&cancel, 1, pause) > 0)
			return error_set(err, -ECANCELED, "livepatch %s: wait given up", name);
		pause = MIN(pause * 2, 100);
	}
	error_set(err, ERR_STUCK, "livepatch %s: transition not finished after %d s", name,
		  timeout_ms / 1000);
	error_hint(err, "some task never leaves a patched function; try again later");
	return ERR_STUCK;
}

int kernel_livepatch_set(const char *root, const char *name, bool enabled, struct error *err)
{
	struct kernel_livepatch patch;
	struct kernel_path path;
	int r;

	r = kernel_livepatch_get(root, name, &patch);
	if (r < 0 && enabled)
		return error_set(err, r, "livepatch %s is not in the kernel", name);
	if (r < 0 || patch.enabled == enabled)
		return 0;
	r = kernel_path(&path, root, "/sys/kernel/livepatch/%s/enabled", name);
	if (r < 0)
		return error_set(err, r, "path too long");
	r = file_write_sysfs(path.s, enabled ? "1" : "0", err);
	/* It ended between the two looks. */
	if (!enabled && (r == -ENOENT || r == -ENODEV))
		return 0;
	return r;
}
