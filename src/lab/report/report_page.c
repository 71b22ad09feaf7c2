// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report/report_page.h"

#include <stdio.h>

#include "lab/report/markup.h"
#include "lab/report/page_style.h"
#include "lab/report/shell_command.h"

#define SLOWEST     5
#define COMMAND_MAX 8192

/* The first failure to append is kept, and ends the rest. */
struct page {
	struct buf *out;
	int r;
	const struct report *report;
	struct report_totals totals;
	struct report_names patches, kernels, machines;
	size_t logs; /* bytes of excerpts in the page so far */
};

struct look {
	const char *sign, *style, *word;
};

static const struct look marks[MARK_COUNT] = {
	[MARK_NONE] = { "·", "n", "no such case" },
	[MARK_PASS] = { "✓", "p", "passed" },
	[MARK_FLAKY] = { "↻", "y", "failed, and passed when it was repeated" },
	[MARK_FAIL] = { "✗", "f", "failed" },
	[MARK_SKIP] = { "–", "k", "skipped" },
};

static const struct look states[] = {
	[REPORT_LEFT_OUT] = { "∅", "n", "left out" },
	[REPORT_NOT_BUILT] = { "B", "b", "not built" },
	[REPORT_NOT_HELD] = { "?", "b", "not held" },
};

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

/* Markup of our own. */
static void raw(struct page *p, const char *markup)
{
	if (p->r == 0)
		p->r = buf_append_str(p->out, markup);
}

/* Markup of our own with numbers and our own words; never with text from elsewhere. */
static void _printf_(2, 3) rawf(struct page *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (p->r == 0)
		p->r = buf_vprintf(p->out, format, ap);
	va_end(ap);
}

/* Text from anywhere. */
static void text(struct page *p, const char *s)
{
	if (p->r == 0)
		p->r = markup_text(p->out, s);
}

static size_t index_of(const struct page *p, const struct report_job *job)
{
	return (size_t)(job - p->report->jobs);
}

static const struct look *look_of(const struct report_job *job)
{
	if (!job->trial)
		return &states[job->state];
	return report_job_failed(job) ? &marks[MARK_FAIL] : &marks[MARK_PASS];
}

static void put_duration(struct page *p, int64_t ms)
{
	if (ms >= 3600 * 1000)
		rawf(p, "%d h %02d min", (int)(ms / 3600000), (int)(ms / 60000 % 60));
	else if (ms >= 60 * 1000)
		rawf(p, "%d min %02d s", (int)(ms / 60000), (int)(ms / 1000 % 60));
	else
		rawf(p, "%.1f s", seconds(ms));
}

/* "patch · kernel · machine". */
static void put_job_name(struct page *p, const struct report_job *job)
{
	if (job->patch) {
		raw(p, "<b>");
		text(p, job->patch);
		raw(p, "</b> · ");
	}
	raw(p, "<span class=k>");
	text(p, report_kernel(job));
	raw(p, "</span> · ");
	text(p, report_machine(job));
}

static void put_head(struct page *p)
{
	bool passed = report_passed(p->report), flaky = p->totals.marks[MARK_FLAKY] > 0;
	const char *verdict = !passed ? "✗ failed" : flaky ? "↻ passed, with repeats" : "✓ passed";

	raw(p, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	       "<meta http-equiv=\"Content-Security-Policy\" "
	       "content=\"default-src 'none';style-src 'unsafe-inline'\">\n");
	rawf(p, "<title>Lab report: %s</title>\n<style>", passed ? "passed" : "failed");
	raw(p, page_style);
	rawf(p, "</style></head><body>\n<header><h1>Lab report</h1><p class=\"verdict %s\">%s</p>",
	     !passed ? "f"
	     : flaky ? "y"
		     : "p",
	     verdict);
	raw(p, "<p>");
	text(p, p->report->time);
	raw(p, " · ");
	text(p, p->report->tool);
	raw(p, "</p></header>\n");
}

