/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/watch.h"

#include <stdio.h>

#include "agent/ending.h"
#include "base/clock.h"
#include "base/log.h"
#include "kernel/crash.h"
#include "wire/event.h"

_Static_assert(JOURNAL_EVIDENCE == KERNEL_CRASHES_MAX, "as much is remembered as is found");
_Static_assert(JOURNAL_EVIDENCE_ID == KERNEL_CRASH_ID_MAX, "the same identities");

/* Seconds by which a file of a crash may seem older than it is. */
#define FILE_TIME_SLACK 2

/* What the machine may have gone down with. */
struct subject {
	struct patch_version version;
	char kernel[RELEASE_MAX + 1];
	const char *amid; /* "was being applied" */
	bool stopped;     /* sutured was told to end */
	bool crashed;     /* the kernel's log had told of an oops in it */
};

static void note_known(const struct agent *agent, struct journal_evidence *e)
{
	struct kernel_crashes *found = calloc(1, sizeof(*found));

	if (!found)
		return;
	kernel_crash_find(agent->paths.root, found);
	e->n = 0;
	for (size_t i = 0; i < found->n; i++)
		memcpy(e->ids[e->n++], found->items[i].id, KERNEL_CRASH_ID_MAX);
	free(found);
}

void watch_note_evidence(const struct agent *agent, struct journal *draft)
{
	struct journal_evidence *e = &draft->evidence;

	*e = (struct journal_evidence){ .time = MAX(INT64_C(1), clock_now()),
					.floor = draft->time_floor };
	note_known(agent, e);
}

/* File times tell only if the clock was right at the load, as far as can be known: not below what
 * it must be, and not ahead of now. */
static bool is_new(const struct journal_evidence *e, const struct kernel_crash *crash)
{
	bool clock = e->time >= e->floor && e->time <= clock_now();

	for (size_t i = 0; i < e->n; i++)
		if (streq(e->ids[i], crash->id))
			return false;
	return !clock || crash->time >= e->time - FILE_TIME_SLACK;
}

/* The worst that has come since a load began; what it says into `ret_text`. */
static enum ending_evidence find_evidence(const struct agent *agent,
					  const struct journal_evidence *known, char *ret_text,
					  size_t size)
{
	struct kernel_crashes *found = calloc(1, sizeof(*found));
	enum kernel_trouble worst = KERNEL_TROUBLE_NONE;

	ret_text[0] = 0;
	if (!found)
		return ENDING_NOTHING;
	kernel_crash_find(agent->paths.root, found);
	for (size_t i = 0; i < found->n; i++) {
		const struct kernel_crash *crash = &found->items[i];

		if (crash->trouble <= worst || !is_new(known, crash))
			continue;
		worst = crash->trouble;
		snprintf(ret_text, size, "%s (%s)",
			 crash->headline[0] ? crash->headline : kernel_trouble_name(worst),
			 crash->where);
	}
	free(found);
	if (worst == KERNEL_TROUBLE_NONE)
		return ENDING_NOTHING;
	return worst == KERNEL_TROUBLE_PANIC ? ENDING_CRASH : ENDING_OOPS;
}

void watch_drop(struct journal *draft, struct patch_version version)
{
	if (draft->watch.present && patch_version_compare(draft->watch.version, version) == 0)
		draft->watch = (struct journal_watch){ 0 };
}

/* Never again on this kernel, as far as it goes by itself. */
static void quarantine(struct journal *draft, const struct subject *s, struct error *why)
{
	char version[PATCH_VERSION_MAX];

	patch_version_format(s->version, version);
	error_hint(why,
		   "a newer version is applied when it comes; `suture retry %s` lets this one "
		   "be tried again",
		   version);
	if (!journal_is_quarantined(draft, s->version, s->kernel))
		journal_add_event(draft, EVENT_QUARANTINED, &s->version, why);
	journal_add_quarantine(draft, s->version, s->kernel, why);
	journal_set_failure(draft, why);
	if (journal_is_interrupted(draft, s->version, s->kernel))
		draft->interrupted = (struct journal_interrupted){ 0 };
	if (draft->accepted.present && streq(draft->accepted.kernel, s->kernel) &&
	    patch_version_compare(draft->accepted.version, s->version) == 0)
		draft->accepted.present = false;
	watch_drop(draft, s->version);
	draft->state = MACHINE_QUARANTINED;
	log_error("%s", why->message);
}

