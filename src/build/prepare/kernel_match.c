/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/prepare/kernel_match.h"

#include <stdio.h>

int kernel_match_package(const struct kernel_banner *image, const char *what, const char *name,
			 const struct deb_info *deb, struct error *err)
{
	if (name && !streq(deb->package, name))
		return error_set(err, ERR_MISMATCH, "package %s does not hold the %s: %s does",
				 deb->package, what, name);
	if (image->package[0] && !streq(deb->version, image->package))
		return error_set(
			err, ERR_MISMATCH,
			"the %s (package %s) is of version %s, the image was built from %s", what,
			deb->package, deb->version, image->package);
	return 0;
}

int kernel_match_release(const struct kernel_banner *image, const char *what, const char *text,
			 struct error *err)
{
	size_t len = strcspn(text, " \t\r\n");

	if (strlen(image->release) == len && strncmp(text, image->release, len) == 0)
		return 0;
	return error_set(err, ERR_MISMATCH, "%s is of kernel %.*s, the image is of %s", what,
			 (int)MIN(len, (size_t)KERNEL_RELEASE_MAX), text, image->release);
}

/* "VERSION = 6" at the beginning of a line. */
static bool read_variable(const char *makefile, const char *name, unsigned int *ret)
{
	size_t len = strlen(name);

	for (const char *line = makefile; *line;) {
		if (strncmp(line, name, len) == 0) {
			const char *value = line + len + strspn(line + len, " =\t");

			if (value > line + len && *value >= '0' && *value <= '9') {
				*ret = (unsigned int)strtoul(value, NULL, 10);
				return true;
			}
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return false;
}

int kernel_match_makefile(const struct kernel_banner *image, const char *makefile,
			  struct error *err)
{
	unsigned int major, minor, patch;
	struct kernel_release want;

	if (!read_variable(makefile, "VERSION", &major) ||
	    !read_variable(makefile, "PATCHLEVEL", &minor) ||
	    !read_variable(makefile, "SUBLEVEL", &patch))
		return error_set(err, ERR_INVALID,
				 "the source is no kernel's: its Makefile names no version");
	if (kernel_release_parse(image->mainline[0] ? image->mainline : image->release, &want) < 0)
		return error_set(err, ERR_INVALID, "the image's release '%s' is no version",
				 image->release);
	/* A distribution's release need not count its stable updates. */
	if (major == want.major && minor == want.minor &&
	    (patch == want.patch || !image->mainline[0]))
		return 0;
	return error_set(err, ERR_MISMATCH, "the source is Linux %u.%u.%u, the image is of %s (%s)",
			 major, minor, patch, image->release, image->mainline);
}

/* "# Linux/x86 6.1.192 Kernel Configuration" (also "x86_64", and words before the number). */
static int match_heading(const struct kernel_banner *image, const char *config, struct error *err)
{
	static const char end_text[] = " Kernel Configuration";
	const char *start = strstr(config, "# Linux/");
	const char *end = start ? strstr(start, end_text) : NULL;
	struct kernel_release is, want;
	char version[KERNEL_RELEASE_MAX + 1];

	if (!end || memchr(start, '\n', (size_t)(end - start)))
		return 0;
	while (end[-1] != ' ' && end[-1] != '/')
		end--;
	snprintf(version, sizeof(version), "%.*s", (int)strcspn(end, " "), end);
	if (kernel_release_parse(version, &is) < 0 ||
	    kernel_release_parse(image->release, &want) < 0 ||
	    (is.major == want.major && is.minor == want.minor))
		return 0;
	return error_set(err, ERR_MISMATCH, "the configuration is of Linux %s, the image is of %s",
			 version, image->release);
}

static int match_compiler(const struct kernel_banner *image, const char *config, struct error *err)
{
	static const char key[] = "\nCONFIG_CC_VERSION_TEXT=\"";
	const char *at = strstr(config, key);
	char text[BANNER_WORD_MAX], is[BANNER_WORD_MAX], want[BANNER_WORD_MAX];

	if (!at)
		return 0;
	at += strlen(key);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\"\n"), at);
	compiler_version(text, is);
	compiler_version(image->compiler, want);
	if (!is[0] || !want[0] || streq(is, want))
		return 0;
	return error_set(err, ERR_MISMATCH,
			 "the configuration was made for '%s', the image was compiled by '%s'",
			 text, image->compiler);
}

int kernel_match_config(const struct kernel_banner *image, const char *config, struct error *err)
{
	int r = match_heading(image, config, err);

	return r < 0 ? r : match_compiler(image, config, err);
}
