/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/apply.h"

#include <stdio.h>

#include "agent/progress.h"
#include "agent/watch.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "kernel/module.h"
#include "wire/event.h"

#define REMOVE_MS 10000

static int timeout_ms(const struct agent *agent)
{
	return (int)config_int(agent->config, "transition-timeout") * 1000;
}

static void set_applied(struct agent *agent, const struct patch_version *version,
			const char *module, const json_t *cves)
{
	struct agent_applied *a = &agent->applied;

	json_decref(a->cves);
	*a = (struct agent_applied){ 0 };
	if (!version)
		return;
	a->present = true;
	a->version = *version;
	snprintf(a->module, sizeof(a->module), "%s", module);
	a->cves = json_deep_copy(cves);
}

static json_t *list_cves(const struct record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->n_cves; i++)
		json_array_append_new(list, json_string(record->cves[i]));
	return list;
}

static struct patch_claim claim_of_accepted(const struct journal_accepted *a)
{
	struct patch_claim claim = { .version = a->version,
				     .length = a->length,
				     .published = a->published };

	memcpy(claim.module, a->module, sizeof(claim.module));
	memcpy(claim.sha256, a->sha256, sizeof(claim.sha256));
	return claim;
}

static struct patch_claim claim_of_step(const struct journal_step *s)
{
	struct patch_claim claim = { .version = s->version,
				     .length = s->length,
				     .published = s->published };

	memcpy(claim.module, s->module, sizeof(claim.module));
	memcpy(claim.sha256, s->sha256, sizeof(claim.sha256));
	return claim;
}

void apply_detect(struct agent *agent)
{
	const struct journal_accepted *accepted = &agent->journal->accepted;
	_cleanup_(patch_freep) struct patch *patch = NULL;
	_cleanup_json_ json_t *cves = NULL;
	struct kernel_livepatch live;
	struct patch_claim claim;

	set_applied(agent, NULL, NULL, NULL);
	if (!accepted->present ||
	    kernel_livepatch_get(agent->paths.root, accepted->module, &live) < 0 || !live.enabled)
		return;
	claim = claim_of_accepted(accepted);
	if (patch_load_stored(agent, &claim, &patch, NULL) == 0)
		cves = list_cves(patch->record);
	set_applied(agent, &accepted->version, accepted->module, cves);
}

int apply_check_foreign(const struct agent *agent, struct error *err)
{
	struct kernel_livepatch list[KERNEL_LIVEPATCH_MAX];
	int n = kernel_livepatch_list(agent->paths.root, list, ARRAY_SIZE(list), err);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		if (agent->applied.present && streq(list[i].name, agent->applied.module))
			continue;
		if (streq(config_str(agent->config, "foreign-livepatch"), "replace"))
			continue;
		error_set(err, ERR_BAD_STATE, "livepatch %s in the kernel is not ours",
			  list[i].name);
		error_hint(err, "take it out, or set foreign-livepatch = replace in suture.conf");
		return ERR_BAD_STATE;
	}
	return 0;
}

/* Waits for a transition, showing it in the status meanwhile. */
static int watch(struct agent *agent, const char *module, bool in, struct error *err)
{
	int r;

	agent->transition_since = clock_now();
	agent->transition_in = in;
	r = progress_wait(agent, module, in, timeout_ms(agent), err);
	agent->transition_since = 0;
	return r;
}

/* That version, and those below it, are not to come back by themselves. */
static void set_avoid(struct journal *draft, struct patch_version version)
{
	if (draft->has_avoid && patch_version_compare(version, draft->avoid) <= 0)
		return;
	draft->has_avoid = true;
	draft->avoid = version;
}

/* The first of the two journal entries around every change of the kernel. */
static int begin_step(struct agent *agent, enum journal_action action,
		      const struct patch_claim *claim, const char *event, bool avoid,
		      struct error *err)
{
	struct journal *draft = agent_draft(agent, err);
	struct journal_step *step;

