/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are two paired things equal? Bytes first, then what each reference points to. */
#include "build/diff/diff_internal.h"
#include "build/object/insn.h"

/* Contents that refer to contents: a chain as long as this does not occur. */
#define DEPTH_MAX 64

static bool content_equal(struct atom *a, struct atom *b, unsigned depth);

static uint64_t atom_size(const struct atom *atom)
{
	return atom->end - atom->start;
}

/* Equal bytes at `a` and `b` of two sections; a section without bytes is all zero. */
static bool bytes_equal(const struct elf_section *s, uint64_t a, const struct elf_section *t,
			uint64_t b, uint64_t len)
{
	if (s->data && t->data)
		return memcmp(s->data + a, t->data + b, len) == 0;
	const uint8_t *data = s->data ? s->data + a : t->data ? t->data + b : NULL;
	for (uint64_t i = 0; data && i < len; i++)
		if (data[i])
			return false;
	return true;
}

/* Equal bytes of two atoms, but for branch distances that are compared as references. */
static bool atom_bytes_equal(const struct atom *a, const struct atom *b)
{
	uint64_t at = 0, size = atom_size(a);

	for (size_t i = 0; i < a->ref_count; i++) {
		const struct ref *ref = &a->refs[i];
		uint64_t field = ref->offset - a->start;

		if (ref->rela || field < at)
			continue;
		if (!bytes_equal(a->section->elf, a->start + at, b->section->elf, b->start + at,
				 field - at))
			return false;
		at = MIN(field + ref->width, size);
	}
	return bytes_equal(a->section->elf, a->start + at, b->section->elf, b->start + at,
			   size - at);
}

#define FNV_START UINT64_C(0xcbf29ce484222325)

static void hash_bytes(uint64_t *hash, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

/* The bytes of an atom but for branch distances; where `deep`, what they refer to as well. */
static void hash_atom(uint64_t *hash, const struct atom *atom, bool deep);

static void hash_target(uint64_t *hash, const struct ref *ref)
{
	const struct atom *target = ref->target;

	if (target && target->kind == ATOM_CONTENT) {
		hash_atom(hash, target, false);
	} else if (target) {
		hash_bytes(hash, target->name, strcspn(target->name, "."));
	} else if (ref->symbol && !ref->section) {
		hash_bytes(hash, ref->symbol->name, strlen(ref->symbol->name));
	}
}

uint64_t diff_use_print(const struct atom *by, const struct atom *what)
{
	uint64_t hash = FNV_START, behind = 0;

	for (size_t i = by->ref_count; i-- > 0;) {
		const struct ref *ref = &by->refs[i];
		const struct atom *target = ref->target;
		int64_t place = ref->position - (int64_t)what->start;

		if (target == what) {
			hash_bytes(&hash, &ref->operation, sizeof(ref->operation));
			hash_bytes(&hash, &place, sizeof(place));
			hash_bytes(&hash, &behind, sizeof(behind));
		} else if (!target || (!target->base && atom_owner((struct atom *)target) !=
								atom_owner((struct atom *)by))) {
			behind = FNV_START;
			hash_target(&behind, ref);
		}
	}
	return hash;
}

static void hash_atom(uint64_t *hash, const struct atom *atom, bool deep)
{
	const uint8_t *data = atom->section->elf->data;
	uint64_t at = atom->start, size = atom_size(atom);

	hash_bytes(hash, &size, sizeof(size));
	for (size_t i = 0; i < atom->ref_count; i++) {
		const struct ref *ref = &atom->refs[i];

		if (deep)
			hash_target(hash, ref);
		if (ref->rela || ref->offset < at)
			continue;
		if (data)
			hash_bytes(hash, data + at, ref->offset - at);
		at = MIN(ref->offset + ref->width, atom->end);
	}
	if (data)
		hash_bytes(hash, data + at, atom->end - at);
}

uint64_t diff_fingerprint(const struct atom *atom)
{
	uint64_t hash = FNV_START;

	hash_atom(&hash, atom, true);
	return hash;
}

static bool outside_equal(const struct ref *a, const struct ref *b)
{
	if (!a->symbol || !b->symbol)
		return a->symbol == b->symbol && a->position == b->position;
	return a->symbol->shndx == b->symbol->shndx && a->symbol->value == b->symbol->value &&
	       a->position == b->position && streq(a->symbol->name, b->symbol->name);
}

/* Places where no atom is: only equal in sections that are equal as a whole. */
static bool unknown_equal(const struct ref *a, const struct ref *b)
{
	const struct elf_section *s = a->section->elf, *t = b->section->elf;

	return a->position == b->position && streq(s->name, t->name) && s->size == t->size &&
	       bytes_equal(s, 0, t, 0, s->size);
}

static bool target_equal(const struct ref *a, const struct ref *b, unsigned depth)
{
	if (!a->section || !b->section)
		return !a->section && !b->section && outside_equal(a, b);
	if (!a->target || !b->target)
		return !a->target && !b->target && unknown_equal(a, b);
	struct atom *s = a->target, *t = b->target;
	if (s->kind != t->kind ||
	    a->position - (int64_t)s->entry != b->position - (int64_t)t->entry)
		return false;
	return s->kind == ATOM_CONTENT ? content_equal(s, t, depth) : s->pair == t;
}

/* A call is a call, whether the symbol was local or not. */
static uint32_t comparable_type(const struct ref *ref)
{
	return ref->type == R_X86_64_PLT32 && ref->branch ? R_X86_64_PC32 : ref->type;
}

static bool refs_equal(const struct ref *a, size_t a_count, uint64_t a_start, const struct ref *b,
		       size_t b_count, uint64_t b_start, unsigned depth)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		if (a[i].offset - a_start != b[i].offset - b_start ||
		    comparable_type(&a[i]) != comparable_type(&b[i]) ||
		    a[i].branch != b[i].branch || !target_equal(&a[i], &b[i], depth))
			return false;
	}
	return true;
}

