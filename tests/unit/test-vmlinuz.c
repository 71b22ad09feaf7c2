/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>

#include "package/vmlinuz.h"

#define ELF_SIZE 4096

/* The head of an x86-64 ELF file with one note section that holds a build ID. */
static void make_elf(uint8_t elf[static ELF_SIZE])
{
	Elf64_Ehdr eh = { .e_ident = ELFMAG,
			  .e_machine = EM_X86_64,
			  .e_shoff = 1024,
			  .e_shnum = 1,
			  .e_shentsize = sizeof(Elf64_Shdr) };
	Elf64_Shdr sh = { .sh_type = SHT_NOTE, .sh_offset = 2048, .sh_size = 36 };
	Elf64_Nhdr nh = { .n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID };

	memset(elf, 0x5a, ELF_SIZE);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	memcpy(elf, &eh, sizeof(eh));
	memcpy(elf + 1024, &sh, sizeof(sh));
	memcpy(elf + 2048, &nh, sizeof(nh));
	memcpy(elf + 2048 + sizeof(nh), "GNU", 4);
	for (uint8_t i = 0; i < 20; i++)
		elf[2048 + sizeof(nh) + 4 + i] = i;
}

static void compress(const uint8_t *data, size_t len, bool xz, struct buf *out)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	uint8_t packed[3 * ELF_SIZE];
	size_t used = 0;

	archive_write_set_format_raw(a);
	if (xz)
		archive_write_add_filter_xz(a);
	else
		archive_write_add_filter_gzip(a);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_memory(a, packed, sizeof(packed), &used), ARCHIVE_OK);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_write_header(a, e);
	archive_write_data(a, data, len);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
	assert_int_equal(buf_append(out, packed, used), 0);
}

/* A bzImage: setup header (Documentation/arch/x86/boot.rst), then the payload. */
static void make_image(bool xz, struct buf *out)
{
	_cleanup_buf_ struct buf payload = BUF_INIT(1 << 20);
	uint8_t elf[ELF_SIZE], head[1024] = { 0 };
	uint32_t size = ELF_SIZE, offset = 64, len;

	make_elf(elf);
	compress(elf, sizeof(elf), xz, &payload);
	if (xz)
		assert_int_equal(buf_append(&payload, &size, 4), 0);
	len = (uint32_t)payload.len;
	head[0x1f1] = 1; /* setup sectors */
	head[0x1fe] = 0x55;
	head[0x1ff] = 0xaa;
	memcpy(head + 0x202, "HdrS", 4);
	head[0x206] = 0x0f;
	head[0x207] = 0x02;
	head[0x236] = 1;
	memcpy(head + 0x248, &offset, 4);
	memcpy(head + 0x24c, &len, 4);
	assert_int_equal(buf_append(out, head, sizeof(head)), 0);
	assert_int_equal(buf_append_zero(out, offset), 0);
	assert_int_equal(buf_append(out, payload.data, payload.len), 0);
}

static void both_compressions(void **state)
{
	(void)state;
	for (int xz = 0; xz < 2; xz++) {
		_cleanup_buf_ struct buf image = BUF_INIT(1 << 20), elf = BUF_INIT(1 << 20);
		struct error err = { 0 };
		char id[BUILD_ID_HEX_MAX + 1];

		make_image(xz, &image);
		assert_ok(vmlinuz_unpack(image.data, image.len, &elf, &err), &err);
		assert_int_equal(elf.len, ELF_SIZE);
		assert_ok(vmlinuz_build_id(elf.data, elf.len, id, &err), &err);
		assert_string_equal(id, "000102030405060708090a0b0c0d0e0f10111213");
	}
}

static void bounds(void **state)
{
	_cleanup_buf_ struct buf image = BUF_INIT(1 << 20), small = BUF_INIT(ELF_SIZE - 1);

	(void)state;
	make_image(true, &image);
	assert_int_equal(vmlinuz_unpack(image.data, image.len, &small, NULL), ERR_TOO_LARGE);
	for (size_t len = 0; len < image.len; len += 13) {
		_cleanup_buf_ struct buf elf = BUF_INIT(1 << 20);

		assert_int_equal(vmlinuz_unpack(image.data, len, &elf, NULL), ERR_INVALID);
	}
}

static void other_images(void **state)
{
	_cleanup_buf_ struct buf image = BUF_INIT(1 << 20), elf = BUF_INIT(1 << 20);
	uint8_t file[ELF_SIZE];
	char id[BUILD_ID_HEX_MAX + 1];

	(void)state;
	make_image(false, &image);
	image.data[0x236] = 0; /* no 64-bit entry */
	assert_int_equal(vmlinuz_unpack(image.data, image.len, &elf, NULL), ERR_UNSUPPORTED);
	make_elf(file);
	file[18] = EM_AARCH64;
	assert_int_equal(vmlinuz_build_id(file, sizeof(file), id, NULL), ERR_UNSUPPORTED);
	make_elf(file);
	file[1024 + 4] = SHT_PROGBITS;
	assert_int_equal(vmlinuz_build_id(file, sizeof(file), id, NULL), ERR_NOT_FOUND);
	file[60] = 0xff; /* sections beyond the end */
	file[61] = 0xff;
	assert_int_equal(vmlinuz_build_id(file, sizeof(file), id, NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_compressions),
		cmocka_unit_test(bounds),
		cmocka_unit_test(other_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
