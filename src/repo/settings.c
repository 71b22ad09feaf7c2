/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/settings.h"

#include "base/file.h"
#include "base/json.h"
#include "wire/field.h"
#include "wire/target_custom.h"

#define DAY          INT64_C(86400)
#define LIFETIME_MAX (3650 * DAY)

void settings_free(struct settings *s)
{
	if (!s)
		return;
	free(s->keys);
	free(s);
}

int settings_new(struct settings **ret)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NO_MEMORY;
	s->keep = SETTINGS_KEEP;
	s->root = 365 * DAY;
	s->targets = 182 * DAY;
	s->recall = 182 * DAY;
	s->tier = 90 * DAY;
	s->snapshot = 7 * DAY;
	s->timestamp = 1 * DAY;
	*ret = s;
	return 0;
}

int settings_add_tier(struct settings *s, const char *name, struct error *err)
{
	static const char *const taken[] = { "root", "targets", "snapshot", "timestamp",
					     TARGET_RECALL_ROLE, TARGET_EVIDENCE_ROLE };

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		if (streq(name, taken[i]))
			return error_set(err, ERR_INVALID, "tier %s: that is a role's name", name);
	}
	if (!tier_is_valid(name))
		return error_set(err, ERR_INVALID,
				 "tier \"%s\": 1 to %d of a-z 0-9 -, starting with a letter", name,
				 TIER_MAX);
	if (settings_tier_index(s, name, &(size_t){ 0 }, NULL) == 0)
		return error_set(err, ERR_EXISTS, "tier %s: named twice", name);
	if (s->n_tiers >= SETTINGS_MAX_TIERS)
		return error_set(err, ERR_TOO_LARGE, "more than %d tiers", SETTINGS_MAX_TIERS);
	snprintf(s->tiers[s->n_tiers++], TIER_MAX + 1, "%s", name);
	return 0;
}

int settings_tier_index(const struct settings *s, const char *name, size_t *ret, struct error *err)
{
	for (size_t i = 0; i < s->n_tiers; i++) {
		if (streq(s->tiers[i], name)) {
			*ret = i;
			return 0;
		}
	}
	return error_set(err, ERR_NOT_FOUND, "tier %s: the repository has no such tier", name);
}

int64_t settings_lifetime(const struct settings *s, const char *role)
{
	const struct {
		const char *name;
		int64_t seconds;
	} known[] = {
		{ "root", s->root },         { "targets", s->targets },
		{ "snapshot", s->snapshot }, { "timestamp", s->timestamp },
		{ "recall", s->recall },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (streq(known[i].name, role))
			return known[i].seconds;
	}
	return s->tier;
}

static int read_tiers(const json_t *object, struct settings *s, struct error *err)
{
	char **tiers;
	size_t n;
	int r = field_list(object, "tiers", 1, SETTINGS_MAX_TIERS, TIER_MAX, tier_is_valid, &tiers,
			   &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = settings_add_tier(s, tiers[i], err);
	field_list_free(tiers, n);
	return r;
}

static int read_settings(const json_t *object, struct settings *s, struct error *err)
{
	json_t *lifetimes;
	const char *keys;
	int r = field_format(object, err);
	const struct {
		const char *name;
		int64_t *seconds;
	} fields[] = {
		{ "root", &s->root },         { "targets", &s->targets },
		{ "tier", &s->tier },         { "recall", &s->recall },
		{ "snapshot", &s->snapshot }, { "timestamp", &s->timestamp },
	};

	if (r == 0)
		r = json_get_str_opt(object, "keys", 4096, &keys, err);
	if (r == 0)
		r = json_get_int(object, "keep", 1, 1000, &s->keep, err);
	if (r == 0)
		r = json_get_object(object, "lifetimes", 16, &lifetimes, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fields); i++)
		r = json_get_int(lifetimes, fields[i].name, 60, LIFETIME_MAX, fields[i].seconds,
				 err);
	if (r == 0)
		r = read_tiers(object, s, err);
	if (r < 0)
		return r;
	if (keys && !(s->keys = strdup(keys)))
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return 0;
}

int settings_load(const char *dir, struct settings **ret, struct error *err)
{
	_cleanup_settings_ struct settings *s = NULL;
	_cleanup_json_ json_t *object = NULL;
	_cleanup_free_ char *path = path_join(dir, SETTINGS_FILE, NULL);
	int r;

	if (!path || settings_new(&s) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = json_load_path(path, 1 << 20, &object, err);
	if (r == -ENOENT || r == -ENOTDIR) {
		error_set(err, ERR_NOT_FOUND, "%s: not a repository of suture-repo", dir);
		error_hint(err, "suture-repo init DIR --keys DIR makes one");
		return ERR_NOT_FOUND;
	}
	if (r < 0)
		return r;
	r = read_settings(object, s, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	*ret = TAKE_PTR(s);
	return 0;
}

int settings_save(const struct settings *s, const char *dir, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, SETTINGS_FILE, NULL);
	_cleanup_json_ json_t *object =
		json_pack("{s:i, s:[], s:I, s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "format", 1,
			  "tiers", "keep", (json_int_t)s->keep, "lifetimes", "root",
			  (json_int_t)s->root, "targets", (json_int_t)s->targets, "tier",
			  (json_int_t)s->tier, "recall", (json_int_t)s->recall, "snapshot",
			  (json_int_t)s->snapshot, "timestamp", (json_int_t)s->timestamp);
	int bad = !path || !object || json_set_str(object, "keys", s->keys);

	for (size_t i = 0; !bad && i < s->n_tiers; i++)
		bad = json_array_append_new(json_object_get(object, "tiers"),
					    json_string(s->tiers[i]));
	if (bad)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return json_save_path(object, path, 0644, err);
}
