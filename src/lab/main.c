// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/commands.h"

/* What every verb with a guest takes. */
#define GUEST_OPTIONS                                                                              \
	{ "kernel", "RELEASE", "a stock kernel, fetched through apt unless cached", false, 0 },    \
		{ "image", "VMLINUZ", "boot this kernel image instead", false, 0 },                \
		{ "modules", "DIR", "with --image: its lib/modules/RELEASE folder", false, 0 },    \
		{ "load", "NAME", "load this module of the kernel, and what it needs; repeatable", \
		  false, 0 },                                                                      \
		{ "program", "HOST[:GUEST]",                                                       \
		  "take a program along, with its libraries; repeatable", false, 0 },              \
		{ "file", "HOST:GUEST", "take a file along; repeatable", false, 0 },               \
		{ "net", NULL, "a network card: the host's 127.0.0.1 is 10.0.2.2 in the guest",    \
		  false, 0 },                                                                      \
		{ "memory", "MB", "memory of the guest (default 512)", false, 0 },                 \
		{ "machine", "TYPE", "machine to emulate: pc (default) or q35", false, 0 },        \
		{ "secure-boot", NULL,                                                             \
		  "boot under Secure Boot with the test key of the package ovmf (q35)", false,     \
		  0 },                                                                             \
		{ "cpus", "N", "processors of the guest, 1 to 8 (default 1)", false, 0 },          \
		{ "cpu", "MODEL", "the processor to emulate, as QEMU names it (default max)",      \
		  false, 0 },                                                                      \
		{ "accel", "NAME", "tcg (default, the reference), tcg-multi, kvm or auto", false,  \
		  0 },                                                                             \
		{ "append", "TEXT", "add to the kernel's command line", false, 0 },                \
	{                                                                                          \
		"boot-timeout", "S", "seconds until the guest must answer (default 300)", false, 0 \
	}

/* Where reports go: see report_output.h. */
#define REPORT_OPTIONS                                                                            \
	{ "record", "OUT.json", "write the test record", false, 0 },                              \
		{ "junit", "OUT.xml", "write the cases as JUnit's XML", false, 0 },               \
	{                                                                                         \
		"html", "OUT.html", "write a page with the grid and what the logs show", false, 0 \
	}

/* What a case is held with. */
#define CASE_OPTIONS                                                                              \
	{ "build-record", "FILE.json", "its build record: which functions it should replace",     \
	  false, 0 },                                                                             \
		{ "reproducer", "SCRIPT",                                                         \
		  "shell script that exits 0 if the fault shows, 1 if not", false, 0 },           \
		{ "sleeper", "SCRIPT", "shell script that sleeps within a function of the patch", \
		  false, 0 },                                                                     \
		{ "earlier", "FILE.ko",                                                           \
		  "an earlier version, to be replaced by this one; repeatable", false, 0 },       \
		{ "cycles", "N", "rounds of the case `cycles`, which is held too then", false,    \
		  0 },                                                                            \
	{                                                                                         \
		"timeout", "S", "seconds for a transition or the reproducer (default 60)", false, \
			0                                                                         \
	}

static const struct cli_option run_options[] = {
	{ "module", "FILE.ko", "the livepatch module", true, 0 },
	CASE_OPTIONS,
	{ "case", "NAME", "hold this case (see `cases`), or `all`; repeatable", false, 0 },
	{ "logs", "DIR", "keep the console log of each case here", false, 0 },
	{ "jobs", "N", "kernels at once (default: by processors and free memory)", false, 'j' },
	REPORT_OPTIONS,
	CLI_FORMAT_OPTION,
	GUEST_OPTIONS,
	{ 0 },
};

static const struct cli_option matrix_options[] = {
	{ "output", "DIR", "where results are remembered, with reports and logs (default FILE.d)",
	  false, 0 },
	{ "jobs", "N", "workers at once (default: by processors and free memory)", false, 'j' },
	{ "only", "PATTERN",
	  "only combinations PATCH/KERNEL/MACHINE that fit this shell pattern; repeatable", false,
	  0 },
	{ "plan", NULL, "print the combinations and what is remembered; run nothing", false, 0 },
	{ "again", NULL, "remember nothing: build and try everything anew", false, 0 },
	{ "keep-failures", NULL, "do not try again what failed and has not changed", false, 0 },
	{ "discard-kernels", NULL,
	  "take kernels that a matrix added out of the cache when they are done", false, 0 },
	REPORT_OPTIONS,
	CLI_FORMAT_OPTION,
	{ 0 },
};

