/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run-pre matching, scene by scene: a unit and another file are compiled and linked into a shipped
 * module, the unit is compiled again, perhaps with a difference, and one function is compared. What
 * is told apart by a reference, by a place or by a content alone has a scene here.
 */
#include "build/proof/runpre.h"
#include "base/hash.h"
#include "build/proof/sites.h"
#include "shipped_module.h"

static const char info[] =
	"__attribute__((section(\".modinfo\"))) const char v[] = \"vermagic=test \";\n";

struct scene {
	const char *what;
	const char *unit;    /* as shipped */
	const char *rebuilt; /* NULL: the same */
	const char *other;   /* another file of the module; NULL: nothing */
	bool first;          /* the unit comes before the other file */
	bool stock;          /* there is a build without sections too */
	bool only_stock;     /* and it alone counts */
	shipped_mutate_fn mutate_rebuilt, mutate_shipped;
	const char *function;
	const char *wanted; /* "equal", "equal at N", or words of the reason */
};

struct stage {
	char *dir;
	struct kernel kernel;
	struct shipped *shipped;
	struct unit unit;
};

static void read_object(const struct stage *g, const char *name, struct buf *ret)
{
	_cleanup_free_ char *path = shipped_in(g->dir, name);
	struct error err = { 0 };

	*ret = BUF_INIT(1 << 20);
	assert_ok(file_read(path, ret, &err), &err);
}

static void ship(struct stage *g, const struct scene *s)
{
	_cleanup_free_ char *a = shipped_in(g->dir, "a.o"), *b = shipped_in(g->dir, "b.o");
	_cleanup_free_ char *i = shipped_in(g->dir, "i.o"), *ko = shipped_in(g->dir, "test.ko");
	struct error err = { 0 };

	shipped_compile(g->dir, s->unit, "a.o", false);
	shipped_compile(g->dir, s->other ? s->other : "", "b.o", false);
	shipped_compile(g->dir, info, "i.o", false);
	shipped_run((const char *const[]){ "ld", "-r", "--build-id=sha1", "-o", ko,
					   s->first ? a : b, s->first ? b : a, i, NULL });
	if (s->mutate_shipped)
		shipped_mutate(ko, s->mutate_shipped, NULL);
	shipped_write(g->dir, "modules.order", "test.ko\n");
	g->kernel = (struct kernel){ .release = (char *)"6.0", .modules = g->dir };
	assert_ok(shipped_open(&g->kernel, "test", &g->shipped, &err), &err);
}

static void set_up(struct stage *g, const struct scene *s)
{
	const char *rebuilt = s->rebuilt ? s->rebuilt : s->unit;
	_cleanup_free_ char *r = NULL;

	*g = (struct stage){ .dir = unit_make_dir() };
	r = shipped_in(g->dir, "r.o");
	ship(g, s);
	g->unit = (struct unit){ .path = (char *)"a.c",
				 .object_path = (char *)"a.o",
				 .object = (char *)"test",
				 .runtime_const = s->only_stock };
	shipped_compile(g->dir, rebuilt, "r.o", true);
	if (s->mutate_rebuilt)
		shipped_mutate(r, s->mutate_rebuilt, NULL);
	read_object(g, "r.o", &g->unit.original);
	if (!s->stock && !s->only_stock)
		return;
	shipped_compile(g->dir, rebuilt, "s.o", false);
	read_object(g, "s.o", &g->unit.stock);
}

static void tear_down(struct stage *g)
{
	shipped_free(g->shipped);
	buf_free(&g->unit.original);
	buf_free(&g->unit.stock);
	unit_remove_dir(g->dir);
}

static struct runpre *compare(struct stage *g, const char *name, struct reason_list *bad)
{
	struct runpre *out = NULL;
	struct error err = { 0 };

	assert_ok(runpre_check(g->shipped, &g->unit, &name, 1, bad, &out, &err), &err);
	return out;
}

static void play(const struct scene *scenes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_reason_list_ struct reason_list bad = { 0 };
		const struct scene *s = &scenes[i];
		char said[1024];
		struct stage g;

		set_up(&g, s);

		_cleanup_runpre_ struct runpre *r = compare(&g, s->function, &bad);

		if (bad.n > 0)
			snprintf(said, sizeof(said), "%s: %s", reason_name(bad.items[0].code),
				 bad.items[0].message);
		else
			snprintf(said, sizeof(said), "equal at %u", r->functions[0].sympos);
		if (!strstr(said, s->wanted))
			fail_msg("%s: '%s' does not hold '%s'", s->what, said, s->wanted);
		tear_down(&g);
	}
}

