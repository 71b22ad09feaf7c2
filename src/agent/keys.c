/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/keys.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "module/key_lookup.h"
#include "module/signature.h"

#define ENROL_HINT \
	"enrol the module certificate (`mokutil --import FILE.der`, or the firmware's db) and reboot"

/* ---- One module ---- */

/* `key_id` where the signer's own lookup leaves it open: that of the certificate that the signature
 * was verified with, under the same name and number. Any other key may be the right one. */
static size_t to_ids(const struct key_lookups *lookups, const char *key_id,
		     struct kernel_key_id ids[KEY_LOOKUPS_MAX])
{
	for (size_t i = 0; i < lookups->n; i++) {
		const struct key_lookup *l = &lookups->items[i];

		ids[i] = (struct kernel_key_id){ .id = l->id, .key_id = l->key_id };
		if (l->signer && !l->key_id)
			ids[i].key_id = key_id;
	}
	return lookups->n;
}

/* The kernel looks at all of this before it looks for a key. */
static bool is_forbidden(const struct kernel_keys *keys, const struct key_lookups *lookups,
			 const struct kernel_key_id *ids)
{
	for (size_t i = 0; i < lookups->n; i++) {
		const char *tbs = lookups->items[i].tbs;

		if (kernel_keys_forbid_key(keys, &ids[i]) ||
		    (tbs && kernel_keys_forbid_certificate(keys, tbs)))
			return true;
	}
	return false;
}

/* The keyrings that this kernel takes keys for modules from. */
static void name_rings(const struct kernel_keys *keys, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = 0;
	for (int i = 0; i < KERNEL_KEYRINGS; i++)
		if (keys->for_modules[i] != KERNEL_NO && n < size)
			n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? ", " : "",
					      kernel_keyring_name((enum kernel_keyring)i));
}

/* Why the kernel has no key for it. */
static void explain(const struct kernel_keys *keys, const struct kernel_key_match *match, char *ret,
		    size_t size)
{
	char rings[256];

	name_rings(keys, rings, sizeof(rings));
	if (match->present)
		snprintf(ret, size, "its key is in %s, which this kernel does not use for modules",
			 kernel_keyring_name(match->ring));
	else if (match->other_key)
		snprintf(ret, size,
			 "the kernel has another key under the same issuer and serial number");
	else if (match->description[0])
		snprintf(ret, size,
			 "the kernel has another certificate of the same key (%s), which does not "
			 "count",
			 match->description);
	else
		snprintf(ret, size, "its key is in none of the kernel's keyrings (%s)", rings);
}

static const char *describe(const struct kernel_key_match *match)
{
	return match->description[0] ? match->description : "no description";
}

static int accept(const struct kernel_keys *keys, const struct patch *patch,
		  const struct kernel_key_match *match, struct error *err)
{
	const char *module = patch->claim.module;

	if (match->accepted == KERNEL_UNKNOWN) {
		log_info(
			"%s: whether this kernel has its key, or uses it for modules, is not known "
			"(\"%s\")",
			module, describe(match));
		return 0;
	}
	/* Only then does the kernel look at the module's hash. */
	if (kernel_keys_forbid_module(keys, patch->claim.sha256))
		return error_set(err, ERR_UNTRUSTED,
				 "module %s: the kernel's .blacklist has its hash (dbx)", module);
	log_info("%s: the kernel accepts it by the key \"%s\" in %s", module, describe(match),
		 kernel_keyring_name(match->ring));
	return 0;
}

static int judge(const struct kernel_keys *keys, const struct kernel_facts *facts,
		 const struct patch *patch, const struct kernel_key_match *match, struct error *err)
{
	const char *module = patch->claim.module;
	char why[512];

	if (match->accepted != KERNEL_NO)
		return accept(keys, patch, match, err);
	explain(keys, match, why, sizeof(why));
	if (kernel_signatures_demanded(facts) != KERNEL_YES) {
		log_info("%s: %s; it is loaded where the kernel does not demand signatures", module,
			 why);
		return 0;
	}
	error_set(err, ERR_UNTRUSTED,
		  "module %s: this kernel demands a signature that it trusts: %s", module, why);
	error_hint(err, ENROL_HINT);
	return ERR_UNTRUSTED;
}