	if (!draft)
		return ERR_NO_MEMORY;
	step = &draft->step;
	*step = (struct journal_step){ .action = action,
				       .version = claim->version,
				       .length = claim->length,
				       .published = claim->published,
				       .time = clock_now() };
	memcpy(step->module, claim->module, sizeof(step->module));
	memcpy(step->sha256, claim->sha256, sizeof(step->sha256));
	snprintf(step->kernel, sizeof(step->kernel), "%s", agent->facts.release);
	snprintf(step->boot_id, sizeof(step->boot_id), "%s", agent->facts.boot_id);
	draft->state = MACHINE_APPLYING;
	if (action == JOURNAL_LOAD)
		watch_note_evidence(agent, draft);
	if (action == JOURNAL_UNLOAD) {
		draft->accepted.present = false;
		if (avoid)
			set_avoid(draft, claim->version);
	}
	if (event)
		journal_add_event(draft, event, &claim->version, NULL);
	/* An open step shows as a transition from its first moment on. */
	agent->transition_since = clock_now();
	agent->transition_in = action == JOURNAL_LOAD;
	/* What is bad goes even with a full disk. */
	bool bad = action == JOURNAL_UNLOAD && agent_applied_is_bad(agent);
	int r = bad ? agent_commit_anyway(agent, draft, err) : agent_commit(agent, draft, err);
	if (r < 0)
		agent->transition_since = 0;
	return r;
}

/* The second entry, after what the kernel did. What was loaded, or could not be taken out, is
 * accepted. */
static void end_step(struct agent *agent, enum machine_state state, const char *event,
		     const struct error *failure)
{
	struct journal *draft = agent_draft(agent, NULL);
	struct journal_step step = agent->journal->step;
	struct journal_accepted *a;

	agent->transition_since = 0;
	if (!draft) {
		log_error("journal: out of memory; the open step is looked at again at next start");
		return;
	}
	draft->step = (struct journal_step){ 0 };
	draft->state = state;
	/* Why a version is in quarantine stays what the owner must know. */
	if (failure || state != MACHINE_QUARANTINED)
		journal_set_failure(draft, failure);
	journal_add_event(draft, event, &step.version, failure);
	if (step.action == JOURNAL_LOAD && !failure)
		watch_open(agent, draft, &step);
	else if (!failure)
		watch_drop(draft, step.version);
	/* The machine is still there, and there is nothing that could yet bring it down. */
	if (step.action == JOURNAL_LOAD && !journal_is_watched(draft, step.version, step.kernel) &&
	    journal_is_interrupted(draft, step.version, step.kernel))
		draft->interrupted = (struct journal_interrupted){ 0 };
	if ((step.action == JOURNAL_LOAD) == !failure) {
		a = &draft->accepted;
		*a = (struct journal_accepted){ .present = true,
						.version = step.version,
						.length = step.length,
						.published = step.published };
		memcpy(a->module, step.module, sizeof(a->module));
		memcpy(a->sha256, step.sha256, sizeof(a->sha256));
		snprintf(a->kernel, sizeof(a->kernel), "%s", agent->facts.release);
		snprintf(a->build_id, sizeof(a->build_id), "%s", agent->facts.build_id);
		/* Never ahead of the clock: a tier's key must not be able to make all metadata look
		 * expired for good. */
		draft->time_floor = MAX(draft->time_floor, MIN(step.published, clock_now()));
	}
	agent_commit_done(agent, draft);
}

/* The livepatch that the new one replaced is out of use; its module would block a later load of the
 * same name. */
static void remove_replaced(struct agent *agent, const char *module)
{
	struct error err = { 0 };

	if (module[0] && kernel_module_remove(agent->paths.root, module, REMOVE_MS, &err) < 0)
		log_warning("%s", err.message);
}

/* A load that did not come to its end: turn it round, and leave nothing of it behind. */
static int take_back(struct agent *agent, const char *module)
{
	struct error err = { 0 };
	int r = kernel_livepatch_set(agent->paths.root, module, false, &err);

	if (r == 0)
		r = watch(agent, module, false, &err);
	if (r == 0)
		r = kernel_module_remove(agent->paths.root, module, REMOVE_MS, &err);
	if (r < 0)
		log_error("taking %s back: %s", module, err.message);
	return r;
}

/* What was applied before still is, unless the kernel says otherwise. */
static void fail_load(struct agent *agent, const struct error *failure)
{
	apply_detect(agent);
	end_step(agent, MACHINE_FAILED, EVENT_FAILED, failure);
}

