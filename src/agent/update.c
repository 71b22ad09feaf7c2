/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/update.h"

#include <stdio.h>

#include "agent/apply.h"
#include "agent/check_in.h"
#include "agent/keys.h"
#include "agent/status.h"
#include "agent/trust.h"
#include "agent/watch.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "wire/event.h"

/* Reasons that lie in the way to the server, not in what it said: nothing was refused. */
static bool is_network_failure(int code)
{
	return code == ERR_UNREACHABLE || code == ERR_TIMEOUT || code == -ECANCELED ||
	       code == ERR_NO_MEMORY || code == ERR_DENIED || code == ERR_BAD_STATE ||
	       (code < 0 && code > -1000);
}

static void remember_check(struct agent *agent, const struct error *err)
{
	agent->check.time = clock_now();
	agent->check.error = *err;
}

/* Says why, in journal and status. */
static void fail(struct agent *agent, enum machine_state state, const struct patch_version *version,
		 const struct error *why)
{
	log_error("%s", why->message);
	agent_end(agent, state, state == MACHINE_REFUSED ? EVENT_REFUSED : EVENT_FAILED, version,
		  why);
}

static int need_enabled(const struct agent *agent, struct error *err)
{
	if (agent_is_enabled(agent))
		return 0;
	error_set(err, ERR_BAD_STATE, "this machine is not enabled");
	error_hint(err, "run `suture enable --trust FILE`");
	return ERR_BAD_STATE;
}

/* Download, checks, load of one listed version. */
static int bring_in(struct agent *agent, struct trust_view *view,
		    const struct trust_version *version, struct patch **ret, struct error *err)
{
	_cleanup_buf_ struct buf module = BUF_INIT(PATCH_MODULE_MAX);
	_cleanup_buf_ struct buf record = BUF_INIT(RECORD_MAX);
	_cleanup_(patch_freep) struct patch *patch = NULL;
	struct patch_claim claim = { .version = version->version,
				     .length = version->target.length,
				     .published = version->custom->published };
	int r;

	if (!version->target.sha256)
		return error_set(err, ERR_INVALID, "target %s has no SHA-256",
				 version->target.path);
	snprintf(claim.sha256, sizeof(claim.sha256), "%s", version->target.sha256);
	memcpy(claim.module, version->module, sizeof(claim.module));
	if ((r = agent_move(agent, MACHINE_DOWNLOADING, NULL, NULL, NULL, err)) < 0 ||
	    (r = trust_download(agent, view, version, &module, &record, err)) < 0 ||
	    (r = agent_move(agent, MACHINE_VERIFYING, NULL, NULL, NULL, err)) < 0 ||
	    (r = patch_new(&claim, &module, &record, &patch, err)) < 0 ||
	    (r = patch_verify(agent, patch, err)) < 0 ||
	    (r = patch_check_code(agent, patch, err)) < 0 ||
	    (r = apply_check_foreign(agent, err)) < 0)
		return r;
	*ret = TAKE_PTR(patch);
	return 0;
}

/* Ends an attempt that never reached the kernel. apply_load() ends the others itself. */
static int give_up(struct agent *agent, const struct patch_version *version, struct error *err)
{
	if (!state_is_busy(agent->journal->state) || agent->journal->state == MACHINE_APPLYING)
		return err->code;
	if (err->code == -ECANCELED)
		agent_end(agent, agent_rest(agent), NULL, NULL, NULL);
	else
		fail(agent, is_network_failure(err->code) ? MACHINE_FAILED : MACHINE_REFUSED,
		     version, err);
	return err->code;
}

static int apply_version(struct agent *agent, struct trust_view *view, struct patch_version version,
			 struct error *err)
{
	const struct trust_version *listed = trust_find(view, version);
	_cleanup_(patch_freep) struct patch *patch = NULL;
	int r;

	if (!listed)
		return error_set(err, ERR_NOT_LISTED, "version is not listed");
	r = bring_in(agent, view, listed, &patch, err);
	if (r == 0)
		r = apply_load(agent, patch, err);
	return r < 0 ? give_up(agent, &version, err) : 0;
}

/* Back to a lower version, or to none. Everything about the lower one is checked while the higher
 * one still protects. */
