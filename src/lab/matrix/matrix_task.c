// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/matrix_task.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/process.h"
#include "lab/matrix/worker_trial.h"
#include "package/kernel_cache.h"

#define BUILDER    "suture-build"
#define STOP_MS    (8 * 1000) /* less than a worker is given */
#define OUTPUT_MAX (256 * 1024)

/* Waits for the end of the program, or stops it when we are to end. */
static int wait_for(pid_t pid, int signal_fd)
{
	_cleanup_close_ int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fds[] = { { .fd = pid_fd, .events = POLLIN },
				{ .fd = signal_fd, .events = POLLIN } };
	int status = 0;

	while (pid_fd >= 0 && poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
		;
	if (pid_fd < 0 || !fds[0].revents) {
		process_stop(pid, STOP_MS);
		_exit(1);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The last "PROGRAM: what: why" of the output, else its last line. */
static void find_message(const char *program, char *text, char *ret, size_t size)
{
	char prefix[64], *rest = text;
	bool named = false;

	snprintf(prefix, sizeof(prefix), "%s: ", path_base(program));
	ret[0] = '\0';
	while (rest) {
		const char *line = strsep(&rest, "\n");
		bool now = str_has_prefix(line, prefix);

		if (!*line || (named && !now))
			continue;
		named = named || now;
		snprintf(ret, size, "%s", now ? line + strlen(prefix) : line);
	}
	error_clean_text(ret);
}

static void read_end(int fd, struct buf *text)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size > OUTPUT_MAX - 4096)
		(void)lseek(fd, -(OUTPUT_MAX - 4096), SEEK_END);
	else
		(void)lseek(fd, 0, SEEK_SET);
	if (size > 0)
		(void)file_read_fd(fd, text, NULL);
}

static void answer_program(struct worker_out *out, int status, const char *message)
{
	_cleanup_json_ json_t *answer = json_object();

	if (!answer || json_object_set_new(answer, "status", json_integer(status)) < 0 ||
	    json_set_str(answer, "message", message) < 0)
		_exit(1);
	worker_answer(out, answer);
}

void matrix_task_program(void *user, struct worker_out *out)
{
	const struct matrix_program *p = user;
	_cleanup_buf_ struct buf text = BUF_INIT(OUTPUT_MAX);
	_cleanup_close_ int fd = memfd_create("output", MFD_CLOEXEC), signal_fd = -1;
	char message[ERROR_MESSAGE_MAX];
	struct error err = { 0 };
	sigset_t term;
	pid_t pid;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	signal_fd = signalfd(-1, &term, SFD_CLOEXEC);
	worker_say(out, p->says);
	if (fd < 0 || signal_fd < 0 || process_start(p->argv, fd, &pid, &err) < 0) {
		answer_program(out, 127, err.message);
		return;
	}

	int status = wait_for(pid, signal_fd);

	read_end(fd, &text);
	(void)file_write_atomic(p->output, buf_str(&text), text.len, 0644, NULL);
	find_message(p->argv[0], text.data ? (char *)text.data : (char[]){ "" }, message,
		     sizeof(message));
	answer_program(out, status, message);
}

int matrix_task_program_end(const json_t *answer, int *ret_status, char *ret_message, size_t size,
			    struct error *err)
{
	const char *message = NULL;
	int64_t status = 0;
	int r = json_get_int(answer, "status", 0, 255, &status, err);

	if (r == 0)
		r = json_get_str_opt(answer, "message", ERROR_MESSAGE_MAX, &message, err);
	if (r < 0)
		return r;
	*ret_status = (int)status;
	snprintf(ret_message, size, "%s", message ? message : "");
	return 0;
}

/* Puts a NULL behind the last item, as arrays of strings end. */
static int terminate(struct name_list *list, struct error *err)
{
	int r = name_list_add(list, "");

	if (r < 0)
		return error_set(err, r, "a list");
	free(list->items[--list->n]);
	list->items[list->n] = NULL;
	return 0;
}

/* Paths of the modules that the job's patch replaces, as far as there are any. */
static int earlier_modules(const struct matrix_trial_task *t, struct name_list *ret,
			   struct error *err)
{
	const struct matrix_patch *p = &t->plan->file->patches[t->job->patch];
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->earlier_n; i++) {
		const struct matrix_module *m =
			matrix_plan_module(t->plan, p->earlier[i], t->job->kernel);
		_cleanup_free_ char *path = matrix_module_path(t->plan, t->store, m, ".ko");

		if (m->state == MODULE_BUILT)
			r = path ? name_list_add(ret, path) : ERR_NO_MEMORY;
	}
	return r < 0 ? error_set(err, r, "earlier modules") : terminate(ret, err);
}

static int copy_words(const struct name_list *from, struct name_list *ret, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n; i++)
		r = name_list_add(ret, from->items[i]);
	return r < 0 ? error_set(err, r, "a list") : terminate(ret, err);
}

static int logs_path(const struct matrix_trial_task *t, const char *folder, char **ret,
		     struct error *err)
{
	char name[MATRIX_JOB_NAME];

