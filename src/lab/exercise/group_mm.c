// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory of processes. Whether an address may be used is asked with system calls, and by children
 * that use it. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lab/exercise/check.h"

#define PAGE 4096

static char *map(struct check *c, size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED) {
		expect_ok(c, "mmap()", -1);
		_exit(0);
	}
	return p;
}

/* What a write from the address to a pipe says: 0 or an errno. */
static int reading(const void *p)
{
	int fds[2];

	if (pipe(fds) < 0)
		return errno;
	int result = write(fds[1], p, 1) == 1 ? 0 : errno;

	close(fds[0]);
	close(fds[1]);
	return result;
}

/* What a read of /dev/zero to the address says: 0 or an errno. */
static int writing(void *p)
{
	_cleanup_close_ int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	return read(fd, p, 1) == 1 ? 0 : errno;
}

static void check_zero(struct check *c)
{
	char *p = map(c, 64, MAP_PRIVATE);
	_cleanup_free_ char *zero = calloc(64, PAGE);

	expect(c, zero != NULL, "calloc() gave nothing: memory expected");
	if (!zero)
		return;
	expect_bytes(c, "new memory", p, zero, 64 * PAGE);
	fill_pattern(p, 64 * PAGE, 12);
	fill_pattern(zero, 64 * PAGE, 12);
	expect_bytes(c, "written memory", p, zero, 64 * PAGE);
	expect_ok(c, "madvise(MADV_DONTNEED)", madvise(p + PAGE, PAGE, MADV_DONTNEED));
	expect_number(c, "a byte after MADV_DONTNEED", p[PAGE + 9], 0);
	expect_bytes(c, "the page before it", p, zero, PAGE);
	expect_bytes(c, "the page after it", p + 2 * PAGE, zero + 2 * PAGE, PAGE);
	expect_ok(c, "munmap() in the middle", munmap(p + 4 * PAGE, PAGE));
	expect_number(c, "using what was unmapped", reading(p + 4 * PAGE), EFAULT);
	expect_number(c, "using what is beside it", reading(p + 4 * PAGE - 1), 0);
	expect_ok(c, "munmap()", munmap(p, 64 * PAGE));
}

static void check_protection(struct check *c)
{
	char *p = map(c, 3, MAP_PRIVATE);

	memset(p, 'p', 3 * PAGE);
	expect_ok(c, "mprotect(PROT_READ)", mprotect(p + PAGE, PAGE, PROT_READ));
	expect_number(c, "reading PROT_READ", reading(p + PAGE), 0);
	expect_number(c, "writing PROT_READ", writing(p + PAGE), EFAULT);
	expect_number(c, "writing beside PROT_READ", writing(p + PAGE - 1), 0);
	expect_ok(c, "mprotect(PROT_NONE)", mprotect(p + PAGE, PAGE, PROT_NONE));
	expect_number(c, "reading PROT_NONE", reading(p + PAGE), EFAULT);
	expect_ok(c, "mprotect(PROT_WRITE)", mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
	expect_number(c, "what survived mprotect()", p[PAGE + 5], 'p');
	expect_errno(c, "mprotect() at an odd address", mprotect(p + 1, PAGE, PROT_READ), EINVAL);
	expect_ok(c, "munmap()", munmap(p, 3 * PAGE));
	expect_errno(c, "mprotect() of nothing", mprotect(p, PAGE, PROT_READ), ENOMEM);
}

/* Ends the child with what the fault was: a fault without a handler would show in the kernel's log.
 */
static void on_fault(int signal _unused_, siginfo_t *info, void *context _unused_)
{
	_exit((info->si_code == SEGV_ACCERR   ? 20
	       : info->si_code == SEGV_MAPERR ? 30
					      : 40) +
	      ((uintptr_t)info->si_addr == 16));
}

static void check_faults(struct check *c)
{
	static const char *const what[] = { "a write to PROT_READ", "a read of address 16",
					    "a write to memory" };
	static const int ends[] = { 20, 31, 9 };
	char *p = map(c, 2, MAP_PRIVATE);

	expect_ok(c, "mprotect()", mprotect(p, PAGE, PROT_READ));
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct sigaction action = { .sa_sigaction = on_fault,
						    .sa_flags = SA_SIGINFO };
			volatile uintptr_t sixteen = 16; /* which gcc must not know */

			sigaction(SIGSEGV, &action, NULL);
			if (i == 0)
				*(volatile char *)p = 1;
			p[PAGE] = i == 1 ? *(volatile char *)sixteen : 1;
			_exit(9);
		}
		expect_status(c, what[i], pid, ends[i] << 8);
	}
	expect_ok(c, "munmap()", munmap(p, 2 * PAGE));
}

