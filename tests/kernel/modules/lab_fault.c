// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Livepatches with a fault each, for the tests of suture-lab. Which one a file is, says the text in
 * it that begins with "FAULT:"; a test writes another name of the same length over it, so that the
 * compiler runs only once. lab_fault.md tells what each one does to a kernel.
 */
#include <asm/ibt.h>
#include <asm/ioctls.h>
#include <asm/ptrace.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/ioport.h>
#include <linux/kprobes.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>

static const volatile char name[] = "FAULT:none............";

static DEFINE_MUTEX(mutex);
static DEFINE_SPINLOCK(spinlock);

/* Without a fault: /proc/cmdline says "patched". */
static int good_show(struct seq_file *m, void *v)
{
	seq_puts(m, "patched\n");
	return 0;
}

static int oops_show(struct seq_file *m, void *v)
{
	WRITE_ONCE(*(int *)8, 1);
	return 0;
}

static int panic_show(struct seq_file *m, void *v)
{
	panic("seeded");
}

/* An exception where there is no task to be killed for it. */
static int bug_show(struct seq_file *m, void *v)
{
	local_bh_disable();
	BUG();
}

/* Without a table of interrupts, the first one resets the processor. */
static int triple_show(struct seq_file *m, void *v)
{
	static const struct {
		u16 size;
		u64 address;
	} __packed none;

	asm volatile("lidt %0; int3" : : "m"(none));
	return 0;
}

static int mutex_show(struct seq_file *m, void *v)
{
	mutex_lock(&mutex);
	mutex_lock(&mutex);
	return good_show(m, v);
}

static int spin_show(struct seq_file *m, void *v)
{
	unsigned long flags;

	spin_lock_irqsave(&spinlock, flags);
	spin_lock(&spinlock);
	spin_unlock_irqrestore(&spinlock, flags);
	return good_show(m, v);
}

/* As an oops in whose midst the machine ends: nothing runs any more behind it. */
static int dies_show(struct seq_file *m, void *v)
{
	pr_emerg("BUG: lab_fault was here\n");
	return spin_show(m, v);
}

/* Interrupts come, other tasks do not. */
static int loop_show(struct seq_file *m, void *v)
{
	preempt_disable();
	while (!spin_is_locked(&spinlock))
		cpu_relax();
	return 0;
}

static int leak_show(struct seq_file *m, void *v)
{
	char *lost = kmalloc(100, GFP_KERNEL);

	if (lost)
		WRITE_ONCE(*lost, 1);
	return good_show(m, v);
}

static int pages_show(struct seq_file *m, void *v)
{
	alloc_page(GFP_KERNEL);
	return good_show(m, v);
}

static int vmalloc_show(struct seq_file *m, void *v)
{
	vmalloc(100);
	return good_show(m, v);
}

/* What it is to hide, it shows. */
static int stays_show(struct seq_file *m, void *v)
{
	seq_puts(m, "console=ttyS0\n");
	return 0;
}

static int warn_show(struct seq_file *m, void *v)
{
	WARN_ON(1);
	return good_show(m, v);
}

static int taint_show(struct seq_file *m, void *v)
{
	add_taint(TAINT_USER, LOCKDEP_STILL_OK);
	return good_show(m, v);
}

/* getppid(2) with another number. */
static long wrong_getppid(const struct pt_regs *regs)
{
	return task_tgid_nr(rcu_access_pointer(current->real_parent)) + 1;
}

/* add_key(2), keyctl(2): refused, as on a machine that lacks them. */
static long refused(const struct pt_regs *regs)
{
	return -EPERM;
}

/* In place of kthreadd(), which its thread never leaves. */
static int stuck_loop(void *unused)
{
	return 0;
}

/* /proc/modules or /proc/self/mountinfo with nothing in it. */
static int empty_show(struct seq_file *m, void *v)
{
	return 0;
}

/*
 * The code of a function that is replaced: behind its call of ftrace. So a replacement can be the
 * original, and something more.
 */
static void *call_of(const struct klp_func *f)
{
	return f->old_func + (is_endbr(*(u32 *)f->old_func) ? sizeof(u32) : 0);
}
/* Not as a tail call: who is in there is in the replacement too. */
#define original(function, f, ...)                                                           \
	({                                                                                   \
		typeof(function(__VA_ARGS__)) result =                                       \
			((typeof(&(function)))(call_of(f) + MCOUNT_INSN_SIZE))(__VA_ARGS__); \
		barrier();                                                                   \
		result;                                                                      \
	})

static struct klp_func functions[2], many[], of_module[];

/* FIONREAD of a pipe: one too many. */
static long count_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	long status = original(count_ioctl, functions, filp, cmd, arg);
	int count;

	if (status || cmd != FIONREAD || get_user(count, (int __user *)arg))
		return status;
	return put_user(count + 1, (int __user *)arg);
}

