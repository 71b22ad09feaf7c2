// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/matrix_kernels.h"

#include <stdio.h>

#include "package/deb_version.h"
#include "package/kernel_cache.h"

/* What the cache knows of a kernel: it is not fetched anew, whatever apt has. */
static bool look_into_cache(struct matrix_kernel *k)
{
	_cleanup_kernel_ struct kernel *cached = NULL;

	if (kernel_open(k->release, &cached, NULL) < 0)
		return false;
	snprintf(k->version, sizeof(k->version), "%s", cached->version);
	snprintf(k->build_id, sizeof(k->build_id), "%s", cached->build_id);
	k->cached = true;
	return true;
}

static void take_offer(const struct apt_kernel *offer, struct matrix_kernel *ret)
{
	*ret = (struct matrix_kernel){ 0 };
	snprintf(ret->release, sizeof(ret->release), "%.*s", KERNEL_RELEASE_MAX, offer->release);
	snprintf(ret->version, sizeof(ret->version), "%s", offer->version);
	snprintf(ret->source, sizeof(ret->source), "%s_%s", offer->source, offer->source_version);
	(void)look_into_cache(ret);
}

/* True if every pattern is a release that is in the cache: nobody need be asked then. */
static bool all_cached(const struct name_list *patterns, struct matrix_kernel *ret, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < patterns->n; i++) {
		struct kernel_pattern p;
		struct matrix_kernel k = { 0 };
		bool known = false;

		if (kernel_pattern_parse(patterns->items[i], &p, NULL) < 0 || !p.release[0])
			return false;
		memcpy(k.release, p.release, sizeof(k.release));
		if (!look_into_cache(&k))
			return false;
		for (size_t j = 0; j < n; j++)
			known = known || streq(ret[j].release, k.release);
		if (!known)
			ret[n++] = k;
	}
	*ret_n = n;
	return true;
}

/* A release that apt does not offer may be in the cache, from files. */
static int choose(const char *text, const struct apt_kernel *offered, size_t n, bool *chosen,
		  struct matrix_kernel *more, size_t *more_n, struct error *err)
{
	struct kernel_pattern p;
	struct matrix_kernel k = { 0 };
	int r = kernel_pattern_parse(text, &p, err);

	if (r < 0 || kernel_pattern_choose(&p, offered, n, chosen) > 0)
		return r;
	memcpy(k.release, p.release, sizeof(k.release));
	if (p.release[0] && look_into_cache(&k)) {
		more[(*more_n)++] = k;
		return 0;
	}
	error_set(err, ERR_NOT_FOUND,
		  "'%s': apt offers no such kernel with image, headers and source", text);
	if (n == 0)
		error_hint(err, "apt has none at all: run apt-get update");
	return ERR_NOT_FOUND;
}

/* The version of the source, where it is known: that of the packages is the same, but a kernel of
 * the cache says it in its own words. */
static const char *source_version(const struct matrix_kernel *k)
{
	const char *version = strrchr(k->source, '_');

	return version ? version + 1 : k->version;
}

static int compare(const void *a, const void *b)
{
	const struct matrix_kernel *x = a, *y = b;
	int r = deb_version_compare(source_version(y), source_version(x));

	if (r == 0)
		r = strcmp(x->source, y->source);
	return r ? r : strcmp(x->release, y->release);
}

static size_t sort(struct matrix_kernel *list, size_t n)
{
	size_t kept = 0;

	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !streq(list[kept - 1].release, list[i].release))
			list[kept++] = list[i];
	return kept;
}

int matrix_kernels_find(const struct name_list *patterns, struct matrix_kernel **ret, size_t *ret_n,
			struct error *err)
{
	_cleanup_free_ struct matrix_kernel *list =
		calloc(APT_OFFERED_MAX + MATRIX_WORDS_MAX, sizeof(*list));
	_cleanup_free_ struct apt_kernel *offered = NULL;
	bool chosen[APT_OFFERED_MAX] = { false };
	size_t n = 0, offered_n = 0;
	int r = 0;

	if (!list)
		return error_set(err, ERR_NO_MEMORY, "kernels");
	if (!all_cached(patterns, list, &n)) {
		n = 0;
		r = apt_offered_kernels(&offered, &offered_n, err);
		for (size_t i = 0; r == 0 && i < patterns->n; i++)
			r = choose(patterns->items[i], offered, offered_n, chosen, list, &n, err);
		for (size_t i = 0; r == 0 && i < offered_n; i++)
			if (chosen[i])
				take_offer(&offered[i], &list[n++]);
	}
	if (r < 0)
		return r;
	*ret_n = sort(list, n);
	*ret = TAKE_PTR(list);
	return 0;
}

int matrix_plan_make(const struct matrix_file *file, const struct matrix_store *store,
		     const struct matrix_plan_options *options, struct matrix_plan *ret,
		     struct error *err)
{
	struct matrix_kernel *kernels = NULL;
	size_t n = 0;
	int r = matrix_kernels_find(&file->kernels, &kernels, &n, err);

	return r < 0 ? r : matrix_plan_fill(file, store, options, kernels, n, ret, err);
}
