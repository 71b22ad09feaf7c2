/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/choose: every rule of trust about versions is a line here. */
#include "unit.h"

#include "agent/choose.h"

struct rule {
	const char *name;
	const char *listed; /* versions, each "1.2", "1.2!" when withdrawn or "1.2?" when refused */
	const char *applied;
	const char *granted;
	bool free; /* require-grant = no */
	const char *avoid;
	bool hold;
	const char *quarantined;
	const char *interrupted; /* the machine went down with it once, and the delay still runs */
	enum choice_action action;
	enum choice_reason reason;
	const char *version;
};

static const struct rule rules[] = {
	{ "first patch", "1.1", "", "1.1", .action = CHOOSE_APPLY, .version = "1.1" },
	{ "newer patch", "1.1 1.2", "1.1", "1.2", .action = CHOOSE_APPLY, .version = "1.2" },
	{ "versions are numbers", "1.9 1.10", "1.9", "1.10", .action = CHOOSE_APPLY,
	  .version = "1.10" },
	{ "nothing listed", "", "", "", .reason = CHOICE_NOTHING },
	{ "listed but not granted", "1.1", "", "", .reason = CHOICE_NOT_GRANTED, .version = "1.1" },
	{ "granted but not listed", "1.1", "", "1.2", .reason = CHOICE_NOT_LISTED,
	  .version = "1.2" },
	{ "granted, nothing listed at all", "", "", "9.9", .reason = CHOICE_NOT_LISTED,
	  .version = "9.9" },
	{ "up to date", "1.1 1.2", "1.2", "1.2", .reason = CHOICE_UP_TO_DATE, .version = "1.2" },
	{ "a grant never lowers", "1.1 1.2", "1.2", "1.1", .reason = CHOICE_UP_TO_DATE,
	  .version = "1.2" },
	{ "a lower grant holds what is newer", "1.1 1.2 1.3", "1.2", "1.1",
	  .reason = CHOICE_NOT_GRANTED, .version = "1.3" },
	{ "a role that lists less never lowers", "1.1", "1.2", "", .reason = CHOICE_UP_TO_DATE,
	  .version = "1.2" },
	{ "a grant in the middle", "1.1 1.2 1.3", "1.1", "1.2", .action = CHOOSE_APPLY,
	  .version = "1.2" },
	{ "without a network", "1.1 1.2", "", "", .free = true, .action = CHOOSE_APPLY,
	  .version = "1.2" },
	{ "held", "1.2", "1.1", "1.2", .hold = true, .reason = CHOICE_HELD, .version = "1.2" },
	{ "taken back", "1.2", "", "1.2", .avoid = "1.2", .reason = CHOICE_AVOIDED,
	  .version = "1.2" },
	{ "lower than taken back", "1.1 1.2", "", "1.1", .avoid = "1.2", .reason = CHOICE_AVOIDED,
	  .version = "1.1" },
	{ "newer than taken back", "1.2 1.3", "", "1.3", .avoid = "1.2", .action = CHOOSE_APPLY,
	  .version = "1.3" },
	{ "quarantined", "1.2", "1.1", "1.2", .quarantined = "1.2", .reason = CHOICE_QUARANTINED,
	  .version = "1.2" },
	{ "quarantined, after a boot without it", "1.2", "", "1.2", .quarantined = "1.2",
	  .reason = CHOICE_QUARANTINED, .version = "1.2" },
	{ "newer than quarantined", "1.2 1.3", "1.1", "1.3", .quarantined = "1.2",
	  .action = CHOOSE_APPLY, .version = "1.3" },
	{ "interrupted, too early", "1.2", "1.1", "1.2", .interrupted = "1.2",
	  .reason = CHOICE_INTERRUPTED, .version = "1.2" },
	{ "newer than interrupted", "1.2 1.3", "1.1", "1.3", .interrupted = "1.2",
	  .action = CHOOSE_APPLY, .version = "1.3" },
	{ "withdrawn before it came", "1.2!", "", "1.2", .reason = CHOICE_WITHDRAWN,
	  .version = "1.2" },
	{ "newest is withdrawn, without a network", "1.1 1.2!", "", "", .free = true,
	  .action = CHOOSE_APPLY, .version = "1.1" },
	{ "recalled, a lower one is listed", "1.0 1.1 1.2!", "1.2", "1.2", .action = CHOOSE_LOWER,
	  .version = "1.1" },
	{ "recalled, the lower one is recalled too", "1.0 1.1! 1.2!", "1.2", "",
	  .action = CHOOSE_LOWER, .version = "1.0" },
	{ "recalled, the lower one is quarantined", "1.1 1.2!", "1.2", "", .quarantined = "1.1",
	  .action = CHOOSE_UNPATCH, .version = "1.2" },
	{ "recalled, nothing lower", "1.2!", "1.2", "", .action = CHOOSE_UNPATCH,
	  .version = "1.2" },
	{ "recalled, the lower one is refused", "1.0 1.1? 1.2!", "1.2", "", .action = CHOOSE_LOWER,
	  .version = "1.0" },
	{ "recalled, all lower ones are refused", "1.0? 1.1? 1.2!", "1.2", "",
	  .action = CHOOSE_UNPATCH, .version = "1.2" },
	{ "recalled while held: the hold is about new versions", "1.1 1.2!", "1.2", "",
	  .hold = true, .action = CHOOSE_LOWER, .version = "1.1" },
};

