/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine says of itself in every message (docs/formats.md, "Machine and server"). */
#pragma once

#include "base/json.h"
#include "wire/names.h"

#define AGENT_MAX    64 /* bytes of `agent` */
#define UUID_LEN     36
#define MACHINE_ARCH "x86_64"

struct machine_facts {
	char agent[AGENT_MAX + 1]; /* version of the program */
	char kernel[RELEASE_MAX + 1];
	char build_id[BUILD_ID_MAX + 1];
	char tier[TIER_MAX + 1];
};

/* Reads `agent`, `arch`, `kernel`, `build_id` and `tier` from a message. ERR_INVALID names the
 * field; ERR_UNSUPPORTED for another architecture. */
int machine_facts_parse(const json_t *object, struct machine_facts *ret, struct error *err);
/* Adds the same five. 0 or -1, as jansson has it. */
int machine_facts_add(json_t *object, const struct machine_facts *facts);

enum machine_state {
	MACHINE_UNAPPLIED,
	MACHINE_DOWNLOADING,
	MACHINE_VERIFYING,
	MACHINE_APPLYING,
	MACHINE_APPLIED,
	MACHINE_REFUSED,
	MACHINE_FAILED,
	MACHINE_REVERTED,
	MACHINE_QUARANTINED,
	MACHINE_STATES, /* how many there are */
};

/* "unapplied", "downloading", …; static storage. */
const char *machine_state_name(enum machine_state state);
/* ERR_INVALID for any other word. */
int machine_state_parse(const char *text, enum machine_state *ret);

/* The verdict on the running code. */
enum code_check {
	CODE_CHECK_NONE,
	CODE_CHECK_EQUAL,
	CODE_CHECK_DIFFERENT,
	CODE_CHECK_UNREADABLE,
	CODE_CHECKS,
};

const char *code_check_name(enum code_check check);
int code_check_parse(const char *text, enum code_check *ret);
