/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What apt's commands print: as they do, and as a hostile repository could have them print. */
#include "unit.h"

#include "base/clock.h"
#include "package/apt.h"
#include "package/apt_output.h"

/* The list as one text, a space between two. */
static char *joined(const struct name_list *list)
{
	_cleanup_buf_ struct buf text = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < list->n; i++)
		assert_int_equal(buf_printf(&text, "%s%s", i ? " " : "", list->items[i]), 0);
	return strdup(text.len ? buf_str(&text) : "");
}

static void assert_versions(const char *text, const char *package, const char *want)
{
	_cleanup_name_list_ struct name_list list = { 0 };
	_cleanup_free_ char *got = NULL;

	assert_int_equal(apt_output_versions(text, package, &list), 0);
	got = joined(&list);
	assert_string_equal(got, want);
}

static void assert_releases(const char *text, const char *series, const char *flavour,
			    const char *want)
{
	_cleanup_name_list_ struct name_list list = { 0 };
	_cleanup_free_ char *got = NULL;

	assert_int_equal(apt_output_releases(text, series, flavour, &list), 0);
	got = joined(&list);
	assert_string_equal(got, want);
}

static const char at[] = " | http://deb.example/debian bookworm/main amd64 Packages\n";

/* One line of madison's, for the package p. */
#define LINE(version) \
	"         p | " version " | http://deb.example/d bookworm/main amd64 Packages\n"

static void versions(void **state)
{
	(void)state;
	assert_versions(
		"linux-source-6.1 |  6.1.176-1 | http://deb.example/debian bookworm/main amd64 "
		"Packages\n"
		"linux-source-6.1 |  6.1.192-2 | http://deb.example/debian-security "
		"bookworm-security/main amd64 Packages\n"
		"linux-source-6.1 |  6.1.192-1 | http://deb.example/debian-security "
		"bookworm-security/main amd64 Packages\n"
		"     linux | 6.1.192-2 | http://deb.example/debian bookworm/main Sources\n",
		"linux-source-6.1", "6.1.192-2 6.1.192-1 6.1.176-1");
	assert_versions("", "p", "");
	/* In two repositories it is one; an epoch counts before all else, '~' comes first. */
	assert_versions(LINE("1.0-1") LINE("1.0-1") LINE("1:0.1-1") LINE("1.0-1~bpo12+1")
				LINE("10.0-1") LINE("9.0-1"),
			"p", "1:0.1-1 10.0-1 9.0-1 1.0-1 1.0-1~bpo12+1");
	/* Equal to dpkg, but two texts. */
	assert_versions(LINE("1.0-1") LINE("1.00-1") LINE("1.0-1"), "p", "1.0-1 1.00-1");
}

static void versions_of_others(void **state)
{
	(void)state;
	/* Of another machine, of a source, of another package. */
	assert_versions("p | 1 | http://deb.example/d bookworm/main i386 Packages\n"
			"p | 2 | http://deb.example/d bookworm/main arm64 Packages\n"
			"p | 3 | http://deb.example/d bookworm/main Sources\n"
			"p | 4 | http://deb.example/d bookworm/main all Packages\n"
			"p | 5 | file:/srv/packages ./ Packages\n"
			"q | 6 | http://deb.example/d bookworm/main amd64 Packages\n"
			"pp | 7 | http://deb.example/d bookworm/main amd64 Packages\n"
			"p | 8 | http://deb.example/d bookworm/main amd64 Packages\n",
			"p", "8 5 4");
	assert_versions("p | 1 | x/y amd64 Packages\n", "pq", "");
	assert_versions(" | 1 | x/y amd64 Packages\n", "p", "");
}

