/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The build record: what a patch is, and the code that it was made for (docs/formats.md, "Build
 * record"). suture-build writes it, suture-repo and sutured read it.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "wire/names.h"

#define RECORD_MAX               ((size_t)4 * 1024 * 1024)
#define RECORD_OBJECTS_MAX       256
#define RECORD_FUNCTIONS_MAX     4096 /* of one object */
#define RECORD_MASKS_MAX         4096 /* of one function */
#define RECORD_NEW_FUNCTIONS_MAX 4096
#define RECORD_PATCHES_MAX       256
#define RECORD_INPUTS_MAX        8192
#define RECORD_INPUT_NAME_MAX    1023
#define RECORD_CVES_MAX          256
#define RECORD_STATES_MAX        256
#define RECORD_STATE_ID_MAX      ((INT64_C(1) << 53) - 1)
#define RECORD_VERMAGIC_MAX      255
#define RECORD_TEXT_MAX          255 /* bytes of `compiler`, `tool` and a patch's name */
#define RECORD_SYMBOL_MAX        511 /* bytes of a function's name (KSYM_NAME_LEN less its zero) */
#define RECORD_FUNCTION_SIZE_MAX (1024 * 1024)
#define RECORD_SYMPOS_MAX        65536

/* Bytes that linking or the running kernel may change. */
struct record_mask {
	uint32_t offset, length;
};

/* A function as shipped, before it is replaced. */
struct record_function {
	char *name;
	uint32_t sympos; /* 1-based over all kallsyms names of the object in address order; 0:
			    the name is unique */
	uint32_t size;   /* bytes, 1 to RECORD_FUNCTION_SIZE_MAX */
	struct record_mask *mask; /* ascending, apart, within `size` */
	size_t n_mask;
	char sha256[SHA256_HEX_LEN + 1]; /* of the bytes with every masked byte 0 */
};

struct record_object {
	char name[MODULE_NAME_BYTES]; /* "vmlinux", or a module's name with underscores */
	char build_id[BUILD_ID_MAX + 1];
	struct record_function *functions; /* at least one, unless it has callbacks */
	size_t n_functions;
	bool callbacks; /* code of the patch runs before or after it is patched or unpatched */
};

/* What the patch changes in the system's state (struct klp_state of the kernel). */
struct record_state {
	int64_t id; /* 1 to RECORD_STATE_ID_MAX */
	uint32_t version;
};

/* A file that the patch was made from. */
struct record_file {
	char *name;
	char sha256[SHA256_HEX_LEN + 1];
};

/* All pointers are owned. */
struct record {
	char kernel[RELEASE_MAX + 1];
	char build_id[BUILD_ID_MAX + 1];
	char version[PATCH_VERSION_MAX];
	char module[MODULE_NAME_BYTES];
	char vermagic[RECORD_VERMAGIC_MAX + 1];
	char module_sha256[SHA256_HEX_LEN + 1]; /* before it is signed */
	char severity[16];
	char **cves; /* sorted */
	size_t n_cves;
	struct record_object *objects; /* at least one */
	size_t n_objects;
	struct record_state *states; /* each id once */
	size_t n_states;
	char **new_functions; /* exist only in the patch */
	size_t n_new_functions;
	struct record_file *patches; /* source patches, or the sources of a hand-written module, in
					order, at least one; names without folders */
	size_t n_patches;
	struct record_file *inputs; /* everything else that the module's bytes depend on */
	size_t n_inputs;
	char compiler[RECORD_TEXT_MAX + 1]; /* first line of its --version */
	char tool[RECORD_TEXT_MAX + 1];     /* "suture-build <version>" */
	int64_t compared, equal;            /* functions of the run-pre comparison */
};

/* Reads and checks every field. The caller frees with record_free(). ERR_INVALID names the field;
 * ERR_TOO_LARGE over RECORD_MAX, ERR_UNSUPPORTED (a higher format), ERR_NO_MEMORY. */
int record_parse(const void *data, size_t len, struct record **ret, struct error *err);
/* Appends the file's bytes, deterministic; refuses what record_parse() would refuse. */
int record_write(const struct record *record, struct buf *out, struct error *err);

/*
 * The part of a record that says what code is (docs/formats.md, "Code record"): of `record` only
 * kernel, build_id, objects, compared and equal count. Errors as above.
 */
int record_parse_code(const void *data, size_t len, struct record **ret, struct error *err);
int record_write_code(const struct record *record, struct buf *out, struct error *err);

/* What a module itself says of its record, in its .modinfo, which its signature covers: the result
 * of record_code_sha256(). */
#define RECORD_CODE_KEY "suture_code"
/*
 * The SHA-256 of what a record says of code and state: kernel, build ID, objects and states
 * (docs/formats.md, "Signed module"). ERR_INVALID (not UTF-8), ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int record_code_sha256(const struct record *record, char ret[static SHA256_HEX_LEN + 1],
		       struct error *err);
/* Is it of this record that a module says `said` (NULL: it says nothing)? ERR_HASH. */
int record_check_code(const struct record *record, const char *said, struct error *err);

void record_free(struct record *record);
/* Does the patch have callbacks or states? Then another version cannot simply take its place on the
 * way back: its callbacks would not run. */
bool record_has_effects(const struct record *record);
DEFINE_CLEANUP(struct record *, record_free);
#define _cleanup_record_ _cleanup_(record_freep)
