/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "agent/apply.h"
#include "agent/enrol.h"
#include "agent/status.h"
#include "agent/trouble.h"
#include "agent/update.h"
#include "agent/watch.h"
#include "base/file.h"
#include "base/log.h"

/* Seconds. Whoever answers for the server cannot have the machine check in, and write its journal,
 * without a pause. */
#define INTERVAL_LEAST 30

struct queue {
	struct job *first, *last;
	size_t n;
};

struct jobs {
	struct agent *agent;
	pthread_t thread;
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t wake;
	struct queue urgent, waiting, done;
	bool running; /* a job is being done */
	bool stop;
	int event_fd;
};

struct job *job_new(enum job_kind kind)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job)
		job->kind = kind;
	return job;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	if (job->token)
		explicit_bzero(job->token, strlen(job->token));
	free(job->token);
	free(job->bundle);
	free(job->tier);
	free(job->hostname);
	free(job->medium);
	free(job->report);
	free(job->status);
	free(job);
}

static void push(struct queue *queue, struct job *job)
{
	job->next = NULL;
	if (queue->last)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
	queue->n++;
}

static struct job *pop(struct queue *queue)
{
	struct job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->next;
	if (!queue->first)
		queue->last = NULL;
	queue->n--;
	job->next = NULL;
	return job;
}

static int run_enable(struct agent *agent, const struct job *job, struct error *err)
{
	struct enrol_options options = { .bundle = job->bundle,
					 .bundle_len = job->bundle_len,
					 .token = job->token,
					 .tier = job->tier,
					 .hostname = job->hostname };

	return enrol_enable(agent, &options, err);
}

/* The medium is the source for this one job. */
static int run_refresh(struct agent *agent, const struct job *job, struct error *err)
{
	int r;

	agent->medium = job->medium;
	r = update_run(agent, err);
	agent->medium = NULL;
	return r;
}

static int run_boot(struct agent *agent, struct error *err)
{
	int r = apply_boot(agent, err);

	enrol_tidy(agent);
	return r;
}

/* Does a job's owner want something that a network has little or no part in? */
static bool is_urgent(enum job_kind kind)
{
	switch (kind) {
	case JOB_BOOT:
	case JOB_REFRESH:
	case JOB_ENABLE:
	case JOB_WATCH: return false;
	case JOB_DISABLE:
	case JOB_ROLLBACK:
	case JOB_HOLD:
	case JOB_RETRY:
	case JOB_TROUBLE:
	case JOB_UNHOLD: return true;
	}
	return false;
}

bool job_wants_way(const struct job *job)
{
	if (!is_urgent(job->kind))
		return false;
	return job->kind != JOB_TROUBLE || trouble_classify(job->report) == TROUBLE_OOPS_IN_PATCH;
}

/* Milliseconds for all that a job wants of the fetcher. An owner who takes a patch out does not
 * wait long for the report of it. */
static int fetch_budget(const struct job *job)
{
	if (job->kind == JOB_DISABLE)
		return 30000;
	return job->kind == JOB_ROLLBACK && !job->has_version ? 10000 : 900000;
}

static int run(struct agent *agent, struct job *job, struct error *err)
{
	switch (job->kind) {
	case JOB_BOOT: return run_boot(agent, err);
	case JOB_REFRESH: return run_refresh(agent, job, err);
	case JOB_ENABLE: return run_enable(agent, job, err);
	case JOB_DISABLE: return enrol_disable(agent, job->unpatch, err);
	case JOB_ROLLBACK:
		return update_rollback(agent, job->has_version ? &job->version : NULL, err);
	case JOB_HOLD: return update_hold(agent, err);
	case JOB_UNHOLD: return update_unhold(agent, err);
	case JOB_RETRY: return update_retry(agent, job->version, err);
	case JOB_WATCH: return watch_tick(agent, err);
	case JOB_TROUBLE: return trouble_take(agent, job->report, job->log_next, err);
	}
	return error_set(err, ERR_UNSUPPORTED, "unknown job");
}

static void do_job(struct agent *agent, struct job *job)
{
	struct agent_applied before = agent->applied;
	unsigned int noted = agent->n_notes + agent->n_oopses;
	_cleanup_buf_ struct buf text = BUF_INIT(1024 * 1024);
	_cleanup_json_ json_t *status = NULL;
	int r;

	/* Only here, so that what led to the end of the last job was still heard. */
	if (!agent->applied.present && agent->journal->step.action == JOURNAL_NONE)
		listener_stop(agent->listener);
	r = run(agent, job, &job->error);
	if (r == 0)
		job->error = (struct error){ 0 };
	else if (job->error.code == 0)
		error_set(&job->error, r, "failed: %s", error_code_name(r));
	status = status_build(agent);
	if (status && json_append(status, &text) == 0)
		job->status = (char *)buf_take(&text, NULL);
	status_publish(agent, NULL);
	job->interval = agent->interval ? MAX(agent->interval, INTERVAL_LEAST) : 0;
	job->configured = config_int(agent->config, "check-interval");
	job->enabled = agent_is_enabled(agent);
	job->watch_left_ms = watch_left_ms(agent);
	job->retry_left_ms = apply_retry_left_ms(agent);
	job->noted = agent->n_notes + agent->n_oopses != noted;
	job->patch_changed = agent->applied.present != before.present ||
			     (before.present &&
			      patch_version_compare(before.version, agent->applied.version) != 0);
}

