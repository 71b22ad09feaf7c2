/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `custom` of a module's target in a tier's role, and the paths of targets (docs/formats.md,
 * "Repository").
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "wire/names.h"

#define TARGET_CUSTOM_MAX_CVES         256
#define TARGET_CUSTOM_MAX_ATTESTATIONS 16
#define TARGET_PATH_MAX                512

/* All strings are owned by the struct and follow the rules of src/wire/names.h. */
struct target_custom {
	char *version;  /* "MAJOR.MINOR" */
	char *kernel;   /* release */
	char *build_id; /* of the kernel image */
	int64_t published;
	char *severity; /* critical, high, medium, low, none */
	char **cves;    /* sorted */
	size_t n_cves;
	int64_t record_length; /* bytes of the build record beside the module */
	char record_sha256[SHA256_HEX_LEN + 1];
	char (*attestations)[SHA256_HEX_LEN + 1];
	size_t n_attestations;
};

/* Checks every field. The caller frees with target_custom_free(). ERR_INVALID. */
int target_custom_parse(const json_t *custom, struct target_custom **ret, struct error *err);
/* A new JSON object in *ret, the caller's. Refuses what target_custom_parse() would refuse. */
int target_custom_write(const struct target_custom *custom, json_t **ret, struct error *err);
void target_custom_free(struct target_custom *custom);
DEFINE_CLEANUP(struct target_custom *, target_custom_free);
#define _cleanup_target_custom_ _cleanup_(target_custom_freep)

/* "<tier>/<release>/<build id>/": the prefix for tuf_role_list(). ERR_INVALID when a part breaks
 * its rule. (target_path() of names.h makes whole paths.) */
int target_folder(const char *tier, const char *kernel, const char *build_id,
		  char ret[static TARGET_PATH_MAX], struct error *err);

/* The parts of "<tier>/<release>/<build id>/<module>.ko". */
struct target_path_parts {
	char tier[TIER_MAX + 1];
	char kernel[RELEASE_MAX + 1];
	char build_id[BUILD_ID_MAX + 1];
	char module[MODULE_NAME_BYTES];
};
/* ERR_INVALID when the path has another shape or a part breaks its rule. */
int target_path_parse(const char *path, struct target_path_parts *ret, struct error *err);

/* Path of the recall list's target. */
#define TARGET_RECALL_PATH   "recall/recall.json"
#define TARGET_RECALL_ROLE   "recall"
/* The role of attestations and sources, "evidence/<release>/<build id>/<file>": machines do not
 * load it. */
#define TARGET_EVIDENCE_ROLE "evidence"
