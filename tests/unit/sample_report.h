/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports made by hand: one run, and a matrix with a job of each state. */
#pragma once

#include "lab/report/report.h"
#include "unit.h"

#define SAMPLE_HASH  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SAMPLE_HASH2 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SAMPLE_BUILD "00112233445566778899aabbccddeeff00112233"
/* What a hostile guest may say. */
#define SAMPLE_EVIL  "</pre><script>alert(1)</script> \"x\" 'y' & <b>\x1b[31m\xff\xc3"

static inline struct trial_case *sample_case(struct trial *t, const char *name, int64_t ms)
{
	struct trial_case *c = &t->cases[t->n++];

	snprintf(c->name, sizeof(c->name), "%s", name);
	c->run.ms = ms;
	return c;
}

static inline struct trial_case *sample_fail(struct trial *t, const char *name, int64_t ms,
					     enum trial_cause cause, const char *message)
{
	struct trial_case *c = sample_case(t, name, ms);

	c->run.verdict = VERDICT_FAIL;
	c->run.cause = cause;
	snprintf(c->run.message, sizeof(c->run.message), "%s", message);
	return c;
}

static inline void sample_skip(struct trial *t, const char *name, const char *why)
{
	struct trial_case *c = sample_case(t, name, 0);

	c->run.verdict = VERDICT_SKIP;
	snprintf(c->run.message, sizeof(c->run.message), "%s", why);
}

static inline struct trial *sample_trial(const char *kernel, const char *hash)
{
	struct trial *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	snprintf(t->kernel, sizeof(t->kernel), "%s", kernel);
	snprintf(t->module, sizeof(t->module), "fix.ko");
	snprintf(t->module_sha256, sizeof(t->module_sha256), "%s", hash);
	snprintf(t->build_id, sizeof(t->build_id), "%s", SAMPLE_BUILD);
	snprintf(t->machine, sizeof(t->machine), "pc, 2 cpus, 512 MB, tcg-multi");
	snprintf(t->time, sizeof(t->time), "2026-11-27T08:00:00Z");
	t->ms = 12345;
	t->boots = 2;
	return t;
}

/* One that fails, with all a case can have. */
static inline struct trial *sample_bad_trial(const char *kernel, const char *hash)
{
	struct trial *t = sample_trial(kernel, hash);
	struct trial_case *c;

	sample_case(t, "load", 1500);
	c = sample_fail(t, "reproducer", 2250, CAUSE_OOPS, "a task died: " SAMPLE_EVIL);
	c->repeated = true;
	c->first = (struct trial_outcome){ VERDICT_FAIL, CAUSE_HANG, 9000, "no answer" };
	snprintf(c->excerpt, sizeof(c->excerpt), "BUG: NULL pointer\n\tRIP: f+0x1 <%s>\n",
		 SAMPLE_EVIL);
	snprintf(c->log, sizeof(c->log), "%s.reproducer.log", kernel);
	sample_skip(t, "kmemleak", "this kernel has no kmemleak");
	c = sample_case(t, "cycles", 4000);
	c->repeated = true;
	c->first = (struct trial_outcome){ VERDICT_FAIL, CAUSE_STUCK, 60000, "1 task is left" };
	return t;
}

static inline void sample_add(struct report *report, const struct report_job *job)
{
	struct error err = { 0 };

	assert_ok(report_add(report, job, &err), &err);
}

static inline void sample_fixed(struct report *report)
{
	report_init(report);
	snprintf(report->tool, sizeof(report->tool), "suture-lab 9.9.9");
	snprintf(report->time, sizeof(report->time), "2026-11-27T09:00:00Z");
}

/* `suture-lab run` on two kernels: one good, one not. */
static inline void sample_run(struct report *report)
{
	struct trial *good = sample_trial("6.1.0-40-cloud-amd64", SAMPLE_HASH);

	sample_fixed(report);
	sample_case(good, "load", 1250);
	sample_case(good, "reproducer", 750);
	sample_add(report, &(struct report_job){ .trial = good });
	sample_add(report, &(struct report_job){
				   .trial = sample_bad_trial("6.12.9+deb12-amd64", SAMPLE_HASH),
				   .logs = (char *)"logs" });
}

/* Two patches, two kernels, two machines. */
static inline void sample_matrix(struct report *report)
{
	struct trial *good = sample_trial("6.1.0-40-cloud-amd64", SAMPLE_HASH);

	sample_fixed(report);
	report->ms = 30000;
	sample_case(good, "load", 1250);
	sample_case(good, "reproducer", 750);
	sample_add(report, &(struct report_job){ .patch = (char *)"one",
						 .machine = (char *)"small",
						 .trial = good });
	sample_add(report,
		   &(struct report_job){
			   .patch = (char *)"one",
			   .machine = (char *)"large",
			   .state = REPORT_REMEMBERED,
			   .logs = (char *)"logs/one",
			   .shell = (char *)"suture-lab shell --matrix m.conf one/large",
			   .trial = sample_bad_trial("6.1.0-40-cloud-amd64", SAMPLE_HASH) });
	sample_add(report, &(struct report_job){ .patch = (char *)"two",
						 .kernel = (char *)"6.1.0-40-cloud-amd64",
						 .machine = (char *)"small",
						 .state = REPORT_NOT_BUILT,
						 .reason = (char *)"f: no ftrace entry" });
	sample_add(report, &(struct report_job){ .patch = (char *)"two",
						 .kernel = (char *)"6.12.9+deb12-amd64",
						 .machine = (char *)"small",
						 .state = REPORT_NOT_HELD,
						 .reason = (char *)"interrupted" });
	sample_add(report, &(struct report_job){ .patch = (char *)"two",
						 .kernel = (char *)"6.12.9+deb12-amd64",
						 .machine = (char *)"large",
						 .state = REPORT_LEFT_OUT,
						 .reason = (char *)"not for this kernel" });
}

/* What a form made of a report must be, byte by byte; SUTURE_UPDATE=1 writes it anew. */
static inline void sample_expect(const char *folder, const char *name, const void *made, size_t len)
{
	const char *golden = getenv("SUTURE_GOLDEN");
	_cleanup_free_ char *path = golden ? path_join(golden, folder, name, NULL) : NULL;
	_cleanup_buf_ struct buf wanted = BUF_INIT(1 << 20);
	struct error err = { 0 };

	assert_non_null(path);
	if (getenv("SUTURE_UPDATE"))
		assert_ok(file_write_atomic(path, made, len, 0644, &err), &err);
	assert_ok(file_read(path, &wanted, &err), &err);
	assert_int_equal(len, wanted.len);
	assert_memory_equal(made, wanted.data, len);
}
