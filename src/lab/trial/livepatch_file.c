// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/livepatch_file.h"

#include <gelf.h>
#include <stdio.h>

#define PREFIX     ".klp.rela."
#define OBJECT_MAX 56

DEFINE_CLEANUP(Elf *, elf_end);

/* "nf_tables" of ".klp.rela.nf_tables..text.f". */
static bool object_of(const char *section, char ret[static OBJECT_MAX])
{
	if (!str_has_prefix(section, PREFIX))
		return false;
	section += strlen(PREFIX);
	size_t len = strcspn(section, ".");

	if (len == 0 || len >= OBJECT_MAX || section[len] != '.')
		return false;
	snprintf(ret, OBJECT_MAX, "%.*s", (int)len, section);
	return !streq(ret, "vmlinux");
}

int livepatch_file_objects(const void *data, size_t len, struct path_list *ret, struct error *err)
{
	elf_version(EV_CURRENT);
	_cleanup_(elf_endp) Elf *elf = elf_memory((char *)data, len);
	char object[OBJECT_MAX];
	GElf_Shdr section;
	size_t names;
	int r = 0;

	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) < 0)
		return 0;
	for (Elf_Scn *scn = NULL; r >= 0 && (scn = elf_nextscn(elf, scn));) {
		const char *name = gelf_getshdr(scn, &section)
					   ? elf_strptr(elf, names, section.sh_name)
					   : NULL;

		if (name && object_of(name, object))
			r = path_list_add(ret, object);
	}
	return r < 0 ? error_set(err, r, "objects of the livepatch") : 0;
}
