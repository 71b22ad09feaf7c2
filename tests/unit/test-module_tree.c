// SPDX-License-Identifier: GPL-2.0-or-later
/* Dependencies of kernel modules, and what a livepatch module is for: on ELF files made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <stdio.h>

#include "base/file.h"
#include "lab/trial/livepatch_file.h"
#include "lab/guest/module_tree.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-module-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

/* A relocatable file with one section of that name and content, and the table of names. */
static void make_elf(struct buf *out, const char *section, const void *data, size_t len)
{
	char names[256] = "\0.shstrtab";
	size_t names_len = 11 + strlen(section) + 1;
	Elf64_Ehdr header = { .e_type = ET_REL,
			      .e_machine = EM_X86_64,
			      .e_version = EV_CURRENT,
			      .e_ehsize = sizeof(header),
			      .e_shentsize = sizeof(Elf64_Shdr),
			      .e_shnum = 3,
			      .e_shstrndx = 1,
			      .e_shoff = sizeof(header) };
	Elf64_Shdr sections[3] = { 0 };

	memcpy(names + 11, section, strlen(section) + 1);
	memcpy(header.e_ident, ELFMAG "\2\1\1", 7);
	sections[1] = (Elf64_Shdr){ .sh_name = 1,
				    .sh_type = SHT_STRTAB,
				    .sh_offset = sizeof(header) + sizeof(sections),
				    .sh_size = names_len };
	sections[2] = (Elf64_Shdr){ .sh_name = 11,
				    .sh_type = SHT_PROGBITS,
				    .sh_offset = sections[1].sh_offset + names_len,
				    .sh_size = len };
	assert_int_equal(buf_append(out, &header, sizeof(header)), 0);
	assert_int_equal(buf_append(out, sections, sizeof(sections)), 0);
	assert_int_equal(buf_append(out, names, names_len), 0);
	assert_int_equal(buf_append(out, data, len), 0);
}

/* The filter xz for names ending in ".xz"; otherwise as it is. */
static void store(const char *path, const struct buf *data)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	if (str_has_suffix(path, ".xz"))
		assert_int_equal(archive_write_add_filter_xz(a), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_pathname(e, "x");
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, data->data, data->len), (la_ssize_t)data->len);
	assert_int_equal(archive_write_free(a), ARCHIVE_OK);
	archive_entry_free(e);
}

/* modinfo entries are separated by zero bytes; '|' stands for them here. */
static void make_module(const char *name, const char *modinfo)
{
	_cleanup_buf_ struct buf elf = BUF_INIT(65536);
	_cleanup_free_ char *path = path_join(dir, "kernel", "a", name, NULL);
	_cleanup_free_ char *folder = path_join(dir, "kernel", "a", NULL);
	_cleanup_free_ char *text = strdup(modinfo);
	size_t len = strlen(text);

	for (char *p = text; *p; p++)
		if (*p == '|')
			*p = 0;
	make_elf(&elf, ".modinfo", text, len + 1);
	assert_int_equal(file_make_dirs(folder, 0755, NULL), 0);
	store(path, &elf);
}

static void check_order(struct module_tree *tree, const char *expected)
{
	char order[256] = "";

	for (size_t i = 0; i < module_tree_count(tree); i++) {
		size_t n = strlen(order);

		snprintf(order + n, sizeof(order) - n, "%s ", module_tree_get(tree, i).name);
		assert_memory_equal(module_tree_get(tree, i).data, ELFMAG, SELFMAG);
	}
	assert_string_equal(order, expected);
}

