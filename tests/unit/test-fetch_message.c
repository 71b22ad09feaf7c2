/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "base/file.h"
#include "wire/fetch_message.h"

struct pair {
	int asks, answers;
};

static int open_pair(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	*pair = (struct pair){ fds[0], fds[1] };
	*state = pair;
	return 0;
}

static int close_pair(void **state)
{
	struct pair *pair = *state;

	if (pair->asks >= 0)
		close(pair->asks);
	close(pair->answers);
	free(pair);
	return 0;
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int parse(const char *text, struct fetch_request *ret)
{
	return fetch_request_parse(text, strlen(text), ret, NULL);
}

static void every_operation_survives_the_way(void **state)
{
	static const char *const packets[] = {
		"{\"id\":1,\"op\":\"get\",\"path\":\"/repository/metadata/timestamp.json\",\"max\":16384}",
		"{\"id\":2,\"op\":\"post\",\"path\":\"/v1/check-in\",\"max\":1,\"body\":{\"a\":[1,\"\\u00e9\"]}}",
		"{\"id\":3,\"op\":\"bundle\",\"url\":\"https://host:8443\",\"max\":262144}",
		"{\"id\":9007199254740991,\"op\":\"enrol\",\"url\":\"https://h\",\"server_ca\":\"-----BEGIN\\nX\\n\",\"body\":{\"token\":\"secret\"}}",
		"{\"id\":5,\"op\":\"forget\"}",
	};
	struct pair *pair = *state;

	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		_cleanup_fetch_request_ struct fetch_request sent = { 0 }, got = { 0 };

		assert_int_equal(parse(packets[i], &sent), 0);
		assert_int_equal(fetch_request_send(pair->asks, &sent, NULL), 0);
		assert_int_equal(fetch_request_receive(pair->answers, &got, NULL), 1);
		assert_int_equal(got.id, sent.id);
		assert_int_equal(got.op, sent.op);
		assert_int_equal(got.max, sent.max);
		assert_true(!sent.path == !got.path && (!got.path || streq(got.path, sent.path)));
		assert_true(!sent.url == !got.url && (!got.url || streq(got.url, sent.url)));
		assert_true(!sent.server_ca == !got.server_ca &&
			    (!got.server_ca || streq(got.server_ca, sent.server_ca)));
		assert_true(!sent.body == !got.body &&
			    (!got.body || json_equal(got.body, sent.body)));
	}
}

static void bad_requests_are_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"id\":1}",
		"{\"id\":0,\"op\":\"forget\"}",
		"{\"id\":9007199254740992,\"op\":\"forget\"}",
		"{\"id\":\"1\",\"op\":\"forget\"}",
		"{\"id\":1,\"op\":\"delete\"}",
		"{\"id\":1,\"op\":\"get\",\"path\":\"/a\"}",
		"{\"id\":1,\"op\":\"get\",\"path\":\"/a\",\"max\":0}",
		"{\"id\":1,\"op\":\"get\",\"path\":\"/a\",\"max\":67108865}",
		"{\"id\":1,\"op\":\"get\",\"path\":\"\",\"max\":1}",
		"{\"id\":1,\"op\":\"get\",\"path\":\"/a\\u000ab\",\"max\":1}",
		"{\"id\":1,\"op\":\"post\",\"path\":\"/a\",\"max\":1}",
		"{\"id\":1,\"op\":\"post\",\"path\":\"/a\",\"max\":1,\"body\":[]}",
		"{\"id\":1,\"op\":\"bundle\",\"max\":1}",
		"{\"id\":1,\"op\":\"enrol\",\"url\":\"https://h\",\"body\":{}}",
		"{\"id\":1,\"op\":\"forget\"} x",
		"{\"id\":1,\"op\":\"forget\",\"op\":\"get\"}",
	};
	_cleanup_free_ char *big = malloc(FETCH_PACKET_MAX + 1);
	struct fetch_request request = { .id = 77 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse(bad[i], &request) >= 0 || request.id != 77)
			fail_msg("accepted %s", bad[i]);
	memset(big, ' ', FETCH_PACKET_MAX + 1);
	assert_int_equal(fetch_request_parse(big, FETCH_PACKET_MAX + 1, &request, NULL),
			 ERR_TOO_LARGE);
}

