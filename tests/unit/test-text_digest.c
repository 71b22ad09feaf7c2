/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which C texts count as the same: those whose differences nothing refers to, and no others. */
#include "unit.h"

#include "build/text/c_declaration.h"
#include "build/text/text_digest.h"
#include "build/text/word_table.h"

/* What every text begins with: a user of `used`, and types. */
#define BASE                                                    \
	"typedef unsigned int u32;\nstruct known { int a; };\n" \
	"extern int used(int x);\nint start(int x) { return used(x); }\n"

static bool same(const char *a, const char *b)
{
	char one[SHA256_HEX_LEN + 1], two[SHA256_HEX_LEN + 1];

	assert_int_equal(text_digest_code(a, strlen(a), one), 0);
	assert_int_equal(text_digest_code(b, strlen(b), two), 0);
	return streq(one, two);
}

static void expect(const char *more, bool nothing)
{
	_cleanup_free_ char *front = NULL, *back = NULL;

	assert_true(asprintf(&front, "%s\n" BASE, more) > 0);
	assert_true(asprintf(&back, BASE "%s\n", more) > 0);
	if (same(back, BASE) != nothing)
		fail_msg("%s counts as %s", more, nothing ? "something" : "nothing");
	/* In front nothing is known yet. */
	if (!nothing && same(front, BASE))
		fail_msg("%s in front counts as nothing", more);
}

#define FUNCTION(body) "static inline int f(int x) { " body " }"