static void test_order(void **state)
{
	(void)state;
	static const char builtin[] = "kernel/fs/built-in.ko\nkernel/crypto/sha_generic.ko\n";
	_cleanup_free_ char *list = path_join(dir, "modules.builtin", NULL);
	_cleanup_(module_tree_freep) struct module_tree *tree = NULL;
	struct error err = { 0 };

	make_module("top-one.ko.xz", "license=GPL|depends=mid_a,mid-b,built_in|name=top_one");
	make_module("mid_a.ko", "depends=low|softdep=pre: crc nonsense post: late");
	make_module("mid-b.ko.xz", "depends=low");
	make_module("low.ko", "depends=");
	make_module("crc_generic.ko", "x=y");
	make_module("late.ko", "depends=mid_a");
	make_module("broken.ko", "depends=missing");
	make_module("loop_a.ko", "depends=loop_b");
	make_module("loop_b.ko", "depends=loop_a");
	assert_int_equal(file_write_atomic(list, builtin, sizeof(builtin) - 1, 0644, NULL), 0);
	assert_int_equal(module_tree_open(dir, &tree, &err), 0);
	assert_true(module_tree_has(tree, "top_one"));
	assert_true(module_tree_has(tree, "top-one"));
	assert_true(module_tree_is_builtin(tree, "built_in"));
	assert_false(module_tree_has(tree, "built_in"));
	assert_int_equal(module_tree_want(tree, "built-in", &err), 0);
	check_order(tree, "");
	assert_int_equal(module_tree_want(tree, "top-one", &err), 0);
	check_order(tree, "crc_generic late low mid_a mid_b top_one ");
	assert_int_equal(module_tree_want(tree, "mid_b", &err), 0);
	assert_int_equal(module_tree_count(tree), 6);
	assert_int_equal(module_tree_want(tree, "loop_a", &err), 0);
	assert_int_equal(module_tree_want(tree, "unknown", &err), ERR_NOT_FOUND);
	assert_int_equal(module_tree_want(tree, "broken", &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "missing"));
}

static void test_damaged(void **state)
{
	(void)state;
	_cleanup_(module_tree_freep) struct module_tree *tree = NULL;
	_cleanup_free_ char *xz = path_join(dir, "kernel", "a", "cut.ko.xz", NULL);
	_cleanup_free_ char *text = path_join(dir, "kernel", "a", "text.ko", NULL);
	_cleanup_free_ char *missing = path_join(dir, "missing", NULL);
	struct error err = { 0 };

	assert_int_equal(file_write_atomic(xz,
					   "\xfd"
					   "7zXZ\0\0\4abc",
					   10, 0644, NULL),
			 0);
	assert_int_equal(file_write_atomic(text, "no ELF", 6, 0644, NULL), 0);
	assert_int_equal(module_tree_open(dir, &tree, &err), 0);
	assert_int_equal(module_tree_want(tree, "cut", &err), ERR_INVALID);
	assert_int_equal(module_tree_want(tree, "text", &err), ERR_INVALID);
	assert_int_equal(module_tree_open(missing, &(struct module_tree *){ NULL }, &err), -ENOENT);
}

static void objects_of(const char *section, struct path_list *ret)
{
	_cleanup_buf_ struct buf elf = BUF_INIT(65536);

	make_elf(&elf, section, "x", 1);
	assert_int_equal(livepatch_file_objects(elf.data, elf.len, ret, NULL), 0);
	/* However it is cut off: no error, and no reading behind the end. */
	for (size_t len = 0; len < elf.len; len++) {
		_cleanup_free_ uint8_t *cut = malloc(len + 1);
		_cleanup_paths_ struct path_list l = { 0 };

		memcpy(cut, elf.data, len);
		assert_int_equal(livepatch_file_objects(cut, len, &l, NULL), 0);
	}
}

static void test_livepatch_objects(void **state)
{
	(void)state;
	_cleanup_paths_ struct path_list l = { 0 };

	objects_of(".klp.rela.vmlinux..text.f", &l);
	objects_of(".klp.rela.", &l);
	objects_of(".klp.rela.nodot", &l);
	objects_of(".rela.text", &l);
	assert_int_equal(l.n, 0);
	objects_of(".klp.rela.nf_tables..text.f", &l);
	objects_of(".klp.rela.nf_tables.__jump_table", &l);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.items[0], "nf_tables");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_livepatch_objects),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
