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

/* A load that the machine went down in, once: it is tried a second time, later. */
struct journal_interrupted {
	bool present;
	struct patch_version version;
	char kernel[RELEASE_MAX + 1];
	int64_t time;
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
/* Remembers (or with NULL forgets) the last failure. */
void journal_set_failure(struct journal *journal, const struct error *err);
/* Puts a version into quarantine for a kernel, dropping the oldest entry when full. */
void journal_add_quarantine(struct journal *journal, struct patch_version version,
			    const char *kernel, const struct error *err);
/* Did the machine go down while this version was being applied to this kernel, and nothing since?
 */
bool journal_is_interrupted(const struct journal *journal, struct patch_version version,
			    const char *kernel);
bool journal_is_quarantined(const struct journal *journal, struct patch_version version,
			    const char *kernel);