static struct patch_version v(const char *text)
{
	struct patch_version version = { 0 };

	assert_int_equal(patch_version_parse(text, &version), 0);
	return version;
}

static size_t split(const char *text, struct choice_version *ret)
{
	size_t n = 0;

	for (const char *p = text; *p;) {
		char word[32];
		size_t len = strcspn(p, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, p);
		ret[n].withdrawn = word[strlen(word) - 1] == '!';
		ret[n].refused = word[strlen(word) - 1] == '?';
		if (ret[n].withdrawn || ret[n].refused)
			word[strlen(word) - 1] = 0;
		ret[n++].version = v(word);
		p += len + (p[len] == ' ');
	}
	return n;
}

static void check_rule(const struct rule *rule)
{
	_cleanup_free_ struct journal *journal = journal_new();
	struct choice_version listed[8];
	struct choice_input in = { .listed = listed,
				   .n_listed = split(rule->listed, listed),
				   .require_grant = !rule->free,
				   .journal = journal,
				   .kernel = "6.1.0" };
	struct error why = { .code = ERR_QUARANTINED };
	struct choice choice;

	if (rule->applied[0]) {
		in.applied_present = true;
		in.applied = v(rule->applied);
		for (size_t i = 0; i < in.n_listed; i++)
			if (patch_version_compare(listed[i].version, in.applied) == 0)
				in.applied_withdrawn = listed[i].withdrawn;
	}
	if (rule->granted[0]) {
		in.granted_present = true;
		in.granted = v(rule->granted);
	}
	journal->hold = rule->hold;
	journal->has_avoid = rule->avoid != NULL;
	if (rule->avoid)
		journal->avoid = v(rule->avoid);
	if (rule->quarantined)
		journal_add_quarantine(journal, v(rule->quarantined), "6.1.0", &why);
	if (rule->interrupted) {
		in.retry_waits = true;
		journal->interrupted = (struct journal_interrupted){
			.present = true, .version = v(rule->interrupted), .kernel = "6.1.0"
		};
	}
	choice = choose_version(&in);
	if (choice.action != rule->action || choice.reason != rule->reason)
		fail_msg("%s: action %d, %s", rule->name, choice.action,
			 choice_reason_name(choice.reason));
	if (rule->version && patch_version_compare(choice.version, v(rule->version)) != 0)
		fail_msg("%s: %u.%u", rule->name, choice.version.major, choice.version.minor);
}

static void all_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		check_rule(&rules[i]);
}

/* A quarantine is for one kernel. */
static void other_kernel(void **state)
{
	_cleanup_free_ struct journal *journal = journal_new();
	struct choice_version listed = { .version = { 1, 2 } };
	struct choice_input in = {
		.listed = &listed, .n_listed = 1, .journal = journal, .kernel = "6.1.1"
	};
	struct error why = { .code = ERR_QUARANTINED };

	(void)state;
	journal_add_quarantine(journal, listed.version, "6.1.0", &why);
	assert_int_equal(choose_version(&in).action, CHOOSE_APPLY);
	assert_true(choose_version(&in).available_present);
}

/* After the delay an interrupted load is tried again. */
static void second_try(void **state)
{
	_cleanup_free_ struct journal *journal = journal_new();
	struct choice_version listed = { .version = { 1, 2 } };
	struct choice_input in = { .listed = &listed,
				   .n_listed = 1,
				   .journal = journal,
				   .kernel = "6.1.1",
				   .retry_waits = true };

	(void)state;
	journal->interrupted = (struct journal_interrupted){ .present = true,
							     .version = listed.version,
							     .kernel = "6.1.1" };
	assert_int_equal(choose_version(&in).reason, CHOICE_INTERRUPTED);
	in.retry_waits = false;
	assert_int_equal(choose_version(&in).action, CHOOSE_APPLY);
	in.retry_waits = true;
	in.kernel = "6.1.2";
	assert_int_equal(choose_version(&in).action, CHOOSE_APPLY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rules),
		cmocka_unit_test(other_kernel),
		cmocka_unit_test(second_try),
	};

	return cmocka_run_group_tests_name("choose", tests, NULL, NULL);
}
