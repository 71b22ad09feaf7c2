/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/describe.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "repo/pending.h"
#include "repo/submission.h"
#include "wire/recall.h"
#include "wire/target_custom.h"

/* Lines of a text; the first failure stays. */
struct text {
	struct buf *out;
	const char *keys; /* folder with the certificates of modules, or NULL */
	int r;
};

static _printf_(2, 3) void line(struct text *t, const char *format, ...)
{
	_cleanup_buf_ struct buf one = BUF_INIT(REPOSITORY_FILE_MAX);
	va_list ap;

	va_start(ap, format);
	if (t->r == 0)
		t->r = buf_vprintf(&one, format, ap);
	va_end(ap);
	if (t->r < 0)
		return;
	/* Else what is shown could be written over by what it shows. */
	error_clean_text((char *)one.data);
	t->r = buf_append(t->out, one.data, one.len);
	if (t->r == 0)
		t->r = buf_append_str(t->out, "\n");
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

/* "a b c" of an array of texts. */
static void join(const json_t *list, struct buf *ret)
{
	*ret = BUF_INIT(REPOSITORY_FILE_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (buf_printf(ret, "%s%s", i ? " " : "", text ? text : "?") < 0)
			return;
	}
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++) {
		if (streq(name, *list))
			return true;
	}
	return false;
}

/* Names what differs and is not in `shown`, which has lines of its own. */
static void other_fields(struct text *t, const char *of, const json_t *now, const json_t *before,
			 const char *const *shown)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)now, name, value) {
		if (!is_one_of(name, shown) && !json_equal(value, json_object_get(before, name)))
			line(t, "  %s: other fields changed: %s", of, name);
	}
	json_object_foreach ((json_t *)before, name, value) {
		if (!is_one_of(name, shown) && !json_object_get(now, name))
			line(t, "  %s: other fields changed: %s, which is gone", of, name);
	}
}

/* ---- Targets ---- */

static const char *sha256_of(const json_t *target)
{
	return text_of(json_object_get(target, "hashes"), "sha256");
}

static bool is_tier(const struct repository *repo, const char *role)
{
	return settings_tier_index(repo->settings, role, &(size_t){ 0 }, NULL) == 0;
}

/* Does a tier list these bytes, as it is published? */
static bool has_bytes(const struct repo_role *role, const char *sha256)
{
	const struct tuf_metadata *md = role->before ? role->before : role->md;
	const char *path;
	json_t *target;

	json_object_foreach (json_object_get(md->body, "targets"), path, target) {
		if (streq(sha256_of(target), sha256))
			return true;
	}
	return false;
}

static void describe_bytes(struct text *t, const struct repository *repo, const char *role,
			   const json_t *target)
{
	_cleanup_buf_ struct buf tiers = BUF_INIT(64 * 1024);
	const char *sha256 = sha256_of(target);

	for (size_t i = 0; i < repo->n_roles; i++) {
		const struct repo_role *other = &repo->roles[i];

		if (!streq(other->name, role) && is_tier(repo, other->name) &&
		    has_bytes(other, sha256) && t->r == 0)
			t->r = buf_printf(&tiers, " %s", other->name);
	}
	if (!is_tier(repo, role))
		line(t, "    sha256 %s", sha256);
	else if (tiers.len > 0)
		line(t, "    sha256 %s, the bytes that are published in%s", sha256,
		     buf_str(&tiers));
	else
		line(t, "    sha256 %s, which is published in no other tier", sha256);
}

static void describe_signer(struct text *t, struct repository *repo, const char *role,
			    const char *path)
{
	_cleanup_submission_ struct submission files = submission_new();
	struct signature_signer signer;
	struct error err = { 0 };
	int r = repository_read_target(repo, repository_role(repo, role), path, &files.module,
				       &err);

	if (r == 0)
		r = submission_find_signer(repo, t->keys, &files, SIGNATURE_ANY_TIME, &signer,
					   &err);
	if (r == 0)
		line(t, "    signed by %s, key %s", signer.subject, signer.key_id);
	else
		line(t, "    signed by nobody that is known here: %s", err.message);
}

