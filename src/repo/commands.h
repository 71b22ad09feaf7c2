/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of suture-repo; see main.c for their tables. */
#pragma once

#include "base/cli.h"
#include "repo/evidence.h"
#include "repo/repository.h"

#define MODULE_FILE_MAX ((size_t)64 * 1024 * 1024) /* a livepatch module */
#define PEM_FILE_MAX    ((size_t)64 * 1024)

/* Opens the repository of the first argument, as it is published, without offline keys. */
int command_open(const struct cli *cli, struct repository **ret, struct error *err);
/* The same with the keys of --keys, the passphrases of --passphrase-file and the PIN of --pin-file,
 * or what is typed on the terminal. */
int command_open_keys(const struct cli *cli, struct repository **ret, struct error *err);
/* The same to change it, with --pending: roles may wait for signatures. ERR_BAD_STATE when an
 * earlier change does. */
int command_open_change(const struct cli *cli, struct repository **ret, struct error *err);
/* The same with what waits for signatures. */
int command_open_pending(const struct cli *cli, struct repository **ret, struct error *err);
/* The same of a folder that somebody handed over (repository.h), with the root of --root. */
int command_open_handed_over(const struct cli *cli, struct repository **ret, struct error *err);
/* Says what is still waited for after a commit; the exit status. */
int command_done(const struct repository *repo);
/* Is there what the tier demands about a module (settings.h)? ERR_DENIED says what is missing. */
int command_check_demands(const struct repository *repo, const char *tier,
			  const struct attestation_subject *subject, struct error *err);
/* The passphrase for new keys, of --passphrase-file; NULL without it. `demanded`: asked for, twice,
 * on the terminal then, or ERR_DENIED. */
int command_new_passphrase(const struct cli *cli, bool demanded, char **ret, struct error *err);
/* A whole file as text (PEM), at most PEM_FILE_MAX; the caller frees. */
int command_read_text(const char *path, char **ret, struct error *err);
/* Are these bytes a file of the kind that a command writes? */
typedef bool (*command_kind_fn)(const void *data, size_t len);
/* Writes what -o names, mode 0644, as one step. Only a file of the same kind is replaced; for any
 * other that is there ERR_EXISTS. */
int command_write_output(const char *path, const struct buf *data, command_kind_fn is_kind,
			 struct error *err);
/* Wipes and frees text that may be secret. */
void command_wipe_text(char **text);
#define _cleanup_secret_ _cleanup_(command_wipe_text)

int cmd_init(struct cli *cli, struct error *err);
int cmd_key_generate(struct cli *cli, struct error *err);
int cmd_key_import(struct cli *cli, struct error *err);
int cmd_key_revoke(struct cli *cli, struct error *err);
int cmd_key_list(struct cli *cli, struct error *err);
int cmd_module_sign(struct cli *cli, struct error *err);
int cmd_module_verify(struct cli *cli, struct error *err);
int cmd_add(struct cli *cli, struct error *err);
int cmd_attest(struct cli *cli, struct error *err);
int cmd_config(struct cli *cli, struct error *err);
int cmd_promote(struct cli *cli, struct error *err);
int cmd_unlist(struct cli *cli, struct error *err);
int cmd_recall(struct cli *cli, struct error *err);
int cmd_refresh(struct cli *cli, struct error *err);
int cmd_sign(struct cli *cli, struct error *err);
int cmd_rotate(struct cli *cli, struct error *err);
int cmd_verify(struct cli *cli, struct error *err);
int cmd_trust_bundle(struct cli *cli, struct error *err);
int cmd_publish(struct cli *cli, struct error *err);
int cmd_export(struct cli *cli, struct error *err);
int cmd_import(struct cli *cli, struct error *err);
