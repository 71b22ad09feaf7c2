/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build prove */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/build_record.h"
#include "build/commands.h"
#include "build/exports.h"
#include "build/kernel_prepare.h"
#include "build/output.h"
#include "build/prove.h"
#include "build/shipped_types.h"

const struct cli_option build_prove_options[] = {
	{ "kernel", "RELEASE", "kernel to compare with", true, 0 },
	{ "record", "OUT.json", "where a record of all equal functions goes", false, 0 },
	{ "jobs", "N", "how many compilers may run at once (default: processors)", false, 'j' },
	{ 0 }
};

struct prover {
	const struct kbuild *kbuild;
	struct shipped **shipped; /* each object once */
	size_t shipped_count;
	struct symvers *symvers;
	struct reason_list mismatches;
	size_t bad_versions, bad_types;
	struct record *record;
	struct error *err;
};

static int get_shipped(struct prover *p, const char *object, const struct shipped **ret)
{
	for (size_t i = 0; i < p->shipped_count; i++)
		if (streq(shipped_object(p->shipped[i]), object)) {
			*ret = p->shipped[i];
			return 0;
		}

	struct shipped **list = reallocarray(p->shipped, p->shipped_count + 1, sizeof(*list));

	if (!list)
		return error_set(p->err, ERR_NO_MEMORY, "out of memory");
	p->shipped = list;

	int r = shipped_open(p->kbuild->kernel, object, &list[p->shipped_count], p->err);

	if (r == 0)
		*ret = list[p->shipped_count++];
	return r;
}

static int compare_unit(struct prover *p, struct unit *unit)
{
	_cleanup_name_list_ struct name_list names = { 0 };
	_cleanup_runpre_ struct runpre *runpre = NULL;
	const struct shipped *shipped = NULL;
	int64_t start = clock_monotonic_ms();
	int r = get_shipped(p, unit->object, &shipped);

	if (r == 0)
		r = runpre_list(unit, &names, p->err);
	if (r == 0)
		r = prove_functions(p->kbuild, unit, shipped, (const char *const *)names.items,
				    names.n, &p->mismatches, &runpre, p->err);
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
	size_t before = p->mismatches.n, count = 0;
	int r = elf_object_parse(unit->original.data, unit->original.len, unit->object_path, &elf,
				 p->err);

	if (r == 0)
		r = get_shipped(p, "vmlinux", &vmlinux);
	if (r == 0)
		r = get_shipped(p, unit->object, &shipped);
	if (r == 0)
		r = shipped_types_check(vmlinux, shipped, elf, unit->path, &p->mismatches, &count,
					p->err);
	if (r < 0)
		return r;
	before = p->mismatches.n - before;
	output_done(start, "%s: %zu of %zu types equal", unit->path, count - MIN(before, count),
		    count);
	p->bad_types += before;
	return 0;
}

/* The versions of what a file exports, against Module.symvers. */
static int compare_versions(struct prover *p, const struct unit *unit)
{
	_cleanup_free_ char *path = path_join(p->kbuild->kernel->build, "Module.symvers", NULL);
	_cleanup_elf_object_ struct elf_object *elf = NULL;
	int64_t start = clock_monotonic_ms();
	size_t before = p->mismatches.n, count = 0;
	int r = path ? 0 : error_set(p->err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = elf_object_parse(unit->original.data, unit->original.len, unit->object_path,
				     &elf, p->err);
	if (r < 0 || !exports_any(elf))
		return r;
	if (!p->symvers)
		r = symvers_load(path, &p->symvers, p->err);
	if (r == 0)
		r = exports_check(p->kbuild, NULL, NULL, unit, p->symvers, &p->mismatches, &count,
				  p->err);
	if (r < 0)
		return r;
	before = p->mismatches.n - before;
	output_done(start, "%s: %zu of %zu versions of exports equal", unit->path,
		    count - MIN(before, count), count);
	p->bad_versions += before;
	return 0;
}

static int prove_file(struct prover *p, const char *path)
{
	_cleanup_unit_set_ struct unit_set set = { 0 };
	int r = compile_original(p->kbuild, path, &set, p->err);

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
	const struct kernel *k = p->kbuild->kernel;
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

	p->record = calloc(1, sizeof(*p->record));
	if (!p->record)
		return error_set(p->err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; r == 0 && i < cli_argc(cli); i++) {
		const char *why = patch_path_refusal(cli_arg(cli, i), NULL);

		r = why ? error_set(p->err, ERR_USAGE, "%s: %s", cli_arg(cli, i), why)
			: prove_file(p, cli_arg(cli, i));
	}
	if (r == 0 && record)
		r = write_record(p, record);
	if (r < 0)
		return r;
	output_reasons(&p->mismatches);
	if (p->record->compared == p->record->equal && p->bad_versions == 0 && p->bad_types == 0)
		return EXIT_OK;
	error_set(
		p->err, ERR_MISMATCH,
		"%lld of %lld functions, %zu types and %zu versions of exports are not the ones that %s has",
		(long long)(p->record->compared - p->record->equal), (long long)p->record->compared,
		p->bad_types, p->bad_versions, p->kbuild->kernel->release);
	fprintf(stderr, "suture-build: %s\n", p->err->message);
	return BUILD_EXIT_MISMATCH;
}

int build_cmd_prove(struct cli *cli, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	struct prover p = { .kbuild = &kb, .err = err };
	int64_t jobs;
	int r = cli_get_int(cli, "jobs", 1, 1024, sysconf(_SC_NPROCESSORS_ONLN), &jobs, err);

	if (r == 0)
		r = kernel_open(cli_get(cli, "kernel"), &kernel, err);
	if (r == 0)
		r = kernel_prepared(kernel, (int)jobs, &kb, err);
	if (r == 0)
		r = prove_all(cli, &p);
	for (size_t i = 0; i < p.shipped_count; i++)
		shipped_free(p.shipped[i]);
	free(p.shipped);
	reason_list_free(&p.mismatches);
	symvers_free(p.symvers);
	record_free(p.record);
	return r;
}
