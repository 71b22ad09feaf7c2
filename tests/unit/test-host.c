/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/host, kernel/build_config, kernel/policy and kernel/taints on trees of their own. */
#include "fake_tree.h"

#include <zlib.h>

#include "kernel/build_config.h"
#include "kernel/policy.h"
#include "kernel/taints.h"

/* ---- Containers ---- */

static void put_ns(const char *root, const char *pid, const char *user, const char *cgroup)
{
	put_link(root, "proc/self/ns/pid", pid);
	put_link(root, "proc/self/ns/user", user);
	put_link(root, "proc/self/ns/cgroup", cgroup);
}

static void put_first_ns(const char *root)
{
	put_ns(root, "pid:[4026531836]", "user:[4026531837]", "cgroup:[4026531835]");
}

static void contained_is(const char *root, const char *expected)
{
	char name[KERNEL_CONTAINER_MAX];

	kernel_container(root, name);
	assert_string_equal(name, expected);
}

static void containers(void **state)
{
	static const char environ[] = "TERM=linux\0container=lxc-libvirt\0PATH=/bin";
	char *root = unit_make_dir();

	(void)state;
	/* A tree that tells nothing, and a machine. */
	contained_is(root, "");
	put_text(root, "proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
	put(root, "proc/1/environ", "HOME=/\0xcontainer=no", 20);
	put_first_ns(root);
	contained_is(root, "");
	/* Left over from the image that the machine was made from. */
	put_text(root, ".dockerenv", "");
	put_text(root, "run/.containerenv", "");
	contained_is(root, "");
	put_ns(root, "pid:[4026531836]", "user:[4026531837]", "cgroup:[4026532000]");
	contained_is(root, "podman");
	take_away(root, "run/.containerenv");
	contained_is(root, "docker");
	take_away(root, ".dockerenv");
	contained_is(root, "");
	put_ns(root, "pid:[4026532001]", "user:[4026531837]", "cgroup:[4026531835]");
	contained_is(root, "pid-namespace");
	put_ns(root, "pid:[4026531836]", "user:[4026532002]", "cgroup:[4026531835]");
	contained_is(root, "user-namespace");
	put_first_ns(root);
	put_text(root, "proc/vz/x", "");
	contained_is(root, "openvz");
	put_text(root, "proc/bc/x", ""); /* the host of such containers */
	contained_is(root, "");
	put(root, "proc/1/environ", environ, sizeof(environ));
	contained_is(root, "lxc-libvirt");
	put_text(root, "run/systemd/container", "systemd-nspawn\n");
	contained_is(root, "systemd-nspawn");
	put_text(root, "run/host/container-manager",
		 "a\033[2Jb\xff ccccccccccccccccccccccccccccccc");
	contained_is(root, "a??2Jb??ccccccccccccccccccccccc");
	put_text(root, "proc/sys/kernel/osrelease", "5.15.90.1-microsoft-standard-WSL2\n");
	contained_is(root, "wsl");
	unit_remove_dir(root);
}

static void memory(void **state)
{
	static const char *const bad[] = { "",
					   "MemTotal: 1 kB\n",
					   "MemTotal: 1\nMemAvailable: x kB\n",
					   "MemTotal: 1\nMemAvailable: 99999999999999999999 kB\n",
					   "MemTotal: 1\nMemAvailable: 9999999999999999999 kB\n",
					   "MemTotal: 1\nMemAvailable:       12 MB\n" };
	char *root = unit_make_dir();
	uint64_t bytes = 7;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(kernel_memory_available(root, &bytes, &err), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put_text(root, "proc/meminfo", bad[i]);
		assert_int_equal(kernel_memory_available(root, &bytes, &err), ERR_INVALID);
	}
	assert_int_equal(bytes, 7);
	put_text(root, "proc/meminfo",
		 "MemTotal:  4 kB\nMemFree:  1 kB\nMemAvailable:     2048 kB\n");
	assert_ok(kernel_memory_available(root, &bytes, &err), &err);
	assert_int_equal(bytes, 2048 * 1024);
	unit_remove_dir(root);
}

static void switches(void **state)
{
	static const char line[] = "quiet module.sig-enforce lockdown=none x=\"a b=c\" \"y=d e\" "
				   "lockdown=integrity empty= -- nomodule";
	char value[16];

	(void)state;
	assert_true(kernel_cmdline_find(line, "lockdown", value, sizeof(value)));
	assert_string_equal(value, "integrity");
	assert_true(kernel_cmdline_find(line, "module.sig_enforce", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_true(kernel_cmdline_find(line, "x", value, sizeof(value)));
	assert_string_equal(value, "a b=c");
	assert_true(kernel_cmdline_find(line, "y", value, sizeof(value)));
	assert_string_equal(value, "d e");
	assert_true(kernel_cmdline_find(line, "empty", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_false(kernel_cmdline_find(line, "b", value, sizeof(value)));
	assert_false(kernel_cmdline_find(line, "lock", value, sizeof(value)));
	assert_false(kernel_cmdline_find(line, "nomodule", value, sizeof(value)));
	assert_false(kernel_cmdline_find("", "x", value, sizeof(value)));
	assert_true(kernel_cmdline_find("x=0123456789abcdefgh", "x", value, sizeof(value)));
	assert_string_equal(value, "0123456789abcde");
	assert_true(kernel_cmdline_find("x=\"", "x", value, sizeof(value)));
	assert_string_equal(value, "");
}

/* ---- The kernel's configuration ---- */

#define RELEASE "6.1.0-56-amd64"

static void put_gz(const char *root, const char *path, const char *text)
{
	_cleanup_free_ char *full = path_join(root, path, NULL);
	gzFile file;

	put_text(root, path, "");
	file = gzopen(full, "wb");
	assert_non_null(file);
	assert_int_equal(gzwrite(file, text, (unsigned int)strlen(text)), (int)strlen(text));
	assert_int_equal(gzclose(file), Z_OK);
}

static void build_config(void **state)
{
	struct kernel_option options[] = { { .name = "CONFIG_A" },
					   { .name = "CONFIG_AB" },
					   { .name = "CONFIG_M" },
					   { .name = "CONFIG_NONE" } };
	char *root = unit_make_dir(), vermagic[256];
	_cleanup_free_ char *large = malloc(KERNEL_BUILD_CONFIG_MAX + 2);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(kernel_build_config_ask(root, RELEASE, options, 4, &err), ERR_NOT_FOUND);
	assert_int_equal(options[0].answer, KERNEL_UNKNOWN);
	put_text(root, "boot/config-" RELEASE,
		 "# CONFIG_NONE=y\nXCONFIG_AB=y\nCONFIG_AB=yes\nCONFIG_A=y\nCONFIG_M=m");
	assert_ok(kernel_build_config_ask(root, RELEASE, options, 4, &err), &err);
	assert_int_equal(options[0].answer, KERNEL_YES);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(options[i].answer, KERNEL_NO);
	/* The kernel's own comes first. */
	put_gz(root, "proc/config.gz", "CONFIG_SMP=y\nCONFIG_PREEMPT_RT=y\nCONFIG_MODVERSIONS=y\n");
	assert_ok(kernel_vermagic(root, RELEASE, vermagic, sizeof(vermagic), &err), &err);
	assert_string_equal(vermagic, RELEASE " SMP preempt_rt modversions ");
	put_gz(root, "proc/config.gz",
	       "CONFIG_SMP=y\nCONFIG_PREEMPT_BUILD=y\nCONFIG_MODULE_UNLOAD=y\n"
	       "CONFIG_MODVERSIONS=y\n");
	assert_ok(kernel_vermagic(root, RELEASE, vermagic, sizeof(vermagic), &err), &err);
	assert_string_equal(vermagic, RELEASE " SMP preempt mod_unload modversions ");
	put_gz(root, "proc/config.gz", "CONFIG_RANDSTRUCT=y\n");
	assert_int_equal(kernel_vermagic(root, RELEASE, vermagic, sizeof(vermagic), &err),
			 ERR_UNSUPPORTED);
	/* A small file that unpacks to a large one. */
	memset(large, '\n', KERNEL_BUILD_CONFIG_MAX + 1);
	large[KERNEL_BUILD_CONFIG_MAX + 1] = 0;
	put_gz(root, "proc/config.gz", large);
	assert_int_equal(kernel_build_config_ask(root, RELEASE, options, 4, &err), ERR_TOO_LARGE);
	put(root, "proc/config.gz", "\x1f\x8b\x08\0\0\0\0\0\0\x03garbage", 17);
	assert_int_equal(kernel_build_config_ask(root, RELEASE, options, 4, &err), ERR_INVALID);
	assert_int_equal(options[0].answer, KERNEL_UNKNOWN);
	assert_true(kernel_build_config_ask(root, "../x", options, 4, &err) < 0);
	unit_remove_dir(root);
}

/* ---- Policies ---- */

static void policy_is(const char *root, enum kernel_answer expected, const char *text)
{
	struct error err = { 0 };
	enum kernel_answer answer = kernel_policy_memory_modules(root, &err);

	if (answer != expected)
		fail_msg("answer %s (%s), not %s (%s)", kernel_answer_name(answer), err.message,
			 kernel_answer_name(expected), text);
	if (!strstr(err.message, text))
		fail_msg("\"%s\" does not say \"%s\"", err.message, text);
	assert_true((expected == KERNEL_YES) == !err.hint[0]);
}

static void loadpin(void **state)
{
	char *root = unit_make_dir();

	(void)state;
	policy_is(root, KERNEL_UNKNOWN, "securityfs");
	put_text(root, "sys/kernel/security/lsm", "lockdown,capability,yama,xloadpin");
	policy_is(root, KERNEL_YES, "");
	put_text(root, "sys/kernel/security/lsm", "lockdown,loadpin,capability");
	policy_is(root, KERNEL_NO, "LoadPin");
	put_text(root, "proc/cmdline", "quiet loadpin.enforce=0\n");
	policy_is(root, KERNEL_YES, "");
	put_text(root, "proc/sys/kernel/loadpin/enforce", "1\n"); /* switched on since */
	policy_is(root, KERNEL_NO, "LoadPin");
	put_text(root, "proc/sys/kernel/loadpin/enforce", "0\n");
	policy_is(root, KERNEL_YES, "");
	put_text(root, "proc/sys/kernel/loadpin/enforce", "1\n");
	put_text(root, "proc/cmdline", "loadpin.exclude=firmware,kernel-module\n");
	policy_is(root, KERNEL_YES, "");
	put_text(root, "proc/cmdline", "loadpin.exclude=firmware\n");
	policy_is(root, KERNEL_NO, "LoadPin");
	unit_remove_dir(root);
}

static void ima(void **state)
{
	static const struct {
		const char *rules;
		enum kernel_answer answer;
	} cases[] = {
		{ "", KERNEL_YES },
		{ "measure func=MODULE_CHECK\n", KERNEL_YES },
		{ "appraise func=FIRMWARE_CHECK appraise_type=imasig\n", KERNEL_YES },
		{ "measure func=BPRM_CHECK\nappraise func=MODULE_CHECK appraise_type=imasig\n",
		  KERNEL_NO },
		{ "appraise func=MODULE_CHECK appraise_type=imasig|modsig \n", KERNEL_UNKNOWN },
		/* As ima_policy=appraise_tcb has it: no file of tmpfs. */
		{ "dont_appraise fsmagic=0x9fa0 \ndont_appraise fsmagic=0x1021994 \n"
		  "appraise fowner=0 \n",
		  KERNEL_YES },
		{ "dont_appraise fsmagic=0x9fa0 \nappraise fowner=0 \n", KERNEL_UNKNOWN },
		{ "dont_appraise fsname=tmpfs \nappraise func=MODULE_CHECK appraise_type=imasig \n",
		  KERNEL_YES },
		{ "dont_appraise fsname=ext4 \nappraise func=MODULE_CHECK appraise_type=imasig \n",
		  KERNEL_NO },
		{ "dont_appraise obj_type=var_log_t \nappraise func=MODULE_CHECK "
		  "appraise_type=imasig \n",
		  KERNEL_NO },
		{ "dont_appraise func=FILE_CHECK \nappraise appraise_type=imasig \n", KERNEL_NO },
	};
	char *root = unit_make_dir();

	(void)state;
	put_text(root, "sys/kernel/security/lsm", "lockdown,capability");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_text(root, "sys/kernel/security/ima/policy", cases[i].rules);
		policy_is(root, cases[i].answer, cases[i].answer == KERNEL_YES ? "" : "IMA");
	}
	put_text(root, "proc/cmdline", "ima_appraise=log\n");
	policy_is(root, KERNEL_YES, "");
	/* A kernel that does not show its rules: a folder cannot be read as a file, either. */
	put_text(root, "proc/cmdline", "quiet\n");
	take_away(root, "sys/kernel/security/ima/policy");
	put_text(root, "sys/kernel/security/ima/policy/x", "");
	policy_is(root, KERNEL_YES, "");
	put_text(root, "proc/cmdline", "ima_policy=\"tcb|secure_boot\"\n");
	policy_is(root, KERNEL_NO, "secure_boot");
	put_text(root, "proc/cmdline", "ima_policy=tcb\n");
	policy_is(root, KERNEL_YES, "");
	/* It has taken rules: the file is gone. */
	take_away(root, "sys/kernel/security/ima/policy");
	put_text(root, "sys/kernel/security/ima/violations", "0\n");
	policy_is(root, KERNEL_UNKNOWN, "rules of its own");
	unit_remove_dir(root);
}

/* ---- Taints ---- */

static void taints(void **state)
{
	struct kernel_taints taints;
	char *root = unit_make_dir();
	struct error err = { 0 };

	(void)state;
	assert_ok(kernel_taints_read(root, &taints, &err), &err);
	assert_int_equal(taints.n, 0);
	assert_false(taints.gone_known);
	put_text(root, "sys/module/zfs/taint", "PO\n");
	put_text(root, "sys/module/ext4/taint", "\n");
	put_text(root, "sys/module/kernel/parameters/panic", "0\n");
	put_text(root, "sys/module/suture_x_1_1/taint", "OEK\n");
	put_text(root, "sys/module/odd/taint", "a line that is longer than any letters\n");
	put_text(root, "sys/kernel/debug/modules/unloaded_tainted",
		 "vboxdrv (OE) 2\nnonsense\n(O) 1\nzfs (PO) 1\nhalf (O");
	assert_ok(kernel_taints_read(root, &taints, &err), &err);
	assert_int_equal(taints.n, 4);
	assert_true(taints.gone_known && !taints.cut);
	assert_string_equal(taints.causes[0].module, "suture_x_1_1");
	assert_string_equal(taints.causes[1].module, "vboxdrv");
	assert_string_equal(taints.causes[1].letters, "OE");
	assert_true(taints.causes[1].gone && !taints.causes[0].gone);
	assert_string_equal(taints.causes[2].letters, "PO");
	assert_true(!taints.causes[2].gone && taints.causes[3].gone);
	kernel_taints_free(&taints);
	unit_remove_dir(root);

	assert_int_equal(kernel_taint_of(0)->letter, 'P');
	assert_int_equal(kernel_taint_of(9)->letter, 'W');
	assert_int_equal(kernel_taint_of(KERNEL_TAINT_OUT_OF_TREE)->letter, 'O');
	assert_int_equal(kernel_taint_of(KERNEL_TAINT_UNSIGNED)->letter, 'E');
	assert_int_equal(kernel_taint_of(KERNEL_TAINT_LIVEPATCH)->letter, 'K');
	assert_int_equal(kernel_taint_of(18)->letter, 'N');
	assert_int_equal(kernel_taint_of(19)->letter, '?');
	assert_int_equal(kernel_taint_of(63)->letter, '?');
}

static void many_taints(void **state)
{
	struct kernel_taints taints;
	char *root = unit_make_dir();
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i <= KERNEL_TAINT_CAUSES_MAX; i++) {
		char path[64];

		snprintf(path, sizeof(path), "sys/module/m%d/taint", i);
		put_text(root, path, "O\n");
	}
	assert_ok(kernel_taints_read(root, &taints, &err), &err);
	assert_int_equal(taints.n, KERNEL_TAINT_CAUSES_MAX);
	assert_true(taints.cut);
	kernel_taints_free(&taints);
	unit_remove_dir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers), cmocka_unit_test(memory),
		cmocka_unit_test(switches),   cmocka_unit_test(build_config),
		cmocka_unit_test(loadpin),    cmocka_unit_test(ima),
		cmocka_unit_test(taints),     cmocka_unit_test(many_taints),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
