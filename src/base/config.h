/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Configuration files: `key = value` lines, '#' comments, a fixed table of keys. An unknown key, a
 * key said twice or a bad value is an error that names file, line and the allowed values. A file
 * may have sections, `[kind]` or `[kind NAME]`, with a table for each kind.
 */
#pragma once

#include "base/error.h"

enum config_type { CONFIG_STRING, CONFIG_BOOL, CONFIG_INT, CONFIG_ENUM };

#define CONFIG_FILE_MAX  (256 * 1024)
#define CONFIG_VALUE_MAX 4096

struct config_key {
	const char *name; /* NULL ends the table */
	enum config_type type;
	const char *fallback; /* value when the key is absent; NULL: none */
	int64_t min, max;     /* CONFIG_INT */
	const char *choices;  /* CONFIG_ENUM: "a|b|c" */
	const char *help;     /* for suture.conf(5) and `config` */
};

struct config;

/* Reads a file by its table; a missing file gives all fallbacks. Caller frees with config_free().
 */
int config_load(const char *path, const struct config_key *keys, struct config **ret,
		struct error *err);
void config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free);

/* Values; strings belong to the config; NULL where there is neither value nor fallback. */
const char *config_str(const struct config *config, const char *key);
bool config_bool(const struct config *config, const char *key);
int64_t config_int(const struct config *config, const char *key);
/* Checks one value against the table without changing anything. */
int config_check(const struct config_key *keys, const char *key, const char *value,
		 struct error *err);
/* Sets (or with NULL removes) one key in the file, keeping comments and order; atomic. */
int config_save_key(const char *path, const struct config_key *keys, const char *key,
		    const char *value, struct error *err);

/* A kind of section. */
struct config_kind {
	const char *name; /* NULL ends the table */
	bool named;       /* `[kind NAME]`, any number of them; otherwise `[kind]`, once */
	const struct config_key *keys;
};

/* Bytes of a section's name, which is of A-Z a-z 0-9 . _ - and begins with a letter or digit. */
#define CONFIG_NAME_MAX     32
#define CONFIG_SECTIONS_MAX 256

struct config_section {
	const struct config_kind *kind;
	char name[CONFIG_NAME_MAX + 1]; /* "" for a kind that is not named */
	unsigned line;
	struct config *values;
};

struct config_sections {
	struct config_section *items; /* in the file's order */
	size_t n;
};

/*
 * Reads the text of a file with sections, any bytes up to CONFIG_FILE_MAX. Nothing but comments may
 * stand before the first section, and no section may be said twice. Errors name the line.
 */
int config_parse_sections(const void *text, size_t len, const struct config_kind *kinds,
			  struct config_sections *ret, struct error *err);
void config_sections_free(struct config_sections *sections);
#define _cleanup_config_sections_ _cleanup_(config_sections_free)
