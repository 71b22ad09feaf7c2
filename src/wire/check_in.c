/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/check_in.h"

#include "base/clock.h"
#include "wire/enrol.h"

static const char *const reason_names[REASONS] = {
	[REASON_GRANTED] = "granted",
	[REASON_UP_TO_DATE] = "up-to-date",
	[REASON_NONE_AVAILABLE] = "none-available",
	[REASON_NOT_COVERED] = "not-covered",
	[REASON_PAUSED] = "paused",
};

const char *check_in_reason_name(enum check_in_reason reason)
{
	return (size_t)reason < REASONS ? reason_names[reason] : "unknown";
}

void check_in_request_clear(struct check_in_request *request)
{
	free(request->events);
	*request = (struct check_in_request){ 0 };
}

static int parse_event(const json_t *object, struct check_in_event *ret, struct error *err)
{
	int r;

	if (!json_is_object(object))
		return error_set(err, ERR_INVALID, "is not an object");
	r = field_time(object, "time", &ret->time, err);
	if (r == 0)
		r = field_name(object, "event", code_is_valid, sizeof(ret->event), ret->event, err);
	if (r == 0)
		r = field_name_opt(object, "version", version_text_is_valid, sizeof(ret->version),
				   ret->version, err);
	if (r == 0)
		r = field_name_opt(object, "code", code_is_valid, sizeof(ret->code), ret->code,
				   err);
	if (r == 0 && !json_is_null(json_object_get(object, "message")) &&
	    json_object_get(object, "message"))
		r = field_text(object, "message", 0, sizeof(ret->message), ret->message, err);
	return r;
}

static int parse_events(const json_t *object, struct check_in_request *request, struct error *err)
{
	json_t *array;
	int r = json_get_array(object, "events", CHECK_IN_EVENTS_MAX, &array, err);

	if (r < 0 || json_array_size(array) == 0)
		return r;
	request->events = calloc(json_array_size(array), sizeof(*request->events));
	if (!request->events)
		return error_set(err, ERR_NO_MEMORY, "events: out of memory");
	for (size_t i = 0; i < json_array_size(array); i++) {
		r = parse_event(json_array_get(array, i), &request->events[i], err);
		if (r < 0)
			return error_prefix(err, r, "events[%zu]", i);
		request->n_events = i + 1;
	}
	return 0;
}

static int parse_failure(const json_t *object, struct check_in_request *request, struct error *err)
{
	json_t *failure = json_optional(object, "error");
	int r;

	if (!failure)
		return 0;
	if (!json_is_object(failure))
		return error_set(err, ERR_INVALID, "error: is neither an object nor null");
	r = field_name(failure, "code", code_is_valid, sizeof(request->error_code),
		       request->error_code, err);
	if (r == 0)
		r = field_text(failure, "message", 0, sizeof(request->error_message),
			       request->error_message, err);
	return r < 0 ? error_prefix(err, r, "error") : 0;
}

static int parse_state(const json_t *object, struct check_in_request *request, struct error *err)
{
	const char *text;
	int r = json_get_str(object, "state", CODE_MAX, &text, err);

	if (r < 0)
		return r;
	if (machine_state_parse(text, &request->state) < 0)
		return error_set(err, ERR_INVALID, "state: \"%s\" is not a state", text);
	r = json_get_str(object, "code_check", CODE_MAX, &text, err);
	if (r < 0)
		return r;
	if (code_check_parse(text, &request->code_check) < 0)
		return error_set(err, ERR_INVALID, "code_check: \"%s\" is not a verdict", text);
	return json_get_bool_opt(object, "hold", false, &request->hold, err);
}

static int parse_request(const json_t *object, struct check_in_request *request, struct error *err)
{
	int r = json_get_int(object, "sequence", 1, CHECK_IN_NUMBER_MAX, &request->sequence, err);

	if (r == 0)
		r = machine_facts_parse(object, &request->facts, err);
	if (r == 0)
		r = field_name(object, "boot_id", uuid_is_valid, sizeof(request->boot_id),
			       request->boot_id, err);
	if (r == 0)
		r = json_get_int(object, "uptime", 0, CHECK_IN_NUMBER_MAX, &request->uptime, err);
	if (r == 0)
		r = parse_state(object, request, err);
	if (r == 0)
		r = field_name_opt(object, "version", version_text_is_valid,
				   sizeof(request->version), request->version, err);
	if (r == 0)
		r = parse_failure(object, request, err);
	if (r == 0)
		r = parse_events(object, request, err);
	return r;
}

int check_in_request_parse(const void *data, size_t len, struct check_in_request *ret,
			   struct error *err)
{
	_cleanup_check_in_request_ struct check_in_request request = { 0 };
	_cleanup_json_ json_t *object = NULL;
	int r = field_parse_object(data, len, CHECK_IN_REQUEST_MAX, &object, err);

	if (r == 0)
		r = parse_request(object, &request, err);
	if (r < 0)
		return error_prefix(err, r, "check-in");
	*ret = request;
	request.events = NULL;
	return 0;
}

json_t *check_in_event_object(const struct check_in_event *event)
{
	_cleanup_json_ json_t *object = json_object();
	int bad = object ? 0 : -1;

	bad |= field_set_time(object, "time", event->time);
	bad |= json_set_str(object, "event", event->event);
	bad |= field_set_opt(object, "version", event->version);
	bad |= field_set_opt(object, "code", event->code);
	bad |= field_set_message(object, "message", event->message);
	return bad ? NULL : TAKE_PTR(object);
}

