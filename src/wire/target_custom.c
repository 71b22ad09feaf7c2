/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/target_custom.h"

#include "base/clock.h"
#include "base/json.h"
#include "wire/field.h"

#define RECORD_MAX (INT64_C(4) * 1024 * 1024)

void target_custom_free(struct target_custom *c)
{
	if (!c)
		return;
	free(c->version);
	free(c->kernel);
	free(c->build_id);
	free(c->severity);
	field_list_free(c->cves, c->n_cves);
	free(c->attestations);
	free(c);
}

static int copy_name(const json_t *object, const char *key, bool (*valid)(const char *), char **ret,
		     struct error *err)
{
	char text[128];
	int r = field_name(object, key, valid, sizeof(text), text, err);

	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

static bool hash_is_valid(const char *text)
{
	return hex_is_lower(text, SHA256_HEX_LEN);
}

static int read_record(const json_t *custom, struct target_custom *c, struct error *err)
{
	json_t *record;
	int r = json_get_object(custom, "record", 16, &record, err);

	if (r == 0)
		r = json_get_int(record, "length", 1, RECORD_MAX, &c->record_length, err);
	if (r == 0)
		r = field_name(record, "sha256", hash_is_valid, sizeof(c->record_sha256),
			       c->record_sha256, err);
	return r < 0 ? error_prefix(err, r, "record") : 0;
}

static int read_attestations(const json_t *custom, struct target_custom *c, struct error *err)
{
	char **list = NULL;
	size_t n = 0;
	int r = field_list(custom, "attestations", 0, TARGET_CUSTOM_MAX_ATTESTATIONS,
			   SHA256_HEX_LEN, hash_is_valid, &list, &n, err);

	if (r < 0)
		return r;
	c->attestations = calloc(n + 1, sizeof(*c->attestations));
	if (!c->attestations)
		r = error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; r == 0 && i < n; i++)
		memcpy(c->attestations[i], list[i], SHA256_HEX_LEN + 1);
	c->n_attestations = r == 0 ? n : 0;
	field_list_free(list, n);
	return r;
}

static int check_sorted(char *const *list, size_t n, struct error *err)
{
	for (size_t i = 1; i < n; i++) {
		if (strcmp(list[i - 1], list[i]) >= 0)
			return error_set(err, ERR_INVALID, "cves: not sorted, or one twice");
	}
	return 0;
}

int target_custom_parse(const json_t *custom, struct target_custom **ret, struct error *err)
{
	_cleanup_target_custom_ struct target_custom *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = copy_name(custom, "version", version_text_is_valid, &c->version, err);
	if (r == 0)
		r = copy_name(custom, "kernel", release_is_valid, &c->kernel, err);
	if (r == 0)
		r = copy_name(custom, "build_id", build_id_is_valid, &c->build_id, err);
	if (r == 0)
		r = field_time(custom, "published", &c->published, err);
	if (r == 0)
		r = copy_name(custom, "severity", severity_is_valid, &c->severity, err);
	if (r == 0)
		r = field_list(custom, "cves", 0, TARGET_CUSTOM_MAX_CVES, CVE_MAX, cve_is_valid,
			       &c->cves, &c->n_cves, err);
	if (r == 0)
		r = check_sorted(c->cves, c->n_cves, err);
	if (r == 0)
		r = read_record(custom, c, err);
	if (r == 0)
		r = read_attestations(custom, c, err);
	if (r < 0)
		return error_prefix(err, r, "custom");
	*ret = TAKE_PTR(c);
	return 0;
}

int target_custom_write(const struct target_custom *c, json_t **ret, struct error *err)
{
	_cleanup_json_ json_t *custom = json_pack(
		"{s:s, s:s, s:s, s:s, s:{s:I, s:s}, s:[]}", "version", c->version, "kernel",
		c->kernel, "build_id", c->build_id, "severity", c->severity, "record", "length",
		(json_int_t)c->record_length, "sha256", c->record_sha256, "attestations");
	json_t *attestations = json_object_get(custom, "attestations");
	struct target_custom *check = NULL;
	int bad = !custom, r;

	for (size_t i = 0; i < c->n_attestations && !bad; i++)
		bad |= json_array_append_new(attestations, json_string(c->attestations[i]));
	if (!bad)
		bad = field_set_time(custom, "published", c->published) |
		      field_set_list(custom, "cves", c->cves, c->n_cves);
	if (bad)
		return error_set(err, ERR_INVALID, "custom: a field is missing");
	r = target_custom_parse(custom, &check, err);
	target_custom_free(check);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(custom);
	return 0;
}

int target_folder(const char *tier, const char *kernel, const char *build_id,
		  char ret[static TARGET_PATH_MAX], struct error *err)
{
	if (!tier_is_valid(tier) || !release_is_valid(kernel) || !build_id_is_valid(build_id))
		return error_set(err, ERR_INVALID, "tier, kernel or build ID has a wrong form");
	snprintf(ret, TARGET_PATH_MAX, "%s/%s/%s/", tier, kernel, build_id);
	return 0;
}

/* The letters, digits and '_' of a kernel module's name. */
static bool module_is_valid(const char *text)
{
	return text[0] != '\0' &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_")] == '\0';
}

/* Copies up to `end`, which is followed by what separates the parts. */
static bool take_part(const char **path, const char *end, size_t size, char *ret)
{
	size_t len = end ? (size_t)(end - *path) : SIZE_MAX;

	if (len >= size)
		return false;
	memcpy(ret, *path, len);
	ret[len] = '\0';
	*path = end + 1;
	return true;
}

int target_path_parse(const char *path, struct target_path_parts *ret, struct error *err)
{
	struct target_path_parts parts;
	const char *p = path;
	bool ok = take_part(&p, strchr(p, '/'), sizeof(parts.tier), parts.tier) &&
		  take_part(&p, strchr(p, '/'), sizeof(parts.kernel), parts.kernel) &&
		  take_part(&p, strchr(p, '/'), sizeof(parts.build_id), parts.build_id) &&
		  str_has_suffix(p, ".ko") &&
		  take_part(&p, p + strlen(p) - 3, sizeof(parts.module), parts.module);

	if (!ok || !tier_is_valid(parts.tier) || !release_is_valid(parts.kernel) ||
	    !build_id_is_valid(parts.build_id) || !module_is_valid(parts.module))
		return error_set(err, ERR_INVALID, "%s: not the path of a module", path);
	*ret = parts;
	return 0;
}
