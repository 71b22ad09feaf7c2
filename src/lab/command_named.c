// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "lab/commands.h"
#include "lab/guest/guest_module.h"
#include "lab/guest/named.h"

#define INPUT_MAX   (64 * 1024 * 1024)
#define FILE_MAX    (256 * 1024 * 1024)
#define ARGV_MAX    256
#define TIMED_OUT   124
#define NOT_STARTED 127

/* What outlives a guest. The paths become parts of QEMU's arguments, where a comma ends them. */
static int get_files(const struct cli *cli, struct guest_options *ret, struct error *err)
{
	const struct {
		const char *option, **ret;
	} files[] = { { "disk", &ret->disk },
		      { "memory-file", &ret->memory_file },
		      { "system", &ret->system } };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = cli_get(cli, files[i].option);

		if (path && (path[0] != '/' || strchr(path, ',')))
			return error_set(err, ERR_USAGE,
					 "--%s %s: an absolute path without a comma is needed",
					 files[i].option, path);
		*files[i].ret = path;
	}
	return 0;
}

int command_start(struct cli *cli, struct error *err)
{
	_cleanup_lab_options_ struct lab_options options = { 0 };
	_cleanup_(guest_freep) struct guest *guest = NULL;
	int64_t start = clock_monotonic_ms();
	int r = lab_options_get(cli, 0, "module", &options, err);

	if (r == 0)
		r = get_files(cli, &options.guest, err);
	if (r == 0)
		r = named_start(cli_get(cli, "name"), &options.guest, &guest, err);
	if (r < 0)
		return r;
	if (*guest_problems(guest)) {
		error_set(err, ERR_CHILD, "guest %s: %s", cli_get(cli, "name"),
			  guest_problems(guest));
		guest_stop(TAKE_PTR(guest), NULL);
		return ERR_CHILD;
	}
	printf("guest %s answers after %.1f s\n", cli_get(cli, "name"),
	       (double)(clock_monotonic_ms() - start) / 1000);
	return EXIT_OK;
}

/* Output passes through as it comes. */
static int pass_output(void *user, bool is_error, const void *data, size_t len)
{
	(void)user;
	return file_write_fd(is_error ? STDERR_FILENO : STDOUT_FILENO, data, len, NULL);
}

static int read_input(const char *path, struct buf *out, struct error *err)
{
	if (!path)
		return 0;
	return streq(path, "-") ? file_read_fd(STDIN_FILENO, out, err) : file_read(path, out, err);
}

static int exec_in(struct guest *guest, const struct channel_command *command, struct error *err)
{
	struct channel_result result = { 0 };
	int r = guest_run(guest, command, &result, err);

	if (r == -ENOENT || r == -EACCES) {
		fprintf(stderr, "suture-lab: %s\n", err ? err->message : command->argv[0]);
		return NOT_STARTED;
	}
	if (r < 0)
		return r;
	if (!result.timed_out)
		return result.status;
	fprintf(stderr, "suture-lab: %s: not done after %d s\n", command->argv[0],
		command->timeout_ms / 1000);
	return TIMED_OUT;
}

int command_exec(struct cli *cli, struct error *err)
{
	_cleanup_(guest_freep) struct guest *guest = NULL;
	_cleanup_buf_ struct buf input = BUF_INIT(INPUT_MAX);
	const char *argv[ARGV_MAX + 1] = { NULL };
	int64_t timeout_s = 120;
	int r = cli_get_int(cli, "timeout", 0, 86400, timeout_s, &timeout_s, err);

	if (r < 0)
		return r;
	if (cli_argc(cli) > ARGV_MAX)
		return error_set(err, ERR_USAGE, "more than %d arguments", ARGV_MAX - 1);
	for (size_t i = 1; i < cli_argc(cli); i++)
		argv[i - 1] = cli_arg(cli, i);
	r = read_input(cli_get(cli, "input"), &input, err);
	if (r == 0)
		r = named_attach(cli_arg(cli, 0), &guest, err);
	if (r < 0)
		return r;
	return exec_in(guest,
		       &(struct channel_command){ .argv = argv,
						  .input = input.data,
						  .input_len = input.len,
						  .timeout_ms = (int)timeout_s * 1000,
						  .background = cli_has(cli, "background"),
						  .output = pass_output },
		       err);
}