static void what_counts_as_nothing(void **state)
{
	static const char *const texts[] = {
		"int f(int x);",
		"extern int f(int x);",
		"static int f(int x);",
		"static inline int f(int x);",
		"void *f(void *p, int (*call)(int, ...), char name[8]);",
		"const struct known *f(struct new_one *p);",
		"u32 f(u32 a)\n  __attribute__((nonnull, __format__(printf, 1, 2))) __attribute__(());",
		"__attribute__((__noreturn__)) void f(void);",
		"int f(void) __attribute__((deprecated(\"use g\")));",
		"extern u32 f;",
		"extern const char f[3 * (2 + 1)][4];",
		"extern struct known f __attribute__((aligned(8)));",
		"extern u32 *const f;",
		"struct f;",
		"union f;",
		"struct f; struct f *g(struct f *p);",
		FUNCTION("return x + 1;"),
		"static __inline__ __attribute__((__always_inline__)) int f(void) { return 0; }",
		FUNCTION("static u32 count; count++; return x ? 'a' : sizeof(\"}\");"),
		FUNCTION("__asm__ volatile(\"call used\" : : \"i\"(x) : \"memory\"); return x;"),
		FUNCTION("struct s { int a; } s = { x }; switch (x) { case 1: x++; "
			 "__attribute__((__fallthrough__)); default: ; } return s.a;"),
		FUNCTION("do { extern void check_1(void) __attribute__((__error__(\"no\"))); "
			 "if (x) check_1(); } while (0); return x;"),
		FUNCTION("__attribute__((__noreturn__)) extern void check_1(void); check_1();"),
		FUNCTION("if (x) used(x); else used(1); return used(x) * used(x);"),
		FUNCTION("return ({ int y = x; y + 1; });"),
		FUNCTION("extern int g(int);"),
		FUNCTION("x++; const __typeof__(x) y = x; const typeof(x) z = y; return z;"),
		FUNCTION("x++; static __attribute__((unused)) int y; return x;"),
		/* Only functions that count as nothing refer to it. */
		"int g(int); static inline int f(int x) { return g(x); }",
		"static inline int f(int x) { return f(x); }",
		"static inline int f(int); static inline int g(int x) { return f(x); } "
		"static inline int f(int x) { return g(x); }",
		" \t\n\f\v",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect(texts[i], true);
}

static void what_counts(void **state)
{
	static const char *const texts[] = {
		/* Definitions, types and checks. */
		"int f;",
		"static int f;",
		"extern int f = 1;",
		"int f(int x) { return x; }",
		"inline int f(int x) { return x; }",
		"inline int f(int x);",
		"__inline int f(int x);",
		"__inline__ int f(int x);",
		"static int f(int x) { return x; }",
		"extern inline int f(int x) { return x; }",
		"extern inline __attribute__((gnu_inline)) int f(int x) { return x; }",
		"typedef int f(int x);",
		"struct f { int a; };",
		"struct { int a; } f;",
		"enum f { F };",
		"enum f;",
		"enum { F } f(void);",
		"struct g { int a; } f(void);",
		"struct known { int b; } f(void);",
		"_Static_assert(sizeof(int) == 4, \"\");",
		";",
		/* Several at once, and forms that are not read. */
		"int f(int x), g(int x);",
		"extern int f, g;",
		"extern const char f[], *g;",
		"int (*f(int x))(int);",
		"int (f)(int x);",
		"extern int (f);",
		"f(int x);",
		"extern f;",
		"extern __typeof__(used) f;",
		"__typeof__(int) f(void);",
		"extern _Thread_local int f;",
		"extern __thread int f;",
		"int f(int x, struct { int a; } y);",
		"int f(int x) [[gnu::used]];",
		"extern int f [[gnu::used]];",
		"extern int f[sizeof(struct { int a; })];",
		"register unsigned long f asm(\"rsp\");",
		/* A structure that becomes known. */
		"struct new_one *f(void);",
		"extern struct new_one f;",
		/* Attributes and assembler that do something by themselves. */
		"int f(int x) __attribute__((alias(\"used\")));",
		"int f(int x) __attribute__((weak));",
		"int f(int x) __attribute__((__weak__, cold));",
		"int f(int x) __attribute__((ifunc(\"start\")));",
		"int f(int x) __attribute__((unknown));",
		"int f(int x) __attribute__((cold unused));",
		"int f(int x __attribute__((unknown)));",
		"int f(int x) __attribute__(cold);",
		"int f(int x) __attribute__((cold)(weak));",
		"int f __attribute__((unused)) (int x);",
		"int f(int x) __asm__(\"used\");",
		"extern int f asm(\"used\");",
		"extern int f __attribute__((section(\".data.f\")));",
		"static inline __attribute__((used)) int f(int x) { return x; }",
		"static inline __attribute__((__constructor__)) void f(void) { }",
		"static inline __attribute__((section(\".init\"))) void f(void) { }",
		"static inline void f(void) __attribute__((used)) { }",
		"asm(\".globl f\");",
		"__asm__(\"\");",
		/* The same within a body. */
		FUNCTION("static int y __attribute__((used)); return y;"),
		FUNCTION("static int y __attribute__((section(\".x\"))); return y;"),
		FUNCTION("[[gnu::used]] static int y; return y;"),
		FUNCTION("extern int g(int) __attribute__((weak)); return g(x);"),
		FUNCTION("extern int g asm(\"h\"); return g;"),
		FUNCTION("int g(int) __attribute__((const)); return g(x);"),
		FUNCTION("int g(int); return g(x);"),
		FUNCTION("{ u32 *g(int); } return 0;"),
		FUNCTION("_Noreturn void g(void); return 0;"),
		FUNCTION("inline int g(int y) { return y; } return g(x);"),
		FUNCTION("\n#pragma GCC optimize(\"O0\")\nreturn x;"),
		FUNCTION("_Pragma(\"GCC optimize\"); return x;"),
		/* Lines that do something by themselves. */
		"#pragma weak used",
		"static inline int f(int x)\n#pragma pack(1)\n{ return x; }",
		"int f(int x)\n#pragma pack(1)\n;",
		"extern int f\n#pragma pack(1)\n;",
		/* Functions that the compiler itself calls. */
		"void *memcpy(void *a, const void *b, unsigned long n);",
		"static inline void *memset(void *a, int b, unsigned long n) { return a; }",
		"static inline void __stack_chk_fail(void) { }",
		"long __udivdi3(long a, long b);",
		"int printf(const char *f, ...);",
		/* Old ways. */
		"static inline int f(a) int a; { return a; }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect(texts[i], false);
}

static void each_counts(const char *form, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *at = strchr(form, '@');
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, "%.*s%s%s", (int)(at - form), form, words[i], at + 1) >
			    0);
		expect(text, false);
	}
}

