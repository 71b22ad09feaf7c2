/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/names.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/release.h"

#define LOWER          "abcdefghijklmnopqrstuvwxyz"
#define UPPER          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS         "0123456789"
#define PART_MAX       999999

#define LONG_NAME_KEPT 46

/* One number without sign or leading zeros; moves *text behind it. */
static int parse_part(const char **text, uint32_t *ret)
{
	size_t digits = strspn(*text, DIGITS);
	uint32_t value = 0;

	if (digits == 0 || digits > 6 || (digits > 1 && **text == '0'))
		return ERR_INVALID;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (uint32_t)((*text)[i] - '0');
	*text += digits;
	*ret = value;
	return 0;
}

int patch_version_parse(const char *text, struct patch_version *ret)
{
	struct patch_version v;

	if (parse_part(&text, &v.major) < 0 || *text++ != '.' || parse_part(&text, &v.minor) < 0 ||
	    *text)
		return ERR_INVALID;
	*ret = v;
	return 0;
}

void patch_version_format(struct patch_version version, char ret[static PATCH_VERSION_MAX])
{
	snprintf(ret, PATCH_VERSION_MAX, "%u.%u", MIN(version.major, (uint32_t)PART_MAX),
		 MIN(version.minor, (uint32_t)PART_MAX));
}

int patch_version_compare(struct patch_version a, struct patch_version b)
{
	if (a.major != b.major)
		return a.major < b.major ? -1 : 1;
	if (a.minor != b.minor)
		return a.minor < b.minor ? -1 : 1;
	return 0;
}

/* 1 to `max` bytes, all out of `allowed`. */
static bool is_word(const char *text, size_t max, const char *allowed)
{
	size_t len = strlen(text);

	return len >= 1 && len <= max && strspn(text, allowed) == len;
}

bool release_is_valid(const char *text)
{
	return kernel_release_is_valid(text);
}

bool build_id_is_valid(const char *text)
{
	size_t len = strlen(text);

	return len >= 8 && len <= BUILD_ID_MAX && len % 2 == 0 && hex_is_lower(text, len);
}

bool tier_is_valid(const char *text)
{
	return is_word(text, TIER_MAX, LOWER DIGITS "-") && *text >= 'a' && *text <= 'z';
}

bool cve_is_valid(const char *text)
{
	if (strlen(text) > CVE_MAX || !str_has_prefix(text, "CVE-") ||
	    strspn(text + 4, DIGITS) != 4 || text[8] != '-')
		return false;
	size_t digits = strspn(text + 9, DIGITS);
	return digits >= 4 && digits <= 19 && text[9 + digits] == '\0';
}

bool severity_is_valid(const char *text)
{
	static const char *const words[] = { "critical", "high", "medium", "low", "none" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(words[i], text))
			return true;
	return false;
}

bool uuid_is_valid(const char *text)
{
	if (strlen(text) != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
			return false;
	}
	return true;
}

int livepatch_module_name(const char *release, struct patch_version version,
			  char ret[static MODULE_NAME_BYTES])
{
	char version_text[PATCH_VERSION_MAX], name[RELEASE_MAX + PATCH_VERSION_MAX + 16];
	char digest[SHA256_HEX_LEN + 1];

	patch_version_format(version, version_text);
	snprintf(name, sizeof(name), "suture_%.*s_%s", RELEASE_MAX, release, version_text);
	for (char *p = name; *p; p++)
		if (!strchr(LOWER UPPER DIGITS, *p))
			*p = '_';
	if (strlen(name) < MODULE_NAME_BYTES) {
		memcpy(ret, name, strlen(name) + 1);
		return 0;
	}
	int r = hash_sha256_hex(name, strlen(name), digest);
	if (r < 0)
		return r;
	snprintf(ret, MODULE_NAME_BYTES, "%.*s_%.8s", LONG_NAME_KEPT, name, digest);
	return 0;
}

char *target_path(const char *tier, const char *release, const char *build_id, const char *module,
		  const char *suffix)
{
	_cleanup_buf_ struct buf b = BUF_INIT(4096);

	if (buf_printf(&b, "%s/%s/%s/%s%s", tier, release, build_id, module, suffix) < 0)
		return NULL;
	return (char *)buf_take(&b, NULL);
}
