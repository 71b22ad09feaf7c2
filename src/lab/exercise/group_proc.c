// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes: their making, their end, what they own. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "lab/exercise/check.h"

static pid_t child_that_waits(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void check_ends(struct check *c)
{
	siginfo_t info = { 0 };
	struct rusage usage = { 0 };
	pid_t pid = fork();

	if (pid == 0)
		_exit(37);
	expect_ok(c, "waitid(WNOWAIT)", waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	expect_number(c, "si_status", info.si_status, 37);
	expect_number(c, "si_code", info.si_code, CLD_EXITED);
	expect_number(c, "si_pid", info.si_pid, pid);
	int status = 0;

	expect_number(c, "wait4()", wait4(pid, &status, WNOHANG, &usage), pid);
	expect_number(c, "wait4()'s status", status, 37 << 8);
	expect_errno(c, "waitpid() again", waitpid(pid, NULL, WNOHANG), ECHILD);
	expect_errno(c, "kill() of what has ended", kill(pid, 0), ESRCH);
	pid = child_that_waits();
	expect_number(c, "waitpid(WNOHANG)", waitpid(pid, NULL, WNOHANG), 0);
	expect_ok(c, "kill()", kill(pid, SIGKILL));
	expect_status(c, "a killed child", pid, SIGKILL);
	pid = vfork();
	if (pid == 0)
		_exit(5);
	expect_status(c, "vfork()", pid, 5 << 8);
}

/* Waits for a change of `pid` that `options` ask for. */
static int change(pid_t pid, int options)
{
	long long limit = now_ms() + CHECK_WAIT_MS;
	int status = 0;

	while (waitpid(pid, &status, options | WNOHANG) == 0 && now_ms() < limit)
		pause_ms(1);
	return status;
}

static void check_stops(struct check *c)
{
	pid_t pid = child_that_waits();

	expect_ok(c, "kill(SIGSTOP)", kill(pid, SIGSTOP));
	int status = change(pid, WUNTRACED);

	expect(c, WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP,
	       "a stopped child has status 0x%x: 0x%x expected", (unsigned)status,
	       SIGSTOP << 8 | 0x7f);
	expect_ok(c, "kill(SIGCONT)", kill(pid, SIGCONT));
	status = change(pid, WCONTINUED);
	expect(c, WIFCONTINUED(status), "a continued child has status 0x%x: 0xffff expected",
	       (unsigned)status);
	expect_ok(c, "kill(SIGTERM)", kill(pid, SIGTERM));
	expect_status(c, "a child after SIGTERM", pid, SIGTERM);
}

static void check_pidfd(struct check *c)
{
	pid_t pid = child_that_waits();
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd < 0 && lacks_errno(c, "pidfd", errno)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return;
	}
	expect_number(c, "poll() of a living pidfd", poll(&p, 1, 0), 0);
	expect_ok(c, "pidfd_send_signal()", syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
	expect_ready(c, "the pidfd of an ended child", fd, POLLIN);
	expect_status(c, "a child after pidfd_send_signal()", pid, SIGUSR1);
	expect_errno(c, "pidfd_send_signal() after its end",
		     syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0), ESRCH);
}

static void check_identity(struct check *c)
{
	pid_t parent = getpid(), pid = fork();
	struct utsname name = { 0 };

	if (pid == 0) {
		bool ok =
			getppid() == parent && getpid() != parent && getpgid(0) == getpgid(parent);

		ok = ok && setpgid(0, 0) == 0 && getpgrp() == getpid();
		ok = ok && setsid() == -1 && errno == EPERM;
		_exit(ok ? 0 : 1);
	}
	expect_status(c, "getpid(), getppid(), setpgid() in a child", pid, 0);
	pid = fork();
	if (pid == 0)
		_exit(setsid() == getpid() && getsid(0) == getpid() ? 0 : 1);
	expect_status(c, "setsid() in a child", pid, 0);
	expect_number(c, "gettid()", syscall(SYS_gettid), parent);
	expect_ok(c, "uname()", uname(&name));
	expect_text(c, "uname()'s system", name.sysname, "Linux");
	expect_text(c, "uname()'s machine", name.machine, "x86_64");
	expect(c, name.release[0] >= '3' && name.release[0] <= '9' && name.release[1] == '.',
	       "uname()'s release is \"%.60s\": N.N expected", name.release);
}

/* As nobody: what root may is no longer allowed. */
static void check_privileges(struct check *c)
{
	if (geteuid() != 0)
		return;
	pid_t pid = fork();

	if (pid == 0) {
		uid_t r = 0, e = 0, s = 0;

		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		if (getresuid(&r, &e, &s) < 0 || r != 65534 || e != 65534 || s != 65534)
			_exit(2);
		if (setuid(0) != -1 || errno != EPERM)
			_exit(3);
		if (open("/proc/sys/kernel/printk", O_WRONLY) != -1 || errno != EACCES)
			_exit(4);
		if (kill(1, SIGTERM) != -1 || errno != EPERM)
			_exit(5);
		_exit(sethostname("x", 1) == -1 && errno == EPERM ? 0 : 6);
	}
	expect_status(c, "a child that is nobody", pid, 0);
}

static void check_limits(struct check *c)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit set = { 40, 50 }, got = { 0 };
		int fd = 0, last = -1;

		if (setrlimit(RLIMIT_NOFILE, &set) < 0 || getrlimit(RLIMIT_NOFILE, &got) < 0 ||
		    got.rlim_cur != 40 || got.rlim_max != 50)
			_exit(1);
		while ((fd = dup(0)) >= 0 || (fd = dup(2)) >= 0)
			last = fd;
		_exit(last == 39 && errno == EMFILE ? 0 : 2);
	}
	expect_status(c, "RLIMIT_NOFILE of a child", pid, 0);
	expect_errno(c, "setrlimit() of less than itself",
		     setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 2, 1 }), EINVAL);
}

