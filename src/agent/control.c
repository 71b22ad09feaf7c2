/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/control.h"

#include <microhttpd.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/log.h"
#include "wire/problem.h"

#define CONNECTIONS_MAX 32
/* Seconds that a client may be silent in the middle of a request. */
#define SILENCE_MAX     30
#define STATUS_MAX      ((size_t)2 * 1024 * 1024)

/* One request, from its first line to the last byte of its answer. */
struct request {
	struct control *control;
	struct MHD_Connection *connection;
	struct buf body;
	bool waits;      /* suspended until its job is done */
	struct job *job; /* done */
	struct request *next;
};

struct control {
	struct MHD_Daemon *daemon;
	struct jobs *jobs;
	char *path;
	char *status_path;
	int listener;
	struct request *waiting; /* all that are suspended */
	bool stopping;
};

/* Queues an answer; the bytes of `body` are handed over. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, struct buf *body)
{
	size_t len;
	uint8_t *data = buf_take(body, &len);
	struct MHD_Response *response;
	enum MHD_Result r;

	if (!data)
		return MHD_NO;
	response = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(data);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result answer_problem(struct MHD_Connection *connection, const struct error *why)
{
	_cleanup_buf_ struct buf body = BUF_INIT(PROBLEM_MAX);
	_cleanup_json_ json_t *o = json_object();
	int status = problem_status(why->code);

	json_set_str(o, "type", "about:blank");
	json_set_str(o, "title", problem_title(status));
	json_object_set_new(o, "status", json_integer(status));
	json_set_str(o, "detail", why->message);
	json_set_str(o, "code", error_code_name(why->code));
	if (why->hint[0])
		json_set_str(o, "hint", why->hint);
	if (json_append(o, &body) < 0)
		return MHD_NO;
	return answer(connection, (unsigned int)status, PROBLEM_CONTENT_TYPE, &body);
}

static enum MHD_Result answer_status(struct control *control, struct MHD_Connection *connection)
{
	_cleanup_buf_ struct buf body = BUF_INIT(STATUS_MAX);
	struct error err = { 0 };

	if (file_read(control->status_path, &body, &err) < 0)
		return answer_problem(connection, &err);
	return answer(connection, MHD_HTTP_OK, "application/json", &body);
}

static enum MHD_Result answer_job(struct request *request)
{
	_cleanup_buf_ struct buf body = BUF_INIT(STATUS_MAX);
	const struct job *job = request->job;

	if (job->error.code)
		return answer_problem(request->connection, &job->error);
	if (buf_printf(&body, "{\"status\":%s}", job->status ? job->status : "null") < 0)
		return MHD_NO;
	return answer(request->connection, MHD_HTTP_OK, "application/json", &body);
}

/* The socket's mode keeps others out; this holds even if somebody changes it. */
static bool is_allowed(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return info && getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/* Makes a job of a whole POST and lets the connection wait for it. */
static enum MHD_Result start_job(struct request *request, const char *path)
{
	_cleanup_(job_freep) struct job *job = NULL;
	struct control *control = request->control;
	struct error err = { 0 };
	int r;

	if (control->stopping)
		r = error_set(&err, -ECANCELED, "sutured is stopping");
	else
		r = control_parse(path, request->body.data, request->body.len, &job, &err);
	if (r == 0) {
		job->owner = request;
		r = jobs_add(control->jobs, job, &err);
	}
	/* A token may be in it. */
	if (request->body.data)
		explicit_bzero(request->body.data, request->body.len);
	buf_clear(&request->body);
	if (r < 0)
		return answer_problem(request->connection, &err);
	TAKE_PTR(job);
	request->waits = true;
	request->next = control->waiting;
	control->waiting = request;
	MHD_suspend_connection(request->connection);
	return MHD_YES;
}

static enum MHD_Result begin_request(struct control *control, struct MHD_Connection *connection,
				     void **context)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return MHD_NO;
	request->control = control;
	request->connection = connection;
	request->body = BUF_INIT(CONTROL_BODY_MAX);
	*context = request;
	return MHD_YES;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *data,
			      size_t *data_len, void **context)
{
	struct control *control = user;
	struct request *request = *context;
	struct error err = { 0 };

	(void)version;
	if (!request)
		return is_allowed(connection) ? begin_request(control, connection, context)
					      : MHD_NO;
	if (*data_len) {
		if (buf_append(&request->body, data, *data_len) < 0)
			return MHD_NO; /* over the bound: the connection ends */
		*data_len = 0;
		return MHD_YES;
	}
	if (request->job)
		return answer_job(request);
	if (streq(method, "POST"))
		return start_job(request, path);
	if (streq(method, "GET") && streq(path, "/v1/status"))
		return answer_status(control, connection);
	error_set(&err, ERR_NOT_FOUND, "%s %s: nothing is here", method, path);
	return answer_problem(connection, &err);
}

