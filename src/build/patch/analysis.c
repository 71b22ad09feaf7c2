/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/patch/analysis.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "build/unit/affected.h"
#include "build/diff/declared.h"
#include "build/patch/external.h"
#include "build/diff/module_keys.h"
#include "build/proof/exports.h"
#include "build/output/output.h"
#include "build/unit/prebuilt.h"
#include "build/object/special_sizes.h"
#include "build/proof/prove.h"
#include "build/patch/resolve.h"
#include "build/proof/shipped_types.h"

void analysis_free(struct analysis *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->unit_count; i++) {
		struct analysis_unit *u = &a->units[i];

		runpre_free(u->runpre);
		diff_free(u->diff);
		elf_object_free(u->original);
		elf_object_free(u->patched);
	}
	free(a->units);
	unit_set_free(&a->unit_set);
	source_set_free(a->sources);
	overlay_free(a->overlay);
	source_set_free(a->external);
	for (size_t i = 0; i < a->patch_count; i++) {
		patch_file_free(a->patches[i].parsed);
		buf_free(&a->patches[i].text);
	}
	free(a->patches);
	for (size_t i = 0; i < a->shipped_count; i++)
		shipped_free(a->shipped[i]);
	free(a->shipped);
	symvers_free(a->symvers);
	reason_list_free(&a->reasons);
	free(a);
}

