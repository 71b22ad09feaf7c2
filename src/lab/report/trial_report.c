// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report/trial_report.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static int64_t total_ms(const struct trial *t)
{
	int64_t ms = 0;

	for (size_t i = 0; i < t->n; i++)
		ms += t->cases[i].run.ms;
	return ms;
}

static size_t failures(const struct trial *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->cases[i].run.verdict == VERDICT_FAIL;
	return n;
}

void trial_report_print(FILE *out, const struct trial *trials, size_t n)
{
	fprintf(out, "%-32s %-12s %-6s %8s\n", "KERNEL", "CASE", "RESULT", "SECONDS");
	for (size_t i = 0; i < n; i++) {
		const struct trial *t = &trials[i];

		for (size_t k = 0; k < t->n; k++) {
			const struct trial_case *c = &t->cases[k];

			fprintf(out, "%-32s %-12s %-6s %8.1f\n", t->kernel, c->name,
				c->run.verdict == VERDICT_FAIL ? "FAIL" : "pass",
				seconds(c->run.ms));
			if (c->run.verdict == VERDICT_FAIL)
				fprintf(out, "\t%s\n", c->run.message);
			if (c->excerpt[0])
				fprintf(out, "\n%s\n", c->excerpt);
		}
		fprintf(out, "%-32s %-12s %-6s %8.1f\n", t->kernel, "all",
			trial_passed(t) ? "pass" : "FAIL", seconds(total_ms(t)));
	}
}

static json_t *case_json(const struct trial_case *c)
{
	json_t *o = json_object();

	if (o && (json_set_str(o, "name", c->name) < 0 ||
		  json_set_str(o, "result", trial_verdict_name(c->run.verdict)) < 0 ||
		  json_object_set_new(o, "seconds", json_real(seconds(c->run.ms))) < 0 ||
		  json_set_str(o, "message", c->run.message) < 0)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *trial_json(const struct trial *t)
{
	_cleanup_json_ json_t *o = json_object(), *cases = json_array();
	const char *excerpt = NULL;

	for (size_t i = 0; i < t->n; i++)
		if (t->cases[i].excerpt[0])
			excerpt = t->cases[i].excerpt;
	for (size_t i = 0; cases && i < t->n; i++)
		if (json_array_append_new(cases, case_json(&t->cases[i])) < 0)
			return NULL;
	if (!o || !cases || json_set_str(o, "kernel", t->kernel) < 0 ||
	    json_set_str(o, "build_id", t->build_id[0] ? t->build_id : NULL) < 0 ||
	    json_set_str(o, "result", trial_passed(t) ? "pass" : "fail") < 0 ||
	    json_object_set_new(o, "seconds", json_real(seconds(total_ms(t)))) < 0 ||
	    json_object_set(o, "cases", cases) < 0 || json_set_str(o, "log", excerpt) < 0)
		return NULL;
	return TAKE_PTR(o);
}

int trial_report_json(const struct trial *trials, size_t n, const char *module, json_t **ret,
		      struct error *err)
{
	_cleanup_json_ json_t *o = json_object(), *kernels = json_array();
	char hash[SHA256_HEX_LEN + 1], now[CLOCK_TEXT_MAX];
	bool passed = n > 0;
	int r = hash_sha256_file(module, hash, err);

	if (r < 0)
		return r;
	clock_format(clock_now(), now);
	for (size_t i = 0; kernels && i < n; i++) {
		passed = passed && trial_passed(&trials[i]);
		if (json_array_append_new(kernels, trial_json(&trials[i])) < 0)
			return error_set(err, ERR_NO_MEMORY, "test record");
	}
	if (!o || !kernels || json_object_set_new(o, "format", json_integer(1)) < 0 ||
	    json_set_str(o, "tool", "suture-lab " SUTURE_VERSION) < 0 ||
	    json_set_str(o, "time", now) < 0 || json_set_str(o, "module_sha256", hash) < 0 ||
	    json_set_str(o, "module", path_base(module)) < 0 ||
	    json_set_str(o, "result", passed ? "pass" : "fail") < 0 ||
	    json_object_set(o, "kernels", kernels) < 0)
		return error_set(err, ERR_NO_MEMORY, "test record");
	*ret = TAKE_PTR(o);
	return 0;
}

/* Text in XML 1.0: the five entities, and '?' for control characters that it cannot hold. */
static int append_escaped(struct buf *out, const char *text)
{
	static const char *const entities[256] = {
		['&'] = "&amp;",  ['<'] = "&lt;",    ['>'] = "&gt;",
		['"'] = "&quot;", ['\''] = "&apos;",
	};
	int r = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p && r == 0; p++)
		if (entities[*p])
			r = buf_append_str(out, entities[*p]);
		else
			r = buf_append_byte(out, *p < ' ' && *p != '\n' && *p != '\t' ? '?' : *p);
	return r;
}

static int append_case(struct buf *out, const struct trial *t, const struct trial_case *c)
{
	int r = buf_printf(out, "    <testcase classname=\"%s\" name=\"%s\" time=\"%.3f\"",
			   t->kernel, c->name, seconds(c->run.ms));

	if (r < 0 || c->run.verdict != VERDICT_FAIL)
		return r < 0 ? r : buf_append_str(out, "/>\n");
	r = buf_append_str(out, "><failure message=\"");
	if (r == 0)
		r = append_escaped(out, c->run.message);
	if (r == 0)
		r = buf_append_str(out, "\">");
	if (r == 0)
		r = append_escaped(out, c->excerpt);
	return r < 0 ? r : buf_append_str(out, "</failure></testcase>\n");
}

int trial_report_junit(const struct trial *trials, size_t n, struct buf *out)
{
	int r = buf_append_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct trial *t = &trials[i];

		r = buf_printf(out,
			       "  <testsuite name=\"suture-lab %s\" tests=\"%zu\" failures=\"%zu\" "
			       "time=\"%.3f\">\n",
			       t->kernel, t->n, failures(t), seconds(total_ms(t)));
		for (size_t k = 0; r == 0 && k < t->n; k++)
			r = append_case(out, t, &t->cases[k]);
		if (r == 0)
			r = buf_append_str(out, "  </testsuite>\n");
	}
	return r < 0 ? r : buf_append_str(out, "</testsuites>\n");
}
