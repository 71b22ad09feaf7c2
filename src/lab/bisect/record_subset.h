/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The build record of a livepatch of which some functions are left out, so that a part too can be
 * judged by what the record says of the functions that stay.
 */
#pragma once

#include "module/tables.h"
#include "wire/record.h"

/* A build record whose functions are paired with those of a module. Zero-initialise. */
struct record_subset {
	struct record *record; /* NULL: none */
	size_t *partners;      /* of the record's functions, object after object: which of the
				* tables' functions each goes with */
};

/*
 * `data`: a build record, any bytes. A function of the record goes with the one of the same object,
 * name and position; if there is none, with one of the same name, then with any that is left: what
 * the module replaces instead of it. Errors: those of record_parse(); ERR_INVALID if a function is
 * left that the module has nothing for: then no part of the module fits the record.
 */
int record_subset_read(const void *data, size_t len, const struct tables *tables,
		       struct record_subset *ret, struct error *err);
void record_subset_free(struct record_subset *subset);
#define _cleanup_record_subset_ _cleanup_(record_subset_free)

/* Appends the record of the part of the module with the functions i with keep[i], whose file has
 * this hash; nothing if there is nothing to be said of it. Errors: those of record_write(). */
int record_subset_write(const struct record_subset *subset, const bool *keep,
			const char module_sha256[static SHA256_HEX_LEN + 1], struct buf *out,
			struct error *err);
