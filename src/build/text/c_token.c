/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/text/c_token.h"

enum class {
	BAD,
	BLANK,
	LETTER, /* '$' and what is not ASCII too, as the compiler has them */
	DIGIT,
	QUOTE,
	OPEN,
	CLOSE,
	SIGN,
	HASH,
};

/* clang-format off */
static const uint8_t classes[256] = {
	[' '] = BLANK, ['\t'] = BLANK, ['\n'] = BLANK, ['\v'] = BLANK, ['\f'] = BLANK,
	['a' ... 'z'] = LETTER, ['A' ... 'Z'] = LETTER, ['_'] = LETTER, ['$'] = LETTER,
	[128 ... 255] = LETTER,
	['0' ... '9'] = DIGIT,
	['"'] = QUOTE, ['\''] = QUOTE,
	['('] = OPEN, ['['] = OPEN, ['{'] = OPEN,
	[')'] = CLOSE, [']'] = CLOSE, ['}'] = CLOSE,
	['!'] = SIGN, ['%'] = SIGN, ['&'] = SIGN, ['*'] = SIGN, ['+'] = SIGN, [','] = SIGN,
	['-'] = SIGN, ['.'] = SIGN, ['/'] = SIGN, [':'] = SIGN, [';'] = SIGN, ['<'] = SIGN,
	['='] = SIGN, ['>'] = SIGN, ['?'] = SIGN, ['^'] = SIGN, ['|'] = SIGN, ['~'] = SIGN,
	['#'] = HASH,
};
/* clang-format on */

static enum class class_of(char c) { return classes[(uint8_t)c]; }

static bool is_word_byte(char c)
{
	return class_of(c) == LETTER || class_of(c) == DIGIT;
}

struct reader {
	struct c_tokens *out;
	const char *p, *end;
	bool line_start;
	size_t depth;
	uint32_t open[C_DEPTH_MAX]; /* numbers of the brackets that are open */
};

void c_tokens_free(struct c_tokens *tokens)
{
	free(tokens->list.items);
	*tokens = (struct c_tokens){ 0 };
}

/* Appends the token from r->p up to `stop`. */
static int take(struct reader *r, enum c_kind kind, const char *stop)
{
	struct c_token t = { .at = (uint32_t)(r->p - r->out->text),
			     .len = (uint32_t)(stop - r->p),
			     .kind = kind };

	r->p = stop;
	return VEC_PUSH(&r->out->list, t);
}

/* A string or character constant whose quote is at `quote`; r->p is before its prefix. */
static int take_quoted(struct reader *r, const char *quote)
{
	const char *p = quote + 1;

	while (p < r->end && *p != *quote && *p != '\n') {
		bool escape = *p == '\\' && r->end - p >= 2 && p[1] != '\n';

		/* A character by its Unicode number may be part of a name. */
		if (escape && (p[1] == 'u' || p[1] == 'U'))
			return ERR_INVALID;
		p += escape ? 2 : 1;
	}
	if (p >= r->end || *p != *quote)
		return ERR_INVALID;
	return take(r, *quote == '"' ? C_STRING : C_CHARACTER, p + 1);
}

static bool is_one_of(const char *p, size_t len, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words[i][0] == *p && strlen(words[i]) == len && memcmp(p, words[i], len) == 0)
			return true;
	return false;
}

static int take_word(struct reader *r)
{
	static const char *const prefixes[] = { "L", "u", "U", "u8" };
	static const char *const raw[] = { "R", "LR", "uR", "UR", "u8R" };
	const char *p = r->p;
	size_t len;

	while (p < r->end && is_word_byte(*p))
		p++;
	len = (size_t)(p - r->p);
	if (p < r->end && class_of(*p) == QUOTE && len <= 3) {
		if (is_one_of(r->p, len, raw, ARRAY_SIZE(raw)))
			return ERR_INVALID;
		if (is_one_of(r->p, len, prefixes, ARRAY_SIZE(prefixes)))
			return take_quoted(r, p);
	}
	return take(r, C_WORD, p);
}

/* A preprocessing number (C17 6.4.8). Behind one, an apostrophe may separate digits (C23). */
static int take_number(struct reader *r)
{
	const char *p = r->p;

	while (p < r->end) {
		bool exponent = *p == 'e' || *p == 'E' || *p == 'p' || *p == 'P';

		if (exponent && r->end - p >= 2 && (p[1] == '+' || p[1] == '-'))
			p += 2;
		else if (is_word_byte(*p) || *p == '.')
			p++;
		else
			break;
	}
	return p < r->end && *p == '\'' ? ERR_INVALID : take(r, C_NUMBER, p);
}

static int take_pragma(struct reader *r)
{
	static const char pragma[] = "#pragma";
	const char *stop = memchr(r->p, '\n', (size_t)(r->end - r->p));
	size_t n = strlen(pragma);

	stop = stop ? stop : r->end;
	if (!r->line_start || (size_t)(stop - r->p) <= n || memcmp(r->p, pragma, n) != 0 ||
	    class_of(r->p[n]) != BLANK || stop[-1] == '\\' ||
	    memchr(r->p, '\0', (size_t)(stop - r->p)))
		return ERR_INVALID;
	return take(r, C_PRAGMA, stop);
}

