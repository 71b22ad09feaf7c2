/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/unit_text.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/unit/text_cache.h"
#include "build/text/text_digest.h"

#define TEXT_MAX ((size_t)256 * 1024 * 1024)

/* Which code makes digests: those of another one are forgotten. */
extern const char texts_code[];

/* Objects at a time: their command lines take memory. */
#define BATCH 64

int unit_text_arguments(const struct unit_text *unit, bool text, const char *output,
			struct name_list *ret)
{
	const struct name_list *command = &unit->command;
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < command->n; i++) {
		const char *word = command->items[i];

		if (streq(word, "-o"))
			i++;
		else if (!str_has_prefix(word, "-Wp,-MMD") && !str_has_prefix(word, "-g") &&
			 !str_has_prefix(word, "-Wa,-g") &&
			 !(text && (streq(word, "-c") || streq(word, "-S"))))
			r = name_list_add(ret, word);
	}
	if (r == 0 && text)
		r = name_list_add(ret, "-E");
	if (r == 0 && text)
		r = name_list_add(ret, "-P");
	if (r == 0)
		r = name_list_add(ret, "-o");
	if (r == 0)
		r = name_list_add(ret, output);
	return r < 0 ? r : name_list_add(ret, command->items[command->n - 1]);
}

/* What counts of an output of the compiler. */
enum measure {
	MEASURE_CODE,  /* preprocessed C: what makes code */
	MEASURE_BYTES, /* all of it */
	MEASURE_CONSTANTS,
};

/* One side of a comparison. */
struct side {
	char *path; /* of the compiler's output; NULL: the digest is there already */
	enum measure measure;
	char digest[SHA256_HEX_LEN + 1];
};

/* The constants in the compiler's output are lines of the form `"->NAME $VALUE …"`
 * (linux/kbuild.h). */
static int keep_constants(struct buf *text)
{
	_cleanup_buf_ struct buf kept = BUF_INIT(TEXT_MAX);
	int r = 0;

	for (const char *p = buf_str(text); r == 0 && *p;) {
		size_t len = strcspn(p, "\n");

		len += p[len] == '\n';
		if (memmem(p, len, "\"->", 3))
			r = buf_append(&kept, p, len);
		p += len;
	}
	buf_clear(text);
	return r < 0 ? r : buf_append(text, kept.data, kept.len);
}

