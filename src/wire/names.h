/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that cross the network, as docs/formats.md ("Common kinds of value") has them: kernel
 * release, build ID, patch version, tier, module name. Everything from outside passes these checks
 * before it becomes part of a path, an argument or an answer.
 */
#pragma once

#include "base/error.h"
#include "base/release.h"

#define RELEASE_MAX       KERNEL_RELEASE_MAX
#define BUILD_ID_MAX      64 /* hexadecimal digits */
#define TIER_MAX          32
#define CVE_MAX           32
#define PATCH_VERSION_MAX 16 /* bytes of "999999.999999" and a zero, rounded up */
/* MODULE_NAME_LEN of the kernel (include/linux/module.h) is 64 - sizeof(unsigned long) = 56 with
 * the zero. */
#define MODULE_NAME_BYTES 56

/* A patch version, MAJOR.MINOR, compared as two numbers. */
struct patch_version {
	uint32_t major, minor;
};

/* Reads "113.2": each part 0 to 999999 without leading zeros. ERR_INVALID otherwise. */
int patch_version_parse(const char *text, struct patch_version *ret);
/* Writes it back. */
void patch_version_format(struct patch_version version, char ret[static PATCH_VERSION_MAX]);
/* Negative, 0 or positive, as a is below, equal to or above b. */
int patch_version_compare(struct patch_version a, struct patch_version b);

bool release_is_valid(const char *text);
bool build_id_is_valid(const char *text);
bool tier_is_valid(const char *text);
/* "CVE-YYYY-N…", upper case, 4 to 19 digits at the end. */
bool cve_is_valid(const char *text);
/* critical, high, medium, low, none */
bool severity_is_valid(const char *text);
/* A UUID in lower case with its four dashes. */
bool uuid_is_valid(const char *text);

/*
 * The livepatch module's name: `suture_<release>_<version>` with every byte that is no letter or
 * digit as '_'. One over 55 bytes keeps its first 46 and ends in '_' and 8 digits of the SHA-256 of
 * the long name. Fails only without memory (ERR_NO_MEMORY).
 */
int livepatch_module_name(const char *release, struct patch_version version,
			  char ret[static MODULE_NAME_BYTES]);

/* The target path of a module, `<tier>/<release>/<build id>/<module>.ko`, or with suffix ".json"
 * its record. The caller frees; NULL without memory. */
char *target_path(const char *tier, const char *release, const char *build_id, const char *module,
		  const char *suffix);
