/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts of structures, as the compiler writes them for small files. */
#include "unit.h"

#include "base/process.h"
#include "build/object/layout.h"

static struct elf_object *compile_as(const char *dir, const char *form, const char *text)
{
	_cleanup_free_ char *source = path_join(dir, "x.c", NULL),
			    *out = path_join(dir, "x.o", NULL);
	struct process_options options = {
		.argv = (const char *const[]){ "gcc", form, "-O2", "-c", "-o", out, source, NULL },
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

static struct elf_object *compile(const char *dir, const char *text)
{
	return compile_as(dir, "-gdwarf-5", text);
}

/* What changed, and how. */
struct notes {
	struct buf names, how;
};

static int note(void *user, const char *name, const char *how)
{
	struct notes *notes = user;
	int r = buf_printf(&notes->names, "%s%s", notes->names.len ? "," : "", name);

	return r < 0 ? r : buf_printf(&notes->how, "%s%s", notes->how.len ? "; " : "", how);
}

static void notes_free(struct notes *notes)
{
	buf_free(&notes->names);
	buf_free(&notes->how);
}

#define NOTES                                    \
	{                                        \
		BUF_INIT(65536), BUF_INIT(65536) \
	}

static void compare(const char *before, const char *after, struct notes *found)
{
	char *dir = unit_make_dir();
	_cleanup_elf_object_ struct elf_object *a = compile(dir, before), *b = compile(dir, after);

	assert_int_equal(layout_compare(a, b, note, found), 0);
	unit_remove_dir(dir);
}

/* What differs, in order, joined by commas. */
static void expect(const char *before, const char *after, const char *names)
{
	_cleanup_(notes_free) struct notes found = NOTES;

	compare(before, after, &found);
	assert_string_equal(buf_str(&found.names), names);
}

static void expect_how(const char *before, const char *after, const char *how)
{
	_cleanup_(notes_free) struct notes found = NOTES;

	compare(before, after, &found);
	assert_string_equal(buf_str(&found.how), how);
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
	expect("struct s { int a; } v;", "struct s { int a; } __attribute__((aligned(8))) v;",
	       "struct s");
	expect(S("int a : 3, b : 5;"), S("int a : 4, b : 4;"), "struct s");
	expect(S("char a[4];"), S("char a[3]; char b;"), "struct s");
	expect(S("struct { int a, b; } in[2];"), S("struct { long a; } in[2];"), "struct s");
	expect(S("union { int a; char b; } u;"), S("union { int a; short b; } u;"), "struct s");
	expect(S("struct s *next; const char *n;"), S("void *next; const volatile char *n;"), "");
	expect("union u { int a; } v;", "union u { int a; long b; } v;", "union u");
	expect("typedef struct { int a; } t; t v;", "typedef struct { int a, b; } t; t v;", "t,v");
	/* one that is new or gone, and one inside another */
	expect(S("int a;"), "struct n { int a; } v;", "");
	expect("struct i { int a; }; " S("struct i i;"), "struct i { long a; }; " S("struct i i;"),
	       "struct i,struct s");
}

/* The member is named, and where it was. */
static void in_words(void **state)
{
	(void)state;
	expect_how(S("int a; long b;"), S("int a; long c; long b;"),
		   "member b is at byte 16 instead of byte 8");
	expect_how(S("int a; long b;"), S("int a; long b; long c;"),
		   "it has 24 bytes instead of 16");
	expect_how(S("int a[2][3];"), S("int a[9][3];"), "member a has 108 bytes instead of 24");
	expect_how(S("int n; int list[];"), S("int n; int list[1];"),
		   "member list has 4 bytes instead of 0");
	expect_how(S("char a[8]; int b;"), S("char a[4]; int b[2];"),
		   "member a has 4 bytes instead of 8");
	expect_how(S("int a : 3, b : 5;"), S("int a : 3, b : 6;"),
		   "member b is at bit 3, 6 bits wide instead of bit 3, 5 bits wide");
	/* The same places, but not the same members in them. */
	expect_how(S("int a, b;"), S("int b, a;"), "member a is at byte 4 instead of byte 0");
	expect_how(S("long a;"), S("void *p;"), "member p is in the place of member a");
	expect_how(S("struct { int a; } x; int b;"), S("struct { short a, c; } x; int b;"),
		   "member a has 2 bytes instead of 4");
}

static void enumerators(void **state)
{
	(void)state;
	expect("enum e { A, B } v;", "enum e { A, B, C } v;", "");
	expect("enum e { A, B } v;", "enum e { A, X, B } v;", "B");
	expect_how("enum e { A, B } v;", "enum e { A, X, B } v;", "its value is 2 instead of 1");
	expect("enum { A = 1, B } v;", "enum { A = -1, B = 2 } v;", "A");
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

/* What the objects that are there hold must be what the new code takes it for. */
static void kinds(void **state)
{
	(void)state;
	expect_how(S("long a;"), S("void *a;"), "member a is of another kind than it was");
	expect_how(S("int a[2];"), S("long a[1];"), "member a is of another kind than it was");
	expect_how(S("int a[2];"), S("long a;"), "member a is of another kind than it was");
	expect(S("int a;"), S("enum { A, B } a;"), "");
	expect(S("int a;"), S("struct { int counter; } a;"), "");
	expect(S("int a[2];"), S("struct { int counter; } a[2];"), "");
	expect(S("int a;"), S("struct { int counter : 3; } a;"), "struct s");
	expect(S("int a;"), S("_Atomic int a;"), "");
	expect(S("struct { int x; } a;"), S("union { int x; } a;"), "struct s");
	expect("struct p { void *x, *y; }; " S("struct p p;"),
	       "struct q { void *x; long y; }; " S("struct q p;"), "struct s");
	/* pointers */
	expect("struct p { int a; } p; struct q { int a; } q; " S("struct p *to;"),
	       "struct p { int a; } p; struct q { int a; } q; " S("struct q *to;"), "struct s");
	expect_how(S("struct p *to;"), S("union q *to;"),
		   "member to points to union q instead of struct p");
	expect_how(S("struct p *to;"), S("union p *to;"),
		   "member to points to union p instead of struct p");
	expect(S("struct p *to;"), S("void *to;"), "");
	expect(S("struct p *to;"), S("struct p *const volatile to;"), "");
	expect(S("int *to;"), S("unsigned char *to;"), "");
	expect(S("int *to;"), S("enum { A, B } *to;"), "");
	expect_how(S("unsigned short *to;"), S("unsigned *to;"),
		   "member to points to 4 bytes instead of 2");
	expect_how("typedef short t; " S("const t *to;"), "typedef long t; " S("const t *to;"),
		   "member to points to 8 bytes instead of 2");
}

static void renamed(void **state)
{
	(void)state;
	expect("struct p { int a; struct p *n; } p; " S("struct p *to; struct p in;"),
	       "struct q { int b; struct q *n; } p; " S("struct q *to; struct q in;"), "");
	expect("struct p { int a; } p; " S("struct p *to;"),
	       "struct q { int a, b; } p; " S("struct q *to;"), "struct s,p");
	/* the old name is still there; the new one was; another size; another member */
	expect("struct p { int a; } p; " S("struct p *to;"),
	       "struct p { int a; } p; struct q { int a; } q; " S("struct q *to;"), "struct s");
	expect("struct p { int a; } p; struct q { int a; } q; " S("struct p *to;"),
	       "struct q { int a; } q; " S("struct q *to;"), "struct s");
	expect("struct p { int a; }; " S("struct p *to;") "struct p *p;",
	       "struct q { int a; } __attribute__((aligned(8))); " S("struct q *to;"), "struct s");
	expect("struct p { int a; }; " S("struct p *to;"),
	       "struct q { int a; char z[0]; }; " S("struct q *to;"), "struct s");
	expect("typedef int t; " S("t a;"), "typedef unsigned u; " S("const u a;"), "");
	expect("struct p { int a; } v;", "union p { int a; } v;", "");
}

static void within(void **state)
{
	(void)state;
	/* without names, and deep */
	expect_how(S("int a; union { int b; struct { short c, d; }; };"),
		   S("int a; union { int b; struct { short d, c; }; };"),
		   "member c is at byte 2 instead of byte 0");
	expect_how(S("struct { struct { int x; int y; } in; } out;"),
		   S("struct { struct { int x; int *y; } in; } out;"),
		   "member out has 16 bytes instead of 8");
	expect_how(S("struct { struct { int x; int y; } in; } out; "),
		   S("struct { struct { int x; int y : 9; } in; } out;"),
		   "member y is at bit 32, 9 bits wide instead of byte 4");
	expect(S("int n; struct { int a; } list[];"), S("int n; struct { int a; } list[];"), "");
	expect_how(S("int n; struct { int a; } list[];"), S("int n; struct { long a; } list[];"),
		   "member list is at byte 8 instead of byte 4");
	expect_how("union u { int a; char b; } v;", "union u { int a; char b; short c; } v;",
		   "it has 3 members instead of 2");
}

/* gcc writes bit fields in two ways. */
static void older_form(void **state)
{
	char *dir = unit_make_dir();
	_cleanup_elf_object_ struct elf_object *a =
		compile_as(dir, "-gdwarf-4", S("int a : 3, b : 5; long c : 40;"));
	_cleanup_elf_object_ struct elf_object *b =
		compile(dir, S("int a : 3, b : 5; long c : 40;"));
	_cleanup_elf_object_ struct elf_object *c =
		compile_as(dir, "-gdwarf-4", S("int a : 3, b : 4; long c : 40;"));
	_cleanup_(notes_free) struct notes found = NOTES;

	(void)state;
	assert_int_equal(layout_compare(a, b, note, &found), 0);
	assert_string_equal(buf_str(&found.how), "");
	assert_int_equal(layout_compare(b, c, note, &found), 0);
	assert_string_equal(buf_str(&found.how),
			    "member b is at bit 3, 4 bits wide instead of bit 3, 5 bits wide");
	unit_remove_dir(dir);
}

static void damaged(void **state)
{
	static const char *const sections[] = { ".debug_info", ".debug_abbrev", ".debug_str" };
	static const char text[] = S("int a : 3; union { struct s *b[3]; enum { A, B } c; };");
	char *dir = unit_make_dir();
	_cleanup_elf_object_ struct elf_object *a = compile(dir, text);
	_cleanup_elf_object_ struct elf_object *b = compile(dir, text);
	_cleanup_(notes_free) struct notes found = NOTES;

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(sections); n++) {
		struct elf_section *s = elf_object_section(b, sections[n]);

		assert_non_null(s);
		/* nothing beyond the sections, no endless loop */
		for (uint64_t i = 0; i < s->size * 8; i++) {
			s->data[i / 8] ^= (uint8_t)(1U << (i % 8));
			(void)layout_compare(a, b, note, &found);
			buf_clear(&found.names);
			buf_clear(&found.how);
			s->data[i / 8] ^= (uint8_t)(1U << (i % 8));
		}
	}

	struct elf_section *s = elf_object_section(b, ".debug_info");

	s->size = 30;
	assert_int_equal(layout_compare(a, b, note, &found), ERR_INVALID);
	s->name = ".none";
	assert_int_equal(layout_compare(a, b, note, &found), 0);
	unit_remove_dir(dir);
}

static void variables(void **state)
{
	(void)state;
	expect("int v[2];", "unsigned v[2];", "");
	expect("int v[2];", "int v[3];", "");
	expect("int v[2];", "short v[4];", "v");
	expect("int *v;", "unsigned *const v;", "");
	expect("unsigned short *v;", "unsigned *v;", "v");
	expect("extern long v; long *w = &v;", "extern void *v; void *w = &v;", "v");
	expect("struct p { int x, y; } v; struct q { int y, x; } w;",
	       "struct p { int x, y; } w; struct q { int y, x; } v;", "v,w");
	expect("struct p { int x, y; } v;", "struct q { int a, b; } v;", "");
	expect("int v;", "int w; long *u;", "");
	expect("struct { int x; } v;", "int v;", "");
	expect("struct { int x; } __attribute__((aligned(8))) v;", "int v;", "v");
	expect_how("int v[2];", "short v[4];", "it holds another type than it did");
}

/* Static variables of functions are state as well; what is constant is not, and the rest is on the
 * stack. */
static void variables_of_functions(void **state)
{
	static const char was[] =
		"int f(int x) { static int v[2]; return v[x]++; }\n"
		"int g(int x) { if (x) { static long w; return w++; } return 0; }\n"
		"static inline int h(int x) { static int u[2]; return u[x]++; }\n"
		"int i(int x) { return h(x); }\n"
		"int k(int x) { int on[2] = { x }; return *(volatile int *)&on[0]; }\n";
	static const char is[] =
		"int f(int x) { static short v[4]; return v[x]++; }\n"
		"int g(int x) { if (x) { static char *w; return (long)w++; } return 0; }\n"
		"static inline int h(int x) { static short u[4]; return u[x]++; }\n"
		"int i(int x) { return h(x); }\n"
		"int k(int x) { short on[4] = { x }; return *(volatile short *)&on[0]; }\n";

	(void)state;
	expect(was, was, "");
	expect(was, is, "h.u,g.w,f.v");
	expect("int f(int x) { static const int v[2] = { 1, 2 }; return v[x]; }",
	       "int f(int x) { static const short v[4] = { 1, 2 }; return v[x]; }", "");
	expect("const int v[2]; int *const w = 0; static volatile const int x; int *y;",
	       "const short v[4]; short *const w = 0; static volatile const float x; int *y;", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structures),
		cmocka_unit_test(in_words),
		cmocka_unit_test(enumerators),
		cmocka_unit_test(within_functions),
		cmocka_unit_test(kinds),
		cmocka_unit_test(renamed),
		cmocka_unit_test(within),
		cmocka_unit_test(older_form),
		cmocka_unit_test(damaged),
		cmocka_unit_test(variables),
		cmocka_unit_test(variables_of_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
