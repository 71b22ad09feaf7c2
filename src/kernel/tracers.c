/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/tracers.h"

#include <stdio.h>

#include "base/file.h"
#include "kernel/root.h"

/* One reading of both files. */
struct reading {
	const char *root;
	const struct kernel_traced *functions;
	size_t n;
	struct kernel_livepatch_funcs live; /* what all livepatches in the kernel replace */
	struct kernel_tracers found;
};

void kernel_tracers_free(struct kernel_tracers *tracers)
{
	free(tracers->items);
	*tracers = (struct kernel_tracers){ 0 };
}

static int add(struct reading *reading, enum kernel_tracer_kind kind, const char *object,
	       const char *name)
{
	struct kernel_tracers *found = &reading->found;
	struct kernel_tracer *items;
	bool wanted = false;

	for (size_t i = 0; i < reading->n && !wanted; i++)
		wanted = streq(reading->functions[i].object, object) &&
			 streq(reading->functions[i].name, name);
	if (!wanted)
		return 0;
	if (found->n == KERNEL_TRACERS_MAX) {
		found->cut = true;
		return 0;
	}
	items = reallocarray(found->items, found->n + 1, sizeof(*items));
	if (!items)
		return ERR_NO_MEMORY;
	found->items = items;
	items += found->n++;
	*items = (struct kernel_tracer){ .kind = kind };
	snprintf(items->object, sizeof(items->object), "%s", object);
	snprintf(items->name, sizeof(items->name), "%s", name);
	return 0;
}

/* Calls `take` with each line of a file, without its newline. */
static int each_line(struct reading *reading, const char *path,
		     int (*take)(struct reading *reading, char *line))
{
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *file = NULL;
	struct kernel_path full;
	size_t cap = 0, total = 0;
	ssize_t len;
	int r = kernel_path(&full, reading->root, "%s", path);

	if (r < 0)
		return r;
	file = fopen(full.s, "re");
	if (!file)
		return -errno;
	while (r == 0 && (errno = 0, len = getline(&line, &cap, file)) > 0) {
		total += (size_t)len;
		if (total > KERNEL_TRACERS_TEXT_MAX)
			return ERR_TOO_LARGE;
		line[strcspn(line, "\n")] = 0;
		r = take(reading, line);
	}
	return r < 0 || !ferror(file) ? r : -(errno ? errno : EIO);
}

/* "ADDRESS  k|r  FUNCTION+0xOFFSET  [MODULE ][FLAGS]": two blanks part the fields, and a flag is in
 * brackets. */
static int take_kprobe(struct reading *reading, char *line)
{
	char *save = NULL;
	const char *type, *object;
	char *function;

	strtok_r(line, " ", &save);
	type = strtok_r(NULL, " ", &save);
	function = strtok_r(NULL, " ", &save);
	object = strtok_r(NULL, " ", &save);
	if (!function || (!streq(type, "k") && !streq(type, "r")))
		return 0;
	reading->found.kprobes++;
	function[strcspn(function, "+")] = 0;
	return add(reading, type[0] == 'r' ? KERNEL_TRACER_KRETPROBE : KERNEL_TRACER_KPROBE,
		   object && object[0] != '[' ? object : "vmlinux", function);
}

/* A livepatch that is the one to redirect this function: the kernel permits no second one. */
static bool is_live(const struct reading *reading, const char *object, const char *name)
{
	for (size_t i = 0; i < reading->live.n; i++)
		if (streq(reading->live.items[i].object, object) &&
		    streq(reading->live.items[i].name, name))
			return true;
	return false;
}

/*
 * "FUNCTION[ [MODULE]] (COUNT) R I D O M \ttramp: …" or " ->…" in place of the tab: letters stand
 * where they do or are blank; O and M came after 6.1. A line that begins with a tab belongs to the
 * one before.
 */
