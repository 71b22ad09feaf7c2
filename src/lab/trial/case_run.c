// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/case_run.h"

#include <limits.h>

#include "lab/trial/case_scripts.h"

#define RUN_AGAIN 10 /* status of a script that wants modules first (cases/lib.sh) */

static int append(void *user, bool is_error, const void *data, size_t len)
{
	(void)is_error;
	return buf_append(user, data, len);
}

int case_limit_ms(const struct case_kind *kind, const struct trial_options *options)
{
	int64_t ms = (int64_t)kind->seconds * 1000;

	if (streq(kind->name, "cycles") && options->cycles > TRIAL_ROUNDS)
		ms = ms * options->cycles / TRIAL_ROUNDS;
	return (int)MIN(ms + INT64_C(2) * options->transition_timeout_ms, (int64_t)INT_MAX);
}

/* Runs the case's script; `argument`: "" or "again". */
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

/* Loads the modules that the script asked for. */
static int load_missing(struct trial_guest *t, struct buf *said, struct error *err)
{
	_cleanup_free_ char *copy = strdup(buf_str(said));
	char *rest = NULL;
	int r = copy ? 0 : error_set(err, ERR_NO_MEMORY, "modules");

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line && r == 0;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (!str_has_prefix(line, "@missing "))
			continue;
		r = trial_guest_add_target(t, line + strlen("@missing "), err);
		if (r == 0 && buf_printf(said, "@note %s was loaded into the patched kernel\n",
					 line + strlen("@missing ")) < 0)
			r = error_set(err, ERR_TOO_LARGE, "what the case said");
	}
	return r;
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

	if (r == 0 && result->status == RUN_AGAIN) {
		r = load_missing(t, said, err);
		if (r == 0)
			r = run_script(t, kind, "again", said, result, err);
	}
	return r;
}
