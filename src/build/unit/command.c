/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/command.h"

#include "base/buf.h"

#define ARGUMENT_MAX 65536

/* Takes one character as it stands in the line; make's "$$" and "$(pound)" are undone. */
static int take_char(const char **p, struct buf *word)
{
	if (str_has_prefix(*p, "$$")) {
		*p += 2;
		return buf_append_byte(word, '$');
	}
	if (str_has_prefix(*p, "$(pound)")) {
		*p += strlen("$(pound)");
		return buf_append_byte(word, '#');
	}
	if (**p == '$')
		return ERR_INVALID;
	return buf_append_byte(word, (uint8_t) * (*p)++);
}

static int take_quoted(const char **p, struct buf *word)
{
	char quote = *(*p)++;
	int r = 0;

	while (r == 0 && **p && **p != quote && **p != '\n') {
		if (quote == '"' && **p == '\\' && (*p)[1] && strchr("\"\\$`", (*p)[1]))
			(*p)++;
		r = take_char(p, word);
	}
	if (r == 0 && **p != quote)
		return ERR_INVALID;
	(*p)++;
	return r;
}

/* One argument; *p stands at its first character. */
static int take_word(const char **p, struct buf *word)
{
	int r = 0;

	while (r == 0 && **p && !strchr(" \t\n;", **p)) {
		if (**p == '\'' || **p == '"') {
			r = take_quoted(p, word);
		} else if (strchr("|&<>`*?(){}[]!", **p)) {
			return ERR_INVALID;
		} else {
			if (**p == '\\' && (*p)[1] && (*p)[1] != '\n')
				(*p)++;
			r = take_char(p, word);
		}
	}
	return r;
}

int command_parse(const char *text, struct name_list *ret, struct error *err)
{
	_cleanup_name_list_ struct name_list words = { 0 };
	const char *p = strstr(text, " := ");
	int r = 0;

	if (!p || (!str_has_prefix(text, "cmd_") && !str_has_prefix(text, "savedcmd_")) ||
	    memchr(text, '\n', (size_t)(p - text)))
		return error_set(err, ERR_INVALID, "kbuild left no compile command");
	p += strlen(" := ");
	for (;;) {
		_cleanup_buf_ struct buf word = BUF_INIT(ARGUMENT_MAX);

		p += strspn(p, " \t");
		if (*p == '\0' || *p == '\n' || *p == ';')
			break;
		r = take_word(&p, &word);
		if (r == 0)
			r = name_list_add(&words, buf_str(&word));
		if (r < 0)
			return error_set(err, r, "kbuild's compile command is not understood");
	}
	if (words.n == 0)
		return error_set(err, ERR_INVALID, "kbuild's compile command is empty");
	*ret = words;
	words = (struct name_list){ 0 };
	return 0;
}
