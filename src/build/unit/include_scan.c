/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/include_scan.h"

#include <limits.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "build/unit/unit_list.h"

/* Longest preprocessor line that is looked at, continued lines together. */
#define DIRECTIVE_MAX 65536

struct scanner {
	const char *p, *end;
	struct buf line;                       /* a directive, without comments and continuations */
	char trace_path[256], trace_file[256]; /* of a header of trace events */
	struct name_list *names;
};

/* Steps over a backslash and newline, if there is one. */
static bool skip_splice(struct scanner *s)
{
	if (*s->p != '\\')
		return false;
	if (s->end - s->p >= 2 && s->p[1] == '\n') {
		s->p += 2;
		return true;
	}
	if (s->end - s->p >= 3 && s->p[1] == '\r' && s->p[2] == '\n') {
		s->p += 3;
		return true;
	}
	return false;
}

static void skip_comment(struct scanner *s)
{
	const char *close = memmem(s->p + 2, (size_t)(s->end - s->p - 2), "*/", 2);

	s->p = close ? close + 2 : s->end;
}

/* '#', or how C writes it for keyboards that have none (C17 6.4.6). */
static bool at_directive(const struct scanner *s)
{
	return *s->p == '#' || (*s->p == '%' && s->end - s->p >= 2 && s->p[1] == ':');
}

/* Is *p the beginning of a comment, of the kind that `second` makes? */
static bool at_comment(const struct scanner *s, char second)
{
	return *s->p == '/' && s->end - s->p >= 2 && s->p[1] == second;
}

static void skip_line_comment(struct scanner *s)
{
	while (s->p < s->end && *s->p != '\n')
		if (!skip_splice(s))
			s->p++;
}

static int copy(struct buf *out, const char *p, size_t n)
{
	return out ? buf_append(out, p, n) : 0;
}

/* A string or character constant; one without an end ends with its line. */
static int take_quoted(struct scanner *s, struct buf *out)
{
	char quote = *s->p;
	int r = copy(out, s->p++, 1);

	while (r == 0 && s->p < s->end && *s->p != '\n') {
		size_t n = *s->p == '\\' && s->end - s->p >= 2 ? 2 : 1;

		if (skip_splice(s))
			continue;
		r = copy(out, s->p, n);
		s->p += n;
		if (n == 1 && s->p[-1] == quote)
			break;
	}
	return r;
}

/* Goes on to the end of the line (and of those that continue it), copying what is no comment. */
static int take_line(struct scanner *s, struct buf *out)
{
	int r = 0;

	while (r == 0 && s->p < s->end && *s->p != '\n') {
		if (skip_splice(s))
			continue;
		if (at_comment(s, '*')) {
			skip_comment(s);
			r = copy(out, " ", 1);
		} else if (at_comment(s, '/')) {
			skip_line_comment(s);
		} else if (*s->p == '"' || *s->p == '\'') {
			r = take_quoted(s, out);
		} else {
			r = copy(out, s->p++, 1);
		}
	}
	if (s->p < s->end)
		s->p++;
	return r;
}

static int add_name(struct scanner *s, char kind, const char *name, size_t len)
{
	char text[1024];

	if (len == 0 || len + 2 > sizeof(text))
		return 0;
	text[0] = kind;
	memcpy(text + 1, name, len);
	text[1 + len] = '\0';
	return name_list_has(s->names, text) ? 0 : name_list_add(s->names, text);
}

/* A name in quotes or angle brackets at `p`. */
static int add_delimited(struct scanner *s, const char *p)
{
	p += strspn(p, " \t\f\v");
	if (*p == '"')
		return add_name(s, '"', p + 1, strcspn(p + 1, "\""));
	if (*p == '<' && strchr(p, '>'))
		return add_name(s, '<', p + 1, strcspn(p + 1, ">"));
	return 0;
}

static bool is_word(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(p, word, len) == 0;
}

