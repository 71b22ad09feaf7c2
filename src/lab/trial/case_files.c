// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/case_files.h"

#include <gelf.h>

#include "lab/guest/module_tree.h"
#include "lab/guest/secure_boot.h"
#include "module/signature.h"

#define VERMAGIC    "vermagic="
#define VERSION_LEN 64 /* sizeof(struct modversion_info) */

DEFINE_CLEANUP(Elf *, elf_end);

/* The part before the signature; the whole if there is none that makes sense. */
static struct signature_parts split(const struct buf *module)
{
	struct signature_parts parts = { 0 };

	if (signature_split(module->data, module->len, &parts, NULL) < 0)
		parts = (struct signature_parts){ .module = module->data,
						  .module_len = module->len };
	return parts;
}

/* Another version for every symbol: the first bytes of each entry are its CRC. */
static void change_versions(struct buf *module)
{
	elf_version(EV_CURRENT);
	_cleanup_(elf_endp) Elf *elf = elf_memory((char *)module->data, module->len);
	GElf_Shdr section;
	size_t names;

	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) < 0)
		return;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		const char *name = gelf_getshdr(scn, &section)
					   ? elf_strptr(elf, names, section.sh_name)
					   : NULL;

		if (!name || !streq(name, "__versions") || section.sh_offset > module->len ||
		    section.sh_size > module->len - section.sh_offset)
			continue;
		for (size_t at = 0; at + VERSION_LEN <= section.sh_size; at += VERSION_LEN)
			module->data[section.sh_offset + at] ^= 1;
	}
}

int case_put_wrong_kernel(struct trial_guest *t, const char **ret_skip, struct error *err)
{
	struct signature_parts parts = split(&t->module);
	_cleanup_buf_ struct buf wrong = BUF_INIT(MODULE_FILE_MAX);
	int r = buf_append(&wrong, parts.module, parts.module_len);

	if (r < 0)
		return error_set(err, r, "module for another kernel");
	uint8_t *at = memmem(wrong.data, wrong.len, VERMAGIC, strlen(VERMAGIC));
	size_t place = at ? (size_t)(at - wrong.data) + strlen(VERMAGIC) : wrong.len;

	if (place >= wrong.len || wrong.data[place] < '0' || wrong.data[place] > '9') {
		*ret_skip = "the module names no kernel";
		return 0;
	}
	wrong.data[place] = wrong.data[place] == '9' ? '8' : '9';
	change_versions(&wrong);
	return trial_guest_put_module(t, "/lab/wrong.ko", wrong.data, wrong.len, err);
}

int case_put_unsigned(struct trial_guest *t, const char **ret_skip, struct error *err)
{
	struct signature_parts parts = split(&t->module);
	_cleanup_buf_ struct buf damaged = BUF_INIT(MODULE_FILE_MAX);

	if (!t->o->guest.secure_boot) {
		*ret_skip = "the guest has no Secure Boot";
		return 0;
	}
	int r = trial_guest_put(t, "/lab/unsigned.ko", parts.module, parts.module_len, err);

	if (r == 0)
		r = secure_boot_sign_module(parts.module, parts.module_len, &damaged, err);
	if (r < 0)
		return r;
	damaged.data[parts.module_len / 2] ^= 1;
	return trial_guest_put(t, "/lab/damaged.ko", damaged.data, damaged.len, err);
}
