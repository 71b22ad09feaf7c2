/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions in assembler, taken apart as the differ does it: for code that no compiler makes on
 * demand.
 */
#pragma once

#include "base/file.h"
#include "base/process.h"
#include "build/diff/diff_internal.h"
#include "unit.h"

struct assembled {
	struct buf text, bytes;
	struct elf_object *object;
	struct arena *arena;
	struct atom_set set;
};

#define ASSEMBLED_INIT                                                 \
	{                                                              \
		.text = BUF_INIT(1 << 20), .bytes = BUF_INIT(1 << 20), \
	}

/* Adds a function of that code, in a section of its own; `@` in it is the function's name. */
static inline void assembled_add(struct assembled *a, const char *name, const char *code)
{
	const char *cold = strstr(code, ".cold") ? ".cold" : "";

	assert_int_equal(buf_printf(&a->text,
				    ".section .text.%s, \"ax\"\n.type %s, @function\n%s: ", name,
				    name, name),
			 0);
	/* "@function" is no name. */
	for (const char *p = code; *p; p++)
		assert_int_equal(*p == '@' && !str_has_prefix(p, "@function")
					 ? buf_append_str(&a->text, name)
					 : buf_append_byte(&a->text, (uint8_t)*p),
				 0);
	assert_int_equal(buf_printf(&a->text, "\n.size %s%s, . - %s%s\n", name, cold, name, cold),
			 0);
}

/* Assembles what was added, and `more`. */
static inline void assembled_open(struct assembled *a, const char *more)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *source = path_join(dir, "x.s", NULL);
	_cleanup_free_ char *out = path_join(dir, "x.o", NULL);
	_cleanup_buf_ struct buf said = BUF_INIT(1 << 20);
	const char *const argv[] = { "cc", "-c", "-o", out, source, NULL };
	struct process_options options = {
		.argv = argv, .timeout_ms = 60000, .out = &said, .errout = &said
	};
	struct special_sizes sizes = { 0 };
	struct error err = { 0 };
	int status = -1;

	assert_int_equal(buf_append_str(&a->text, more), 0);
	assert_int_equal(file_write_atomic(source, buf_str(&a->text), a->text.len, 0644, NULL), 0);
	assert_ok(process_run(&options, &status, &err), &err);
	if (status != 0)
		fail_msg("%s", buf_str(&said));
	assert_ok(file_read(out, &a->bytes, &err), &err);
	unit_remove_dir(dir);
	assert_ok(elf_object_parse(a->bytes.data, a->bytes.len, "x.o", &a->object, &err), &err);
	assert_non_null(a->arena = arena_new(1 << 24));
	assert_ok(atom_set_open(a->object, "x.o", &sizes, false, a->arena, &a->set, &err), &err);
}

static inline void assembled_close(struct assembled *a)
{
	atom_set_close(&a->set);
	arena_free(a->arena);
	elf_object_free(a->object);
	buf_free(&a->bytes);
	buf_free(&a->text);
}

static inline struct atom *assembled_atom(const struct assembled *a, const char *name)
{
	for (size_t i = 0; i < a->set.atoms.count; i++)
		if (streq(a->set.atoms.items[i]->name, name))
			return a->set.atoms.items[i];
	fail_msg("no %s", name);
	return NULL;
}
