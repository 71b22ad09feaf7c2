/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/kallsyms.h"

#define TOKENS         256
#define MARKER_STEP    256
#define TABLE_ALIGN    8   /* of each table */
#define NAME_MAX_LEN   512 /* KSYM_NAME_LEN */
#define TOKEN_MAX_LEN  NAME_MAX_LEN
#define NAMES_MAX      ((size_t)64 << 20) /* all that lies before the token table */
#define NAMES_POOL_MAX (UINT64_C(256) << 20)
#define KERNEL_HALF    (UINT64_C(1) << 63)
#define FIRST_DIGIT    '0'
#define DIGITS         10

struct kallsyms {
	struct kallsyms_symbol *symbols;
	uint32_t *by_name; /* indices, sorted by name, equal names in table order */
	char *pool;        /* all names */
	size_t n;
};

/* Where the parts lie in the image, and what else is known while parsing. */
struct tables {
	const uint8_t *image;
	size_t len;
	size_t token_table, token_index; /* offsets of first byte */
	const char *tokens[TOKENS];
	size_t markers;
	size_t num_syms; /* offset of the count; the names follow 8 bytes on */
	size_t n;
	size_t offsets, base; /* offsets of the address table and the relative base */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static size_t align8(size_t x)
{
	return (x + 7) & ~(size_t)7;
}

void kallsyms_free(struct kallsyms *k)
{
	if (!k)
		return;
	free(k->symbols);
	free(k->by_name);
	free(k->pool);
	free(k);
}

/* Steps back over `count` strings that end before `end`; returns where the first one starts. */
static bool step_back(const struct tables *t, size_t end, unsigned int count, size_t *ret)
{
	size_t p = end;

	for (unsigned int i = 0; i < count; i++) {
		if (p < 2 || t->image[p - 1] != 0)
			return false;

		size_t last = --p;

		while (p > 0 && t->image[p - 1] != 0 && last - p < TOKEN_MAX_LEN)
			p--;
		if (p == last || p == 0 || t->image[p - 1] != 0)
			return false;
	}
	*ret = p;
	return true;
}

/* A token table at `start` is one only if the index that follows points at each of its strings. */
static bool check_tokens(struct tables *t, size_t start)
{
	size_t p = start;
	const uint8_t *image = t->image;

	for (unsigned int i = 0; i < TOKENS; i++) {
		size_t left = t->len - p;
		const uint8_t *end = memchr(image + p, 0, MIN(left, (size_t)TOKEN_MAX_LEN));

		if (!end || p - start > UINT16_MAX)
			return false;
		t->tokens[i] = (const char *)image + p;
		p = (size_t)(end - image) + 1;
		if (p >= t->len)
			return false;
	}

	size_t index = align8(p);

	if (index > t->len || t->len - index < TOKENS * 2)
		return false;
	for (unsigned int i = 0; i < TOKENS; i++)
		if (get16(image + index + 2 * i) != (const uint8_t *)t->tokens[i] - (image + start))
			return false;
	t->token_table = start;
	t->token_index = index;
	return true;
}

/*
 * Tries every place where the table's first string, which ends with the zero before `second`, can
 * begin. Nothing says where: without padding, what lies before it ends in any byte.
 */
static bool find_first_token(struct tables *t, size_t second)
{
	size_t last = second - 1; /* its zero */

	for (size_t p = last; p > 0 && t->image[p - 1] != 0 && last - p < TOKEN_MAX_LEN;)
		if (--p % TABLE_ALIGN == 0 && check_tokens(t, p))
			return true;
	return false;
}

/* Looks for the next token table: digits stand for themselves in it, one after the other. */
static bool find_tokens(struct tables *t, size_t from)
{
	uint8_t digits[2 * DIGITS];

	for (unsigned int i = 0; i < DIGITS; i++) {
		digits[2 * i] = (uint8_t)(FIRST_DIGIT + i);
		digits[2 * i + 1] = 0;
	}
	while (from < t->len) {
		const uint8_t *hit = memmem(t->image + from, t->len - from, digits, sizeof(digits));
		size_t second;

		if (!hit)
			return false;

		size_t at = (size_t)(hit - t->image);

		if (step_back(t, at, FIRST_DIGIT - 1, &second) && find_first_token(t, second))
			return true;
		from = at + 1;
	}
	return false;
}

/* The length byte or bytes (ULEB128) of the name at *p; moves *p behind them. */
static bool name_length(const struct tables *t, size_t *p, size_t *ret)
{
	if (*p >= t->markers)
		return false;

	size_t len = t->image[(*p)++];

	if (len & 0x80) {
		if (*p >= t->markers)
			return false;
		len = (len & 0x7f) | (size_t)t->image[(*p)++] << 7;
	}
	if (len == 0 || len > t->markers - *p)
		return false;
	*ret = len;
	return true;
}

/* Walks all names from a supposed count and checks every marker on the way. */
static bool check_names(const struct tables *t, size_t names, size_t n)
{
	size_t p = names, len;

	for (size_t i = 0; i < n; i++) {
		if (i % MARKER_STEP == 0 &&
		    get32(t->image + t->markers + i / MARKER_STEP * 4) != p - names)
			return false;
		if (!name_length(t, &p, &len))
			return false;
		p += len;
	}
	return align8(p) == t->markers;
}

/*
 * Supposes that the count of symbols stands at `p`: then it says how far before the token table the
 * markers lie, with (6.1.y: kallsyms_seqs_of_names, 3 bytes each) or without a table between them,
 * and they say where each 256th name must be.
 */
static bool try_count(struct tables *t, size_t p, bool seqs)
{
	size_t n = get32(t->image + p);
	size_t count = (n + MARKER_STEP - 1) / MARKER_STEP;
	size_t behind = align8(count * 4) + (seqs ? align8(n * 3) : 0);

	if (n == 0 || n > KALLSYMS_MAX || get32(t->image + p + 4) != 0 ||
	    behind > t->token_table - p - 8)
		return false;
	t->markers = t->token_table - behind;
	if (get32(t->image + t->markers) != 0 || !check_names(t, p + 8, n))
		return false;
	t->num_syms = p;
	t->n = n;
	return true;
}

static bool find_names(struct tables *t)
{
	if (t->token_table < 8)
		return false;

	size_t high = t->token_table - 8;
	size_t low = high > NAMES_MAX ? high - NAMES_MAX : 0;

	for (size_t p = high; p >= low; p -= 8) {
		if (try_count(t, p, false) || try_count(t, p, true))
			return true;
		if (p < 8)
			break;
	}
	return false;
}

/* Does any address need the "absolute per-CPU" reading (a negative offset)? */
static bool absolute_percpu(const struct tables *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (get32(t->image + t->offsets + 4 * i) & 0x80000000)
			return true;
	return false;
}

/* kernel/kallsyms.c, kallsyms_sym_address() */
static uint64_t address_of(const struct tables *t, bool percpu, size_t i)
{
	uint32_t offset = get32(t->image + t->offsets + 4 * i);
	uint64_t base = get64(t->image + t->base);

	if (!percpu)
		return base + offset;
	return offset & 0x80000000 ? base - 1 - (uint64_t)(int64_t)(int32_t)offset : offset;
}

static bool check_addresses(const struct tables *t)
{
	bool percpu = absolute_percpu(t);
	uint64_t last = 0;

	if (get64(t->image + t->base) < KERNEL_HALF)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		uint64_t address = address_of(t, percpu, i);

		if (address < last)
			return false;
		last = address;
	}
	return last >= KERNEL_HALF;
}

