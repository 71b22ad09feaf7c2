// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/selftest/selftest_guest.h"

#include <limits.h>
#include <stdio.h>

#include "base/file.h"

/* The guest looks into /usr/bin before /bin, where busybox is. */
static const struct {
	const char *name, *guest, *package;
} programs[] = {
	{ "bash", "/bin/bash", "bash" },
	{ "kmod", "/usr/bin/insmod", "kmod" },
	{ "kmod", "/usr/bin/rmmod", "kmod" },
	{ "kmod", "/usr/bin/modprobe", "kmod" },
	{ "kmod", "/usr/bin/modinfo", "kmod" },
	{ "kmod", "/usr/bin/depmod", "kmod" },
	{ "sysctl", "/usr/bin/sysctl", "procps" },
	{ "date", "/usr/bin/date", "coreutils" },
	{ "stat", "/bin/stat", "coreutils" },
	{ "comm", "/usr/bin/comm", "coreutils" },
	{ "mktemp", "/usr/bin/mktemp", "coreutils" },
	{ "diff", "/usr/bin/diff", "diffutils" },
	{ "getconf", "/usr/bin/getconf", "libc-bin" },
};

/* An administrator's programs are not in everyone's PATH. */
static bool find_program(const char *name, char ret[static PATH_MAX])
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *places = NULL;
	char *rest = NULL;

	if (asprintf(&places, "%s:/usr/bin:/usr/sbin:/bin:/sbin", path ? path : "") < 0)
		return false;
	for (char *dir = strtok_r(places, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest)) {
		if (snprintf(ret, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
			continue;
		if (dir[0] == '/' && access(ret, X_OK) == 0)
			return true;
	}
	return false;
}

static int add_pair(struct path_list *ret, const char *host, const char *guest, struct error *err)
{
	_cleanup_free_ char *pair = NULL;

	if (asprintf(&pair, "%s:%s", host, guest) < 0 || path_list_add(ret, pair) < 0)
		return error_set(err, ERR_NO_MEMORY, "selftests");
	return 0;
}

static int add_given(const char *const *more, struct path_list *ret, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && more && more[i]; i++)
		r = path_list_add(ret, more[i]);
	return r < 0 ? error_set(err, r, "selftests") : 0;
}

int selftest_guest_programs(const char *const *more, struct path_list *ret, struct error *err)
{
	int r = add_given(more, ret, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(programs); i++) {
		char path[PATH_MAX];

		if (!find_program(programs[i].name, path)) {
			error_set(err, ERR_NOT_FOUND,
				  "%s: the selftests need it, and it is not here",
				  programs[i].name);
			error_hint(err, "it is in the package %s", programs[i].package);
			return ERR_NOT_FOUND;
		}
		r = add_pair(ret, path, programs[i].guest, err);
	}
	return r;
}

static int add_list(const struct path_list *list, const char *folder, struct path_list *ret,
		    struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		_cleanup_free_ char *to = path_join(folder, path_base(list->items[i]), NULL);

		r = to ? add_pair(ret, list->items[i], to, err)
		       : error_set(err, ERR_NO_MEMORY, "selftests");
	}
	return r;
}

int selftest_guest_files(const char *const *more, const struct selftest_files *files,
			 const struct selftest_built *built, struct path_list *ret,
			 struct error *err)
{
	int r = add_given(more, ret, err);

	if (r == 0)
		r = add_list(&files->scripts, SELFTEST_GUEST_FOLDER, ret, err);
	if (r == 0)
		r = add_list(&files->others, SELFTEST_GUEST_FOLDER, ret, err);
	if (r == 0)
		r = add_list(&built->programs, SELFTEST_GUEST_FOLDER, ret, err);
	if (r == 0)
		r = add_list(&built->modules, SELFTEST_GUEST_FOLDER "/test_modules", ret, err);
	return r;
}
