/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the golden units take from the kernel, in small: sections as the kernel's macros make them. */
#pragma once

#define __init	      __attribute__((section(".init.text"), cold))
#define __initdata    __attribute__((section(".init.data")))
#define __sched	      __attribute__((section(".sched.text")))
#define __read_mostly __attribute__((section(".data..read_mostly")))
#define notrace	      __attribute__((no_instrument_function, patchable_function_entry(0, 0)))
#define noinline      __attribute__((noinline))
#define __used	      __attribute__((used))
#define unlikely(x)   __builtin_expect(!!(x), 0)

#define initcall(fn)                                                                      \
	static int (*__initcall_##fn)(void) __used __attribute__((section(".initcall6.init"))) = fn

/* A bug entry as x86 writes it: place, file and line, flags. */
#define WARN_ON(condition)                                                             \
	do {                                                                           \
		if (unlikely(condition))                                               \
			asm volatile("1: ud2\n"                                        \
				     ".pushsection __bug_table, \"aw\"\n"              \
				     "2: .long 1b - .\n"                               \
				     ".long %c0 - .\n"                                 \
				     ".word %c1\n"                                     \
				     ".word %c2\n"                                     \
				     ".org 2b + 12\n"                                  \
				     ".popsection" ::"i"(__FILE__),                    \
				     "i"(__LINE__), "i"(2305));                        \
	} while (0)

#define pr_warn_once(text)                                                                     \
	do {                                                                                   \
		static char __attribute__((section(".data.once"))) __already_done;             \
		if (unlikely(!__already_done)) {                                               \
			__already_done = 1;                                                    \
			printk(text);                                                          \
		}                                                                              \
	} while (0)

/* An alternative: 6.1's struct alt_instr, 12 bytes. */
#define ALTERNATIVE(old, new, feature)                                         \
	"661: " old "\n662:\n"                                                 \
	".pushsection .altinstructions, \"a\"\n"                               \
	".long 661b - .\n.long 663f - .\n"                                     \
	".word " #feature "\n.byte 662b - 661b\n.byte 664f - 663f\n"           \
	".popsection\n"                                                        \
	".pushsection .altinstr_replacement, \"ax\"\n"                         \
	"663: " new "\n664:\n"                                                 \
	".popsection\n"

/* A load that may fault. */
#define LOAD(to, from)                                                                 \
	asm volatile("1: movl %1, %0\n2:\n"                                            \
		     ".pushsection __ex_table, \"a\"\n"                                \
		     ".long 1b - .\n.long 2b - .\n.long 3\n"                           \
		     ".popsection"                                                     \
		     : "=r"(to)                                                        \
		     : "m"(from))

int printk(const char *text, ...);
int outside(int x);
extern int outside_variable;