	matrix_job_name(t->plan, t->job, name);
	*ret = path_join(matrix_store_dir(t->store), folder, name, NULL);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "logs");
}

int matrix_task_keep_logs(const struct matrix_trial_task *t, struct error *err)
{
	_cleanup_free_ char *from = NULL, *to = NULL;
	int r = logs_path(t, "logs.new", &from, err);

	if (r == 0)
		r = logs_path(t, "logs", &to, err);
	if (r < 0 || !file_exists(from))
		return r;
	r = file_make_dirs(to, 0755, err);
	if (r == 0)
		r = file_remove_tree(to, err);
	if (r == 0 && rename(from, to) < 0)
		r = error_set_errno(err, errno, "%s", to);
	return r;
}

/* Beside the old ones, which stay until there is a new result. */
static int make_logs(const struct matrix_trial_task *t, char **ret, struct error *err)
{
	int r = logs_path(t, "logs.new", ret, err);

	if (r == 0)
		r = file_remove_tree(*ret, err);
	return r < 0 ? r : file_make_dirs(*ret, 0755, err);
}

static void say(void *user, const char *kernel, const char *what)
{
	(void)kernel;
	worker_say(user, what);
}

static const char *const *as_array(struct name_list *list)
{
	return list->n > 0 ? (const char *const *)list->items : NULL;
}

static void set_guest(const struct matrix_machine *m, const struct kernel *kernel,
		      struct name_list *load, struct guest_options *ret)
{
	*ret = (struct guest_options){ .image = kernel->vmlinuz,
				       .modules = kernel->modules,
				       .cpus = m->cpus,
				       .memory_mb = m->memory_mb,
				       .accel = m->accel,
				       .cpu = m->cpu,
				       .machine = m->type,
				       .secure_boot = m->secure_boot,
				       .load = as_array(load) };
}

static int hold(const struct matrix_trial_task *t, struct worker_out *out, struct trial *ret,
		struct error *err)
{
	const struct matrix_file *f = t->plan->file;
	const struct matrix_patch *p = &f->patches[t->job->patch];
	const struct matrix_module *m = matrix_plan_module(t->plan, t->job->patch, t->job->kernel);
	const char *release = t->plan->kernels[t->job->kernel].release;
	_cleanup_name_list_ struct name_list earlier = { 0 }, load = { 0 }, cases = { 0 };
	_cleanup_free_ char *logs = NULL, *module = NULL, *record = NULL;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	int r = kernel_use(release, NULL, &kernel, err);

	if (r == 0)
		r = earlier_modules(t, &earlier, err);
	if (r == 0)
		r = copy_words(&p->load, &load, err);
	if (r == 0)
		r = copy_words(&f->cases, &cases, err);
	if (r == 0)
		r = make_logs(t, &logs, err);
	if (r < 0)
		return r;
	module = matrix_module_path(t->plan, t->store, m, ".ko");
	if (!p->module)
		record = matrix_module_path(t->plan, t->store, m, ".record.json");
	struct trial_options o = { .kernel = release,
				   .module = module,
				   .build_record = record,
				   .reproducer = p->reproducer,
				   .sleeper = p->sleeper,
				   .earlier = as_array(&earlier),
				   .cases = as_array(&cases),
				   .cycles = f->cycles,
				   .transition_timeout_ms = f->timeout_ms,
				   .logs = logs,
				   .say = say,
				   .user = out };

	set_guest(&f->machines[t->job->machine], kernel, &load, &o.guest);
	return trial_run(&o, ret, err);
}

void matrix_task_trial(void *user, struct worker_out *out)
{
	_cleanup_free_ struct trial *trial = calloc(1, sizeof(*trial));
	struct error err = { 0 };

	if (!trial)
		_exit(1);

	int r = hold(user, out, trial, &err);

	worker_answer_trial(out, r, trial, &err);
}

static char *beside(const char *program)
{
	char folder[PATH_MAX];

	if (strlen(program) >= sizeof(folder) || !strchr(program, '/'))
		return NULL;
	snprintf(folder, sizeof(folder), "%s", program);
	*(strrchr(folder, '/') + 1) = '\0';
	return path_join(folder, BUILDER, NULL);
}

int matrix_find_builder(char **ret, struct error *err)
{
	const char *called = (const char *)getauxval(AT_EXECFN);
	char self[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	_cleanup_free_ char *first = called ? beside(called) : NULL,
			    *second = n > 0 ? beside(self) : NULL, *third = process_find(BUILDER);
	const char *places[] = { first, second, third };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i] && access(places[i], X_OK) == 0) {
			*ret = realpath(places[i], NULL);
			return *ret ? 0 : error_set_errno(err, errno, "%s", places[i]);
		}
	error_set(err, ERR_NOT_FOUND, BUILDER ": neither beside this program nor in PATH");
	error_hint(err, "matrix builds modules with it; put it into PATH");
	return ERR_NOT_FOUND;
}
