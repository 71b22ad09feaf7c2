/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/vmlinuz.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>

#include "base/hash.h"

/* Offsets in the setup header, Documentation/arch/x86/boot.rst. */
enum {
	SETUP_SECTS = 0x1f1,
	BOOT_FLAG = 0x1fe,
	HEADER_MAGIC = 0x202,
	PROTOCOL = 0x206,
	XLOADFLAGS = 0x236,
	PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c,
	SETUP_HEADER_END = 0x250,
};
#define XLF_KERNEL_64 1

DEFINE_CLEANUP(struct archive *, archive_read_free);

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

int vmlinuz_decompress(const void *data, size_t len, struct buf *out, struct error *err)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();
	struct archive_entry *entry;

	if (!a)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	archive_read_support_format_raw(a);
	archive_read_support_filter_all(a);
	if (archive_read_open_memory(a, data, len) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return error_set(err, ERR_INVALID, "cannot decompress: %s",
				 archive_error_string(a) ? archive_error_string(a) : "no data");
	for (;;) {
		const void *block;
		size_t n;
		la_int64_t offset;
		int r = archive_read_data_block(a, &block, &n, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_OK)
			return error_set(err, ERR_INVALID, "cannot decompress: %s",
					 archive_error_string(a));
		r = buf_append(out, block, n);
		if (r < 0)
			return error_set(err, r, "cannot decompress: larger than allowed");
	}
}

/* All but gzip, which has the size in its own trailer, are followed by the unpacked size. */
static bool has_size_after(const uint8_t *payload)
{
	return !(payload[0] == 0x1f && payload[1] == 0x8b);
}

static int check_elf(const uint8_t *elf, size_t len, struct error *err)
{
	Elf64_Ehdr eh;

	if (len < sizeof(eh))
		return error_set(err, ERR_INVALID, "the kernel image holds no ELF file");
	memcpy(&eh, elf, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		return error_set(err, ERR_INVALID, "the kernel image holds no ELF file");
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64)
		return error_set(err, ERR_UNSUPPORTED, "not an x86-64 kernel");
	return 0;
}

int vmlinuz_unpack(const uint8_t *image, size_t len, struct buf *out, struct error *err)
{
	if (len < SETUP_HEADER_END || get16(image + BOOT_FLAG) != 0xaa55 ||
	    memcmp(image + HEADER_MAGIC, "HdrS", 4) != 0 || get16(image + PROTOCOL) < 0x020c)
		return error_set(err, ERR_INVALID, "not an x86 kernel image (bzImage)");
	if (!(get16(image + XLOADFLAGS) & XLF_KERNEL_64))
		return error_set(err, ERR_UNSUPPORTED, "not an x86-64 kernel");

	size_t setup = ((size_t)(image[SETUP_SECTS] ? image[SETUP_SECTS] : 4) + 1) * 512;
	size_t offset = setup + get32(image + PAYLOAD_OFFSET);
	size_t size = get32(image + PAYLOAD_LENGTH);

	if (size < 16 || offset > len || size > len - offset)
		return error_set(err, ERR_INVALID, "the kernel image is truncated");

	const uint8_t *payload = image + offset;
	uint32_t unpacked = get32(payload + size - 4);
	size_t before = out->len;
	int r = vmlinuz_decompress(payload, has_size_after(payload) ? size - 4 : size, out, err);

	if (r < 0)
		return error_prefix(err, r, "kernel image");
	if (out->len - before != unpacked)
		return error_set(err, ERR_INVALID,
				 "the kernel image is damaged: its size is wrong");
	return check_elf(out->data + before, out->len - before, err);
}

/* Looks for the build ID among the notes in one run of bytes. */
static bool find_note(const uint8_t *p, size_t len, char ret[static BUILD_ID_HEX_MAX + 1])
{
	while (len >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;

		memcpy(&h, p, sizeof(h));

		uint64_t name = ((uint64_t)h.n_namesz + 3) & ~UINT64_C(3);
		uint64_t desc = ((uint64_t)h.n_descsz + 3) & ~UINT64_C(3);

		if (sizeof(h) + name + desc > len)
			return false;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 &&
		    memcmp(p + sizeof(h), "GNU", 4) == 0 && h.n_descsz >= 4 &&
		    h.n_descsz <= BUILD_ID_HEX_MAX / 2) {
			hex_encode(p + sizeof(h) + name, h.n_descsz, ret);
			return true;
		}
		p += sizeof(h) + name + desc;
		len -= (size_t)(sizeof(h) + name + desc);
	}
	return false;
}

int vmlinuz_build_id(const uint8_t *elf, size_t len, char ret[static BUILD_ID_HEX_MAX + 1],
		     struct error *err)
{
	Elf64_Ehdr eh;
	int r = check_elf(elf, len, err);

	if (r < 0)
		return r;
	memcpy(&eh, elf, sizeof(eh));
	for (size_t i = 0; i < eh.e_shnum; i++) {
		Elf64_Shdr sh;
		uint64_t at = eh.e_shoff + i * sizeof(sh);

		if (eh.e_shentsize != sizeof(sh) || at > len || len - at < sizeof(sh))
			return error_set(err, ERR_INVALID, "ELF file with a damaged section table");
		memcpy(&sh, elf + at, sizeof(sh));
		if (sh.sh_type == SHT_NOTE && sh.sh_offset <= len &&
		    sh.sh_size <= len - sh.sh_offset &&
		    find_note(elf + sh.sh_offset, (size_t)sh.sh_size, ret))
			return 0;
	}
	return error_set(err, ERR_NOT_FOUND, "the ELF file has no build ID");
}
