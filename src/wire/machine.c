/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/machine.h"

#include "wire/field.h"

static const char *const state_names[MACHINE_STATES] = {
	[MACHINE_UNAPPLIED] = "unapplied",     [MACHINE_DOWNLOADING] = "downloading",
	[MACHINE_VERIFYING] = "verifying",     [MACHINE_APPLYING] = "applying",
	[MACHINE_APPLIED] = "applied",         [MACHINE_REFUSED] = "refused",
	[MACHINE_FAILED] = "failed",           [MACHINE_REVERTED] = "reverted",
	[MACHINE_QUARANTINED] = "quarantined",
};

static const char *const check_names[CODE_CHECKS] = {
	[CODE_CHECK_NONE] = "none",
	[CODE_CHECK_EQUAL] = "equal",
	[CODE_CHECK_DIFFERENT] = "different",
	[CODE_CHECK_UNREADABLE] = "unreadable",
};

static int find_word(const char *const *words, size_t n, const char *text, size_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (streq(words[i], text)) {
			*ret = i;
			return 0;
		}
	}
	return ERR_INVALID;
}

const char *machine_state_name(enum machine_state state)
{
	return (size_t)state < MACHINE_STATES ? state_names[state] : "unknown";
}

int machine_state_parse(const char *text, enum machine_state *ret)
{
	size_t i;
	int r = find_word(state_names, MACHINE_STATES, text, &i);

	if (r == 0)
		*ret = (enum machine_state)i;
	return r;
}

const char *code_check_name(enum code_check check)
{
	return (size_t)check < CODE_CHECKS ? check_names[check] : "unknown";
}

int code_check_parse(const char *text, enum code_check *ret)
{
	size_t i;
	int r = find_word(check_names, CODE_CHECKS, text, &i);

	if (r == 0)
		*ret = (enum code_check)i;
	return r;
}

static int check_arch(const json_t *object, struct error *err)
{
	char arch[33];
	int r = field_text(object, "arch", 1, sizeof(arch), arch, err);

	if (r < 0)
		return r;
	if (!streq(arch, MACHINE_ARCH))
		return error_set(err, ERR_UNSUPPORTED, "arch: \"%s\" is not supported, only %s is",
				 arch, MACHINE_ARCH);
	return 0;
}

int machine_facts_parse(const json_t *object, struct machine_facts *ret, struct error *err)
{
	struct machine_facts facts = { 0 };
	int r = field_text(object, "agent", 1, sizeof(facts.agent), facts.agent, err);

	if (r == 0)
		r = check_arch(object, err);
	if (r == 0)
		r = field_name(object, "kernel", release_is_valid, sizeof(facts.kernel),
			       facts.kernel, err);
	if (r == 0)
		r = field_name(object, "build_id", build_id_is_valid, sizeof(facts.build_id),
			       facts.build_id, err);
	if (r == 0)
		r = field_name(object, "tier", tier_is_valid, sizeof(facts.tier), facts.tier, err);
	if (r == 0)
		*ret = facts;
	return r;
}

int machine_facts_add(json_t *object, const struct machine_facts *facts)
{
	int bad = json_set_str(object, "agent", facts->agent);

	bad |= json_set_str(object, "arch", MACHINE_ARCH);
	bad |= json_set_str(object, "kernel", facts->kernel);
	bad |= json_set_str(object, "build_id", facts->build_id);
	bad |= json_set_str(object, "tier", facts->tier);
	return bad;
}