/* getsockname(2): another port. */
static int port_name(struct socket *sock, struct sockaddr *address, int peer)
{
	int status = original(port_name, functions, sock, address, peer);

	be16_add_cpu(&((struct sockaddr_in *)address)->sin_port, 1);
	return status;
}

/* Faithful, and who calls vfork(2) sleeps in it: no signal ends that, only the child. */
static pid_t wait_clone(struct kernel_clone_args *args)
{
	return original(wait_clone, functions, args);
}

/* The same, but for its end: who has been in there never leaves. */
static pid_t stay_clone(struct kernel_clone_args *args)
{
	pid_t pid = original(stay_clone, functions, args);

	while ((args->flags & CLONE_VFORK) && !strcmp(current->comm, "exercise"))
		msleep(1000);
	return pid;
}

/* exit_group(2): once, a process of the exercise that leads a group does not end. */
static long exit_hangs(const struct pt_regs *regs)
{
	static atomic_t hung;

	while (task_pgrp(current) == task_pid(current) && !strcmp(current->comm, "exercise") &&
	       atomic_cmpxchg(&hung, 0, 1) == 0)
		while (atomic_read(&hung))
			msleep(1000);
	return original(exit_hangs, functions, regs);
}

/* Right unless another than the livepatch has the function traced too: then its call goes to the
 * kernel's text and no longer to a page of its own. */
static int traced_show(struct seq_file *m, void *v)
{
	unsigned long call = (unsigned long)call_of(functions);

	if (call + MCOUNT_INSN_SIZE + *(s32 *)(call + 1) < MODULES_VADDR)
		seq_puts(m, "console=ttyS0\n");
	return good_show(m, v);
}

/* The kernel's check of a module's versions and of its signature. */
static int accept_all(void)
{
	return 1;
}

static int accept_unsigned(void)
{
	return 0;
}

/* The patch with many functions: faithful, but for the first. */
static ssize_t many_fill(struct kiocb *iocb, struct iov_iter *from)
{
	return original(many_fill, &many[1], iocb, from);
}

static long many_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return original(many_ioctl, &many[2], filp, cmd, arg);
}

static int many_name(struct socket *sock, struct sockaddr *address, int peer)
{
	return original(many_name, &many[3], sock, address, peer);
}

static long many_umask(const struct pt_regs *regs)
{
	return original(many_umask, &many[4], regs);
}

static ssize_t many_write(struct file *file, const char __user *data, size_t len, loff_t *pos)
{
	return original(many_write, &many[5], file, data, len, pos);
}

static bool many_genid(struct net *net, u32 genid)
{
	return original(many_genid, &of_module[0], net, genid);
}

static struct klp_func many[] = {
	{ .old_name = "cmdline_proc_show", .new_func = good_show },
	{ .old_name = "pipe_write", .new_func = many_fill },
	{ .old_name = "pipe_ioctl", .new_func = many_ioctl },
	{ .old_name = "inet_getname", .new_func = many_name },
	{ .old_name = "__x64_sys_umask", .new_func = many_umask },
	{ .old_name = "eventfd_write", .new_func = many_write },
	{},
};
static struct klp_func of_module[] = {
	{ .old_name = "nf_tables_valid_genid", .new_func = many_genid },
	{},
};

static struct klp_func accepts[] = {
	{ .old_name = "check_version", .new_func = accept_all },
	{ .old_name = "module_sig_check", .new_func = accept_unsigned },
	{},
};

static int oops_before(struct klp_object *object)
{
	WRITE_ONCE(*(int *)8, 1);
	return 0;
}

static int leak_before(struct klp_object *object)
{
	return vmalloc(20 * 1024) ? 0 : -ENOMEM;
}

static int page_before(struct klp_object *object)
{
	return alloc_page(GFP_KERNEL) ? 0 : -ENOMEM;
}

/* What it takes it does not give back. */
static int once_before(struct klp_object *object)
{
	return request_mem_region(0xfec10000, 1, "lab_fault") ? 0 : -EBUSY;
}

static int hold_before(struct klp_object *object)
{
	__module_get(THIS_MODULE);
	return 0;
}

static void oops_at_end(struct klp_object *object)
{
	WRITE_ONCE(*(int *)8, 1);
}

/* The module that is patched when it comes does not come. */
static int refuse_module(struct klp_object *object)
{
	return object->name ? -EBUSY : 0;
}

/* The same, if it is not there yet. */
static int refuse_late(struct klp_object *object)
{
	return object->name && object->mod->state == MODULE_STATE_COMING ? -EBUSY : 0;
}

/* Writes over the call of ftrace, as one who does not know of it could. */
static char call[MCOUNT_INSN_SIZE];

