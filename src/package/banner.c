/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/banner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 512
#define DIGITS       "0123456789"

static const char beginning[] = "Linux version ";

/* Copies `len` bytes if they fit; false if not, or if there are none. */
static bool copy(const char *from, size_t len, char ret[static BANNER_WORD_MAX])
{
	if (len == 0 || len >= BANNER_WORD_MAX)
		return false;
	memcpy(ret, from, len);
	ret[len] = '\0';
	return true;
}

/* Debian's packages count on from the mainline version: "6.1.192-2", "6.12.117-1~deb12u1". */
static void read_debian(const char *rest, struct kernel_banner *b)
{
	static const char key[] = " Debian ";
	const char *at = strstr(rest, key);

	if (!at)
		return;
	at += strlen(key);
	if (copy(at, strcspn(at, " "), b->package))
		(void)copy(at, strspn(at, DIGITS "."), b->mainline);
}

static void read_ubuntu(const char *rest, struct kernel_banner *b)
{
	const char *at = strstr(rest, "(Ubuntu ");
	struct kernel_signature s;
	char text[LINE_MAX_LEN];

	if (!at)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at + 1, ")"), at + 1);
	if (kernel_signature_parse(text, &s) < 0)
		return;
	(void)copy(s.package, strlen(s.package), b->package);
	(void)copy(s.mainline, strlen(s.mainline), b->mainline);
}

/* Kernels that people build are named for their version. */
static void read_own(struct kernel_banner *b)
{
	struct kernel_release r;

	if (kernel_release_parse(b->release, &r) == 0 && r.vendor == KERNEL_OTHER)
		(void)copy(b->release, strspn(b->release, DIGITS "."), b->mainline);
}

static bool read_line(const char *line, struct kernel_banner *ret)
{
	struct kernel_banner b = { 0 };
	const char *p = line + strlen(beginning), *end;
	size_t len = strcspn(p, " ");

	if (len > KERNEL_RELEASE_MAX)
		return false;
	memcpy(b.release, p, len);
	if (!kernel_release_is_valid(b.release))
		return false;
	/* "(user@host) (compiler, linker) #"; older kernels name no linker. */
	p = strstr(p + len, ") (");
	end = p ? strstr(p, ") #") : NULL;
	if (!end)
		return false;
	p += strlen(") (");

	const char *comma = memchr(p, ',', (size_t)(end - p));

	if (!copy(p, (size_t)((comma ? comma : end) - p), b.compiler))
		return false;
	read_debian(end, &b);
	if (!b.package[0])
		read_ubuntu(end, &b);
	if (!b.package[0])
		read_own(&b);
	*ret = b;
	return true;
}

int kernel_banner_find(const uint8_t *image, size_t len, struct kernel_banner *ret,
		       struct error *err)
{
	const uint8_t *p = image;

	while (len > 0 &&
	       (p = memmem(p, len - (size_t)(p - image), beginning, strlen(beginning))) != NULL) {
		char line[LINE_MAX_LEN];
		size_t left = MIN(len - (size_t)(p - image), sizeof(line) - 1), n = 0;

		while (n < left && p[n] >= ' ' && p[n] < 0x7f)
			n++;
		memcpy(line, p, n);
		line[n] = '\0';
		if (read_line(line, ret))
			return 0;
		p++;
	}
	return error_set(err, ERR_NOT_FOUND, "no kernel image: it says no \"Linux version\"");
}

void compiler_version(const char *compiler, char ret[static BANNER_WORD_MAX])
{
	ret[0] = '\0';
	for (const char *p = compiler; *p;) {
		size_t len = strspn(p, DIGITS ".");

		if (len >= 5 && memchr(p, '.', len) && (p == compiler || p[-1] == ' '))
			(void)copy(p, len, ret);
		p += len ? len : 1;
	}
}
