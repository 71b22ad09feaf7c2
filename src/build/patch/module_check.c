/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/module_check.h"

#include <inttypes.h>

#include "base/file.h"
#include "build/object/special_check.h"

#define THIS_MODULE ".gnu.linkonce.this_module"
#define ORDER_MAX   (4 * 1024 * 1024)
#define TRIES_MAX   32

/* Where struct module points to its init or exit function; false if it does not. */
static bool pointer_offset(const struct elf_object *object, const char *function, uint64_t *ret)
{
	const struct elf_section *s = elf_object_section(object, THIS_MODULE);

	for (size_t i = 0; s && s->rela && i < s->rela->rela_count; i++) {
		const struct elf_rela *rela = &s->rela->relas[i];

		if (rela->symbol && streq(rela->symbol->name, function)) {
			*ret = rela->offset;
			return true;
		}
	}
	return false;
}

/* include/linux/module.h: the layout follows the kernel's configuration. */
static int check_this_module(const struct elf_object *made, const struct elf_object *shipped,
			     struct error *err)
{
	static const char *const functions[] = { "init_module", "cleanup_module" };
	const struct elf_section *ours = elf_object_section(made, THIS_MODULE);
	const struct elf_section *theirs = elf_object_section(shipped, THIS_MODULE);
	uint64_t a, b;

	if (!ours || !theirs)
		return error_set(err, ERR_MISMATCH, "a module without %s", THIS_MODULE);
	if (ours->size != theirs->size)
		return error_set(err, ERR_MISMATCH,
				 "struct module has %" PRIu64 " bytes here and %" PRIu64
				 " in the kernel's own modules",
				 ours->size, theirs->size);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (!pointer_offset(shipped, functions[i], &b))
			continue;
		if (!pointer_offset(made, functions[i], &a) || a != b)
			return error_set(err, ERR_MISMATCH,
					 "struct module has its pointer to %s elsewhere than the "
					 "kernel's own modules",
					 functions[i]);
	}
	return 0;
}

/* Sections that objtool takes for code: not what alternatives are copied from. */
static bool is_code(const struct elf_section *s)
{
	return (s->flags & SHF_EXECINSTR) && (s->flags & SHF_ALLOC) && s->size > 0 &&
	       !str_has_prefix(s->name, ".altinstr") && !str_has_prefix(s->name, ".discard");
}

static size_t count_branches(const struct elf_object *object, const char *prefix)
{
	size_t n = 0;

	for (size_t i = 0; i < object->section_count; i++) {
		const struct elf_section *s = object->sections[i];

		for (size_t k = 0; is_code(s) && s->rela && k < s->rela->rela_count; k++)
			n += s->rela->relas[k].symbol &&
			     str_has_prefix(s->rela->relas[k].symbol->name, prefix);
	}
	return n;
}

static size_t count_entries(const struct elf_object *object, const char *section)
{
	const struct elf_section *s = elf_object_section(object, section);

	return s && s->rela ? s->rela->rela_count : 0;
}

/* Every such branch has an entry, by which the kernel rewrites it when it loads the module. */
static int check_sites(const struct elf_object *made, const struct elf_object *shipped,
		       struct error *err)
{
	static const struct {
		const char *section, *prefix;
	} sites[] = {
		{ ".return_sites", "__x86_return_thunk" },
		{ ".retpoline_sites", "__x86_indirect_thunk" },
		{ "__mcount_loc", "__fentry__" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sites); i++) {
		size_t branches = count_branches(made, sites[i].prefix);
		size_t entries = count_entries(made, sites[i].section);

		if (elf_object_section(shipped, sites[i].section) && entries < branches)
			return error_set(err, ERR_MISMATCH,
					 "%zu branches to %s, but %zu entries in %s", branches,
					 sites[i].prefix, entries, sites[i].section);
	}
	return 0;
}

static bool has_orc(const struct elf_object *object, const struct elf_section *code)
{
	const struct elf_section *s = elf_object_section(object, ".orc_unwind_ip");

	for (size_t i = 0; s && s->rela && i < s->rela->rela_count; i++)
		if (s->rela->relas[i].symbol && s->rela->relas[i].symbol->section == code)
			return true;
	return false;
}

