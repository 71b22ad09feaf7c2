// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/guest_image.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/process.h"
#include "lab/guest/guest_config.h"
#include "lab/guest/initramfs.h"
#include "lab/guest/module_tree.h"
#include "lab/guest/path_list.h"
#include "lab/guest/shared_objects.h"

struct text_file {
	const char *path, *text;
};

/* The least that programs ask of /etc. */
static const struct text_file etc_files[] = {
	{ "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
			 "daemon:x:1:1:daemon:/:/bin/false\n"
			 "suture-fetch:x:990:990:Suture:/var/cache/suture:/bin/false\n"
			 "nobody:x:65534:65534:nobody:/:/bin/false\n" },
	{ "/etc/group", "root:x:0:\ndaemon:x:1:\nsuture-fetch:x:990:\nnogroup:x:65534:\n" },
	{ "/etc/hosts", "127.0.0.1 localhost\n10.0.2.2 host\n" },
	{ "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n" },
	{ "/etc/hostname", "guest\n" },
	{ "/etc/machine-id", "73757475726500000000000000000001\n" },
};

static const struct {
	const char *path;
	mode_t mode;
} folders[] = {
	{ "/bin", 0755 },      { "/dev", 0755 },       { "/etc", 0755 },     { "/proc", 0755 },
	{ "/root", 0700 },     { "/run", 0755 },       { "/sys", 0755 },     { "/tmp", 01777 },
	{ "/usr/bin", 0755 },  { "/var", 0755 },       { "/var/log", 0755 }, { "/var/lib", 0755 },
	{ "/var/tmp", 01777 }, { "/var/cache", 0755 },
};

static int add_skeleton(struct initramfs *fs, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++)
		r = initramfs_add_dir(fs, folders[i].path, folders[i].mode, err);
	/* /init gets its first descriptors from here. */
	if (r == 0)
		r = initramfs_add_device(fs, "/dev/console", 0600, 5, 1, err);
	if (r == 0)
		r = initramfs_add_device(fs, "/dev/null", 0666, 1, 3, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(etc_files); i++)
		r = initramfs_add_bytes(fs, etc_files[i].path, 0644, etc_files[i].text,
					strlen(etc_files[i].text), err);
	return r;
}

static int find_busybox(char ret[static PATH_MAX], struct error *err)
{
	static const char *const places[] = { "/bin/busybox", "/usr/bin/busybox",
					      "/usr/local/bin/busybox" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_paths_ struct path_list libraries = { 0 };

		if (access(places[i], X_OK) == 0 &&
		    shared_objects_of(places[i], &libraries, NULL) == 0 && libraries.n == 0) {
			snprintf(ret, PATH_MAX, "%s", places[i]);
			return 0;
		}
	}
	error_set(err, ERR_NOT_FOUND, "no static busybox on this machine");
	error_hint(err, "install the package busybox-static");
	return ERR_NOT_FOUND;
}

static int add_busybox(struct initramfs *fs, struct error *err)
{
	_cleanup_buf_ struct buf list = BUF_INIT(64 * 1024);
	char busybox[PATH_MAX], *rest = NULL;
	int r = find_busybox(busybox, err);

	if (r == 0)
		r = initramfs_add_file(fs, "/bin/busybox", 0755, busybox, err);
	if (r == 0)
		r = process_run(
			&(struct process_options){
				.argv = (const char *const[]){ busybox, "--list", NULL },
				.timeout_ms = 10000,
				.out = &list,
			},
			NULL, err);
	if (r < 0 || list.len == 0)
		return r;
	for (char *name = strtok_r((char *)list.data, "\n", &rest); name && r == 0;
	     name = strtok_r(NULL, "\n", &rest)) {
		_cleanup_free_ char *path = path_join("/bin", name, NULL);

		if (!path)
			return error_set(err, ERR_NO_MEMORY, "initramfs");
		if (!streq(name, "busybox") && !streq(name, "init") && !streq(name, "linuxrc"))
			r = initramfs_add_link(fs, path, "busybox", err);
	}
	return r;
}

/* One of the lab's own programs for the guest: it is beside this program, where the build and the
 * package put it, or in $SUTURE_LIBEXEC. */
static int add_own(struct initramfs *fs, const char *name, const char *path, struct error *err)
{
	const char *folder = getenv("SUTURE_LIBEXEC");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return error_set_errno(err, errno, "/proc/self/exe");
	self[n] = 0;
	*strrchr(self, '/') = 0;
	_cleanup_free_ char *given = folder ? path_join(folder, name, NULL) : NULL;
	_cleanup_free_ char *beside = path_join(self, name, NULL);
	_cleanup_free_ char *packaged = path_join(self, "../libexec/suture", name, NULL);
	const char *places[] = { given, beside, packaged };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i] && access(places[i], R_OK) == 0)
			return initramfs_add_file(fs, path, 0755, places[i], err);
	error_set(err, ERR_NOT_FOUND, "%s: not beside this program, in %s", name, self);
	error_hint(err, "set SUTURE_LIBEXEC to the folder that holds it");
	return ERR_NOT_FOUND;
}

/* "HOST[:GUEST]" to its two parts; false if there is no GUEST and one is needed, or either is too
 * long. */
static bool split_pair(const char *pair, bool guest_needed, char host[static PATH_MAX],
		       char guest[static PATH_MAX])
{
	const char *colon = strrchr(pair, ':');

	if ((!colon && guest_needed) || strlen(pair) >= PATH_MAX - 16)
		return false;
	snprintf(host, PATH_MAX, "%.*s", (int)(colon ? colon - pair : (ssize_t)strlen(pair)), pair);
	if (colon)
		snprintf(guest, PATH_MAX, "%s", colon + 1);
	else
		snprintf(guest, PATH_MAX, "/usr/bin/%s", path_base(pair));
	return host[0] && guest[0] == '/';
}

