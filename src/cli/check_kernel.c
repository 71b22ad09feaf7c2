/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "base/clock.h"
#include "cli/check.h"
#include "kernel/build_config.h"
#include "kernel/kcore.h"
#include "kernel/keyring.h"
#include "kernel/livepatch.h"
#include "kernel/policy.h"
#include "kernel/taints.h"

/* 2020: no machine that runs this is older. */
#define CLOCK_SANE 1577836800

/* What sutured would refuse the machine for, item by item. */
static void check_requirements(const struct kernel_facts *facts, struct check_report *report)
{
	static const char *const names[KERNEL_REQUIREMENTS] = {
		[KERNEL_NEEDS_X86_64] = "architecture",
		[KERNEL_NEEDS_HOST] = "host",
		[KERNEL_NEEDS_LIVEPATCH] = "livepatch support",
		[KERNEL_NEEDS_MODULES] = "module loading",
		[KERNEL_NEEDS_FTRACE] = "ftrace",
		[KERNEL_NEEDS_BUILD_ID] = "kernel",
	};
	char kernel[256];
	const char *const passes[KERNEL_REQUIREMENTS] = {
		[KERNEL_NEEDS_X86_64] = facts->arch,
		[KERNEL_NEEDS_HOST] = "not inside a container",
		[KERNEL_NEEDS_LIVEPATCH] = "/sys/kernel/livepatch is there",
		[KERNEL_NEEDS_MODULES] = "permitted",
		[KERNEL_NEEDS_FTRACE] =
			facts->ftrace_enabled == KERNEL_YES ? "enabled" : "not switched off",
		[KERNEL_NEEDS_BUILD_ID] = kernel,
	};

	snprintf(kernel, sizeof(kernel), "%s, build ID %s", facts->release, facts->build_id);
	for (int i = 0; i < KERNEL_REQUIREMENTS; i++) {
		struct error err = { 0 };
		bool met = kernel_facts_meet(facts, (enum kernel_requirement)i, &err) == 0;

		check_add(report, names[i], met ? CHECK_PASS : CHECK_FAIL, err.hint, "%s",
			  met ? passes[i] : err.message);
	}
}

/* The kernel compares all of it with a module's, but for the release where modules have versions of
 * their symbols (same_magic(), kernel/module/version.c). */
static void check_vermagic(const struct check_input *in, struct check_report *report)
{
	const char *patch = in->record ? in->record->vermagic : NULL;
	char vermagic[RECORD_VERMAGIC_MAX + 1];
	struct error err = { 0 };

	if (kernel_vermagic(in->root, in->facts.release, vermagic, sizeof(vermagic), &err) < 0)
		check_add(report, "vermagic", CHECK_PASS, "", "not known: %s", err.message);
	else if (patch && !streq(patch, vermagic))
		check_add(report, "vermagic", CHECK_WARNING,
			  "if the configuration is this kernel's, have the patch built for it",
			  "\"%s\" by the kernel's configuration, \"%s\" in the accepted patch",
			  vermagic, patch);
	else
		check_add(report, "vermagic", CHECK_PASS, "", "\"%s\"", vermagic);
}

/* x86-64 has them with the unwinder that its livepatch kernels use. */
static void check_stack_traces(const struct check_input *in, struct check_report *report)
{
	struct kernel_option option = { .name = "CONFIG_HAVE_RELIABLE_STACKTRACE" };
	struct error err = { 0 };

	(void)!kernel_build_config_ask(in->root, in->facts.release, &option, 1, &err);
	check_add(report, "stack traces", option.answer == KERNEL_NO ? CHECK_WARNING : CHECK_PASS,
		  "boot a kernel with CONFIG_UNWINDER_ORC=y: without reliable stack traces "
		  "transitions may never end",
		  "%s%s",
		  option.answer == KERNEL_YES  ? "reliable"
		  : option.answer == KERNEL_NO ? "not reliable, by the kernel's configuration"
					       : "not known whether they are reliable: ",
		  option.answer == KERNEL_UNKNOWN ? err.message : "");
}

