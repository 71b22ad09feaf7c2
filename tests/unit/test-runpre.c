/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run-pre matching against a small "shipped module" that the test compiles and links: the same code
 * is equal, a changed byte or another reference is seen, and functions of one name are told apart.
 */
#include "build/proof/runpre.h"
#include "build/proof/sites.h"
#include "shipped_module.h"

/* Two units; each has a `twin` of its own. */
static const char unit_a[] =
	"extern int outside(int), another(int); int shared; static int counter;\n"
	"__attribute__((noinline)) static int twin(int x) { counter += x; return outside(x) + 3; }\n"
	"int first(int x) { return twin(x) * 5 + shared; }\n"
	"int second(int x) { return outside(twin(x + 1)); }\n"
	"int early(int x) { return outside(x) - 9; }\n"
	"static const int table[] = { 4, 8, 15, 16, 23, 42 };\n"
	"static const struct { const char *name; int (*f)(int); } ops[] = {\n"
	"{ \"alpha\", first }, { \"beta\", outside } };\n"
	"const char *word(int i) { return i > 9 ? \"a word\" : ops[i].name; }\n"
	"int look(int i) { return table[i] + ops[i & 1].f(i); }\n";
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

/* Links a, b and info into DIR/modules/test.ko and opens it as the kernel's module "test". */
static void ship(struct fixture *f)
{
	_cleanup_free_ char *a = shipped_in(f->dir, "a.o"), *b = shipped_in(f->dir, "b.o"),
			    *i = shipped_in(f->dir, "i.o");
	_cleanup_free_ char *ko = shipped_in(f->dir, "test.ko"),
			    *order = shipped_in(f->dir, "modules.order");
	struct error err = { 0 };

	shipped_run(
		(const char *const[]){ "ld", "-r", "--build-id=sha1", "-o", ko, b, a, i, NULL });
	assert_int_equal(file_write_atomic(order, "test.ko\n", 8, 0644, NULL), 0);
	f->kernel = (struct kernel){ .release = (char *)"6.0", .modules = f->dir };
	assert_ok(shipped_open(&f->kernel, "test", &f->shipped, &err), &err);
}

