/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/layout.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "build/object/types.h"

#define STEPS_MAX 100000

/* What differs first, in words. */
struct difference {
	char text[320];
};

struct comparison {
	struct types a, b;
	layout_changed_fn changed;
	void *user;
	int error;      /* met while comparing */
	unsigned steps; /* of the structure at hand: damaged data could nest without end */
	struct difference found;
};

static bool differs(struct comparison *c, const char *format, ...) _printf_(2, 3);
static bool differs(struct comparison *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->found.text, sizeof(c->found.text), format, ap);
	va_end(ap);
	return false;
}

static const char *member_name(const struct types_member *m)
{
	return *m->name ? m->name : "(unnamed)";
}

static void print_place(const struct types_member *m, char ret[static 64])
{
	if (m->width)
		snprintf(ret, 64, "bit %" PRIu64 ", %" PRIu64 " bits wide", m->bit, m->width);
	else
		snprintf(ret, 64, "byte %" PRIu64, m->bit / 8);
}

static const struct types_member *find_member(const struct types_members *of, const char *name)
{
	for (size_t i = 0; i < of->n; i++)
		if (streq(of->items[i].name, name))
			return &of->items[i];
	return NULL;
}

static bool same_place(const struct types_member *m, const struct types_member *n)
{
	return m->bit == n->bit && m->width == n->width && m->size == n->size;
}

/* A member that both have and that is not where it was, or not as large. */
static bool find_moved(struct comparison *c, const struct types_members *p,
		       const struct types_members *q)
{
	char was[64], is[64];

	for (size_t i = 0; i < p->n; i++) {
		const struct types_member *m = &p->items[i];
		const struct types_member *n = *m->name ? find_member(q, m->name) : NULL;

		if (!n || same_place(m, n))
			continue;
		print_place(m, was);
		print_place(n, is);
		if (streq(was, is))
			differs(c, "member %.100s has %" PRIu64 " bytes instead of %" PRIu64,
				m->name, n->size, m->size);
		else
			differs(c, "member %.100s is at %s instead of %s", m->name, is, was);
		return true;
	}
	return false;
}

static bool load(struct comparison *c, struct types *t, Dwarf_Die *die, struct types_members *ret)
{
	int r = types_members(t, die, ret);

	if (r < 0)
		c->error = r;
	return r == 0;
}

/* A structure around one member is that member: atomic_t is a number. */
static Dwarf_Die unwrap(struct comparison *c, struct types *t, Dwarf_Die die)
{
	struct types_members members;

	for (unsigned depth = 0; depth < TYPES_DEPTH_MAX && types_is_aggregate(&die); depth++) {
		if (!load(c, t, &die, &members) || members.n != 1 || members.items[0].width ||
		    members.items[0].size != types_size(&die))
			break;
		die = members.items[0].type;
	}
	return die;
}

/* Numbers are alike, whether they have a sign, names for their values, or neither. */
static int kind_of(Dwarf_Die *die)
{
	int tag = die->addr ? dwarf_tag(die) : 0;

	return tag == DW_TAG_enumeration_type ? DW_TAG_base_type : tag;
}

/* Is it the same structure under another name? It must be gone under the old one. */
static bool is_renamed(struct comparison *c, Dwarf_Die *x, Dwarf_Die *y)
{
	const char *was = types_key(&c->a, x), *is = types_key(&c->b, y);
	struct types_members p, q;

	if (!was || !is || !name_table_find(c->a.named, was) || name_table_find(c->b.named, was) ||
	    !name_table_find(c->b.named, is) || name_table_find(c->a.named, is) ||
	    types_size(x) != types_size(y) || !load(c, &c->a, x, &p) || !load(c, &c->b, y, &q) ||
	    p.n != q.n)
		return false;
	for (size_t i = 0; i < p.n; i++)
		if (!same_place(&p.items[i], &q.items[i]))
			return false;
	return true;
}

/* Objects that are there point to what they always did. */
static bool same_target(struct comparison *c, const struct types_member *n, Dwarf_Die *x,
			Dwarf_Die *y)
{
	Dwarf_Die s = types_of(x), t = types_of(y);
	uint64_t was = s.addr ? types_size(&s) : 0, is = t.addr ? types_size(&t) : 0;

	/* Bytes are how anything is looked at; but an array of u16 does not become one of u32. */
	if (was > 1 && is > 1 && was != is && kind_of(&s) == DW_TAG_base_type &&
	    kind_of(&t) == DW_TAG_base_type)
		return differs(c, "member %.100s points to %" PRIu64 " bytes instead of %" PRIu64,
			       member_name(n), is, was);
	if (!types_is_aggregate(&s) || !types_is_aggregate(&t) ||
	    (kind_of(&s) == kind_of(&t) && streq(types_name(&s), types_name(&t))) ||
	    is_renamed(c, &s, &t))
		return true;
	return differs(c, "member %.80s points to %s %.80s instead of %s %.80s", member_name(n),
		       kind_of(&t) == DW_TAG_union_type ? "union" : "struct", types_name(&t),
		       kind_of(&s) == DW_TAG_union_type ? "union" : "struct", types_name(&s));
}

static bool same_layout(struct comparison *c, Dwarf_Die *x, Dwarf_Die *y, unsigned depth);

