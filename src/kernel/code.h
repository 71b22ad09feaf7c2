/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the code in memory the code that a patch was made for? Each function to be replaced is found
 * by name and sympos, read from the running kernel, its maskable bytes set to zero, and hashed.
 */
#pragma once

#include "base/error.h"
#include "base/hash.h"

#define KERNEL_FUNCTION_SIZE_MAX (1024 * 1024)

enum kernel_code_verdict {
	KERNEL_CODE_EQUAL,
	KERNEL_CODE_DIFFERENT,
	KERNEL_CODE_UNREADABLE, /* the kernel does not show its code or its symbols */
	KERNEL_CODE_NONE,       /* there was nothing to compare */
};

/* "equal", "different", "unreadable", "none". */
const char *kernel_code_verdict_name(enum kernel_code_verdict verdict);

struct kernel_mask {
	uint32_t offset, length; /* bytes from the start of the function */
};

/* One function as the build record has it. Pointers belong to the caller. */
struct kernel_function {
	const char *object; /* "vmlinux" or a module */
	const char *name;
	unsigned int sympos; /* 1-based; 0: unique */
	uint32_t size;
	const struct kernel_mask *mask;
	size_t n_mask;
	uint8_t sha256[SHA256_LEN]; /* of the bytes with every masked one 0 */
};

/* SHA-256 of `size` bytes with the mask applied to them (`code` is changed). ERR_INVALID when a
 * mask reaches outside. */
int kernel_code_hash(uint8_t *code, size_t size, const struct kernel_mask *mask, size_t n_mask,
		     uint8_t ret[static SHA256_LEN]);

/*
 * Compares all functions. `ret_verdict`: KERNEL_CODE_DIFFERENT as soon as one differs or is not
 * there (then `err` names it, and the return value is still 0); KERNEL_CODE_UNREADABLE when the
 * kernel hides its code (err says why); functions of modules that are not loaded are skipped, and
 * `ret_compared` counts those really compared. A negative return value is a failure to look.
 */
int kernel_code_check(const char *root, const struct kernel_function *functions, size_t n,
		      enum kernel_code_verdict *ret_verdict, size_t *ret_compared,
		      struct error *err);
