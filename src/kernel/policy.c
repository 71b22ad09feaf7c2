/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/policy.h"

#include <stdio.h>

#include "base/file.h"
#include "kernel/host.h"
#include "kernel/root.h"

#define SECURITY    "/sys/kernel/security"
#define TMPFS_MAGIC 0x01021994 /* of memory files (include/uapi/linux/magic.h) */

static bool exists(const char *root, const char *path)
{
	struct kernel_path full;

	return kernel_path(&full, root, "%s", path) == 0 && file_exists(full.s);
}

/* Is `word` one of those in `list`, which any of the characters of `between` divide? */
static bool has_word(const char *list, const char *between, const char *word)
{
	for (size_t len; *list; list += len) {
		list += strspn(list, between);
		len = strcspn(list, between);
		if (len && len == strlen(word) && strncmp(list, word, len) == 0)
			return true;
	}
	return false;
}

/* LoadPin remembers the file system of the first module of this boot; a memory file is never on
 * it. */
static enum kernel_answer ask_loadpin(const char *root, const char *cmdline, struct error *err)
{
	char list[512], value[256];
	uint64_t enforce = 1;

	if (kernel_read_text(root, SECURITY "/lsm", list, sizeof(list), NULL) < 0 ||
	    !has_word(list, ",", "loadpin"))
		return KERNEL_YES;
	if (kernel_cmdline_find(cmdline, "loadpin.exclude", value, sizeof(value)) &&
	    has_word(value, ",", "kernel-module"))
		return KERNEL_YES;
	/* Without the switch in /proc/sys it holds as it was booted. */
	if (kernel_read_u64(root, "/proc/sys/kernel/loadpin/enforce", &enforce, NULL) < 0 &&
	    kernel_cmdline_find(cmdline, "loadpin.enforce", value, sizeof(value)))
		enforce = !streq(value, "0");
	if (!enforce)
		return KERNEL_YES;
	error_set(err, ERR_KERNEL_REFUSED,
		  "LoadPin takes modules from one file system alone, and not from memory");
	error_hint(err, "boot with loadpin.exclude=kernel-module: modules have signatures");
	return KERNEL_NO;
}

/* Has the rule this word, such as "func=MODULE_CHECK"? Any word of that key if `value` is NULL. */
static bool rule_has(const char *rule, const char *key, const char *value)
{
	size_t len = strlen(key);

	for (const char *at = rule; (at = strstr(at, key)); at += len) {
		const char *found = at + len;

		if (at != rule && at[-1] != ' ')
			continue;
		if (!value || (strncmp(found, value, strlen(value)) == 0 &&
			       strchr(" \t", found[strlen(value)])))
			return true;
	}
	return false;
}

/* Does a rule without conditions of other kinds fit a module in memory? */
static bool fits_memory(const char *rule)
{
	const char *magic = strstr(rule, "fsmagic=");

	if (rule_has(rule, "func=", NULL) && !rule_has(rule, "func=", "MODULE_CHECK"))
		return false;
	if (magic && strtoull(magic + strlen("fsmagic="), NULL, 16) != TMPFS_MAGIC)
		return false;
	return !rule_has(rule, "fsname=", NULL) || rule_has(rule, "fsname=", "tmpfs");
}

/* Conditions that cannot be told from here, such as labels and owners. */
static bool has_conditions(const char *rule)
{
	static const char *const keys[] = {
		"mask=",      "uid=",      "euid=",    "gid=",      "egid=",
		"fowner",     "fgroup",    "fsuuid=",  "subj_user", "subj_role",
		"subj_type=", "obj_user=", "obj_role", "obj_type="
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (rule_has(rule, keys[i], NULL))
			return true;
	return false;
}

static enum kernel_answer refuse_by_ima(const char *rule, struct error *err)
{
	error_set(err, ERR_KERNEL_REFUSED,
		  "IMA demands a signature in the file of a module: %.200s", rule);
	error_hint(err,
		   "put \"dont_appraise func=MODULE_CHECK fsmagic=0x1021994\" before that rule: "
		   "the module's own signature still counts");
	return KERNEL_NO;
}

/* The first rule that says whether a file is appraised decides (ima_match_policy()). */
static enum kernel_answer judge_rules(char *rules, struct error *err)
{
	for (char *rule = rules, *next; rule && *rule; rule = next) {
		next = strchr(rule, '\n');
		if (next)
			*next++ = 0;
		if (!fits_memory(rule))
			continue;
		if (str_has_prefix(rule, "dont_appraise ") && !has_conditions(rule))
			return KERNEL_YES;
		if (!str_has_prefix(rule, "appraise "))
			continue;
		if (!strstr(rule, "modsig") && !has_conditions(rule))
			return refuse_by_ima(rule, err);
		error_set(err, ERR_UNSUPPORTED,
			  "whether IMA takes modules from memory depends: %.200s", rule);
		error_hint(err, "see whether the kernel log has \"integrity\" lines about modules");
		return KERNEL_UNKNOWN;
	}
	return KERNEL_YES;
}

static enum kernel_answer ask_ima(const char *root, const char *cmdline, struct error *err)
{
	_cleanup_buf_ struct buf rules = BUF_INIT(KERNEL_IMA_POLICY_MAX);
	struct kernel_path path;
	char value[256];

	if (!exists(root, SECURITY "/ima"))
		return KERNEL_YES;
	/* fix, log and off: nothing is refused. */
	if (kernel_cmdline_find(cmdline, "ima_appraise", value, sizeof(value)) &&
	    !streq(value, "enforce"))
		return KERNEL_YES;
	if (kernel_path(&path, root, SECURITY "/ima/policy") == 0 &&
	    file_read(path.s, &rules, NULL) == 0)
		return rules.data ? judge_rules((char *)rules.data, err) : KERNEL_YES;
	if (kernel_cmdline_find(cmdline, "ima_policy", value, sizeof(value)) &&
	    has_word(value, " |", "secure_boot"))
		return refuse_by_ima("ima_policy=secure_boot on the command line", err);
	if (exists(root, SECURITY "/ima/policy"))
		return KERNEL_YES;
	error_set(err, ERR_UNSUPPORTED,
		  "IMA has rules of its own here, which this kernel does not show");
	error_hint(err, "see whether they appraise func=MODULE_CHECK, and if so except tmpfs "
			"(fsmagic=0x1021994)");
	return KERNEL_UNKNOWN;
}

enum kernel_answer kernel_policy_memory_modules(const char *root, struct error *err)
{
	char cmdline[KERNEL_CMDLINE_MAX];
	enum kernel_answer answer;

	if (!exists(root, SECURITY "/lsm")) {
		error_set(err, ERR_UNSUPPORTED, "securityfs is not there to say");
		error_hint(err, "mount -t securityfs securityfs /sys/kernel/security");
		return KERNEL_UNKNOWN;
	}
	kernel_cmdline_read(root, cmdline);
	answer = ask_loadpin(root, cmdline, err);
	return answer == KERNEL_YES ? ask_ima(root, cmdline, err) : answer;
}
