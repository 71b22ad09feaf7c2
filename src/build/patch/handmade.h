/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hand-written livepatch modules: sources with their own struct klp_patch and klp_enable_patch(),
 * as the kernel's samples/livepatch has them, made into a module that can be loaded, with a build
 * record.
 */
#pragma once

#include "build/patch/build_record.h"

/*
 * Compiles and links the sources (see link_sources()), reads which functions the module replaces
 * from its own tables, finds them in the shipped objects, and makes the references to unexported
 * symbols livepatch symbols: a name that is there once in vmlinux, or else in one of the modules
 * that the patch names; all else must be said with SUTURE_SYMBOL(). `a` is from analysis_new();
 * what cannot be told is appended to its reasons, and the answer is ERR_NOT_PATCHABLE. Other
 * errors: ERR_INVALID (no livepatch module), those of linking, reading and the record.
 */
int handmade_build(struct analysis *a, const char *const *sources, size_t n,
		   const struct build_options *options, struct buf *module, struct buf *record,
		   struct error *err);
