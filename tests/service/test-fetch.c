/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real suture-fetch against servers that misbehave; this program plays sutured. Its time limits
 * are set to a few seconds, and what takes much longer than that is a failure.
 */
#include "../unit/unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"
#include "pki.h"
#include "wire/fetch_message.h"

#define WAIT_MS 20000
#define SECRET  "good-token-good-token-good"

struct world {
	char *root;
	char *socket_path, *identity_path, *log_path;
	char *server_ca, *other_ca;
	pid_t server, fetcher;
	char ports[512];
	int listener, sock;
	int64_t id;
	struct fetch_answer answer; /* the last one */
	struct buf body;
};

/* https://127.0.0.1:PORT of a listener of hostile-server.py. */
static const char *address(struct world *w, const char *listener, char text[static 64])
{
	char key[32];
	const char *port;

	snprintf(key, sizeof(key), "%s=", listener);
	port = strstr(w->ports, key);
	if (!port)
		fail_msg("no listener %s in: %s", listener, w->ports);
	snprintf(text, 64, "https://127.0.0.1:%ld", strtol(port + strlen(key), NULL, 10));
	return text;
}

static void open_listener(struct world *w)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", w->socket_path);
	w->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(w->listener >= 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(w->listener, 4), 0);
}

static void wait_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, WAIT_MS) != 1)
		fail_msg("nothing came in %d ms", WAIT_MS);
}

static void accept_fetcher(struct world *w)
{
	wait_readable(w->listener);
	w->sock = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(w->sock >= 0);
}

/* Sends one request and returns 0 or the failure's code; w->answer and w->body tell more. */
static int ask(struct world *w, struct fetch_request request)
{
	struct error err = { 0 };
	size_t max;

	request.id = ++w->id;
	if (request.op == FETCH_ENROL)
		request.max = FETCH_ENROL_ANSWER_MAX;
	max = (size_t)request.max;
	buf_free(&w->body);
	w->body = BUF_INIT(FETCH_BODY_MAX);
	assert_ok(fetch_request_send(w->sock, &request, &err), &err);
	wait_readable(w->sock);
	assert_ok(fetch_answer_receive(w->sock, w->id, max, &w->answer, &w->body, &err), &err);
	return w->answer.ok ? 0 : w->answer.code;
}

static int get(struct world *w, const char *path, int64_t max)
{
	return ask(w, (struct fetch_request){ .op = FETCH_GET, .path = (char *)path, .max = max });
}

static int enrol(struct world *w, const char *listener, const char *ca, const char *token,
		 const char *hostname)
{
	_cleanup_json_ json_t *body = json_pack("{s:s, s:s}", "token", token, "hostname", hostname);
	char url[64];

	return ask(w, (struct fetch_request){ .op = FETCH_ENROL,
					      .url = (char *)address(w, listener, url),
					      .server_ca = (char *)ca,
					      .body = body });
}

static void must_enrol(struct world *w)
{
	if (enrol(w, "good", w->server_ca, SECRET, "host") != 0)
		fail_msg("%s", w->answer.message);
}

static char *slurp(const char *path)
{
	struct buf text = BUF_INIT(1024 * 1024);
	struct error err = { 0 };

	assert_ok(file_read(path, &text, &err), &err);
	return (char *)buf_take(&text, NULL);
}

static char *load_pem(struct world *w, const char *name)
{
	_cleanup_free_ char *path = path_join(w->root, name, NULL);

	return slurp(path);
}

static void start_server(struct world *w)
{
	const char *const argv[] = { "python3", SOURCE_DIR "/hostile-server.py", w->root, NULL };
	struct error err = { 0 };
	size_t len = 0;
	int fds[2];

	assert_ok(pki_make_ca(w->root, "ca", &err), &err);
	assert_ok(pki_make_ca(w->root, "otherca", &err), &err);
	assert_ok(pki_issue(w->root, "good", "ca", "IP:127.0.0.1", -60, 3600, &err), &err);
	assert_ok(pki_issue(w->root, "other", "otherca", "IP:127.0.0.1", -60, 3600, &err), &err);
	assert_ok(pki_issue(w->root, "expired", "ca", "IP:127.0.0.1", -600, -60, &err), &err);
	assert_ok(pki_issue(w->root, "wrongname", "ca", "DNS:elsewhere", -60, 3600, &err), &err);
	w->server_ca = load_pem(w, "ca.pem");
	w->other_ca = load_pem(w, "otherca.pem");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_ok(process_start(argv, fds[1], &w->server, &err), &err);
	close(fds[1]);
	while (!strchr(w->ports, '\n')) {
		ssize_t n;

		wait_readable(fds[0]);
		n = read(fds[0], w->ports + len, sizeof(w->ports) - 1 - len);
		if (n <= 0)
			fail_msg("the server did not start: %s", w->ports);
		len += (size_t)n;
	}
	close(fds[0]);
}