/* `#define NAME VALUE`: a value that names a header may be what a computed #include reads. */
static int take_define(struct scanner *s, const char *p)
{
	size_t len = strcspn(p, " \t("), value_len;
	const char *value = p + len + strspn(p + len, " \t");

	value_len = strcspn(value, " \t\r");
	if (value_len == 0 || value_len > 200)
		return 0;
	if (is_word(p, len, "TRACE_INCLUDE_PATH"))
		snprintf(s->trace_path, sizeof(s->trace_path), "%.*s", (int)value_len, value);
	else if (is_word(p, len, "TRACE_INCLUDE_FILE") ||
		 (is_word(p, len, "TRACE_SYSTEM") && !s->trace_file[0]))
		snprintf(s->trace_file, sizeof(s->trace_file), "%.*s", (int)value_len, value);
	else if (*value == '<' || (*value == '"' && memmem(value, value_len, ".h\"", 3)))
		return add_delimited(s, value);
	return 0;
}

/* What <trace/define_trace.h> includes: "PATH/FILE.h", in trace/events unless a path is given. */
static int add_trace_names(struct scanner *s)
{
	char name[600];
	int n, r;

	if (!s->trace_file[0])
		return 0;
	n = snprintf(name, sizeof(name), "%s/%s.h",
		     s->trace_path[0] ? s->trace_path : "trace/events", s->trace_file);
	r = add_name(s, '<', name, (size_t)n);
	n = snprintf(name, sizeof(name), "%s.h", s->trace_file);
	return r < 0 ? r : add_name(s, '"', name, (size_t)n);
}

/* Every `__has_include(…)` and `__has_include_next(…)` of an #if. */
static int take_has_include(struct scanner *s, const char *p)
{
	int r = 0;

	while (r == 0 && (p = strstr(p, "__has_include"))) {
		p += strcspn(p, "(<\"");
		p += *p == '(';
		r = add_delimited(s, p);
	}
	return r;
}

static int take_directive(struct scanner *s)
{
	const char *p;
	size_t len;

	buf_clear(&s->line);
	s->p += *s->p == '#' ? 1 : 2;

	int r = take_line(s, &s->line);

	if (r < 0)
		return r == ERR_TOO_LARGE ? 0 : r;
	p = buf_str(&s->line);
	p += strspn(p, " \t\f\v");
	len = strspn(p, "abcdefghijklmnopqrstuvwxyz_");
	if (is_word(p, len, "include") || is_word(p, len, "include_next") ||
	    is_word(p, len, "import"))
		return add_delimited(s, p + len);
	if (is_word(p, len, "define"))
		return take_define(s, p + len + strspn(p + len, " \t"));
	if (is_word(p, len, "if") || is_word(p, len, "elif"))
		return take_has_include(s, p + len);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f' || c == '\v' || c == '\r';
}

static void skip_blanks(struct scanner *s)
{
	while (s->p < s->end) {
		if (is_blank(*s->p))
			s->p++;
		else if (!skip_splice(s))
			return;
	}
}

int include_scan(const char *text, size_t len, struct name_list *ret)
{
	struct scanner s = {
		.p = text, .end = text + len, .line = BUF_INIT(DIRECTIVE_MAX), .names = ret
	};
	int r = 0;

	while (r == 0 && s.p < s.end) {
		skip_blanks(&s);
		if (s.p >= s.end)
			break;
		if (at_comment(&s, '*'))
			skip_comment(&s);
		else if (at_directive(&s))
			r = take_directive(&s);
		else
			r = take_line(&s, NULL);
	}
	if (r == 0)
		r = add_trace_names(&s);
	buf_free(&s.line);
	return r;
}

bool include_leads_out(const char *tree, const char *path, const char *name)
{
	char beside[PATH_MAX];
	bool quoted = *name++ == '"';

	if (*name == '/')
		return true;
	if (!strstr(name, "../"))
		return false;
	if (quoted && snprintf(beside, sizeof(beside), "%.*s%s", (int)(path_base(path) - path),
			       path, name) < PATH_MAX) {
		if (!path_normalize(beside))
			return true;

		_cleanup_free_ char *full = path_join(tree, beside, NULL);

		if (full && file_exists(full))
			return false;
	}
	/* Searched for in folders of the tree, none of which is its top. */
	return strstr(strstr(name, "../") + 1, "../") != NULL;
}
