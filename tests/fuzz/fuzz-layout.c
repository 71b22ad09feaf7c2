/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two .BTF sections (see fuzz_split()): none that can be read has another layout than itself. */
#include "fuzz.h"

#include "build/layout.h"

static int changed(void *user, const char *name, const char *how)
{
	(void)name;
	(void)how;
	(*(size_t *)user)++;
	return 0;
}

static struct elf_object *make(const uint8_t *data, size_t len)
{
	_cleanup_elf_object_ struct elf_object *o = NULL;
	struct elf_section *s;

	if (elf_object_new(&o) < 0)
		return NULL;
	s = elf_object_add_section(o, ".BTF", SHT_PROGBITS, 0, 4);
	if (!s)
		return NULL;
	s->data = arena_alloc(o->arena, len + 1, 1);
	if (!s->data)
		return NULL;
	memcpy(s->data, data, len);
	s->size = len;
	return TAKE_PTR(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_elf_object_ struct elf_object *a = NULL, *b = NULL;
	struct fuzz_pair pair;
	size_t n = 0;

	if (!fuzz_split(data, len, &pair))
		return 0;
	a = make(pair.a, pair.a_len);
	b = make(pair.b, pair.b_len);
	if (!a || !b)
		return 0;
	(void)!layout_compare(a, b, changed, &n);
	n = 0;
	if (layout_compare(a, a, changed, &n) == 0 && n > 0)
		abort();
	return 0;
}
