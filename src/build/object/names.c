/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/names.h"

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((void)(element))
#include <uthash.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits_at(const char *s)
{
	size_t n = 0;

	while (is_digit(s[n]))
		n++;
	return n;
}

static bool has_unique_prefix(const char *name)
{
	return str_has_prefix(name, "__UNIQUE_ID_") || str_has_prefix(name, "__initcall__") ||
	       str_has_prefix(name, "__BTF_ID__");
}

bool name_is_numbered(const char *name)
{
	if (has_unique_prefix(name))
		return true;
	const char *dot = strrchr(name, '.');
	return dot && dot != name && dot[1] && dot[1 + digits_at(dot + 1)] == 0;
}

/* Without any digits: the counter and the line number may both move. */
static const char *base_of_unique(struct arena *arena, const char *name)
{
	char *copy = arena_strdup(arena, name), *to = copy;

	if (!copy)
		return NULL;
	for (const char *from = copy; *from; from++)
		if (!is_digit(*from) && *from != '.')
			*to++ = *from;
	*to = 0;
	return copy;
}

const char *name_base(struct arena *arena, const char *name)
{
	if (has_unique_prefix(name))
		return base_of_unique(arena, name);
	size_t len = strlen(name);
	const char *dot = len > 0 ? strchr(name + 1, '.') : NULL;
	return arena_strndup(arena, name, dot ? (size_t)(dot - name) : len);
}

bool name_is_cold(const char *name, size_t *ret_parent)
{
	const char *cold = NULL;

	for (const char *p = strstr(name, ".cold"); p; p = strstr(p + 1, ".cold"))
		cold = p;
	if (!cold || cold == name)
		return false;
	const char *rest = cold + strlen(".cold");
	if (*rest == '.')
		rest += 1 + digits_at(rest + 1);
	if (*rest)
		return false;
	*ret_parent = (size_t)(cold - name);
	return true;
}

struct node {
	struct name_entry entry;
	UT_hash_handle hh;
};

struct name_table {
	struct node *nodes;
};

struct name_table *name_table_new(void)
{
	return calloc(1, sizeof(struct name_table));
}

void name_table_free(struct name_table *table)
{
	struct node *node, *next;

	if (!table)
		return;
	HASH_ITER (hh, table->nodes, node, next) {
		HASH_DEL(table->nodes, node);
		free(node->entry.items.items);
		free(node);
	}
	free(table);
}

static struct node *find_node(const struct name_table *table, const char *name)
{
	struct node *node;

	HASH_FIND_STR(table->nodes, name, node);
	return node;
}

static struct node *add_node(struct name_table *table, const char *name)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->entry.name = name;
	HASH_ADD_KEYPTR(hh, table->nodes, node->entry.name, strlen(name), node);
	if (!node->hh.tbl) { /* not added: no memory */
		free(node);
		return NULL;
	}
	return node;
}

int name_table_add(struct name_table *table, const char *name, void *item)
{
	struct node *node = find_node(table, name);

	if (!node)
		node = add_node(table, name);
	return node ? VEC_PUSH(&node->entry.items, item) : ERR_NO_MEMORY;
}

const struct name_entry *name_table_find(const struct name_table *table, const char *name)
{
	const struct node *node = find_node(table, name);

	return node ? &node->entry : NULL;
}

int name_table_each(const struct name_table *table,
		    int (*fn)(const struct name_entry *entry, void *user), void *user)
{
	struct node *node, *next;

	HASH_ITER (hh, table->nodes, node, next) {
		int r = fn(&node->entry, user);
		if (r)
			return r;
	}
	return 0;
}