static json_t *failure_object(const struct check_in_request *request)
{
	_cleanup_json_ json_t *object = NULL;
	int bad;

	if (!request->error_code[0])
		return json_null();
	object = json_object();
	bad = object ? 0 : -1;
	bad |= json_set_str(object, "code", request->error_code);
	bad |= field_set_message(object, "message", request->error_message);
	return bad ? NULL : TAKE_PTR(object);
}

static json_t *events_array(const struct check_in_request *request)
{
	_cleanup_json_ json_t *array = json_array();

	if (!array)
		return NULL;
	for (size_t i = 0; i < request->n_events; i++)
		if (json_array_append_new(array, check_in_event_object(&request->events[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static json_t *request_object(const struct check_in_request *request)
{
	_cleanup_json_ json_t *object = json_object();
	int bad = object ? 0 : -1;

	bad |= json_object_set_new(object, "sequence", json_integer(request->sequence));
	bad |= machine_facts_add(object, &request->facts);
	bad |= json_set_str(object, "boot_id", request->boot_id);
	bad |= json_object_set_new(object, "uptime", json_integer(request->uptime));
	bad |= json_set_str(object, "state", machine_state_name(request->state));
	bad |= field_set_opt(object, "version", request->version);
	bad |= json_object_set_new(object, "error", failure_object(request));
	bad |= json_set_str(object, "code_check", code_check_name(request->code_check));
	bad |= json_object_set_new(object, "hold", json_boolean(request->hold));
	bad |= json_object_set_new(object, "events", events_array(request));
	return bad ? NULL : TAKE_PTR(object);
}

int check_in_request_write(const struct check_in_request *request, struct buf *out,
			   struct error *err)
{
	_cleanup_check_in_request_ struct check_in_request check = { 0 };
	_cleanup_json_ json_t *object = request_object(request);
	_cleanup_buf_ struct buf text = BUF_INIT(CHECK_IN_REQUEST_MAX);
	int r;

	if (!object)
		return error_set(err, ERR_INVALID, "check-in: a field is not UTF-8");
	r = parse_request(object, &check, err);
	if (r < 0)
		return error_prefix(err, r, "check-in");
	r = json_append(object, &text);
	if (r == 0)
		r = buf_append(out, text.data, text.len);
	if (r < 0)
		return error_set(err, r, "check-in: does not fit %zu bytes", CHECK_IN_REQUEST_MAX);
	return 0;
}

static int parse_grant(const json_t *object, struct check_in_answer *answer, struct error *err)
{
	json_t *grant = json_optional(object, "grant");
	int r;

	if (!grant)
		return 0;
	if (!json_is_object(grant))
		return error_set(err, ERR_INVALID, "grant: is neither an object nor null");
	r = field_name(grant, "version", version_text_is_valid, sizeof(answer->version),
		       answer->version, err);
	if (r == 0)
		r = field_name(grant, "kernel", release_is_valid, sizeof(answer->kernel),
			       answer->kernel, err);
	if (r == 0)
		r = field_text(grant, "rollout", 0, sizeof(answer->rollout), answer->rollout, err);
	if (r < 0)
		return error_prefix(err, r, "grant");
	answer->granted = true;
	return 0;
}

static int parse_answer(const json_t *object, struct check_in_answer *answer, struct error *err)
{
	size_t reason = 0;
	int r = json_get_int(object, "sequence", 1, CHECK_IN_NUMBER_MAX, &answer->sequence, err);

	if (r == 0)
		r = parse_grant(object, answer, err);
	if (r == 0)
		r = field_word(object, "reason", reason_names, REASONS, &reason, err);
	if (r == 0)
		r = json_get_int(object, "interval", 1, CHECK_IN_INTERVAL_MAX, &answer->interval,
				 err);
	if (r == 0)
		r = field_time(object, "time", &answer->time, err);
	answer->reason = (enum check_in_reason)reason;
	if (r == 0 && answer->granted != (answer->reason == REASON_GRANTED))
		r = error_set(err, ERR_INVALID, "grant and reason disagree");
	return r;
}

int check_in_answer_parse(const void *data, size_t len, struct check_in_answer *ret,
			  struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	struct check_in_answer answer = { 0 };
	int r = field_parse_object(data, len, CHECK_IN_ANSWER_MAX, &object, err);

	if (r == 0)
		r = parse_answer(object, &answer, err);
	if (r < 0)
		return error_prefix(err, r, "answer to the check-in");
	*ret = answer;
	return 0;
}

static json_t *grant_object(const struct check_in_answer *answer)
{
	_cleanup_json_ json_t *object = NULL;
	int bad;

	if (!answer->granted)
		return json_null();
	object = json_object();
	bad = object ? 0 : -1;
	bad |= json_set_str(object, "version", answer->version);
	bad |= json_set_str(object, "kernel", answer->kernel);
	bad |= json_set_str(object, "rollout", answer->rollout);
	return bad ? NULL : TAKE_PTR(object);
}

int check_in_answer_write(const struct check_in_answer *answer, struct buf *out, struct error *err)
{
	_cleanup_json_ json_t *object = json_object();
	struct check_in_answer check = { 0 };
	int bad = object ? 0 : -1, r;

	bad |= json_object_set_new(object, "sequence", json_integer(answer->sequence));
	bad |= json_object_set_new(object, "grant", grant_object(answer));
	bad |= json_set_str(object, "reason", check_in_reason_name(answer->reason));
	bad |= json_object_set_new(object, "interval", json_integer(answer->interval));
	bad |= field_set_time(object, "time", answer->time);
	if (bad)
		return error_set(err, ERR_NO_MEMORY, "answer to the check-in: out of memory");
	r = parse_answer(object, &check, err);
	if (r < 0)
		return error_prefix(err, r, "answer to the check-in");
	r = json_append(object, out);
	return r < 0 ? error_set(err, r, "answer to the check-in: does not fit") : 0;
}
