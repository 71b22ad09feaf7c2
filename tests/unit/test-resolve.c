/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What undefined symbols of a patch become: imports, or livepatch symbols with the position that
 * the kernel counts; in a small "shipped module" that the test compiles and links.
 */
#include "build/diff/declared.h"
#include "build/patch/resolve.h"
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
	"__attribute__((section(\".modinfo\"))) const char v[] = \"vermagic=test \";\n"
	"int __this_module, mixed, pair1, pair2;\n"
	"int early(void) { return 1; }\n";
/* What is freed after initialisation, of a name that there is besides. */
static const char init[] =
	"__attribute__((section(\".init.text\"), used)) static int early(void) { return 2; }\n"
	"__attribute__((used)) static int mixed;\n";
/* Another unit, which gains a function and a variable for all and some for itself. */
static const char before[] = "extern int outside(int);\nint user(int x) { return outside(x); }\n";
static const char after[] =
	"extern int outside(int); int fresh_data; static int own_data;\n"
	"__attribute__((noinline)) int fresh(int x) { return outside(x + fresh_data); }\n"
	"__attribute__((noinline)) static int hush(int x) { return outside(x - own_data++); }\n"
	"int user(int x) { return fresh(x) + hush(x); }\n";
/* A module whose exports others use. */
static const char lender[] =
	"int lent(void) { return 1; }\n"
	"__attribute__((section(\".modinfo\"))) const char v[] = \"name=some_mod\\0vermagic=test \";\n";
/* Stands for the kernel, one without indirect branch tracking. */
static const char kernel[] =
	"void clear_relocate_add(void) { }\nint spaced(void) { return 1; }\nint __SCK__call;\n"
	"__attribute__((section(\".modinfo\"))) const char v[] = \"name=vmlinux\\0vermagic=test \";\n";
static const char versions[] = "0x00000001\toutside\tvmlinux\tEXPORT_SYMBOL\t\n"
			       "0x00000001\tspaced\tvmlinux\tEXPORT_SYMBOL\tSPACE\n"
			       "0x00000001\tlent\tlib/some-mod\tEXPORT_SYMBOL\t\n"
			       "0x00000001\tabsent\tlib/some-mod\tEXPORT_SYMBOL\t\n";

struct fixture {
	char *dir;
	struct kernel kernel;
	struct shipped *shipped, *vmlinux, *lender, *all[3];
	struct unit unit, other;
	struct analysis_unit analysed[2];
	struct analysis analysis;
	struct symvers *symvers;
	struct buf object; /* the extracted code */
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
	struct analysis_unit *u = &f->analysed[0];
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
	f->all[2] = f->lender;
	f->analysis = (struct analysis){
		.units = u,
		.unit_count = 1,
		.shipped = f->all,
		.shipped_count = 3,
		.symvers = f->symvers,
	};
}

/* The unit that gains something, of a module or of the kernel. */
static void add_other(struct fixture *f, const char *object)
{
	_cleanup_free_ char *b = shipped_in(f->dir, "before.o"), *a = shipped_in(f->dir, "after.o");
	struct diff_options options = { .name = "other.o", .unit = "other" };
	struct analysis_unit *u = &f->analysed[1];
	struct error err = { 0 };

	shipped_compile(f->dir, before, "before.o", true);
	shipped_compile(f->dir, after, "after.o", true);
	f->other = (struct unit){ .path = (char *)"other.c",
				  .object_path = (char *)"other.o",
				  .object = (char *)object };
	*u = (struct analysis_unit){ .unit = &f->other, .shipped = f->shipped };
	assert_ok(elf_object_load(b, &u->original, &err), &err);
	assert_ok(elf_object_load(a, &u->patched, &err), &err);
	assert_ok(diff_objects(u->original, u->patched, &options, &u->diff, &err), &err);
	assert_int_equal(diff_result(u->diff)->added_count, 2);
	assert_int_equal(diff_result(u->diff)->data_count, 2);
	f->analysis.unit_count = 2;
}

static void two_of_a_name(struct elf_object *ko, void *user)
{
	(void)user;
	elf_object_symbol(ko, "pair2")->name = "pair1";
}

