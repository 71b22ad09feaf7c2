/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `suture check`: what stands in the way of live patches on this machine, and its cure. */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "kernel/facts.h"
#include "kernel/tracers.h"
#include "wire/record.h"

enum check_result { CHECK_PASS, CHECK_WARNING, CHECK_FAIL };

#define CHECK_ITEMS_MAX 128

struct check_item {
	const char *name; /* of the requirement; several items may have the same */
	enum check_result result;
	char finding[768];
	char cure[ERROR_HINT_MAX]; /* "" when it passes */
};

struct check_report {
	struct check_item items[CHECK_ITEMS_MAX];
	size_t n;
};

/* What the checks look at. Tests make their own; check_input_load() reads this machine's. */
struct check_input {
	const char *root; /* of the kernel's files (kernel/root.h) */
	struct kernel_facts facts;
	int64_t now;             /* seconds since 1970 */
	json_t *status;          /* sutured's; NULL: there is none */
	bool runs;               /* sutured does */
	struct record *record;   /* of the accepted patch if it is for this kernel; NULL: there is
				    none, or only root may read it */
	int64_t module_length;   /* bytes of its module; 0: not known */
	int64_t certificate_end; /* of the machine's certificate, as now; 0: not known */
};

/*
 * Reads facts, status, and what only root may: the accepted patch in sutured's journal with its
 * record, and the certificate in the fetcher's folder. Whatever is missing or malformed is left
 * out. Fails as kernel_facts_read(). The caller frees with check_input_free().
 */
int check_input_load(const char *root, struct check_input *ret, struct error *err);
void check_input_free(struct check_input *input);

/* "pass", "warning", "fail". */
const char *check_result_name(enum check_result result);

/* One item. `cure` counts unless it passes. Past CHECK_ITEMS_MAX it is dropped. */
void check_add(struct check_report *report, const char *name, enum check_result result,
	       const char *cure, const char *format, ...) _printf_(5, 6);

/* What the kernel's own files tell of it. */
void check_kernel(const struct check_input *input, struct check_report *report);
/* What stands in the way of the functions and bytes of the patch: the accepted one's, or the one
 * that is in the kernel. */
void check_patch(const struct check_input *input, struct check_report *report);
/* What sutured's status tells. */
void check_agent(const struct check_input *input, struct check_report *report);

/* The worst result. */
enum check_result check_worst(const struct check_report *report);
int check_render(const struct check_report *report, struct buf *out);
/* The report as a new object, the caller's; NULL without memory. */
json_t *check_to_json(const struct check_report *report);
