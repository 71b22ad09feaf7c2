/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON over jansson: bounded parsing of outside bytes, typed getters that name the field in their
 * errors, atomic saving. A getter fails with ERR_INVALID; its output is untouched then.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

/* Deepest nesting that json_parse() accepts. */
#define JSON_DEPTH_MAX 32

#define _cleanup_json_ _cleanup_(json_decrefp)

/* Parses one JSON value of UTF-8 text: no duplicate keys, no trailing bytes, depth up to
 * JSON_DEPTH_MAX, integers within int64. The caller bounds `len`. The result is owned by the
 * caller. */
int json_parse(const void *data, size_t len, json_t **ret, struct error *err);
/* Reads and parses a file of at most `max` bytes. */
int json_load_path(const char *path, size_t max, json_t **ret, struct error *err);
/* Writes indented JSON and a newline as one atomic step (file_write_atomic). */
int json_save_path(const json_t *value, const char *path, mode_t mode, struct error *err);
/* The same on standard output, after what stdio holds for it. -EPIPE, -ENOSPC… when not all of it
 * could be written. */
int json_print(const json_t *value, struct error *err);
/* Appends compact JSON (keys in insertion order). */
int json_append(const json_t *value, struct buf *out);
/* The same with sorted keys. */
int json_append_sorted(const json_t *value, struct buf *out);
/* Appends indented JSON and a newline. */
int json_append_pretty(const json_t *value, struct buf *out);

/* An optional field, borrowed: NULL when it is missing or null. */
static inline json_t *json_optional(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

/* Strings returned belong to the object. `max` is the longest accepted, in bytes. */
int json_get_str(const json_t *object, const char *key, size_t max, const char **ret,
		 struct error *err);
/* As above, but a missing key or null gives NULL. */
int json_get_str_opt(const json_t *object, const char *key, size_t max, const char **ret,
		     struct error *err);
int json_get_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret,
		 struct error *err);
/* As above, but a missing key or null gives `fallback`. */
int json_get_int_opt(const json_t *object, const char *key, int64_t min, int64_t max,
		     int64_t fallback, int64_t *ret, struct error *err);
int json_get_bool_opt(const json_t *object, const char *key, bool fallback, bool *ret,
		      struct error *err);
/* Borrowed references. `max_items` bounds the array or object. */
int json_get_array(const json_t *object, const char *key, size_t max_items, json_t **ret,
		   struct error *err);
int json_get_object(const json_t *object, const char *key, size_t max_items, json_t **ret,
		    struct error *err);

/* Sets a string, or null when `value` is NULL. Like json_object_set_new(), 0 or -1. */
int json_set_str(json_t *object, const char *key, const char *value);
