// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report/report_text.h"

#define COLUMNS_MIN 80
#define COLUMNS_MAX 160
#define PATCH_MAX   24 /* columns of a patch's name */
#define SLOWEST     5
#define KEYS        "abcdefghijklmnopqrstuvwxyzABCDEF"

enum style { PLAIN, GREEN, RED, YELLOW, DIM };

struct text {
	FILE *out;
	const struct report *report;
	bool colour;
	int columns;
	struct report_names patches, kernels, machines, cases;
	int patch_width, kernel_width, machine_width, case_width;
};

static const struct {
	char sign;
	const char *word;
	enum style style;
} marks[MARK_COUNT] = {
	[MARK_NONE] = { '-', "", DIM },          [MARK_PASS] = { '.', "pass", GREEN },
	[MARK_FLAKY] = { '~', "flaky", YELLOW }, [MARK_FAIL] = { 'F', "FAIL", RED },
	[MARK_SKIP] = { 's', "skip", DIM },
};

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static void put(const struct text *t, enum style style, const char *text)
{
	static const char *const codes[] = {
		[GREEN] = "\33[32m", [RED] = "\33[1;31m", [YELLOW] = "\33[33m", [DIM] = "\33[2m"
	};

	if (t->colour && style != PLAIN)
		fprintf(t->out, "%s%s\33[0m", codes[style], text);
	else
		fputs(text, t->out);
}

static int width_of(const struct report_names *names, int least)
{
	int width = least;

	for (size_t i = 0; i < names->n; i++)
		width = MAX(width, (int)strlen(names->items[i]));
	return width;
}

/* "oops: message". */
static void print_outcome(const struct text *t, const char *when, const struct trial_outcome *run)
{
	bool named = run->cause != CAUSE_NONE || *when;

	fprintf(t->out, "\t%s%s%s%s\n", when,
		run->cause != CAUSE_NONE ? trial_cause_name(run->cause)
		: *when                  ? trial_verdict_name(run->verdict)
					 : "",
		named && run->message[0] ? ": " : "", run->message);
}

static void print_why(const struct text *t, const struct trial_case *c)
{
	if (c->repeated) {
		print_outcome(t, "the first time: ", &c->first);
		print_outcome(t, "again: ", &c->run);
	} else {
		print_outcome(t, "", &c->run);
	}
	if (c->excerpt[0])
		fprintf(t->out, "\n%s\n", c->excerpt);
}

static void print_case(const struct text *t, const struct report_job *job,
		       const struct trial_case *c)
{
	enum report_mark mark = report_mark(c);
	char word[8];

	snprintf(word, sizeof(word), "%-6s", marks[mark].word);
	if (report_is_matrix(t->report))
		fprintf(t->out, "%-*s  ", t->patch_width, report_patch(job));
	fprintf(t->out, "%-*s  %-*s  %-*s  ", t->kernel_width, report_kernel(job), t->machine_width,
		report_machine(job), t->case_width, c->name);
	put(t, marks[mark].style, word);
	fprintf(t->out, " %8.1f\n", seconds(c->run.ms));
	if (mark != MARK_PASS)
		print_why(t, c);
}

static void print_state(const struct text *t, const struct report_job *job)
{
	if (job->state == REPORT_HELD || job->state == REPORT_REMEMBERED)
		return;
	if (job->patch)
		fprintf(t->out, "%-*s  ", t->patch_width, job->patch);
	fprintf(t->out, "%-*s  %-*s  ", t->kernel_width, report_kernel(job), t->machine_width,
		report_machine(job));
	put(t, job->state == REPORT_LEFT_OUT ? DIM : RED, report_state_name(job->state));
	fprintf(t->out, "\n\t%s\n", job->reason ? job->reason : "");
}

