// SPDX-License-Identifier: GPL-2.0-or-later
/* Namespaces and mounts: what is done inside must not show outside. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "lab/exercise/check.h"

#define TMPFS 0x01021994

static int inside_names(void)
{
	struct utsname name = { 0 };
	char own[32];

	if (unshare(CLONE_NEWUTS) < 0)
		return 99;
	snprintf(own, sizeof(own), "inner-%d", getpid());
	if (sethostname(own, strlen(own)) < 0 || uname(&name) < 0)
		return 1;
	return streq(name.nodename, own) ? 0 : 2;
}

/* A file system of its own over /tmp. */
static int inside_mounts(void)
{
	struct statfs sfs = { 0 };

	if (unshare(CLONE_NEWNS) < 0)
		return 99;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("exercise", "/tmp", "tmpfs", MS_NOSUID, "size=64k") < 0)
		return errno == EPERM || errno == EACCES ? 99 : 1;
	int fd = open("/tmp/exercise.inner", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char page[4096] = "x";
	int pages = 0;

	if (fd < 0 || statfs("/tmp", &sfs) < 0 || sfs.f_type != TMPFS || sfs.f_blocks != 16)
		return 2;
	while (pages < 100 && write(fd, page, sizeof(page)) == sizeof(page))
		pages++;
	if (errno != ENOSPC || pages < 12 || pages > 16)
		return 3;
	if (umount("/tmp") != -1 || errno != EBUSY)
		return 4;
	close(fd);
	if (mount(NULL, "/tmp", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return 5;
	if (open("/tmp/exercise.inner", O_WRONLY) != -1 || errno != EROFS)
		return 6;
	return umount("/tmp") == 0 && access("/tmp/exercise.inner", F_OK) < 0 ? 0 : 7;
}

static int inside_pids(void)
{
	if (unshare(CLONE_NEWPID) < 0)
		return 99;
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(getpid() == 1 && getppid() == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static int inside_users(void)
{
	if (unshare(CLONE_NEWUSER) < 0)
		return 99;
	return getuid() == 65534 && access("/proc/self/uid_map", R_OK) == 0 ? 0 : 1;
}

static void inside(struct check *c, const char *what, int (*run)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(run());
	long long limit = now_ms() + CHECK_WAIT_MS;

	while (waitpid(pid, &status, WNOHANG) == 0 && now_ms() < limit)
		pause_ms(1);
	if (status == 99 << 8)
		lacks(c, what);
	else
		expect_number(c, what, status, 0);
}

void group_namespace(struct check *c)
{
	struct utsname before = { 0 }, after = { 0 };

	uname(&before);
	inside(c, "a host name of its own", inside_names);
	uname(&after);
	expect_text(c, "the host name after one of its own", after.nodename, before.nodename);
	inside(c, "mounts of its own", inside_mounts);
	expect_errno(c, "access() of an inner file", access("/tmp/exercise.inner", F_OK), ENOENT);
	inside(c, "processes of its own", inside_pids);
	inside(c, "users of its own", inside_users);
}