static void put_tile(struct page *p, const char *name, size_t n, const char *note)
{
	rawf(p, "<div><dt>%s</dt><dd>%zu<small>%s</small></dd></div>\n", name, n, note);
}

static void put_tiles(struct page *p)
{
	const struct report_totals *n = &p->totals;
	char note[128];

	raw(p, "<dl class=\"tiles\">\n");
	snprintf(note, sizeof(note), "%zu patch%s × %zu kernel%s × %zu machine%s", n->patches,
		 n->patches == 1 ? "" : "es", n->kernels, n->kernels == 1 ? "" : "s", n->machines,
		 n->machines == 1 ? "" : "s");
	put_tile(p, "Combinations", n->combinations, note);
	put_tile(p, "✓ Passed", n->marks[MARK_PASS], "cases");
	put_tile(p, "✗ Failed", n->marks[MARK_FAIL], "cases");
	put_tile(p, "↻ Repeated", n->marks[MARK_FLAKY], "failed first, then passed");
	put_tile(p, "– Skipped", n->marks[MARK_SKIP], "nothing to hold them with");
	snprintf(note, sizeof(note), "%zu remembered, %zu not built, %zu not held",
		 n->states[REPORT_REMEMBERED], n->states[REPORT_NOT_BUILT],
		 n->states[REPORT_NOT_HELD]);
	put_tile(p, "Trials", n->states[REPORT_HELD] + n->states[REPORT_REMEMBERED], note);
	raw(p, "<div><dt>Time</dt><dd>");
	put_duration(p, n->ms);
	raw(p, "<small>");
	put_duration(p, n->trial_ms);
	raw(p, " of trials</small></dd></div>\n</dl>\n");
}

static void put_outcome(struct page *p, const struct trial_outcome *run)
{
	if (run->cause != CAUSE_NONE)
		rawf(p, "<b>%s</b> ", trial_cause_name(run->cause));
	text(p, run->message);
}

static void put_fault(struct page *p, const struct report_job *job, size_t k)
{
	const struct trial_case *c = &job->trial->cases[k];
	const struct look *look = &marks[report_mark(c)];

	rawf(p, "<li class=\"%s\"><a class=\"s %s\" href=\"#t%zu-%zu\" title=\"%s\">%s</a><span> ",
	     look->style, look->style, index_of(p, job), k, look->word, look->sign);
	raw(p, "<b>");
	text(p, c->name);
	raw(p, "</b>: ");
	put_outcome(p, c->repeated && c->run.verdict == VERDICT_PASS ? &c->first : &c->run);
	raw(p, "</span><span class=\"dim\">");
	put_job_name(p, job);
	raw(p, "</span></li>\n");
}

static void put_absent(struct page *p, const struct report_job *job)
{
	const struct look *look = look_of(job);

	rawf(p, "<li class=\"b\"><span class=\"s %s\">%s</span><span><b>%s</b>: ", look->style,
	     look->sign, look->word);
	text(p, job->reason ? job->reason : "");
	raw(p, "</span><span class=\"dim\">");
	put_job_name(p, job);
	raw(p, "</span></li>\n");
}

static void put_faults_of(struct page *p, enum report_mark mark)
{
	for (size_t i = 0; i < p->report->n; i++) {
		const struct report_job *job = &p->report->jobs[i];

		for (size_t k = 0; job->trial && k < job->trial->n; k++)
			if (report_mark(&job->trial->cases[k]) == mark)
				put_fault(p, job, k);
	}
}

static void put_faults(struct page *p)
{
	if (report_passed(p->report) && p->totals.marks[MARK_FLAKY] == 0)
		return;
	raw(p, "<h2>What failed</h2>\n<ul class=\"faults\">\n");
	put_faults_of(p, MARK_FAIL);
	for (size_t i = 0; i < p->report->n; i++)
		if (!p->report->jobs[i].trial && p->report->jobs[i].state != REPORT_LEFT_OUT)
			put_absent(p, &p->report->jobs[i]);
	put_faults_of(p, MARK_FLAKY);
	raw(p, "</ul>\n");
}

