/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/check: each requirement on a machine that meets it, and on one that does not. */
#include "fake_tree.h"

#include <elf.h>

#include "cli/check.h"
#include "sample_build_record.h"

#define RELEASE "6.1.0-56-amd64"
#define NOW     1795824000 /* 2026-11-28 */

static const char good_status[] =
	"{\"agent\":\"0.1.0\",\"enabled\":true,\"server\":\"https://s:8443\",\"module_signatures\":"
	"{\"demanded\":false,\"certificates\":[{\"subject\":\"/CN=k\",\"key_id\":\"ab\","
	"\"not_after\":\"2028-01-01T00:00:00Z\",\"accepted\":true,\"keyring\":\".platform\",\"description\":\"k: ab\"}]},\"last_check\":"
	"{\"ok\":true},\"metadata\":{\"role\":\"stable\",\"expires\":\"2026-12-01T00:00:00Z\","
	"\"expired\":false},\"code_check\":\"equal\",\"time_floor\":\"2026-11-27T00:00:00Z\","
	"\"functions\":[{\"object\":\"vmlinux\",\"name\":\"cmdline_proc_show\"}]}";

static const struct {
	const char *path, *text;
} good_files[] = {
	{ "proc/sys/kernel/osrelease", RELEASE "\n" },
	{ "proc/sys/kernel/arch", "x86_64\n" },
	{ "proc/sys/kernel/random/boot_id", "0f6cbf9a-3b02-4c6a-8f4e-6d0d0a0f9d11\n" },
	{ "proc/sys/kernel/tainted", "0\n" },
	{ "proc/sys/kernel/modules_disabled", "0\n" },
	{ "proc/sys/kernel/ftrace_enabled", "1\n" },
	{ "proc/cmdline", "quiet\n" },
	{ "proc/meminfo", "MemTotal: 1 kB\nMemAvailable: 1048576 kB\n" },
	{ "sys/kernel/security/lockdown", "[none] integrity confidentiality\n" },
	{ "sys/kernel/security/lsm", "lockdown,capability" },
	{ "sys/module/module/parameters/sig_enforce", "N\n" },
	{ "sys/kernel/livepatch/suture_x_1_1/enabled", "1\n" },
	{ "sys/kernel/livepatch/suture_x_1_1/transition", "0\n" },
	{ "sys/kernel/livepatch/suture_x_1_1/vmlinux/cmdline_proc_show,1/x", "" },
	{ "sys/kernel/debug/kprobes/list", "ffffffff81000000  k  schedule+0x0    \n" },
	{ "sys/kernel/tracing/enabled_functions",
	  "cmdline_proc_show (1) R I   ->ftrace_ops_list_func+0x0/0x1b0\n" },
	{ "boot/config-" RELEASE, "CONFIG_SMP=y\nCONFIG_HAVE_RELIABLE_STACKTRACE=y\n" },
};

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *o = NULL;

	assert_ok(json_parse(text, strlen(text), &o, &err), &err);
	return o;
}

/* A core file with one empty segment. */
static void put_core(const char *root)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
	} core = { .header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			       .e_type = ET_CORE,
			       .e_phoff = sizeof(Elf64_Ehdr),
			       .e_phentsize = sizeof(Elf64_Phdr),
			       .e_phnum = 1 },
		   .segment = { .p_type = PT_LOAD } };

	put(root, "proc/kcore", &core, sizeof(core));
}

