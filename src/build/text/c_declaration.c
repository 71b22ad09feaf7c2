/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/text/c_declaration.h"

#define NONE UINT32_MAX

/* Attributes that do nothing for a function or object that nothing refers to. Others may: alias,
 * constructor, ifunc, section, used, weak, … */
static const char *const idle_attributes[] = {
	"access",
	"aligned",
	"alloc_size",
	"always_inline",
	"assume_aligned",
	"cold",
	"const",
	"deprecated",
	"error",
	"format",
	"format_arg",
	"gnu_inline",
	"hot",
	"leaf",
	"malloc",
	"nocf_check",
	"no_instrument_function",
	"no_profile_instrument_function",
	"no_sanitize_address",
	"noclone",
	"noinline",
	"nonnull",
	"noreturn",
	"nothrow",
	"pure",
	"returns_nonnull",
	"unused",
	"warn_unused_result",
	"warning",
};

/* Those within a body, of local variables, types and statements. A function that is declared there
 * is the same one outside. */
static const char *const body_attributes[] = {
	"aligned", "cleanup",   "designated_init", "fallthrough",   "may_alias",
	"mode",    "nonstring", "packed",          "uninitialized", "unused",
};

/* Words that end the understanding of a declaration. */
static const char *const strange_words[] = {
	"typedef",   "auto",         "register",      "asm",           "__asm",
	"__asm__",   "__thread",     "_Thread_local", "__auto_type",   "_Static_assert",
	"_Alignas",  "typeof",       "__typeof",      "__typeof__",    "_Pragma",
	"constexpr", "thread_local", "static_assert", "typeof_unqual", "alignas",
};

/* Words that are part of a type and no name. */
static const char *const type_words[] = {
	"void",     "char",       "short",       "int",          "long",          "float",
	"double",   "signed",     "unsigned",    "_Bool",        "bool",          "_Complex",
	"const",    "volatile",   "restrict",    "_Atomic",      "__const",       "__const__",
	"__signed", "__signed__", "__volatile",  "__volatile__", "__restrict",    "__restrict__",
	"__int128", "__int128_t", "__uint128_t", "_Noreturn",    "__extension__",
};

/* Words at the beginning of a statement that declares no function, or says `extern`. */
static const char *const statement_words[] = {
	"extern", "return", "else", "do", "case", "goto", "asm", "__asm", "__asm__",
};

struct parser {
	const struct c_tokens *tokens;
	struct c_declarations *out;
	struct word_table tags; /* of structures that are known at the top level */
};

void c_declarations_free(struct c_declarations *d)
{
	free(d->list.items);
	free(d->names.items);
	*d = (struct c_declarations){ 0 };
}

static const struct c_token *token(const struct parser *p, uint32_t i)
{
	return &p->tokens->list.items[i];
}

static bool is(const struct parser *p, uint32_t i, const char *text)
{
	return c_token_is(p->tokens, i, text);
}

static bool is_kind(const struct parser *p, uint32_t i, enum c_kind kind)
{
	return i < p->tokens->list.count && token(p, i)->kind == kind;
}

static bool is_one_of(const char *text, size_t len, const char *const *words, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (words[k][0] == text[0] && strlen(words[k]) == len &&
		    memcmp(words[k], text, len) == 0)
			return true;
	return false;
}

static bool is_any(const struct parser *p, uint32_t i, const char *const *words, size_t n)
{
	return is_kind(p, i, C_WORD) &&
	       is_one_of(p->tokens->text + token(p, i)->at, token(p, i)->len, words, n);
}

static bool is_open(const struct parser *p, uint32_t i, char bracket)
{
	return is_kind(p, i, C_OPEN) && p->tokens->text[token(p, i)->at] == bracket;
}

/* The partner of a bracket. */
static uint32_t partner(const struct parser *p, uint32_t i)
{
	return token(p, i)->len;
}

static bool is_inline(const struct parser *p, uint32_t i)
{
	return is(p, i, "inline") || is(p, i, "__inline") || is(p, i, "__inline__");
}

static bool is_aggregate(const struct parser *p, uint32_t i)
{
	return is(p, i, "struct") || is(p, i, "union") || is(p, i, "enum");
}

static bool is_attribute(const struct parser *p, uint32_t i)
{
	return (is(p, i, "__attribute__") || is(p, i, "__attribute")) && is_open(p, i + 1, '(');
}

/* Is the attribute's name, which may have underscores around it, one of these? */
static bool is_known(const struct parser *p, uint32_t i, const char *const *names, size_t n)
{
	const char *text = p->tokens->text + token(p, i)->at;
	size_t len = token(p, i)->len;

	if (len > 4 && memcmp(text, "__", 2) == 0 && memcmp(text + len - 2, "__", 2) == 0) {
		text += 2;
		len -= 4;
	}
	return is_one_of(text, len, names, n);
}

