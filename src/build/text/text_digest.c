/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/text/text_digest.h"

#include "build/text/c_declaration.h"

#define NONE      UINT32_MAX

/* A text that is understood is never equal to one that is not. */
#define CODE_HEAD "code\n"
#define TEXT_HEAD "text\n"

/* A name that idle declarations declare: a chain of them. */
struct name {
	uint32_t first; /* index in links, or NONE */
	bool used;
};

struct link {
	uint32_t declaration;
	uint32_t next;
};

struct digest {
	struct c_tokens tokens;
	struct c_declarations declarations;
	struct word_table words; /* numbers of `names` */
	VEC(struct name) names;
	VEC(struct link) links;
	bool *stays;           /* of each declaration */
	VEC(uint32_t) waiting; /* declarations that stay, and whose words are not looked at yet */
};

static void digest_free(struct digest *d)
{
	c_tokens_free(&d->tokens);
	c_declarations_free(&d->declarations);
	word_table_free(&d->words);
	free(d->names.items);
	free(d->links.items);
	free(d->stays);
	free(d->waiting.items);
}

static int stay(struct digest *d, uint32_t declaration)
{
	if (d->stays[declaration])
		return 0;
	d->stays[declaration] = true;
	return VEC_PUSH(&d->waiting, declaration);
}

/* A word of what stays: so does whatever declares it. */
static int use_word(void *user, const char *word, size_t len)
{
	static const char builtin[] = "__builtin_";
	struct digest *d = user;
	size_t number = word_table_find(&d->words, word, len);
	int r = 0;

	if (len > strlen(builtin) && memcmp(word, builtin, strlen(builtin)) == 0)
		return use_word(user, word + strlen(builtin), len - strlen(builtin));
	if (number == SIZE_MAX || d->names.items[number].used)
		return 0;
	d->names.items[number].used = true;
	for (uint32_t i = d->names.items[number].first; r == 0 && i != NONE;
	     i = d->links.items[i].next)
		r = stay(d, d->links.items[i].declaration);
	return r;
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (uint8_t)c >= 128;
}

static int use_words_of_line(struct digest *d, const char *p, size_t len)
{
	const char *end = p + len;
	int r = 0;

	while (r == 0 && p < end) {
		const char *start = p;

		while (p < end && is_word_byte(*p))
			p++;
		if (p > start)
			r = use_word(d, start, (size_t)(p - start));
		else
			p++;
	}
	return r;
}

static int use_declaration(struct digest *d, const struct c_declaration *declaration)
{
	int r = 0;

	for (size_t i = declaration->start; r == 0 && i < declaration->end; i++) {
		const struct c_token *t = &d->tokens.list.items[i];
		const char *text = d->tokens.text + t->at;

		if (t->kind == C_WORD)
			r = use_word(d, text, t->len);
		else if (t->kind == C_STRING)
			i = c_string_words(&d->tokens, i, use_word, d, &r) - 1;
		else if (t->kind == C_PRAGMA)
			r = use_words_of_line(d, text, t->len);
	}
	return r;
}

static int add_name(struct digest *d, const struct c_declared *declared)
{
	const struct c_token *t = &d->tokens.list.items[declared->token];
	size_t number;
	int r = word_table_add(&d->words, d->tokens.text + t->at, t->len, &number);

	if (r == 0 && number == d->names.count)
		r = VEC_PUSH(&d->names, ((struct name){ .first = NONE }));
	if (r == 0)
		r = VEC_PUSH(&d->links, ((struct link){ declared->declaration,
							d->names.items[number].first }));
	if (r == 0)
		d->names.items[number].first = (uint32_t)d->links.count - 1;
	return r;
}

/* Which declarations stay: all that are not idle, and what they refer to, and so on. */
static int find_what_stays(struct digest *d)
{
	size_t n = d->declarations.list.count;
	int r = 0;

	d->stays = calloc(n + 1, sizeof(*d->stays));
	if (!d->stays)
		return ERR_NO_MEMORY;
	for (size_t i = 0; r == 0 && i < d->declarations.names.count; i++)
		r = add_name(d, &d->declarations.names.items[i]);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (!d->declarations.list.items[i].idle)
			r = stay(d, i);
	while (r == 0 && d->waiting.count > 0) {
		uint32_t i = d->waiting.items[--d->waiting.count];

		r = use_declaration(d, &d->declarations.list.items[i]);
	}
	return r;
}

/* The tokens that stay, a line each. */
static int print(const struct digest *d, struct buf *out)
{
	int r = buf_append_str(out, CODE_HEAD);

	for (size_t i = 0; r == 0 && i < d->declarations.list.count; i++) {
		const struct c_declaration *declaration = &d->declarations.list.items[i];

		for (size_t k = declaration->start; r == 0 && d->stays[i] && k < declaration->end;
		     k++) {
			const struct c_token *t = &d->tokens.list.items[k];

			r = buf_append(out, d->tokens.text + t->at, c_token_len(t));
			if (r == 0)
				r = buf_append_byte(out, '\n');
		}
	}
	return r;
}

int text_digest_plain(const char *text, size_t len, char ret[static SHA256_HEX_LEN + 1])
{
	_cleanup_buf_ struct buf all = BUF_INIT(SIZE_MAX / 2);
	int r = buf_append_str(&all, TEXT_HEAD);

	if (r == 0)
		r = buf_append(&all, text, len);
	return r < 0 ? r : hash_sha256_hex(all.data, all.len, ret);
}

int text_digest_code(const char *text, size_t len, char ret[static SHA256_HEX_LEN + 1])
{
	_cleanup_(digest_free) struct digest d = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT(2 * C_TEXT_MAX + 64);
	int r = c_tokens_read(text, len, &d.tokens);

	if (r == 0)
		r = c_declarations_read(&d.tokens, &d.declarations);
	if (r == 0)
		r = find_what_stays(&d);
	if (r == 0)
		r = print(&d, &out);
	if (r == ERR_INVALID || r == ERR_TOO_LARGE)
		return text_digest_plain(text, len, ret);
	return r < 0 ? r : hash_sha256_hex(out.data, out.len, ret);
}
