/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/check.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/kcore.h"
#include "kernel/keyring.h"
#include "kernel/livepatch.h"
#include "kernel/root.h"

DEFINE_CLEANUP(DIR *, closedir);

/* 2020: no machine that runs this is older. */
#define CLOCK_SANE        1577836800

/* Bits of /proc/sys/kernel/tainted (Documentation/admin-guide/tainted-kernels.rst). */
#define TAINT_PROPRIETARY (UINT64_C(1) << 0)
#define TAINT_OOPS        (UINT64_C(1) << 7)
#define TAINT_WARNING     (UINT64_C(1) << 9)
#define TAINT_OUT_OF_TREE (UINT64_C(1) << 12)

const char *check_result_name(enum check_result result)
{
	static const char *const names[] = { "pass", "warning", "fail" };

	return names[result];
}

static void _printf_(5, 6) add(struct check_report *report, const char *name,
			       enum check_result result, const char *cure, const char *format, ...)
{
	struct check_item *item;
	va_list ap;

	if (report->n == CHECK_ITEMS_MAX)
		return;
	item = &report->items[report->n++];
	*item = (struct check_item){ .name = name,
				     .result = result,
				     .cure = result == CHECK_PASS ? "" : cure };
	va_start(ap, format);
	vsnprintf(item->finding, sizeof(item->finding), format, ap);
	va_end(ap);
}

static void check_lockdown(const struct kernel_facts *facts, struct check_report *report)
{
	enum kernel_answer demanded = kernel_signatures_demanded(facts);

	add(report, "lockdown",
	    facts->lockdown == KERNEL_LOCKDOWN_CONFIDENTIALITY ? CHECK_WARNING : CHECK_PASS,
	    "running code cannot be compared under confidentiality; integrity is enough", "%s",
	    kernel_lockdown_name(facts->lockdown));
	add(report, "Secure Boot", CHECK_PASS, "", "%s", kernel_answer_name(facts->secure_boot));
	add(report, "module signatures", demanded == KERNEL_UNKNOWN ? CHECK_WARNING : CHECK_PASS,
	    "mount securityfs on /sys/kernel/security", "%s",
	    demanded == KERNEL_YES  ? "demanded by the kernel"
	    : demanded == KERNEL_NO ? "not demanded by the kernel"
				    : "not known whether the kernel demands them");
}

/* Is a module loaded that was built out of the kernel's tree, other than Suture's own ones? */
static bool has_foreign_module(const char *root)
{
	_cleanup_free_ char *path = path_join(root, "sys/module", NULL);
	_cleanup_(closedirp) DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		_cleanup_free_ char *file = path_join(path, entry->d_name, "taint", NULL);
		_cleanup_free_ char *letters = NULL;

		if (entry->d_name[0] != '.' && !str_has_prefix(entry->d_name, "suture_") && file &&
		    file_read_line(file, &letters, NULL) == 0)
			found = strchr(letters, 'O') || strchr(letters, 'P');
	}
	return found;
}

/* The kernel keeps a taint when the module is gone, and Suture's modules set it too. */
static void check_taints(const char *root, const struct kernel_facts *facts,
			 struct check_report *report)
{
	uint64_t bad = facts->taints & (TAINT_OOPS | TAINT_WARNING);
	bool foreign = facts->taints & TAINT_PROPRIETARY ||
		       (facts->taints & TAINT_OUT_OF_TREE && has_foreign_module(root));

	add(report, "taints", bad || foreign ? CHECK_WARNING : CHECK_PASS,
	    bad ? "read the kernel log: the kernel has had an oops or a warning"
		: "out-of-tree modules are loaded: that is allowed, but they are not patched",
	    "%llu", (unsigned long long)facts->taints);
}

static void check_code_reading(const char *root, struct check_report *report)
{
	struct kcore *core = NULL;
	struct error err = { 0 };
	int r = kcore_open(root, &core, &err);

	kcore_free(core);
	add(report, "running code", r < 0 ? CHECK_WARNING : CHECK_PASS,
	    "run it as root; without /proc/kcore patches are applied without that comparison", "%s",
	    r < 0 ? err.message : "can be read");
}

static void check_livepatches(const char *root, struct check_report *report)
{
	struct kernel_livepatch list[KERNEL_LIVEPATCH_MAX];
	int n = kernel_livepatch_list(root, list, ARRAY_SIZE(list), NULL);

	for (int i = 0; i < n; i++)
		if (!str_has_prefix(list[i].name, "suture_")) {
			add(report, "other livepatches", CHECK_FAIL,
			    "take it out, or set foreign-livepatch = replace in suture.conf",
			    "%s is in the kernel", list[i].name);
			return;
		}
	add(report, "other livepatches", CHECK_PASS, "", "none");
}

void check_kernel(const char *root, const struct kernel_facts *facts, struct check_report *report)
{
	uint64_t ftrace = 1;

	add(report, "architecture", streq(facts->arch, "x86_64") ? CHECK_PASS : CHECK_FAIL,
	    "live patches exist for x86_64 only", "%s", facts->arch);
	add(report, "kernel", facts->build_id[0] ? CHECK_PASS : CHECK_FAIL,
	    "boot a kernel that was linked with --build-id", "%s, build ID %s", facts->release,
	    facts->build_id[0] ? facts->build_id : "not shown");
	add(report, "livepatch support", facts->livepatch ? CHECK_PASS : CHECK_FAIL,
	    "boot a kernel built with CONFIG_LIVEPATCH=y, with sysfs on /sys", "%s",
	    facts->livepatch ? "/sys/kernel/livepatch is there" : "no /sys/kernel/livepatch");
	add(report, "module loading", facts->modules_disabled ? CHECK_FAIL : CHECK_PASS,
	    "reboot without kernel.modules_disabled=1", "%s",
	    facts->modules_disabled ? "switched off until the next boot" : "permitted");
	if (kernel_read_u64(root, "/proc/sys/kernel/ftrace_enabled", &ftrace, NULL) == 0)
		add(report, "ftrace", ftrace ? CHECK_PASS : CHECK_FAIL,
		    "sysctl kernel.ftrace_enabled=1", "%s", ftrace ? "enabled" : "disabled");
	check_lockdown(facts, report);
	check_taints(root, facts, report);
	check_code_reading(root, report);
	check_livepatches(root, report);
	add(report, "clock", clock_now() > CLOCK_SANE ? CHECK_PASS : CHECK_WARNING,
	    "set the clock: metadata and certificates have dates", "%s",
	    clock_now() > CLOCK_SANE ? "plausible" : "before 2020");
}

