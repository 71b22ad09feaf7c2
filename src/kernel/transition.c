/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/transition.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/log.h"
#include "kernel/root.h"

#define PF_KTHREAD    0x00200000 /* include/linux/sched.h */
#define DESCRIBED_MAX 3
#define LOG_MAX       ((size_t)16 * 1024 * 1024)

DEFINE_CLEANUP(DIR *, closedir);

/* ---- One file of one task ---- */

/* Reads what fits of a file of a task into `ret` with a zero behind it; the length, or -errno:
 * -ENOENT or -ESRCH when the task has gone. */
static ssize_t read_task(int task_fd, const char *tid, const char *file, char *ret, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	size_t len = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", tid, file);
	fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		n = read(fd, ret + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	ret[len] = 0;
	return (ssize_t)len;
}

/* What comes from a task's owner, or from the kernel, goes to screens. */
static void clean(char *text, bool lines)
{
	for (; *text; text++)
		if ((*text < ' ' || *text > '~') && !(lines && *text == '\n'))
			*text = '?';
}

enum task_answer { TASK_GONE, TASK_UNREADABLE, TASK_CHANGED, TASK_WAITS };

static enum task_answer ask_task(int task_fd, const char *tid, bool target)
{
	char text[16], *end;
	ssize_t n = read_task(task_fd, tid, "patch_state", text, sizeof(text));
	long state;

	if (n == -EACCES || n == -EPERM)
		return TASK_UNREADABLE;
	if (n <= 0)
		return TASK_GONE;
	state = strtol(text, &end, 10);
	if (end == text)
		return TASK_GONE;
	return state == (target ? 0 : 1) ? TASK_WAITS : TASK_CHANGED;
}

/* ---- The walk ---- */

/* Called for each task that waits; a negative code ends the walk. `counted` is one of `count`. */
typedef int (*take_fn)(void *user, int task_fd, const char *pid, const char *tid);

static bool is_number(const char *name)
{
	return name[0] >= '1' && name[0] <= '9' && strlen(name) <= 10 &&
	       name[strspn(name, "0123456789")] == 0;
}

static int walk_process(int proc_fd, const char *pid, bool target, struct kernel_task_count *count,
			take_fn take, void *user)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	struct dirent *entry;
	char path[32];
	int fd, r = 0;

	snprintf(path, sizeof(path), "%.10s/task", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return ERR_NO_MEMORY;
	}
	while (r == 0 && !count->cut && (entry = readdir(dir))) {
		enum task_answer answer;

		if (!is_number(entry->d_name))
			continue;
		answer = ask_task(fd, entry->d_name, target);
		if (answer == TASK_WAITS && take)
			r = take(user, fd, pid, entry->d_name);
		count->tasks += answer != TASK_GONE;
		count->changed += answer == TASK_CHANGED;
		count->unreadable += answer == TASK_UNREADABLE;
		count->cut = count->tasks == KERNEL_TASKS_MAX;
	}
	return r;
}

/*
 * All threads of the machine, by the fourth field of /proc/loadavg ("1/234", proc(5)); 0: not
 * known. A /proc that hides others' processes (hidepid=, as ProtectProc= of a systemd unit has it)
 * does not hide their number.
 */
static size_t count_all(const char *root)
{
	char text[128];
	const char *slash;

	if (kernel_read_text(root, "/proc/loadavg", text, sizeof(text), NULL) < 0)
		return 0;
	slash = strchr(text, '/');
	return slash ? (size_t)strtoul(slash + 1, NULL, 10) : 0;
}

/* Some come and some go while the others are counted: only many more are hidden ones. */
static void add_hidden(const char *root, struct kernel_task_count *count)
{
	size_t all = count_all(root);

	if (count->cut || all <= count->tasks + count->tasks / 8 + 8)
		return;
	count->unreadable += all - count->tasks;
	count->tasks = all;
}

