/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tokens of preprocessed C (C17 6.4, with the compiler's extensions that the kernel uses): what
 * `gcc -E -P` prints.
 */
#pragma once

#include "base/vec.h"

/* Longest text that is read, in bytes; a token takes 12 bytes of memory. */
#define C_TEXT_MAX  ((size_t)16 * 1024 * 1024)
/* Deepest nesting of brackets. */
#define C_DEPTH_MAX 1024

enum c_kind {
	C_WORD, /* identifier or keyword */
	C_NUMBER,
	C_STRING, /* with its prefix and quotes */
	C_CHARACTER,
	C_PUNCTUATOR,
	C_OPEN,   /* '(', '[' or '{' */
	C_CLOSE,  /* ')', ']' or '}' */
	C_PRAGMA, /* a whole line */
};

struct c_token {
	uint32_t at;  /* offset in the text */
	uint32_t len; /* in bytes; of brackets: the number of the other token of the pair */
	enum c_kind kind;
};

struct c_tokens {
	const char *text; /* not owned */
	VEC(struct c_token) list;
};

void c_tokens_free(struct c_tokens *tokens);
#define _cleanup_c_tokens_ _cleanup_(c_tokens_free)

/*
 * Cuts a text into tokens, in one pass. ERR_INVALID: it is no such text, or has something that is
 * not understood (comments, digraphs, raw strings, directives besides #pragma, a bracket without
 * its partner); ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
int c_tokens_read(const char *text, size_t len, struct c_tokens *ret);

static inline uint32_t c_token_len(const struct c_token *t)
{
	return t->kind == C_OPEN || t->kind == C_CLOSE ? 1 : t->len;
}

/* Is token `i` that word, bracket or punctuator? False behind the last token. */
static inline bool c_token_is(const struct c_tokens *tokens, size_t i, const char *text)
{
	const struct c_token *t = tokens->list.items + i;
	size_t len = strlen(text);

	return i < tokens->list.count && c_token_len(t) == len && t->kind != C_STRING &&
	       memcmp(tokens->text + t->at, text, len) == 0;
}

/*
 * The words in the string literals from token `i` on that stand next to each other and so are one
 * string, escapes decoded: calls `take` for each of at most 255 bytes. Returns the number of the
 * first token behind them. The first result of `take` that is not 0 ends it and comes in *ret.
 */
size_t c_string_words(const struct c_tokens *tokens, size_t i,
		      int (*take)(void *user, const char *word, size_t len), void *user, int *ret);
