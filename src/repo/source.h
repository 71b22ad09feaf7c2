/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The corresponding source of a module, one archive (tar): the source patches, the build record and
 * how to build it again. The same files give the same bytes.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "wire/record.h"

#define SOURCE_MAX ((size_t)64 * 1024 * 1024) /* bytes of an archive */

/*
 * Looks for every file that the record's `patches` name, by its hash, among `places` (files, or
 * folders that hold it under its name), and appends the archive. `text` is the record's bytes.
 * ERR_NOT_FOUND names the first that is missing.
 */
int source_archive(const struct record *record, const void *text, size_t len,
		   const char *const *places, size_t n_places, struct buf *out, struct error *err);
