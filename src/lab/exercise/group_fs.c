// SPDX-License-Identifier: GPL-2.0-or-later
/* Files and folders on the file system of /tmp, and pipes. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "lab/exercise/check.h"

#define DATA_LEN 20123 /* five pages, the last one in part */

struct room {
	char path[64];
	unsigned char data[DATA_LEN], back[DATA_LEN + 4096];
};

static void check_content(struct check *c, struct room *r)
{
	_cleanup_close_ int fd = open("a", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	struct stat st = { 0 };

	expect_ok(c, "open(O_CREAT)", fd);
	expect_number(c, "write()", write(fd, r->data, DATA_LEN), DATA_LEN);
	expect_number(c, "lseek(SEEK_CUR)", lseek(fd, 0, SEEK_CUR), DATA_LEN);
	expect_number(c, "pread()", pread(fd, r->back, sizeof(r->back), 0), DATA_LEN);
	expect_bytes(c, "pread()", r->back, r->data, DATA_LEN);
	expect_number(c, "pread() at 5000", pread(fd, r->back, 777, 5000), 777);
	expect_bytes(c, "pread() at 5000", r->back, r->data + 5000, 777);
	expect_number(c, "read() at the end", read(fd, r->back, 10), 0);
	expect_ok(c, "fstat()", fstat(fd, &st));
	expect_number(c, "st_size", st.st_size, DATA_LEN);
	expect_number(c, "st_nlink", (long long)st.st_nlink, 1);
	expect_number(c, "st_mode", st.st_mode, S_IFREG | 0640);
	expect_number(c, "st_uid", st.st_uid, geteuid());
	expect_ok(c, "fdatasync()", fdatasync(fd));
	expect_ok(c, "ftruncate() down", ftruncate(fd, 4000));
	expect_ok(c, "ftruncate() up", ftruncate(fd, 6000));
	expect_number(c, "pread() after ftruncate()", pread(fd, r->back, 8000, 0), 6000);
	expect_bytes(c, "what ftruncate() left", r->back, r->data, 4000);
	memset(r->back + 8000, 0, 2000);
	expect_bytes(c, "what ftruncate() added", r->back + 4000, r->back + 8000, 2000);
}

static void check_mapping(struct check *c, struct room *r)
{
	_cleanup_close_ int fd = open("m", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	expect_number(c, "write()", write(fd, r->data, DATA_LEN), DATA_LEN);
	char *shared = mmap(NULL, DATA_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *own = mmap(NULL, DATA_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (!expect(c, shared != MAP_FAILED && own != MAP_FAILED,
		    "mmap() of a file failed: success expected"))
		return;
	expect_bytes(c, "mmap(MAP_SHARED)", shared, r->data, DATA_LEN);
	expect_bytes(c, "mmap(MAP_PRIVATE)", own, r->data, DATA_LEN);
	own[9000] = (char)~own[9000];
	shared[4100] = 'x';
	expect_ok(c, "msync()", msync(shared, DATA_LEN, MS_SYNC));
	expect_number(c, "pread()", pread(fd, r->back, DATA_LEN, 0), DATA_LEN);
	expect_number(c, "a byte written to MAP_SHARED", r->back[4100], 'x');
	expect_number(c, "a byte of the file under MAP_PRIVATE", r->back[9000], r->data[9000]);
	expect_number(c, "pwrite()", pwrite(fd, "yz", 2, 12000), 2);
	expect_number(c, "a byte of MAP_SHARED after pwrite()", shared[12001], 'z');
	expect_ok(c, "munmap()", munmap(shared, DATA_LEN) | munmap(own, DATA_LEN));
}

static void check_vectors(struct check *c, struct room *r)
{
	_cleanup_close_ int fd = open("v", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	_cleanup_close_ int copy = open("w", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_close_ int twin = dup(fd);
	struct iovec out[] = { { r->data, 100 }, { r->data + 5000, 3000 }, { r->data + 100, 1 } };
	struct iovec in[] = { { r->back, 1 }, { r->back + 1, 3100 } };

	expect_number(c, "writev()", writev(fd, out, 3), 3101);
	expect_ok(c, "lseek()", lseek(fd, 0, SEEK_SET));
	expect_number(c, "readv() of a dup()", readv(twin, in, 2), 3101);
	expect_bytes(c, "readv()", r->back, r->data, 100);
	expect_bytes(c, "readv()", r->back + 100, r->data + 5000, 3000);
	expect_number(c, "pwrite() with O_APPEND", pwrite(fd, "end", 3, 0), 3);
	expect_number(c, "lseek(SEEK_END) after O_APPEND", lseek(fd, 0, SEEK_END), 3104);
	off_t from = 0;

	if (copy_file_range(fd, &from, copy, NULL, 3104, 0) != 3104) {
		from = 0;
		expect_number(c, "sendfile() to a file", sendfile(copy, fd, &from, 3104), 3104);
	}
	expect_number(c, "the offset after a copy", from, 3104);
	expect_number(c, "pread() of a copy", pread(copy, r->back, sizeof(r->back), 0), 3104);
	expect_bytes(c, "a copy", r->back + 100, r->data + 5000, 3000);
	expect_bytes(c, "a copy's end", r->back + 3101, "end", 3);
}

static void check_holes(struct check *c, struct room *r)
{
	_cleanup_close_ int fd = open("h", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st = { 0 };

	expect_number(c, "pwrite() far out", pwrite(fd, "far", 3, 1 << 20), 3);
	expect_ok(c, "fstat()", fstat(fd, &st));
	expect_number(c, "st_size of a file with a hole", st.st_size, (1 << 20) + 3);
	expect_range(c, "st_blocks of a file with a hole", st.st_blocks, 0, 512);
	expect_number(c, "lseek(SEEK_HOLE)", lseek(fd, 0, SEEK_HOLE), 0);
	expect_range(c, "lseek(SEEK_DATA)", lseek(fd, 0, SEEK_DATA), 0, 1 << 20);
	expect_number(c, "pread() in a hole", pread(fd, r->back, 1, 70000), 1);
	expect_number(c, "a byte of a hole", r->back[0], 0);
	expect_number(c, "pwrite()", pwrite(fd, r->data, 8192, 0), 8192);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096) < 0) {
		if (!lacks_errno(c, "hole punching", errno))
			expect_ok(c, "fallocate(FALLOC_FL_PUNCH_HOLE)", -1);
		return;
	}
	expect_number(c, "pread()", pread(fd, r->back, 8192, 0), 8192);
	expect_bytes(c, "the part before a punched hole", r->back, r->data, 4096);
	expect_number(c, "a byte of a punched hole", r->back[5000], 0);
}

static int entry_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The names in the present folder, each followed by a blank. */
static void list_names(char *ret, size_t size)
{
	struct dirent **entries = NULL;
	int n = scandir(".", &entries, NULL, entry_compare);

	ret[0] = 0;
	for (int i = 0; i < n; i++) {
		size_t len = strlen(ret);

		snprintf(ret + len, size - len, "%s ", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static void check_names(struct check *c)
{
	char names[256], target[64] = "";
	struct stat a = { 0 }, b = { 0 };

	expect_ok(c, "mkdir()", mkdir("d", 0711));
	expect_ok(c, "chdir()", chdir("d"));
	_cleanup_close_ int fd = open("one", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	expect_ok(c, "link()", link("one", "two"));
	expect_ok(c, "symlink()", symlink("two", "three"));
	expect_ok(c, "mkdir()", mkdir("four", 0700));
	expect_ok(c, "mknod() of a fifo", mkfifo("five", 0600));
	list_names(names, sizeof(names));
	expect_text(c, "a folder's list", names, ". .. five four one three two ");
	expect_ok(c, "stat()", stat("one", &a) | stat("three", &b));
	expect_number(c, "st_ino through a symbolic link", (long long)b.st_ino,
		      (long long)a.st_ino);
	expect_number(c, "st_nlink of two names", (long long)a.st_nlink, 2);
	expect_number(c, "readlink()", readlink("three", target, sizeof(target) - 1), 3);
	expect_text(c, "readlink()", target, "two");
	expect_ok(c, "rename() over a file", rename("two", "five"));
	expect_ok(c, "lstat()", lstat("five", &b));
	expect_number(c, "st_ino after rename()", (long long)b.st_ino, (long long)a.st_ino);
	expect_errno(c, "stat() of what was renamed", stat("three", &b), ENOENT);
	expect_ok(c, "unlink()", unlink("one"));
	expect_ok(c, "fstat()", fstat(fd, &b));
	expect_number(c, "st_nlink after unlink()", (long long)b.st_nlink, 1);
	expect_errno(c, "rmdir() of a full folder", rmdir("../d"), ENOTEMPTY);
	expect_ok(c, "rmdir()", rmdir("four"));
	list_names(names, sizeof(names));
	expect_text(c, "a folder's list", names, ". .. five three ");
	expect_ok(c, "unlink()", unlink("five") | unlink("three"));
	expect_ok(c, "chdir()", chdir(".."));
	expect_ok(c, "stat()", stat("d", &a));
	expect_number(c, "st_nlink of an empty folder", (long long)a.st_nlink, 2);
	expect_ok(c, "rmdir()", rmdir("d"));
}

static void check_attributes(struct check *c)
{
	struct timespec times[] = { { 1000000000, 123456000 }, { 1100000000, 654321000 } };
	struct statx stx = { 0 };
	char value[16] = "";
	_cleanup_close_ int fd = open("t", O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	expect_ok(c, "fchmod()", fchmod(fd, 0451));
	expect_ok(c, "utimensat()", utimensat(AT_FDCWD, "t", times, 0));
	expect_ok(c, "statx()", statx(AT_FDCWD, "t", 0, STATX_BASIC_STATS, &stx));
	expect_number(c, "stx_mode", stx.stx_mode, S_IFREG | 0451);
	expect_number(c, "stx_mtime", stx.stx_mtime.tv_sec, 1100000000);
	expect_number(c, "stx_atime", stx.stx_atime.tv_sec, 1000000000);
	if (geteuid() == 0) {
		expect_ok(c, "fchown()", fchown(fd, 12, 34));
		expect_ok(c, "statx()", statx(AT_FDCWD, "t", 0, STATX_BASIC_STATS, &stx));
		expect_number(c, "stx_uid", stx.stx_uid, 12);
		expect_number(c, "stx_gid", stx.stx_gid, 34);
	}
	if (fsetxattr(fd, "trusted.exercise", "value", 5, XATTR_CREATE) < 0) {
		if (!lacks_errno(c, "attributes", errno))
			expect_ok(c, "fsetxattr()", -1);
		return;
	}
	expect_number(c, "fgetxattr()", fgetxattr(fd, "trusted.exercise", value, sizeof(value) - 1),
		      5);
	expect_text(c, "fgetxattr()", value, "value");
	expect_errno(c, "fsetxattr(XATTR_CREATE) again",
		     fsetxattr(fd, "trusted.exercise", "v", 1, XATTR_CREATE), EEXIST);
}

static void check_locks(struct check *c)
{
	_cleanup_close_ int a = open("l", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_close_ int b = open("l", O_RDWR | O_CLOEXEC);
	struct flock lock = { .l_type = F_WRLCK, .l_start = 10, .l_len = 5 };
	struct flock other = { .l_type = F_RDLCK, .l_start = 14, .l_len = 1 };

	expect_ok(c, "flock()", flock(a, LOCK_EX));
	expect_errno(c, "flock() of what is locked", flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	expect_ok(c, "flock(LOCK_UN)", flock(a, LOCK_UN));
	expect_ok(c, "flock() of what was unlocked", flock(b, LOCK_SH | LOCK_NB));
	expect_ok(c, "fcntl(F_OFD_SETLK)", fcntl(a, F_OFD_SETLK, &lock));
	expect_errno(c, "fcntl(F_OFD_SETLK) of what is locked", fcntl(b, F_OFD_SETLK, &other),
		     EAGAIN);
	expect_ok(c, "fcntl(F_OFD_GETLK)", fcntl(b, F_OFD_GETLK, &other));
	expect_number(c, "l_start of fcntl(F_OFD_GETLK)", other.l_start, 10);
	other = (struct flock){ .l_type = F_RDLCK, .l_start = 15, .l_len = 1 };
	expect_ok(c, "fcntl(F_OFD_SETLK) beside a lock", fcntl(b, F_OFD_SETLK, &other));
}

static void check_watch(struct check *c)
{
	union {
		struct inotify_event event;
		char bytes[512];
	} got = { 0 };
	_cleanup_close_ int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (in < 0 && lacks_errno(c, "inotify", errno))
		return;
	int watch = inotify_add_watch(in, ".", IN_CREATE | IN_DELETE);

	expect_ok(c, "inotify_add_watch()", watch);
	expect_errno(c, "read() of inotify without events", read(in, &got, sizeof(got)), EAGAIN);
	_cleanup_close_ int fd = open("noted", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	expect_ok(c, "open(O_CREAT)", fd);
	expect_ready(c, "inotify", in, POLLIN);
	expect_number(c, "read() of inotify", read(in, &got, sizeof(got)),
		      (long long)sizeof(struct inotify_event) + 16);
	expect_number(c, "inotify's mask", got.event.mask, IN_CREATE);
	expect_number(c, "inotify's watch", got.event.wd, watch);
	expect_text(c, "inotify's name", got.bytes + sizeof(struct inotify_event), "noted");
}

static void check_direct(struct check *c, struct room *r)
{
	_cleanup_close_ int fd = open("o", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	void *page = NULL;

	if (fd < 0 && errno == EINVAL) {
		lacks(c, "O_DIRECT");
		return;
	}
	if (!expect_ok(c, "open(O_DIRECT)", fd) || posix_memalign(&page, 4096, 4096) != 0)
		return;
	memcpy(page, r->data, 4096);
	expect_number(c, "write() with O_DIRECT", write(fd, page, 4096), 4096);
	memset(page, 0, 4096);
	expect_number(c, "pread() with O_DIRECT", pread(fd, page, 4096, 0), 4096);
	expect_bytes(c, "pread() with O_DIRECT", page, r->data, 4096);
	free(page);
}

static void check_refusals(struct check *c)
{
	char long_name[300];
	_cleanup_close_ int fd = open("r", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	_cleanup_close_ int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	unsigned char byte = 1;

	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	expect_errno(c, "open() of nothing", open("none", O_RDONLY), ENOENT);
	expect_errno(c, "open(O_EXCL) of a file", open("r", O_WRONLY | O_CREAT | O_EXCL, 0600),
		     EEXIST);
	expect_errno(c, "open() below a file", open("r/x", O_RDONLY), ENOTDIR);
	expect_errno(c, "open() of a folder for writing", open(".", O_WRONLY), EISDIR);
	expect_errno(c, "open() of a long name", open(long_name, O_RDONLY), ENAMETOOLONG);
	expect_ok(c, "symlink()", symlink("loop", "loop"));
	expect_errno(c, "open() of a loop", open("loop", O_RDONLY), ELOOP);
	expect_errno(c, "write() to a read-only descriptor", write(fd, "x", 1), EBADF);
	expect_errno(c, "read() of no descriptor", read(-1, long_name, 1), EBADF);
	expect_errno(c, "lseek() to below 0", lseek(fd, -1, SEEK_SET), EINVAL);
	expect_errno(c, "rename() of nothing", rename("none", "r"), ENOENT);
	expect_errno(c, "mkdir() of a file's name", mkdir("r", 0700), EEXIST);
	if (full >= 0)
		expect_errno(c, "write() to /dev/full", write(full, "x", 1), ENOSPC);
	if (zero >= 0) {
		expect_number(c, "read() of /dev/zero", read(zero, &byte, 1), 1);
		expect_number(c, "a byte of /dev/zero", byte, 0);
	}
}

static void check_memfd(struct check *c, struct room *r)
{
	_cleanup_close_ int fd = memfd_create("exercise", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct statfs sfs = { 0 };
	char cwd[64] = "";

	expect_ok(c, "statfs()", statfs(".", &sfs));
	expect_range(c, "f_bfree", (long long)sfs.f_bfree, 0, (long long)sfs.f_blocks);
	expect(c, getcwd(cwd, sizeof(cwd)) == cwd, "getcwd() failed: %s expected", r->path);
	expect_text(c, "getcwd()", cwd, r->path);
	if (fd < 0 && lacks_errno(c, "memfd", errno))
		return;
	expect_number(c, "write() to a memfd", write(fd, r->data, 5000), 5000);
	expect_ok(c, "fcntl(F_ADD_SEALS)", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
	expect_errno(c, "write() to a sealed memfd", write(fd, "x", 1), EPERM);
	expect_errno(c, "ftruncate() of a sealed memfd", ftruncate(fd, 1), EPERM);
	expect_number(c, "pread() of a memfd", pread(fd, r->back, 6000, 0), 5000);
	expect_bytes(c, "a memfd", r->back, r->data, 5000);
}

void group_fs(struct check *c)
{
	_cleanup_free_ struct room *r = calloc(1, sizeof(*r));

	if (!r)
		return;
	umask(0);
	fill_pattern(r->data, DATA_LEN, 1);
	snprintf(r->path, sizeof(r->path), "/tmp/exercise.XXXXXX");
	if (!expect(c, mkdtemp(r->path), "mkdtemp() failed: a folder expected") ||
	    !expect_ok(c, "chdir()", chdir(r->path)))
		return;
	check_content(c, r);
	check_mapping(c, r);
	check_vectors(c, r);
	check_holes(c, r);
	check_names(c);
	check_attributes(c);
	check_locks(c);
	check_watch(c);
	check_direct(c, r);
	check_refusals(c);
	check_memfd(c, r);
	if (file_remove_tree(r->path, NULL) < 0)
		expect(c, false, "removing the folder failed: success expected");
}