static char *make_machine(void)
{
	static const uint8_t note[] = { 4,   0,   0,   0, 8, 0, 0, 0, 3, 0, 0, 0,
					'G', 'N', 'U', 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	char *root = unit_make_dir();

	for (size_t i = 0; i < ARRAY_SIZE(good_files); i++)
		put_text(root, good_files[i].path, good_files[i].text);
	put(root, "sys/kernel/notes", note, sizeof(note));
	put_core(root);
	return root;
}

static struct record *make_record(void)
{
	_cleanup_buf_ struct buf text = BUF_INIT(RECORD_MAX);
	struct record *record = NULL;
	struct error err = { 0 };

	assert_int_equal(sample_build_record(&text, SAMPLE_FUNCTION("version_proc_show", "0"),
					     SAMPLE_FUNCTION("nft_do_chain", "0"), "false"),
			 0);
	assert_ok(record_parse(text.data, text.len, &record, &err), &err);
	return record;
}

static void run(const char *root, struct check_input *input, struct check_report *report)
{
	struct error err = { 0 };

	input->root = root;
	assert_ok(kernel_facts_read(root, &input->facts, &err), &err);
	report->n = 0;
	check_kernel(input, report);
	check_patch(input, report);
	check_agent(input, report);
	for (size_t i = 0; i < report->n; i++)
		if ((report->items[i].result == CHECK_PASS) != !report->items[i].cure[0])
			fail_msg("%s: %s, cure \"%s\"", report->items[i].name,
				 report->items[i].finding, report->items[i].cure);
}

static struct check_input good_input(void)
{
	return (struct check_input){ .now = NOW,
				     .status = parse(good_status),
				     .runs = true,
				     .record = make_record(),
				     .module_length = 1024 * 1024,
				     .certificate_end = NOW + 30 * 86400 };
}

/* Some item of that name has the result and says the text; its cure says the other one. */
static void has(const struct check_report *report, const char *name, enum check_result result,
		const char *text, const char *cure)
{
	const struct check_item *seen = NULL;

	for (size_t i = 0; i < report->n; i++) {
		const struct check_item *item = &report->items[i];

		if (!streq(item->name, name))
			continue;
		seen = item;
		if (item->result == result && strstr(item->finding, text) &&
		    strstr(item->cure, cure))
			return;
	}
	fail_msg("%s: not %s \"%s\" (cure \"%s\"), but %s \"%s\" (cure \"%s\")", name,
		 check_result_name(result), text, cure,
		 seen ? check_result_name(seen->result) : "not there", seen ? seen->finding : "",
		 seen ? seen->cure : "");
}

/* Everything is met, and every requirement is in the report. */
static void good(void **state)
{
	static const char expected[] =
		"pass     architecture        x86_64\n"
		"pass     host                not inside a container\n"
		"pass     livepatch support   /sys/kernel/livepatch is there\n"
		"pass     module loading      permitted\n"
		"pass     ftrace              enabled\n"
		"pass     kernel              " RELEASE ", build ID 0102030405060708\n"
		"pass     vermagic            \"" RELEASE " SMP \"\n"
		"pass     stack traces        reliable\n"
		"pass     lockdown            none\n"
		"pass     Secure Boot         no\n"
		"pass     module signatures   not demanded by the kernel\n"
		"pass     modules in memory   no policy of IMA or LoadPin forbids them\n"
		"pass     command line        nothing that bears on live patches\n"
		"pass     taints              none\n"
		"pass     running code        can be read\n"
		"pass     other livepatches   none\n"
		"pass     transition          none is running\n"
		"pass     clock               plausible\n"
		"pass     kprobes             1 in the kernel, none on a function of the patch\n"
		"pass     ftrace users        0 functions are redirected by others than livepatches, "
		"none of the patch\n"
		"pass     memory              1024 MiB available, 32 MiB needed at most\n"
		"pass     sutured             0.1.0\n"
		"pass     enrolment           https://s:8443\n"
		"pass     module key          /CN=k: the kernel has it in .platform as \"k: ab\"\n"
		"pass     module certificate  /CN=k is valid until 2028-01-01T00:00:00Z\n"
		"pass     server              the last check-in succeeded\n"
		"pass     metadata            role stable is valid until 2026-12-01T00:00:00Z\n"
		"pass     client certificate  is valid until 2026-12-28T00:00:00Z\n"
		"pass     code comparison     the code that the patch replaces is the shipped one\n";
	_cleanup_buf_ struct buf out = BUF_INIT(65536);
	struct check_input input = good_input();
	_cleanup_json_ json_t *list = NULL;
	struct check_report report;
	char *root = make_machine();

	(void)state;
	run(root, &input, &report);
	assert_int_equal(check_render(&report, &out), 0);
	assert_string_equal(buf_str(&out), expected);
	assert_int_equal(check_worst(&report), CHECK_PASS);
	list = check_to_json(&report);
	assert_int_equal(json_array_size(list), report.n);
	assert_true(json_is_null(json_object_get(json_array_get(list, 0), "cure")));
	input.runs = false;
	run(root, &input, &report);
	has(&report, "sutured", CHECK_FAIL, "last word", "systemctl start");
	check_input_free(&input);
	unit_remove_dir(root);
}

/* One file is another, or away (NULL), and what is said then. */
static const struct change {
	const char *path, *text;
	const char *item;
	enum check_result result;
	const char *finding, *cure;
} changes[] = {
	{ "proc/sys/kernel/arch", "aarch64\n", "architecture", CHECK_FAIL, "aarch64", "x86" },
	{ "run/systemd/container", "lxc\n", "host", CHECK_FAIL, "lxc", "on the machine" },
	{ "sys/kernel/livepatch", NULL, "livepatch support", CHECK_FAIL, "no /sys/kernel/livepatch",
	  "CONFIG_LIVEPATCH" },
	{ "proc/sys/kernel/modules_disabled", "1\n", "module loading", CHECK_FAIL, "switched off",
	  "reboot" },
	{ "proc/sys/kernel/ftrace_enabled", "0\n", "ftrace", CHECK_FAIL, "switched off",
	  "sysctl kernel.ftrace_enabled=1" },
	{ "sys/kernel/notes", NULL, "kernel", CHECK_FAIL, "no build ID", "--build-id" },
	{ "boot/config-" RELEASE, "CONFIG_SMP=y\nCONFIG_MODVERSIONS=y\n", "vermagic", CHECK_WARNING,
	  "modversions", "built for it" },
	{ "boot/config-" RELEASE, NULL, "vermagic", CHECK_PASS, "not known", "" },
	{ "boot/config-" RELEASE, "CONFIG_SMP=y\n", "stack traces", CHECK_WARNING, "not reliable",
	  "CONFIG_UNWINDER_ORC" },
	{ "boot/config-" RELEASE, NULL, "stack traces", CHECK_PASS, "not known", "" },
	{ "sys/kernel/security/lockdown", "none integrity [confidentiality]\n", "lockdown",
	  CHECK_WARNING, "confidentiality", "integrity is enough" },
	{ "sys/firmware/efi/x", "", "Secure Boot", CHECK_WARNING, "unknown", "efivarfs" },
	{ "sys/module/module/parameters/sig_enforce", "Y\n", "module signatures", CHECK_PASS,
	  "demanded by the kernel", "" },
	{ "sys/kernel/security/lockdown", NULL, "module signatures", CHECK_WARNING, "not known",
	  "securityfs" },
	{ "sys/kernel/security/lsm", "loadpin", "modules in memory", CHECK_FAIL, "LoadPin",
	  "loadpin.exclude" },
	{ "sys/kernel/security/lsm", NULL, "modules in memory", CHECK_WARNING, "securityfs",
	  "mount" },
	{ "proc/cmdline", "nomodule\n", "command line", CHECK_FAIL, "nomodule: no module",
	  "boot without" },
	{ "proc/cmdline", "debugfs=off\n", "command line", CHECK_WARNING, "debugfs=off",
	  "boot without" },
	{ "proc/cmdline", "debugfs=on\n", "command line", CHECK_PASS, "nothing", "" },
	{ "proc/cmdline", "panic_on_warn\n", "command line", CHECK_WARNING, "panic_on_warn",
	  "unless" },
	{ "proc/cmdline", "module.sig_enforce=1\n", "command line", CHECK_PASS,
	  "module.sig_enforce=1: modules need", "" },
	{ "proc/cmdline", NULL, "command line", CHECK_PASS, "not known", "" },
	{ "proc/sys/kernel/tainted", "512\n", "taints", CHECK_WARNING, "W, the kernel has printed",
	  "dmesg" },
	{ "proc/sys/kernel/tainted", "128\n", "taints", CHECK_WARNING,
	  "D, the kernel has had an oops", "dmesg" },
	{ "proc/sys/kernel/tainted", "1\n", "taints", CHECK_WARNING, "P, a proprietary",
	  "permitted" },
	{ "proc/sys/kernel/tainted", "4096\n", "taints", CHECK_PASS, "O, a module was loaded", "" },
	{ "proc/sys/kernel/tainted", "36864\n", "taints", CHECK_PASS, "K, a livepatch", "" },
	{ "proc/sys/kernel/tainted", "9223372036854775808\n", "taints", CHECK_WARNING,
	  "?, a mark of unknown", "" },
	{ "proc/kcore", NULL, "running code", CHECK_WARNING, "kcore", "root" },
	{ "sys/kernel/livepatch/kpatch_a/enabled", "1\n", "other livepatches", CHECK_PASS, "none",
	  "" },
	{ "sys/kernel/livepatch/suture_x_1_1/transition", "1\n", "transition", CHECK_WARNING,
	  "suture_x_1_1 is changing over", "suture blocking" },
	{ "sys/kernel/debug/kprobes/list", NULL, "kprobes", CHECK_WARNING,
	  "not known: /sys/kernel/debug", "mount -t debugfs" },
	{ "sys/kernel/debug/kprobes/list", "0  r  nft_do_chain+0x4  nf_tables \n", "kprobes",
	  CHECK_WARNING, "1 on functions of the patch: nft_do_chain", "does not see" },
	{ "sys/kernel/tracing/enabled_functions", NULL, "ftrace users", CHECK_WARNING,
	  "not known: /sys/kernel/tracing", "mount -t tracefs" },
	{ "sys/kernel/tracing/enabled_functions", "version_proc_show (1)   I   ->x\n",
	  "ftrace users", CHECK_FAIL, "version_proc_show", "take that out first" },
	{ "sys/kernel/tracing/enabled_functions", "schedule (1)   I   ->x\n", "ftrace users",
	  CHECK_PASS, "1 functions are redirected", "" },
	{ "sys/kernel/tracing/enabled_functions", "version_proc_show (1)     D ->x\n",
	  "ftrace users", CHECK_WARNING, "version_proc_show", "EBUSY" },
	{ "proc/meminfo", "MemTotal: 1 kB\nMemAvailable: 32767 kB\n", "memory", CHECK_FAIL,
	  "31 MiB available", "end what" },
	{ "proc/meminfo", "MemTotal: 1 kB\nMemAvailable: 65535 kB\n", "memory", CHECK_WARNING,
	  "63 MiB available", "end what" },
	{ "proc/meminfo", NULL, "memory", CHECK_WARNING, "not known", "procfs" },
};

static void each_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];
		struct check_input input = good_input();
		struct check_report report;
		char *root = make_machine();

		if (c->text)
			put_text(root, c->path, c->text);
		else
			take_away(root, c->path);
		run(root, &input, &report);
		has(&report, c->item, c->result, c->finding, c->cure);
		check_input_free(&input);
		unit_remove_dir(root);
	}
}

