/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/shipped.h"

#include "base/file.h"
#include "base/hash.h"
#include "module/modinfo.h"
#include "wire/names.h"
#include "package/kallsyms.h"
#include "package/vmlinuz.h"

#define SECTION_SHIFT 32

struct module_symbol {
	const struct elf_symbol *symbol;
	uint64_t room;
};

struct shipped {
	char *object;
	char build_id[BUILD_ID_HEX_MAX + 1];
	/* vmlinux */
	struct buf image;
	struct kallsyms *kallsyms;
	/* a module */
	struct elf_object *elf;
	struct module_symbol *symbols; /* by name, equal names in the symbol table's order */
	size_t symbol_count;
	char *vermagic;
	char sha256[SHA256_HEX_LEN + 1];
};

void shipped_free(struct shipped *s)
{
	if (!s)
		return;
	free(s->object);
	buf_free(&s->image);
	kallsyms_free(s->kallsyms);
	elf_object_free(s->elf);
	free(s->symbols);
	free(s->vermagic);
	free(s);
}

/* "Not found" is kept for a module that the kernel does not have. */
static int read_build_id(const struct buf *file, struct shipped *s, struct error *err)
{
	int r = vmlinuz_build_id(file->data, file->len, s->build_id, err);

	return r == ERR_NOT_FOUND ? error_set(err, ERR_INVALID, "the file has no build ID") : r;
}

static int open_vmlinux(const struct kernel *kernel, struct shipped *s, struct error *err)
{
	int r = file_read(kernel->vmlinux, &s->image, err);

	if (r == 0)
		r = kallsyms_parse(s->image.data, s->image.len, &s->kallsyms, err);
	if (r == 0)
		r = read_build_id(&s->image, s, err);
	return r < 0 ? error_prefix(err, r, "image of %s", kernel->release) : 0;
}

uint64_t shipped_section_address(const struct elf_section *section)
{
	return ((uint64_t)section->index + 1) << SECTION_SHIFT;
}

/* kernel/module/kallsyms.c, is_core_symbol(): what is left of a module's symbols once it runs. */
static bool is_core_symbol(const struct elf_symbol *y)
{
	return y->section && y->name[0] && (y->section->flags & SHF_ALLOC) &&
	       !str_has_prefix(y->section->name, ".init") && y->type != STT_SECTION &&
	       y->type != STT_FILE;
}

static int by_address(const void *a, const void *b)
{
	const struct elf_symbol *x = ((const struct module_symbol *)a)->symbol;
	const struct elf_symbol *y = ((const struct module_symbol *)b)->symbol;

	if (x->section != y->section)
		return x->section->index < y->section->index ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static int by_name(const void *a, const void *b)
{
	const struct elf_symbol *x = ((const struct module_symbol *)a)->symbol;
	const struct elf_symbol *y = ((const struct module_symbol *)b)->symbol;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->index > y->index) - (x->index < y->index);
}

static int index_symbols(struct shipped *s)
{
	size_t n = 0;

	s->symbols = calloc(s->elf->symbol_count + 1, sizeof(*s->symbols));
	if (!s->symbols)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->elf->symbol_count; i++)
		if (is_core_symbol(s->elf->symbols[i]))
			s->symbols[n++].symbol = s->elf->symbols[i];
	s->symbol_count = n;
	qsort(s->symbols, n, sizeof(*s->symbols), by_address);
	for (size_t i = n; i-- > 0;) {
		const struct elf_symbol *y = s->symbols[i].symbol;
		const struct module_symbol *next = &s->symbols[i + 1];
		uint64_t end = y->section->size;

		if (i + 1 < n && next->symbol->section == y->section)
			end = next->symbol->value > y->value ? next->symbol->value
							     : y->value + next->room;
		s->symbols[i].room = end > y->value ? end - y->value : 0;
	}
	qsort(s->symbols, n, sizeof(*s->symbols), by_name);
	return 0;
}

