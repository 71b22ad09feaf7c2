/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/stat.h>

#include "build/source/source.h"

#define ORIGINAL "l1\nl2\nl3\nint f(void)\n{\n\tcall(a,\n\t     b);\n}\nl9\nl10\n"

/* A source tree with fs/x.c, and a link to it. */
static char *make_tree(const char *text)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *fs = path_join(dir, "fs", NULL),
			    *file = path_join(dir, "fs/x.c", NULL);
	_cleanup_free_ char *link = path_join(dir, "fs/link.c", NULL);

	assert_int_equal(mkdir(fs, 0755), 0);
	assert_int_equal(file_write_atomic(file, text, strlen(text), 0644, NULL), 0);
	assert_int_equal(symlink("x.c", link), 0);
	return dir;
}

struct run {
	char *dir;
	struct source_set *set;
	struct patch_file *patch;
	struct reason_list reasons;
	struct buf text;
};

static int apply(struct run *r, const char *original, const char *patch, struct error *err)
{
	int status;

	*r = (struct run){ .dir = make_tree(original), .text = BUF_INIT(1 << 20) };
	assert_int_equal(source_set_new(r->dir, &r->set), 0);
	assert_ok(patch_file_parse(patch, strlen(patch), "t.patch", &r->reasons, &r->patch, err),
		  err);
	status = source_set_apply(r->set, r->patch, "t.patch", &r->reasons, err);
	if (status == 0 && r->set->n == 1)
		assert_int_equal(source_file_text(r->set->files[0], &r->text), 0);
	return status;
}

static void done(struct run *r)
{
	source_set_free(r->set);
	patch_file_free(r->patch);
	reason_list_free(&r->reasons);
	buf_free(&r->text);
	unit_remove_dir(r->dir);
}

static const char *body(const struct run *r)
{
	return buf_str(&r->text);
}

#define HEAD "--- a/fs/x.c\n+++ b/fs/x.c\n"

static void lines_keep_their_numbers(void **state)
{
	struct error err = { 0 };
	struct run r;

	(void)state;
	assert_ok(apply(&r, ORIGINAL, HEAD "@@ -1,3 +1,4 @@\n l1\n-l2\n+new\n+more\n l3\n", &err),
		  &err);
	assert_string_equal(
		body(&r),
		"l1\nnew\nmore\n#line 3\nl3\nint f(void)\n{\n\tcall(a,\n\t     b);\n}\nl9\nl10\n");
	assert_true(source_file_changed(r.set->files[0]));
	done(&r);
}

/* Not inside a macro's arguments, a comment or a continued line. */
static void directives_wait(void **state)
{
	struct error err = { 0 };
	struct run r;

	(void)state;
	assert_ok(apply(&r, ORIGINAL,
			HEAD
			"@@ -5,3 +5,4 @@\n {\n-\tcall(a,\n+\tcall(z,\n+\t     a,\n \t     b);\n",
			&err),
		  &err);
	assert_non_null(strstr(body(&r), "\t     a,\n\t     b);\n#line 8\n}\n"));
	done(&r);
	assert_ok(apply(&r, "a\n/* x\n * y\n */\nb\n", HEAD "@@ -1,2 +1,3 @@\n a\n /* x\n+ * z\n",
			&err),
		  &err);
	assert_non_null(strstr(body(&r), " * z\n * y\n */\n#line 5\nb\n"));
	done(&r);
	assert_ok(apply(&r, "a\n#define M \\\n\tx \\\n\ty\nb\n",
			HEAD "@@ -2,1 +2,2 @@\n #define M \\\n+\tw \\\n", &err),
		  &err);
	assert_non_null(strstr(body(&r), "\tw \\\n\tx \\\n\ty\n#line 5\nb\n"));
	done(&r);
	/* A bracket too many closes nothing; one that a macro opens is not open behind it. */
	assert_ok(apply(&r, "a\n)\nf(x,\n  y);\nb\n",
			HEAD "@@ -2,3 +2,4 @@\n )\n f(x,\n+  z,\n   y);\n", &err),
		  &err);
	assert_non_null(strstr(body(&r), "  z,\n  y);\n#line 5\nb\n"));
	done(&r);
	assert_ok(apply(&r, "#define OPEN (\na\nb\nc\n", HEAD "@@ -2,2 +2,3 @@\n a\n+new\n b\n",
			&err),
		  &err);
	assert_non_null(strstr(body(&r), "a\nnew\n#line 3\nb\n"));
	done(&r);
}

static void moved_and_unfit(void **state)
{
	struct error err = { 0 };
	struct run r;

	(void)state;
	/* The header is off by three lines; the context decides. */
	assert_ok(apply(&r, ORIGINAL, HEAD "@@ -6,2 +6,2 @@\n l9\n-l10\n+L10\n", &err), &err);
	assert_non_null(strstr(body(&r), "l9\nL10\n"));
	done(&r);
	assert_ok(apply(&r, ORIGINAL, HEAD "@@ -9,2 +9,2 @@\n l1\n-l2\n+L2\n", &err), &err);
	assert_non_null(strstr(body(&r), "l1\nL2\n"));
	done(&r);
	assert_int_equal(apply(&r, ORIGINAL, HEAD "@@ -1,2 +1,2 @@\n l1\n-lX\n+lY\n", &err),
			 ERR_INVALID);
	assert_non_null(strstr(err.message, "fs/x.c has no place for hunk 1"));
	assert_non_null(strstr(err.hint, r.dir));
	assert_non_null(strstr(err.hint, "/fs/x.c"));
	done(&r);
	/* The source has it, elsewhere than the header says. */
	assert_int_equal(apply(&r, ORIGINAL, HEAD "@@ -6,2 +6,3 @@\n l1\n+l2\n l3\n", &err),
			 ERR_INVALID);
	assert_non_null(strstr(err.hint, "there already"));
	done(&r);
	assert_int_equal(
		apply(&r, ORIGINAL, "--- a/fs/y.c\n+++ b/fs/y.c\n@@ -1 +1 @@\n-a\n+b\n", &err),
		ERR_INVALID);
	assert_non_null(strstr(err.message, "no file fs/y.c"));
	done(&r);
}

