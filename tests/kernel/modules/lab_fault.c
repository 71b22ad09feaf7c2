// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Livepatches with a fault each, for the tests of suture-lab. Which one a file is, says the text in
 * it that begins with "FAULT:"; a test writes another name of the same length over it, so that the
 * compiler runs only once.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

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

static int leak_show(struct seq_file *m, void *v)
{
	char *lost = kmalloc(100, GFP_KERNEL);

	if (lost)
		WRITE_ONCE(*lost, 1);
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

static int oops_before(struct klp_object *object)
{
	WRITE_ONCE(*(int *)8, 1);
	return 0;
}

static int leak_before(struct klp_object *object)
{
	return vmalloc(20 * 1024) ? 0 : -ENOMEM;
}

static int hold_before(struct klp_object *object)
{
	__module_get(THIS_MODULE);
	return 0;
}

static const struct fault {
	const char *name, *function;
	void *replacement;
	int (*before)(struct klp_object *object);
	int position;
} faults[] = {
	{ "none", "cmdline_proc_show", good_show },
	{ "oops", "cmdline_proc_show", oops_show },
	{ "panic", "cmdline_proc_show", panic_show },
	{ "triple", "cmdline_proc_show", triple_show },
	{ "mutex", "cmdline_proc_show", mutex_show },
	{ "spin", "cmdline_proc_show", spin_show },
	{ "leak", "cmdline_proc_show", leak_show },
	{ "stays", "cmdline_proc_show", stays_show },
	{ "warn", "cmdline_proc_show", warn_show },
	{ "taint", "cmdline_proc_show", taint_show },
	{ "wrong-data", "__x64_sys_getppid", wrong_getppid },
	{ "stuck", "kthreadd", stuck_loop },
	{ "oops-load", "cmdline_proc_show", good_show, oops_before },
	{ "leak-load", "cmdline_proc_show", good_show, leak_before },
	{ "held", "cmdline_proc_show", good_show, hold_before },
	{ "m_show-1", "m_show", empty_show, NULL, 1 },
	{ "m_show-2", "m_show", empty_show, NULL, 2 },
};

static struct klp_func functions[2];
static struct klp_object objects[] = { { .funcs = functions }, {} };
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
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (is_named(faults[i].name)) {
			functions[0].old_name = faults[i].function;
			functions[0].new_func = faults[i].replacement;
			functions[0].old_sympos = faults[i].position;
			objects[0].callbacks.pre_patch = faults[i].before;
			return klp_enable_patch(&patch);
		}
	return -EINVAL;
}

static void __exit lab_fault_exit(void)
{
}

module_init(lab_fault_init);
module_exit(lab_fault_exit);
MODULE_DESCRIPTION("livepatches with a fault, for the tests of suture-lab");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
