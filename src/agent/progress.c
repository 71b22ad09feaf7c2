/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/progress.h"

#include <stdio.h>

#include "agent/status.h"
#include "base/clock.h"
#include "kernel/transition.h"

#define COUNT_MS    1000 /* at least, between two counts */
#define COUNT_SHARE 20   /* and at least so many times as long as one takes */
#define WHO_MAX     320

/* Are they enough to say how far it is? */
static bool is_telling(const struct kernel_task_count *count)
{
	return count->unreadable <= count->tasks / 2;
}

static void note(struct agent *agent, const struct kernel_task_count *count)
{
	if (!is_telling(count))
		return;
	if (count->tasks == agent->transition_tasks && count->changed == agent->transition_changed)
		return;
	agent->transition_tasks = count->tasks;
	agent->transition_changed = count->changed;
	status_publish(agent, NULL);
}

/* Returns when to count again, in milliseconds from now. */
static int64_t count_tasks(struct agent *agent, bool in)
{
	int64_t began = clock_monotonic_ms();
	struct kernel_task_count count;

	if (kernel_transition_count(agent->paths.root, in, &count, NULL) == 0)
		note(agent, &count);
	return MAX((clock_monotonic_ms() - began) * COUNT_SHARE, (int64_t)COUNT_MS);
}

static int explain(struct agent *agent, const char *module, int timeout_ms, struct error *err)
{
	_cleanup_kernel_transition_ struct kernel_transition transition = { 0 };
	char who[WHO_MAX] = "", counted[64] = "";

	if (kernel_transition_read(agent->paths.root, &transition, NULL) == 0 &&
	    streq(transition.livepatch, module)) {
		note(agent, &transition.count);
		if (is_telling(&transition.count))
			snprintf(counted, sizeof(counted), ", with %zu of %zu tasks changed",
				 transition.count.changed, transition.count.tasks);
		kernel_transition_describe(&transition, who, sizeof(who));
	}
	error_set(err, ERR_STUCK, "livepatch %s: transition not finished after %d s%s%s%s", module,
		  timeout_ms / 1000, counted, who[0] ? "; it waited for " : "", who);
	error_hint(err,
		   "end or restart what stays in a function of the patch, or give it more time "
		   "(transition-timeout), then `suture refresh`");
	return ERR_STUCK;
}

int progress_wait(struct agent *agent, const char *module, bool in, int timeout_ms,
		  struct error *err)
{
	int64_t end = clock_monotonic_ms() + timeout_ms, pause = COUNT_MS, left = timeout_ms;
	struct error failure;
	int r;

	agent->transition_tasks = agent->transition_changed = 0;
	for (;;) {
		failure = (struct error){ 0 };
		r = kernel_livepatch_wait(agent->paths.root, module, in, (int)MIN(left, pause),
					  agent->cancel_fd, &failure);
		if (r != ERR_STUCK)
			break;
		left = end - clock_monotonic_ms();
		if (left <= 0)
			return explain(agent, module, timeout_ms, err);
		pause = count_tasks(agent, in);
	}
	if (r < 0 && err)
		*err = failure;
	return r;
}