static const struct cli_option report_options[] = {
	{ "module", "FILE.ko|HASH", "only the trials of this module", false, 0 },
	REPORT_OPTIONS,
	CLI_FORMAT_OPTION,
	{ 0 },
};

static const struct cli_option selftest_options[] = {
	{ "test", "NAME", "only this script, such as test-callbacks.sh; repeatable", false, 0 },
	{ "source", "DIR", "take the tests from this kernel source tree", false, 0 },
	{ "make-jobs", "N", "compile so many files at once (default: one a processor)", false, 0 },
	{ "timeout", "S", "seconds for one script (default 300)", false, 0 },
	REPORT_OPTIONS,
	{ "logs", "DIR", "keep what scripts, kernel and console said", false, 0 },
	CLI_FORMAT_OPTION,
	GUEST_OPTIONS,
	{ 0 },
};

static const struct cli_option bisect_options[] = {
	{ "module", "FILE.ko", "the cumulative livepatch module", true, 0 },
	{ "case", "NAME", "look into this case (see `run`), or the first of several; repeatable",
	  false, 0 },
	CASE_OPTIONS,
	{ "any-cause", NULL,
	  "a part that fails for another cause than the whole (but fault-stays) has failed too",
	  false, 0 },
	{ "tries", "N", "give up after so many parts (default 200)", false, 0 },
	{ "output", "DIR", "write broken.ko and others.ko there: what was named, and the rest",
	  false, 'o' },
	GUEST_OPTIONS,
	CLI_FORMAT_OPTION,
	{ 0 },
};

static const struct cli_option shell_options[] = {
	{ "module", "FILE.ko", "load this livepatch first", false, 0 },
	{ "case", "NAME", "do not load it: prepare the guest for this case instead (see `run`)",
	  false, 0 },
	CASE_OPTIONS,
	GUEST_OPTIONS,
	{ 0 },
};

static const struct cli_option start_options[] = {
	{ "name", "NAME", "name of the guest: 1 to 32 of a-z 0-9 and '-'", true, 0 },
	{ "module", "NAME", "the same as --load", false, 0 },
	{ "disk", "FILE", "a virtio disk, from a raw image", false, 0 },
	{ "memory-file", "FILE",
	  "the guest's memory, in a file of its size; the next guest finds there what a reset keeps",
	  false, 0 },
	{ "system", "FILE",
	  "raw image of an ext4 file system whose /sbin/init is to run; commands run in it too, and what "
	  "is written stays in the file",
	  false, 0 },
	GUEST_OPTIONS,
	{ 0 },
};

static const struct cli_option exec_options[] = {
	{ "timeout", "S", "end the command after so many seconds (default 120, 0: never)", false,
	  0 },
	{ "input", "FILE", "its standard input (- for ours; default: none)", false, 0 },
	{ "background", NULL, "do not wait; output goes to /var/log/NAME.log in the guest", false,
	  0 },
	{ 0 },
};

static const struct cli_option load_options[] = {
	{ "timeout", "S", "seconds that one module may take to start (default 120)", false, 0 },
	{ 0 },
};

static const struct cli_option trace_options[] = {
	{ "timeout", "S", "seconds that the panic may take (default 30)", false, 0 },
	{ 0 },
};

static const struct cli_option list_options[] = {
	CLI_FORMAT_OPTION,
	{ 0 },
};

