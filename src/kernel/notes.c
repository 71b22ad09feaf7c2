/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/notes.h"

#include "base/file.h"
#include "base/hash.h"
#include "kernel/root.h"

#define NOTES_MAX     (64 * 1024)
#define NOTE_BUILD_ID 3

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

int kernel_notes_build_id(const void *data, size_t len, char ret[static KERNEL_BUILD_ID_MAX + 1])
{
	const uint8_t *p = data;
	size_t at = 0;

	while (len - at >= 12) {
		size_t name_len = load32(p + at), desc_len = load32(p + at + 4);
		uint32_t type = load32(p + at + 8);
		const uint8_t *name = p + at + 12, *desc;
		size_t left = len - at - 12;

		if (name_len > left || align4(name_len) > left ||
		    desc_len > left - align4(name_len))
			return ERR_INVALID;
		desc = name + align4(name_len);
		if (type == NOTE_BUILD_ID && name_len == 4 && memcmp(name, "GNU", 4) == 0) {
			if (desc_len < 4 || desc_len > KERNEL_BUILD_ID_MAX / 2)
				return ERR_INVALID;
			hex_encode(desc, desc_len, ret);
			return 0;
		}
		left -= align4(name_len);
		at = len - left + MIN(align4(desc_len), left);
	}
	return ERR_NOT_FOUND;
}

static int read_build_id(const char *path, char ret[static KERNEL_BUILD_ID_MAX + 1],
			 struct error *err)
{
	_cleanup_buf_ struct buf notes = BUF_INIT(NOTES_MAX);
	int r;

	r = file_read(path, &notes, err);
	if (r < 0)
		return r == -ENOENT ? error_set(err, ERR_NOT_FOUND, "%s: no such file", path) : r;
	r = kernel_notes_build_id(notes.data, notes.len, ret);
	if (r == ERR_NOT_FOUND)
		return error_set(err, r, "%s: no build ID", path);
	if (r < 0)
		return error_set(err, r, "%s: malformed ELF notes", path);
	return 0;
}

int kernel_build_id(const char *root, char ret[static KERNEL_BUILD_ID_MAX + 1], struct error *err)
{
	struct kernel_path path;
	int r;

	r = kernel_path(&path, root, "/sys/kernel/notes");
	if (r < 0)
		return error_set(err, r, "path too long");
	return read_build_id(path.s, ret, err);
}

int kernel_module_build_id(const char *root, const char *module,
			   char ret[static KERNEL_BUILD_ID_MAX + 1], struct error *err)
{
	struct kernel_path path;
	int r;

	r = kernel_path(&path, root, "/sys/module/%s/notes/.note.gnu.build-id", module);
	if (r < 0)
		return error_set(err, r, "path too long");
	return read_build_id(path.s, ret, err);
}
