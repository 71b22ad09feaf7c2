/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/source/patch_file.h"

#define GOOD "--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1,3 +1,3 @@ f()\n one\n-two\n+TWO\n three\n"

static int parse(const char *text, struct reason_list *reasons, struct patch_file **ret,
		 struct error *err)
{
	return patch_file_parse(text, strlen(text), "t.patch", reasons, ret, err);
}

static void a_good_patch(void **state)
{
	_cleanup_patch_file_ struct patch_file *p = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_ok(
		parse("From: someone\nSubject: [PATCH] x\n\n--- not a file\n---\n fs/x.c | 2 +-\n\n"
		      "diff --git a/fs/x.c b/fs/x.c\nindex 12..34 100644\n" GOOD
		      "@@ -10 +10,2 @@\n-a\n+b\n+c\n\\ No newline at end of file\n-- \n2.39\n",
		      &reasons, &p, &err),
		&err);
	assert_int_equal(reasons.n, 0);
	assert_int_equal(p->entry_count, 1);
	assert_string_equal(p->entries[0].path, "fs/x.c");
	assert_int_equal(p->entries[0].hunk_count, 2);
	assert_int_equal(p->entries[0].hunks[0].line_count, 4);
	assert_int_equal(p->entries[0].hunks[1].old_start, 10);
	assert_int_equal(p->entries[0].hunks[1].old_count, 1);
	assert_true(p->entries[0].hunks[1].lines[2].no_newline);
	assert_memory_equal(p->entries[0].hunks[0].lines[2].text, "TWO", 3);
}

/* Refused with a reason that holds `why`, and no entry left. */
static void expect_reason(const char *text, const char *why)
{
	_cleanup_patch_file_ struct patch_file *p = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	struct error err = { 0 };

	assert_ok(parse(text, &reasons, &p, &err), &err);
	assert_int_equal(p->entry_count, 0);
	assert_true(reasons.n >= 1);
	if (!strstr(reasons.items[0].message, why))
		fail_msg("'%s' does not hold '%s'", reasons.items[0].message, why);
}

static void expect_path_reason(const char *path, const char *why)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-a\n+b\n", path, path) > 0);
	expect_reason(text, why);
}

static void paths(void **state)
{
	(void)state;
	expect_path_reason("../etc/passwd.c", "'..'");
	expect_path_reason("fs/../../x.c", "'..'");
	expect_path_reason("fs//x.c", "empty part");
	expect_reason("--- ../fs/x.c\n+++ ../fs/x.c\n@@ -1 +1 @@\n-a\n+b\n", "'..'");
	expect_reason("--- a/fs/../x.c\n+++ b/fs/x.c\n@@ -1 +1 @@\n-a\n+b\n", "'..'");
	expect_path_reason("fs/./x.c", "empty part");
	expect_reason("--- /etc/passwd.c\n+++ /etc/passwd.c\n@@ -1 +1 @@\n-a\n+b\n", "absolute");
	expect_reason("--- x.c\n+++ x.c\n@@ -1 +1 @@\n-a\n+b\n", "first folder");
	expect_reason("--- \"a/x\\n.c\"\n+++ \"b/x\\n.c\"\n@@ -1 +1 @@\n-a\n+b\n", "quoted");
	expect_reason("--- a/fs/x.c\n+++ b/fs/y.c\n@@ -1 +1 @@\n-a\n+b\n", "renamed");
}

/* What a hunk's header does not count would be left out of the fix without a word. */
static void a_line_too_many(void **state)
{
	static const char *const lines[] = { "+more\n", "-less\n", " context\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_patch_file_ struct patch_file *p = NULL;
		_cleanup_reason_list_ struct reason_list reasons = { 0 };
		_cleanup_free_ char *text = NULL;
		struct error err = { 0 };

		assert_true(asprintf(&text, GOOD "%s", lines[i]) > 0);
		assert_int_equal(parse(text, &reasons, &p, &err), ERR_INVALID);
		assert_non_null(strstr(err.message, "more than the header"));
	}
}