int command_put(struct cli *cli, struct error *err)
{
	_cleanup_(guest_freep) struct guest *guest = NULL;
	int r = named_attach(cli_arg(cli, 0), &guest, err);

	return r < 0 ? r : guest_put(guest, cli_arg(cli, 1), cli_arg(cli, 2), err);
}

int command_load(struct cli *cli, struct error *err)
{
	_cleanup_(guest_freep) struct guest *guest = NULL;
	_cleanup_free_ char *modules = NULL;
	int64_t timeout_s = 120;
	int r = cli_get_int(cli, "timeout", 1, 86400, timeout_s, &timeout_s, err);

	if (r == 0)
		r = named_modules(cli_arg(cli, 0), &modules, err);
	if (r == 0)
		r = named_attach(cli_arg(cli, 0), &guest, err);
	for (size_t i = 1; r == 0 && i < cli_argc(cli); i++)
		r = guest_load_module(guest, modules, cli_arg(cli, i), (int)timeout_s * 1000, err);
	return r;
}

int command_get(struct cli *cli, struct error *err)
{
	_cleanup_(guest_freep) struct guest *guest = NULL;
	_cleanup_buf_ struct buf data = BUF_INIT(FILE_MAX);
	const char *to = cli_arg(cli, 2);
	int r = named_attach(cli_arg(cli, 0), &guest, err);

	if (r == 0)
		r = guest_get(guest, cli_arg(cli, 1), &data, err);
	if (r < 0)
		return r;
	return streq(to, "-") ? file_write_fd(STDOUT_FILENO, data.data, data.len, err)
			      : file_write_atomic(to, data.data, data.len, 0644, err);
}

int command_log(struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
	int r = named_log(cli_arg(cli, 0), &log, err);

	return r < 0 ? r : file_write_fd(STDOUT_FILENO, log.data, log.len, err);
}

int command_trace(struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf log = BUF_INIT(GUEST_CONSOLE_MAX + 1);
	int64_t timeout_s = 30;
	int r = cli_get_int(cli, "timeout", 1, 86400, timeout_s, &timeout_s, err);

	if (r == 0)
		r = named_trace(cli_arg(cli, 0), (int)timeout_s * 1000, &log, err);
	return r < 0 ? r : file_write_fd(STDOUT_FILENO, log.data, log.len, err);
}

int command_stop(struct cli *cli, struct error *err)
{
	return named_stop(cli_arg(cli, 0), err);
}

static int print_json(const struct path_list *names, struct error *err)
{
	_cleanup_json_ json_t *list = json_array();
	_cleanup_buf_ struct buf text = BUF_INIT(1024 * 1024);

	for (size_t i = 0; list && i < names->n; i++) {
		_cleanup_free_ char *dir = NULL;
		int r = named_folder(names->items[i], &dir, err);

		if (r < 0)
			return r;
		enum guest_end end = guest_end_of(dir);

		if (json_array_append_new(list,
					  json_pack("{s:s,s:b,s:s,s:s}", "name", names->items[i],
						    "running", end == GUEST_RUNS, "end",
						    guest_end_name(end), "folder", dir)) < 0)
			return error_set(err, ERR_NO_MEMORY, "list of guests");
	}
	if (!list || json_append_pretty(list, &text) < 0)
		return error_set(err, ERR_NO_MEMORY, "list of guests");
	return file_write_fd(STDOUT_FILENO, text.data, text.len, err);
}

int command_list(struct cli *cli, struct error *err)
{
	_cleanup_paths_ struct path_list names = { 0 };
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = named_list(&names, err);
	if (r < 0)
		return r;
	if (format == CLI_JSON)
		return print_json(&names, err);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *dir = NULL;

		if (named_folder(names.items[i], &dir, NULL) < 0)
			continue;
		enum guest_end end = guest_end_of(dir);

		printf("%-32s %s%s\n", names.items[i], end == GUEST_RUNS ? "running" : "ended: ",
		       end == GUEST_RUNS ? "" : guest_end_name(end));
	}
	return EXIT_OK;
}
