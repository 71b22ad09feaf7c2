/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do image, modules, headers, source and configuration belong to one kernel? Files that are given
 * by hand come from anywhere. What differs is refused before anything is built (ERR_MISMATCH), with
 * both sides in the message; the code itself is compared for every patch.
 */
#pragma once

#include "package/banner.h"
#include "package/deb_info.h"

/* A package of `what` ("headers", "source") must have the version that the image was built from;
 * with `name`, it must be that package. An image that says no version fits any. */
int kernel_match_package(const struct kernel_banner *image, const char *what, const char *name,
			 const struct deb_info *deb, struct error *err);

/* A release as a headers folder (include/config/kernel.release) or a module's vermagic begins with
 * it: up to the first white space. */
int kernel_match_release(const struct kernel_banner *image, const char *what, const char *text,
			 struct error *err);

/* The version in the top Makefile of a source tree. */
int kernel_match_makefile(const struct kernel_banner *image, const char *makefile,
			  struct error *err);

/* The series in the heading of a configuration, and the compiler's version in it. */
int kernel_match_config(const struct kernel_banner *image, const char *config, struct error *err);