static int add_given(struct initramfs *fs, const struct guest_options *o, struct error *err)
{
	char host[PATH_MAX], guest[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && o->files && o->files[i]; i++) {
		if (!split_pair(o->files[i], true, host, guest))
			return error_set(err, ERR_USAGE, "file %s: not HOST:GUEST", o->files[i]);
		r = initramfs_add_file(fs, guest, 0, host, err);
	}
	for (size_t i = 0; r == 0 && o->programs && o->programs[i]; i++) {
		if (!split_pair(o->programs[i], false, host, guest))
			return error_set(err, ERR_USAGE, "program %s: not HOST or HOST:GUEST",
					 o->programs[i]);
		r = initramfs_add_program(fs, guest, host, err);
	}
	/* Programs that use libcrypto read it; without the file they warn or fail. */
	if (r == 0 && o->programs && o->programs[0] && file_exists("/etc/ssl/openssl.cnf")) {
		r = initramfs_add_file(fs, "/usr/lib/ssl/openssl.cnf", 0644, "/etc/ssl/openssl.cnf",
				       err);
		if (r == 0)
			r = initramfs_add_file(fs, "/etc/ssl/openssl.cnf", 0644,
					       "/etc/ssl/openssl.cnf", err);
	}
	return r;
}

/* The modules that the guest itself needs come first. */
static int want_modules(struct module_tree *tree, const struct guest_options *o, bool *ret_serial,
			struct error *err)
{
	int r = 0;

	*ret_serial = true;
	if (tree && (module_tree_has(tree, "virtio_console") ||
		     module_tree_is_builtin(tree, "virtio_console"))) {
		*ret_serial = false;
		r = module_tree_want(tree, "virtio_pci", err);
		if (r == 0)
			r = module_tree_want(tree, "virtio_console", err);
	}
	if (r == 0 && (o->net || o->system) && !tree)
		return error_set(err, ERR_USAGE,
				 "network and a system of its own need the kernel's modules");
	if (r == 0 && o->system)
		r = module_tree_want(tree, "virtio_pci", err);
	if (r == 0 && o->system)
		r = module_tree_want(tree, "virtio_blk", err);
	if (r == 0 && o->system)
		r = module_tree_want(tree, "ext4", err);
	if (r == 0 && o->net)
		r = module_tree_want(tree, "virtio_pci", err);
	if (r == 0 && o->net)
		r = module_tree_want(tree, "virtio_net", err);
	for (size_t i = 0; r == 0 && o->load && o->load[i]; i++) {
		if (!tree)
			return error_set(err, ERR_USAGE, "module %s: the modules are not given",
					 o->load[i]);
		r = module_tree_want(tree, o->load[i], err);
	}
	return r;
}

/* The modules under GUEST_MODULES, and the lines of the configuration that load them. */
static int add_modules(struct initramfs *fs, const struct module_tree *tree, struct buf *config,
		       struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && tree && i < module_tree_count(tree); i++) {
		struct module_file m = module_tree_get(tree, i);
		char path[PATH_MAX];

		snprintf(path, sizeof(path), GUEST_MODULES "/%s.ko", m.name);
		r = initramfs_add_bytes(fs, path, 0644, m.data, m.len, err);
		if (r == 0 && buf_printf(config, "module %s\n", path) < 0)
			return error_set(err, ERR_TOO_LARGE, "too many modules");
	}
	return r;
}

static int add_config(struct initramfs *fs, const struct guest_options *o, struct error *err,
		      bool *ret_serial)
{
	_cleanup_(module_tree_freep) struct module_tree *tree = NULL;
	_cleanup_buf_ struct buf config = BUF_INIT(GUEST_CONFIG_MAX);
	int r = o->modules ? module_tree_open(o->modules, &tree, err) : 0;

	if (r == 0)
		r = want_modules(tree, o, ret_serial, err);
	if (r == 0)
		r = add_modules(fs, tree, &config, err);
	if (r < 0)
		return r;
	if (buf_printf(&config, "channel %s\n%s%shostname guest\n",
		       *ret_serial ? "serial" : "virtio", o->net ? "net\n" : "",
		       o->system ? "system\n" : "") < 0)
		return error_set(err, ERR_TOO_LARGE, "too many modules");
	return initramfs_add_bytes(fs, GUEST_CONFIG, 0644, config.data, config.len, err);
}

int guest_image_write(const struct guest_options *options, const char *path, bool *ret_serial,
		      struct error *err)
{
	_cleanup_(initramfs_freep) struct initramfs *fs = NULL;
	int r = initramfs_create(path, INITRAMFS_PLAIN, &fs, err);

	/* What the caller gives comes before our own: the first of a path wins. */
	if (r == 0)
		r = add_own(fs, "suture-lab-init", "/init", err);
	if (r == 0)
		r = add_config(fs, options, err, ret_serial);
	if (r == 0)
		r = add_given(fs, options, err);
	if (r == 0)
		r = add_own(fs, "suture-lab-probe", "/lab/probe", err);
	if (r == 0)
		r = add_own(fs, "suture-lab-exercise", "/lab/exercise", err);
	if (r == 0)
		r = add_skeleton(fs, err);
	if (r == 0)
		r = add_busybox(fs, err);
	if (r == 0)
		r = initramfs_finish(fs, err);
	return r;
}
