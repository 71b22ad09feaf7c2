// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/matrix/matrix_file.h"

#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "lab/trial/case_table.h"
#include "wire/names.h"

static const struct config_key matrix_keys[] = {
	{ "kernels", CONFIG_STRING, "*", 0, 0, NULL, "" },
	{ "cases", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "cycles", CONFIG_INT, "0", 0, 10000, NULL, "" },
	{ "timeout", CONFIG_INT, "60", 1, 86400, NULL, "" },
	{ "limit", CONFIG_INT, "1800", 10, 86400, NULL, "" },
	{ 0 },
};

static const struct config_key patch_keys[] = {
	{ "source", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "version", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "module", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "earlier", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "reproducer", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "sleeper", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "load", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "kernels", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "tried", CONFIG_BOOL, "yes", 0, 0, NULL, "" },
	{ 0 },
};

static const struct config_key machine_keys[] = {
	{ "cpus", CONFIG_INT, "1", 1, 64, NULL, "" },
	{ "memory", CONFIG_INT, "512", 128, 65536, NULL, "" },
	{ "accel", CONFIG_ENUM, "tcg", 0, 0, "tcg|tcg-multi|kvm|auto", "" },
	{ "cpu", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "type", CONFIG_ENUM, NULL, 0, 0, "pc|q35", "" },
	{ "secure-boot", CONFIG_BOOL, "no", 0, 0, NULL, "" },
	{ 0 },
};

enum { KIND_MATRIX, KIND_PATCH, KIND_MACHINE };

static const struct config_kind kinds[] = {
	[KIND_MATRIX] = { "matrix", false, matrix_keys },
	[KIND_PATCH] = { "patch", true, patch_keys },
	[KIND_MACHINE] = { "machine", true, machine_keys },
	{ 0 },
};

static void patch_free(struct matrix_patch *p)
{
	name_list_free(&p->sources);
	name_list_free(&p->load);
	name_list_free(&p->kernels);
	free(p->module);
	free(p->reproducer);
	free(p->sleeper);
}

void matrix_file_free(struct matrix_file *file)
{
	for (size_t i = 0; i < file->patches_n; i++)
		patch_free(&file->patches[i]);
	for (size_t i = 0; i < file->machines_n; i++) {
		free(file->machines[i].cpu);
		free(file->machines[i].type);
	}
	name_list_free(&file->kernels);
	name_list_free(&file->cases);
	free(file->patches);
	free(file->machines);
	*file = (struct matrix_file){ 0 };
}

/* The words of a list; none where the key is absent. */
static int take_words(const struct config *c, const char *key, struct name_list *ret,
		      struct error *err)
{
	const char *text = config_str(c, key);
	int r = 0;

	while (r == 0 && text && *(text += strspn(text, " \t"))) {
		size_t len = strcspn(text, " \t");

		if (ret->n == MATRIX_WORDS_MAX)
			return error_set(err, ERR_TOO_LARGE, "%s: more than %d words", key,
					 MATRIX_WORDS_MAX);
		r = name_list_add_n(ret, text, len);
		text += len;
	}
	return r < 0 ? error_set(err, r, "%s", key) : 0;
}

static int make_path(const char *folder, const char *name, const char *key, char **ret,
		     struct error *err)
{
	char *path = name[0] == '/' ? strdup(name) : path_join(folder, name, NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "%s", key);
	if (strlen(path) >= PATH_MAX) {
		free(path);
		return error_set(err, ERR_TOO_LARGE, "%s: the path is too long", key);
	}
	*ret = path;
	return 0;
}

static int take_path(const struct config *c, const char *key, const char *folder, char **ret,
		     struct error *err)
{
	const char *name = config_str(c, key);

	if (!name)
		return 0;
	if (!*name)
		return error_set(err, ERR_INVALID, "%s: names no file", key);
	return make_path(folder, name, key, ret, err);
}

static int take_sources(const struct config *c, const char *folder, struct name_list *ret,
			struct error *err)
{
	int r = take_words(c, "source", ret, err);

	for (size_t i = 0; r == 0 && i < ret->n; i++) {
		char *path = NULL;

		r = make_path(folder, ret->items[i], "source", &path, err);
		if (r == 0) {
			free(ret->items[i]);
			ret->items[i] = path;
		}
	}
	return r;
}

static int check_patterns(const struct name_list *list, struct error *err)
{
	struct kernel_pattern pattern;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = kernel_pattern_parse(list->items[i], &pattern, err);
	return r < 0 ? error_prefix(err, r, "kernels") : 0;
}

/* A patch is built from sources, with a version, or it is there as a module. */
static int check_origin(const struct matrix_patch *p, struct error *err)
{
	struct patch_version version;

	if (p->module && p->sources.n > 0)
		return error_set(err, ERR_INVALID, "source and module: one of them only");
	if (!p->module && p->sources.n == 0)
		return error_set(err, ERR_INVALID, "source or module: one of them is needed");
	if (p->sources.n > 0 && !p->version[0])
		return error_set(err, ERR_INVALID, "version: needed where a patch is built");
	if (p->version[0] && patch_version_parse(p->version, &version) < 0)
		return error_set(err, ERR_INVALID, "version: '%s' is not MAJOR.MINOR", p->version);
	return 0;
}