static void files(void **state)
{
	(void)state;
	expect_path_reason("Makefile", "make or configuration");
	expect_path_reason("fs/Makefile", "make or configuration");
	expect_path_reason("fs/Kbuild", "make or configuration");
	expect_path_reason("fs/Kconfig.debug", "make or configuration");
	expect_path_reason("scripts/mod/modpost.c", "run while building");
	expect_path_reason("tools/objtool/check.c", "tool");
	expect_path_reason("include/asm-generic/vmlinux.lds.h", "linker script");
	assert_null(patch_path_refusal("include/linux/fs.h", NULL));
	assert_null(patch_path_refusal("lib/table.inc", NULL));
	expect_path_reason("fs/x.S", "assembler");
	expect_path_reason("fs/x.sh", "script");
	expect_path_reason("fs/x.lds", "linker script");
	expect_path_reason("arch/x86/boot/main.c", "before the kernel");
	expect_path_reason("arch/x86/realmode/init.c", "before the kernel");
	expect_path_reason("arch/x86/entry/vdso/vma.c", "vDSO");
	expect_path_reason("arch/arm64/mm/fault.c", "another architecture");
	expect_path_reason("Documentation/x.rst", "documentation");
	expect_path_reason("fs/data.bin", "not a C file");
	assert_null(patch_path_refusal("arch/x86/kernel/cpu/common.c", NULL));
	assert_null(patch_path_refusal("net/netfilter/nf_tables_api.c", NULL));
}

