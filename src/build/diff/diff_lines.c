/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Line numbers in code: `mov $123,%esi` before a call that takes __LINE__ there. A change further
 * up in the file moves them, and they say nothing. Only what is certain counts as one: the constant
 * is loaded into the register of an argument, or pushed as the seventh, no branch lies between it
 * and the call, and either the argument before it is the name of a source file, or the callee is
 * known to take a line number there.
 */
#include "build/diff/diff_internal.h"
#include "build/object/insn.h"

/* More lines than any file has. */
#define LINES_MAX    200000
/* So many instructions are looked at between the constant and the call. */
#define REACH        24

/* The first argument that has no register: what is pushed last. */
#define FIRST_PUSHED 6

static const struct taker {
	const char *name;
	uint8_t argument; /* which one is the line, from 0 */
} takers[] = {
	/* include/linux: kernel.h, lockdep.h; kernel/panic.c */
	{ "__might_sleep", 1 },
	{ "___might_sleep", 1 },
	{ "__might_resched", 1 },
	{ "__might_fault", 1 },
	{ "__cant_sleep", 1 },
	{ "__cant_migrate", 1 },
	{ "lockdep_rcu_suspicious", 1 },
	{ "warn_slowpath_fmt", 1 },
	/* fs/ext4: ext4.h, ext4_jbd2.h, ext4_extents.h; fs/jbd2/transaction.c */
	{ "__ext4_error", 2 },
	{ "__ext4_error_inode", 2 },
	{ "__ext4_error_file", 2 },
	{ "__ext4_std_error", 2 },
	{ "__ext4_abort", 2 },
	{ "__ext4_warning", 2 },
	{ "__ext4_warning_inode", 2 },
	{ "__ext4_grp_locked_error", 1 },
	{ "__ext4_handle_dirty_metadata", 1 },
	{ "__ext4_journal_get_write_access", 1 },
	{ "__ext4_journal_get_create_access", 1 },
	{ "__ext4_forget", 1 },
	{ "__ext4_journal_start_sb", 2 },
	{ "__ext4_journal_stop", 1 },
	{ "__ext4_mark_inode_dirty", 3 },
	{ "__ext4_read_dirblock", 4 },
	{ "__ext4_check_dir_entry", 1 },
	{ "__ext4_iget", 4 },
	{ "__ext4_ext_check", 1 },
	{ "__ext4_ext_dirty", 1 },
	{ "__read_extent_tree_block", 1 },
	{ "jbd2_journal_start_reserved", 2 },
	/* fs/btrfs/messages.h, fs/xfs/xfs_error.h */
	{ "__btrfs_abort_transaction", 2 },
	{ "__btrfs_handle_fs_error", 2 },
	{ "__btrfs_panic", 2 },
	{ "xfs_error_report", 4 },
	{ "xfs_corruption_error", 6 },
	/* include/linux/jbd2.h */
	{ "jbd2__journal_start", 6 },
};

