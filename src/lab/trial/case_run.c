// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/case_run.h"

#include <limits.h>

#include "lab/trial/case_scripts.h"

#define RUN_AGAIN   10 /* status of a script that wants modules first (cases/lib.sh) */
#define MISSING_MAX 64 /* modules that it may want */

static int append(void *user, bool is_error, const void *data, size_t len)
{
	(void)is_error;
	return buf_append(user, data, len);
}

int case_limit_ms(const struct case_kind *kind, const struct trial_options *options)
{
	int64_t ms = (int64_t)kind->seconds * 1000;

	if (kind->by_rounds && options->cycles > TRIAL_ROUNDS)
		ms = ms * options->cycles / TRIAL_ROUNDS;
	return (int)MIN(ms + INT64_C(2) * options->transition_timeout_ms, (int64_t)INT_MAX);
}

/* Runs the case's script; `argument`: "", "again" or "back". */
static int run_script(struct trial_guest *t, const struct case_kind *kind, const char *argument,
		      struct buf *said, struct channel_result *ret, struct error *err)
{
	const char *const argv[] = { "sh", "/lab/case.sh", argument, NULL };
	int limit_ms = case_limit_ms(kind, t->o);

	return guest_run(
		t->guest,
		&(struct channel_command){
			.argv = argv, .timeout_ms = limit_ms, .output = append, .user = said },
		ret, err);
}

static int put_script(struct trial_guest *t, const struct case_kind *kind, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(256 * 1024);
	int r = buf_append_str(&text, case_lib_sh);

	if (r == 0)
		r = buf_append_str(&text, kind->script);
	return r < 0 ? error_set(err, r, "script")
		     : trial_guest_put(t, "/lab/case.sh", text.data, text.len, err);
}

/* The modules that the script asked for. */
static int read_missing(const struct buf *said, struct path_list *ret, struct error *err)
{
	_cleanup_free_ char *copy = strdup(buf_str(said));
	char *rest = NULL;

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		int r = str_has_prefix(line, "@missing ")
				? path_list_add(ret, line + strlen("@missing "))
				: 0;

		if (r < 0)
			return error_set(err, r, "modules that the case asks for");
		if (ret->n > MISSING_MAX)
			return error_set(err, ERR_TOO_LARGE,
					 "the case asks for more than %d modules", MISSING_MAX);
	}
	return copy ? 0 : error_set(err, ERR_NO_MEMORY, "modules");
}

/* A module that does not load: the livepatch is the reason if it loads once that is taken back.
 * Then `said` gets the failure. */
static int blame(struct trial_guest *t, const struct case_kind *kind, const char *module,
		 struct buf *said, struct channel_result *result, struct error *err)
{
	struct error ignored = { 0 };
	const char *why = err->message;

	if (run_script(t, kind, "back", said, result, &ignored) < 0 || result->status != 0 ||
	    trial_guest_add_target(t, module, &ignored) < 0)
		return ERR_CHILD;
	result->status = 1;
	return buf_printf(said, "@fail refused %s loads without the patch and not with it: %s\n",
			  module, why) < 0
		       ? error_set(err, ERR_TOO_LARGE, "what the case said")
		       : 0;
}

/* Loads the modules that the script asked for, and runs it again. */
static int load_and_run(struct trial_guest *t, const struct case_kind *kind, struct buf *said,
			struct channel_result *result, struct error *err)
{
	_cleanup_paths_ struct path_list missing = { 0 };
	int r = read_missing(said, &missing, err);

	for (size_t i = 0; r == 0 && i < missing.n; i++) {
		r = trial_guest_add_target(t, missing.items[i], err);
		if (r == ERR_CHILD)
			return blame(t, kind, missing.items[i], said, result, err);
	}
	return r < 0 ? r : run_script(t, kind, "again", said, result, err);
}

int case_prepare(struct trial_guest *t, const struct case_kind *kind, const char **ret_skip,
		 struct error *err)
{
	int r = kind->prepare ? kind->prepare(t, ret_skip, err) : 0;

	return r < 0 ? r : put_script(t, kind, err);
}

int case_run(struct trial_guest *t, const struct case_kind *kind, struct buf *said,
	     struct channel_result *result, struct error *err)
{
	int r = run_script(t, kind, "", said, result, err);

	return r == 0 && result->status == RUN_AGAIN ? load_and_run(t, kind, said, result, err) : r;
}
