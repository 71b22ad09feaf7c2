/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What make -n says, as a list; and the graph of what the listed files include. */
#include "unit.h"

#include <sys/stat.h>

#include "build/unit/include_graph.h"

extern const char lists_code[];

#define CALL(flags, object, source) \
	"  cc -Wp,-MMD,x.d -D__KERNEL__ " flags " -c -o " object " " source

static void load(const char *output, const char *tree, struct unit_list *ret)
{
	struct buf text = BUF_INIT(1 << 16);
	struct error err = { 0 };

	assert_ok(unit_list_from_make(output, "cc", tree, &text, &err), &err);
	assert_ok(unit_list_parse(&text, ret, &err), &err);
}

static void from_make(void **state)
{
	static const char output[] =
		"echo hello\n"
		"set -e; " CALL(
			"-I/t/fs", "fs/b.o",
			"/t/fs/b.c") " ; fixdep 'x'\n"
				     "set -e; " CALL("", "fs/b.o", "/t/fs/other.c") "\n" CALL(
					     "", "fs/a.o",
					     "/t/fs/../mm/a.c") "\n" CALL("", "g.o",
									  "./g.c") "\n" CALL("",
											     "scripts/mod/empty.o",
											     "/t/scripts/mod/empty.c") "\n";
	_cleanup_unit_list_ struct unit_list list = { 0 };

	(void)state;
	load(output, "/t", &list);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.entries[0].object, "fs/a.o");
	assert_string_equal(list.entries[0].source, "mm/a.c");
	assert_string_equal(list.entries[1].source, "fs/b.c");
	assert_string_equal(list.entries[1].command,
			    "savedcmd_fs/b.o := cc -Wp,-MMD,x.d -D__KERNEL__ -I/t/fs -c -o fs/b.o "
			    "/t/fs/b.c");
	assert_string_equal(list.entries[2].source, "./g.c");
}

/* Constants for the assembler and the linker's script shape all of the kernel. */
static void what_shapes_the_kernel(void **state)
{
	static const char output[] =
		"  cc -Wp,-MMD,x.d -D__KERNEL__ -fverbose-asm -S -o kernel/bounds.s "
		"/t/kernel/bounds.c\n"
		"rm 'cc x'; cc -E -Wp,-MMD,x.d -D__KERNEL__ -P -Ux86 -D__ASSEMBLY__ -DLINKER_SCRIPT "
		"-o arch/x86/kernel/vmlinux.lds /t/arch/x86/kernel/vmlinux.lds.S; fixdep\n"
		" cc -E -Wp,-MMD,x.d -D__KERNEL__ -P -DLINKER_SCRIPT -o arch/x86/boot/setup.lds "
		"/t/arch/x86/boot/setup.lds.S\n" CALL("", "fs/a.o", "/t/fs/a.c") "\n";
	_cleanup_unit_list_ struct unit_list list = { 0 };

	(void)state;
	load(output, "/t", &list);
	assert_int_equal(list.n, 4);
	assert_string_equal(list.entries[0].object, "arch/x86/boot/setup.lds");
	assert_false(unit_entry_shapes_kernel(&list.entries[0]));
	assert_string_equal(list.entries[1].source, "arch/x86/kernel/vmlinux.lds.S");
	assert_true(unit_entry_shapes_kernel(&list.entries[1]));
	assert_false(unit_entry_is_kernel(&list.entries[1]));
	assert_true(unit_entry_is_kernel(&list.entries[2]));
	assert_false(unit_entry_shapes_kernel(&list.entries[2]));
	assert_string_equal(list.entries[3].object, "kernel/bounds.s");
	assert_true(unit_entry_shapes_kernel(&list.entries[3]));
}

/* A line of make that lost its beginning must not lose the object. */
static void damaged(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
	struct unit_list list = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(unit_list_from_make("MD,x.d -D__KERNEL__ -c -o fs/a.o /t/fs/a.c\n", "cc",
					     "/t", &text, &err),
			 ERR_INVALID);
	buf_clear(&text);
	assert_int_equal(buf_append_str(&text, "suture units 2\nfs/a.o\tfs/a.c\n"), 0);
	assert_int_equal(unit_list_parse(&text, &list, &err), ERR_INVALID);
}

static void paths(void **state)
{
	static const char *const cases[][2] = {
		{ "a/./b//c", "a/b/c" }, { "a/b/../c", "a/c" }, { "./a/../b", "./b" },
		{ "a/..", "" },          { ".", "" },           { "a/b/", "a/b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s", cases[i][0]);
		assert_true(path_normalize(path));
		assert_string_equal(path, cases[i][1]);
	}
	char out[] = "a/../../b", built[] = "./../b";

	assert_false(path_normalize(out));
	assert_false(path_normalize(built));
}

