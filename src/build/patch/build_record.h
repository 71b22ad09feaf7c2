/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the caller says of a patch, and the record of how it was built. */
#pragma once

#include "base/cli.h"
#include "build/patch/analysis.h"
#include "wire/record.h"

/* From the command line; strings belong to argv. */
struct build_options {
	const char *release;
	struct patch_version version;
	const char *version_text;
	char module[MODULE_NAME_BYTES]; /* the module's name */
	const char *severity;
	const char *cves[RECORD_CVES_MAX]; /* sorted, each once */
	size_t cve_count;
};

/* Checks --kernel, --version, --severity and --cve. ERR_USAGE. */
int build_options_read(struct cli *cli, struct build_options *ret, struct error *err);

/* Adds the equal functions of a unit to the entry of their object, which is made if it is not
 * there. ERR_NO_MEMORY, ERR_INVALID. */
int build_record_add(struct record *rec, const struct shipped *shipped,
		     const struct runpre *runpre);

/* Of a patch: the changed functions of all units, and the new ones. ERR_NO_MEMORY, ERR_INVALID. */
int build_record_add_units(const struct analysis *a, struct record *rec, struct error *err);

/*
 * What a module says by itself, linked but not converted yet: callbacks and states; and what the
 * options say. `ret` is record_code_sha256() of a record that has its functions. Errors: those of
 * tables_read(), ERR_TOO_LARGE.
 */
int build_record_describe(const struct analysis *a, const struct build_options *options,
			  struct record *rec, const void *linked, size_t len,
			  char ret[static SHA256_HEX_LEN + 1], struct error *err);

/* Fills in all the rest, of the finished module, and appends the record's bytes (docs/formats.md)
 * to `out`. */
int build_record_finish(const struct analysis *a, const struct build_options *options,
			struct record *rec, const void *module, size_t len, struct buf *out,
			struct error *err);
