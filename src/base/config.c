/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/config.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"

#define CONFIG_KEYS_MAX 128

struct config {
	const struct config_key *keys;
	char *values[CONFIG_KEYS_MAX]; /* by place in `keys`; NULL: not said in the file */
};

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < CONFIG_KEYS_MAX; i++)
		free(config->values[i]);
	free(config);
}

static const struct config_key *find_key(const struct config_key *keys, const char *name,
					 size_t *ret_place)
{
	for (size_t i = 0; i < CONFIG_KEYS_MAX && keys[i].name; i++)
		if (streq(keys[i].name, name)) {
			if (ret_place)
				*ret_place = i;
			return &keys[i];
		}
	return NULL;
}

static bool in_choices(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (const char *p = choices; p;) {
		const char *end = strchrnul(p, '|');

		if ((size_t)(end - p) == len && strncmp(p, value, len) == 0)
			return true;
		p = *end ? end + 1 : NULL;
	}
	return false;
}

static int check_int(const struct config_key *k, const char *value, struct error *err)
{
	char *end;

	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (errno || end == value || *end || number < k->min || number > k->max)
		return error_set(err, ERR_INVALID,
				 "%s: '%s' is not a whole number from %lld to %lld", k->name, value,
				 (long long)k->min, (long long)k->max);
	return 0;
}

int config_check(const struct config_key *keys, const char *key, const char *value,
		 struct error *err)
{
	const struct config_key *k = find_key(keys, key, NULL);

	if (!k) {
		error_set(err, ERR_INVALID, "%s: no such key", key);
		_cleanup_buf_ struct buf names = BUF_INIT(ERROR_HINT_MAX - 32);
		for (; keys->name; keys++)
			if (buf_printf(&names, "%s%s", names.len ? ", " : "", keys->name) < 0)
				break;
		error_hint(err, "the keys are: %s", buf_str(&names));
		return ERR_INVALID;
	}
	if (strlen(value) > CONFIG_VALUE_MAX)
		return error_set(err, ERR_INVALID, "%s: longer than %d bytes", key,
				 CONFIG_VALUE_MAX);
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return error_set(err, ERR_INVALID, "%s: holds a control character", key);
	switch (k->type) {
	case CONFIG_STRING: return 0;
	case CONFIG_INT: return check_int(k, value, err);
	case CONFIG_BOOL:
		if (!in_choices("yes|no|true|false", value))
			return error_set(err, ERR_INVALID, "%s: '%s' is not yes or no", key, value);
		return 0;
	case CONFIG_ENUM:
		if (!in_choices(k->choices, value))
			return error_set(err, ERR_INVALID, "%s: '%s' is not one of %s", key, value,
					 k->choices);
		return 0;
	}
	return 0;
}

static char *trim(char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	char *end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*end = '\0';
	return text;
}

/* Splits "key = value" in place. False for blank lines and comments; *ret_value NULL without '='.
 */
static bool split_line(char *line, char **ret_key, char **ret_value)
{
	line = trim(line);
	if (!*line || *line == '#')
		return false;
	char *equals = strchr(line, '=');
	if (equals)
		*equals = '\0';
	*ret_key = trim(line);
	*ret_value = equals ? trim(equals + 1) : NULL;
	return true;
}

static int take_line(struct config *config, char *line, struct error *err)
{
	char *key, *value;
	size_t place = 0;

	if (!split_line(line, &key, &value))
		return 0;
	if (!value)
		return error_set(err, ERR_INVALID, "'%s' is not 'key = value'", key);
	int r = config_check(config->keys, key, value, err);
	if (r < 0)
		return r;
	find_key(config->keys, key, &place);
	if (config->values[place])
		return error_set(err, ERR_INVALID, "%s: said twice", key);
	config->values[place] = strdup(value);
	return config->values[place] ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

int config_load(const char *path, const struct config_key *keys, struct config **ret,
		struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));
	unsigned int number = 0;

	if (!config)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	config->keys = keys;
	int r = file_read(path, &text, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && text.len && memchr(text.data, 0, text.len))
		return error_set(err, ERR_INVALID, "%s: holds a zero byte", path);

	char *rest = r == 0 && text.data ? (char *)text.data : NULL;
	while (rest) {
		char *line = strsep(&rest, "\n");

		number++;
		r = take_line(config, line, err);
		if (r < 0)
			return error_prefix(err, r, "%s: line %u", path, number);
	}
	*ret = TAKE_PTR(config);
	return 0;
}

void config_sections_free(struct config_sections *sections)
{
	for (size_t i = 0; i < sections->n; i++)
		config_free(sections->items[i].values);
	free(sections->items);
	*sections = (struct config_sections){ 0 };
}

static const struct config_kind *find_kind(const struct config_kind *kinds, const char *name,
					   struct error *err)
{
	_cleanup_buf_ struct buf names = BUF_INIT(ERROR_HINT_MAX - 32);

	for (const struct config_kind *k = kinds; k->name; k++)
		if (streq(k->name, name))
			return k;
	error_set(err, ERR_INVALID, "[%s]: no such kind of section", name);
	for (const struct config_kind *k = kinds; k->name; k++)
		if (buf_printf(&names, "%s[%s%s]", names.len ? ", " : "", k->name,
			       k->named ? " NAME" : "") < 0)
			break;
	error_hint(err, "the sections are: %s", buf_str(&names));
	return NULL;
}