#define NOINLINE "__attribute__((noinline, noclone)) "

static struct elf_symbol *symbol(struct elf_object *o, const char *name)
{
	struct elf_symbol *y = elf_object_symbol(o, name);

	if (!y)
		fail_msg("no symbol %s", name);
	return y;
}

/* The one relocation of a section in a range whose target is that section or symbol. */
static struct elf_rela *rela_in(struct elf_section *s, uint64_t from, uint64_t size,
				const char *target)
{
	for (size_t i = 0; s->rela && i < s->rela->rela_count; i++) {
		struct elf_rela *r = &s->rela->relas[i];
		const struct elf_symbol *y = r->symbol;

		if (r->offset - from < size &&
		    (streq(y->name, target) ||
		     (y->section && y->type == STT_SECTION && streq(y->section->name, target))))
			return r;
	}
	fail_msg("nothing refers to %s", target);
	return NULL;
}

static struct elf_rela *rela_of(struct elf_object *o, const char *function, const char *target)
{
	const struct elf_symbol *f = symbol(o, function);

	return rela_in(f->section, f->value, f->size, target);
}

static const char twin_unit[] = "extern int outside(int); static int counter;\n" NOINLINE
				"static int twin(int x) { counter += x; return outside(x) + 3; }\n"
				"int first(int x) { return twin(x) * 5; }\n";
/* The same bytes, other references. */
static const char twin_other[] = "extern int another(int); static int counter;\n" NOINLINE
				 "static int twin(int x) { counter += x; return another(x) + 3; }\n"
				 "int third(int x) { return twin(x) * 7; }\n";
/* Not a difference. */
static const char twin_same[] = "extern int outside(int); static int counter;\n" NOINLINE
				"static int twin(int x) { counter += x; return outside(x) + 3; }\n"
				"int third(int x) { return twin(x) * 7; }\n";

/* Other bytes. */
static const char twin_third[] = "extern int outside(int); static int counter;\n" NOINLINE
				 "static int twin(int x) { counter -= x; return outside(x) + 4; }\n"
				 "int third(int x) { return twin(x) * 7; }\n";

static void inner_symbol(struct elf_object *ko, void *user)
{
	const struct elf_symbol *first = symbol(ko, "first");
	struct elf_symbol *y = elf_object_add_symbol(ko, "inner");

	(void)user;
	y->type = STT_FUNC;
	y->binding = STB_GLOBAL;
	y->section = first->section;
	y->value = first->value + 4;
	y->size = 4;
}

/* The call of `twin` in first(), which the assembler knew the distance of, goes to the other
 * file's.
 */
static void call_other_twin(struct elf_object *ko, void *user)
{
	const struct elf_symbol *first = symbol(ko, "first");
	const struct elf_symbol *twin = symbol(ko, "twin"); /* of two: the other file's */
	uint8_t *call = memchr(first->section->data + first->value, 0xe8, first->size);
	int32_t distance;

	(void)user;
	assert_non_null(call);
	distance = (int32_t)(twin->section->data + twin->value - (call + 5));
	assert_memory_not_equal(call + 1, &distance, sizeof(distance));
	memcpy(call + 1, &distance, sizeof(distance));
}

/* Each is taught by the next, and comes before it. */
#define CHAIN(top)                                                  \
	"extern int outside(int);\n" NOINLINE                       \
	"static int w(int x) { return outside(x) * 3; }\n" NOINLINE \
	"static int v(int x) { return w(x) + 5; }\n" NOINLINE       \
	"static int u(int x) { return v(x) + 7; }\n"                \
	"int " top "(int x) { return u(x) + 1; }\n"

