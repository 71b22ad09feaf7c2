/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `suture check`: what stands in the way of live patches on this machine, and its cure. */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "kernel/facts.h"

enum check_result { CHECK_PASS, CHECK_WARNING, CHECK_FAIL };

#define CHECK_ITEMS_MAX 40

struct check_item {
	const char *name; /* of the requirement */
	enum check_result result;
	char finding[768];
	const char *cure; /* "" when it passes */
};

struct check_report {
	struct check_item items[CHECK_ITEMS_MAX];
	size_t n;
};

/* "pass", "warning", "fail". */
const char *check_result_name(enum check_result result);

/* Everything that the kernel's own files tell, from facts read below `root`. */
void check_kernel(const char *root, const struct kernel_facts *facts, struct check_report *report);
/* What sutured's status tells; NULL: there is none. */
void check_agent(const json_t *status, struct check_report *report);

/* The worst result. */
enum check_result check_worst(const struct check_report *report);
int check_render(const struct check_report *report, struct buf *out);
/* The report as a new object, the caller's; NULL without memory. */
json_t *check_to_json(const struct check_report *report);