static void kinds(void **state)
{
	(void)state;
	expect_reason("diff --git a/fs/x.c b/fs/y.c\nsimilarity index 100%\nrename from fs/x.c\n"
		      "rename to fs/y.c\n",
		      "renamed");
	expect_reason("diff --git a/fs/x.c b/fs/y.c\ncopy from fs/x.c\ncopy to fs/y.c\n", "copied");
	expect_reason("diff --git a/fs/x.c b/fs/x.c\nold mode 100644\nnew mode 100755\n", "mode");
	expect_reason("diff --git a/fs/x.c b/fs/x.c\nold mode 100644\nnew mode 100755\n" GOOD,
		      "mode");
	expect_reason("diff --git a/fs/x.c b/fs/x.c\nnew mode 100755\n", "mode");
	expect_reason("diff --git a/fs/x.c b/fs/x.c\ndissimilarity index 90%\n" GOOD, "rewritten");
	expect_reason("diff --git a/fs/n.c b/fs/n.c\nnew file mode 100644\nindex 0..1\n",
		      "new file");
	expect_reason("--- /dev/null\n+++ b/fs/n.c\n@@ -0,0 +1 @@\n+a\n", "new file");
	expect_reason("--- a/fs/n.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "deleted");
	expect_reason("diff --git a/x b/x\nBinary files a/x and b/x differ\n", "binary");
	expect_reason("diff --git a/x b/x\nGIT binary patch\nliteral 1\nIc${N\n", "binary");
	expect_reason("Binary files a/x and b/x differ\n", "binary");
	expect_reason("diff --git a/fs/x.c b/fs/x.c\nindex 1..2 120000\n" GOOD, "symbolic link");
}

/* What becomes of documentation and tests is none of the kernel's, and stands in the way of
 * nothing: the good part of the patch stays. */
static void kinds_outside_the_kernel(void **state)
{
	static const char *const texts[] = {
		"diff --git a/tools/t/n.sh b/tools/t/n.sh\nnew file mode 100755\n"
		"--- /dev/null\n+++ b/tools/t/n.sh\n@@ -0,0 +1 @@\n+a\n",
		"--- a/Documentation/n.rst\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
		"--- a/tools/t/n.c\n+++ b/tools/t/m.c\n@@ -1 +1 @@\n-a\n+b\n",
		"diff --git a/tools/t/a.c b/tools/t/b.c\nsimilarity index 100%\n"
		"rename from tools/t/a.c\nrename to tools/t/b.c\n",
		"diff --git a/tools/t/a b/tools/t/a\nold mode 100644\nnew mode 100755\n",
		"diff --git a/Documentation/x.png b/Documentation/x.png\n"
		"Binary files a/Documentation/x.png and b/Documentation/x.png differ\n",
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(texts); i++) {
		_cleanup_patch_file_ struct patch_file *p = NULL;
		_cleanup_reason_list_ struct reason_list reasons = { 0 };
		_cleanup_free_ char *text = NULL;
		struct error err = { 0 };

		assert_true(asprintf(&text, "%s%s" GOOD, texts[i / 2],
				     i % 2 ? "" : "diff --git a/fs/x.c b/fs/x.c\n") > 0);
		assert_ok(parse(text, &reasons, &p, &err), &err);
		assert_int_equal(reason_count(&reasons, REASON_REFUSAL), 0);
		assert_int_equal(reasons.n, 1);
		assert_int_equal(reasons.items[0].code, REASON_NOT_KERNEL_CODE);
		assert_int_equal(p->entry_count, 1);
	}
	/* But not what comes from there into the kernel, or leaves it. */
	expect_reason("--- a/tools/t/n.c\n+++ b/fs/x.c\n@@ -1 +1 @@\n-a\n+b\n", "renamed");
	expect_reason("--- a/fs/x.c\n+++ b/tools/t/n.c\n@@ -1 +1 @@\n-a\n+b\n", "renamed");
	expect_reason("diff --git a/fs/x.c b/tools/t/x.c\nsimilarity index 100%\n", "renamed");
	expect_reason("diff --git i/fs/x.c w/tools/t/x.rst\nsimilarity index 100%\n", "renamed");
	expect_reason("diff --git a/tools/a b/tools/b b/fs/x.c\nsimilarity index 100%\n",
		      "renamed");
}

/* Each kind has its own way round. */
static void ways_round(void **state)
{
	_cleanup_patch_file_ struct patch_file *p = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_ok(parse("diff --git a/fs/x.c b/fs/x.c\nold mode 100644\nnew mode 100755\n"
			"--- /dev/null\n+++ b/fs/n.c\n@@ -0,0 +1 @@\n+a\n",
			&reasons, &p, &err),
		  &err);
	assert_int_equal(reasons.n, 2);
	assert_non_null(strstr(reason_hint(&reasons.items[0]), "mode"));
	assert_non_null(strstr(reason_hint(&reasons.items[1]), "put new code"));
}

static void expect_invalid(const char *text)
{
	_cleanup_patch_file_ struct patch_file *p = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	struct error err = { 0 };

	assert_int_equal(parse(text, &reasons, &p, &err), ERR_INVALID);
	assert_true(err.message[0] != '\0');
}

static void expect_hint(const char *text, const char *hint)
{
	_cleanup_patch_file_ struct patch_file *p = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	struct error err = { 0 };

	assert_int_equal(parse(text, &reasons, &p, &err), ERR_INVALID);
	assert_non_null(strstr(err.hint, hint));
}

/* What a patch became on its way says how to undo it. */
static void mangled(void **state)
{
	(void)state;
	expect_hint("--- a/fs/x.c\r\n+++ b/fs/x.c\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", "sed -i");
	expect_hint("\033[1m--- a/fs/x.c\033[m\n\033[1m+++ b/fs/x.c\033[m\n", "git diff");
}

static void damaged(void **state)
{
	(void)state;
	expect_invalid("");
	expect_invalid("just text\n");
	expect_invalid("--- a/fs/x.c\n+++ b/fs/x.c\n");
	expect_invalid("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1,2 +1,2 @@\n one\n");
	expect_invalid("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1,x +1,2 @@\n one\n");
	expect_invalid("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1 +1 @@\n*a\n+b\n");
	expect_invalid("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -0,0 +0,0 @@\n");
	expect_invalid("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1 +1,99999999999 @@\n-a\n");
	expect_invalid("@@ -1 +1 @@\n-a\n+b\n");
	expect_invalid("--- a/fs/x.c\r\n+++ b/fs/x.c\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n");
	expect_invalid("diff --git a/fs/x.c b/fs/x.c\nindex 1..2 100644\n");
}

static void expect_words(const char *text, size_t len, const char *words)
{
	_cleanup_patch_file_ struct patch_file *p = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	struct error err = { 0 };

	assert_true(patch_file_parse(text, len, "t.patch", &reasons, &p, &err) < 0);
	if (!strstr(err.message, words))
		fail_msg("'%s' does not hold '%s'", err.message, words);
}

static void damaged_how(void **state)
{
	static const struct {
		const char *hunk, *words;
	} cases[] = {
		{ "@@ -1,4294967297 +1 @@\n-a\n+b\n", "a damaged hunk header" },
		{ "@@ -1,1500000 +1,1500000 @@\n a\n", "of too many" },
		{ "@@ -0,0 +1,2 @@\n-a\n+b\n+c\n", "does not belong to its hunk" },
		{ "@@ -1,2 +0,0 @@\n-a\n+b\n-c\n", "does not belong to its hunk" },
		{ "@@ -1,2 +1,2 @@\n-a\n+b\n", "ends within a hunk" },
	};
	static const char zero[] = "--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1 +1 @@\n-a\0\n+b\n";
	static const char zero_name[] = "--- a/fs/x\0.c\n+++ b/fs/x\0.c\n@@ -1 +1 @@\n-a\n+b\n";
	_cleanup_free_ char *large = calloc(1, PATCH_SIZE_MAX + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, "--- a/fs/x.c\n+++ b/fs/x.c\n%s", cases[i].hunk) > 0);
		expect_words(text, strlen(text), cases[i].words);
	}
	expect_words(zero, sizeof(zero) - 1, "a zero byte");
	expect_words(zero_name, sizeof(zero_name) - 1, "a file name holds a zero byte");
	expect_words("@@ -1 +1 @@\n-a\n+b\n", 18, "belongs to no file");
	assert_non_null(large);
	expect_words(large, PATCH_SIZE_MAX + 1, "larger than 16 MiB");
}

