// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report/shell_command.h"

#include <stdio.h>

#include "lab/report/markup.h"

static int append_option(struct buf *out, const char *option, const char *value)
{
	int r = buf_printf(out, " --%s ", option);

	return r < 0 ? r : markup_shell_word(out, value);
}

/* "TYPE, N cpus, N MB, ACCEL CPU, secure boot", the last two parts optional; what differs from the
 * options' defaults. Any other text adds nothing. */
static int append_machine(struct buf *out, const char *machine)
{
	char type[32], cpus[8], memory[8], accel[32], cpu[64] = "";
	int r = 0;

	if (sscanf(machine, "%31[^,], %7[0-9] cpu%*[s,] %7[0-9] MB, %31[^, ] %63[^,]", type, cpus,
		   memory, accel, cpu) < 4)
		return 0;
	if (!streq(type, "pc"))
		r = append_option(out, "machine", type);
	if (r == 0 && !streq(cpus, "1"))
		r = append_option(out, "cpus", cpus);
	if (r == 0 && !streq(memory, "512"))
		r = append_option(out, "memory", memory);
	if (r == 0 && !streq(accel, "tcg"))
		r = append_option(out, "accel", accel);
	if (r == 0 && cpu[0])
		r = append_option(out, "cpu", cpu);
	if (r == 0 && str_has_suffix(machine, ", secure boot"))
		r = buf_append_str(out, " --secure-boot");
	return r;
}

int shell_command_append(const struct report_job *job, struct buf *out)
{
	int r;

	if (job->shell)
		return buf_append_str(out, job->shell);
	r = buf_append_str(out, "suture-lab shell");
	if (r == 0)
		r = append_option(out, "kernel", report_kernel(job));
	if (r == 0 && job->trial && job->trial->module[0])
		r = append_option(out, "module", job->trial->module);
	return r < 0 || !job->trial ? r : append_machine(out, job->trial->machine);
}
