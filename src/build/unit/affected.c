/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/affected.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/vec.h"
#include "build/unit/command.h"
#include "build/diff/declared.h"
#include "build/unit/include_scan.h"
#include "build/output/output.h"
#include "build/unit/unit_text.h"

/* Files that are preprocessed and compiled to tell how long all would take. */
#define SAMPLES 2

struct finder {
	const struct kbuild *kb;
	const struct source_set *sources;
	const struct overlay *overlay;
	struct reason_list *reasons;
	struct unit_list list;
	struct include_graph *graph;
	struct error *err;
};

struct candidate {
	struct unit_text text;
	bool patched; /* its own source file is patched: it is compiled in any case */
};

typedef VEC(struct candidate) candidate_list;

static void candidates_free(candidate_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		name_list_free(&list->items[i].text.command);
	free(list->items);
}

static int out_of_memory(const struct finder *f)
{
	return error_set(f->err, ERR_NO_MEMORY, "out of memory");
}

/* Sources that the build generates may include a header as well; they have to be there to tell. */
static int make_sources(const struct finder *f)
{
	int64_t start = clock_monotonic_ms();
	bool made = false, header = false;
	int r = 0;

	for (size_t i = 0; i < f->sources->n; i++)
		header |= patch_path_is_header(f->sources->files[i]->path);
	if (header)
		r = unit_list_make_sources(f->kb, &f->list, &made, f->err);
	if (r < 0 || !made)
		return r;
	output_done(start, "made the sources that the build generates");
	return include_graph_forget(f->kb, f->err);
}

/* The list and the graph; what takes long the first time is told. */
static int load(struct finder *f)
{
	int64_t start = clock_monotonic_ms();
	bool first = !unit_list_is_cached(f->kb);
	int r;

	if (first)
		output_step("listing what this kernel is compiled from (once)");
	r = unit_list_load(f->kb, &f->list, f->err);
	if (r == 0)
		r = make_sources(f);
	if (r == 0)
		r = include_graph_load(f->kb, &f->list, &f->graph, f->err);
	if (r == 0 && first)
		output_done(start, "listed %zu compiled files", f->list.n);
	return r;
}

static bool is_patched(const struct finder *f, const char *path)
{
	for (size_t i = 0; i < f->sources->n; i++)
		if (streq(f->sources->files[i]->path, path))
			return source_file_changed(f->sources->files[i]);
	return false;
}

static int list_candidates(const struct finder *f, candidate_list *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->list.n; i++) {
		const struct unit_entry *e = &f->list.entries[i];
		struct candidate c = { .text.entry = e };

		if (!include_graph_is_marked(f->graph, e->source) ||
		    !(unit_entry_is_kernel(e) || unit_entry_shapes_kernel(e)))
			continue;
		c.patched = is_patched(f, e->source) && str_has_suffix(e->source, ".c") &&
			    unit_entry_is_kernel(e);
		r = command_parse(e->command, &c.text.command, f->err);
		if (r == 0 && VEC_PUSH(ret, c) < 0) {
			name_list_free(&c.text.command);
			r = out_of_memory(f);
		}
	}
	return r;
}

/* What the compiler cannot read it quotes in its complaint: no patch may choose that. */
static int check_includes(const struct finder *f, const struct source_file *file,
			  const struct buf *text)
{
	_cleanup_name_list_ struct name_list names = { 0 };
	int r = include_scan(buf_str(text), text->len, &names);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (include_leads_out(f->sources->tree, file->path, names.items[i]))
			r = reason_add(f->reasons, REASON_UNSAFE_PATH, file->path, NULL,
				       "includes %s, which is outside the kernel's source",
				       names.items[i] + 1);
	return r < 0 ? error_set(f->err, r, "%s: too many #include lines", file->path) : 0;
}

static int add_text(const struct finder *f, const struct source_file *file)
{
	_cleanup_buf_ struct buf text = BUF_INIT(2 * SOURCE_FILE_MAX);
	int r = source_file_text(file, &text);

	if (r == 0)
		r = check_includes(f, file, &text);
	/* The builder's own header is in no tree; what it includes is. */
	if (r == 0 && strstr(buf_str(&text), DECLARED_HEADER))
		r = buf_append_str(&text, "\n#include " DECLARED_INCLUDES "\n");
	if (r < 0)
		return error_set(f->err, r, "%s: the patched file is too large", file->path);
	return include_graph_add(f->graph, file->path, buf_str(&text), text.len, f->err);
}

