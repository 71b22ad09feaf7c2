/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Indirect branch tracking: what functions of a "shipped module" begin with, and which addresses
 * code takes; both are compiled and linked here.
 */
#include "unit.h"

#include "base/process.h"
#include "build/proof/landing.h"

/* Nothing takes the address of bare(), so that gcc leaves ENDBR64 out. Two entries of the table:
 * one for a place within good(), one for sealed(). */
static const char shipped_text[] =
	"__attribute__((section(\".modinfo\"))) const char info[] = \"name=test\\0vermagic=test\";\n"
	"extern int outside(int); int variable = 7;\n"
	"__attribute__((noinline)) static int bare(int x) { return outside(x) + 3; }\n"
	"int good(int x) { return bare(x) * 5; }\n"
	"int sealed(int x) { return outside(bare(x)); }\n"
	"__asm__(\".pushsection .ibt_endbr_seal,\\\"a\\\"\\n.long good + 4 - .\\n\"\n"
	"	\".long sealed - .\\n.popsection\");\n";

static const char user_text[] =
	"extern int called(int), jumped(int), loaded(int), stored(int), fixed(int), both(int);\n"
	"extern int mixed(int), branched(int);\n"
	"int (*table[])(int) = { stored };\n"
	"__attribute__((noinline)) static int mine(int x) { return called(x) + 1; }\n"
	"__attribute__((noinline)) static int own(int x) { return called(x) + 2; }\n"
	"void *volatile kept;\n"
	"int use(int x) { kept = loaded; kept = mine; called(x); both(x); kept = both;\n"
	"	return jumped(own(x)); }\n"
	"__asm__(\".pushsection __ex_table,\\\"a\\\"\\n.long use - .\\n.long fixed - .\\n.long 0\\n\"\n"
	"	\".popsection\\n.pushsection .text.more,\\\"ax\\\"\\njne branched\\n\"\n"
	"	\"lea mixed(%rip),%rax\\n.popsection\\n\"\n"
	"	\".pushsection .discard.note,\\\"\\\"\\n.quad called\\n.popsection\");\n";

static char *compile(const char *dir, const char *text, const char *name)
{
	_cleanup_free_ char *source = NULL, *object = NULL;
	char *linked = NULL;
	struct error err = { 0 };

	assert_true(asprintf(&source, "%s/%s.c", dir, name) > 0);
	assert_true(asprintf(&object, "%s/%s.o", dir, name) > 0);
	assert_true(asprintf(&linked, "%s/%s.ko", dir, name) > 0);
	assert_int_equal(file_write_atomic(source, text, strlen(text), 0644, NULL), 0);

	struct process_options gcc = {
		.argv = (const char *const[]){ "gcc", "-O2", "-fno-pic", "-mcmodel=kernel", "-g0",
					       "-fcf-protection=branch",
					       "-fno-asynchronous-unwind-"
					       "tables",
					       "-c", "-o", object, source, NULL },
		.timeout_ms = 60000
	};
	struct process_options ld = { .argv = (const char *const[]){ "ld", "-r", "--build-id=sha1",
								     "-o", linked, object, NULL },
				      .timeout_ms = 60000 };

	assert_ok(process_run(&gcc, NULL, &err), &err);
	assert_ok(process_run(&ld, NULL, &err), &err);
	return linked;
}

static enum landing at(const struct shipped *s, const char *name)
{
	struct shipped_symbol symbol;

	assert_true(shipped_find(s, name, 1, &symbol));
	return landing_at(s, &symbol);
}

static void entries_of_functions_are_told_apart(void **state)
{
	_cleanup_shipped_ struct shipped *s = NULL;
	_cleanup_free_ char *path = NULL;
	char *dir = unit_make_dir();
	struct error err = { 0 };

	(void)state;
	path = compile(dir, shipped_text, "shipped");
	assert_ok(shipped_open_file(path, &s, &err), &err);
	assert_int_equal(at(s, "good"), LANDING_GOOD);
	assert_int_equal(at(s, "bare"), LANDING_MISSING);
	assert_int_equal(at(s, "sealed"), LANDING_SEALED);
	assert_int_equal(at(s, "variable"), LANDING_GOOD);
	assert_false(landing_matters(s)); /* it is no kernel */
	unit_remove_dir(dir);
}

static bool taken(const struct elf_object *o, const char *name)
{
	const struct elf_symbol *symbol = elf_object_symbol(o, name);

	assert_non_null(symbol);
	return landing_taken(o, symbol);
}

static void taking_an_address_is_no_call(void **state)
{
	_cleanup_elf_object_ struct elf_object *o = NULL;
	_cleanup_free_ char *path = NULL;
	char *dir = unit_make_dir();
	struct error err = { 0 };

	(void)state;
	path = compile(dir, user_text, "user");
	assert_ok(elf_object_load(path, &o, &err), &err);
	assert_false(taken(o, "called")); /* but in a section that is not loaded */
	assert_false(taken(o, "jumped"));
	assert_false(taken(o, "branched"));
	assert_false(taken(o, "fixed")); /* the kernel goes there by itself */
	assert_false(taken(o, "own"));
	assert_true(taken(o, "mine")); /* by section and place */
	assert_true(taken(o, "loaded"));
	assert_true(taken(o, "stored"));
	assert_true(taken(o, "mixed"));
	assert_true(taken(o, "both"));
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_of_functions_are_told_apart),
		cmocka_unit_test(taking_an_address_is_no_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