static int take_version(const struct config *c, struct matrix_patch *p, struct error *err)
{
	const char *version = config_str(c, "version");

	if (version && strlen(version) >= sizeof(p->version))
		return error_set(err, ERR_INVALID, "version: '%s' is not MAJOR.MINOR", version);
	snprintf(p->version, sizeof(p->version), "%s", version ? version : "");
	return 0;
}

static int take_patch(const struct config_section *s, const char *folder, struct matrix_patch *p,
		      struct error *err)
{
	const struct config *c = s->values;
	int r = take_version(c, p, err);

	memcpy(p->name, s->name, sizeof(p->name));
	p->line = s->line;
	p->tried = config_bool(c, "tried");
	if (r == 0)
		r = take_sources(c, folder, &p->sources, err);
	if (r == 0)
		r = take_path(c, "module", folder, &p->module, err);
	if (r == 0)
		r = take_path(c, "reproducer", folder, &p->reproducer, err);
	if (r == 0)
		r = take_path(c, "sleeper", folder, &p->sleeper, err);
	if (r == 0)
		r = take_words(c, "load", &p->load, err);
	if (r == 0)
		r = take_words(c, "kernels", &p->kernels, err);
	if (r == 0)
		r = check_patterns(&p->kernels, err);
	return r < 0 ? r : check_origin(p, err);
}

static int take_machine(const struct config_section *s, struct matrix_machine *m, struct error *err)
{
	static const char *const accels[] = { "tcg", "tcg-multi", "kvm", "auto" };
	const struct config *c = s->values;
	const char *cpu = config_str(c, "cpu"), *type = config_str(c, "type");

	memcpy(m->name, s->name, sizeof(m->name));
	m->cpus = (unsigned)config_int(c, "cpus");
	m->memory_mb = (unsigned)config_int(c, "memory");
	m->secure_boot = config_bool(c, "secure-boot");
	for (size_t i = 0; i < ARRAY_SIZE(accels); i++)
		if (streq(accels[i], config_str(c, "accel")))
			m->accel = (enum guest_accel)i;
	m->type = strdup(type ? type : m->secure_boot ? "q35" : "pc");
	m->cpu = cpu ? strdup(cpu) : NULL;
	if (!m->type || (cpu && !m->cpu))
		return error_set(err, ERR_NO_MEMORY, "machine");
	if (m->secure_boot && !streq(m->type, "q35"))
		return error_set(err, ERR_INVALID, "secure-boot: needs the type q35");
	return cpu && !*cpu ? error_set(err, ERR_INVALID, "cpu: is empty") : 0;
}

static int check_cases(const struct name_list *cases, struct error *err)
{
	for (size_t i = 0; i < cases->n; i++)
		if (!case_find(cases->items[i])) {
			error_set(err, ERR_INVALID, "cases: there is no case '%s'",
				  cases->items[i]);
			error_hint(err, "`suture-lab cases` lists them");
			return ERR_INVALID;
		}
	return 0;
}

static int take_matrix(const struct config *c, struct matrix_file *f, struct error *err)
{
	int r = take_words(c, "kernels", &f->kernels, err);

	if (r == 0)
		r = check_patterns(&f->kernels, err);
	if (r == 0)
		r = take_words(c, "cases", &f->cases, err);
	if (r == 0)
		r = check_cases(&f->cases, err);
	f->cycles = (int)config_int(c, "cycles");
	f->timeout_ms = (int)config_int(c, "timeout") * 1000;
	f->limit_ms = (int)config_int(c, "limit") * 1000;
	return r;
}

/* Both versions are known: the earlier one is lower. */
static int check_order(const struct matrix_patch *p, const struct matrix_patch *earlier,
		       struct error *err)
{
	struct patch_version mine, theirs;

	if (patch_version_parse(p->version, &mine) < 0 ||
	    patch_version_parse(earlier->version, &theirs) < 0 ||
	    patch_version_compare(theirs, mine) < 0)
		return 0;
	return error_set(err, ERR_INVALID, "earlier: %s is version %s, not lower than %s",
			 earlier->name, earlier->version, p->version);
}

/* The names of other patches, which may stand below. */
static int take_earlier(const struct config *c, struct matrix_file *f, struct matrix_patch *p,
			struct error *err)
{
	_cleanup_name_list_ struct name_list names = { 0 };
	int r = take_words(c, "earlier", &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		size_t k = 0;

		while (k < f->patches_n && !streq(f->patches[k].name, names.items[i]))
			k++;
		if (k == f->patches_n || &f->patches[k] == p)
			return error_set(err, ERR_INVALID, "earlier: '%s' is no other [patch NAME]",
					 names.items[i]);
		p->earlier[p->earlier_n++] = k;
		r = check_order(p, &f->patches[k], err);
	}
	return r;
}

