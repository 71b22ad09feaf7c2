/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which differences of code are line numbers: functions in assembler that differ in one number. */
#include "assembled.h"

/* N is 1040 in one and 1041 in the other. */
static const char *const lines[] = {
	"mov $.Lfile, %rdi; mov $N, %esi; call report; ret",
	"mov $N, %esi; mov $.Lfile, %rdi; call report; ret",
	"mov $.Lfile, %rdi; movq $N, %rsi; call report; ret",
	"lea .Lfile(%rip), %rdi; mov $N, %esi; jmp report",
	"mov $.Lheader, %rsi; mov $N, %edx; call report; ret",
	"mov $.Lfile, %rdx; mov $N, %ecx; call report; ret",
	"mov $.Lfile, %rcx; mov $N, %r8d; call report; ret",
	"lea .Lfile(%rip), %r8; mov $N, %r9d; call report; ret",
	"mov $.Lfile, %r9; push $N; call report; ret",
	"mov $N, %esi; call __might_sleep; ret",
	"mov $N, %edx; call __ext4_std_error.constprop.0; ret",
	"mov $N, %esi; .rept 23; nop; .endr; call __might_sleep; ret",
	"push $N; mov $1, %edi; mov %rbx, %rsi; xor %edx, %edx; mov (%rbx), %r8; lea 8(%rsp), %rcx; "
	"movslq %eax, %r9; call jbd2__journal_start; ret",
	"test %edi, %edi; je 1f; mov $.Lfile, %rdi; mov $N, %esi; call report; 1: ret",
};

static const char *const others[] = {
	"mov $N, %edi; call report; ret",
	"mov $N, %eax; call report; ret",
	"mov $N, %esi; call report; ret",
	"mov $.Lfile, %rdi; mov $N, %edx; call report; ret",
	"mov $.Lfile, %rdi; mov $N, %ebx; call report; ret",
	"mov $.Lfile, %rdi; mov $N, %r14d; call report; ret",
	"mov $.Lfile, %rdi; add $N, %esi; call report; ret",
	"mov $.Lfile, %rdi; cmp $N, %esi; call report; ret",
	"mov $.Lfile, %rdi; movl $N, (%rsi); call report; ret",
	"mov $.Lfile, %rdi; lea N(%rax), %rsi; call report; ret",
	"mov $.Lfile+1, %rdi; mov $N, %esi; call report; ret",
	"mov $.Lplain, %rdi; mov $N, %esi; call report; ret",
	"mov $.Lwords, %rdi; mov $N, %esi; call report; ret",
	"mov $.Lform, %rdi; mov $N, %esi; call report; ret",
	"mov $.Lobject, %rdi; mov $N, %esi; call report; ret",
	"mov $.Lnone, %rdi; mov $N, %esi; call report; ret",
	"mov $bytes, %rdi; mov $N, %esi; call report; ret",
	"mov $.Lfile, %rdi; mov $.Lplain, %rdi; mov $N, %esi; ret",
	/* The file is another call's. */
	"mov $.Lfile, %rdi; call outside; mov $N, %esi; call report; ret",
	"mov $.Lfile, %rdi; call *%rax; mov $N, %esi; call report; ret",
	"mov $.Lfile, %rdi; je 1f; 1: mov $N, %esi; call report; ret",
	/* Not handed to the function. */
	"mov $N, %esi; je 1f; 1: call __might_sleep; ret",
	"mov $N, %esi; mov $5, %esi; call __might_sleep; ret",
	"mov $N, %esi; lea 8(%rbx), %rsi; call __might_sleep; ret",
	"mov $N, %esi; ret; call __might_sleep; ret",
	"mov $N, %esi; ud2; call __might_sleep; ret",
	"mov $N, %esi; int3; call __might_sleep; ret",
	"mov $N, %esi; call *%rax; call __might_sleep; ret",
	"mov $N, %esi; jmp *%rax; call __might_sleep; ret",
	"mov $N, %esi; jmp 1f; 1: call __might_sleep; ret",
	"mov $N, %esi; .rept 24; nop; .endr; call __might_sleep; ret",
	"mov $N, %edx; call __might_sleep; ret",
	"mov $N, %esi; call __might_sleepy; ret",
	"mov $N, %esi; call __might_slee; ret",
	/* The stack is another one at the call. */
	"push $N; push %rax; call jbd2__journal_start; ret",
	"push $N; pop %rax; call jbd2__journal_start; ret",
	"push $N; sub $8, %rsp; call jbd2__journal_start; ret",
	"push $N; add $8, %rsp; call jbd2__journal_start; ret",
	"push $N; mov %rax, %rsp; call jbd2__journal_start; ret",
	"push $N; mov (%rax), %rsp; call jbd2__journal_start; ret",
	"push $N; lea 8(%rsp), %rsp; call jbd2__journal_start; ret",
	"push $N; mov $5, %esp; call jbd2__journal_start; ret",
	"push $N; mov %rax, (%rsp); call jbd2__journal_start; ret",
	"push $N; movq $5, (%rsp); call jbd2__journal_start; ret",
	"push $N; push $5000; call jbd2__journal_start; ret",
	/* More than a line differs, or no line. */
	"mov $N, %esi; call __might_sleep; mov $N, %eax; ret",
	"mov $N-1040, %esi; call __might_sleep; ret",
	"mov $N+198960, %esi; call __might_sleep; ret",
	"mov $-N, %esi; call __might_sleep; ret",
	"mov $N, %si; call __might_sleep; ret",
	".if N == 1040; mov $5, %esi; .else; mov $5, %edx; .endif; call __might_sleep; ret",
	".if N == 1040; nop; .endif; ret",
};

