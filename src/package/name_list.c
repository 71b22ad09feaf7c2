/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/name_list.h"

void name_list_free(struct name_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct name_list){ 0 };
}

static int grow(struct name_list *list)
{
	if (list->n >= NAME_LIST_MAX)
		return ERR_TOO_LARGE;
	if (list->n < list->cap)
		return 0;

	size_t cap = list->cap ? list->cap * 2 : 16;
	char **items = reallocarray(list->items, cap, sizeof(*items));

	if (!items)
		return ERR_NO_MEMORY;
	list->items = items;
	list->cap = cap;
	return 0;
}

int name_list_add_n(struct name_list *list, const char *text, size_t len)
{
	int r = grow(list);

	if (r < 0)
		return r;

	char *copy = strndup(text, len);

	if (!copy)
		return ERR_NO_MEMORY;
	list->items[list->n++] = copy;
	return 0;
}

int name_list_add(struct name_list *list, const char *text)
{
	return name_list_add_n(list, text, strlen(text));
}

bool name_list_has(const struct name_list *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (streq(list->items[i], text))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void name_list_sort(struct name_list *list)
{
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare);
}

int name_list_add_lines(struct name_list *list, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len > 0) {
			int r = name_list_add_n(list, text, len);

			if (r < 0)
				return r;
		}
		text += len + (text[len] == '\n');
	}
	return 0;
}