static bool is_section_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strspn(name, letters);

	return len > 0 && len <= CONFIG_NAME_MAX && !name[len] && !strchr("._-", name[0]);
}

/* "kind]" or "kind NAME]", what follows the '['. */
static int begin_section(struct config_sections *s, char *line, unsigned number,
			 const struct config_kind *kinds, struct error *err)
{
	size_t len = strlen(line);

	if (len == 0 || line[len - 1] != ']')
		return error_set(err, ERR_INVALID, "a section's line does not end in ']'");
	line[len - 1] = '\0';

	char *word = trim(line), *space = word + strcspn(word, " \t");
	char *name = *space ? trim(space + 1) : space;

	*space = '\0';

	const struct config_kind *kind = find_kind(kinds, word, err);

	if (!kind)
		return ERR_INVALID;
	if (!kind->named && *name)
		return error_set(err, ERR_INVALID, "[%s]: takes no name", word);
	if (kind->named && !is_section_name(name))
		return error_set(err, ERR_INVALID,
				 "[%s %s]: a name is 1 to %d of A-Z a-z 0-9 . _ -", word, name,
				 CONFIG_NAME_MAX);
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].kind == kind && streq(s->items[i].name, name))
			return error_set(err, ERR_INVALID, "[%s%s%s]: said twice", word,
					 *name ? " " : "", name);
	if (s->n == CONFIG_SECTIONS_MAX)
		return error_set(err, ERR_TOO_LARGE, "more than %d sections", CONFIG_SECTIONS_MAX);

	struct config_section *now = &s->items[s->n];

	now->values = calloc(1, sizeof(*now->values));
	if (!now->values)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	now->values->keys = kind->keys;
	now->kind = kind;
	now->line = number;
	snprintf(now->name, sizeof(now->name), "%s", name);
	s->n++;
	return 0;
}

static int take_section_line(struct config_sections *s, char *line, unsigned number,
			     const struct config_kind *kinds, struct error *err)
{
	line = trim(line);
	if (*line == '[')
		return begin_section(s, line + 1, number, kinds, err);
	if (!*line || *line == '#')
		return 0;
	if (s->n == 0)
		return error_set(err, ERR_INVALID, "a section must come first, such as [%s]",
				 kinds->name);
	return take_line(s->items[s->n - 1].values, line, err);
}

int config_parse_sections(const void *text, size_t len, const struct config_kind *kinds,
			  struct config_sections *ret, struct error *err)
{
	_cleanup_config_sections_ struct config_sections s = { 0 };
	_cleanup_free_ char *copy = NULL;
	unsigned number = 0;

	if (len > CONFIG_FILE_MAX)
		return error_set(err, ERR_TOO_LARGE, "longer than %d bytes", CONFIG_FILE_MAX);
	if (len > 0 && memchr(text, 0, len))
		return error_set(err, ERR_INVALID, "holds a zero byte");
	copy = strndup(len ? text : "", len);
	s.items = calloc(CONFIG_SECTIONS_MAX, sizeof(*s.items));
	if (!copy || !s.items)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (char *rest = copy; rest;) {
		char *line = strsep(&rest, "\n");

		number++;
		int r = take_section_line(&s, line, number, kinds, err);

		if (r < 0)
			return error_prefix(err, r, "line %u", number);
	}
	*ret = s;
	s = (struct config_sections){ 0 };
	return 0;
}

const char *config_str(const struct config *config, const char *key)
{
	size_t place = 0;
	const struct config_key *k = find_key(config->keys, key, &place);

	if (!k)
		abort();
	return config->values[place] ? config->values[place] : k->fallback;
}

bool config_bool(const struct config *config, const char *key)
{
	const char *value = config_str(config, key);

	return value && in_choices("yes|true", value);
}

int64_t config_int(const struct config *config, const char *key)
{
	const char *value = config_str(config, key);

	return value ? strtoll(value, NULL, 10) : 0;
}

/* Copies the file's lines, with the one of `key` replaced or left out; a new key goes last. */
static int edit_lines(char *text, const char *key, const char *value, struct buf *out)
{
	bool done = false;
	int r = 0;

	while (text && r == 0) {
		char *line = strsep(&text, "\n");
		_cleanup_free_ char *copy = strdup(line);
		char *line_key = NULL, *line_value;

		if (!copy)
			return ERR_NO_MEMORY;
		if (!text && !*line)
			break;
		if (!split_line(copy, &line_key, &line_value) || !streq(line_key, key)) {
			r = buf_printf(out, "%s\n", line);
		} else if (value && !done) {
			r = buf_printf(out, "%s = %s\n", key, value);
			done = true;
		}
	}
	if (r == 0 && value && !done)
		r = buf_printf(out, "%s = %s\n", key, value);
	return r;
}

int config_save_key(const char *path, const struct config_key *keys, const char *key,
		    const char *value, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONFIG_FILE_MAX), out = BUF_INIT(CONFIG_FILE_MAX);

	int r = config_check(keys, key, value ? value : "", err);
	if (r < 0 && (value || !find_key(keys, key, NULL)))
		return r;
	r = file_read(path, &text, err);
	if (r < 0 && r != -ENOENT)
		return r;
	r = edit_lines((char *)text.data, key, value, &out);
	if (r < 0)
		return error_set(err, r, "%s: cannot be changed", path);
	return file_write_atomic(path, buf_str(&out), out.len, 0644, err);
}
