// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "lab/exercise/check.h"

#define LEN 9000

struct ends {
	int in, out;
};

static struct ends make(struct check *c, int flags)
{
	int fds[2] = { -1, -1 };

	expect_ok(c, "pipe2()", pipe2(fds, O_CLOEXEC | flags));
	return (struct ends){ fds[0], fds[1] };
}

static void done(struct ends *e)
{
	close(e->in);
	close(e->out);
}
#define _cleanup_ends_ _cleanup_(done)

static void check_bytes(struct check *c, const unsigned char *data, unsigned char *back)
{
	_cleanup_ends_ struct ends p = make(c, O_NONBLOCK);
	int queued = -1;

	expect_errno(c, "read() of an empty pipe", read(p.in, back, 1), EAGAIN);
	expect_number(c, "write() to a pipe", write(p.out, data, LEN), LEN);
	expect_ok(c, "ioctl(FIONREAD)", ioctl(p.in, FIONREAD, &queued));
	expect_number(c, "ioctl(FIONREAD)", queued, LEN);
	expect_ready(c, "a pipe with bytes", p.in, POLLIN);
	expect_number(c, "read() of a pipe", read(p.in, back, 1000), 1000);
	expect_number(c, "read() of a pipe", read(p.in, back + 1000, LEN - 1000), LEN - 1000);
	expect_bytes(c, "what went through a pipe", back, data, LEN);
}

static void check_capacity(struct check *c)
{
	_cleanup_ends_ struct ends p = make(c, O_NONBLOCK);
	char page[4096] = "";
	long long total = 0;
	ssize_t n;

	expect_number(c, "fcntl(F_SETPIPE_SZ)", fcntl(p.out, F_SETPIPE_SZ, 16384), 16384);
	expect_number(c, "fcntl(F_GETPIPE_SZ)", fcntl(p.in, F_GETPIPE_SZ), 16384);
	while ((n = write(p.out, page, sizeof(page))) > 0)
		total += n;
	expect_errno(c, "write() to a full pipe", n, EAGAIN);
	expect_number(c, "a pipe's capacity", total, 16384);
}

static void check_ends(struct check *c)
{
	struct ends p = make(c, 0);
	char byte;

	close(p.in);
	expect_errno(c, "write() to a pipe without reader", write(p.out, "x", 1), EPIPE);
	close(p.out);
	p = make(c, 0);
	expect_number(c, "write()", write(p.out, "x", 1), 1);
	close(p.out);
	expect_number(c, "read() of a closed pipe's rest", read(p.in, &byte, 1), 1);
	expect_number(c, "read() at a pipe's end", read(p.in, &byte, 1), 0);
	close(p.in);
	expect_errno(c, "pipe2() with wrong flags", pipe2((int[2]){ 0, 0 }, 0x40000000), EINVAL);
}

/* memfd → pipe → (tee) → two pipes → memfd. */
static void check_splice(struct check *c, const unsigned char *data, unsigned char *back)
{
	_cleanup_ends_ struct ends a = make(c, O_NONBLOCK), b = make(c, O_NONBLOCK);
	_cleanup_close_ int from = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	_cleanup_close_ int to = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct iovec vector = { (void *)(uintptr_t)data, 4096 };
	loff_t at = 0;

	if (from < 0 || to < 0) {
		lacks(c, "O_TMPFILE");
		return;
	}
	expect_number(c, "write()", write(from, data, LEN), LEN);
	expect_number(c, "splice() from a file", splice(from, &at, a.out, NULL, LEN, 0), LEN);
	expect_number(c, "splice()'s offset", at, LEN);
	expect_number(c, "tee()", tee(a.in, b.out, LEN, 0), LEN);
	at = 0;
	expect_number(c, "splice() to a file", splice(a.in, NULL, to, &at, LEN, 0), LEN);
	expect_number(c, "pread()", pread(to, back, LEN, 0), LEN);
	expect_bytes(c, "what splice() wrote", back, data, LEN);
	memset(back, 0, LEN);
	expect_number(c, "read() of what tee() made", read(b.in, back, LEN), LEN);
	expect_bytes(c, "what tee() made", back, data, LEN);
	expect_number(c, "vmsplice()", vmsplice(a.out, &vector, 1, 0), 4096);
	expect_number(c, "read() of what vmsplice() gave", read(a.in, back, LEN), 4096);
	expect_bytes(c, "what vmsplice() gave", back, data, 4096);
	expect_errno(c, "splice() without a pipe", splice(from, NULL, to, NULL, 1, 0), EINVAL);
}

static void check_fifo(struct check *c)
{
	char path[64], back[8] = "";

	snprintf(path, sizeof(path), "/tmp/exercise.fifo.%d", getpid());
	expect_ok(c, "mkfifo()", mkfifo(path, 0600));
	expect_errno(c, "open() of a fifo without reader", open(path, O_WRONLY | O_NONBLOCK),
		     ENXIO);
	_cleanup_close_ int in = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int out = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	expect_number(c, "write() to a fifo", write(out, "fifo", 4), 4);
	expect_number(c, "read() of a fifo", read(in, back, 7), 4);
	expect_text(c, "what went through a fifo", back, "fifo");
	expect_ok(c, "unlink()", unlink(path));
}

void group_pipe(struct check *c)
{
	unsigned char data[LEN], back[LEN];

	fill_pattern(data, LEN, 2);
	memset(back, 0, LEN);
	check_bytes(c, data, back);
	check_capacity(c);
	check_ends(c);
	check_splice(c, data, back);
	check_fifo(c);
}
