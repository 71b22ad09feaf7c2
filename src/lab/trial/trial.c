// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/trial/trial.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "lab/trial/case_judge.h"
#include "lab/trial/case_run.h"

#define TRANSITION_MS 60000
#define SAID_MAX      (8 * 1024 * 1024)

static void fail(struct trial_outcome *ret, enum trial_cause cause, const struct error *err)
{
	ret->verdict = VERDICT_FAIL;
	ret->cause = cause;
	snprintf(ret->message, sizeof(ret->message), "%s", err->message);
}

/* Starts the guest and notes where the case begins. */
static bool begin(struct trial_guest *t, struct trial_outcome *ret)
{
	struct error err = { 0 };
	int r = trial_guest_start(t, &err);

	if (r < 0) {
		fail(ret, CAUSE_BOOT, &err);
		return false;
	}
	t->console = guest_console_size(t->guest);
	r = trial_guest_taints(t, &t->taints, &err);
	if (r < 0)
		fail(ret, CAUSE_LAB, &err);
	return r == 0;
}

static void hold_once(struct trial_guest *t, const struct case_kind *kind, struct trial_case *c,
		      struct trial_outcome *ret)
{
	_cleanup_buf_ struct buf said = BUF_INIT(SAID_MAX);
	int64_t start = clock_monotonic_ms();
	struct case_end end = { 0 };
	const char *skip = NULL;
	struct error err = { 0 };

	*ret = (struct trial_outcome){ 0 };
	if (!begin(t, ret)) {
		ret->ms = clock_monotonic_ms() - start;
		return;
	}
	end.code = case_prepare(t, kind, &skip, &err);
	if (end.code == 0 && skip) {
		ret->verdict = VERDICT_SKIP;
		snprintf(ret->message, sizeof(ret->message), "%s", skip);
		return;
	}
	if (end.code == 0)
		end.code = case_run(t, kind, &said, &end.result, &err);
	end.message = err.message;
	end.said = buf_str(&said);
	ret->ms = clock_monotonic_ms() - start;
	case_judge(t, kind, &end, c, ret);
}

void trial_case_keep_first(struct trial_case *c, const char *logs)
{
	c->first = c->run;
	c->repeated = true;
	memcpy(c->first_excerpt, c->excerpt, sizeof(c->first_excerpt));
	c->excerpt[0] = '\0';
	if (logs && c->log[0]) {
		snprintf(c->first_log, sizeof(c->first_log), "%s-first.log", c->name);
		_cleanup_free_ char *from = path_join(logs, c->log, NULL);
		_cleanup_free_ char *to = path_join(logs, c->first_log, NULL);

		if (!from || !to || rename(from, to) < 0)
			c->first_log[0] = '\0';
	}
	c->log[0] = '\0';
}

/* What says nothing of the patch: a new guest that does not boot, trouble of the lab's own. */
static bool is_labs_own(const struct trial_outcome *run)
{
	return run->cause == CAUSE_BOOT || run->cause == CAUSE_LAB;
}

/* Emulated by several threads, processors do not always see code that changes while it runs as real
 * ones do: what fails there counts only if it fails with one thread too. And what is the lab's own
 * counts only if it comes twice. */
static void hold_case(struct trial_guest *t, const struct case_kind *kind)
{
	struct trial_case *c = &t->trial->cases[t->trial->n++];
	enum guest_accel accel = t->accel;

	snprintf(c->name, sizeof(c->name), "%s", kind->name);
	if (t->o->say)
		t->o->say(t->o->user, t->o->kernel, kind->name);
	hold_once(t, kind, c, &c->run);
	if (c->run.verdict == VERDICT_FAIL)
		trial_guest_drop(t);
	if (c->run.verdict != VERDICT_FAIL || (accel != GUEST_TCG_MULTI && !is_labs_own(&c->run)))
		return;
	trial_case_keep_first(c, t->o->logs);
	t->accel = accel == GUEST_TCG_MULTI ? GUEST_TCG : accel;
	hold_once(t, kind, c, &c->run);
	if (c->run.verdict == VERDICT_FAIL || t->accel != accel)
		trial_guest_drop(t);
	t->accel = accel;
}