/* Modules that have caused taints are named, Suture's own are not. */
static void causes(void **state)
{
	struct check_input input = good_input();
	struct check_report report;
	char *root = make_machine();

	(void)state;
	put_text(root, "proc/sys/kernel/tainted", "45057\n"); /* P, O, E, K */
	put_text(root, "sys/module/suture_x_1_1/taint", "OEK\n");
	put_text(root, "sys/module/zfs/taint", "PO\n");
	put_text(root, "sys/module/nvidia/taint", "PO\n");
	run(root, &input, &report);
	has(&report, "taints", CHECK_WARNING, "P, a proprietary module was loaded: nvidia, zfs",
	    "");
	has(&report, "taints", CHECK_WARNING, "O, a module was loaded", "permitted");
	assert_int_equal(check_worst(&report), CHECK_WARNING);
	put_text(root, "proc/sys/kernel/tainted", "45056\n");
	take_away(root, "sys/module/zfs");
	take_away(root, "sys/module/nvidia");
	run(root, &input, &report);
	has(&report, "taints", CHECK_PASS, "none but those of Suture's own modules", "");
	put_text(root, "sys/kernel/debug/modules/unloaded_tainted", "vboxdrv (OE) 1\n");
	run(root, &input, &report);
	has(&report, "taints", CHECK_WARNING, "vboxdrv (gone)", "");
	check_input_free(&input);
	unit_remove_dir(root);
}

