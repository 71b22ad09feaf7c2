/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a patch changes, found in a small tree that a real compiler compiles; and the tree with the
 * patch in it. */
#include "unit.h"

#include <sys/stat.h>

#include "build/unit/affected.h"
#include "build/source/patch_file.h"

#define COMPILER "cc -Wp,-MMD,x.d -D__KERNEL__ -g -O2 -I%s/include "

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name, NULL);
	_cleanup_free_ char *folder = path ? strndup(path, (size_t)(path_base(path) - path)) : NULL;

	assert_non_null(folder);
	assert_int_equal(file_make_dirs(folder, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

/* Of the code that makes lists: what other code made is made again. */
extern const char lists_code[];

struct run {
	char *dir, *tree, *build;
	struct kernel kernel;
	struct kbuild kb;
	struct buf list;
	struct source_set *sources;
	struct overlay *overlay;
	struct reason_list reasons;
	struct unit_set units;
	struct error err;
};

static void add_line(struct run *r, const char *object, const char *source, const char *how)
{
	assert_int_equal(buf_printf(&r->list, "%s\t%s\tsavedcmd_%s := " COMPILER "%s -o %s %s/%s\n",
				    object, source, object, r->tree, how, object, r->tree, source),
			 0);
}

static void set_up(struct run *r)
{
	*r = (struct run){ .dir = unit_make_dir(), .list = BUF_INIT(1 << 20) };
	r->tree = path_join(r->dir, "tree", NULL);
	r->build = path_join(r->dir, "build", NULL);
	assert_true(r->tree && r->build && mkdir(r->build, 0755) == 0);
	r->kernel = (struct kernel){ .folder = r->dir, .build = r->build };
	r->kb = (struct kbuild){ .kernel = &r->kernel, .source = r->tree, .jobs = 2 };
	put(r->dir, "tree/include/h.h", "#define ONE 1\n#define TWO 2\n#define SIZE 8\n");
	put(r->dir, "tree/fs/one.c", "#include <h.h>\nint one(void) { return ONE; }\n");
	put(r->dir, "tree/fs/two.c", "#include <h.h>\nint two(void) { return TWO; }\n");
	put(r->dir, "tree/arch/x86/kernel/asm-offsets.c",
	    "#include <h.h>\nvoid f(void);\n"
	    "void f(void) { asm volatile(\".ascii \\\"->SIZE %0\\\"\" : : \"i\"(SIZE)); }\n");
	put(r->dir, "tree/arch/x86/kernel/vmlinux.lds.S",
	    "#include <h.h>\nSECTIONS { . = ALIGN(SIZE); }\n");
	put(r->dir, "tree/arch/x86/entry/vdso/v.c",
	    "#include <h.h>\nint v(void) { return SIZE; }\n");
	put(r->dir, "tree/arch/x86/lib/l.S",
	    "#include <h.h>\n.globl l\nl:\n\tmov $SIZE, %eax\n\tret\n");
	assert_int_equal(buf_append_str(&r->list, "suture units 2\n"), 0);
	add_line(r, "arch/x86/entry/vdso/v.o", "arch/x86/entry/vdso/v.c", "-fPIC -c");
	add_line(r, "arch/x86/kernel/asm-offsets.s", "arch/x86/kernel/asm-offsets.c", "-S");
	add_line(r, "arch/x86/kernel/vmlinux.lds", "arch/x86/kernel/vmlinux.lds.S",
		 "-E -P -D__ASSEMBLY__ -DLINKER_SCRIPT");
	add_line(r, "arch/x86/lib/l.o", "arch/x86/lib/l.S", "-D__ASSEMBLY__ -c");
	add_line(r, "fs/one.o", "fs/one.c", "-c");
	add_line(r, "fs/two.o", "fs/two.c", "-c");
}

/* Applies the patch (of include/h.h, if it is only its hunk) and finds what it changes. */
static int find(struct run *r, const char *hunk, bool all)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
	struct patch_file *patch = NULL;
	bool whole = str_has_prefix(hunk, "---");

	put(r->dir, "units/list", buf_str(&r->list));
	put(r->dir, "units/code", lists_code);
	assert_int_equal(buf_printf(&text, "%s%s",
				    whole ? "" : "--- a/include/h.h\n+++ b/include/h.h\n", hunk),
			 0);
	assert_ok(patch_file_parse(buf_str(&text), text.len, "p", &r->reasons, &patch, &r->err),
		  &r->err);
	assert_int_equal(source_set_new(r->tree, &r->sources), 0);
	assert_ok(source_set_apply(r->sources, patch, "p", &r->reasons, &r->err), &r->err);
	assert_int_equal(r->reasons.n, 0);
	assert_ok(overlay_new(r->tree, &r->overlay, &r->err), &r->err);
	patch_file_free(patch);
	return affected_units(&r->kb, r->sources, all, r->overlay, &r->reasons, &r->units, &r->err);
}

static void tear_down(struct run *r)
{
	unit_set_free(&r->units);
	reason_list_free(&r->reasons);
	overlay_free(r->overlay);
	source_set_free(r->sources);
	buf_free(&r->list);
	free(r->tree);
	free(r->build);
	unit_remove_dir(r->dir);
}

static bool has_reason(const struct run *r, enum reason_code code, const char *file)
{
	for (size_t i = 0; i < r->reasons.n; i++)
		if (r->reasons.items[i].code == code && streq(r->reasons.items[i].file, file))
			return true;
	return false;
}

static void only_who_reads_another_text(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	assert_ok(find(&r,
		       "@@ -1,3 +1,3 @@\n #define ONE 1\n-#define TWO 2\n+#define TWO 3\n"
		       " #define SIZE 8\n",
		       false),
		  &r.err);
	assert_int_equal(r.units.n, 1);
	assert_string_equal(r.units.units[0].path, "fs/two.c");
	assert_string_equal(r.units.units[0].object, "vmlinux");
	assert_int_equal(r.reasons.n, 0);
	tear_down(&r);
}

/* A patched C file is compiled, whatever its text becomes. */
static void own_file(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	assert_ok(find(&r,
		       "--- a/fs/one.c\n+++ b/fs/one.c\n@@ -1,2 +1,2 @@\n #include <h.h>\n"
		       "-int one(void) { return ONE; }\n+int one(void) { return 1; }\n",
		       false),
		  &r.err);
	assert_int_equal(r.units.n, 1);
	assert_string_equal(r.units.units[0].path, "fs/one.c");
	tear_down(&r);
}

/* A type changes the text that the vDSO and asm-offsets.c read, but not what becomes of it. */
static void same_products(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	assert_ok(find(&r,
		       "@@ -1,3 +1,6 @@\n #define ONE 1\n #define TWO 2\n #define SIZE 8\n"
		       "+#if !defined(__ASSEMBLY__)\n+typedef int more;\n+#endif\n",
		       false),
		  &r.err);
	assert_int_equal(r.reasons.n, 0);
	assert_int_equal(r.units.n, 2);
	tear_down(&r);
}

#define DECLARES                                                                \
	"@@ -1,3 +1,8 @@\n #define ONE 1\n #define TWO 2\n #define SIZE 8\n"    \
	"+#if !defined(__ASSEMBLY__)\n+int more(int);\n+#elif defined(MACRO)\n" \
	"+extern int more;\n+#endif\n"

/* A declaration changes nothing where nothing uses it, if the compiler leaves out what is not
 * used; in assembler it may be an instruction. */
static void declarations(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	put(r.dir, "tree/fs/user.c",
	    "#include <h.h>\nint user(void) { return more(1); }\n"
	    "int more(int x);\n");
	put(r.dir, "tree/arch/x86/lib/m.S",
	    ".macro extern a b; .long 1; .endm; m:;\n#include <h.h>\n");
	add_line(&r, "arch/x86/lib/m.o", "arch/x86/lib/m.S", "-D__ASSEMBLY__ -DMACRO -c");
	add_line(&r, "fs/all.o", "fs/one.c", "-O0 -c");
	add_line(&r, "fs/keep.o", "fs/one.c", "-fkeep-static-functions -c");
	add_line(&r, "fs/user.o", "fs/user.c", "-w -c");
	assert_ok(find(&r, DECLARES, false), &r.err);
	assert_int_equal(r.units.n, 3);
	assert_string_equal(r.units.units[0].object_path, "fs/all.o");
	assert_string_equal(r.units.units[1].object_path, "fs/keep.o");
	assert_string_equal(r.units.units[2].object_path, "fs/user.o");
	assert_int_equal(r.reasons.n, 1);
	assert_true(has_reason(&r, REASON_ASSEMBLER, "arch/x86/lib/m.S"));
	tear_down(&r);
}

/* Digests of originals are kept, as long as no file changes. */
static void kept_texts(void **state)
{
	static const char two[] = "@@ -2,1 +2,1 @@\n-#define TWO 2\n+#define TWO 3\n";
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
	struct run r;

	(void)state;
	set_up(&r);
	path = path_join(r.dir, "units", "texts", NULL);
	assert_non_null(path);
	for (int round = 0; round < 4; round++) {
		/* 1: taken from the file, in which all are wrong; 2: a damaged file; 3: wrong
		 * again, but a file of the tree is another one. */
		if (round == 2)
			text.data[text.len - 1] = '\0';
		if (round == 3)
			put(r.dir, "tree/fs/two.c",
			    "#include <h.h>\nint two(void) { return 7+TWO; }");
		if (round > 0)
			put(r.dir, "units/texts", buf_str(&text));
		assert_ok(find(&r, two, false), &r.err);
		assert_int_equal(r.units.n, round == 1 ? 2 : 1);
		unit_set_free(&r.units);
		overlay_free(r.overlay);
		source_set_free(r.sources);
		reason_list_free(&r.reasons);
		r.reasons = (struct reason_list){ 0 };
		buf_clear(&text);
		assert_int_equal(file_read(path, &text, NULL), 0);
		/* A record: key, blank, digest, newline; behind the first line. */
		for (char *p = strchr((char *)text.data, '\n') + 1; *p; p += 98) {
			p[97] = '\n';
			p[40] = p[40] == 'a' ? 'b' : 'a';
		}
	}
	r.overlay = NULL;
	r.sources = NULL;
	tear_down(&r);
}

static void other_products_are_refused(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	assert_ok(find(&r, "@@ -2,2 +2,2 @@\n #define TWO 2\n-#define SIZE 8\n+#define SIZE 16\n",
		       false),
		  &r.err);
	assert_int_equal(r.units.n, 0);
	assert_int_equal(r.reasons.n, 4);
	assert_true(has_reason(&r, REASON_VDSO, "arch/x86/entry/vdso/v.c"));
	assert_true(has_reason(&r, REASON_ASSEMBLER, "arch/x86/kernel/asm-offsets.c"));
	assert_true(has_reason(&r, REASON_ASSEMBLER, "arch/x86/kernel/vmlinux.lds.S"));
	assert_true(has_reason(&r, REASON_ASSEMBLER, "arch/x86/lib/l.S"));
	tear_down(&r);
}

static void too_many_are_asked_for(void **state)
{
	static const char hunk[] = "@@ -1,1 +1,1 @@\n-#define ONE 1\n+#define ONE 2\n";
	struct run r;

	(void)state;
	set_up(&r);
	for (size_t i = 0; i < AFFECTED_LIMIT; i++) {
		char object[32];

		snprintf(object, sizeof(object), "fs/two%03zu.o", i);
		add_line(&r, object, "fs/two.c", "-c");
	}
	assert_int_equal(find(&r, hunk, false), ERR_TOO_LARGE);
	assert_non_null(strstr(r.err.message, "206 files"));
	assert_int_equal(r.units.n, 0);
	tear_down(&r);
}

static void unread_is_noted(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	put(r.dir, "tree/include/unread.h", "int a;\n");
	assert_ok(find(&r,
		       "--- a/include/unread.h\n+++ b/include/unread.h\n@@ -1 +1 @@\n-int a;\n"
		       "+int b;\n",
		       false),
		  &r.err);
	assert_int_equal(r.units.n, 0);
	assert_true(has_reason(&r, REASON_NOT_COMPILED, "include/unread.h"));
	tear_down(&r);
}

/* A header that only what runs before the kernel reads. */
static void boot_code_is_noted(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	put(r.dir, "tree/include/early.h", "#define EARLY 1\n");
	put(r.dir, "tree/arch/x86/boot/b.c", "#include <early.h>\nint b = EARLY;\n");
	add_line(&r, "arch/x86/boot/b.o", "arch/x86/boot/b.c", "-c");
	assert_ok(find(&r,
		       "--- a/include/early.h\n+++ b/include/early.h\n@@ -1 +1 @@\n"
		       "-#define EARLY 1\n+#define EARLY 2\n",
		       false),
		  &r.err);
	assert_int_equal(r.units.n, 0);
	assert_int_equal(r.reasons.n, 1);
	assert_true(has_reason(&r, REASON_NOT_KERNEL_CODE, "include/early.h"));
	tear_down(&r);
}

/* ... and one that the kernel reads too: what boots is left aside. */
static void boot_code_is_left_aside(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	put(r.dir, "tree/arch/x86/boot/b.c", "#include <h.h>\nint b = ONE;\n");
	add_line(&r, "arch/x86/boot/b.o", "arch/x86/boot/b.c", "-c");
	assert_ok(find(&r, "@@ -1,1 +1,1 @@\n-#define ONE 1\n+#define ONE 2\n", false), &r.err);
	assert_int_equal(r.units.n, 1);
	assert_string_equal(r.units.units[0].path, "fs/one.c");
	assert_int_equal(r.reasons.n, 0);
	tear_down(&r);
}

/* A header by way of others, however these name it. */
static void header_of_a_header(void **state)
{
	static const char *const ways[] = {
		"#include <sub/deep.h>\n",
		"#include \"sub/deep.h\"\n",
		"#include <./sub/deep.h>\n",
		"#include <sub/../sub/deep.h>\n",
		"# /**/ include /* x */ <sub/deep.h>\n",
		"#inc\\\nlude <sub/deep.h>\n",
		"#define WAY <sub/deep.h>\n#include WAY\n",
		"#if 1\n#include <sub/deep.h>\n#endif\n",
		"#include <h.h>\n#include <sub/beside.h>\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct run r;

		set_up(&r);
		put(r.dir, "tree/include/sub/deep.h", "#define DEEP 1\n");
		put(r.dir, "tree/include/sub/beside.h", "#include \"deep.h\"\n");
		put(r.dir, "tree/include/mid.h", ways[i]);
		put(r.dir, "tree/fs/three.c", "#include \"mid.h\"\nint three = DEEP;\n");
		add_line(&r, "fs/three.o", "fs/three.c", "-c");
		assert_ok(find(&r,
			       "--- a/include/sub/deep.h\n+++ b/include/sub/deep.h\n"
			       "@@ -1 +1 @@\n-#define DEEP 1\n+#define DEEP 2\n",
			       false),
			  &r.err);
		if (r.units.n != 1 || !streq(r.units.units[0].path, "fs/three.c"))
			fail_msg("%s: %zu files", ways[i], r.units.n);
		tear_down(&r);
	}
}

/* A header in a folder that one unit alone looks into. */
static void folder_of_one_unit(void **state)
{
	static const char *const options[] = { "-I", "-I ", "-isystem ", "-iquote " };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		_cleanup_free_ char *how = NULL;
		struct run r;

		set_up(&r);
		put(r.dir, "tree/fs/own/own.h", "#define OWN 1\n");
		put(r.dir, "tree/fs/three.c", "#include \"own.h\"\nint three = OWN;\n");
		assert_true(asprintf(&how, "%s%s/fs/own -c", options[i], r.tree) > 0);
		add_line(&r, "fs/three.o", "fs/three.c", how);
		assert_ok(find(&r,
			       "--- a/fs/own/own.h\n+++ b/fs/own/own.h\n@@ -1 +1 @@\n"
			       "-#define OWN 1\n+#define OWN 2\n",
			       false),
			  &r.err);
		assert_int_equal(r.reasons.n, 0);
		assert_int_equal(r.units.n, 1);
		assert_string_equal(r.units.units[0].path, "fs/three.c");
		tear_down(&r);
	}
}

