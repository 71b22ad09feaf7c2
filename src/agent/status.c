/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/status.h"

#include "kernel/keyring.h"

#include "agent/watch.h"
#include "base/clock.h"
#include "base/file.h"

#define FORMAT        1
#define FUNCTIONS_MAX 4096

int status_exit(const struct status_facts *facts)
{
	if (!facts->enabled)
		return STATUS_NOT_ENABLED;
	if (facts->covered == KERNEL_NO)
		return STATUS_NOT_COVERED;
	if (facts->reboot_needed)
		return STATUS_REBOOT;
	if (facts->state == MACHINE_REFUSED || facts->state == MACHINE_FAILED ||
	    facts->state == MACHINE_QUARANTINED)
		return STATUS_FAILED;
	if (state_is_busy(facts->state))
		return STATUS_APPLYING;
	if (!facts->up_to_date || facts->state == MACHINE_REVERTED)
		return STATUS_WAITING;
	/* Enabled, but nobody has answered yet: only what was accepted before can be relied on. */
	return facts->covered == KERNEL_UNKNOWN && !facts->applied ? STATUS_ERROR
								   : STATUS_PROTECTED;
}

static int put_time(json_t *o, const char *key, int64_t time)
{
	char text[CLOCK_TEXT_MAX];

	if (time == 0)
		return json_set_str(o, key, NULL);
	clock_format(time, text);
	return json_set_str(o, key, text);
}

static int put_version(json_t *o, const char *key, bool present, struct patch_version version)
{
	char text[PATCH_VERSION_MAX];

	patch_version_format(version, text);
	return json_set_str(o, key, present ? text : NULL);
}

