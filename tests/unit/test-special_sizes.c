/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes from a kernel's types, which libbpf writes here as the kernel's own build does. */
#include "build/object/special_sizes.h"

#include <bpf/btf.h>

#include "base/file.h"
#include "unit.h"

static struct btf *types(void)
{
	struct btf *btf = btf__new_empty();
	int byte = btf__add_int(btf, "u8", 1, 0), word = btf__add_int(btf, "u16", 2, 0),
	    number = btf__add_int(btf, "s32", 4, 0);

	assert_true(byte > 0 && word > 0 && number > 0);
	assert_true(btf__add_struct(btf, "alt_instr", 14) > 0);
	assert_int_equal(btf__add_field(btf, "instr_offset", number, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "instrlen", byte, 12 * 8, 0), 0);
	assert_int_equal(btf__add_field(btf, "replacementlen", byte, 13 * 8, 0), 0);
	assert_true(btf__add_struct(btf, "bug_entry", 12) > 0);
	assert_int_equal(btf__add_field(btf, "line", word, 8 * 8, 0), 0);
	assert_true(btf__add_struct(btf, "jump_entry", 16) > 0);
	return btf;
}

static void sizes_and_places_are_read(void **state)
{
	(void)state;
	struct btf *btf = types();
	struct special_sizes sizes;
	struct error err = { 0 };
	uint32_t len;
	const void *data = btf__raw_data(btf, &len);

	assert_ok(special_sizes_read(data, len, &sizes, &err), &err);
	assert_int_equal(sizes.alt_instr, 14);
	assert_int_equal(sizes.alt_replacementlen, 13);
	assert_int_equal(sizes.bug_entry, 12);
	assert_int_equal(sizes.bug_line, 8);
	assert_int_equal(sizes.jump_entry, 16);
	assert_int_equal(sizes.paravirt_patch_site, 0); /* not there */
	btf__free(btf);
}

static void damaged_types_are_refused(void **state)
{
	(void)state;
	struct btf *btf = types();
	struct special_sizes sizes;
	struct error err = { 0 };
	uint32_t len;
	const void *data = btf__raw_data(btf, &len);

	assert_int_equal(special_sizes_read("no types", 8, &sizes, &err), ERR_INVALID);
	assert_int_equal(special_sizes_read(data, len - 1, &sizes, &err), ERR_INVALID);
	assert_int_equal(special_sizes_read(data, 0, &sizes, &err), ERR_INVALID);
	btf__free(btf);
}

/* A kernel whose vmlinux cannot be read tells that the second answer comes from the first. */
static void answers_are_kept_for_a_build(void **state)
{
	(void)state;
	char folder[] = "/tmp/suture-test-XXXXXX";
	struct special_sizes sizes;
	struct error err = { 0 };

	assert_non_null(mkdtemp(folder));
	_cleanup_free_ char *path = path_join(folder, "special-sizes.json", NULL);
	struct kernel kernel = { .folder = folder,
				 .build_id = (char *)"abc",
				 .vmlinux = (char *)"/nonexistent" };
	static const char kept[] =
		"{\"build_id\": \"abc\", \"alt_instr\": 12, \"alt_instr.replacementlen\": 11,"
		" \"bug_entry\": 12, \"bug_entry.line\": 8, \"exception_table_entry\": 12,"
		" \"jump_entry\": 16, \"paravirt_patch_site\": 16, \"static_call_site\": 8,"
		" \"orc_entry\": 6}";

	assert_true(special_sizes_of_kernel(&kernel, &sizes, &err) < 0);
	assert_ok(file_write_atomic(path, kept, strlen(kept), 0644, &err), &err);
	assert_ok(special_sizes_of_kernel(&kernel, &sizes, &err), &err);
	assert_int_equal(sizes.alt_instr, 12);
	assert_int_equal(sizes.alt_replacementlen, 11);
	assert_int_equal(sizes.orc_entry, 6);
	kernel.build_id = (char *)"another";
	assert_true(special_sizes_of_kernel(&kernel, &sizes, &err) < 0);
	assert_ok(file_remove_tree(folder, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_and_places_are_read),
		cmocka_unit_test(damaged_types_are_refused),
		cmocka_unit_test(answers_are_kept_for_a_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