static const char *text_of(const json_t *o, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : fallback;
}

/* One certificate that patches may be signed with, and what the kernel makes of it. Another one may
 * be accepted, or its authority: then this is no fault. */
static void check_key(const json_t *cert, bool demanded, bool any, struct check_report *report)
{
	const json_t *accepted = json_object_get(cert, "accepted");
	enum check_result bad = !demanded ? CHECK_PASS : any ? CHECK_WARNING : CHECK_FAIL;
	const char *subject = text_of(cert, "subject", "?");
	const char *key_id = text_of(cert, "key_id", "?");

	if (json_is_true(accepted))
		add(report, "module key", CHECK_PASS, "", "%s: the kernel has it in %s as \"%s\"",
		    subject, text_of(cert, "keyring", "?"), text_of(cert, "description", "?"));
	else if (json_is_false(accepted))
		add(report, "module key", bad,
		    "enrol the module certificate (`mokutil --import FILE.der`, or the firmware's "
		    "db), and reboot",
		    "%s, key %s: %s", subject, key_id, text_of(cert, "reason", "not accepted"));
	else
		add(report, "module key", demanded ? CHECK_WARNING : CHECK_PASS,
		    "see with `keyctl show %:.platform` and its like whether the key is there",
		    "%s, key %s: %s", subject, key_id,
		    text_of(cert, "reason", "not known whether the kernel accepts it"));
}

static void check_keys(const json_t *status, struct check_report *report)
{
	const json_t *signatures = json_object_get(status, "module_signatures");
	const json_t *certs = json_object_get(signatures, "certificates");
	bool demanded = json_is_true(json_object_get(signatures, "demanded")), any = false;

	for (size_t i = 0; i < json_array_size(certs); i++)
		any |= !json_is_false(json_object_get(json_array_get(certs, i), "accepted"));
	for (size_t i = 0; i < json_array_size(certs); i++)
		check_key(json_array_get(certs, i), demanded, any, report);
}

/* What updates need: metadata whose dates have not passed. */
static void check_metadata(const json_t *metadata, struct check_report *report)
{
	const char *expires = text_of(metadata, "expires", NULL);
	bool expired = json_is_true(json_object_get(metadata, "expired"));

	if (!expires)
		return;
	add(report, "metadata", expired ? CHECK_FAIL : CHECK_PASS,
	    "see whether clock and server are right; whoever keeps the repository must sign it "
	    "anew",
	    "role %s %s %s", text_of(metadata, "role", "?"),
	    expired ? "expired on" : "is valid until", expires);
}

void check_agent(const json_t *status, struct check_report *report)
{
	const json_t *check = json_object_get(status, "last_check");
	bool enabled = json_is_true(json_object_get(status, "enabled"));

	add(report, "sutured", status ? CHECK_PASS : CHECK_FAIL,
	    "start it: `systemctl start sutured`", "%s",
	    status ? text_of(status, "agent", "running") : "not running: there is no status");
	if (!status)
		return;
	add(report, "enrolment", enabled ? CHECK_PASS : CHECK_FAIL,
	    "run `suture enable --trust FILE`", "%s",
	    enabled ? text_of(status, "server", "enabled") : "not enabled");
	check_keys(status, report);
	if (json_is_object(check))
		add(report, "server",
		    json_is_true(json_object_get(check, "ok")) ? CHECK_PASS : CHECK_FAIL,
		    text_of(check, "hint", "see `suture status`"), "%s",
		    json_is_true(json_object_get(check, "ok")) ? "the last check-in succeeded"
							       : text_of(check, "message", "?"));
	else
		add(report, "server", CHECK_WARNING, "run `suture refresh`", "not asked yet");
	check_metadata(json_object_get(status, "metadata"), report);
}

enum check_result check_worst(const struct check_report *report)
{
	enum check_result worst = CHECK_PASS;

	for (size_t i = 0; i < report->n; i++)
		worst = MAX(worst, report->items[i].result);
	return worst;
}

int check_render(const struct check_report *report, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; i < report->n && r == 0; i++) {
		const struct check_item *item = &report->items[i];

		r = buf_printf(out, "%-8s %-18s %s\n", check_result_name(item->result), item->name,
			       item->finding);
		if (r == 0 && item->cure[0])
			r = buf_printf(out, "%-8s %-18s cure: %s\n", "", "", item->cure);
	}
	return r;
}

json_t *check_to_json(const struct check_report *report)
{
	_cleanup_json_ json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct check_item *item = &report->items[i];
		json_t *o = json_object();

		r += json_set_str(o, "requirement", item->name);
		r += json_set_str(o, "result", check_result_name(item->result));
		r += json_set_str(o, "finding", item->finding);
		r += json_set_str(o, "cure", item->cure[0] ? item->cure : NULL);
		r += json_array_append_new(list, o);
	}
	return r == 0 ? TAKE_PTR(list) : NULL;
}
