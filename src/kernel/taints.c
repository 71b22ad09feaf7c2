/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/taints.h"

#include <dirent.h>
#include <stdio.h>

#include "base/file.h"
#include "kernel/root.h"

#define UNLOADED_MAX 65536

DEFINE_CLEANUP(DIR *, closedir);

const struct kernel_taint *kernel_taint_of(unsigned int bit)
{
	static const struct kernel_taint taints[] = {
		{ 'P', true, "a proprietary module was loaded" },
		{ 'F', true, "a module was loaded by force" },
		{ 'S', false, "the processor is used outside of its specification" },
		{ 'R', false, "a module was removed by force" },
		{ 'M', false, "the processor has reported a machine check" },
		{ 'B', false, "a page was released wrongly" },
		{ 'U', false, "a program asked for this mark" },
		{ 'D', false, "the kernel has had an oops or a BUG" },
		{ 'A', false, "an ACPI table was overridden" },
		{ 'W', false, "the kernel has printed a warning" },
		{ 'C', true, "a driver of the staging tree was loaded" },
		{ 'I', false, "a bug of the firmware is worked around" },
		{ 'O', true, "a module was loaded that is not of the kernel's tree" },
		{ 'E', true, "a module without a valid signature was loaded" },
		{ 'L', false, "a processor was locked up for some time" },
		{ 'K', true, "a livepatch was loaded" },
		{ 'X', true, "a mark of the distribution's own" },
		{ 'T', true, "the kernel was built with randomised structures" },
		{ 'N', true, "a test of the kernel's own was run" },
	};
	static const struct kernel_taint unknown = { '?', false, "a mark of unknown meaning" };

	_Static_assert(ARRAY_SIZE(taints) == KERNEL_TAINTS, "one entry a bit");
	return bit < KERNEL_TAINTS ? &taints[bit] : &unknown;
}

void kernel_taints_free(struct kernel_taints *taints)
{
	free(taints->causes);
	*taints = (struct kernel_taints){ 0 };
}

static int add_cause(struct kernel_taints *taints, const char *module, const char *letters,
		     bool gone)
{
	struct kernel_taint_cause *causes;

	if (!letters[0] || strlen(module) > KERNEL_MODULE_NAME_MAX)
		return 0;
	if (taints->n == KERNEL_TAINT_CAUSES_MAX) {
		taints->cut = true;
		return 0;
	}
	causes = reallocarray(taints->causes, taints->n + 1, sizeof(*causes));
	if (!causes)
		return ERR_NO_MEMORY;
	taints->causes = causes;
	causes += taints->n++;
	*causes = (struct kernel_taint_cause){ .gone = gone };
	memcpy(causes->module, module, strlen(module) + 1);
	snprintf(causes->letters, sizeof(causes->letters), "%s", letters);
	return 0;
}

static int read_loaded(const char *root, struct kernel_taints *taints)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	struct kernel_path path;
	struct dirent *entry;
	int r = 0;

	if (kernel_path(&path, root, "/sys/module") < 0)
		return 0;
	dir = opendir(path.s);
	while (dir && r == 0 && (entry = readdir(dir))) {
		char letters[KERNEL_TAINTS + 1];

		if (entry->d_name[0] == '.' ||
		    kernel_path(&path, "", "/sys/module/%s/taint", entry->d_name) < 0)
			continue;
		if (kernel_read_text(root, path.s, letters, sizeof(letters), NULL) == 0)
			r = add_cause(taints, entry->d_name, letters, false);
	}
	return r;
}

/* Lines "NAME (LETTERS) TIMES" (unloaded_tainted_modules_seq_show(), kernel/module/tracking.c). */
static int read_gone(const char *root, struct kernel_taints *taints)
{
	_cleanup_buf_ struct buf data = BUF_INIT(UNLOADED_MAX);
	char *line, *next, *letters, *end;
	struct kernel_path path;
	int r = 0;

	if (kernel_path(&path, root, "/sys/kernel/debug/modules/unloaded_tainted") < 0 ||
	    file_read(path.s, &data, NULL) < 0)
		return 0;
	taints->gone_known = true;
	for (line = (char *)data.data; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		letters = strstr(line, " (");
		end = letters ? strchr(letters, ')') : NULL;
		if (!end)
			continue;
		*letters = *end = 0;
		r = add_cause(taints, line, letters + 2, true);
	}
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct kernel_taint_cause *x = a, *y = b;
	int c = strcmp(x->module, y->module);

	return c ? c : x->gone - y->gone;
}

int kernel_taints_read(const char *root, struct kernel_taints *ret, struct error *err)
{
	_cleanup_(kernel_taints_free) struct kernel_taints taints = { 0 };
	int r = read_loaded(root, &taints);

	if (r == 0)
		r = read_gone(root, &taints);
	if (r < 0)
		return error_set(err, r, "out of memory");
	if (taints.n)
		qsort(taints.causes, taints.n, sizeof(*taints.causes), by_name);
	*ret = taints;
	taints = (struct kernel_taints){ 0 };
	return 0;
}
