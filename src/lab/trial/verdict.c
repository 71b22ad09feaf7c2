// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/verdict.h"

#include "base/macro.h"

static const char *const verdicts[] = {
	[VERDICT_PASS] = "pass",
	[VERDICT_FAIL] = "fail",
	[VERDICT_SKIP] = "skip",
};

static const char *const causes[] = {
	[CAUSE_NONE] = "none",
	[CAUSE_LAB] = "lab",
	[CAUSE_BOOT] = "boot",
	[CAUSE_REFUSED] = "refused",
	[CAUSE_ACCEPTED] = "accepted",
	[CAUSE_STUCK] = "stuck",
	[CAUSE_WRONG_FUNCTION] = "wrong-function",
	[CAUSE_NOT_REDIRECTED] = "not-redirected",
	[CAUSE_FAULT_STAYS] = "fault-stays",
	[CAUSE_FAULT_ABSENT] = "fault-absent",
	[CAUSE_WRONG_DATA] = "wrong-data",
	[CAUSE_LEAK] = "leak",
	[CAUSE_TAINT] = "taint",
	[CAUSE_WARNING] = "warning",
	[CAUSE_OOPS] = "oops",
	[CAUSE_PANIC] = "panic",
	[CAUSE_HANG] = "hang",
	[CAUSE_TRIPLE_FAULT] = "triple-fault",
};

static int find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(names[i], name))
			return (int)i;
	return ERR_INVALID;
}

const char *trial_verdict_name(enum trial_verdict verdict)
{
	return verdicts[verdict];
}

int trial_verdict_from(const char *name, enum trial_verdict *ret)
{
	int i = find(verdicts, ARRAY_SIZE(verdicts), name);

	if (i < 0)
		return i;
	*ret = (enum trial_verdict)i;
	return 0;
}

const char *trial_cause_name(enum trial_cause cause)
{
	return causes[cause];
}

int trial_cause_from(const char *name, enum trial_cause *ret)
{
	int i = find(causes, ARRAY_SIZE(causes), name);

	if (i < 0)
		return i;
	*ret = (enum trial_cause)i;
	return 0;
}