/* Linux 6.1: offsets, base, count, names, markers, tokens. 6.4: …, tokens, index, offsets, base. */
static bool find_addresses(struct tables *t)
{
	size_t size = align8(4 * t->n);

	if (t->num_syms >= size + 8) {
		t->base = t->num_syms - 8;
		t->offsets = t->base - size;
		if (check_addresses(t))
			return true;
	}
	t->offsets = align8(t->token_index + TOKENS * 2);
	t->base = t->offsets + size;
	return t->base <= t->len - 8 && t->base > t->offsets && check_addresses(t);
}

static bool find_tables(struct tables *t)
{
	for (size_t from = 0; find_tokens(t, from); from = t->token_index)
		if (find_names(t) && find_addresses(t))
			return true;
	return false;
}

/* Expands all names into one pool; with `pool` NULL it only counts the bytes. The first character
 * of an expanded name is its type. */
static uint64_t expand_names(const struct tables *t, char *pool, struct kallsyms_symbol *symbols)
{
	size_t p = t->num_syms + 8, len = 0;
	uint64_t used = 0;

	for (size_t i = 0; i < t->n && name_length(t, &p, &len); i++) {
		uint64_t start = used;

		for (size_t j = 0; j < len; j++) {
			const char *token = t->tokens[t->image[p + j]];
			size_t n = strlen(token);

			if (pool)
				memcpy(pool + used, token, n);
			used += n;
		}
		p += len;
		if (pool) {
			pool[used] = '\0';
			symbols[i].type = pool[start];
			symbols[i].name = pool + start + 1;
		}
		used++;
		if (used > NAMES_POOL_MAX)
			return 0;
	}
	return used;
}