static int walk(const char *root, bool target, struct kernel_task_count *ret, take_fn take,
		void *user, struct error *err)
{
	struct kernel_task_count count = { 0 };
	_cleanup_(closedirp) DIR *dir = NULL;
	struct kernel_path path;
	struct dirent *entry;
	int r = kernel_path(&path, root, "/proc");

	if (r < 0)
		return error_set(err, r, "path too long");
	dir = opendir(path.s);
	if (!dir)
		return error_set_errno(err, errno, "%s", path.s);
	while (r == 0 && !count.cut && (entry = readdir(dir)))
		if (is_number(entry->d_name))
			r = walk_process(dirfd(dir), entry->d_name, target, &count, take, user);
	if (r < 0)
		return error_set(err, r, "%s: out of memory", path.s);
	add_hidden(root, &count);
	*ret = count;
	return 0;
}

int kernel_transition_count(const char *root, bool target, struct kernel_task_count *ret,
			    struct error *err)
{
	return walk(root, target, ret, NULL, NULL, err);
}

/* ---- One that waits ---- */

struct collection {
	const char *root;
	struct kernel_transition *transition;
	struct kernel_livepatch live[KERNEL_LIVEPATCH_MAX];
	int n_live;
};

/* Is this frame's module the function's object, or a livepatch's, which holds new versions? */
static bool is_place(const struct collection *c, const char *module, size_t len, const char *object)
{
	if (len == 0)
		return streq(object, "vmlinux");
	if (strlen(object) == len && strncmp(object, module, len) == 0)
		return true;
	for (int i = 0; i < c->n_live; i++)
		if (strlen(c->live[i].name) == len && strncmp(c->live[i].name, module, len) == 0)
			return true;
	return false;
}

/* The function of the patch that this frame ("name+0x1/0x20 [module]") is in: by its own name, or
 * as a part that the compiler made of it ("name.cold", "name.constprop.0"). */
static const struct kernel_livepatch_func *find_function(const struct collection *c,
							 const char *frame, size_t len)
{
	const char *bracket = memchr(frame, '[', len);
	const char *module = bracket ? bracket + 1 : "";
	size_t module_len = bracket ? strcspn(module, "]\n") : 0;
	size_t name_len = strcspn(frame, "+\n ");

	for (size_t i = 0; i < c->transition->functions.n; i++) {
		const struct kernel_livepatch_func *f = &c->transition->functions.items[i];
		size_t n = strlen(f->name);

		if (name_len >= n && strncmp(frame, f->name, n) == 0 &&
		    (name_len == n || frame[n] == '.') &&
		    is_place(c, module, module_len, f->object))
			return f;
	}
	return NULL;
}

static void find_functions(const struct collection *c, struct kernel_blocker *blocker)
{
	size_t len;

	for (const char *frame = blocker->stack;
	     *frame && blocker->n_functions < KERNEL_BLOCKER_FUNCS_MAX;
	     frame += len + (frame[len] == '\n')) {
		const struct kernel_livepatch_func *f;

		len = strcspn(frame, "\n");
		f = find_function(c, frame, len);
		for (size_t i = 0; f && i < blocker->n_functions; i++)
			if (blocker->functions[i] == f)
				f = NULL;
		if (f)
			blocker->functions[blocker->n_functions++] = f;
	}
}

/* Lines "[<0>] name+0x1/0x20 [module]" without what is the same in all (proc_pid_stack()); a last
 * line that did not fit goes. */
static char *parse_stack(char *text, size_t len)
{
	_cleanup_buf_ struct buf out = BUF_INIT(KERNEL_STACK_MAX);
	char *next;

	if (len == KERNEL_STACK_MAX - 1) {
		char *last = strrchr(text, '\n');

		text[last ? last + 1 - text : 0] = 0;
	}
	clean(text, true);
	for (char *line = text; *line; line = next) {
		next = line + strcspn(line, "\n");
		next += *next == '\n';
		if (str_has_prefix(line, "[<0>] "))
			line += strlen("[<0>] ");
		if (buf_append(&out, line, (size_t)(next - line)) < 0)
			return NULL;
	}
	return out.len ? (char *)buf_take(&out, NULL) : strdup("");
}

/* State and flags stand behind the name, which may have anything in it (proc(5), "stat"). */
static void read_stat(int task_fd, const char *tid, struct kernel_blocker *blocker)
{
	char text[2048], *at;
	unsigned long flags = 0;
	ssize_t n = read_task(task_fd, tid, "stat", text, sizeof(text));

	blocker->state = '?';
	at = n > 0 ? strrchr(text, ')') : NULL;
	if (!at || at[1] != ' ' || at[2] < 'A' || at[2] > 'z')
		return;
	blocker->state = at[2];
	at += 3;
	/* ppid, pgrp, session, tty_nr, tpgid, flags */
	for (int i = 0; i < 6; i++)
		flags = strtoul(at, &at, 10);
	blocker->kernel_thread = flags & PF_KTHREAD;
}

