// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/exercise/sleepers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define YEAR_S 31536000

/* Sleeps again after whatever woke it; an error is the end. */
#define AGAIN(call)        \
	do {               \
		errno = 0; \
	} while ((long)(call) >= 0 || errno == EINTR || errno == EPIPE)

#define ROOM const struct sleep_room *room

/* An end of a pipe to which nothing comes. */
static int quiet(void)
{
	int fds[2] = { -1, -1 };

	return pipe(fds) < 0 ? -1 : fds[0];
}

static void read_fd(int fd)
{
	char bytes[8192];

	AGAIN(syscall(SYS_read, fd, bytes, sizeof(bytes)));
}

static void in_poll(ROOM _unused_)
{
	struct pollfd p = { .fd = quiet(), .events = POLLIN };

	AGAIN(syscall(SYS_poll, &p, 1, -1));
}

static void in_ppoll(ROOM _unused_)
{
	struct pollfd p = { .fd = quiet(), .events = POLLIN };

	AGAIN(syscall(SYS_ppoll, &p, 1, NULL, NULL, 0));
}

static void in_select(ROOM _unused_)
{
	int fd = quiet();
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	AGAIN(syscall(SYS_select, fd + 1, &set, NULL, NULL, NULL));
}

static void in_pselect(ROOM _unused_)
{
	int fd = quiet();
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	AGAIN(syscall(SYS_pselect6, fd + 1, &set, NULL, NULL, NULL, NULL));
}

static int epoll_quiet(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0);

	return epoll_ctl(fd, EPOLL_CTL_ADD, quiet(), &event) < 0 ? -1 : fd;
}

static void in_epoll_wait(ROOM _unused_)
{
	struct epoll_event event;
	int fd = epoll_quiet();

	AGAIN(syscall(SYS_epoll_wait, fd, &event, 1, -1));
}

static void in_epoll_pwait(ROOM _unused_)
{
	struct epoll_event event;
	int fd = epoll_quiet();

	AGAIN(syscall(SYS_epoll_pwait, fd, &event, 1, -1, NULL, 0));
}

static void in_nanosleep(ROOM _unused_)
{
	struct timespec year = { .tv_sec = YEAR_S };

	AGAIN(syscall(SYS_nanosleep, &year, NULL));
}

static void in_clock_nanosleep(ROOM _unused_)
{
	struct timespec year = { .tv_sec = YEAR_S };

	AGAIN(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &year, NULL));
}

static void in_futex(ROOM _unused_)
{
	uint32_t word = 1;

	AGAIN(syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0));
}

static void in_pipe_read(ROOM _unused_)
{
	read_fd(quiet());
}

static void in_pipe_write(ROOM _unused_)
{
	char page[4096] = "";
	int fds[2] = { -1, -1 };

	if (pipe2(fds, O_NONBLOCK) < 0)
		return;
	while (write(fds[1], page, sizeof(page)) > 0)
		;
	fcntl(fds[1], F_SETFL, 0);
	AGAIN(syscall(SYS_write, fds[1], page, sizeof(page)));
}

static void in_splice(ROOM _unused_)
{
	int to[2] = { -1, -1 }, from = quiet();

	if (pipe(to) == 0)
		AGAIN(syscall(SYS_splice, from, NULL, to[1], NULL, 4096, 0));
}

static void in_fifo_open(ROOM)
{
	if (room->fifo[0])
		AGAIN(syscall(SYS_openat, AT_FDCWD, room->fifo, O_RDONLY));
}

/* A unix name that only this process has: the kernel chooses it. */
static int unix_listener(struct sockaddr_un *where, socklen_t *len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	sa_family_t family = AF_UNIX;

	*len = sizeof(*where);
	if (bind(fd, (struct sockaddr *)&family, sizeof(family)) < 0 || listen(fd, 0) < 0 ||
	    getsockname(fd, (struct sockaddr *)where, len) < 0)
		return -1;
	return fd;
}

static void in_unix_accept(ROOM _unused_)
{
	struct sockaddr_un where;
	socklen_t len;
	int fd = unix_listener(&where, &len);

	AGAIN(syscall(SYS_accept4, fd, NULL, NULL, 0));
}

