/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What image, packages, headers, source and configuration say of themselves, and whether it fits.
 */
#include "unit.h"

#include "build/prepare/kernel_match.h"

#define DEBIAN_BANNER                                                                    \
	"Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian " \
	"12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP "      \
	"PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)\n"
#define UBUNTU_BANNER                                                                           \
	"Linux version 5.15.0-88-generic (buildd@lcy02-amd64-058) (gcc (Ubuntu "                \
	"11.4.0-1ubuntu1~22.04) 11.4.0, GNU ld (GNU Binutils for Ubuntu) 2.38) #98-Ubuntu SMP " \
	"Mon Oct 2 15:18:56 UTC 2023 (Ubuntu 5.15.0-88.98-generic 5.15.126)\n"
#define OWN_BANNER \
	"Linux version 6.1.77-mine (me@here) (gcc (GCC) 13.1.0, GNU ld 2.41) #7 Thu Jan 1 1970\n"

static struct kernel_banner find(const char *text)
{
	struct kernel_banner b;
	struct error err = { 0 };

	assert_ok(kernel_banner_find((const uint8_t *)text, strlen(text), &b, &err), &err);
	return b;
}

static void banners(void **state)
{
	/* The format of /proc/version comes first in an image, and is none. */
	struct kernel_banner b =
		find("%s version %s\nLinux version \nLinux version x\n" DEBIAN_BANNER);
	char version[BANNER_WORD_MAX];

	(void)state;
	assert_string_equal(b.release, "6.1.0-56-amd64");
	assert_string_equal(b.compiler, "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0");
	assert_string_equal(b.package, "6.1.192-2");
	assert_string_equal(b.mainline, "6.1.192");
	compiler_version(b.compiler, version);
	assert_string_equal(version, "12.2.0");
	b = find(UBUNTU_BANNER);
	assert_string_equal(b.release, "5.15.0-88-generic");
	assert_string_equal(b.package, "5.15.0-88.98");
	assert_string_equal(b.mainline, "5.15.126");
	compiler_version(b.compiler, version);
	assert_string_equal(version, "11.4.0");
	b = find(OWN_BANNER);
	assert_string_equal(b.package, "");
	assert_string_equal(b.mainline, "6.1.77");
	/* Debian's releases do not count the stable updates. */
	b = find("Linux version 6.1.0-56-amd64 (me@here) (gcc-12 (Debian) 12.2.0) #1 SMP\n");
	assert_string_equal(b.package, "");
	assert_string_equal(b.mainline, "");
	compiler_version("clang", version);
	assert_string_equal(version, "");
	compiler_version("clang 14", version);
	assert_string_equal(version, "");
	compiler_version("clang 14 (of 2026)", version);
	assert_string_equal(version, "");
	compiler_version("gcc-9.3.0 of x-9.4.1", version);
	assert_string_equal(version, "");
}

static void no_banner(void **state)
{
	static const char *const wrong[] = { "",
					     "Linux version ",
					     "Linux version 6.1.0 (a@b)",
					     "Linux version 6.1/0 (a@b) (gcc, ld) #1",
					     "Linux version 6.1.0 (a@b) () #1",
					     "Linux version 6.1.0 (a@b) (, ld) #1",
					     "Linux version 6.1.0 (a@b) (gcc\x80 12.2.0, ld) #1" };
	char lengthy[1024];
	struct kernel_banner b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(
			kernel_banner_find((const uint8_t *)wrong[i], strlen(wrong[i]), &b, NULL),
			ERR_NOT_FOUND);
	/* Words that do not fit. */
	for (int release = 0; release < 2; release++) {
		snprintf(lengthy, sizeof(lengthy), "Linux version 6.1.0%0*d (a@b) (gcc%0*d, ld) #1",
			 release ? 480 : 1, 1, release ? 1 : BANNER_WORD_MAX, 1);
		assert_int_equal(
			kernel_banner_find((const uint8_t *)lengthy, strlen(lengthy), &b, NULL),
			ERR_NOT_FOUND);
	}
	/* Cut anywhere, it is found whole or not at all. */
	for (size_t len = 0; len < strlen(DEBIAN_BANNER); len++) {
		_cleanup_free_ char *copy = strndup(DEBIAN_BANNER, len);

		if (kernel_banner_find((const uint8_t *)copy, len, &b, NULL) == 0)
			assert_string_equal(b.compiler, "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0");
	}
}

