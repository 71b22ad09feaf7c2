/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel/transition, cli/blocking and agent/progress on trees of their own. */
#include "fake_tree.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include "agent/progress.h"
#include "base/clock.h"
#include "cli/blocking.h"

#define PATCH "suture_x_1_2"

/* A task with one thread or several; `tid` 0: the first. */
static void put_task(const char *root, int pid, int tid, const char *name, const char *flags,
		     const char *patch_state, const char *stack)
{
	char folder[64], path[128], stat[256];

	snprintf(folder, sizeof(folder), "proc/%d/task/%d", pid, tid ? tid : pid);
	snprintf(path, sizeof(path), "%s/comm", folder);
	put_text(root, path, name);
	snprintf(stat, sizeof(stat), "%d (%.*s) S 1 0 0 0 -1 %s 0 0 0", tid ? tid : pid,
		 (int)strcspn(name, "\n"), name, flags);
	snprintf(path, sizeof(path), "%s/stat", folder);
	put_text(root, path, stat);
	snprintf(path, sizeof(path), "%s/patch_state", folder);
	put_text(root, path, patch_state);
	snprintf(path, sizeof(path), "%s/stack", folder);
	if (stack)
		put_text(root, path, stack);
}

#define USER    "4194560"
#define KTHREAD "2129984" /* PF_KTHREAD and others */

/* A transition into the patch, in which nobody waits. */
static char *make_tree(void)
{
	char *root = unit_make_dir();

	put_text(root, "sys/kernel/livepatch/" PATCH "/enabled", "1\n");
	put_text(root, "sys/kernel/livepatch/" PATCH "/transition", "1\n");
	put_text(root, "sys/kernel/livepatch/" PATCH "/vmlinux/kthreadd,1/x", "");
	put_text(root, "sys/kernel/livepatch/" PATCH "/vmlinux/do_wait,1/x", "");
	put_text(root, "sys/kernel/livepatch/" PATCH "/nf_tables/nft_do,1/x", "");
	put_task(root, 1, 0, "systemd\n", USER, "1\n", "");
	put_task(root, 30, 0, "kworker/0:1-mm_percpu_wq\n", KTHREAD, "-1\n", "");
	put_text(root, "proc/self/task/1/patch_state", "0\n"); /* no number: no process */
	return root;
}

static void read_it(const char *root, struct kernel_transition *t)
{
	struct error err = { 0 };

	assert_ok(kernel_transition_read(root, t, &err), &err);
}

static void says(const struct kernel_transition *t, const char *text)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);

	assert_int_equal(blocking_render(t, &out), 0);
	if (!strstr(buf_str(&out), text)) {
		print_error("%s\n", buf_str(&out));
		fail_msg("\"%s\" is not in it", text);
	}
}

static struct agent *make_agent(const char *root)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	struct error err = { 0 };

	assert_non_null(agent);
	assert_ok(settings_paths_init(&agent->paths, root, &err), &err);
	assert_ok(config_load(agent->paths.config, settings_keys, &agent->config, &err), &err);
	assert_ok(file_make_dirs(agent->paths.run, 0755, &err), &err);
	agent->journal = journal_new();
	agent->covered = KERNEL_UNKNOWN;
	agent->lock_fd = -1;
	agent->cancel_fd = -1;
	agent->transition_since = clock_now();
	agent->transition_in = true;
	return agent;
}

