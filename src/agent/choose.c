/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/choose.h"

const char *choice_reason_name(enum choice_reason reason)
{
	static const char *const names[] = {
		[CHOICE_CHOSEN] = "chosen",          [CHOICE_UP_TO_DATE] = "up-to-date",
		[CHOICE_NOTHING] = "none-available", [CHOICE_NOT_GRANTED] = "not-granted",
		[CHOICE_NOT_LISTED] = "not-listed",  [CHOICE_HELD] = "held",
		[CHOICE_AVOIDED] = "avoided",        [CHOICE_QUARANTINED] = "quarantined",
		[CHOICE_WITHDRAWN] = "withdrawn",    [CHOICE_INTERRUPTED] = "interrupted",
	};

	return names[reason];
}

static const struct choice_version *find(const struct choice_input *in,
					 struct patch_version version)
{
	for (size_t i = 0; i < in->n_listed; i++)
		if (patch_version_compare(in->listed[i].version, version) == 0)
			return &in->listed[i];
	return NULL;
}

/* The newest listed version that is not withdrawn, and below `limit` when that is given. `healthy`:
 * and neither failed on this machine nor was refused. */
static const struct choice_version *newest(const struct choice_input *in,
					   const struct patch_version *limit, bool healthy)
{
	const struct choice_version *best = NULL;

	for (size_t i = 0; i < in->n_listed; i++) {
		const struct choice_version *v = &in->listed[i];

		if (v->withdrawn || (limit && patch_version_compare(v->version, *limit) >= 0))
			continue;
		if (healthy &&
		    (v->refused || journal_is_quarantined(in->journal, v->version, in->kernel)))
			continue;
		if (!best || patch_version_compare(v->version, best->version) > 0)
			best = v;
	}
	return best;
}

static struct choice nothing(enum choice_reason reason, struct patch_version version)
{
	return (struct choice){ .action = CHOOSE_NOTHING, .reason = reason, .version = version };
}

/* A signed order to take back what is applied. */
static struct choice choose_lower(const struct choice_input *in)
{
	const struct choice_version *lower = newest(in, &in->applied, true);

	if (!lower)
		return (struct choice){ .action = CHOOSE_UNPATCH, .version = in->applied };
	return (struct choice){ .action = CHOOSE_LOWER, .version = lower->version };
}

static struct choice choose_higher(const struct choice_input *in,
				   const struct choice_version *newest_listed)
{
	struct patch_version want;
	const struct choice_version *listed;

	if (in->require_grant && in->granted_present)
		want = in->granted;
	else if (!newest_listed)
		return nothing(CHOICE_NOTHING, (struct patch_version){ 0 });
	else
		want = newest_listed->version;

	if (in->applied_present && patch_version_compare(want, in->applied) <= 0) {
		/* A grant of something lower never lowers, and holds back what is newer. */
		if (newest_listed && patch_version_compare(newest_listed->version, in->applied) > 0)
			return nothing(CHOICE_NOT_GRANTED, newest_listed->version);
		return nothing(CHOICE_UP_TO_DATE, in->applied);
	}
	listed = find(in, want);
	if (!listed)
		return nothing(CHOICE_NOT_LISTED, want);
	if (listed->withdrawn)
		return nothing(CHOICE_WITHDRAWN, want);
	if (journal_is_quarantined(in->journal, want, in->kernel))
		return nothing(CHOICE_QUARANTINED, want);
	if (in->journal->has_avoid && patch_version_compare(want, in->journal->avoid) <= 0)
		return nothing(CHOICE_AVOIDED, want);
	if (in->journal->hold)
		return nothing(CHOICE_HELD, want);
	if (in->require_grant && !in->granted_present)
		return nothing(CHOICE_NOT_GRANTED, want);
	if (in->retry_waits && journal_is_interrupted(in->journal, want, in->kernel))
		return nothing(CHOICE_INTERRUPTED, want);
	return (struct choice){ .action = CHOOSE_APPLY, .version = want };
}

struct choice choose_version(const struct choice_input *input)
{
	const struct choice_version *newest_listed = newest(input, NULL, false);
	struct choice choice;

	if (input->applied_present && input->applied_withdrawn)
		choice = choose_lower(input);
	else
		choice = choose_higher(input, newest_listed);
	if (newest_listed) {
		choice.available_present = true;
		choice.available = newest_listed->version;
	}
	return choice;
}
