/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/code.h"

#include "kernel/kallsyms.h"
#include "kernel/kcore.h"
#include "kernel/module.h"

const char *kernel_code_verdict_name(enum kernel_code_verdict verdict)
{
	static const char *const names[] = { "equal", "different", "unreadable", "none" };

	return names[verdict];
}

int kernel_code_hash(uint8_t *code, size_t size, const struct kernel_mask *mask, size_t n_mask,
		     uint8_t ret[static SHA256_LEN])
{
	for (size_t i = 0; i < n_mask; i++) {
		if (mask[i].offset > size || mask[i].length > size - mask[i].offset)
			return ERR_INVALID;
		memset(code + mask[i].offset, 0, mask[i].length);
	}
	return hash_sha256(code, size, ret);
}

/* Sets `*ret` false when the function in memory is another one. */
static int compare_one(struct kcore *core, const struct kernel_function *function, uint64_t address,
		       bool *ret, struct error *err)
{
	_cleanup_free_ uint8_t *code = NULL;
	uint8_t hash[SHA256_LEN];
	int r;

	if (function->size == 0 || function->size > KERNEL_FUNCTION_SIZE_MAX)
		return error_set(err, ERR_INVALID, "%s: size of %u bytes", function->name,
				 function->size);
	code = malloc(function->size);
	if (!code)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = kcore_read(core, address, code, function->size, err);
	if (r < 0)
		return r;
	r = kernel_code_hash(code, function->size, function->mask, function->n_mask, hash);
	if (r < 0)
		return error_set(err, r, "%s: mask reaches outside the function", function->name);
	*ret = memcmp(hash, function->sha256, SHA256_LEN) == 0;
	return 0;
}

static int compare_all(const char *root, struct kcore *core,
		       const struct kernel_function *functions, const struct kernel_symbol *symbols,
		       size_t n, enum kernel_code_verdict *verdict, size_t *compared,
		       struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct kernel_function *f = &functions[i];
		bool equal = false;
		int r;

		if (!streq(f->object, "vmlinux") && !kernel_module_is_loaded(root, f->object))
			continue;
		if (!symbols[i].address) {
			*verdict = KERNEL_CODE_DIFFERENT;
			error_set(err, ERR_WRONG_KERNEL,
				  "function %s (%s, position %u) is not in the running kernel",
				  f->name, f->object, f->sympos);
			return 0;
		}
		r = compare_one(core, f, symbols[i].address, &equal, err);
		if (r < 0)
			return r;
		(*compared)++;
		if (!equal) {
			*verdict = KERNEL_CODE_DIFFERENT;
			error_set(
				err, ERR_WRONG_KERNEL,
				"function %s (%s) in memory is not the one the patch was made for",
				f->name, f->object);
			return 0;
		}
		*verdict = KERNEL_CODE_EQUAL;
	}
	return 0;
}

int kernel_code_check(const char *root, const struct kernel_function *functions, size_t n,
		      enum kernel_code_verdict *ret_verdict, size_t *ret_compared,
		      struct error *err)
{
	_cleanup_(kcore_freep) struct kcore *core = NULL;
	_cleanup_free_ struct kernel_symbol *symbols = NULL;
	enum kernel_code_verdict verdict = KERNEL_CODE_NONE;
	size_t compared = 0;
	int r;

	symbols = calloc(n ? n : 1, sizeof(*symbols));
	if (!symbols)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++)
		symbols[i] = (struct kernel_symbol){ .object = functions[i].object,
						     .name = functions[i].name,
						     .sympos = functions[i].sympos };
	r = kcore_open(root, &core, err);
	if (r == 0)
		r = kernel_symbols_find(root, symbols, n, err);
	if (r == 0)
		r = compare_all(root, core, functions, symbols, n, &verdict, &compared, err);
	if (r == ERR_UNSUPPORTED || r == ERR_NOT_FOUND || r == -EPERM || r == -EFAULT) {
		verdict = KERNEL_CODE_UNREADABLE;
		r = 0;
		/* Said by the verdict; no error is left behind a success. */
		if (err)
			*err = (struct error){ 0 };
	}
	if (r < 0)
		return r;
	*ret_verdict = verdict;
	*ret_compared = compared;
	return 0;
}
