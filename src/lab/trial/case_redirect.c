// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/case_redirect.h"

#include <stdio.h>

#include "kernel/code.h"

#define LINES_MAX 32768 /* four for each of the probe's functions, and more */

enum line_kind { LINE_FUNCTION, LINE_CODE, LINE_PATCHED, LINE_RESTORED, LINE_UNPATCHED };

/* One line; the texts point into the judge's copy of what the guest said. */
struct line {
	enum line_kind kind;
	const char *object, *name; /* name: "" in LINE_UNPATCHED */
	const char *hex;           /* NULL in LINE_FUNCTION and LINE_UNPATCHED, "-" for no code */
	unsigned int position;
};

struct lines {
	struct line *items;
	size_t n;
	char *text;
};

static void lines_free(struct lines *l)
{
	free(l->items);
	free(l->text);
}

static bool parse_line(char *text, struct line *ret)
{
	static const char *const kinds[] = { "@function", "@code", "@patched", "@restored",
					     "@unpatched" };
	char *words[5] = { 0 }, *rest = NULL, *end = NULL;
	size_t n = 0, kind = 0;

	for (char *w = strtok_r(text, " ", &rest); w && n < 5; w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	while (n > 0 && kind < ARRAY_SIZE(kinds) && !streq(words[0], kinds[kind]))
		kind++;
	if (kind == LINE_UNPATCHED && n == 2) {
		*ret = (struct line){ .kind = LINE_UNPATCHED, .object = words[1], .name = "" };
		return true;
	}
	if (n < 4 || kind >= LINE_UNPATCHED || (kind == LINE_FUNCTION) != (n == 4))
		return false;
	unsigned long position = strtoul(words[3], &end, 10);

	if (*end || position > RECORD_SYMPOS_MAX)
		return false;
	*ret = (struct line){ .kind = (enum line_kind)kind,
			      .object = words[1],
			      .name = words[2],
			      .hex = words[4],
			      .position = (unsigned int)position };
	return true;
}

static int read_lines(const char *said, struct lines *ret)
{
	char *rest = NULL;

	*ret = (struct lines){ .items = calloc(LINES_MAX, sizeof(struct line)),
			       .text = strdup(said) };
	if (!ret->items || !ret->text)
		return ERR_NO_MEMORY;
	for (char *l = strtok_r(ret->text, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest)) {
		struct line line;

		if (*l != '@' || !parse_line(l, &line))
			continue;
		if (ret->n == LINES_MAX)
			return ERR_TOO_LARGE;
		ret->items[ret->n++] = line;
	}
	return 0;
}

static const struct line *find(const struct lines *l, enum line_kind kind, const char *object,
			       const char *name, unsigned int position)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].kind == kind && l->items[i].position == position &&
		    streq(l->items[i].object, object) && streq(l->items[i].name, name))
			return &l->items[i];
	return NULL;
}

/* A module that is not loaded has no code to be looked at. */
static bool is_left_out(const struct lines *l, const char *object)
{
	return !streq(object, "vmlinux") && find(l, LINE_UNPATCHED, object, "", 0);
}

static void wrong(struct trial_outcome *ret, enum trial_cause cause, const char *format, ...)
	_printf_(3, 4);

static void wrong(struct trial_outcome *ret, enum trial_cause cause, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(ret->message, sizeof(ret->message), format, ap);
	va_end(ap);
	ret->verdict = VERDICT_FAIL;
	ret->cause = cause;
}

