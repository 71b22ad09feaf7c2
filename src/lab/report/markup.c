// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/report/markup.h"

#include <stdio.h>

#include "lab/report/report.h"

#define PRINTED_MAX 8192

static int append_escaped(struct buf *out, const char *clean)
{
	static const char *const entities[256] = {
		['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
	};
	int r = 0;

	for (const unsigned char *p = (const unsigned char *)clean; *p && r == 0; p++)
		r = entities[*p] ? buf_append_str(out, entities[*p]) : buf_append_byte(out, *p);
	return r;
}

int markup_text(struct buf *out, const char *text)
{
	_cleanup_free_ char *clean = strdup(text);

	if (!clean)
		return ERR_NO_MEMORY;
	report_clean_text(clean);
	return append_escaped(out, clean);
}

int markup_printf(struct buf *out, const char *format, ...)
{
	char text[PRINTED_MAX];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0)
		return -errno;
	report_clean_text(text);
	return append_escaped(out, text);
}

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~/", c));
}

int markup_path(struct buf *out, const char *path)
{
	int r = buf_append_str(out, "./");

	return r < 0 ? r : buf_append_percent(out, path, "/");
}

int markup_shell_word(struct buf *out, const char *word)
{
	bool plain = *word && *word != '~';
	int r = 0;

	for (const char *p = word; *p; p++)
		plain = plain && (is_plain((unsigned char)*p) || strchr("+:,=@%", *p));
	if (plain)
		return buf_append_str(out, word);
	r = buf_append_byte(out, '\'');
	for (const char *p = word; *p && r == 0; p++)
		r = *p == '\'' ? buf_append_str(out, "'\\''") : buf_append_byte(out, (uint8_t)*p);
	return r < 0 ? r : buf_append_byte(out, '\'');
}
