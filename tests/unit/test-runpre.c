/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run-pre matching against a small "shipped module" that the test compiles and links: the same code
 * is equal, a changed byte or another reference is seen, and functions of one name are told apart.
 */
#include "unit.h"

#include "base/process.h"
#include "build/runpre.h"
#include "build/sites.h"
#include "build/source.h"

#define FLAGS "-O2", "-fno-pic", "-mcmodel=kernel", "-fno-asynchronous-unwind-tables", "-g0"

/* Two units; each has a `twin` of its own. */
static const char unit_a[] =
	"extern int outside(int), another(int); int shared; static int counter;\n"
	"__attribute__((noinline)) static int twin(int x) { counter += x; return outside(x) + 3; }\n"
	"int first(int x) { return twin(x) * 5 + shared; }\n"
	"int second(int x) { return outside(twin(x + 1)); }\n"
	"int early(int x) { return outside(x) - 9; }\n";
static const char unit_b[] =
	"extern int outside(int); static int counter;\n"
	"__attribute__((noinline)) static int twin(int x) { counter -= x; return outside(x) + 4; }\n"
	"int third(int x) { return twin(x) * 7; }\n";
static const char info[] =
	"__attribute__((section(\".modinfo\"))) const char v[] = \"vermagic=test \";\n"
	"__attribute__((section(\".init.text\"), used)) static int early(void) { return 1; }\n";

struct fixture {
	char *dir;
	struct kernel kernel;
	struct shipped *shipped;
	struct unit unit;
	struct source_file file;
};

static char *in(const struct fixture *f, const char *name)
{
	char *path = path_join(f->dir, name, NULL);

	assert_non_null(path);
	return path;
}

static void run(const char *const *argv)
{
	struct process_options options = { .argv = argv, .timeout_ms = 60000 };
	struct error err = { 0 };

	assert_ok(process_run(&options, NULL, &err), &err);
}

static void compile(const struct fixture *f, const char *text, const char *name, bool sections)
{
	_cleanup_free_ char *source = NULL, *object = NULL;

	assert_true(asprintf(&source, "%s/%s.c", f->dir, name) > 0);
	assert_true(asprintf(&object, "%s/%s.o", f->dir, name) > 0);
	assert_int_equal(file_write_atomic(source, text, strlen(text), 0644, NULL), 0);
	run((const char *const[]){ "gcc", FLAGS, sections ? "-ffunction-sections" : "-DPLAIN",
				   sections ? "-fdata-sections" : "-DPLAIN2", "-c", "-o", object,
				   source, NULL });
}

/* Links a, b and info into DIR/modules/test.ko and opens it as the kernel's module "test". */
static void ship(struct fixture *f)
{
	_cleanup_free_ char *a = in(f, "a.o"), *b = in(f, "b.o"), *i = in(f, "i.o");
	_cleanup_free_ char *ko = in(f, "test.ko"), *order = in(f, "modules.order");
	struct error err = { 0 };

	run((const char *const[]){ "ld", "-r", "--build-id=sha1", "-o", ko, b, a, i, NULL });
	assert_int_equal(file_write_atomic(order, "test.ko\n", 8, 0644, NULL), 0);
	f->kernel = (struct kernel){ .release = (char *)"6.0", .modules = f->dir };
	assert_ok(shipped_open(&f->kernel, "test", &f->shipped, &err), &err);
}

static const struct source_file source = { .path = (char *)"a.c" };

static void set_up(struct fixture *f, const char *rebuilt)
{
	_cleanup_free_ char *o = NULL;
	struct error err = { 0 };

	*f = (struct fixture){ .dir = unit_make_dir() };
	compile(f, unit_a, "a", false);
	compile(f, unit_b, "b", false);
	compile(f, info, "i", false);
	ship(f);
	compile(f, rebuilt, "r", true);
	o = in(f, "r.o");
	f->unit = (struct unit){ .file = &source,
				 .object_path = (char *)"a.o",
				 .object = (char *)"test" };
	f->unit.original = BUF_INIT(1 << 20);
	assert_ok(file_read(o, &f->unit.original, &err), &err);
}

static void tear_down(struct fixture *f)
{
	shipped_free(f->shipped);
	buf_free(&f->unit.original);
	unit_remove_dir(f->dir);
}

static struct runpre *check(struct fixture *f, const char *name, struct reason_list *mismatches)
{
	struct runpre *out = NULL;
	struct error err = { 0 };

	assert_ok(runpre_check(f->shipped, &f->unit, &name, 1, mismatches, &out, &err), &err);
	return out;
}

