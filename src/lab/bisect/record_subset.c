// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/bisect/record_subset.h"

#include <stdlib.h>

#define NOBODY SIZE_MAX

enum likeness { SAME_PLACE, SAME_NAME, ANY, LIKENESSES };

struct pairing {
	const struct tables *tables;
	bool *taken;      /* of the tables' functions */
	size_t *partners; /* of the record's; NOBODY */
};

/* 0 and 1 are both the first of its name. */
static bool is_like(const struct tables_function *t, const char *object,
		    const struct record_function *r, enum likeness likeness)
{
	if (likeness == ANY)
		return true;
	return streq(t->object, object) && streq(t->name, r->name) &&
	       (likeness == SAME_NAME ||
		MAX(t->sympos, (uint64_t)1) == MAX((uint64_t)r->sympos, (uint64_t)1));
}

static size_t find_partner(const struct pairing *p, const char *object,
			   const struct record_function *f, enum likeness likeness)
{
	for (size_t i = 0; i < p->tables->function_count; i++)
		if (!p->taken[i] && is_like(&p->tables->functions[i], object, f, likeness))
			return i;
	return NOBODY;
}

static void pair(const struct pairing *p, const struct record *record, enum likeness likeness)
{
	size_t nth = 0;

	for (size_t i = 0; i < record->n_objects; i++)
		for (size_t k = 0; k < record->objects[i].n_functions; k++, nth++) {
			if (p->partners[nth] != NOBODY)
				continue;

			size_t found = find_partner(p, record->objects[i].name,
						    &record->objects[i].functions[k], likeness);

			p->partners[nth] = found;
			if (found != NOBODY)
				p->taken[found] = true;
		}
}

static int check_all_paired(const struct record_subset *s, struct error *err)
{
	size_t nth = 0;

	for (size_t i = 0; i < s->record->n_objects; i++)
		for (size_t k = 0; k < s->record->objects[i].n_functions; k++)
			if (s->partners[nth++] == NOBODY)
				return error_set(err, ERR_INVALID,
						 "it names %s:%s, and the module replaces fewer "
						 "functions than that",
						 s->record->objects[i].name,
						 s->record->objects[i].functions[k].name);
	return 0;
}

int record_subset_read(const void *data, size_t len, const struct tables *tables,
		       struct record_subset *ret, struct error *err)
{
	_cleanup_record_subset_ struct record_subset s = { 0 };
	_cleanup_free_ bool *taken = calloc(tables->function_count + 1, sizeof(bool));
	size_t n = 0;
	int r = record_parse(data, len, &s.record, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s.record->n_objects; i++)
		n += s.record->objects[i].n_functions;
	s.partners = calloc(n + 1, sizeof(*s.partners));
	if (!taken || !s.partners)
		return error_set(err, ERR_NO_MEMORY, "functions of the record");
	for (size_t i = 0; i < n; i++)
		s.partners[i] = NOBODY;
	for (enum likeness l = SAME_PLACE; l < LIKENESSES; l++)
		pair(&(struct pairing){ tables, taken, s.partners }, s.record, l);
	r = check_all_paired(&s, err);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct record_subset){ 0 };
	return 0;
}

void record_subset_free(struct record_subset *subset)
{
	record_free(subset->record);
	free(subset->partners);
	*subset = (struct record_subset){ 0 };
}

/* The functions that stay go to `to`, and so do the objects that have any, or callbacks. What they
 * point to is the record's own. */
static void cut(const struct record_subset *s, const bool *keep, struct record *ret,
		struct record_function *to)
{
	size_t nth = 0;

	ret->n_objects = 0;
	for (size_t i = 0; i < s->record->n_objects; i++) {
		struct record_object o = s->record->objects[i];
		size_t all = o.n_functions;

		o.functions = to;
		o.n_functions = 0;
		for (size_t k = 0; k < all; k++)
			if (keep[s->partners[nth++]])
				o.functions[o.n_functions++] = s->record->objects[i].functions[k];
		to += o.n_functions;
		if (o.n_functions > 0 || o.callbacks)
			ret->objects[ret->n_objects++] = o;
	}
}

int record_subset_write(const struct record_subset *subset, const bool *keep,
			const char module_sha256[static SHA256_HEX_LEN + 1], struct buf *out,
			struct error *err)
{
	struct record part = *subset->record;
	size_t n = 0;

	for (size_t i = 0; i < part.n_objects; i++)
		n += part.objects[i].n_functions;
	_cleanup_free_ struct record_function *functions = calloc(n + 1, sizeof(*functions));
	_cleanup_free_ struct record_object *objects = calloc(part.n_objects, sizeof(*objects));

	if (!functions || !objects)
		return error_set(err, ERR_NO_MEMORY, "functions of the record");
	part.objects = objects;
	memcpy(part.module_sha256, module_sha256, sizeof(part.module_sha256));
	cut(subset, keep, &part, functions);
	return part.n_objects > 0 ? record_write(&part, out, err) : 0;
}
