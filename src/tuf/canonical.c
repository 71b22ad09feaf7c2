/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuf/canonical.h"

#include <inttypes.h>

#include "base/json.h"

static int append_value(const json_t *value, unsigned depth, struct buf *out, struct error *err);

static int append_string(const char *s, size_t len, struct buf *out)
{
	size_t start = 0;
	int r = buf_append_byte(out, '"');

	for (size_t i = 0; r == 0 && i < len; i++) {
		if (s[i] != '"' && s[i] != '\\')
			continue;
		r = buf_append(out, s + start, i - start);
		if (r == 0)
			r = buf_append_byte(out, '\\');
		start = i;
	}
	if (r == 0)
		r = buf_append(out, s + start, len - start);
	if (r == 0)
		r = buf_append_byte(out, '"');
	return r;
}

static int compare_keys(const void *a, const void *b)
{
	/* Keys hold no zero byte (json_parse refuses it), and strcmp compares as unsigned bytes. */
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int append_object(const json_t *object, unsigned depth, struct buf *out, struct error *err)
{
	size_t n = json_object_size(object), i = 0;
	_cleanup_free_ const char **keys = calloc(n + 1, sizeof(*keys));
	const char *key;
	json_t *value;
	int r;

	if (!keys)
		return error_set(err, ERR_NO_MEMORY, "canonical JSON: no memory");
	json_object_foreach ((json_t *)object, key, value)
		keys[i++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);

	r = buf_append_byte(out, '{');
	for (i = 0; r == 0 && i < n; i++) {
		if (i > 0)
			r = buf_append_byte(out, ',');
		if (r == 0)
			r = append_string(keys[i], strlen(keys[i]), out);
		if (r == 0)
			r = buf_append_byte(out, ':');
		if (r == 0)
			r = append_value(json_object_get(object, keys[i]), depth + 1, out, err);
	}
	if (r == 0)
		r = buf_append_byte(out, '}');
	return r;
}

static int append_array(const json_t *array, unsigned depth, struct buf *out, struct error *err)
{
	int r = buf_append_byte(out, '[');

	for (size_t i = 0; r == 0 && i < json_array_size(array); i++) {
		if (i > 0)
			r = buf_append_byte(out, ',');
		if (r == 0)
			r = append_value(json_array_get(array, i), depth + 1, out, err);
	}
	if (r == 0)
		r = buf_append_byte(out, ']');
	return r;
}

static int append_value(const json_t *value, unsigned depth, struct buf *out, struct error *err)
{
	if (depth > JSON_DEPTH_MAX)
		return error_set(err, ERR_INVALID, "canonical JSON: nested too deeply");
	switch (json_typeof(value)) {
	case JSON_OBJECT: return append_object(value, depth, out, err);
	case JSON_ARRAY: return append_array(value, depth, out, err);
	case JSON_STRING:
		return append_string(json_string_value(value), json_string_length(value), out);
	case JSON_INTEGER: return buf_printf(out, "%" PRId64, (int64_t)json_integer_value(value));
	case JSON_TRUE: return buf_append_str(out, "true");
	case JSON_FALSE: return buf_append_str(out, "false");
	case JSON_NULL: return buf_append_str(out, "null");
	case JSON_REAL: break;
	}
	return error_set(err, ERR_INVALID, "canonical JSON: only whole numbers are allowed");
}

int tuf_canonical(const json_t *value, struct buf *out, struct error *err)
{
	if (!value)
		return error_set(err, ERR_INVALID, "canonical JSON: no value");

	int r = append_value(value, 0, out, err);

	if (r == ERR_TOO_LARGE || r == ERR_NO_MEMORY)
		return error_set(err, r, "canonical JSON: too large");
	return r;
}
