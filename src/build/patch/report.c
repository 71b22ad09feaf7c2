/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/report.h"

#include "base/file.h"
#include "base/json.h"

#define REPORT_MAX ((size_t)64 << 20)

/* Of a unit that was not compared: it is not in this kernel. */
static const struct diff_result none;

void report_functions(const struct analysis *a)
{
	for (size_t i = 0; i < a->unit_count; i++) {
		const struct analysis_unit *u = &a->units[i];
		const struct diff_result *d = u->diff ? diff_result(u->diff) : &none;

		for (size_t j = 0; j < d->changed_count; j++)
			printf("           changed: %s (%s, %s)\n", d->changed[j].name,
			       u->unit->object, u->unit->path);
		for (size_t j = 0; j < d->added_count; j++)
			printf("           new:     %s (%s)\n", d->added[j].name, u->unit->path);
	}
}

static const char *verdict_name(int verdict)
{
	switch (verdict) {
	case 0: return "accepted";
	case ERR_NO_CHANGE: return "no-change";
	case ERR_MISMATCH: return "mismatch";
	default: return "refused";
	}
}

static void add_functions(json_t *list, const struct unit *unit, const struct diff_function *f,
			  size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", f[i].name,
						      "object", unit->object, "file", unit->path));
}

static json_t *describe_functions(const struct analysis *a, bool added)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->unit_count; i++) {
		const struct diff *diff = a->units[i].diff;
		const struct diff_result *d = diff ? diff_result(diff) : &none;

		if (added)
			add_functions(list, a->units[i].unit, d->added, d->added_count);
		else
			add_functions(list, a->units[i].unit, d->changed, d->changed_count);
	}
	return list;
}

static json_t *describe_reasons(const struct reason_list *reasons)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < reasons->n; i++) {
		const struct reason *r = &reasons->items[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "grade",
						      reason_grade_name(reason_grade(r->code)),
						      "code", reason_name(r->code), "file", r->file,
						      "name", r->subject, "message", r->message,
						      "hint", reason_hint(r)));
	}
	return list;
}

/* How many reasons of each code. */
static json_t *count_reasons(const struct reason_list *reasons)
{
	json_t *counts = json_object();

	for (size_t i = 0, j; counts && i < reasons->n; i = j) {
		for (j = i + 1; j < reasons->n && reasons->items[j].code == reasons->items[i].code;)
			j++;
		json_object_set_new(counts, reason_name(reasons->items[i].code),
				    json_integer((json_int_t)(j - i)));
	}
	return counts;
}

static json_t *describe_patches(const struct analysis *a)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->patch_count; i++)
		json_array_append_new(list, json_string(path_base(a->patches[i].path)));
	return list;
}

int report_json(struct analysis *a, int verdict, FILE *out, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(REPORT_MAX);

	reason_list_sort(&a->reasons);

	_cleanup_json_ json_t *o =
		json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "kernel",
			  a->kbuild->kernel->release, "verdict", verdict_name(verdict), "patches",
			  describe_patches(a), "changed_functions", describe_functions(a, false),
			  "new_functions", describe_functions(a, true), "counts",
			  count_reasons(&a->reasons), "reasons", describe_reasons(&a->reasons));
	int r = o ? json_append_pretty(o, &text) : ERR_INVALID;

	if (r < 0)
		return error_set(err, r, "cannot print: a name is not UTF-8");
	fputs(buf_str(&text), out);
	return 0;
}
