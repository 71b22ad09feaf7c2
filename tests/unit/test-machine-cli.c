/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/render, and cli/check of what sutured's status says. */
#include "unit.h"

#include "cli/check.h"
#include "cli/client.h"
#include "cli/render.h"

static const char applied[] =
	"{\"format\":1,\"agent\":\"0.1.0\",\"enabled\":true,\"machine_id\":\"m\",\"server\":"
	"\"https://s:8443\",\"tier\":\"stable\",\"kernel\":\"6.1.0\",\"build_id\":\"ab\",\"state\":"
	"\"failed\",\"version\":\"1.1\",\"available\":\"1.2\",\"covered\":true,\"applied_at\":"
	"\"2026-11-22T04:18:00Z\",\"functions\":[{\"object\":\"vmlinux\",\"name\":\"f\"}],\"cves\":["
	"\"CVE-2026-1000\"],\"code_check\":\"equal\",\"transition\":null,\"hold\":true,\"avoid\":"
	"\"1.0\",\"last_check\":{\"time\":\"t\",\"ok\":false,\"code\":\"timeout\",\"message\":"
	"\"too slow\"},\"error\":{\"code\":\"stuck\",\"message\":\"it hangs\",\"hint\":\"wait\"},"
	"\"exit_status\":6}";

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *o = NULL;

	assert_ok(json_parse(text, strlen(text), &o, &err), &err);
	return o;
}

static void text(void **state)
{
	_cleanup_json_ json_t *o = parse(applied);
	_cleanup_buf_ struct buf out = BUF_INIT(65536);

	(void)state;
	assert_int_equal(render_status(o, RENDER_VERBOSE, &out), 0);
	assert_string_equal(buf_str(&out),
			    "state:       failed (failed)\n"
			    "kernel:      6.1.0\n"
			    "patch:       1.1, since 2026-11-22T04:18:00Z\n"
			    "available:   1.2\n"
			    "hold:        yes: new versions wait for `suture unhold`\n"
			    "taken back:  1.0 and below wait for `suture unhold`\n"
			    "tier:        stable\n"
			    "server:      https://s:8443\n"
			    "last check:  t, failed\n"
			    "reason:      too slow (timeout)\n"
			    "error:       it hangs (stuck)\n"
			    "hint:        wait\n"
			    "build ID:    ab\n"
			    "machine ID:  m\n"
			    "code check:  equal\n"
			    "agent:       0.1.0\n"
			    "functions:   f (vmlinux)\n"
			    "CVEs fixed:  CVE-2026-1000\n");
	assert_int_equal(render_exit_status(o), 6);
	buf_clear(&out);
	assert_int_equal(render_status(o, RENDER_SUMMARY, &out), 0);
	assert_string_equal(buf_str(&out), "suture: failed (1.1)\n");
}

