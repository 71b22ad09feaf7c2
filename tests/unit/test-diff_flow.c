/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where code leaves the address of a constant: functions in assembler, one for each way. */
#include "assembled.h"

/* The constant is `what`, 16 bytes. Every function begins so: */
#define LEA   "lea what(%rip), %rcx; "
/* What follows is the function's cold part (`@` is its name). */
#define COLD  ".size @, . - @; .section .text.unlikely.@, \"ax\"; .type @.cold, @function; @.cold: "
/* An error at 1 goes on at 2. */
#define TABLE ".pushsection __ex_table, \"a\"; .long 1b - ., 2b - ., 0; .popsection"

static const char *const leaves_nothing[] = {
	"ret",
	"mov what(%rip), %eax; ret",
	LEA "mov (%rcx), %eax; ret",
	LEA "mov 4(%rcx,%rdx,4), %eax; ret",
	LEA "mov %rcx, %rax; mov (%rax), %rax; ret",
	LEA "mov %rcx, %rax; xor %eax, %eax; ret",
	LEA "mov %rcx, %rax; movzbl (%rax), %eax; ret",
	LEA "mov %rcx, %rax; imul $4, %rdx, %rax; ret",
	LEA "mov %rcx, %rax; imul %rdx, %rax; ret",
	LEA "mov %rcx, %rax; imul $1000, %rdx, %rax; ret",
	LEA "mov %rcx, %rax; movzwl (%rax), %eax; ret",
	LEA "mov %rcx, %rax; movsbl (%rax), %eax; ret",
	LEA "mov %rcx, %rax; movswl (%rax), %eax; ret",
	LEA "mov %rcx, %rax; bsf %rdx, %rax; ret",
	LEA "mov %rcx, %rax; bsr %rdx, %rax; ret",
	LEA "lock xadd %rdx, (%rbx); ret",
	LEA "lock cmpxchg %rdx, (%rbx); ret",
	"lea what(%rip), %rbp; lea 8(,%rdx,4), %rax; ret",
	"lea what(%rip), %r13; lea 8(,%rdx,4), %rax; ret",
	"lea what(%rip), %rbp; lea outside(%rip), %rax; ret",
	"lea what(%rip), %r12; lea (%rdx,%rbx), %rax; ret",
	"add $what, %rax; mov $0, %eax; ret",
	"add $what, %rcx; ret",
	LEA "mov %rcx, %rax; mov $1, %eax; ret",
	LEA "mov %rcx, %rax; movq $1, %rax; ret",
	LEA "mov %rcx, %rax; lea 1(%rdx), %rax; ret",
	LEA "mov %rcx, %rax; movslq %edx, %rax; ret",
	LEA "mov %rcx, 8(%rsp); mov %rcx, (%rsp); ret",
	LEA "push %rcx; mov %rcx, %rax; pop %rax; ret",
	LEA "xchg %rcx, %rdx; mov %rcx, (%rbx); ret",
	LEA "cmp $1, %rcx; ret",
	LEA "test %rcx, %rcx; ret",
	LEA "cmp %rcx, %rcx; ret",
	LEA "lea what+16(%rip), %rdx; cmp %rcx, %rdx; ret",
	LEA "cmp $what+16, %rcx; ret",
	LEA "mov %rcx, %rax; cmp $what+16, %rax; mov $0, %eax; ret",
	LEA "mov %rdx, (%rcx); mov %edx, (%rbx); ret",
	LEA "cmp %rdx, (%rcx); ret",
	LEA "lea what+4(%rip), %rax; sub %rcx, %rax; ret",
	LEA "mov %rcx, %rax; sub $what, %rax; ret",
	LEA "mov %rcx, %rdx; sub $what, %rdx; ret",
	LEA "call outside; mov %rcx, (%rbx); ret",
	LEA "call *%rdx; mov %rcx, (%rbx); ret",
	LEA "jmp outside",
	LEA "jmp *%rdx; mov %rcx, (%rbx)",
	LEA "ud2; mov %rcx, (%rbx)",
	LEA "jmp 1f; mov %rcx, (%rbx); 1: ret",
	LEA "ret; mov %rcx, (%rbx)",
	"mov $what, %edi; call outside; ret",
	"mov $what, %rdi; call outside; ret",
	"push $what; call outside; ret",
	"movq $what, 8(%rsp); ret",
	"mov %rcx, (%rbx); mov %rcx, %rax; " LEA "ret",
	LEA "test %edx, %edx; je 2f; ret; " COLD "2: mov %rdx, (%rbx); ret",
	LEA "mov $0, %ecx; 1: mov (%rdx), %edx; ret; 2: mov %rcx, (%rbx); ret; " TABLE,
};