/* Takes over `s`, also when it fails. */
static int keep_shipped(struct analysis *a, struct shipped *s, struct error *err)
{
	struct shipped **list = reallocarray(a->shipped, a->shipped_count + 1, sizeof(*list));

	if (!list) {
		shipped_free(s);
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	a->shipped = list;
	a->shipped[a->shipped_count++] = s;
	return 0;
}

int analysis_shipped(struct analysis *a, const char *object, const struct shipped **ret,
		     struct error *err)
{
	_cleanup_shipped_ struct shipped *s = NULL;

	for (size_t i = 0; i < a->shipped_count; i++)
		if (streq(shipped_object(a->shipped[i]), object)) {
			*ret = a->shipped[i];
			return 0;
		}

	int r = shipped_open(a->kbuild->kernel, object, &s, err);

	if (r == ERR_NOT_FOUND)
		error_hint(err, "a module that is not part of the kernel is given with --target");
	if (r < 0)
		return r;
	*ret = s;
	return keep_shipped(a, TAKE_PTR(s), err);
}

static int read_patches(struct analysis *a, const char *const *paths, size_t n, struct error *err)
{
	a->patches = calloc(n + 1, sizeof(*a->patches));
	if (!a->patches)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct analysis_patch *p = &a->patches[i];
		const char *name = path_base(paths[i]);

		p->path = paths[i];
		p->text = BUF_INIT(PATCH_SIZE_MAX);
		a->patch_count++;

		int r = file_read_input(paths[i], &p->text, err);

		if (r == 0)
			r = hash_sha256_hex(p->text.data, p->text.len, p->sha256);
		if (r == 0)
			r = patch_file_parse(buf_str(&p->text), p->text.len, name, &a->reasons,
					     &p->parsed, err);
		if (r == 0)
			r = source_set_apply(a->external && external_has(a->external, p->parsed)
						     ? a->external
						     : a->sources,
					     p->parsed, name, &a->reasons, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int analysis_verdict(const struct analysis *a, struct error *err)
{
	size_t n = reason_count(&a->reasons, REASON_REFUSAL), mismatches = 0;
	bool matches;

	for (size_t i = 0; i < a->reasons.n; i++)
		mismatches += a->reasons.items[i].code == REASON_MISMATCH;
	matches = n > mismatches;
	return n == 0 ? 0
		      : error_set(err, matches ? ERR_NOT_PATCHABLE : ERR_MISMATCH,
				  "%s: %zu reason%s",
				  matches ? "the patch cannot be applied live"
					  : "the rebuilt original is not the shipped code",
				  n, n == 1 ? "" : "s");
}

static bool is_refused(const struct analysis *a)
{
	return reason_count(&a->reasons, REASON_REFUSAL) > 0;
}

/* A pair of objects cannot be compiled again. */
static char mismatch_hint[] =
	"compile the original from the source that the module was built from, with the same "
	"compiler and flags besides -ffunction-sections and -fdata-sections; without these two if "
	"the code differs by them";

/* Takes a reason of another step over; what is about an object file is said of its source. */
static int take_reason(struct analysis *a, const struct unit *unit, const struct reason *reason,
		       struct error *err)
{
	struct reason copy = *reason;

	copy.file = unit->path;
	if (copy.code == REASON_MISMATCH && prebuilt_is(unit))
		copy.hint = mismatch_hint;

	int r = reason_add_copy(&a->reasons, &copy);

	return r < 0 ? error_set(err, r, "too many reasons") : 0;
}

static int not_in_kernel(struct analysis *a, const struct unit *unit, const char *why,
			 struct error *err)
{
	int r = reason_add(&a->reasons, REASON_NOT_COMPILED, unit->path, NULL,
			   "is not compiled in this kernel: %s", why);

	return r < 0 ? error_set(err, r, "too many reasons") : 0;
}

/* A file can be compiled without being part of this kernel: then its functions are not there. */
static bool is_in_kernel(const struct elf_object *original, const struct shipped *shipped)
{
	size_t functions = 0, there = 0;

	for (size_t i = 0; i < original->symbol_count; i++) {
		const struct elf_symbol *y = original->symbols[i];

		if (y->type != STT_FUNC || !y->section ||
		    !str_has_prefix(y->section->name, ".text"))
			continue;
		functions++;
		there += shipped_matches(shipped, y->name) > 0;
	}
	return functions == 0 || there * 2 >= functions;
}

int analysis_symvers(struct analysis *a, const struct symvers **ret, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = 0;

	if (!a->symvers) {
		path = path_join(a->kbuild->kernel->build, "Module.symvers", NULL);
		r = path ? symvers_load(path, &a->symvers, err)
			 : error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (r == 0)
		*ret = a->symvers;
	return r;
}

/* Keys of a module: what is the kernel's, its table of exports tells. */
static int settle_keys(struct analysis *a, struct analysis_unit *u, struct error *err)
{
	const struct symvers *symvers;
	int r = analysis_symvers(a, &symvers, err);

	if (r < 0)
		return r;
	r = module_keys_settle(u->diff, symvers, u->unit->path, &a->reasons);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

/* Layouts of structures are compared by what the compiler wrote about them. */
static int check_types(struct analysis *a, const struct analysis_unit *u, struct error *err)
{
	int r;

	if (elf_object_section(u->original, ".debug_info") &&
	    elf_object_section(u->patched, ".debug_info"))
		return 0;
	r = reason_add(&a->reasons, REASON_NO_TYPES, u->unit->path, NULL,
		       "has no debugging data, so that the layout of structures is not compared");
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int compare_unit(struct analysis *a, struct analysis_unit *u, struct error *err)
{
	const struct unit *unit = u->unit;
	struct diff_options options = { .name = unit->object_path,
					.unit = unit->id,
					.sizes = a->sizes,
					.objtool_again = true };
	int r = elf_object_parse(unit->original.data, unit->original.len, unit->object_path,
				 &u->original, err);

	if (r == 0)
		r = elf_object_parse(unit->patched.data, unit->patched.len, unit->object_path,
				     &u->patched, err);
	if (r < 0)
		return r;
	r = analysis_shipped(a, unit->object, &u->shipped, err);
	if (r == ERR_NOT_FOUND)
		return not_in_kernel(a, unit, err ? err->message : unit->object, err);
	if (r < 0)
		return r;
	if (!is_in_kernel(u->original, u->shipped))
		return not_in_kernel(a, unit, "its functions are not there", err);
	r = diff_objects(u->original, u->patched, &options, &u->diff, err);
	if (r < 0)
		return error_prefix(err, r, "%s", unit->path);

	const struct diff_result *d = diff_result(u->diff);

	for (size_t i = 0; r == 0 && i < d->reason_count; i++)
		r = take_reason(a, unit, &d->reasons[i], err);
	if (r == 0)
		r = resolve_check_new(a, u, err);
	if (r == 0 && !streq(unit->object, "vmlinux"))
		r = settle_keys(a, u, err);
	if (r == 0 && prebuilt_is(unit))
		r = check_types(a, u, err);
	return r;
}

static int compare_units(struct analysis *a, struct error *err)
{
	size_t changed = 0;

	a->units = calloc(a->unit_set.n + 1, sizeof(*a->units));
	if (!a->units)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < a->unit_set.n; i++) {
		struct analysis_unit *u = &a->units[a->unit_count++];

		u->unit = &a->unit_set.units[i];

		int r = compare_unit(a, u, err);

		if (r < 0)
			return r;
		changed += u->diff && (diff_result(u->diff)->changed_count > 0 ||
				       declared_any(diff_result(u->diff)));
	}
	if (changed == 0 && !is_refused(a))
		return error_set(err, ERR_NO_CHANGE, "the patch changes no code");
	return 0;
}

/* The structures that the unit uses, against those of the kernel. */
static int prove_types(struct analysis *a, const struct analysis_unit *u,
		       struct reason_list *mismatches, struct error *err)
{
	const struct shipped *vmlinux;
	int r = analysis_shipped(a, "vmlinux", &vmlinux, err);

	return r < 0 ? r
		     : shipped_types_check(vmlinux, u->shipped, u->original, u->unit->path,
					   mismatches, NULL, err);
}

/* The versions of what the unit exports, against those that modules were built for. */
static int prove_exports(struct analysis *a, const struct analysis_unit *u, struct error *err)
{
	const struct symvers *symvers;
	int r = analysis_symvers(a, &symvers, err);

	return r < 0 ? r
		     : exports_check(a->kbuild, a->sources, a->overlay, u->unit, symvers,
				     &a->reasons, NULL, err);
}

static int prove_unit(struct analysis *a, struct analysis_unit *u, struct error *err)
{
	_cleanup_reason_list_ struct reason_list mismatches = { 0 };
	_cleanup_free_ const char **names = NULL;
	const struct diff_result *d = diff_result(u->diff);
	int r = 0;

	names = calloc(d->changed_count + 1, sizeof(*names));
	if (!names)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < d->changed_count; i++)
		names[i] = d->changed[i].name;
	r = prove_functions(a->kbuild, u->unit, u->shipped, names, d->changed_count, &mismatches,
			    &u->runpre, err);
	if (r == 0)
		r = prove_types(a, u, &mismatches, err);
	if (r < 0)
		return error_prefix(err, r, "%s", u->unit->path);
	a->compared += u->runpre->compared;
	a->equal += u->runpre->equal;
	for (size_t i = 0; r == 0 && i < mismatches.n; i++)
		r = take_reason(a, u->unit, &mismatches.items[i], err);
	if (r < 0 || u->unit->external || !exports_any(u->original))
		return r;
	return prove_exports(a, u, err);
}

/* Does the unit's patched code refer to that symbol of another file? */
static bool imports(const struct analysis_unit *u, const char *name)
{
	const struct elf_symbol *y = elf_object_symbol(u->patched, name);

	return y && !y->section && y->shndx == SHN_UNDEF;
}

/* Does another file use something new of this one? */
static bool is_used(const struct analysis *a, const struct analysis_unit *u)
{
	const struct diff_result *d = diff_result(u->diff);

	for (size_t i = 0; i < a->unit_count; i++) {
		if (&a->units[i] == u || !a->units[i].diff)
			continue;
		for (size_t j = 0; j < d->added_count; j++)
			if (!d->added[j].local && imports(&a->units[i], d->added[j].name))
				return true;
		for (size_t j = 0; j < d->data_count; j++)
			if (!d->data[j].local && imports(&a->units[i], d->data[j].name))
				return true;
	}
	return false;
}

/* Units that only moved lines, gained what nobody uses or are not in this kernel take no further
 * part. */
static int drop_unchanged(struct analysis *a, struct error *err)
{
	_cleanup_free_ bool *stays = calloc(a->unit_count + 1, sizeof(*stays));
	size_t kept = 0;

	if (!stays)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < a->unit_count; i++)
		stays[i] = a->units[i].diff && (diff_result(a->units[i].diff)->changed_count > 0 ||
						declared_any(diff_result(a->units[i].diff)) ||
						is_used(a, &a->units[i]));
	for (size_t i = 0; i < a->unit_count; i++) {
		struct analysis_unit *u = &a->units[i];

		if (stays[i]) {
			a->units[kept++] = *u;
			continue;
		}
		diff_free(u->diff);
		elf_object_free(u->original);
		elf_object_free(u->patched);
	}
	a->unit_count = kept;
	return 0;
}

static size_t count_changed(const struct analysis *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->unit_count; i++)
		n += diff_result(a->units[i].diff)->changed_count;
	return n;
}

/* Without a part of the patch that was refused, the rest need not compile. */
static int not_examined(struct analysis *a, const struct error *err)
{
	return reason_add(&a->reasons, REASON_NOT_EXAMINED, NULL, NULL,
			  "what else the patch changes could not be looked at: %s",
			  err ? err->message : "it does not compile");
}

/* One number for all patched texts and the header that is offered to them. */
static int make_key(const struct source_set *sources, char ret[static SHA256_HEX_LEN + 1],
		    struct error *err)
{
	_cleanup_buf_ struct buf all = BUF_INIT(SIZE_MAX / 2);
	int r = buf_append_str(&all, SUTURE_VERSION "\n");

	for (size_t i = 0; r == 0 && i < sources->n; i++) {
		r = buf_printf(&all, "%s\n", sources->files[i]->path);
		if (r == 0)
			r = source_file_text(sources->files[i], &all);
	}
	if (r == 0)
		r = hash_sha256_hex(buf_str(&all), all.len, ret);
	return r < 0 ? error_set(err, r, "cannot hash the patched files") : 0;
}

/* The place of a unit's file among those that the patches touch. */
static size_t place_of(const struct source_set *sources, const struct unit *u)
{
	size_t i = 0;

	while (i < sources->n && !streq(sources->files[i]->path, u->path))
		i++;
	return i;
}

/* In the order of the patches, which is that of callbacks; units of other files come behind, as
 * they are. */
static void order_units(const struct source_set *sources, struct unit_set *set)
{
	for (size_t i = 1; i < set->n; i++) {
		struct unit u = set->units[i];
		size_t place = place_of(sources, &u), k = i;

		for (; k > 0 && place_of(sources, &set->units[k - 1]) > place; k--)
			set->units[k] = set->units[k - 1];
		set->units[k] = u;
	}
}

/* Finds and compiles what the patches change. */
static int compile(struct analysis *a, struct error *err)
{
	char key[SHA256_HEX_LEN + 1];
	int64_t start;
	int r = overlay_new(a->kbuild->source, &a->overlay, err);

	if (r == 0)
		r = make_key(a->sources, key, err);
	if (r == 0)
		r = affected_units(a->kbuild, a->sources, a->all, a->overlay, &a->reasons,
				   &a->unit_set, err);
	if (r < 0)
		return r;
	order_units(a->sources, &a->unit_set);
	start = clock_monotonic_ms();
	r = compile_units(a->kbuild, a->overlay, key, &a->unit_set, err);
	if (r < 0 || a->unit_set.n == 0)
		return r;
	output_done(start, "compiled %zu file%s before and after", a->unit_set.n,
		    a->unit_set.n == 1 ? "" : "s");
	return 0;
}

/* The pairs that the caller compiled. */
static int add_prebuilt(struct analysis *a, struct error *err)
{
	int r = 0;

	/* Before anything else is shipped code, that is the modules of --target. */
	for (size_t i = 0; r == 0 && i < a->object_count; i++)
		r = prebuilt_add(a->objects[i], a->shipped, a->target_count, &a->unit_set, err);
	return r;
}

/* From source patches, if there are any. */
static int compile_patches(struct analysis *a, struct error *err)
{
	int r;

	if (a->patch_count == 0)
		return 0;
	r = compile(a, err);
	return r < 0 || !a->external ? r
				     : external_compile(a->kbuild, a->external, &a->reasons,
							&a->unit_set, a->external_sha256, err);
}

static int analyse(struct analysis *a, const char *const *patches, size_t n, struct error *err)
{
	int64_t start;
	int r = read_patches(a, patches, n, err);

	if (r == 0)
		r = compile_patches(a, err);
	if (r == 0)
		r = add_prebuilt(a, err);
	if (r == ERR_CHILD && is_refused(a))
		return not_examined(a, err);
	if (r < 0)
		return r;
	if (a->unit_set.n == 0 && is_refused(a))
		return 0;
	if (a->unit_set.n == 0)
		return error_set(err, ERR_NO_CHANGE, "the patch changes no code");

	start = clock_monotonic_ms();
	r = compare_units(a, err);
	if (r < 0)
		return r;
	r = drop_unchanged(a, err);
	if (r < 0)
		return r;
	output_done(start, "compared: %zu function%s changed", count_changed(a),
		    count_changed(a) == 1 ? "" : "s");

	start = clock_monotonic_ms();
	for (size_t i = 0; r == 0 && i < a->unit_count; i++)
		r = prove_unit(a, &a->units[i], err);
	if (r < 0)
		return r;
	output_done(start, "run-pre: %zu of %zu functions equal the shipped code", a->equal,
		    a->compared);
	return 0;
}

static int add_target(struct analysis *a, const char *path, struct error *err)
{
	_cleanup_shipped_ struct shipped *s = NULL;
	int r = shipped_open_file(path, &s, err);

	if (r < 0)
		return r;
	if (streq(shipped_object(s), "vmlinux"))
		return error_set(err, ERR_INVALID, "%s says that it is the kernel itself", path);
	for (size_t i = 0; i < a->shipped_count; i++)
		if (streq(shipped_object(a->shipped[i]), shipped_object(s)))
			return error_set(err, ERR_INVALID, "%s: module %s is given twice", path,
					 shipped_object(s));
	return keep_shipped(a, TAKE_PTR(s), err);
}

static int open_external(struct analysis *a, const char *folder, struct error *err)
{
	_cleanup_free_ char *real = realpath(folder, NULL);

	if (!real)
		return error_set_errno(err, errno, "cannot read the folder %s", folder);
	if (real[strcspn(real, " \t\n'\"$#\\=")])
		return error_set(err, ERR_INVALID, "%s: make cannot handle that folder's name",
				 folder);
	return source_set_new(real, &a->external) < 0
		       ? error_set(err, ERR_NO_MEMORY, "out of memory")
		       : 0;
}

int analysis_new(const struct kbuild *kbuild, const struct analysis_options *options,
		 struct analysis **ret, struct error *err)
{
	_cleanup_analysis_ struct analysis *a = calloc(1, sizeof(*a));
	int r = 0;

	if (!a)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	a->kbuild = kbuild;
	a->all = options->all;
	a->objects = options->objects;
	a->object_count = options->object_count;
	for (size_t i = 0; r == 0 && i < options->target_count; i++)
		r = add_target(a, options->targets[i], err);
	a->target_count = a->shipped_count;
	if (r == 0 && source_set_new(kbuild->source, &a->sources) < 0)
		r = error_set(err, ERR_NO_MEMORY, "out of memory");
	if (r == 0 && options->source)
		r = open_external(a, options->source, err);
	if (r == 0)
		r = special_sizes_of_kernel(kbuild->kernel, &a->sizes, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(a);
	return 0;
}

int analysis_run(struct analysis *a, const char *const *patches, size_t n, struct error *err)
{
	if (n > ANALYSIS_PATCHES_MAX)
		return error_set(err, ERR_TOO_LARGE, "more than %d patches", ANALYSIS_PATCHES_MAX);
	return analyse(a, patches, n, err);
}