static int read_blocker(const struct collection *c, int task_fd, const char *tid,
			struct kernel_blocker *blocker)
{
	_cleanup_free_ char *stack = malloc(KERNEL_STACK_MAX);
	ssize_t n;

	if (!stack)
		return ERR_NO_MEMORY;
	n = read_task(task_fd, tid, "comm", blocker->name, sizeof(blocker->name));
	blocker->name[n > 0 ? strcspn(blocker->name, "\n") : 0] = 0;
	clean(blocker->name, false);
	read_stat(task_fd, tid, blocker);
	n = read_task(task_fd, tid, "stack", stack, KERNEL_STACK_MAX);
	if (n < 0)
		return 0;
	blocker->stack = parse_stack(stack, (size_t)n);
	if (!blocker->stack)
		return ERR_NO_MEMORY;
	find_functions(c, blocker);
	return 0;
}

static int take_blocker(void *user, int task_fd, const char *pid, const char *tid)
{
	struct collection *c = user;
	struct kernel_transition *t = c->transition;
	struct kernel_blocker *blocker;
	int r;

	if (t->n == KERNEL_BLOCKERS_MAX) {
		t->left_off++;
		return 0;
	}
	blocker = &t->blockers[t->n];
	*blocker = (struct kernel_blocker){ .pid = (int)strtol(pid, NULL, 10),
					    .tid = (int)strtol(tid, NULL, 10) };
	r = read_blocker(c, task_fd, tid, blocker);
	/* What was read is of a task that still waits, or it is not told. */
	if (r == 0 && ask_task(task_fd, tid, t->target) == TASK_WAITS) {
		t->n++;
		return 0;
	}
	free(blocker->stack);
	blocker->stack = NULL;
	return r;
}

/* ---- The kernel log ---- */

/* Only what the kernel itself says counts. */
static void take_record(struct kernel_transition *t, const char *line, size_t len)
{
	char begins[KERNEL_MODULE_NAME_MAX + 32];
	struct kernel_record record;

	if (kernel_record_parse(line, len, &record) < 0 || !record.of_kernel)
		return;
	snprintf(begins, sizeof(begins), "livepatch: '%s': starting ", t->livepatch);
	if (kernel_line_starts(&record.text, begins)) {
		t->ms = MAX(clock_monotonic_ms() - (int64_t)(record.us / 1000), (int64_t)0);
		t->signalled = 0;
	} else if (kernel_line_starts(&record.text, "livepatch: signaling remaining tasks") &&
		   t->ms >= 0) {
		t->signalled = 1;
	}
}

/* The log's last words on this transition. Each read gives one record; -EPIPE says that some were
 * overwritten before they were read. */