static const char *const keeps[] = {
	LEA "mov %rcx, (%rbx); ret",
	LEA "mov %rcx, 8(%rbx); ret",
	LEA "mov %rcx, (%rbx,%rdx,8); ret",
	LEA "mov %rcx, (%r12); ret",
	LEA "mov %rcx, (%rbx,%r12,8); ret",
	LEA "mov %rcx, outside(%rip); ret",
	LEA "mov %rcx, outside; ret",
	LEA "mov %rcx, %gs:outside(%rip); ret",
	LEA "xchg %rcx, (%rbx); ret",
	LEA "lock xadd %rcx, (%rbx); ret",
	LEA "lock cmpxchg %rcx, (%rbx); ret",
	LEA "mov %rcx, %rax; lock cmpxchg %rdx, (%rbx); ret",
	LEA "mov %rcx, %rax; stosq; mov $0, %eax; ret",
	"lea what(%rip), %r9; mov %r9, (%rbx); ret",
	"lea what(%rip), %r9; mov %r9, (%r10); ret",
	"lea what(%rip), %r9; mov %r9, %rax; ret",
	"lea what(%rip), %rax; ret",
	"lea what+8(%rip), %rax; ret",
	"lea what(%rip), %rax; jmp __x86_return_thunk",
	LEA "mov %rcx, %rax; ret",
	LEA "xchg %rcx, %rdx; mov %rdx, (%rbx); ret",
	LEA "lea 4(%rcx), %rax; ret",
	LEA "lea (%rcx), %rax; ret",
	"lea what(%rip), %rbp; lea 4(%rbp), %rax; ret",
	"lea what(%rip), %rbp; lea 4(%rbp,%rdx), %rax; ret",
	"lea what(%rip), %r12; lea (%rdx,%r12), %rax; ret",
	"lea what(%rip), %r12; lea (%r12), %rax; ret",
	"lea what(%rip), %r13; lea 4(%r13), %rax; ret",
	LEA "lea (%rdx,%rcx,4), %rax; ret",
	LEA "lea (%rcx,%rdx,4), %rax; ret",
	"lea what(%rip), %r9; lea (%r9,%rdx,4), %rax; ret",
	"lea what(%rip), %r9; lea (%rdx,%r9,4), %rax; ret",
	"lea what(%rip), %r9; lea 4(%r9), %rax; ret",
	LEA "add %rdx, %rcx; mov %rcx, (%rbx); ret",
	LEA "add %rcx, %rdx; mov %rdx, (%rbx); ret",
	LEA "add %rcx, (%rbx); mov %rcx, (%rbx); ret",
	LEA "add (%rbx), %rcx; mov %rcx, (%rbx); ret",
	LEA "add $4, %rcx; mov %rcx, (%rbx); ret",
	LEA "mov $0, %eax; cmovne %rcx, %rax; ret",
	LEA "mov %rcx, %rax; cmovne %rdx, %rax; ret",
	"lea what(%rip), %rax; and $-8, %rax; ret",
	"mov $what, %eax; ret",
	"mov $what, %rax; ret",
	"movabs $what, %rax; ret",
	"movq $what, (%rbx); ret",
	"movq $what, outside(%rip); ret",
	"add $what, %rax; ret",
	"add $what, %rcx; mov %rcx, (%rbx); ret",
	"or $what, %rcx; ret",
	/* Told by it: also by one of its elements. */
	LEA "cmp %rcx, %rdx; ret",
	LEA "cmp %rdx, %rcx; ret",
	LEA "cmp (%rbx), %rcx; ret",
	LEA "cmp %rcx, (%rbx); ret",
	LEA "sub %rcx, %rdx; ret",
	LEA "xor %rcx, %rdx; ret",
	"cmp $what, %rax; ret",
	"cmp $what, %rdx; ret",
	"cmpq $what, (%rbx); ret",
	"cmp $what+4, %rax; ret",
	"cmp $what+4, %rdx; ret",
	"cmpq $what+4, (%rbx); ret",
	LEA "cmpq $what, (%rcx); ret",
	"sub $what, %rax; ret",
	"sub $what, %rdx; ret",
	LEA "subq $what, (%rcx); ret",
	LEA "addq $what, (%rcx); ret",
	/* What a call keeps, and a way around it. */
	"lea what(%rip), %rbx; call outside; mov %rbx, (%r12); ret",
	"lea what(%rip), %rbp; call outside; mov %rbp, (%rbx); ret",
	"lea what(%rip), %r12; call outside; mov %r12, (%rbx); ret",
	"lea what(%rip), %r15; call *%rdx; mov %r15, (%rbx); ret",
	LEA "test %edx, %edx; je 1f; call outside; 1: mov %rcx, (%rbx); ret",
	LEA "test %edx, %edx; je 1f; mov $0, %ecx; 1: mov %rcx, (%rbx); ret",
	LEA "test %edx, %edx; je 1f; mov $0, %ecx; ret; 1: mov %rcx, (%rbx); ret",
	LEA "test %edx, %edx; je 1f; ret; .fill 200, 1, 0x90; 1: mov %rcx, (%rbx); ret",
	LEA "jmp 1f; 2: mov %rcx, (%rbx); ret; 1: jmp 2b",
	"mov $0, %ecx; 1: mov %rcx, (%rbx); " LEA "test %edx, %edx; je 1b; ret",
	"mov $0, %ecx; mov $0, %edx; 1: mov %rdx, (%rbx); mov %rcx, %rdx; " LEA "jmp 1b",
	/* Ways out of the function's section and by tables. */
	LEA "test %edx, %edx; je 2f; ret; " COLD "2: mov %rcx, (%rbx); ret",
	LEA "test %edx, %edx; je 2f; 1: ret; " COLD "2: mov %rcx, %rax; jmp 1b",
	LEA "1: mov (%rdx), %edx; mov $0, %ecx; ret; 2: mov %rcx, (%rbx); ret; " TABLE,
	/* A way that is not known, and an instruction that nobody knows. */
	"ret; " LEA "mov %rcx, (%rbx); ret",
	".byte 0x0f, 0x04; ret",
};