/* A "module" of these objects; NULL ends them. */
static void join(const struct fixture *f, const char *to, const char *const *parts)
{
	_cleanup_free_ char *out = shipped_in(f->dir, to);
	_cleanup_free_ char *paths[4] = { 0 };
	const char *argv[10] = { "ld", "-r", "--build-id=sha1", "-o", out };

	for (size_t i = 0; parts[i]; i++)
		argv[5 + i] = paths[i] = shipped_in(f->dir, parts[i]);
	shipped_run(argv);
	for (size_t i = 1; i < ARRAY_SIZE(paths); i++)
		free(paths[i]);
}

static struct shipped *open_file(const struct fixture *f, const char *name)
{
	_cleanup_free_ char *path = shipped_in(f->dir, name);
	struct shipped *ret = NULL;
	struct error err = { 0 };

	assert_ok(shipped_open_file(path, &ret, &err), &err);
	return ret;
}

static void ship(struct fixture *f, bool swapped, const char *kernel_text)
{
	_cleanup_free_ char *ko = shipped_in(f->dir, "test.ko");
	struct error err = { 0 };

	shipped_compile(f->dir, unit_a, "a.o", false);
	shipped_compile(f->dir, unit_b, "b.o", false);
	shipped_compile(f->dir, info, "i.o", false);
	shipped_compile(f->dir, init, "n.o", false);
	shipped_compile(f->dir, kernel_text, "k.o", false);
	shipped_compile(f->dir, lender, "l.o", false);
	join(f, "test.ko", (const char *const[]){ "b.o", "a.o", "n.o", "i.o", NULL });
	join(f, "vmlinux.ko", (const char *const[]){ "k.o", NULL });
	join(f, "some-mod.ko", (const char *const[]){ "l.o", NULL });
	shipped_mutate(ko, two_of_a_name, NULL);
	if (swapped)
		shipped_mutate(ko, swap_twins, NULL);
	shipped_write(f->dir, "modules.order", "test.ko\n");
	f->kernel = (struct kernel){ .release = (char *)"6.0", .modules = f->dir };
	assert_ok(shipped_open(&f->kernel, "test", &f->shipped, &err), &err);
	f->vmlinux = open_file(f, "vmlinux.ko");
	f->lender = open_file(f, "some-mod.ko");
}

static void set_up(struct fixture *f, bool swapped, const char *kernel_text)
{
	_cleanup_free_ char *symvers = NULL, *e = NULL;
	struct error err = { 0 };

	*f = (struct fixture){ .dir = unit_make_dir() };
	symvers = shipped_in(f->dir, "Module.symvers");
	e = shipped_in(f->dir, "e.o");
	ship(f, swapped, kernel_text);
	shipped_compile(f->dir, unit_a, "r.o", true);
	shipped_compile(f->dir, "extern int __this_module; int use(void) { return __this_module; }",
			"e.o", true);
	shipped_write(f->dir, "Module.symvers", versions);
	assert_ok(symvers_load(symvers, &f->symvers, &err), &err);
	f->object = BUF_INIT(1 << 20);
	assert_ok(file_read(e, &f->object, &err), &err);
	analyse(f);
}

static void tear_down(struct fixture *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(f->analysed); i++) {
		runpre_free(f->analysed[i].runpre);
		diff_free(f->analysed[i].diff);
		elf_object_free(f->analysed[i].original);
		elf_object_free(f->analysed[i].patched);
	}
	reason_list_free(&f->analysis.reasons);
	symvers_free(f->symvers);
	for (size_t i = 0; i < ARRAY_SIZE(f->all); i++)
		shipped_free(f->all[i]);
	buf_free(&f->unit.original);
	buf_free(&f->object);
	unit_remove_dir(f->dir);
}

/* Resolves symbols of the unit, in words: "NAME of OBJECT at POSITION" for each, "+ MODULE" for
 * what must be named besides, or the reason's code. */