static void names(void **state)
{
	/* Nothing tells which of two weak and equal ones it is but the place of its neighbour. */
	static const char weak[] =
		"extern int outside(int);\n"
		"int plain(int x) { return outside(x) * 9; }\n"
		"__attribute__((weak)) int again(int x) { return outside(x) * 11; }\n";
	static const char weak_called[] =
		"extern int outside(int);\n"
		"__attribute__((weak)) int again(int x) { return outside(x) * 11; }\n"
		"int caller(int x) { return again(x) + 1; }\n";
	static const char weak_twin[] =
		"extern int outside(int);\n"
		"__attribute__((used)) static int again(int x) { return outside(x) * 11; }\n";
	static const struct scene scenes[] = {
		{ "another function begins within", twin_unit, .mutate_shipped = inner_symbol,
		  .function = "first", .wanted = "shipped code is shorter" },
		{ "by a reference", twin_unit, .other = twin_other, .function = "twin",
		  .wanted = "equal at 2" },
		{ "by a reference, the first", twin_unit, .other = twin_other, .first = true,
		  .function = "twin", .wanted = "equal at 1" },
		{ "by who calls it", twin_unit, .other = twin_same, .function = "twin",
		  .wanted = "equal at 2" },
		{ "by nothing, equal", weak_twin, .other = weak_twin, .function = "again",
		  .wanted = "has it 2 times with equal code" },
		{ "by its neighbour", weak, .other = weak_twin, .stock = true, .function = "again",
		  .wanted = "equal at 2" },
		{ "by who calls it by its name alone", weak_called, .other = weak_twin,
		  .function = "again", .wanted = "equal at 2" },
		{ "by who calls who calls it", CHAIN("top"), .other = CHAIN("pot"), .function = "w",
		  .wanted = "equal at 2" },
		{ "another of its name is called", twin_unit, .other = twin_third,
		  .mutate_shipped = call_other_twin, .function = "first",
		  .wanted = "references to .text.twin do not agree" },
		{ "another with the same bytes is called", twin_unit, .other = twin_other,
		  .mutate_shipped = call_other_twin, .function = "first",
		  .wanted = "references to .text.twin do not agree" },
	};

	(void)state;
	play(scenes, ARRAY_SIZE(scenes));
}

/* Where the first of two of one name is the one, what it refers to is known afterwards too. */
static void what_it_teaches(void **state)
{
	static const char alone[] =
		"extern int outside(int); static int counter;\n__attribute__((used))\n" NOINLINE
		"static int twin(int x) { counter += x; return outside(x) + 3; }\n";
	static const struct scene scene = { .unit = alone, .other = twin_other, .first = true };
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	uint64_t where;
	struct stage g;

	(void)state;
	set_up(&g, &scene);

	_cleanup_runpre_ struct runpre *r = compare(&g, "twin", &bad);

	assert_true(runpre_where(r, "counter", &where));
	assert_int_equal(shipped_sympos(g.shipped, "counter", where), 1);
	tear_down(&g);
}

static const char far_unit[] =
	"extern int far, far2;\nint one(void) { return far; }\n"
	"int two(void) { return far2 + 1; }\nint both(void) { return far - *(volatile int *)&far2; }\n";
static const char far_rebuilt[] =
	"extern int far;\nextern int copy __asm__(\"far\");\nint one(void) { return far; }\n"
	"int two(void) { return far + 1; }\nint both(void) { return far - *(volatile int *)&copy; }\n";
static const char far_other[] = "int far = 1, far2 = 2;\n";

static void two_of_a_name(struct elf_object *ko, void *user)
{
	(void)user;
	symbol(ko, "far2")->name = "far";
}

static void local_far(struct elf_object *ko, void *user)
{
	(void)user;
	symbol(ko, "far")->binding = STB_LOCAL;
}

static void local_of_a_name(struct elf_object *ko, void *user)
{
	struct elf_symbol *y = symbol(ko, "far2");

	(void)user;
	y->name = "far";
	y->binding = STB_LOCAL;
}

static void renamed_far(struct elf_object *ko, void *user)
{
	(void)user;
	symbol(ko, "far")->name = "near";
}

