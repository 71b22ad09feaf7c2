/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/settings.h"

#include "base/file.h"
#include "base/json.h"
#include "wire/field.h"
#include "wire/target_custom.h"

#define DAY          INT64_C(86400)
#define LIFETIME_MAX (3650 * DAY)
#define LIFETIME_MIN INT64_C(60)
#define KEEP_MAX     INT64_C(1000)

static const char *const kind_names[EVIDENCE_KINDS] = {
	[EVIDENCE_BUILD] = "build",
	[EVIDENCE_LAB] = "lab",
	[EVIDENCE_SOURCE] = "source",
};

const char *evidence_kind_name(enum evidence_kind kind)
{
	return kind_names[kind];
}

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
	s->evidence = 182 * DAY;
	s->tier = 90 * DAY;
	s->snapshot = 7 * DAY;
	s->timestamp = 1 * DAY;
	*ret = s;
	return 0;
}

int settings_add_tier(struct settings *s, const char *name, struct error *err)
{
	static const char *const taken[] = {
		"root", "targets", "snapshot", "timestamp", TARGET_RECALL_ROLE, TARGET_EVIDENCE_ROLE
	};

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

/* The lifetimes by name; the one of all tiers is "tier". */
static int64_t *lifetime_of(struct settings *s, const char *name)
{
	const struct {
		const char *name;
		int64_t *seconds;
	} known[] = {
		{ "root", &s->root },
		{ "targets", &s->targets },
		{ "tier", &s->tier },
		{ TARGET_RECALL_ROLE, &s->recall },
		{ "snapshot", &s->snapshot },
		{ "timestamp", &s->timestamp },
		{ TARGET_EVIDENCE_ROLE, &s->evidence },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (streq(known[i].name, name))
			return known[i].seconds;
	}
	return NULL;
}

int64_t settings_lifetime(const struct settings *s, const char *role)
{
	const int64_t *seconds = lifetime_of((struct settings *)s, role);

	return seconds ? *seconds : s->tier;
}

/* ---- Reading ---- */

static int add_kind(unsigned *set, const char *word)
{
	for (unsigned i = 0; i < EVIDENCE_KINDS; i++) {
		if (streq(word, kind_names[i])) {
			*set |= 1u << i;
			return 0;
		}
	}
	return ERR_INVALID;
}

static int read_requirement(const json_t *require, const char *tier, unsigned *ret,
			    struct error *err)
{
	char **words;
	size_t n;
	int r;

	if (!json_object_get(require, tier))
		return 0;
	r = field_list(require, tier, 0, EVIDENCE_KINDS, 16, NULL, &words, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (add_kind(ret, words[i]) < 0)
			r = error_set(err, ERR_INVALID, "%s: unknown evidence", words[i]);
	}
	if (r == 0 || n > 0)
		field_list_free(words, n);
	return r < 0 ? error_prefix(err, r, "require") : 0;
}

static int read_require(const json_t *object, struct settings *s, struct error *err)
{
	json_t *require;
	int r = 0;

	if (!json_object_get(object, "require"))
		return 0;
	r = json_get_object(object, "require", SETTINGS_MAX_TIERS, &require, err);
	for (size_t i = 0; r == 0 && i < s->n_tiers; i++)
		r = read_requirement(require, s->tiers[i], &s->require[i], err);
	return r;
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

static int read_lifetimes(const json_t *object, struct settings *s, struct error *err)
{
	static const char *const names[] = { "root",   "targets",  "tier",
					     "recall", "snapshot", "timestamp" };
	json_t *lifetimes;
	int r = json_get_object(object, "lifetimes", 16, &lifetimes, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++)
		r = json_get_int(lifetimes, names[i], LIFETIME_MIN, LIFETIME_MAX,
				 lifetime_of(s, names[i]), err);
	if (r == 0)
		r = json_get_int_opt(lifetimes, TARGET_EVIDENCE_ROLE, LIFETIME_MIN, LIFETIME_MAX,
				     s->evidence, &s->evidence, err);
	return r;
}

static int read_settings(const json_t *object, struct settings *s, struct error *err)
{
	const char *keys;
	int r = field_format(object, err);

	if (r == 0)
		r = json_get_str_opt(object, "keys", 4096, &keys, err);
	if (r == 0)
		r = json_get_int(object, "keep", 1, KEEP_MAX, &s->keep, err);
	if (r == 0)
		r = read_lifetimes(object, s, err);
	if (r == 0)
		r = read_tiers(object, s, err);
	if (r == 0)
		r = read_require(object, s, err);
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

/* ---- Writing ---- */

static json_t *require_json(const struct settings *s)
{
	json_t *require = json_object();
	int bad = !require;

	for (size_t i = 0; i < s->n_tiers && !bad; i++) {
		json_t *words = json_array();

		for (unsigned k = 0; k < EVIDENCE_KINDS; k++) {
			if (s->require[i] & 1u << k)
				bad |= json_array_append_new(words, json_string(kind_names[k]));
		}
		if (json_array_size(words) > 0)
			bad |= json_object_set_new(require, s->tiers[i], words);
		else
			json_decref(words);
	}
	if (!bad)
		return require;
	json_decref(require);
	return NULL;
}

int settings_to_json(const struct settings *s, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *object =
		json_pack("{s:i, s:[], s:I, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o}", "format",
			  1, "tiers", "keep", (json_int_t)s->keep, "lifetimes", "root",
			  (json_int_t)s->root, "targets", (json_int_t)s->targets, "tier",
			  (json_int_t)s->tier, "recall", (json_int_t)s->recall, "evidence",
			  (json_int_t)s->evidence, "snapshot", (json_int_t)s->snapshot, "timestamp",
			  (json_int_t)s->timestamp, "require", require_json(s));
	int bad = !object || json_set_str(object, "keys", s->keys);

	for (size_t i = 0; !bad && i < s->n_tiers; i++)
		bad = json_array_append_new(json_object_get(object, "tiers"),
					    json_string(s->tiers[i]));
	if (bad)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	*ret = TAKE_PTR(object);
	return 0;
}

int settings_save(const struct settings *s, const char *dir, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, SETTINGS_FILE, NULL);
	_cleanup_json_ json_t *object = NULL;
	int r = path ? settings_to_json(s, &object, err) : ERR_NO_MEMORY;

	return r < 0 ? r : json_save_path(object, path, 0644, err);
}

/* ---- From the command line ---- */

/* `allowed` says what would have been right. */
static int set_number(const char *text, int64_t min, int64_t max, int64_t unit, int64_t *ret,
		      const char *end_wanted, const char *allowed, struct error *err)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || !streq(end, end_wanted) ||
	    n > max / unit || n * unit < min)
		return error_set(err, ERR_USAGE, "\"%s\" is not %s", text, allowed);
	*ret = n * unit;
	return 0;
}

