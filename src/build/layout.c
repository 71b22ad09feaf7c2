/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/layout.h"

#include "base/arena.h"
#include "base/vec.h"
#include "build/names.h"

#define BTF_MAGIC 0xeb9f
#define DEPTH_MAX 32
#define ARENA_MAX ((size_t)64 << 20)

enum {
	KIND_INT = 1,
	KIND_PTR,
	KIND_ARRAY,
	KIND_STRUCT,
	KIND_UNION,
	KIND_ENUM,
	KIND_FWD,
	KIND_TYPEDEF,
	KIND_VOLATILE,
	KIND_CONST,
	KIND_RESTRICT,
	KIND_FUNC,
	KIND_FUNC_PROTO,
	KIND_VAR,
	KIND_DATASEC,
	KIND_FLOAT,
	KIND_DECL_TAG,
	KIND_TYPE_TAG,
	KIND_ENUM64,
	KIND_COUNT,
};

struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t header_len, type_off, type_len, string_off, string_len;
};

struct type {
	uint32_t name, info, size; /* size, or the type that it refers to */
};

struct member {
	uint32_t name, type, offset;
};

struct types {
	const uint8_t *data; /* of types */
	const char *strings;
	uint32_t string_len;
	VEC(uint32_t) at; /* where each type begins; number 1 is the first */
	struct name_table *named;
	struct arena *arena;
};

static void types_free(struct types *t)
{
	free(t->at.items);
	name_table_free(t->named);
	arena_free(t->arena);
}

static unsigned kind_of(const struct type *type)
{
	return type->info >> 24 & 0x1f;
}

static uint32_t count_of(const struct type *type)
{
	return type->info & 0xffff;
}

/* Bytes behind struct type. */
static uint32_t extra(const struct type *type)
{
	switch (kind_of(type)) {
	case KIND_INT:
	case KIND_VAR:
	case KIND_DECL_TAG: return 4;
	case KIND_ARRAY: return 12;
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_DATASEC:
	case KIND_ENUM64: return 12 * count_of(type);
	case KIND_ENUM:
	case KIND_FUNC_PROTO: return 8 * count_of(type);
	default: return 0;
	}
}

/* Number 0 is void. */
static bool get(const struct types *t, uint32_t number, struct type *ret)
{
	if (number == 0 || number > t->at.count)
		return false;
	memcpy(ret, t->data + t->at.items[number - 1], sizeof(*ret));
	return true;
}

static void get_extra(const struct types *t, uint32_t number, uint32_t i, void *ret, size_t size)
{
	memcpy(ret, t->data + t->at.items[number - 1] + sizeof(struct type) + i * size, size);
}

static bool is_aggregate(const struct type *type)
{
	return kind_of(type) == KIND_STRUCT || kind_of(type) == KIND_UNION;
}

/* The type without typedefs and qualifiers; 0 for void. */
static uint32_t strip(const struct types *t, uint32_t number)
{
	struct type type;

	for (unsigned depth = 0; depth < DEPTH_MAX && get(t, number, &type); depth++) {
		switch (kind_of(&type)) {
		case KIND_TYPEDEF:
		case KIND_VOLATILE:
		case KIND_CONST:
		case KIND_RESTRICT:
		case KIND_TYPE_TAG: number = type.size; break;
		default: return number;
		}
	}
	return 0;
}

static uint64_t size_of(const struct types *t, uint32_t number, unsigned depth)
{
	uint32_t array[3]; /* element, index, count */
	struct type type;

	number = strip(t, number);
	if (depth > DEPTH_MAX || !get(t, number, &type))
		return 0;
	switch (kind_of(&type)) {
	case KIND_PTR: return 8;
	case KIND_ARRAY:
		get_extra(t, number, 0, array, sizeof(array));
		return array[2] * size_of(t, array[0], depth + 1);
	case KIND_INT:
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_ENUM:
	case KIND_FLOAT:
	case KIND_ENUM64: return type.size;
	default: return 0;
	}
}

/* The element of an array of arrays, else the type itself. */
static uint32_t element(const struct types *t, uint32_t number)
{
	uint32_t array[3];
	struct type type;

	number = strip(t, number);
	for (unsigned depth = 0; depth < DEPTH_MAX && get(t, number, &type); depth++) {
		if (kind_of(&type) != KIND_ARRAY)
			return number;
		get_extra(t, number, 0, array, sizeof(array));
		number = strip(t, array[0]);
	}
	return 0;
}

