/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a changed variable, or a function that cannot be replaced, is told: what it is for the kernel
 * decides what its owner can do instead. */
#include "build/diff/diff_internal.h"

#include <stdio.h>

#define HINT_PARAMETER                                                                               \
	"write the value to /sys/module/MODULE/parameters/NAME, or set the variable in a pre-patch " \
	"callback"
#define HINT_SYSCTL                                                                        \
	"leave the table and change the handler that the entry names; a new entry can be " \
	"registered in a post-patch callback (register_sysctl)"
#define HINT_OPERATIONS                                                                          \
	"leave the table and change the function that the entry names into a wrapper that does " \
	"both; an empty entry cannot be filled: change the functions that look at it"
#define HINT_PERCPU                                                                                 \
	"set it on every CPU in a pre-patch callback (for_each_possible_cpu, per_cpu_ptr), or let " \
	"the changed functions use a new variable"
#define HINT_ONCE \
	"the kernel cannot write it any more either: let the changed functions use a new variable"
#define HINT_NOINSTR \
	"it runs where nothing may be traced: change what it calls behind instrumentation_begin()"
#define HINT_FILE \
	"no function of this file can be replaced: change the functions elsewhere that call it"

/* What TRACE_EVENT() and DECLARE_EVENT_CLASS() make of a name (include/trace/stages,
 * include/trace/trace_events.h, perf.h, bpf_probe.h). */
static const char *const tracepoint_parts[] = {
	"print_fmt_",
	"trace_event_fields_",
	"trace_event_type_funcs_",
	"event_class_",
	"event_",
	"trace_raw_output_",
	"trace_event_raw_event_",
	"do_trace_event_raw_event_",
	"perf_trace_",
	"do_perf_trace_",
	"__bpf_trace_",
	"struct trace_event_raw_",
	"struct trace_event_data_offsets_",
};

static bool has_symbol(const struct diff *diff, const char *prefix, const char *name)
{
	char symbol[256];

	snprintf(symbol, sizeof(symbol), "%s%s", prefix, name);
	return elf_object_symbol(diff->original.object, symbol) != NULL;
}

/* The event that a thing was made for, or NULL. */
static const char *event_of(const struct diff *diff, const char *part)
{
	for (size_t i = 0; i < ARRAY_SIZE(tracepoint_parts); i++) {
		const char *prefix = tracepoint_parts[i];

		if (str_has_prefix(part, prefix) &&
		    has_symbol(diff, "event_class_", part + strlen(prefix)))
			return part + strlen(prefix);
	}
	return NULL;
}

int diff_refuse_tracepoint(struct diff *diff, const char *part)
{
	const char *event = event_of(diff, part);

	if (!event)
		return 0;
	int e = diff_refuse(diff, REASON_CHANGED_TRACEPOINT, event,
			    "the %s %s changed, and the running kernel keeps what it "
			    "made of it: its record, its format and the code that "
			    "writes them",
			    has_symbol(diff, "__tracepoint_", event) ? "tracepoint"
								     : "class of tracepoints",
			    event);
	return e < 0 ? e : 1;
}

/* Is it what a module parameter is kept in? */
static bool is_parameter(const struct diff *diff, const struct atom *atom)
{
	for (size_t i = 0; i < diff->original.section_count; i++) {
		const struct atom_section *s = &diff->original.sections[i];

		if (!str_has_prefix(s->elf->name, "__param"))
			continue;
		for (size_t k = 0; k < s->refs.count; k++)
			if (s->refs.items[k].target == atom)
				return true;
	}
	return false;
}

static const char *ref_name(const struct ref *ref)
{
	return ref->target ? ref->target->name : ref->symbol ? ref->symbol->name : "";
}

/* Does it name a handler of /proc/sys? */
static bool is_sysctl(const struct atom *atom)
{
	for (size_t i = 0; i < atom->ref_count; i++)
		if (str_has_prefix(ref_name(&atom->refs[i]), "proc_do"))
			return true;
	return false;
}

static bool has_functions(const struct atom *atom)
{
	for (size_t i = 0; i < atom->ref_count; i++)
		if (atom->refs[i].target && atom->refs[i].target->kind == ATOM_FUNCTION)
			return true;
	return false;
}

static int refuse_rodata(struct diff *diff, const struct atom *original, const struct atom *patched)
{
	const char *name = patched->name;

	if (has_functions(original) || has_functions(patched))
		return diff_advise(diff, REASON_CHANGED_RODATA, name, HINT_OPERATIONS,
				   "%s, a constant table of functions, changed, and the running "
				   "kernel uses the old one",
				   name);
	return diff_refuse(diff, REASON_CHANGED_RODATA, name,
			   "the constant %s changed, and the running kernel uses the old one",
			   name);
}

int diff_refuse_data(struct diff *diff, const struct atom *original, const struct atom *patched)
{
	bool same_size = original->end - original->start == patched->end - patched->start;
	bool same_class = original->section->class == patched->section->class;
	const char *name = patched->name, *kind = "the variable", *hint = NULL;
	int e = diff_refuse_tracepoint(diff, name);

	if (e != 0)
		return MIN(e, 0);
	if (original->section->class == CLASS_RODATA && same_class)
		return refuse_rodata(diff, original, patched);
	if (original->section->class == CLASS_PERCPU) {
		kind = "the per-CPU variable";
		hint = HINT_PERCPU;
	} else if (original->section->class == CLASS_RO_AFTER_INIT) {
		kind = "the variable, read-only since start,";
		hint = HINT_ONCE;
	} else if (is_parameter(diff, original)) {
		kind = "the module parameter";
		hint = HINT_PARAMETER;
	} else if (is_sysctl(original) || is_sysctl(patched)) {
		kind = "the sysctl table";
		hint = HINT_SYSCTL;
	} else if (has_functions(original) || has_functions(patched)) {
		kind = "the table of functions";
		hint = HINT_OPERATIONS;
	}
	return diff_advise(diff, REASON_CHANGED_DATA, name, hint, "%s %s changed its %s", kind,
			   name,
			   !same_size    ? "size"
			   : !same_class ? "section"
					 : "initial value");
}

static bool any_traceable(const struct diff *diff)
{
	for (size_t i = 0; i < diff->original.atoms.count; i++) {
		const struct atom *atom = diff->original.atoms.items[i];

		if (atom->kind == ATOM_FUNCTION && atom->symbol && !atom_is_init(atom) &&
		    atom_is_traceable(atom))
			return true;
	}
	return false;
}

int diff_refuse_untraceable(struct diff *diff, const struct atom *original)
{
	const char *name = original->name, *section = original->section->elf->name;
	int e = diff_refuse_tracepoint(diff, name);

	if (e != 0)
		return MIN(e, 0);
	if (str_has_prefix(section, ".noinstr.text") || str_has_prefix(section, ".entry.text"))
		return diff_advise(diff, REASON_NOT_TRACEABLE, name, HINT_NOINSTR,
				   "%s is in section %s, where ftrace has no place to redirect it",
				   name, section);
	if (!any_traceable(diff))
		return diff_advise(diff, REASON_NOT_TRACEABLE, name, HINT_FILE,
				   "%s is in a file that is compiled without ftrace, so it cannot "
				   "be redirected",
				   name);
	return diff_refuse(diff, REASON_NOT_TRACEABLE, name,
			   "%s is marked notrace: it does not begin with a call of __fentry__, so "
			   "it cannot be redirected",
			   name);
}