static void finish_load(struct agent *agent, const struct record *record, int64_t load_ms,
			int64_t transition_ms)
{
	struct journal_step step = agent->journal->step;
	_cleanup_json_ json_t *cves = record ? list_cves(record) : NULL;
	const struct journal_accepted *accepted = &agent->journal->accepted;
	char old[MODULE_NAME_BYTES] = "";

	/* From the journal: after a crash the kernel no longer shows what was replaced. */
	if (accepted->present && !streq(accepted->module, step.module))
		memcpy(old, accepted->module, sizeof(old));
	set_applied(agent, &step.version, step.module, cves);
	agent->applied.since = clock_now();
	agent->applied.load_ms = load_ms;
	agent->applied.transition_ms = transition_ms;
	log_info("%s: loaded in %lld ms, transition in %lld ms", step.module, (long long)load_ms,
		 (long long)transition_ms);
	remove_replaced(agent, old);
	end_step(agent, MACHINE_APPLIED, EVENT_APPLIED, NULL);
	patch_collect_garbage(agent);
}

/* Notes in the open step whether sutured was told to end in the middle of it. A failure costs a
 * needless second try at most. */
static void set_stopped(struct agent *agent, bool stopped)
{
	struct journal *draft = NULL;
	struct error err = { 0 };

	if (agent->journal->step.stopped != stopped)
		draft = agent_draft(agent, &err);
	if (!draft)
		return;
	draft->step.stopped = stopped;
	if (agent_commit(agent, draft, &err) < 0)
		log_error("%s", err.message);
}

int apply_load(struct agent *agent, const struct patch *patch, struct error *err)
{
	const char *module = patch->claim.module;
	struct error failure = { 0 };
	int64_t began, loaded;
	int r;

	r = apply_check_foreign(agent, err);
	if (r < 0)
		return r;
	/* A module of this name without a livepatch in use is the remains of a replaced one. */
	r = kernel_module_remove(agent->paths.root, module, REMOVE_MS, err);
	if (r == 0)
		r = patch_store(agent, patch, err);
	if (r == 0)
		r = begin_step(agent, JOURNAL_LOAD, &patch->claim, EVENT_APPLYING, false, err);
	if (r < 0)
		return r;
	listener_start(agent->listener, NULL, 0);
	began = clock_monotonic_ms();
	r = kernel_module_load(agent->paths.root, patch->fd, module, "", &failure);
	loaded = clock_monotonic_ms();
	if (r == 0) {
		r = watch(agent, module, true, &failure);
		if (r == -ECANCELED) {
			set_stopped(agent, true);
			return error_set(err, r, "%s", failure.message);
		}
		if (r < 0)
			take_back(agent, module);
	}
	if (r < 0) {
		fail_load(agent, &failure);
		if (err)
			*err = failure;
		return r;
	}
	finish_load(agent, patch->record, loaded - began, clock_monotonic_ms() - loaded);
	return 0;
}

bool apply_may_replace(const struct agent *agent, const struct patch *older)
{
	struct patch_claim claim = claim_of_accepted(&agent->journal->accepted);
	_cleanup_(patch_freep) struct patch *applied = NULL;

	return agent->applied.present && agent->journal->accepted.present &&
	       streq(agent->applied.module, claim.module) && !record_has_effects(older->record) &&
	       patch_load_stored(agent, &claim, &applied, NULL) == 0 &&
	       !record_has_effects(applied->record);
}

int apply_replace(struct agent *agent, const struct patch *older, const char *event, bool avoid,
		  struct error *err)
{
	struct journal *draft = agent_draft(agent, err);
	int r;

	if (!draft)
		return ERR_NO_MEMORY;
	if (avoid)
		set_avoid(draft, agent->applied.version);
	journal_add_event(draft, event, &agent->applied.version, NULL);
	r = agent_commit(agent, draft, err);
	return r < 0 ? r : apply_load(agent, older, err);
}

/* Out of the patch did not work: go back into it rather than stay between the two. */
static void stay_in(struct agent *agent, const char *module)
{
	struct error err = { 0 };
	int r = kernel_livepatch_set(agent->paths.root, module, true, &err);

	if (r == 0)
		r = watch(agent, module, true, &err);
	if (r < 0)
		log_error("going back into %s: %s", module, err.message);
}