/* Functions that the applied patch replaces, as the kernel itself says. */
static json_t *build_functions(const struct agent *agent)
{
	_cleanup_(kernel_livepatch_funcs_free) struct kernel_livepatch_funcs funcs = { 0 };
	json_t *list = json_array();

	if (!agent->applied.present ||
	    kernel_livepatch_funcs(agent->paths.root, agent->applied.module, &funcs, NULL) < 0)
		return list;
	for (size_t i = 0; i < MIN(funcs.n, FUNCTIONS_MAX); i++) {
		json_t *o = json_object();

		json_set_str(o, "object", funcs.items[i].object);
		json_set_str(o, "name", funcs.items[i].name);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *build_check(const struct agent_check *check)
{
	json_t *o;

	if (check->time == 0)
		return json_null();
	o = json_object();
	put_time(o, "time", check->time);
	json_object_set_new(o, "ok", json_boolean(check->error.code == 0));
	json_set_str(o, "code", check->error.code ? error_code_name(check->error.code) : NULL);
	json_set_str(o, "message", check->error.code ? check->error.message : NULL);
	json_set_str(o, "hint",
		     check->error.code && check->error.hint[0] ? check->error.hint : NULL);
	return o;
}

/* How long what this machine trusts is valid; null: nothing is trusted yet. */
static json_t *build_metadata(const struct agent *agent)
{
	const struct agent_dates *dates = &agent->dates;
	json_t *o;

	if (!dates->expires)
		return json_null();
	o = json_object();
	json_set_str(o, "role", dates->role);
	put_time(o, "expires", dates->expires);
	json_object_set_new(o, "expired", json_boolean(dates->expires <= agent_now(agent)));
	return o;
}

static json_t *build_failure(const struct journal_failure *failure)
{
	json_t *o;

	if (!failure->code[0])
		return json_null();
	o = json_object();
	json_set_str(o, "code", failure->code);
	json_set_str(o, "message", failure->message);
	json_set_str(o, "hint", failure->hint);
	return o;
}

/* null when nothing was counted yet. */
static void put_count(json_t *o, const char *key, bool known, size_t count)
{
	json_object_set_new(o, key, known ? json_integer((json_int_t)count) : json_null());
}

static json_t *build_transition(const struct agent *agent)
{
	json_t *o;

	if (!agent->transition_since)
		return json_null();
	o = json_object();
	put_time(o, "since", agent->transition_since);
	json_object_set_new(o, "target", json_integer(agent->transition_in ? 1 : 0));
	put_count(o, "tasks", agent->transition_tasks, agent->transition_tasks);
	put_count(o, "changed", agent->transition_tasks, agent->transition_changed);
	return o;
}

/* The watch of a version that is new here; null when none runs. */
static json_t *build_watch(const struct agent *agent)
{
	int64_t left = watch_left_ms(agent);
	json_t *o;

	if (left < 0)
		return json_null();
	o = json_object();
	put_time(o, "since", agent->journal->watch.since);
	json_object_set_new(o, "left", json_integer((left + 999) / 1000));
	return o;
}

static bool is_up_to_date(const struct agent *agent)
{
	if (!agent->available_present)
		return true;
	return agent->applied.present &&
	       patch_version_compare(agent->applied.version, agent->available) >= 0;
}

/* Who this machine is. */
static int put_identity(json_t *o, const struct agent *agent)
{
	bool enabled = agent_is_enabled(agent);
	int r;

	r = json_object_set_new(o, "enabled", json_boolean(enabled));
	r += json_set_str(o, "machine_id", enabled ? agent->journal->machine_id : NULL);
	r += json_set_str(o, "server", enabled ? agent->bundle->url : NULL);
	r += json_set_str(o, "tier", enabled ? agent_tier(agent) : NULL);
	r += json_set_str(o, "kernel", agent->facts.release);
	r += json_set_str(o, "build_id", agent->facts.build_id);
	return r;
}

static int put_applied_in(json_t *o, const struct agent_applied *applied)
{
	bool known = applied->present && applied->load_ms + applied->transition_ms > 0;

	return json_object_set_new(o, "applied_in",
				   known ? json_pack("{s:I, s:I}", "load_ms",
						     (json_int_t)applied->load_ms, "transition_ms",
						     (json_int_t)applied->transition_ms)
					 : json_null());
}

/* What is in its kernel, and what could be. */
static int put_patch(json_t *o, const struct agent *agent)
{
	const struct agent_applied *applied = &agent->applied;
	int r;

	r = json_set_str(o, "state", machine_state_name(agent->journal->state));
	r += put_version(o, "version", applied->present, applied->version);
	r += put_version(o, "available", agent->available_present, agent->available);
	r += json_object_set_new(o, "covered",
				 agent->covered == KERNEL_UNKNOWN
					 ? json_null()
					 : json_boolean(agent->covered == KERNEL_YES));
	r += put_time(o, "applied_at", applied->present ? applied->since : 0);
	r += put_applied_in(o, applied);
	r += json_object_set_new(o, "functions", build_functions(agent));
	r += json_object_set_new(o, "cves",
				 applied->present && applied->cves ? json_copy(applied->cves)
								   : json_array());
	r += json_set_str(o, "code_check", kernel_code_verdict_name(agent->code_check));
	r += json_object_set_new(o, "transition", build_transition(agent));
	r += json_object_set_new(o, "watch", build_watch(agent));
	return r;
}

/* What the kernel makes of the signatures that patches have here. */
static json_t *build_signatures(const struct agent *agent)
{
	enum kernel_answer demanded = kernel_signatures_demanded(&agent->facts);
	json_t *keys = agent->module_keys ? json_deep_copy(agent->module_keys) : json_array();

	return json_pack("{s:o, s:o}", "demanded",
			 demanded == KERNEL_UNKNOWN ? json_null()
						    : json_boolean(demanded == KERNEL_YES),
			 "certificates", keys);
}

json_t *status_build(const struct agent *agent)
{
	const struct journal *journal = agent->journal;
	struct status_facts facts = {
		.enabled = agent_is_enabled(agent),
		.covered = agent->covered,
		.state = journal->state,
		.applied = agent->applied.present,
		.up_to_date = is_up_to_date(agent),
	};
	_cleanup_json_ json_t *o = json_object();
	int64_t now = clock_now();
	int r;

	r = json_object_set_new(o, "format", json_integer(FORMAT));
	r += json_set_str(o, "agent", SUTURE_VERSION);
	r += put_time(o, "updated", now);
	r += put_time(o, "boot_time", now - clock_boottime_ms() / 1000);
	r += put_identity(o, agent);
	r += put_patch(o, agent);
	r += json_object_set_new(o, "module_signatures", build_signatures(agent));
	r += json_object_set_new(o, "hold", json_boolean(journal->hold));
	r += put_version(o, "avoid", journal->has_avoid, journal->avoid);
	r += json_object_set_new(o, "metadata", build_metadata(agent));
	r += put_time(o, "time_floor", journal->time_floor);
	r += json_object_set_new(o, "last_check", build_check(&agent->check));
	r += json_object_set_new(o, "error", build_failure(&journal->failure));
	r += json_object_set_new(o, "reboot_needed", json_false());
	r += json_object_set_new(o, "exit_status", json_integer(status_exit(&facts)));
	return r == 0 ? TAKE_PTR(o) : NULL;
}

int status_publish(const struct agent *agent, struct error *err)
{
	_cleanup_json_ json_t *status = status_build(agent);

	if (!status)
		return error_set(err, ERR_NO_MEMORY, "status: out of memory");
	return json_save_path(status, agent->paths.status, 0644, err);
}
