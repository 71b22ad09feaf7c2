/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/enrol.h"

#include <stdio.h>

#include "agent/apply.h"
#include "agent/keys.h"
#include "agent/trust.h"
#include "base/file.h"
#include "base/log.h"
#include "kernel/root.h"
#include "wire/enrol.h"
#include "wire/event.h"
#include "wire/problem.h"

#define NEW_TOKEN_HINT "make a new token with `suture-admin token create`"

/* The bundle's bytes: those given, or those that the token's hash names. */
static int get_bundle(struct agent *agent, const struct enrol_options *options,
		      const struct token *token, struct buf *out, struct error *err)
{
	int r;

	if (options->bundle) {
		r = buf_append(out, options->bundle, options->bundle_len);
		if (r < 0)
			return error_set(err, r, "trust bundle: larger than %zu bytes", out->max);
	} else if (token->url[0]) {
		r = fetcher_bundle(agent->fetcher, token->url, BUNDLE_MAX, out, err);
		if (r < 0)
			return error_prefix(err, r, "trust bundle");
	} else {
		error_set(err, ERR_UNTRUSTED, "nothing tells which server to trust");
		error_hint(err, "give the trust bundle (--trust FILE), or a token that names one "
				"(url#hash#secret)");
		return ERR_UNTRUSTED;
	}
	if (!token->bundle_sha256[0])
		return 0;
	r = bundle_check_hash(out->data, out->len, token->bundle_sha256, err);
	if (r < 0)
		error_hint(err, "do not enrol: ask for a new token over a safe way");
	return r;
}

static int choose_tier(const struct bundle *bundle, const char *wanted, const char **ret,
		       struct error *err)
{
	_cleanup_buf_ struct buf names = BUF_INIT(ERROR_HINT_MAX - 64);

	if (!wanted) {
		*ret = bundle->default_tier;
		return 0;
	}
	for (size_t i = 0; i < bundle->n_tiers; i++) {
		if (streq(bundle->tiers[i], wanted)) {
			*ret = bundle->tiers[i];
			return 0;
		}
		if (buf_printf(&names, "%s%s", i ? ", " : "", bundle->tiers[i]) < 0)
			break;
	}
	error_set(err, ERR_USAGE, "the trust bundle has no tier %s", wanted);
	error_hint(err, "its tiers are: %s", buf_str(&names));
	return ERR_USAGE;
}

static int make_request(const struct agent *agent, const struct enrol_options *options,
			const char *tier, const struct token *token, json_t **ret,
			struct error *err)
{
	_cleanup_enrol_request_ struct enrol_request request = { 0 };

	snprintf(request.token, sizeof(request.token), "%s", token->secret);
	if (options->hostname)
		snprintf(request.hostname, sizeof(request.hostname), "%s", options->hostname);
	else if (kernel_read_text(agent->paths.root, "/proc/sys/kernel/hostname", request.hostname,
				  sizeof(request.hostname), NULL) < 0 ||
		 !request.hostname[0])
		snprintf(request.hostname, sizeof(request.hostname), "localhost");
	snprintf(request.facts.agent, sizeof(request.facts.agent), "%s", SUTURE_VERSION);
	snprintf(request.facts.kernel, sizeof(request.facts.kernel), "%s", agent->facts.release);
	snprintf(request.facts.build_id, sizeof(request.facts.build_id), "%s",
		 agent->facts.build_id);
	snprintf(request.facts.tier, sizeof(request.facts.tier), "%s", tier);
	return enrol_request_object(&request, ret, err);
}

static int read_answer(int status, const struct buf *body, struct enrol_answer *ret,
		       struct error *err)
{
	struct problem problem;
	int r;

	if (status == 201) {
		r = enrol_answer_parse(body->data, body->len, ret, err);
		return r < 0 ? error_prefix(err, r, "enrolment: answer") : 0;
	}
	r = problem_parse(status, body->data, body->len, &problem, err);
	if (r < 0)
		return error_set(err, ERR_PROTOCOL, "enrolment: the server answered with status %d",
				 status);
	error_set(err, problem_code(&problem), "enrolment: %s", problem.detail);
	if (status == 403)
		error_hint(err, NEW_TOKEN_HINT);
	return problem_code(&problem);
}

static int exchange(struct agent *agent, const struct enrol_options *options,
		    const struct bundle *bundle, const char *tier, const struct token *token,
		    struct enrol_answer *ret, struct error *err)
{
	_cleanup_buf_ struct buf body = BUF_INIT(ENROL_ANSWER_MAX);
	_cleanup_json_ json_t *request = NULL;
	int status, r;

	r = make_request(agent, options, tier, token, &request, err);
	if (r < 0)
		return r;
	r = fetcher_enrol(agent->fetcher, bundle->url, bundle->server_ca, request, &body, &status,
			  err);
	if (r < 0) {
		error_prefix(err, r, "enrolment");
		if (r == ERR_DENIED)
			error_hint(err, NEW_TOKEN_HINT);
		return r;
	}
	return read_answer(status, &body, ret, err);
}

