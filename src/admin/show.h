/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printing of what the server answers: tables through libsmartcols, lists of fields, JSON. */
#pragma once

#include "base/json.h"

/* A column of a table, or a line of a list: the member of the object, and its heading. */
struct show_field {
	const char *key; /* NULL ends the list */
	const char *heading;
};

/* A table on standard output, one row an object of the array; "-" stands for null. */
int show_table(const json_t *array, const struct show_field *fields, struct error *err);
/* One line a field. */
int show_fields(const json_t *object, const struct show_field *fields, struct error *err);
/* Indented JSON. */
int show_json(const json_t *value, struct error *err);
/* Text and a newline on standard output. */
int show_line(const char *text, struct error *err);
