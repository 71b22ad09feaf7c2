/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cli.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/cli_help.h"
#include "base/file.h"

#define CLI_VALUES_MAX 4096
#define SECRET_MAX     4096

struct cli_value {
	const char *name; /* the option's name in its table */
	const char *text; /* NULL for a switch */
};

struct cli {
	const struct cli_program *program;
	const struct cli_verb *verb;
	void *user;
	struct cli_value *values;
	size_t n_values;
	const char **args;
	size_t n_args;
};

static void cli_release(struct cli *cli)
{
	free(cli->values);
	free(cli->args);
}

/* Handled for every program, after the tables. */
static const struct cli_option common_options[] = {
	{ "help", NULL, "print this help", false, 'h' },
	{ "version", NULL, "print the version", false, 0 },
	{ 0 },
};

static const struct cli_option *find_in(const struct cli_option *options, const char *name,
					size_t len, char letter)
{
	for (; options && options->name; options++)
		if ((letter && options->letter == letter) ||
		    (!letter && strlen(options->name) == len &&
		     strncmp(options->name, name, len) == 0))
			return options;
	return NULL;
}

static const struct cli_option *find_option(const struct cli *cli, const char *name, size_t len,
					    char letter)
{
	const struct cli_option *o = NULL;

	if (cli->verb)
		o = find_in(cli->verb->options, name, len, letter);
	if (!o)
		o = find_in(cli->program->options, name, len, letter);
	return o ? o : find_in(common_options, name, len, letter);
}

static int usage_error(const struct cli *cli, struct error *err, const char *what, const char *word)
{
	error_set(err, ERR_USAGE, "%s: %s", word, what);
	error_hint(err, "see %s%s%s --help", cli->program->name,
		   cli->verb && *cli->verb->name ? " " : "", cli->verb ? cli->verb->name : "");
	return ERR_USAGE;
}

/* Takes one "--name", "--name=value", "-x" or "-x value"; *i moves over a separate value. */
static int take_option(struct cli *cli, int argc, char **argv, int *i, struct error *err)
{
	const char *word = argv[*i];
	bool is_long = word[1] == '-';
	const char *name = is_long ? word + 2 : word + 1;
	const char *equals = is_long ? strchr(name, '=') : NULL;
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *o = find_option(cli, name, len, is_long ? 0 : name[0]);
	const char *value = equals ? equals + 1 : NULL;

	if (!o)
		return usage_error(cli, err, "unknown option", word);
	if (!o->value && (equals || (!is_long && len > 1)))
		return usage_error(cli, err, "takes no value", word);
	if (o->value && !is_long && len > 1)
		value = name + 1;
	if (o->value && !value) {
		if (*i + 1 >= argc)
			return usage_error(cli, err, "needs a value", word);
		value = argv[++*i];
	}
	if (cli->n_values >= CLI_VALUES_MAX)
		return usage_error(cli, err, "too many options", word);
	cli->values[cli->n_values++] = (struct cli_value){ o->name, value };
	return 0;
}

/* A verb is one or two leading words; the longer match wins. `used` gets the number of words. */
static const struct cli_verb *find_verb(const struct cli_program *program, int argc, char **argv,
					int *used)
{
	for (int words = 2; words >= 0; words--) {
		_cleanup_buf_ struct buf name = BUF_INIT(256);
		int r = 0;

		if (words > argc)
			continue;
		for (int i = 0; i < words && r == 0; i++)
			r = buf_printf(&name, "%s%s", i ? " " : "", argv[i]);
		for (const struct cli_verb *v = program->verbs; r == 0 && v->name; v++)
			if (streq(v->name, buf_str(&name))) {
				*used = words;
				return v;
			}
	}
	return NULL;
}

/* True if verbs of two words begin with `word`, as "kernel list" does with "kernel"; their second
 * words are put into `list`. */
static bool find_group(const struct cli_program *program, const char *word, struct buf *list)
{
	size_t len = strlen(word);

	for (const struct cli_verb *v = program->verbs; v->name; v++)
		if (strncmp(v->name, word, len) == 0 && v->name[len] == ' ' &&
		    buf_printf(list, "%s%s", list->len ? ", " : "", v->name + len + 1) < 0)
			break;
	return list->len > 0;
}