/* Second half of taking a patch out; also after a restart of sutured in the middle of it. */
static int finish_unload(struct agent *agent, const char *event, struct error *err)
{
	struct journal_step step = agent->journal->step;
	bool bad = journal_is_quarantined(agent->journal, step.version, step.kernel);
	struct error failure = { 0 };
	int r;

	r = kernel_livepatch_set(agent->paths.root, step.module, false, &failure);
	if (r == 0)
		r = watch(agent, step.module, false, &failure);
	if (r == 0)
		r = kernel_module_remove(agent->paths.root, step.module, REMOVE_MS, &failure);
	if (r == -ECANCELED)
		return error_set(err, r, "%s", failure.message);
	if (r < 0) {
		stay_in(agent, step.module);
		end_step(agent, MACHINE_FAILED, EVENT_FAILED, &failure);
		if (err)
			*err = failure;
		return r;
	}
	set_applied(agent, NULL, NULL, NULL);
	agent->code_check = KERNEL_CODE_NONE;
	end_step(agent, bad ? MACHINE_QUARANTINED : MACHINE_REVERTED, event, NULL);
	patch_collect_garbage(agent);
	return 0;
}

int apply_unload(struct agent *agent, const char *event, bool avoid, struct error *err)
{
	struct patch_claim claim;
	int r;

	if (!agent->applied.present)
		return 0;
	claim = claim_of_accepted(&agent->journal->accepted);
	r = begin_step(agent, JOURNAL_UNLOAD, &claim, NULL, avoid, err);
	return r < 0 ? r : finish_unload(agent, event, err);
}

int apply_unload_bad(struct agent *agent, struct error *err)
{
	if (!agent_applied_is_bad(agent) ||
	    !streq(config_str(agent->config, "on-oops"), "take-back"))
		return 0;
	return apply_unload(agent, EVENT_REVERTED, false, err);
}

/* sutured was restarted in the middle of a step; the kernel went on meanwhile. */
static int resume_step(struct agent *agent, struct error *err)
{
	struct journal_step step = agent->journal->step;
	_cleanup_(patch_freep) struct patch *patch = NULL;
	struct patch_claim claim = claim_of_step(&step);
	struct kernel_livepatch live;
	struct error failure = { 0 };
	int r;

	if (step.action == JOURNAL_UNLOAD)
		return finish_unload(agent, EVENT_REVERTED, err);
	set_stopped(agent, false);
	apply_detect(agent);
	r = kernel_livepatch_get(agent->paths.root, step.module, &live);
	if (r < 0)
		error_set(&failure, ERR_KERNEL_REFUSED, "sutured ended before %s was loaded",
			  step.module);
	else
		r = watch(agent, step.module, true, &failure);
	if (r == -ECANCELED) {
		set_stopped(agent, true);
		return error_set(err, r, "%s", failure.message);
	}
	if (r < 0) {
		take_back(agent, step.module);
		fail_load(agent, &failure);
		return r;
	}
	if (patch_load_stored(agent, &claim, &patch, &failure) < 0)
		log_warning("%s", failure.message);
	finish_load(agent, patch ? patch->record : NULL, 0, 0);
	return 0;
}

/* A step of an earlier boot. The kernel that it changed is gone; what remains is what to think of
 * it, which is so even if it cannot be written now. */
static int write_off_step(struct agent *agent, struct error *err)
{
	const struct journal_step *step = &agent->journal->step;
	struct journal *draft;

	if (step->action == JOURNAL_NONE || streq(step->boot_id, agent->facts.boot_id))
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	watch_judge_step(agent, draft);
	agent_commit_done(agent, draft);
	return 0;
}

