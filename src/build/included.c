/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/included.h"

#include <dirent.h>

#include "base/file.h"
#include "base/process.h"
#include "build/source.h"

#define DEPENDENCIES_MAX   (4 * 1024 * 1024)
#define DEPENDENCY_SECONDS 60

/* Is `base` the last part of the name in an #include line? */
static bool names_file(const char *line, size_t len, const char *base)
{
	const char *end = line + len, *p = line + strspn(line, " \t");
	size_t n = strlen(base);

	if (p >= end || *p++ != '#')
		return false;
	p += strspn(p, " \t");
	if (!str_has_prefix(p, "include"))
		return false;
	for (; p < end; p++)
		if (strchr("\"</", *p) && (size_t)(end - p) > n + 1 &&
		    memcmp(p + 1, base, n) == 0 && strchr("\">", p[1 + n]))
			return true;
	return false;
}

static bool text_includes(const char *text, const char *base)
{
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");

		if (names_file(p, len, base))
			return true;
		p += len + (p[len] == '\n');
	}
	return false;
}

/* The C files of one folder ("fs") that include it. */
static int look_in(const char *tree, const char *folder, const char *path, struct name_list *ret,
		   struct error *err)
{
	_cleanup_free_ char *full = path_join(tree, folder, NULL);
	DIR *dir = full ? opendir(full) : NULL;
	int r = full ? 0 : ERR_NO_MEMORY;

	for (struct dirent *e; r == 0 && dir && (e = readdir(dir));) {
		_cleanup_buf_ struct buf text = BUF_INIT(SOURCE_FILE_MAX);
		_cleanup_free_ char *name = path_join(folder, e->d_name, NULL);
		_cleanup_free_ char *file = name ? path_join(tree, name, NULL) : NULL;

		if (!file)
			r = ERR_NO_MEMORY;
		else if (str_has_suffix(name, ".c") && !streq(name, path))
			r = file_read(file, &text, NULL);
		if (r == 0 && text.len > 0 && text_includes(buf_str(&text), path_base(path)))
			r = name_list_add(ret, name);
		if (r == -EISDIR || r == -ENOENT || r == -ELOOP || r == ERR_TOO_LARGE)
			r = 0;
	}
	if (dir)
		closedir(dir);
	return r < 0 ? error_set(err, r, "cannot look through %s", folder) : 0;
}

int included_candidates(const char *tree, const char *path, struct name_list *ret,
			struct error *err)
{
	_cleanup_free_ char *folder = strdup(path);
	int r = folder ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	for (char *slash; r == 0 && (slash = strrchr(folder, '/'));) {
		*slash = '\0';
		r = look_in(tree, folder, path, ret, err);
	}
	return r;
}

/* Is "…/path" among the words of the compiler's list? */
static bool lists(const char *text, const char *path)
{
	size_t n = strlen(path);

	for (const char *p = strstr(text, path); p; p = strstr(p + 1, path))
		if (p > text && p[-1] == '/' && strchr(" \t\n\\", p[n]))
			return true;
	return false;
}

bool included_is_read(const struct name_list *command, const char *cwd, const char *path)
{
	_cleanup_buf_ struct buf out = BUF_INIT(DEPENDENCIES_MAX);
	_cleanup_buf_ struct buf complaints = BUF_INIT(DEPENDENCIES_MAX);
	_cleanup_free_ const char **argv = calloc(command->n + 2, sizeof(*argv));
	size_t n = 0;
	int status;

	for (size_t i = 0; argv && i < command->n; i++) {
		if (streq(command->items[i], "-o"))
			i++;
		else if (!str_has_prefix(command->items[i], "-Wp,-MMD"))
			argv[n++] = command->items[i];
	}
	if (!argv)
		return false;
	argv[n] = "-M";

	struct process_options options = {
		.argv = argv,
		.env = (const char *const[]){ "LC_ALL=C", NULL },
		.cwd = cwd,
		.timeout_ms = DEPENDENCY_SECONDS * 1000,
		.out = &out,
		.errout = &complaints,
	};

	return process_run(&options, &status, NULL) == 0 && status == 0 &&
	       lists(buf_str(&out), path);
}
