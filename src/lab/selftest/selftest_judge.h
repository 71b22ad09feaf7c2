/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a script of the selftests holds and what came out when it ran, as cases of a trial. */
#pragma once

#include "lab/selftest/selftest_output.h"
#include "lab/trial/trial.h"

/* How a script ended. */
struct selftest_end {
	int status;     /* 0 to 255; 128 + signal */
	bool timed_out; /* ended by its time limit */
	int64_t ms;
	/* Why its guest is no use any more, instead of the two; CAUSE_NONE: it is. */
	enum trial_cause cause;
	char message[ERROR_MESSAGE_MAX];
};

/*
 * Adds a case for each test that the script `name` ("callbacks") holds: "callbacks-03-busy-target".
 * One passes if the test was announced in its place and ended well; what else is wrong (a status
 * but 0, tests that the script does not hold and that did not end well) fails the script's last
 * case. True if all passed. The trial must have room for them.
 */
bool selftest_judge(const char *name, const struct selftest_script *script,
		    const struct selftest_output *output, const struct selftest_end *end,
		    struct trial *trial);