static void describe_target(struct text *t, struct repository *repo, const char *role,
			    const char *path, const json_t *now, const json_t *before)
{
	static const char *const fields[] = { "hashes", "length", "custom", NULL };
	static const char *const custom_fields[] = { "version", "severity", "cves", NULL };
	/* Of a target that is new these have lines of their own, or say nothing that its files do
	 * not (attestations). */
	static const char *const usual[] = { "version", "severity",     "cves",
					     "kernel",  "build_id",     "published",
					     "record",  "attestations", NULL };
	const json_t *custom = json_object_get(now, "custom");
	_cleanup_buf_ struct buf cves = { 0 };

	join(json_object_get(custom, "cves"), &cves);
	if (custom)
		line(t, "  %s version %s, severity %s: %s", before ? "lists anew" : "lists",
		     text_of(custom, "version"), text_of(custom, "severity"), path);
	else
		line(t, "  %s %s", before ? "lists anew" : "lists", path);
	describe_bytes(t, repo, role, now);
	if (before && !streq(sha256_of(before), sha256_of(now)))
		line(t, "    until now sha256 %s", sha256_of(before));
	if (custom)
		line(t, "    published %s, record sha256 %s, for %s with build ID %s",
		     text_of(custom, "published"),
		     text_of(json_object_get(custom, "record"), "sha256"),
		     text_of(custom, "kernel"), text_of(custom, "build_id"));
	if (custom && is_tier(repo, role) && str_has_suffix(path, ".ko"))
		describe_signer(t, repo, role, path);
	if (cves.len > 0)
		line(t, "    fixes %s", buf_str(&cves));
	other_fields(t, path, now, before, fields);
	other_fields(t, path, custom, json_object_get(before, "custom"),
		     before ? custom_fields : usual);
}

static void describe_targets(struct text *t, struct repository *repo,
			     const struct pending_slot *slot)
{
	const json_t *now = json_object_get((*slot->md)->body, "targets"), *target;
	const json_t *before = json_object_get((*slot->before)->body, "targets");
	const char *path;

	json_object_foreach ((json_t *)now, path, target) {
		const json_t *other = json_object_get(before, path);

		if (!json_equal(target, other))
			describe_target(t, repo, slot->name, path, target, other);
	}
	json_object_foreach ((json_t *)before, path, target) {
		if (!json_object_get(now, path))
			line(t, "  lists no more version %s: %s",
			     text_of(json_object_get(target, "custom"), "version"), path);
	}
}

/* ---- Recall ---- */

static int read_recall(struct repository *repo, struct tuf_metadata *md, struct recall **ret,
		       struct error *err)
{
	const struct repo_role role = { .name = TARGET_RECALL_ROLE, .md = md };
	_cleanup_buf_ struct buf data = BUF_INIT(RECALL_MAX);
	int r = repository_read_target(repo, &role, TARGET_RECALL_PATH, &data, err);

	return r < 0 ? r : recall_parse(data.data, data.len, ret, err);
}

static bool has_entry(const struct recall *list, const struct recall_entry *entry)
{
	for (size_t i = 0; i < list->n_entries; i++) {
		const struct recall_entry *e = &list->entries[i];
		bool same = streq(e->version, entry->version) && streq(e->reason, entry->reason) &&
			    e->time == entry->time && e->n_kernels == entry->n_kernels;

		for (size_t k = 0; same && k < e->n_kernels; k++)
			same = streq(e->kernels[k], entry->kernels[k]);
		if (same)
			return true;
	}
	return false;
}

/* Entries of `a` that are not in `b`. */
static void describe_entries(struct text *t, const struct recall *a, const struct recall *b,
			     const char *verb)
{
	for (size_t i = 0; i < a->n_entries; i++) {
		const struct recall_entry *e = &a->entries[i];
		_cleanup_buf_ struct buf kernels = BUF_INIT(RECALL_MAX);

		if (has_entry(b, e))
			continue;
		for (size_t k = 0; k < e->n_kernels && t->r == 0; k++)
			t->r = buf_printf(&kernels, " %s", e->kernels[k]);
		line(t, "  %s version %s of%s: %s", verb, e->version,
		     e->n_kernels ? buf_str(&kernels) : " every kernel", e->reason);
	}
}

