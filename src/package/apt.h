/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packages through apt's own commands, as the calling user: nothing is installed and apt's own
 * checks of signatures and hashes hold.
 */
#pragma once

#include "base/release.h"
#include "package/name_list.h"

/* Longest package name or version accepted, in bytes, with the terminating zero. */
#define APT_NAME_MAX 128

/*
 * The versions of a binary package that apt can download, newest first (`apt-cache madison`).
 * An unknown package gives an empty list. Errors: ERR_UNSUPPORTED (no apt here), ERR_INVALID (not
 * a package name), what process_run() gives.
 */
int apt_versions(const char *package, struct name_list *ret, struct error *err);

/*
 * Downloads one version of a package into a folder (`apt-get download`). `ret_path` is the .deb,
 * for the caller to free. Errors: ERR_UNREACHABLE (no network or mirror), ERR_NOT_FOUND, -ENOSPC
 * (disk full), ERR_CHILD with apt's own words otherwise.
 */
int apt_download(const char *package, const char *version, const char *folder, char **ret_path,
		 struct error *err);

/*
 * Kernel releases with an image package in apt's lists, newest first. `series` (such as "6.1") and
 * `flavour` (such as "cloud-amd64") limit them; NULL: all for x86-64. A release may have no
 * downloadable version.
 */
int apt_kernel_releases(const char *series, const char *flavour, struct name_list *ret,
			struct error *err);

/* What apt offers for one kernel release. */
struct apt_kernel {
	char release[APT_NAME_MAX];
	char version[APT_NAME_MAX];        /* of the image and headers packages */
	char image[APT_NAME_MAX];          /* linux-image-RELEASE */
	char headers[APT_NAME_MAX];        /* linux-headers-RELEASE */
	char source[APT_NAME_MAX];         /* linux-source-X.Y */
	char source_version[APT_NAME_MAX]; /* the one the image was built from; "": not offered */
};

/*
 * Finds image, headers and the source of the same version. ERR_NOT_FOUND, with the nearest
 * releases that apt has as the hint, for one that it does not know; ERR_UNSUPPORTED for one that is
 * not for x86-64; ERR_INVALID for what is no release at all.
 */
int apt_find_kernel(const char *release, struct apt_kernel *ret, struct error *err);

/* Most kernels that apt_offered_kernels() gives. */
#define APT_OFFERED_MAX 256

/*
 * Every kernel for x86-64 for which apt has image, headers and source of one version, newest first,
 * as apt_find_kernel() gives each; asked with two commands in all. The caller frees the array.
 */
int apt_offered_kernels(struct apt_kernel **ret, size_t *ret_n, struct error *err);

/* The newest release of a flavour, and of a series if it is not NULL, for which apt has image,
 * headers and source. ERR_NOT_FOUND. */
int apt_newest_kernel(const char *series, const char *flavour, struct apt_kernel *ret,
		      struct error *err);

/* The package with a kernel's source: linux-source-6.1 (Debian), linux-source-5.15.0 (Ubuntu). */
void apt_source_package(const struct kernel_release *release, char ret[static APT_NAME_MAX]);
