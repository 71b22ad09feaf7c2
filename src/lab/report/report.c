// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report/report.h"

#include <stdio.h>

#include "base/clock.h"

static const char *const states[] = {
	[REPORT_HELD] = "held",         [REPORT_REMEMBERED] = "remembered",
	[REPORT_LEFT_OUT] = "left-out", [REPORT_NOT_BUILT] = "not-built",
	[REPORT_NOT_HELD] = "not-held",
};

const char *report_state_name(enum report_state state)
{
	return states[state];
}

int report_state_from(const char *name, enum report_state *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (streq(states[i], name)) {
			*ret = (enum report_state)i;
			return 0;
		}
	}
	return ERR_INVALID;
}

void report_init(struct report *report)
{
	*report = (struct report){ 0 };
	snprintf(report->tool, sizeof(report->tool), "suture-lab %s", SUTURE_VERSION);
	clock_format(clock_now(), report->time);
}

static void job_done(struct report_job *job)
{
	free(job->patch);
	free(job->kernel);
	free(job->machine);
	free(job->reason);
	free(job->logs);
	free(job->shell);
	free(job->trial);
}

void report_done(struct report *report)
{
	for (size_t i = 0; i < report->n; i++)
		job_done(&report->jobs[i]);
	free(report->jobs);
	report->jobs = NULL;
	report->n = report->cap = 0;
}

/* Length of the UTF-8 sequence at `s` (RFC 3629: shortest form, no surrogates, up to U+10FFFF); 0
 * if there is none. U+FFFE and U+FFFF are left out too: XML cannot hold them. */
static size_t sequence(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80       ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fU >> n);

	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (n == 0 || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
	    (c & 0xfffe) == 0xfffe)
		return 0;
	return n;
}

static bool is_control(const unsigned char *s)
{
	return (s[0] < ' ' && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f ||
	       (s[0] == 0xc2 && s[1] < 0xa0);
}

void report_clean_text(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t n = sequence(s);

		if (n == 0 || is_control(s)) {
			memset(s, '?', MAX(n, (size_t)1));
			n = MAX(n, (size_t)1);
		}
		s += n;
	}
}

static void clean_line(char *text)
{
	error_clean_text(text);
	report_clean_text(text);
}

void report_clean_trial(struct trial *t)
{
	clean_line(t->kernel);
	clean_line(t->build_id);
	clean_line(t->module);
	clean_line(t->module_sha256);
	clean_line(t->machine);
	clean_line(t->time);
	for (size_t i = 0; i < t->n; i++) {
		struct trial_case *c = &t->cases[i];

		clean_line(c->name);
		clean_line(c->run.message);
		clean_line(c->first.message);
		report_clean_text(c->excerpt);
		clean_line(c->log);
		report_clean_text(c->first_excerpt);
		clean_line(c->first_log);
	}
}

/* A clean copy, cut at its maximum; NULL stays NULL. */
static int copy(const char *text, char **ret)
{
	if (!text)
		return 0;
	*ret = strndup(text, REPORT_TEXT_MAX - 1);
	if (*ret)
		clean_line(*ret);
	return *ret ? 0 : ERR_NO_MEMORY;
}

static int copy_job(const struct report_job *from, struct report_job *to)
{
	return copy(from->patch, &to->patch) < 0 || copy(from->kernel, &to->kernel) < 0 ||
			       copy(from->machine, &to->machine) < 0 ||
			       copy(from->reason, &to->reason) < 0 ||
			       copy(from->logs, &to->logs) < 0 || copy(from->shell, &to->shell) < 0
		       ? ERR_NO_MEMORY
		       : 0;
}

static int grow(struct report *report)
{
	size_t cap = MAX(report->cap * 2, (size_t)16);
	struct report_job *jobs = reallocarray(report->jobs, cap, sizeof(*jobs));

	if (!jobs)
		return ERR_NO_MEMORY;
	report->jobs = jobs;
	report->cap = cap;
	return 0;
}

int report_add(struct report *report, const struct report_job *job, struct error *err)
{
	struct report_job own = { .state = job->state, .trial = job->trial };
	int r = report->n >= REPORT_JOBS_MAX ? ERR_TOO_LARGE : copy_job(job, &own);

	if (r == 0 && report->n == report->cap)
		r = grow(report);
	if (r < 0) {
		job_done(&own);
		return error_set(err, r, "report of %zu combinations", report->n + 1);
	}
	if (own.trial)
		report_clean_trial(own.trial);
	report->jobs[report->n++] = own;
	return 0;
}

int report_select(struct report *report, const char *sha256, struct error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct trial *t = report->jobs[i].trial;

		n += t && streq(t->module_sha256, sha256);
	}
	if (n == 0)
		return error_set(err, ERR_NOT_FOUND, "no trial of module %s", sha256);
	n = 0;
	for (size_t i = 0; i < report->n; i++) {
		const struct trial *t = report->jobs[i].trial;

		if (t && streq(t->module_sha256, sha256))
			report->jobs[n++] = report->jobs[i];
		else
			job_done(&report->jobs[i]);
	}
	report->n = n;
	report->ms = 0;
	return 0;
}

const char *report_patch(const struct report_job *job)
{
	return job->patch ? job->patch : job->trial ? job->trial->module : "";
}

const char *report_kernel(const struct report_job *job)
{
	return job->kernel ? job->kernel : job->trial ? job->trial->kernel : "";
}

const char *report_machine(const struct report_job *job)
{
	return job->machine ? job->machine : job->trial ? job->trial->machine : "";
}

enum report_mark report_mark(const struct trial_case *c)
{
	if (!c)
		return MARK_NONE;
	if (c->run.verdict == VERDICT_SKIP)
		return MARK_SKIP;
	if (c->run.verdict == VERDICT_FAIL)
		return MARK_FAIL;
	return c->repeated ? MARK_FLAKY : MARK_PASS;
}

bool report_is_matrix(const struct report *report)
{
	for (size_t i = 0; i < report->n; i++)
		if (report->jobs[i].patch)
			return true;
	return false;
}

bool report_job_failed(const struct report_job *job)
{
	if (job->state == REPORT_LEFT_OUT)
		return false;
	return !job->trial || !trial_passed(job->trial);
}

bool report_passed(const struct report *report)
{
	bool any = false;

	for (size_t i = 0; i < report->n; i++) {
		if (report_job_failed(&report->jobs[i]))
			return false;
		any = any || report->jobs[i].trial;
	}
	return any;
}

const struct trial_case *report_find_case(const struct report_job *job, const char *name)
{
	for (size_t i = 0; job && job->trial && i < job->trial->n; i++)
		if (streq(job->trial->cases[i].name, name))
			return &job->trial->cases[i];
	return NULL;
}

const struct report_job *report_find_job(const struct report *report, const char *patch,
					 const char *kernel, const char *machine)
{
	for (size_t i = 0; i < report->n; i++) {
		const struct report_job *job = &report->jobs[i];

		if (streq(report_kernel(job), kernel) && streq(report_patch(job), patch) &&
		    streq(report_machine(job), machine))
			return job;
	}
	return NULL;
}