static int describe_recall(struct text *t, struct repository *repo, const struct pending_slot *slot,
			   struct error *err)
{
	_cleanup_recall_ struct recall *now = NULL, *before = NULL;
	int r;

	if (!streq(slot->name, TARGET_RECALL_ROLE))
		return 0;
	r = read_recall(repo, *slot->md, &now, err);
	if (r == 0)
		r = read_recall(repo, *slot->before, &before, err);
	if (r < 0)
		return r;
	describe_entries(t, now, before, "withdraws");
	describe_entries(t, before, now, "withdraws no more");
	return 0;
}

/* ---- Who may sign what ---- */

static void describe_keys(struct text *t, const char *name, const json_t *now, const json_t *before)
{
	static const char *const fields[] = { "keyids", "threshold", NULL };
	bool same = true;

	for (size_t i = 0; i < ARRAY_SIZE(fields) - 1; i++)
		same &= json_equal(json_object_get(now, fields[i]),
				   json_object_get(before, fields[i])) == 1;
	for (int old = 0; !same && old < (before ? 2 : 1); old++) {
		const json_t *object = old ? before : now;
		_cleanup_buf_ struct buf ids = { 0 };

		join(json_object_get(object, "keyids"), &ids);
		line(t, "  keys of %s%s, %" JSON_INTEGER_FORMAT " needed: %s", name,
		     old ? " until now" : "",
		     json_integer_value(json_object_get(object, "threshold")), buf_str(&ids));
	}
}

static void describe_delegation(struct text *t, const json_t *now, const json_t *before)
{
	static const char *const fields[] = { "name",  "keyids",      "threshold",
					      "paths", "terminating", NULL };
	const char *name = text_of(now, "name");
	const json_t *paths = json_object_get(now, "paths");
	_cleanup_buf_ struct buf text = { 0 };

	if (!before)
		line(t, "  delegates from now on to %s", name);
	describe_keys(t, name, now, before);
	if (!json_equal(paths, json_object_get(before, "paths"))) {
		join(paths, &text);
		line(t, "  %s may list: %s", name, buf_str(&text));
	}
	if (!json_equal(json_object_get(now, "terminating"),
			json_object_get(before, "terminating")))
		line(t, "  %s is %s", name,
		     json_is_true(json_object_get(now, "terminating"))
			     ? "terminating"
			     : "not terminating: who comes after it may list the same");
	other_fields(t, name, now, before, fields);
}

/* The order says whose word counts first. */
static void describe_order(struct text *t, const json_t *now, const json_t *before)
{
	_cleanup_buf_ struct buf order = BUF_INIT(REPOSITORY_FILE_MAX);
	size_t n = MIN(json_array_size(now), json_array_size(before)), i = 0;

	while (i < n && streq(text_of(json_array_get(now, i), "name"),
			      text_of(json_array_get(before, i), "name")))
		i++;
	if (i == n)
		return;
	for (i = 0; t->r == 0 && i < json_array_size(now); i++)
		t->r = buf_printf(&order, " %s", text_of(json_array_get(now, i), "name"));
	line(t, "  delegations are now in this order:%s", buf_str(&order));
}

static void describe_delegations(struct text *t, const struct pending_slot *slot)
{
	static const char *const fields[] = { "keys", "roles", NULL };
	const json_t *now = json_object_get((*slot->md)->body, "delegations");
	const json_t *before = json_object_get((*slot->before)->body, "delegations");
	const json_t *roles = json_object_get(now, "roles");
	const json_t *old = json_object_get(before, "roles");

	for (size_t i = 0; i < json_array_size(roles); i++) {
		const json_t *role = json_array_get(roles, i);
		const char *name = text_of(role, "name");

		describe_delegation(t, role, tuf_targets_delegation(*slot->before, name));
	}
	for (size_t i = 0; i < json_array_size(old); i++) {
		const char *name = text_of(json_array_get(old, i), "name");

		if (!tuf_targets_delegation(*slot->md, name))
			line(t, "  delegates no more to %s", name);
	}
	describe_order(t, roles, old);
	other_fields(t, "delegations", now, before, fields);
}

