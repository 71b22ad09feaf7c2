/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types as .debug_info and .debug_abbrev (see fuzz_split()): none that can be read has another
 * layout than itself. */
#include "fuzz.h"

#include "build/object/layout.h"
#include "build/object/scopes.h"

static int changed(void *user, const char *name, const char *how)
{
	(void)name;
	(void)how;
	(*(size_t *)user)++;
	return 0;
}

static int add(struct elf_object *o, const char *name, const void *data, size_t len)
{
	struct elf_section *s = elf_object_add_section(o, name, SHT_PROGBITS, 0, 1);

	if (!s)
		return ERR_NO_MEMORY;
	s->data = arena_alloc(o->arena, len + 1, 1);
	if (!s->data)
		return ERR_NO_MEMORY;
	memcpy(s->data, data, len);
	s->size = len;
	return 0;
}

static int note_variable(void *user, const struct elf_section *section, uint64_t position,
			 uint64_t line, const char *type)
{
	*(size_t *)user += strlen(section->name) + strlen(type) + (position == line);
	return 0;
}

static int note_inlined(void *user, const char *function, const char *callee)
{
	*(size_t *)user += strlen(function) + strlen(callee);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_elf_object_ struct elf_object *o = NULL;
	static const char strings[] = "\0a\0b\0next\0list_head";
	struct fuzz_pair pair;
	size_t n = 0;

	if (!fuzz_split(data, len, &pair) || elf_object_new(&o) < 0)
		return 0;
	if (add(o, ".debug_info", pair.a, pair.a_len) < 0 ||
	    add(o, ".debug_abbrev", pair.b, pair.b_len) < 0 ||
	    add(o, ".debug_str", strings, sizeof(strings)) < 0)
		return 0;
	if (layout_compare(o, o, changed, &n) == 0 && n > 0)
		abort();
	const struct scopes_visitor visitor = { note_variable, note_inlined, &n };
	(void)!scopes_visit(o, &visitor);
	return 0;
}
