/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/proof/exports.h"

#include <stdio.h>

bool exports_any(const struct elf_object *object)
{
	for (size_t i = 0; i < object->section_count; i++) {
		const char *name = object->sections[i]->name;

		if (streq(name, ".export_symbol") || str_has_prefix(name, "___ksymtab"))
			return true;
	}
	return false;
}

/* Where a C text is being read. */
struct outline {
	const char *p, *end;
	struct buf *out;
	size_t line_start; /* in `out`: of the declaration that is being read */
	bool line_is_new;  /* only white space since the line began */
};

static const char *skip_comment(const char *p, const char *end)
{
	if (p[1] == '/') {
		while (p < end && *p != '\n')
			p++;
		return p;
	}
	for (p += 2; p < end; p++)
		if (*p == '*' && p + 1 < end && p[1] == '/')
			return p + 2;
	return end;
}

static bool is_comment(const char *p, const char *end)
{
	return p + 1 < end && *p == '/' && (p[1] == '/' || p[1] == '*');
}

static const char *skip_literal(const char *p, const char *end)
{
	char quote = *p++;

	while (p < end && *p != quote && *p != '\n')
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	return p < end ? p + 1 : end;
}

/* A line of the preprocessor, with those that continue it. */
static const char *skip_directive(const char *p, const char *end)
{
	while (p < end && *p != '\n')
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	return MIN(p, end);
}

static bool is_function(const struct buf *out, size_t from)
{
	size_t at = out->len;

	while (at > from && out->data[at - 1] == ' ')
		at--;
	return at > from && out->data[at - 1] == ')' &&
	       !memmem(out->data + from, at - from, "__attribute__", strlen("__attribute__"));
}

/* Over the body of a function; its preprocessor lines count. */
static const char *skip_body(struct outline *o, const char *p, int *ret)
{
	unsigned depth = 0;

	for (bool fresh = false; p < o->end && *ret == 0;) {
		const char *from = p;

		if (is_comment(p, o->end)) {
			p = skip_comment(p, o->end);
		} else if (*p == '"' || *p == '\'') {
			p = skip_literal(p, o->end);
		} else if (*p == '#' && fresh) {
			p = skip_directive(p, o->end);
			*ret = buf_append(o->out, from, (size_t)(p - from));
		} else {
			depth += *p == '{';
			depth -= *p == '}';
			p++;
			if (depth == 0)
				return p;
		}
		fresh = from[0] == '\n' || (fresh && (*from == ' ' || *from == '\t'));
	}
	return p;
}

/* However much white space there is, it counts as one. */
static int add_space(struct buf *out)
{
	return out->len > 0 && out->data[out->len - 1] == ' ' ? 0 : buf_append(out, " ", 1);
}

/* One token outside of functions. */
static int step(struct outline *o)
{
	const char *from = o->p;
	bool fresh = o->line_is_new;
	int r = 0;

	o->line_is_new = *from == '\n' || (fresh && (*from == ' ' || *from == '\t'));
	if (is_comment(from, o->end)) {
		o->p = skip_comment(from, o->end);
		o->line_is_new = fresh;
		return add_space(o->out);
	}
	if (*from == '{' && is_function(o->out, o->line_start)) {
		o->p = skip_body(o, from, &r);
		r = r < 0 ? r : buf_append(o->out, ";", 1);
		o->line_start = o->out->len;
		return r;
	}
	if (*from == '#' && fresh)
		o->p = skip_directive(from, o->end);
	else if (*from == '"' || *from == '\'')
		o->p = skip_literal(from, o->end);
	else
		o->p++;
	if (*from == ' ' || *from == '\t' || *from == '\n')
		return add_space(o->out);
	r = buf_append(o->out, from, (size_t)(o->p - from));
	if (*from == ';' || *from == '}' || (*from == '#' && fresh))
		o->line_start = o->out->len;
	return r;
}

int exports_outline(const char *text, size_t len, struct buf *out)
{
	struct outline o = { text, text + len, out, 0, true };
	int r = 0;

	while (r == 0 && o.p < o.end)
		r = step(&o);
	return r;
}

/* An #include that a patch adds can only complete types that stay what they are, which genksyms
 * takes for a change. */
static bool is_new_include(const struct source_line *line)
{
	const char *p = line->text, *end = p + line->len;

	if (line->origin != 0 || p == end || *p++ != '#')
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return (size_t)(end - p) > 7 && memcmp(p, "include", 7) == 0;
}

int exports_text(const struct source_file *file, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < file->line_count; i++) {
		if (is_new_include(&file->lines[i]))
			continue;
		r = buf_append(out, file->lines[i].text, file->lines[i].len);
		if (r == 0)
			r = buf_append(out, "\n", 1);
	}
	return r;
}

static int outline_unchanged(const struct source_file *file, bool *ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT(2 * SOURCE_FILE_MAX);
	_cleanup_buf_ struct buf a = BUF_INIT(2 * SOURCE_FILE_MAX),
				 b = BUF_INIT(2 * SOURCE_FILE_MAX);
	int r = exports_text(file, &text);

	if (r == 0)
		r = exports_outline((const char *)file->original.data, file->original.len, &a);
	if (r == 0)
		r = exports_outline((const char *)text.data, text.len, &b);
	if (r == 0)
		*ret = a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
	return r;
}

