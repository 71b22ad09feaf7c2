/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the kernel cache: filling a folder from a package. Used by kernel_cache.c only. */
#pragma once

#include "package/apt.h"
#include "package/kernel_cache.h"
#include "package/vmlinuz.h"

/* What is learnt while filling. */
struct kernel_info {
	const char *release; /* in */
	char version[APT_NAME_MAX];
	char source_package[APT_NAME_MAX];
	char build_id[BUILD_ID_HEX_MAX + 1];
};

/* Downloads the release's image package and fills `folder` from it. */
int kernel_files_from_apt(const char *folder, kernel_say_fn say, struct kernel_info *info,
			  struct error *err);
/*
 * Fills `folder` from files at hand. ERR_MISMATCH if the image is of another release, or the
 * package of another version than its image.
 */
int kernel_files_from(const struct kernel_origin *origin, const char *folder, kernel_say_fn say,
		      struct kernel_info *info, struct error *err);
