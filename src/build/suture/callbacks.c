/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of the module that suture-build makes: several sets of callbacks act as those of one object,
 * in the way in which the kernel treats objects. A pre_patch that fails ends it, and post_unpatch
 * undoes the sets before. `callbacks` has a list for each of `objects`.
 */
static int pre_patch(struct klp_object *object)
{
	const struct klp_callbacks *const *sets = callbacks[object - objects], *const *set;
	int r = 0;

	for (set = sets; *set && r == 0; set++)
		if ((*set)->pre_patch)
			r = (*set)->pre_patch(object);
	if (r == 0)
		return 0;
	for (set--; set-- > sets;)
		if ((*set)->post_unpatch)
			(*set)->post_unpatch(object);
	return r;
}

static void post_patch(struct klp_object *object)
{
	const struct klp_callbacks *const *set;

	for (set = callbacks[object - objects]; *set; set++)
		if ((*set)->post_patch)
			(*set)->post_patch(object);
}

static const struct klp_callbacks *const *end(struct klp_object *object)
{
	const struct klp_callbacks *const *set = callbacks[object - objects];

	while (*set)
		set++;
	return set;
}

static void pre_unpatch(struct klp_object *object)
{
	const struct klp_callbacks *const *set = end(object);

	while (set-- > callbacks[object - objects])
		if ((*set)->pre_unpatch)
			(*set)->pre_unpatch(object);
}

static void post_unpatch(struct klp_object *object)
{
	const struct klp_callbacks *const *set = end(object);

	while (set-- > callbacks[object - objects])
		if ((*set)->post_unpatch)
			(*set)->post_unpatch(object);
}
