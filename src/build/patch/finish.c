// SPDX-License-Identifier: GPL-2.0-or-later
#include "build/patch/finish.h"

#include "build/object/convert.h"
#include "build/patch/module_check.h"

int finish_module(struct analysis *a, const struct build_options *options,
		  const struct resolution *resolution, const struct buf *linked, struct record *rec,
		  struct buf *module, struct buf *record, struct error *err)
{
	char code[SHA256_HEX_LEN + 1];
	const struct convert_note note = { RECORD_CODE_KEY, code };
	const struct symvers *symvers;
	int r = build_record_describe(a, options, rec, linked->data, linked->len, code, err);

	if (r == 0)
		r = convert_module(linked->data, linked->len, resolution->symbols,
				   resolution->symbol_count, &note, module, err);
	if (r == 0)
		r = analysis_symvers(a, &symvers, err);
	if (r == 0)
		r = module_check_kernel(module->data, module->len, a->kbuild->kernel, symvers, err);
	return r < 0 ? r
		     : build_record_finish(a, options, rec, module->data, module->len, record, err);
}