/* A cell of the grid: the sign, as a link to the trial. */
static void put_cell(struct page *p, const struct report_job *job, const char *name, bool first,
		     bool last)
{
	const struct trial_case *c = report_find_case(job, name);
	const struct look *look = job && !job->trial ? &states[job->state] : &marks[report_mark(c)];

	rawf(p, "<td%s>",
	     first && last ? " class=\"first last\""
	     : first       ? " class=first"
	     : last        ? " class=last"
			   : "");
	if (!c) {
		rawf(p, "<span class=\"s %s\">%s</span></td>", job ? look->style : "n",
		     job ? look->sign : "");
		return;
	}
	rawf(p, "<a class=\"s %s\" href=\"#t%zu-%zu\" title=\"", look->style, index_of(p, job),
	     (size_t)(c - job->trial->cases));
	text(p, c->name);
	rawf(p, ": %s, %.1f s\">%s</a></td>", look->word, seconds(c->run.ms), look->sign);
}

static void put_row(struct page *p, const char *patch, const char *kernel,
		    const struct report_names *cases)
{
	bool any = false;

	for (size_t m = 0; m < p->machines.n; m++)
		any = any || report_find_job(p->report, patch, kernel, p->machines.items[m]);
	if (!any)
		return;
	raw(p, "<tr><th class=k>");
	text(p, kernel);
	raw(p, "</th>");
	for (size_t m = 0; m < p->machines.n; m++) {
		const struct report_job *job =
			report_find_job(p->report, patch, kernel, p->machines.items[m]);

		for (size_t c = 0; c < cases[m].n; c++)
			put_cell(p, job, cases[m].items[c], c == 0, c + 1 == cases[m].n);
		if (cases[m].n == 0)
			put_cell(p, job, "", true, true);
	}
	raw(p, "</tr>\n");
}

static void put_grid_head(struct page *p, const char *patch, const struct report_names *cases)
{
	raw(p, "<thead><tr><th class=\"patch\" rowspan=\"2\">");
	text(p, patch);
	raw(p, "</th>");
	for (size_t m = 0; m < p->machines.n; m++) {
		rawf(p, "<th class=\"machine\" colspan=\"%zu\">", MAX(cases[m].n, (size_t)1));
		text(p, p->machines.items[m]);
		raw(p, "</th>");
	}
	raw(p, "</tr>\n<tr>");
	for (size_t m = 0; m < p->machines.n; m++) {
		for (size_t c = 0; c < MAX(cases[m].n, (size_t)1); c++) {
			rawf(p, "<th%s><div class=\"case\">", c == 0 ? " class=first" : "");
			text(p, c < cases[m].n ? cases[m].items[c] : "");
			raw(p, "</div></th>");
		}
	}
	raw(p, "</tr></thead>\n");
}

static void put_legend(struct page *p)
{
	raw(p, "<ul class=\"legend\">");
	for (size_t i = MARK_NONE; i < MARK_COUNT; i++)
		rawf(p, "<li><span class=\"s %s\">%s</span> %s</li>", marks[i].style, marks[i].sign,
		     marks[i].word);
	for (size_t i = REPORT_LEFT_OUT; i < ARRAY_SIZE(states); i++)
		if (p->totals.states[i] > 0)
			rawf(p, "<li><span class=\"s %s\">%s</span> %s</li>", states[i].style,
			     states[i].sign, states[i].word);
	raw(p, "</ul>\n");
}

/* A table a patch: they stand side by side where there is room. */
static void put_grid_of(struct page *p, const struct report_names *cases)
{
	raw(p, "<h2>Grid</h2>\n<div class=\"patches\">\n");
	for (size_t i = 0; i < p->patches.n; i++) {
		raw(p, "<div class=\"scroll\"><table class=\"grid\">\n");
		put_grid_head(p, p->patches.items[i], cases);
		raw(p, "<tbody>\n");
		for (size_t k = 0; k < p->kernels.n; k++)
			put_row(p, p->patches.items[i], p->kernels.items[k], cases);
		raw(p, "</tbody></table></div>\n");
	}
	raw(p, "</div>\n");
	put_legend(p);
}