static void other_livepatch(void **state)
{
	struct check_input input = good_input();
	struct check_report report;
	char *root = make_machine();

	(void)state;
	put_text(root, "sys/kernel/livepatch/kpatch_a/enabled", "1\n");
	put_text(root, "sys/kernel/livepatch/kpatch_a/transition", "1\n");
	run(root, &input, &report);
	has(&report, "other livepatches", CHECK_FAIL, "kpatch_a", "foreign-livepatch");
	has(&report, "transition", CHECK_WARNING, "kpatch_a", "suture blocking");
	check_input_free(&input);
	unit_remove_dir(root);
}

/* The end of one module certificate is told, the end of the last one is a fault. */
static void module_certificates(void **state)
{
	static const char old[] =
		"{\"subject\":\"/CN=old\",\"not_after\":\"2026-11-28T00:00:00Z\"}";
	struct check_input input = good_input();
	json_t *certs =
		json_object_get(json_object_get(input.status, "module_signatures"), "certificates");
	struct check_report report = { 0 };

	(void)state;
	json_array_append_new(certs, parse(old));
	check_agent(&input, &report);
	has(&report, "module certificate", CHECK_PASS, "/CN=k is valid until", "");
	has(&report, "module certificate", CHECK_WARNING, "/CN=old expired on", "trust bundle");
	json_array_remove(certs, 0);
	report.n = 0;
	check_agent(&input, &report);
	has(&report, "module certificate", CHECK_FAIL, "/CN=old expired on", "trust bundle");
	check_input_free(&input);
}

