/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How to enter the machine of a trial. */
#pragma once

#include "base/buf.h"
#include "lab/report/report.h"

/* Appends the command: the job's own, else one made from the trial's kernel, module and machine.
 * Words that a shell would act upon are quoted, since a guest may name its kernel as it likes. */
int shell_command_append(const struct report_job *job, struct buf *out) _warn_unused_;