/* Nobody accepts, and the list of those that wait is full. */
static void in_unix_connect(ROOM _unused_)
{
	struct sockaddr_un where;
	socklen_t len;

	if (unix_listener(&where, &len) < 0)
		return;
	for (int i = 0; i < 10; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (connect(fd, (struct sockaddr *)&where, len) < 0)
			break;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	AGAIN(syscall(SYS_connect, fd, &where, len));
}

static void in_unix_recv(ROOM _unused_)
{
	char byte;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	int fds[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0)
		AGAIN(syscall(SYS_recvmsg, fds[0], &m, 0));
}

static void in_unix_send(ROOM _unused_)
{
	char page[4096] = "";
	int fds[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return;
	while (send(fds[0], page, sizeof(page), MSG_DONTWAIT) > 0)
		;
	AGAIN(syscall(SYS_sendto, fds[0], page, sizeof(page), 0, NULL, 0));
}

static int inet_socket(int type)
{
	struct sockaddr_in where = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type, 0);

	return bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0 ? -1 : fd;
}

static void in_tcp_accept(ROOM _unused_)
{
	int fd = inet_socket(SOCK_STREAM);

	if (listen(fd, 1) == 0)
		AGAIN(syscall(SYS_accept, fd, NULL, NULL));
}

static void in_udp_recv(ROOM _unused_)
{
	char byte;
	int fd = inet_socket(SOCK_DGRAM);

	AGAIN(syscall(SYS_recvfrom, fd, &byte, 1, 0, NULL, NULL));
}

static void in_tcp_recv(ROOM _unused_)
{
	struct sockaddr_in where;
	socklen_t len = sizeof(where);
	int listener = inet_socket(SOCK_STREAM), fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	if (listen(listener, 1) == 0 &&
	    getsockname(listener, (struct sockaddr *)&where, &len) == 0 &&
	    connect(fd, (struct sockaddr *)&where, len) == 0)
		AGAIN(syscall(SYS_recvfrom, fd, &byte, 1, 0, NULL, NULL));
}

static void in_netlink_recv(ROOM _unused_)
{
	char byte;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	AGAIN(syscall(SYS_recvfrom, fd, &byte, 1, 0, NULL, NULL));
}

/* A child that stays until its parent ends. */
static void make_child(void)
{
	pid_t parent = getpid();

	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	for (;;)
		pause();
}

static void in_wait4(ROOM _unused_)
{
	make_child();
	AGAIN(syscall(SYS_wait4, -1, NULL, 0, NULL));
}

static void in_waitid(ROOM _unused_)
{
	make_child();
	AGAIN(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED, NULL));
}

static void in_vfork(ROOM _unused_)
{
	/* The child has its parent's memory: it does nothing but sleep. */
	pid_t pid = vfork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			syscall(SYS_pause);
	}
}

static void in_pause(ROOM _unused_)
{
	AGAIN(syscall(SYS_pause));
}

static void in_sigsuspend(ROOM _unused_)
{
	uint64_t none = 0;

	AGAIN(syscall(SYS_rt_sigsuspend, &none, sizeof(none)));
}

static void in_sigtimedwait(ROOM _unused_)
{
	uint64_t usr1 = 1u << (SIGUSR1 - 1);

	AGAIN(syscall(SYS_rt_sigtimedwait, &usr1, NULL, NULL, sizeof(usr1)));
}

struct message {
	long type;
	char text[256];
};

static void in_msgrcv(ROOM)
{
	struct message m;

	AGAIN(syscall(SYS_msgrcv, room->messages, &m, sizeof(m.text), 0, 0));
}

static void in_msgsnd(ROOM)
{
	struct message m = { .type = 1 };

	AGAIN(syscall(SYS_msgsnd, room->full, &m, sizeof(m.text), 0));
}

static void in_semop(ROOM)
{
	struct sembuf take = { 0, -1, 0 };

	AGAIN(syscall(SYS_semop, room->semaphores, &take, 1));
}

static void in_semtimedop(ROOM)
{
	struct sembuf take = { 0, -1, 0 };
	struct timespec year = { .tv_sec = YEAR_S };

	AGAIN(syscall(SYS_semtimedop, room->semaphores, &take, 1, &year));
}

static void in_mq_receive(ROOM _unused_)
{
	char name[32], text[64];
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = sizeof(text) };

	snprintf(name, sizeof(name), "/exercise.%d", getpid());
	mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

	mq_unlink(name);
	AGAIN(syscall(SYS_mq_timedreceive, q, text, sizeof(text), NULL, NULL));
}

/* The same file opened once more. */
static int reopen(int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR);
}

static void in_flock(ROOM _unused_)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600), other = reopen(fd);

	if (flock(fd, LOCK_EX) == 0)
		AGAIN(syscall(SYS_flock, other, LOCK_EX));
}

static void in_lock(ROOM)
{
	struct flock lock = { .l_type = F_WRLCK };

	AGAIN(syscall(SYS_fcntl, room->locked, F_SETLKW, &lock));
}

