/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cli/check.h"
#include "kernel/host.h"

#define MIB          (UINT64_C(1024) * 1024)

/* sutured's own copy, the sealed file, the kernel's copy of it, and the module: each about as large
 * as the module file. Below the least, other programs would be in need too. */
#define MEMORY_TIMES 4
#define MEMORY_LEAST (32 * MIB)

/* The functions of the patch: of the accepted one's record, and those that the status names as
 * replaced now. The names are the input's; the caller frees the list. NULL without memory. */
static struct kernel_traced *list_functions(const struct check_input *in, size_t *ret_n)
{
	const json_t *now = json_object_get(in->status, "functions");
	size_t n = json_array_size(now);
	struct kernel_traced *list;

	for (size_t i = 0; in->record && i < in->record->n_objects; i++)
		n += in->record->objects[i].n_functions;
	list = calloc(n + 1, sizeof(*list));
	n = 0;
	for (size_t i = 0; list && in->record && i < in->record->n_objects; i++) {
		const struct record_object *object = &in->record->objects[i];

		for (size_t j = 0; j < object->n_functions; j++)
			list[n++] =
				(struct kernel_traced){ object->name, object->functions[j].name };
	}
	for (size_t i = 0; list && i < json_array_size(now); i++) {
		const json_t *o = json_array_get(now, i);
		const char *object = json_string_value(json_object_get(o, "object"));
		const char *name = json_string_value(json_object_get(o, "name"));

		if (object && name)
			list[n++] = (struct kernel_traced){ object, name };
	}
	*ret_n = n;
	return list;
}

/* Why a file of tracefs or debugfs could not be read, and what helps. */
static void add_unreadable(const char *name, int error, const char *file_system, const char *where,
			   struct check_report *report)
{
	bool denied = error == -EACCES || error == -EPERM;
	char cure[ERROR_HINT_MAX];
	struct error err;

	if (error > -1000)
		error_set_errno(&err, -error, "%s", where);
	else
		error_set(&err, error, "%s: %s", where, error_code_name(error));
	snprintf(cure, sizeof(cure), "mount -t %s %s %s", file_system, file_system, where);
	check_add(report, name, CHECK_WARNING,
		  denied ? "run it as root; lockdown confidentiality forbids it altogether"
		  : error == -ENOENT ? cure
				     : "see whether it can be read by hand",
		  "not known: %s", err.message);
}

static void name_first(const struct kernel_tracers *tracers, enum kernel_tracer_kind a,
		       enum kernel_tracer_kind b, char *ret, size_t size, size_t *ret_n)
{
	size_t len = 0;

	*ret_n = 0;
	ret[0] = 0;
	for (size_t i = 0; i < tracers->n; i++) {
		if (tracers->items[i].kind != a && tracers->items[i].kind != b)
			continue;
		if ((*ret_n)++ < 4 && len < size)
			len += (size_t)snprintf(ret + len, size - len, "%s%s", len ? ", " : "",
						tracers->items[i].name);
	}
}

static void check_kprobes(const struct kernel_tracers *tracers, bool known,
			  struct check_report *report)
{
	char names[512];
	size_t n;

	if (tracers->kprobes_error < 0) {
		add_unreadable("kprobes", tracers->kprobes_error, "debugfs", "/sys/kernel/debug",
			       report);
		return;
	}
	name_first(tracers, KERNEL_TRACER_KPROBE, KERNEL_TRACER_KRETPROBE, names, sizeof(names),
		   &n);
	if (n)
		check_add(report, "kprobes", CHECK_WARNING,
			  "take it away while the patch is in, or probe the patch's own function: "
			  "the probe does not see the new code",
			  "%zu on functions of the patch: %s", n, names);
	else
		check_add(report, "kprobes", CHECK_PASS, "", "%zu in the kernel, %s",
			  tracers->kprobes,
			  known ? "none on a function of the patch" : "no patch is known here yet");
}

static void check_ftrace_users(const struct kernel_tracers *tracers, bool known,
			       struct check_report *report)
{
	struct error err = { 0 };
	char names[512];
	size_t n;

	if (tracers->ftrace_error < 0) {
		add_unreadable("ftrace users", tracers->ftrace_error, "tracefs",
			       "/sys/kernel/tracing", report);
		return;
	}
	name_first(tracers, KERNEL_TRACER_DIRECT, KERNEL_TRACER_DIRECT, names, sizeof(names), &n);
	if (kernel_tracers_judge(tracers, &err) < 0)
		check_add(report, "ftrace users", CHECK_FAIL, err.hint, "%s", err.message);
	else if (n)
		check_add(report, "ftrace users", CHECK_WARNING,
			  "if the kernel refuses the patch (EBUSY), take that program out first; "
			  "mostly it shares",
			  "a direct call, such as a BPF program's, on functions of the patch: %s",
			  names);
	else
		check_add(report, "ftrace users", CHECK_PASS, "",
			  "%zu functions are redirected by others than livepatches, %s",
			  tracers->redirects,
			  known ? "none of the patch" : "no patch is known here yet");
}

static void check_memory(const struct check_input *in, struct check_report *report)
{
	uint64_t available, length = (uint64_t)MAX(in->module_length, 0);
	uint64_t needed = MAX(MIN(length, UINT64_MAX / 8) * MEMORY_TIMES, MEMORY_LEAST);
	struct error err = { 0 };

	if (kernel_memory_available(in->root, &available, &err) < 0) {
		check_add(report, "memory", CHECK_WARNING, "mount procfs on /proc", "not known: %s",
			  err.message);
		return;
	}
	check_add(report, "memory",
		  available < needed       ? CHECK_FAIL
		  : available < 2 * needed ? CHECK_WARNING
					   : CHECK_PASS,
		  "end what takes memory, or add swap",
		  "%llu MiB available, %llu MiB needed at most",
		  (unsigned long long)(available / MIB), (unsigned long long)(needed / MIB));
}

void check_patch(const struct check_input *input, struct check_report *report)
{
	struct kernel_tracers tracers = { 0 };
	_cleanup_free_ struct kernel_traced *functions = NULL;
	size_t n;

	functions = list_functions(input, &n);
	if (functions && kernel_tracers_read(input->root, functions, n, &tracers, NULL) == 0) {
		check_kprobes(&tracers, n > 0, report);
		check_ftrace_users(&tracers, n > 0, report);
	}
	kernel_tracers_free(&tracers);
	check_memory(input, report);
}