static int go_back(struct agent *agent, struct trust_view *view, const struct patch_version *to,
		   const char *event, bool avoid, struct error *err)
{
	_cleanup_(patch_freep) struct patch *patch = NULL;
	int r = 0;

	if (to) {
		const struct trust_version *listed = trust_find(view, *to);

		if (!listed)
			return error_set(err, ERR_NOT_LISTED, "version is not listed");
		r = bring_in(agent, view, listed, &patch, err);
		if (r < 0)
			return give_up(agent, to, err);
	}
	if (patch && apply_may_replace(agent, patch)) {
		r = apply_replace(agent, patch, event, avoid, err);
		return r < 0 ? give_up(agent, to, err) : 0;
	}
	r = apply_unload(agent, event, avoid, err);
	if (r < 0)
		return give_up(agent, to, err);
	if (!patch)
		return 0;
	log_warning("the kernel is unpatched until the older version is loaded: one of the two has "
		    "callbacks or states");
	r = agent_move(agent, MACHINE_VERIFYING, NULL, NULL, NULL, err);
	if (r == 0)
		r = apply_load(agent, patch, err);
	return r < 0 ? give_up(agent, to, err) : 0;
}

static int choose(struct agent *agent, const struct trust_view *view,
		  const struct check_in_answer *answer, struct choice *ret, struct error *err)
{
	_cleanup_free_ struct choice_version *listed = calloc(view->n + 1, sizeof(*listed));
	struct choice_input input = {
		.listed = listed,
		.n_listed = view->n,
		.applied_present = agent->applied.present,
		.applied = agent->applied.version,
		.require_grant = config_bool(agent->config, "require-grant"),
		.journal = agent->journal,
		.kernel = agent->facts.release,
		.retry_waits = apply_retry_waits(agent),
	};

	if (!listed)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < view->n; i++)
		listed[i] = (struct choice_version){ .version = view->versions[i].version,
						     .withdrawn = view->versions[i].withdrawn,
						     .refused = view->versions[i].refused };
	if (agent->applied.present && streq(config_str(agent->config, "accept-recall"), "always"))
		input.applied_withdrawn =
			trust_is_withdrawn(view, agent->applied.version, agent->facts.release);
	if (answer->granted) {
		if (!streq(answer->kernel, agent->facts.release))
			return error_set(err, ERR_PROTOCOL,
					 "the server granted a patch for another kernel");
		if (patch_version_parse(answer->version, &input.granted) < 0)
			return error_set(err, ERR_PROTOCOL, "the server's grant is no version");
		input.granted_present = true;
	}
	*ret = choose_version(&input);
	return 0;
}

static void set_refused(struct trust_view *view, struct patch_version version)
{
	for (size_t i = 0; i < view->n; i++)
		if (patch_version_compare(view->versions[i].version, version) == 0)
			view->versions[i].refused = true;
}

/*
 * A recall: to the newest lower version that passes its checks, else to the unpatched kernel. One
 * that is refused is passed over, or who can list anything could keep a recall from taking effect;
 * one that cannot be fetched now is waited for.
 */
static int take_back(struct agent *agent, struct trust_view *view, struct choice choice,
		     struct error *err)
{
	const struct check_in_answer no_grant = { 0 };
	int r;

	while (choice.action == CHOOSE_LOWER) {
		r = go_back(agent, view, &choice.version, EVENT_RECALLED, false, err);
		if (r == 0 || is_network_failure(r) || !agent->applied.present ||
		    agent->journal->state != MACHINE_REFUSED)
			return r;
		set_refused(view, choice.version);
		r = choose(agent, view, &no_grant, &choice, err);
		if (r < 0)
			return r;
	}
	*err = (struct error){ 0 };
	return go_back(agent, view, NULL, EVENT_RECALLED, false, err);
}

/* What is known about coverage after a refresh. */
static void note_view(struct agent *agent, const struct trust_view *view,
		      const struct choice *choice, const struct check_in_answer *answer)
{
	agent->available_present = choice->available_present;
	agent->available = choice->available;
	agent->covered =
		view->n > 0 || answer->reason != REASON_NOT_COVERED ? KERNEL_YES : KERNEL_NO;
}

static int act(struct agent *agent, struct trust_view *view, const struct choice *choice,
	       struct error *err)
{
	char text[PATCH_VERSION_MAX];

