/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "wire/check_in.h"

#define BOOT "01234567-89ab-cdef-0123-456789abcdef"

static struct check_in_request example(void)
{
	struct check_in_request request = {
		.sequence = 41,
		.facts = { "0.1.0", "6.1.0-41-amd64", "0123456789abcdef", "stable" },
		.boot_id = BOOT,
		.uptime = 3600,
		.state = MACHINE_FAILED,
		.version = "1.1",
		.error_code = "stuck",
		.error_message = "transition: did not finish",
		.code_check = CODE_CHECK_EQUAL,
		.hold = true,
		.n_events = 2,
	};

	request.events = calloc(2, sizeof(*request.events));
	request.events[0] = (struct check_in_event){ 1795000000, "applied", "1.1", "", "" };
	request.events[1] =
		(struct check_in_event){ 1795000001, "failed", "1.2", "stuck", "went nowhere" };
	return request;
}

static json_t *example_object(void)
{
	_cleanup_check_in_request_ struct check_in_request request = example();
	_cleanup_buf_ struct buf text = BUF_INIT(CHECK_IN_REQUEST_MAX);
	json_t *object;

	assert_int_equal(check_in_request_write(&request, &text, NULL), 0);
	assert_int_equal(json_parse(text.data, text.len, &object, NULL), 0);
	return object;
}

static int parse(json_t *object, struct check_in_request *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1024 * 1024);

	assert_int_equal(json_append(object, &text), 0);
	return check_in_request_parse(text.data, text.len, ret, err);
}

static void test_round_trip(void **state _unused_)
{
	_cleanup_check_in_request_ struct check_in_request request = example(), again = { 0 };
	_cleanup_json_ json_t *object = example_object();

	assert_int_equal(parse(object, &again, NULL), 0);
	assert_int_equal(again.sequence, 41);
	assert_int_equal(again.uptime, 3600);
	assert_int_equal(again.state, MACHINE_FAILED);
	assert_int_equal(again.code_check, CODE_CHECK_EQUAL);
	assert_true(again.hold);
	assert_string_equal(again.boot_id, BOOT);
	assert_string_equal(again.version, "1.1");
	assert_string_equal(again.error_code, "stuck");
	assert_string_equal(again.error_message, "transition: did not finish");
	assert_int_equal(again.n_events, 2);
	assert_memory_equal(again.events, request.events, 2 * sizeof(*request.events));
}

static void test_nulls(void **state _unused_)
{
	_cleanup_check_in_request_ struct check_in_request again = { 0 };
	_cleanup_json_ json_t *object = example_object();

	json_object_set_new(object, "version", json_null());
	json_object_set_new(object, "error", json_null());
	json_object_set_new(object, "events", json_array());
	assert_int_equal(parse(object, &again, NULL), 0);
	assert_string_equal(again.version, "");
	assert_string_equal(again.error_code, "");
	assert_int_equal(again.n_events, 0);
}

