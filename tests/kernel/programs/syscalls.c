/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints what getppid and getpriority say, called as a 64-bit and as a 32-bit program would. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers of the 32-bit table (arch/x86/entry/syscalls/syscall_32.tbl). */
#define GETPPID_32     64
#define GETPRIORITY_32 96

static long call_32(long number, long a, long b)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b)
			 : "r8", "r9", "r10", "r11", "memory");
	return (int)result;
}

int main(void)
{
	printf("%ld %ld %ld %ld\n", syscall(SYS_getppid), call_32(GETPPID_32, 0, 0),
	       syscall(SYS_getpriority, 0, 0), call_32(GETPRIORITY_32, 0, 0));
	return 0;
}
