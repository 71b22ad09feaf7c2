/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernels a matrix is for, in words:
 *
 *   *                      every kernel that apt offers with image, headers and source
 *   6.1/cloud-amd64        of one series and flavour
 *   6.12/ANY, ANY/rt-amd64 of one series, of one flavour; ANY is an asterisk here
 *   newest:PATTERN         the newest of each series and flavour that the pattern matches
 *   6.1.0-56-cloud-amd64   that release
 */
#pragma once

#include "package/apt.h"

#define KERNEL_PATTERN_MAX 128

struct kernel_pattern {
	bool newest;
	char release[KERNEL_RELEASE_MAX + 1]; /* an exact release, else "" and: */
	char series[16];                      /* "6.1"; "" for any */
	char flavour[KERNEL_RELEASE_MAX + 1]; /* "" for any */
};

/* ERR_INVALID, with the forms that there are as the hint. */
int kernel_pattern_parse(const char *text, struct kernel_pattern *ret, struct error *err);

/* Whether a release is of the series and flavour, or is the exact one; `newest` is left aside. */
bool kernel_pattern_fits(const struct kernel_pattern *pattern, const char *release);

/* Sets ret_chosen[i] for each offered kernel that the pattern means; leaves the others as they are.
 * `offered` is newest first. Returns how many it means. */
size_t kernel_pattern_choose(const struct kernel_pattern *pattern, const struct apt_kernel *offered,
			     size_t n, bool *ret_chosen);