static bool same_kind(struct comparison *c, const struct types_member *m,
		      const struct types_member *n, unsigned depth)
{
	Dwarf_Die x = m->type, y = n->type;
	bool array = kind_of(&x) == DW_TAG_array_type;
	bool same = array == (kind_of(&y) == DW_TAG_array_type);

	x = types_element(&x);
	y = types_element(&y);
	/* Structures with a name are compared for themselves. */
	if (same && types_is_aggregate(&x) && types_is_aggregate(&y))
		return (*types_name(&x) && streq(types_name(&x), types_name(&y))) ||
		       same_layout(c, &x, &y, depth + 1);
	x = unwrap(c, &c->a, x);
	y = unwrap(c, &c->b, y);
	same = same && kind_of(&x) == kind_of(&y) && types_size(&x) == types_size(&y);
	if (!same)
		return differs(c,
			       streq(m->name, n->name)
				       ? "member %.100s is of another kind than it was"
				       : "member %.100s is in the place of member %.100s",
			       member_name(n), member_name(m));
	return kind_of(&x) != DW_TAG_pointer_type || same_target(c, n, &x, &y);
}

/* The members of both at one index. */
static bool same_member(struct comparison *c, const struct types_member *m,
			const struct types_member *n, unsigned depth)
{
	if (!same_place(m, n))
		return differs(c, "member %.100s takes another place than member %.100s did",
			       member_name(n), member_name(m));
	return same_kind(c, m, n, depth);
}

/* There are as many members, and each is where it was; else the words say which is not. */
static bool same_layout(struct comparison *c, Dwarf_Die *x, Dwarf_Die *y, unsigned depth)
{
	struct types_members p, q;
	bool same = true, renamed = false;

	if (depth > TYPES_DEPTH_MAX || c->steps++ > STEPS_MAX)
		return differs(c, "it is nested too deeply");
	if (dwarf_tag(x) != dwarf_tag(y))
		return differs(c, "a structure has become a union, or a union a structure");
	if (!load(c, &c->a, x, &p) || !load(c, &c->b, y, &q))
		return false;
	if (p.n == q.n && types_size(x) == types_size(y)) {
		for (size_t i = 0; same && i < p.n; i++) {
			same = same_member(c, &p.items[i], &q.items[i], depth);
			renamed |= !streq(p.items[i].name, q.items[i].name);
		}
		return (same && !renamed) || (!find_moved(c, &p, &q) && same);
	}
	if (find_moved(c, &p, &q))
		return false;
	if (types_size(x) != types_size(y))
		return differs(c, "it has %" PRIu64 " bytes instead of %" PRIu64, types_size(y),
			       types_size(x));
	return differs(c, "it has %zu members instead of %zu", q.n, p.n);
}

/* Should a name occur several times, each must find its like. */
static int compare_named(const struct name_entry *entry, void *user)
{
	struct comparison *c = user;
	const struct name_entry *other = name_table_find(c->b.named, entry->name);

	for (size_t i = 0; other && i < entry->items.count; i++) {
		bool found = false;

		c->steps = 0;
		for (size_t k = 0; !found && c->error == 0 && k < other->items.count; k++)
			found = same_layout(c, entry->items.items[i], other->items.items[k], 0);
		if (c->error < 0)
			return c->error;
		if (!found)
			return c->changed(c->user, entry->name, c->found.text);
	}
	return 0;
}

/* An enumerator that both have must have its value: it is stored, and other files know it. */
static int compare_enumerator(const struct name_entry *entry, void *user)
{
	struct comparison *c = user;
	const struct name_entry *other = name_table_find(c->b.enumerators, entry->name);

	for (size_t i = 0; other && i < entry->items.count; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < other->items.count; k++)
			found = entry->items.items[i] == other->items.items[k];
		if (found)
			continue;
		differs(c, "its value is %" PRIdPTR " instead of %" PRIdPTR,
			(intptr_t)other->items.items[0], (intptr_t)entry->items.items[i]);
		return c->changed(c->user, entry->name, c->found.text);
	}
	return 0;
}

static bool same_variable(struct comparison *c, Dwarf_Die *x, Dwarf_Die *y)
{
	struct types_member m = { .name = "", .type = types_of(x) };
	struct types_member n = { .name = "", .type = types_of(y) };

	c->steps = 0;
	return same_kind(c, &m, &n, 0);
}

/* A variable that both have holds what the kernel wrote there. Its size is for the objects. */
static int compare_variable(const struct name_entry *entry, void *user)
{
	struct comparison *c = user;
	const struct name_entry *other = name_table_find(c->b.variables, entry->name);

	for (size_t i = 0; other && i < entry->items.count; i++) {
		bool found = false;

		for (size_t k = 0; !found && c->error == 0 && k < other->items.count; k++)
			found = same_variable(c, entry->items.items[i], other->items.items[k]);
		if (c->error < 0)
			return c->error;
		if (!found)
			return c->changed(c->user, entry->name,
					  "it holds another type than it did");
	}
	return 0;
}

int layout_compare(const struct elf_object *original, const struct elf_object *patched,
		   layout_changed_fn changed, void *user)
{
	struct comparison c = { .changed = changed, .user = user };
	int r = types_open(original, &c.a);

	if (r == 0)
		r = types_open(patched, &c.b);
	if (r == 0)
		r = name_table_each(c.a.named, compare_named, &c);
	if (r == 0)
		r = name_table_each(c.a.enumerators, compare_enumerator, &c);
	if (r == 0)
		r = name_table_each(c.a.variables, compare_variable, &c);
	types_close(&c.a);
	types_close(&c.b);
	return r == ERR_NOT_FOUND ? 0 : r;
}
