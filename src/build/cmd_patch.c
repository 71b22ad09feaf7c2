/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build patch and check */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/analysis.h"
#include "build/commands.h"
#include "build/kernel_prepare.h"
#include "build/output.h"

const struct cli_option build_check_options[] = {
	{ "kernel", "RELEASE", "kernel to build for", true, 0 },
	{ "jobs", "N", "how many compilers may run at once (default: processors)", false, 'j' },
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

static int finish(int r, const struct analysis *a, const struct error *err)
{
	int status = exit_status(r);

	if (a && status > 0)
		output_reasons(&a->reasons);
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

static void print_functions(const struct analysis *a)
{
	for (size_t i = 0; i < a->unit_count; i++) {
		const struct analysis_unit *u = &a->units[i];
		const struct diff_result *d = diff_result(u->diff);

		for (size_t j = 0; j < d->changed_count; j++)
			printf("           changed: %s (%s, %s)\n", d->changed[j].name,
			       u->unit->object, u->unit->file->path);
		for (size_t j = 0; j < d->added_count; j++)
			printf("           new:     %s (%s)\n", d->added[j].name,
			       u->unit->file->path);
	}
}

int build_cmd_check(struct cli *cli, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	_cleanup_analysis_ struct analysis *a = NULL;
	int r = run_analysis(cli, &kernel, &kb, &a, err);

	if (r < 0)
		return finish(r, a, err);
	print_functions(a);
	printf("can be applied live to %s\n", kernel->release);
	return EXIT_OK;
}
