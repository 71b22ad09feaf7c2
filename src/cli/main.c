/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture: the machine's command line. */
#include "cli/verbs.h"

static const struct cli_option enable_options[] = {
	{ "trust", "FILE", "trust bundle of the server (from suture-repo trust-bundle)", false, 0 },
	{ "token-file", "FILE", "file with the token; default: standard input", false, 0 },
	{ "tier", "NAME", "tier to follow; default: the bundle's", false, 0 },
	{ 0 },
};

static const struct cli_option disable_options[] = {
	{ "unpatch", NULL, "also take the patch out of the kernel", false, 0 },
	{ "yes", NULL, "do not ask", false, 'y' },
	{ 0 },
};

static const struct cli_option status_options[] = {
	{ "format", "text|json|yaml", "how to print: text (default), json or yaml", false, 0 },
	{ "verbose", NULL, "also functions, CVEs and identifiers", false, 'v' },
	{ "summary", NULL, "one line", false, 0 },
	{ "wait", NULL, "wait until no patch is being applied", false, 0 },
	{ 0 },
};

static const struct cli_option look_options[] = {
	CLI_FORMAT_OPTION,
	{ 0 },
};

static const struct cli_option refresh_options[] = {
	{ "from", "DIR", "read the repository from this folder, without the server", false, 0 },
	{ 0 },
};

static const struct cli_verb verbs[] = {
	{ "enable", "", 0, 0, "enrol this machine with a server",
	  "What is trusted comes from the bundle given with --trust, or from the one that a token of "
	  "the form url#hash#secret names. The token is read from a file, from standard input or from "
	  "the terminal, never from the command line.",
	  enable_options, verb_enable },
	{ "disable", "", 0, 0, "forget this machine's identity",
	  "The patch stays in the kernel until the next reboot, unless --unpatch is given.",
	  disable_options, verb_disable },
	{ "status", "", 0, 0, "show what is applied, and whether that is all there is",
	  "Reads the status that sutured publishes, so it answers at once, whatever sutured does.",
	  status_options, verb_status },
	{ "refresh", "", 0, 0, "check in now, and apply what is granted",
	  "Ends when the patch is applied, or when it is clear that there is none. With --from the "
	  "repository is read from a medium (suture-repo export), verified like any other; for a "
	  "machine with `require-grant = no`.",
	  refresh_options, verb_refresh },
	{ "rollback", "[VERSION]", 0, 1, "go back to a lower version, or to the unpatched kernel",
	  "Without VERSION the patch is taken out. What was applied is not applied again until "
	  "`suture unhold` or until a newer version appears, also across reboots.",
	  NULL, verb_rollback },
	{ "retry", "VERSION", 1, 1, "let a version be tried again that the machine went down with",
	  "After a crash with a patch its version is in quarantine on this kernel; after an end that "
	  "nothing explains it waits for its second try. This ends both, and the next check-in applies "
	  "it. An error when nothing keeps that version back.",
	  NULL, verb_retry },
	{ "hold", "", 0, 0, "apply no new version", NULL, NULL, verb_hold },
	{ "unhold", "", 0, 0, "apply new versions again, also one that was taken back", NULL, NULL,
	  verb_unhold },
	{ "history", "", 0, 0, "show what happened on this machine", NULL, look_options,
	  verb_history },
	{ "check", "", 0, 0, "look for what stands in the way of live patches, with its cure",
	  "One requirement a line: pass, warning or fail, with what was found, and its cure unless it "
	  "passes. Needs root to see everything; what could not be seen is said. Exit status 1 when "
	  "a requirement fails.",
	  look_options, verb_check },
	{ "blocking", "", 0, 0, "show which tasks hold a running transition up",
	  "Names each task that has not changed over, with its kernel stack and the functions of the "
	  "patch that are on it. Works without sutured. Stacks, and other users' tasks, are for root "
	  "alone. Changes nothing: a transition that does not end is turned back by sutured, and "
	  "never forced. Exit status 0 also when no transition is running.",
	  look_options, verb_blocking },
	{ "uname", "", 0, 0, "print the kernel release with the patch version", NULL, NULL,
	  verb_uname },
	{ 0 },
};

static const struct cli_exit exits[] = {
	{ 3, "status: not enabled" },
	{ 4, "status: a newer patch waits or is held" },
	{ 5, "status: a patch is being applied" },
	{ 6, "status: a patch failed, was refused or is quarantined" },
	{ 7, "status: the kernel is not covered" },
	{ 8, "status: a reboot is needed" },
	{ -1, NULL },
};

static const struct cli_program program = {
	.name = "suture",
	.section = 1,
	.summary = "live patches of this machine's kernel",
	.description =
		"Enrols this machine, shows what is applied, and goes back. The work is done by sutured; "
		"suture talks to it over a socket that only root may use, and reads the status that "
		"everybody may read. `suture status` exits with 0 when the machine is protected; where "
		"several of its exit statuses hold, the first of 3, 7, 8, 6, 5, 4 counts.",
	.verbs = verbs,
	.exits = exits,
	.files = "/etc/suture/suture.conf\n\n/run/suture/status.json\n\n/run/suture/control.sock",
	.examples = "suture enable --trust bundle.json --token-file token\n\n"
		    "suture status --format json\n\n"
		    "suture rollback",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv, NULL);
}
