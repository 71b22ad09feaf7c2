/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/layout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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
	struct name_table *enumerators; /* their values as pointers */
	struct arena *arena;
};

static void types_free(struct types *t)
{
	free(t->at.items);
	name_table_free(t->named);
	name_table_free(t->enumerators);
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

/* What differs first, in words. */
struct difference {
	char text[256];
};

static bool differs(struct difference *d, const char *format, ...) _printf_(2, 3);
static bool differs(struct difference *d, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(d->text, sizeof(d->text), format, ap);
	va_end(ap);
	return false;
}

static const char *member_name(const struct types *t, const struct member *m)
{
	return m->name && m->name < t->string_len && t->strings[m->name] ? t->strings + m->name
									 : "(unnamed)";
}

/* With bit fields, the upper byte is the width (kind_flag). */
static void print_place(const struct type *of, const struct member *m, char ret[static 48])
{
	uint32_t bits = of->info >> 31 ? m->offset & 0xffffff : m->offset;
	uint32_t width = of->info >> 31 ? m->offset >> 24 : 0;

	if (width)
		snprintf(ret, 48, "bit %u, %u bits wide", bits, width);
	else
		snprintf(ret, 48, "byte %u", bits / 8);
}

/* The member of that name, if there is one. */
static bool find_member(const struct types *t, uint32_t number, const struct type *of,
			const char *name, struct member *ret)
{
	for (uint32_t i = 0; i < count_of(of); i++) {
		get_extra(t, number, i, ret, sizeof(*ret));
		if (streq(member_name(t, ret), name))
			return true;
	}
	return false;
}

/* A member that both have must be where it was. */
static bool same_places(const struct types *a, uint32_t x, const struct type *s,
			const struct types *b, uint32_t y, const struct type *t,
			struct difference *d)
{
	struct member m, n;
	char was[48], is[48];

	for (uint32_t i = 0; i < count_of(s); i++) {
		get_extra(a, x, i, &m, sizeof(m));

		const char *name = member_name(a, &m);

		if (m.name == 0 || !find_member(b, y, t, name, &n))
			continue;
		print_place(s, &m, was);
		print_place(t, &n, is);
		if (!streq(was, is))
			return differs(d, "member %.100s is at %s instead of %s", name, is, was);
		if (size_of(a, m.type, 0) != size_of(b, n.type, 0))
			return differs(d, "member %.100s has %" PRIu64 " bytes instead of %" PRIu64,
				       name, size_of(b, n.type, 0), size_of(a, m.type, 0));
	}
	return true;
}

/* A place that has another name in both may be the same member, renamed, if it is of one kind. */
static bool is_renamed(const struct types *a, const struct member *m, const struct types *b,
		       const struct member *n)
{
	struct type x = { 0 }, y = { 0 };

	(void)get(a, strip(a, m->type), &x);
	(void)get(b, strip(b, n->type), &y);
	return streq(member_name(a, m), member_name(b, n)) || kind_of(&x) == kind_of(&y);
}

static bool same_layout(const struct types *a, uint32_t x, const struct types *b, uint32_t y,
			unsigned depth, struct difference *d);

/* The members of both at one index; there are as many, and each is where it was. */
static bool same_member(const struct types *a, const struct member *m, const struct types *b,
			const struct member *n, unsigned depth, struct difference *d)
{
	struct type inner;
	uint32_t p = element(a, m->type), q = element(b, n->type);

	if (m->offset != n->offset || size_of(a, m->type, 0) != size_of(b, n->type, 0))
		return differs(d, "member %.100s takes another place than member %.100s did",
			       member_name(b, n), member_name(a, m));
	if (!is_renamed(a, m, b, n))
		return differs(d, "member %.100s is in the place of member %.100s",
			       member_name(b, n), member_name(a, m));
	return !get(a, p, &inner) || !is_aggregate(&inner) || inner.name != 0 ||
	       same_layout(a, p, b, q, depth + 1, d);
}

/* Structures without a name are part of what they are in; others are compared by their own. */
static bool same_layout(const struct types *a, uint32_t x, const struct types *b, uint32_t y,
			unsigned depth, struct difference *d)
{
	struct type s, t;
	struct member m, n;

	if (depth > DEPTH_MAX || !get(a, x, &s) || !get(b, y, &t))
		return depth <= DEPTH_MAX || differs(d, "it is nested too deeply");
	if (kind_of(&s) != kind_of(&t))
		return differs(d, "a structure has become something else");
	if (!is_aggregate(&s))
		return true;
	if (!same_places(a, x, &s, b, y, &t, d))
		return false;
	if (s.size != t.size)
		return differs(d, "it has %u bytes instead of %u", t.size, s.size);
	if (s.info != t.info)
		return differs(d, "it has %u members instead of %u", count_of(&t), count_of(&s));
	for (uint32_t i = 0; i < count_of(&s); i++) {
		get_extra(a, x, i, &m, sizeof(m));
		get_extra(b, y, i, &n, sizeof(n));
		if (!same_member(a, &m, b, &n, depth, d))
			return false;
	}
	return true;
}

/* The enumerators of all enumerations, by their names. */
static int add_enumerators(struct types *t, uint32_t number)
{
	struct type type;
	uint32_t entry[3];
	int r = 0;

	if (!get(t, number, &type) ||
	    (kind_of(&type) != KIND_ENUM && kind_of(&type) != KIND_ENUM64))
		return 0;
	for (uint32_t i = 0; r == 0 && i < count_of(&type); i++) {
		bool wide = kind_of(&type) == KIND_ENUM64;

		entry[2] = 0;
		get_extra(t, number, i, entry, wide ? 12 : 8);
		if (entry[0] >= t->string_len)
			return ERR_INVALID;
		r = name_table_add(t->enumerators, t->strings + entry[0],
				   (void *)((uintptr_t)entry[2] << 32 | entry[1]));
	}
	return r;
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
	for (size_t i = 1; r == 0 && i <= t->at.count; i++)
		r = add_enumerators(t, (uint32_t)i);
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
	t->enumerators = name_table_new();
	t->arena = arena_new(ARENA_MAX);
	return t->named && t->enumerators && t->arena ? read_types(t, h.type_len) : ERR_NO_MEMORY;
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
	struct difference d;

	for (size_t i = 0; other && i < entry->items.count; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < other->items.count; k++)
			found = same_layout(&c->a, (uint32_t)(uintptr_t)entry->items.items[i],
					    &c->b, (uint32_t)(uintptr_t)other->items.items[k], 0,
					    &d);
		if (!found)
			return c->changed(c->user, entry->name, d.text);
	}
	return 0;
}

/* An enumerator that both have must have its value: it is stored, and other files know it. */
static int compare_enumerator(const struct name_entry *entry, void *user)
{
	struct comparison *c = user;
	const struct name_entry *other = name_table_find(c->b.enumerators, entry->name);
	struct difference d;

	for (size_t i = 0; other && i < entry->items.count; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < other->items.count; k++)
			found = entry->items.items[i] == other->items.items[k];
		if (found)
			continue;
		differs(&d, "its value is %d instead of %d", (int)(uintptr_t)other->items.items[0],
			(int)(uintptr_t)entry->items.items[i]);
		return c->changed(c->user, entry->name, d.text);
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
	if (r == 0)
		r = name_table_each(c.a.enumerators, compare_enumerator, &c);
	types_free(&c.a);
	types_free(&c.b);
	return r;
}
