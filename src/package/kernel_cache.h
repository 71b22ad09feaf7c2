/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache of stock kernels: $XDG_CACHE_HOME/suture (or ~/.cache/suture), one folder a release.
 *
 *   kernels/RELEASE/kernel.json   what it is; written last, so a folder with it is complete
 *   kernels/RELEASE/vmlinuz       the image that boots, unless only a vmlinux was given
 *   kernels/RELEASE/vmlinux       the ELF file inside it, without symbols
 *   kernels/RELEASE/config        the kernel's configuration
 *   kernels/RELEASE/root/lib/modules/RELEASE/   all its modules, with modules.dep
 *   kernels/RELEASE/build/        prepared for building (suture-build kernel add)
 *   sources/PACKAGE_VERSION/      source trees, shared by the kernels built from them
 *
 * A folder is built under a temporary name and renamed when complete; a lock file a release keeps
 * two commands from doing the same work at once. A lock on its folder keeps a kernel that is used
 * from being removed or prepared anew.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "package/name_list.h"

/* Largest module file, unpacked. */
#define KERNEL_MODULE_MAX (128 * 1024 * 1024)

/* A cached kernel. Strings are owned; paths are absolute. */
struct kernel {
	char *release;
	char *version; /* of the distribution's package, as the image says it; "": not said */
	char *build_id;
	char *source_package; /* "" when unknown */
	char *folder;
	char *vmlinuz;
	char *vmlinux;
	char *config;
	char *root;    /* holds lib/modules/RELEASE */
	char *modules; /* that folder */
	char *build;   /* prepared build folder; it exists only after suture-build kernel add */
	int lock;      /* descriptor of the folder, locked; -1: only looked at */
};

void kernel_free(struct kernel *k);
DEFINE_CLEANUP(struct kernel *, kernel_free);
#define _cleanup_kernel_ _cleanup_(kernel_freep)

/* The cache's folder; made if missing. The caller frees. */
int kernel_cache_folder(char **ret, struct error *err);

/* Looks at a kernel that is in the cache; it may be removed at any time. ERR_NOT_FOUND, with the
 * command that adds it as the hint; ERR_INVALID for what is no release; ERR_UNSUPPORTED for a cache
 * of a newer format. */
int kernel_open(const char *release, struct kernel **ret, struct error *err);

/* `say` is told each step and may be NULL. */
typedef void (*kernel_say_fn)(const char *what);

/* As kernel_open(), for who needs its files: until kernel_free() it is neither removed nor prepared
 * anew. Waits for a command that is doing that. */
int kernel_use(const char *release, kernel_say_fn say, struct kernel **ret, struct error *err);

/* Waits until no other command uses a kernel that kernel_use() gave, and keeps them out until
 * kernel_share() or kernel_free(). ERR_NOT_FOUND: it was removed meanwhile. */
int kernel_claim(const struct kernel *k, kernel_say_fn say, struct error *err);
void kernel_share(const struct kernel *k);

/* Where a kernel comes from; NULL members: through apt. */
struct kernel_origin {
	const char *image;   /* a linux-image .deb, a bzImage, or an ELF vmlinux (which the kernel
				cannot be booted from) */
	const char *modules; /* besides those of the image's .deb: a .deb with modules, or what make
				modules_install filled */
};

/*
 * kernel_use(), after downloading and unpacking image and modules if they are not there yet.
 * Errors: those of apt_find_kernel() and apt_download(), ERR_UNSUPPORTED (not x86-64), ERR_INVALID
 * (damaged package), -ENOSPC, …
 */
int kernel_fetch(const char *release, const struct kernel_origin *origin, kernel_say_fn say,
		 struct kernel **ret, struct error *err);

/* Takes the release's lock, waiting for another command that holds it; close the descriptor to give
 * it back. */
int kernel_lock(const char *release, kernel_say_fn say, int *ret_fd, struct error *err);

/*
 * Removes what commands that were killed left behind: temporary folders and files, half-removed
 * kernels and sources, and locks of releases that are not in the cache. What another command is
 * using is left alone.
 */
int kernel_sweep(struct error *err);

/* Releases in the cache, sorted. */
int kernel_list(struct name_list *ret, struct error *err);

/* Removes a kernel from the cache, when no other command uses it any more, and its source if no
 * other kernel shares it. ERR_NOT_FOUND. */
int kernel_remove(const char *release, kernel_say_fn say, struct error *err);

/* The folder of a source package's tree in the cache. The caller frees. *ret_exists says whether it
 * is there; then it stays, if the kernel that it is for is in the cache. */
int kernel_source_folder(const char *package, const char *version, char **ret, bool *ret_exists,
			 struct error *err);

/*
 * Appends the unpacked bytes of a module's file; `name` with '-' or '_'. `ret_path` (may be NULL):
 * where it lies, for the caller to free. ERR_NOT_FOUND if the kernel has no such
 * module, ERR_BAD_STATE if it was cached without modules.
 */
int kernel_read_module(const struct kernel *k, const char *name, struct buf *out, char **ret_path,
		       struct error *err);
