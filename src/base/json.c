/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include "base/file.h"

/* The parser recurses, so depth is checked on the raw bytes before it runs. */
static bool depth_within(const uint8_t *text, size_t len, unsigned int max)
{
	unsigned int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
		} else if (text[i] == '"') {
			in_string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > max)
				return false;
		} else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

int json_parse(const void *data, size_t len, json_t **ret, struct error *err)
{
	json_error_t e;

	if (!depth_within(data, len, JSON_DEPTH_MAX))
		return error_set(err, ERR_INVALID, "JSON is nested deeper than %d", JSON_DEPTH_MAX);
	json_t *value =
		json_loadb(data ? data : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!value)
		return error_set(err, ERR_INVALID, "not JSON: line %d: %s", e.line, e.text);
	*ret = value;
	return 0;
}

int json_load_path(const char *path, size_t max, json_t **ret, struct error *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(max);
	int r = file_read(path, &b, err);

	if (r < 0)
		return r;
	r = json_parse(b.data, b.len, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

static int dump_to_buf(const char *bytes, size_t len, void *user)
{
	return buf_append(user, bytes, len) < 0 ? -1 : 0;
}

static int append(const json_t *value, struct buf *out, size_t flags)
{
	size_t before = out->len;

	if (json_dump_callback(value, dump_to_buf, out, flags | JSON_ENCODE_ANY) == 0)
		return 0;
	out->len = before;
	return ERR_TOO_LARGE;
}

int json_append(const json_t *value, struct buf *out)
{
	return append(value, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
}

int json_append_sorted(const json_t *value, struct buf *out)
{
	return append(value, out, JSON_COMPACT | JSON_SORT_KEYS);
}

int json_append_pretty(const json_t *value, struct buf *out)
{
	int r = append(value, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));

	return r < 0 ? r : buf_append_byte(out, '\n');
}

/* What a value may take as text, wherever it goes. */
#define TEXT_MAX ((size_t)256 * 1024 * 1024)

int json_print(const json_t *value, struct error *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(TEXT_MAX);
	int r = json_append_pretty(value, &b);

	if (r < 0)
		return error_set(err, r, "cannot write JSON");
	if (fflush(stdout) != 0)
		return error_set_errno(err, errno, "standard output");
	return file_write_fd(STDOUT_FILENO, b.data, b.len, err);
}

int json_save_path(const json_t *value, const char *path, mode_t mode, struct error *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(TEXT_MAX);
	int r = json_append_pretty(value, &b);

	if (r < 0)
		return error_set(err, r, "%s: cannot write JSON", path);
	return file_write_atomic(path, buf_str(&b), b.len, mode, err);
}

int json_get_str_opt(const json_t *object, const char *key, size_t max, const char **ret,
		     struct error *err)
{
	const json_t *value = json_optional(object, key);

	if (!value) {
		*ret = NULL;
		return 0;
	}
	if (!json_is_string(value))
		return error_set(err, ERR_INVALID, "field '%s' is not a string", key);
	if (json_string_length(value) > max)
		return error_set(err, ERR_INVALID, "field '%s' is longer than %zu bytes", key, max);
	if (strlen(json_string_value(value)) != json_string_length(value))
		return error_set(err, ERR_INVALID, "field '%s' holds a zero byte", key);
	*ret = json_string_value(value);
	return 0;
}

int json_get_str(const json_t *object, const char *key, size_t max, const char **ret,
		 struct error *err)
{
	const char *value;
	int r = json_get_str_opt(object, key, max, &value, err);

	if (r < 0)
		return r;
	if (!value)
		return error_set(err, ERR_INVALID, "field '%s' is missing", key);
	*ret = value;
	return 0;
}

int json_get_int_opt(const json_t *object, const char *key, int64_t min, int64_t max,
		     int64_t fallback, int64_t *ret, struct error *err)
{
	const json_t *value = json_optional(object, key);

	if (!value) {
		*ret = fallback;
		return 0;
	}
	if (!json_is_integer(value))
		return error_set(err, ERR_INVALID, "field '%s' is not a whole number", key);
	int64_t number = json_integer_value(value);
	if (number < min || number > max)
		return error_set(err, ERR_INVALID, "field '%s' is %lld, allowed is %lld to %lld",
				 key, (long long)number, (long long)min, (long long)max);
	*ret = number;
	return 0;
}

int json_get_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret,
		 struct error *err)
{
	const json_t *value = json_optional(object, key);

	if (!value)
		return error_set(err, ERR_INVALID, "field '%s' is missing", key);
	return json_get_int_opt(object, key, min, max, 0, ret, err);
}

int json_get_bool_opt(const json_t *object, const char *key, bool fallback, bool *ret,
		      struct error *err)
{
	const json_t *value = json_optional(object, key);

	if (value && !json_is_boolean(value))
		return error_set(err, ERR_INVALID, "field '%s' is not true or false", key);
	*ret = json_is_boolean(value) ? json_is_true(value) : fallback;
	return 0;
}

int json_get_array(const json_t *object, const char *key, size_t max_items, json_t **ret,
		   struct error *err)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_array(value))
		return error_set(err, ERR_INVALID, "field '%s' is %s", key,
				 value ? "not a list" : "missing");
	if (json_array_size(value) > max_items)
		return error_set(err, ERR_INVALID, "field '%s' has more than %zu entries", key,
				 max_items);
	*ret = value;
	return 0;
}

int json_get_object(const json_t *object, const char *key, size_t max_items, json_t **ret,
		    struct error *err)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_object(value))
		return error_set(err, ERR_INVALID, "field '%s' is %s", key,
				 value ? "not an object" : "missing");
	if (json_object_size(value) > max_items)
		return error_set(err, ERR_INVALID, "field '%s' has more than %zu entries", key,
				 max_items);
	*ret = value;
	return 0;
}

int json_set_str(json_t *object, const char *key, const char *value)
{
	return json_object_set_new(object, key, value ? json_string(value) : json_null());
}