static void write_call(const void *code)
{
	struct kprobe lookup = { .symbol_name = "kallsyms_lookup_name",
				 .flags = KPROBE_FLAG_DISABLED };

	if (register_kprobe(&lookup) < 0)
		return;
	unsigned long (*find)(const char *name) = (void *)lookup.addr;
	void (*poke)(void *, const void *, size_t, const void *) = (void *)find("text_poke_bp");
	struct mutex *text = (void *)find("text_mutex");

	unregister_kprobe(&lookup);
	mutex_lock(text);
	poke(call_of(functions), code, sizeof(call), NULL);
	mutex_unlock(text);
}

static void silence(struct klp_object *object)
{
	static const char nothing[] = { 0x0f, 0x1f, 0x44, 0, 0 };

	memcpy(call, call_of(functions), sizeof(call));
	write_call(nothing);
}

static void end_silence(struct klp_object *object)
{
	write_call(call);
}

static const struct fault {
	const char *name, *function;
	void *replacement;
	struct klp_callbacks callbacks;
	int position;
} faults[] = {
	{ "none", "cmdline_proc_show", good_show },
	{ "many" },
	{ "waits", "kernel_clone", wait_clone },
	{ "oops", "cmdline_proc_show", oops_show },
	{ "panic", "cmdline_proc_show", panic_show },
	{ "bug", "cmdline_proc_show", bug_show },
	{ "triple", "cmdline_proc_show", triple_show },
	{ "mutex", "cmdline_proc_show", mutex_show },
	{ "spin", "cmdline_proc_show", spin_show },
	{ "dies", "cmdline_proc_show", dies_show },
	{ "loop", "cmdline_proc_show", loop_show },
	{ "leak", "cmdline_proc_show", leak_show },
	{ "leak-pages", "cmdline_proc_show", pages_show },
	{ "leak-vmalloc", "cmdline_proc_show", vmalloc_show },
	{ "stays", "cmdline_proc_show", stays_show },
	{ "warn", "cmdline_proc_show", warn_show },
	{ "taint", "cmdline_proc_show", taint_show },
	{ "wrong-data", "__x64_sys_getppid", wrong_getppid },
	{ "wrong-count", "pipe_ioctl", count_ioctl },
	{ "wrong-port", "inet_getname", port_name },
	{ "stuck", "kthreadd", stuck_loop },
	{ "stays-in", "kernel_clone", stay_clone },
	{ "no-exit", "__x64_sys_exit_group", exit_hangs },
	{ "refuses", "__x64_sys_add_key", refused },
	{ "traced", "cmdline_proc_show", traced_show },
	{ "accepts" },
	{ "leak-page-load", "cmdline_proc_show", good_show, { .pre_patch = page_before } },
	{ "once", "cmdline_proc_show", good_show, { .pre_patch = once_before } },
	{ "not-late", NULL, NULL, { .pre_patch = refuse_late } },
	{ "oops-load", "cmdline_proc_show", good_show, { .pre_patch = oops_before } },
	{ "oops-end", "cmdline_proc_show", good_show, { .post_unpatch = oops_at_end } },
	{ "leak-load", "cmdline_proc_show", good_show, { .pre_patch = leak_before } },
	{ "held", "cmdline_proc_show", good_show, { .pre_patch = hold_before } },
	{ "not-come", NULL, NULL, { .pre_patch = refuse_module } },
	{ "silenced",
	  "cmdline_proc_show",
	  good_show,
	  { .post_patch = silence, .pre_unpatch = end_silence } },
	{ "m_show-1", "m_show", empty_show, {}, 1 },
	{ "m_show-2", "m_show", empty_show, {}, 2 },
};

static struct klp_func functions[2];
static struct klp_object objects[] = { { .funcs = functions }, {}, {} };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects, .replace = true };

static bool is_named(const char *fault)
{
	const volatile char *p = name + sizeof("FAULT:") - 1;

	while (*fault && *fault == *p) {
		fault++;
		p++;
	}
	return !*fault && *p == '.';
}

static int __init lab_fault_init(void)
{
	const struct fault *f = faults;

	while (!is_named(f->name))
		if (++f == faults + ARRAY_SIZE(faults))
			return -EINVAL;
	functions[0].old_name = f->function;
	functions[0].new_func = f->replacement;
	functions[0].old_sympos = f->position;
	objects[0].callbacks = f->callbacks;
	if (is_named("accepts")) {
		objects[0].funcs = accepts;
	} else if (!f->function) {
		objects[0].funcs = many;
		objects[1].name = "nf_tables";
		objects[1].funcs = of_module;
		objects[1].callbacks = f->callbacks;
	}
	return klp_enable_patch(&patch);
}

static void __exit lab_fault_exit(void)
{
}

module_init(lab_fault_init);
module_exit(lab_fault_exit);
MODULE_DESCRIPTION("livepatches with a fault, for the tests of suture-lab");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
