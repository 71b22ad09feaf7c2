/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/diff/module_keys.h"

#include <stdio.h>

#include "build/diff/diff_internal.h"

#define KEY_REFERENCE 2 /* struct jump_entry: code, target, key */
#define BRANCH        1 /* in the key's address: the branch is taken while the key is off */

struct settler {
	struct diff *diff;
	const struct symvers *symvers;
	const char *file;
	struct reason_list *reasons;
};

/* The name of a symbol of the module itself, or of another one; NULL: it is the kernel's, or comes
 * with the patch. */
static const char *module_symbol(const struct settler *s, const struct ref *ref)
{
	const struct atom *target = ref->target;

	if (target)
		return target->kept || !target->symbol ? NULL : target->symbol->name;
	if (ref->section || !ref->symbol || !s->symvers)
		return NULL;
	const struct symvers_entry *export = symvers_find(s->symvers, ref->symbol->name);
	return export && streq(export->module, "vmlinux") ? NULL : ref->symbol->name;
}

static const char *function_name(const struct special_entry *entry)
{
	return entry->owner->parent ? entry->owner->parent->name : entry->owner->name;
}

static int refuse_key(const struct settler *s, const struct special_entry *entry, const char *key)
{
	char message[ERROR_MESSAGE_MAX], hint[ERROR_MESSAGE_MAX];
	struct reason reason = { .code = REASON_MODULE_KEY,
				 .file = (char *)s->file,
				 .subject = (char *)function_name(entry),
				 .message = message,
				 .hint = hint };

	snprintf(message, sizeof(message),
		 "%s branches on the static key %s, which a module owns, and the kernel sets such "
		 "branches up before that module need be there",
		 reason.subject, key);
	snprintf(hint, sizeof(hint),
		 "in %s, write static_key_enabled(&%s) instead of static_branch_likely(&%s) or "
		 "static_branch_unlikely(&%s)",
		 reason.subject, key, key, key);
	return reason_add_copy(s->reasons, &reason);
}

/* A tracepoint's key is off unless somebody listens. */
static int silence(const struct settler *s, struct special_entry *entry, const char *key)
{
	if (entry->refs[KEY_REFERENCE].rela->addend & BRANCH)
		return refuse_key(s, entry, key);
	entry->silenced = true;
	return reason_add(s->reasons, REASON_SILENT_TRACEPOINT, s->file, function_name(entry),
			  "the tracepoint %s of a module stays silent in the new %s",
			  key + strlen("__tracepoint_"), function_name(entry));
}

static int settle_key(const struct settler *s, struct special_entry *entry)
{
	if (!streq(entry->section->elf->name, "__jump_table") || entry->ref_count <= KEY_REFERENCE)
		return 0;
	const char *key = module_symbol(s, &entry->refs[KEY_REFERENCE]);
	if (!key)
		return 0;
	return str_has_prefix(key, "__tracepoint_") ? silence(s, entry, key)
						    : refuse_key(s, entry, key);
}

/* Without its own name objtool does not take the call for a static one, and leaves it alone. */
static void settle_calls(const struct settler *s, struct atom *atom)
{
	for (size_t i = 0; i < atom->ref_count; i++) {
		struct ref *ref = &atom->refs[i];
		const char *name = module_symbol(s, ref);

		ref->renamed = name && str_has_prefix(name, "__SCT__");
	}
}

int module_keys_settle(struct diff *diff, const struct symvers *symvers, const char *file,
		       struct reason_list *reasons)
{
	const struct settler s = { diff, symvers, file, reasons };
	int e = 0;

	for (size_t i = 0; e == 0 && i < diff->kept.count; i++) {
		struct atom *atom = diff->kept.items[i];

		if (atom_is_code(atom))
			settle_calls(&s, atom);
		for (size_t k = 0; e == 0 && k < atom->entries.count; k++)
			e = settle_key(&s, atom->entries.items[k]);
	}
	return e;
}
