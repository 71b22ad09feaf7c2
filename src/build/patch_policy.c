/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files a live patch may touch. */
#include "build/patch_file.h"

#include "base/file.h"

/* Folders, and why nothing in them can be patched. The first that fits decides. */
static const struct {
	const char *folder;
	const char *why;
} folders[] = {
	{ "scripts/", "is run while building" },
	{ "tools/", "is a tool that is run while building, not kernel code" },
	{ "certs/", "is used while building" },
	{ "usr/", "is used while building" },
	{ "Documentation/", "is documentation, not code" },
	{ "samples/", "is a sample, not part of the kernel" },
	{ "rust/", "is Rust code, which is not supported" },
	{ "arch/x86/boot/", "runs before the kernel" },
	{ "arch/x86/realmode/", "runs before the kernel" },
	{ "arch/x86/purgatory/", "runs outside the kernel" },
	{ "arch/x86/entry/vdso/", "is part of the vDSO, which runs in user space" },
	{ "arch/x86/um/", "is User Mode Linux, not this kernel" },
	{ "arch/x86/tools/", "is run while building" },
	{ "lib/vdso/", "is part of the vDSO, which runs in user space" },
	{ "drivers/firmware/efi/libstub/", "runs before the kernel" },
};

/* Beginnings of file names that kbuild reads or runs. */
static const char *const build_names[] = { "Makefile",    "Kbuild",   "Kconfig",
					   "GNUmakefile", "makefile", "Platform" };

static const struct {
	const char *ending;
	const char *why;
} endings[] = {
	{ ".h", "is a header: patches of headers are not supported yet" },
	{ ".S", "is assembler, which cannot be live-patched" },
	{ ".s", "is assembler, which cannot be live-patched" },
	{ ".lds", "is a linker script" },
	{ ".mk", "is a make file, which kbuild would execute" },
	{ ".sh", "is a script, which kbuild would execute" },
	{ ".py", "is a script, which kbuild would execute" },
	{ ".pl", "is a script, which kbuild would execute" },
	{ ".awk", "is a script, which kbuild would execute" },
	{ ".rs", "is Rust code, which is not supported" },
};

const char *patch_path_refusal(const char *path)
{
	const char *base = path_base(path);

	for (size_t i = 0; i < ARRAY_SIZE(build_names); i++)
		if (str_has_prefix(base, build_names[i]))
			return "is a make or configuration file, which kbuild would execute";
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (str_has_prefix(path, folders[i].folder))
			return folders[i].why;
	if (str_has_prefix(path, "arch/") && !str_has_prefix(path, "arch/x86/"))
		return "belongs to another architecture";
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (str_has_suffix(base, endings[i].ending))
			return endings[i].why;
	if (!str_has_suffix(base, ".c") || str_has_suffix(base, ".mod.c"))
		return "is not a C file that the kernel is compiled from";
	return NULL;
}
