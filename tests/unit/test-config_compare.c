/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/prepare/config_compare.h"

#define SHIPPED                                                                           \
	"# Linux\nCONFIG_X86_64=y\nCONFIG_LIVEPATCH=y\nCONFIG_DEBUG_INFO_BTF_MODULES=y\n" \
	"# CONFIG_KASAN is not set\nCONFIG_NR_CPUS=8\nCONFIG_PAHOLE_VERSION=124\nCONFIG_RUSTC_VERSION=0\n"

static void same_but_for_keys_and_versions(void **state _unused_)
{
	struct error err = { 0 };

	assert_ok(config_compare(SHIPPED,
				 "CONFIG_NR_CPUS=8\nCONFIG_X86_64=y\nCONFIG_LIVEPATCH=y\n"
				 "CONFIG_DEBUG_INFO_BTF_MODULES=y\nCONFIG_BUILD_SALT=\"x\"\n"
				 "CONFIG_PAHOLE_VERSION=125\nCONFIG_RUSTC_VERSION=109500\n"
				 "CONFIG_MODULE_SIG_KEY=\"k\"\n",
				 &err),
		  &err);
}

/* Seen on a machine without pahole: struct module lost its BTF fields, and no module loaded. */
static void a_missing_tool_is_named(void **state _unused_)
{
	struct error err = { 0 };

	assert_int_equal(config_compare(SHIPPED,
					"CONFIG_X86_64=y\nCONFIG_LIVEPATCH=y\nCONFIG_NR_CPUS=8\n",
					&err),
			 ERR_MISMATCH);
	assert_non_null(strstr(err.message, "1 option differs: CONFIG_DEBUG_INFO_BTF_MODULES"));
	assert_non_null(strstr(err.hint, "pahole"));
}

static void other_values_and_more_options(void **state _unused_)
{
	struct error err = { 0 };

	assert_int_equal(config_compare(SHIPPED, SHIPPED "CONFIG_KASAN=y\n", &err), ERR_MISMATCH);
	assert_non_null(strstr(err.message, "CONFIG_KASAN"));
	assert_int_equal(config_compare("CONFIG_NR_CPUS=8\n", "CONFIG_NR_CPUS=64\n", &err),
			 ERR_MISMATCH);
	assert_non_null(strstr(err.message, "1 option differs: CONFIG_NR_CPUS"));
}

static void many_differences_are_counted(void **state _unused_)
{
	_cleanup_buf_ struct buf many = BUF_INIT(1 << 20);
	struct error err = { 0 };

	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&many, "CONFIG_OPTION_%d=y\n", i), 0);
	assert_int_equal(config_compare("", buf_str(&many), &err), ERR_MISMATCH);
	assert_non_null(strstr(err.message, "1000 options differ: CONFIG_OPTION_"));
}

/* What kconfig makes of a configuration has texts without quotes. */
static void result_of_a_configuration(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_compare("CONFIG_A=\"-Wx=5\"\nCONFIG_B=\"\"\nCONFIG_C=m\n",
					"CONFIG_A=-Wx=5\nCONFIG_B=\nCONFIG_C=m\n", &err),
			 0);
	assert_int_equal(config_compare("CONFIG_A=\"one\"\n", "CONFIG_A=two\n", &err),
			 ERR_MISMATCH);
	assert_int_equal(config_compare("CONFIG_A=\"\n", "CONFIG_A=\n", &err), ERR_MISMATCH);
	assert_int_equal(config_compare("CONFIG_A=\"a\n", "CONFIG_A=\"b\n", &err), ERR_MISMATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_but_for_keys_and_versions),
		cmocka_unit_test(a_missing_tool_is_named),
		cmocka_unit_test(other_values_and_more_options),
		cmocka_unit_test(many_differences_are_counted),
		cmocka_unit_test(result_of_a_configuration),
	};

	return cmocka_run_group_tests_name("config_compare", tests, NULL, NULL);
}