static int from_hex(const char *hex, uint8_t *ret, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(hex) != 2 * size)
		return ERR_INVALID;
	for (size_t i = 0; i < size; i++) {
		const char *high = strchr(digits, hex[2 * i]),
			   *low = strchr(digits, hex[2 * i + 1]);

		if (!high || !low)
			return ERR_INVALID;
		ret[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return 0;
}

/* Is the guest's code, under the mask, what the record has the hash of? */
static bool is_recorded_code(const struct record_function *f, const char *hex)
{
	_cleanup_free_ uint8_t *code = malloc(f->size);
	_cleanup_free_ struct kernel_mask *mask = calloc(f->n_mask + 1, sizeof(*mask));
	uint8_t hash[SHA256_LEN], recorded[SHA256_LEN];

	for (size_t i = 0; mask && i < f->n_mask; i++)
		mask[i] = (struct kernel_mask){ f->mask[i].offset, f->mask[i].length };
	return code && mask && from_hex(hex, code, f->size) == 0 &&
	       from_hex(f->sha256, recorded, sizeof(recorded)) == 0 &&
	       kernel_code_hash(code, f->size, mask, f->n_mask, hash) == 0 &&
	       memcmp(hash, recorded, sizeof(hash)) == 0;
}

/* One function of the record; `compared` counts those whose code was seen. */
static bool judge_recorded(const struct lines *l, const char *object,
			   const struct record_function *f, size_t *compared,
			   struct trial_outcome *ret)
{
	const struct line *code = find(l, LINE_CODE, object, f->name, f->sympos);

	if (!find(l, LINE_FUNCTION, object, f->name, f->sympos > 0 ? f->sympos : 1)) {
		wrong(ret, CAUSE_WRONG_FUNCTION,
		      "the record names %s:%s,%u, and the kernel does not replace that one", object,
		      f->name, f->sympos);
		return false;
	}
	if (!code) {
		wrong(ret, CAUSE_LAB, "the code of %s:%s,%u was not looked at", object, f->name,
		      f->sympos);
		return false;
	}
	if (is_left_out(l, object))
		return true;
	if (!is_recorded_code(f, code->hex)) {
		wrong(ret, CAUSE_WRONG_FUNCTION,
		      "the code of %s:%s,%u in this kernel is not what the record describes",
		      object, f->name, f->sympos);
		return false;
	}
	++*compared;
	return true;
}

static bool judge_record(const struct record *record, const struct lines *l, size_t *compared,
			 struct trial_outcome *ret)
{
	size_t recorded = 0, replaced = 0;

	for (size_t i = 0; i < record->n_objects; i++)
		for (size_t k = 0; k < record->objects[i].n_functions; k++, recorded++)
			if (!judge_recorded(l, record->objects[i].name,
					    &record->objects[i].functions[k], compared, ret))
				return false;
	for (size_t i = 0; i < l->n; i++)
		replaced += l->items[i].kind == LINE_FUNCTION;
	if (replaced != recorded)
		wrong(ret, CAUSE_WRONG_FUNCTION,
		      "the kernel replaces %zu functions, the record has %zu", replaced, recorded);
	return replaced == recorded;
}

/* The entries of all that sysfs names; returns how many were seen, or -1 with the failure. */
static ssize_t judge_entries(const struct lines *l, struct trial_outcome *ret)
{
	ssize_t seen = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct line *f = &l->items[i];

		if (f->kind != LINE_FUNCTION)
			continue;
		const struct line *patched = find(l, LINE_PATCHED, f->object, f->name, f->position);
		const struct line *restored =
			find(l, LINE_RESTORED, f->object, f->name, f->position);

		if (!patched || !restored) {
			wrong(ret, CAUSE_LAB, "the first bytes of %s:%s were not looked at",
			      f->object, f->name);
			return -1;
		}
		if (is_left_out(l, f->object))
			continue;
		if (*patched->hex == '-' || *restored->hex == '-') {
			wrong(ret, CAUSE_LAB, "%s:%s is not there, or cannot be read", f->object,
			      f->name);
			return -1;
		}
		if (streq(patched->hex, restored->hex)) {
			wrong(ret, CAUSE_NOT_REDIRECTED,
			      "the first bytes of %s:%s are the same, patched and not", f->object,
			      f->name);
			return -1;
		}
		seen++;
	}
	return seen;
}

/* What was seen, and what was not. */
static void tell(const struct trial_guest *t, const struct lines *l, size_t seen, size_t compared,
		 struct trial_outcome *ret)
{
	const char *between = "; not looked at, since they are not loaded: ";
	char *text = ret->message;
	size_t size = sizeof(ret->message);
	int n = t->record ? snprintf(text, size,
				     "%zu functions redirected, code of %zu as the record "
				     "describes it",
				     seen, compared)
			  : snprintf(text, size,
				     "%zu functions redirected; no build record tells which they "
				     "should be",
				     seen);

	for (size_t i = 0; i < l->n && n > 0 && (size_t)n < size; i++) {
		if (l->items[i].kind != LINE_UNPATCHED)
			continue;
		n += snprintf(text + n, size - (size_t)n, "%s%s", between, l->items[i].object);
		between = ", ";
	}
}

void case_redirect_judge(struct trial_guest *t, const char *said, struct trial_outcome *ret)
{
	_cleanup_(lines_free) struct lines l = { 0 };
	size_t compared = 0;
	int r = read_lines(said, &l);

	if (r < 0) {
		wrong(ret, CAUSE_LAB, "%s",
		      r == ERR_TOO_LARGE ? "more functions than can be judged" : "no memory");
		return;
	}
	ssize_t seen = judge_entries(&l, ret);

	if (seen < 0 || (t->record && !judge_record(t->record, &l, &compared, ret)))
		return;
	if (seen == 0)
		wrong(ret, CAUSE_LAB, "none of the replaced functions could be looked at");
	else
		tell(t, &l, (size_t)seen, compared, ret);
}