/* Words that say something of their own, and functions that the compiler knows or calls. */
static void words_that_count(void **state)
{
	static const char *const words[] = {
		"typedef",   "auto",         "register",      "asm",           "__asm",
		"__asm__",   "__thread",     "_Thread_local", "__auto_type",   "_Static_assert",
		"_Alignas",  "typeof",       "__typeof",      "__typeof__",    "_Pragma",
		"constexpr", "thread_local", "static_assert", "typeof_unqual", "alignas",
	};
	static const char *const functions[] = {
		"__builtin_x", "__asan_load", "__hwasan_x",    "__tsan_read",   "__ubsan_x",
		"__msan_x",    "__kcsan_x",   "__sanitizer_x", "__stack_chk_x", "__fentry__",
		"mcount",      "_mcount",     "__x86_x",       "__gcov_x",      "__gcc_x",
		"__cyg_x",     "__emutls_x",  "__tls_x",       "_Unwind_x",     "main",
		"memchr",      "strlen",      "strz",          "str09",         "stpcpy",
		"bcmp",        "bzero",       "puts",          "fputs",         "fwrite",
		"printf",      "fprintf",     "sprintf",       "snprintf",      "vprintf",
		"vsprintf",    "malloc",      "calloc",        "realloc",       "free",
		"abort",       "exit",        "ffs",           "abs",           "labs",
		"index",       "rindex",      "isalpha",       "toupper",       "__ashldi3",
		"__bswapdi2",  "__mulsc3",    "__powitf2",     "__divxi4",
	};

	(void)state;
	each_counts("extern @ int f;", words, ARRAY_SIZE(words));
	each_counts("int f(@ int x);", words, ARRAY_SIZE(words));
	each_counts("int @(int x);", functions, ARRAY_SIZE(functions));
	/* Not those that only begin alike. */
	expect("int mem_map(int x);", true);
	expect("int strLen(int x);", true);
	expect("int __x3(int x);", true);
	expect("int a__di3(int x);", true);
	expect("int __divdi5(int x);", true);
	expect("int __divdi1(int x);", true);
	expect("int __divds3(int x);", true);
}

/* Something that stays names `f`: as a word, in a string, in a line. */
static void uses(void **state)
{
	static const char *const users[] = {
		"int g(int x) { return f(x); }",
		"void *g = (void *)f;",
		"struct h { int f; };",
		"int g(int f) { return f; }",
		"asm(\"call f\");",
		"asm(\"call \\146\\n\");",
		"asm(\".set f1, \\x66\");",
		"asm(\".set x\\tf\");",
		"int g(void) { asm(\"call %P0\" : : \"i\"(f)); return 0; }",
		"int g(int) __attribute__((alias(\"f\")));",
		"int g(int x) { return __builtin_f(x); }",
		"#pragma weak f",
		"#pragma redefine_extname used f",
		/* By way of others that stay because of it. */
		"static inline int h(int x) { return f(x); } int g(int x) { return h(x); }",
		"static inline int h(int x) { static int y __attribute__((used)); return f(x); }",
	};
	static const char *const declarations[] = {
		"int f(int x);",
		"extern int f;",
		FUNCTION("return x;"),
		"struct f;",
		"static inline int i(int x) { extern int f(int); return f(x); }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		for (size_t k = 0; k < ARRAY_SIZE(declarations); k++) {
			_cleanup_free_ char *with = NULL, *without = NULL;

			assert_true(asprintf(&with, BASE "%s\n%s\n", declarations[k], users[i]) >
				    0);
			assert_true(asprintf(&without, BASE "%s\n", users[i]) > 0);
			if (same(with, without))
				fail_msg("%s is used by %s", declarations[k], users[i]);
		}
	assert_false(same(BASE "#pragma weak azAZ09_$\303\200\n",
			  BASE "int azAZ09_$\303\200(int);\n#pragma weak azAZ09_$\303\200\n"));
	/* Strings that stand together are one. */
	assert_false(same(BASE "asm(\"call ab\" \"cd\");",
			  BASE "int abcd(int);asm(\"call ab\" \"cd\");"));
	assert_true(
		same(BASE "asm(\"ab\" : \"cd\");", BASE "int abcd(int); asm(\"ab\" : \"cd\");"));
}

