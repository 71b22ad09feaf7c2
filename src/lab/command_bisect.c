// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "base/file.h"
#include "lab/bisect/bisect.h"
#include "lab/commands.h"
#include "lab/guest/module_tree.h"

static void say_case(void *user, const char *kernel, const char *what)
{
	(void)user;
	cli_progress("%s: %s", kernel, what);
}

static void say_try(void *user, const char *text)
{
	(void)user;
	cli_progress("%s", "");
	fprintf(stderr, "%s\n", text);
}

static void print(const struct bisect *b)
{
	static const char *const words[] = {
		[BISECT_FOUND] = "broken by",
		[BISECT_ELSEWHERE] =
			"broken without any function of the patch too: by its callbacks, "
			"or not by the patch",
		[BISECT_TOO_MANY] = "not found in so many tries; among",
	};

	if (b->state == BISECT_PASSES) {
		printf("no case fails with this patch\n");
		return;
	}
	printf("case %s: %s: %s\n%s\n", b->name, trial_cause_name(b->outcome.cause),
	       b->outcome.message, words[b->state]);
	for (size_t i = 0; b->state != BISECT_ELSEWHERE && i < b->patch.tables.function_count; i++)
		if (b->broken[i])
			printf("\t%s:%s\n", b->patch.tables.functions[i].object,
			       b->patch.tables.functions[i].name);
	printf("%zu functions, %zu trials, %.1f s\n", b->patch.tables.function_count, b->tries,
	       (double)b->ms / 1000);
}

static int write_module(const struct bisect_options *o, const struct bisect *b, const char *folder,
			const char *name, bool broken, struct error *err)
{
	_cleanup_buf_ struct buf module = BUF_INIT(MODULE_FILE_MAX);
	_cleanup_free_ char *path = path_join(folder, name, NULL);
	int r = path ? bisect_module(o, b, broken, &module, err)
		     : error_set(err, ERR_NO_MEMORY, "%s", name);

	return r < 0 ? r : file_write_atomic(path, module.data, module.len, 0644, err);
}

static int write_modules(const struct bisect_options *o, const struct bisect *b, const char *folder,
			 struct error *err)
{
	if (!folder || b->state != BISECT_FOUND)
		return 0;
	int r = write_module(o, b, folder, "broken.ko", true, err);

	return r < 0 ? r : write_module(o, b, folder, "others.ko", false, err);
}

static int print_json(const json_t *json, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);
	int r = json_append_pretty(json, &out);

	return r < 0 ? error_set(err, r, "bisection")
		     : file_write_fd(STDOUT_FILENO, out.data, out.len, err);
}

int command_bisect(struct cli *cli, struct error *err)
{
	_cleanup_lab_trial_ struct lab_trial trial = { 0 };
	_cleanup_bisect_ struct bisect b = { 0 };
	_cleanup_json_ json_t *json = NULL;
	struct bisect_options o = { .say = say_try };
	enum cli_format format = CLI_TEXT;
	int64_t most = 0;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = cli_get_int(cli, "tries", 1, 10000, most, &most, err);
	if (r == 0)
		r = lab_trial_get(cli, 0, &trial, err);
	if (r < 0)
		return r;
	o.trial = trial.options;
	o.trial.say = say_case;
	o.most = (size_t)most;
	o.any_cause = cli_has(cli, "any-cause");
	r = bisect_run(&o, &b, err);
	cli_progress("%s", "");
	if (r == 0)
		r = write_modules(&o, &b, cli_get(cli, "output"), err);
	if (r == 0 && format == CLI_JSON) {
		r = bisect_json(&b, &json, err);
		if (r == 0)
			r = print_json(json, err);
	} else if (r == 0) {
		print(&b);
	}
	return r < 0 ? r : b.state == BISECT_PASSES ? EXIT_OK : EXIT_CASE_FAILED;
}
