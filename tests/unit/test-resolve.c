/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What undefined symbols of a patch become: imports, or livepatch symbols with the position that
 * the kernel counts; in a small "shipped module" that the test compiles and links.
 */
#include "build/resolve.h"
#include "shipped_module.h"

/* Two units, each with a `twin` and a `hidden` of its own. */
static const char unit_a[] =
	"extern int outside(int); int shared; "
	"__attribute__((used)) static int hidden; static volatile int mine;\n"
	"__attribute__((noinline)) static int twin(int x) { return outside(x) + 3; }\n"
	"int first(int x) { mine = x; return twin(x) * 5 + shared; }\n";
static const char unit_b[] =
	"extern int outside(int); static volatile int hidden;\n"
	"__attribute__((noinline)) static int twin(int x) { return outside(x) + 4; }\n"
	"int third(int x) { hidden = x; return twin(x) * 7; }\n";
static const char info[] =
	"__attribute__((section(\".modinfo\"))) const char v[] = \"vermagic=test \";\n";
/* Stands for the kernel, one without indirect branch tracking. */
static const char kernel[] =
	"void clear_relocate_add(void) { }\n"
	"__attribute__((section(\".modinfo\"))) const char v[] = \"name=vmlinux\\0vermagic=test \";\n";
static const char versions[] = "0x00000001\toutside\tvmlinux\tEXPORT_SYMBOL\t\n";

struct fixture {
	char *dir;
	struct kernel kernel;
	struct shipped *shipped, *vmlinux, *all[2];
	struct unit unit;
	struct analysis_unit analysed;
	struct analysis analysis;
	struct symvers *symvers;
	struct buf empty; /* an object without code */
};

/* The kernel goes through a module's symbols in the order of their table, wherever they are. */
static void swap_twins(struct elf_object *ko, void *user)
{
	struct elf_symbol **twin[2], *first;
	size_t n = 0;

	(void)user;
	for (size_t i = 0; i < ko->symbol_count && n < 2; i++)
		if (streq(ko->symbols[i]->name, "twin"))
			twin[n++] = &ko->symbols[i];
	assert_int_equal(n, 2);
	assert_true((*twin[0])->value < (*twin[1])->value);
	first = *twin[0];
	*twin[0] = *twin[1];
	*twin[1] = first;
}

static void analyse(struct fixture *f)
{
	_cleanup_free_ char *o = shipped_in(f->dir, "r.o");
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	struct diff_options options = { .name = "a.o", .unit = "a" };
	struct analysis_unit *u = &f->analysed;
	struct error err = { 0 };

	f->unit = (struct unit){ .path = (char *)"a.c",
				 .object_path = (char *)"a.o",
				 .object = (char *)"test" };
	f->unit.original = BUF_INIT(1 << 20);
	assert_ok(file_read(o, &f->unit.original, &err), &err);
	*u = (struct analysis_unit){ .unit = &f->unit, .shipped = f->shipped };
	assert_ok(elf_object_load(o, &u->original, &err), &err);
	assert_ok(elf_object_load(o, &u->patched, &err), &err);
	assert_ok(diff_objects(u->original, u->patched, &options, &u->diff, &err), &err);
	assert_ok(runpre_check(f->shipped, &f->unit, (const char *const[]){ "first" }, 1, &bad,
			       &u->runpre, &err),
		  &err);
	assert_int_equal(bad.n, 0);
	f->all[0] = f->shipped;
	f->all[1] = f->vmlinux;
	f->analysis = (struct analysis){
		.units = u,
		.unit_count = 1,
		.shipped = f->all,
		.shipped_count = 2,
		.symvers = f->symvers,
	};
}

static void set_up(struct fixture *f, bool swapped)
{
	struct error err = { 0 };

	*f = (struct fixture){ .dir = unit_make_dir() };

	_cleanup_free_ char *a = shipped_in(f->dir, "a.o"), *b = shipped_in(f->dir, "b.o"),
			    *i = shipped_in(f->dir, "i.o");
	_cleanup_free_ char *k = shipped_in(f->dir, "k.o"),
			    *vmlinux = shipped_in(f->dir, "vmlinux.ko");
	_cleanup_free_ char *ko = shipped_in(f->dir, "test.ko"),
			    *symvers = shipped_in(f->dir, "Module.symvers");

	shipped_compile(f->dir, unit_a, "a.o", false);
	shipped_compile(f->dir, unit_b, "b.o", false);
	shipped_compile(f->dir, info, "i.o", false);
	shipped_compile(f->dir, unit_a, "r.o", true);
	shipped_run(
		(const char *const[]){ "ld", "-r", "--build-id=sha1", "-o", ko, b, a, i, NULL });
	shipped_compile(f->dir, kernel, "k.o", false);
	shipped_run((const char *const[]){ "ld", "-r", "--build-id=sha1", "-o", vmlinux, k, NULL });
	if (swapped)
		shipped_mutate(ko, swap_twins, NULL);
	shipped_write(f->dir, "modules.order", "test.ko\n");
	shipped_write(f->dir, "Module.symvers", versions);
	f->kernel = (struct kernel){ .release = (char *)"6.0", .modules = f->dir };
	assert_ok(shipped_open(&f->kernel, "test", &f->shipped, &err), &err);
	assert_ok(shipped_open_file(vmlinux, &f->vmlinux, &err), &err);
	assert_string_equal(shipped_object(f->vmlinux), "vmlinux");
	assert_ok(symvers_load(symvers, &f->symvers, &err), &err);
	f->empty = BUF_INIT(1 << 20);
	assert_ok(file_read(i, &f->empty, &err), &err);
	analyse(f);
}

