/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/field.h"

#include "base/clock.h"
#include "wire/names.h"

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

int field_parse_object(const void *data, size_t len, size_t max, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	int r;

	if (len > max)
		return error_set(err, ERR_TOO_LARGE, "%zu bytes, at most %zu are allowed", len,
				 max);
	r = json_parse(data, len, &object, err);
	if (r < 0)
		return r;
	if (!json_is_object(object))
		return error_set(err, ERR_INVALID, "is not a JSON object");
	*ret = TAKE_PTR(object);
	return 0;
}

int field_text(const json_t *object, const char *key, size_t min, size_t size, char *ret,
	       struct error *err)
{
	const char *text;
	size_t len;
	int r = json_get_str(object, key, size - 1, &text, err);

	if (r < 0)
		return r;
	len = strlen(text);
	if (len < min)
		return error_set(err, ERR_INVALID, "%s: is shorter than %zu bytes", key, min);
	if (has_control(text))
		return error_set(err, ERR_INVALID, "%s: has a control character", key);
	memcpy(ret, text, len + 1);
	return 0;
}

int field_name(const json_t *object, const char *key, bool (*valid)(const char *text), size_t size,
	       char *ret, struct error *err)
{
	const char *text;
	int r = json_get_str(object, key, size - 1, &text, err);

	if (r < 0)
		return r;
	if (!valid(text))
		return error_set(err, ERR_INVALID, "%s: \"%s\" does not have its form", key, text);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

int field_name_opt(const json_t *object, const char *key, bool (*valid)(const char *text),
		   size_t size, char *ret, struct error *err)
{
	if (json_optional(object, key))
		return field_name(object, key, valid, size, ret, err);
	ret[0] = 0;
	return 0;
}

int field_word(const json_t *object, const char *key, const char *const *words, size_t n,
	       size_t *ret, struct error *err)
{
	const char *text;
	int r = json_get_str(object, key, 64, &text, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (words[i] && streq(words[i], text)) {
			*ret = i;
			return 0;
		}
	}
	return error_set(err, ERR_INVALID, "%s: \"%s\" is not one of its words", key, text);
}

int field_time(const json_t *object, const char *key, int64_t *ret, struct error *err)
{
	const char *text;
	int r = json_get_str(object, key, CLOCK_TEXT_MAX, &text, err);

	if (r < 0)
		return r;
	if (clock_parse(text, ret) < 0)
		return error_set(err, ERR_INVALID, "%s: \"%s\" is not a time", key, text);
	return 0;
}

int field_set_time(json_t *object, const char *key, int64_t seconds)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(seconds, text);
	return json_set_str(object, key, text);
}

int field_set_opt(json_t *object, const char *key, const char *value)
{
	return json_set_str(object, key, *value ? value : NULL);
}

int field_set_message(json_t *object, const char *key, const char *value)
{
	_cleanup_free_ char *copy = NULL;

	if (json_set_str(object, key, value) == 0)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -1;
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_set_str(object, key, copy);
}

bool code_is_valid(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= CODE_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

bool version_text_is_valid(const char *text)
{
	struct patch_version version;

	return patch_version_parse(text, &version) == 0;
}

int field_format(const json_t *object, struct error *err)
{
	int64_t format;
	int r = json_get_int(object, "format", 1, INT64_MAX, &format, err);

	if (r < 0)
		return r;
	if (format != 1)
		return error_set(err, ERR_UNSUPPORTED, "format %lld is newer than this program",
				 (long long)format);
	return 0;
}

void field_list_free(char **list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		free(list[i]);
	free(list);
}

static int check_entry(const json_t *entry, const char *key, size_t max_len,
		       bool (*valid)(const char *text), struct error *err)
{
	const char *text = json_string_value(entry);
	size_t len = json_string_length(entry);

	if (!text || strlen(text) != len)
		return error_set(err, ERR_INVALID, "%s: holds what is no text", key);
	if (len > max_len || has_control(text))
		return error_set(err, ERR_INVALID,
				 "%s: an entry is too long or has a control character", key);
	if (valid && !valid(text))
		return error_set(err, ERR_INVALID, "%s: \"%s\" does not have its form", key, text);
	return 0;
}

int field_list(const json_t *object, const char *key, size_t min, size_t max, size_t max_len,
	       bool (*valid)(const char *text), char ***ret, size_t *ret_n, struct error *err)
{
	json_t *array;
	size_t n;
	char **list;
	int r = json_get_array(object, key, max, &array, err);

	if (r < 0)
		return r;
	n = json_array_size(array);
	if (n < min)
		return error_set(err, ERR_INVALID, "%s: fewer than %zu entries", key, min);
	for (size_t i = 0; i < n; i++) {
		r = check_entry(json_array_get(array, i), key, max_len, valid, err);
		if (r < 0)
			return r;
	}
	list = n > 0 ? calloc(n, sizeof(*list)) : NULL;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (!list || !(list[i] = strdup(json_string_value(json_array_get(array, i)))))
			r = error_set(err, ERR_NO_MEMORY, "no memory");
	}
	if (r < 0) {
		field_list_free(list, n);
		return r;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

int field_set_list(json_t *object, const char *key, char *const *list, size_t n)
{
	json_t *array = json_array();
	int bad = 0;

	for (size_t i = 0; i < n; i++)
		bad |= json_array_append_new(array, json_string(list[i]));
	return json_object_set_new(object, key, array) | bad;
}
