// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/named.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "lab/guest/qemu.h"
#include "lab/guest/qmp.h"
#include "lab/guest/secure_boot.h"

#define ATTACH_MS    600000    /* another command may hold the channel */
#define MODULES_LINK "modules" /* in the guest's folder, to guest_options.modules */

DEFINE_CLEANUP(DIR *, closedir);

static int base_folder(char **ret, struct error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *path = NULL;
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "suture-lab-%u", (unsigned)geteuid());
	path = runtime && runtime[0] == '/' ? path_join(runtime, "suture-lab", NULL)
					    : path_join("/tmp", name, NULL);
	if (!path)
		return error_set(err, ERR_NO_MEMORY, "guests");
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "%s", path);
	/* Anybody can make a folder in /tmp. */
	if (lstat(path, &st) < 0)
		return error_set_errno(err, errno, "%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return error_set(err, ERR_DENIED, "%s: not a folder of this user alone", path);
	*ret = TAKE_PTR(path);
	return 0;
}

int named_folder(const char *name, char **ret, struct error *err)
{
	_cleanup_free_ char *base = NULL;
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (len == 0 || len > NAMED_NAME_MAX || name[len])
		return error_set(err, ERR_USAGE, "name '%s': 1 to %d of a-z 0-9 and '-'", name,
				 NAMED_NAME_MAX);
	int r = base_folder(&base, err);

	if (r < 0)
		return r;
	*ret = path_join(base, name, NULL);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "guests");
}

/* Empties and locks a name's folder: while it is locked, its guest is being started. */
static int claim(const char *name, const char *dir, int *ret_lock, struct error *err)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "%s", dir);
	_cleanup_close_ int lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0)
		return error_set_errno(err, errno, "%s", dir);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0 || guest_is_alive(dir)) {
		error_set(err, ERR_EXISTS, "guest %s: runs already", name);
		error_hint(err, "suture-lab stop %s", name);
		return ERR_EXISTS;
	}
	static const char *const files[] = {
		QEMU_CHANNEL, QEMU_CONSOLE,      QEMU_PID_FILE,
		QEMU_ERRORS,  QEMU_RESETS,       QEMU_TERMINAL,
		QMP_IN,       QMP_OUT,           QEMU_INITRAMFS,
		MODULES_LINK, SECURE_BOOT_IMAGE, SECURE_BOOT_VARIABLES
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (unlinkat(lock, files[i], 0) < 0 && errno != ENOENT)
			return error_set_errno(err, errno, "%s/%s", dir, files[i]);
	*ret_lock = TAKE_FD(lock);
	return 0;
}

/* Remembers where the guest's modules are, for named_modules(). */
static int link_modules(const char *dir, const char *modules, struct error *err)
{
	_cleanup_free_ char *link = path_join(dir, MODULES_LINK, NULL);
	_cleanup_free_ char *target = modules ? realpath(modules, NULL) : NULL;

	if (!modules)
		return 0;
	if (!target || !link)
		return error_set_errno(err, errno, "modules: %s", modules);
	return symlink(target, link) < 0 ? error_set_errno(err, errno, "%s", link) : 0;
}

int named_start(const char *name, const struct guest_options *options, struct guest **ret,
		struct error *err)
{
	struct guest_options o = *options;
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int lock = -1;
	int r = named_folder(name, &dir, err);

	if (r == 0)
		r = claim(name, dir, &lock, err);
	if (r == 0)
		r = link_modules(dir, options->modules, err);
	if (r < 0)
		return r;
	o.dir = dir;
	o.stays = true;
	return guest_start(&o, ret, err);
}

static int find(const char *name, char **ret_dir, struct error *err)
{
	_cleanup_free_ char *dir = NULL;
	int r = named_folder(name, &dir, err);

	if (r < 0)
		return r;
	if (!file_exists(dir)) {
		error_set(err, ERR_NOT_FOUND, "guest %s: there is none", name);
		error_hint(err, "suture-lab list shows those there are");
		return ERR_NOT_FOUND;
	}
	*ret_dir = TAKE_PTR(dir);
	return 0;
}

int named_attach(const char *name, struct guest **ret, struct error *err)
{
	_cleanup_free_ char *dir = NULL;
	int r = find(name, &dir, err);

	if (r == 0)
		r = guest_attach(dir, ATTACH_MS, ret, err);
	return r == ERR_BAD_STATE ? error_prefix(err, r, "guest %s", name) : r;
}

int named_stop(const char *name, struct error *err)
{
	_cleanup_free_ char *dir = NULL;
	struct guest *guest = NULL;
	int r = find(name, &dir, err);

	if (r < 0)
		return r;
	/* Who holds the channel, or a guest that hangs, does not keep it from being stopped. */
	if (guest_attach(dir, 3000, &guest, NULL) == 0)
		r = guest_stop(guest, err);
	if (r == 0)
		r = guest_kill(dir, err);
	return r < 0 ? r : file_remove_tree(dir, err);
}

int named_log(const char *name, struct buf *out, struct error *err)
{
	_cleanup_free_ char *dir = NULL, *path = NULL;
	int r = find(name, &dir, err);

	if (r < 0)
		return r;
	path = path_join(dir, QEMU_CONSOLE, NULL);
	return path ? file_read(path, out, err) : error_set(err, ERR_NO_MEMORY, "console log");
}

int named_modules(const char *name, char **ret, struct error *err)
{
	_cleanup_free_ char *dir = NULL, *link = NULL;
	int r = find(name, &dir, err);

	if (r < 0)
		return r;
	link = path_join(dir, MODULES_LINK, NULL);
	*ret = link ? realpath(link, NULL) : NULL;
	return *ret ? 0 : error_set(err, ERR_NOT_FOUND, "guest %s: started without modules", name);
}

int named_trace(const char *name, int timeout_ms, struct buf *out, struct error *err)
{
	_cleanup_free_ char *dir = NULL;
	int r = find(name, &dir, err);

	if (r == 0)
		r = guest_hang_trace_of(dir, timeout_ms, out, err);
	return r < 0 ? error_prefix(err, r, "guest %s", name) : 0;
}

int named_list(struct path_list *ret, struct error *err)
{
	_cleanup_free_ char *base = NULL;
	int r = base_folder(&base, err);

	if (r < 0)
		return r;
	_cleanup_(closedirp) DIR *dir = opendir(base);

	if (!dir)
		return error_set_errno(err, errno, "%s", base);
	for (struct dirent *d; r >= 0 && (d = readdir(dir));)
		if (d->d_name[0] != '.')
			r = path_list_add(ret, d->d_name);
	return r < 0 ? error_set(err, r, "list of guests") : 0;
}
