/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "module/modinfo.h"

static const char entries[] = "name=suture_x_1_1\0license=GPL\0\0\0livepatch=Y\0"
			      "vermagic=6.1.0-56-amd64 SMP mod_unload \0depends=";
static const uint8_t note[] = { 4, 0, 0,   0,   4,   0, 0,    0,    3,    0,
				0, 0, 'G', 'N', 'U', 0, 0xde, 0xad, 0xbe, 0xef };

/* A module with these two sections; `out` gets the file. */
static void make(const void *modinfo, size_t len, const void *notes, size_t notes_len,
		 struct buf *out)
{
	_cleanup_elf_object_ struct elf_object *object = NULL;
	struct elf_section *section;
	struct error err = { 0 };

	assert_int_equal(elf_object_new(&object), 0);
	if (modinfo) {
		section = elf_object_add_section(object, ".modinfo", SHT_PROGBITS, SHF_ALLOC, 1);
		section->data = arena_memdup(object->arena, modinfo, len);
		section->size = len;
	}
	section = elf_object_add_section(object, ".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, 4);
	section->data = arena_memdup(object->arena, notes, notes_len);
	section->size = notes_len;
	assert_ok(elf_object_write(object, out, &err), &err);
}

static void reads(void **state)
{
	_cleanup_buf_ struct buf file = BUF_INIT(65536);
	_cleanup_modinfo_ struct modinfo *info = NULL;
	struct error err = { 0 };

	(void)state;
	make(entries, sizeof(entries), note, sizeof(note), &file);
	assert_ok(modinfo_parse(file.data, file.len, "m.ko", &info, &err), &err);
	assert_string_equal(info->name, "suture_x_1_1");
	assert_string_equal(info->vermagic, "6.1.0-56-amd64 SMP mod_unload ");
	assert_string_equal(info->depends, "");
	assert_true(info->livepatch);
	assert_false(info->signed_);
	assert_int_equal(info->module_len, file.len);
	assert_int_equal(info->build_id_len, 4);
	assert_memory_equal(info->build_id, "\xde\xad\xbe\xef", 4);
	assert_int_equal(info->entry_count, 5);
	assert_string_equal(modinfo_get(info, "license"), "GPL");
	assert_null(modinfo_get(info, "nothing"));
}

static void refuses(void **state)
{
	static const uint8_t long_note[] = { 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
					     3, 0, 0, 0, 'G',  'N',  'U',  0 };
	static const struct {
		const void *modinfo;
		size_t len;
		const void *note;
		size_t note_len;
	} cases[] = {
		{ NULL, 0, note, sizeof(note) },
		{ "name=x", 6, note, sizeof(note) }, /* no zero byte */
		{ "name\0", 6, note, sizeof(note) }, /* no '=' */
		{ "=x\0", 4, note, sizeof(note) },
		{ entries, sizeof(entries), long_note, sizeof(long_note) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf file = BUF_INIT(65536);
		struct modinfo *info = NULL;

		make(cases[i].modinfo, cases[i].len, cases[i].note, cases[i].note_len, &file);
		if (modinfo_parse(file.data, file.len, "m.ko", &info, NULL) != ERR_INVALID || info)
			fail_msg("case %zu", i);
	}
}

static void cut(void **state)
{
	_cleanup_buf_ struct buf file = BUF_INIT(65536);

	(void)state;
	make(entries, sizeof(entries), note, sizeof(note), &file);
	for (size_t len = 0; len < file.len; len += 3) {
		uint8_t *copy = malloc(len + 1);
		struct modinfo *info = NULL;

		memcpy(copy, file.data, len);
		assert_true(modinfo_parse(copy, len, "m.ko", &info, NULL) < 0);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests_name("modinfo", tests, NULL, NULL);
}
