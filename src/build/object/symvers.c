/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/object/symvers.h"

#include "base/file.h"

#define SYMVERS_MAX (64 * 1024 * 1024)

struct symvers {
	struct buf text; /* cut into strings */
	struct symvers_entry *entries;
	size_t n;
};

void symvers_free(struct symvers *s)
{
	if (!s)
		return;
	buf_free(&s->text);
	free(s->entries);
	free(s);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct symvers_entry *)a)->name,
		      ((const struct symvers_entry *)b)->name);
}

/* "CRC <tab> name <tab> module <tab> kind <tab> namespace"; cuts the line in place. */
static bool read_line(char *line, struct symvers_entry *ret)
{
	char *fields[5], *end;
	size_t n = 0;

	for (char *p = line; p && n < ARRAY_SIZE(fields);) {
		fields[n++] = p;
		p = strchr(p, '\t');
		if (p)
			*p++ = '\0';
	}
	if (n < 4 || !fields[1][0] || !fields[2][0])
		return false;
	*ret = (struct symvers_entry){ fields[1], fields[2], n > 4 ? fields[4] : "",
				       (uint32_t)strtoul(fields[0], &end, 16) };
	return end > fields[0] && !*end;
}

int symvers_load(const char *path, struct symvers **ret, struct error *err)
{
	_cleanup_symvers_ struct symvers *s = calloc(1, sizeof(*s));
	size_t lines = 0;

	if (!s)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	s->text = BUF_INIT(SYMVERS_MAX);

	int r = file_read(path, &s->text, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->text.len; i++)
		lines += s->text.data[i] == '\n';
	s->entries = calloc(lines + 1, sizeof(*s->entries));
	if (!s->entries)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (char *p = (char *)s->text.data, *end; p && *p && s->n <= lines; p = end) {
		end = strchr(p, '\n');
		if (end)
			*end++ = '\0';
		if (!read_line(p, &s->entries[s->n++]))
			return error_set(err, ERR_INVALID, "%s: line %zu is not understood", path,
					 s->n);
	}
	qsort(s->entries, s->n, sizeof(*s->entries), compare);
	*ret = TAKE_PTR(s);
	return 0;
}

const struct symvers_entry *symvers_find(const struct symvers *s, const char *name)
{
	struct symvers_entry key = { .name = name };

	return bsearch(&key, s->entries, s->n, sizeof(key), compare);
}