static void expect_all(struct fixture *f, struct extract_symbol *symbols, size_t n,
		       const char *wanted)
{
	_cleanup_resolution_ struct resolution found = { 0 };
	struct extract extract = { .object = BUF_INIT(1 << 20), .symbols = symbols };
	struct extract *extracts[] = { &extract, NULL };
	char text[512] = "";
	struct error err = { 0 };
	size_t len = 0;

	extract.symbol_count = n;
	extract.arena = arena_new(1 << 20);
	assert_int_equal(buf_append(&extract.object, f->object.data, f->object.len), 0);
	for (size_t i = 0; i < n; i++)
		symbols[i].symbol = symbols[i].symbol ? symbols[i].symbol : symbols[i].name;
	reason_list_free(&f->analysis.reasons);
	assert_ok(resolve_symbols(&f->analysis, extracts, &found, &err), &err);
	for (size_t i = 0; i < f->analysis.reasons.n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? "; " : "",
					reason_name(f->analysis.reasons.items[i].code));
	for (size_t i = 0; f->analysis.reasons.n == 0 && i < found.symbol_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s of %s at %u",
					len ? "; " : "", found.symbols[i].name,
					found.symbols[i].object, found.symbols[i].sympos);
	for (size_t i = 0; i < found.objects.n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " + %s",
					found.objects.items[i]);
	assert_string_equal(text, wanted);
	buf_free(&extract.object);
	arena_free(extract.arena);
}

static void expect(struct fixture *f, struct extract_symbol symbol, const char *wanted)
{
	expect_all(f, &symbol, 1, wanted);
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
	set_up(&f, false, kernel);
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
	set_up(&f, true, kernel);
	expect(&f, (struct extract_symbol)OWN("twin"), "twin of test at 1");
	tear_down(&f);
}

static void names_of_others(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	expect(&f, (struct extract_symbol)OTHER("outside"), "");
	expect(&f, (struct extract_symbol)OTHER("third"), "third of test at 0");
	expect(&f, (struct extract_symbol)OTHER("nowhere"), "unknown-symbol");
	/* file-static elsewhere: not to be had */
	expect(&f, (struct extract_symbol)OTHER("hidden"), "unknown-symbol");
	tear_down(&f);
}

/* Other shapes of the kernel's and the module's tables. */
static void names_that_tell(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	expect(&f, (struct extract_symbol)OTHER("mixed"), "mixed of test at 2");
	expect(&f, (struct extract_symbol)OTHER("pair1"), "unknown-symbol");
	expect(&f, (struct extract_symbol)OTHER("early"), "unknown-symbol");
	expect(&f, (struct extract_symbol)OWN("early"), "ambiguous-symbol");
	expect(&f, (struct extract_symbol){ .name = "mixed", .own = true }, "mixed of test at 2");
	/* the kernel's own, but not exported to modules */
	expect(&f, (struct extract_symbol)OTHER("clear_relocate_add"), "unknown-symbol");
	expect(&f, (struct extract_symbol)OTHER("spaced"), "spaced of vmlinux at 0");
	expect(&f, (struct extract_symbol)OTHER("__SCK__call"), "__SCK__call of vmlinux at 0");
	expect(&f, (struct extract_symbol)OTHER(DECLARED_PATCH_SYMBOL), "");
	/* another module's export */
	expect(&f, (struct extract_symbol)OTHER("lent"), "lent of some_mod at 0 + some_mod");
	expect(&f, (struct extract_symbol)OTHER("absent"), "ambiguous-symbol");
	tear_down(&f);
}

/* The same, for a file of the kernel itself. */
static void names_of_the_kernel(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	f.unit.object = (char *)"vmlinux";
	f.analysed[0].shipped = f.vmlinux;
	expect(&f, (struct extract_symbol)OTHER("outside"), "");
	expect(&f, (struct extract_symbol)OTHER("spaced"), "spaced of vmlinux at 0");
	expect(&f, (struct extract_symbol)OTHER("clear_relocate_add"),
	       "clear_relocate_add of vmlinux at 0");
	expect(&f, (struct extract_symbol)OTHER("nowhere"), "unknown-symbol");
	/* a local one of the name of an export is not that export */
	expect(&f, (struct extract_symbol)OWN("outside"), "unknown-symbol");
	tear_down(&f);
}