/* Each of these in place of the field makes the request invalid. */
static void test_bounds(void **state _unused_)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
		{ "sequence", "0" },
		{ "sequence", "-1" },
		{ "sequence", "9007199254740992" },
		{ "sequence", "\"1\"" },
		{ "sequence", "1.5" },
		{ "agent", "\"\"" },
		{ "kernel", "\".hidden\"" },
		{ "build_id", "\"xyz\"" },
		{ "tier", "\"UP\"" },
		{ "boot_id", "\"01234567-89AB-cdef-0123-456789abcdef\"" },
		{ "boot_id", "null" },
		{ "uptime", "-1" },
		{ "uptime", "9007199254740992" },
		{ "state", "\"sleeping\"" },
		{ "state", "7" },
		{ "version", "\"1\"" },
		{ "version", "\"01.1\"" },
		{ "version", "\"1000000.1\"" },
		{ "error", "\"stuck\"" },
		{ "error", "{}" },
		{ "error", "{\"code\": \"Stuck!\", \"message\": \"\"}" },
		{ "error", "{\"code\": \"stuck\", \"message\": \"a\\nb\"}" },
		{ "code_check", "\"maybe\"" },
		{ "hold", "\"yes\"" },
		{ "events", "{}" },
		{ "events", "[1]" },
		{ "events", "[{\"time\": \"now\", \"event\": \"applied\"}]" },
		{ "events", "[{\"time\": \"2026-11-22T00:00:00Z\"}]" },
		{ "events", "[{\"time\": \"2026-11-22T00:00:00Z\", \"event\": \"A B\"}]" },
		{ "events",
		  "[{\"time\": \"2026-11-22T00:00:00Z\", \"event\": \"a\", \"message\": 1}]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_check_in_request_ struct check_in_request again = { 0 };
		_cleanup_json_ json_t *object = example_object();
		struct error err = { 0 };

		json_object_set_new(object, cases[i].key,
				    json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		assert_int_equal(parse(object, &again, &err), ERR_INVALID);
		assert_non_null(strstr(err.message, cases[i].key));
		assert_null(again.events);
	}
}

static void test_required(void **state _unused_)
{
	static const char *const keys[] = { "sequence", "agent",  "arch",  "kernel",     "build_id",
					    "tier",     "uptime", "state", "code_check", "events" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		_cleanup_check_in_request_ struct check_in_request again = { 0 };
		_cleanup_json_ json_t *object = example_object();

		json_object_del(object, keys[i]);
		assert_int_equal(parse(object, &again, NULL), ERR_INVALID);
	}
}

static json_t *many_events(size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_pack("{s:s, s:s}", "time", "2026-11-22T00:00:00Z",
						       "event", "applied"));
	return array;
}

static void test_event_count(void **state _unused_)
{
	for (size_t n = CHECK_IN_EVENTS_MAX; n <= CHECK_IN_EVENTS_MAX + 1; n++) {
		_cleanup_check_in_request_ struct check_in_request again = { 0 };
		_cleanup_json_ json_t *object = example_object();

		json_object_set_new(object, "events", many_events(n));
		assert_int_equal(parse(object, &again, NULL),
				 n > CHECK_IN_EVENTS_MAX ? ERR_INVALID : 0);
	}
}

static void test_message_length(void **state _unused_)
{
	char message[CHECK_IN_MESSAGE_MAX + 2];

	for (size_t len = CHECK_IN_MESSAGE_MAX; len <= CHECK_IN_MESSAGE_MAX + 1; len++) {
		_cleanup_check_in_request_ struct check_in_request again = { 0 };
		_cleanup_json_ json_t *object = example_object();

		memset(message, 'm', len);
		message[len] = 0;
		json_set_str(json_object_get(object, "error"), "message", message);
		assert_int_equal(parse(object, &again, NULL),
				 len > CHECK_IN_MESSAGE_MAX ? ERR_INVALID : 0);
	}
}

static void test_size(void **state _unused_)
{
	_cleanup_check_in_request_ struct check_in_request again = { 0 };
	_cleanup_free_ char *text = malloc(CHECK_IN_REQUEST_MAX + 1);

	memset(text, ' ', CHECK_IN_REQUEST_MAX + 1);
	assert_int_equal(check_in_request_parse(text, CHECK_IN_REQUEST_MAX + 1, &again, NULL),
			 ERR_TOO_LARGE);
}

