/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of suture, one function each (see cli_run_fn). */
#pragma once

#include "base/cli.h"

int verb_enable(struct cli *cli, struct error *err);
int verb_disable(struct cli *cli, struct error *err);
int verb_refresh(struct cli *cli, struct error *err);
int verb_rollback(struct cli *cli, struct error *err);
int verb_retry(struct cli *cli, struct error *err);
int verb_hold(struct cli *cli, struct error *err);
int verb_unhold(struct cli *cli, struct error *err);
int verb_status(struct cli *cli, struct error *err);
int verb_history(struct cli *cli, struct error *err);
int verb_check(struct cli *cli, struct error *err);
int verb_blocking(struct cli *cli, struct error *err);
int verb_uname(struct cli *cli, struct error *err);
