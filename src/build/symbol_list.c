/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/symbol_list.h"

#include "base/file.h"
#include "build/names.h"
#include "build/shipped.h"

struct symbol_list {
	struct buf text; /* holds the names */
	struct name_table *names;
	struct kernel *kernel;
	struct shipped *shipped;
};

void symbol_list_free(struct symbol_list *list)
{
	if (!list)
		return;
	buf_free(&list->text);
	name_table_free(list->names);
	shipped_free(list->shipped);
	kernel_free(list->kernel);
	free(list);
}

/* The next field of a line, ended by a zero byte; NULL at the line's end. */
static char *next_field(char **line)
{
	char *field = *line + strspn(*line, " \t");

	if (!*field)
		return NULL;
	char *end = field + strcspn(field, " \t");
	*line = *end ? end + 1 : end;
	*end = 0;
	return field;
}

static bool is_hex(const char *s)
{
	return s[strspn(s, "0123456789abcdefABCDEF")] == 0;
}

/* `[nf_tables]` is the module nf_tables. */
static bool is_of(const char *field, const char *object)
{
	size_t len = strlen(object);

	return strlen(field) == len + 2 && strncmp(field + 1, object, len) == 0;
}

static int add_line(struct symbol_list *list, char *line, const char *object, size_t number,
		    struct error *err)
{
	char *type = next_field(&line);

	if (!type)
		return 0;
	if (is_hex(type) && (type[1] || (*type >= '0' && *type <= '9')))
		type = next_field(&line);
	char *name = next_field(&line), *module = next_field(&line);
	bool closed = !module || (module[0] == '[' && str_has_suffix(module, "]"));
	if (!type || type[1] || !name || !closed || next_field(&line))
		return error_set(err, ERR_INVALID, "line %zu is not ADDRESS TYPE NAME", number);
	if (strchr("Uwv", *type) || (module && !is_of(module, object)))
		return 0;
	return name_table_add(list->names, name, name);
}

static int parse(struct symbol_list *list, const char *object, struct error *err)
{
	size_t number = 0;
	char *line = (char *)list->text.data;

	for (char *end; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = 0;
		int e = add_line(list, line, object, ++number, err);
		if (e < 0)
			return e;
	}
	return 0;
}

int symbol_list_load(const char *path, const char *object, struct symbol_list **ret,
		     struct error *err)
{
	_cleanup_symbol_list_ struct symbol_list *list = calloc(1, sizeof(*list));
	struct error why = { 0 };

	if (!list)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	list->text = BUF_INIT(SYMBOL_LIST_MAX);
	list->names = name_table_new();
	int e = list->names ? file_read(path, &list->text, err) : ERR_NO_MEMORY;
	if (e < 0)
		return list->names ? e : error_set(err, e, "out of memory");
	if (list->text.len > 0 && memchr(list->text.data, 0, list->text.len))
		e = error_set(&why, ERR_INVALID, "it is not a text");
	if (e == 0)
		e = parse(list, object, &why);
	if (e < 0)
		return error_set(err, e, "%s: %s", path, why.code ? why.message : "out of memory");
	*ret = TAKE_PTR(list);
	return 0;
}

int symbol_list_of_kernel(const char *release, const char *object, struct symbol_list **ret,
			  struct error *err)
{
	_cleanup_symbol_list_ struct symbol_list *list = calloc(1, sizeof(*list));

	if (!list)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	int e = kernel_open(release, &list->kernel, err);
	if (e == 0)
		e = shipped_open(list->kernel, object, &list->shipped, err);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(list);
	return 0;
}

size_t symbol_list_count(const struct symbol_list *list, const char *name)
{
	if (list->shipped)
		return shipped_matches(list->shipped, name);
	const struct name_entry *entry = name_table_find(list->names, name);
	return entry ? entry->items.count : 0;
}
