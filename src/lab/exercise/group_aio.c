// SPDX-License-Identifier: GPL-2.0-or-later
/* Input and output that is asked for first and looked at later: io_submit and io_uring. */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "lab/exercise/check.h"

#define LEN 6000

static void check_submit(struct check *c, int fd, char *data, char *back)
{
	aio_context_t context = 0;
	struct iocb write_it = { .aio_data = 11,
				 .aio_lio_opcode = IOCB_CMD_PWRITE,
				 .aio_fildes = (unsigned)fd,
				 .aio_buf = (uintptr_t)data,
				 .aio_nbytes = LEN };
	struct iocb read_it = { .aio_data = 22,
				.aio_lio_opcode = IOCB_CMD_PREAD,
				.aio_fildes = (unsigned)fd,
				.aio_buf = (uintptr_t)back,
				.aio_nbytes = LEN };
	struct iocb *list[] = { &write_it, &read_it };
	struct io_event events[2] = { 0 };
	struct timespec limit = { .tv_sec = CHECK_WAIT_S };

	if (syscall(SYS_io_setup, 4, &context) < 0) {
		if (!lacks_errno(c, "io_submit", errno))
			expect_ok(c, "io_setup()", -1);
		return;
	}
	for (int i = 0; i < 2; i++) {
		expect_number(c, "io_submit()", syscall(SYS_io_submit, context, 1, &list[i]), 1);
		expect_number(c, "io_getevents()",
			      syscall(SYS_io_getevents, context, 1, 2, events, &limit), 1);
		expect_number(c, "io_getevents()'s data", (long long)events[0].data, i ? 22 : 11);
		expect_number(c, "io_getevents()'s result", events[0].res, LEN);
	}
	expect_bytes(c, "what io_submit() read", back, data, LEN);
	read_it.aio_fildes = 999;
	expect_errno(c, "io_submit() without a descriptor",
		     syscall(SYS_io_submit, context, 1, &list[1]), EBADF);
	expect_ok(c, "io_destroy()", syscall(SYS_io_destroy, context));
	expect_errno(c, "io_destroy() again", syscall(SYS_io_destroy, context), EINVAL);
}

/* The rings of io_uring(7), in the one mapping that all kernels since 5.4 give. */
struct ring {
	int fd;
	struct io_uring_params p;
	char *rings;
	struct io_uring_sqe *entries;
};

static void ring_ask(struct check *c, struct ring *r, unsigned char opcode, int fd, void *data,
		     unsigned len, long long expected)
{
	uint32_t *tail = (uint32_t *)(r->rings + r->p.sq_off.tail);
	uint32_t mask = *(uint32_t *)(r->rings + r->p.sq_off.ring_mask);
	uint32_t *head = (uint32_t *)(r->rings + r->p.cq_off.head);
	uint32_t done_mask = *(uint32_t *)(r->rings + r->p.cq_off.ring_mask);
	struct io_uring_cqe *done = (struct io_uring_cqe *)(r->rings + r->p.cq_off.cqes);
	unsigned at = *tail & mask;

	r->entries[at] = (struct io_uring_sqe){ .opcode = opcode,
						.fd = fd,
						.addr = (uintptr_t)data,
						.len = len,
						.user_data = 1000 + *tail };
	((uint32_t *)(r->rings + r->p.sq_off.array))[at] = at;
	uint64_t id = 1000 + *tail;

	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (!expect_number(
		    c, "io_uring_enter()",
		    syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), 1))
		return;
	struct io_uring_cqe *seen = &done[*head & done_mask];

	expect_number(c, "io_uring's user data", (long long)seen->user_data, (long long)id);
	expect(c, seen->res == expected, "io_uring's operation %d gave %d: %lld expected", opcode,
	       seen->res, expected);
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
}

static void check_ring(struct check *c, int fd, char *data, char *back)
{
	struct ring r = { 0 };

	r.fd = (int)syscall(SYS_io_uring_setup, 4, &r.p);
	if (r.fd < 0) {
		if (!lacks_errno(c, "io_uring", errno))
			expect_ok(c, "io_uring_setup()", -1);
		return;
	}
	size_t size = MAX(r.p.sq_off.array + r.p.sq_entries * sizeof(uint32_t),
			  r.p.cq_off.cqes + r.p.cq_entries * sizeof(struct io_uring_cqe));

	r.rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_SQ_RING);
	r.entries = mmap(NULL, r.p.sq_entries * sizeof(*r.entries), PROT_READ | PROT_WRITE,
			 MAP_SHARED, r.fd, IORING_OFF_SQES);
	if (expect(c, r.rings != MAP_FAILED && (void *)r.entries != MAP_FAILED,
		   "mmap() of io_uring failed: success expected")) {
		memset(back, 0, LEN);
		ring_ask(c, &r, IORING_OP_NOP, -1, NULL, 0, 0);
		ring_ask(c, &r, IORING_OP_WRITE, fd, data, LEN, LEN);
		ring_ask(c, &r, IORING_OP_READ, fd, back, LEN, LEN);
		expect_bytes(c, "what io_uring read", back, data, LEN);
		ring_ask(c, &r, IORING_OP_READ, 999, back, LEN, -EBADF);
		ring_ask(c, &r, IORING_OP_FSYNC, fd, NULL, 0, 0);
	}
	munmap(r.rings, size);
	munmap(r.entries, r.p.sq_entries * sizeof(*r.entries));
	close(r.fd);
}

void group_aio(struct check *c)
{
	char data[LEN], back[LEN] = "";
	_cleanup_close_ int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) {
		lacks(c, "O_TMPFILE");
		return;
	}
	fill_pattern(data, LEN, 20);
	check_submit(c, fd, data, back);
	fill_pattern(data, LEN, 21);
	check_ring(c, fd, data, back);
}