static void packages(void **state)
{
	static const char control[] = "Package: linux-headers-6.1.0-56-amd64\nSource: linux\n"
				      "Version:  6.1.192-2\nArchitecture: amd64\n"
				      "Description: x\n Package: other\n";
	struct kernel_banner image = find(DEBIAN_BANNER), own = find(OWN_BANNER);
	struct deb_info deb;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(deb_info_parse(control, &deb), 0);
	assert_string_equal(deb.package, "linux-headers-6.1.0-56-amd64");
	assert_string_equal(deb.version, "6.1.192-2");
	assert_string_equal(deb.architecture, "amd64");
	assert_int_equal(deb_info_parse("Package: x\nVersion: 1\n", &deb), ERR_INVALID);
	assert_int_equal(deb_info_parse("", &deb), ERR_INVALID);
	assert_int_equal(deb_info_parse(control, &deb), 0);
	assert_ok(kernel_match_package(&image, "headers", deb.package, &deb, &err), &err);
	assert_ok(kernel_match_package(&own, "headers", NULL, &deb, &err), &err);
	assert_int_equal(kernel_match_package(&image, "headers", "linux-headers-x", &deb, &err),
			 ERR_MISMATCH);
	assert_non_null(strstr(err.message, "linux-headers-x does"));
	snprintf(deb.version, sizeof(deb.version), "6.1.190-1");
	assert_int_equal(kernel_match_package(&image, "source", NULL, &deb, &err), ERR_MISMATCH);
	assert_non_null(strstr(err.message, "6.1.190-1"));
	assert_non_null(strstr(err.message, "6.1.192-2"));
}

static void trees(void **state)
{
	struct kernel_banner debian = find(DEBIAN_BANNER), ubuntu = find(UBUNTU_BANNER);
	struct kernel_banner bare = ubuntu;
	struct error err = { 0 };

	(void)state;
	assert_ok(kernel_match_makefile(&debian, "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\n",
					&err),
		  &err);
	assert_ok(kernel_match_makefile(&ubuntu, "VERSION=5\nPATCHLEVEL=15\nSUBLEVEL=126\n", &err),
		  &err);
	assert_int_equal(kernel_match_makefile(
				 &debian, "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 190\n", &err),
			 ERR_MISMATCH);
	assert_non_null(strstr(err.message, "6.1.190"));
	assert_int_equal(kernel_match_makefile(
				 &debian, "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 192\n", &err),
			 ERR_MISMATCH);
	assert_int_equal(kernel_match_makefile(
				 &debian, "VERSION = 5\nPATCHLEVEL = 1\nSUBLEVEL = 192\n", &err),
			 ERR_MISMATCH);
	assert_int_equal(kernel_match_makefile(&debian, "all:\n", &err), ERR_INVALID);
	/* An image that does not tell which stable update it is. */
	bare.mainline[0] = '\0';
	assert_ok(
		kernel_match_makefile(&bare, "VERSION = 5\nPATCHLEVEL = 15\nSUBLEVEL = 1\n", &err),
		&err);
	assert_ok(kernel_match_release(&debian, "x", "6.1.0-56-amd64\n", &err), &err);
	assert_ok(kernel_match_release(&debian, "x", "6.1.0-56-amd64 SMP preempt", &err), &err);
	assert_int_equal(kernel_match_release(&debian, "x", "6.1.0-56-amd64x", &err), ERR_MISMATCH);
	assert_int_equal(kernel_match_release(&debian, "x", "", &err), ERR_MISMATCH);
}

static void configurations(void **state)
{
	struct kernel_banner image = find(DEBIAN_BANNER);
	struct error err = { 0 };

	(void)state;
	assert_ok(kernel_match_config(&image,
				      "#\n# Linux/x86 6.1.192 Kernel Configuration\n#\n"
				      "CONFIG_CC_VERSION_TEXT=\"x86_64-linux-gnu-gcc-12 (Debian "
				      "12.2.0-14) 12.2.0\"\n",
				      &err),
		  &err);
	assert_ok(kernel_match_config(&image, "CONFIG_X=y\n", &err), &err);
	/* A heading is one line; a compiler without a version says nothing. */
	assert_ok(kernel_match_config(&image, "# Linux/x86\n# about 6.12.1 Kernel Configuration\n",
				      &err),
		  &err);
	assert_ok(kernel_match_config(&image, "\nCONFIG_CC_VERSION_TEXT=\"gcc\"\n", &err), &err);
	assert_int_equal(
		kernel_match_config(&image, "# Linux/x86 6.12.1 Kernel Configuration\n", &err),
		ERR_MISMATCH);
	assert_non_null(strstr(err.message, "6.12.1"));
	assert_int_equal(kernel_match_config(&image,
					     "\nCONFIG_CC_VERSION_TEXT=\"gcc (Debian) 13.1.0\"\n",
					     &err),
			 ERR_MISMATCH);
	assert_non_null(strstr(err.message, "13.1.0"));
	assert_non_null(strstr(err.message, "12.2.0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(banners),        cmocka_unit_test(no_banner),
		cmocka_unit_test(packages),       cmocka_unit_test(trees),
		cmocka_unit_test(configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
