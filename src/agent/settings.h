/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/suture/suture.conf: what only root of this machine decides. */
#pragma once

#include "base/config.h"

extern const struct config_key settings_keys[];

/* Where everything is, below $SUTURE_ROOT (empty on a real machine). All strings are owned. */
struct settings_paths {
	char *root;    /* prefix, "" or an absolute folder without final slash */
	char *config;  /* /etc/suture/suture.conf */
	char *state;   /* /var/lib/suture */
	char *journal; /* /var/lib/suture/journal.json */
	char *trust;   /* /var/lib/suture/trust */
	char *modules; /* /var/lib/suture/modules */
	char *run;     /* /run/suture */
	char *status;  /* /run/suture/status.json */
	char *control; /* /run/suture/control.sock */
	char *fetch;   /* /run/suture/fetch.sock */
};

/* Works them out from `root` ($SUTURE_ROOT, or NULL). ERR_INVALID when it is not absolute. */
int settings_paths_init(struct settings_paths *paths, const char *root, struct error *err);
void settings_paths_clear(struct settings_paths *paths);
