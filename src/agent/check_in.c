/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/check_in.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "wire/problem.h"

#define CHECK_IN_PATH "/v1/check-in"

static void fill_events(const struct journal *journal, struct check_in_request *request)
{
	for (size_t i = 0; i < journal->n_history && request->n_events < CHECK_IN_EVENTS_MAX; i++) {
		const struct journal_event *e = &journal->history[i];
		struct check_in_event *to;

		if (e->sent)
			continue;
		to = &request->events[request->n_events++];
		*to = (struct check_in_event){ .time = e->time };
		snprintf(to->event, sizeof(to->event), "%s", e->event);
		snprintf(to->code, sizeof(to->code), "%s", e->code);
		snprintf(to->message, sizeof(to->message), "%s", e->message);
		if (e->has_version)
			patch_version_format(e->version, to->version);
	}
}

static enum code_check code_check_of(enum kernel_code_verdict verdict)
{
	switch (verdict) {
	case KERNEL_CODE_EQUAL: return CODE_CHECK_EQUAL;
	case KERNEL_CODE_DIFFERENT: return CODE_CHECK_DIFFERENT;
	case KERNEL_CODE_UNREADABLE: return CODE_CHECK_UNREADABLE;
	default: return CODE_CHECK_NONE;
	}
}

static int fill_request(const struct agent *agent, struct check_in_request *request,
			struct error *err)
{
	const struct journal *journal = agent->journal;
	const struct kernel_facts *facts = &agent->facts;

	*request = (struct check_in_request){
		.sequence = journal->sequence,
		.uptime = clock_boottime_ms() / 1000,
		.state = journal->state,
		.code_check = code_check_of(agent->code_check),
		.hold = journal->hold,
	};
	snprintf(request->facts.agent, sizeof(request->facts.agent), "%s", SUTURE_VERSION);
	snprintf(request->facts.kernel, sizeof(request->facts.kernel), "%s", facts->release);
	snprintf(request->facts.build_id, sizeof(request->facts.build_id), "%s", facts->build_id);
	snprintf(request->facts.tier, sizeof(request->facts.tier), "%s", agent_tier(agent));
	snprintf(request->boot_id, sizeof(request->boot_id), "%s", facts->boot_id);
	snprintf(request->error_code, sizeof(request->error_code), "%s", journal->failure.code);
	snprintf(request->error_message, sizeof(request->error_message), "%s",
		 journal->failure.message);
	if (agent->applied.present)
		patch_version_format(agent->applied.version, request->version);
	request->events = calloc(CHECK_IN_EVENTS_MAX, sizeof(*request->events));
	if (!request->events)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	fill_events(journal, request);
	return 0;
}

/* A request with many long messages is sent with fewer of them. */
static int write_request(struct check_in_request *request, struct buf *body, struct error *err)
{
	int r;

	while ((r = check_in_request_write(request, body, err)) == ERR_TOO_LARGE &&
	       request->n_events) {
		buf_clear(body);
		request->n_events /= 2;
	}
	return r;
}

static int count_up(struct agent *agent, struct error *err)
{
	struct journal *draft = agent_draft(agent, err);

	if (!draft)
		return ERR_NO_MEMORY;
	draft->sequence++;
	return agent_commit(agent, draft, err);
}

static int mark_sent(struct agent *agent, size_t n, struct error *err)
{
	struct journal *draft;

	if (n == 0)
		return 0;
	draft = agent_draft(agent, err);
	if (!draft)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < draft->n_history && n; i++) {
		if (draft->history[i].sent)
			continue;
		draft->history[i].sent = true;
		n--;
	}
	return agent_commit(agent, draft, err);
}

static int read_answer(int status, const struct buf *body, int64_t sequence,
		       struct check_in_answer *ret, struct error *err)
{
	struct problem problem;
	int r;

	if (status != 200) {
		r = problem_parse(status, body->data, body->len, &problem, err);
		if (r < 0)
			return error_set(err, ERR_PROTOCOL,
					 "check-in: the server answered with status %d", status);
		return error_set(err, problem_code(&problem), "check-in: %s", problem.detail);
	}
	r = check_in_answer_parse(body->data, body->len, ret, err);
	if (r < 0)
		return error_prefix(err, r, "check-in: answer");
	if (ret->sequence != sequence)
		return error_set(err, ERR_PROTOCOL, "check-in: the answer is to another request");
	return 0;
}

int check_in(struct agent *agent, struct check_in_answer *ret, struct error *err)
{
	_cleanup_check_in_request_ struct check_in_request request = { 0 };
	_cleanup_buf_ struct buf body = BUF_INIT(CHECK_IN_REQUEST_MAX);
	_cleanup_buf_ struct buf answer_body = BUF_INIT(CHECK_IN_REQUEST_MAX);
	_cleanup_json_ json_t *object = NULL;
	struct check_in_answer answer = { 0 };
	int status = 0, r;

	if ((r = count_up(agent, err)) < 0 || (r = fill_request(agent, &request, err)) < 0 ||
	    (r = write_request(&request, &body, err)) < 0 ||
	    (r = json_parse(body.data, body.len, &object, err)) < 0)
		return r;
	r = fetcher_post(agent->fetcher, CHECK_IN_PATH, object, CHECK_IN_ANSWER_MAX, &answer_body,
			 &status, err);
	if (r < 0)
		return error_prefix(err, r, "check-in");
	r = read_answer(status, &answer_body, agent->journal->sequence, &answer, err);
	if (r < 0)
		return r;
	agent->interval = answer.interval;
	r = mark_sent(agent, request.n_events, err);
	if (r == 0 && ret)
		*ret = answer;
	return r;
}

bool check_in_is_due(const struct agent *agent)
{
	for (size_t i = 0; i < agent->journal->n_history; i++)
		if (!agent->journal->history[i].sent)
			return true;
	return false;
}