static int commit_enabled(struct agent *agent, const struct enrol_answer *answer, const char *tier,
			  struct error *err)
{
	struct journal *draft = agent_draft(agent, err);

	if (!draft)
		return ERR_NO_MEMORY;
	snprintf(draft->machine_id, sizeof(draft->machine_id), "%s", answer->machine_id);
	snprintf(draft->tier, sizeof(draft->tier), "%s", tier);
	draft->sequence = 0;
	journal_add_event(draft, EVENT_ENABLED, NULL, NULL);
	return agent_commit(agent, draft, err);
}

/* With the trust in place; on failure the caller removes it. */
static int enrol_with(struct agent *agent, const struct enrol_options *options,
		      struct bundle *bundle, const char *tier, const struct token *token,
		      struct error *err)
{
	struct enrol_answer *answer = calloc(1, sizeof(*answer));
	int r;

	if (!answer)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = exchange(agent, options, bundle, tier, token, answer, err);
	if (r == 0)
		r = commit_enabled(agent, answer, tier, err);
	if (r == 0)
		agent->interval = answer->interval;
	else if (r != ERR_UNREACHABLE && r != -ECANCELED)
		/* The fetcher may have kept what the server gave it; an identity that this side
		 * does not know must not stay. */
		fetcher_forget(agent->fetcher, NULL);
	free(answer);
	return r;
}

int enrol_enable(struct agent *agent, const struct enrol_options *options, struct error *err)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT(BUNDLE_MAX);
	_cleanup_bundle_ struct bundle *bundle = NULL;
	_cleanup_token_ struct token token = { 0 };
	const char *tier;
	int r;

	if (agent->journal->machine_id[0]) {
		error_set(err, ERR_EXISTS, "this machine is already enabled, as %s",
			  agent->journal->machine_id);
		error_hint(err, "run `suture disable` first to enrol it anew");
		return ERR_EXISTS;
	}
	if ((r = token_parse(options->token, &token, err)) < 0 ||
	    (r = get_bundle(agent, options, &token, &bytes, err)) < 0)
		return r;
	r = bundle_parse(bytes.data, bytes.len, &bundle, err);
	if (r < 0)
		return error_prefix(err, r, "trust bundle");
	if ((r = choose_tier(bundle, options->tier, &tier, err)) < 0)
		return r;
	r = trust_install(&agent->paths, bytes.data, bytes.len, bundle, err);
	if (r < 0)
		return r;
	r = enrol_with(agent, options, bundle, tier, &token, err);
	if (r < 0) {
		trust_remove(&agent->paths, NULL);
		return r;
	}
	agent->bundle = TAKE_PTR(bundle);
	keys_refresh(agent);
	agent->covered = KERNEL_UNKNOWN;
	return agent_settle(agent, err);
}

/* The fetcher's key, and then what was trusted: while that is there, the key may be. */
static int forget(struct agent *agent, struct error *err)
{
	int r = fetcher_forget(agent->fetcher, err);

	if (r == 0)
		r = trust_remove(&agent->paths, err);
	if (r == 0)
		return 0;
	error_prefix(err, r, "the machine is not enabled, but its key may still be there");
	error_hint(err, "`suture disable` once more removes it");
	return r;
}

static bool is_unfinished(const struct agent *agent)
{
	return !agent->journal->machine_id[0] && file_exists(agent->paths.trust);
}

void enrol_tidy(struct agent *agent)
{
	struct error err = { 0 };

	if (is_unfinished(agent) && forget(agent, &err) < 0)
		log_warning("%s", err.message);
}

int enrol_disable(struct agent *agent, bool unpatch, struct error *err)
{
	struct journal *draft;
	int r;

	if (is_unfinished(agent))
		return forget(agent, err);
	if (!agent->journal->machine_id[0])
		return error_set(err, ERR_BAD_STATE, "this machine is not enabled");
	if (unpatch && (r = apply_unload(agent, EVENT_UNPATCHED, false, err)) < 0)
		return r;
	/* Who removes the key must be there before the machine forgets its name. */
	if ((r = fetcher_reach(agent->fetcher, err)) < 0)
		return r;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	draft->machine_id[0] = draft->tier[0] = 0;
	draft->sequence = 0;
	draft->hold = draft->has_avoid = false;
	draft->state = agent->applied.present ? MACHINE_APPLIED : MACHINE_UNAPPLIED;
	journal_set_failure(draft, NULL);
	journal_add_event(draft, EVENT_DISABLED, NULL, NULL);
	/* What happened under this identity is not told to whoever comes next. */
	for (size_t i = 0; i < draft->n_history; i++)
		draft->history[i].sent = true;
	r = agent_commit(agent, draft, err);
	if (r < 0)
		return r;
	bundle_free(TAKE_PTR(agent->bundle));
	keys_refresh(agent);
	agent->available_present = false;
	agent->covered = KERNEL_UNKNOWN;
	agent->check = (struct agent_check){ 0 };
	agent->dates = (struct agent_dates){ 0 };
	return forget(agent, err);
}
