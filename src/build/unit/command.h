/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compile command that kbuild writes down beside each object (`.NAME.o.cmd`). */
#pragma once

#include "package/name_list.h"

/*
 * Splits the command of a .cmd file (`savedcmd_PATH := …` or `cmd_PATH := …`) into arguments, as a
 * shell would: quotes and backslashes are understood, make's `$$` is one '$'; what follows a ';'
 * (objtool and the like) is left out. Anything that would need a real shell is refused.
 * ERR_INVALID, ERR_NO_MEMORY.
 */
int command_parse(const char *text, struct name_list *ret, struct error *err);
