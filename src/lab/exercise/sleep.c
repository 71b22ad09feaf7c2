// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lab/exercise/sleepers.h"

#define LEFT_OUT       77
#define SLEEP_LIMIT_MS 10000

static void make_room(struct sleep_room *room)
{
	struct {
		long type;
		char text[256];
	} m = { .type = 1 };
	struct flock lock = { .l_type = F_WRLCK };

	room->locked = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fcntl(room->locked, F_SETLK, &lock) < 0)
		closep(&room->locked);
	room->messages = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	room->full = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	while (room->full >= 0 && msgsnd(room->full, &m, sizeof(m.text), IPC_NOWAIT) == 0)
		;
	room->semaphores = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	snprintf(room->fifo, sizeof(room->fifo), "/tmp/exercise.sleep.%d", getpid());
	if (mkfifo(room->fifo, 0600) < 0)
		room->fifo[0] = 0;
}

static void clear_room(const struct sleep_room *room)
{
	if (room->messages >= 0)
		msgctl(room->messages, IPC_RMID, NULL);
	if (room->full >= 0)
		msgctl(room->full, IPC_RMID, NULL);
	if (room->semaphores >= 0)
		semctl(room->semaphores, 0, IPC_RMID);
	if (room->fifo[0])
		unlink(room->fifo);
}

/* A short file of /proc/PID; "" if it cannot be read. */
static void read_of(pid_t pid, const char *name, char *ret, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, ret, size - 1);

	ret[MAX(n, 0)] = 0;
}

/* In the system call, and off the processor. Without /proc/PID/syscall the state must do. */
static bool is_asleep(pid_t pid, long call)
{
	char text[512], *state, *end;

	read_of(pid, "stat", text, sizeof(text));
	state = strrchr(text, ')');
	if (!state || (state[2] != 'S' && state[2] != 'D'))
		return false;
	read_of(pid, "syscall", text, sizeof(text));
	return !text[0] || (strtol(text, &end, 10) == call && end != text);
}

/* 1: asleep, 0: ended, since it has no such thing to wait for; -1: neither. */
static int wait_asleep(pid_t pid, long call)
{
	long long limit = now_ms() + SLEEP_LIMIT_MS;

	for (;; pause_ms(1)) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return 0;
		if (is_asleep(pid, call))
			return 1;
		if (now_ms() >= limit)
			return -1;
	}
}

static int start_all(struct children *all, const struct sleep_room *room)
{
	size_t left = 0;

	for (const struct sleeper *s = sleepers; s->name; s++) {
		pid_t pid = children_fork(all);

		if (pid == 0) {
			s->run(room);
			_exit(LEFT_OUT);
		}
		if (pid < 0)
			return complain("sleep: fork: %s", strerror(-pid));
	}
	for (size_t i = 0; sleepers[i].name; i++) {
		int state = wait_asleep(all->pids[i], sleepers[i].call);

		if (state < 0)
			return complain("sleep: %s: still not asleep after %d s", sleepers[i].name,
					SLEEP_LIMIT_MS / 1000);
		if (state == 0)
			continue;
		printf("%s %d\n", sleepers[i].name, all->pids[i]);
		all->pids[left++] = all->pids[i];
	}
	all->n = left;
	return 0;
}

int exercise_sleep(void)
{
	struct children all = { 0 };
	struct sleep_room room;

	hold_prepare();
	make_room(&room);
	int status = start_all(&all, &room);

	if (status == 0) {
		puts("ready");
		fflush(stdout);
		hold(0, true);
	}
	children_end(&all);
	clear_room(&room);
	return status;
}
