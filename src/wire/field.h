/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of messages, copied into arrays of fixed size with every bound checked. */
#pragma once

#include "base/json.h"

/* Parses a message of at most `max` bytes that must be a JSON object, which becomes the caller's.
 * ERR_TOO_LARGE, ERR_INVALID. */
int field_parse_object(const void *data, size_t len, size_t max, json_t **ret, struct error *err);

/* A string of `min` to `size` - 1 bytes without control characters, copied with its zero into
 * `ret` of `size` bytes. ERR_INVALID names the field; `ret` is untouched then. */
int field_text(const json_t *object, const char *key, size_t min, size_t size, char *ret,
	       struct error *err);
/* The same, and `valid` must accept it (a check of wire/names.h). */
int field_name(const json_t *object, const char *key, bool (*valid)(const char *text), size_t size,
	       char *ret, struct error *err);
/* As field_name(), but a missing field or null gives "". */
int field_name_opt(const json_t *object, const char *key, bool (*valid)(const char *text),
		   size_t size, char *ret, struct error *err);
/* One of the `n` words (entries of NULL match nothing); its index. */
int field_word(const json_t *object, const char *key, const char *const *words, size_t n,
	       size_t *ret, struct error *err);
/* A *time*, as seconds since 1970. */
int field_time(const json_t *object, const char *key, int64_t *ret, struct error *err);
/* Sets a *time*; 0 or -1 as jansson has it. */
int field_set_time(json_t *object, const char *key, int64_t seconds);
/* Sets a string, null when it is "". 0 or -1. */
int field_set_opt(json_t *object, const char *key, const char *value);
/* Sets a string that a person reads; bytes that are not UTF-8 (or not whole) become '?'. 0 or -1.
 */
int field_set_message(json_t *object, const char *key, const char *value);

/* 1 to 32 of a-z 0-9 -: the name of an error code or of an event. */
#define CODE_MAX 32
bool code_is_valid(const char *text);
/* A patch version in canonical form (wire/names.h: patch_version_parse). */
bool version_text_is_valid(const char *text);

/* The field `format` of a file or message: 1. ERR_UNSUPPORTED for a higher one, ERR_INVALID. */
int field_format(const json_t *object, struct error *err);

/*
 * An array of `min` to `max` strings of at most `max_len` bytes without control characters; `valid`
 * (may be NULL) must accept each. A new array in *ret (NULL when empty), freed with
 * field_list_free(). ERR_INVALID names the field.
 */
int field_list(const json_t *object, const char *key, size_t min, size_t max, size_t max_len,
	       bool (*valid)(const char *text), char ***ret, size_t *ret_n, struct error *err);
/* Sets an array of strings. 0 or -1. */
int field_set_list(json_t *object, const char *key, char *const *list, size_t n);
void field_list_free(char **list, size_t n);
