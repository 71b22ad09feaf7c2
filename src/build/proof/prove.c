/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/proof/prove.h"

#include "build/unit/prebuilt.h"

/* Says what may be the cause of all mismatches of a real-time kernel. */
static int add_mismatch(const struct kbuild *kb, const struct reason *reason,
			struct reason_list *mismatches)
{
	static char hint[] = KBUILD_LAID_OVER_HINT;
	struct reason copy = *reason;

	if (kb->laid_over && !copy.hint)
		copy.hint = hint;
	return reason_add_copy(mismatches, &copy);
}

int prove_functions(const struct kbuild *kb, struct unit *unit, const struct shipped *shipped,
		    const char *const *names, size_t n, struct reason_list *mismatches,
		    struct runpre **ret, struct error *err)
{
	_cleanup_reason_list_ struct reason_list first = { 0 };
	_cleanup_runpre_ struct runpre *out = NULL;
	int r = unit->runtime_const && unit->stock.len == 0 ? compile_stock(kb, unit, err) : 0;

	if (r == 0)
		r = runpre_check(shipped, unit, names, n, &first, &out, err);
	if (r == 0 && first.n > 0 && unit->stock.len == 0 && !prebuilt_is(unit)) {
		reason_list_free(&first);
		first = (struct reason_list){ 0 };
		runpre_free(out);
		out = NULL;
		r = compile_stock(kb, unit, err);
		if (r == 0)
			r = runpre_check(shipped, unit, names, n, &first, &out, err);
	}
	for (size_t i = 0; r == 0 && i < first.n; i++) {
		r = add_mismatch(kb, &first.items[i], mismatches);
		if (r < 0)
			error_set(err, r, "out of memory");
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(out);
	return 0;
}