static bool atom_refs_equal(const struct atom *a, const struct atom *b, unsigned depth)
{
	return refs_equal(a->refs, a->ref_count, a->start, b->refs, b->ref_count, b->start, depth);
}

/* A dynamic debug descriptor holds a line number and state; what it says are its references. */
static bool has_loose_bytes(const struct atom *atom)
{
	return str_has_prefix(atom->section->elf->name, "__dyndbg");
}

static bool content_equal(struct atom *a, struct atom *b, unsigned depth)
{
	if (a->comparing == b)
		return true; /* a circle: equal unless something else differs */
	if (depth >= DEPTH_MAX || a->comparing || atom_size(a) != atom_size(b) ||
	    a->section->class != b->section->class)
		return false;
	if (!has_loose_bytes(a) && !atom_bytes_equal(a, b))
		return false;
	a->comparing = b;
	bool equal = atom_refs_equal(a, b, depth + 1);
	a->comparing = NULL;
	return equal;
}

static bool entry_equal(const struct special_entry *a, const struct special_entry *b)
{
	const struct special_def *def = a->section->special;
	const struct elf_section *s = a->section->elf, *t = b->section->elf;
	uint32_t loose = a->section->loose_at, after = loose + a->section->loose_size;

	return def == b->section->special && a->size == b->size && loose == b->section->loose_at &&
	       bytes_equal(s, a->offset, t, b->offset, loose) &&
	       bytes_equal(s, a->offset + after, t, b->offset + after, a->size - after) &&
	       refs_equal(a->refs, a->ref_count, a->offset, b->refs, b->ref_count, b->offset, 0);
}

static const struct special_entry *next_compared(const struct atom *atom, size_t *i)
{
	while (*i < atom->entries.count) {
		const struct special_entry *entry = atom->entries.items[(*i)++];
		if (entry->section->special->compared)
			return entry;
	}
	return NULL;
}

static bool entries_equal(const struct atom *a, const struct atom *b)
{
	size_t i = 0, k = 0;

	for (;;) {
		const struct special_entry *x = next_compared(a, &i), *y = next_compared(b, &k);

		if (!x || !y)
			return x == y;
		if (!entry_equal(x, y))
			return false;
	}
}