static void in_ofd_lock(ROOM _unused_)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600), other = reopen(fd);

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		AGAIN(syscall(SYS_fcntl, other, F_OFD_SETLKW, &lock));
}

static void in_inotify(ROOM _unused_)
{
	read_fd(inotify_init());
}

static void in_eventfd(ROOM _unused_)
{
	read_fd(eventfd(0, 0));
}

static void in_timerfd(ROOM _unused_)
{
	read_fd(timerfd_create(CLOCK_MONOTONIC, 0));
}

static void in_signalfd(ROOM _unused_)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	read_fd(signalfd(-1, &set, 0));
}

static void in_tty(ROOM _unused_)
{
	char name[64] = "";
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	if (unlockpt(master) == 0 && ptsname_r(master, name, sizeof(name)) == 0)
		read_fd(open(name, O_RDWR | O_NOCTTY));
}

static void in_kmsg(ROOM _unused_)
{
	int fd = open("/dev/kmsg", O_RDONLY);

	if (lseek(fd, 0, SEEK_END) == 0)
		read_fd(fd);
}

static void in_io_getevents(ROOM _unused_)
{
	aio_context_t context = 0;
	struct io_event event;

	if (syscall(SYS_io_setup, 1, &context) == 0)
		AGAIN(syscall(SYS_io_getevents, context, 1, 1, &event, NULL));
}

static void in_io_uring(ROOM _unused_)
{
	struct io_uring_params p = { 0 };
	long fd = syscall(SYS_io_uring_setup, 1, &p);

	if (fd >= 0)
		AGAIN(syscall(SYS_io_uring_enter, fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
}

const struct sleeper sleepers[] = {
	{ "poll", SYS_poll, in_poll },
	{ "ppoll", SYS_ppoll, in_ppoll },
	{ "select", SYS_select, in_select },
	{ "pselect", SYS_pselect6, in_pselect },
	{ "epoll_wait", SYS_epoll_wait, in_epoll_wait },
	{ "epoll_pwait", SYS_epoll_pwait, in_epoll_pwait },
	{ "nanosleep", SYS_nanosleep, in_nanosleep },
	{ "clock_nanosleep", SYS_clock_nanosleep, in_clock_nanosleep },
	{ "futex", SYS_futex, in_futex },
	{ "pipe-read", SYS_read, in_pipe_read },
	{ "pipe-write", SYS_write, in_pipe_write },
	{ "splice", SYS_splice, in_splice },
	{ "fifo-open", SYS_openat, in_fifo_open },
	{ "unix-accept", SYS_accept4, in_unix_accept },
	{ "unix-connect", SYS_connect, in_unix_connect },
	{ "unix-recv", SYS_recvmsg, in_unix_recv },
	{ "unix-send", SYS_sendto, in_unix_send },
	{ "tcp-accept", SYS_accept, in_tcp_accept },
	{ "tcp-recv", SYS_recvfrom, in_tcp_recv },
	{ "udp-recv", SYS_recvfrom, in_udp_recv },
	{ "netlink-recv", SYS_recvfrom, in_netlink_recv },
	{ "wait4", SYS_wait4, in_wait4 },
	{ "waitid", SYS_waitid, in_waitid },
	{ "vfork", SYS_vfork, in_vfork },
	{ "pause", SYS_pause, in_pause },
	{ "sigsuspend", SYS_rt_sigsuspend, in_sigsuspend },
	{ "sigtimedwait", SYS_rt_sigtimedwait, in_sigtimedwait },
	{ "msgrcv", SYS_msgrcv, in_msgrcv },
	{ "msgsnd", SYS_msgsnd, in_msgsnd },
	{ "semop", SYS_semop, in_semop },
	{ "semtimedop", SYS_semtimedop, in_semtimedop },
	{ "mq_receive", SYS_mq_timedreceive, in_mq_receive },
	{ "flock", SYS_flock, in_flock },
	{ "lock", SYS_fcntl, in_lock },
	{ "ofd-lock", SYS_fcntl, in_ofd_lock },
	{ "inotify", SYS_read, in_inotify },
	{ "eventfd", SYS_read, in_eventfd },
	{ "timerfd", SYS_read, in_timerfd },
	{ "signalfd", SYS_read, in_signalfd },
	{ "tty", SYS_read, in_tty },
	{ "kmsg", SYS_read, in_kmsg },
	{ "io_getevents", SYS_io_getevents, in_io_getevents },
	{ "io_uring", SYS_io_uring_enter, in_io_uring },
	{ NULL, 0, NULL },
};