/* Structures without a name are part of what they are in; others are compared by their own. */
static bool same_layout(const struct types *a, uint32_t x, const struct types *b, uint32_t y,
			unsigned depth)
{
	struct type s, t;
	struct member m, n;

	if (depth > DEPTH_MAX || !get(a, x, &s) || !get(b, y, &t))
		return depth <= DEPTH_MAX;
	if (kind_of(&s) != kind_of(&t))
		return false;
	if (!is_aggregate(&s))
		return true;
	if (s.size != t.size || s.info != t.info)
		return false;
	for (uint32_t i = 0; i < count_of(&s); i++) {
		struct type inner;

		get_extra(a, x, i, &m, sizeof(m));
		get_extra(b, y, i, &n, sizeof(n));
		if (m.offset != n.offset || size_of(a, m.type, 0) != size_of(b, n.type, 0))
			return false;
		uint32_t p = element(a, m.type), q = element(b, n.type);
		if (get(a, p, &inner) && is_aggregate(&inner) && inner.name == 0 &&
		    !same_layout(a, p, b, q, depth + 1))
			return false;
	}
	return true;
}

/* A structure by its tag, or by the typedef that is its only name. */
static int add_named(struct types *t, uint32_t number)
{
	struct type type, of;
	const char *word;

	if (!get(t, number, &type) || type.name == 0)
		return 0;
	if (is_aggregate(&type)) {
		word = kind_of(&type) == KIND_STRUCT ? "struct " : "union ";
	} else if (kind_of(&type) == KIND_TYPEDEF && get(t, type.size, &of) && is_aggregate(&of) &&
		   of.name == 0) {
		word = "";
		number = type.size;
	} else {
		return 0;
	}

	const char *key = arena_printf(t->arena, "%s%s", word, t->strings + type.name);

	return key ? name_table_add(t->named, key, (void *)(uintptr_t)number) : ERR_NO_MEMORY;
}

static int read_types(struct types *t, uint32_t len)
{
	struct type type;
	int r = 0;

	for (uint32_t at = 0; r == 0 && at < len;) {
		if (len - at < sizeof(type))
			return ERR_INVALID;
		memcpy(&type, t->data + at, sizeof(type));
		if (kind_of(&type) == 0 || kind_of(&type) >= KIND_COUNT ||
		    type.name >= t->string_len || extra(&type) > len - at - sizeof(type))
			return ERR_INVALID;
		r = VEC_PUSH(&t->at, at);
		at += (uint32_t)sizeof(type) + extra(&type);
	}
	for (size_t i = 1; r == 0 && i <= t->at.count; i++)
		r = add_named(t, (uint32_t)i);
	return r;
}

static int types_open(const struct elf_section *s, struct types *t)
{
	struct header h;

	if (!s->data || s->size < sizeof(h) || s->size > UINT32_MAX)
		return ERR_INVALID;
	memcpy(&h, s->data, sizeof(h));
	if (h.magic != BTF_MAGIC || h.header_len < sizeof(h) || h.header_len > s->size)
		return ERR_INVALID;

	uint64_t room = s->size - h.header_len;

	if (h.type_off > room || h.type_len > room - h.type_off || h.string_off > room ||
	    h.string_len > room - h.string_off || h.string_len == 0)
		return ERR_INVALID;
	t->data = s->data + h.header_len + h.type_off;
	t->strings = (const char *)s->data + h.header_len + h.string_off;
	t->string_len = h.string_len;
	if (t->strings[h.string_len - 1])
		return ERR_INVALID;
	t->named = name_table_new();
	t->arena = arena_new(ARENA_MAX);
	return t->named && t->arena ? read_types(t, h.type_len) : ERR_NO_MEMORY;
}

struct comparison {
	struct types a, b;
	layout_changed_fn changed;
	void *user;
};

/* Should a name occur several times, each must find its like. */
static int compare_named(const struct name_entry *entry, void *user)
{
	struct comparison *c = user;
	const struct name_entry *other = name_table_find(c->b.named, entry->name);

	for (size_t i = 0; other && i < entry->items.count; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < other->items.count; k++)
			found = same_layout(&c->a, (uint32_t)(uintptr_t)entry->items.items[i],
					    &c->b, (uint32_t)(uintptr_t)other->items.items[k], 0);
		if (!found)
			return c->changed(c->user, entry->name);
	}
	return 0;
}

int layout_compare(const struct elf_object *original, const struct elf_object *patched,
		   layout_changed_fn changed, void *user)
{
	const struct elf_section *a = elf_object_section(original, ".BTF");
	const struct elf_section *b = elf_object_section(patched, ".BTF");
	struct comparison c = { .changed = changed, .user = user };

	if (!a || !b)
		return 0;
	int r = types_open(a, &c.a);
	if (r == 0)
		r = types_open(b, &c.b);
	if (r == 0)
		r = name_table_each(c.a.named, compare_named, &c);
	types_free(&c.a);
	types_free(&c.b);
	return r;
}
