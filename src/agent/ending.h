/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to think of a machine's end amid a load or a watch. A pure function, so that every case can
 * be tested in a table.
 */
#pragma once

#include <stdbool.h>

/* What was found of the boot that ended. */
enum ending_evidence {
	ENDING_NOTHING, /* nothing tells of a crash */
	ENDING_OOPS,    /* a task died in the kernel, which may have gone on after it */
	ENDING_CRASH,   /* a panic, or a crash dump */
};

struct ending_facts {
	enum ending_evidence evidence;
	bool stopped; /* sutured had been told to end: a shutdown, say */
	bool again;   /* it would be the second end without evidence with this version */
};

enum ending_verdict {
	ENDING_CLEAN,       /* nothing is held against the patch */
	ENDING_INTERRUPTED, /* it may have been the power: once more, later */
	ENDING_TWICE,       /* the second time: quarantine */
	ENDING_CRASHED,     /* quarantine at once */
};

/*
 * A panic counts whatever else happened: a shutdown can panic, too. An oops counts unless the
 * machine was shut down in order after it: the kernel's log told as it happened whether the patch
 * had a part in it, and what follows from that is done then (agent/trouble.h).
 */
enum ending_verdict ending_judge(const struct ending_facts *facts);
