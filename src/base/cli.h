/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command lines. One table describes a program: its verbs, their options, arguments and exit
 * statuses. --help, --version, error messages and the man page all come from it.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_USAGE = 2,
};

enum cli_format { CLI_TEXT, CLI_JSON, CLI_YAML };

/* One --option. `value` NULL: a switch. Options may be repeated; each occurrence is kept. */
struct cli_option {
	const char *name;  /* without the dashes; NULL ends the table */
	const char *value; /* placeholder in the help, e.g. "FILE" */
	const char *help;  /* one line, no final full stop */
	bool required;
	char letter; /* a short form such as 'o', or 0 */
};

struct cli_exit {
	int status; /* -1 ends the table */
	const char *meaning;
};

struct cli;
struct config_key;

/* Does the verb's work. Returns an exit status, or a negative error code with *err set, which the
 * caller prints as "program: message" plus the hint. */
typedef int (*cli_run_fn)(struct cli *cli, struct error *err);

struct cli_verb {
	const char *name; /* one or two words, e.g. "kernel add"; "" for a program without verbs;
			     NULL ends */
	const char
		*arguments; /* e.g. "RELEASE" or "[FIX.patch]…", for the usage line; "" for none */
	int min_args, max_args;  /* positional arguments; max -1: no limit */
	const char *help;        /* one line */
	const char *description; /* paragraphs for --help VERB and the man page; may be NULL */
	const struct cli_option *options; /* may be NULL */
	cli_run_fn run;
};

struct cli_program {
	const char *name;
	int section;             /* man section, 1 or 8 */
	const char *summary;     /* one line: what it is for */
	const char *description; /* man page and --help; may be NULL */
	const struct cli_verb *verbs;
	const struct cli_option
		*options; /* accepted with every verb; may be NULL. --help, --version and, through
			     CLI_FORMAT_OPTION, --format are handled here */
	const struct cli_exit *exits;      /* beyond 0, 1 and 2 */
	const char *settings_file;         /* where `settings` are, for --help and the man page */
	const struct config_key *settings; /* may be NULL */
	const char *files;                 /* man page: FILES; may be NULL */
	const char *examples;              /* man page: EXAMPLES; may be NULL */
};

/* Put this in an options table where something is listed or shown. */
#define CLI_FORMAT_OPTION                                                               \
	{                                                                               \
		"format", "text|json", "how to print: text (default) or json", false, 0 \
	}

/*
 * Parses argv by the table, runs the verb, prints its error. Handles --help, --version,
 * `PROGRAM help VERB` and `--man` (scdoc source on standard output, used by the build). Returns the
 * process's exit status. `user` is handed to the verbs.
 */
int cli_main(const struct cli_program *program, int argc, char **argv, void *user);

/* For the verbs. Strings belong to argv. */
void *cli_user(const struct cli *cli);
size_t cli_argc(const struct cli *cli); /* positional arguments */
const char *cli_arg(const struct cli *cli, size_t i);
/* The last value of an option, or NULL; asking for an option that is in no table aborts in tests.
 */
const char *cli_get(const struct cli *cli, const char *option);
bool cli_has(const struct cli *cli, const char *option);
size_t cli_count(const struct cli *cli, const char *option);
const char *cli_get_nth(const struct cli *cli, const char *option, size_t i);
/* A whole number within bounds; `fallback` when the option is absent; ERR_USAGE otherwise. */
int cli_get_int(const struct cli *cli, const char *option, int64_t min, int64_t max,
		int64_t fallback, int64_t *ret, struct error *err);
/* --format; ERR_USAGE for an unknown word. `yaml_too`: yaml is accepted as well. */
int cli_get_format(const struct cli *cli, bool yaml_too, enum cli_format *ret, struct error *err);
/* Asks on the terminal; true at once with --yes; false without a terminal. */
bool cli_confirm(const struct cli *cli, const char *question);
/* A step in progress, on standard error and only on a terminal. */
void cli_progress(const char *format, ...) _printf_(1, 2);

/* Reads a secret's first line from a file, "-" or NULL for standard input (with a prompt and no
 * echo on a terminal, which is as before when a signal ends or stops the program). 1 to 4096 bytes
 * without the newline; the caller wipes and frees. */
int cli_read_secret(const char *path, const char *prompt, char **ret, struct error *err);
