/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which compiler is taken for a kernel. Needs gcc-12, as the kernels do. */
#include "unit.h"

#include "base/process.h"
#include "build/unit/kbuild.h"

static int find(const char *config, char **ret_name, struct error *err)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *path = path_join(dir, "config", NULL), *version = NULL;
	int r;

	assert_ok(file_write_atomic(path, config, strlen(config), 0644, err), err);
	r = kbuild_find_compiler(path, ret_name, &version, err);
	unit_remove_dir(dir);
	return r;
}

/* "12.2.0" */
static void version_of(const char *compiler, char ret[static 32])
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024);
	struct error err = { 0 };
	struct process_options options = {
		.argv = (const char *const[]){ compiler, "-dumpfullversion", NULL }, .out = &out
	};

	assert_ok(process_run(&options, NULL, &err), &err);
	snprintf(ret, 32, "%.*s", (int)strcspn(buf_str(&out), "\n"), buf_str(&out));
}

static void the_same_compiler(void **state)
{
	_cleanup_free_ char *name = NULL, *other = NULL;
	char version[32], config[256];
	struct error err = { 0 };

	(void)state;
	version_of("gcc-12", version);
	snprintf(config, sizeof(config), "CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-1) %s\"\n",
		 version);
	assert_ok(find(config, &name, &err), &err);
	assert_string_equal(name, "gcc-12");
	/* Under another name. */
	snprintf(config, sizeof(config), "CONFIG_CC_VERSION_TEXT=\"no-such-gcc (GCC) %s\"\n",
		 version);
	assert_ok(find(config, &other, &err), &err);
	assert_non_null(strstr(other, "gcc-12"));
}

static void another_compiler(void **state)
{
	_cleanup_free_ char *name = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(find("CONFIG_CC_VERSION_TEXT=\"gcc-99 (GCC) 99.1.0\"\n", &name, &err),
			 ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "not installed"));
	assert_non_null(strstr(err.hint, "gcc-99"));
	assert_int_equal(find("CONFIG_CC_VERSION_TEXT=\"gcc-12 (GCC) 12.99.0\"\n", &name, &err),
			 ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "12.99.0"));
	assert_non_null(strstr(err.message, "which makes other code"));
	assert_int_equal(find("CONFIG_CC_VERSION_TEXT=\"clang version 16.0.6\"\n"
			      "CONFIG_CC_IS_CLANG=y\n",
			      &name, &err),
			 ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "only gcc"));
	assert_int_equal(find("CONFIG_X=y\n", &name, &err), ERR_INVALID);
	assert_int_equal(find("CONFIG_CC_VERSION_TEXT=\"/tmp/gcc 12.2.0\"\n", &name, &err),
			 ERR_INVALID);
	assert_null(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_compiler),
		cmocka_unit_test(another_compiler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