static void events(void **state)
{
	static const struct {
		const char *event, *line;
	} cases[] = {
		{ "{\"time\":\"t\",\"event\":\"survived\",\"version\":\"1.1\",\"message\":null}",
		  "t  survived     1.1      ran for the whole watch time: not watched again on this "
		  "kernel\n" },
		{ "{\"time\":\"t\",\"event\":\"crashed\",\"version\":\"1.1\",\"message\":\"x\"}",
		  "t  crashed      1.1      the kernel crashed: x\n" },
		{ "{\"time\":\"t\",\"event\":\"news\",\"version\":null,\"message\":\"x\"}",
		  "t  news                  x\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *o = parse(cases[i].event);
		_cleanup_buf_ struct buf out = BUF_INIT(4096);

		assert_int_equal(render_event(o, &out), 0);
		assert_string_equal(buf_str(&out), cases[i].line);
	}
}

static void metadata(void **state)
{
	_cleanup_json_ json_t *o = parse(applied), *dates = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(65536);
	struct check_report report = { 0 };
	struct check_input input = { .root = "", .status = o, .runs = true };

	(void)state;
	dates = parse(
		"{\"role\":\"stable\",\"expires\":\"2026-11-22T04:18:00Z\",\"expired\":false}");
	json_object_set(o, "metadata", dates);
	assert_int_equal(render_status(o, RENDER_NORMAL, &out), 0);
	assert_null(strstr(buf_str(&out), "metadata:"));
	assert_int_equal(render_status(o, RENDER_VERBOSE, &out), 0);
	assert_non_null(
		strstr(buf_str(&out), "metadata:    valid until 2026-11-22T04:18:00Z (stable)\n"));
	json_object_set_new(o, "last_check", json_null());
	check_agent(&input, &report);
	assert_int_equal(check_worst(&report), CHECK_WARNING);

	json_object_set_new(dates, "expired", json_true());
	buf_clear(&out);
	assert_int_equal(render_status(o, RENDER_NORMAL, &out), 0);
	assert_non_null(strstr(buf_str(&out),
			       "metadata:    expired since 2026-11-22T04:18:00Z (stable)\n"
			       "             no new patch is accepted; what is applied stays\n"));
	check_agent(&input, &report);
	assert_int_equal(check_worst(&report), CHECK_FAIL);
}

/* A transition shows how far it is, once that was counted. */
static void transition(void **state)
{
	_cleanup_json_ json_t *o = parse(applied);
	_cleanup_buf_ struct buf out = BUF_INIT(65536);

	(void)state;
	json_object_set_new(
		o, "transition",
		parse("{\"since\":\"t\",\"target\":0,\"tasks\":null,\"changed\":null}"));
	assert_int_equal(render_status(o, RENDER_NORMAL, &out), 0);
	assert_non_null(strstr(buf_str(&out), "transition:  out of the patch, since t\n"));
	json_object_set_new(o, "transition",
			    parse("{\"since\":\"t\",\"target\":1,\"tasks\":120,\"changed\":7}"));
	buf_clear(&out);
	assert_int_equal(render_status(o, RENDER_NORMAL, &out), 0);
	assert_non_null(strstr(buf_str(&out), "transition:  into the patch, since t, "
					      "7 of 120 tasks have changed\n"));
}

/* A status of any shape is shown without harm. */
static void odd_statuses(void **state)
{
	static const char *const odd[] = {
		"{}",
		"{\"exit_status\":2}",
		"{\"exit_status\":\"x\",\"functions\":7,\"cves\":[{},3],\"error\":[]}",
		"{\"last_check\":{\"ok\":1},\"metadata\":{\"expires\":\"\",\"expired\":true},\"error\":{\"code\":\"x\"},\"functions\":[[],{}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		_cleanup_json_ json_t *o = parse(odd[i]);
		_cleanup_buf_ struct buf out = BUF_INIT(65536);

		assert_int_equal(render_status(o, RENDER_VERBOSE, &out), 0);
		assert_int_equal(render_exit_status(o), 1);
	}
}

static void yaml(void **state)
{
	_cleanup_json_ json_t *o =
		parse("{\"a\":\"x: y\",\"b\":null,\"c\":[],\"d\":[1,\"2\"],\"e\":[{\"f\":"
		      "true,\"g\":{\"h\":1}},{}],\"i\":{\"j\":\"k\"}}");
	_cleanup_buf_ struct buf out = BUF_INIT(65536);

	(void)state;
	assert_int_equal(render_yaml(o, &out), 0);
	assert_string_equal(buf_str(&out), "a: \"x: y\"\n"
					   "b: null\n"
					   "c: []\n"
					   "d:\n"
					   "  - 1\n"
					   "  - \"2\"\n"
					   "e:\n"
					   "  - f: true\n"
					   "    g:\n"
					   "      h: 1\n"
					   "  - {}\n"
					   "i:\n"
					   "  j: \"k\"\n");
}

static void doctor(void **state)
{
	struct check_report report = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT(65536);
	_cleanup_json_ json_t *status = parse(applied), *list = NULL;
	struct check_input input = { .root = "", .status = status };

	(void)state;
	check_agent(&input, &report);
	assert_int_equal(check_worst(&report), CHECK_FAIL); /* the last check-in failed */
	assert_int_equal(check_render(&report, &out), 0);
	assert_non_null(strstr(buf_str(&out), "too slow"));
	list = check_to_json(&report);
	assert_int_equal(json_array_size(list), report.n);
	for (size_t i = 0; i < report.n; i++)
		assert_true((report.items[i].result == CHECK_PASS) == !report.items[i].cure[0]);
}

/* The report's first module key: its result, and that it says `text`. */
static enum check_result module_key(const char *signatures, const char *text)
{
	_cleanup_json_ json_t *status = json_object();
	struct check_input input = { .root = "", .status = status };
	struct check_report report = { 0 };

	json_object_set_new(status, "module_signatures", parse(signatures));
	check_agent(&input, &report);
	for (size_t i = 0; i < report.n; i++)
		if (streq(report.items[i].name, "module key")) {
			if (!strstr(report.items[i].finding, text))
				fail_msg("\"%s\" does not say \"%s\"", report.items[i].finding,
					 text);
			return report.items[i].result;
		}
	fail_msg("no module key in the report");
	return CHECK_FAIL;
}

#define CERT(accepted, more)                                                                       \
	"{\"subject\":\"/CN=k\",\"key_id\":\"ab\",\"not_after\":\"t\",\"accepted\":" accepted more \
	"}"
#define MISSING CERT("false", ",\"reason\":\"its key is in none\"")
#define ISSUED  CERT("null", ",\"reason\":\"the kernel has the key that issued it\"")
#define FOUND   CERT("true", ",\"keyring\":\".platform\",\"description\":\"k: ab\"")

/* It fails only if no certificate at all would be accepted where the kernel demands one. */
static void doctor_of_keys(void **state)
{
	(void)state;
	assert_int_equal(
		module_key("{\"demanded\":true,\"certificates\":[" FOUND "]}", "in .platform"),
		CHECK_PASS);
	assert_int_equal(
		module_key("{\"demanded\":true,\"certificates\":[" MISSING "]}", "in none"),
		CHECK_FAIL);
	assert_int_equal(module_key("{\"demanded\":true,\"certificates\":[" MISSING "," FOUND "]}",
				    "in none"),
			 CHECK_WARNING);
	assert_int_equal(
		module_key("{\"demanded\":false,\"certificates\":[" MISSING "]}", "in none"),
		CHECK_PASS);
	assert_int_equal(module_key("{\"demanded\":true,\"certificates\":[" CERT("null", "") "]}",
				    "not known"),
			 CHECK_WARNING);
	assert_int_equal(
		module_key("{\"demanded\":true,\"certificates\":[" ISSUED "]}", "issued it"),
		CHECK_WARNING);
	assert_int_equal(module_key("{\"demanded\":true,\"certificates\":[" MISSING "," ISSUED "]}",
				    "in none"),
			 CHECK_WARNING);
}

static void not_running(void **state)
{
	_cleanup_json_ json_t *body = json_object();
	struct error err = { 0 };
	char *root = unit_make_dir();

	(void)state;
	setenv("SUTURE_ROOT", root, 1);
	assert_int_equal(client_post("/v1/refresh", body, NULL, &err), ERR_UNREACHABLE);
	assert_non_null(strstr(err.hint, "start"));
	unsetenv("SUTURE_ROOT");
	unit_remove_dir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),           cmocka_unit_test(metadata),
		cmocka_unit_test(transition),     cmocka_unit_test(odd_statuses),
		cmocka_unit_test(yaml),           cmocka_unit_test(doctor),
		cmocka_unit_test(doctor_of_keys), cmocka_unit_test(not_running),
		cmocka_unit_test(events),
	};

	return cmocka_run_group_tests_name("machine-cli", tests, NULL, NULL);
}
