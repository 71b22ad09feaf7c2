/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kcore.h"

#include <elf.h>

#include "base/file.h"
#include "kernel/root.h"

#define SEGMENTS_MAX 4096

struct kcore {
	int fd;
	Elf64_Phdr *segments;
	size_t n;
};

static int read_at(int fd, uint64_t offset, void *ret, size_t len)
{
	uint8_t *p = ret;

	while (len) {
		ssize_t n;

		if (offset > INT64_MAX)
			return -EOVERFLOW;
		n = pread(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static int read_headers(struct kcore *core, const char *path, struct error *err)
{
	Elf64_Ehdr header;
	int r;

	r = read_at(core->fd, 0, &header, sizeof(header));
	if (r == -EPERM || r == -EACCES)
		return error_set(err, ERR_UNSUPPORTED, "%s may not be read here", path);
	if (r < 0)
		return error_set(err, ERR_INVALID, "%s: no ELF header", path);
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_type != ET_CORE || header.e_phentsize != sizeof(Elf64_Phdr) ||
	    header.e_phnum == 0 || header.e_phnum > SEGMENTS_MAX)
		return error_set(err, ERR_INVALID, "%s: not an ELF64 core file", path);
	core->segments = calloc(header.e_phnum, sizeof(*core->segments));
	if (!core->segments)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = read_at(core->fd, header.e_phoff, core->segments,
		    header.e_phnum * sizeof(*core->segments));
	if (r < 0)
		return error_set(err, ERR_INVALID, "%s: program headers cut off", path);
	core->n = header.e_phnum;
	return 0;
}

int kcore_open(const char *root, struct kcore **ret, struct error *err)
{
	_cleanup_(kcore_freep) struct kcore *core = NULL;
	struct kernel_path path;
	int r;

	r = kernel_memory_path(&path, root, "kcore");
	if (r < 0)
		return error_set(err, r, "path too long");
	core = calloc(1, sizeof(*core));
	if (!core)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	core->fd = open(path.s, O_RDONLY | O_CLOEXEC);
	if (core->fd < 0 && (errno == EPERM || errno == EACCES || errno == ENOENT))
		return error_set(err, ERR_UNSUPPORTED, "%s may not be read here", path.s);
	if (core->fd < 0)
		return error_set_errno(err, errno, "%s", path.s);
	r = read_headers(core, path.s, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(core);
	return 0;
}

void kcore_free(struct kcore *core)
{
	if (!core)
		return;
	if (core->fd >= 0)
		close(core->fd);
	free(core->segments);
	free(core);
}

int kcore_read(struct kcore *core, uint64_t address, void *ret, size_t len, struct error *err)
{
	for (size_t i = 0; i < core->n; i++) {
		const Elf64_Phdr *s = &core->segments[i];
		uint64_t inside;
		int r;

		if (s->p_type != PT_LOAD || address < s->p_vaddr)
			continue;
		inside = address - s->p_vaddr;
		if (inside > s->p_filesz || len > s->p_filesz - inside ||
		    s->p_offset > UINT64_MAX - inside)
			continue;
		r = read_at(core->fd, s->p_offset + inside, ret, len);
		return r < 0 ? error_set_errno(err, -r, "reading kernel memory") : 0;
	}
	return error_set(err, ERR_NOT_FOUND, "address %#llx is in no segment of kcore",
			 (unsigned long long)address);
}