static void check_lockdown(const struct kernel_facts *facts, struct check_report *report)
{
	enum kernel_answer demanded = kernel_signatures_demanded(facts);

	check_add(report, "lockdown",
		  facts->lockdown == KERNEL_LOCKDOWN_CONFIDENTIALITY ? CHECK_WARNING : CHECK_PASS,
		  "running code cannot be compared under confidentiality; integrity is enough",
		  "%s", kernel_lockdown_name(facts->lockdown));
	check_add(report, "Secure Boot",
		  facts->secure_boot == KERNEL_UNKNOWN ? CHECK_WARNING : CHECK_PASS,
		  "mount -t efivarfs efivarfs /sys/firmware/efi/efivars", "%s",
		  kernel_answer_name(facts->secure_boot));
	check_add(report, "module signatures",
		  demanded == KERNEL_UNKNOWN ? CHECK_WARNING : CHECK_PASS,
		  "mount -t securityfs securityfs /sys/kernel/security", "%s",
		  demanded == KERNEL_YES  ? "demanded by the kernel"
		  : demanded == KERNEL_NO ? "not demanded by the kernel"
					  : "not known whether the kernel demands them");
}

static void check_policy(const char *root, struct check_report *report)
{
	static const enum check_result results[] = { [KERNEL_NO] = CHECK_FAIL,
						     [KERNEL_YES] = CHECK_PASS,
						     [KERNEL_UNKNOWN] = CHECK_WARNING };
	struct error err = { 0 };
	enum kernel_answer answer = kernel_policy_memory_modules(root, &err);

	check_add(report, "modules in memory", results[answer], err.hint, "%s",
		  answer == KERNEL_YES ? "no policy of IMA or LoadPin forbids them" : err.message);
}

/* Words of the kernel's command line that bear on live patches. */
static const struct boot_switch {
	const char *name;
	const char *value; /* NULL: whatever it is */
	enum check_result result;
	const char *meaning, *cure;
} switches[] = {
	{ "nomodule", NULL, CHECK_FAIL, "no module can be loaded", "boot without it" },
	{ "debugfs", "off", CHECK_WARNING, "kprobes cannot be seen", "boot without it" },
	{ "panic_on_warn", NULL, CHECK_WARNING,
	  "a mere warning of the kernel takes the machine down, and the patch that was new is then "
	  "taken for its cause",
	  "boot without it, unless that is meant" },
	{ "module.sig_enforce", NULL, CHECK_PASS, "modules need a signature", "" },
	{ "lockdown", NULL, CHECK_PASS, "see lockdown", "" },
	{ "ima_policy", NULL, CHECK_PASS, "see modules in memory", "" },
	{ "ima_appraise", NULL, CHECK_PASS, "see modules in memory", "" },
	{ "loadpin.enforce", NULL, CHECK_PASS, "see modules in memory", "" },
	{ "loadpin.exclude", NULL, CHECK_PASS, "see modules in memory", "" },
	{ "kprobe_event", NULL, CHECK_PASS, "see kprobes", "" },
	{ "ftrace", NULL, CHECK_PASS, "a tracer runs from boot on", "" },
};

static void check_cmdline(const char *root, struct check_report *report)
{
	char cmdline[KERNEL_CMDLINE_MAX], value[128];
	size_t before = report->n;

	kernel_cmdline_read(root, cmdline);
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		const struct boot_switch *s = &switches[i];

		if (kernel_cmdline_find(cmdline, s->name, value, sizeof(value)) &&
		    (!s->value || streq(s->value, value)))
			check_add(report, "command line", s->result, s->cure, "%s%s%s: %s", s->name,
				  value[0] ? "=" : "", value, s->meaning);
	}
	if (report->n == before)
		check_add(report, "command line", CHECK_PASS, "",
			  cmdline[0] ? "nothing that bears on live patches" : "not known");
}

/* The modules that have caused a taint, others than Suture's own, in some words; "" for none. True
 * if one of Suture's own has it. */
static bool list_causes(const struct kernel_taints *taints, char letter, char *ret, size_t size)
{
	bool ours = false;
	size_t n = 0;

	ret[0] = 0;
	for (size_t i = 0; i < taints->n; i++) {
		const struct kernel_taint_cause *c = &taints->causes[i];

		if (!strchr(c->letters, letter))
			continue;
		if (str_has_prefix(c->module, "suture_"))
			ours = true;
		else if (n < size)
			n += (size_t)snprintf(ret + n, size - n, "%s%s%s", n ? ", " : ": ",
					      c->module, c->gone ? " (gone)" : "");
	}
	return ours;
}

