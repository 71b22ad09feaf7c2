/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a matrix remembers, in a folder:
 *
 *   results/KEY.json        one combination that was held (struct matrix_result)
 *   modules/KEY.json        what came of building one patch for one kernel (struct matrix_build)
 *   modules/KEY.ko          the module, and
 *   modules/KEY.record.json its build record, if it was built
 *   logs/PATCH/KERNEL/MACHINE/   console logs of the cases
 *   outputs/                     what suture-build printed
 *   matrix.json, record.json     the whole result, as such and as a test record
 *   lock, log, runtime           who works here, what was done when, where its guests are
 *   added/RELEASE                for each kernel that was put into the cache, and not taken out
 *
 * Each file appears as one step, so whatever is there is whole; KEY.json comes last of its kind.
 * What cannot be read, or does not follow its format, counts as missing.
 */
#pragma once

#include "base/hash.h"
#include "base/json.h"
#include "lab/trial/trial.h"

#define MATRIX_KEY_MAX  (SHA256_HEX_LEN + 1)
/* Bytes of a result's or build's JSON. */
#define MATRIX_JSON_MAX (1024 * 1024)

struct matrix_result {
	char key[MATRIX_KEY_MAX];
	struct trial trial;
	int64_t cpu_ms; /* processor time of it, the guest's included */
};

struct matrix_build {
	char key[MATRIX_KEY_MAX];
	/* Exit status of suture-build: 0 built; 3, 4 and 5 refused, with its reason. */
	int status;
	char reason[ERROR_MESSAGE_MAX];
	char build_id[65];                  /* of the kernel */
	char module_sha256[MATRIX_KEY_MAX]; /* "" unless built */
	int64_t ms, cpu_ms;
};

struct matrix_store;

/* Opens the memory of a folder, which is made if missing, for this process alone. ERR_BAD_STATE:
 * another process works with it. */
int matrix_store_open(const char *dir, struct matrix_store **ret, struct error *err);
void matrix_store_free(struct matrix_store *store);
DEFINE_CLEANUP(struct matrix_store *, matrix_store_free);
const char *matrix_store_dir(const struct matrix_store *store);

/* ERR_NOT_FOUND for what is not there; another error for what is there and damaged. */
int matrix_store_get_result(const struct matrix_store *store, const char *key,
			    struct matrix_result *ret, struct error *err);
int matrix_store_put_result(const struct matrix_store *store, const struct matrix_result *result,
			    struct error *err);
/* A module that was built must be there with the hash that the build names, and its record, unless
 * it lies elsewhere: `module_elsewhere`. */
int matrix_store_get_build(const struct matrix_store *store, const char *key, bool module_elsewhere,
			   struct matrix_build *ret, struct error *err);
int matrix_store_put_build(const struct matrix_store *store, const struct matrix_build *build,
			   struct error *err);

/* "results", key, ".json": the path of a file here. The caller frees; NULL without memory. */
char *matrix_store_path(const struct matrix_store *store, const char *folder, const char *key,
			const char *suffix);

/* As JSON, also through a worker's pipe. The readers take any value: ERR_INVALID. */
int matrix_result_to_json(const struct matrix_result *result, json_t **ret, struct error *err);
int matrix_result_from_json(const json_t *json, struct matrix_result *ret, struct error *err);
int matrix_build_to_json(const struct matrix_build *build, json_t **ret, struct error *err);
int matrix_build_from_json(const json_t *json, struct matrix_build *ret, struct error *err);
