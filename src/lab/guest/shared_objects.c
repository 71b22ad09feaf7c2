// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/shared_objects.h"

#include <gelf.h>
#include <limits.h>
#include <stdio.h>

#include "base/file.h"

#define DEPTH_MAX 32

DEFINE_CLEANUP(Elf *, elf_end);
#define _cleanup_elf_ _cleanup_(elf_endp)

static const char *const standard_folders[] = {
	"/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu",
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
};

/* One file's dynamic section. Strings belong to the ELF handle. */
struct dynamic {
	const char *needed[256];
	size_t n;
	const char *run_path;
};

static int add_needs(const char *path, struct path_list *list, int depth, struct error *err);

/* NULL without an error for a file that is not ELF. */
static int open_elf(const char *path, int fd, Elf **ret, struct error *err)
{
	GElf_Ehdr header;
	size_t size;

	elf_version(EV_CURRENT);
	_cleanup_elf_ Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);

	if (!elf)
		return error_set(err, ERR_INVALID, "%s: %s", path, elf_errmsg(-1));
	if (elf_kind(elf) != ELF_K_ELF)
		return 0;
	if (!gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64 ||
	    gelf_getclass(elf) != ELFCLASS64)
		return error_set(err, ERR_INVALID, "%s: not an x86-64 ELF file", path);
	if (!elf_rawfile(elf, &size) || header.e_shoff > size ||
	    (size_t)header.e_shnum * header.e_shentsize > size - header.e_shoff)
		return error_set(err, ERR_INVALID, "%s: cut off", path);
	*ret = TAKE_PTR(elf);
	return 0;
}

static bool is_x86_64(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_elf_ Elf *elf = NULL;

	return fd >= 0 && open_elf(path, fd, &elf, NULL) == 0 && elf;
}

static int read_dynamic(Elf *elf, const char *path, struct dynamic *ret, struct error *err)
{
	GElf_Shdr section;
	GElf_Dyn entry;
	Elf_Data *data = NULL;

	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn)) && !data;)
		if (gelf_getshdr(scn, &section) && section.sh_type == SHT_DYNAMIC)
			data = elf_getdata(scn, NULL);
	for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		const char *text = NULL;

		if (entry.d_tag == DT_NEEDED || entry.d_tag == DT_RUNPATH ||
		    entry.d_tag == DT_RPATH) {
			text = elf_strptr(elf, section.sh_link, entry.d_un.d_val);
			if (!text || strlen(text) >= PATH_MAX)
				return error_set(err, ERR_INVALID, "%s: broken dynamic section",
						 path);
		}
		if (entry.d_tag == DT_NEEDED && ret->n == ARRAY_SIZE(ret->needed))
			return error_set(err, ERR_TOO_LARGE, "%s: too many libraries", path);
		if (entry.d_tag == DT_NEEDED)
			ret->needed[ret->n++] = text;
		else if (entry.d_tag == DT_RUNPATH || (text && !ret->run_path))
			ret->run_path = text;
	}
	return 0;
}

/* Whether `folder` (with $ORIGIN standing for the folder of `user`) has the library. */
static bool try_folder(const char *folder, size_t len, const char *user, const char *name,
		       char ret[static PATH_MAX])
{
	static const char *const origins[] = { "$ORIGIN", "${ORIGIN}" };
	int user_len = (int)(path_base(user) - user), n = -1;

	for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
		size_t skip = strlen(origins[i]);

		if (n < 0 && len >= skip && memcmp(folder, origins[i], skip) == 0)
			n = snprintf(ret, PATH_MAX, "%.*s%.*s/%s", user_len, user,
				     (int)(len - skip), folder + skip, name);
	}
	if (n < 0)
		n = snprintf(ret, PATH_MAX, "%.*s/%s", (int)len, folder, name);
	return n > 0 && n < PATH_MAX && access(ret, R_OK) == 0 && is_x86_64(ret);
}

static bool find_library(const char *name, const char *user, const char *run_path,
			 char ret[static PATH_MAX])
{
	if (strchr(name, '/'))
		return snprintf(ret, PATH_MAX, "%s", name) < PATH_MAX && is_x86_64(ret);
	for (const char *p = run_path; p && *p;) {
		size_t len = strcspn(p, ":");

		if (len > 0 && try_folder(p, len, user, name, ret))
			return true;
		p += len + (p[len] == ':');
	}
	for (size_t i = 0; i < ARRAY_SIZE(standard_folders); i++)
		if (try_folder(standard_folders[i], strlen(standard_folders[i]), user, name, ret))
			return true;
	return false;
}

static int add_library(const char *path, struct path_list *list, int depth, struct error *err)
{
	int r = path_list_add(list, path);

	if (r < 0)
		return error_set(err, r, "%s: list of libraries", path);
	return r == 0 ? 0 : add_needs(path, list, depth + 1, err);
}

static int add_loader(Elf *elf, const char *path, struct path_list *list, struct error *err)
{
	char library[PATH_MAX];
	size_t n = 0, size;
	GElf_Phdr segment;
	const char *raw = elf_rawfile(elf, &size);

	if (elf_getphdrnum(elf, &n) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_INTERP)
			continue;
		if (!raw || segment.p_filesz < 2 || segment.p_filesz > PATH_MAX ||
		    segment.p_offset > size || segment.p_filesz > size - segment.p_offset ||
		    raw[segment.p_offset + segment.p_filesz - 1] != 0)
			return error_set(err, ERR_INVALID, "%s: broken loader entry", path);
		int r = add_library(raw + segment.p_offset, list, 0, err);

		if (r == 0 && find_library("libgcc_s.so.1", path, NULL, library))
			r = add_library(library, list, 0, err);
		return r;
	}
	return 0;
}

static int add_needs(const char *path, struct path_list *list, int depth, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_elf_ Elf *elf = NULL;
	struct dynamic dynamic = { 0 };
	char library[PATH_MAX];

	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	if (depth > DEPTH_MAX)
		return error_set(err, ERR_TOO_LARGE, "%s: libraries nested too deeply", path);
	int r = open_elf(path, fd, &elf, err);

	if (r == 0 && elf)
		r = read_dynamic(elf, path, &dynamic, err);
	if (r == 0 && elf && depth == 0)
		r = add_loader(elf, path, list, err);
	for (size_t i = 0; r == 0 && i < dynamic.n; i++) {
		if (!find_library(dynamic.needed[i], path, dynamic.run_path, library))
			return error_set(err, ERR_NOT_FOUND, "%s: needs %s, which is not here",
					 path, dynamic.needed[i]);
		r = add_library(library, list, depth, err);
	}
	return r;
}

int shared_objects_of(const char *program, struct path_list *list, struct error *err)
{
	return add_needs(program, list, 0, err);
}