static void one_name_one_meaning(void **state)
{
	struct extract_symbol same[] = { OTHER("third"), OTHER("third") };
	struct extract_symbol two[] = { OTHER("third"), { .name = "mixed", .symbol = "third" } };
	struct extract_symbol lent[] = { OTHER("lent"), OTHER("lent") };
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	expect_all(&f, same, 2, "third of test at 0");
	expect_all(&f, two, 2, "ambiguous-symbol");
	expect_all(&f, lent, 2, "lent of some_mod at 0 + some_mod");
	tear_down(&f);
}

/* As if the file had another name for what is new in it. */
static void rename_new(struct analysis_unit *u, const char *from, const char *to)
{
	struct diff_function *added = (struct diff_function *)diff_result(u->diff)->added;

	for (size_t i = 0; i < diff_result(u->diff)->added_count; i++)
		if (streq(added[i].name, from)) {
			added[i].name = to;
			return;
		}
	fail_msg("nothing new is named %s", from);
}

static void what_is_new(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	add_other(&f, "test");
	expect(&f, (struct extract_symbol)OTHER("fresh"), "");
	expect(&f, (struct extract_symbol)OTHER("fresh_data"), "");
	expect(&f, (struct extract_symbol)OTHER("hush"), "unknown-symbol");
	expect(&f, (struct extract_symbol)OTHER("own_data"), "unknown-symbol");
	f.other.object = (char *)"vmlinux";
	expect(&f, (struct extract_symbol)OTHER("fresh"), "");
	f.other.object = (char *)"some_mod";
	expect(&f, (struct extract_symbol)OTHER("fresh"), "other-module");
	tear_down(&f);
}

/* Both files become one module: what is new in one must not take the place of what the other means,
 * nor of what is new there. */
static void new_names_of_two_files(void **state)
{
	struct analysis_unit *u;
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	add_other(&f, "vmlinux");
	u = &f.analysed[1];
	/* a name that the unit's own module has, or another one exports */
	rename_new(u, "fresh", "third");
	expect(&f, (struct extract_symbol)OTHER("third"), "ambiguous-symbol");
	expect(&f, (struct extract_symbol){ .name = "third", .own = true }, "ambiguous-symbol");
	assert_string_equal(f.analysis.reasons.items[0].file, "other.c");
	rename_new(u, "third", "lent");
	expect(&f, (struct extract_symbol)OTHER("lent"), "ambiguous-symbol");
	expect(&f, (struct extract_symbol)OTHER("third"), "third of test at 0");
	tear_down(&f);
}

/* They would be those of the livepatch that the code is linked into. */
static void names_of_every_module(void **state)
{
	static const char *const names[] = { "init_module", "cleanup_module", "__this_module",
					     DECLARED_PATCH_SYMBOL };
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	expect(&f, (struct extract_symbol){ .name = "cleanup_module", .own = true },
	       "ambiguous-symbol");
	expect(&f, (struct extract_symbol)OTHER("init_module"), "ambiguous-symbol");
	add_other(&f, "vmlinux");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_resolution_ struct resolution found = { 0 };
		struct extract nothing = { .object = f.object };
		struct extract *extracts[] = { &nothing, &nothing };
		struct error err = { 0 };

		rename_new(&f.analysed[1], i ? names[i - 1] : "fresh", names[i]);
		reason_list_free(&f.analysis.reasons);
		assert_ok(resolve_symbols(&f.analysis, extracts, &found, &err), &err);
		assert_int_equal(f.analysis.reasons.n, 1);
		assert_string_equal(f.analysis.reasons.items[0].subject, names[i]);
	}
	tear_down(&f);
}

static void new_twice(void **state)
{
	_cleanup_resolution_ struct resolution found = { 0 };
	struct extract nothing = { 0 };
	struct extract *extracts[] = { &nothing, &nothing };
	struct error err = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	add_other(&f, "vmlinux");
	nothing.object = f.object;
	diff_free(f.analysed[0].diff);
	f.analysed[0].diff = f.analysed[1].diff;
	assert_ok(resolve_symbols(&f.analysis, extracts, &found, &err), &err);
	/* not what is static */
	assert_int_equal(f.analysis.reasons.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct reason *reason = &f.analysis.reasons.items[i];

		assert_int_equal(reason->code, REASON_AMBIGUOUS_SYMBOL);
		assert_string_equal(reason->file, "other.c");
		assert_string_equal(reason->subject, i ? "fresh_data" : "fresh");
	}
	f.analysed[0].diff = NULL;
	tear_down(&f);
}