static const char *taint_cure(unsigned int bit)
{
	switch (bit) {
	case KERNEL_TAINT_PROPRIETARY:
	case KERNEL_TAINT_OUT_OF_TREE:
		return "nothing needs to be done: such modules are permitted, but not patched";
	case KERNEL_TAINT_FORCED: return "load the module that was built for this kernel";
	case KERNEL_TAINT_UNSIGNED:
		return "nothing needs to be done where the kernel does not demand signatures";
	case KERNEL_TAINT_LIVEPATCH: return "see other livepatches";
	default: return "read the kernel log (dmesg), and reboot if it was a fault";
	}
}

/* The kernel keeps a taint when its cause has gone, and Suture's own modules set some. */
static void check_taint(const struct kernel_taints *taints, unsigned int bit,
			struct check_report *report)
{
	const struct kernel_taint *taint = kernel_taint_of(bit);
	bool may_be_ours = bit == KERNEL_TAINT_OUT_OF_TREE || bit == KERNEL_TAINT_UNSIGNED ||
			   bit == KERNEL_TAINT_LIVEPATCH;
	char causes[512];
	bool ours = list_causes(taints, taint->letter, causes, sizeof(causes));
	bool none = !causes[0];

	if (may_be_ours && ours && none)
		return;
	if (taint->by_module && none)
		snprintf(causes, sizeof(causes), ": by one that has gone since%s",
			 may_be_ours ? ", as an earlier patch does" : "");
	check_add(report, "taints", may_be_ours && none ? CHECK_PASS : CHECK_WARNING,
		  taint_cure(bit), "%c, %s%s", taint->letter, taint->meaning, causes);
}

static void check_taints(const struct check_input *in, struct check_report *report)
{
	struct kernel_taints taints = { 0 };
	size_t before = report->n;

	if (kernel_taints_read(in->root, &taints, NULL) < 0)
		return;
	for (unsigned int bit = 0; bit < 64; bit++)
		if (in->facts.taints & UINT64_C(1) << bit)
			check_taint(&taints, bit, report);
	if (report->n == before)
		check_add(report, "taints", CHECK_PASS, "",
			  in->facts.taints ? "none but those of Suture's own modules" : "none");
	kernel_taints_free(&taints);
}

static void check_code_reading(const char *root, struct check_report *report)
{
	struct kcore *core = NULL;
	struct error err = { 0 };
	int r = kcore_open(root, &core, &err);

	kcore_free(core);
	check_add(report, "running code", r < 0 ? CHECK_WARNING : CHECK_PASS,
		  "run it as root; without /proc/kcore patches are applied without that comparison",
		  "%s", r < 0 ? err.message : "can be read");
}

static void check_livepatches(const char *root, struct check_report *report)
{
	struct kernel_livepatch list[KERNEL_LIVEPATCH_MAX];
	int n = kernel_livepatch_list(root, list, ARRAY_SIZE(list), NULL);
	const char *other = NULL, *changing = NULL;

	for (int i = 0; i < n; i++) {
		if (!str_has_prefix(list[i].name, "suture_"))
			other = list[i].name;
		if (list[i].transition)
			changing = list[i].name;
	}
	check_add(report, "other livepatches", other ? CHECK_FAIL : CHECK_PASS,
		  "take it out, or set foreign-livepatch = replace in suture.conf", "%s%s",
		  other ? other : "none", other ? " is in the kernel" : "");
	check_add(report, "transition", changing ? CHECK_WARNING : CHECK_PASS,
		  "`suture blocking` names the tasks that hold it up", "%s%s",
		  changing ? changing : "none is running", changing ? " is changing over" : "");
}

static void check_clock(const struct check_input *in, struct check_report *report)
{
	static const char cure[] = "set the clock: metadata and certificates have dates";
	const char *text = json_string_value(json_object_get(in->status, "time_floor"));
	int64_t floor = 0;

	if (in->now < CLOCK_SANE)
		check_add(report, "clock", CHECK_FAIL, cure, "before 2020");
	else if (text && clock_parse(text, &floor) == 0 && in->now < floor)
		check_add(report, "clock", CHECK_WARNING, cure,
			  "behind %s, a time that has certainly passed", text);
	else
		check_add(report, "clock", CHECK_PASS, "", "plausible");
}

void check_kernel(const struct check_input *input, struct check_report *report)
{
	check_requirements(&input->facts, report);
	check_vermagic(input, report);
	check_stack_traces(input, report);
	check_lockdown(&input->facts, report);
	check_policy(input->root, report);
	check_cmdline(input->root, report);
	check_taints(input, report);
	check_code_reading(input->root, report);
	check_livepatches(input->root, report);
	check_clock(input, report);
}
