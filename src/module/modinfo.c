/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "module/modinfo.h"

#include "module/signature.h"

#define NOTE_BUILD_ID 3

/* `key=value` entries, each ended by a zero byte, with zero bytes between them as padding. */
static int read_entries(struct modinfo *info, const struct elf_section *section, const char *what,
			struct error *err)
{
	const char *p = (const char *)section->data, *end = p + section->size;

	info->entries = arena_alloc(info->arena, MODINFO_ENTRIES_MAX, sizeof(*info->entries));
	if (!info->entries)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", what);
	while (p < end) {
		size_t len = strnlen(p, (size_t)(end - p));
		const char *equals = memchr(p, '=', len);
		struct modinfo_entry *entry;

		if (len == 0) {
			p++;
			continue;
		}
		if (len == (size_t)(end - p))
			return error_set(err, ERR_INVALID, "%s: .modinfo ends in an entry", what);
		if (!equals || equals == p)
			return error_set(err, ERR_INVALID, "%s: .modinfo entry without a key",
					 what);
		if (info->entry_count == MODINFO_ENTRIES_MAX)
			return error_set(err, ERR_TOO_LARGE, "%s: over %d .modinfo entries", what,
					 MODINFO_ENTRIES_MAX);
		entry = &info->entries[info->entry_count++];
		entry->key = arena_strndup(info->arena, p, (size_t)(equals - p));
		entry->value =
			arena_strndup(info->arena, equals + 1, len - (size_t)(equals + 1 - p));
		if (!entry->key || !entry->value)
			return error_set(err, ERR_NO_MEMORY, "%s: out of memory", what);
		p += len + 1;
	}
	return 0;
}

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Notes as in elf(5): three words, name and description, each padded to 4 bytes. */
static int read_build_id(struct modinfo *info, const struct elf_section *section, const char *what,
			 struct error *err)
{
	const uint8_t *p = section->data;
	uint64_t left = section->size;

	while (left >= 12) {
		uint64_t name = load32(p), desc = load32(p + 4);
		uint64_t name_room = (name + 3) & ~UINT64_C(3),
			 desc_room = (desc + 3) & ~UINT64_C(3);

		if (name_room > left - 12 || desc > left - 12 - name_room)
			return error_set(err, ERR_INVALID, "%s: %s: a note runs over the end", what,
					 section->name);
		if (load32(p + 8) == NOTE_BUILD_ID && name == 4 && memcmp(p + 12, "GNU", 4) == 0) {
			if (desc == 0 || desc > MODINFO_BUILD_ID_MAX)
				return error_set(err, ERR_INVALID, "%s: build ID of %llu bytes",
						 what, (unsigned long long)desc);
			memcpy(info->build_id, p + 12 + name_room, desc);
			info->build_id_len = desc;
			return 0;
		}
		desc_room = MIN(desc_room, left - 12 - name_room);
		p += 12 + name_room + desc_room;
		left -= 12 + name_room + desc_room;
	}
	return 0;
}

static int fill(struct modinfo *info, const struct elf_object *object, const char *what,
		struct error *err)
{
	const struct elf_section *section = elf_object_section(object, ".modinfo");
	const char *livepatch;
	int r;

	if (!section || !section->data)
		return error_set(err, ERR_INVALID, "%s: not a kernel module (no .modinfo)", what);
	r = read_entries(info, section, what, err);
	if (r < 0)
		return r;
	section = elf_object_section(object, ".note.gnu.build-id");
	if (section && section->data) {
		r = read_build_id(info, section, what, err);
		if (r < 0)
			return r;
	}
	info->name = modinfo_get(info, "name");
	info->vermagic = modinfo_get(info, "vermagic");
	info->depends = modinfo_get(info, "depends");
	livepatch = modinfo_get(info, "livepatch");
	info->livepatch = livepatch && streq(livepatch, "Y");
	return 0;
}

int modinfo_from_object(const struct elf_object *object, const char *what, struct modinfo **ret,
			struct error *err)
{
	_cleanup_modinfo_ struct modinfo *info = calloc(1, sizeof(*info));
	int r;

	if (!info)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", what);
	/* The entries' array, their text, and a bookkeeping word or two for each piece. */
	info->arena = arena_new((size_t)MODINFO_FILE_MAX * 2);
	if (!info->arena)
		return error_set(err, ERR_NO_MEMORY, "%s: out of memory", what);
	r = fill(info, object, what, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(info);
	return 0;
}

int modinfo_parse(const void *data, size_t len, const char *what, struct modinfo **ret,
		  struct error *err)
{
	_cleanup_elf_object_ struct elf_object *object = NULL;
	struct signature_parts parts;
	int r;

	if (len > MODINFO_FILE_MAX)
		return error_set(err, ERR_TOO_LARGE, "%s: over %u bytes", what, MODINFO_FILE_MAX);
	r = signature_split(data, len, &parts, err);
	if (r < 0)
		return error_prefix(err, r, "%s", what);
	r = elf_object_parse(parts.module, parts.module_len, what, &object, err);
	if (r < 0)
		return r;
	r = modinfo_from_object(object, what, ret, err);
	if (r < 0)
		return r;
	(*ret)->signed_ = parts.signature != NULL;
	(*ret)->module_len = parts.module_len;
	return 0;
}

void modinfo_free(struct modinfo *info)
{
	if (!info)
		return;
	arena_free(info->arena);
	free(info);
}

const char *modinfo_get(const struct modinfo *info, const char *key)
{
	for (size_t i = 0; i < info->entry_count; i++)
		if (streq(info->entries[i].key, key))
			return info->entries[i].value;
	return NULL;
}