/* 1 if it is not as it should be. */
static int check(const struct assembled *a, size_t list, size_t i, const char *code, bool want)
{
	char name[32];
	bool kept = !want;

	snprintf(name, sizeof(name), "f%zu_%zu", list, i);
	assert_int_equal(
		diff_keeps_address(assembled_atom(a, name), assembled_atom(a, "what"), &kept), 0);
	if (kept != want)
		print_error("`%s` %s the address\n", code, kept ? "keeps" : "does not keep");
	return kept != want;
}

static void ways_of_an_address(void **state)
{
	const char *const *const lists[] = { leaves_nothing, keeps };
	const size_t counts[] = { ARRAY_SIZE(leaves_nothing), ARRAY_SIZE(keeps) };
	struct assembled a = ASSEMBLED_INIT;
	int wrong = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < counts[k]; i++) {
			char name[32];

			snprintf(name, sizeof(name), "f%zu_%zu", k, i);
			assembled_add(&a, name, lists[k][i]);
		}
	assembled_open(&a, ".section .rodata.what, \"a\"\n.balign 16\n"
			   ".type what, @object\nwhat: .fill 16\n.size what, 16\n");
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < counts[k]; i++)
			wrong += check(&a, k, i, lists[k][i], k == 1);
	assert_int_equal(wrong, 0);
	assembled_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_of_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
