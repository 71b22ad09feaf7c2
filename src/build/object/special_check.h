/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do the special sections of a finished module lead to what they say? The kernel rewrites code at
 * these places while it loads the module, most of them without a look at what was there.
 */
#pragma once

#include "elf/object.h"

/* ERR_MISMATCH, naming the section and the entry, for one that does not lead to an instruction of
 * its kind, or that is not made of whole entries. */
int special_check(const struct elf_object *module, struct error *err);

/* How many entries the section `name` has, by all relocations of it: ordinary ones and those of
 * livepatch symbols. 0 for a section that is none of special.h. */
size_t special_count(const struct elf_object *module, const char *name);
