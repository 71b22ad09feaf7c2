// SPDX-License-Identifier: GPL-2.0-or-later
/* System V's and POSIX's message queues, semaphores and shared memory. */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "lab/exercise/check.h"

struct message {
	long type;
	char text[600];
};

static void check_messages(struct check *c)
{
	struct message out = { .type = 3 }, in = { 0 };
	struct msqid_ds state = { 0 };
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	if (id < 0 && lacks_errno(c, "System V messages", errno))
		return;
	expect_ok(c, "msgget()", id);
	fill_pattern(out.text, sizeof(out.text), 9);
	expect_errno(c, "msgrcv() of nothing", msgrcv(id, &in, 600, 0, IPC_NOWAIT), ENOMSG);
	expect_ok(c, "msgsnd()", msgsnd(id, &out, 600, IPC_NOWAIT));
	out.type = 1;
	expect_ok(c, "msgsnd()", msgsnd(id, &out, 20, IPC_NOWAIT));
	expect_ok(c, "msgctl(IPC_STAT)", msgctl(id, IPC_STAT, &state));
	expect_number(c, "msg_qnum", (long long)state.msg_qnum, 2);
	expect_number(c, "msg_lspid", state.msg_lspid, getpid());
	expect_errno(c, "msgrcv() into too little", msgrcv(id, &in, 10, 0, IPC_NOWAIT), E2BIG);
	expect_number(c, "msgrcv() of the least type", msgrcv(id, &in, 600, -2, IPC_NOWAIT), 20);
	expect_number(c, "msgrcv()'s type", in.type, 1);
	expect_number(c, "msgrcv() of a type", msgrcv(id, &in, 600, 3, IPC_NOWAIT), 600);
	expect_bytes(c, "msgrcv()", in.text, out.text, 600);
	expect_ok(c, "msgctl(IPC_RMID)", msgctl(id, IPC_RMID, NULL));
	expect_errno(c, "msgsnd() to what was removed", msgsnd(id, &out, 1, 0), EINVAL);
}

static void check_semaphores(struct check *c)
{
	unsigned short values[] = { 5, 0 }, seen[2] = { 99, 99 };
	struct sembuf take[] = { { 0, -3, IPC_NOWAIT }, { 1, 2, IPC_NOWAIT } };
	struct sembuf much = { 0, -3, IPC_NOWAIT }, undo = { 1, 5, SEM_UNDO };
	int id = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);

	if (id < 0 && lacks_errno(c, "System V semaphores", errno))
		return;
	expect_ok(c, "semctl(SETALL)", semctl(id, 0, SETALL, values));
	expect_ok(c, "semop() of two", semop(id, take, 2));
	expect_ok(c, "semctl(GETALL)", semctl(id, 0, GETALL, seen));
	expect_number(c, "the first semaphore", seen[0], 2);
	expect_number(c, "the second semaphore", seen[1], 2);
	expect_errno(c, "semop() of too much", semop(id, &much, 1), EAGAIN);
	much.sem_flg = 0;
	expect_errno(c, "semtimedop() of too much",
		     semtimedop(id, &much, 1, &(struct timespec){ .tv_nsec = 1000000 }), EAGAIN);
	pid_t pid = fork();

	if (pid == 0)
		_exit(semop(id, &undo, 1) == 0 && semctl(id, 1, GETVAL) == 7 ? 0 : 1);
	expect_status(c, "semop() in a child", pid, 0);
	expect_number(c, "the second semaphore after SEM_UNDO", semctl(id, 1, GETVAL), 2);
	expect_errno(c, "semctl() of no semaphore", semctl(id, 7, GETVAL), EINVAL);
	expect_ok(c, "semctl(IPC_RMID)", semctl(id, 0, IPC_RMID));
}