static void tear_down(struct fixture *f)
{
	runpre_free(f->analysed.runpre);
	diff_free(f->analysed.diff);
	elf_object_free(f->analysed.original);
	elf_object_free(f->analysed.patched);
	reason_list_free(&f->analysis.reasons);
	symvers_free(f->symvers);
	shipped_free(f->shipped);
	shipped_free(f->vmlinux);
	buf_free(&f->unit.original);
	buf_free(&f->empty);
	unit_remove_dir(f->dir);
}

/* Resolves one symbol: "NAME of OBJECT at POSITION", "" for an import, or the reason's code. */
static void expect(struct fixture *f, struct extract_symbol symbol, const char *wanted)
{
	_cleanup_resolution_ struct resolution found = { 0 };
	struct extract extract = { .object = f->empty, .symbols = &symbol, .symbol_count = 1 };
	struct extract *extracts[] = { &extract };
	char text[128] = "";
	struct error err = { 0 };

	symbol.symbol = symbol.symbol ? symbol.symbol : symbol.name;
	reason_list_free(&f->analysis.reasons);
	assert_ok(resolve_symbols(&f->analysis, extracts, &found, &err), &err);
	if (f->analysis.reasons.n > 0)
		snprintf(text, sizeof(text), "%s", reason_name(f->analysis.reasons.items[0].code));
	else if (found.symbol_count > 0)
		snprintf(text, sizeof(text), "%s of %s at %u", found.symbols[0].name,
			 found.symbols[0].object, found.symbols[0].sympos);
	assert_string_equal(text, wanted);
}

#define OWN(what)                                                                        \
	{                                                                                \
		.name = what, .symbol = "suture_ref.a." what, .local = true, .own = true \
	}
#define OTHER(what)          \
	{                    \
		.name = what \
	}

static void names_of_its_own(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, false);
	expect(&f, (struct extract_symbol)OWN("twin"), "twin of test at 2");
	expect(&f, (struct extract_symbol)OWN("mine"), "mine of test at 0");
	/* Two of them, and nothing that was compared refers to it. */
	expect(&f, (struct extract_symbol)OWN("hidden"), "ambiguous-symbol");
	expect(&f, (struct extract_symbol)OWN("nowhere"), "unknown-symbol");
	tear_down(&f);
}

static void order_is_the_table_s(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, true);
	expect(&f, (struct extract_symbol)OWN("twin"), "twin of test at 1");
	tear_down(&f);
}

static void names_of_others(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, false);
	expect(&f, (struct extract_symbol)OTHER("outside"), "");
	expect(&f, (struct extract_symbol)OTHER("third"), "third of test at 0");
	expect(&f, (struct extract_symbol)OTHER("nowhere"), "unknown-symbol");
	/* file-static elsewhere: not to be had */
	expect(&f, (struct extract_symbol)OTHER("hidden"), "unknown-symbol");
	tear_down(&f);
}

/* A patch may not bring a global that is there already: neither in the module nor in the kernel. */
static void names_that_are_taken(void **state)
{
	static const char more[] =
		"int fresh; int third(int x) { return x + fresh; }\n"
		"int hidden;\n"
		"int clear_relocate_add = 4; int fresh_one(void) { return 2; }\n";
	static const char *const taken[] = { "clear_relocate_add", "third" };
	struct diff_options options = { .name = "i.o", .unit = "i" };
	struct analysis_unit *u;
	struct error err = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f, false);

	_cleanup_free_ char *before = in(&f, "i.o"), *after = in(&f, "more.o");

	u = &f.analysed;
	compile(&f, more, "more.o", true);
	diff_free(u->diff);
	elf_object_free(u->original);
	elf_object_free(u->patched);
	assert_ok(elf_object_load(before, &u->original, &err), &err);
	assert_ok(elf_object_load(after, &u->patched, &err), &err);
	assert_ok(diff_objects(u->original, u->patched, &options, &u->diff, &err), &err);
	assert_ok(resolve_check_new(&f.analysis, u, &err), &err);
	reason_list_sort(&f.analysis.reasons);
	assert_int_equal(f.analysis.reasons.n, ARRAY_SIZE(taken));
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		assert_int_equal(f.analysis.reasons.items[i].code, REASON_AMBIGUOUS_SYMBOL);
		assert_string_equal(f.analysis.reasons.items[i].subject, taken[i]);
	}
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_its_own),
		cmocka_unit_test(order_is_the_table_s),
		cmocka_unit_test(names_of_others),
		cmocka_unit_test(names_that_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