/* Signs that stand apart are others than those that stand together. */
static void punctuators(void)
{
	static const char *const joined[] = {
		"->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&",  "||",  "*=",
		"/=", "%=", "+=", "-=", "&=", "^=", "|=", "::", "..", "...", "<<=", ">>=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(joined); i++) {
		_cleanup_free_ char *a = NULL, *b = NULL;
		const char *j = joined[i];

		assert_true(asprintf(&a, BASE "int g = (a %s b);", j) > 0);
		assert_true(asprintf(&b, BASE "int g = (a %c %s b);", j[0], j + 1) > 0);
		if (same(a, b))
			fail_msg("%s counts as %c %s", j, j[0], j + 1);
	}
}

/* Does a string with that escape sequence between x and 7 name x?7? */
static void expect_escape(const char *escape, char c, bool named)
{
	_cleanup_free_ char *a = NULL, *b = NULL;

	assert_true(asprintf(&a, BASE "int x%c7(int);asm(\"call x%s7\");", c, escape) > 0);
	assert_true(asprintf(&b, BASE "asm(\"call x%s7\");", escape) > 0);
	if (same(a, b) == named)
		fail_msg("x%s7 %s x%c7", escape, named ? "is not" : "is", c);
}

static void escapes(void **state)
{
	static const char letters[] = "019_$azAZfFjJoO";
	char escape[16];

	(void)state;
	for (const char *c = letters; *c; c++) {
		snprintf(escape, sizeof(escape), "\\%03o", (unsigned)*c);
		expect_escape(escape, *c, true);
		snprintf(escape, sizeof(escape), "\\x%x\" \"", (unsigned)*c);
		expect_escape(escape, *c, true);
		snprintf(escape, sizeof(escape), "\\x%X\" \"", (unsigned)*c);
		expect_escape(escape, *c, true);
	}
	expect_escape("a", 'a', true);
	/* A signal, a line's end, a number of one digit: no parts of words. */
	expect_escape("\\a", 'a', false);
	expect_escape("\\n", 'n', false);
	expect_escape("\\1\" \"", '1', false);
}