static int unknown_verb(const struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_buf_ struct buf list = BUF_INIT(ERROR_HINT_MAX / 2);
	char words[128];

	if (!find_group(cli->program, argv[0], &list))
		return usage_error(cli, err,
				   argv[0][0] == '-' ? "unknown option" : "unknown command",
				   argv[0]);
	snprintf(words, sizeof(words), "%s%s%s", argv[0], argc > 1 ? " " : "",
		 argc > 1 ? argv[1] : "");
	error_set(err, ERR_USAGE, "%s: %s", words,
		  argc > 1 ? "unknown command" : "a second word is missing");
	error_hint(err, "%s has: %s", argv[0], buf_str(&list));
	return ERR_USAGE;
}

static int parse(struct cli *cli, int argc, char **argv, struct error *err)
{
	bool only_args = false;

	for (int i = 0; i < argc; i++) {
		if (!only_args && streq(argv[i], "--")) {
			only_args = true;
		} else if (!only_args && argv[i][0] == '-' && argv[i][1]) {
			int r = take_option(cli, argc, argv, &i, err);
			if (r < 0)
				return r;
		} else {
			cli->args[cli->n_args++] = argv[i];
		}
	}
	return 0;
}

static int missing(const struct cli *cli, struct error *err, const char *dashes, const char *what)
{
	char text[128];

	snprintf(text, sizeof(text), "needs %s%s", dashes, what);
	return usage_error(cli, err, text, *cli->verb->name ? cli->verb->name : "command line");
}

static int check_counts(const struct cli *cli, struct error *err)
{
	const struct cli_verb *v = cli->verb;

	if (cli->n_args < (size_t)v->min_args)
		return missing(cli, err, "", v->arguments);
	if (v->max_args >= 0 && cli->n_args > (size_t)v->max_args)
		return usage_error(cli, err, "unexpected argument", cli->args[v->max_args]);
	for (const struct cli_option *o = v->options; o && o->name; o++)
		if (o->required && !cli_has(cli, o->name))
			return missing(cli, err, "--", o->name);
	return 0;
}

static int report(const struct cli_program *program, const struct error *err, int code)
{
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", program->name,
		err->message[0] ? err->message : error_code_name(code));
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	switch (code) {
	case ERR_USAGE: return EXIT_USAGE;
	case ERR_NO_CHANGE: return 3;
	case ERR_NOT_PATCHABLE: return 4;
	case ERR_MISMATCH: return 5;
	default: return EXIT_ERROR;
	}
}

/* A full disk behind a redirected standard output must not look like success. */
static int finish(const struct cli_program *program, int status)
{
	struct error err = { 0 };

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	error_set_errno(&err, errno, "cannot write to standard output");
	return report(program, &err, err.code);
}

/* What is answered without running a verb; true when that was the case. */
static bool answer_about_program(const struct cli_program *program, int argc, char **argv,
				 int *ret_status)
{
	const struct cli_verb *verb = NULL;
	const char *word = argc > 0 ? argv[0] : "";
	_cleanup_buf_ struct buf group = BUF_INIT(1024);
	int used = 0;

	*ret_status = EXIT_OK;
	if (streq(word, "--version")) {
		printf("%s %s\n", program->name, SUTURE_VERSION);
	} else if (streq(word, "--man")) {
		cli_help_man(program);
	} else if (streq(word, "help") || streq(word, "--help") || streq(word, "-h")) {
		if (argc > 1)
			verb = find_verb(program, argc - 1, argv + 1, &used);
		cli_help_print(stdout, program, verb && *verb->name ? verb : NULL);
	} else if (argc == 2 && (streq(argv[1], "--help") || streq(argv[1], "-h")) &&
		   !find_verb(program, 1, argv, &used) && find_group(program, word, &group)) {
		cli_help_print_group(stdout, program, word);
	} else if (argc == 0 && *program->verbs->name) {
		cli_help_print(stderr, program, NULL);
		*ret_status = EXIT_USAGE;
	} else {
		return false;
	}
	return true;
}