static void put(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name, NULL);
	_cleanup_free_ char *folder = path ? strndup(path, (size_t)(path_base(path) - path)) : NULL;

	assert_non_null(folder);
	assert_int_equal(file_make_dirs(folder, 0755, NULL), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

struct graph_run {
	char *dir;
	struct unit_list list;
	struct include_graph *graph;
	struct error err;
};

/* Two units in fs/ and one in net/ over a tree with headers. */
static void set_up(struct graph_run *r)
{
	_cleanup_free_ char *tree = NULL, *output = NULL, *build = NULL, *units = NULL;

	*r = (struct graph_run){ .dir = unit_make_dir() };
	tree = path_join(r->dir, "t", NULL);
	build = path_join(r->dir, "build", NULL);
	units = path_join(r->dir, "units", NULL);
	assert_true(tree && build && units);
	assert_int_equal(mkdir(units, 0755), 0);
	put(r->dir, "t/include/linux/a.h", "#include <linux/b.h>\n");
	put(r->dir, "t/include/linux/b.h", "#include <linux/a.h>\n#include <asm/g.h>\n");
	put(r->dir, "t/include/asm-generic/g.h", "\n");
	put(r->dir, "t/include/first.h", "\n");
	put(r->dir, "build/gen/asm/g.h", "#include <asm-generic/g.h>\n");
	put(r->dir, "t/fs/x.c", "#include <linux/a.h>\n#include \"own.h\"\n");
	put(r->dir, "t/fs/own.h", "#if __has_include(\"later.h\")\n#endif\n");
	put(r->dir, "t/fs/y.c", "#include \"x.c\"\n");
	put(r->dir, "t/net/z.c", "#include \"own.h\"\n");
	put(r->dir, "t/net/own.h", "\n");
#define FLAGS "-I%s/include -I./gen -I./none -include %s/include/first.h"
	assert_true(asprintf(&output,
			     CALL(FLAGS, "fs/x.o", "%s/fs/x.c") "\n" CALL(
				     FLAGS, "fs/y.o", "%s/fs/y.c") "\n" CALL(FLAGS, "net/z.o",
									     "%s/net/z.c") "\n",
			     tree, tree, tree, tree, tree, tree, tree, tree, tree) > 0);
	load(output, tree, &r->list);
}

static void load_graph(struct graph_run *r)
{
	_cleanup_free_ char *tree = path_join(r->dir, "t", NULL);
	_cleanup_free_ char *build = path_join(r->dir, "build", NULL);
	struct kernel kernel = { .folder = r->dir, .build = build };
	struct kbuild kb = { .kernel = &kernel, .source = tree };

	include_graph_free(r->graph);
	r->graph = NULL;
	assert_ok(include_graph_load(&kb, &r->list, &r->graph, &r->err), &r->err);
}

static void tear_down(struct graph_run *r)
{
	include_graph_free(r->graph);
	unit_list_free(&r->list);
	unit_remove_dir(r->dir);
}

/* Which of fs/x.c, fs/y.c, net/z.c read the file, as "xy". */
static void expect_readers(struct graph_run *r, const char *path, const char *readers)
{
	static const char *const sources[] = { "fs/x.c", "fs/y.c", "net/z.c" };
	char got[4] = "", *p = got;

	include_graph_unmark_all(r->graph);
	include_graph_mark(r->graph, path);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (include_graph_is_marked(r->graph, sources[i]))
			*p++ = "xyz"[i];
	*p = '\0';
	assert_string_equal(got, readers);
}

static void readers(void **state)
{
	struct graph_run r;

	(void)state;
	set_up(&r);
	for (int cached = 0; cached < 2; cached++) {
		load_graph(&r);
		expect_readers(&r, "include/linux/b.h", "xy");
		expect_readers(&r, "include/asm-generic/g.h", "xy"); /* through ./gen */
		expect_readers(&r, "include/first.h", "xyz");
		expect_readers(&r, "fs/own.h", "xy"); /* beside its reader, not net/own.h */
		expect_readers(&r, "net/own.h", "z");
		expect_readers(&r, "fs/x.c", "xy");
		expect_readers(&r, "fs/none.h", "");
	}
	tear_down(&r);
}

/* A graph that is damaged, or of another version, is made anew. */
static void damaged_graph(void **state)
{
	static const char *const texts[] = {
		"suture includes 2 0\n",
		"",
		"suture includes 1 x\n",
		"suture includes 1 2\nfs/x.c\t7\n\n",
		"suture includes 1 1\nfs/x.c\n\nfs/y.c\n",
		"suture includes 1 9999999999\n",
		"suture includes 1 2\nfs/x.c\n",
		"suture includes 1 1\nfs/x.c\t-1\n",
		"suture includes 1 2\nfs/x.c\nfs/x.c\n",
	};
	struct graph_run r;

	(void)state;
	set_up(&r);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(r.dir, "units/includes", texts[i]);
		load_graph(&r);
		expect_readers(&r, "include/linux/b.h", "xy");
		load_graph(&r);
		expect_readers(&r, "include/linux/b.h", "xy");
	}
	tear_down(&r);
}

