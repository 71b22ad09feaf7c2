/* SPDX-License-Identifier: GPL-2.0-or-later */
/* targets.json and delegated roles: form, delegations with their patterns and signatures, and the
 * targets as a role lists them. */
#include "fuzz_tuf.h"
#include "tuf/client_internal.h"

/* What the role lists, it also finds, and the other way about. */
static void list_and_find(const struct tuf_role *role)
{
	_cleanup_free_ struct tuf_target *list = NULL;
	struct tuf_target target;
	size_t n;

	if (tuf_role_list(role, "", &list, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (tuf_role_find(role, list[i].path, &target, NULL) < 0 ||
		    target.length != list[i].length)
			abort();
		(void)!tuf_target_check(&target, "x", 1, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = fuzz_tuf_parse(TUF_TARGETS, data, size);
	const json_t *roles;

	if (!md)
		return 0;

	struct tuf_role top = { .md = md, .name = "targets" };

	list_and_find(&top);
	roles = json_object_get(json_object_get(md->body, "delegations"), "roles");
	for (size_t i = 0; i < json_array_size(roles) && i < 16; i++) {
		const json_t *delegation = json_array_get(roles, i);
		struct tuf_role below = { .md = md, .delegator = &top, .delegation = delegation };

		(void)tuf_delegation_matches(delegation, "stable/a/b/c.ko");
		(void)!tuf_metadata_verify(md, "x", tuf_targets_keys(md), delegation, false, NULL);
		list_and_find(&below);
	}
	return 0;
}
