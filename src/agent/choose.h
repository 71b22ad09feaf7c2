/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which version should this machine run? A pure function of what was signed, what was granted and
 * what the owner said, so that every rule can be tested in a table.
 */
#pragma once

#include "agent/journal.h"

enum choice_action {
	CHOOSE_NOTHING, /* keep what there is; `reason` says why */
	CHOOSE_APPLY,   /* apply `version`, which is higher than what is applied */
	CHOOSE_LOWER,   /* a signed recall: go back to `version` */
	CHOOSE_UNPATCH, /* a signed recall, and nothing lower is listed that could take its place */
};

enum choice_reason {
	CHOICE_CHOSEN,      /* there is something to do */
	CHOICE_UP_TO_DATE,  /* the newest listed version is applied */
	CHOICE_NOTHING,     /* the tier lists nothing for this kernel */
	CHOICE_NOT_GRANTED, /* listed, but the server's answer does not let it through yet */
	CHOICE_NOT_LISTED,  /* granted, but no signed role backs it: refused, and reported */
	CHOICE_HELD,        /* the owner holds updates */
	CHOICE_AVOIDED,     /* the owner took this version, or a higher one, back */
	CHOICE_QUARANTINED, /* it did not survive here */
	CHOICE_WITHDRAWN,   /* on the signed recall list */
	CHOICE_INTERRUPTED, /* the machine went down with it; it is not yet time to try again */
};

struct choice_version {
	struct patch_version version;
	bool withdrawn; /* on the recall list for this kernel */
	bool refused;   /* its checks failed just now: a recall passes it over */
};

struct choice_input {
	const struct choice_version *listed; /* by the tier's role for this release and build ID */
	size_t n_listed;
	bool applied_present;
	struct patch_version applied; /* in the kernel now */
	bool applied_withdrawn;       /* the recall list names it, whether listed or not */
	bool require_grant;
	bool granted_present; /* the last check-in granted a version for this kernel */
	struct patch_version granted;
	const struct journal *journal; /* hold, avoid, quarantine, interrupted */
	bool retry_waits;              /* the delay after an interrupted load still runs */
	const char *kernel;            /* running release, for the quarantine */
};

struct choice {
	enum choice_action action;
	enum choice_reason reason;
	struct patch_version version; /* of `action`, or the one that `reason` speaks of */
	bool available_present;
	struct patch_version available; /* the newest listed and not withdrawn */
};

/*
 * The rules (docs/architecture.md, "Trust"): a server's answer can hold, never release and never
 * lower; only a signed recall lowers, to the highest lower version that is still listed and not
 * refused, else to the unpatched kernel. Nothing at or below what is applied is ever chosen
 * otherwise.
 */
struct choice choose_version(const struct choice_input *input);

/* "up-to-date", "not-listed", …; static storage. */
const char *choice_reason_name(enum choice_reason reason);