/* The patch includes what nobody has read so far, which includes more. */
static void new_includes(void **state)
{
	struct run r;

	(void)state;
	set_up(&r);
	put(r.dir, "tree/include/late.h", "#include \"later.h\"\n");
	put(r.dir, "tree/include/later.h", "#undef ONE\n#define ONE 5\n");
	assert_ok(find(&r,
		       "@@ -1,3 +1,4 @@\n #define ONE 1\n #define TWO 2\n #define SIZE 8\n"
		       "+#include <late.h>\n",
		       false),
		  &r.err);
	assert_int_equal(r.units.n, 1);
	assert_string_equal(r.units.units[0].path, "fs/one.c");
	assert_int_equal(r.reasons.n, 0);
	tear_down(&r);
}

/* Nothing is read for a patch that includes what is not the kernel's. */
static void includes_of_other_files(void **state)
{
	static const char *const names[] = { "\"/etc/hostname\"", "</etc/hostname>",
					     "\"../../../../../../etc/hostname\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *hunk = NULL;
		struct run r;

		set_up(&r);
		assert_true(asprintf(&hunk, "@@ -3,1 +3,2 @@\n #define SIZE 8\n+#include %s\n",
				     names[i]) > 0);
		assert_ok(find(&r, hunk, false), &r.err);
		assert_int_equal(r.units.n, 0);
		assert_int_equal(r.reasons.n, 1);
		assert_true(has_reason(&r, REASON_UNSAFE_PATH, "include/h.h"));
		tear_down(&r);
	}
}

