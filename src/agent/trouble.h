/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows from a report of trouble in the kernel's log while a patch is in the kernel. */
#pragma once

#include "agent/agent.h"
#include "kernel/trouble.h"

/* Whose trouble a report tells of. */
enum trouble_kind {
	TROUBLE_NONE,   /* nothing that this machine's owner must hear from here */
	TROUBLE_OOPS,   /* an oops somewhere else */
	TROUBLE_WARNED, /* a warning or a lockup in the patch */
	TROUBLE_OOPS_IN_PATCH,
};

/*
 * A livepatch of ours at the RIP or in the back trace: then it is the patch's. An oops in a
 * function that the patch replaces is not: who runs the old code has not come into the patch, and
 * it may be the very bug that the patch mends. Without a place in the kernel's code nothing counts:
 * a line that begins like a report can be had with the name of a program.
 */
enum trouble_kind trouble_classify(const struct kernel_report *report);

/* Reports of each kind that are written down after one start of sutured. */
#define TROUBLE_EVENTS_MAX 8

/* Writes an oops in the patch down, and its version into quarantine unless `on-oops` says `report`,
 * but takes nothing out. With a full disk it is kept in memory. */
int trouble_write_down(struct agent *agent, const struct kernel_report *report, uint64_t next,
		       struct error *err);
/*
 * Writes the report down first of all. An oops in the patch then takes it out of the kernel and
 * puts its version into quarantine, unless `on-oops` says `report`; all else is an event and no
 * more. `next` is how far the log was read (kernel_log_next()).
 */
int trouble_take(struct agent *agent, const struct kernel_report *report, uint64_t next,
		 struct error *err);
