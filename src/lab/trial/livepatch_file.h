/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a livepatch module's file tells without a kernel. */
#pragma once

#include "lab/guest/path_list.h"

/*
 * Adds the modules that a livepatch has relocations for: its sections `.klp.rela.OBJECT.SECTION`
 * (the kernel's Documentation/livepatch/module-elf-format.rst), vmlinux left out. Objects that need
 * no such relocation are not seen here. A file that is no module adds nothing: whether the kernel
 * takes it is for the kernel to say.
 */
int livepatch_file_objects(const void *data, size_t len, struct path_list *ret, struct error *err);
