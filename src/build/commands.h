/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of suture-build, one function each (see cli_run_fn), and its exit statuses. */
#pragma once

#include "base/cli.h"

enum {
	BUILD_EXIT_NO_CHANGE = 3,
	BUILD_EXIT_NOT_PATCHABLE = 4,
	BUILD_EXIT_MISMATCH = 5,
};

extern const struct cli_option build_diff_options[];
int build_cmd_diff(struct cli *cli, struct error *err);

extern const struct cli_option build_inspect_options[];
int build_cmd_inspect(struct cli *cli, struct error *err);

extern const struct cli_option build_kernel_add_options[];
extern const struct cli_option build_kernel_newest_options[];
int build_cmd_kernel_add(struct cli *cli, struct error *err);
int build_cmd_kernel_newest(struct cli *cli, struct error *err);
int build_cmd_kernel_list(struct cli *cli, struct error *err);
int build_cmd_kernel_show(struct cli *cli, struct error *err);
int build_cmd_kernel_remove(struct cli *cli, struct error *err);

extern const struct cli_option build_module_options[];
int build_cmd_module(struct cli *cli, struct error *err);
extern const struct cli_option build_patch_options[];
int build_cmd_patch(struct cli *cli, struct error *err);
extern const struct cli_option build_check_options[];
int build_cmd_check(struct cli *cli, struct error *err);

extern const struct cli_option build_prove_options[];
int build_cmd_prove(struct cli *cli, struct error *err);
