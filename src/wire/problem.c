/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/problem.h"

#include <stdio.h>

static const struct {
	int code, status;
} statuses[] = {
	{ ERR_USAGE, 400 },     { ERR_INVALID, 400 },     { ERR_TOO_LARGE, 413 },
	{ ERR_DENIED, 403 },    { ERR_NOT_FOUND, 404 },   { ERR_EXISTS, 409 },
	{ ERR_BAD_STATE, 409 }, { ERR_UNSUPPORTED, 422 }, { ERR_TIMEOUT, 408 },
	{ ERR_NO_MEMORY, 503 },
};

static const struct {
	int status;
	const char *title;
} titles[] = {
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
};

int problem_status(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].code == code)
			return statuses[i].status;
	return 500;
}

const char *problem_title(int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

int problem_code(const struct problem *problem)
{
	int code = error_code_parse(problem->code);

	return code < 0 ? code : ERR_PROTOCOL;
}

int problem_write(int status, int code, const char *detail, struct buf *out)
{
	_cleanup_json_ json_t *object = json_object();
	int bad = object ? 0 : -1;

	bad |= json_set_str(object, "type", "about:blank");
	bad |= json_set_str(object, "title", problem_title(status));
	bad |= json_object_set_new(object, "status", json_integer(status));
	bad |= field_set_message(object, "detail", detail);
	bad |= json_set_str(object, "code", error_code_name(code));
	return bad ? ERR_NO_MEMORY : json_append(object, out);
}

/* Copies text from outside, cut at a bound, with control characters as '?'. */
static void copy_clean(const json_t *value, size_t size, char *ret)
{
	const char *text = json_string_value(value);

	snprintf(ret, size, "%s", text ? text : "");
	error_clean_text(ret);
}

int problem_parse(int status, const void *data, size_t len, struct problem *ret, struct error *err)
{
	_cleanup_json_ json_t *object = NULL;
	struct problem problem = { .status = status };
	const char *code;
	int r;

	r = field_parse_object(data, len, PROBLEM_MAX, &object, err);
	if (r < 0)
		return error_prefix(err, r, "error answer");
	copy_clean(json_object_get(object, "detail"), sizeof(problem.detail), problem.detail);
	if (!problem.detail[0])
		copy_clean(json_object_get(object, "title"), sizeof(problem.detail),
			   problem.detail);
	if (!problem.detail[0])
		snprintf(problem.detail, sizeof(problem.detail), "status %d: %s", status,
			 problem_title(status));
	code = json_string_value(json_object_get(object, "code"));
	snprintf(problem.code, sizeof(problem.code), "%s",
		 code && code_is_valid(code) ? code : error_code_name(ERR_PROTOCOL));
	*ret = problem;
	return 0;
}
