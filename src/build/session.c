/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/session.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/commands.h"
#include "build/prepare/kernel_prepare.h"
#include "build/output/output.h"
#include "build/patch/report.h"

void session_close(struct session *session)
{
	if (session->json)
		fclose(session->json);
	analysis_free(session->analysis);
	kbuild_free(&session->kbuild);
	kernel_free(session->kernel);
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

/* Files that the command line names. */
static int read_arguments(const struct cli *cli, bool patches, struct session *s,
			  struct analysis_options *ret, struct error *err)
{
	*ret = (struct analysis_options){ .source = patches ? cli_get(cli, "source") : NULL,
					  .targets = s->targets,
					  .target_count = cli_count(cli, "target"),
					  .objects = s->objects,
					  .object_count = patches ? cli_count(cli, "objects") : 0,
					  .all = patches && cli_has(cli, "all") };
	if (ret->target_count > SESSION_TARGETS_MAX)
		return error_set(err, ERR_USAGE, "more than %d --target", SESSION_TARGETS_MAX);
	if (ret->object_count > SESSION_OBJECTS_MAX)
		return error_set(err, ERR_USAGE, "more than %d --objects", SESSION_OBJECTS_MAX);
	if (ret->object_count > 0 && ret->target_count == 0)
		return error_set(err, ERR_USAGE,
				 "--objects needs the --target that they belong to");
	if (ret->source && ret->target_count == 0)
		return error_set(err, ERR_USAGE,
				 "--source needs the --target that is built from it");
	if (ret->object_count == 0 && cli_argc(cli) == 0)
		return error_set(err, ERR_USAGE, "neither a patch nor --objects is given");
	for (size_t i = 0; i < ret->object_count; i++)
		s->objects[i] = cli_get_nth(cli, "objects", i);
	for (size_t i = 0; i < ret->target_count; i++)
		s->targets[i] = cli_get_nth(cli, "target", i);
	s->argument_count = MIN(cli_argc(cli), ARRAY_SIZE(s->arguments));
	for (size_t i = 0; i < s->argument_count; i++)
		s->arguments[i] = cli_arg(cli, i);
	return 0;
}

int session_open(struct cli *cli, bool patches, struct session *ret, struct error *err)
{
	struct analysis_options options;
	int64_t jobs;
	int r = read_arguments(cli, patches, ret, &options, err);

	ret->timings.start_ms = clock_monotonic_ms();
	ret->tell_timings = cli_has(cli, "timings");
	if (r == 0)
		r = open_report(cli, &ret->json, err);
	if (r == 0)
		r = cli_get_int(cli, "jobs", 1, 1024, sysconf(_SC_NPROCESSORS_ONLN), &jobs, err);
	if (r == 0)
		r = kernel_use(cli_get(cli, "kernel"), output_step, &ret->kernel, err);
	if (r == 0)
		r = kernel_prepared(ret->kernel, (int)jobs, &ret->kbuild, err);
	ret->kbuild.timings = &ret->timings;
	return r < 0 ? r : analysis_new(&ret->kbuild, &options, &ret->analysis, err);
}

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

/* What is found while linking ends the work at once, with an error instead of a reason. */
static int keep_reason(struct analysis *a, int r, struct error *err)
{
	char nothing[] = "";
	struct reason why = { .code = REASON_UNSUPPORTED_SECTION, .message = err->message };

	if (r == ERR_MISMATCH) /* of the module itself, not of a function */
		why = (struct reason){ REASON_MISMATCH, nothing, nothing, err->message, nothing };
	if ((r != ERR_NOT_PATCHABLE && r != ERR_MISMATCH) ||
	    reason_count(&a->reasons, REASON_REFUSAL) > 0)
		return 0;
	return reason_add_copy(&a->reasons, &why);
}

int session_end(int r, struct session *session, struct error *err)
{
	struct analysis *a = session->analysis;
	int status = exit_status(r);

	/* Without an analysis nothing has been said of the patch. */
	if (status < 0 || !a)
		return r;

	int e = keep_reason(a, r, err);

	if (e == 0 && session->json)
		e = report_json(a, r, session->json, err);
	if (e < 0)
		return e;
	if (!session->json)
		output_reasons(&a->reasons);
	if (status > 0)
		fprintf(stderr, "suture-build: %s\n", err->message);
	if (session->tell_timings)
		timings_print(&session->timings);
	return status;
}

/* Both files or neither. */
int session_write(const struct cli *cli, const struct buf *module, const struct buf *text,
		  struct error *err)
{
	const char *output = cli_get(cli, "output"), *record = cli_get(cli, "record");
	int r = file_write_atomic(output, module->data, module->len, 0644, err);

	if (r < 0 || !record)
		return r;
	r = file_write_atomic(record, text->data, text->len, 0644, err);
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

/* Can the file be written? Better said now than after the work. */
static int check_place(const char *path, struct error *err)
{
	struct stat st;
	size_t len = (size_t)(path_base(path) - path);
	_cleanup_free_ char *folder = len > 0 ? strndup(path, len) : strdup(".");

	if (!folder)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID,
				 "cannot write %s: it is there and not a regular file", path);
	return access(folder, W_OK | X_OK) == 0
		       ? 0
		       : error_set_errno(err, errno, "cannot write %s", path);
}

/* Nothing that is written may take the place of a source or of the other product. */
int session_check_outputs(const struct cli *cli, struct error *err)
{
	const char *output = cli_get(cli, "output"), *record = cli_get(cli, "record");

	if (record && same_file(output, record))
		return error_set(err, ERR_USAGE, "--output and --record name the same file %s",
				 output);
	for (size_t i = 0; i < cli_argc(cli); i++) {
		const char *patch = cli_arg(cli, i);

		if (same_file(output, patch) || (record && same_file(record, patch)))
			return error_set(err, ERR_USAGE, "%s would be written over: it is a source",
					 patch);
	}

	int r = check_place(output, err);

	return r < 0 || !record ? r : check_place(record, err);
}