static void others(void **state)
{
	static const char both[] = "extern int far, far2;\n"
				   "int both(void) { return far - *(volatile int *)&far2; }\n";
	static const char both_rebuilt[] =
		"extern int far; extern int copy __asm__(\"far\");\n"
		"int both(void) { return far - *(volatile int *)&copy; }\n";
	static const char maybe[] =
		"__attribute__((weak, noinline)) int maybe(int x) { return x * 3; }\n"
		"int plain(int x) { return x * 9; }\nint user(int x) { return maybe(x) + 1; }\n";
	static const char strong[] = "int maybe(int x) { return x * 5; }\n";
	static const char gone[] = NOINLINE "int maybe(int x) { return x * 3; }\n"
					    "int plain(int x) { return x * 9; }\n";
	static const char gone_shipped[] = "int plain(int x) { return x * 9; }\n";
	static const char edited[] =
		"__attribute__((weak, noinline)) int maybe(int x) { return x * 7; }\n"
		"int plain(int x) { return x * 9; }\nint user(int x) { return maybe(x) + 1; }\n";
	static const char own[] = "static int far; int one(void) { return far++; }\n";
	static const char import[] = "extern int far; int one(void) { return far++; }\n";
	static const struct scene scenes[] = {
		{ "the first use", far_unit, far_rebuilt, far_other,
		  .mutate_shipped = two_of_a_name, .function = "one", .wanted = "equal at 0" },
		{ "the second use means another", far_unit, far_rebuilt, far_other,
		  .mutate_shipped = two_of_a_name, .function = "two",
		  .wanted = "references to far do not agree" },
		{ "two uses in one function", both, both_rebuilt, far_other,
		  .mutate_shipped = two_of_a_name, .function = "both",
		  .wanted = "references to far do not agree" },
		{ "one that the last link made local", far_unit, .other = far_other,
		  .mutate_shipped = local_far, .function = "one", .wanted = "equal at 0" },
		{ "a local one is not meant", far_unit, far_rebuilt, far_other,
		  .mutate_shipped = local_of_a_name, .function = "two",
		  .wanted = "something other than far" },
		{ "no such name", far_unit, .other = far_other, .mutate_shipped = renamed_far,
		  .function = "one", .wanted = "far, which is not in the symbol table of test" },
		{ "another object's", import, own, .function = "one",
		  .wanted = "it refers to far of another object" },
		{ "overridden", maybe, .other = strong, .stock = true, .function = "maybe",
		  .wanted = "overridden: maybe" },
		{ "beside what is overridden", maybe, .other = strong, .only_stock = true,
		  .function = "plain", .wanted = "equal at 0" },
		{ "calls what is overridden", maybe, .other = strong, .function = "user",
		  .wanted = "equal at 0" },
		{ "gone, and not weak", gone_shipped, gone, strong, .stock = true,
		  .function = "maybe", .wanted = "mismatch: maybe" },
		{ "weak, in its place, and different", maybe, edited, .stock = true,
		  .function = "maybe", .wanted = "mismatch: maybe" },
	};

	(void)state;
	play(scenes, ARRAY_SIZE(scenes));
}

/* Constants without a name, in the order x, y, z; the functions refer to them in another. */
#define UNNAMED(x, y, z)                                                                         \
	"__asm__(\".section .rodata\\n.Lx: .quad " x "\\n.Ly: .quad " y "\\n.Lz: .quad " z       \
	"\\n.text\");\n"                                                                         \
	"long read_z(void) { long r; __asm__(\"mov .Lz(%%rip), %0\" : \"=r\"(r)); return r; }\n" \
	"long read_x(void) { long r; __asm__(\"mov .Lx(%%rip), %0\" : \"=r\"(r)); return r; }\n" \
	"long read_y(void) { long r; __asm__(\"mov .Ly(%%rip), %0\" : \"=r\"(r)); return r; }\n"

/* One constant without a name before one with a name that nobody refers to. */
#define BEFORE_NAMED(x, y)                                                    \
	"__asm__(\".section .rodata\\n.Lx: .quad " x "\\nnamed: .quad " y     \
	"\\n.type named,@object\\n.size named,8\\n.globl named\\n.text\");\n" \
	"long read_x(void) { long r; __asm__(\"mov .Lx(%%rip), %0\" : \"=r\"(r)); return r; }\n"

/* A constant without a name that points to others without. */
#define POINTER(to)                                    \
	"__asm__(\".section .rodata\\n.Lx: .quad " to  \
	"\\n.Ly: .quad 5\\n.Lz: .quad 6\\n.text\");\n" \
	"long read_x(void) { long r; __asm__(\"mov .Lx(%%rip), %0\" : \"=r\"(r)); return r; }\n"

/* Two constants of 16 bytes that may be merged; the second half of the first is read. */
#define MERGED(low, high, next)                                                                \
	"__asm__(\".section .rodata.cst16,\\\"aM\\\",@progbits,16\\n.Lx: .quad " low ", " high \
	"\\n.quad " next ", 9\\n.text\");\n"                                                   \
	"long high(void) { long r; __asm__(\"mov .Lx+8(%%rip), %0\" : \"=r\"(r)); return r; }\n"