static void put_grid(struct page *p)
{
	struct report_names *cases = calloc(MAX(p->machines.n, (size_t)1), sizeof(*cases));

	if (!cases && p->r == 0)
		p->r = ERR_NO_MEMORY;
	for (size_t m = 0; p->r == 0 && m < p->machines.n; m++)
		p->r = report_cases(p->report, p->machines.items[m], &cases[m]);
	if (p->r == 0)
		put_grid_of(p, cases);
	for (size_t m = 0; cases && m < p->machines.n; m++)
		report_names_done(&cases[m]);
	free(cases);
}

static void put_slowest(struct page *p)
{
	struct report_slow slow[SLOWEST];
	size_t n = report_slowest(p->report, slow, SLOWEST);

	raw(p, "<section><h2>Slowest</h2>\n<div class=\"scroll\"><table class=\"list\">\n");
	for (size_t i = 0; i < n; i++) {
		rawf(p, "<tr><td class=num>%.1f s</td><td><a href=\"#t%zu-%zu\">",
		     seconds(slow[i].c->run.ms), index_of(p, slow[i].job),
		     (size_t)(slow[i].c - slow[i].job->trial->cases));
		text(p, slow[i].c->name);
		raw(p, "</a><br><span class=\"dim\">");
		put_job_name(p, slow[i].job);
		raw(p, "</span></td></tr>\n");
	}
	raw(p, "</table></div></section>\n");
}

static void put_kernels(struct page *p)
{
	int64_t most = 1;

	for (size_t i = 0; i < p->kernels.n; i++)
		most = MAX(most, report_kernel_ms(p->report, p->kernels.items[i]));
	raw(p, "<section><h2>Seconds of each kernel</h2>\n"
	       "<div class=\"scroll\"><table class=\"list\">\n");
	for (size_t i = 0; i < p->kernels.n; i++) {
		int64_t ms = report_kernel_ms(p->report, p->kernels.items[i]);

		raw(p, "<tr><td class=k>");
		text(p, p->kernels.items[i]);
		rawf(p,
		     "<span class=\"bar\" style=\"width:%d%%\"></span></td>"
		     "<td class=num>%.1f s</td></tr>\n",
		     (int)(ms * 100 / most), seconds(ms));
	}
	raw(p, "</table></div></section>\n");
}

static void put_excerpt(struct page *p, const struct trial_case *c)
{
	size_t before = p->out->len;

	if (!c->excerpt[0])
		return;
	if (p->logs >= PAGE_LOG_MAX) {
		raw(p, "<div class=\"dim\">The part of the kernel log is in the record.</div>");
		return;
	}
	raw(p, "<pre>");
	text(p, c->excerpt);
	raw(p, "</pre>");
	p->logs += p->out->len - before;
}

static void put_log_link(struct page *p, const struct report_job *job, const struct trial_case *c)
{
	_cleanup_buf_ struct buf path = BUF_INIT(4 * REPORT_TEXT_MAX);

	if (!c->log[0] || !job->logs)
		return;
	if (p->r == 0)
		p->r = buf_printf(&path, "%s/%s", job->logs, c->log);
	raw(p, "<div><a href=\"");
	if (p->r == 0)
		p->r = markup_path(p->out, buf_str(&path));
	raw(p, "\">console log</a></div>");
}

