/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cli_help.h"

#include <stdio.h>

#include "base/config.h"

static const struct cli_exit base_exits[] = {
	{ EXIT_OK, "done" },
	{ EXIT_ERROR, "an error, explained on standard error" },
	{ EXIT_USAGE, "the command line is wrong" },
};

static bool has_verbs(const struct cli_program *program)
{
	return *program->verbs->name != '\0';
}

/* An exit status that the program's own table explains differently wins over the common one. */
static bool explains(const struct cli_program *program, int status)
{
	for (const struct cli_exit *e = program->exits; e && e->status >= 0; e++)
		if (e->status == status)
			return true;
	return false;
}

static void option_label(const struct cli_option *o, char *label, size_t size)
{
	char letter[8] = "";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(label, size, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
		 o->value ? o->value : "");
}

/* Columns that UTF-8 text takes, every character being one wide. */
static int columns(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void print_options(FILE *out, const struct cli_option *options)
{
	char label[128];

	for (const struct cli_option *o = options; o && o->name; o++) {
		option_label(o, label, sizeof(label));
		fprintf(out, "  %s%*s %s%s\n", label, MAX(28 - columns(label), 0), "", o->help,
			o->required ? " (required)" : "");
	}
}

static void print_usage(FILE *out, const struct cli_program *program, const struct cli_verb *verb)
{
	fprintf(out, "%s%s%s%s%s%s", program->name, *verb->name ? " " : "", verb->name,
		verb->options || program->options ? " [OPTION]…" : "", *verb->arguments ? " " : "",
		verb->arguments);
}

static void print_exits(FILE *out, const struct cli_program *program)
{
	fputs("\nExit status:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(base_exits); i++)
		if (!explains(program, base_exits[i].status))
			fprintf(out, "  %d  %s\n", base_exits[i].status, base_exits[i].meaning);
	for (const struct cli_exit *e = program->exits; e && e->status >= 0; e++)
		fprintf(out, "  %d  %s\n", e->status, e->meaning);
}

/* All commands, or those of one first word. */
static void print_verbs(FILE *out, const struct cli_program *program, const char *group)
{
	size_t len = group ? strlen(group) : 0;

	fputs("Commands:\n", out);
	for (const struct cli_verb *v = program->verbs; v->name; v++) {
		if (group && (strncmp(v->name, group, len) != 0 || v->name[len] != ' '))
			continue;
		fputs("  ", out);
		print_usage(out, program, v);
		fprintf(out, "\n      %s\n", v->help);
	}
}

void cli_help_print_group(FILE *out, const struct cli_program *program, const char *group)
{
	print_verbs(out, program, group);
	print_exits(out, program);
	fprintf(out, "\n%s COMMAND --help tells more of one command.\n", program->name);
}

/* What a key may be, and what it is when the file has none. */
static void setting_values(const struct config_key *key, char *ret, size_t size)
{
	const char *fallback = key->fallback ? key->fallback : "none";

	if (key->type == CONFIG_INT)
		snprintf(ret, size, "%lld to %lld; default %s", (long long)key->min,
			 (long long)key->max, fallback);
	else
		snprintf(ret, size, "%s; default %s",
			 key->type == CONFIG_BOOL   ? "yes or no"
			 : key->type == CONFIG_ENUM ? key->choices
						    : "text",
			 fallback);
}

static void print_settings(FILE *out, const struct cli_program *program)
{
	char values[256];

	if (!program->settings)
		return;
	fprintf(out, "\nSettings, as KEY = VALUE in %s:\n", program->settings_file);
	for (const struct config_key *k = program->settings; k->name; k++) {
		setting_values(k, values, sizeof(values));
		fprintf(out, "  %-28s %s\n  %-28s (%s)\n", k->name, k->help, "", values);
	}
}

static void print_program(FILE *out, const struct cli_program *program)
{
	fprintf(out, "%s: %s\n\n", program->name, program->summary);
	if (program->description)
		fprintf(out, "%s\n\n", program->description);
	if (has_verbs(program)) {
		print_verbs(out, program, NULL);
		fputs("\nOptions of every command:\n", out);
	} else {
		fputs("Usage: ", out);
		print_usage(out, program, program->verbs);
		fputs("\n\nOptions:\n", out);
		print_options(out, program->verbs->options);
	}
	print_options(out, program->options);
	fprintf(out, "  %-28s %s\n  %-28s %s\n", "-h, --help", "print this help", "--version",
		"print the version");
	print_settings(out, program);
	print_exits(out, program);
	if (has_verbs(program))
		fprintf(out, "\n%s COMMAND --help tells more of one command.\n", program->name);
}

void cli_help_print(FILE *out, const struct cli_program *program, const struct cli_verb *verb)
{
	if (!verb) {
		print_program(out, program);
		return;
	}
	fputs("Usage: ", out);
	print_usage(out, program, verb);
	fprintf(out, "\n\n%s\n", verb->help);
	if (verb->description)
		fprintf(out, "\n%s\n", verb->description);
	if (verb->options || program->options) {
		fputs("\nOptions:\n", out);
		print_options(out, verb->options);
		print_options(out, program->options);
	}
	print_exits(out, program);
}

/* scdoc gives a meaning to _ * \ and to some characters at the start of a line. */
static void man_line(const char *text, bool line_start)
{
	for (; *text; text++) {
		if (strchr("_*\\<>", *text) || (line_start && strchr("#-.[|]:;", *text)))
			putchar('\\');
		putchar(*text);
		line_start = *text == '\n';
	}
}

static void man_text(const char *text)
{
	man_line(text, true);
}

static void man_options(const struct cli_option *options)
{
	char label[128];

	for (const struct cli_option *o = options; o && o->name; o++) {
		option_label(o, label, sizeof(label));
		printf("*");
		man_text(label);
		printf("*\n\t");
		man_text(o->help);
		puts(o->required ? " (required)\n" : "\n");
	}
}

static void man_section(const char *title, const char *text)
{
	if (!text)
		return;
	printf("# %s\n\n", title);
	man_text(text);
	puts("\n");
}

static void man_settings(const struct cli_program *program)
{
	char values[256];

	if (!program->settings)
		return;
	printf("# SETTINGS\n\nA line KEY = VALUE each in ");
	man_text(program->settings_file);
	puts(", and # begins a comment. They are read at the start; a key or a value that is not "
	     "allowed is an error that names its line.\n");
	for (const struct config_key *k = program->settings; k->name; k++) {
		setting_values(k, values, sizeof(values));
		printf("*%s*\n\t", k->name);
		man_text(k->help);
		printf(" (");
		man_text(values);
		puts(")\n");
	}
}

static void man_verb(const struct cli_program *program, const struct cli_verb *v)
{
	printf("## ");
	man_text(*v->name ? v->name : program->name);
	putchar(*v->arguments ? ' ' : '\n');
	/* troff would take \[NAME] for a character of that name. */
	man_line(v->arguments, false);
	puts("\n");
	man_text(v->help);
	puts(".\n");
	if (v->description) {
		man_text(v->description);
		puts("\n");
	}
	man_options(v->options);
}

void cli_help_man(const struct cli_program *program)
{
	static const struct cli_option common[] = {
		{ "help", NULL, "print a short help", false, 'h' },
		{ "version", NULL, "print the version", false, 0 },
		{ 0 },
	};

	printf("%s(%d)\n\n# NAME\n\n%s - %s\n\n# SYNOPSIS\n\n*%s*%s\n\n", program->name,
	       program->section, program->name, program->summary, program->name,
	       has_verbs(program) ? " COMMAND \\[OPTION\\]... \\[ARGUMENT\\]..."
				  : " \\[OPTION\\]...");
	man_section("DESCRIPTION", program->description);
	puts(has_verbs(program) ? "# COMMANDS\n" : "# OPTIONS\n");
	for (const struct cli_verb *v = program->verbs; v->name; v++)
		man_verb(program, v);
	if (has_verbs(program))
		puts("# OPTIONS OF EVERY COMMAND\n");
	man_options(program->options);
	man_options(common);
	man_settings(program);
	man_section("FILES", program->files);
	puts("# EXIT STATUS\n");
	for (size_t i = 0; i < ARRAY_SIZE(base_exits); i++)
		if (!explains(program, base_exits[i].status))
			printf("*%d*\n\t%s\n\n", base_exits[i].status, base_exits[i].meaning);
	for (const struct cli_exit *e = program->exits; e && e->status >= 0; e++) {
		printf("*%d*\n\t", e->status);
		man_text(e->meaning);
		puts("\n");
	}
	man_section("EXAMPLES", program->examples);
}
