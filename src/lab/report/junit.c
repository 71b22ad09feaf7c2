// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report/junit.h"

#include "lab/report/markup.h"

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

/* ` name="text"`. */
static int append_attribute(struct buf *out, const char *name, const char *text)
{
	int r = buf_printf(out, " %s=\"", name);

	if (r == 0)
		r = markup_text(out, text);
	return r < 0 ? r : buf_append_str(out, "\"");
}

static int append_failure(struct buf *out, const char *type, const char *message, const char *log)
{
	int r = buf_append_str(out, "<failure");

	if (r == 0)
		r = append_attribute(out, "type", type);
	if (r == 0)
		r = append_attribute(out, "message", message);
	if (r == 0)
		r = buf_append_str(out, ">");
	if (r == 0)
		r = markup_text(out, log);
	return r < 0 ? r : buf_append_str(out, "</failure>");
}

static int append_skipped(struct buf *out, const char *message)
{
	int r = buf_append_str(out, "<skipped");

	if (r == 0)
		r = append_attribute(out, "message", message);
	return r < 0 ? r : buf_append_str(out, "/>");
}

static int append_output(struct buf *out, const struct report_job *job, const struct trial_case *c)
{
	int r;

	if (!c->log[0] && !c->repeated)
		return 0;
	r = buf_append_str(out, "<system-out>");
	if (r == 0 && c->repeated)
		r = markup_printf(out, "the first time: %s, %s%s%s\n",
				  trial_verdict_name(c->first.verdict),
				  trial_cause_name(c->first.cause), c->first.message[0] ? ": " : "",
				  c->first.message);
	if (r == 0 && c->repeated)
		r = markup_printf(out, "again: %s, %s%s%s\n", trial_verdict_name(c->run.verdict),
				  trial_cause_name(c->run.cause), c->run.message[0] ? ": " : "",
				  c->run.message);
	if (r == 0 && c->log[0])
		r = markup_printf(out, "console log: %s%s%s\n", job->logs ? job->logs : "",
				  job->logs ? "/" : "", c->log);
	return r < 0 ? r : buf_append_str(out, "</system-out>");
}

static int append_testcase(struct buf *out, const struct report_job *job, const char *name,
			   int64_t ms)
{
	int r = buf_append_str(out, "    <testcase classname=\"");

	if (r == 0 && job->patch)
		r = markup_printf(out, "%s/", job->patch);
	if (r == 0)
		r = markup_printf(out, "%s/%s", report_kernel(job), report_machine(job));
	if (r == 0)
		r = buf_append_str(out, "\"");
	if (r == 0)
		r = append_attribute(out, "name", name);
	return r < 0 ? r : buf_printf(out, " time=\"%.3f\">", seconds(ms));
}

static int append_case(struct buf *out, const struct report_job *job, const struct trial_case *c)
{
	int r = append_testcase(out, job, c->name, c->run.ms);

	if (r == 0 && c->run.verdict == VERDICT_FAIL)
		r = append_failure(out, trial_cause_name(c->run.cause), c->run.message, c->excerpt);
	if (r == 0 && c->run.verdict == VERDICT_SKIP)
		r = append_skipped(out, c->run.message);
	if (r == 0)
		r = append_output(out, job, c);
	return r < 0 ? r : buf_append_str(out, "</testcase>\n");
}

/* A job that has no case, or none that passed, as one case. */
static int append_state(struct buf *out, const struct report_job *job)
{
	const char *reason = job->reason ? job->reason : "no case passed";
	int r = append_testcase(out, job, job->state == REPORT_NOT_BUILT ? "build" : "trial", 0);

	if (r == 0)
		r = job->state == REPORT_LEFT_OUT
			    ? append_skipped(out, reason)
			    : append_failure(out, report_state_name(job->state), reason, "");
	return r < 0 ? r : buf_append_str(out, "</testcase>\n");
}

static int append_suite(struct buf *out, const struct report_job *job)
{
	const struct trial *t = job->trial;
	size_t marks[MARK_COUNT] = { 0 };

	for (size_t i = 0; t && i < t->n; i++)
		marks[report_mark(&t->cases[i])]++;
	bool failed = report_job_failed(job), one = !t || (failed && marks[MARK_FAIL] == 0);
	int r = buf_append_str(out, "  <testsuite name=\"suture-lab ");

	if (r == 0 && job->patch)
		r = markup_printf(out, "%s/", job->patch);
	if (r == 0)
		r = markup_printf(out, "%s/%s", report_kernel(job), report_machine(job));
	if (r == 0)
		r = buf_printf(out,
			       "\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\" time=\"%.3f\"",
			       (t ? t->n : 0) + one, marks[MARK_FAIL] + (one && failed),
			       marks[MARK_SKIP] + (one && !failed), t ? seconds(t->ms) : 0);
	if (r == 0 && t && t->time[0])
		r = append_attribute(out, "timestamp", t->time);
	if (r == 0)
		r = buf_append_str(out, ">\n");
	for (size_t i = 0; r == 0 && t && i < t->n; i++)
		r = append_case(out, job, &t->cases[i]);
	if (r == 0 && one)
		r = append_state(out, job);
	return r < 0 ? r : buf_append_str(out, "  </testsuite>\n");
}

int junit_append(const struct report *report, struct buf *out)
{
	int r = buf_append_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");

	for (size_t i = 0; r == 0 && i < report->n; i++)
		r = append_suite(out, &report->jobs[i]);
	return r < 0 ? r : buf_append_str(out, "</testsuites>\n");
}