bool diff_function_equal(struct atom *a, struct atom *b)
{
	if (atom_size(a) != atom_size(b) || a->entry - a->start != b->entry - b->start ||
	    a->section->class != b->section->class || !a->cold != !b->cold)
		return false;
	bool equal = atom_bytes_equal(a, b);
	if (!atom_refs_equal(a, b, 0) || !entries_equal(a, b) ||
	    (!equal && !diff_only_lines_differ(a, b)))
		return false;
	b->line_numbers = !equal;
	return !a->cold || diff_function_equal(a->cold, b->cold);
}

bool diff_data_equal(struct atom *a, struct atom *b)
{
	const struct elf_section *s = a->section->elf, *t = b->section->elf;

	if (a->section->class != b->section->class || atom_size(a) != atom_size(b))
		return false;
	if (section_is_table(a->section->class) && !streq(s->name, t->name))
		return false;
	return atom_bytes_equal(a, b) && atom_refs_equal(a, b, 0);
}

static uint64_t mismatch(const uint8_t *x, const uint8_t *y, uint64_t len)
{
	uint64_t i = 0;

	while (i < len && x[i] == y[i])
		i++;
	return i;
}

/* The first instruction that differs (not by the distance of a branch, which other changes move),
 * as the place of a byte in it; the shorter one's end if none does. */
static uint64_t first_byte(const struct atom *a, const struct atom *b)
{
	const uint8_t *x = a->section->elf->data, *y = b->section->elf->data;
	uint64_t at = 0, end = MIN(atom_size(a), atom_size(b));
	struct insn p, q;

	while (x && y && at < end) {
		const uint8_t *from = x + a->start + at, *with = y + b->start + at;
		bool known = insn_decode(from, end - at, &p) && insn_decode(with, end - at, &q);
		uint64_t len = !known     ? end - at
			       : p.branch ? MIN(p.imm_at, p.len)
					  : MIN(p.len, q.len);
		uint64_t same = mismatch(from, with, len);

		if (same < len || (known && p.len != q.len))
			return at + same;
		at += known ? p.len : len;
	}
	return end;
}

static bool is_within(const struct ref *ref, const struct atom *function)
{
	return ref->target && atom_owner(ref->target) == atom_owner((struct atom *)function);
}

static size_t first_reference(const struct atom *a, const struct atom *b)
{
	size_t i = 0;

	/* places within the function move with any change */
	while (i < a->ref_count && i < b->ref_count &&
	       ((is_within(&a->refs[i], a) && is_within(&b->refs[i], b)) ||
		refs_equal(&a->refs[i], 1, a->start, &b->refs[i], 1, b->start, 0)))
		i++;
	return i;
}

static const char *first_entry(const struct atom *a, const struct atom *b)
{
	size_t i = 0, k = 0;

	for (;;) {
		const struct special_entry *x = next_compared(a, &i), *y = next_compared(b, &k);

		if (!x || !y)
			return x ? x->section->elf->name : y ? y->section->elf->name : NULL;
		if (!entry_equal(x, y))
			return x->section->elf->name;
	}
}

struct difference diff_first_difference(const struct atom *a, const struct atom *b)
{
	uint64_t byte = first_byte(a, b);
	size_t i = first_reference(a, b);
	bool bytes = !diff_only_lines_differ(a, b) && (byte < atom_size(a) || byte < atom_size(b));

	if (i < a->ref_count && i < b->ref_count &&
	    (!bytes || MIN(a->refs[i].offset - a->start, b->refs[i].offset - b->start) < byte))
		return (struct difference){ .kind = DIFFERENCE_REFERENCE,
					    .a = &a->refs[i],
					    .b = &b->refs[i] };
	if (bytes)
		return (struct difference){ .kind = DIFFERENCE_BYTES, .offset = byte };
	if (a->ref_count != b->ref_count)
		return (struct difference){ .kind = DIFFERENCE_REFERENCE_COUNT };
	const char *section = first_entry(a, b);
	if (section)
		return (struct difference){ .kind = DIFFERENCE_ENTRY, .section = section };
	bool same_place = a->entry - a->start == b->entry - b->start &&
			  a->section->class == b->section->class && !a->cold == !b->cold;
	return (struct difference){ .kind = same_place ? DIFFERENCE_NONE : DIFFERENCE_PLACE };
}