static void start_fetcher(struct world *w)
{
	const char *const argv[] = {
		FETCH_PROGRAM, "--keep-user",
		"--debug",     "--connect-timeout",
		"4",           "--stall-timeout",
		"3",           "--total-timeout",
		"10",          NULL,
	};
	struct error err = { 0 };
	int log = open(w->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(log >= 0);
	assert_int_equal(setenv("SUTURE_ROOT", w->root, 1), 0);
	assert_ok(process_start(argv, log, &w->fetcher, &err), &err);
	close(log);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	_cleanup_free_ char *run = NULL;
	struct error err = { 0 };

	w->root = unit_make_dir();
	run = path_join(w->root, "run/suture", NULL);
	w->socket_path = path_join(run, "fetch.sock", NULL);
	w->identity_path = path_join(w->root, "var/cache/suture/fetch/identity.json", NULL);
	w->log_path = path_join(w->root, "log", NULL);
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	start_server(w);
	/* It starts before there is anything to connect to, not even the folder. */
	start_fetcher(w);
	assert_ok(file_make_dirs(run, 0755, &err), &err);
	open_listener(w);
	accept_fetcher(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	process_stop(w->fetcher, 2000);
	process_stop(w->server, 2000);
	close(w->sock);
	close(w->listener);
	buf_free(&w->body);
	free(w->socket_path);
	free(w->identity_path);
	free(w->log_path);
	free(w->server_ca);
	free(w->other_ca);
	unit_remove_dir(w->root);
	free(w);
	return 0;
}

/* The last answer's code, words and hint. */
static void expect(struct world *w, int r, int code, const char *says)
{
	if (r != code || !strstr(w->answer.message, says))
		fail_msg("code %s instead of %s, or not \"%s\" in: %s", error_code_name(r),
			 error_code_name(code), says, w->answer.message);
}

static void without_enrolment_there_is_nothing(void **state)
{
	struct world *w = *state;

	expect(w, get(w, "/size/1", 10), ERR_BAD_STATE, "not enrolled");
	assert_non_null(strstr(w->answer.hint, "suture enable"));
}

static void a_refused_enrolment_leaves_nothing(void **state)
{
	struct world *w = *state;
	const char *const token = "wrong-token-wrong-token-wrong";

	expect(w, enrol(w, "good", w->server_ca, token, "host"), ERR_DENIED,
	       "the token is?[2J not valid");
	assert_int_equal(w->answer.status, 403);
	expect(w, enrol(w, "good", w->server_ca, SECRET, "mixed-up"), ERR_PROTOCOL,
	       "not for the key");
	expect(w, enrol(w, "good", w->server_ca, SECRET, "no-certificate"), ERR_PROTOCOL,
	       "certificate");
	assert_false(file_exists(w->identity_path));
	expect(w, get(w, "/size/1", 10), ERR_BAD_STATE, "not enrolled");
}

static void only_the_trusted_server_gets_a_token(void **state)
{
	struct world *w = *state;

	expect(w, enrol(w, "other", w->server_ca, SECRET, "h"), ERR_UNTRUSTED, "trusted CA");
	expect(w, enrol(w, "good", w->other_ca, SECRET, "h"), ERR_UNTRUSTED, "trusted CA");
	expect(w, enrol(w, "expired", w->server_ca, SECRET, "h"), ERR_UNTRUSTED, "expired");
	expect(w, enrol(w, "wrongname", w->server_ca, SECRET, "h"), ERR_UNTRUSTED, "name");
	expect(w, enrol(w, "old", w->server_ca, SECRET, "h"), ERR_UNTRUSTED, "TLS");
	expect(w, enrol(w, "plain", w->server_ca, SECRET, "h"), ERR_UNTRUSTED, "TLS");
	expect(w, enrol(w, "good", "nonsense", SECRET, "h"), ERR_UNTRUSTED, "");
	expect(w, enrol(w, "closed", w->server_ca, SECRET, "h"), ERR_UNREACHABLE, "refused");
	expect(w, enrol(w, "mute", w->server_ca, SECRET, "h"), ERR_TIMEOUT, "");
	assert_false(file_exists(w->identity_path));
}

static void addresses_are_checked(void **state)
{
	struct world *w = *state;
	struct fetch_request request = { .op = FETCH_BUNDLE, .max = 100 };

	request.url = (char *)"http://127.0.0.1:1";
	expect(w, ask(w, request), ERR_INVALID, "https://");
	request.url = (char *)"https://name.invalid";
	assert_true(ask(w, request) == ERR_UNREACHABLE || w->answer.code == ERR_TIMEOUT);
}

static void a_bundle_needs_no_trust(void **state)
{
	struct world *w = *state;
	char url[64];
	struct fetch_request request = { .op = FETCH_BUNDLE, .max = 8 };

	request.url = (char *)address(w, "other", url);
	expect(w, ask(w, request), 0, "");
	assert_string_equal(buf_str(&w->body), "a bundle");
	request.max = 7;
	expect(w, ask(w, request), ERR_TOO_LARGE, "");
}

static void enrolment_gives_an_identity(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *text = NULL;
	struct stat st;

	must_enrol(w);
	assert_int_equal(w->answer.status, 201);
	assert_non_null(strstr(buf_str(&w->body), "machine_id"));
	assert_int_equal(stat(w->identity_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	expect(w, get(w, "/whoami", 100), 0, "");
	assert_string_equal(buf_str(&w->body), "suture-machine");
	text = slurp(w->identity_path);
	assert_null(strstr(text, SECRET));
}

static void a_failed_second_enrolment_keeps_the_first(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *before = slurp(w->identity_path), *after = NULL;

	assert_int_equal(enrol(w, "good", w->server_ca, "wrong-token-wrong-token-wrong", "h"),
			 ERR_DENIED);
	after = slurp(w->identity_path);
	assert_string_equal(before, after);
}

static void requests_reach_the_server(void **state)
{
	struct world *w = *state;
	_cleanup_json_ json_t *body = json_pack("{s:[i,i]}", "a", 1, 2);
	struct fetch_request request = {
		.op = FETCH_POST, .path = (char *)"v1/check-in", .body = body, .max = 11
	};

	expect(w, ask(w, request), 0, "");
	assert_string_equal(buf_str(&w->body), "{\"a\":[1,2]}");
	expect(w, get(w, "/echo/6.12+deb12 x?y", 100), 0, "");
	assert_string_equal(buf_str(&w->body), "GET /echo/6.12%2Bdeb12%20x%3Fy");
	expect(w, get(w, "/../echo/x", 100), ERR_INVALID, "plain");
	expect(w, get(w, "//evil/x", 100), ERR_INVALID, "plain");
}

static void a_connection_is_kept(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *first = NULL;

	expect(w, get(w, "/connection", 100), 0, "");
	first = strdup(buf_str(&w->body));
	expect(w, get(w, "/size/0", 1), 0, "");
	assert_int_equal(w->body.len, 0);
	expect(w, get(w, "/status/404", 100), ERR_NOT_FOUND, "404");
	expect(w, get(w, "/connection", 100), 0, "");
	assert_string_equal(buf_str(&w->body), first);
}

static void sizes_are_bounded(void **state)
{
	struct world *w = *state;

	expect(w, get(w, "/size/100000", 100000), 0, "");
	assert_int_equal(w->body.len, 100000);
	expect(w, get(w, "/size/100001", 100000), ERR_TOO_LARGE, "");
	expect(w, get(w, "/size/20000000", 20000000), 0, "");
	expect(w, get(w, "/endless", 1000000), ERR_TOO_LARGE, "1000000");
	expect(w, get(w, "/liar", 1000000), ERR_TOO_LARGE, "1000000");
}

static void headers_are_bounded(void **state)
{
	struct world *w = *state;

	expect(w, get(w, "/headers", 100), ERR_PROTOCOL, "headers");
	expect(w, get(w, "/hints", 100), ERR_PROTOCOL, "headers");
	assert_int_equal(get(w, "/long-header", 100) < 0, 1);
}

static void slowness_is_bounded(void **state)
{
	struct world *w = *state;
	int64_t start = clock_monotonic_ms();

	expect(w, get(w, "/drip", 2000), ERR_TIMEOUT, "slow");
	expect(w, get(w, "/silent", 2000), ERR_TIMEOUT, "slow");
	expect(w, get(w, "/drip-headers", 2000), ERR_TIMEOUT, "slow");
	assert_true(clock_monotonic_ms() - start < 3 * 12000);
}

static void broken_answers_are_refused(void **state)
{
	struct world *w = *state;

	expect(w, get(w, "/redirect", 100), ERR_PROTOCOL, "redirects");
	assert_int_equal(w->answer.status, 302);
	expect(w, get(w, "/cut", 2000), ERR_UNREACHABLE, "");
	expect(w, get(w, "/cut-endless", 2000), ERR_PROTOCOL, "how long");
	expect(w, get(w, "/cut-coded", 2000), ERR_PROTOCOL, "how long");
	expect(w, get(w, "/nothing", 100), ERR_UNREACHABLE, "");
	expect(w, get(w, "/garbage", 100), ERR_PROTOCOL, "");
	expect(w, get(w, "/status/403", 100), ERR_DENIED, "403");
	expect(w, get(w, "/status/500", 100), ERR_PROTOCOL, "500");
	expect(w, get(w, "/status/503", 100), ERR_UNREACHABLE, "503");
	expect(w, get(w, "/size/3", 100), 0, "");
}

static void a_restarted_daemon_is_served_again(void **state)
{
	struct world *w = *state;
	struct fetch_request request = {
		.id = ++w->id, .op = FETCH_GET, .path = (char *)"/silent", .max = 1
	};
	struct error err = { 0 };
	int64_t start;

	/* In the middle of a request: nobody waits for it any more. */
	assert_ok(fetch_request_send(w->sock, &request, &err), &err);
	close(w->sock);
	close(w->listener);
	assert_int_equal(unlink(w->socket_path), 0);
	open_listener(w);
	start = clock_monotonic_ms();
	accept_fetcher(w);
	assert_true(clock_monotonic_ms() - start < 10000);
	expect(w, get(w, "/size/1", 1), 0, "");
}

static void a_full_disk_shows_before_the_token_is_spent(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *before = slurp(w->identity_path), *after = NULL;
	struct rlimit old, small;

	assert_int_equal(prlimit(w->fetcher, RLIMIT_FSIZE, NULL, &old), 0);
	small = (struct rlimit){ .rlim_cur = 4096, .rlim_max = old.rlim_max };
	assert_int_equal(prlimit(w->fetcher, RLIMIT_FSIZE, &small, NULL), 0);
	/* The server would deny this token: it is not asked. */
	expect(w, enrol(w, "good", w->server_ca, "wrong-token-wrong-token-wrong", "h"), -EFBIG,
	       "identity");
	assert_int_equal(prlimit(w->fetcher, RLIMIT_FSIZE, &old, NULL), 0);
	after = slurp(w->identity_path);
	assert_string_equal(before, after);
}

static void forgetting_is_complete(void **state)
{
	struct world *w = *state;
	struct fetch_request request = { .op = FETCH_FORGET };

	expect(w, ask(w, request), 0, "");
	assert_false(file_exists(w->identity_path));
	expect(w, get(w, "/size/1", 10), ERR_BAD_STATE, "not enrolled");
	expect(w, ask(w, request), 0, "");
}

static void the_log_holds_no_secret(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *log = slurp(w->log_path);

	assert_non_null(strstr(log, "enrolled at https://127.0.0.1:"));
	assert_null(strstr(log, SECRET));
	assert_null(strstr(log, "PRIVATE KEY"));
	assert_null(strstr(log, "wrong-token"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_enrolment_there_is_nothing),
		cmocka_unit_test(a_refused_enrolment_leaves_nothing),
		cmocka_unit_test(only_the_trusted_server_gets_a_token),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(a_bundle_needs_no_trust),
		cmocka_unit_test(enrolment_gives_an_identity),
		cmocka_unit_test(a_failed_second_enrolment_keeps_the_first),
		cmocka_unit_test(requests_reach_the_server),
		cmocka_unit_test(a_connection_is_kept),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(headers_are_bounded),
		cmocka_unit_test(slowness_is_bounded),
		cmocka_unit_test(broken_answers_are_refused),
		cmocka_unit_test(a_restarted_daemon_is_served_again),
		cmocka_unit_test(a_full_disk_shows_before_the_token_is_spent),
		cmocka_unit_test(forgetting_is_complete),
		cmocka_unit_test(the_log_holds_no_secret),
	};

	return cmocka_run_group_tests_name("suture-fetch", tests, set_up, tear_down);
}