static int take_section(const struct config_section *s, const char *folder, struct matrix_file *f,
			struct error *err)
{
	if (s->kind == &kinds[KIND_MATRIX])
		return take_matrix(s->values, f, err);
	if (s->kind == &kinds[KIND_MACHINE]) {
		if (f->machines_n == MATRIX_MACHINES_MAX)
			return error_set(err, ERR_TOO_LARGE, "more than %d machines",
					 MATRIX_MACHINES_MAX);
		return take_machine(s, &f->machines[f->machines_n++], err);
	}
	if (f->patches_n == MATRIX_PATCHES_MAX)
		return error_set(err, ERR_TOO_LARGE, "more than %d patches", MATRIX_PATCHES_MAX);
	return take_patch(s, folder, &f->patches[f->patches_n++], err);
}

static int standard_machine(struct matrix_file *f, struct error *err)
{
	struct matrix_machine *m = &f->machines[f->machines_n++];

	*m = (struct matrix_machine){
		.name = "standard", .cpus = 1, .memory_mb = 512, .type = strdup("pc")
	};
	return m->type ? 0 : error_set(err, ERR_NO_MEMORY, "machine");
}

static int check_whole(const struct matrix_file *f, struct error *err)
{
	size_t tried = 0;

	for (size_t i = 0; i < f->patches_n; i++)
		tried += f->patches[i].tried;
	if (f->kernels.n == 0)
		return error_set(err, ERR_INVALID, "[matrix] kernels: names none");
	return tried ? 0 : error_set(err, ERR_INVALID, "there is no [patch NAME] to try");
}

static int take_sections(const struct config_sections *s, const char *folder, struct matrix_file *f,
			 struct error *err)
{
	size_t patch = 0;
	bool matrix = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		matrix = matrix || s->items[i].kind == &kinds[KIND_MATRIX];
		r = take_section(&s->items[i], folder, f, err);
		if (r < 0)
			return error_prefix(err, r, "line %u: [%s%s%s]", s->items[i].line,
					    s->items[i].kind->name, s->items[i].name[0] ? " " : "",
					    s->items[i].name);
	}
	for (size_t i = 0; i < s->n; i++) {
		struct matrix_patch *p = &f->patches[patch];

		if (s->items[i].kind != &kinds[KIND_PATCH])
			continue;
		patch++;
		r = take_earlier(s->items[i].values, f, p, err);
		if (r < 0)
			return error_prefix(err, r, "line %u: [patch %s]", p->line, p->name);
	}
	if (!matrix)
		return error_set(err, ERR_INVALID, "there is no section [matrix]");
	r = check_whole(f, err);
	return r == 0 && f->machines_n == 0 ? standard_machine(f, err) : r;
}

int matrix_file_parse(const void *text, size_t len, const char *folder, struct matrix_file *ret,
		      struct error *err)
{
	_cleanup_config_sections_ struct config_sections sections = { 0 };
	_cleanup_matrix_file_ struct matrix_file f = { 0 };
	int r = config_parse_sections(text, len, kinds, &sections, err);

	if (r < 0)
		return r;
	f.patches = calloc(MATRIX_PATCHES_MAX, sizeof(*f.patches));
	f.machines = calloc(MATRIX_MACHINES_MAX, sizeof(*f.machines));
	if (!f.patches || !f.machines)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = take_sections(&sections, folder, &f, err);
	if (r < 0)
		return r;
	*ret = f;
	f = (struct matrix_file){ 0 };
	return 0;
}

static int check_readable(const struct matrix_patch *p, struct error *err)
{
	const char *files[] = { p->module, p->reproducer, p->sleeper };

	for (size_t i = 0; i < p->sources.n + ARRAY_SIZE(files); i++) {
		const char *path = i < p->sources.n ? p->sources.items[i] : files[i - p->sources.n];

		if (path && access(path, R_OK) < 0)
			return error_set_errno(err, errno, "line %u: [patch %s]: %s", p->line,
					       p->name, path);
	}
	return 0;
}

int matrix_file_load(const char *path, struct matrix_file *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONFIG_FILE_MAX);
	_cleanup_matrix_file_ struct matrix_file f = { 0 };
	_cleanup_free_ char *folder = realpath(path, NULL);
	int r = file_read(path, &text, err);

	if (r < 0)
		return r;
	if (!folder)
		return error_set_errno(err, errno, "%s", path);
	*strrchr(folder, '/') = '\0';
	r = matrix_file_parse(text.data, text.len, folder, &f, err);
	for (size_t i = 0; r == 0 && i < f.patches_n; i++)
		r = check_readable(&f.patches[i], err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	*ret = f;
	f = (struct matrix_file){ 0 };
	return 0;
}

void matrix_machine_describe(const struct matrix_machine *m, char ret[static MATRIX_MACHINE_MAX])
{
	static const char *const accels[] = { "tcg", "tcg-multi", "kvm", "auto" };

	snprintf(ret, MATRIX_MACHINE_MAX, "%s, %u cpu%s, %u MB, %s%s%s%s", m->type, m->cpus,
		 m->cpus > 1 ? "s" : "", m->memory_mb, accels[m->accel], m->cpu ? ", " : "",
		 m->cpu ? m->cpu : "", m->secure_boot ? ", secure boot" : "");
}