/* The longest punctuator (C17 6.4.6); digraphs and what would be a comment are not understood. */
static int take_sign(struct reader *r)
{
	static const char *const three[] = { "...", "<<=", ">>=" };
	static const char *const two[] = {
		"->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||",
		"*=", "/=", "%=", "+=", "-=", "&=", "^=", "|=", "::", ".."
	};
	static const char *const bad[] = { "<%", "<:", "%>", ":>", "%:", "//", "/*" };
	size_t left = (size_t)(r->end - r->p);

	if (left < 2 || class_of(r->p[1]) != SIGN)
		return take(r, C_PUNCTUATOR, r->p + 1);
	if (left >= 3 && is_one_of(r->p, 3, three, ARRAY_SIZE(three)))
		return take(r, C_PUNCTUATOR, r->p + 3);
	if (is_one_of(r->p, 2, bad, ARRAY_SIZE(bad)))
		return ERR_INVALID;
	return take(r, C_PUNCTUATOR, r->p + (is_one_of(r->p, 2, two, ARRAY_SIZE(two)) ? 2 : 1));
}

static int take_open(struct reader *r)
{
	if (r->depth == C_DEPTH_MAX)
		return ERR_TOO_LARGE;
	r->open[r->depth++] = (uint32_t)r->out->list.count;
	return take(r, C_OPEN, r->p + 1);
}

static int take_close(struct reader *r)
{
	struct c_tokens *out = r->out;
	uint32_t open, here = (uint32_t)out->list.count;
	const char *pair;
	int e;

	if (r->depth == 0)
		return ERR_INVALID;
	open = r->open[--r->depth];
	pair = strchr("()[]{}", out->text[out->list.items[open].at]);
	if (!pair || pair[1] != *r->p)
		return ERR_INVALID;
	e = take(r, C_CLOSE, r->p + 1);
	if (e < 0)
		return e;
	out->list.items[here].len = open;
	out->list.items[open].len = here;
	return 0;
}

static int take_token(struct reader *r)
{
	switch (class_of(*r->p)) {
	case LETTER: return take_word(r);
	case DIGIT: return take_number(r);
	case QUOTE: return take_quoted(r, r->p);
	case OPEN: return take_open(r);
	case CLOSE: return take_close(r);
	case SIGN:
		return *r->p == '.' && r->end - r->p >= 2 && class_of(r->p[1]) == DIGIT
			       ? take_number(r)
			       : take_sign(r);
	case HASH: return take_pragma(r);
	default: return ERR_INVALID;
	}
}

int c_tokens_read(const char *text, size_t len, struct c_tokens *ret)
{
	_cleanup_c_tokens_ struct c_tokens out = { .text = text };
	struct reader r = { .out = &out, .p = text, .end = text + len, .line_start = true };
	int e = len > C_TEXT_MAX ? ERR_TOO_LARGE : 0;

	while (e == 0 && r.p < r.end) {
		if (class_of(*r.p) == BLANK) {
			r.line_start |= *r.p++ == '\n';
			continue;
		}
		e = take_token(&r);
		r.line_start = false;
	}
	if (e == 0 && r.depth > 0)
		e = ERR_INVALID;
	if (e < 0)
		return e;
	*ret = out;
	out = (struct c_tokens){ 0 };
	return 0;
}

/* A word of a string as far as it is read. */
struct word {
	char text[256];
	size_t len; /* more than fits: the word is too long */
};

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

static const char *read_digits(const char *p, const char *end, unsigned base, size_t max,
			       unsigned *ret)
{
	for (*ret = 0; p < end && max > 0 && digit_of(*p) < base; p++, max--)
		*ret = *ret * base + digit_of(*p);
	return p;
}

/* The byte of a string at `p`, which is before `end`; of an escape sequence (C17 6.4.4.4) its
 * value, or a blank for those that stand for no part of a word. */
static const char *read_byte(const char *p, const char *end, char *ret)
{
	unsigned value;

	*ret = *p++;
	if (*ret != '\\' || p == end)
		return p;
	*ret = ' ';
	if (digit_of(*p) < 8)
		p = read_digits(p, end, 8, 3, &value);
	else if (*p == 'x')
		p = read_digits(p + 1, end, 16, SIZE_MAX, &value);
	else
		return p + 1;
	*ret = (char)(value & 0xff);
	return p;
}

static int end_word(struct word *w, int (*take_it)(void *user, const char *word, size_t len),
		    void *user)
{
	int r = w->len > 0 && w->len < sizeof(w->text) ? take_it(user, w->text, w->len) : 0;

	w->len = 0;
	return r;
}

size_t c_string_words(const struct c_tokens *tokens, size_t i,
		      int (*take_it)(void *user, const char *word, size_t len), void *user,
		      int *ret)
{
	struct word w = { .len = 0 };
	int r = 0;

	for (; i < tokens->list.count && tokens->list.items[i].kind == C_STRING; i++) {
		const struct c_token *t = &tokens->list.items[i];
		const char *end = tokens->text + t->at + t->len - 1;
		const char *p = memchr(tokens->text + t->at, '"', t->len);
		char c;

		for (p++; r == 0 && p < end;) {
			p = read_byte(p, end, &c);
			if (!is_word_byte(c))
				r = end_word(&w, take_it, user);
			else if (w.len < sizeof(w.text))
				w.text[w.len++] = c;
		}
	}
	if (r == 0)
		r = end_word(&w, take_it, user);
	*ret = r;
	return i;
}
