/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that build or check have in common: kernel and analysis from the command line,
 * the two files that are written, the exit status. */
#pragma once

#include <stdio.h>

#include "base/cli.h"
#include "build/patch/analysis.h"

#define SESSION_TARGETS_MAX 64
#define SESSION_OBJECTS_MAX 256

struct session {
	struct kernel *kernel;
	struct kbuild kbuild;
	struct timings timings;
	bool tell_timings;
	struct analysis *analysis;
	const char *arguments[ANALYSIS_PATCHES_MAX + 1]; /* of the command: patches or sources */
	size_t argument_count;
	const char *targets[SESSION_TARGETS_MAX];
	const char *objects[SESSION_OBJECTS_MAX]; /* pairs, as given */
	FILE *json; /* where the report goes; NULL: it is a text, on standard output */
};

/* clang-format off: rows of a table */
/* Options that every such command has. */
#define SESSION_OPTIONS                                                                           \
	{ "kernel", "RELEASE", "kernel to build for", true, 0 },                                  \
		{ "target", "MODULE.ko",                                                          \
		  "a module to patch that is not part of the kernel; repeatable", false, 0 },     \
		{ "jobs", "N", "how many compilers may run at once (default: processors)", false, \
		  'j' },                                                                          \
		{ "timings", NULL, "print where the time went, as a line of JSON", false, 0 },    \
		CLI_FORMAT_OPTION

/* Options of those that write a module. */
#define SESSION_OUTPUT_OPTIONS                                                                  \
	{ "version", "VERSION", "version of the patch, MAJOR.MINOR", true, 0 },                 \
		{ "output", "OUT.ko", "where the module goes", true, 'o' },                     \
		{ "record", "OUT.json", "where the build record goes", false, 0 },              \
		{ "cve", "CVE-…", "a vulnerability that is fixed; may be repeated", false, 0 }, \
	{                                                                                       \
		"severity", "WORD", "critical, high, medium, low or none (default)", false, 0   \
	}
/* Of those that take source patches. */
#define SESSION_PATCH_OPTIONS                                                                       \
	{ "all", NULL, "look at every file that includes what is patched, however many", false,     \
	  0 },                                                                                      \
		{ "source", "DIR",                                                                  \
		  "source of the modules that --target names, with their Makefile", false, 0 },     \
	{                                                                                           \
		"objects", "ORIG.o:PATCHED.o",                                                      \
			"a file of such a module as compiled before and after the fix; repeatable", \
			false, 0                                                                    \
	}
/* clang-format on */

/* Opens the kernel, prepared, and begins an analysis. `patches`: the command has
 * SESSION_PATCH_OPTIONS; ERR_USAGE if it is given nothing to look at. session_close() also after an
 * error. */
int session_open(struct cli *cli, bool patches, struct session *ret, struct error *err);
void session_close(struct session *session);
#define _cleanup_session_ _cleanup_(session_close)

/* Tells the verdict `r` and what speaks for it: every exit status that is not an error has a
 * report. Returns the exit status, or a negative code. */
int session_end(int r, struct session *session, struct error *err);

/* ERR_USAGE if something that will be written is one of the arguments, or the other file; -ENOENT,
 * -EACCES, … if its folder cannot take it. */
int session_check_outputs(const struct cli *cli, struct error *err);

/* Writes --output and, if asked for, --record: both or neither. */
int session_write(const struct cli *cli, const struct buf *module, const struct buf *text,
		  struct error *err);
