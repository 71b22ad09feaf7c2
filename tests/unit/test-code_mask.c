/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The code of a "shipped module", compiled and linked here, as the record of a livepatch by hand
 * holds it. */
#include "unit.h"

#include "base/process.h"
#include "build/proof/code_mask.h"

/* A jump label at alone()'s last byte but four; next() lies behind it. */
static const char text[] =
	"__attribute__((section(\".modinfo\"))) const char info[] = \"name=test\\0vermagic=test\";\n"
	"__asm__(\".text\\n.globl alone\\n.type alone,@function\\nalone:\\n\"\n"
	"	\"endbr64\\ncall __fentry__\\nmov $7,%eax\\ncall outside\\n\"\n"
	"	\"1: .byte 0x0f,0x1f,0x44,0,0\\nret\\n.size alone,.-alone\\n\"\n"
	"	\".type next,@function\\nnext: nop\\nret\\n.size next,.-next\\n\"\n"
	"	\".pushsection __jump_table,\\\"aw\\\"\\n.long 1b-.\\n.long 1b-.\\n\"\n"
	"	\".quad key-.\\n.popsection\");\n";

static void run(const char *const *argv)
{
	struct error err = { 0 };
	struct process_options options = { .argv = argv, .timeout_ms = 60000 };

	assert_ok(process_run(&options, NULL, &err), &err);
}

static struct shipped *make(const char *dir)
{
	_cleanup_free_ char *source = path_join(dir, "test.c", NULL);
	_cleanup_free_ char *object = path_join(dir, "test.o", NULL);
	_cleanup_free_ char *linked = path_join(dir, "test.ko", NULL);
	struct shipped *s = NULL;
	struct error err = { 0 };

	assert_ok(file_write_atomic(source, text, strlen(text), 0644, &err), &err);
	run((const char *const[]){ "gcc", "-O2", "-g0", "-c", "-o", object, source, NULL });
	run((const char *const[]){ "ld", "-r", "--build-id=sha1", "-o", linked, object, NULL });
	assert_ok(shipped_open_file(linked, &s, &err), &err);
	return s;
}

/* The entry, the field of the call and the jump label are masked, and nothing else. */
static void what_changes_is_masked(const struct runpre_function *f)
{
	assert_true(f->equal);
	assert_int_equal(f->size, 25);
	assert_int_equal(f->mask_count, 2);
	assert_int_equal(f->mask[0].offset, 0);
	assert_int_equal(f->mask[0].length, 9);
	assert_int_equal(f->mask[1].offset, 15);
	assert_int_equal(f->mask[1].length, 9);
}

static void functions_of_a_module_are_described(void **state)
{
	(void)state;
	char *dir = unit_make_dir();
	struct tables_function functions[] = { { "test", "alone", 0, "a" },
					       { "vmlinux", "alone", 0, "b" },
					       { "test", "missing", 0, "c" },
					       { "test", "alone", 2, "d" },
					       { "test", "alone", 1, "e" } };
	struct tables tables = { .functions = functions, .function_count = ARRAY_SIZE(functions) };
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	_cleanup_runpre_ struct runpre *code = NULL;
	struct special_sizes sizes = { 0 };
	struct error err = { 0 };

	_cleanup_shipped_ struct shipped *s = make(dir);

	assert_ok(code_mask_functions(s, &sizes, &tables, &reasons, &code, &err), &err);
	assert_int_equal(code->function_count, 4);
	assert_int_equal(code->compared, 0);
	what_changes_is_masked(&code->functions[0]);
	assert_false(code->functions[1].equal);
	assert_false(code->functions[2].equal);
	/* a position of what is there once says nothing */
	assert_true(code->functions[3].equal);
	assert_int_equal(code->functions[3].sympos, 0);
	assert_int_equal(reasons.n, 2);
	assert_int_equal(reasons.items[0].code, REASON_UNKNOWN_SYMBOL);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_of_a_module_are_described),
	};
	return cmocka_run_group_tests_name("code_mask", tests, NULL, NULL);
}
