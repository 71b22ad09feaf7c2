/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/proof/shipped_types.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "base/file.h"
#include "build/object/types.h"

#define BTF_MAX ((size_t)256 << 20)
#define KEY_MAX 512

struct comparison {
	struct types unit;
	struct btf *base, *split; /* the second may be NULL */
	/* What the kernel has of the unit's names: numbers of types, values, as pointers. */
	struct name_table *named, *enumerators;
	const char *file;
	struct reason_list *mismatches;
	size_t compared;
	int error; /* met while comparing */
	char found[320];
};

static void comparison_close(struct comparison *c)
{
	types_close(&c->unit);
	name_table_free(c->named);
	name_table_free(c->enumerators);
	btf__free(c->split);
	btf__free(c->base);
}

static bool differs(struct comparison *c, const char *format, ...) _printf_(2, 3);
static bool differs(struct comparison *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->found, sizeof(c->found), format, ap);
	va_end(ap);
	return false;
}

/* All types of the kernel: a module's numbers go on where those of vmlinux end. */
static const struct btf *all(const struct comparison *c)
{
	return c->split ? c->split : c->base;
}

static const char *text(const struct comparison *c, uint32_t offset)
{
	const char *s = btf__name_by_offset(all(c), offset);

	return s ? s : "";
}

static bool is_structure(const struct btf_type *t)
{
	return t && (btf_is_struct(t) || btf_is_union(t));
}

/* A type without typedefs and qualifiers. */
static const struct btf_type *strip(const struct comparison *c, uint32_t id, uint32_t *ret_id)
{
	const struct btf_type *t = btf__type_by_id(all(c), id);

	for (unsigned depth = 0; t && depth < TYPES_DEPTH_MAX; depth++) {
		if (!btf_is_mod(t) && !btf_is_typedef(t)) {
			*ret_id = id;
			return t;
		}
		id = t->type;
		t = btf__type_by_id(all(c), id);
	}
	return NULL;
}

/* Bytes; 0 for what has no size, such as an array without a length. */
static uint64_t size_of(const struct comparison *c, uint32_t id)
{
	int64_t size = btf__resolve_size(all(c), id);

	return size > 0 ? (uint64_t)size : 0;
}

static bool same_structure(struct comparison *c, Dwarf_Die *die, uint32_t id, unsigned depth);

/* What has a name is compared for itself. */
static bool same_inside(struct comparison *c, Dwarf_Die type, uint32_t id, unsigned depth)
{
	const struct btf_type *t = strip(c, id, &id);

	for (unsigned i = 0; t && btf_is_array(t) && i < TYPES_DEPTH_MAX; i++)
		t = strip(c, btf_array(t)->type, &id);
	type = types_element(&type);
	if (types_is_aggregate(&type) != is_structure(t))
		return differs(c, "a member is of another kind");
	if (!is_structure(t) || *types_name(&type) || *text(c, t->name_off))
		return true;
	return same_structure(c, &type, id, depth + 1);
}

static bool same_member(struct comparison *c, const struct types_member *m,
			const struct btf_type *of, uint32_t i, unsigned depth)
{
	const struct btf_member *n = &btf_members(of)[i];
	const char *name = *m->name ? m->name : "(unnamed)";
	uint64_t size = size_of(c, n->type);
	uint64_t bit = btf_member_bit_offset(of, i), width = btf_member_bitfield_size(of, i);

	if (!streq(m->name, text(c, n->name_off)))
		return differs(c, "member %.100s is in the place of member %.100s", name,
			       text(c, n->name_off));
	if (m->bit != bit)
		return differs(c,
			       "member %.100s is at bit %" PRIu64 " instead of bit %" PRIu64
			       " (bytes %" PRIu64 " and %" PRIu64 ")",
			       name, m->bit, bit, m->bit / 8, bit / 8);
	if (m->size != size)
		return differs(c, "member %.100s has %" PRIu64 " bytes instead of %" PRIu64, name,
			       m->size, size);
	/* A field as wide as its type is one with or without saying so. */
	if (m->width % (8 * size + !size) != width % (8 * size + !size))
		return differs(c, "member %.100s has %" PRIu64 " bits instead of %" PRIu64, name,
			       m->width, width);
	return same_inside(c, m->type, n->type, depth);
}