	patch_version_format(choice->version, text);
	if (choice->action == CHOOSE_APPLY)
		return apply_version(agent, view, choice->version, err);
	if (choice->action == CHOOSE_LOWER || choice->action == CHOOSE_UNPATCH)
		return take_back(agent, view, *choice, err);
	log_info("nothing to do: %s", choice_reason_name(choice->reason));
	switch (choice->reason) {
	case CHOICE_NOT_LISTED:
		error_set(err, ERR_NOT_LISTED,
			  "the server granted version %s, which tier %s does not list for this "
			  "kernel",
			  text, agent_tier(agent));
		fail(agent, MACHINE_REFUSED, &choice->version, err);
		return ERR_NOT_LISTED;
	case CHOICE_INTERRUPTED: return 0; /* the reason stays in the status */
	case CHOICE_QUARANTINED:
		/* Reported when it happened. */
		if (agent->journal->state == MACHINE_QUARANTINED)
			return 0;
		error_set(err, ERR_QUARANTINED, "version %s failed on this machine before", text);
		error_hint(err,
			   "a newer version is applied when it comes; `suture retry %s` lets "
			   "this one be tried again",
			   text);
		agent_move(agent, MACHINE_QUARANTINED, NULL, NULL, err, NULL);
		return 0;
	default: return agent_settle(agent, err);
	}
}

/* A machine whose kernel cannot be patched still reports, so that its owner sees it. */
static int refuse_unusable(struct agent *agent, struct error *err)
{
	/* Anew: a switch of the kernel's may be another one by now. */
	int r = kernel_facts_read(agent->paths.root, &agent->facts, err);

	if (r == 0)
		r = kernel_facts_usable(&agent->facts, err);
	if (r == 0)
		return 0;
	if (agent->journal->state != MACHINE_REFUSED ||
	    !streq(agent->journal->failure.code, error_code_name(r)))
		fail(agent, MACHINE_REFUSED, NULL, err);
	if (agent->facts.build_id[0])
		check_in(agent, NULL, NULL);
	return r;
}

static int raise_floor(struct agent *agent, struct error *err)
{
	struct journal *draft;

	/* Metadata that was in date bounds how wrong the clock can be. Once an hour is enough. */
	if (clock_now() < agent->journal->time_floor + 3600)
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	draft->time_floor = clock_now();
	return agent_commit(agent, draft, err);
}

/* A medium brings metadata and patches, but no server's grant. */
static int need_no_grant(const struct agent *agent, struct error *err)
{
	if (!file_exists(agent->medium)) {
		error_set(err, ERR_NOT_FOUND, "%s: sutured sees no such folder", agent->medium);
		error_hint(
			err,
			"its unit hides /home, /root and /tmp: mount the medium below /media or /mnt");
		return ERR_NOT_FOUND;
	}
	if (!config_bool(agent->config, "require-grant"))
		return 0;
	error_set(err, ERR_BAD_STATE, "this machine applies only what its server grants");
	error_hint(err, "require-grant = no in suture.conf, for a machine without a network");
	return ERR_BAD_STATE;
}

/*
 * The server's word, then the signed roles, and what follows from both. With a tier's role that has
 * expired only a recall does: 0 then too, but *err says `expired`.
 */
static int look(struct agent *agent, struct trust_view **view, struct choice *choice,
		struct error *err)
{
	struct check_in_answer answer = { 0 };
	int r;

	r = agent->medium ? need_no_grant(agent, err) : check_in(agent, &answer, err);
	if (r < 0 && agent->medium)
		return r;
	if (r < 0 && (config_bool(agent->config, "require-grant") || r == -ECANCELED))
		return r;
	if (r < 0)
		log_warning("%s", err->message);
	*err = (struct error){ 0 };
	r = trust_refresh(agent, view, err);
	if (r == 0)
		r = choose(agent, *view, &answer, choice, err);
	if (r == 0 && (*view)->tier_expired.code) {
		*err = (*view)->tier_expired;
		if (choice->action == CHOOSE_UNPATCH)
			return 0;
		r = err->code;
	}
	if (r < 0) {
		if (!is_network_failure(r))
			fail(agent, MACHINE_REFUSED, NULL, err);
		return r;
	}
	note_view(agent, *view, choice, &answer);
	return raise_floor(agent, err);
}

