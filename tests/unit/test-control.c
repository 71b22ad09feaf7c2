/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/control: requests become jobs, or are refused by name. */
#include "unit.h"

#include "agent/control.h"

static int parse(const char *path, const char *body, struct job **ret, struct error *err)
{
	*ret = NULL;
	return control_parse(path, body, strlen(body), ret, err);
}

static void accepts(void **state)
{
	struct error err = { 0 };
	struct job *job;

	(void)state;
	assert_ok(parse("/v1/enable",
			"{\"token\":\"abc\",\"bundle\":\"aGVsbG8=\",\"tier\":\"beta\"}", &job,
			&err),
		  &err);
	assert_int_equal(job->kind, JOB_ENABLE);
	assert_string_equal(job->token, "abc");
	assert_int_equal(job->bundle_len, 5);
	assert_memory_equal(job->bundle, "hello", 5);
	assert_string_equal(job->tier, "beta");
	job_free(job);
	assert_ok(parse("/v1/rollback", "{\"version\":\"1.10\"}", &job, &err), &err);
	assert_true(job->has_version);
	assert_int_equal(job->version.minor, 10);
	job_free(job);
	assert_ok(parse("/v1/rollback", "{}", &job, &err), &err);
	assert_false(job->has_version);
	job_free(job);
	assert_ok(parse("/v1/retry", "{\"version\":\"1.10\"}", &job, &err), &err);
	assert_int_equal(job->kind, JOB_RETRY);
	assert_int_equal(job->version.minor, 10);
	job_free(job);
	assert_ok(parse("/v1/disable", "{\"unpatch\":true}", &job, &err), &err);
	assert_true(job->unpatch);
	job_free(job);
}

static void refuses(void **state)
{
	static const struct {
		const char *path, *body;
		int code;
	} cases[] = {
		{ "/v1/nothing", "{}", ERR_NOT_FOUND },
		{ "/v1/refresh", "", ERR_INVALID },
		{ "/v1/refresh", "[]", ERR_INVALID },
		{ "/v1/refresh", "{", ERR_INVALID },
		{ "/v1/enable", "{}", ERR_INVALID },
		{ "/v1/enable", "{\"token\":1}", ERR_INVALID },
		{ "/v1/enable", "{\"token\":\"a\",\"hostname\":1}", ERR_INVALID },
		{ "/v1/enable", "{\"token\":\"a\",\"bundle\":\"###\"}", ERR_INVALID },
		{ "/v1/enable", "{\"token\":\"a\",\"bundle\":\"####\"}", ERR_INVALID },
		{ "/v1/enable", "{\"token\":\"a\",\"bundle\":\"\"}", ERR_INVALID },
		{ "/v1/enable", "{\"token\":\"a\",\"tier\":\"../x\"}", ERR_INVALID },
		{ "/v1/rollback", "{\"version\":\"1\"}", ERR_INVALID },
		{ "/v1/retry", "{}", ERR_INVALID },
		{ "/v1/retry", "{\"version\":\"1\"}", ERR_INVALID },
		{ "/v1/disable", "{\"unpatch\":\"yes\"}", ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct job *job;

		if (parse(cases[i].path, cases[i].body, &job, NULL) != cases[i].code || job)
			fail_msg("%s %s", cases[i].path, cases[i].body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
