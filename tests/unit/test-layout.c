/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts of structures, as the compiler writes them for small files. */
#include "unit.h"

#include "base/process.h"
#include "build/layout.h"

static struct elf_object *compile(const char *dir, const char *text)
{
	_cleanup_free_ char *source = path_join(dir, "x.c", NULL),
			    *out = path_join(dir, "x.o", NULL);
	struct process_options options = {
		.argv = (const char *const[]){ "gcc", "-gbtf", "-O2", "-c", "-o", out, source,
					       NULL },
		.timeout_ms = 60000,
	};
	struct elf_object *object = NULL;
	struct error err = { 0 };

	assert_true(source && out);
	assert_int_equal(file_write_atomic(source, text, strlen(text), 0644, NULL), 0);
	assert_ok(process_run(&options, NULL, &err), &err);
	assert_ok(elf_object_load(out, &object, &err), &err);
	return object;
}

static int note(void *user, const char *name)
{
	struct buf *names = user;

	return buf_printf(names, "%s%s", names->len ? "," : "", name);
}

/* The structures that differ, in order, joined by commas. */
static void expect(const char *before, const char *after, const char *names)
{
	char *dir = unit_make_dir();
	_cleanup_elf_object_ struct elf_object *a = compile(dir, before), *b = compile(dir, after);
	_cleanup_buf_ struct buf found = BUF_INIT(4096);

	assert_int_equal(layout_compare(a, b, note, &found), 0);
	assert_string_equal(buf_str(&found), names);
	unit_remove_dir(dir);
}

#define S(members) "struct s { " members " }; struct s v = { 0 };"

static void structures(void **state)
{
	(void)state;
	expect(S("int a; long b;"), S("int a; long b;"), "");
	expect(S("int a; long b;"), S("int x; unsigned long y;"), "");
	expect(S("int a; long b;"), S("int a; long b; int c;"), "struct s");
	expect(S("int a; long b;"), S("int a; int hole; long b;"), "struct s");
	expect(S("int a; long b;"), S("long b; int a;"), "struct s");
	expect(S("int a : 3, b : 5;"), S("int a : 4, b : 4;"), "struct s");
	expect(S("char a[4];"), S("char a[3]; char b;"), "struct s");
	expect(S("struct { int a, b; } in[2];"), S("struct { long a; } in[2];"), "struct s");
	expect(S("union { int a; char b; } u;"), S("union { int a; short b; } u;"), "struct s");
	expect(S("struct s *next; const char *n;"), S("void *next; const volatile char *n;"), "");
	expect("union u { int a; } v;", "union u { int a; long b; } v;", "union u");
	expect("typedef struct { int a; } t; t v;", "typedef struct { int a, b; } t; t v;", "t");
	/* one that is new or gone, and one inside another */
	expect(S("int a;"), "struct n { int a; } v;", "");
	expect("struct i { int a; }; " S("struct i i;"), "struct i { long a; }; " S("struct i i;"),
	       "struct i,struct s");
}

/* What is declared within a function lives on its stack, and is gone when it is replaced; the
 * compiler does not write it down either. */
static void within_functions(void **state)
{
	static const char two[] = "extern void f(void *);\n"
				  "void a(void) { struct s { int a; } v; f(&v); }\n"
				  "void b(void) { struct s { int a, b; } v; f(&v); }\n";
	static const char changed[] = "extern void f(void *);\n"
				      "void a(void) { struct s { int a; } v; f(&v); }\n"
				      "void b(void) { struct s { int a, b, c; } v; f(&v); }\n";

	(void)state;
	expect(two, two, "");
	expect(two, changed, "");
}

static void damaged(void **state)
{
	char *dir = unit_make_dir();
	_cleanup_elf_object_ struct elf_object *a = compile(dir, S("int a; struct s *b[3];"));
	_cleanup_elf_object_ struct elf_object *b = compile(dir, S("int a; struct s *b[3];"));
	struct elf_section *s = elf_object_section(b, ".BTF");
	_cleanup_buf_ struct buf found = BUF_INIT(4096);

	(void)state;
	assert_non_null(s);
	for (uint64_t i = 0; i < s->size * 8;
	     i++) { /* nothing beyond the section, no endless loop */
		s->data[i / 8] ^= (uint8_t)(1U << (i % 8));
		(void)layout_compare(a, b, note, &found);
		buf_clear(&found);
		s->data[i / 8] ^= (uint8_t)(1U << (i % 8));
	}
	s->size = 30;
	assert_int_equal(layout_compare(a, b, note, &found), ERR_INVALID);
	s->name = ".none";
	assert_int_equal(layout_compare(a, b, note, &found), 0);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structures),
		cmocka_unit_test(within_functions),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