/* Two constants with names, in this order. */
#define TABLES(a, b)                                                                       \
	"__asm__(\".section .rodata\\nt1: .long 1, 2, " a                                  \
	", 4\\n.type t1,@object\\n.size t1,16\\n"                                          \
	"t2: .long 5, 6, 7, " b "\\n.type t2,@object\\n.size t2,16\\n.text\");\n"          \
	"int one(long i) { int r; __asm__(\"mov t1(,%1,4), %0\" : \"=r\"(r) : \"r\"(i)); " \
	"return r; }\n"                                                                    \
	"int two(long i) { int r; __asm__(\"mov t2(,%1,4), %0\" : \"=r\"(r) : \"r\"(i)); " \
	"return r; }\n"

#define OPERATIONS(second)                                                 \
	"extern int outside(int), another(int);\n"                         \
	"static int (*volatile ops1[2])(int) = { outside, outside };\n"    \
	"static int (*volatile ops2[2])(int) = { " second ", outside };\n" \
	"int one(int i) { return ops1[i & 1](i); }\nint two(int i) { return ops2[i & 1](i); }\n"

#define NODE(n, next) "static struct node n" n " = { &n" next ", " n " };\n"
#define LIST(last)                                                                              \
	"struct node { struct node *next; int number; };\nstatic struct node n0;\n"             \
	"static struct node n12 = { &n0, " last                                                 \
	" };\n" NODE("11", "12") NODE("10", "11") NODE("9", "10") NODE("8", "9") NODE(          \
		"7", "8") NODE("6", "7") NODE("5", "6") NODE("4", "5") NODE("3", "4") NODE("2", \
											   "3") \
		NODE("1",                                                                       \
		     "2") "static struct node n0 = { &n1, 77 };\n"                              \
			  "int walk(void) { volatile struct node *n = &n1; return n->number; }\n"

static void unnamed_counter(struct elf_object *ko, void *user)
{
	(void)user;
	symbol(ko, "counter")->name = ".Lcounter";
}

/* The string's reference in the rebuilt object, far behind its section. */
static void far_behind(struct elf_object *o, void *user)
{
	(void)user;
	rela_of(o, "word", ".rodata.word.str1.1")->addend += 1000;
}

static void contents(void **state)
{
	static const char word[] = "const char *word(void) { return \"a word\"; }\n";
	static const char counting[] =
		"static int counter; int count(void) { return counter++; }\n";
	static const char zeros[] = "static volatile int u, v; int get_u(void) { return u; }\n"
				    "int get_v(void) { return v; }\n";
	static const char zeros_moved[] =
		"static volatile int v, u; int get_v(void) { return v; }\n"
		"int get_u(void) { return u; }\n";
	static const struct scene scenes[] = {
		{ "unnamed", UNNAMED("1", "2", "3"), .function = "read_x", .wanted = "equal" },
		{ "the one before", UNNAMED("1", "2", "3"), UNNAMED("7", "2", "3"),
		  .function = "read_y", .wanted = "equal" },
		{ "the one behind", UNNAMED("1", "2", "3"), UNNAMED("1", "7", "3"),
		  .function = "read_x", .wanted = "equal" },
		{ "the first", UNNAMED("1", "2", "3"), UNNAMED("7", "2", "3"), .function = "read_x",
		  .wanted = "another content" },
		{ "the last", UNNAMED("1", "2", "3"), UNNAMED("1", "2", "7"), .function = "read_z",
		  .wanted = "another content" },
		{ "before a named one", BEFORE_NAMED("1", "2"), BEFORE_NAMED("1", "7"),
		  .function = "read_x", .wanted = "equal" },
		{ "a pointer", POINTER(".Ly"), .function = "read_x", .wanted = "equal" },
		{ "a pointer to another", POINTER(".Ly"), POINTER(".Lz"), .function = "read_x",
		  .wanted = "its references to .rodata do not agree" },
		{ "half of a merged one", MERGED("1", "2", "3"), .function = "high",
		  .wanted = "equal" },
		{ "its other half", MERGED("1", "2", "3"), MERGED("7", "2", "3"),
		  .function = "high", .wanted = "a constant of 16 bytes" },
		{ "the next", MERGED("1", "2", "3"), MERGED("1", "2", "7"), .function = "high",
		  .wanted = "equal" },
		{ "a table", TABLES("3", "8"), TABLES("3", "9"), .only_stock = true,
		  .function = "two", .wanted = "t2 has another content" },
		{ "another table", TABLES("3", "8"), TABLES("9", "8"), .only_stock = true,
		  .function = "one", .wanted = "t1 has another content" },
		{ "the table before", TABLES("3", "8"), TABLES("9", "8"), .only_stock = true,
		  .function = "two", .wanted = "equal" },
		{ "the table behind", TABLES("3", "8"), TABLES("3", "9"), .only_stock = true,
		  .function = "one", .wanted = "equal" },
		{ "functions in a table", OPERATIONS("outside"), OPERATIONS("another"),
		  .only_stock = true, .function = "two", .wanted = "outside, not to another" },
		{ "functions in the table behind", OPERATIONS("outside"), OPERATIONS("another"),
		  .only_stock = true, .function = "one", .wanted = "equal" },
		{ "a long list of named ones", LIST("12"), .function = "walk", .wanted = "equal" },
		{ "zeros without a name", counting, .mutate_shipped = unnamed_counter,
		  .function = "count", .wanted = "nothing tells whether it refers to .bss" },
		{ "zeros in another order", zeros, zeros_moved, .only_stock = true,
		  .function = "get_u", .wanted = "another place than" },
		{ "a text that is not there", word, .mutate_rebuilt = far_behind,
		  .function = "word", .wanted = "outside of .rodata.word.str1.1" },
	};

	(void)state;
	play(scenes, ARRAY_SIZE(scenes));
}

