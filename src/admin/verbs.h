/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of suture-admin; each is a cli_run_fn. */
#pragma once

#include "base/cli.h"

int verb_login(struct cli *cli, struct error *err);
int verb_logout(struct cli *cli, struct error *err);
int verb_token_create(struct cli *cli, struct error *err);
int verb_token_list(struct cli *cli, struct error *err);
int verb_token_revoke(struct cli *cli, struct error *err);
int verb_machine_list(struct cli *cli, struct error *err);
int verb_machine_show(struct cli *cli, struct error *err);
int verb_machine_forget(struct cli *cli, struct error *err);

/* "90", "90s", "15m", "12h", "7d" in seconds; 1 second to 366 days. ERR_USAGE. */
int admin_parse_span(const char *text, int64_t *ret, struct error *err);
/* The URL that a trust bundle names and the hash of its bytes, as a token carries them. */
struct token;
int admin_read_bundle(const char *path, struct token *token, struct error *err);