/* What does not lie in files of the kernel. */
static void each_input(void **state)
{
	struct check_input input = good_input();
	struct check_report report;
	char *root = make_machine();

	(void)state;
	input.now = 1000;
	run(root, &input, &report);
	has(&report, "clock", CHECK_FAIL, "before 2020", "set the clock");
	input.now = NOW - 86400 - 1;
	run(root, &input, &report);
	has(&report, "clock", CHECK_WARNING, "2026-11-27T00:00:00Z", "set the clock");
	input.now = NOW;
	input.certificate_end = NOW + 6 * 86400;
	run(root, &input, &report);
	has(&report, "client certificate", CHECK_WARNING, "valid until", "enrol again");
	input.certificate_end = NOW;
	run(root, &input, &report);
	has(&report, "client certificate", CHECK_FAIL, "expired on 2026-11-28T00:00:00Z",
	    "enrol again");
	input.module_length = INT64_C(400) << 20;
	run(root, &input, &report);
	has(&report, "memory", CHECK_FAIL, "1600 MiB needed", "end what");
	input.module_length = INT64_MAX;
	run(root, &input, &report);
	has(&report, "memory", CHECK_FAIL, "MiB needed", "end what");
	json_object_set_new(input.status, "code_check", json_string("different"));
	run(root, &input, &report);
	has(&report, "code comparison", CHECK_FAIL, "not the shipped one", "reboot");
	json_object_set_new(input.status, "code_check", json_string("unreadable"));
	run(root, &input, &report);
	has(&report, "code comparison", CHECK_WARNING, "could not be read", "running code");

	/* No patch is known: then nothing is said of its functions. */
	record_free(input.record);
	input.record = NULL;
	json_object_del(input.status, "functions");
	run(root, &input, &report);
	has(&report, "kprobes", CHECK_PASS, "no patch is known", "");
	has(&report, "ftrace users", CHECK_PASS, "no patch is known", "");
	check_input_free(&input);
	unit_remove_dir(root);
}