/* A patched file that no compiled file reads changes nothing here. */
static int note_unread(const struct finder *f, const char *path)
{
	enum reason_code code = REASON_NOT_COMPILED;
	const char *why = patch_path_is_header(path)
				  ? "is included by no file that this kernel is compiled from"
				  : "is not compiled in this kernel's configuration";
	int r;

	for (size_t i = 0; i < f->list.n; i++) {
		const struct unit_entry *e = &f->list.entries[i];

		if (!include_graph_is_marked(f->graph, e->source))
			continue;
		if (unit_entry_is_kernel(e) || unit_entry_shapes_kernel(e))
			return 0;
		code = REASON_NOT_KERNEL_CODE;
		why = "is only read by code that runs before the kernel";
	}
	r = reason_add(f->reasons, code, path, NULL, "%s", why);
	return r < 0 ? error_set(f->err, r, "too many reasons") : 0;
}

/* Marks everything that reads a changed file, before or after the patch. */
static int mark(const struct finder *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->sources->n; i++)
		if (source_file_changed(f->sources->files[i]))
			r = add_text(f, f->sources->files[i]);
	for (size_t i = 0; r == 0 && i < f->sources->n; i++) {
		include_graph_unmark_all(f->graph);
		include_graph_mark(f->graph, f->sources->files[i]->path);
		r = note_unread(f, f->sources->files[i]->path);
	}
	include_graph_unmark_all(f->graph);
	for (size_t i = 0; r == 0 && i < f->sources->n; i++)
		if (source_file_changed(f->sources->files[i]))
			include_graph_mark(f->graph, f->sources->files[i]->path);
	return r;
}

static int plan_sample(const struct finder *f, const struct candidate *c, bool text,
		       struct compile_tasks *tasks)
{
	struct compile_task *t = compile_tasks_new(tasks, f->kb->kernel->build);

	return t && unit_text_arguments(&c->text, text, "/dev/null", &t->arguments) == 0
		       ? 0
		       : out_of_memory(f);
}

static double children_seconds(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_CHILDREN, &u) < 0)
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Minutes to preprocess and compile all candidates twice, by what some of them, spread over the
 * list, take. */
static int estimate(const struct finder *f, const candidate_list *list, double *ret_minutes)
{
	_cleanup_compile_tasks_ struct compile_tasks tasks = { 0 };
	double start = children_seconds();
	int r = 0;

	for (size_t i = 0; r == 0 && i < SAMPLES; i++) {
		const struct candidate *c = &list->items[(2 * i + 1) * list->count / (2 * SAMPLES)];

		r = plan_sample(f, c, true, &tasks);
		if (r == 0)
			r = plan_sample(f, c, false, &tasks);
	}
	if (r == 0)
		r = compile_tasks_run(&tasks, f->kb, NULL, f->err);
	*ret_minutes = (children_seconds() - start) / SAMPLES * 2 * (double)list->count /
		       MAX(f->kb->jobs, 1) / 60;
	return r;
}

static int check_number(const struct finder *f, const candidate_list *list, size_t n, bool all)
{
	double minutes;
	int r;

	if (n <= AFFECTED_LIMIT || all)
		return 0;
	r = estimate(f, list, &minutes);
	if (r < 0)
		return r;
	r = error_set(
		f->err, ERR_TOO_LARGE,
		"%zu files that this kernel is compiled from include what the patch changes: "
		"comparing them takes minutes, and if all of them change, compiling too about "
		"%.0f minutes (by what %d of them take, %d at a time)",
		n, minutes + 1, SAMPLES, f->kb->jobs);
	error_hint(f->err, "--all does it; a fix in C files alone is built in seconds");
	return r;
}

static bool is_vdso(const struct candidate *c)
{
	return str_has_prefix(c->text.entry->object, "arch/x86/entry/vdso/") &&
	       (name_list_has(&c->text.command, "-fPIC") ||
		unit_entry_shapes_kernel(c->text.entry));
}

/* Is what is made of the candidate refused if it changes? Then it has to be told whether another
 * text makes it another one. */
static bool is_fixed(const struct candidate *c)
{
	return is_vdso(c) || str_has_suffix(c->text.entry->object, ".s") ||
	       (unit_entry_is_kernel(c->text.entry) &&
		!str_has_suffix(c->text.entry->source, ".c"));
}

