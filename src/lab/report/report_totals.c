// SPDX-License-Identifier: GPL-2.0-or-later
/* Sums and dimensions of a report. */
#include "lab/report/report.h"

void report_names_done(struct report_names *names)
{
	free(names->items);
	*names = (struct report_names){ 0 };
}

/* A name that is not there yet; at most REPORT_JOBS_MAX. */
static int put(struct report_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (streq(names->items[i], name))
			return 0;
	if (names->n % 16 == 0) {
		const char **items = reallocarray(names->items, names->n + 16, sizeof(*items));

		if (!items)
			return ERR_NO_MEMORY;
		names->items = items;
	}
	names->items[names->n++] = name;
	return 0;
}

int report_names(const struct report *report, report_name_fn name, struct report_names *ret)
{
	_cleanup_names_ struct report_names names = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < report->n; i++)
		r = put(&names, name(&report->jobs[i]));
	if (r < 0)
		return r;
	*ret = names;
	names = (struct report_names){ 0 };
	return 0;
}

int report_cases(const struct report *report, const char *machine, struct report_names *ret)
{
	_cleanup_names_ struct report_names names = { 0 };

	for (size_t i = 0; i < report->n; i++) {
		const struct report_job *job = &report->jobs[i];

		if (!job->trial || (machine && !streq(report_machine(job), machine)))
			continue;
		for (size_t k = 0; k < job->trial->n; k++)
			if (put(&names, job->trial->cases[k].name) < 0)
				return ERR_NO_MEMORY;
	}
	*ret = names;
	names = (struct report_names){ 0 };
	return 0;
}

static size_t count_names(const struct report *report, report_name_fn name)
{
	_cleanup_names_ struct report_names names = { 0 };

	return report_names(report, name, &names) < 0 ? 0 : names.n;
}

void report_count(const struct report *report, struct report_totals *ret)
{
	*ret = (struct report_totals){ .ms = report->ms };
	for (size_t i = 0; i < report->n; i++) {
		const struct report_job *job = &report->jobs[i];

		ret->states[job->state]++;
		for (size_t k = 0; job->trial && k < job->trial->n; k++)
			ret->marks[report_mark(&job->trial->cases[k])]++;
		ret->trial_ms += job->trial ? job->trial->ms : 0;
	}
	ret->combinations = ret->marks[MARK_PASS] + ret->marks[MARK_FLAKY] + ret->marks[MARK_FAIL];
	ret->patches = count_names(report, report_patch);
	ret->kernels = count_names(report, report_kernel);
	ret->machines = count_names(report, report_machine);
	if (ret->ms == 0)
		ret->ms = ret->trial_ms;
}

size_t report_slowest(const struct report *report, struct report_slow *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct report_job *job = &report->jobs[i];

		for (size_t k = 0; job->trial && k < job->trial->n; k++) {
			const struct trial_case *c = &job->trial->cases[k];
			size_t at = n;

			while (at > 0 && ret[at - 1].c->run.ms < c->run.ms)
				at--;
			if (at == max)
				continue;
			n = MIN(n + 1, max);
			memmove(&ret[at + 1], &ret[at], (n - at - 1) * sizeof(*ret));
			ret[at] = (struct report_slow){ job, c };
		}
	}
	return n;
}

int64_t report_kernel_ms(const struct report *report, const char *kernel)
{
	int64_t ms = 0;

	for (size_t i = 0; i < report->n; i++)
		if (report->jobs[i].trial && streq(report_kernel(&report->jobs[i]), kernel))
			ms += report->jobs[i].trial->ms;
	return ms;
}
