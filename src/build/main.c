/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build: from a source patch and a kernel release to a livepatch module. */
#include <stdio.h>

#include "build/commands.h"
#include "build/prepare/environment.h"

static const struct cli_option format_options[] = { CLI_FORMAT_OPTION, { 0 } };

static const struct cli_verb verbs[] = {
	{ "diff", "ORIG.o PATCHED.o", 2, 2, "compare two builds of one file, function by function",
	  "Says which functions changed, which are new, and why a change cannot be applied live. "
	  "Compile both objects from the same path with the same flags, best with "
	  "-ffunction-sections -fdata-sections.",
	  build_diff_options, build_cmd_diff },
	{ "check", "[FIX.patch…]", 0, -1, "say whether source patches can be applied live",
	  "Does everything that patch does, short of linking the module, and writes nothing. Says every "
	  "reason against the patches, grouped by its kind, each with a way round.",
	  build_check_options, build_cmd_check },
	{ "inspect", "FILE.ko", 1, 1, "show what a livepatch module replaces and needs", NULL,
	  build_inspect_options, build_cmd_inspect },
	{ "patch", "[FIX.patch…]", 0, -1, "build a livepatch module from source patches",
	  "All patches together (\"-\": from standard input) become one module, which takes the place of every older one. The "
	  "module is written only if every function that it replaces is proven to be the code that "
	  "the kernel ships. A patched file may include <suture/livepatch.h> to declare callbacks "
	  "(SUTURE_CALLBACKS), states (SUTURE_STATE) and which of several symbols it means "
	  "(SUTURE_SYMBOL); docs/writing-patches.md explains them. Instead of patches, or beside "
	  "them, --objects gives files of a module outside the kernel as they were compiled before "
	  "and after a fix.",
	  build_patch_options, build_cmd_patch },
	{ "prove", "SOURCE.c…", 1, -1,
	  "compare every function of source files with the code that a kernel ships",
	  "Shows whether this machine's compiler and the cached sources give the very kernel, "
	  "before there is a fix to build.",
	  build_prove_options, build_cmd_prove },
	{ "module", "SOURCE.c…", 1, -1, "build a livepatch module that is written by hand",
	  "The sources have their own struct klp_patch and klp_enable_patch(), as those in the "
	  "kernel's samples/livepatch. References to symbols that the kernel does not export become "
	  "livepatch symbols where the name alone settles it; otherwise say which is meant with "
	  "SUTURE_SYMBOL(object, name, sympos) of <suture/livepatch.h>. The record names the "
	  "functions that the module's tables replace; nothing was rebuilt to compare them with.",
	  build_module_options, build_cmd_module },
	{ "kernel add", "RELEASE", 1, 1, "fetch a stock kernel and prepare it for building",
	  "Downloads image, headers and source of one version through apt, unpacks them into the "
	  "cache, and prepares the kernel once. Nothing is installed.",
	  build_kernel_add_options, build_cmd_kernel_add },
	{ "kernel newest", "[FLAVOUR]", 0, 1,
	  "print the newest release that apt offers with image, headers and source",
	  "FLAVOUR is the end of a release, such as amd64, cloud-amd64 (default) or rt-amd64.",
	  build_kernel_newest_options, build_cmd_kernel_newest },
	{ "kernel list", "", 0, 0, "list the kernels in the cache", NULL, format_options,
	  build_cmd_kernel_list },
	{ "kernel show", "RELEASE", 1, 1, "show one kernel in the cache", NULL, format_options,
	  build_cmd_kernel_show },
	{ "kernel remove", "RELEASE", 1, 1, "remove a kernel from the cache", NULL, NULL,
	  build_cmd_kernel_remove },
	{ NULL },
};

static const struct cli_exit exits[] = {
	{ BUILD_EXIT_NO_CHANGE, "the patch changes no code" },
	{ BUILD_EXIT_NOT_PATCHABLE, "the patch cannot be applied live; every reason is printed" },
	{ BUILD_EXIT_MISMATCH, "the rebuilt original does not match the shipped kernel, or files "
			       "given for a kernel do not belong together" },
	{ -1, NULL },
};

static const struct cli_program program = {
	.name = "suture-build",
	.section = 1,
	.summary = "build a livepatch module from a source patch",
	.description =
		"Compiles only the touched files before and after the patch, compares them function "
		"by function, proves that the originals are the code that the kernel ships, and "
		"links the changed functions into one livepatch module.",
	.verbs = verbs,
	.exits = exits,
	.files = "~/.cache/suture ($XDG_CACHE_HOME/suture): kernels and sources",
	.examples =
		"suture-build kernel add 6.1.0-56-cloud-amd64\n\n"
		"suture-build patch --kernel 6.1.0-56-cloud-amd64 --version 1.1 -o fix.ko fix.patch",
};

int main(int argc, char **argv)
{
	if (environment_clean() < 0) {
		fputs("suture-build: out of memory\n", stderr);
		return EXIT_ERROR;
	}
	return cli_main(&program, argc, argv, NULL);
}