#define LOCKED(prefix)                                                            \
	"int locked; void take(void) { __asm__ volatile(\"1: .byte " prefix "\\n" \
	"incl locked(%rip)\\n.pushsection .smp_locks,\\\"a\\\"\\n.long 1b - .\\n" \
	".popsection\"); }\n"

#define COLD(number)                                                             \
	"extern void bad(int) __attribute__((cold)); extern int outside(int);\n" \
	"int hot(int x) { if (x == 3) { bad(x * " number "); bad(x + 1); } return outside(x); }\n"

/* What a static branch of the processor's features jumps to. */
#define SNIPPET(number, what)                                                 \
	"int flags, masks; void branch(void) { __asm__ volatile(\"jmp 6f\\n"  \
	".pushsection .altinstr_aux,\\\"ax\\\"\\n6: testb $" number ", " what \
	"(%rip)\\nnop\\n.popsection\"); }\n"

/* The reference of an instruction with a constant behind its field, to a string; and the same
 * where an unknown one comes before. */
#define BYTES(before)                                                                               \
	"__asm__(\".section .rodata.str1.1,\\\"aMS\\\",@progbits,1\\n.Ltext: .string \\\"ab\\\"\\n" \
	".text\");\nvoid look(void) { __asm__ volatile(\"" before "cmpb $98, .Ltext(%rip)\"); }\n"

static const char traced[] =
	"extern int outside(int); extern void __fentry__(void);\n"
	"int traced(int x) { __asm__ volatile(\"call __fentry__\"); return outside(x); }\n";

/* As objtool leaves it: a nop. */
static void without_call(struct elf_object *ko, void *user)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	struct elf_rela *r = rela_of(ko, "traced", "__fentry__");
	const struct elf_symbol *f = symbol(ko, "traced");

	(void)user;
	r->type = R_X86_64_NONE;
	memcpy(f->section->data + r->offset - 1, nop, sizeof(nop));
}