static int set_lifetime(struct settings *s, const char *role, const char *text, struct error *err)
{
	static const char allowed[] =
		"days (90d), hours (12h) or seconds (3600), from 60 seconds to 3650 days";
	int64_t *seconds = lifetime_of(s, role);

	if (!seconds)
		return error_set(err, ERR_USAGE,
				 "no such role: root, targets, tier (all of them), recall, "
				 "evidence, snapshot or timestamp");
	if (str_has_suffix(text, "d"))
		return set_number(text, LIFETIME_MIN, LIFETIME_MAX, DAY, seconds, "d", allowed,
				  err);
	if (str_has_suffix(text, "h"))
		return set_number(text, LIFETIME_MIN, LIFETIME_MAX, 3600, seconds, "h", allowed,
				  err);
	return set_number(text, LIFETIME_MIN, LIFETIME_MAX, 1, seconds, "", allowed, err);
}

static int set_require(struct settings *s, const char *tier, const char *text, struct error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *word;
	unsigned set = 0;
	size_t index;
	int r = settings_tier_index(s, tier, &index, err);

	if (r < 0)
		return error_set(err, ERR_USAGE, "no such tier");
	if (!copy)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	while ((word = strsep(&rest, ","))) {
		if (!streq(text, "none") && add_kind(&set, word) < 0)
			return error_set(err, ERR_USAGE,
					 "%s: not build, lab or source, nor none alone", word);
	}
	s->require[index] = set;
	return 0;
}

int settings_set(struct settings *s, const char *key, const char *value, struct error *err)
{
	int r;

	if (streq(key, "keep"))
		r = set_number(value, 1, KEEP_MAX, 1, &s->keep, "", "a number from 1 to 1000", err);
	else if (str_has_prefix(key, "lifetime."))
		r = set_lifetime(s, key + strlen("lifetime."), value, err);
	else if (str_has_prefix(key, "require."))
		r = set_require(s, key + strlen("require."), value, err);
	else
		return error_set(err, ERR_USAGE, "%s: not keep, lifetime.ROLE or require.TIER",
				 key);
	return r < 0 ? error_prefix(err, r, "%s", key) : 0;
}
