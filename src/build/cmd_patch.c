/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build patch and check */
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/analysis.h"
#include "build/build_record.h"
#include "build/commands.h"
#include "build/kernel_prepare.h"
#include "build/link.h"
#include "build/module_check.h"
#include "build/output.h"
#include "build/report.h"

const struct cli_option build_patch_options[] = {
	{ "kernel", "RELEASE", "kernel to build for", true, 0 },
	{ "version", "VERSION", "version of the patch, MAJOR.MINOR", true, 0 },
	{ "output", "OUT.ko", "where the module goes", true, 'o' },
	{ "record", "OUT.json", "where the build record goes", false, 0 },
	{ "cve", "CVE-…", "a vulnerability that is fixed; may be repeated", false, 0 },
	{ "severity", "WORD", "critical, high, medium, low or none (default)", false, 0 },
	{ "jobs", "N", "how many compilers may run at once (default: processors)", false, 'j' },
	CLI_FORMAT_OPTION,
	{ 0 }
};

const struct cli_option build_check_options[] = {
	{ "kernel", "RELEASE", "kernel to build for", true, 0 },
	{ "jobs", "N", "how many compilers may run at once (default: processors)", false, 'j' },
	CLI_FORMAT_OPTION,
	{ 0 }
};

/* The statuses that say no; everything else is an ordinary error. */
static int exit_status(int r)
{
	switch (r) {
	case ERR_NO_CHANGE: return BUILD_EXIT_NO_CHANGE;
	case ERR_NOT_PATCHABLE: return BUILD_EXIT_NOT_PATCHABLE;
	case ERR_MISMATCH: return BUILD_EXIT_MISMATCH;
	default: return r;
	}
}

/*
 * Where a program reads the report, standard output is for the report alone, and what is told of
 * the steps goes to standard error. *ret is NULL for a text.
 */
static int open_report(const struct cli *cli, FILE **ret, struct error *err)
{
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	*ret = NULL;
	if (r < 0 || format != CLI_JSON)
		return r;
	fflush(stdout);
	_cleanup_close_ int fd = dup(STDOUT_FILENO);

	if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_set_errno(err, errno, "cannot print");
	*ret = fdopen(fd, "w");
	if (!*ret)
		return error_set_errno(err, errno, "cannot print");
	TAKE_FD(fd);
	return 0;
}

