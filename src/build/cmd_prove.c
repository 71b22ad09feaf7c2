/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build prove */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/patch/build_record.h"
#include "build/commands.h"
#include "build/proof/exports.h"
#include "build/prepare/kernel_prepare.h"
#include "build/output/output.h"
#include "build/proof/prove.h"
#include "build/proof/shipped_types.h"

const struct cli_option build_prove_options[] = {
	{ "kernel", "RELEASE", "kernel to compare with", true, 0 },
	{ "record", "OUT.json", "where a record of all equal functions goes", false, 0 },
	{ "jobs", "N", "how many compilers may run at once (default: processors)", false, 'j' },
	{ 0 }
};

struct prover {
	struct analysis *a; /* without patches: only what it reads of the kernel */
	size_t bad_versions, bad_types;
	struct record *record;
	struct error *err;
};

static int compare_unit(struct prover *p, struct unit *unit)
{
	_cleanup_name_list_ struct name_list names = { 0 };
	_cleanup_runpre_ struct runpre *runpre = NULL;
	const struct shipped *shipped = NULL;
	int64_t start = clock_monotonic_ms();
	int r = analysis_shipped(p->a, unit->object, &shipped, p->err);

	if (r == 0)
		r = runpre_list(unit, &names, p->err);
	if (r == 0)
		r = prove_functions(p->a->kbuild, unit, shipped, (const char *const *)names.items,
				    names.n, &p->a->reasons, &runpre, p->err);
	if (r < 0)
		return r;
	output_done(start, "%s (%s): %zu of %zu functions equal", unit->path, unit->object,
		    runpre->equal, runpre->compared);
	p->record->compared += (int64_t)runpre->compared;
	p->record->equal += (int64_t)runpre->equal;
	r = build_record_add(p->record, shipped, runpre);
	return r < 0 ? error_set(p->err, r, "cannot make the record") : 0;
}

/* The structures that a file uses, against the kernel's. */
static int compare_types(struct prover *p, const struct unit *unit)
{
	_cleanup_elf_object_ struct elf_object *elf = NULL;
	const struct shipped *vmlinux, *shipped;
	int64_t start = clock_monotonic_ms();
	size_t before = p->a->reasons.n, count = 0;
	int r = elf_object_parse(unit->original.data, unit->original.len, unit->object_path, &elf,
				 p->err);

	if (r == 0)
		r = analysis_shipped(p->a, "vmlinux", &vmlinux, p->err);
	if (r == 0)
		r = analysis_shipped(p->a, unit->object, &shipped, p->err);
	if (r == 0)
		r = shipped_types_check(vmlinux, shipped, elf, unit->path, &p->a->reasons, &count,
					p->err);
	if (r < 0)
		return r;
	before = p->a->reasons.n - before;
	output_done(start, "%s: %zu of %zu types equal", unit->path, count - MIN(before, count),
		    count);
	p->bad_types += before;
	return 0;
}

/* The versions of what a file exports, against Module.symvers. */
static int compare_versions(struct prover *p, const struct unit *unit)
{
	_cleanup_elf_object_ struct elf_object *elf = NULL;
	const struct symvers *symvers;
	int64_t start = clock_monotonic_ms();
	size_t before = p->a->reasons.n, count = 0;
	int r = elf_object_parse(unit->original.data, unit->original.len, unit->object_path, &elf,
				 p->err);

	if (r < 0 || !exports_any(elf))
		return r;
	r = analysis_symvers(p->a, &symvers, p->err);
	if (r == 0)
		r = exports_check(p->a->kbuild, NULL, NULL, unit, symvers, &p->a->reasons, &count,
				  p->err);
	if (r < 0)
		return r;
	before = p->a->reasons.n - before;
	output_done(start, "%s: %zu of %zu versions of exports equal", unit->path,
		    count - MIN(before, count), count);
	p->bad_versions += before;
	return 0;
}

static int prove_file(struct prover *p, const char *path)
{
	_cleanup_unit_set_ struct unit_set set = { 0 };
	int r = compile_original(p->a->kbuild, path, &set, p->err);

	for (size_t i = 0; r == 0 && i < set.n; i++) {
		r = compare_unit(p, &set.units[i]);
		if (r == 0)
			r = compare_types(p, &set.units[i]);
		if (r == 0)
			r = compare_versions(p, &set.units[i]);
	}
	return r < 0 ? error_prefix(p->err, r, "%s", path) : 0;
}

static int write_record(const struct prover *p, const char *path)
{
	const struct kernel *k = p->a->kbuild->kernel;
	_cleanup_buf_ struct buf out = BUF_INIT(RECORD_MAX);

	snprintf(p->record->kernel, sizeof(p->record->kernel), "%s", k->release);
	snprintf(p->record->build_id, sizeof(p->record->build_id), "%s", k->build_id);

	int r = record_write_code(p->record, &out, p->err);

	return r < 0 ? r : file_write_atomic(path, out.data, out.len, 0644, p->err);
}

static int prove_all(struct cli *cli, struct prover *p)
{
	const char *record = cli_get(cli, "record");
	int r = 0;

	for (size_t i = 0; r == 0 && i < cli_argc(cli); i++) {
		const char *why = patch_path_refusal(cli_arg(cli, i), NULL);

		r = why ? error_set(p->err, ERR_USAGE, "%s: %s", cli_arg(cli, i), why)
			: prove_file(p, cli_arg(cli, i));
	}
	if (r == 0 && record)
		r = write_record(p, record);
	if (r < 0)
		return r;
	output_reasons(&p->a->reasons);
	if (p->record->compared == p->record->equal && p->bad_versions == 0 && p->bad_types == 0)
		return EXIT_OK;
	error_set(
		p->err, ERR_MISMATCH,
		"%lld of %lld functions, %zu types and %zu versions of exports are not the ones that %s has",
		(long long)(p->record->compared - p->record->equal), (long long)p->record->compared,
		p->bad_types, p->bad_versions, p->a->kbuild->kernel->release);
	fprintf(stderr, "suture-build: %s\n", p->err->message);
	return BUILD_EXIT_MISMATCH;
}

int build_cmd_prove(struct cli *cli, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	_cleanup_analysis_ struct analysis *a = NULL;
	_cleanup_record_ struct record *record = calloc(1, sizeof(*record));
	const struct analysis_options options = { 0 };
	int64_t jobs;
	int r = cli_get_int(cli, "jobs", 1, 1024, sysconf(_SC_NPROCESSORS_ONLN), &jobs, err);

	if (r == 0)
		r = kernel_use(cli_get(cli, "kernel"), output_step, &kernel, err);
	if (r == 0)
		r = kernel_prepared(kernel, (int)jobs, &kb, err);
	if (r == 0)
		r = analysis_new(&kb, &options, &a, err);
	if (r < 0)
		return r;
	if (!record)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	struct prover p = { .a = a, .record = record, .err = err };

	return prove_all(cli, &p);
}