static int run_verb(struct cli *cli, int argc, char **argv, struct error *err)
{
	cli->values = calloc((size_t)argc + 1, sizeof(*cli->values));
	cli->args = calloc((size_t)argc + 1, sizeof(*cli->args));
	if (!cli->values || !cli->args)
		return error_set(err, ERR_NO_MEMORY, "no memory");

	int r = parse(cli, argc, argv, err);
	if (r < 0)
		return r;
	if (cli_has(cli, "help")) {
		cli_help_print(stdout, cli->program, *cli->verb->name ? cli->verb : NULL);
		return EXIT_OK;
	}
	/* A verb may have a --version of its own, with a value. */
	if (cli_has(cli, "version") && !find_option(cli, "version", 7, 0)->value) {
		printf("%s %s\n", cli->program->name, SUTURE_VERSION);
		return EXIT_OK;
	}
	r = check_counts(cli, err);
	return r < 0 ? r : cli->verb->run(cli, err);
}

int cli_main(const struct cli_program *program, int argc, char **argv, void *user)
{
	_cleanup_(cli_release) struct cli cli = { .program = program, .user = user };
	struct error err = { 0 };
	int status, used = 0;

	argc = MAX(argc - 1, 0);
	argv++;
	if (answer_about_program(program, argc, argv, &status))
		return finish(program, status);

	cli.verb = find_verb(program, argc, argv, &used);
	if (!cli.verb) {
		unknown_verb(&cli, argc, argv, &err);
		return report(program, &err, ERR_USAGE);
	}
	int r = run_verb(&cli, argc - used, argv + used, &err);
	if (r < 0)
		return report(program, &err, r);
	return finish(program, r);
}

void *cli_user(const struct cli *cli)
{
	return cli->user;
}

size_t cli_argc(const struct cli *cli)
{
	return cli->n_args;
}

const char *cli_arg(const struct cli *cli, size_t i)
{
	return i < cli->n_args ? cli->args[i] : NULL;
}

const char *cli_get_nth(const struct cli *cli, const char *option, size_t n)
{
	if (!find_option(cli, option, strlen(option), 0))
		abort();
	for (size_t i = 0; i < cli->n_values; i++)
		if (streq(cli->values[i].name, option) && n-- == 0)
			return cli->values[i].text ? cli->values[i].text : "";
	return NULL;
}

size_t cli_count(const struct cli *cli, const char *option)
{
	size_t n = 0;

	while (cli_get_nth(cli, option, n))
		n++;
	return n;
}

bool cli_has(const struct cli *cli, const char *option)
{
	return cli_get_nth(cli, option, 0) != NULL;
}

const char *cli_get(const struct cli *cli, const char *option)
{
	size_t n = cli_count(cli, option);

	return n ? cli_get_nth(cli, option, n - 1) : NULL;
}

int cli_get_int(const struct cli *cli, const char *option, int64_t min, int64_t max,
		int64_t fallback, int64_t *ret, struct error *err)
{
	const char *text = cli_get(cli, option);
	char *end;

	if (!text) {
		*ret = fallback;
		return 0;
	}
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max) {
		error_set(err, ERR_USAGE, "--%s: '%s' is not a whole number from %lld to %lld",
			  option, text, (long long)min, (long long)max);
		return ERR_USAGE;
	}
	*ret = value;
	return 0;
}

int cli_get_format(const struct cli *cli, bool yaml_too, enum cli_format *ret, struct error *err)
{
	const char *text = cli_get(cli, "format");

	if (!text || streq(text, "text"))
		*ret = CLI_TEXT;
	else if (streq(text, "json"))
		*ret = CLI_JSON;
	else if (yaml_too && streq(text, "yaml"))
		*ret = CLI_YAML;
	else
		return error_set(err, ERR_USAGE, "--format: '%s' is not text%s json%s", text,
				 yaml_too ? "," : " or", yaml_too ? " or yaml" : "");
	return 0;
}

