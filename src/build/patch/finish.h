/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a linked module to the one that is kept, and its record. */
#pragma once

#include "build/patch/build_record.h"
#include "build/patch/resolve.h"

/*
 * Makes the symbols of `resolution` livepatch symbols, lets the module say what code its record
 * describes (RECORD_CODE_KEY), and looks at the result once more (module_check_kernel()). Appends
 * module and record to their buffers. `rec` has its functions already, and gets all the rest. The
 * same input gives the same bytes. Errors: those of build_record.h, convert_module() and
 * module_check_kernel().
 */
int finish_module(struct analysis *a, const struct build_options *options,
		  const struct resolution *resolution, const struct buf *linked, struct record *rec,
		  struct buf *module, struct buf *record, struct error *err);