int shipped_read_vermagic(const struct elf_object *module, char **ret)
{
	static const char key[] = "vermagic=";
	const struct elf_section *info = elf_object_section(module, ".modinfo");
	const uint8_t *at =
		info && info->data ? memmem(info->data, info->size, key, strlen(key)) : NULL;

	if (!at)
		return ERR_NOT_FOUND;
	at += strlen(key);
	*ret = strndup((const char *)at, (size_t)(info->data + info->size - at));
	return *ret ? 0 : ERR_NO_MEMORY;
}

static int read_module(const struct buf *file, const char *name, struct shipped *s,
		       struct error *err)
{
	int r = elf_object_parse(file->data, file->len, name, &s->elf, err);

	if (r == 0)
		r = read_build_id(file, s, err);
	if (r == 0)
		r = hash_sha256_hex(file->data, file->len, s->sha256);
	if (r < 0)
		return r;
	r = shipped_read_vermagic(s->elf, &s->vermagic);
	if (r == ERR_NOT_FOUND)
		return error_set(err, ERR_INVALID, "module %s has no vermagic", name);
	if (r < 0)
		return error_set(err, r, "out of memory");
	r = index_symbols(s);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int open_module(const struct kernel *kernel, const char *name, struct shipped *s,
		       struct error *err)
{
	_cleanup_buf_ struct buf file = BUF_INIT(KERNEL_MODULE_MAX);
	int r = kernel_read_module(kernel, name, &file, NULL, err);