static bool same_structure(struct comparison *c, Dwarf_Die *die, uint32_t id, unsigned depth)
{
	const struct btf_type *t = btf__type_by_id(all(c), id);
	struct types_members members;

	if (depth > TYPES_DEPTH_MAX || !is_structure(t))
		return differs(c, "it is nested too deeply");
	c->error = types_members(&c->unit, die, &members);
	if (c->error < 0)
		return false;
	for (size_t i = 0; i < members.n && i < btf_vlen(t); i++)
		if (!same_member(c, &members.items[i], t, (uint32_t)i, depth))
			return false;
	if (members.n != btf_vlen(t))
		return differs(c, "it has %zu members instead of %u", members.n,
			       (unsigned)btf_vlen(t));
	return types_size(die) == t->size ||
	       differs(c, "it has %" PRIu64 " bytes instead of %u", types_size(die), t->size);
}

/* The key of a structure as in struct types, "" for what is none. */
static void key_of(const struct comparison *c, uint32_t *id, char ret[static KEY_MAX])
{
	const struct btf_type *t = btf__type_by_id(all(c), *id);
	const char *name = t ? text(c, t->name_off) : "";

	ret[0] = '\0';
	if (!*name)
		return;
	if (is_structure(t)) {
		snprintf(ret, KEY_MAX, "%s %s", btf_is_union(t) ? "union" : "struct", name);
	} else if (btf_is_typedef(t)) {
		const struct btf_type *of = btf__type_by_id(all(c), t->type);

		if (!is_structure(of) || *text(c, of->name_off))
			return;
		*id = t->type;
		snprintf(ret, KEY_MAX, "%s", name);
	}
}

static int find_structure(struct comparison *c, uint32_t id)
{
	char key[KEY_MAX];

	key_of(c, &id, key);

	const struct name_entry *wanted = key[0] ? name_table_find(c->unit.named, key) : NULL;

	return wanted ? name_table_add(c->named, wanted->name, (void *)(uintptr_t)id) : 0;
}

static int find_enumerator(struct comparison *c, const char *name, uint64_t value)
{
	const struct name_entry *wanted = name_table_find(c->unit.enumerators, name);

	return wanted ? name_table_add(c->enumerators, wanted->name, (void *)(uintptr_t)value) : 0;
}

static int find_enumerators(struct comparison *c, const struct btf_type *t)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < btf_vlen(t); i++) {
		if (btf_is_enum(t)) {
			const struct btf_enum *e = &btf_enum(t)[i];

			r = find_enumerator(c, text(c, e->name_off), (uint32_t)e->val);
		} else {
			const struct btf_enum64 *e = &btf_enum64(t)[i];

			r = find_enumerator(c, text(c, e->name_off), btf_enum64_value(e));
		}
	}
	return r;
}

/* One pass over the kernel's types for all names of the unit. */
static int find_all(struct comparison *c)
{
	uint32_t count = btf__type_cnt(all(c));
	int r = 0;

	for (uint32_t id = 1; r == 0 && id < count; id++) {
		const struct btf_type *t = btf__type_by_id(all(c), id);

		r = t && (btf_is_enum(t) || btf_is_enum64(t)) ? find_enumerators(c, t)
							      : find_structure(c, id);
	}
	return r;
}

static int mismatch(struct comparison *c, const char *name)
{
	return reason_add(c->mismatches, REASON_MISMATCH, c->file, name,
			  "%s is not what the shipped kernel has: %s", name, c->found);
}

static int compare_structure(const struct name_entry *entry, void *user)
{
	struct comparison *c = user;
	const struct name_entry *shipped = name_table_find(c->named, entry->name);

	for (size_t i = 0; shipped && i < entry->items.count; i++) {
		bool same = false;

		for (size_t k = 0; !same && k < shipped->items.count; k++) {
			same = same_structure(c, entry->items.items[i],
					      (uint32_t)(uintptr_t)shipped->items.items[k], 0);
			if (c->error < 0)
				return c->error;
		}
		c->compared++;
		if (!same)
			return mismatch(c, entry->name);
	}
	return 0;
}