static void the_writer_keeps_the_same_bounds(void **state _unused_)
{
	_cleanup_buf_ struct buf out = BUF_INIT(2 * FETCH_PACKET_MAX);
	_cleanup_json_ json_t *body = json_object();
	_cleanup_free_ char *text = calloc(1, FETCH_PACKET_MAX + 1);
	struct fetch_request request = {
		.id = 1, .op = FETCH_POST, .path = (char *)"/a", .body = body, .max = 1
	};

	assert_int_equal(fetch_request_write(&request, &out, NULL), 0);
	request.max = 0;
	assert_int_equal(fetch_request_write(&request, &out, NULL), ERR_INVALID);
	request.max = 1;
	request.path = NULL;
	assert_int_equal(fetch_request_write(&request, &out, NULL), ERR_INVALID);
	request.path = (char *)"/a";
	memset(text, 'x', FETCH_PACKET_MAX);
	json_set_str(body, "text", text);
	assert_int_equal(fetch_request_write(&request, &out, NULL), ERR_TOO_LARGE);
}

static void answers_survive_the_way(void **state _unused_)
{
	static const struct fetch_answer answers[] = {
		{ .id = 1, .ok = true, .status = 200 },
		{ .id = 2, .status = 403, .code = ERR_DENIED, .message = "no", .hint = "ask" },
		{ .id = 3, .code = -ENOSPC, .message = "identity: No space left on device" },
		{ .id = 4, .code = ERR_UNTRUSTED, .message = "x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT(FETCH_PACKET_MAX);
		struct fetch_answer got;

		assert_int_equal(fetch_answer_write(&answers[i], &out, NULL), 0);
		assert_int_equal(fetch_answer_parse(out.data, out.len, &got, NULL), 0);
		assert_int_equal(got.id, answers[i].id);
		assert_int_equal(got.ok, answers[i].ok);
		assert_int_equal(got.status, answers[i].status);
		assert_int_equal(got.code, answers[i].code);
		assert_string_equal(got.message, answers[i].message);
		assert_string_equal(got.hint, answers[i].hint);
	}
}

static void answers_are_cleaned_and_bounded(void **state _unused_)
{
	static const char *const bad[] = {
		"{\"id\":1}",
		"{\"id\":1,\"ok\":1}",
		"{\"id\":1,\"ok\":true,\"status\":99}",
		"{\"id\":1,\"ok\":true,\"status\":600}",
		"{\"id\":1,\"ok\":false,\"code\":\"denied\"}",
		"{\"id\":1,\"ok\":false,\"code\":\"signature\",\"message\":\"\"}",
		"{\"id\":1,\"ok\":false,\"code\":\"errno-0\",\"message\":\"\"}",
		"{\"id\":1,\"ok\":false,\"code\":\"errno-1000\",\"message\":\"\"}",
		"{\"id\":1,\"ok\":false,\"code\":\"errno-2x\",\"message\":\"\"}",
		/* ECANCELED: only the asking end says that it stops. */
		"{\"id\":1,\"ok\":false,\"code\":\"errno-125\",\"message\":\"\"}",
	};
	static const char dirty[] =
		"{\"id\":1,\"ok\":false,\"code\":\"denied\",\"message\":\"a\\u001b[2Jb\\n\"}";
	/* Ends within a character, as a message cut to its longest may. */
	struct fetch_answer answer = { .id = 1, .code = ERR_DENIED, .message = "caf\xc3" };
	_cleanup_buf_ struct buf out = BUF_INIT(FETCH_PACKET_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (fetch_answer_parse(bad[i], strlen(bad[i]), &answer, NULL) >= 0)
			fail_msg("accepted %s", bad[i]);
	assert_int_equal(fetch_answer_write(&answer, &out, NULL), 0);
	assert_int_equal(fetch_answer_parse(out.data, out.len, &answer, NULL), 0);
	assert_string_equal(answer.message, "caf?");
	assert_int_equal(fetch_answer_parse(dirty, strlen(dirty), &answer, NULL), 0);
	assert_string_equal(answer.message, "a?[2Jb?");
	answer = (struct fetch_answer){ .id = 1, .code = -ECANCELED };
	buf_clear(&out);
	assert_int_equal(fetch_answer_write(&answer, &out, NULL), 0);
	assert_int_equal(fetch_answer_parse(out.data, out.len, &answer, NULL), 0);
	assert_int_equal(answer.code, ERR_PROTOCOL);
}

/* Sends an answer with a body as the fetcher does. */
static void send_body(int sock, int64_t id, const char *text, bool sealed)
{
	struct fetch_answer answer = { .id = id, .ok = true, .status = 200 };
	_cleanup_close_ int fd = -1;

	assert_int_equal(fetch_memfd_new(&fd, NULL), 0);
	assert_int_equal(file_write_fd(fd, text, strlen(text), NULL), 0);
	if (sealed)
		assert_int_equal(fetch_memfd_seal(fd, NULL), 0);
	assert_int_equal(fetch_answer_send(sock, &answer, fd, NULL), 0);
}

static void a_body_comes_whole(void **state)
{
	_cleanup_buf_ struct buf body = BUF_INIT(100);
	struct pair *pair = *state;
	struct fetch_answer answer;
	int before = open_descriptors();

	assert_int_equal(fetch_answer_receive(pair->asks, 1, 5, &answer, &body, NULL), -EAGAIN);
	send_body(pair->answers, 1, "hello", true);
	assert_int_equal(fetch_answer_receive(pair->asks, 1, 5, &answer, &body, NULL), 1);
	assert_string_equal(buf_str(&body), "hello");
	send_body(pair->answers, 1, "", true);
	assert_int_equal(fetch_answer_receive(pair->asks, 1, 5, &answer, &body, NULL), 1);
	assert_string_equal(buf_str(&body), "hello");
	assert_int_equal(open_descriptors(), before);
}

static void a_body_of_doubt_is_refused(void **state)
{
	_cleanup_buf_ struct buf body = BUF_INIT(100);
	struct pair *pair = *state;
	struct fetch_answer answer = { .id = 1, .ok = true };
	int before = open_descriptors();

	send_body(pair->answers, 1, "hello", false);
	assert_int_equal(fetch_answer_receive(pair->asks, 1, 5, &answer, &body, NULL),
			 ERR_PROTOCOL);
	send_body(pair->answers, 1, "hello!", true);
	assert_int_equal(fetch_answer_receive(pair->asks, 1, 5, &answer, &body, NULL),
			 ERR_TOO_LARGE);
	send_body(pair->answers, 2, "hello", true);
	assert_int_equal(fetch_answer_receive(pair->asks, 1, 5, &answer, &body, NULL),
			 ERR_PROTOCOL);
	send_body(pair->answers, 1, "", true);
	assert_int_equal(fetch_answer_receive(pair->asks, 1, 0, &answer, &body, NULL),
			 ERR_PROTOCOL);
	answer.ok = true;
	assert_int_equal(fetch_answer_send(pair->answers, &answer, -1, NULL), 0);
	assert_int_equal(fetch_answer_receive(pair->asks, 1, 5, &answer, &body, NULL),
			 ERR_PROTOCOL);
	assert_int_equal(body.len, 0);
	assert_int_equal(open_descriptors(), before);
}

static void only_memory_files_are_read(void **state _unused_)
{
	_cleanup_buf_ struct buf body = BUF_INIT(100);
	int fds[2];
	_cleanup_close_ int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int half = memfd_create("half", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(fetch_memfd_read(zero, 10, &body, NULL), ERR_PROTOCOL);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fetch_memfd_read(fds[0], 10, &body, NULL), ERR_PROTOCOL);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(fcntl(half, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
	assert_int_equal(fetch_memfd_read(half, 10, &body, NULL), ERR_PROTOCOL);
	assert_int_equal(fcntl(half, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(fetch_memfd_read(half, 10, &body, NULL), 0);
}

/* One packet with so many descriptors. */
static void send_descriptors(int sock, size_t count)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (char *)"{}", .iov_len = 2 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fds[16];

	for (size_t i = 0; i < count; i++)
		fds[i] = sock;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	assert_int_equal(sendmsg(sock, &message, 0), 2);
}

static void surplus_descriptors_are_closed(void **state)
{
	_cleanup_buf_ struct buf packet = BUF_INIT(FETCH_PACKET_MAX);
	struct pair *pair = *state;
	int before = open_descriptors();
	int fd = -1;

	send_descriptors(pair->answers, 1);
	assert_int_equal(fetch_receive(pair->asks, &packet, &fd, NULL), 1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	send_descriptors(pair->answers, 1);
	assert_int_equal(fetch_receive(pair->asks, &packet, NULL, NULL), ERR_PROTOCOL);
	send_descriptors(pair->answers, 2);
	assert_int_equal(fetch_receive(pair->asks, &packet, &fd, NULL), ERR_PROTOCOL);
	send_descriptors(pair->answers, 16);
	assert_int_equal(fetch_receive(pair->asks, &packet, &fd, NULL), ERR_PROTOCOL);
	assert_int_equal(open_descriptors(), before);
}

static void long_packets_and_ends_are_seen(void **state)
{
	_cleanup_buf_ struct buf packet = BUF_INIT(FETCH_PACKET_MAX);
	_cleanup_free_ char *big = calloc(1, FETCH_PACKET_MAX + 1);
	struct pair *pair = *state;
	uid_t uid;

	assert_int_equal(fetch_send(pair->answers, big, FETCH_PACKET_MAX, -1, NULL), 0);
	assert_int_equal(fetch_receive(pair->asks, &packet, NULL, NULL), 1);
	assert_int_equal(packet.len, FETCH_PACKET_MAX);
	assert_int_equal(fetch_send(pair->answers, big, FETCH_PACKET_MAX + 1, -1, NULL), 0);
	assert_int_equal(fetch_receive(pair->asks, &packet, NULL, NULL), ERR_PROTOCOL);
	assert_int_equal(fetch_peer_uid(pair->asks, &uid, NULL), 0);
	assert_int_equal(uid, geteuid());
	close(pair->asks);
	pair->asks = -1;
	assert_int_equal(fetch_receive(pair->answers, &packet, NULL, NULL), 0);
	assert_int_equal(fetch_send(pair->answers, "{}", 2, -1, NULL), -EPIPE);
}

static void a_token_is_wiped(void **state _unused_)
{
	struct fetch_request request = { .body = json_object() };
	json_t *token = json_string("secret-secret-secret");

	json_object_set(request.body, "token", token);
	fetch_request_clear(&request);
	assert_int_equal(json_string_value(token)[0], 0);
	json_decref(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_operation_survives_the_way, open_pair,
						close_pair),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(the_writer_keeps_the_same_bounds),
		cmocka_unit_test(answers_survive_the_way),
		cmocka_unit_test(answers_are_cleaned_and_bounded),
		cmocka_unit_test_setup_teardown(a_body_comes_whole, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(a_body_of_doubt_is_refused, open_pair, close_pair),
		cmocka_unit_test(only_memory_files_are_read),
		cmocka_unit_test_setup_teardown(surplus_descriptors_are_closed, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(long_packets_and_ends_are_seen, open_pair,
						close_pair),
		cmocka_unit_test(a_token_is_wiped),
	};

	return cmocka_run_group_tests_name("fetch_message", tests, NULL, NULL);
}
