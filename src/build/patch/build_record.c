/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/build_record.h"

#include <stdio.h>

#include "base/file.h"
#include "build/patch/inputs.h"
#include "build/unit/prebuilt.h"
#include "module/tables.h"

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_cves(struct cli *cli, struct build_options *o, struct error *err)
{
	size_t n = cli_count(cli, "cve");

	if (n > RECORD_CVES_MAX)
		return error_set(err, ERR_USAGE, "more than %d --cve", RECORD_CVES_MAX);
	for (size_t i = 0; i < n; i++) {
		o->cves[i] = cli_get_nth(cli, "cve", i);
		if (!cve_is_valid(o->cves[i]))
			return error_set(err, ERR_USAGE, "--cve '%s' is no CVE name", o->cves[i]);
	}
	if (n > 1)
		qsort(o->cves, n, sizeof(*o->cves), compare_names);
	for (size_t i = 0; i < n; i++)
		if (o->cve_count == 0 || !streq(o->cves[o->cve_count - 1], o->cves[i]))
			o->cves[o->cve_count++] = o->cves[i];
	return 0;
}

int build_options_read(struct cli *cli, struct build_options *ret, struct error *err)
{
	struct build_options o = { .release = cli_get(cli, "kernel"),
				   .version_text = cli_get(cli, "version"),
				   .severity = cli_get(cli, "severity") };
	int r;

	if (!o.severity)
		o.severity = "none";
	if (!release_is_valid(o.release))
		return error_set(err, ERR_USAGE, "'%s' is not a kernel release", o.release);
	if (patch_version_parse(o.version_text, &o.version) < 0)
		return error_set(err, ERR_USAGE, "--version '%s' is not MAJOR.MINOR",
				 o.version_text);
	if (!severity_is_valid(o.severity))
		return error_set(err, ERR_USAGE,
				 "--severity '%s' is none of critical, high, medium, low, none",
				 o.severity);
	r = read_cves(cli, &o, err);
	if (r == 0)
		r = livepatch_module_name(o.release, o.version, o.module);
	if (r < 0)
		return err && err->code ? r : error_set(err, r, "cannot name the module");
	*ret = o;
	return 0;
}

static bool copy_text(const char *from, char *to, size_t size)
{
	return snprintf(to, size, "%s", from) < (int)size;
}

static int fill_function(const struct runpre_function *from, struct record_function *to)
{
	to->name = strdup(from->name);
	to->sympos = from->sympos;
	to->size = from->size;
	to->mask = calloc(from->mask_count + 1, sizeof(*to->mask));
	if (!to->name || !to->mask)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < from->mask_count; i++)
		to->mask[i] = (struct record_mask){ from->mask[i].offset, from->mask[i].length };
	to->n_mask = from->mask_count;
	memcpy(to->sha256, from->sha256, sizeof(to->sha256));
	return 0;
}

/* Objects that only lend a new function to others are not changed themselves. */
static void drop_idle_objects(struct record *rec)
{
	size_t n = 0;

	for (size_t i = 0; i < rec->n_objects; i++) {
		if (rec->objects[i].n_functions > 0 || rec->objects[i].callbacks)
			rec->objects[n++] = rec->objects[i];
		else
			free(rec->objects[i].functions);
	}
	rec->n_objects = n;
}

/* What the module itself says of callbacks and states. */
static int fill_effects(const struct elf_object *module, struct record *rec, struct error *err)
{
	_cleanup_tables_ struct tables tables = { 0 };
	int r = tables_read(module, &tables, err);

	if (r < 0)
		return error_prefix(err, r, "the linked module");
	for (size_t i = 0; i < tables.object_count; i++)
		for (size_t k = 0; k < rec->n_objects; k++)
			if (streq(rec->objects[k].name, tables.objects[i].name))
				rec->objects[k].callbacks |= tables.objects[i].callbacks;
	drop_idle_objects(rec);
	rec->states = calloc(tables.state_count + 1, sizeof(*rec->states));
	if (!rec->states)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < tables.state_count; i++) {
		if (tables.states[i].id > RECORD_STATE_ID_MAX)
			return error_set(err, ERR_TOO_LARGE, "a state's id is over 2^53 - 1");
		rec->states[rec->n_states++] = (struct record_state){ (int64_t)tables.states[i].id,
								      tables.states[i].version };
	}
	return 0;
}

