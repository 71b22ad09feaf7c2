/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words and the order in which they came: a hash table that a hostile text cannot make slow. Words
 * that were chosen to collide are refused instead.
 */
#pragma once

#include "base/vec.h"

struct word_table_entry {
	const char *text; /* not owned */
	size_t len;
};

struct word_table {
	VEC(struct word_table_entry) words;
	uint32_t *slots; /* 0, or a word's number plus one */
	size_t slot_count;
};

void word_table_free(struct word_table *table);
#define _cleanup_word_table_ _cleanup_(word_table_free)

/* Adds the word, unless it is there, and gives its number (from 0 on). The table keeps the pointer.
 * ERR_NO_MEMORY; ERR_TOO_LARGE: too many words share a place. */
int word_table_add(struct word_table *table, const char *text, size_t len, size_t *ret_number);

/* The number of a word; SIZE_MAX if it is not there. */
size_t word_table_find(const struct word_table *table, const char *text, size_t len);
