/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine must not forget: identity, time, the patch that was accepted, and the step that is
 * being taken (docs/formats.md, "Machine state"). The journal is written before each step, so that
 * after a crash it says what may have happened.
 */
#pragma once

#include "agent/state.h"
#include "base/hash.h"
#include "wire/names.h"

#define JOURNAL_FILE_MAX    ((size_t)1024 * 1024)
#define JOURNAL_HISTORY     256
#define JOURNAL_QUARANTINE  64
#define JOURNAL_SURVIVED    32  /* versions that are not watched again */
#define JOURNAL_EVIDENCE    64  /* old evidence of crashes that is remembered */
#define JOURNAL_EVIDENCE_ID 17  /* bytes of the identity of one, zero included */
#define JOURNAL_CODE_MAX    32  /* bytes of an error's name, zero included */
#define JOURNAL_EVENT_MAX   24  /* bytes of an event's name, zero included */
#define JOURNAL_MESSAGE_MAX 512 /* bytes of a message in history or quarantine, zero included */
#define JOURNAL_UUID_MAX    37

enum journal_action { JOURNAL_NONE, JOURNAL_LOAD, JOURNAL_UNLOAD };

/* A step that was begun; it has ended when `action` is JOURNAL_NONE. */
struct journal_step {
	enum journal_action action;
	struct patch_version version;
	char kernel[RELEASE_MAX + 1]; /* the one it was begun on */
	char module[MODULE_NAME_BYTES];
	char sha256[SHA256_HEX_LEN + 1]; /* of the signed module */
	char boot_id[JOURNAL_UUID_MAX];  /* the boot in which it was begun */
	bool stopped;                    /* sutured was told to end amid it: no crash */
	int64_t length;                  /* of the signed module */
	int64_t published;               /* as struct journal_accepted */
	int64_t time;
};

/* The patch that is applied again at boot; `present` false: none. */
struct journal_accepted {
	bool present;
	struct patch_version version;
	char kernel[RELEASE_MAX + 1];
	char build_id[BUILD_ID_MAX + 1];
	char module[MODULE_NAME_BYTES];
	char sha256[SHA256_HEX_LEN + 1]; /* of the signed module; also names its file */
	int64_t length;
	int64_t published; /* as signed; the module's certificate must have been valid then */
};

struct journal_quarantine {
	struct patch_version version;
	char kernel[RELEASE_MAX + 1];
	char code[JOURNAL_CODE_MAX];
	char message[JOURNAL_MESSAGE_MAX];
	int64_t time;
};

/*
 * The watch of a version that is new on this kernel, from the end of its load until `watch-time`
 * has passed. Counted in the time awake since boot, so that no clock matters: `carried_ms` were
 * watched before `began_ms` of the boot `boot_id`.
 */
struct journal_watch {
	bool present;
	struct patch_version version;
	char kernel[RELEASE_MAX + 1];
	char boot_id[JOURNAL_UUID_MAX]; /* "": the patch is in no kernel now, after a clean end */
	int64_t began_ms, carried_ms;
	int64_t since; /* when it was opened, seconds since 1970 */
	bool stopped;  /* sutured was told to end amid it, as in a shutdown */
	bool crashed;  /* the kernel's log told of an oops in the patch */
};

/* A version that survived a watch on that kernel. */
struct journal_survived {
	struct patch_version version;
	char kernel[RELEASE_MAX + 1];
};

/* Evidence of crashes that was there before the last load began: none of it is the patch's. */
struct journal_evidence {
	int64_t time;  /* when that was; seconds since 1970; 0: never */
	int64_t floor; /* `time_floor` then */
	char ids[JOURNAL_EVIDENCE][JOURNAL_EVIDENCE_ID]; /* kernel/crash.h */
	size_t n;
};

/* How far the kernel's log of that boot has been read, while a patch was in the kernel. */
struct journal_log {
	char boot_id[JOURNAL_UUID_MAX]; /* "": of none */
	int64_t next;                   /* sequence number of the next record */
};

/* A version that the machine went down with, once: it is tried a second time, later. It is
 * forgotten when that went well: a watch survived, or a load refused with the machine still there.
 */