	return r < 0 ? r : read_module(&file, name, s, err);
}

#define MODULE_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* As kbuild makes them: a livepatch has the name as C text, in its sections and its symbols. */
static bool is_module_name(const char *name)
{
	size_t len = strspn(name, MODULE_CHARS);

	return len > 0 && len < MODULE_NAME_BYTES && !name[len];
}

int shipped_open_file(const char *path, struct shipped **ret, struct error *err)
{
	_cleanup_shipped_ struct shipped *s = calloc(1, sizeof(*s));
	_cleanup_buf_ struct buf file = BUF_INIT(KERNEL_MODULE_MAX);
	_cleanup_(modinfo_freep) struct modinfo *info = NULL;
	int r = s ? file_read(path, &file, err) : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = modinfo_parse(file.data, file.len, path, &info, err);
	if (r < 0)
		return r;
	if (!info->name)
		return error_set(err, ERR_INVALID, "%s does not say which module it is", path);
	if (!is_module_name(info->name))
		return error_set(err, ERR_INVALID,
				 "%s: what it says in .modinfo is no name of a module", path);
	s->object = strdup(info->name);
	if (!s->object)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = read_module(&file, path, s, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int shipped_open(const struct kernel *kernel, const char *object, struct shipped **ret,
		 struct error *err)
{
	_cleanup_shipped_ struct shipped *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	s->image = BUF_INIT(VMLINUX_MAX);
	s->object = strdup(object);
	if (!s->object)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = streq(object, "vmlinux") ? open_vmlinux(kernel, s, err)
				     : open_module(kernel, object, s, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

const char *shipped_object(const struct shipped *s)
{
	return s->object;
}

const char *shipped_build_id(const struct shipped *s)
{
	return s->build_id;
}

const struct elf_object *shipped_elf(const struct shipped *s)
{
	return s->elf;
}

const char *shipped_sha256(const struct shipped *s)
{
	return s->elf ? s->sha256 : NULL;
}

const char *shipped_vermagic(const struct shipped *s)
{
	return s->vermagic;
}

/* Index of the first symbol whose name is not less. */
static size_t lower_bound(const struct shipped *s, const char *name)
{
	size_t low = 0, high = s->symbol_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->symbols[mid].symbol->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t shipped_matches(const struct shipped *s, const char *name)
{
	if (s->kallsyms)
		return kallsyms_matches(s->kallsyms, name);

	size_t first = lower_bound(s, name), i = first;

	while (i < s->symbol_count && streq(s->symbols[i].symbol->name, name))
		i++;
	return i - first;
}

bool shipped_find(const struct shipped *s, const char *name, size_t pos, struct shipped_symbol *ret)
{
	if (s->kallsyms) {
		const struct kallsyms_symbol *k = kallsyms_find(s->kallsyms, name, pos);

		if (!k)
			return false;
		*ret = (struct shipped_symbol){ k->name, k->address, k->size,
						k->type >= 'A' && k->type <= 'Z',
						strchr("TtWw", k->type) != NULL };
		return true;
	}

	size_t i = lower_bound(s, name) + pos - 1;

	if (pos == 0 || i >= s->symbol_count || !streq(s->symbols[i].symbol->name, name))
		return false;

	const struct elf_symbol *y = s->symbols[i].symbol;

	*ret = (struct shipped_symbol){ y->name, shipped_section_address(y->section) + y->value,
					s->symbols[i].room, y->binding != STB_LOCAL,
					(y->section->flags & SHF_EXECINSTR) != 0 };
	return true;
}

bool shipped_is_settled(const struct shipped *s, const char *name)
{
	for (size_t i = 0; s->elf && i < s->elf->symbol_count; i++) {
		const struct elf_symbol *y = s->elf->symbols[i];

		if ((y->section || y->shndx != SHN_UNDEF) && !is_core_symbol(y) &&
		    streq(y->name, name))
			return false;
	}
	return true;
}

int shipped_sympos(const struct shipped *s, const char *name, uint64_t address)
{
	size_t n = shipped_matches(s, name);
	struct shipped_symbol y;

	if (!shipped_is_settled(s, name))
		return -1;
	for (size_t pos = 1; pos <= n; pos++)
		if (shipped_find(s, name, pos, &y) && y.address == address)
			return n == 1 ? 0 : (int)pos;
	return -1;
}

static const uint8_t *vmlinux_bytes(const struct shipped *s, uint64_t address, size_t len)
{
	Elf64_Ehdr eh;

	memcpy(&eh, s->image.data, sizeof(eh));
	for (size_t i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;
		uint64_t at = eh.e_phoff + i * sizeof(ph);

		if (eh.e_phentsize != sizeof(ph) || at > s->image.len ||
		    s->image.len - at < sizeof(ph))
			return NULL;
		memcpy(&ph, s->image.data + at, sizeof(ph));
		if (ph.p_type != PT_LOAD || address < ph.p_vaddr ||
		    address - ph.p_vaddr > ph.p_filesz ||
		    len > ph.p_filesz - (address - ph.p_vaddr))
			continue;
		at = ph.p_offset + (address - ph.p_vaddr);
		return at <= s->image.len && len <= s->image.len - at ? s->image.data + at : NULL;
	}
	return NULL;
}

static const struct elf_section *module_section(const struct shipped *s, uint64_t address)
{
	for (size_t i = 0; i < s->elf->section_count; i++)
		if (shipped_section_address(s->elf->sections[i]) >> SECTION_SHIFT ==
		    address >> SECTION_SHIFT)
			return s->elf->sections[i];
	return NULL;
}

const uint8_t *shipped_bytes(const struct shipped *s, uint64_t address, size_t len)
{
	if (s->kallsyms)
		return vmlinux_bytes(s, address, len);

	const struct elf_section *section = module_section(s, address);
	uint64_t offset = address & UINT32_MAX;

	if (!section || !section->data || offset > section->size || len > section->size - offset)
		return NULL;
	return section->data + offset;
}

/* A section of the image, which shipped_open() has checked to be an ELF file. */
static const uint8_t *image_section(const struct shipped *s, const char *name, size_t *ret_len)
{
	const uint8_t *image = s->image.data;
	size_t len = s->image.len, wanted = strlen(name) + 1;
	Elf64_Ehdr eh;
	Elf64_Shdr sh, names;

	if (len < sizeof(eh))
		return NULL;
	memcpy(&eh, image, sizeof(eh));
	if (eh.e_shentsize != sizeof(sh) || eh.e_shoff > len ||
	    eh.e_shnum > (len - eh.e_shoff) / sizeof(sh) || eh.e_shstrndx >= eh.e_shnum)
		return NULL;
	memcpy(&names, image + eh.e_shoff + eh.e_shstrndx * sizeof(sh), sizeof(names));
	if (names.sh_offset > len || names.sh_size > len - names.sh_offset)
		return NULL;
	for (size_t i = 0; i < eh.e_shnum; i++) {
		memcpy(&sh, image + eh.e_shoff + i * sizeof(sh), sizeof(sh));
		if (sh.sh_type == SHT_NOBITS || sh.sh_offset > len ||
		    sh.sh_size > len - sh.sh_offset || sh.sh_name > names.sh_size ||
		    wanted > names.sh_size - sh.sh_name ||
		    memcmp(image + names.sh_offset + sh.sh_name, name, wanted) != 0)
			continue;
		*ret_len = (size_t)sh.sh_size;
		return image + sh.sh_offset;
	}
	return NULL;
}

const uint8_t *shipped_section(const struct shipped *s, const char *name, size_t *ret_len)
{
	if (!s->elf)
		return image_section(s, name, ret_len);

	const struct elf_section *section = elf_object_section(s->elf, name);

	if (!section || !section->data)
		return NULL;
	*ret_len = section->size;
	return section->data;
}

/* The relocation of a module at an address, found by bisection. */
static const struct elf_rela *module_rela(const struct shipped *s, uint64_t place)
{
	const struct elf_section *section = module_section(s, place);
	uint64_t offset = place & UINT32_MAX;
	size_t low = 0, high;

	if (!section || !section->rela)
		return NULL;
	high = section->rela->rela_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (section->rela->relas[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < section->rela->rela_count && section->rela->relas[low].offset == offset
		       ? &section->rela->relas[low]
		       : NULL;
}

/* A call through the PLT is a plain one in the kernel. */
static uint32_t plain_type(uint32_t type)
{
	return type == R_X86_64_PLT32 ? R_X86_64_PC32 : type;
}

/* A field without relocation can only be a distance within its section, which the assembler knew.
 */
static bool module_distance(const struct shipped *s, uint64_t place, uint32_t type, int64_t addend,
			    struct shipped_target *ret)
{
	const struct elf_section *section = module_section(s, place);
	const uint8_t *p = shipped_bytes(s, place, sizeof(int32_t));
	int32_t field;

	if (!p || plain_type(type) != R_X86_64_PC32)
		return false;
	memcpy(&field, p, sizeof(field));
	ret->address = place + (uint64_t)(int64_t)field - (uint64_t)addend;
	ret->import = NULL;
	return ret->address - shipped_section_address(section) < section->size;
}

static bool module_field(const struct shipped *s, uint64_t place, uint32_t type, int64_t addend,
			 struct shipped_target *ret)
{
	const struct elf_rela *rela = module_rela(s, place);

	if (!rela)
		return module_distance(s, place, type, addend, ret);
	if (!rela->symbol || plain_type(rela->type) != plain_type(type))
		return false;
	if (!rela->symbol->section) {
		*ret = (struct shipped_target){ .import = rela->symbol->name };
		return rela->addend == addend;
	}
	*ret = (struct shipped_target){ .address = shipped_section_address(rela->symbol->section) +
						   rela->symbol->value + (uint64_t)rela->addend -
						   (uint64_t)addend };
	return true;
}

bool shipped_field(const struct shipped *s, uint64_t place, uint32_t type, int64_t addend,
		   struct shipped_target *ret)
{
	bool wide = type == R_X86_64_64 || type == R_X86_64_PC64;
	const uint8_t *p = shipped_bytes(s, place, wide ? 8 : 4);
	uint64_t value;

	if (!p)
		return false;
	if (!s->kallsyms)
		return module_field(s, place, type, addend, ret);
	if (wide) {
		memcpy(&value, p, sizeof(value));
	} else {
		int32_t field;

		memcpy(&field, p, sizeof(field));
		value = type == R_X86_64_32 ? (uint32_t)field : (uint64_t)(int64_t)field;
	}
	if (type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64)
		value += place;
	else if (!wide && type != R_X86_64_32 && type != R_X86_64_32S)
		return false;
	*ret = (struct shipped_target){ .address = value - (uint64_t)addend };
	return true;
}