static void put_case(struct page *p, const struct report_job *job, size_t k)
{
	const struct trial_case *c = &job->trial->cases[k];
	const struct look *look = &marks[report_mark(c)];

	rawf(p, "<tr id=\"t%zu-%zu\"><td><span class=\"s %s\" title=\"%s\">%s</span></td><td>",
	     index_of(p, job), k, look->style, look->word, look->sign);
	text(p, c->name);
	raw(p, "</td><td>");
	if (c->repeated) {
		raw(p, "<div>The first time: ");
		put_outcome(p, &c->first);
		rawf(p, " (%.1f s)</div><div>Again: %s ", seconds(c->first.ms),
		     c->run.verdict == VERDICT_PASS ? "passed" : "");
	} else {
		raw(p, "<div>");
	}
	put_outcome(p, &c->run);
	raw(p, "</div>");
	put_excerpt(p, c);
	put_log_link(p, job, c);
	rawf(p, "</td><td class=num>%.1f s</td></tr>\n", seconds(c->run.ms));
}

static void put_command(struct page *p, const struct report_job *job)
{
	_cleanup_buf_ struct buf command = BUF_INIT(COMMAND_MAX);

	if (p->r == 0)
		p->r = shell_command_append(job, &command);
	raw(p, "<p class=\"enter\">Enter it: <code>");
	text(p, buf_str(&command));
	raw(p, "</code></p>\n");
}

static void put_facts(struct page *p, const struct trial *t)
{
	raw(p, "<p class=\"dim\">");
	text(p, t->machine);
	raw(p, " · module <code>");
	text(p, t->module);
	raw(p, "</code> sha256 <code>");
	text(p, t->module_sha256);
	raw(p, "</code> · kernel build <code>");
	text(p, t->build_id[0] ? t->build_id : "unknown");
	raw(p, "</code> · begun ");
	text(p, t->time);
	rawf(p, " · %u boot%s</p>\n", t->boots, t->boots == 1 ? "" : "s");
}

static void put_trial(struct page *p, const struct report_job *job)
{
	const struct look *look = look_of(job);

	rawf(p, "<details id=\"t%zu\"%s><summary><span class=\"s %s\">%s</span><span>",
	     index_of(p, job), report_job_failed(job) && job->trial ? " open" : "", look->style,
	     look->sign);
	put_job_name(p, job);
	raw(p, "</span><span class=\"dim\">");
	if (job->trial)
		rawf(p, "%zu cases, %.1f s%s", job->trial->n, seconds(job->trial->ms),
		     job->state == REPORT_REMEMBERED ? ", remembered" : "");
	else
		raw(p, look->word);
	raw(p, "</span></summary><div class=\"in\">\n");
	if (job->reason) {
		raw(p, "<p>");
		text(p, job->reason);
		raw(p, "</p>\n");
	}
	if (job->trial) {
		put_facts(p, job->trial);
		put_command(p, job);
		raw(p, "<table class=\"cases\">\n");
		for (size_t k = 0; k < job->trial->n; k++)
			put_case(p, job, k);
		raw(p, "</table>\n");
	}
	raw(p, "</div></details>\n");
}

static void put_all(struct page *p)
{
	put_head(p);
	put_tiles(p);
	raw(p, "<main>\n");
	put_faults(p);
	put_grid(p);
	raw(p, "<div class=\"two\">\n");
	put_slowest(p);
	put_kernels(p);
	raw(p, "</div>\n<h2>Trials</h2>\n");
	for (size_t i = 0; i < p->report->n; i++)
		put_trial(p, &p->report->jobs[i]);
	raw(p, "</main>\n<footer>");
	text(p, p->report->tool);
	raw(p, " · ");
	text(p, p->report->time);
	raw(p, "</footer>\n</body></html>\n");
}

int report_page_append(const struct report *report, struct buf *out)
{
	struct page p = { .out = out, .report = report };

	report_count(report, &p.totals);
	p.r = report_names(report, report_patch, &p.patches);
	if (p.r == 0)
		p.r = report_names(report, report_kernel, &p.kernels);
	if (p.r == 0)
		p.r = report_names(report, report_machine, &p.machines);
	if (p.r == 0)
		put_all(&p);
	report_names_done(&p.patches);
	report_names_done(&p.kernels);
	report_names_done(&p.machines);
	return p.r;
}