static void hold_crash_against(struct journal *draft, const struct subject *s, const char *evidence)
{
	char version[PATCH_VERSION_MAX];
	struct error why = { 0 };

	patch_version_format(s->version, version);
	error_set(&why, ERR_CRASHED, "the kernel crashed while patch %s %s: %s", version, s->amid,
		  evidence[0] ? evidence : "an oops in the patch");
	/* One that the log told of was written down as it happened. */
	if (!s->crashed)
		journal_add_event(draft, EVENT_CRASHED, &s->version, &why);
	quarantine(draft, s, &why);
}

static void hold_end_against(struct journal *draft, const struct subject *s, bool again)
{
	char version[PATCH_VERSION_MAX];
	struct error why = { 0 };

	patch_version_format(s->version, version);
	error_set(&why, ERR_INTERRUPTED, "the machine went down while patch %s %s", version,
		  s->amid);
	journal_add_event(draft, EVENT_INTERRUPTED, &s->version, &why);
	if (again) {
		error_set(&why, ERR_QUARANTINED, "the machine went down twice while patch %s %s",
			  version, s->amid);
		quarantine(draft, s, &why);
		return;
	}
	error_hint(&why, "it is tried once more, some minutes after boot");
	draft->interrupted = (struct journal_interrupted){ .present = true,
							   .version = s->version,
							   .time = clock_now(),
							   .evidence = draft->evidence };
	memcpy(draft->interrupted.kernel, s->kernel, sizeof(s->kernel));
	watch_drop(draft, s->version);
	draft->state = MACHINE_FAILED;
	journal_set_failure(draft, &why);
	log_error("%s", why.message);
}

/* The patch is in no kernel now; its watch goes on when it is again. */
static void pause_watch(struct journal *draft)
{
	struct journal_watch *w = &draft->watch;

	if (!w->stopped)
		w->carried_ms = 0;
	w->boot_id[0] = 0;
	w->began_ms = 0;
	w->stopped = w->crashed = false;
}

static enum ending_verdict judge(const struct agent *agent, struct journal *draft,
				 const struct subject *s)
{
	char text[KERNEL_REPORT_HEADLINE_MAX + 32];
	struct ending_facts facts = {
		.evidence = find_evidence(agent, &draft->evidence, text, sizeof(text)),
		.stopped = s->stopped,
		.again = journal_is_interrupted(draft, s->version, s->kernel),
	};
	enum ending_verdict verdict;

	if (s->crashed)
		facts.evidence = MAX(facts.evidence, ENDING_OOPS);
	verdict = ending_judge(&facts);
	if (verdict == ENDING_CRASHED)
		hold_crash_against(draft, s, text);
	else if (verdict != ENDING_CLEAN)
		hold_end_against(draft, s, verdict == ENDING_TWICE);
	/* Not also against a version that waits for its second try. */
	if (verdict == ENDING_CRASHED && draft->interrupted.present)
		note_known(agent, &draft->interrupted.evidence);
	/* Also of another version than the one that is blamed. */
	if (draft->watch.present)
		pause_watch(draft);
	return verdict;
}

void watch_judge_step(const struct agent *agent, struct journal *draft)
{
	struct journal_step step = draft->step;
	const struct journal_watch *w = &draft->watch;
	bool out = step.action == JOURNAL_UNLOAD;
	struct subject s = {
		.version = step.version,
		.amid = out ? "was being taken out" : "was being applied",
		/* What was on its way out is not tried again; only a crash is held against it. */
		.stopped = step.stopped || out,
		.crashed = w->crashed && journal_is_watched(draft, step.version, step.kernel),
	};

	memcpy(s.kernel, step.kernel, sizeof(s.kernel));
	draft->step = (struct journal_step){ 0 };
	if (judge(agent, draft, &s) != ENDING_CLEAN)
		return;
	draft->state = out ? MACHINE_REVERTED : MACHINE_UNAPPLIED;
	if (journal_is_quarantined(draft, step.version, step.kernel))
		draft->state = MACHINE_QUARANTINED;
	journal_add_event(draft, out ? EVENT_REVERTED : EVENT_STOPPED, &step.version, NULL);
	if (out)
		watch_drop(draft, step.version);
}

