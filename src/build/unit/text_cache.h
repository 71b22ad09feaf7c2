/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the originals of a kernel's files read, as digests: the same for every patch, so that only
 * the patched texts are made the next time. A file in the kernel's cache (`units/texts`) that may
 * be lost at any time.
 */
#pragma once

#include "base/hash.h"

/* Hexadecimal digits that name a text: what it is made of, and how. */
#define TEXT_CACHE_KEY_LEN 32

struct text_cache;

/* `stamp` (SHA256_HEX_LEN digits) stands for all files that texts are made of: what was kept under
 * another one is forgotten, and so is a damaged file. Errors: ERR_NO_MEMORY. */
int text_cache_load(const char *path, const char *stamp, struct text_cache **ret,
		    struct error *err);
void text_cache_free(struct text_cache *cache);
DEFINE_CLEANUP(struct text_cache *, text_cache_free);
#define _cleanup_text_cache_ _cleanup_(text_cache_freep)

/* The SHA256_HEX_LEN digits that were kept when the cache was loaded, not followed by a zero; NULL
 * if there are none. */
const char *text_cache_get(const struct text_cache *cache, const char *key);
/* Keeps one. ERR_NO_MEMORY. */
int text_cache_put(struct text_cache *cache, const char *key, const char *digest);
/* Writes the file if something was put in. Errors: those of writing. */
int text_cache_save(struct text_cache *cache, struct error *err);