static void declared(void **state)
{
	static const struct {
		const char *symbol, *wanted;
	} cases[] = {
		{ "suture_sym.0.test.twin", "unknown-symbol" },
		{ "suture_sym.1.test.twin", "twin of test at 1 + test" },
		{ "suture_sym.2.test.twin", "twin of test at 2 + test" },
		{ "suture_sym.3.test.twin", "unknown-symbol" },
		{ "suture_sym.1.test.first", "first of test at 0 + test" },
		{ "suture_sym.0.test.early", "unknown-symbol" },
		{ "suture_sym.0.test.nowhere", "unknown-symbol" },
		{ "suture_sym.0.vmlinux.spaced", "spaced of vmlinux at 0" },
	};
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(&f, (struct extract_symbol){ .name = cases[i].symbol }, cases[i].wanted);
	tear_down(&f);
}

/* THIS_MODULE is the patched module, not the livepatch, which has a symbol of that name too. */
static void this_module(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, false, kernel);
	expect(&f, (struct extract_symbol)OTHER("__this_module"), "__this_module of test at 0");

	struct extract_symbol symbol = { .name = "__this_module", .symbol = "__this_module" };
	struct extract extract = { .object = f.object, .symbols = &symbol, .symbol_count = 1 };
	struct extract *extracts[] = { &extract };
	_cleanup_resolution_ struct resolution found = { 0 };
	_cleanup_elf_object_ struct elf_object *object = NULL;
	struct error err = { 0 };

	f.object = BUF_INIT(0);
	extract.arena = arena_new(1 << 20);
	assert_ok(resolve_symbols(&f.analysis, extracts, &found, &err), &err);
	assert_string_equal(found.symbols[0].symbol, "suture_ref..__this_module");
	assert_ok(elf_object_parse(extract.object.data, extract.object.len, "x", &object, &err),
		  &err);
	assert_null(elf_object_symbol(object, "__this_module"));
	assert_non_null(elf_object_symbol(object, "suture_ref..__this_module"));
	buf_free(&extract.object);
	arena_free(extract.arena);
	tear_down(&f);
}

/* Kernels before 6.3 relocate a patch for a module only once. */
static void older_kernels(void **state)
{
	static const char old[] = "int spaced(void) { return 1; }\n"
				  "__attribute__((section(\".modinfo\"))) const char v[] = "
				  "\"name=vmlinux\\0vermagic=test \";\n";
	struct fixture f;

	(void)state;
	set_up(&f, false, old);
	expect(&f, (struct extract_symbol)OTHER("third"), "module-reload");
	expect(&f, (struct extract_symbol)OTHER("spaced"), "spaced of vmlinux at 0");
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
	set_up(&f, false, kernel);

	_cleanup_free_ char *nothing = shipped_in(f.dir, "nothing.o"),
			    *gained = shipped_in(f.dir, "more.o");

	u = &f.analysed[0];
	shipped_compile(f.dir, "", "nothing.o", true);
	shipped_compile(f.dir, more, "more.o", true);
	diff_free(u->diff);
	elf_object_free(u->original);
	elf_object_free(u->patched);
	assert_ok(elf_object_load(nothing, &u->original, &err), &err);
	assert_ok(elf_object_load(gained, &u->patched, &err), &err);
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
		cmocka_unit_test(names_that_tell),
		cmocka_unit_test(names_of_the_kernel),
		cmocka_unit_test(one_name_one_meaning),
		cmocka_unit_test(what_is_new),
		cmocka_unit_test(declared),
		cmocka_unit_test(this_module),
		cmocka_unit_test(older_kernels),
		cmocka_unit_test(names_that_are_taken),
		cmocka_unit_test(new_names_of_two_files),
		cmocka_unit_test(new_twice),
		cmocka_unit_test(names_of_every_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
