// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/path_list.h"

void path_list_free(struct path_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct path_list){ 0 };
}

bool path_list_has(const struct path_list *list, const char *item)
{
	for (size_t i = 0; i < list->n; i++)
		if (streq(list->items[i], item))
			return true;
	return false;
}

int path_list_add(struct path_list *list, const char *item)
{
	if (path_list_has(list, item))
		return 0;
	if (list->n >= PATH_LIST_MAX)
		return ERR_TOO_LARGE;
	_cleanup_free_ char *copy = strdup(item);
	char **items = reallocarray(list->items, list->n + 2, sizeof(*items));

	if (items)
		list->items = items;
	if (!copy || !items)
		return ERR_NO_MEMORY;
	items[list->n++] = TAKE_PTR(copy);
	items[list->n] = NULL;
	return 1;
}
