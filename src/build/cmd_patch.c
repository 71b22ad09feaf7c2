/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build patch and check */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/patch/analysis.h"
#include "build/commands.h"
#include "build/patch/finish.h"
#include "build/patch/link.h"
#include "build/output/output.h"
#include "build/patch/report.h"
#include "build/session.h"

const struct cli_option build_patch_options[] = {
	SESSION_OPTIONS, SESSION_OUTPUT_OPTIONS, SESSION_PATCH_OPTIONS, { 0 }
};

const struct cli_option build_check_options[] = {
	SESSION_OPTIONS,
	SESSION_PATCH_OPTIONS,
	{ "keep-objects", "DIR", "leave the compiled objects in DIR, for suture-build diff", false,
	  0 },
	{ 0 }
};

/* What is made of a proven analysis, and freed together. */
struct product {
	struct extract **extracts;
	size_t extract_count;
	struct resolution resolution;
	struct buf module, record;
};

static void product_free(struct product *p)
{
	for (size_t i = 0; i < p->extract_count; i++)
		extract_free(p->extracts[i]);
	free(p->extracts);
	resolution_free(&p->resolution);
	buf_free(&p->module);
	buf_free(&p->record);
}

/* Units whose diff was refused are left out. */
static int extract_all(struct analysis *a, struct product *p, struct error *err)
{
	p->extracts = calloc(a->unit_count + 1, sizeof(*p->extracts));
	if (!p->extracts)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < a->unit_count; i++) {
		const char *path = a->units[i].unit->path;
		int r = 0;

		if (diff_result(a->units[i].diff)->verdict == DIFF_ACCEPTED)
			r = extract_object(a->units[i].diff, &p->extracts[i], err);
		if (r == ERR_NOT_PATCHABLE)
			r = reason_add(&a->reasons, REASON_UNSUPPORTED_SECTION, path, NULL, "%s",
				       err->message);
		if (r < 0)
			return error_prefix(err, r, "%s", path);
		p->extract_count++;
	}
	return 0;
}

/* Everything short of linking: with it, all reasons against the patch are known. */
static int resolve_all(struct analysis *a, struct product *p, struct error *err)
{
	int r = extract_all(a, p, err);

	if (r == 0)
		r = resolve_symbols(a, p->extracts, &p->resolution, err);
	return r < 0 ? r : analysis_verdict(a, err);
}

static int build_module(struct analysis *a, const struct build_options *options, struct product *p,
			struct error *err)
{
	struct link_options link = { options->module, options->version_text };
	int64_t start = clock_monotonic_ms();
	_cleanup_buf_ struct buf linked = BUF_INIT(LINK_MODULE_MAX);
	_cleanup_record_ struct record *rec = calloc(1, sizeof(*rec));
	int r = rec ? build_record_add_units(a, rec, err)
		    : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = link_module(a, p->extracts, &p->resolution, &link, &linked, err);
	if (r == 0)
		r = finish_module(a, options, &p->resolution, &linked, rec, &p->module, &p->record,
				  err);
	if (r < 0)
		return r;
	output_done(start, "linked %s, %zu bytes, %zu livepatch symbols", options->module,
		    p->module.len, p->resolution.symbol_count);
	return 0;
}

/* DIR/OBJECT/original.o and patched.o of each unit that was compiled. */
static int keep_objects(const struct analysis *a, const char *folder, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->unit_set.n; i++) {
		const struct unit *u = &a->unit_set.units[i];
		_cleanup_free_ char *dir = path_join(folder, u->object_path, NULL);
		_cleanup_free_ char *original = dir ? path_join(dir, "original.o", NULL) : NULL;
		_cleanup_free_ char *patched = dir ? path_join(dir, "patched.o", NULL) : NULL;

		if (!original || !patched)
			return error_set(err, ERR_NO_MEMORY, "out of memory");
		r = file_make_dirs(dir, 0755, err);
		if (r == 0)
			r = file_write_atomic(original, u->original.data, u->original.len, 0644,
					      err);
		if (r == 0)
			r = file_write_atomic(patched, u->patched.data, u->patched.len, 0644, err);
	}
	return r;
}

int build_cmd_check(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session s = { 0 };
	_cleanup_(product_free) struct product p = { 0 };
	struct error problem = { 0 };
	int r = session_open(cli, true, &s, err);

	if (r == 0)
		r = analysis_run(s.analysis, s.arguments, s.argument_count, err);
	if ((r == 0 || r == ERR_NO_CHANGE) && cli_has(cli, "keep-objects")) {
		int kept = keep_objects(s.analysis, cli_get(cli, "keep-objects"), &problem);

		if (kept < 0) {
			r = kept;
			*err = problem;
		}
	}
	if (r == 0)
		r = resolve_all(s.analysis, &p, err);
	if (r == 0 && !s.json) {
		report_functions(s.analysis);
		printf("can be applied live to %s\n", s.kernel->release);
	}
	return session_end(r, &s, err);
}

int build_cmd_patch(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session s = { 0 };
	_cleanup_(product_free) struct product p = { .module = BUF_INIT(LINK_MODULE_MAX),
						     .record = BUF_INIT(RECORD_MAX) };
	int64_t start = clock_monotonic_ms();
	struct build_options options;
	int r = build_options_read(cli, &options, err);

	if (r == 0)
		r = session_check_outputs(cli, err);
	if (r == 0)
		r = session_open(cli, true, &s, err);
	if (r == 0)
		r = analysis_run(s.analysis, s.arguments, s.argument_count, err);
	if (r == 0)
		r = resolve_all(s.analysis, &p, err);
	if (r == 0)
		r = build_module(s.analysis, &options, &p, err);
	if (r == 0)
		r = session_write(cli, &p.module, &p.record, err);
	if (r == 0) {
		report_functions(s.analysis);
		output_done(start, "wrote %s", cli_get(cli, "output"));
	}
	return session_end(r, &s, err);
}