static int judge_watch(struct agent *agent, struct error *err)
{
	struct journal *draft = agent_draft(agent, err);
	struct subject s = { .amid = "was watched" };

	if (!draft)
		return ERR_NO_MEMORY;
	s.version = draft->watch.version;
	s.stopped = draft->watch.stopped;
	s.crashed = draft->watch.crashed;
	memcpy(s.kernel, draft->watch.kernel, sizeof(s.kernel));
	judge(agent, draft, &s);
	agent_commit_done(agent, draft);
	return 0;
}

int watch_boot(struct agent *agent, struct error *err)
{
	const struct journal_watch *w = &agent->journal->watch;
	struct journal *draft;

	if (!w->present || !w->boot_id[0])
		return 0;
	if (!streq(w->boot_id, agent->facts.boot_id))
		return judge_watch(agent, err);
	if (!w->stopped)
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	draft->watch.stopped = false;
	return agent_commit(agent, draft, err);
}

int watch_look_again(struct agent *agent, struct error *err)
{
	const struct journal_interrupted *i = &agent->journal->interrupted;
	char text[KERNEL_REPORT_HEADLINE_MAX + 32];
	struct subject s = { .amid = "was new" };
	struct journal *draft;

	if (!i->present || journal_is_watched(agent->journal, i->version, i->kernel) ||
	    find_evidence(agent, &i->evidence, text, sizeof(text)) == ENDING_NOTHING)
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	s.version = i->version;
	memcpy(s.kernel, i->kernel, sizeof(s.kernel));
	hold_crash_against(draft, &s, text);
	return agent_commit(agent, draft, err);
}

void watch_open(const struct agent *agent, struct journal *draft, const struct journal_step *step)
{
	struct journal_watch *w = &draft->watch;

	if (journal_has_survived(draft, step->version, step->kernel)) {
		*w = (struct journal_watch){ 0 };
		return;
	}
	if (!journal_is_watched(draft, step->version, step->kernel)) {
		*w = (struct journal_watch){ .present = true,
					     .version = step->version,
					     .since = clock_now() };
		memcpy(w->kernel, step->kernel, sizeof(w->kernel));
	}
	if (streq(w->boot_id, agent->facts.boot_id))
		return;
	memcpy(w->boot_id, agent->facts.boot_id, sizeof(w->boot_id));
	w->began_ms = clock_monotonic_ms();
}

static int64_t watched_ms(const struct journal_watch *w)
{
	return w->carried_ms + MAX(INT64_C(0), clock_monotonic_ms() - w->began_ms);
}

int64_t watch_left_ms(const struct agent *agent)
{
	const struct journal_watch *w = &agent->journal->watch;
	int64_t time = config_int(agent->config, "watch-time") * 1000;

	if (!w->present || !streq(w->boot_id, agent->facts.boot_id) || !agent->applied.present ||
	    patch_version_compare(w->version, agent->applied.version) != 0)
		return -1;
	return MAX(INT64_C(0), time - watched_ms(w));
}

int watch_tick(struct agent *agent, struct error *err)
{
	struct journal_watch w = agent->journal->watch;
	struct journal *draft;

	if (watch_left_ms(agent) != 0)
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	draft->watch = (struct journal_watch){ 0 };
	if (journal_is_interrupted(draft, w.version, w.kernel))
		draft->interrupted = (struct journal_interrupted){ 0 };
	/* One that the log told of an oops in, and that was left in, has not. */
	if (!w.crashed) {
		journal_add_survived(draft, w.version, w.kernel);
		journal_add_event(draft, EVENT_SURVIVED, &w.version, NULL);
	}
	return agent_commit(agent, draft, err);
}

void watch_stop(struct agent *agent, uint64_t log_next)
{
	const struct journal_watch *watch = &agent->journal->watch;
	bool watched = watch->present && streq(watch->boot_id, agent->facts.boot_id);
	struct error err = { 0 };
	struct journal *draft;

	if (!watched && !log_next)
		return;
	draft = agent_draft(agent, &err);
	if (!draft)
		return;
	if (watched) {
		draft->watch.carried_ms = watched_ms(watch);
		draft->watch.began_ms = clock_monotonic_ms();
		draft->watch.stopped = true;
	}
	if (log_next) {
		draft->log = (struct journal_log){ .next = (int64_t)log_next };
		memcpy(draft->log.boot_id, agent->facts.boot_id, sizeof(draft->log.boot_id));
	}
	/* A failure costs a needless second try at most. */
	if (agent_commit(agent, draft, &err) < 0)
		log_error("%s", err.message);
}
