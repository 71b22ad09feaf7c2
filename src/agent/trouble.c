/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/trouble.h"

#include <stdio.h>

#include "agent/apply.h"
#include "base/log.h"
#include "wire/event.h"

enum trouble_kind trouble_classify(const struct kernel_report *report)
{
	if (report->trouble == KERNEL_TROUBLE_NONE || !report->has_place)
		return TROUBLE_NONE;
	if (report->trouble < KERNEL_TROUBLE_OOPS)
		return report->in_livepatch ? TROUBLE_WARNED : TROUBLE_NONE;
	return report->in_livepatch ? TROUBLE_OOPS_IN_PATCH : TROUBLE_OOPS;
}

#define TEXT_MAX (KERNEL_REPORT_HEADLINE_MAX + sizeof(struct kernel_place) + 16)

/* Which version has that module: the applied one, or one that was tried before. */
static bool find_version(const struct agent *agent, const char *module, struct patch_version *ret)
{
	const struct journal *j = agent->journal;
	char name[MODULE_NAME_BYTES];

	if (agent->applied.present && streq(module, agent->applied.module)) {
		*ret = agent->applied.version;
		return true;
	}
	for (size_t i = j->n_history; i-- > 0;) {
		const struct journal_event *e = &j->history[i];

		if (e->has_version &&
		    livepatch_module_name(agent->facts.release, e->version, name) == 0 &&
		    streq(name, module)) {
			*ret = e->version;
			return true;
		}
	}
	return false;
}

static void describe(const struct kernel_report *report, char *ret, size_t size)
{
	const struct kernel_place *place = report->in_livepatch ? &report->where : &report->rip;

	snprintf(ret, size, "%s%s%s%s%s%s", report->headline, place->symbol[0] ? ", in " : "",
		 place->symbol, place->module[0] ? " [" : "", place->module,
		 place->module[0] ? "]" : "");
}

static void note_read(const struct agent *agent, struct journal *draft, uint64_t next)
{
	draft->log = (struct journal_log){ .next = (int64_t)next };
	memcpy(draft->log.boot_id, agent->facts.boot_id, sizeof(draft->log.boot_id));
}

static int note_event(struct agent *agent, const char *event, const struct patch_version *version,
		      const char *text, uint64_t next, struct error *err)
{
	struct journal *draft;

	if (agent->n_notes == TROUBLE_EVENTS_MAX)
		return 0;
	agent->n_notes++;
	log_warning("the kernel's log, %s: %s", event, text);
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	journal_add_note(draft, event, version, "", text);
	note_read(agent, draft, next);
	return agent_commit(agent, draft, err);
}

/* First of the two writes: it is the evidence if the machine dies in the next moment. */
static int write_down(struct agent *agent, struct patch_version version, bool take_back,
		      struct error *why, uint64_t next, struct error *err)
{
	struct journal *draft = agent_draft(agent, err);
	const char *kernel = agent->facts.release;
	char text[PATCH_VERSION_MAX];

	if (!draft)
		return ERR_NO_MEMORY;
	journal_add_event(draft, EVENT_CRASHED, &version, why);
	if (journal_is_watched(draft, version, kernel))
		draft->watch.crashed = true;
	patch_version_format(version, text);
	if (take_back) {
		error_hint(why,
			   "a newer version is applied when it comes; `suture retry %s` lets "
			   "this one be tried again",
			   text);
		if (!journal_is_quarantined(draft, version, kernel))
			journal_add_event(draft, EVENT_QUARANTINED, &version, why);
		journal_add_quarantine(draft, version, kernel, why);
	} else {
		error_hint(why, "it is left in the kernel, as on-oops = report says; `suture "
				"rollback` takes it out");
	}
	journal_set_failure(draft, why);
	note_read(agent, draft, next);
	return agent_commit_anyway(agent, draft, err);
}

static bool takes_back(const struct agent *agent)
{
	return streq(config_str(agent->config, "on-oops"), "take-back");
}

int trouble_write_down(struct agent *agent, const struct kernel_report *report, uint64_t next,
		       struct error *err)
{
	char text[TEXT_MAX], version_text[PATCH_VERSION_MAX];
	struct patch_version version;
	struct error why = { 0 };

	describe(report, text, sizeof(text));
	if (!find_version(agent, report->where.module, &version))
		return note_event(agent, EVENT_OOPS, NULL, text, next, err);
	if (agent->n_oopses == TROUBLE_EVENTS_MAX)
		return 0;
	agent->n_oopses++;
	patch_version_format(version, version_text);
	error_set(&why, ERR_CRASHED, "oops in patch %s: %s", version_text, text);
	log_error("%s", why.message);
	return write_down(agent, version, takes_back(agent), &why, next, err);
}

int trouble_take(struct agent *agent, const struct kernel_report *report, uint64_t next,
		 struct error *err)
{
	char text[TEXT_MAX];
	const struct patch_version *version =
		agent->applied.present ? &agent->applied.version : NULL;
	int r;

	describe(report, text, sizeof(text));
	switch (trouble_classify(report)) {
	case TROUBLE_OOPS_IN_PATCH:
		r = trouble_write_down(agent, report, next, err);
		return r < 0 ? r : apply_unload_bad(agent, err);
	case TROUBLE_WARNED: return note_event(agent, EVENT_WARNED, version, text, next, err);
	case TROUBLE_OOPS: return note_event(agent, EVENT_OOPS, NULL, text, next, err);
	default: log_debug("the kernel's log: %s", text); return 0;
	}
}