/* Of an output that is there: several run at once, and the file is not left behind. */
static int measure(void *user, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(TEXT_MAX);
	struct side *side = user;
	int r = file_read(side->path, &text, err);

	unlink(side->path);
	if (r < 0)
		return r;
	if (side->measure == MEASURE_CONSTANTS)
		r = keep_constants(&text);
	if (r == 0)
		r = (side->measure == MEASURE_CODE ? text_digest_code : text_digest_plain)(
			buf_str(&text), text.len, side->digest);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

/* Does the compiler leave out what nothing refers to? It does when it optimises. */
static bool drops_unused(const struct name_list *command)
{
	bool drops = false;

	for (size_t i = 0; i < command->n; i++) {
		const char *word = command->items[i];

		if (str_has_prefix(word, "-O"))
			drops = !streq(word, "-O0");
		else if (str_has_prefix(word, "-fkeep-") || streq(word, "-fno-toplevel-reorder") ||
			 streq(word, "-fno-unit-at-a-time"))
			return false;
	}
	return drops;
}

static enum measure measure_of(const struct unit_text *u, bool text)
{
	if (!text)
		return str_has_suffix(u->entry->object, ".s") ? MEASURE_CONSTANTS : MEASURE_BYTES;
	return str_has_suffix(u->entry->source, ".c") && drops_unused(&u->command) ? MEASURE_CODE
										   : MEASURE_BYTES;
}

/* A run over some of the objects. */
struct comparison {
	const struct kbuild *kb;
	const struct overlay *overlay;
	bool text;
	struct text_cache *cache; /* of the originals' texts; NULL for objects */
	struct output_progress progress;
	struct error *err;
};

static int out_of_memory(const struct comparison *c)
{
	return error_set(c->err, ERR_NO_MEMORY, "out of memory");
}

/* What an original's text depends on, besides the files that the stamp stands for. */
static int make_key(const struct kbuild *kb, const struct unit_text *u,
		    char ret[static SHA256_HEX_LEN + 1])
{
	_cleanup_buf_ struct buf all = BUF_INIT(1 << 24);
	const char *compiler = kb->compiler_version ? kb->compiler_version : "";
	int r = buf_printf(&all, "%s\n%s\n%s\n", compiler, u->entry->object, u->entry->command);

	return r < 0 ? r : hash_sha256_hex(all.data, all.len, ret);
}

static int find_kept(const struct comparison *c, const struct unit_text *u, struct side *side)
{
	char key[SHA256_HEX_LEN + 1];
	const char *kept;

	if (!c->cache)
		return 0;
	if (make_key(c->kb, u, key) < 0)
		return out_of_memory(c);
	kept = text_cache_get(c->cache, key);
	if (kept)
		memcpy(side->digest, kept, SHA256_HEX_LEN);
	return 0;
}

static int keep(const struct comparison *c, const struct unit_text *u, const struct side *side)
{
	char key[SHA256_HEX_LEN + 1];

	if (!c->cache || !side->path)
		return 0;
	return make_key(c->kb, u, key) < 0 || text_cache_put(c->cache, key, side->digest) < 0
		       ? out_of_memory(c)
		       : 0;
}

static int plan(const struct comparison *c, const struct unit_text *u, bool patched, size_t number,
		struct compile_tasks *tasks, struct side *side)
{
	_cleanup_name_list_ struct name_list arguments = { 0 };
	struct compile_task *t;
	int r = patched ? 0 : find_kept(c, u, side);

	if (r < 0 || side->digest[0])
		return r;
	side->measure = measure_of(u, c->text);
	t = compile_tasks_new(tasks, c->kb->kernel->build);
	if (!t || asprintf(&side->path, "%s/%zu-%s", overlay_folder(c->overlay), number,
			   patched ? "after" : "before") < 0)
		return out_of_memory(c);
	t->then = measure;
	t->user = side;
	r = unit_text_arguments(u, c->text, side->path, patched ? &arguments : &t->arguments);
	if (r < 0)
		return out_of_memory(c);
	return patched ? overlay_move(c->overlay, &arguments, &t->arguments, c->err) : 0;
}

/* Some read what the build generates: kbuild makes it before it compiles them. */
static int make_missing(const struct comparison *c, struct unit_text *const *texts,
			const struct side *before, size_t n, const struct compile_tasks *tasks)
{
	_cleanup_name_list_ struct name_list objects = { 0 };
	int r = 0;

	for (size_t k = 0; k < tasks->n; k++)
		for (size_t i = 0; r == 0 && i < n; i++)
			if (tasks->items[k].user == &before[i] && tasks->items[k].result < 0 &&
			    strstr(tasks->items[k].err.message, "No such file or directory"))
				r = name_list_add(&objects, texts[i]->entry->object);
	return r < 0 ? out_of_memory(c) : unit_list_make(c->kb, &objects, c->err);
}

static int compare_batch(struct comparison *c, struct unit_text *const *texts, size_t n, bool again)
{
	_cleanup_compile_tasks_ struct compile_tasks tasks = { 0 };
	struct side before[BATCH] = { 0 }, after[BATCH] = { 0 };
	int64_t start = clock_monotonic_ms();
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = plan(c, texts[i], false, i, &tasks, &before[i]);
		if (r == 0)
			r = plan(c, texts[i], true, i, &tasks, &after[i]);
	}
	if (r == 0)
		r = compile_tasks_run(&tasks, c->kb, &c->progress, c->err);
	timings_add(c->kb->timings, TIMINGS_PREPROCESSOR, start);
	again = again && r == ERR_CHILD && c->err &&
		strstr(c->err->message, "No such file or directory");
	if (again) {
		r = make_missing(c, texts, before, n, &tasks);
		c->progress.done -= tasks.n;
	}
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && !again)
			r = keep(c, texts[i], &before[i]);
		texts[i]->same = r == 0 && streq(before[i].digest, after[i].digest);
		free(before[i].path);
		free(after[i].path);
	}
	return r == 0 && again ? compare_batch(c, texts, n, false) : r;
}

static int compare(struct comparison *c, struct unit_text *const *texts, size_t n)
{
	int r = 0;

	c->progress.total = 2 * n;
	for (size_t i = 0; r == 0 && i < n; i += BATCH)
		r = compare_batch(c, texts + i, MIN(n - i, (size_t)BATCH), true);
	output_progress_end(&c->progress);
	return r;
}

int unit_text_compare(const struct kbuild *kb, const struct overlay *overlay,
		      const struct include_graph *graph, struct unit_text *const *texts, size_t n,
		      struct error *err)
{
	_cleanup_free_ char *path = path_join(kb->kernel->folder, "units", "texts", NULL);
	_cleanup_text_cache_ struct text_cache *cache = NULL;
	char stamp[SHA256_HEX_LEN + 1];
	struct comparison c = {
		.kb = kb,
		.overlay = overlay,
		.text = true,
		.progress = { .what = "comparing what the files read" },
		.err = err,
	};
	int r = path ? 0 : out_of_memory(&c);

	if (r < 0 || n == 0)
		return r;
	r = include_graph_stamp(graph, texts_code, stamp, err);
	if (r == 0)
		r = text_cache_load(path, stamp, &cache, err);
	if (r < 0)
		return r;
	c.cache = cache;
	r = compare(&c, texts, n);
	return r < 0 ? r : text_cache_save(cache, err);
}

int unit_text_compare_objects(const struct kbuild *kb, const struct overlay *overlay,
			      struct unit_text *const *texts, size_t n, struct error *err)
{
	struct comparison c = {
		.kb = kb,
		.overlay = overlay,
		.progress = { .what = "comparing objects" },
		.err = err,
	};

	return compare(&c, texts, n);
}