static void none(void **state)
{
	struct kernel_transition t;
	char *root = make_tree(), who[64];
	_cleanup_json_ json_t *o = NULL;

	(void)state;
	put_text(root, "sys/kernel/livepatch/" PATCH "/transition", "0\n");
	read_it(root, &t);
	assert_string_equal(t.livepatch, "");
	says(&t, "no transition is running\n");
	kernel_transition_describe(&t, who, sizeof(who));
	assert_string_equal(who, "");
	o = blocking_to_json(&t);
	assert_true(json_is_null(json_object_get(o, "livepatch")));
	assert_true(json_is_null(json_object_get(o, "tasks")));
	assert_int_equal(json_array_size(json_object_get(o, "blocking")), 0);
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

static void put_blockers(const char *root)
{
	put_task(root, 2, 0, "kthreadd\n", KTHREAD, "0\n",
		 "[<0>] kthreadd+0x2e1/0x320\n[<0>] ret_from_fork+0x1f/0x30\n");
	put_task(root, 700, 0, "(a) \033[2J\xc3\xa4) R\n", USER, "0\n",
		 "[<0>] do_wait.cold+0x1/0x2 [somewhere]\n[<0>] do_waiting+0x1/0x2\n");
	put_task(root, 700, 702, "thread\n", USER, "0\n",
		 "[<0>] do_nft_do+0x1/0x2\n[<0>] nft_do.constprop.0+0x5/0x90 [nf_tables]\n"
		 "[<0>] nft_do+0x5/0x90 [nf_tables]\n[<0>] do_wait.part.0+0x1/0x2\n");
	put_task(root, 700, 701, "thread\n", USER, "1\n", "");
	put_task(root, 800, 0, "gone", USER, "", NULL);
}

/* Those in functions of the patch come first; then by number. */
static void names(void **state)
{
	struct kernel_transition t;
	char *root = make_tree(), who[256];

	(void)state;
	put_blockers(root);
	read_it(root, &t);
	assert_string_equal(t.livepatch, PATCH);
	assert_true(t.target && !t.idle);
	assert_int_equal(t.count.tasks, 6);
	assert_int_equal(t.count.changed, 3);
	assert_int_equal(t.n, 3);
	assert_string_equal(t.blockers[0].name, "kthreadd");
	assert_int_equal(t.blockers[0].state, 'S');
	assert_true(t.blockers[0].kernel_thread);
	assert_string_equal(t.blockers[0].stack, "kthreadd+0x2e1/0x320\nret_from_fork+0x1f/0x30\n");
	assert_int_equal(t.blockers[0].n_functions, 1);
	assert_string_equal(t.blockers[0].functions[0]->name, "kthreadd");
	assert_int_equal(t.blockers[1].pid, 700);
	assert_int_equal(t.blockers[1].tid, 702);
	assert_int_equal(t.blockers[1].n_functions, 2);
	assert_string_equal(t.blockers[1].functions[0]->object, "nf_tables");
	assert_string_equal(t.blockers[1].functions[1]->name, "do_wait");
	assert_string_equal(t.blockers[2].name, "(a) ?[2J?\?) R");
	assert_int_equal(t.blockers[2].state, 'S');
	assert_false(t.blockers[2].kernel_thread);
	assert_int_equal(t.blockers[2].n_functions, 0);
	kernel_transition_describe(&t, who, sizeof(who));
	assert_string_equal(who, "kthreadd (pid 2) in kthreadd, thread (pid 702) in nft_do and "
				 "do_wait, (a) ?[2J?\?) R (pid 700)");
	/* However small the room. */
	for (size_t size = 1; size < sizeof(who); size++) {
		char *small = malloc(size);

		kernel_transition_describe(&t, small, size);
		assert_true(strlen(small) < size);
		free(small);
	}
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

/* Out of the patch: who is in the patch's own functions, and has still 1. */
static void out_of_patch(void **state)
{
	struct kernel_transition t;
	char *root = make_tree();

	(void)state;
	put_text(root, "sys/kernel/livepatch/" PATCH "/enabled", "0\n");
	put_task(root, 2, 0, "kthreadd\n", KTHREAD, "1\n", "[<0>] kthreadd+0x1/0x2 [" PATCH "]\n");
	put_task(root, 3, 0, "other\n", KTHREAD, "0\n", "");
	read_it(root, &t);
	assert_false(t.target);
	assert_int_equal(t.n, 2); /* and the first process, which has 1 */
	assert_string_equal(t.blockers[0].name, "kthreadd");
	assert_int_equal(t.blockers[0].n_functions, 1);
	assert_string_equal(t.blockers[1].name, "systemd");
	says(&t, PATCH " is changing over out of the patch: 2 of 4 tasks have changed\n");
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

static void idle_tasks(void **state)
{
	struct kernel_transition t;
	_cleanup_json_ json_t *o = NULL;
	char *root = make_tree(), who[256];

	(void)state;
	read_it(root, &t);
	assert_true(t.idle);
	assert_int_equal(t.n, 0);
	assert_int_equal(t.count.changed, 2);
	says(&t, "swapper/N");
	kernel_transition_describe(&t, who, sizeof(who));
	assert_non_null(strstr(who, "idle tasks"));
	o = blocking_to_json(&t);
	assert_true(json_is_true(json_object_get(o, "idle_tasks")));
	kernel_transition_free(&t);
	take_away(root, "proc");
	put_text(root, "proc/version", "");
	read_it(root, &t);
	assert_false(t.idle);
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

/* More tasks than are told of; a stack that never ends. */
static void bounds(void **state)
{
	_cleanup_buf_ struct buf stack = BUF_INIT(1024 * 1024);
	struct kernel_transition t;
	char *root = make_tree(), who[512];

	(void)state;
	while (stack.len < 3 * KERNEL_STACK_MAX)
		assert_int_equal(buf_append_str(&stack, "[<0>] some_function+0x12/0x34\n"), 0);
	for (int i = 0; i < KERNEL_BLOCKERS_MAX + 6; i++)
		put_task(root, 1000 + i, 0, "many\n", USER, "0\n", i ? "" : buf_str(&stack));
	read_it(root, &t);
	assert_int_equal(t.n, KERNEL_BLOCKERS_MAX);
	assert_int_equal(t.left_off, 6);
	for (size_t i = 0; i < t.n; i++)
		assert_true(strlen(t.blockers[i].stack) < KERNEL_STACK_MAX &&
			    (!t.blockers[i].stack[0] ||
			     str_has_suffix(t.blockers[i].stack, "some_function+0x12/0x34\n")));
	says(&t, "and 6 more tasks\n");
	kernel_transition_describe(&t, who, sizeof(who));
	assert_non_null(strstr(who, ", and 67 more tasks"));
	kernel_transition_free(&t);
	/* Files with nothing sensible in them. */
	put_text(root, "proc/1000/task/1000/stat", "no bracket");
	put_text(root, "proc/1000/task/1000/patch_state", "x\n");
	put_text(root, "proc/1001/task/1001/stat", "1 (a) ");
	read_it(root, &t);
	assert_int_equal(t.n + t.left_off, KERNEL_BLOCKERS_MAX + 5);
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

/* Whose files only their owner may read: root, without its rights. */
static void unreadable(void **state)
{
	static const char *const files[] = { "proc/900/task/900/patch_state",
					     "proc/2/task/2/stack" };
	struct kernel_transition t;
	struct kernel_task_count count;
	struct error err = { 0 };
	char *root = make_tree(), who[256];
	uid_t me = geteuid();

	(void)state;
	put_task(root, 900, 0, "secret\n", USER, "0\n", "");
	put_task(root, 2, 0, "kthreadd\n", KTHREAD, "0\n", "[<0>] kthreadd+0x1/0x2\n");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join(root, files[i], NULL);

		assert_int_equal(chmod(path, 0), 0);
	}
	assert_int_equal(chmod(root, 0755), 0);
	if (me == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_ok(kernel_transition_count(root, true, &count, &err), &err);
	read_it(root, &t);
	if (me == 0) {
		assert_int_equal(seteuid(0), 0);
		/* Leaks are looked for by tracing, which the change of user has forbidden. */
		assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
	}
	assert_int_equal(count.tasks, 4);
	assert_int_equal(count.changed, 2);
	assert_int_equal(count.unreadable, 1);
	assert_int_equal(t.n, 1);
	assert_null(t.blockers[0].stack);
	assert_false(t.idle);
	says(&t, "1 tasks may only be looked at by root");
	says(&t, "only root may see it");
	kernel_transition_describe(&t, who, sizeof(who));
	assert_string_equal(who, "kthreadd (pid 2), or 1 task that may not be looked at");
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

/* A /proc that hides most of them, as that of a sandbox: nothing is inferred then. */
static void hidden(void **state)
{
	struct kernel_transition t;
	char *root = make_tree(), who[256];
	struct agent *agent = make_agent(root);
	struct error err = { 0 };

	(void)state;
	put_text(root, "proc/loadavg", "0.10 0.20 0.30 1/10 4711\n"); /* a few have gone */
	read_it(root, &t);
	assert_true(t.idle);
	assert_int_equal(t.count.tasks, 2);
	kernel_transition_free(&t);
	put_text(root, "proc/loadavg", "0.10 0.20 0.30 1/345 4711\n");
	read_it(root, &t);
	assert_false(t.idle);
	assert_int_equal(t.count.tasks, 345);
	assert_int_equal(t.count.unreadable, 343);
	kernel_transition_describe(&t, who, sizeof(who));
	assert_string_equal(who, "343 tasks that may not be looked at");
	kernel_transition_free(&t);
	assert_int_equal(progress_wait(agent, PATCH, true, 20, &err), ERR_STUCK);
	assert_string_equal(err.message, "livepatch " PATCH ": transition not finished after 0 s; "
					 "it waited for 343 tasks that may not be looked at");
	assert_int_equal(agent->transition_tasks, 0);
	agent_free(agent);
	unit_remove_dir(root);
}

/* What the kernel log says of it: the last beginning counts, and what came after it. */
static void kernel_log(void **state)
{
	_cleanup_buf_ struct buf log = BUF_INIT(1024 * 1024);
	long long began = clock_monotonic_ms() - 23400;
	struct kernel_transition t;
	char *root = make_tree();

	(void)state;
	read_it(root, &t);
	assert_int_equal(t.ms, -1);
	assert_int_equal(t.signalled, -1);
	kernel_transition_free(&t);
	/* A line that never ends, and one for another patch. */
	for (int i = 0; i < 40000; i++)
		assert_int_equal(buf_append_byte(&log, 'x'), 0);
	assert_int_equal(
		buf_printf(&log, "\n6,1,1000,-;livepatch: 'other': starting patching transition\n"
				 "5,2,2000,-;livepatch: signaling remaining tasks\n"),
		0);
	put(root, "dev/kmsg", log.data, log.len);
	read_it(root, &t);
	assert_int_equal(t.ms, -1);
	assert_int_equal(t.signalled, -1);
	kernel_transition_free(&t);
	assert_int_equal(
		buf_printf(&log,
			   "5,3,1,-;livepatch: '" PATCH "': starting unpatching transition\n"
			   "5,4,2,-;livepatch: signaling remaining tasks\n"
			   "5,5,%lld,-;livepatch: '" PATCH "': starting patching transition\n"
			   " SUBSYSTEM=x\n6,6,%lld,-;something else\n"
			   /* Written by a program. */
			   "13,7,9,-;livepatch: signaling remaining tasks\n",
			   began * 1000, began * 1000),
		0);
	put(root, "dev/kmsg", log.data, log.len);
	read_it(root, &t);
	assert_true(t.ms >= 23400 && t.ms < 60000);
	assert_int_equal(t.signalled, 0);
	says(&t, "the kernel signals those that are left after 15 s\n");
	kernel_transition_free(&t);
	assert_int_equal(buf_printf(&log, "5,7,%lld,-;livepatch: signaling remaining tasks\n",
				    (began + 15000) * 1000),
			 0);
	put(root, "dev/kmsg", log.data, log.len);
	read_it(root, &t);
	assert_int_equal(t.signalled, 1);
	says(&t, "the kernel has signalled those that are left");
	says(&t, "into the patch, for ");
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

static void table(void **state)
{
	struct kernel_transition t;
	char *root = make_tree();

	(void)state;
	put_blockers(root);
	read_it(root, &t);
	says(&t, PATCH
	     " is changing over into the patch: 3 of 6 tasks have changed\n"
	     "PID TID NAME          STATE    FUNCTIONS STACK\n"
	     "  2   2 kthreadd      sleeping kthreadd  kthreadd+0x2e1/0x320\n"
	     "                                         ret_from_fork+0x1f/0x30\n"
	     "700 702 thread        sleeping nft_do    do_nft_do+0x1/0x2\n"
	     "                               do_wait   nft_do.constprop.0+0x5/0x90 [nf_tables]\n"
	     "                                         nft_do+0x5/0x90 [nf_tables]\n"
	     "                                         do_wait.part.0+0x1/0x2\n"
	     "700 700 (a) ?[2J?\?) R sleeping none      do_wait.cold+0x1/0x2 [somewhere]\n"
	     "                                         do_waiting+0x1/0x2\n"
	     "a task changes when it leaves the functions of the patch");
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

static void json(void **state)
{
	struct kernel_transition t;
	char *root = make_tree();
	_cleanup_json_ json_t *o = NULL;
	const json_t *list, *first;

	(void)state;
	put_blockers(root);
	take_away(root, "proc/700/task/702/stack");
	read_it(root, &t);
	o = blocking_to_json(&t);
	assert_string_equal(json_string_value(json_object_get(o, "livepatch")), PATCH);
	assert_int_equal(json_integer_value(json_object_get(o, "target")), 1);
	assert_true(json_is_null(json_object_get(o, "seconds")));
	assert_true(json_is_null(json_object_get(o, "signalled")));
	assert_int_equal(json_integer_value(json_object_get(o, "tasks")), 6);
	assert_int_equal(json_integer_value(json_object_get(o, "changed")), 3);
	assert_int_equal(json_integer_value(json_object_get(o, "left_off")), 0);
	list = json_object_get(o, "blocking");
	assert_int_equal(json_array_size(list), 3);
	first = json_array_get(list, 0);
	assert_int_equal(json_integer_value(json_object_get(first, "pid")), 2);
	assert_true(json_is_true(json_object_get(first, "kernel_thread")));
	assert_int_equal(json_array_size(json_object_get(first, "stack")), 2);
	assert_int_equal(json_array_size(json_object_get(first, "functions")), 1);
	/* Not known is not none. */
	assert_true(json_is_null(json_object_get(json_array_get(list, 2), "stack")));
	assert_true(json_is_null(json_object_get(json_array_get(list, 2), "functions")));
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 1), "functions")), 0);
	kernel_transition_free(&t);
	unit_remove_dir(root);
}

/* ---- sutured ---- */

/* The status says so many of so many tasks. */
static void status_counts(const struct agent *agent, int changed, int tasks)
{
	_cleanup_json_ json_t *status = NULL;
	const json_t *transition;
	struct error err = { 0 };

	assert_ok(json_load_path(agent->paths.status, 100000, &status, &err), &err);
	transition = json_object_get(status, "transition");
	assert_int_equal(json_integer_value(json_object_get(transition, "tasks")), tasks);
	assert_int_equal(json_integer_value(json_object_get(transition, "changed")), changed);
}

/* The status tells how far it is, and the failure who held it up. */
static void progress(void **state)
{
	char *root = make_tree();
	struct agent *agent = make_agent(root);
	struct error err = { 0 };

	(void)state;
	put_blockers(root);
	assert_int_equal(progress_wait(agent, PATCH, true, 20, &err), ERR_STUCK);
	assert_string_equal(err.message,
			    "livepatch " PATCH ": transition not finished after 0 s, with 3 of 6 "
			    "tasks changed; it waited for kthreadd (pid 2) in kthreadd, thread "
			    "(pid 702) in nft_do and do_wait, (a) ?[2J?\?) R (pid 700)");
	assert_non_null(strstr(err.hint, "transition-timeout"));
	status_counts(agent, 3, 6);
	/* The next one begins anew; and what is over is no failure. */
	put_text(root, "sys/kernel/livepatch/" PATCH "/transition", "0\n");
	err = (struct error){ 0 };
	assert_int_equal(progress_wait(agent, PATCH, true, 1000, &err), 0);
	assert_int_equal(err.code, 0);
	assert_int_equal(agent->transition_tasks, 0);
	assert_int_equal(progress_wait(agent, "gone", true, 1000, &err), ERR_KERNEL_REFUSED);
	assert_non_null(strstr(err.message, "gone"));
	agent_free(agent);
	unit_remove_dir(root);
}

/* Tasks are counted while it runs. The kernel changes over for another patch here, so that nothing
 * can be said of this one at its end. */
static void counting(void **state)
{
	char *root = make_tree();
	struct agent *agent = make_agent(root);
	struct error err = { 0 };

	(void)state;
	put_text(root, "sys/kernel/livepatch/another/enabled", "1\n");
	put_text(root, "sys/kernel/livepatch/another/transition", "1\n");
	assert_int_equal(progress_wait(agent, PATCH, true, 2500, &err), ERR_STUCK);
	assert_string_equal(err.message, "livepatch " PATCH ": transition not finished after 2 s");
	status_counts(agent, 2, 2);
	agent_free(agent);
	unit_remove_dir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none),         cmocka_unit_test(names),
		cmocka_unit_test(out_of_patch), cmocka_unit_test(idle_tasks),
		cmocka_unit_test(bounds),       cmocka_unit_test(unreadable),
		cmocka_unit_test(kernel_log),   cmocka_unit_test(hidden),
		cmocka_unit_test(table),        cmocka_unit_test(json),
		cmocka_unit_test(progress),     cmocka_unit_test(counting),
	};

	return cmocka_run_group_tests_name("transition", tests, NULL, NULL);
}
