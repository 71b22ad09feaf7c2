// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/guest_module.h"

#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "lab/guest/guest_config.h"
#include "lab/guest/module_tree.h"
#include "lab/guest/work_folder.h"

static int load_file(struct guest *guest, const char *host_path, const struct module_file *m,
		     int timeout_ms, struct error *err)
{
	static const char script[] = "[ -d /sys/module/$1 ] || insmod $2";
	char path[PATH_MAX];
	const char *const argv[] = { "sh", "-c", script, "sh", m->name, path, NULL };
	int r = file_write_atomic(host_path, m->data, m->len, 0600, err);

	snprintf(path, sizeof(path), GUEST_MODULES "/%s.ko", m->name);
	if (r == 0)
		r = guest_put(guest, host_path, path, err);
	if (r == 0)
		r = guest_run_simple(guest, argv, timeout_ms, NULL, err);
	return r < 0 ? error_prefix(err, r, "module %s", m->name) : 0;
}

/* All of the tree's order; the last is the one that was asked for. */
static int load_in_order(struct guest *guest, const char *host_path, const struct module_tree *tree,
			 int timeout_ms, struct error *err)
{
	size_t n = module_tree_count(tree);
	char earlier[ERROR_MESSAGE_MAX / 2] = "";

	for (size_t i = 0; i < n; i++) {
		struct module_file m = module_tree_get(tree, i);
		struct error own = { 0 };
		int r = load_file(guest, host_path, &m, timeout_ms, &own);

		if (r == 0)
			continue;
		if (i + 1 == n || r != ERR_CHILD)
			return error_set(err, r, "%s%s%s", own.message,
					 *earlier ? "; before: " : "", earlier);
		if (!*earlier)
			snprintf(earlier, sizeof(earlier), "%.*s", (int)sizeof(earlier) - 1,
				 own.message);
	}
	return 0;
}

int guest_load_module(struct guest *guest, const char *modules, const char *name, int timeout_ms,
		      struct error *err)
{
	_cleanup_(module_tree_freep) struct module_tree *tree = NULL;
	_cleanup_(work_folder_removep) char *folder = NULL;
	int r = module_tree_open(modules, &tree, err);

	if (r == 0)
		r = module_tree_want(tree, name, err);
	if (r == 0)
		r = work_folder_make(&folder, err);
	if (r < 0)
		return r;
	_cleanup_free_ char *path = path_join(folder, "module.ko", NULL);

	return path ? load_in_order(guest, path, tree, timeout_ms, err)
		    : error_set(err, ERR_NO_MEMORY, "module %s", name);
}