int build_record_add(struct record *rec, const struct shipped *shipped, const struct runpre *runpre)
{
	struct record_object *o = NULL;

	for (size_t i = 0; !o && i < rec->n_objects; i++)
		if (streq(rec->objects[i].name, shipped_object(shipped)))
			o = &rec->objects[i];
	if (!o) {
		o = reallocarray(rec->objects, rec->n_objects + 1, sizeof(*o));
		if (!o)
			return ERR_NO_MEMORY;
		rec->objects = o;
		o += rec->n_objects++;
		*o = (struct record_object){ 0 };
		if (!copy_text(shipped_object(shipped), o->name, sizeof(o->name)) ||
		    !copy_text(shipped_build_id(shipped), o->build_id, sizeof(o->build_id)))
			return ERR_INVALID;
	}

	struct record_function *grown = reallocarray(
		o->functions, o->n_functions + runpre->function_count + 1, sizeof(*grown));

	if (!grown)
		return ERR_NO_MEMORY;
	o->functions = grown;
	memset(grown + o->n_functions, 0, runpre->function_count * sizeof(*grown));
	for (size_t i = 0; i < runpre->function_count; i++) {
		if (!runpre->functions[i].equal)
			continue;

		int r = fill_function(&runpre->functions[i], &o->functions[o->n_functions++]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int fill_objects(const struct analysis *a, struct record *rec)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->unit_count; i++)
		r = build_record_add(rec, a->units[i].shipped, a->units[i].runpre);
	return r;
}

static int fill_new_functions(const struct analysis *a, struct record *rec)
{
	size_t n = 0;

	for (size_t i = 0; i < a->unit_count; i++)
		n += diff_result(a->units[i].diff)->added_count;
	rec->new_functions = calloc(n + 1, sizeof(*rec->new_functions));
	if (!rec->new_functions)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < a->unit_count; i++) {
		const struct diff_result *d = diff_result(a->units[i].diff);

		for (size_t j = 0; j < d->added_count; j++) {
			char *name = strdup(d->added[j].name);

			if (!name)
				return ERR_NO_MEMORY;
			rec->new_functions[rec->n_new_functions++] = name;
		}
	}
	return 0;
}

/* Patched objects that the caller gave stand beside the patches. */
static int fill_prebuilt(const struct analysis *a, struct record *rec)
{
	size_t pair = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->unit_set.n; i++) {
		const struct unit *u = &a->unit_set.units[i];
		struct record_file *p = &rec->patches[rec->n_patches];

		if (!prebuilt_is(u))
			continue;
		p->name = strdup(path_base(prebuilt_patched(a->objects[pair++])));
		if (!p->name)
			return ERR_NO_MEMORY;
		rec->n_patches++;
		r = hash_sha256_hex(u->patched.data, u->patched.len, p->sha256);
	}
	return r;
}

static int fill_patches(const struct analysis *a, struct record *rec)
{
	rec->patches = calloc(a->patch_count + a->object_count + 1, sizeof(*rec->patches));
	if (!rec->patches)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < a->patch_count; i++) {
		rec->patches[i].name = strdup(path_base(a->patches[i].path));
		if (!rec->patches[i].name)
			return ERR_NO_MEMORY;
		memcpy(rec->patches[i].sha256, a->patches[i].sha256, SHA256_HEX_LEN + 1);
		rec->n_patches++;
	}
	return fill_prebuilt(a, rec);
}

