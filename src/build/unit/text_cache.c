/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/text_cache.h"

#include "base/file.h"

#define CACHE_MAX ((size_t)64 * 1024 * 1024)

/* "suture texts 1 STAMP\n", then records in the order of their keys: "KEY DIGEST\n". */
static const char head[] = "suture texts 1 ";

#define HEAD_LEN   (sizeof(head) - 1 + SHA256_HEX_LEN + 1)
#define RECORD_LEN (TEXT_CACHE_KEY_LEN + 1 + SHA256_HEX_LEN + 1)

struct text_cache {
	char *path;
	struct buf loaded; /* the file's bytes */
	struct buf added;  /* records in any order */
};

void text_cache_free(struct text_cache *c)
{
	if (!c)
		return;
	free(c->path);
	buf_free(&c->loaded);
	buf_free(&c->added);
	free(c);
}

static bool is_whole(const struct buf *text, const char *stamp)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = buf_str(text);

	if (text->len < HEAD_LEN || (text->len - HEAD_LEN) % RECORD_LEN != 0 ||
	    !str_has_prefix(p, head) || memcmp(p + strlen(head), stamp, SHA256_HEX_LEN) != 0 ||
	    p[HEAD_LEN - 1] != '\n')
		return false;
	for (p += HEAD_LEN; *p; p += RECORD_LEN)
		if (strspn(p, digits) != TEXT_CACHE_KEY_LEN || p[TEXT_CACHE_KEY_LEN] != ' ' ||
		    strspn(p + TEXT_CACHE_KEY_LEN + 1, digits) != SHA256_HEX_LEN ||
		    p[RECORD_LEN - 1] != '\n')
			return false;
	return p == buf_str(text) + text->len;
}

int text_cache_load(const char *path, const char *stamp, struct text_cache **ret, struct error *err)
{
	_cleanup_text_cache_ struct text_cache *c = calloc(1, sizeof(*c));

	if (!c || !(c->path = strdup(path)))
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	c->loaded = c->added = BUF_INIT(CACHE_MAX);
	if (file_read(path, &c->loaded, NULL) < 0 || !is_whole(&c->loaded, stamp)) {
		buf_clear(&c->loaded);
		if (buf_printf(&c->loaded, "%s%s\n", head, stamp) < 0)
			return error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	*ret = TAKE_PTR(c);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, TEXT_CACHE_KEY_LEN);
}

const char *text_cache_get(const struct text_cache *c, const char *key)
{
	const char *record = bsearch(key, c->loaded.data + HEAD_LEN,
				     (c->loaded.len - HEAD_LEN) / RECORD_LEN, RECORD_LEN, compare);

	return record ? record + TEXT_CACHE_KEY_LEN + 1 : NULL;
}

int text_cache_put(struct text_cache *c, const char *key, const char *digest)
{
	return buf_printf(&c->added, "%.*s %.*s\n", TEXT_CACHE_KEY_LEN, key, SHA256_HEX_LEN,
			  digest);
}

int text_cache_save(struct text_cache *c, struct error *err)
{
	_cleanup_buf_ struct buf all = BUF_INIT(CACHE_MAX);
	int r;

	if (c->added.len == 0)
		return 0;
	r = buf_append(&all, c->loaded.data, c->loaded.len);
	if (r == 0)
		r = buf_append(&all, c->added.data, c->added.len);
	if (r < 0)
		return error_set(err, r, "%s would be too large", c->path);
	qsort(all.data + HEAD_LEN, (all.len - HEAD_LEN) / RECORD_LEN, RECORD_LEN, compare);
	return file_write_atomic(c->path, all.data, all.len, 0644, err);
}
