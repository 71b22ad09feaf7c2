/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/prebuilt.h"

#include <stdio.h>

#include "base/file.h"
#include "base/hash.h"

bool prebuilt_is(const struct unit *unit)
{
	return unit->command.n == 0;
}

const char *prebuilt_patched(const char *pair)
{
	return strchr(pair, ':') + 1;
}

/* How many of the object's functions does the module have? */
static size_t count_there(const struct elf_object *object, const struct shipped *target,
			  size_t *ret_all)
{
	size_t there = 0;

	*ret_all = 0;
	for (size_t i = 0; i < object->symbol_count; i++) {
		const struct elf_symbol *y = object->symbols[i];

		if (y->type != STT_FUNC || !y->section ||
		    !str_has_prefix(y->section->name, ".text"))
			continue;
		(*ret_all)++;
		there += shipped_matches(target, y->name) > 0;
	}
	return there;
}

static int find_target(const struct elf_object *original, const char *path,
		       struct shipped *const *targets, size_t n, const char **ret,
		       struct error *err)
{
	size_t best = 0, all = 0;
	bool several = false;

	*ret = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t there = count_there(original, targets[i], &all);

		if (there > best)
			*ret = shipped_object(targets[i]);
		several = there == best || (several && there < best);
		best = MAX(best, there);
	}
	if (!*ret || best * 2 < all)
		return error_set(err, ERR_INVALID,
				 "%s: none of the modules that --target names has its functions",
				 path);
	return several ? error_set(err, ERR_INVALID,
				   "%s: several modules that --target names have its functions",
				   path)
		       : 0;
}

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$"

/* Names of functions and variables become part of C text, and of livepatch symbols, in which a
 * comma ends them. */
static int check_names(const struct elf_object *object, const char *path, struct error *err)
{
	for (size_t i = 0; i < object->symbol_count; i++) {
		const struct elf_symbol *y = object->symbols[i];

		if (y->type != STT_FILE && y->name[strspn(y->name, NAME_CHARS)])
			return error_set(err, ERR_INVALID, "%s: '%s' is no name of C", path,
					 y->name);
	}
	return 0;
}

static int read_object(const char *path, struct buf *out, struct elf_object **ret,
		       struct error *err)
{
	int r = file_read(path, out, err);

	if (r == 0)
		r = elf_object_parse(out->data, out->len, path, ret, err);
	if (r == 0 && elf_object_section(*ret, ".gnu.linkonce.this_module"))
		r = error_set(err, ERR_INVALID,
			      "%s is a finished module, not an object file that one is linked from",
			      path);
	return r < 0 ? r : check_names(*ret, path, err);
}

static int add(const char *original, const char *patched, struct shipped *const *targets,
	       size_t target_count, struct unit_set *set, struct error *err)
{
	_cleanup_elf_object_ struct elf_object *before = NULL, *after = NULL;
	_cleanup_buf_ struct buf a = BUF_INIT(UNIT_OBJECT_MAX), b = BUF_INIT(UNIT_OBJECT_MAX);
	_cleanup_free_ char *object_path = NULL;
	char sha256[SHA256_HEX_LEN + 1];
	const char *target = NULL;
	int r = read_object(original, &a, &before, err);

	if (r == 0)
		r = read_object(patched, &b, &after, err);
	if (r == 0)
		r = find_target(before, original, targets, target_count, &target, err);
	if (r == 0 && hash_sha256_hex(a.data, a.len, sha256) < 0)
		r = error_set(err, ERR_NO_MEMORY, "cannot hash %s", original);
	if (r < 0)
		return r;
	if (asprintf(&object_path, "%.8s/%s", sha256, path_base(original)) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = unit_set_add_object(set, path_base(original), object_path, target, err);
	if (r < 0)
		return r;

	struct unit *u = &set->units[set->n - 1];

	u->external = true;
	u->original = a;
	u->patched = b;
	a = b = BUF_INIT(0);
	return 0;
}

int prebuilt_add(const char *pair, struct shipped *const *targets, size_t target_count,
		 struct unit_set *set, struct error *err)
{
	const char *colon = strchr(pair, ':');
	_cleanup_free_ char *original = NULL;

	if (!colon || colon == pair || !colon[1] || strchr(colon + 1, ':'))
		return error_set(err, ERR_USAGE, "--objects '%s' is not ORIG.o:PATCHED.o", pair);
	original = strndup(pair, (size_t)(colon - pair));
	return original ? add(original, colon + 1, targets, target_count, set, err)
			: error_set(err, ERR_NO_MEMORY, "out of memory");
}