static void completed(void *user, struct MHD_Connection *connection, void **context,
		      enum MHD_RequestTerminationCode code)
{
	struct request *request = *context;

	(void)user;
	(void)connection;
	(void)code;
	if (!request)
		return;
	job_free(request->job);
	if (request->body.data)
		explicit_bzero(request->body.data, request->body.cap);
	buf_free(&request->body);
	free(request);
	*context = NULL;
}

/* Made under another name and renamed when it listens: a socket that is there answers. */
static int open_listener(struct control *control, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t old;
	int r;

	r = snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", control->path);
	if (r < 0 || (size_t)r >= sizeof(address.sun_path))
		return error_set(err, ERR_TOO_LARGE, "%s: path too long for a socket",
				 control->path);
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0)
		return error_set_errno(err, errno, "making the control socket");
	unlink(address.sun_path);
	old = umask(0177);
	r = bind(control->listener, (struct sockaddr *)&address, sizeof(address));
	umask(old);
	if (r < 0 || listen(control->listener, 16) < 0 ||
	    rename(address.sun_path, control->path) < 0)
		return error_set_errno(err, errno, "%s", control->path);
	return 0;
}

int control_open(const char *path, const char *status_path, struct jobs *jobs, struct control **ret,
		 struct error *err)
{
	_cleanup_(control_freep) struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	control->listener = -1;
	control->jobs = jobs;
	control->path = strdup(path);
	control->status_path = strdup(status_path);
	if (!control->path || !control->status_path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = open_listener(control, err);
	if (r < 0)
		return r;
	control->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, control,
		MHD_OPTION_LISTEN_SOCKET, control->listener, MHD_OPTION_NOTIFY_COMPLETED, completed,
		NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		SILENCE_MAX, MHD_OPTION_END);
	if (!control->daemon)
		return error_set(err, ERR_UNSUPPORTED, "%s: the HTTP server did not start", path);
	*ret = TAKE_PTR(control);
	return 0;
}

static void resume(struct control *control, struct request *request, struct job *job)
{
	struct request **p = &control->waiting;

	while (*p && *p != request)
		p = &(*p)->next;
	if (*p)
		*p = request->next;
	request->waits = false;
	request->job = job;
	MHD_resume_connection(request->connection);
}

void control_finish(struct control *control, struct job *job)
{
	if (!job->owner) {
		job_free(job);
		return;
	}
	resume(control, job->owner, job);
}

/* Whoever still waits is told that it will not happen. */
static void send_away(struct control *control)
{
	control->stopping = true;
	while (control->waiting) {
		struct job *job = job_new(JOB_REFRESH);

		if (job)
			error_set(&job->error, -ECANCELED, "sutured is stopping");
		resume(control, control->waiting, job);
	}
	MHD_run(control->daemon);
}

void control_free(struct control *control)
{
	if (!control)
		return;
	if (control->daemon) {
		send_away(control);
		MHD_stop_daemon(control->daemon); /* closes the listener */
		unlink(control->path);
	} else if (control->listener >= 0) {
		close(control->listener);
	}
	free(control->path);
	free(control->status_path);
	free(control);
}

int control_fd(const struct control *control)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(control->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	return info ? info->epoll_fd : -1;
}

int control_timeout_ms(const struct control *control)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(control->daemon, &timeout) != MHD_YES)
		return -1;
	return timeout > 60000 ? 60000 : (int)timeout;
}

void control_run(struct control *control)
{
	MHD_run(control->daemon);
}