/* Reads `__attribute__((NAME, NAME(…)))` at *i, which is set to its last token. False if one of
 * its names is none of these. */
static bool read_attribute(const struct parser *p, uint32_t *i, const char *const *names, size_t n)
{
	uint32_t outer = *i + 1, last = partner(p, outer), stop;

	*i = last;
	if (!is_open(p, outer + 1, '(') || partner(p, outer + 1) + 1 != last)
		return false;
	stop = last - 1;
	for (uint32_t k = outer + 2; k < stop; k++) {
		if (!is_kind(p, k, C_WORD) || !is_known(p, k, names, n))
			return false;
		if (is_open(p, k + 1, '('))
			k = partner(p, k + 1);
		if (k + 1 < stop && !is(p, ++k, ","))
			return false;
	}
	return true;
}

static bool read_idle_attribute(const struct parser *p, uint32_t *i)
{
	return read_attribute(p, i, idle_attributes, ARRAY_SIZE(idle_attributes));
}

static bool begins_with(const char *text, size_t len, const char *const *words, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (words[k][0] == text[0] && len >= strlen(words[k]) &&
		    memcmp(text, words[k], strlen(words[k])) == 0)
			return true;
	return false;
}

/* Is it a function that the compiler calls by itself, or one that it may put in the place of
 * another? Whoever declares such a one tells the compiler something. */
static bool is_compilers_own(const char *name, size_t len)
{
	static const char *const prefixes[] = {
		"__builtin",   "__asan",      "__hwasan", "__tsan", "__ubsan", "__msan", "__kcsan",
		"__sanitizer", "__stack_chk", "__fentry", "mcount", "_mcount", "__x86_", "__gcov",
		"__gcc",       "__cyg_",      "__emutls", "__tls_", "_Unwind", "main"
	};
	static const char *const families[] = {
		"mem",    "str",    "stp",     "bc",      "bzero",    "put",     "fput",
		"fwrite", "printf", "fprintf", "sprintf", "snprintf", "vprintf", "vsprintf",
		"malloc", "calloc", "realloc", "free",    "abort",    "exit",    "ffs",
		"abs",    "labs",   "index",   "rindex",  "is",       "to"
	};
	bool plain = true;

	for (size_t k = 0; k < len; k++)
		plain &= (name[k] >= 'a' && name[k] <= 'z') || (name[k] >= '0' && name[k] <= '9');
	if (begins_with(name, len, prefixes, ARRAY_SIZE(prefixes)) ||
	    (plain && begins_with(name, len, families, ARRAY_SIZE(families))))
		return true;
	/* Helpers of its library for integers: __udivdi3, __popcountdi2, … */
	return len > 5 && memcmp(name, "__", 2) == 0 && name[len - 1] >= '2' &&
	       name[len - 1] <= '4' && strchr("ifc", name[len - 2]) && name[len - 2];
}

/* What is read of a declaration so far. */
struct shape {
	bool is_static, is_inline, is_extern;
	uint32_t name;  /* NONE */
	uint32_t words; /* of its type and name */
	uint32_t body;  /* '{', or NONE */
};

/* A name that may be declared so, with what else is needed for an idle declaration. */
static bool is_fit(const struct parser *p, const struct shape *s)
{
	return s->name != NONE && s->words >= 2 &&
	       !is_any(p, s->name, type_words, ARRAY_SIZE(type_words)) &&
	       !is_compilers_own(p->tokens->text + token(p, s->name)->at, token(p, s->name)->len);
}

/* `struct TAG` at *i, of a structure that is known already: a declaration would make it known. */
static bool read_tag(const struct parser *p, uint32_t *i)
{
	uint32_t tag = *i + 1;

	if (!is_kind(p, tag, C_WORD) || is_attribute(p, tag) ||
	    word_table_find(&p->tags, p->tokens->text + token(p, tag)->at, token(p, tag)->len) ==
		    SIZE_MAX)
		return false;
	*i = tag;
	return true;
}

/* The parameters, from '(' on: no bodies, and only attributes that do nothing. */
static bool read_parameters(const struct parser *p, uint32_t i)
{
	uint32_t last = partner(p, i);

	for (i++; i < last; i++) {
		if (is_open(p, i, '{') || is_kind(p, i, C_PRAGMA) || is_kind(p, i, C_STRING) ||
		    is_any(p, i, strange_words, ARRAY_SIZE(strange_words)))
			return false;
		if (is_attribute(p, i) && !read_idle_attribute(p, &i))
			return false;
	}
	return true;
}