static void describe_attestation_keys(struct text *t, const struct pending_slot *slot)
{
	const json_t *now = json_object_get((*slot->md)->body, "attestation_keys"), *key;
	const json_t *before = json_object_get((*slot->before)->body, "attestation_keys");
	const char *id;

	json_object_foreach ((json_t *)now, id, key) {
		if (!json_equal(key, json_object_get(before, id)))
			line(t, "  attestations by %s count from now on", id);
	}
	json_object_foreach ((json_t *)before, id, key) {
		if (!json_object_get(now, id))
			line(t, "  attestations by %s count no more", id);
	}
}

static void describe_root(struct text *t, const struct pending_slot *slot)
{
	static const char *const fields[] = {
		"_type", "version", "expires", "keys", "roles", NULL
	};
	static const char *const roles[] = { "root", "timestamp", "snapshot", "targets", NULL };
	const json_t *now = (*slot->md)->body, *before = (*slot->before)->body;

	for (enum tuf_type type = TUF_ROOT; type <= TUF_TARGETS; type++)
		describe_keys(t, tuf_type_name(type), tuf_root_role(*slot->md, type),
			      tuf_root_role(*slot->before, type));
	other_fields(t, "root", now, before, fields);
	other_fields(t, "roles", json_object_get(now, "roles"), json_object_get(before, "roles"),
		     roles);
}

/* ---- All of it ---- */

static int describe_slot(struct text *t, struct repository *repo, const struct pending_slot *slot,
			 struct error *err)
{
	static const char *const fields[] = { "_type",   "version",     "expires",
					      "targets", "delegations", "attestation_keys",
					      NULL };
	char expires[CLOCK_TEXT_MAX], before[CLOCK_TEXT_MAX];
	size_t have, want;
	int r = pending_count(repo, *slot->md, slot->name, &have, &want, err);

	if (r < 0)
		return r;
	clock_format((*slot->md)->expires, expires);
	clock_format((*slot->before)->expires, before);
	line(t,
	     "%s: version %" PRId64 " until %s, %zu of %zu signatures; published: %" PRId64
	     " until %s",
	     slot->name, (*slot->md)->version, expires, have, want, (*slot->before)->version,
	     before);
	if (slot->type == TUF_ROOT) {
		describe_root(t, slot);
		return 0;
	}
	describe_targets(t, repo, slot);
	describe_delegations(t, slot);
	describe_attestation_keys(t, slot);
	other_fields(t, slot->name, (*slot->md)->body, (*slot->before)->body, fields);
	return describe_recall(t, repo, slot, err);
}

int describe_waiting(struct repository *repo, const char *keys, struct buf *out, struct error *err)
{
	struct text t = { .out = out, .keys = keys };
	struct pending_slot slot;
	int r = 0;

	for (size_t i = 0; r == 0 && pending_slot_at(repo, i, &slot); i++) {
		if (*slot.before)
			r = describe_slot(&t, repo, &slot, err);
	}
	return r < 0 ? r : t.r < 0 ? error_set(err, t.r, "what waits: too much to show") : 0;
}

int describe_trust(const struct repository *repo, const char *root, struct buf *out,
		   struct error *err)
{
	const struct tuf_metadata *now = repo->root_before ? repo->root_before : repo->root;
	struct text t = { .out = out };
	char expires[CLOCK_TEXT_MAX];

	clock_format(repo->timestamp->expires, expires);
	if (root)
		line(&t,
		     "published: what root version %" PRId64 " vouches for, which follows on %s"
		     " (version %" PRId64 ", sha256 %s)",
		     now->version, root, repo->trusted_root, repo->trusted_sha256);
	else
		line(&t,
		     "published: what this folder itself vouches for, beginning with a root of"
		     " sha256 %s; --root FILE begins with one that you trust",
		     repo->trusted_sha256);
	line(&t, "published: timestamp %" PRId64 " until %s%s", repo->timestamp->version, expires,
	     repo->timestamp->expires <= repo->now ? ", which is past: an old copy" : "");
	return t.r < 0 ? error_set(err, t.r, "no memory") : 0;
}
