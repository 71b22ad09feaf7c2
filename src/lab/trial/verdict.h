/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a case ended, and what kind of fault it found: the words that records and reports use. */
#pragma once

#include "base/error.h"

enum trial_verdict {
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_SKIP, /* there was nothing to hold the case with; the message says what was missing
		       */
};

/* What a failed case found. The most telling one wins: a task that dies in the kernel while the
 * reproducer runs is an oops, not wrong data. */
enum trial_cause {
	CAUSE_NONE,           /* passed or skipped */
	CAUSE_LAB,            /* the lab itself could not hold the case */
	CAUSE_BOOT,           /* the kernel did not come up */
	CAUSE_REFUSED,        /* the kernel refused the module */
	CAUSE_ACCEPTED,       /* the kernel took what it had to refuse */
	CAUSE_STUCK,          /* a transition did not end in its time */
	CAUSE_WRONG_FUNCTION, /* another function is replaced than the one the record names */
	CAUSE_NOT_REDIRECTED, /* a function of the patch still runs its old code */
	CAUSE_FAULT_STAYS,    /* the reproducer shows the fault in the patched kernel */
	CAUSE_FAULT_ABSENT,   /* the reproducer does not show it in the unpatched one */
	CAUSE_WRONG_DATA,     /* a check of behaviour that passes unpatched fails patched */
	CAUSE_LEAK,           /* memory grows with each round */
	CAUSE_TAINT,          /* the kernel has a new taint that no livepatch brings */
	CAUSE_WARNING,        /* the kernel warned */
	CAUSE_OOPS,           /* a task died in the kernel */
	CAUSE_PANIC,          /* the kernel gave up */
	CAUSE_HANG,           /* it stopped answering, or a task never came back */
	CAUSE_TRIPLE_FAULT,   /* the processor reset without a word */
	CAUSE_LAST = CAUSE_TRIPLE_FAULT,
};

/* "pass", "fail", "skip". */
const char *trial_verdict_name(enum trial_verdict verdict);
/* ERR_INVALID for no such name. */
int trial_verdict_from(const char *name, enum trial_verdict *ret);
/* "none", "wrong-function", "triple-fault", …: the constants in lower case, with '-'. */
const char *trial_cause_name(enum trial_cause cause);
int trial_cause_from(const char *name, enum trial_cause *ret);