bool cli_confirm(const struct cli *cli, const char *question)
{
	char line[16];

	if (cli_has(cli, "yes"))
		return true;
	if (!isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "%s [y/N] ", question);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

void cli_progress(const char *format, ...)
{
	va_list ap;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fflush(stderr);
}

/* A terminal that shows nothing of what is typed. What would end or stop the program meanwhile is
 * blocked, and read from `signals`, so that the terminal is first made as it was. */
struct quiet_terminal {
	const char *prompt;
	struct termios before;
	int signals; /* -1: not quiet */
	sigset_t blocked, mask;
};

static void hush(const struct quiet_terminal *t)
{
	struct termios quiet = t->before;

	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fprintf(stderr, "%s: ", t->prompt);
}

static void quiet_begin(struct quiet_terminal *t)
{
	static const int list[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

	if (tcgetattr(STDIN_FILENO, &t->before) < 0)
		return;
	sigemptyset(&t->blocked);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		sigaddset(&t->blocked, list[i]);
	t->signals = signalfd(-1, &t->blocked, SFD_CLOEXEC);
	if (t->signals < 0)
		return;
	sigprocmask(SIG_BLOCK, &t->blocked, &t->mask);
	hush(t);
}

static void quiet_end(struct quiet_terminal *t)
{
	if (t->signals < 0)
		return;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
	fputc('\n', stderr);
	close(t->signals);
	sigprocmask(SIG_SETMASK, &t->mask, NULL);
}

/* It takes effect now, and may end the program; after a stop the question is asked once more. */
static void pass_signal_on(const struct quiet_terminal *t)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != sizeof(info))
		return;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
	fputc('\n', stderr);
	sigprocmask(SIG_SETMASK, &t->mask, NULL);
	raise((int)info.ssi_signo);
	sigprocmask(SIG_BLOCK, &t->blocked, NULL);
	hush(t);
}

/* Until something is typed. */
static int wait_for_typing(const struct quiet_terminal *t, struct error *err)
{
	struct pollfd polled[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				   { .fd = t->signals, .events = POLLIN } };

	while (t->signals >= 0) {
		int n = poll(polled, ARRAY_SIZE(polled), -1);

		if (n < 0 && errno != EINTR)
			return error_set_errno(err, errno, "cannot read the secret");
		if (n < 0)
			continue;
		if (polled[1].revents)
			pass_signal_on(t);
		else if (polled[0].revents)
			break;
	}
	return 0;
}

/* Reads up to a newline, byte by byte, so that what follows stays for others. */
static int read_secret_line(int fd, const struct quiet_terminal *t, struct buf *line,
			    struct error *err)
{
	for (;;) {
		uint8_t byte;
		int r = wait_for_typing(t, err);
		ssize_t n = r < 0 ? 0 : read(fd, &byte, 1);

		if (r < 0)
			return r;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "cannot read the secret");
		if (n == 0 || byte == '\n')
			return 0;
		if (byte != '\r' && buf_append_byte(line, byte) < 0)
			return error_set(err, ERR_TOO_LARGE, "the secret is longer than %d bytes",
					 SECRET_MAX);
	}
}

int cli_read_secret(const char *path, const char *prompt, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf line = BUF_INIT(SECRET_MAX);
	_cleanup_close_ int opened = -1;
	bool standard = !path || streq(path, "-");
	struct quiet_terminal terminal = { .prompt = prompt, .signals = -1 };

	if (!standard && (opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
		return error_set_errno(err, errno, "%s", path);
	if (standard)
		quiet_begin(&terminal);
	/* No reallocation, so that no copy of the secret stays behind in freed memory. */
	int r = buf_reserve(&line, SECRET_MAX);
	if (r == 0)
		r = read_secret_line(standard ? STDIN_FILENO : opened, &terminal, &line, err);
	quiet_end(&terminal);
	if (r == 0 && line.len == 0)
		r = error_set(err, ERR_INVALID, "%s: empty", standard ? prompt : path);
	if (r < 0) {
		if (line.data)
			explicit_bzero(line.data, line.cap);
		return r;
	}
	*ret = (char *)buf_take(&line, NULL);
	return 0;
}