static const struct cli_verb verbs[] = {
	{ "run", "", 0, 0, "try a livepatch on stock kernels, case by case",
	  "For each --kernel: boots it, and holds case after case; each begins and ends with the "
	  "unpatched kernel. A case that fails ends its guest, and the next one gets a new guest. "
	  "With --accel tcg-multi it is held again with one thread before it counts.",
	  run_options, command_run },
	{ "matrix", "FILE", 1, 1, "try patches on many kernels and machines, as a file says",
	  "Adds each kernel to the cache, builds the modules with suture-build, and holds the cases "
	  "of `run` for each patch, kernel and machine. Results are remembered: what passed is not "
	  "run again until the module, an earlier version, the kernel, the machine, a script, the "
	  "cases or the lab itself change. What failed is run again. May be interrupted at any "
	  "time: the next run goes on from there.",
	  matrix_options, command_matrix },
	{ "cases", "", 0, 0, "list the cases that `run` holds", NULL, NULL, command_cases },
	{ "report", "RECORD.json…", 1, -1, "make a report from test records again",
	  "Several records become one report. Nothing is run. Links to console logs are relative, "
	  "as they are in the records: write the page to where the first one is.",
	  report_options, command_report },
	{ "selftest", "", 0, 0,
	  "run the kernel's own livepatch selftests, as a check of lab and kernel",
	  "For each --kernel, which suture-build kernel add must have prepared: compiles the "
	  "modules of the selftests in its source, boots it, and runs each script. Every test that "
	  "the scripts hold must pass, and the kernel log must be free of warnings. After a script "
	  "that fails, the next one gets a new guest.",
	  selftest_options, command_selftest },
	{ "bisect", "", 0, 0, "find the functions of a cumulative patch that break a case",
	  "Holds the cases with the whole patch; then the first that fails without any function of "
	  "it, and with fewer and fewer of them, until no single one can be left out. A part that "
	  "fails for another cause, or for which the case is skipped, counts neither way. The build "
	  "record is cut to the functions of the part. Callbacks and states stay, and new "
	  "functions that call each other, or share shadow variables, still do. If the fault shows "
	  "although patched (fault-stays), no part is tried: it shows without any function too. A "
	  "reproducer that sees wrong data ends with a status of its own, 2 or more, so that this "
	  "is not taken for the fault that the patch mends. Exit status 0: no case fails; 3: one "
	  "does, whatever was found.",
	  bisect_options, command_bisect },
	{ "shell", "", 0, 0, "a shell in a guest, on its console",
	  "The guest goes off when the shell ends, or with Ctrl-]. Without a terminal, standard "
	  "input is a script for it, and the exit status is the script's.",
	  shell_options, command_shell },
	{ "start", "", 0, 0, "start a guest that goes on running under a name",
	  "Boots the kernel with busybox, the given programs and files, and returns when the "
	  "guest answers.",
	  start_options, command_start },
	{ "exec", "NAME -- COMMAND…", 2, -1, "run a command in a guest",
	  "Prints what the command prints and exits with its status; 124 when the time limit "
	  "ended it, 127 when it could not be started.",
	  exec_options, command_exec },
	{ "put", "NAME HOST GUEST", 3, 3, "copy a file into a guest", NULL, NULL, command_put },
	{ "get", "NAME GUEST HOST", 3, 3, "copy a file out of a guest (HOST -: print it)", NULL,
	  NULL, command_get },
	{ "load", "NAME MODULE…", 2, -1, "load modules of the guest's kernel, with what they need",
	  "What is loaded already stays as it is. Fails if a named module cannot be loaded, for "
	  "example because its hardware is not there.",
	  load_options, command_load },
	{ "log", "NAME", 1, 1, "print a guest's console log", NULL, NULL, command_log },
	{ "trace", "NAME", 1, 1, "show where a guest hangs, and end it",
	  "Sends it an interrupt that cannot be masked, on which its kernel panics; prints what "
	  "its console says then.",
	  trace_options, command_trace },
	{ "stop", "NAME", 1, 1, "power a guest off and forget it", NULL, NULL, command_stop },
	{ "list", "", 0, 0, "list the named guests, and how they ended", NULL, list_options,
	  command_list },
	{ 0 },
};

static const struct cli_exit exits[] = {
	{ EXIT_CASE_FAILED,
	  "a case of `run`, `matrix`, `selftest` or `bisect` failed, or a module could not be "
	  "built" },
	{ -1, NULL },
};

static const struct cli_program program = {
	.name = "suture-lab",
	.section = 1,
	.summary = "try live patches on real kernels in QEMU",
	.description =
		"Boots stock kernels under QEMU with a small initramfs of its own. By default one "
		"processor is emulated by one thread: that is the reference, since it is exact with "
		"code that changes while it runs. Needs no privileges.",
	.verbs = verbs,
	.exits = exits,
	.files = "$XDG_RUNTIME_DIR/suture-lab or /tmp/suture-lab-UID\n"
		 "\tOne folder for each named guest: sockets, process number, console log.\n",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv, NULL);
}