static void check_copies(struct check *c)
{
	char *own = map(c, 4, MAP_PRIVATE), *shared = map(c, 4, MAP_SHARED);

	memset(own, 'a', 4 * PAGE);
	memset(shared, 'a', 4 * PAGE);
	pid_t pid = fork();

	if (pid == 0) {
		bool ok = own[3 * PAGE] == 'a' && shared[3 * PAGE] == 'a';

		own[PAGE] = shared[PAGE] = 'c';
		_exit(ok && own[PAGE] == 'c' && own[PAGE + 1] == 'a' ? 0 : 1);
	}
	expect_status(c, "a child's copy of memory", pid, 0);
	expect_number(c, "our memory after a child wrote its own", own[PAGE], 'a');
	expect_number(c, "shared memory after a child wrote it", shared[PAGE], 'c');
	expect_ok(c, "munmap()", munmap(own, 4 * PAGE) | munmap(shared, 4 * PAGE));
}

static void check_moves(struct check *c)
{
	char *p = map(c, 8, MAP_PRIVATE), expected[PAGE];

	fill_pattern(p, 8 * PAGE, 13);
	memcpy(expected, p + 2 * PAGE, PAGE);
	char *q = mremap(p, 4 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);

	if (!expect(c, q != MAP_FAILED, "mremap() failed: an address expected"))
		return;
	expect(c, q != p, "mremap() grew into other memory: another address expected");
	expect_bytes(c, "memory that mremap() moved", q + 2 * PAGE, expected, PAGE);
	expect_number(c, "memory that mremap() added", q[4 * PAGE], 0);
	expect_number(c, "using what mremap() left", reading(p + PAGE), EFAULT);
	expect_number(c, "using what mremap() did not move", reading(p + 5 * PAGE), 0);
	expect(c,
	       mmap(q, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
			       MAP_FAILED &&
		       errno == EEXIST,
	       "mmap(MAP_FIXED_NOREPLACE) over memory succeeded: EEXIST expected");
	expect_ok(c, "munmap()", munmap(q, 16 * PAGE) | munmap(p + 4 * PAGE, 4 * PAGE));
}

static void check_presence(struct check *c)
{
	char *p = map(c, 4, MAP_PRIVATE);
	unsigned char in[4] = { 0 };

	madvise(p, 4 * PAGE, MADV_NOHUGEPAGE);
	p[PAGE] = 1;
	expect_ok(c, "mincore()", mincore(p, 4 * PAGE, in));
	expect_number(c, "mincore() of a touched page", in[1] & 1, 1);
	expect_number(c, "mincore() of an untouched page", in[2] & 1, 0);
	expect_ok(c, "mlock()", mlock(p, 4 * PAGE));
	expect_ok(c, "mincore()", mincore(p, 4 * PAGE, in));
	expect_number(c, "mincore() of a locked page", in[2] & 1, 1);
	expect_ok(c, "munlock()", munlock(p, 4 * PAGE));
	expect_ok(c, "munmap()", munmap(p, 4 * PAGE));
	expect_errno(c, "mincore() of nothing", mincore(p, PAGE, in), ENOMEM);
	expect(c,
	       mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
		       errno == EINVAL,
	       "mmap() of nothing succeeded: EINVAL expected");
	expect_errno(c, "madvise() of no advice", madvise(p, PAGE, 9999), EINVAL);
	char *top = (char *)syscall(SYS_brk, 0);

	expect_number(c, "brk() up", (char *)syscall(SYS_brk, top + 2 * PAGE) - top, 2 * PAGE);
	expect_number(c, "using what brk() gave", reading(top + PAGE), 0);
	expect_number(c, "brk() down", (char *)syscall(SYS_brk, top) - top, 0);
}

void group_mm(struct check *c)
{
	check_zero(c);
	check_protection(c);
	check_faults(c);
	check_copies(c);
	check_moves(c);
	check_presence(c);
}