static int fill_cves(const struct build_options *options, struct record *rec)
{
	rec->cves = calloc(options->cve_count + 1, sizeof(*rec->cves));
	for (size_t i = 0; rec->cves && i < options->cve_count; i++) {
		rec->cves[i] = strdup(options->cves[i]);
		if (!rec->cves[i])
			return ERR_NO_MEMORY;
		rec->n_cves++;
	}
	return rec->cves ? 0 : ERR_NO_MEMORY;
}

/* The module's vermagic, which must be that of the shipped modules. */
static int fill_vermagic(const struct analysis *a, const struct elf_object *elf, struct record *rec,
			 struct error *err)
{
	_cleanup_free_ char *vermagic = NULL;
	int r;

	r = shipped_read_vermagic(elf, &vermagic);
	if (r < 0 || !copy_text(vermagic, rec->vermagic, sizeof(rec->vermagic)))
		return error_set(err, ERR_INVALID, "the finished module has no vermagic");
	for (size_t i = 0; i < a->shipped_count; i++) {
		const char *theirs = shipped_vermagic(a->shipped[i]);

		if (theirs && !streq(theirs, vermagic))
			return error_set(err, ERR_MISMATCH,
					 "the module's vermagic is '%s', but module %s has '%s'",
					 vermagic, shipped_object(a->shipped[i]), theirs);
	}
	return 0;
}

static int fill_texts(const struct analysis *a, const struct build_options *options,
		      struct record *rec)
{
	const struct kernel *k = a->kbuild->kernel;
	bool fits = copy_text(options->release, rec->kernel, sizeof(rec->kernel)) &&
		    copy_text(k->build_id, rec->build_id, sizeof(rec->build_id)) &&
		    copy_text(options->version_text, rec->version, sizeof(rec->version)) &&
		    copy_text(options->module, rec->module, sizeof(rec->module)) &&
		    copy_text(options->severity, rec->severity, sizeof(rec->severity)) &&
		    copy_text(a->kbuild->compiler_version, rec->compiler, sizeof(rec->compiler)) &&
		    copy_text("suture-build " SUTURE_VERSION, rec->tool, sizeof(rec->tool));

	rec->compared = (int64_t)a->compared;
	rec->equal = (int64_t)a->equal;
	return fits ? 0 : ERR_TOO_LARGE;
}

int build_record_add_units(const struct analysis *a, struct record *rec, struct error *err)
{
	int r = fill_objects(a, rec);

	if (r == 0)
		r = fill_new_functions(a, rec);
	return r < 0 ? error_set(err, r, "cannot make the build record") : 0;
}

int build_record_describe(const struct analysis *a, const struct build_options *options,
			  struct record *rec, const void *linked, size_t len,
			  char ret[static SHA256_HEX_LEN + 1], struct error *err)
{
	_cleanup_elf_object_ struct elf_object *elf = NULL;
	int r = fill_texts(a, options, rec);

	if (r < 0)
		return error_set(err, r, "cannot make the build record");
	r = elf_object_parse(linked, len, "the linked module", &elf, err);
	if (r == 0)
		r = fill_effects(elf, rec, err);
	return r < 0 ? r : record_code_sha256(rec, ret, err);
}

int build_record_finish(const struct analysis *a, const struct build_options *options,
			struct record *rec, const void *module, size_t len, struct buf *out,
			struct error *err)
{
	_cleanup_elf_object_ struct elf_object *elf = NULL;
	int r = fill_cves(options, rec);

	if (r == 0)
		r = fill_patches(a, rec);
	if (r == 0)
		r = hash_sha256_hex(module, len, rec->module_sha256);
	if (r < 0)
		return error_set(err, r, "cannot make the build record");
	r = elf_object_parse(module, len, "the finished module", &elf, err);
	if (r == 0)
		r = fill_vermagic(a, elf, rec, err);
	if (r == 0)
		r = inputs_collect(a, rec, err);
	return r < 0 ? r : record_write(rec, out, err);
}