static void check_prctl(struct check *c)
{
	char name[17] = "";
	int value = -1;
	struct rusage usage = { 0 };
	struct tms t;

	expect_ok(c, "prctl(PR_SET_NAME)", prctl(PR_SET_NAME, "exercise-a-long-name"));
	expect_ok(c, "prctl(PR_GET_NAME)", prctl(PR_GET_NAME, name));
	expect_text(c, "prctl(PR_GET_NAME)", name, "exercise-a-long");
	expect_ok(c, "prctl(PR_GET_PDEATHSIG)", prctl(PR_GET_PDEATHSIG, &value));
	expect_number(c, "prctl(PR_GET_PDEATHSIG)", value, SIGKILL);
	expect_number(c, "prctl(PR_GET_DUMPABLE)", prctl(PR_GET_DUMPABLE), 1);
	expect_errno(c, "prctl() of nothing", prctl(987654), EINVAL);
	expect_ok(c, "getrusage()", getrusage(RUSAGE_SELF, &usage));
	expect_range(c, "ru_maxrss", usage.ru_maxrss, 50, 1 << 20);
	expect_range(c, "times()", times(&t), 1, 1LL << 62);
	expect_errno(c, "kill() with no signal", kill(getpid(), 999), EINVAL);
}

/* A filter that answers one call of the child with an errno of ours. */
static void check_seccomp(struct check *c)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { ARRAY_SIZE(code), code };
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
			_exit(errno == EINVAL || errno == EACCES ? 0 : 1);
		_exit(getpgid(0) == -1 && errno == EXDEV && getppid() > 0 ? 0 : 2);
	}
	expect_status(c, "a seccomp filter in a child", pid, 0);
}

void group_proc(struct check *c)
{
	check_ends(c);
	check_stops(c);
	check_pidfd(c);
	check_identity(c);
	check_privileges(c);
	check_limits(c);
	check_prctl(c);
	check_seccomp(c);
}