/* `all`: the passed cases too. */
static void print_cases(const struct text *t, bool all)
{
	for (size_t i = 0; i < t->report->n; i++) {
		const struct report_job *job = &t->report->jobs[i];

		if (all || job->state != REPORT_LEFT_OUT)
			print_state(t, job);
		for (size_t k = 0; job->trial && k < job->trial->n; k++) {
			const struct trial_case *c = &job->trial->cases[k];
			enum report_mark mark = report_mark(c);

			if (all || mark == MARK_FAIL || mark == MARK_FLAKY)
				print_case(t, job, c);
		}
	}
}

static void print_sign(const struct text *t, enum style style, char sign)
{
	put(t, style, (char[]){ sign, 0 });
}

/* The signs of one patch and kernel in one machine. */
static void print_signs(const struct text *t, const struct report_job *job)
{
	static const char states[] = {
		[REPORT_LEFT_OUT] = '-', [REPORT_NOT_BUILT] = 'B', [REPORT_NOT_HELD] = '?'
	};

	putc(' ', t->out);
	for (size_t i = 0; i < t->cases.n; i++) {
		enum report_mark mark = report_mark(report_find_case(job, t->cases.items[i]));

		if (!job)
			print_sign(t, DIM, '-');
		else if (!job->trial)
			print_sign(t, job->state == REPORT_LEFT_OUT ? DIM : RED,
				   states[job->state] ? states[job->state] : '?');
		else
			print_sign(t, marks[mark].style, marks[mark].sign);
	}
}

static void print_row(const struct text *t, size_t patch, size_t kernel, size_t from, size_t to)
{
	const struct report_job *found[COLUMNS_MAX];
	bool any = false;

	for (size_t m = from; m < to; m++) {
		found[m - from] = report_find_job(t->report, t->patches.items[patch],
						  t->kernels.items[kernel], t->machines.items[m]);
		any = any || found[m - from];
	}
	if (!any)
		return;
	fprintf(t->out, "%-*.*s  %-*.*s ", t->patch_width, t->patch_width, t->patches.items[patch],
		t->kernel_width, t->kernel_width, t->kernels.items[kernel]);
	for (size_t m = from; m < to; m++)
		print_signs(t, found[m - from]);
	putc('\n', t->out);
}

/* Machines `from` to `to`: as many as fit beside each other. */
static void print_block(const struct text *t, size_t from, size_t to)
{
	int group = (int)t->cases.n;

	fprintf(t->out, "\n%-*s  %-*s ", t->patch_width, "PATCH", t->kernel_width, "KERNEL");
	for (size_t m = from; m < to; m++)
		fprintf(t->out, " %-*zu", m + 1 < to ? group : 1, m + 1);
	fprintf(t->out, "\n%*s", t->patch_width + t->kernel_width + 3, "");
	for (size_t m = from; m < to; m++)
		fprintf(t->out, " %.*s", group, KEYS);
	putc('\n', t->out);
	for (size_t p = 0; p < t->patches.n; p++)
		for (size_t k = 0; k < t->kernels.n; k++)
			print_row(t, p, k, from, to);
}

/* Items of a list, as many on a line as fit. */
static void print_legend(const struct text *t, const char *title, const struct report_names *names,
			 bool letters)
{
	int at = fprintf(t->out, "%s", title);

	for (size_t i = 0; i < names->n; i++) {
		char key[24];

		if (letters)
			snprintf(key, sizeof(key), "%c", KEYS[i % (sizeof(KEYS) - 1)]);
		else
			snprintf(key, sizeof(key), "%zu", i + 1);
		int width = (int)(strlen(key) + strlen(names->items[i])) + 3;

		if (at + width > t->columns)
			at = fprintf(t->out, "\n%*s", (int)strlen(title), "") - 1;
		at += fprintf(t->out, "  %s %s", key, names->items[i]);
	}
	putc('\n', t->out);
}

static void print_grid(const struct text *t)
{
	int room = t->columns - t->patch_width - t->kernel_width - 3;
	size_t fit = (size_t)MAX(room / ((int)t->cases.n + 1), 1);

	for (size_t m = 0; m < t->machines.n; m += fit)
		print_block(t, m, MIN(m + fit, t->machines.n));
	putc('\n', t->out);
	print_legend(t, "machines:", &t->machines, false);
	print_legend(t, "cases:   ", &t->cases, true);
	fputs("signs:     . pass  F FAIL  s skip  - none  B not built  ? not held\n"
	      "           ~ failed, and passed when it was repeated\n\n",
	      t->out);
}

