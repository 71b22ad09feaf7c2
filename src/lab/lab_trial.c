// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <fcntl.h>

#include "base/file.h"
#include "lab/commands.h"
#include "lab/trial/case_table.h"

/* What can be known to be wrong before anything boots. */
static int check_files(const struct cli *cli, struct error *err)
{
	static const char *const options[] = { "module", "build-record", "reproducer", "sleeper",
					       "earlier" };

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		for (size_t k = 0; k < cli_count(cli, options[i]); k++) {
			const char *path = cli_get_nth(cli, options[i], k);

			if (access(path, R_OK) < 0)
				return error_set_errno(err, errno, "--%s %s", options[i], path);
		}
	return 0;
}

/* A mistyped name must not look like a patch that fails: what begins as no ELF file is none. What
 * is wrong behind that, the kernel says. */
static int check_module(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[SELFMAG] = { 0 };

	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	if (read(fd, magic, sizeof(magic)) != sizeof(magic) || memcmp(magic, ELFMAG, SELFMAG) != 0)
		return error_set(err, ERR_INVALID, "%s: not a kernel module", path);
	return 0;
}

static int check_modules(const struct cli *cli, struct error *err)
{
	const char *module = cli_get(cli, "module");
	int r = module ? check_module(module, err) : 0;

	for (size_t i = 0; r == 0 && i < cli_count(cli, "earlier"); i++)
		r = check_module(cli_get_nth(cli, "earlier", i), err);
	return r;
}

/* Whether a case is asked for: by its name, as one of all, or by --cycles. */
static bool is_wanted(const struct cli *cli, const struct case_kind *kind)
{
	size_t n = cli_count(cli, "case");

	for (size_t i = 0; i < n; i++)
		if (streq(cli_get_nth(cli, "case", i), kind->name) ||
		    streq(cli_get_nth(cli, "case", i), "all"))
			return true;
	return (n == 0 && kind->standard) ||
	       (streq(kind->name, "cycles") && cli_has(cli, "cycles"));
}

static int get_cases(const struct cli *cli, const char **ret, struct error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < cli_count(cli, "case"); i++) {
		const char *name = cli_get_nth(cli, "case", i);

		if (!streq(name, "all") && !case_find(name)) {
			error_set(err, ERR_USAGE, "--case %s: there is no such case", name);
			error_hint(err, "`suture-lab cases` lists them");
			return ERR_USAGE;
		}
	}
	for (size_t k = 0; k < case_kinds_n; k++)
		if (is_wanted(cli, &case_kinds[k]))
			ret[count++] = case_kinds[k].name;
	return 0;
}

static void fill(const struct cli *cli, size_t nth, int64_t cycles, int64_t limit_s,
		 struct lab_trial *t)
{
	const char *release = cli_get_nth(cli, "kernel", nth);

	for (size_t i = 0; i < cli_count(cli, "earlier"); i++)
		t->earlier[i] = cli_get_nth(cli, "earlier", i);
	t->options = (struct trial_options){
		.guest = t->guest.guest,
		.kernel = release ? release : path_base(t->guest.guest.image),
		.module = cli_get(cli, "module"),
		.build_record = cli_get(cli, "build-record"),
		.reproducer = cli_get(cli, "reproducer"),
		.sleeper = cli_get(cli, "sleeper"),
		.earlier = t->earlier[0] ? t->earlier : NULL,
		.cases = t->cases,
		.cycles = (int)cycles,
		.transition_timeout_ms = (int)limit_s * 1000,
	};
}

int lab_trial_get(const struct cli *cli, size_t nth, struct lab_trial *ret, struct error *err)
{
	_cleanup_lab_trial_ struct lab_trial t = { 0 };
	int64_t cycles = 0, limit_s = 60;
	int r = check_files(cli, err);

	if (r == 0)
		r = check_modules(cli, err);
	t.cases = calloc(case_kinds_n + 1, sizeof(*t.cases));
	t.earlier = calloc(cli_count(cli, "earlier") + 1, sizeof(*t.earlier));
	if (!t.cases || !t.earlier)
		return error_set(err, ERR_NO_MEMORY, "options");
	if (r == 0)
		r = get_cases(cli, t.cases, err);
	if (r == 0)
		r = cli_get_int(cli, "cycles", 1, 10000, cycles, &cycles, err);
	if (r == 0)
		r = cli_get_int(cli, "timeout", 1, 86400, limit_s, &limit_s, err);
	if (r == 0)
		r = lab_options_get(cli, nth, NULL, &t.guest, err);
	if (r < 0)
		return r;
	fill(cli, nth, cycles, limit_s, &t);
	*ret = t;
	t = (struct lab_trial){ 0 };
	return 0;
}

void lab_trial_free(struct lab_trial *trial)
{
	lab_options_free(&trial->guest);
	free(trial->cases);
	free(trial->earlier);
	*trial = (struct lab_trial){ 0 };
}
