// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals: each delivered once, with what came with it. What a handler notes lies where the
 * signal's value points. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

#include "lab/exercise/check.h"

struct seen {
	volatile int count, code, pid;
	volatile uintptr_t stack;
};

static void note(int signal, siginfo_t *info, void *context _unused_)
{
	struct seen *seen = info->si_value.sival_ptr;
	int here = signal;

	if (info->si_code != SI_QUEUE || !seen)
		return;
	seen->count++;
	seen->code = info->si_code;
	seen->pid = info->si_pid;
	seen->stack = (uintptr_t)&here;
}

static void check_handler(struct check *c)
{
	struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_ONSTACK },
			 old;
	struct seen seen = { 0 };
	union sigval value = { .sival_ptr = &seen };
	sigset_t set, pending;
	size_t size = 65536;
	char *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect_ok(c, "sigaltstack()",
		  sigaltstack(&(stack_t){ .ss_sp = room, .ss_size = size }, NULL));
	expect_ok(c, "sigaction()", sigaction(SIGRTMIN, &action, NULL));
	expect_ok(c, "sigaction()", sigaction(SIGRTMIN, NULL, &old));
	expect(c, old.sa_sigaction == note, "sigaction() gave another handler: ours expected");
	expect_ok(c, "sigqueue()", sigqueue(getpid(), SIGRTMIN, value));
	expect_number(c, "a handler's runs", seen.count, 1);
	expect_number(c, "si_code", seen.code, SI_QUEUE);
	expect_number(c, "si_pid", seen.pid, getpid());
	expect(c, seen.stack - (uintptr_t)room < size,
	       "a handler ran on another stack: sigaltstack()'s expected");
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++)
		expect_ok(c, "sigqueue()", sigqueue(getpid(), SIGRTMIN, value));
	expect_number(c, "a handler's runs while blocked", seen.count, 1);
	expect_ok(c, "sigpending()", sigpending(&pending));
	expect_number(c, "sigpending()", sigismember(&pending, SIGRTMIN), 1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	expect_number(c, "a handler's runs for three queued signals", seen.count, 4);
	action.sa_flags |= (int)SA_RESETHAND;
	expect_ok(c, "sigaction()", sigaction(SIGRTMIN, &action, NULL));
	expect_ok(c, "sigqueue()", sigqueue(getpid(), SIGRTMIN, value));
	expect_ok(c, "sigaction()", sigaction(SIGRTMIN, NULL, &old));
	expect(c, old.sa_handler == SIG_DFL, "SA_RESETHAND left the handler: SIG_DFL expected");
	sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
	munmap(room, size);
}

static void check_queue(struct check *c)
{
	struct timespec none = { 0 }, little = { .tv_nsec = 2000000 };
	siginfo_t info = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	expect_errno(c, "sigtimedwait() of nothing", sigtimedwait(&set, &info, &little), EAGAIN);
	for (int i = 0; i < 2; i++)
		expect_ok(c, "kill()", kill(getpid(), SIGUSR1));
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 10 + i });
	expect_number(c, "sigtimedwait()", sigtimedwait(&set, &info, &none), SIGUSR1);
	expect_number(c, "si_pid of kill()", info.si_pid, getpid());
	expect_number(c, "si_code of kill()", info.si_code, SI_USER);
	for (int i = 0; i < 3; i++) {
		expect_number(c, "sigtimedwait()", sigtimedwait(&set, &info, &none), SIGRTMIN + 1);
		expect_number(c, "a queued signal's value", info.si_value.sival_int, 10 + i);
	}
	expect_errno(c, "sigtimedwait() of what came once", sigtimedwait(&set, &info, &none),
		     EAGAIN);
	expect_ok(c, "tgkill()", syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1));
	/* The call itself: glibc's function hides SI_TKILL. */
	expect_number(c, "sigtimedwait() after tgkill()",
		      syscall(SYS_rt_sigtimedwait, &set, &info, &none, _NSIG / 8), SIGUSR1);
	expect_number(c, "si_code of tgkill()", info.si_code, SI_TKILL);
	expect_errno(c, "sigaction(SIGKILL)",
		     sigaction(SIGKILL, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL),
		     EINVAL);
}

static void nothing(int signal _unused_)
{
}

/* A child's signal interrupts a wait, or not, as SA_RESTART says. */
static void check_interruption(struct check *c)
{
	struct sigaction action = { .sa_handler = nothing }, old;
	pid_t parent = getpid();
	siginfo_t info = { 0 };
	sigset_t set;

	sigaction(SIGUSR2, &action, &old);
	pid_t pid = fork();

	if (pid == 0) {
		for (;;) {
			kill(parent, SIGUSR2);
			pause_ms(1);
		}
	}
	expect_errno(c, "poll() during a signal", syscall(SYS_poll, NULL, 0, CHECK_WAIT_MS), EINTR);
	expect_errno(c, "nanosleep() during a signal",
		     nanosleep(&(struct timespec){ .tv_sec = CHECK_WAIT_S }, NULL), EINTR);
	kill(pid, SIGKILL);
	expect_status(c, "a child that sent signals", pid, SIGKILL);
	sigaction(SIGUSR2, &old, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (sigtimedwait(&set, &info, &(struct timespec){ 0 }) > 0)
		;
	pid = fork();
	if (pid == 0)
		_exit(3);
	expect_number(c, "sigtimedwait() of SIGCHLD",
		      sigtimedwait(&set, &info, &(struct timespec){ .tv_sec = CHECK_WAIT_S }),
		      SIGCHLD);
	expect_number(c, "si_pid of SIGCHLD", info.si_pid, pid);
	expect_number(c, "si_status of SIGCHLD", info.si_status, 3);
	expect_status(c, "a child", pid, 3 << 8);
}

/* Steps over the faulting two-byte instruction ud2, and says where it was. */
static void step_over(int signal _unused_, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	if ((greg_t)info->si_addr == u->uc_mcontext.gregs[REG_RIP]) {
		u->uc_mcontext.gregs[REG_RIP] += 2;
		u->uc_mcontext.gregs[REG_RAX] += 41;
	}
}

static void check_fault(struct check *c)
{
	struct sigaction action = { .sa_sigaction = step_over, .sa_flags = SA_SIGINFO }, old;
	unsigned long value = 1;

	expect_ok(c, "sigaction(SIGILL)", sigaction(SIGILL, &action, &old));
	__asm__ volatile("ud2" : "+a"(value) : : "memory");
	expect_number(c, "a register that a handler changed", (long long)value, 42);
	sigaction(SIGILL, &old, NULL);
}

void group_signal(struct check *c)
{
	check_handler(c);
	check_queue(c);
	check_interruption(c);
	check_fault(c);
}
