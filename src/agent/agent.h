/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sutured knows and owns. One object, used by the worker thread alone; the main loop only sees
 * finished jobs.
 */
#pragma once

#include "agent/choose.h"
#include "agent/fetcher.h"
#include "agent/journal.h"
#include "agent/listen.h"
#include "agent/settings.h"
#include "base/json.h"
#include "kernel/code.h"
#include "kernel/facts.h"
#include "kernel/livepatch.h"
#include "wire/bundle.h"

/* What is in the kernel now. */
struct agent_applied {
	bool present;
	struct patch_version version;
	char module[MODULE_NAME_BYTES];
	int64_t since;                  /* seconds since 1970; 0: unknown */
	int64_t load_ms, transition_ms; /* what the kernel took; both 0: unknown */
	json_t *cves;                   /* array of names, owned; may be NULL */
};

/* How the last check-in and refresh went; `time` 0: there was none since the start. */
struct agent_check {
	int64_t time;
	struct error error; /* code 0: it went well */
};

/* Which role of the trusted metadata expires first; `expires` 0: not known. */
struct agent_dates {
	char role[TIER_MAX + 1];
	int64_t expires; /* seconds since 1970 */
};

struct agent {
	struct settings_paths paths;
	struct config *config;
	struct kernel_facts facts;
	struct journal *journal; /* as it is on the disk */
	struct fetcher *fetcher;
	struct listener *listener;      /* of the kernel's log */
	unsigned int n_notes, n_oopses; /* of its reports, since the start (agent/trouble.h) */
	struct bundle *bundle;          /* NULL while not enabled */
	int lock_fd;                    /* held while this process lives */
	int cancel_fd;                  /* readable when sutured is to stop; -1: never */

	struct agent_applied applied;
	enum kernel_code_verdict code_check;
	json_t *module_keys; /* keys_refresh(); owned, NULL before it */
	bool available_present;
	struct patch_version available;
	enum kernel_answer covered;
	struct agent_check check;
	struct agent_dates dates; /* trust_note_dates() */
	const char *medium; /* folder that the repository is read from instead; NULL: the fetcher */
	int64_t interval;   /* seconds that the server asked for; 0: not known */
	int64_t transition_since;                    /* 0: none under way */
	bool transition_in;                          /* towards the patch */
	size_t transition_tasks, transition_changed; /* progress_wait(); both 0: not counted */
};

/*
 * Reads configuration, journal, facts and trust below `root` ($SUTURE_ROOT or NULL), makes the
 * folders and the fetch socket. Changes nothing in the kernel. The caller frees with agent_free().
 */
int agent_open(const char *root, int cancel_fd, struct agent **ret, struct error *err);
void agent_free(struct agent *agent);
DEFINE_CLEANUP(struct agent *, agent_free);

/* True with an identity and its trust. */
bool agent_is_enabled(const struct agent *agent);
/* The tier this machine follows: local configuration, else the one pinned at enrolment. */
const char *agent_tier(const struct agent *agent);
/* The clock, never below the journal's lower bound. */
int64_t agent_now(const struct agent *agent);

/* A copy of the journal to change; NULL (with *err set) without memory. The caller frees it, or
 * hands it to agent_commit(). */
struct journal *agent_draft(struct agent *agent, struct error *err);
/*
 * Makes a draft the journal: the change of state must be in the table and the invariants must hold;
 * it is on the disk before this returns 0, and the status file is written anew. A draft that opens
 * the step of a load also sets room aside for its end. On failure the journal is what it was. Takes
 * the draft either way.
 */
int agent_commit(struct agent *agent, struct journal *draft, struct error *err);
/* The same for the end of a step that the kernel has already taken: it is true even if it cannot be
 * written now, so the draft is kept in memory and written with the next change. A draft that
 * journal_check() refuses is logged and dropped. */
void agent_commit_done(struct agent *agent, struct journal *draft);
/* agent_commit() for what must be done even if it cannot be written: then it spends the room that
 * is set aside, and without that the draft is kept in memory. Fails for a wrong order of states
 * and broken invariants only. */
int agent_commit_anyway(struct agent *agent, struct journal *draft, struct error *err);

/* Moves to a state, with an event (or NULL) in the history. `version` and `failure` may be NULL; a
 * failure is remembered as the last one. */
int agent_move(struct agent *agent, enum machine_state state, const char *event,
	       const struct patch_version *version, const struct error *failure, struct error *err);
/* Ends an attempt that changed nothing, in a state to rest in: true even if it cannot be written
 * now, as with agent_commit_done(). `event` and `version` may be NULL; so may `failure`, and then
 * an earlier one is forgotten. While a step is open it only logs: that step has an end of its own.
 */
void agent_end(struct agent *agent, enum machine_state state, const char *event,
	       const struct patch_version *version, const struct error *failure);
/* Is a version in the kernel that is in quarantine there? */
bool agent_applied_is_bad(const struct agent *agent);
/* The state that fits what is in the kernel: applied (quarantined if it is bad), reverted or
 * unapplied. */
enum machine_state agent_rest(const struct agent *agent);
/* Back to it. An old failure is forgotten, but not that of a patch that is still in the kernel:
 * that it is bad, or had an oops. */
int agent_settle(struct agent *agent, struct error *err);