static void read_log(const char *root, struct kernel_transition *t)
{
	_cleanup_close_ int fd = -1;
	char record[KERNEL_RECORD_MAX];
	struct kernel_path path;
	size_t total = 0, len = 0;

	t->ms = -1;
	t->signalled = -1;
	if (kernel_path(&path, root, "/dev/kmsg") == 0)
		fd = open(path.s, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	while (fd >= 0 && total < LOG_MAX) {
		ssize_t n = read(fd, record + len, sizeof(record) - 1 - len);
		char *line = record, *end;

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			return;
		total += (size_t)n;
		len += (size_t)n;
		record[len] = 0;
		for (; (end = strchr(line, '\n')); line = end + 1)
			take_record(t, line, (size_t)(end - line));
		/* A regular file's line may go on in the next read; one that never ends does not.
		 */
		len = line == record && len == sizeof(record) - 1 ? 0
								  : len - (size_t)(line - record);
		memmove(record, line, len);
	}
}

/* ---- All of it ---- */

void kernel_transition_free(struct kernel_transition *transition)
{
	for (size_t i = 0; i < transition->n; i++)
		free(transition->blockers[i].stack);
	free(transition->blockers);
	kernel_livepatch_funcs_free(&transition->functions);
	*transition = (struct kernel_transition){ 0 };
}

static int by_guilt(const void *a, const void *b)
{
	const struct kernel_blocker *x = a, *y = b;

	if (!x->n_functions != !y->n_functions)
		return x->n_functions ? -1 : 1;
	return x->pid != y->pid ? (x->pid > y->pid) - (x->pid < y->pid)
				: (x->tid > y->tid) - (x->tid < y->tid);
}

/* The kernel has one transition at a time. */
static const struct kernel_livepatch *running(const struct collection *c)
{
	for (int i = 0; i < c->n_live; i++)
		if (c->live[i].transition)
			return &c->live[i];
	return NULL;
}

static int collect(struct collection *c, struct error *err)
{
	struct kernel_transition *t = c->transition;
	struct kernel_livepatch now;
	int r;

	t->blockers = calloc(KERNEL_BLOCKERS_MAX, sizeof(*t->blockers));
	if (!t->blockers)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = kernel_livepatch_funcs(c->root, t->livepatch, &t->functions, err);
	if (r < 0)
		return r;
	read_log(c->root, t);
	r = walk(c->root, t->target, &t->count, take_blocker, c, err);
	if (r < 0)
		return r;
	qsort(t->blockers, t->n, sizeof(*t->blockers), by_guilt);
	t->idle = t->count.tasks && !t->n && !t->left_off && !t->count.unreadable && !t->count.cut;
	/* It may have ended meanwhile, or been turned round. */
	if (kernel_livepatch_get(c->root, t->livepatch, &now) < 0 || !now.transition ||
	    now.enabled != t->target)
		return ERR_NOT_FOUND;
	return 0;
}

int kernel_transition_read(const char *root, struct kernel_transition *ret, struct error *err)
{
	struct kernel_transition transition = { 0 };
	struct collection c = { .root = root, .transition = &transition };
	const struct kernel_livepatch *patch;
	int r = 0;

	/* Twice, in case that it is turned round just now. */
	for (int i = 0; i < 2; i++) {
		c.n_live = kernel_livepatch_list(root, c.live, ARRAY_SIZE(c.live), err);
		if (c.n_live < 0)
			return c.n_live;
		patch = running(&c);
		if (!patch)
			break;
		memcpy(transition.livepatch, patch->name, sizeof(patch->name));
		transition.target = patch->enabled;
		r = collect(&c, err);
		if (r == 0) {
			*ret = transition;
			return 0;
		}
		kernel_transition_free(&transition);
		if (r != ERR_NOT_FOUND && r != -ENOENT)
			return r;
	}
	*ret = (struct kernel_transition){ 0 };
	return 0;
}

/* "bash (pid 4711) in f, g" */
static size_t describe_one(const struct kernel_blocker *blocker, char *ret, size_t size)
{
	size_t n = (size_t)snprintf(ret, size, "%s (pid %d)", blocker->name, blocker->tid);

	for (size_t i = 0; i < blocker->n_functions && n < size; i++)
		n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? " and " : " in ",
				      blocker->functions[i]->name);
	return n;
}

void kernel_transition_describe(const struct kernel_transition *transition, char *ret, size_t size)
{
	size_t more = transition->left_off, n = 0;

	ret[0] = 0;
	for (size_t i = 0; i < transition->n; i++) {
		if (i >= DESCRIBED_MAX) {
			more += transition->n - i;
			break;
		}
		if (i && n < size)
			n += (size_t)snprintf(ret + n, size - n, ", ");
		if (n < size)
			n += describe_one(&transition->blockers[i], ret + n, size - n);
	}
	if (more && n < size)
		n += (size_t)snprintf(ret + n, size - n, "%s%zu more task%s", n ? ", and " : "",
				      more, more == 1 ? "" : "s");
	if (transition->count.unreadable && n < size)
		n += (size_t)snprintf(ret + n, size - n, "%s%zu task%s that may not be looked at",
				      n ? ", or " : "", transition->count.unreadable,
				      transition->count.unreadable == 1 ? "" : "s");
	if (transition->idle && n < size)
		snprintf(ret + n, size - n,
			 "no task of /proc: for idle tasks, or the kernel's next look");
}
