/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <stdio.h>

static const struct {
	int code;
	const char *name;
} code_names[] = {
	{ ERR_USAGE, "usage" },
	{ ERR_INVALID, "invalid" },
	{ ERR_TOO_LARGE, "too-large" },
	{ ERR_NOT_FOUND, "not-found" },
	{ ERR_EXISTS, "exists" },
	{ ERR_UNSUPPORTED, "unsupported" },
	{ ERR_TIMEOUT, "timeout" },
	{ ERR_CHILD, "child" },
	{ ERR_BAD_STATE, "state" },
	{ ERR_DENIED, "denied" },
	{ ERR_UNREACHABLE, "unreachable" },
	{ ERR_PROTOCOL, "protocol" },
	{ ERR_NO_MEMORY, "no-memory" },
	{ ERR_SIGNATURE, "signature" },
	{ ERR_EXPIRED, "expired" },
	{ ERR_ROLLBACK, "rollback" },
	{ ERR_HASH, "hash" },
	{ ERR_UNTRUSTED, "untrusted" },
	{ ERR_NOT_LISTED, "not-listed" },
	{ ERR_NO_CHANGE, "no-change" },
	{ ERR_NOT_PATCHABLE, "not-patchable" },
	{ ERR_MISMATCH, "mismatch" },
	{ ERR_WRONG_KERNEL, "wrong-kernel" },
	{ ERR_KERNEL_REFUSED, "kernel-refused" },
	{ ERR_STUCK, "stuck" },
	{ ERR_QUARANTINED, "quarantined" },
	{ ERR_CRASHED, "crashed" },
	{ ERR_INTERRUPTED, "interrupted" },
};

/* Bytes of the control character at `p`: of ASCII, of C1 (U+0080 to U+009F), or one that turns or
 * breaks a line (U+200B to U+200F, U+2028 to U+202E, U+2066 to U+2069). */
static size_t control_length(const unsigned char *p)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2;
	if (p[0] == 0xe2 && p[1] == 0x80 &&
	    ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae)))
		return 3;
	return p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9 ? 3 : 0;
}

void error_clean_text(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		size_t n = control_length(p);

		if (n > 0)
			memset(p, '?', n);
	}
}

/* Formats into a bounded field; what does not fit ends in "...". */
static _printf_(3, 0) void format_field(char *field, size_t size, const char *format, va_list ap)
{
	int n = vsnprintf(field, size, format, ap);

	if (n < 0)
		snprintf(field, size, "%s", format);
	else if ((size_t)n >= size)
		memcpy(field + size - 4, "...", 4);
	error_clean_text(field);
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return code;
	/* The arguments may point into err itself, so the text is made beside it first. */
	char message[ERROR_MESSAGE_MAX];
	va_start(ap, format);
	format_field(message, sizeof(message), format, ap);
	va_end(ap);
	err->code = code;
	memcpy(err->message, message, sizeof(message));
	err->hint[0] = '\0';
	return code;
}

int error_set_errno(struct error *err, int errnum, const char *format, ...)
{
	char message[ERROR_MESSAGE_MAX];
	va_list ap;

	if (!err)
		return -errnum;
	va_start(ap, format);
	format_field(message, sizeof(message), format, ap);
	va_end(ap);
	return error_set(err, -errnum, "%s: %s", message, strerror(errnum));
}

int error_prefix(struct error *err, int code, const char *format, ...)
{
	char prefix[ERROR_MESSAGE_MAX], hint[ERROR_HINT_MAX];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, format);
	format_field(prefix, sizeof(prefix), format, ap);
	va_end(ap);
	memcpy(hint, err->hint, sizeof(hint));
	error_set(err, err->code ? err->code : code, "%s: %s", prefix,
		  err->message[0] ? err->message : error_code_name(code));
	memcpy(err->hint, hint, sizeof(hint));
	return err->code;
}

void error_hint(struct error *err, const char *format, ...)
{
	char hint[ERROR_HINT_MAX];
	va_list ap;

	if (!err)
		return;
	va_start(ap, format);
	format_field(hint, sizeof(hint), format, ap);
	va_end(ap);
	memcpy(err->hint, hint, sizeof(hint));
}

void error_remove(struct error *err, const char *part)
{
	size_t n = strlen(part);

	if (!err || n == 0)
		return;
	for (char *p = err->message; (p = strstr(p, part));)
		memmove(p, p + n, strlen(p + n) + 1);
}

const char *error_code_name(int code)
{
	static _Thread_local char number[32];

	for (size_t i = 0; i < ARRAY_SIZE(code_names); i++)
		if (code_names[i].code == code)
			return code_names[i].name;
	if (code == 0)
		return "ok";
	snprintf(number, sizeof(number), "errno-%d", -code);
	return number;
}

int error_code_parse(const char *name)
{
	char *end;
	long number;

	for (size_t i = 0; i < ARRAY_SIZE(code_names); i++)
		if (streq(code_names[i].name, name))
			return code_names[i].code;
	if (!str_has_prefix(name, "errno-") || name[6] < '1' || name[6] > '9')
		return 0;
	number = strtol(name + 6, &end, 10);
	return *end == '\0' && number < -ERR_USAGE ? (int)-number : 0;
}