static const char strings[] = ".section .rodata.a.str1.1, \"aMS\", @progbits, 1\n"
			      ".Lfile: .asciz \"fs/a.c\"\n.Lheader: .asciz \"fs/a.h\"\n"
			      ".Lplain: .asciz \"a.c\"\n.Lwords: .asciz \"see fs/a.c\"\n"
			      ".Lform: .asciz \"fs/%d.c\"\n.Lobject: .asciz \"fs/a.o\"\n"
			      ".Lnone: .asciz \"fs/a_c\"\n.section .rodata.bytes, \"a\"\n"
			      ".type bytes, @object\nbytes: .asciz \"fs/a.c\"\n.size bytes, 7\n";

static void add(struct assembled *a, size_t list, size_t i, const char *code)
{
	for (int n = 1040; n <= 1041; n++) {
		_cleanup_free_ char *with = NULL;
		char name[32];

		snprintf(name, sizeof(name), "f%zu_%zu_%d", list, i, n);
		assert_true(asprintf(&with, ".set N, %d; %s", n, code) > 0);
		assembled_add(a, name, with);
	}
}

/* 1 if it is not as it should be. */
static int check(const struct assembled *a, size_t list, size_t i, const char *code, bool want)
{
	char one[32], two[32];
	bool only;

	snprintf(one, sizeof(one), "f%zu_%zu_1040", list, i);
	snprintf(two, sizeof(two), "f%zu_%zu_1041", list, i);
	only = diff_only_lines_differ(assembled_atom(a, one), assembled_atom(a, two));
	if (only != want)
		print_error("`%s` %s in lines only\n", code, only ? "differ" : "do not differ");
	return only != want;
}

static void numbers_of_lines(void **state)
{
	const char *const *const lists[] = { others, lines };
	const size_t counts[] = { ARRAY_SIZE(others), ARRAY_SIZE(lines) };
	struct assembled a = ASSEMBLED_INIT;
	int wrong = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < counts[k]; i++)
			add(&a, k, i, lists[k][i]);
	assembled_open(&a, strings);
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < counts[k]; i++)
			wrong += check(&a, k, i, lists[k][i], k == 1);
	assert_int_equal(wrong, 0);
	assembled_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