/* Another number as soon as a file changes, but not for what a patch adds. */
static void stamp(void **state)
{
	char before[SHA256_HEX_LEN + 1], after[SHA256_HEX_LEN + 1];
	struct graph_run r;

	(void)state;
	set_up(&r);
	load_graph(&r);
	assert_ok(include_graph_stamp(r.graph, "1", before, &r.err), &r.err);
	assert_ok(include_graph_add(r.graph, "net/own.h", "#include \"y.h\"\n", 15, &r.err),
		  &r.err);
	assert_ok(include_graph_add(r.graph, "include/asm/g.h", "", 0, &r.err), &r.err);
	assert_ok(include_graph_stamp(r.graph, "1", after, &r.err), &r.err);
	assert_string_equal(before, after);
	assert_ok(include_graph_stamp(r.graph, "2", after, &r.err), &r.err);
	assert_string_not_equal(before, after);
	put(r.dir, "build/gen/asm/g.h", "#include <asm-generic/g.h> \n");
	assert_ok(include_graph_stamp(r.graph, "1", after, &r.err), &r.err);
	assert_string_not_equal(before, after);
	tear_down(&r);
}

/* A list that is damaged, or was made by other code, is asked for anew. */
static void list_is_made_anew(void **state)
{
	static const char good[] = "fs/a.o\tfs/a.c\tsavedcmd_fs/a.o := ";
	static const struct {
		const char *text, *code;
		bool kept;
	} cases[] = {
		{ "suture units 2\nfs/b.o\tfs/b.c\tsavedcmd_fs/b.o := cc\n", lists_code, true },
		{ "suture units 2\nfs/b.o\tfs/b.c\tsavedcmd_fs/b.o := cc\n", "other", false },
		{ "suture units 2\nfs/b.o\tfs/b.c\n", lists_code, false },
		{ "suture units 3\nfs/b.o\tfs/b.c\tsavedcmd_fs/b.o := cc\n", lists_code, false },
		{ "", lists_code, false },
	};
	char *dir = unit_make_dir();
	_cleanup_free_ char *tree = path_join(dir, "t", NULL), *build = path_join(dir, "b", NULL);
	_cleanup_free_ char *path = path_join(dir, "units", "list", NULL);
	struct kernel kernel = { .folder = dir, .build = build, .release = (char[]){ "1.0" } };
	struct kbuild kb = {
		.kernel = &kernel, .source = tree, .compiler = (char[]){ "cc" }, .jobs = 2
	};

	(void)state;
	assert_int_equal(setenv("XDG_CACHE_HOME", dir, 1), 0);
	put(dir, "t/Makefile",
	    "arch/x86/:\n\t: ; cc -Wp,-MMD,x.d -D__KERNEL__ -c -o fs/a.o $(CURDIR)/fs/a.c\n");
	put(dir, "b/x", "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_unit_list_ struct unit_list list = { 0 };
		_cleanup_buf_ struct buf text = BUF_INIT(1 << 16);
		struct error err = { 0 };

		put(dir, "units/list", cases[i].text);
		put(dir, "units/code", cases[i].code);
		assert_ok(unit_list_load(&kb, &list, &err), &err);
		assert_int_equal(list.n, 1);
		assert_string_equal(list.entries[0].object, cases[i].kept ? "fs/b.o" : "fs/a.o");
		assert_int_equal(file_read(path, &text, NULL), 0);
		assert_true(cases[i].kept || strstr(buf_str(&text), good));
		assert_true(unit_list_is_cached(&kb));
	}
	unit_remove_dir(dir);
}

static void patched_texts(void **state)
{
	static const char now[] = "#include <linux/a.h>\n";
	struct graph_run r;

	(void)state;
	set_up(&r);
	load_graph(&r);
	assert_ok(include_graph_add(r.graph, "net/own.h", now, strlen(now), &r.err), &r.err);
	expect_readers(&r, "include/linux/b.h", "xyz");
	/* New: asked for by __has_include(), and in place of another of its name. */
	assert_ok(include_graph_add(r.graph, "fs/later.h", "", 0, &r.err), &r.err);
	expect_readers(&r, "fs/later.h", "xy");
	assert_ok(include_graph_add(r.graph, "include/asm/g.h", "", 0, &r.err), &r.err);
	expect_readers(&r, "include/asm/g.h", "xyz");
	tear_down(&r);
}

static void closure(void **state)
{
	_cleanup_name_list_ struct name_list files = { 0 };
	struct graph_run r;

	(void)state;
	set_up(&r);
	load_graph(&r);
	assert_ok(include_graph_closure(r.graph, "fs/y.c", &files, &r.err), &r.err);
	assert_ok(include_graph_closure(r.graph, "fs/x.c", &files, &r.err), &r.err);
	name_list_sort(&files);
	assert_int_equal(files.n, 7);
	assert_string_equal(files.items[0], "fs/own.h");
	assert_string_equal(files.items[6], "include/linux/b.h");
	tear_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_make), cmocka_unit_test(what_shapes_the_kernel),
		cmocka_unit_test(damaged),   cmocka_unit_test(paths),
		cmocka_unit_test(readers),   cmocka_unit_test(patched_texts),
		cmocka_unit_test(closure),   cmocka_unit_test(damaged_graph),
		cmocka_unit_test(stamp),     cmocka_unit_test(list_is_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