/* What is refused says nothing of the next file; a mail may end with two dashes. */
static void the_next_file(void **state)
{
	static const char text[] =
		"--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-a\n+b\n" GOOD "--\n2.39\n";
	_cleanup_patch_file_ struct patch_file *p = NULL;
	_cleanup_reason_list_ struct reason_list reasons = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_ok(parse(text, &reasons, &p, &err), &err);
	assert_int_equal(reasons.n, 1);
	assert_int_equal(p->entry_count, 1);
	assert_string_equal(p->entries[0].path, "fs/x.c");
}

/* Any cut is an error, a refusal, or a patch of fewer hunks: never more than there was. */
static void truncated(void **state)
{
	static const char text[] = "diff --git a/fs/x.c b/fs/x.c\n" GOOD "@@ -9 +9 @@\n-a\n+b\n";

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		_cleanup_patch_file_ struct patch_file *p = NULL;
		_cleanup_reason_list_ struct reason_list reasons = { 0 };
		_cleanup_free_ char *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, text, len);
		if (patch_file_parse(copy, len, "t", &reasons, &p, NULL) == 0 && p->entry_count)
			assert_true(p->entries[0].hunk_count <= 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_patch),    cmocka_unit_test(paths),
		cmocka_unit_test(a_line_too_many), cmocka_unit_test(files),
		cmocka_unit_test(kinds),           cmocka_unit_test(damaged),
		cmocka_unit_test(truncated),       cmocka_unit_test(damaged_how),
		cmocka_unit_test(the_next_file),   cmocka_unit_test(kinds_outside_the_kernel),
		cmocka_unit_test(ways_round),      cmocka_unit_test(mangled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