int keys_judge_module(const struct kernel_keys *keys, const struct kernel_facts *facts,
		      const struct patch *patch, const char *key_id, struct error *err)
{
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };
	struct kernel_key_id ids[KEY_LOOKUPS_MAX];
	struct kernel_key_match match;
	struct signature_parts parts;
	size_t n;
	int r = signature_split(patch->data, patch->len, &parts, err);

	if (r == 0)
		r = key_lookup_signature(&parts, &lookups, err);
	if (r < 0)
		return r;
	n = to_ids(&lookups, key_id, ids);
	if (is_forbidden(keys, &lookups, ids))
		return error_set(err, ERR_UNTRUSTED,
				 "module %s: the kernel's .blacklist forbids its key, or a "
				 "certificate of its chain",
				 patch->claim.module);
	kernel_keys_find(keys, ids, n, &match);
	return judge(keys, facts, patch, &match, err);
}

int keys_check_module(const struct agent *agent, const struct patch *patch, const char *key_id,
		      struct error *err)
{
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	struct error why = { 0 };

	if (kernel_keys_read(agent->paths.root, &agent->facts, NULL, &keys, &why) < 0) {
		log_info("%s: whether the kernel has its key is not known: %s", patch->claim.module,
			 why.message);
		return 0;
	}
	return keys_judge_module(keys, &agent->facts, patch, key_id, err);
}

/* ---- The status ---- */

/* What the kernel makes of what is signed with a certificate. A key that it has may have issued it:
 * then it depends on whether signatures bring the certificate along. */
static void judge_cert(const struct kernel_keys *keys, const struct key_lookups *lookups,
		       struct kernel_key_match *match, char *why, size_t size)
{
	struct kernel_key_id ids[KEY_LOOKUPS_MAX];
	struct kernel_key_match authority = { .accepted = KERNEL_NO };
	size_t n = to_ids(lookups, NULL, ids);

	if (kernel_keys_forbid_key(keys, &ids[0])) {
		*match = (struct kernel_key_match){ .accepted = KERNEL_NO };
		snprintf(why, size, "its key is in .blacklist");
		return;
	}
	kernel_keys_find(keys, ids, 1, match);
	if (n > 1 && match->accepted == KERNEL_NO)
		kernel_keys_find(keys, &ids[1], 1, &authority);
	if (authority.accepted == KERNEL_YES) {
		*match = authority;
		match->accepted = KERNEL_UNKNOWN;
		snprintf(why, size,
			 "the kernel has the key that issued it, which counts for modules signed "
			 "with --chain");
	} else if (match->accepted == KERNEL_NO) {
		explain(keys, match, why, size);
	}
}

json_t *keys_describe_certificate(const struct kernel_keys *keys, const char *pem)
{
	_cleanup_key_lookups_ struct key_lookups lookups = { 0 };
	struct signature_signer cert;
	struct kernel_key_match match = { .accepted = KERNEL_UNKNOWN };
	char end[CLOCK_TEXT_MAX], why[512] = "";
	json_t *o = json_object();
	int r;

	if (signature_describe_cert(pem, &cert, NULL) < 0 ||
	    key_lookup_certificate(pem, &lookups, NULL) < 0) {
		json_decref(o);
		return json_null();
	}
	if (keys)
		judge_cert(keys, &lookups, &match, why, sizeof(why));
	clock_format(cert.not_after, end);
	r = json_set_str(o, "subject", cert.subject);
	r += json_set_str(o, "key_id", cert.key_id);
	r += json_set_str(o, "not_after", end);
	r += json_object_set_new(o, "accepted",
				 match.accepted == KERNEL_UNKNOWN
					 ? json_null()
					 : json_boolean(match.accepted == KERNEL_YES));
	r += json_set_str(o, "keyring", match.present ? kernel_keyring_name(match.ring) : NULL);
	r += json_set_str(o, "description", match.description[0] ? match.description : NULL);
	r += json_set_str(o, "reason", why[0] ? why : NULL);
	if (r == 0)
		return o;
	json_decref(o);
	return json_null();
}

void keys_refresh(struct agent *agent)
{
	_cleanup_kernel_keys_ struct kernel_keys *keys = NULL;
	const struct bundle *bundle = agent->bundle;
	json_t *list = json_array();

	(void)!kernel_keys_read(agent->paths.root, &agent->facts, NULL, &keys, NULL);
	for (size_t i = 0; bundle && i < bundle->n_module_certificates; i++)
		json_array_append_new(
			list, keys_describe_certificate(keys, bundle->module_certificates[i]));
	json_decref(agent->module_keys);
	agent->module_keys = list;
}