static void links_are_refused(void **state)
{
	struct error err = { 0 };
	struct run r;

	(void)state;
	assert_ok(apply(&r, ORIGINAL, "--- a/fs/link.c\n+++ b/fs/link.c\n@@ -1 +1 @@\n-l1\n+L1\n",
			&err),
		  &err);
	assert_int_equal(r.reasons.n, 1);
	assert_non_null(strstr(r.reasons.items[0].message, "symbolic link"));
	assert_int_equal(r.set->n, 0);
	done(&r);
}

static void undone_is_unchanged(void **state)
{
	struct error err = { 0 };
	struct run r;

	(void)state;
	assert_ok(apply(&r, ORIGINAL, HEAD "@@ -1,1 +1,1 @@\n l1\n", &err), &err);
	assert_false(source_file_changed(r.set->files[0]));
	done(&r);
	assert_ok(apply(&r, ORIGINAL, HEAD "@@ -10,1 +9,0 @@\n-l10\n", &err), &err);
	assert_true(source_file_changed(r.set->files[0]));
	done(&r);
}

static void last_line_without_newline(void **state)
{
	struct error err = { 0 };
	struct run r;

	(void)state;
	assert_ok(apply(&r, "a\nb",
			HEAD "@@ -1,2 +1,2 @@\n-a\n+A\n b\n\\ No newline at end of file\n", &err),
		  &err);
	assert_string_equal(body(&r), "A\nb");
	done(&r);
}

/* Comments, blanks and empty lines are no change; strings and directives are. */
static void what_counts_as_a_change(void **state)
{
	static const struct {
		const char *hunk;
		bool changed;
	} cases[] = {
		{ "@@ -1,2 +1,3 @@\n l1\n+/* more\n l2\n", true }, /* opens a comment */
		{ "@@ -1,2 +1,4 @@\n l1\n+/* a comment */\n+\n l2\n", false },
		{ "@@ -1,2 +1,2 @@\n-l1\n+  l1 // x\n l2\n", false },
		{ "@@ -1,2 +1,2 @@\n-l1\n+\"/* l1 */\"\n l2\n", true },
		{ "@@ -7,1 +7,1 @@\n-\t     b);\n+\tb);\n", false },
		{ "@@ -7,1 +7,1 @@\n-\t     b);\n+\tb) ;\n", true }, /* a macro might see it */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };
		_cleanup_free_ char *patch = NULL;
		struct run r;

		assert_true(asprintf(&patch, HEAD "%s", cases[i].hunk) > 0);
		assert_ok(apply(&r, ORIGINAL, patch, &err), &err);
		assert_int_equal(source_file_changed(r.set->files[0]), cases[i].changed);
		done(&r);
	}
}

/* A header may be new, unless the tree has it. */
static void a_new_header(void **state)
{
	static const char patch[] = "--- /dev/null\n+++ b/fs/n.h\n@@ -0,0 +1 @@\n+int n;\n";
	static const char empty[] = "--- /dev/null\n+++ b/fs/n.h\n@@ -0,0 +1 @@\n+// n\n";
	static const char twice[] = "--- /dev/null\n+++ b/fs/x.h\n@@ -0,0 +1 @@\n+int n;\n";
	struct error err = { 0 };
	struct run r;
	_cleanup_free_ char *path = NULL;

	(void)state;
	assert_ok(apply(&r, ORIGINAL, empty, &err), &err);
	assert_true(source_file_changed(r.set->files[0])); /* whoever includes it finds it now */
	done(&r);
	assert_ok(apply(&r, ORIGINAL, patch, &err), &err);
	assert_string_equal(body(&r), "int n;\n");
	assert_true(source_file_changed(r.set->files[0]) && r.set->files[0]->is_new);
	path = path_join(r.dir, "fs/x.h", NULL);
	assert_int_equal(file_write_atomic(path, "", 0, 0644, NULL), 0);
	patch_file_free(r.patch);
	assert_ok(patch_file_parse(twice, strlen(twice), "t.patch", &r.reasons, &r.patch, &err),
		  &err);
	assert_int_equal(source_set_apply(r.set, r.patch, "t.patch", &r.reasons, &err),
			 ERR_INVALID);
	assert_non_null(strstr(err.message, "has fs/x.h already"));
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_keep_their_numbers),
		cmocka_unit_test(what_counts_as_a_change),
		cmocka_unit_test(a_new_header),
		cmocka_unit_test(directives_wait),
		cmocka_unit_test(moved_and_unfit),
		cmocka_unit_test(links_are_refused),
		cmocka_unit_test(undone_is_unchanged),
		cmocka_unit_test(last_line_without_newline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