/* The first reference of an atom at or behind a place in its section. */
static size_t first_ref(const struct atom *atom, uint64_t place)
{
	size_t low = 0, high = atom->ref_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (atom->refs[middle].offset < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct ref *diff_ref_within(const struct atom *atom, uint64_t from, uint64_t to)
{
	size_t i = first_ref(atom, from);

	return i < atom->ref_count && atom->refs[i].offset < to ? &atom->refs[i] : NULL;
}

/* Which argument the register of that number holds (System V ABI, AMD64), or -1. */
static int argument_of(unsigned reg)
{
	static const uint8_t registers[] = { 7, 6, 2, 1, 8, 9 };

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (registers[i] == reg)
			return (int)i;
	return -1;
}

/* Where a move of a constant or an address goes: an argument, or -1 for any other instruction. */
static int loaded_argument(const uint8_t *code, const struct insn *insn)
{
	size_t at = (code[0] & 0xf0) == 0x40 ? 1 : 0;
	uint8_t rex = at ? code[0] : 0;

	if (code[0] == 0x68) /* push $imm32 */
		return FIRST_PUSHED;
	if (code[at] >= 0xb8 && code[at] <= 0xbf) /* mov $imm32,%r32 */
		return argument_of((code[at] & 7U) | (rex & 1U) << 3);
	if (code[at] == 0xc7 && code[at + 1] >= 0xc0 && code[at + 1] <= 0xc7) /* mov $imm32,%r64 */
		return argument_of((code[at + 1] & 7U) | (rex & 1U) << 3);
	if (insn->address) /* lea */
		return argument_of(((code[at + 1] >> 3) & 7U) | (rex & 4U) << 1);
	return -1;
}

/* Does it certainly leave the stack alone? Only what prepares other arguments is known: moves
 * between registers, of constants, addresses and from memory, and clearing a register. */
static bool keeps_stack(const uint8_t *code, const struct insn *insn)
{
	size_t at = (code[0] & 0xf0) == 0x40 ? 1 : 0;
	uint8_t rex = at ? code[0] : 0, op = code[at];
	uint8_t modrm = at + 1U < insn->len ? code[at + 1] : 0;
	unsigned reg = ((modrm >> 3) & 7U) | (rex & 4U) << 1, rm = (modrm & 7U) | (rex & 1U) << 3;
	bool registers = modrm >> 6 == 3;

	if (op >= 0xb8 && op <= 0xbf)
		return ((op & 7U) | (rex & 1U) << 3) != 4;
	if (op == 0x8b || op == 0x8d || op == 0x63)
		return reg != 4;
	return (op == 0x89 || op == 0x31 || op == 0xc7) && registers && rm != 4;
}

static bool leaves(const uint8_t *code, const struct insn *insn)
{
	bool indirect = code[0] == 0xff && ((code[1] >> 3) & 7) >= 2 && ((code[1] >> 3) & 7) <= 5;

	return insn->branch || indirect || code[0] == 0xc3 || code[0] == 0xcc ||
	       (code[0] == 0x0f && code[1] == 0x0b);
}

/* Instructions without a branch, up to a call. */
struct block {
	const struct atom *atom;
	uint64_t start; /* behind the branch before */
	int argument;   /* that gets the constant */
};

/* __FILE__ is a path below the kernel's source; "x.c" may be anything. */
static bool names_file(const struct ref *ref)
{
	const struct atom *string = ref->target;
	const uint8_t *data = string ? string->section->elf->data : NULL;
	size_t len = 0;

	if (!data || string->section->class != CLASS_STRINGS ||
	    ref->position != (int64_t)string->start)
		return false;
	len = strnlen((const char *)data + string->start, string->end - string->start);
	const char *text = (const char *)data + string->start;
	return len > 2 && text[len - 2] == '.' && (text[len - 1] == 'c' || text[len - 1] == 'h') &&
	       memchr(text, '/', len) && !memchr(text, ' ', len) && !memchr(text, '%', len);
}

/* Is the argument before the constant the name of a source file? */
static bool follows_file(const struct block *block, uint64_t end)
{
	const uint8_t *data = block->atom->section->elf->data;
	struct insn insn;

	for (uint64_t at = block->start; at < end; at += insn.len) {
		if (!insn_decode(data + at, end - at, &insn))
			return false;
		const struct ref *ref = diff_ref_within(block->atom, at, at + insn.len);
		if (ref && insn.len > 2 && loaded_argument(data + at, &insn) == block->argument - 1)
			return names_file(ref);
	}
	return false;
}

static bool is_taker(const struct ref *call, int argument)
{
	const char *name = call->target && call->target->symbol ? call->target->name
			   : call->symbol                       ? call->symbol->name
								: "";
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
		if (takers[i].argument == argument && strlen(takers[i].name) == len &&
		    strncmp(takers[i].name, name, len) == 0)
			return true;
	return false;
}

/* Goes from the instruction behind the constant to the call. */
static bool reaches_taker(const struct block *block, uint64_t at)
{
	const struct atom *atom = block->atom;
	const uint8_t *data = atom->section->elf->data;
	struct insn insn;

	for (unsigned i = 0; i < REACH && at < atom->end; i++, at += insn.len) {
		if (!insn_decode(data + at, atom->end - at, &insn))
			return false;
		if (data[at] == 0xe8 || data[at] == 0xe9) {
			const struct ref *call = diff_ref_within(atom, at, at + insn.len);
			return call && call->branch &&
			       (is_taker(call, block->argument) || follows_file(block, at));
		}
		if (block->argument == FIRST_PUSHED && !keeps_stack(data + at, &insn))
			return false;
		if (leaves(data + at, &insn) ||
		    (insn.len > 2 && loaded_argument(data + at, &insn) == block->argument))
			return false;
	}
	return false;
}

static bool is_line(uint32_t n)
{
	return n > 0 && n <= LINES_MAX;
}

/* Do two instructions differ in a line number only? */
static bool differ_in_line(const struct atom *a, uint64_t start, uint64_t at, const uint8_t *y,
			   const struct insn *insn)
{
	const uint8_t *x = a->section->elf->data + at;
	struct block block = { .atom = a, .start = start };
	uint32_t m, n;

	if (insn->imm_len != 4 || insn->branch || insn->disp_len || insn->address ||
	    insn->len < 5 || memcmp(x, y, insn->imm_at) != 0 ||
	    diff_ref_within(a, at, at + insn->len))
		return false;
	block.argument = loaded_argument(x, insn);
	memcpy(&m, x + insn->imm_at, sizeof(m));
	memcpy(&n, y + insn->imm_at, sizeof(n));
	return block.argument > 0 && is_line(m) && is_line(n) &&
	       reaches_taker(&block, at + insn->len);
}

/* A branch within a section, without a relocation: compared as a reference. */
static bool differ_in_distance(const struct atom *a, uint64_t at, const uint8_t *y,
			       const struct insn *insn)
{
	const struct ref *ref = diff_ref_within(a, at, at + insn->len);

	return ref && !ref->rela && memcmp(a->section->elf->data + at, y, ref->offset - at) == 0;
}

bool diff_only_lines_differ(const struct atom *a, const struct atom *b)
{
	const uint8_t *x = a->section->elf->data, *y = b->section->elf->data;
	uint64_t start = a->start, size = a->end - a->start;
	struct insn insn;

	if (!x || !y || size != b->end - b->start)
		return false;
	for (uint64_t at = 0; at < size; at += insn.len) {
		const uint8_t *p = x + a->start + at, *q = y + b->start + at;

		if (!insn_decode(p, size - at, &insn))
			return memcmp(p, q, size - at) == 0;
		if (memcmp(p, q, insn.len) != 0 &&
		    !differ_in_distance(a, a->start + at, q, &insn) &&
		    !differ_in_line(a, start, a->start + at, q, &insn))
			return false;
		if (insn.len > 1 && leaves(p, &insn))
			start = a->start + at + insn.len;
	}
	return true;
}