/* Without ORC entries the kernel cannot see that a task has left the code; the livepatch
 * consistency model rests on them. */
static int check_orc(const struct elf_object *made, const struct elf_object *shipped,
		     struct error *err)
{
	const struct elf_section *ours = elf_object_section(made, ".orc_header");
	const struct elf_section *theirs = elf_object_section(shipped, ".orc_header");

	if (!elf_object_section(shipped, ".orc_unwind_ip"))
		return 0;
	if (!ours != !theirs ||
	    (ours && (ours->size != theirs->size || !ours->data || !theirs->data ||
		      memcmp(ours->data, theirs->data, ours->size) != 0)))
		return error_set(err, ERR_MISMATCH,
				 ".orc_header is not that of the kernel's own modules");
	for (size_t i = 0; i < made->section_count; i++)
		if (is_code(made->sections[i]) && !has_orc(made, made->sections[i]))
			return error_set(err, ERR_MISMATCH, "section %s has no ORC entries",
					 made->sections[i]->name);
	return 0;
}

int module_check(const struct elf_object *made, const struct elf_object *shipped, struct error *err)
{
	int r = check_this_module(made, shipped, err);

	if (r == 0)
		r = check_sites(made, shipped, err);
	return r < 0 ? r : check_orc(made, shipped, err);
}

int module_check_imports(const struct elf_object *made, const struct symvers *symvers,
			 struct error *err)
{
	for (size_t i = 0; i < made->symbol_count; i++) {
		const struct elf_symbol *y = made->symbols[i];

		if (y->section || y->shndx != SHN_UNDEF || y->binding == STB_WEAK || !*y->name)
			continue;
		const struct symvers_entry *export = symvers_find(symvers, y->name);
		if (!export || !streq(export->module, "vmlinux") || export->space[0])
			return error_set(err, ERR_INVALID,
					 "the finished module needs %s, which nothing provides",
					 y->name);
	}
	return 0;
}

static int open_shipped(const struct kernel *kernel, const char *line, struct elf_object **ret,
			struct error *err)
{
	const char *base = path_base(line);
	_cleanup_free_ char *name = strndup(base, strcspn(base, "."));
	_cleanup_buf_ struct buf file = BUF_INIT(KERNEL_MODULE_MAX);
	int r = name ? kernel_read_module(kernel, name, &file, NULL, err) : ERR_NO_MEMORY;

	return r < 0 ? r : elf_object_parse(file.data, file.len, name, ret, err);
}

/* *ret stays NULL if there is no module with init and exit among the first ones. */
static int find_shipped(const struct kernel *kernel, struct elf_object **ret, struct error *err)
{
	_cleanup_buf_ struct buf order = BUF_INIT(ORDER_MAX);
	_cleanup_name_list_ struct name_list lines = { 0 };
	_cleanup_free_ char *path = path_join(kernel->modules, "modules.order", NULL);
	uint64_t unused;
	int r = path ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && !file_exists(path))
		return 0;
	if (r == 0)
		r = file_read(path, &order, err);
	if (r == 0)
		r = name_list_add_lines(&lines, buf_str(&order));
	for (size_t i = 0; r == 0 && i < lines.n && i < TRIES_MAX; i++) {
		_cleanup_elf_object_ struct elf_object *elf = NULL;

		r = open_shipped(kernel, lines.items[i], &elf, err);
		if (r == 0 && pointer_offset(elf, "init_module", &unused) &&
		    pointer_offset(elf, "cleanup_module", &unused)) {
			*ret = TAKE_PTR(elf);
			break;
		}
	}
	return r;
}

int module_check_kernel(const void *module, size_t len, const struct kernel *kernel,
			const struct symvers *symvers, struct error *err)
{
	_cleanup_elf_object_ struct elf_object *made = NULL, *shipped = NULL;
	int r = elf_object_parse(module, len, "the finished module", &made, err);

	if (r == 0)
		r = special_check(made, err);
	if (r == 0)
		r = module_check_imports(made, symvers, err);
	if (r == 0)
		r = find_shipped(kernel, &shipped, err);
	if (r < 0 || !shipped)
		return r;
	r = module_check(made, shipped, err);
	return r < 0 ? error_prefix(err, r, "the finished module is not one for %s",
				    kernel->release)
		     : 0;
}