static void code(void **state)
{
	static const char f[] = "int f(int x) { return x * 3; }\n";
	static const char g[] = "int f(int x) { return x * 5; }\n";
	static const struct scene scenes[] = {
		{ "with a lock", LOCKED("0xf0"), .function = "take", .wanted = "equal" },
		{ "without the lock", LOCKED("0xf0"), LOCKED("0x3e"), .function = "take",
		  .wanted = "its code differs" },
		{ "with what is rare", COLD("5"), .function = "hot", .wanted = "equal" },
		{ "what is rare differs", COLD("5"), COLD("9"), .function = "hot",
		  .wanted = "mismatch: hot.cold" },
		{ "a snippet", SNIPPET("4", "flags"), .function = "branch", .wanted = "equal" },
		{ "another snippet", SNIPPET("4", "flags"), SNIPPET("8", "flags"),
		  .function = "branch", .wanted = "section .altinstr_aux is other code" },
		{ "it refers to another", SNIPPET("4", "flags"), SNIPPET("4", "masks"),
		  .function = "branch", .wanted = "another place than masks" },
		{ "a constant behind the field", BYTES(""), .function = "look", .wanted = "equal" },
		{ "an unknown instruction", BYTES(".byte 0x06;"), .function = "look",
		  .wanted = "an instruction that is not known refers to .rodata.str1.1" },
		{ "the call of ftrace", traced, .mutate_shipped = without_call,
		  .function = "traced", .wanted = "equal" },
		{ "only the build without sections counts", f, g, .only_stock = true,
		  .function = "f", .wanted = "its code differs" },
	};

	(void)state;
	play(scenes, ARRAY_SIZE(scenes));
}

/* The build in sections may be another code, and then the other decides. */
static void either_build(void **state)
{
	static const char shipped[] = "int f(int x) { return x * 3; }\n";
	static const char other[] = "int f(int x) { return x * 5; }\n";
	static const struct scene scene = { .unit = shipped, .rebuilt = other };
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	struct stage g;

	(void)state;
	set_up(&g, &scene);
	shipped_compile(g.dir, shipped, "s.o", false);
	read_object(&g, "s.o", &g.unit.stock);

	_cleanup_runpre_ struct runpre *r = compare(&g, "f", &bad);

	assert_int_equal(bad.n, 0);
	assert_int_equal(r->equal, 1);
	tear_down(&g);
}

/* The hash is over the shipped bytes, those of the mask zero; the mask is the relocated fields. */
static void mask_and_hash(void **state)
{
	static const struct scene scene = { .unit = twin_unit, .other = twin_other };
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	struct shipped_symbol y;
	char sha256[65];
	uint8_t bytes[256];
	struct stage g;

	(void)state;
	set_up(&g, &scene);

	_cleanup_runpre_ struct runpre *r = compare(&g, "first", &bad);
	const struct runpre_function *f = &r->functions[0];

	assert_int_equal(bad.n, 0);
	assert_true(shipped_find(g.shipped, "first", 1, &y));
	assert_true(f->size <= sizeof(bytes));
	memcpy(bytes, shipped_bytes(g.shipped, y.address, f->size), f->size);
	assert_int_equal(f->mask_count, 1); /* the call, whose distance is no relocation there */
	for (size_t i = 0; i < f->mask_count; i++) {
		assert_int_equal(f->mask[i].length, 4);
		assert_true(f->mask[i].offset + 4 <= f->size);
		assert_memory_not_equal(bytes + f->mask[i].offset, "\0\0\0\0", 4);
		memset(bytes + f->mask[i].offset, 0, 4);
	}
	assert_int_equal(hash_sha256_hex(bytes, f->size, sha256), 0);
	assert_string_equal(f->sha256, sha256);
	tear_down(&g);
}

static void functions_that_stay(void **state)
{
#define IN(section, name) \
	"__attribute__((section(\"" section "\"), used)) int " name "(void) { return 1; }\n"
	static const char all[] = COLD("5") IN(".init.text", "start") IN(".exit.text", "end")
		IN(".static_call.text", "tramp") IN(".altinstr_replacement", "alt")
			IN(".discard.text", "gone") IN(".text.hot", "__pfx_hot");
	static const struct scene scene = { .unit = all, .rebuilt = all, .stock = true };
	_cleanup_name_list_ struct name_list names = { 0 }, stock = { 0 };
	struct error err = { 0 };
	struct stage g;

	(void)state;
	set_up(&g, &scene);
	assert_ok(runpre_list(&g.unit, &names, &err), &err);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.items[0], "hot");
	g.unit.runtime_const = true;
	g.unit.original.len = 0;
	assert_ok(runpre_list(&g.unit, &stock, &err), &err);
	assert_int_equal(stock.n, 1);
	tear_down(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),         cmocka_unit_test(what_it_teaches),
		cmocka_unit_test(others),        cmocka_unit_test(contents),
		cmocka_unit_test(code),          cmocka_unit_test(either_build),
		cmocka_unit_test(mask_and_hash), cmocka_unit_test(functions_that_stay),
	};

	return cmocka_run_group_tests_name("runpre_refs", tests, NULL, NULL);
}