static void test_writer_refuses(void **state _unused_)
{
	_cleanup_check_in_request_ struct check_in_request request = example();
	_cleanup_buf_ struct buf text = BUF_INIT(CHECK_IN_REQUEST_MAX);

	request.sequence = 0;
	assert_int_equal(check_in_request_write(&request, &text, NULL), ERR_INVALID);
	request.sequence = 1;
	request.state = MACHINE_STATES;
	assert_int_equal(check_in_request_write(&request, &text, NULL), ERR_INVALID);
	assert_int_equal(text.len, 0);
	request.state = MACHINE_APPLIED;
	free(request.events);
	request.n_events = CHECK_IN_EVENTS_MAX;
	request.events = calloc(CHECK_IN_EVENTS_MAX, sizeof(*request.events));
	for (size_t i = 0; i < CHECK_IN_EVENTS_MAX; i++) {
		strncpy(request.events[i].event, "failed", CODE_MAX);
		memset(request.events[i].message, '"', CHECK_IN_MESSAGE_MAX);
	}
	assert_int_equal(check_in_request_write(&request, &text, NULL), ERR_TOO_LARGE);
	request.n_events = 8;
	assert_int_equal(check_in_request_write(&request, &text, NULL), 0);
}

static struct check_in_answer granted(void)
{
	return (struct check_in_answer){
		.sequence = 41,
		.granted = true,
		.version = "1.2",
		.kernel = "6.1.0-41-amd64",
		.rollout = "stable",
		.reason = REASON_GRANTED,
		.interval = 300,
		.time = 1795000000,
	};
}

static void test_answer_round_trip(void **state _unused_)
{
	struct check_in_answer answer = granted(), again;

	for (int i = 0; i < REASONS; i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(CHECK_IN_ANSWER_MAX);

		answer.reason = (enum check_in_reason)i;
		if (answer.reason != REASON_GRANTED)
			answer = (struct check_in_answer){ .sequence = 1,
							   .reason = (enum check_in_reason)i,
							   .interval = 1,
							   .time = 5 };
		assert_int_equal(check_in_answer_write(&answer, &text, NULL), 0);
		assert_int_equal(check_in_answer_parse(text.data, text.len, &again, NULL), 0);
		assert_int_equal(again.reason, i);
		assert_int_equal(again.granted, i == REASON_GRANTED);
		assert_string_equal(again.version, answer.version);
		assert_string_equal(again.rollout, answer.rollout);
		assert_int_equal(again.time, answer.time);
	}
}

static void test_answer_bounds(void **state _unused_)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
		{ "sequence", "0" },
		{ "grant", "null" },
		{ "grant", "true" },
		{ "grant", "{\"version\": \"1\", \"kernel\": \"6.1\", \"rollout\": \"\"}" },
		{ "grant", "{\"version\": \"1.1\", \"kernel\": \"-6.1\", \"rollout\": \"\"}" },
		{ "grant", "{\"version\": \"1.1\", \"kernel\": \"6.1\"}" },
		{ "grant",
		  "{\"version\": \"1.1\", \"kernel\": \"6.1\", \"rollout\": "
		  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}" },
		{ "reason", "\"paused\"" },
		{ "reason", "\"because\"" },
		{ "interval", "0" },
		{ "interval", "86401" },
		{ "time", "1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(CHECK_IN_ANSWER_MAX);
		_cleanup_json_ json_t *object = NULL;
		struct check_in_answer answer = granted();

		assert_int_equal(check_in_answer_write(&answer, &text, NULL), 0);
		assert_int_equal(json_parse(text.data, text.len, &object, NULL), 0);
		json_object_set_new(object, cases[i].key,
				    json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		buf_clear(&text);
		assert_int_equal(json_append(object, &text), 0);
		assert_int_equal(check_in_answer_parse(text.data, text.len, &answer, NULL),
				 ERR_INVALID);
	}
}

static void test_answer_writer_refuses(void **state _unused_)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CHECK_IN_ANSWER_MAX);
	struct check_in_answer answer = granted();

	answer.reason = REASON_PAUSED;
	assert_int_equal(check_in_answer_write(&answer, &text, NULL), ERR_INVALID);
	assert_int_equal(text.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_nulls),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_event_count),
		cmocka_unit_test(test_message_length),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_answer_round_trip),
		cmocka_unit_test(test_answer_bounds),
		cmocka_unit_test(test_answer_writer_refuses),
	};

	return cmocka_run_group_tests_name("check-in", tests, NULL, NULL);
}