/* The texts of all candidates for which `wanted` says so. */
static int choose(const struct finder *f, const candidate_list *list,
		  bool (*wanted)(const struct candidate *c), struct unit_text ***ret, size_t *ret_n)
{
	struct unit_text **texts = calloc(list->count + 1, sizeof(struct unit_text *));
	size_t n = 0;

	if (!texts)
		return out_of_memory(f);
	for (size_t i = 0; i < list->count; i++)
		if (wanted(&list->items[i]))
			texts[n++] = &list->items[i].text;
	*ret = texts;
	*ret_n = n;
	return 0;
}

static bool is_included(const struct candidate *c)
{
	return !c->patched;
}

static bool is_other_and_fixed(const struct candidate *c)
{
	return !c->text.same && !c->patched && is_fixed(c);
}

/* Which candidates read another text with the patch? And if that is refused, is what is made of
 * them another one too? */
static int compare(const struct finder *f, const candidate_list *list)
{
	_cleanup_free_ struct unit_text **texts = NULL, **fixed = NULL;
	size_t n = 0;
	int r = choose(f, list, is_included, &texts, &n);

	if (r == 0)
		r = unit_text_compare(f->kb, f->overlay, f->graph, texts, n, f->err);
	if (r == 0)
		r = choose(f, list, is_other_and_fixed, &fixed, &n);
	return r < 0 ? r : unit_text_compare_objects(f->kb, f->overlay, fixed, n, f->err);
}

static int fill_overlay(const struct finder *f, const candidate_list *list)
{
	_cleanup_name_list_ struct name_list files = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = include_graph_closure(f->graph, list->items[i].text.entry->source, &files,
					  f->err);
	return r < 0 ? r : overlay_fill(f->overlay, f->sources, &files, f->err);
}

/* A candidate that changes: a unit to compile, or a reason against the patch. */
static int take(const struct finder *f, struct candidate *c, struct unit_set *ret)
{
	const char *source = c->text.entry->source;
	int r;

	if (is_vdso(c))
		r = reason_add(f->reasons, REASON_VDSO, source, NULL,
			       "is part of the vDSO, and becomes another object with the patch");
	else if (str_has_suffix(c->text.entry->object, ".s"))
		r = reason_add(
			f->reasons, REASON_ASSEMBLER, source, NULL,
			"tells the assembler and the headers sizes, offsets and limits, and "
			"some of them change with the patch: everything was compiled with them");
	else if (unit_entry_shapes_kernel(c->text.entry))
		r = reason_add(
			f->reasons, REASON_ASSEMBLER, source, NULL,
			"is the linker's script of the kernel, and changes with the patch: the "
			"running kernel is laid out by it");
	else if (!str_has_suffix(source, ".c"))
		r = reason_add(f->reasons, REASON_ASSEMBLER, source, NULL,
			       "is assembler, and becomes another object with the patch");
	else
		return unit_set_add(ret, source, c->text.entry->object, &c->text.command, f->err);
	return r < 0 ? error_set(f->err, r, "too many reasons") : 0;
}

/* Nothing is compiled then: not even to tell more. */
static bool is_unsafe(const struct finder *f)
{
	for (size_t i = 0; i < f->reasons->n; i++)
		if (f->reasons->items[i].code == REASON_UNSAFE_PATH)
			return true;
	return false;
}

static int find(struct finder *f, bool all, candidate_list *list, struct unit_set *ret)
{
	int64_t start = clock_monotonic_ms();
	size_t included = 0, changed = 0;
	int r = load(f);

	if (r == 0)
		r = mark(f);
	if (r < 0 || is_unsafe(f))
		return r;
	r = list_candidates(f, list);
	for (size_t i = 0; i < list->count; i++)
		included += !list->items[i].patched;
	if (r == 0)
		r = check_number(f, list, included, all);
	if (r == 0)
		r = fill_overlay(f, list);
	if (r == 0)
		r = compare(f, list);
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		if (list->items[i].text.same)
			continue;
		changed += !list->items[i].patched;
		r = take(f, &list->items[i], ret);
	}
	if (r == 0 && included > 0)
		output_done(
			start,
			"%zu file%s include%s what the patch changes, %zu of them read other code",
			included, included == 1 ? "" : "s", included == 1 ? "s" : "", changed);
	return r;
}

int affected_units(const struct kbuild *kb, const struct source_set *sources, bool all,
		   const struct overlay *overlay, struct reason_list *reasons, struct unit_set *ret,
		   struct error *err)
{
	struct finder f = {
		.kb = kb, .sources = sources, .overlay = overlay, .reasons = reasons, .err = err
	};
	candidate_list list = { 0 };
	int r = find(&f, all, &list, ret);

	candidates_free(&list);
	include_graph_free(f.graph);
	unit_list_free(&f.list);
	return r;
}
