/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program says of itself, from its table: --help and the man page. */
#pragma once

#include <stdio.h>

#include "base/cli.h"

/* Prints the help of a program, or of one of its verbs (`verb` not NULL). */
void cli_help_print(FILE *out, const struct cli_program *program, const struct cli_verb *verb);
/* The commands whose first word is `group`. */
void cli_help_print_group(FILE *out, const struct cli_program *program, const char *group);
/* Prints the man page as scdoc(5) source on standard output. */
void cli_help_man(const struct cli_program *program);
