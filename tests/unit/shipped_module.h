/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small "shipped module" that a test compiles, links, damages on purpose and opens. */
#pragma once

#include "base/process.h"
#include "elf/object.h"
#include "unit.h"

#define SHIPPED_FLAGS \
	"-O2", "-fno-pic", "-mcmodel=kernel", "-fno-asynchronous-unwind-tables", "-g0", "-w"

static inline char *shipped_in(const char *dir, const char *name)
{
	char *path = path_join(dir, name, NULL);

	assert_non_null(path);
	return path;
}

static inline void shipped_write(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = shipped_in(dir, name);

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static inline void shipped_run(const char *const *argv)
{
	struct process_options options = { .argv = argv, .timeout_ms = 60000 };
	struct error err = { 0 };

	assert_ok(process_run(&options, NULL, &err), &err);
}

/* Compiles a text into DIR/to; `sections`: one for each function and variable. */
static inline void shipped_compile(const char *dir, const char *text, const char *to, bool sections)
{
	_cleanup_free_ char *source = shipped_in(dir, "x.c"), *object = shipped_in(dir, to);

	shipped_write(dir, "x.c", text);
	shipped_run((const char *const[]){
		"gcc", SHIPPED_FLAGS, sections ? "-ffunction-sections" : "-DPLAIN",
		sections ? "-fdata-sections" : "-DWHOLE", "-c", "-o", object, source, NULL });
}

typedef void (*shipped_mutate_fn)(struct elf_object *ko, void *user);

/* Changes an object file. */
static inline void shipped_mutate(const char *path, shipped_mutate_fn mutate, void *user)
{
	_cleanup_elf_object_ struct elf_object *ko = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct error err = { 0 };

	assert_ok(elf_object_load(path, &ko, &err), &err);
	mutate(ko, user);
	assert_ok(elf_object_write(ko, &out, &err), &err);
	assert_ok(file_write_atomic(path, out.data, out.len, 0644, &err), &err);
}
