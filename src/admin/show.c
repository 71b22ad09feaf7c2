/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "admin/show.h"

#include <libsmartcols.h>
#include <stdio.h>

#include "base/error.h"

#define TEXT_MAX 2048

DEFINE_CLEANUP(struct libscols_table *, scols_unref_table);

/* A member as text. `error` objects become "code: message". */
static void format_value(const json_t *value, size_t size, char *ret)
{
	const json_t *code = json_object_get(value, "code");

	if (json_is_string(code))
		snprintf(ret, size, "%s: %s", json_string_value(code),
			 json_is_string(json_object_get(value, "message"))
				 ? json_string_value(json_object_get(value, "message"))
				 : "");
	else if (json_is_string(value))
		snprintf(ret, size, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(ret, size, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		snprintf(ret, size, "%s", json_is_true(value) ? "yes" : "no");
	else
		snprintf(ret, size, "-");
	error_clean_text(ret);
}

static int add_row(struct libscols_table *table, const json_t *object,
		   const struct show_field *fields)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char text[TEXT_MAX];

	if (!line)
		return -1;
	for (size_t i = 0; fields[i].key; i++) {
		format_value(json_object_get(object, fields[i].key), sizeof(text), text);
		if (scols_line_set_data(line, i, text) != 0)
			return -1;
	}
	return 0;
}

int show_table(const json_t *array, const struct show_field *fields, struct error *err)
{
	_cleanup_(scols_unref_tablep) struct libscols_table *table = scols_new_table();
	int bad = table ? 0 : -1;

	for (size_t i = 0; fields[i].key && !bad; i++)
		if (!scols_table_new_column(table, fields[i].heading, 0, 0))
			bad = -1;
	for (size_t i = 0; i < json_array_size(array) && !bad; i++)
		bad = add_row(table, json_array_get(array, i), fields);
	if (bad)
		return error_set(err, ERR_NO_MEMORY, "table: out of memory");
	if (scols_print_table(table) != 0 || fflush(stdout) != 0)
		return error_set_errno(err, errno ? errno : EIO, "writing");
	return 0;
}

int show_fields(const json_t *object, const struct show_field *fields, struct error *err)
{
	char text[TEXT_MAX];
	int width = 0;

	for (size_t i = 0; fields[i].key; i++)
		width = MAX(width, (int)strlen(fields[i].heading));
	for (size_t i = 0; fields[i].key; i++) {
		format_value(json_object_get(object, fields[i].key), sizeof(text), text);
		printf("%-*s  %s\n", width, fields[i].heading, text);
	}
	return fflush(stdout) == 0 ? 0 : error_set_errno(err, errno, "writing");
}

int show_json(const json_t *value, struct error *err)
{
	if (json_dumpf(value, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF ||
	    fflush(stdout) != 0)
		return error_set_errno(err, errno ? errno : EIO, "writing");
	return 0;
}

int show_line(const char *text, struct error *err)
{
	if (puts(text) == EOF || fflush(stdout) != 0)
		return error_set_errno(err, errno, "writing");
	return 0;
}
