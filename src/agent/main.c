/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sutured: the main loop. It waits for signals, the control socket, finished jobs and the time of
 * the next check-in; everything that takes time happens in the worker. */
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>

#include "agent/control.h"
#include "agent/schedule.h"
#include "agent/status.h"
#include "agent/trouble.h"
#include "agent/watch.h"
#include "base/cli.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

struct loop {
	struct agent *agent;
	struct jobs *jobs;
	struct control *control;
	struct schedule schedule;
	int signal_fd, timer_fd, watch_fd, cancel_fd;
	bool refresh_waits;      /* a check-in of our own is in the queue */
	unsigned int n_troubles; /* reports of the kernel's log in the queue */
};

/* More wait in the kernel's log. */
#define TROUBLES_MAX  4
/* Until the end of a watch that could not be written down is tried again. */
#define AGAIN_MS      60000
/* The last look at the log waits for no pause, nor for the end of a report. */
#define PAUSE_OVER_MS 10000

static void add_refresh(struct loop *loop)
{
	struct job *job;

	if (loop->refresh_waits)
		return;
	job = job_new(JOB_REFRESH);
	if (!job || jobs_add(loop->jobs, job, NULL) < 0) {
		job_free(job);
		return;
	}
	loop->refresh_waits = true;
}

static void set_timer(int fd, int64_t ms)
{
	struct itimerspec when = { .it_value = { .tv_sec = ms / 1000,
						 .tv_nsec = ms % 1000 * 1000000 } };

	if (ms >= 0 && timerfd_settime(fd, 0, &when, NULL) < 0)
		log_error("a timer cannot be set");
}

/* A job of our own, which nobody waits for. False when it could not be handed over. */
static bool add_job(struct loop *loop, struct job *job)
{
	struct error err = { 0 };

	if (job && jobs_add(loop->jobs, job, &err) == 0)
		return true;
	log_error("%s", job ? err.message : "out of memory");
	job_free(job);
	return false;
}

/* Anybody can have the kernel warn of something, so the last place in the queue is kept for what
 * takes a patch out. */
static bool is_passed_over(const struct loop *loop, const struct kernel_report *report)
{
	enum trouble_kind kind = trouble_classify(report);

	return kind == TROUBLE_NONE ||
	       (kind != TROUBLE_OOPS_IN_PATCH && loop->n_troubles == TROUBLES_MAX - 1);
}

/* Hands what the kernel's log tells of to the worker. */
static void take_troubles(struct loop *loop, int64_t now)
{
	struct listener *listener = loop->agent->listener;
	struct kernel_report report;
	uint64_t next;

	while (loop->n_troubles < TROUBLES_MAX && listener_read(listener, now, &report, &next)) {
		struct job *job;

		if (is_passed_over(loop, &report))
			continue;
		job = job_new(JOB_TROUBLE);
		if (job)
			job->report = malloc(sizeof(report));
		if (!job || !job->report) {
			job_free(job);
			return;
		}
		*job->report = report;
		job->log_next = next;
		loop->n_troubles += add_job(loop, job);
	}
}

/* At 0 a timer is switched off. A full disk, say, is tried again later. */
static void set_watch_timer(struct loop *loop, const struct job *job)
{
	int64_t ms = job->watch_left_ms < 0 ? 0 : job->watch_left_ms + 1;

	if (job->kind == JOB_WATCH && job->error.code)
		ms = AGAIN_MS;
	set_timer(loop->watch_fd, ms);
}

/* The next check-in, which is also when a second try is made: as soon as that may be. */
static void set_refresh_timer(struct loop *loop, int64_t now, const struct job *job)
{
	int64_t interval = job->configured ? job->configured : job->interval;
	int64_t ms = schedule_next_ms(&loop->schedule, now, interval);

	if (job->retry_left_ms >= 0)
		ms = MIN(ms, job->retry_left_ms + 1);
	set_timer(loop->timer_fd, ms);
}

/* What follows from a finished job. */
static void follow_up(struct loop *loop, const struct job *job)
{
	int64_t now = clock_boottime_ms();

	if (job->error.code && !job->owner)
		log_warning("%s", job->error.message);
	if (job->kind == JOB_REFRESH && !job->owner)
		loop->refresh_waits = false;
	if (job->kind == JOB_TROUBLE)
		loop->n_troubles--;
	set_watch_timer(loop, job);
	schedule_note(&loop->schedule, now, job->kind == JOB_REFRESH && job->error.code,
		      job->patch_changed);
	if (!job->enabled) {
		set_timer(loop->timer_fd, 0);
		return;
	}
	if (job->kind == JOB_BOOT || job->kind == JOB_ENABLE || job->kind == JOB_RETRY ||
	    (job->kind == JOB_TROUBLE && job->noted))
		add_refresh(loop);
	else
		set_refresh_timer(loop, now, job);
}

static void take_done(struct loop *loop)
{
	struct job *job;

	while ((job = jobs_take_done(loop->jobs))) {
		follow_up(loop, job);
		control_finish(loop->control, job);
	}
}

