/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build module: a hand-written livepatch. */
#include "base/clock.h"
#include "build/commands.h"
#include "build/patch/handmade.h"
#include "build/patch/link.h"
#include "build/output/output.h"
#include "build/session.h"

const struct cli_option build_module_options[] = { SESSION_OPTIONS, SESSION_OUTPUT_OPTIONS, { 0 } };

int build_cmd_module(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session s = { 0 };
	_cleanup_buf_ struct buf module = BUF_INIT(LINK_MODULE_MAX);
	_cleanup_buf_ struct buf record = BUF_INIT(RECORD_MAX);
	int64_t start = clock_monotonic_ms();
	struct build_options options;
	int r = build_options_read(cli, &options, err);

	if (r == 0)
		r = session_check_outputs(cli, err);
	if (r == 0)
		r = session_open(cli, false, &s, err);
	if (r == 0)
		r = handmade_build(s.analysis, s.arguments, s.argument_count, &options, &module,
				   &record, err);
	if (r == 0)
		r = session_write(cli, &module, &record, err);
	if (r == 0)
		output_done(start, "wrote %s", cli_get(cli, "output"));
	return session_end(r, &s, err);
}
