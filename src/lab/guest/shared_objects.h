/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a dynamic program needs to run elsewhere: its loader and, transitively, the shared libraries
 * of its DT_NEEDED entries, found as ld.so(8) finds them: DT_RUNPATH or DT_RPATH with $ORIGIN, then
 * the standard folders. No program is run for it.
 */
#pragma once

#include "base/error.h"
#include "lab/guest/path_list.h"

/*
 * Adds the host's paths of loader and libraries to `list`. A static program, a script or any other
 * file that is not ELF adds nothing. Of libraries that are opened at run time only libgcc_s.so.1 is
 * taken along, which glibc wants for cancelling threads.
 * Errors: -errno, ERR_NOT_FOUND (names library and user), ERR_INVALID (broken or not x86-64 ELF).
 */
int shared_objects_of(const char *program, struct path_list *list, struct error *err);