static void expect_text(const char *folder, const char *name, const char *want)
{
	_cleanup_free_ char *path = path_join(folder, "tree", name, NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);

	assert_int_equal(file_read(path, &text, NULL), 0);
	assert_non_null(strstr(buf_str(&text), want));
}

/* The patched tree: the patched file, links to what units read, and nothing else. */
static void patched_tree(void **state)
{
	_cleanup_name_list_ struct name_list arguments = { 0 }, moved = { 0 };
	_cleanup_free_ char *word = NULL, *up = NULL, *other = NULL, *want = NULL, *left = NULL;
	const char *folder;
	struct run r;
	struct stat st;

	(void)state;
	set_up(&r);
	assert_ok(find(&r, "@@ -1,1 +1,1 @@\n-#define ONE 1\n+#define ONE 11\n", false), &r.err);
	folder = overlay_folder(r.overlay);
	expect_text(folder, "include/h.h", "#define ONE 11\n");
	expect_text(folder, "fs/one.c", "return ONE;");
	put(r.dir, "tree/fs/late.c", "");
	left = path_join(folder, "tree", "fs/late.c", NULL);
	assert_int_equal(stat(left, &st), -1);

	/* Arguments: the tree's own paths move, also within a word; others do not. */
	assert_true(asprintf(&word, "-I%s/include", r.tree) > 0);
	assert_true(asprintf(&up, "%s/some/where/../../fs/one.c", r.tree) > 0);
	assert_true(asprintf(&other, "%s-other/include", r.tree) > 0);
	assert_int_equal(name_list_add(&arguments, word), 0);
	assert_int_equal(name_list_add(&arguments, up), 0);
	assert_int_equal(name_list_add(&arguments, other), 0);
	assert_int_equal(name_list_add(&arguments, r.tree), 0);
	assert_ok(overlay_move(r.overlay, &arguments, &moved, &r.err), &r.err);
	assert_int_equal(moved.n, 4);
	assert_true(asprintf(&want, "-I%s/tree/include", folder) > 0);
	assert_string_equal(moved.items[0], want);
	assert_int_equal(stat(moved.items[1], &st), 0);
	assert_string_equal(moved.items[2], other);
	assert_true(str_has_prefix(moved.items[3], folder));
	tear_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_who_reads_another_text),
		cmocka_unit_test(own_file),
		cmocka_unit_test(same_products),
		cmocka_unit_test(declarations),
		cmocka_unit_test(kept_texts),
		cmocka_unit_test(other_products_are_refused),
		cmocka_unit_test(too_many_are_asked_for),
		cmocka_unit_test(unread_is_noted),
		cmocka_unit_test(boot_code_is_noted),
		cmocka_unit_test(boot_code_is_left_aside),
		cmocka_unit_test(header_of_a_header),
		cmocka_unit_test(folder_of_one_unit),
		cmocka_unit_test(new_includes),
		cmocka_unit_test(includes_of_other_files),
		cmocka_unit_test(patched_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
