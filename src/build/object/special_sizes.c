/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/special_sizes.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"

#define BTF_MAX     ((size_t)256 << 20)
#define CACHE_MAX   (64 * 1024)
#define KEY_MAX     64
#define SIZE_MAX_OF 4096 /* of a structure in a table; a larger one is none */

/* Each field of struct special_sizes: the size of a structure, or the place of a member in it. */
static const struct {
	size_t field;
	const char *structure, *member;
} wanted[] = {
	{ offsetof(struct special_sizes, alt_instr), "alt_instr", NULL },
	{ offsetof(struct special_sizes, alt_replacementlen), "alt_instr", "replacementlen" },
	{ offsetof(struct special_sizes, bug_entry), "bug_entry", NULL },
	{ offsetof(struct special_sizes, bug_line), "bug_entry", "line" },
	{ offsetof(struct special_sizes, exception_table_entry), "exception_table_entry", NULL },
	{ offsetof(struct special_sizes, jump_entry), "jump_entry", NULL },
	{ offsetof(struct special_sizes, paravirt_patch_site), "paravirt_patch_site", NULL },
	{ offsetof(struct special_sizes, static_call_site), "static_call_site", NULL },
	{ offsetof(struct special_sizes, orc_entry), "orc_entry", NULL },
};

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
}

/* "alt_instr", or "alt_instr.replacementlen" */
static void key_of(size_t i, char ret[static KEY_MAX])
{
	const char *member = wanted[i].member;

	snprintf(ret, KEY_MAX, "%s%s%s", wanted[i].structure, member ? "." : "",
		 member ? member : "");
}

static uint32_t *field(struct special_sizes *sizes, size_t i)
{
	return (uint32_t *)((char *)sizes + wanted[i].field);
}

/* The place of a member in bytes; 0 if there is none, which no member that is wanted has. */
static uint32_t member_place(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *m = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *found = btf__name_by_offset(btf, m[i].name_off);
		if (found && streq(found, name))
			return btf_member_bit_offset(type, i) / 8;
	}
	return 0;
}

static void read_sizes(const struct btf *btf, struct special_sizes *ret)
{
	*ret = (struct special_sizes){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		int32_t id = btf__find_by_name_kind(btf, wanted[i].structure, BTF_KIND_STRUCT);
		const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

		if (!type || type->size > SIZE_MAX_OF)
			continue;
		*field(ret, i) =
			wanted[i].member ? member_place(btf, type, wanted[i].member) : type->size;
	}
}

int special_sizes_read(const void *data, size_t len, struct special_sizes *ret, struct error *err)
{
	_cleanup_(btf_freep) struct btf *btf = NULL;

	if (len > BTF_MAX)
		return error_set(err, ERR_INVALID, "the kernel's types (BTF) are too large");
	libbpf_set_print(NULL); /* it would write to the terminal */
	btf = btf__new(data, (uint32_t)len);
	if (!btf)
		return error_set(err, ERR_INVALID, "the kernel's types (BTF) are damaged");
	read_sizes(btf, ret);
	return 0;
}

/* The contents of an ELF file's section; *ret stays NULL if there is none. They live as long as
 * `elf`. */
static Elf_Data *find_section(Elf *elf, const char *wanted_name)
{
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	for (Elf_Scn *scn = elf_nextscn(elf, NULL); scn; scn = elf_nextscn(elf, scn)) {
		GElf_Shdr header;
		const char *name =
			gelf_getshdr(scn, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
		if (name && streq(name, wanted_name))
			return elf_rawdata(scn, NULL);
	}
	return NULL;
}

static int read_vmlinux(const struct kernel *kernel, struct special_sizes *ret, struct error *err)
{
	_cleanup_close_ int fd = open(kernel->vmlinux, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, errno, "cannot read %s", kernel->vmlinux);
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const Elf_Data *data = elf ? find_section(elf, ".BTF") : NULL;
	int r = 0;

	*ret = (struct special_sizes){ 0 };
	if (data && data->d_buf)
		r = special_sizes_read(data->d_buf, data->d_size, ret, err);
	elf_end(elf);
	return r < 0 ? error_prefix(err, r, "%s", kernel->vmlinux) : 0;
}

/* False if nothing was kept, or for another kernel. */
static bool read_kept(const char *path, const struct kernel *kernel, struct special_sizes *ret)
{
	_cleanup_json_ json_t *o = NULL;
	const char *build_id;
	int64_t value;

	if (!file_exists(path) || json_load_path(path, CACHE_MAX, &o, NULL) < 0 ||
	    json_get_str(o, "build_id", 1024, &build_id, NULL) < 0 ||
	    !streq(build_id, kernel->build_id))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char key[KEY_MAX];

		key_of(i, key);
		if (json_get_int(o, key, 0, SIZE_MAX_OF, &value, NULL) < 0)
			return false;
		*field(ret, i) = (uint32_t)value;
	}
	return true;
}

/* A cache that cannot be written is no reason to fail. */
static void keep(const char *path, const struct kernel *kernel, struct special_sizes *sizes)
{
	_cleanup_json_ json_t *o = json_object();

	if (!o || json_set_str(o, "build_id", kernel->build_id) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char key[KEY_MAX];

		key_of(i, key);
		if (json_object_set_new(o, key, json_integer(*field(sizes, i))) < 0)
			return;
	}
	(void)json_save_path(o, path, 0644, NULL);
}

int special_sizes_of_kernel(const struct kernel *kernel, struct special_sizes *ret,
			    struct error *err)
{
	_cleanup_free_ char *path = path_join(kernel->folder, "special-sizes.json", NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (read_kept(path, kernel, ret))
		return 0;
	int r = read_vmlinux(kernel, ret, err);
	if (r == 0)
		keep(path, kernel, ret);
	return r;
}