static void set_up(struct fixture *f, const char *rebuilt)
{
	_cleanup_free_ char *o = NULL;
	struct error err = { 0 };

	*f = (struct fixture){ .dir = unit_make_dir() };
	shipped_compile(f->dir, unit_a, "a.o", false);
	shipped_compile(f->dir, unit_b, "b.o", false);
	shipped_compile(f->dir, info, "i.o", false);
	ship(f);
	shipped_compile(f->dir, rebuilt, "r.o", true);
	o = shipped_in(f->dir, "r.o");
	f->unit = (struct unit){ .path = (char *)"a.c",
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
	_cleanup_free_ char *o = shipped_in(f.dir, "s.o");
	struct error err = { 0 };
	size_t masked = 0;

	(void)state;
	shipped_compile(f.dir, text, "s.o", true);
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

/* The function in the shipped file as it is, with one change made to it, and as it was again. */
struct mutation {
	struct fixture *f;
	const char *function;
	uint64_t at; /* for the mutation's use */
};

/* Is the function still found equal when the shipped module is changed? */
static bool survives(struct mutation *m, shipped_mutate_fn mutate)
{
	_cleanup_reason_list_ struct reason_list bad = { 0 };
	_cleanup_free_ char *ko = shipped_in(m->f->dir, "test.ko"),
			    *saved = shipped_in(m->f->dir, "saved.ko");
	struct error err = { 0 };

	shipped_run((const char *const[]){ "cp", ko, saved, NULL });
	shipped_mutate(ko, mutate, m);
	shipped_free(m->f->shipped);
	m->f->shipped = NULL;
	assert_ok(shipped_open(&m->f->kernel, "test", &m->f->shipped, &err), &err);

	_cleanup_runpre_ struct runpre *r = check(m->f, m->function, &bad);

	shipped_run((const char *const[]){ "mv", saved, ko, NULL });
	assert_int_equal(r->equal + (bad.n > 0), r->compared);
	return bad.n == 0;
}

static void nothing(struct elf_object *ko, void *user)
{
	(void)ko;
	(void)user;
}

/* Flips a bit of the function's code, or of what stands behind it. */
static void flip(struct elf_object *ko, void *user)
{
	struct mutation *m = user;
	const struct elf_symbol *y = elf_object_symbol(ko, m->function);

	assert_non_null(y);
	y->section->data[y->value + m->at] ^= 0x20;
}

static bool is_relocated(const struct elf_symbol *y, uint64_t at)
{
	const struct elf_section *rela = y->section->rela;

	for (size_t i = 0; i < rela->rela_count; i++)
		if (y->value + at - rela->relas[i].offset < 4)
			return true;
	return false;
}

/* Every byte of the code but the relocated fields, which the linker fills in. */
static void every_byte_counts(void **state)
{
	static const char *const names[] = { "first", "second", "word", "look" };
	_cleanup_elf_object_ struct elf_object *ko = NULL;
	struct mutation m = { 0 };
	struct error err = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f, unit_a);
	_cleanup_free_ char *path = shipped_in(f.dir, "test.ko");
	assert_ok(elf_object_load(path, &ko, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct elf_symbol *y = elf_object_symbol(ko, names[i]);

		m = (struct mutation){ .f = &f, .function = names[i] };
		assert_true(survives(&m, nothing));
		for (m.at = 0; m.at < y->size; m.at++)
			if (survives(&m, flip) && !is_relocated(y, m.at))
				fail_msg("%s: byte %d may be anything", names[i], (int)m.at);
	}
	tear_down(&f);
}

/* Where the function's nth relocation is; NULL if it has not so many. */
static struct elf_rela *nth_rela(struct elf_object *ko, const struct mutation *m)
{
	const struct elf_symbol *y = elf_object_symbol(ko, m->function);
	struct elf_section *rela = y->section->rela;
	uint64_t n = m->at;

	for (size_t i = 0; i < rela->rela_count; i++)
		if (rela->relas[i].offset - y->value < y->size && n-- == 0)
			return &rela->relas[i];
	return NULL;
}

static void move_target(struct elf_object *ko, void *user)
{
	nth_rela(ko, user)->addend += 1;
}

static void other_type(struct elf_object *ko, void *user)
{
	struct elf_rela *rela = nth_rela(ko, user);

	rela->type = rela->type == R_X86_64_32S ? R_X86_64_PC32 : R_X86_64_32S;
}

static void other_symbol(struct elf_object *ko, void *user)
{
	struct elf_rela *rela = nth_rela(ko, user);
	bool outside = !rela->symbol->section && streq(rela->symbol->name, "outside");

	rela->symbol = elf_object_symbol(ko, outside ? "third" : "outside");
	assert_non_null(rela->symbol);
}

static void every_reference_counts(void **state)
{
	static const char *const names[] = { "first", "second", "word", "look" };
	static const shipped_mutate_fn mutations[] = { move_target, other_type, other_symbol };
	struct fixture f;
	size_t count = 0;

	(void)state;
	set_up(&f, unit_a);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_elf_object_ struct elf_object *ko = NULL;
		_cleanup_free_ char *path = shipped_in(f.dir, "test.ko");
		struct mutation m = { .f = &f, .function = names[i] };
		struct error err = { 0 };

		assert_ok(elf_object_load(path, &ko, &err), &err);
		for (m.at = 0; nth_rela(ko, &m); m.at++)
			for (size_t k = 0; k < ARRAY_SIZE(mutations); k++, count++)
				if (survives(&m, mutations[k]))
					fail_msg("%s: reference %d, mutation %zu", names[i],
						 (int)m.at, k);
	}
	assert_true(count >= 18);
	tear_down(&f);
}

static void replace(struct elf_object *ko, const char *from, const char *to, size_t len)
{
	for (size_t i = 0; i < ko->section_count; i++) {
		struct elf_section *s = ko->sections[i];
		uint8_t *at = s->data && (s->flags & SHF_ALLOC)
				      ? memmem(s->data, s->size, from, len)
				      : NULL;

		if (at) {
			memcpy(at, to, len);
			return;
		}
	}
	fail_msg("no '%s' in the shipped module", from);
}

static void other_text(struct elf_object *ko, void *user)
{
	(void)user;
	replace(ko, "a word", "a ward", sizeof("a word") - 1);
}

static void shorter_text(struct elf_object *ko, void *user)
{
	(void)user;
	replace(ko, "a word", "a wor\0", sizeof("a word") - 1);
}

static void text_of_table(struct elf_object *ko, void *user)
{
	(void)user;
	replace(ko, "alpha", "alphe", sizeof("alpha") - 1);
}

static void other_number(struct elf_object *ko, void *user)
{
	(void)user;
	replace(ko, "\x17\0\0\0\x2a", "\x17\0\0\0\x2b", sizeof("\x17\0\0\0\x2a") - 1);
}

static void pointer_of_table(struct elf_object *ko, void *user)
{
	struct elf_symbol *ops = elf_object_symbol(ko, "ops");
	struct elf_section *rela = ops->section->rela;

	(void)user;
	for (size_t i = 0; i < rela->rela_count; i++)
		if (rela->relas[i].offset == ops->value + 8) {
			rela->relas[i].symbol = elf_object_symbol(ko, "second");
			rela->relas[i].addend = 0;
			return;
		}
	fail_msg("ops has no first function");
}

/* Behind the function, where only padding may be. */
static void longer(struct elf_object *ko, void *user)
{
	struct mutation *m = user;
	const struct elf_symbol *y = elf_object_symbol(ko, m->function);

	m->at = y->size;
	assert_true(y->value + y->size < y->section->size && (y->value + y->size) % 16);
	y->section->data[y->value + y->size] = 0x50;
}

static void contents_count(void **state)
{
	static const struct {
		const char *function;
		shipped_mutate_fn mutate;
		bool survives;
	} cases[] = {
		{ "word", other_text, false },    { "word", shorter_text, false },
		{ "word", text_of_table, false }, { "word", pointer_of_table, false },
		{ "look", other_number, false },  { "look", pointer_of_table, false },
		{ "first", other_text, true },    { "second", other_number, true },
		{ "first", longer, false },
	};
	struct fixture f;

	(void)state;
	set_up(&f, unit_a);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mutation m = { .f = &f, .function = cases[i].function };

		if (survives(&m, cases[i].mutate) != cases[i].survives)
			fail_msg("case %zu: %s", i, cases[i].function);
	}
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_code_is_equal),
		cmocka_unit_test(a_name_that_is_in_init_code_too),
		cmocka_unit_test(equal_names_are_told_apart),
		cmocka_unit_test(other_code_is_seen),
		cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(every_reference_counts),
		cmocka_unit_test(contents_count),
		cmocka_unit_test(places_that_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
