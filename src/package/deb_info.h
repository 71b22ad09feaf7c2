/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which package a .deb file is, from its control part (deb-control(5)). */
#pragma once

#include "base/error.h"

#define DEB_WORD_MAX 128

struct deb_info {
	char package[DEB_WORD_MAX];
	char version[DEB_WORD_MAX];
	char architecture[DEB_WORD_MAX];
};

/* Reads the three fields out of the text of a control file; ERR_INVALID if one is missing. */
int deb_info_parse(const char *control, struct deb_info *ret);

/* Is it a .deb, by its first bytes? -errno if it cannot be read. */
int deb_is_package(const char *path, bool *ret, struct error *err);

/* Reads the control part of a .deb. ERR_INVALID (damaged, or no package). */
int deb_info_read(const char *path, struct deb_info *ret, struct error *err);