static void fill_addresses(const struct tables *t, struct kallsyms *k)
{
	bool percpu = absolute_percpu(t);
	uint64_t next = 0;

	for (size_t i = 0; i < t->n; i++)
		k->symbols[i].address = address_of(t, percpu, i);
	for (size_t i = t->n; i-- > 0;) {
		uint64_t address = k->symbols[i].address;

		if (i + 1 < t->n && k->symbols[i + 1].address != address)
			next = k->symbols[i + 1].address;
		k->symbols[i].size = next ? next - address : 0;
	}
}

static int compare_names(const void *a, const void *b, void *user)
{
	const struct kallsyms *k = user;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int r = strcmp(k->symbols[i].name, k->symbols[j].name);

	return r ? r : (i > j) - (i < j);
}

static int build(const struct tables *t, struct kallsyms **ret, struct error *err)
{
	_cleanup_kallsyms_ struct kallsyms *k = calloc(1, sizeof(*k));
	uint64_t pool = expand_names(t, NULL, NULL);

	if (pool == 0)
		return error_set(err, ERR_INVALID, "the kernel's symbol names are damaged");
	if (!k)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	k->n = t->n;
	k->symbols = calloc(t->n, sizeof(*k->symbols));
	k->by_name = calloc(t->n, sizeof(*k->by_name));
	k->pool = malloc((size_t)pool);
	if (!k->symbols || !k->by_name || !k->pool)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	expand_names(t, k->pool, k->symbols);
	fill_addresses(t, k);
	for (size_t i = 0; i < k->n; i++)
		k->by_name[i] = (uint32_t)i;
	qsort_r(k->by_name, k->n, sizeof(*k->by_name), compare_names, k);
	*ret = TAKE_PTR(k);
	return 0;
}

int kallsyms_parse(const uint8_t *image, size_t len, struct kallsyms **ret, struct error *err)
{
	struct tables t = { .image = image, .len = len };

	if (!find_tables(&t))
		return error_set(err, ERR_INVALID,
				 "no symbol table (kallsyms) in the kernel image");
	return build(&t, ret, err);
}

size_t kallsyms_count(const struct kallsyms *k)
{
	return k->n;
}

const struct kallsyms_symbol *kallsyms_get(const struct kallsyms *k, size_t i)
{
	return i < k->n ? &k->symbols[i] : NULL;
}

/* Index into by_name of the first name that is not less than `name`. */
static size_t lower_bound(const struct kallsyms *k, const char *name)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(k->symbols[k->by_name[mid]].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t kallsyms_matches(const struct kallsyms *k, const char *name)
{
	size_t first = lower_bound(k, name), i = first;

	while (i < k->n && streq(k->symbols[k->by_name[i]].name, name))
		i++;
	return i - first;
}

const struct kallsyms_symbol *kallsyms_find(const struct kallsyms *k, const char *name, size_t pos)
{
	size_t first = lower_bound(k, name);

	if (pos == 0 || pos > k->n - first)
		return NULL;

	const struct kallsyms_symbol *s = &k->symbols[k->by_name[first + pos - 1]];

	return streq(s->name, name) ? s : NULL;
}

const struct kallsyms_symbol *kallsyms_at(const struct kallsyms *k, uint64_t address)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (k->symbols[mid].address < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low < k->n && k->symbols[low].address == address ? &k->symbols[low] : NULL;
}
