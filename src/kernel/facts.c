/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "kernel/root.h"

/* The EFI variable SecureBoot: four bytes of attributes, then 1 or 0 (UEFI 2.10, 3.3). */
#define SECURE_BOOT_VARIABLE \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

const char *kernel_lockdown_name(enum kernel_lockdown lockdown)
{
	static const char *const names[] = { "none", "integrity", "confidentiality", "unknown" };

	return names[lockdown];
}

const char *kernel_answer_name(enum kernel_answer answer)
{
	static const char *const names[] = { "no", "yes", "unknown" };

	return names[answer];
}

static bool path_exists(const char *root, const char *path)
{
	struct kernel_path full;

	return kernel_path(&full, root, "%s", path) == 0 && file_exists(full.s);
}

/* "none [integrity] confidentiality": the one in brackets holds. */
static enum kernel_lockdown read_lockdown(const char *root)
{
	char text[128];

	if (kernel_read_text(root, "/sys/kernel/security/lockdown", text, sizeof(text), NULL) < 0)
		return KERNEL_LOCKDOWN_UNKNOWN;
	if (strstr(text, "[none]"))
		return KERNEL_LOCKDOWN_NONE;
	if (strstr(text, "[integrity]"))
		return KERNEL_LOCKDOWN_INTEGRITY;
	if (strstr(text, "[confidentiality]"))
		return KERNEL_LOCKDOWN_CONFIDENTIALITY;
	return KERNEL_LOCKDOWN_UNKNOWN;
}

static enum kernel_answer read_secure_boot(const char *root)
{
	_cleanup_buf_ struct buf data = BUF_INIT(64);
	struct kernel_path path;

	if (!path_exists(root, "/sys/firmware/efi"))
		return KERNEL_NO;
	if (kernel_path(&path, root, "%s", SECURE_BOOT_VARIABLE) < 0 ||
	    file_read(path.s, &data, NULL) < 0 || data.len != 5)
		return KERNEL_UNKNOWN;
	return data.data[4] == 1 ? KERNEL_YES : KERNEL_NO;
}

static enum kernel_answer read_flag(const char *root, const char *path)
{
	char text[8];

	if (kernel_read_text(root, path, text, sizeof(text), NULL) < 0)
		return KERNEL_UNKNOWN;
	if (streq(text, "Y") || streq(text, "1"))
		return KERNEL_YES;
	return streq(text, "N") || streq(text, "0") ? KERNEL_NO : KERNEL_UNKNOWN;
}

/* /proc/sys/kernel/arch came with 6.1; before it, and on the real machine, uname(2) answers. */
static void read_arch(const char *root, struct kernel_facts *facts)
{
	struct utsname uts;

	if (kernel_read_text(root, "/proc/sys/kernel/arch", facts->arch, sizeof(facts->arch),
			     NULL) == 0)
		return;
	if (uname(&uts) == 0)
		snprintf(facts->arch, sizeof(facts->arch), "%.32s", uts.machine);
}

static int64_t read_uptime(const char *root)
{
	char text[64];

	if (kernel_read_text(root, "/proc/uptime", text, sizeof(text), NULL) < 0)
		return 0;
	return strtoll(text, NULL, 10);
}

int kernel_facts_read(const char *root, struct kernel_facts *ret, struct error *err)
{
	struct kernel_facts facts = { 0 };
	uint64_t disabled = 0;
	int r;

	r = kernel_read_text(root, "/proc/sys/kernel/osrelease", facts.release,
			     sizeof(facts.release), err);
	if (r < 0)
		return r;
	r = kernel_read_text(root, "/proc/sys/kernel/random/boot_id", facts.boot_id,
			     sizeof(facts.boot_id), err);
	if (r < 0)
		return r;
	if (kernel_read_text(root, "/proc/sys/kernel/version", facts.version, sizeof(facts.version),
			     NULL) < 0)
		facts.version[0] = 0;
	if (kernel_read_text(root, "/proc/version_signature", facts.signature,
			     sizeof(facts.signature), NULL) < 0)
		facts.signature[0] = 0;
	read_arch(root, &facts);
	if (kernel_build_id(root, facts.build_id, NULL) < 0)
		facts.build_id[0] = 0;
	facts.uptime = read_uptime(root);
	if (kernel_read_u64(root, "/proc/sys/kernel/tainted", &facts.taints, NULL) < 0)
		facts.taints = 0;
	if (kernel_read_u64(root, "/proc/sys/kernel/modules_disabled", &disabled, NULL) == 0)
		facts.modules_disabled = disabled != 0;
	facts.ftrace_enabled = read_flag(root, "/proc/sys/kernel/ftrace_enabled");
	kernel_container(root, facts.container);
	facts.livepatch = path_exists(root, "/sys/kernel/livepatch");
	facts.signatures_enforced = read_flag(root, "/sys/module/module/parameters/sig_enforce");
	facts.secure_boot = read_secure_boot(root);
	facts.lockdown = read_lockdown(root);
	*ret = facts;
	return 0;
}

static int refuse(struct error *err, const char *hint, const char *format, ...) _printf_(3, 4);

static int refuse(struct error *err, const char *hint, const char *format, ...)
{
	char text[ERROR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	error_set(err, ERR_UNSUPPORTED, "%s", text);
	error_hint(err, "%s", hint);
	return ERR_UNSUPPORTED;
}

int kernel_facts_meet(const struct kernel_facts *facts, enum kernel_requirement requirement,
		      struct error *err)
{
	switch (requirement) {
	case KERNEL_NEEDS_X86_64:
		if (!streq(facts->arch, "x86_64"))
			return refuse(err, "use a 64-bit x86 kernel",
				      "this machine is %s: live patches exist for x86_64",
				      facts->arch);
		break;
	case KERNEL_NEEDS_HOST:
		if (facts->container[0])
			return refuse(err, "run Suture on the machine whose kernel it is",
				      "this is no machine of its own (%s): its kernel is another's",
				      facts->container);
		break;
	case KERNEL_NEEDS_LIVEPATCH:
		if (!facts->livepatch)
			return refuse(
				err, "boot a kernel built with CONFIG_LIVEPATCH=y, and mount sysfs",
				"kernel %s cannot be live-patched: it has no /sys/kernel/livepatch",
				facts->release);
		break;
	case KERNEL_NEEDS_MODULES:
		if (facts->modules_disabled)
			return refuse(
				err, "reboot without that setting: it cannot be taken back before",
				"loading modules is switched off (kernel.modules_disabled is 1)");
		break;
	case KERNEL_NEEDS_FTRACE:
		if (facts->ftrace_enabled == KERNEL_NO)
			return refuse(err, "sysctl kernel.ftrace_enabled=1",
				      "ftrace is switched off (kernel.ftrace_enabled is 0), and "
				      "livepatches need it");
		break;
	case KERNEL_NEEDS_BUILD_ID:
		if (!facts->build_id[0])
			return refuse(err, "boot a kernel linked with --build-id",
				      "kernel %s shows no build ID in /sys/kernel/notes",
				      facts->release);
		break;
	}
	return 0;
}

int kernel_facts_usable(const struct kernel_facts *facts, struct error *err)
{
	int r = 0;

	for (int i = 0; r == 0 && i < KERNEL_REQUIREMENTS; i++)
		r = kernel_facts_meet(facts, (enum kernel_requirement)i, err);
	return r;
}
