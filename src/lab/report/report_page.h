/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as one page of HTML. */
#pragma once

#include "base/error.h"
#include "lab/report/report.h"

#define PAGE_MAX     (64 * 1024 * 1024)
/* Excerpts of kernel logs in a page, all together, about; what is beyond stays in the record. */
#define PAGE_LOG_MAX (384 * 1024)

/*
 * Appends it: sums, what failed, the grid of patches, kernels, machines and cases, the slowest
 * cases, seconds of each kernel, and each trial with messages, excerpts, links to its console logs
 * and the command that enters its machine. One file in UTF-8 that needs no other, no script and no
 * network; what guests said is only text in it. ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int report_page_append(const struct report *report, struct buf *out);
