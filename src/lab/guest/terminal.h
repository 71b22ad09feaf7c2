/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our terminal joined to a guest's serial line. */
#pragma once

#include "base/error.h"

/* The byte that ends it from our side: Ctrl-]. */
#define TERMINAL_ESCAPE 0x1d

/*
 * Copies standard input to QEMU's unix socket of the line and what comes from it to standard
 * output, until the guest ends or TERMINAL_ESCAPE is typed. Standard input is a terminal: raw
 * meanwhile, and put back afterwards.
 * Errors: -errno, ERR_INVALID (path too long).
 */
int terminal_join(const char *socket_path, struct error *err);
/* Rows and columns of our terminal; 24 and 80 without one. */
void terminal_size(unsigned *ret_rows, unsigned *ret_columns);