static void boot_once(struct trial_guest *t, struct trial_case *c)
{
	struct trial_outcome *ret = &c->run;
	int64_t start = clock_monotonic_ms();
	struct error err = { 0 };

	*ret = (struct trial_outcome){ 0 };
	if (trial_guest_start(t, &err) < 0)
		fail(ret, CAUSE_BOOT, &err);
	ret->ms = clock_monotonic_ms() - start;
	case_keep_boot(t, c);
}

/* The first boot, as a case of its own: without it there is nothing to hold. */
static bool hold_boot(struct trial_guest *t)
{
	struct trial_case *c = &t->trial->cases[t->trial->n++];

	snprintf(c->name, sizeof(c->name), "boot");
	if (t->o->say)
		t->o->say(t->o->user, t->o->kernel, c->name);
	boot_once(t, c);
	if (c->run.verdict == VERDICT_FAIL) {
		trial_guest_drop(t);
		trial_case_keep_first(c, t->o->logs);
		boot_once(t, c);
	}
	return c->run.verdict == VERDICT_PASS;
}

static bool is_wanted(const struct trial_options *o, const struct case_kind *kind)
{
	for (size_t i = 0; o->cases && o->cases[i]; i++)
		if (streq(o->cases[i], kind->name))
			return true;
	return !o->cases && kind->standard;
}

static int check_cases(const struct trial_options *o, struct error *err)
{
	_cleanup_buf_ struct buf names = BUF_INIT(1024);

	for (size_t i = 0; i < case_kinds_n; i++)
		if (buf_printf(&names, "%s%s", i > 0 ? ", " : "", case_kinds[i].name) < 0)
			return error_set(err, ERR_NO_MEMORY, "cases");
	for (size_t i = 0; o->cases && o->cases[i]; i++)
		if (!case_find(o->cases[i]))
			return error_set(err, ERR_USAGE, "case %s: there is %s", o->cases[i],
					 buf_str(&names));
	return 0;
}

/* A patch that does not even load has no other case. */
static void hold_cases(struct trial_guest *t)
{
	if (!hold_boot(t))
		return;
	for (size_t i = 0; i < case_kinds_n; i++) {
		if (!is_wanted(t->o, &case_kinds[i]))
			continue;
		hold_case(t, &case_kinds[i]);
		if (streq(case_kinds[i].name, "load") &&
		    t->trial->cases[t->trial->n - 1].run.verdict == VERDICT_FAIL)
			return;
	}
}

int trial_run(const struct trial_options *options, struct trial *ret, struct error *err)
{
	_cleanup_trial_guest_ struct trial_guest t = { 0 };
	struct trial_options o = *options;
	int64_t start = clock_monotonic_ms();

	*ret = (struct trial){ 0 };
	if (o.transition_timeout_ms <= 0)
		o.transition_timeout_ms = TRANSITION_MS;
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", o.kernel);
	snprintf(ret->module, sizeof(ret->module), "%s", path_base(o.module));
	clock_format(clock_now(), ret->time);
	guest_describe(&o.guest, ret->machine);
	int r = check_cases(&o, err);

	if (r == 0)
		r = hash_sha256_file(o.module, ret->module_sha256, err);
	if (r == 0)
		r = trial_guest_open(&o, ret, &t, err);
	if (r < 0)
		return r;
	hold_cases(&t);
	ret->ms = clock_monotonic_ms() - start;
	return 0;
}

bool trial_passed(const struct trial *trial)
{
	bool passed = false;

	for (size_t i = 0; i < trial->n; i++) {
		if (trial->cases[i].run.verdict == VERDICT_FAIL)
			return false;
		/* That the kernel booted says nothing of the patch. */
		passed = passed || (trial->cases[i].run.verdict == VERDICT_PASS &&
				    !streq(trial->cases[i].name, "boot"));
	}
	return passed;
}