/* What follows the name and parameters of a function, from `i` on. */
static bool read_function_end(const struct parser *p, uint32_t i, uint32_t end, struct shape *s)
{
	for (; i < end; i++) {
		if (is(p, i, ";"))
			return i + 1 == end && (s->is_static || !s->is_inline);
		if (is_open(p, i, '{')) {
			s->body = i;
			return s->is_static && s->is_inline && !s->is_extern &&
			       partner(p, i) + 1 == end;
		}
		if (!is_attribute(p, i) || !read_idle_attribute(p, &i))
			return false;
	}
	return false;
}

/* What follows the name of an object, from `i` on. */
static bool read_object_end(const struct parser *p, uint32_t i, uint32_t end, const struct shape *s)
{
	for (; i < end; i++) {
		if (is(p, i, ";"))
			return i + 1 == end && s->is_extern && !s->is_static && !s->is_inline;
		if (is_open(p, i, '[') && !is_open(p, i + 1, '[') && read_parameters(p, i))
			i = partner(p, i);
		else if (!is_attribute(p, i) || !read_idle_attribute(p, &i))
			return false;
	}
	return false;
}

static void read_word(const struct parser *p, uint32_t i, struct shape *s)
{
	if (is(p, i, "static")) {
		s->is_static = true;
	} else if (is(p, i, "extern")) {
		s->is_extern = true;
	} else if (is_inline(p, i)) {
		s->is_inline = true;
	} else {
		s->name = i;
		s->words++;
	}
}

/* Is all from `i` to `end` a prototype, an `extern` object or a `static inline` function? */
static bool read_shape(const struct parser *p, uint32_t i, uint32_t end, struct shape *s)
{
	*s = (struct shape){ .name = NONE, .body = NONE };
	for (; i < end; i++) {
		bool after_name = s->name != NONE && s->name + 1 == i;

		if (is_attribute(p, i)) {
			/* Of an object, if it stands behind the name. */
			if (!read_idle_attribute(p, &i))
				return false;
		} else if (is_aggregate(p, i)) {
			if (!read_tag(p, &i))
				return false;
			s->words++;
			s->name = NONE;
		} else if (is_kind(p, i, C_WORD)) {
			if (is_any(p, i, strange_words, ARRAY_SIZE(strange_words)))
				return false;
			read_word(p, i, s);
		} else if (is(p, i, "*")) {
			s->name = NONE;
		} else if (is_open(p, i, '(')) {
			return after_name && is_fit(p, s) && read_parameters(p, i) &&
			       read_function_end(p, partner(p, i) + 1, end, s);
		} else {
			return is_fit(p, s) && (after_name || is(p, i, ";")) &&
			       read_object_end(p, i, end, s);
		}
	}
	return false;
}

static int add_name(struct parser *p, uint32_t name)
{
	return VEC_PUSH(&p->out->names,
			((struct c_declared){ name, (uint32_t)p->out->list.count }));
}

/* An `extern` declaration within a body, from `i` on; *ret_end is behind it. */
static int read_inner(struct parser *p, uint32_t i, uint32_t limit, uint32_t *ret_end, bool *idle)
{
	struct shape s;
	uint32_t end = i;

	while (end < limit && !is(p, end, ";"))
		end = is_kind(p, end, C_OPEN) ? partner(p, end) + 1 : end + 1;
	*ret_end = ++end;
	*idle = end <= limit && read_shape(p, i, end, &s) && s.is_extern && s.body == NONE;
	return *idle ? add_name(p, s.name) : 0;
}

/* Does a statement at `i` declare a function without saying `extern`: words and stars, then '('? */
static bool declares_function(const struct parser *p, uint32_t i, uint32_t limit)
{
	uint32_t first = i;

	if (is_any(p, i, statement_words, ARRAY_SIZE(statement_words)))
		return false;
	while (i < limit && (is_kind(p, i, C_WORD) || is(p, i, "*")))
		i++;
	return i >= first + 2 && i < limit && is_open(p, i, '(') && is_kind(p, i - 1, C_WORD) &&
	       !is(p, i - 1, "__typeof__") && !is(p, i - 1, "typeof") && !is_attribute(p, i - 1);
}

static bool is_strange_in_body(const struct parser *p, uint32_t i)
{
	return is_kind(p, i, C_PRAGMA) || is_inline(p, i) || is(p, i, "_Pragma") ||
	       is(p, i, "_Noreturn") || (is_open(p, i, '[') && is_open(p, i + 1, '['));
}

static bool ends_statement(const struct parser *p, uint32_t i)
{
	return is(p, i, ";") || is(p, i, "{") || is(p, i, "}");
}