static int take_enabled(struct reading *reading, char *line)
{
	char *count = strstr(line, " ("), *flags = count ? strchr(count, ')') : NULL;
	char *module, *rest;
	const char *object = "vmlinux";
	int r = 0;

	if (!flags || line[0] == '\t')
		return 0;
	*count = 0;
	flags++;
	rest = flags + strcspn(flags, "\t-");
	module = strstr(line, " [");
	if (module) {
		*module = 0;
		object = module + 2;
		module[2 + strcspn(object, "]")] = 0;
	}
	if (memchr(flags, 'I', (size_t)(rest - flags)) && !strstr(rest, "klp_ftrace_handler") &&
	    !is_live(reading, object, line)) {
		reading->found.redirects++;
		r = add(reading, KERNEL_TRACER_REDIRECT, object, line);
	}
	if (r == 0 && memchr(flags, 'D', (size_t)(rest - flags)))
		r = add(reading, KERNEL_TRACER_DIRECT, object, line);
	return r;
}

/* What every livepatch in the kernel replaces, in one list. */
static int read_live(struct reading *reading)
{
	struct kernel_livepatch list[KERNEL_LIVEPATCH_MAX];
	int n = kernel_livepatch_list(reading->root, list, ARRAY_SIZE(list), NULL);

	for (int i = 0; i < n; i++) {
		struct kernel_livepatch_funcs funcs = { 0 };
		struct kernel_livepatch_func *items;

		if (kernel_livepatch_funcs(reading->root, list[i].name, &funcs, NULL) < 0)
			continue;
		items = reallocarray(reading->live.items, reading->live.n + funcs.n + 1,
				     sizeof(*items));
		if (!items) {
			kernel_livepatch_funcs_free(&funcs);
			return ERR_NO_MEMORY;
		}
		reading->live.items = items;
		if (funcs.n)
			memcpy(items + reading->live.n, funcs.items, funcs.n * sizeof(*items));
		reading->live.n += funcs.n;
		free(funcs.items); /* the names are the list's now */
	}
	return 0;
}

static int read_both(struct reading *reading)
{
	struct kernel_tracers *found = &reading->found;
	int r = read_live(reading);

	if (r < 0)
		return r;
	found->kprobes_error = each_line(reading, "/sys/kernel/debug/kprobes/list", take_kprobe);
	found->ftrace_error =
		each_line(reading, "/sys/kernel/tracing/enabled_functions", take_enabled);
	if (found->ftrace_error == -ENOENT)
		found->ftrace_error = each_line(
			reading, "/sys/kernel/debug/tracing/enabled_functions", take_enabled);
	if (found->kprobes_error == ERR_NO_MEMORY || found->ftrace_error == ERR_NO_MEMORY)
		return ERR_NO_MEMORY;
	return 0;
}

int kernel_tracers_read(const char *root, const struct kernel_traced *functions, size_t n,
			struct kernel_tracers *ret, struct error *err)
{
	struct reading reading = { .root = root, .functions = functions, .n = n };
	int r = read_both(&reading);

	kernel_livepatch_funcs_free(&reading.live);
	if (r < 0) {
		kernel_tracers_free(&reading.found);
		return error_set(err, r, "out of memory");
	}
	*ret = reading.found;
	return 0;
}

int kernel_tracers_judge(const struct kernel_tracers *tracers, struct error *err)
{
	for (size_t i = 0; i < tracers->n; i++) {
		const struct kernel_tracer *t = &tracers->items[i];

		if (t->kind != KERNEL_TRACER_REDIRECT)
			continue;
		error_set(err, ERR_BAD_STATE,
			  "function %s of %s is redirected by somebody else through ftrace: the "
			  "kernel permits one at a time",
			  t->name, t->object);
		error_hint(err, "take that out first: a kprobe with a post_handler, or a module "
				"that hooks functions (/sys/kernel/tracing/enabled_functions)");
		return ERR_BAD_STATE;
	}
	return 0;
}

int kernel_tracers_permit(const char *root, const struct kernel_traced *functions, size_t n,
			  struct error *err)
{
	struct kernel_tracers tracers;
	int r = kernel_tracers_read(root, functions, n, &tracers, err);

	if (r < 0)
		return r;
	r = kernel_tracers_judge(&tracers, err);
	kernel_tracers_free(&tracers);
	return r;
}