static void close_report(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Tells the verdict `r` and what speaks for it. Returns the exit status, or a negative code. */
static int finish(int r, struct analysis *a, FILE *json, struct error *err)
{
	int status = exit_status(r);

	if (status < 0)
		return status;
	/* Found while linking, which ends at once. */
	if (r == ERR_NOT_PATCHABLE && reason_count(&a->reasons, REASON_REFUSAL) == 0 &&
	    reason_add(&a->reasons, REASON_UNSUPPORTED_SECTION, NULL, NULL, "%s", err->message) < 0)
		return ERR_NO_MEMORY;
	if (a && json) {
		int e = report_json(a, r, json, err);

		if (e < 0)
			return e;
	} else if (a) {
		output_reasons(&a->reasons);
	}
	if (status > 0)
		fprintf(stderr, "suture-build: %s\n", err->message);
	return status;
}

static int run_analysis(struct cli *cli, struct kernel **ret_kernel, struct kbuild *ret_kbuild,
			struct analysis **ret, struct error *err)
{
	const char *paths[ANALYSIS_PATCHES_MAX + 1];
	size_t n = MIN(cli_argc(cli), ARRAY_SIZE(paths));
	int64_t jobs;
	int r = cli_get_int(cli, "jobs", 1, 1024, sysconf(_SC_NPROCESSORS_ONLN), &jobs, err);

	if (r == 0)
		r = kernel_open(cli_get(cli, "kernel"), ret_kernel, err);
	if (r == 0)
		r = kernel_prepared(*ret_kernel, (int)jobs, ret_kbuild, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		paths[i] = cli_arg(cli, i);
	return analysis_run(ret_kbuild, paths, n, ret, err);
}

/* What is made of a proven analysis, and freed together. */
struct product {
	struct extract **extracts;
	size_t extract_count;
	struct symvers *symvers;
	struct resolution resolution;
	struct buf module, record;
};

static void product_free(struct product *p)
{
	for (size_t i = 0; i < p->extract_count; i++)
		extract_free(p->extracts[i]);
	free(p->extracts);
	symvers_free(p->symvers);
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
		const char *path = a->units[i].unit->file->path;
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
	_cleanup_free_ char *path = path_join(a->kbuild->kernel->build, "Module.symvers", NULL);
	int r = path ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = extract_all(a, p, err);
	if (r == 0)
		r = symvers_load(path, &p->symvers, err);
	if (r == 0)
		r = resolve_symbols(a, p->extracts, p->symvers, &p->resolution, err);
	return r < 0 ? r : analysis_verdict(a, err);
}

static int build_module(struct analysis *a, const struct build_options *options, struct product *p,
			struct error *err)
{
	struct link_options link = { options->module, options->version_text };
	int64_t start = clock_monotonic_ms();
	int r = link_module(a, p->extracts, &p->resolution, &link, &p->module, err);

	if (r == 0)
		r = module_check_kernel(p->module.data, p->module.len, a->kbuild->kernel,
					p->symvers, err);
	if (r == 0)
		r = build_record_make(a, options, p->module.data, p->module.len, &p->record, err);
	if (r < 0)
		return r;
	output_done(start, "linked %s, %zu bytes, %zu livepatch symbols", options->module,
		    p->module.len, p->resolution.symbol_count);
	return 0;
}

int build_cmd_check(struct cli *cli, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	_cleanup_analysis_ struct analysis *a = NULL;
	_cleanup_(product_free) struct product p = { 0 };
	_cleanup_(close_report) FILE *json = NULL;
	int r = open_report(cli, &json, err);

	if (r == 0)
		r = run_analysis(cli, &kernel, &kb, &a, err);
	if (r == 0)
		r = resolve_all(a, &p, err);
	if (r == 0 && !json) {
		report_functions(a);
		printf("can be applied live to %s\n", kernel->release);
	}
	return finish(r, a, json, err);
}

/* Both files or neither. */
static int write_product(struct cli *cli, const struct product *p, struct error *err)
{
	const char *output = cli_get(cli, "output"), *record = cli_get(cli, "record");
	int r = file_write_atomic(output, p->module.data, p->module.len, 0644, err);

	if (r < 0 || !record)
		return r;
	r = file_write_atomic(record, p->record.data, p->record.len, 0644, err);
	if (r < 0)
		unlink(output);
	return r;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return streq(a, b) || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
			       x.st_ino == y.st_ino);
}

/* Nothing that is written may take the place of a source patch or of the other product. */
static int check_outputs(const struct cli *cli, struct error *err)
{
	const char *output = cli_get(cli, "output"), *record = cli_get(cli, "record");

	if (record && same_file(output, record))
		return error_set(err, ERR_USAGE, "--output and --record name the same file %s",
				 output);
	for (size_t i = 0; i < cli_argc(cli); i++) {
		const char *patch = cli_arg(cli, i);

		if (same_file(output, patch) || (record && same_file(record, patch)))
			return error_set(err, ERR_USAGE, "%s would be written over: it is a patch",
					 patch);
	}
	return 0;
}

int build_cmd_patch(struct cli *cli, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	_cleanup_analysis_ struct analysis *a = NULL;
	_cleanup_(product_free) struct product p = { .module = BUF_INIT(256 * 1024 * 1024),
						     .record = BUF_INIT(RECORD_MAX) };
	_cleanup_(close_report) FILE *json = NULL;
	int64_t start = clock_monotonic_ms();
	struct build_options options;
	int r = build_options_read(cli, &options, err);

	if (r == 0)
		r = check_outputs(cli, err);
	if (r == 0)
		r = open_report(cli, &json, err);
	if (r == 0)
		r = run_analysis(cli, &kernel, &kb, &a, err);
	if (r == 0)
		r = resolve_all(a, &p, err);
	if (r == 0)
		r = build_module(a, &options, &p, err);
	if (r == 0)
		r = write_product(cli, &p, err);
	if (r == 0) {
		report_functions(a);
		output_done(start, "wrote %s", cli_get(cli, "output"));
	}
	return finish(r, a, json, err);
}