/* Does the body at `i` do nothing unless its function is called? */
static int read_body(struct parser *p, uint32_t i, bool *idle)
{
	uint32_t last = partner(p, i);
	int r = 0;

	*idle = true;
	for (; r == 0 && *idle && i < last; i++) {
		bool attribute = is_attribute(p, i);
		uint32_t next = attribute ? partner(p, i + 1) + 1 : i;

		if (is(p, next, "extern")) {
			r = read_inner(p, i, last, &next, idle);
			i = next - 1;
		} else if (attribute) {
			*idle = read_attribute(p, &i, body_attributes, ARRAY_SIZE(body_attributes));
		} else {
			*idle = !is_strange_in_body(p, i);
		}
		if (*idle && ends_statement(p, i))
			*idle = !declares_function(p, i + 1, last);
	}
	return r;
}

/* `struct TAG;` */
static bool is_forward(const struct parser *p, uint32_t i, uint32_t end)
{
	return end - i == 3 && (is(p, i, "struct") || is(p, i, "union")) &&
	       is_kind(p, i + 1, C_WORD) && is(p, i + 2, ";");
}

/* The structures that a declaration makes known at the top level. */
static int add_tags(struct parser *p, uint32_t i, uint32_t end)
{
	int r = 0;

	for (; r == 0 && i + 1 < end; i++) {
		const struct c_token *tag = token(p, i + 1);
		size_t number;

		if (is_kind(p, i, C_OPEN))
			i = partner(p, i);
		else if (is_aggregate(p, i) && tag->kind == C_WORD)
			r = word_table_add(&p->tags, p->tokens->text + tag->at, tag->len, &number);
	}
	return r;
}

static int add_declaration(struct parser *p, uint32_t start, uint32_t end)
{
	struct c_declaration d = { .start = start, .end = end };
	size_t names = p->out->names.count;
	struct shape s;
	int r = 0;

	if (is_forward(p, start, end)) {
		d.idle = true;
		r = add_name(p, start + 1);
	} else if (read_shape(p, start, end, &s)) {
		d.idle = true;
		r = add_name(p, s.name);
		if (r == 0 && s.body != NONE)
			r = read_body(p, s.body, &d.idle);
	}
	if (!d.idle)
		p->out->names.count = names;
	if (r == 0 && (!d.idle || is_forward(p, start, end)))
		r = add_tags(p, start, end);
	return r < 0 ? r : VEC_PUSH(&p->out->list, d);
}

/* How far a structure is read when its '{' may come: "struct __attribute__((packed)) TAG". */
enum aggregate {
	AGGREGATE_NONE,
	AGGREGATE_BEGINS,
	AGGREGATE_NAMED,
};

static enum aggregate follow(const struct parser *p, uint32_t i, enum aggregate before)
{
	if (is_aggregate(p, i))
		return AGGREGATE_BEGINS;
	return before == AGGREGATE_BEGINS && is_kind(p, i, C_WORD) ? AGGREGATE_NAMED
								   : AGGREGATE_NONE;
}

/* Where the declaration at `i` ends: behind its ';' or its body; NONE if that cannot be told. */
static uint32_t find_end(const struct parser *p, uint32_t i)
{
	enum aggregate aggregate = AGGREGATE_NONE;
	uint32_t start = i;
	bool value = false;

	if (is_kind(p, i, C_PRAGMA))
		return i + 1;
	if (is_open(p, i, '{'))
		return NONE;
	for (; i < p->tokens->list.count; i++) {
		if (is(p, i, ";"))
			return i + 1;
		if (is_attribute(p, i)) {
			i = partner(p, i + 1);
		} else if (is_kind(p, i, C_OPEN)) {
			bool body = is_open(p, i, '{') && aggregate == AGGREGATE_NONE && !value &&
				    i > start && is(p, i - 1, ")");

			i = partner(p, i);
			if (body)
				return i + 1;
			aggregate = AGGREGATE_NONE;
		} else {
			value |= is(p, i, "=");
			aggregate = follow(p, i, aggregate);
		}
	}
	return NONE;
}

int c_declarations_read(const struct c_tokens *tokens, struct c_declarations *ret)
{
	_cleanup_c_declarations_ struct c_declarations out = { 0 };
	struct parser p = { .tokens = tokens, .out = &out };
	int r = 0;

	for (uint32_t i = 0, end; r == 0 && i < tokens->list.count; i = end) {
		end = find_end(&p, i);
		r = end == NONE ? ERR_INVALID : add_declaration(&p, i, end);
	}
	word_table_free(&p.tags);
	if (r < 0)
		return r;
	*ret = out;
	out = (struct c_declarations){ 0 };
	return 0;
}
