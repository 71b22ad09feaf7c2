/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes an object in one place and writes it as a whole file again, so that a fuzzer gets past
 * the reader: to relocations, symbols and sections that contradict each other.
 */
#pragma once

#include "base/macro.h"

/* Replaces the object of `len` bytes at `data` by a changed one of at most `max` bytes; returns its
 * length, or 0 if it is none or does not fit. */
size_t elf_mutate(uint8_t *data, size_t len, size_t max, unsigned seed);