static void check_memory(struct check *c)
{
	int id = shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600);
	struct shmid_ds state = { 0 };

	if (id < 0 && lacks_errno(c, "System V memory", errno))
		return;
	char *p = shmat(id, NULL, 0);
	const char *q = shmat(id, NULL, SHM_RDONLY);

	if (!expect(c, p != (void *)-1 && q != (void *)-1, "shmat() failed: an address expected"))
		return;
	fill_pattern(p, 10000, 10);
	expect_bytes(c, "shmat() twice", q, p, 10000);
	expect_ok(c, "shmctl(IPC_STAT)", shmctl(id, IPC_STAT, &state));
	expect_number(c, "shm_nattch", (long long)state.shm_nattch, 2);
	expect_number(c, "shm_segsz", (long long)state.shm_segsz, 10000);
	pid_t pid = fork();

	if (pid == 0) {
		p[9999] = 'C';
		_exit(0);
	}
	expect_status(c, "a child with shared memory", pid, 0);
	expect_number(c, "what a child wrote to shared memory", q[9999], 'C');
	expect_ok(c, "shmctl(IPC_RMID)", shmctl(id, IPC_RMID, NULL));
	expect_ok(c, "shmdt()", shmdt(p) | shmdt(q));
	expect_errno(c, "shmdt() again", shmdt(p), EINVAL);
	expect_errno(c, "shmget() of too little", shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);
}

static void check_posix_messages(struct check *c)
{
	struct mq_attr asked = { .mq_maxmsg = 4, .mq_msgsize = 128 }, attr = { 0 };
	char name[32], back[128];
	unsigned priority = 99;

	snprintf(name, sizeof(name), "/exercise.%d", getpid());
	mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &asked);

	if (q < 0 && lacks_errno(c, "POSIX messages", errno))
		return;
	expect_ok(c, "mq_open()", q);
	expect_errno(c, "mq_open(O_EXCL) again",
		     mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &asked), EEXIST);
	expect_errno(c, "mq_receive() of nothing", mq_receive(q, back, 128, NULL), EAGAIN);
	expect_ok(c, "mq_send()", mq_send(q, "low", 3, 1));
	expect_ok(c, "mq_send()", mq_send(q, "higher", 6, 7));
	expect_ok(c, "mq_getattr()", mq_getattr(q, &attr));
	expect_number(c, "mq_curmsgs", attr.mq_curmsgs, 2);
	expect_number(c, "mq_msgsize", attr.mq_msgsize, 128);
	expect_number(c, "mq_receive()", mq_receive(q, back, 128, &priority), 6);
	expect_number(c, "mq_receive()'s priority", priority, 7);
	expect_bytes(c, "mq_receive()", back, "higher", 6);
	expect_number(c, "mq_receive()", mq_receive(q, back, 128, &priority), 3);
	expect_errno(c, "mq_receive() into too little", mq_receive(q, back, 5, NULL), EMSGSIZE);
	expect_ok(c, "mq_unlink()", mq_unlink(name));
	expect_ok(c, "mq_close()", mq_close(q));
	expect_errno(c, "mq_open() of nothing", mq_open(name, O_RDWR), ENOENT);
}

/* Of a child that waits: what was there when it was forked. */
static void check_other_memory(struct check *c)
{
	char data[3000], back[3000] = "";
	struct iovec own = { back, sizeof(back) }, other = { data, sizeof(data) };
	int fds[2] = { -1, -1 };

	fill_pattern(data, sizeof(data), 11);
	expect_ok(c, "pipe2()", pipe2(fds, O_CLOEXEC));
	pid_t pid = fork();

	if (pid == 0) {
		close(fds[1]);
		_exit(read(fds[0], back, 1) == 0 && data[0] == 'W' ? 0 : 1);
	}
	close(fds[0]);
	ssize_t n = process_vm_readv(pid, &own, 1, &other, 1, 0);

	if (n < 0 && lacks_errno(c, "process_vm_readv", errno)) {
		kill(pid, SIGKILL);
		close(fds[1]);
		waitpid(pid, NULL, 0);
		return;
	}
	expect_number(c, "process_vm_readv()", n, sizeof(data));
	expect_bytes(c, "process_vm_readv()", back, data, sizeof(data));
	back[0] = 'W';
	own.iov_len = other.iov_len = 1;
	expect_number(c, "process_vm_writev()", process_vm_writev(pid, &own, 1, &other, 1, 0), 1);
	close(fds[1]);
	expect_status(c, "a child whose memory was written", pid, 0);
}

void group_ipc(struct check *c)
{
	check_messages(c);
	check_semaphores(c);
	check_memory(c);
	check_posix_messages(c);
	check_other_memory(c);
}