static void print_slowest(const struct text *t)
{
	struct report_slow slow[SLOWEST];
	size_t n = report_slowest(t->report, slow, SLOWEST);

	fprintf(t->out, "\nslowest:\n");
	for (size_t i = 0; i < n; i++)
		fprintf(t->out, "%8.1f s  %s  %s  %s  %s\n", seconds(slow[i].c->run.ms),
			slow[i].c->name, report_kernel(slow[i].job), report_patch(slow[i].job),
			report_machine(slow[i].job));
}

static void print_kernels(const struct text *t)
{
	fprintf(t->out, "\nseconds of each kernel:\n");
	for (size_t i = 0; i < t->kernels.n; i++)
		fprintf(t->out, "%8.1f s  %s\n",
			seconds(report_kernel_ms(t->report, t->kernels.items[i])),
			t->kernels.items[i]);
}

static void print_totals(const struct text *t)
{
	bool passed = report_passed(t->report);
	struct report_totals n;

	report_count(t->report, &n);
	fprintf(t->out,
		"\n%zu combinations of %zu patches, %zu kernels, %zu machines, %zu cases:\n",
		n.combinations, n.patches, n.kernels, n.machines, t->cases.n);
	fprintf(t->out, "  %zu passed, %zu failed, %zu passed when repeated; %zu skipped\n",
		n.marks[MARK_PASS], n.marks[MARK_FAIL], n.marks[MARK_FLAKY], n.marks[MARK_SKIP]);
	fprintf(t->out, "trials: %zu held, %zu remembered, %zu left out, ", n.states[REPORT_HELD],
		n.states[REPORT_REMEMBERED], n.states[REPORT_LEFT_OUT]);
	fprintf(t->out, "%zu not built, %zu not held\n", n.states[REPORT_NOT_BUILT],
		n.states[REPORT_NOT_HELD]);
	put(t, passed ? GREEN : RED, passed ? "passed" : "FAILED");
	fprintf(t->out, " in %.1f s\n", seconds(n.ms));
}

static int text_init(struct text *t)
{
	int r = report_names(t->report, report_patch, &t->patches);

	if (r == 0)
		r = report_names(t->report, report_kernel, &t->kernels);
	if (r == 0)
		r = report_names(t->report, report_machine, &t->machines);
	if (r == 0)
		r = report_cases(t->report, NULL, &t->cases);
	t->patch_width = MIN(width_of(&t->patches, 5), PATCH_MAX);
	t->kernel_width = width_of(&t->kernels, 6);
	t->machine_width = width_of(&t->machines, 7);
	t->case_width = width_of(&t->cases, 4);
	return r;
}

static void print_all(const struct text *t)
{
	if (report_is_matrix(t->report)) {
		print_grid(t);
		print_cases(t, false);
	} else {
		fprintf(t->out, "%-*s  %-*s  %-*s  %-6s %8s\n", t->kernel_width, "KERNEL",
			t->machine_width, "MACHINE", t->case_width, "CASE", "RESULT", "SECONDS");
		print_cases(t, true);
	}
	print_slowest(t);
	print_kernels(t);
	print_totals(t);
}

int report_print(FILE *out, const struct report *report, const struct report_text_options *options)
{
	unsigned columns = options->columns ? options->columns : 100;
	struct text t = {
		.out = out,
		.report = report,
		.colour = options->colour,
		.columns = (int)MIN(MAX(columns, (unsigned)COLUMNS_MIN), (unsigned)COLUMNS_MAX),
	};
	int r = text_init(&t);

	if (r == 0)
		print_all(&t);
	report_names_done(&t.patches);
	report_names_done(&t.kernels);
	report_names_done(&t.machines);
	report_names_done(&t.cases);
	return r;
}