static int compare_enumerator(const struct name_entry *entry, void *user)
{
	struct comparison *c = user;
	const struct name_entry *shipped = name_table_find(c->enumerators, entry->name);

	for (size_t i = 0; shipped && i < entry->items.count; i++) {
		bool same = false;

		/* Values of 32 bits may come with or without their sign's upper half. */
		for (size_t k = 0; !same && k < shipped->items.count; k++)
			same = (uint32_t)(uintptr_t)entry->items.items[i] ==
			       (uint32_t)(uintptr_t)shipped->items.items[k];
		c->compared++;
		if (same)
			continue;
		differs(c, "its value is %d instead of %d",
			(int)(uint32_t)(uintptr_t)entry->items.items[i],
			(int)(uint32_t)(uintptr_t)shipped->items.items[0]);
		return mismatch(c, entry->name);
	}
	return 0;
}

/* libbpf reads a module's types from a file only. */
static int open_split(struct comparison *c, const struct shipped_types_section *section)
{
	_cleanup_close_ int fd = memfd_create("types", MFD_CLOEXEC);
	char path[64];

	if (fd < 0)
		return -errno;
	if (file_write_fd(fd, section->data, section->len, NULL) < 0)
		return -EIO;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	c->split = btf__parse_raw_split(path, c->base);
	if (!c->split)
		return errno == ENOMEM ? ERR_NO_MEMORY : ERR_INVALID;
	return 0;
}

static int open_btf(struct comparison *c, const struct shipped_types_section *base,
		    const struct shipped_types_section *split)
{
	if (base->len > BTF_MAX || (split && split->len > BTF_MAX))
		return ERR_INVALID;
	libbpf_set_print(NULL); /* it would write to the terminal */
	c->base = btf__new(base->data, (uint32_t)base->len);
	if (!c->base)
		return errno == ENOMEM ? ERR_NO_MEMORY : ERR_INVALID;
	c->named = name_table_new();
	c->enumerators = name_table_new();
	if (!c->named || !c->enumerators)
		return ERR_NO_MEMORY;
	return split && split->data ? open_split(c, split) : 0;
}

int shipped_types_compare(const struct shipped_types_section *base,
			  const struct shipped_types_section *split,
			  const struct elf_object *original, const char *file,
			  struct reason_list *mismatches, size_t *ret_compared, struct error *err)
{
	struct comparison c = { .file = file, .mismatches = mismatches };
	int r = types_open(original, &c.unit);

	if (r == 0)
		r = open_btf(&c, base, split);
	if (r == 0)
		r = find_all(&c);
	if (r == 0)
		r = name_table_each(c.unit.named, compare_structure, &c);
	/* The kernel's own values need not be a module's: PROC_ENTRY_PERMANENT (linux/proc_fs.h)
	 * and others depend on MODULE. */
	if (r == 0 && !split)
		r = name_table_each(c.unit.enumerators, compare_enumerator, &c);
	if (ret_compared)
		*ret_compared = c.compared;
	comparison_close(&c);
	if (r == ERR_NOT_FOUND)
		return 0; /* a unit without debugging data has no types */
	return r < 0 ? error_set(err, r, "%s: cannot compare its types with the kernel's: %s", file,
				 r == ERR_NO_MEMORY ? "out of memory" : "they are damaged")
		     : 0;
}

int shipped_types_check(const struct shipped *vmlinux, const struct shipped *shipped,
			const struct elf_object *original, const char *file,
			struct reason_list *mismatches, size_t *ret_compared, struct error *err)
{
	struct shipped_types_section base, split = { 0 };
	bool module = shipped != vmlinux;

	if (ret_compared)
		*ret_compared = 0;
	base.data = shipped_section(vmlinux, ".BTF", &base.len);
	if (!base.data)
		return 0;
	if (module)
		split.data = shipped_section(shipped, ".BTF", &split.len);
	return shipped_types_compare(&base, module ? &split : NULL, original, file, mismatches,
				     ret_compared, err);
}
