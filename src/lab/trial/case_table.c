// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/case_table.h"

#include "lab/trial/case_files.h"
#include "lab/trial/case_redirect.h"
#include "lab/trial/case_scripts.h"

static int need_reproducer(struct trial_guest *t, const char **ret_skip, struct error *err)
{
	(void)err;
	if (!t->o->reproducer)
		*ret_skip = "no reproducer was given";
	return 0;
}

const struct case_kind case_kinds[] = {
	{ "load", "the patch loads, its transition ends, every object is patched", case_load_sh, 20,
	  true, NULL, NULL },
	{ "redirect", "every function really runs new code, and is the one of the record",
	  case_redirect_sh, 20, true, NULL, case_redirect_judge },
	{ "reproducer", "the fault shows before, not while patched, and again afterwards",
	  case_reproducer_sh, 10, true, need_reproducer, NULL },
	{ "smoke", "system calls of every kind give what they should, patched as unpatched",
	  case_smoke_sh, 60, true, NULL, NULL },
	{ "stress", "transitions both ways under load", case_stress_sh, 60, true, NULL, NULL },
	{ "sleepers", "a transition waits for tasks that sleep within a function, then ends",
	  case_sleepers_sh, 40, true, NULL, NULL },
	{ "busy", "tasks that never leave user mode do not hold a transition up", case_busy_sh, 20,
	  true, NULL, NULL },
	{ "frozen", "neither do tasks frozen by their control group", case_frozen_sh, 20, true,
	  NULL, NULL },
	{ "tracers", "the function tracer and kprobes on the same functions", case_tracers_sh, 30,
	  true, NULL, NULL },
	{ "take-back", "taken back, the kernel is as before, and can be patched again",
	  case_take_back_sh, 20, true, NULL, NULL },
	{ "target", "modules that the patch is for, loaded before it and after it", case_target_sh,
	  30, true, NULL, NULL },
	{ "replace", "every earlier version is replaced in one transition", case_replace_sh, 60,
	  true, NULL, NULL },
	{ "wrong-kernel", "the module of another kernel is refused", case_wrong_kernel_sh, 10, true,
	  case_put_wrong_kernel, NULL },
	{ "unsigned", "under Secure Boot, without a good signature nothing loads", case_unsigned_sh,
	  20, true, case_put_unsigned, NULL },
	{ "oom", "loaded without memory, it is applied or refused, and the kernel is whole",
	  case_oom_sh, 60, true, NULL, NULL },
	{ "memory", "calls, loading and taking back do not make memory grow", case_memory_sh, 180,
	  true, NULL, NULL },
	{ "cycles", "a hundred rounds of loading and taking back, and what memory they leave",
	  case_cycles_sh, 3600, false, NULL, NULL, .by_rounds = true },
};
const size_t case_kinds_n = ARRAY_SIZE(case_kinds);

const struct case_kind *case_find(const char *name)
{
	for (size_t i = 0; i < case_kinds_n; i++)
		if (streq(case_kinds[i].name, name))
			return &case_kinds[i];
	return NULL;
}
