/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files a live patch may touch. */
#include "build/source/patch_file.h"

#include "base/file.h"

struct rule {
	const char *what; /* a folder, a file's beginning or a file's ending */
	enum reason_code code;
	const char *why;
};

/* Folders, and why nothing in them can be patched. The first that fits decides. */
static const struct rule folders[] = {
	{ "Documentation/", REASON_NOT_KERNEL_CODE, "is documentation, not code" },
	{ "LICENSES/", REASON_NOT_KERNEL_CODE, "is a licence, not code" },
	{ "debian/", REASON_NOT_KERNEL_CODE, "belongs to the package, not to the kernel" },
	{ "tools/", REASON_NOT_KERNEL_CODE, "is a tool or a self-test, not kernel code" },
	{ "samples/", REASON_NOT_KERNEL_CODE, "is a sample, not part of the kernel" },
	{ "scripts/", REASON_BUILD_FILE, "is run while building" },
	{ "certs/", REASON_BUILD_FILE, "is used while building" },
	{ "usr/", REASON_BUILD_FILE, "is used while building" },
	{ "rust/", REASON_LANGUAGE, "is Rust code, which is not supported" },
	{ "arch/x86/boot/", REASON_BOOT_CODE, "runs before the kernel" },
	{ "arch/x86/realmode/", REASON_BOOT_CODE,
	  "is real-mode code, which runs before the kernel" },
	{ "arch/x86/purgatory/", REASON_BOOT_CODE, "runs outside the kernel" },
	{ "arch/x86/entry/vdso/", REASON_VDSO, "is part of the vDSO, which runs in user space" },
	{ "arch/x86/um/", REASON_NOT_KERNEL_CODE, "is User Mode Linux, not this kernel" },
	{ "arch/x86/tools/", REASON_BUILD_FILE, "is run while building" },
	{ "lib/vdso/", REASON_VDSO, "is part of the vDSO, which runs in user space" },
	{ "drivers/firmware/efi/libstub/", REASON_BOOT_CODE, "runs before the kernel" },
};

/* Beginnings of file names that kbuild reads or runs. */
static const char *const build_names[] = { "Makefile",    "Kbuild",   "Kconfig",
					   "GNUmakefile", "makefile", "Platform" };

static const struct rule endings[] = {
	{ ".lds.h", REASON_BUILD_FILE, "is part of the linker script" },
	{ ".S", REASON_ASSEMBLER, "is assembler, which cannot be live-patched" },
	{ ".s", REASON_ASSEMBLER, "is assembler, which cannot be live-patched" },
	{ ".lds", REASON_BUILD_FILE, "is a linker script" },
	{ ".mk", REASON_BUILD_FILE, "is a make file, which kbuild would execute" },
	{ ".sh", REASON_BUILD_FILE, "is a script, which kbuild would execute" },
	{ ".py", REASON_BUILD_FILE, "is a script, which kbuild would execute" },
	{ ".pl", REASON_BUILD_FILE, "is a script, which kbuild would execute" },
	{ ".awk", REASON_BUILD_FILE, "is a script, which kbuild would execute" },
	{ ".config", REASON_BUILD_FILE, "is a configuration, which takes another kernel" },
	{ ".rs", REASON_LANGUAGE, "is Rust code, which is not supported" },
	{ ".mod.c", REASON_BUILD_FILE, "is made while building" },
	{ ".dts", REASON_NOT_KERNEL_CODE, "describes a board, and is no code" },
	{ ".dtsi", REASON_NOT_KERNEL_CODE, "describes boards, and is no code" },
	{ ".rst", REASON_NOT_KERNEL_CODE, "is documentation, not code" },
	{ ".txt", REASON_NOT_KERNEL_CODE, "is text, not code" },
	{ ".md", REASON_NOT_KERNEL_CODE, "is documentation, not code" },
};

/* Files of the top folder that people and their tools read. */
static const char *const texts[] = { "MAINTAINERS", "CREDITS", "COPYING", "README" };

static const char *refuse(const struct rule *rule, enum reason_code *ret_code)
{
	if (ret_code)
		*ret_code = rule->code;
	return rule->why;
}

static bool is_in_top(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(path, texts[i]))
			return true;
	return path[0] == '.' && !strchr(path, '/');
}

static bool is_read_by_kbuild(const char *base)
{
	for (size_t i = 0; i < ARRAY_SIZE(build_names); i++)
		if (str_has_prefix(base, build_names[i]))
			return true;
	return false;
}

bool patch_path_is_header(const char *path)
{
	return str_has_suffix(path, ".h") || str_has_suffix(path, ".inc") ||
	       str_has_suffix(path, ".def");
}

const char *patch_path_refusal(const char *path, enum reason_code *ret_code)
{
	static const struct rule other_architecture = { NULL, REASON_NOT_KERNEL_CODE,
							"belongs to another architecture" };
	static const struct rule build_file = {
		NULL, REASON_BUILD_FILE,
		"is a make or configuration file, which kbuild would execute"
	};
	static const struct rule text = { NULL, REASON_NOT_KERNEL_CODE,
					  "is read by people and tools, not code" };
	static const struct rule unknown = { NULL, REASON_LANGUAGE,
					     "is not a C file that the kernel is compiled from" };
	const char *base = path_base(path);

	if (str_has_prefix(path, "arch/") && !str_has_prefix(path, "arch/x86/") &&
	    strchr(path + strlen("arch/"), '/'))
		return refuse(&other_architecture, ret_code);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (str_has_prefix(path, folders[i].what))
			return refuse(&folders[i], ret_code);
	if (is_read_by_kbuild(base))
		return refuse(&build_file, ret_code);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (str_has_suffix(base, endings[i].what))
			return refuse(&endings[i], ret_code);
	if (is_in_top(path))
		return refuse(&text, ret_code);
	return str_has_suffix(base, ".c") || patch_path_is_header(base)
		       ? NULL
		       : refuse(&unknown, ret_code);
}
