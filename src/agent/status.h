/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /run/suture/status.json: what everybody may know (docs/formats.md). */
#pragma once

#include "agent/agent.h"

/* Exit statuses of `suture status` (interfaces). */
enum {
	STATUS_PROTECTED = 0,
	STATUS_ERROR = 1,
	STATUS_NOT_ENABLED = 3,
	STATUS_WAITING = 4,
	STATUS_APPLYING = 5,
	STATUS_FAILED = 6,
	STATUS_NOT_COVERED = 7,
	STATUS_REBOOT = 8,
};

/* What the exit status depends on. */
struct status_facts {
	bool enabled;
	enum kernel_answer covered;
	bool reboot_needed;
	enum machine_state state;
	bool applied;    /* a patch of ours is in the kernel */
	bool up_to_date; /* the newest listed version is applied, or none is listed */
};

/* Where several hold, the first of 3, 7, 8, 6, 5, 4, 0. */
int status_exit(const struct status_facts *facts);

/* The whole status as a new object, the caller's; NULL without memory. */
json_t *status_build(const struct agent *agent);
/* Replaces the file as one step (0644). */
int status_publish(const struct agent *agent, struct error *err);