static struct job *next(struct jobs *jobs)
{
	struct job *job = pop(&jobs->urgent);

	return job ? job : pop(&jobs->waiting);
}

/* Nobody would hear of any job again. What is under way is in the journal, and systemd starts
 * sutured anew. */
static void end_at_once(const char *what)
{
	log_error("%s: %s; sutured ends, to be started again", what, strerror(errno));
	_exit(EXIT_FAILURE);
}

static void *work(void *arg)
{
	struct jobs *jobs = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stop) {
		struct job *job = next(jobs);

		if (!job) {
			pthread_cond_wait(&jobs->wake, &jobs->lock);
			continue;
		}
		jobs->running = true;
		/* Under the lock: what is urgent and comes later says so after this. */
		fetcher_begin(jobs->agent->fetcher, fetch_budget(job));
		pthread_mutex_unlock(&jobs->lock);
		do_job(jobs->agent, job);
		pthread_mutex_lock(&jobs->lock);
		jobs->running = false;
		push(&jobs->done, job);
		/* The counter cannot overflow with this few jobs. */
		if (write(jobs->event_fd, &one, sizeof(one)) < 0)
			end_at_once("telling that a job is done");
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

/* Signals are the main loop's. */
static int start_thread(struct jobs *jobs)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&jobs->thread, NULL, work, jobs);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int jobs_start(struct agent *agent, struct jobs **ret, struct error *err)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));
	int r;

	if (!jobs)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	jobs->agent = agent;
	jobs->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = jobs->event_fd < 0 ? -errno : 0;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->wake, NULL);
	if (r == 0)
		r = start_thread(jobs);
	if (r < 0) {
		if (jobs->event_fd >= 0)
			close(jobs->event_fd);
		free(jobs);
		return error_set_errno(err, -r, "starting the worker");
	}
	*ret = jobs;
	return 0;
}

static void drop_all(struct queue *queue)
{
	struct job *job;

	while ((job = pop(queue)))
		job_free(job);
}

/* What the next start must know: it takes the end of sutured for one in order. */
static void write_down_oopses(struct jobs *jobs)
{
	for (const struct job *job = jobs->urgent.first; job; job = job->next) {
		struct error err = { 0 };

		if (job->kind == JOB_TROUBLE &&
		    trouble_classify(job->report) == TROUBLE_OOPS_IN_PATCH &&
		    trouble_write_down(jobs->agent, job->report, job->log_next, &err) < 0)
			log_error("%s", err.message);
	}
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->stop = true;
	pthread_cond_signal(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
	pthread_join(jobs->thread, NULL);
	write_down_oopses(jobs);
	drop_all(&jobs->urgent);
	drop_all(&jobs->waiting);
	drop_all(&jobs->done);
	pthread_mutex_destroy(&jobs->lock);
	pthread_cond_destroy(&jobs->wake);
	close(jobs->event_fd);
	free(jobs);
}

int jobs_add(struct jobs *jobs, struct job *job, struct error *err)
{
	int r = 0;

	pthread_mutex_lock(&jobs->lock);
	if (jobs->waiting.n + jobs->urgent.n >= JOBS_WAITING_MAX) {
		r = ERR_BAD_STATE;
	} else if (is_urgent(job->kind)) {
		push(&jobs->urgent, job);
		if (jobs->running && job_wants_way(job))
			fetcher_give_way(jobs->agent->fetcher);
	} else {
		push(&jobs->waiting, job);
	}
	if (r == 0)
		pthread_cond_signal(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
	return r < 0 ? error_set(err, r, "too many requests wait already") : 0;
}

bool jobs_is_busy(struct jobs *jobs)
{
	bool busy;

	pthread_mutex_lock(&jobs->lock);
	busy = jobs->running || jobs->waiting.first || jobs->urgent.first;
	pthread_mutex_unlock(&jobs->lock);
	return busy;
}

int jobs_fd(const struct jobs *jobs)
{
	return jobs->event_fd;
}

struct job *jobs_take_done(struct jobs *jobs)
{
	struct job *job;
	uint64_t count;

	pthread_mutex_lock(&jobs->lock);
	job = pop(&jobs->done);
	if (!job && read(jobs->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		end_at_once("hearing of a job that is done");
	pthread_mutex_unlock(&jobs->lock);
	return job;
}