/* True when it is time to stop. */
static bool take_signal(struct loop *loop)
{
	struct signalfd_siginfo info;

	if (read(loop->signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	log_info("stopping on signal %u", info.ssi_signo);
	return true;
}

/* Whether the kernel's log is polled now, and when to look at it or at the control socket anyway.
 */
static int prepare_poll(struct loop *loop, struct pollfd *log)
{
	struct listener *listener = loop->agent->listener;
	int64_t now = clock_boottime_ms();
	int control = control_timeout_ms(loop->control), own = -1;

	log->fd = -1;
	if (loop->n_troubles < TROUBLES_MAX) {
		log->fd = listener_fd(listener, now);
		own = listener_timeout_ms(listener, now);
	}
	if (own < 0 || control < 0)
		return MAX(own, control);
	return MIN(own, control);
}

static int run_loop(struct loop *loop, struct error *err)
{
	struct pollfd fds[] = {
		{ .fd = loop->signal_fd, .events = POLLIN },
		{ .fd = jobs_fd(loop->jobs), .events = POLLIN },
		{ .fd = loop->timer_fd, .events = POLLIN },
		{ .fd = control_fd(loop->control), .events = POLLIN },
		{ .fd = loop->watch_fd, .events = POLLIN },
		{ .events = POLLIN },
	};

	for (;;) {
		uint64_t count;
		int timeout = prepare_poll(loop, &fds[5]);

		if (poll(fds, ARRAY_SIZE(fds), timeout) < 0) {
			if (errno == EINTR)
				continue;
			return error_set_errno(err, errno, "main loop");
		}
		if (fds[0].revents && take_signal(loop)) {
			take_troubles(loop, clock_boottime_ms() + PAUSE_OVER_MS);
			return 0;
		}
		if (fds[1].revents)
			take_done(loop);
		if (fds[2].revents && read(loop->timer_fd, &count, sizeof(count)) > 0)
			add_refresh(loop);
		/* A full queue: its jobs set the timer again. */
		if (fds[4].revents && read(loop->watch_fd, &count, sizeof(count)) > 0)
			add_job(loop, job_new(JOB_WATCH));
		take_troubles(loop, clock_boottime_ms());
		control_run(loop->control);
	}
}

static int open_descriptors(struct loop *loop, struct error *err)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	loop->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	loop->watch_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	loop->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->signal_fd < 0 || loop->timer_fd < 0 || loop->watch_fd < 0 || loop->cancel_fd < 0)
		return error_set_errno(err, errno, "starting");
	return 0;
}

static int start(struct loop *loop, struct error *err)
{
	_cleanup_(job_freep) struct job *boot = job_new(JOB_BOOT);
	int r;

	if (!boot)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if ((r = open_descriptors(loop, err)) < 0 ||
	    (r = agent_open(getenv("SUTURE_ROOT"), loop->cancel_fd, &loop->agent, err)) < 0 ||
	    (r = status_publish(loop->agent, err)) < 0 ||
	    (r = jobs_start(loop->agent, &loop->jobs, err)) < 0 ||
	    (r = jobs_add(loop->jobs, boot, err)) < 0)
		return r;
	TAKE_PTR(boot);
	return control_open(loop->agent->paths.control, loop->agent->paths.status, loop->jobs,
			    &loop->control, err);
}

static void stop(struct loop *loop)
{
	uint64_t one = 1;

	if (loop->cancel_fd >= 0 && write(loop->cancel_fd, &one, sizeof(one)) < 0)
		log_error("the running job cannot be told to stop");
	control_free(loop->control);
	jobs_free(loop->jobs);
	/* What was read and not dealt with is read again. */
	if (loop->agent)
		watch_stop(loop->agent,
			   loop->n_troubles ? 0 : listener_next(loop->agent->listener));
	agent_free(loop->agent);
	closep(&loop->signal_fd);
	closep(&loop->timer_fd);
	closep(&loop->watch_fd);
	closep(&loop->cancel_fd);
}

static int run(struct cli *cli, struct error *err)
{
	struct loop loop = { .signal_fd = -1, .timer_fd = -1, .watch_fd = -1, .cancel_fd = -1 };
	int r;

	if (cli_has(cli, "debug"))
		log_set_level(LOG_LEVEL_DEBUG);
	r = start(&loop, err);
	if (r == 0) {
		log_info("sutured %s on kernel %s", SUTURE_VERSION, loop.agent->facts.release);
		sd_notify(0, "READY=1");
		r = run_loop(&loop, err);
		sd_notify(0, "STOPPING=1");
	}
	stop(&loop);
	return r;
}

static const struct cli_option options[] = {
	{ "debug", NULL, "log more", false, 0 },
	{ 0 },
};

static const struct cli_verb verbs[] = {
	{ "", "", 0, 0, "verify and apply live patches to this machine's kernel", NULL, options,
	  run },
	{ 0 },
};

static const struct cli_program program = {
	.name = "sutured",
	.section = 8,
	.summary = "verifies and applies live patches",
	.description =
		"Owns this machine's trust, its state and its journal; verifies what suture-fetch hands "
		"over, loads it into the kernel, watches the transition, and answers the suture command on "
		"a socket. Runs as root, without network, in the foreground; ends on SIGTERM. The patch "
		"in the kernel stays when it ends.",
	.verbs = verbs,
	.settings_file = "/etc/suture/suture.conf",
	.settings = settings_keys,
	.files = "/etc/suture/suture.conf\n\n/var/lib/suture/\n\n/run/suture/status.json\n\n"
		 "/run/suture/control.sock\n\n/run/suture/fetch.sock",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv, NULL);
}
