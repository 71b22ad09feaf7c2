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

/* What is said after the case and its fault. */
static const char *conclusion(const struct bisect *b)
{
	static const char not_searched[] =
		"no part was tried: without functions of the patch the fault shows as well, so "
		"parts\ncannot tell which one is missing, does not mend it or brings it back. The "
		"case\n`redirect` tells whether each runs new code";
	static const char *const words[] = {
		[BISECT_FOUND] = "broken by",
		[BISECT_TOO_MANY] = "not found in so many tries; among",
		[BISECT_NOT_SEARCHED] = not_searched,
	};
	if (b->state != BISECT_ELSEWHERE)
		return words[b->state];
	for (size_t i = 0; i < b->patch.tables.object_count; i++)
		if (b->patch.tables.objects[i].callbacks)
			return "broken without any function of the patch too: by its callbacks, "
			       "or not by the patch";
	return "broken without any function of the patch too, which has no callbacks: not by the "
	       "patch, or\nby code that its module runs by itself";
}

static void print(const struct bisect *b)
{
	static const char *const others[] = {
		[DDMIN_PASSES] = "without these, it passes",
		[DDMIN_FAILS] = "all others break it too: look into others.ko (--output)",
		[DDMIN_UNRESOLVED] = "without these, the case tells nothing",
	};

	if (b->state == BISECT_PASSES) {
		printf("no case fails with this patch\n");
		return;
	}
	printf("case %s: %s: %s\n%s\n", b->name, trial_cause_name(b->outcome.cause),
	       b->outcome.message, conclusion(b));
	for (size_t i = 0; i < b->patch.tables.function_count; i++)
		if (bisect_names(b, i)) {
			struct bisect_name name = bisect_name(b, i);

			printf("\t%s:%s%s\n", name.object, name.name,
			       b->unclear[i] ? " (without it, the case tells nothing)" : "");
		}
	if (b->others_tried)
		printf("%s\n", others[b->others]);
	printf("%zu functions, %zu trials, ", b->patch.tables.function_count, b->tries);
	if (b->unresolved > 0)
		printf("%zu of which told nothing, ", b->unresolved);
	printf("%.1f s\n", (double)b->ms / 1000);
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
	if (!folder || (b->state != BISECT_FOUND && b->state != BISECT_TOO_MANY))
		return 0;
	int r = write_module(o, b, folder, "broken.ko", true, err);

	return r < 0 ? r : write_module(o, b, folder, "others.ko", false, err);
}

static int print_json(const struct bisect *b, struct error *err)
{
	_cleanup_json_ json_t *json = NULL;
	int r = bisect_json(b, &json, err);

	return r < 0 ? r : json_print(json, err);
}

/* Whatever can be refused before anything boots. */
static int get_options(struct cli *cli, struct lab_trial *trial, struct bisect_options *ret,
		       enum cli_format *ret_format, struct error *err)
{
	const char *folder = cli_get(cli, "output");
	int64_t most = 0;
	int r = cli_get_format(cli, false, ret_format, err);

	if (r == 0 && cli_count(cli, "kernel") > 1)
		r = error_set(err, ERR_USAGE, "one --kernel: a search is held on one");
	if (r == 0)
		r = cli_get_int(cli, "tries", 1, 10000, most, &most, err);
	if (r == 0)
		r = lab_trial_get(cli, 0, trial, err);
	if (r == 0 && folder)
		r = file_make_dirs(folder, 0755, err);
	if (r < 0)
		return r;
	ret->trial = trial->options;
	ret->trial.say = say_case;
	ret->most = (size_t)most;
	ret->any_cause = cli_has(cli, "any-cause");
	return 0;
}

static int search(struct cli *cli, struct error *err)
{
	_cleanup_lab_trial_ struct lab_trial trial = { 0 };
	_cleanup_bisect_ struct bisect b = { 0 };
	struct bisect_options o = { .say = say_try };
	enum cli_format format = CLI_TEXT;
	int r = get_options(cli, &trial, &o, &format, err);

	if (r < 0)
		return r;
	r = bisect_run(&o, &b, err);
	cli_progress("%s", "");
	/* What took minutes to find is said even if it cannot be written. */
	if (r == 0 && format == CLI_JSON)
		r = print_json(&b, err);
	else if (r == 0)
		print(&b);
	if (r == 0)
		r = write_modules(&o, &b, cli_get(cli, "output"), err);
	return r < 0 ? r : b.state == BISECT_PASSES ? EXIT_OK : EXIT_CASE_FAILED;
}

int command_bisect(struct cli *cli, struct error *err)
{
	return command_in_worker(search, cli, err);
}
