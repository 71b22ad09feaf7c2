/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder for a guest that ends with its command. */
#pragma once

#include "base/error.h"

/* Makes one of mode 0700 under $XDG_RUNTIME_DIR or /tmp (short enough for a socket's path). The
 * caller ends it with work_folder_remove(). */
int work_folder_make(char **ret, struct error *err);
/* Removes the folder with all in it, and frees the path. */
void work_folder_remove(char *path);
DEFINE_CLEANUP(char *, work_folder_remove);