/* The accepted patch, from the disk; nothing here needs a network or a clock. */
static int apply_accepted(struct agent *agent, struct error *err)
{
	struct patch_claim claim = claim_of_accepted(&agent->journal->accepted);
	_cleanup_(patch_freep) struct patch *patch = NULL;
	bool verified;
	int r;

	r = agent_move(agent, MACHINE_VERIFYING, NULL, NULL, NULL, err);
	if (r < 0)
		return r;
	r = kernel_facts_usable(&agent->facts, err);
	if (r == 0)
		r = patch_load_stored(agent, &claim, &patch, err);
	if (r == 0)
		r = patch_verify(agent, patch, err);
	if (r == 0)
		r = patch_check_code(agent, patch, err);
	verified = r == 0;
	if (r == 0)
		r = apply_load(agent, patch, err);
	if (r < 0 && agent->journal->state == MACHINE_VERIFYING)
		agent_end(agent, verified ? MACHINE_FAILED : MACHINE_REFUSED, EVENT_REFUSED,
			  &claim.version, err);
	return r;
}

static int restore_quarantined(struct agent *agent, const struct journal_failure *failure,
			       struct error *err)
{
	struct journal *draft = agent_draft(agent, err);

	if (!draft)
		return ERR_NO_MEMORY;
	draft->state = MACHINE_QUARANTINED;
	draft->failure = *failure;
	return agent_commit(agent, draft, err);
}

bool apply_retry_waits(const struct agent *agent)
{
	return clock_boottime_ms() < config_int(agent->config, "retry-delay") * 1000;
}

int64_t apply_retry_left_ms(const struct agent *agent)
{
	const struct journal_interrupted *i = &agent->journal->interrupted;
	int64_t left = config_int(agent->config, "retry-delay") * 1000 - clock_boottime_ms();

	return i->present && streq(i->kernel, agent->facts.release) && left > 0 ? left : -1;
}

/* Whether the accepted patch belongs into this kernel and is not in it. */
static bool accepted_is_due(const struct agent *agent)
{
	const struct journal *j = agent->journal;
	const struct journal_accepted *a = &j->accepted;

	return !agent->applied.present && a->present && agent_is_enabled(agent) &&
	       streq(a->kernel, agent->facts.release) &&
	       streq(a->build_id, agent->facts.build_id) &&
	       !journal_is_quarantined(j, a->version, a->kernel) &&
	       !(apply_retry_waits(agent) && journal_is_interrupted(j, a->version, a->kernel));
}

int apply_accepted_again(struct agent *agent, struct error *err)
{
	struct journal_failure failure = agent->journal->failure;
	bool quarantined = agent->journal->state == MACHINE_QUARANTINED;
	int r = write_off_step(agent, err);

	if (r < 0 || !accepted_is_due(agent))
		return r;
	r = apply_accepted(agent, err);
	/* An older patch is in again; that a newer one failed here stays what the owner must know.
	 */
	if (r == 0 && quarantined)
		r = restore_quarantined(agent, &failure, err);
	return r;
}

/* The kernel's log since the patch came into the kernel, as far as it was not read before. */
static void listen_again(struct agent *agent, const char *module)
{
	const struct journal_log *log = &agent->journal->log;
	bool same = streq(log->boot_id, agent->facts.boot_id);

	listener_start(agent->listener, module, same ? (uint64_t)log->next : 0);
}

/* What an earlier start, or an earlier boot, has left open. */
static int end_what_was_open(struct agent *agent, struct error *err)
{
	const struct journal_step *step = &agent->journal->step;
	int r, w;

	if (step->action == JOURNAL_NONE)
		return watch_boot(agent, err);
	if (!streq(step->boot_id, agent->facts.boot_id))
		return write_off_step(agent, err);
	if (step->action == JOURNAL_LOAD)
		listen_again(agent, step->module);
	r = resume_step(agent, err);
	/* The watch of the version before it goes on whatever became of the step. */
	w = watch_boot(agent, r < 0 ? NULL : err);
	return r < 0 ? r : w;
}

int apply_boot(struct agent *agent, struct error *err)
{
	int r = end_what_was_open(agent, err);

	apply_detect(agent);
	if (agent->applied.present)
		listen_again(agent, agent->applied.module);
	if (r < 0)
		return r;
	/* Cut off while nothing was in the kernel yet. */
	if (state_is_busy(agent->journal->state))
		r = agent_settle(agent, err);
	if (r == 0)
		r = apply_unload_bad(agent, err);
	if (r == 0)
		r = apply_accepted_again(agent, err);
	if (r == 0 && agent->journal->state == MACHINE_APPLIED && !agent->applied.present)
		r = agent_settle(agent, err);
	return r;
}
