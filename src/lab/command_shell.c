// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "lab/commands.h"
#include "lab/trial/case_run.h"
#include "lab/trial/livepatch_file.h"
#include "lab/guest/module_tree.h"
#include "lab/guest/path_list.h"
#include "lab/guest/qemu.h"
#include "lab/guest/terminal.h"
#include "lab/guest/work_folder.h"

#define COMMAND_MS 30000
#define SCRIPT_MAX (64 * 1024 * 1024)

/* --load, and the modules that the livepatch is for. */
static int modules_to_load(const struct lab_options *options, const char *module,
			   struct path_list *ret, struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(MODULE_FILE_MAX);
	int r = 0;

	for (size_t i = 0; r >= 0 && options->load[i]; i++)
		r = path_list_add(ret, options->load[i]);
	if (r < 0)
		return error_set(err, r, "modules to load");
	r = module ? file_read(module, &data, err) : 0;
	return r < 0 || !module || !options->guest.modules
		       ? r
		       : livepatch_file_objects(data.data, data.len, ret, err);
}

static int load(struct guest *guest, const char *module, struct error *err)
{
	static const char *const argv[] = { "insmod", "/lab/patch.ko", NULL };
	int r = guest_put(guest, module, argv[1], err);

	return r < 0 ? r : guest_run_simple(guest, argv, COMMAND_MS, NULL, err);
}

/* A shell on the console; the guest goes off when it ends. */
static int start_shell(struct guest *guest, struct error *err)
{
	char script[256];
	unsigned rows, columns;
	struct channel_result result;

	terminal_size(&rows, &columns);
	snprintf(script, sizeof(script),
		 "cd /root; stty -F /dev/ttyS0 sane rows %u cols %u;"
		 "setsid -c sh -l </dev/ttyS0 >/dev/ttyS0 2>&1; poweroff -f",
		 rows, columns);
	const char *const argv[] = { "sh", "-c", script, NULL };

	return guest_run(guest, &(struct channel_command){ .argv = argv, .background = true },
			 &result, err);
}

static int pass_output(void *user, bool is_error, const void *data, size_t len)
{
	(void)user;
	return file_write_fd(is_error ? STDERR_FILENO : STDOUT_FILENO, data, len, NULL);
}

/* Without a terminal, standard input is a script. */
static int run_script(struct guest *guest, struct error *err)
{
	static const char *const argv[] = { "sh", NULL };
	_cleanup_buf_ struct buf input = BUF_INIT(SCRIPT_MAX);
	struct channel_result result;
	int r = file_read_fd(STDIN_FILENO, &input, err);

	if (r == 0)
		r = guest_run(guest,
			      &(struct channel_command){ .argv = argv,
							 .input = input.data,
							 .input_len = input.len,
							 .output = pass_output },
			      &result, err);
	return r < 0 ? r : result.status;
}

/* The shell, or the script on standard input; the guest's folder is `dir`. */
static int hand_over(struct guest *guest, const char *dir, bool terminal, struct error *err)
{
	if (!terminal)
		return run_script(guest, err);
	_cleanup_free_ char *line = path_join(dir, QEMU_TERMINAL, NULL);

	if (!line)
		return error_set(err, ERR_NO_MEMORY, "terminal");
	signal(SIGPIPE, SIG_IGN);
	int r = start_shell(guest, err);

	return r < 0 ? r : terminal_join(line, err);
}

/* The guest of a case, as the case finds it. */
static int enter_case(struct cli *cli, const struct case_kind *kind, struct error *err)
{
	_cleanup_lab_trial_ struct lab_trial trial = { 0 };
	_cleanup_trial_guest_ struct trial_guest t = { 0 };
	_cleanup_free_ struct trial *seen = calloc(1, sizeof(*seen));
	const char *skip = NULL;
	int r = seen ? lab_trial_get(cli, 0, &trial, err) : error_set(err, ERR_NO_MEMORY, "case");

	if (r < 0)
		return r;
	trial.options.guest.terminal = isatty(STDIN_FILENO);
	r = trial_guest_open(&trial.options, seen, &t, err);
	if (r == 0)
		r = trial_guest_start(&t, err);
	if (r == 0)
		r = case_prepare(&t, kind, &skip, err);
	if (r == 0 && skip)
		r = error_set(err, ERR_BAD_STATE, "case %s: %s", kind->name, skip);
	if (r < 0)
		return r;
	fprintf(stderr,
		"The case is /lab/case.sh, the patch /lab/patch.ko (not loaded yet); to hold it: "
		"sh -x /lab/case.sh\n");
	return hand_over(t.guest, t.dir, trial.options.guest.terminal, err);
}

static int enter_guest(struct cli *cli, struct error *err)
{
	_cleanup_lab_options_ struct lab_options options = { 0 };
	_cleanup_(work_folder_removep) char *dir = NULL;
	_cleanup_(guest_freep) struct guest *guest = NULL;
	_cleanup_paths_ struct path_list modules = { 0 };
	const char *module = cli_get(cli, "module");
	int r = lab_options_get(cli, 0, NULL, &options, err);

	if (r == 0)
		r = modules_to_load(&options, module, &modules, err);
	if (r == 0)
		r = work_folder_make(&dir, err);
	if (r < 0)
		return r;
	options.guest.dir = dir;
	options.guest.load = (const char *const *)modules.items;
	options.guest.terminal = isatty(STDIN_FILENO);
	r = guest_start(&options.guest, &guest, err);
	if (r == 0 && *guest_problems(guest))
		fprintf(stderr, "suture-lab: %s\n", guest_problems(guest));
	if (r == 0 && module)
		r = load(guest, module, err);
	return r < 0 ? r : hand_over(guest, dir, options.guest.terminal, err);
}

int command_shell(struct cli *cli, struct error *err)
{
	const char *name = cli_get(cli, "case");
	const struct case_kind *kind = name ? case_find(name) : NULL;

	if (!name)
		return enter_guest(cli, err);
	if (!kind || !cli_has(cli, "module"))
		return error_set(
			err, ERR_USAGE,
			kind ? "--case: needs --module" : "--case %s: there is no such case", name);
	return enter_case(cli, kind, err);
}