/* A container has no sutured, and need not have: it says to go elsewhere. */
static void empty(void **state)
{
	struct check_input input = { .now = NOW };
	struct check_report report;
	char *root = unit_make_dir();

	(void)state;
	put_text(root, "proc/sys/kernel/osrelease", RELEASE "\n");
	put_text(root, "proc/sys/kernel/random/boot_id", "0f6cbf9a-3b02-4c6a-8f4e-6d0d0a0f9d11\n");
	run(root, &input, &report);
	has(&report, "sutured", CHECK_FAIL, "not running", "systemctl start");
	assert_int_equal(check_worst(&report), CHECK_FAIL);
	unit_remove_dir(root);
}

/* ---- check_input_load() ---- */

/* A hash of a name as long as one. */
#define HASH SAMPLE_HASH

static void loaded(void **state)
{
	_cleanup_buf_ struct buf record = BUF_INIT(RECORD_MAX);
	struct check_input input;
	char *root = make_machine();
	struct error err = { 0 };

	(void)state;
	setenv("SUTURE_ROOT", root, 1);
	assert_ok(check_input_load(root, &input, &err), &err);
	assert_null(input.status);
	assert_null(input.record);
	assert_int_equal(input.module_length, 0);
	assert_int_equal(input.certificate_end, 0);
	assert_true(input.now > 1577836800);
	check_input_free(&input);

	assert_int_equal(sample_build_record(&record, SAMPLE_FUNCTION("a", "0"),
					     SAMPLE_FUNCTION("b", "0"), "false"),
			 0);
	put_text(root, "run/suture/status.json", good_status);
	put(root, "var/lib/suture/modules/" HASH ".json", record.data, record.len);
	put_text(root, "var/lib/suture/journal.json",
		 "{\"accepted\":{\"sha256\":\"" HASH "\",\"kernel\":\"" RELEASE
		 "\",\"length\":4711}}");
	assert_ok(check_input_load(root, &input, &err), &err);
	assert_non_null(input.status);
	assert_non_null(input.record);
	assert_int_equal(input.module_length, 4711);
	check_input_free(&input);

	/* Of another kernel; with a name that leads elsewhere; in no form at all. */
	put_text(root, "var/lib/suture/journal.json",
		 "{\"accepted\":{\"sha256\":\"" HASH "\",\"kernel\":\"6.1.0-55-amd64\","
		 "\"length\":4711}}");
	assert_ok(check_input_load(root, &input, &err), &err);
	assert_null(input.record);
	check_input_free(&input);
	put(root, "var/lib/suture/x.json", record.data, record.len);
	put_text(root, "var/lib/suture/journal.json",
		 "{\"accepted\":{\"sha256\":\"../x\",\"kernel\":\"" RELEASE "\"}}");
	assert_ok(check_input_load(root, &input, &err), &err);
	assert_null(input.record);
	check_input_free(&input);
	put_text(root, "var/lib/suture/journal.json", "[]");
	put_text(root, "run/suture/status.json", "{");
	put_text(root, "var/cache/suture/fetch/identity.json", "{\"certificate\":\"no PEM\"}");
	assert_ok(check_input_load(root, &input, &err), &err);
	assert_null(input.status);
	assert_int_equal(input.certificate_end, 0);
	check_input_free(&input);
	unsetenv("SUTURE_ROOT");
	unit_remove_dir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(each_file),
		cmocka_unit_test(causes),
		cmocka_unit_test(other_livepatch),
		cmocka_unit_test(each_input),
		cmocka_unit_test(empty),
		cmocka_unit_test(module_certificates),
		cmocka_unit_test(loaded),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