struct journal_interrupted {
	bool present;
	struct patch_version version;
	char kernel[RELEASE_MAX + 1];
	int64_t time;
	struct journal_evidence evidence; /* as when its load began */
};

/* The last failure; none when `code` is "". */
struct journal_failure {
	char code[JOURNAL_CODE_MAX];
	char message[ERROR_MESSAGE_MAX];
	char hint[ERROR_HINT_MAX];
	int64_t time;
};

struct journal_event {
	int64_t time;
	char event[JOURNAL_EVENT_MAX];
	bool has_version;
	struct patch_version version;
	char code[JOURNAL_CODE_MAX]; /* "" when nothing failed */
	char message[JOURNAL_MESSAGE_MAX];
	bool sent; /* told to the server */
};

struct journal {
	char machine_id[JOURNAL_UUID_MAX]; /* "" while not enabled */
	char tier[TIER_MAX + 1];           /* "" while not enabled */
	int64_t sequence;                  /* of the last check-in */
	int64_t time_floor;                /* seconds since 1970 below which no clock is believed */
	enum machine_state state;
	struct journal_step step;
	struct journal_accepted accepted;
	bool has_avoid;
	struct patch_version avoid;
	bool hold;
	struct journal_interrupted interrupted;
	struct journal_watch watch;
	struct journal_evidence evidence;
	struct journal_log log;
	struct journal_survived survived[JOURNAL_SURVIVED]; /* oldest first */
	size_t n_survived;
	struct journal_failure failure;
	struct journal_quarantine quarantine[JOURNAL_QUARANTINE];
	size_t n_quarantine;
	struct journal_event history[JOURNAL_HISTORY]; /* oldest first */
	size_t n_history;
};

/* A new, empty journal; NULL without memory. The caller frees with free(). */
struct journal *journal_new(void);
/* A copy to work on; NULL without memory. */
struct journal *journal_copy(const struct journal *journal);

/* Reads a journal; a missing file gives an empty one. A damaged file is ERR_INVALID, and one of a
 * newer format ERR_UNSUPPORTED: nothing is changed then, since it cannot be known what happened. */
int journal_load(const char *path, struct journal **ret, struct error *err);
/* Parses the bytes of a journal. */
int journal_parse(const void *data, size_t len, struct journal **ret, struct error *err);
/* Checks the invariants, then replaces the file as one step (mode 0600). On failure the old file
 * holds. */
int journal_save(const struct journal *journal, const char *path, struct error *err);

/*
 * What is true of every journal: a step is open exactly while the state is `applying`; `applied`
 * has an accepted patch; an update is under way only on an enabled machine.
 * ERR_BAD_STATE says what is not so.
 */
int journal_check(const struct journal *journal, struct error *err);

/* Appends to the history, dropping the oldest. `version` and `err` may be NULL. */
void journal_add_event(struct journal *journal, const char *event,
		       const struct patch_version *version, const struct error *err);
/* The same with any code ("" for none) and message. */
void journal_add_note(struct journal *journal, const char *event,
		      const struct patch_version *version, const char *code, const char *message);
/* Remembers (or with NULL forgets) the last failure. */
void journal_set_failure(struct journal *journal, const struct error *err);
/* Puts a version into quarantine for a kernel, dropping the oldest entry when full. One that is
 * there already keeps its entry. It no longer counts as one that survived. */
void journal_add_quarantine(struct journal *journal, struct patch_version version,
			    const char *kernel, const struct error *err);
/* Did the machine go down while this version was being applied to this kernel, and nothing since?
 */
bool journal_is_interrupted(const struct journal *journal, struct patch_version version,
			    const char *kernel);
bool journal_is_quarantined(const struct journal *journal, struct patch_version version,
			    const char *kernel);
/* Lets a version be tried again on that kernel: neither quarantined nor interrupted. False if it
 * was neither. */
bool journal_forgive(struct journal *journal, struct patch_version version, const char *kernel);
/* Is this version being watched on that kernel, in whatever boot? */
bool journal_is_watched(const struct journal *journal, struct patch_version version,
			const char *kernel);
bool journal_has_survived(const struct journal *journal, struct patch_version version,
			  const char *kernel);
/* Remembers that a version survived its watch, dropping the oldest entry when full. */
void journal_add_survived(struct journal *journal, struct patch_version version,
			  const char *kernel);