static void changes(void **state)
{
	static const char *const others[][2] = {
		{ "a + +b", "a ++b" },     { "a = 1 . 5", "a = 1.5" },
		{ "a - >b", "a->b" },      { "1 e", "1e" },
		{ "a < < b", "a << b" },   { "\"a b\"", "\"a  b\"" },
		{ "'a'", "'b'" },          { "L\"a\"", "L \"a\"" },
		{ "a b", "ab" },           { "\"a\" \"b\"", "\"ab\"" },
		{ "a, b", "b, a" },        { "1u", "1" },
		{ "a : : b", "a :: b" },   { ". . .", "..." },
		{ "1e +b", "1e+b" },       { "1E - b", "1E-b" },
		{ "0x1p +1", "0x1p+1" },   { "0x1P -1", "0x1P-1" },
		{ "u\"a\"", "u \"a\"" },   { "U\"a\"", "U \"a\"" },
		{ "u8\"a\"", "u8 \"a\"" }, { "L'a'", "L 'a'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_free_ char *a = NULL, *b = NULL;

		assert_true(asprintf(&a, BASE "int g = (%s);", others[i][0]) > 0);
		assert_true(asprintf(&b, BASE "int g = (%s);", others[i][1]) > 0);
		if (same(a, b))
			fail_msg("%s counts as %s", others[i][0], others[i][1]);
	}
	punctuators();
	assert_true(same("int a=1,b ;int c;", "int\n a =\t1 , b;\n\nint c;\n"));
	assert_false(same("int a; int b;", "int b; int a;"));
	assert_false(same("#pragma pack(1)\nint a;", "int a;\n#pragma pack(1)\n"));
	assert_false(same("#pragma a\nb;", "#pragma a b\n;"));
	/* What changes in a function that is not used counts as little as the function. */
	assert_true(same(BASE FUNCTION("return x;"), BASE FUNCTION("return x + 1;")));
	assert_false(same(BASE FUNCTION("return x;") "int g(void) { return f(1); }",
			  BASE FUNCTION("return x + 1;") "int g(void) { return f(1); }"));
}

/* Not understood: then every byte counts, and no understood text is the same. */
static void strange_texts(void **state)
{
	static const char *const texts[] = {
		"int a; /* x */",
		"int a; // x",
		"int a<:1:>;",
		"int a <% b %>;",
		"int a %: b;",
		"char *a = R\"(x)\";",
		"char *a = LR\"(x)\";",
		"char *a = uR\"(x)\";",
		"char *a = UR\"(x)\";",
		"char *a = u8R\"(x)\";",
		"char *a = \"\\U00000066\";",
		"char *a = \"x\\\n\";",
		"int a\\\n;",
		"int a = 'x;",
		"int a = \"x;",
		"int a(;",
		"int a(];",
		"int a);",
		"{ int a; }",
		"int a",
		"# 1 \"x.c\"\nint a;",
		"#ident \"x\"\nint a;",
		"int a; #pragma pack(1)\n",
		"#pragma pack(1) \\\nint a;",
		"int a = 1'000'0;",
		"int a @ b;",
		"char *a = \"\\u0066\";",
		"int f(a) int a; { return a; }",
		"#pragma\nint a;",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *blank = NULL, *more = NULL;

		assert_true(asprintf(&blank, "%s ", texts[i]) > 0);
		assert_true(asprintf(&more, "int unused(void);%s", texts[i]) > 0);
		if (same(texts[i], blank) || same(texts[i], more))
			fail_msg("%s is understood", texts[i]);
		assert_true(same(texts[i], texts[i]));
	}
	assert_false(same("code\nint\na\n;\n", "int a;"));
	assert_true(same("", " \n"));
}

/* Deep nesting and words that were made to collide must end soon, whatever comes out. */
static void hostile_texts(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 24);
	char digest[SHA256_HEX_LEN + 1];
	struct c_tokens tokens = { 0 };

	(void)state;
	for (size_t i = 0; i < 2 * C_DEPTH_MAX; i++)
		assert_int_equal(buf_append_str(&text, "({["), 0);
	assert_int_equal(c_tokens_read(buf_str(&text), text.len, &tokens), ERR_TOO_LARGE);
	assert_int_equal(text_digest_code(buf_str(&text), text.len, digest), 0);
	buf_clear(&text);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(buf_printf(&text,
					    "static inline int f%zu(void) { return f%zu(); }\n", i,
					    i + 1),
				 0);
	assert_int_equal(text_digest_code(buf_str(&text), text.len, digest), 0);
	assert_true(same(buf_str(&text), ""));
	assert_int_equal(buf_append_str(&text, "int g(void) { return f0(); }"), 0);
	assert_false(same(buf_str(&text), "int g(void) { return f0(); }"));
}

static void word_tables(void **state)
{
	_cleanup_word_table_ struct word_table t = { 0 };
	char names[5000][8];
	size_t number;

	(void)state;
	assert_int_equal(word_table_find(&t, "a", 1), SIZE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(names[i], sizeof(names[i]), "%zu", i);
		assert_int_equal(word_table_add(&t, names[i], strlen(names[i]), &number), 0);
		assert_int_equal(number, i);
	}
	assert_int_equal(word_table_add(&t, "17x", 2, &number), 0);
	assert_int_equal(number, 17);
	assert_int_equal(word_table_find(&t, "4999", 4), 4999);
	assert_int_equal(word_table_find(&t, "5000", 4), SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_counts_as_nothing),
		cmocka_unit_test(what_counts),
		cmocka_unit_test(words_that_count),
		cmocka_unit_test(uses),
		cmocka_unit_test(escapes),
		cmocka_unit_test(changes),
		cmocka_unit_test(strange_texts),
		cmocka_unit_test(hostile_texts),
		cmocka_unit_test(word_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