static void odd_lines(void **state)
{
	(void)state;
	assert_versions(
		"p\np |\np | 1\np | 2 |\np | 3 | Packages\n|||\n | | \np | | x/y amd64 Packages\n"
		"p 4 x/y amd64 Packages\np | 5 | x/y amd64 Packages | more\n\r\n"
		"N: Unable to locate package p\n"
		"p | 6 | x/y amd64 Packages",
		"p", "6 5");
	/* A version is a file's name and a word of a command line. */
	assert_versions(LINE("../../etc") LINE("1/2") LINE("-o=Dir::Cache=/x") LINE("$(x)")
				LINE("1 2") LINE(".1") LINE("1\t2") LINE("1\x7f") LINE("7"),
			"p", "7");
}

static void bounds(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT(64 << 20);
	_cleanup_name_list_ struct name_list list = { 0 };
	int64_t start = clock_monotonic_ms();
	char version[2 * APT_NAME_MAX];

	(void)state;
	memset(version, '1', sizeof(version));
	version[APT_NAME_MAX] = '\0';
	assert_int_equal(buf_printf(&text, "p | %s%s", version, at), 0);
	version[APT_NAME_MAX - 1] = '\0';
	assert_int_equal(buf_printf(&text, "p | %s%s", version, at), 0);
	assert_versions(buf_str(&text), "p", version);
	/* As many as a list takes, all different, in a time that nobody waits for. */
	text.len = 0;
	for (int i = 0; i < 50000; i++)
		assert_int_equal(buf_printf(&text, "p | %d%s", i, at), 0);
	assert_int_equal(apt_output_versions(buf_str(&text), "p", &list), 0);
	assert_int_equal(list.n, 50000);
	assert_string_equal(list.items[0], "49999");
	assert_true(clock_monotonic_ms() - start < 10000);
	text.len = 0;
	for (int i = 0; i <= NAME_LIST_MAX; i++)
		assert_int_equal(buf_append_str(&text, "x\n"), 0);
	assert_int_equal(apt_output_versions(buf_str(&text), "p", &list), ERR_TOO_LARGE);
	assert_int_equal(list.n, 50000);
	assert_int_equal(apt_output_releases(buf_str(&text), NULL, NULL, &list), ERR_TOO_LARGE);
}

static const char names[] = "linux-image-6.1.0-9-amd64\n"
			    "linux-image-6.1.0-56-amd64\n"
			    "linux-image-6.1.0-56-amd64-dbg\n"
			    "linux-image-6.1.0-56-amd64-unsigned\n"
			    "linux-image-6.1.0-56-rt-amd64\n"
			    "linux-image-6.1.0-56-686-pae\n"
			    "linux-image-6.12.117+deb12-amd64\n"
			    "linux-image-6.12.117+deb12-cloud-amd64\n"
			    "linux-image-6.12.117+deb12-rt-amd64\n"
			    "linux-image-6.12.117+deb12-rt-amd64\n"
			    "linux-image-6.12-amd64\n"
			    "linux-image-amd64\n"
			    "linux-image-rt-amd64\n"
			    "linux-image-\n"
			    "linux-headers-6.1.0-99-amd64\n"
			    "xlinux-image-6.1.0-99-amd64\n";

static void releases(void **state)
{
	(void)state;
	assert_releases(names, NULL, "amd64", "6.12.117+deb12-amd64 6.1.0-56-amd64 6.1.0-9-amd64");
	assert_releases(names, NULL, "rt-amd64", "6.12.117+deb12-rt-amd64 6.1.0-56-rt-amd64");
	assert_releases(names, "6.1", "rt-amd64", "6.1.0-56-rt-amd64");
	assert_releases(names, "6.12", "amd64", "6.12.117+deb12-amd64");
	assert_releases(names, "6", "cloud-amd64", "6.12.117+deb12-cloud-amd64");
	assert_releases(names, "6.2", "amd64", "");
	assert_releases(names, "", "amd64", "");
	assert_releases(names, NULL, "cloud", "");
	assert_releases(names, "6.1", NULL, "6.1.0-56-rt-amd64 6.1.0-56-amd64 6.1.0-9-amd64");
	assert_releases("", NULL, NULL, "");
}