static void the_same_code_is_equal(void **state)
{
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f, unit_a);

	_cleanup_runpre_ struct runpre *r = check(&f, "first", &bad);

	assert_int_equal(bad.n, 0);
	assert_int_equal(r->equal, 1);
	assert_int_equal(r->functions[0].sympos, 0);
	assert_true(r->functions[0].mask_count >= 2); /* the call of twin, and shared */
	assert_int_equal(strlen(r->functions[0].sha256), 64);
	tear_down(&f);
}

/* While a module loads, the kernel counts what is freed afterwards too. */
static void a_name_that_is_in_init_code_too(void **state)
{
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	struct shipped_symbol y;
	struct fixture f;

	(void)state;
	set_up(&f, unit_a);
	assert_int_equal(shipped_matches(f.shipped, "early"), 1);
	assert_true(shipped_is_settled(f.shipped, "first"));
	assert_false(shipped_is_settled(f.shipped, "early"));
	assert_true(shipped_find(f.shipped, "early", 1, &y));
	assert_int_equal(shipped_sympos(f.shipped, "early", y.address), -1);

	_cleanup_runpre_ struct runpre *r = check(&f, "early", &bad);

	assert_int_equal(bad.n, 1);
	assert_non_null(strstr(bad.items[0].message, "initialisation"));
	assert_int_equal(r->equal, 0);
	tear_down(&f);
}

/* The module has two symbols named twin; b's is the first. The references tell which is a's. */
static void equal_names_are_told_apart(void **state)
{
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	struct fixture f;
	uint64_t where;

	(void)state;
	set_up(&f, unit_a);
	assert_int_equal(shipped_matches(f.shipped, "twin"), 2);

	_cleanup_runpre_ struct runpre *r = check(&f, "twin", &bad);

	assert_int_equal(bad.n, 0);
	assert_int_equal(r->functions[0].sympos, 2);
	assert_true(runpre_where(r, "counter", &where));
	assert_int_equal(shipped_sympos(f.shipped, "counter", where), 2);
	assert_false(runpre_where(r, "nothing", &where));
	tear_down(&f);
}

static void expect_mismatch(const char *from, const char *to, const char *function, const char *why)
{
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	_cleanup_free_ char *text = strdup(unit_a);
	char *at = strstr(text, from);
	struct fixture f;

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	set_up(&f, text);

	_cleanup_runpre_ struct runpre *r = check(&f, function, &bad);

	assert_int_equal(r->equal, 0);
	assert_int_equal(bad.n, 1);
	if (!strstr(bad.items[0].message, why))
		fail_msg("'%s' does not hold '%s'", bad.items[0].message, why);
	tear_down(&f);
}

static void other_code_is_seen(void **state)
{
	(void)state;
	expect_mismatch("* 5", "* 9", "first", "first: its code differs");
	expect_mismatch("outside(twin", "another(twin", "second", "another");
	expect_mismatch("int second", "int secret", "secret", "no such function");
	expect_mismatch("int second", "int secret", "second", "no such function");
}

/* Sites: fields of relocations, whole calls of what is rewritten, and entries of special sections.
 */
static void places_that_change(void **state)
{
	static const char text[] =
		"extern void thunk(void) __asm__(\"__x86_return_thunk\");\n"
		"void f(void) { thunk();\n"
		"__asm__ volatile(\"1: lock; incl (%rax)\\n.pushsection .smp_locks,\\\"a\\\"\\n"
		".long 1b - .\\n.popsection\"); }\n";
	struct fixture f = { .dir = unit_make_dir() };
	_cleanup_elf_object_ struct elf_object *elf = NULL;
	_cleanup_sites_ struct sites sites = { 0 };
	_cleanup_free_ char *o = in(&f, "s.o");
	struct error err = { 0 };
	size_t masked = 0;

	(void)state;
	compile(&f, text, "s", true);
	assert_ok(elf_object_load(o, &elf, &err), &err);
	assert_ok(sites_collect(elf, &sites, &err), &err);

	const struct elf_symbol *y = elf_object_symbol(elf, "f");
	_cleanup_free_ uint8_t *map = calloc(1, y->size);

	sites_mark(&sites, y->section, y->value, y->size, false, map);
	for (size_t i = 0; i < y->size; i++) {
		masked += map[i];
		if (y->section->data[y->value + i] == 0xf0)
			assert_int_equal(map[i], 1);
	}
	/* five bytes of the call, one of the prefix, and endbr64 where the compiler makes it */
	assert_true(masked == 6 || masked == 10);
	unit_remove_dir(f.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_code_is_equal),
		cmocka_unit_test(a_name_that_is_in_init_code_too),
		cmocka_unit_test(equal_names_are_told_apart),
		cmocka_unit_test(other_code_is_seen),
		cmocka_unit_test(places_that_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