/* "#SYMVER name 0x…" or "__crc_name = 0x…;" */
static bool read_version(char *line, char **ret_name, uint32_t *ret_crc)
{
	static const char new_form[] = "#SYMVER ", old_form[] = "__crc_";
	char *name = NULL, *value, *end;

	if (str_has_prefix(line, new_form))
		name = line + strlen(new_form);
	else if (str_has_prefix(line, old_form))
		name = line + strlen(old_form);
	value = name ? strstr(name, "0x") : NULL;
	if (!value)
		return false;
	*ret_crc = (uint32_t)strtoul(value, &end, 16);
	name[strcspn(name, " =")] = '\0';
	*ret_name = name;
	return end > value + 2 && *name;
}

int exports_compare(char *output, const struct symvers *symvers,
		    int (*differs)(void *user, const char *name), void *user, size_t *ret_count)
{
	int r = 0;

	*ret_count = 0;
	for (char *p = output, *end; r == 0 && p && *p; p = end) {
		const struct symvers_entry *entry;
		uint32_t crc;
		char *name;

		end = strchr(p, '\n');
		if (end)
			*end++ = '\0';
		if (!read_version(p, &name, &crc))
			continue;
		entry = symvers_find(symvers, name);
		if (!entry)
			continue;
		(*ret_count)++;
		if (entry->crc != crc)
			r = differs(user, name);
	}
	return r;
}

struct exports {
	const struct unit *unit;
	struct name_list names;
	struct reason_list *reasons;
};

static int note_name(void *user, const char *name)
{
	struct exports *x = user;

	return name_list_add(&x->names, name);
}

/* `file` is the unit's own source if that is patched. */
static int compare_with(const struct kbuild *kb, const struct overlay *overlay,
			const struct source_file *file, struct exports *x,
			const struct symvers *symvers, size_t *ret_count, struct error *err)
{
	_cleanup_buf_ struct buf output = BUF_INIT(SOURCE_FILE_MAX);
	_cleanup_buf_ struct buf text = BUF_INIT(2 * SOURCE_FILE_MAX);
	int r = file ? exports_text(file, &text) : 0;

	if (r < 0)
		return error_set(err, r, "out of memory");
	r = compile_versions(kb, overlay, file ? &text : NULL, x->unit, &output, err);
	if (r < 0)
		return r;
	r = buf_append(&output, "", 1);
	if (r == 0)
		r = exports_compare((char *)output.data, symvers, note_name, x, ret_count);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int add_reasons(const struct exports *patched, const struct exports *original)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < original->names.n; i++)
		r = reason_add(original->reasons, REASON_MISMATCH, original->unit->path,
			       original->names.items[i],
			       "%s: its version, rebuilt, is not the one in Module.symvers",
			       original->names.items[i]);
	for (size_t i = 0; r == 0 && i < patched->names.n; i++)
		if (!name_list_has(&original->names, patched->names.items[i]))
			r = reason_add(patched->reasons, REASON_CHANGED_EXPORT, patched->unit->path,
				       patched->names.items[i],
				       "%s: is exported, and its type or one that it reaches "
				       "changes: modules call it as it was",
				       patched->names.items[i]);
	return r;
}

/* The unit's own source, if it is patched; *ret_only: nothing else is. */
static const struct source_file *own_file(const struct source_set *sources, const struct unit *unit,
					  bool *ret_only)
{
	const struct source_file *own = NULL;

	*ret_only = true;
	for (size_t i = 0; sources && i < sources->n; i++) {
		const struct source_file *f = sources->files[i];

		if (streq(f->path, unit->path))
			own = f;
		else if (source_file_changed(f) && patch_path_is_header(f->path))
			*ret_only = false;
	}
	*ret_only = *ret_only && own;
	return own;
}

int exports_check(const struct kbuild *kb, const struct source_set *sources,
		  const struct overlay *overlay, const struct unit *unit,
		  const struct symvers *symvers, struct reason_list *reasons, size_t *ret_count,
		  struct error *err)
{
	struct exports patched = { unit, { 0 }, reasons }, original = { unit, { 0 }, reasons };
	bool unchanged = false, only;
	const struct source_file *file = own_file(sources, unit, &only);
	size_t count = 0, unused;
	int r = only ? outline_unchanged(file, &unchanged) : 0;

	if (r < 0)
		return error_set(err, r, "out of memory");
	if (!unchanged && sources)
		r = compare_with(kb, overlay, file, &patched, symvers, &count, err);
	if (r == 0 && (!sources || patched.names.n > 0))
		r = compare_with(kb, NULL, NULL, &original, symvers, sources ? &unused : &count,
				 err);
	if (r == 0) {
		r = add_reasons(&patched, &original);
		if (r < 0)
			error_set(err, r, "too many reasons");
	}
	name_list_free(&patched.names);
	name_list_free(&original.names);
	if (r == 0 && ret_count)
		*ret_count = count;
	return r;
}