/* A release names folders. */
static void odd_releases(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT(64 * 1024);

	(void)state;
	assert_releases("linux-image-6.1.0+../../x-amd64\nlinux-image-6.1.0-1/../amd64\n"
			"linux-image-6.1.0- -amd64\nlinux-image-6.1.0-1-amd64 \n"
			"linux-image--6.1.0-1-amd64\nlinux-image-6.1.0\nlinux-image-6.1.0-\n"
			"linux-image-6.1.0-1\nlinux-image-6..0-1-amd64\nlinux-image-.6.1-1-amd64\n"
			"linux-image-6.1234567.0-1-amd64\nlinux-image-6.1.0-7-amd64\r\n"
			"linux-image-6.1.0-8-amd64",
			NULL, NULL, "6.1.0-8-amd64");
	assert_int_equal(buf_append_str(&text, "linux-image-6.1.0+"), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_append_byte(&text, 'x'), 0);
	assert_int_equal(buf_append_str(&text, "-amd64\n"), 0);
	assert_releases(buf_str(&text), NULL, NULL, "");
}

static void failures(void **state)
{
	static const struct {
		const char *said;
		int code;
		const char *meaning;
	} cases[] = {
		{ "Reading package lists...\nE: Unable to locate package p\n", ERR_NOT_FOUND,
		  "apt does not know it" },
		{ "E: Version '2' for 'p' was not found\n", ERR_NOT_FOUND, "this version" },
		{ "Err:1 http://deb.example p 1\n  404  Not Found\nE: Failed to fetch http://x  404\n",
		  ERR_UNREACHABLE, "apt-get update" },
		{ "Err:1 http://deb.example p 1\n  Temporary failure resolving 'deb.example'\n"
		  "E: Failed to fetch http://x\n",
		  ERR_UNREACHABLE, "does not resolve" },
		{ "E: Failed to fetch http://x  Connection timed out\n", ERR_UNREACHABLE,
		  "could not be reached" },
		{ "E: You don't have enough free space in /var/cache/apt/archives/.\n", -ENOSPC,
		  "disk is full" },
		{ "W: something\nE: Something else\nE: And more\n", ERR_CHILD,
		  "E: Something else" },
		{ "no such word\nmore\n", ERR_CHILD, "apt-get: no such word" },
		{ "", ERR_CHILD, "apt-get: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };

		assert_int_equal(apt_output_failure("p=2", cases[i].said, &err), cases[i].code);
		assert_non_null(strstr(err.message, "p=2"));
		assert_non_null(strstr(err.message, cases[i].meaning));
		assert_null(strstr(err.message, "And more"));
		assert_null(strchr(err.message, '\n'));
	}
}

/* What is asked of apt must be no option, no path, no other word. */
static void asking(void **state)
{
	static const char *const wrong[] = { "",        "-o",      "../x", "a/b",  "a b", "a;b",
					     "linux\n", "linux=1", ".x",   "a\"b", "a*" };
	_cleanup_name_list_ struct name_list list = { 0 };
	struct apt_kernel kernel;
	struct error err = { 0 };
	char *path = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_false(apt_is_name(wrong[i]));
		assert_int_equal(apt_versions(wrong[i], &list, &err), ERR_INVALID);
		assert_int_equal(apt_find_kernel(wrong[i], &kernel, &err), ERR_INVALID);
		assert_int_equal(apt_download(wrong[i], "1", "/nowhere", &path, &err), ERR_INVALID);
		assert_int_equal(apt_download("p", wrong[i], "/nowhere", &path, &err), ERR_INVALID);
	}
	assert_int_equal(apt_find_kernel("6.1.0-1-arm64", &kernel, &err), ERR_UNSUPPORTED);
	assert_int_equal(apt_newest_kernel(NULL, "arm64", &kernel, &err), ERR_UNSUPPORTED);
	assert_null(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),  cmocka_unit_test(versions_of_others),
		cmocka_unit_test(odd_lines), cmocka_unit_test(bounds),
		cmocka_unit_test(releases),  cmocka_unit_test(odd_releases),
		cmocka_unit_test(failures),  cmocka_unit_test(asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