int update_run(struct agent *agent, struct error *err)
{
	_cleanup_(trust_view_freep) struct trust_view *view = NULL;
	struct error local = { 0 };
	struct choice choice;
	int r;

	if (!err)
		err = &local;
	*err = local;
	if ((r = need_enabled(agent, err)) < 0 || (r = refuse_unusable(agent, err)) < 0)
		return r;
	/* Neither what has to go, nor what waited for its second try or could not be loaded at
	 * boot, needs a server. */
	r = apply_unload_bad(agent, err);
	if (r == -ECANCELED)
		return r;
	if (r < 0)
		log_warning("%s", err->message);
	if (watch_look_again(agent, err) < 0 || apply_accepted_again(agent, err) < 0)
		log_warning("%s", err->message);
	keys_refresh(agent);
	*err = (struct error){ 0 };
	r = look(agent, &view, &choice, err);
	remember_check(agent, err);
	trust_note_dates(agent, view);
	if (r == 0)
		r = act(agent, view, &choice, err);
	if (r == 0 && view->tier_expired.code) {
		*err = view->tier_expired;
		fail(agent, MACHINE_REFUSED, NULL, err);
		r = err->code;
	}
	if (r != -ECANCELED && check_in_is_due(agent)) {
		struct error report = { 0 };

		if (r == 0 || !is_network_failure(r))
			if (check_in(agent, NULL, &report) < 0)
				log_warning("%s", report.message);
	}
	status_publish(agent, NULL);
	return r;
}

/* Is that version listed, and not one that failed here? */
static int find_lower(struct agent *agent, struct patch_version to, struct trust_view **view,
		      struct error *err)
{
	char text[PATCH_VERSION_MAX];
	int r;

	patch_version_format(to, text);
	if (journal_is_quarantined(agent->journal, to, agent->facts.release)) {
		error_set(err, ERR_QUARANTINED, "version %s failed on this machine before", text);
		error_hint(err, "`suture retry %s` first, if it is to be tried again", text);
		return ERR_QUARANTINED;
	}
	if ((r = need_enabled(agent, err)) < 0 || (r = trust_refresh(agent, view, err)) < 0)
		return r;
	if ((*view)->tier_expired.code) {
		*err = (*view)->tier_expired;
		return err->code;
	}
	if (!trust_find(*view, to))
		return error_set(err, ERR_NOT_LISTED,
				 "tier %s does not list version %s for this kernel",
				 agent_tier(agent), text);
	return 0;
}

int update_rollback(struct agent *agent, const struct patch_version *to, struct error *err)
{
	_cleanup_(trust_view_freep) struct trust_view *view = NULL;
	struct error report = { 0 }, local = { 0 };
	int r;

	if (!err)
		err = &local;
	if (!agent->applied.present) {
		error_set(err, ERR_BAD_STATE,
			  "no patch is applied: there is nothing to go back from");
		return ERR_BAD_STATE;
	}
	if (to && patch_version_compare(*to, agent->applied.version) >= 0) {
		error_set(err, ERR_USAGE,
			  "only a version below the applied one can be gone back to");
		return ERR_USAGE;
	}
	if (to && (r = find_lower(agent, *to, &view, err)) < 0)
		return r;
	r = go_back(agent, view, to, EVENT_REVERTED, true, err);
	if (agent_is_enabled(agent) && r != -ECANCELED && check_in(agent, NULL, &report) < 0)
		log_warning("%s", report.message);
	return r;
}

int update_hold(struct agent *agent, struct error *err)
{
	struct journal *draft;

	if (agent->journal->hold)
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	draft->hold = true;
	journal_add_event(draft, EVENT_HOLD, NULL, NULL);
	return agent_commit(agent, draft, err);
}

int update_unhold(struct agent *agent, struct error *err)
{
	struct journal *draft;

	if (!agent->journal->hold && !agent->journal->has_avoid)
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	draft->hold = false;
	draft->has_avoid = false;
	if (draft->state == MACHINE_REVERTED)
		draft->state = MACHINE_UNAPPLIED;
	journal_add_event(draft, EVENT_UNHOLD, NULL, NULL);
	return agent_commit(agent, draft, err);
}

int update_retry(struct agent *agent, struct patch_version version, struct error *err)
{
	struct journal *draft = agent_draft(agent, err);
	char text[PATCH_VERSION_MAX];
	int r;

	if (!draft)
		return ERR_NO_MEMORY;
	if (!journal_forgive(draft, version, agent->facts.release)) {
		free(draft);
		patch_version_format(version, text);
		error_set(err, ERR_BAD_STATE, "nothing keeps version %s back on kernel %s", text,
			  agent->facts.release);
		error_hint(err, "`suture history` shows what happened");
		return ERR_BAD_STATE;
	}
	journal_add_event(draft, EVENT_RETRY, &version, NULL);
	if ((r = agent_commit(agent, draft, err)) < 0 || (r = agent_settle(agent, err)) < 0)
		return r;
	return apply_accepted_again(agent, err);
}
