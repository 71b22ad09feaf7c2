/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/text/word_table.h"

/* Slots for each word, at least, and how many are looked at for one. */
#define SLOTS_FOR_WORD 3
#define PROBES_MAX     256

void word_table_free(struct word_table *table)
{
	free(table->words.items);
	free(table->slots);
	*table = (struct word_table){ 0 };
}

/* FNV-1a, its upper bits mixed in. */
static size_t hash(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3;
	return (size_t)(h ^ h >> 32);
}

static bool is_word(const struct word_table_entry *e, const char *text, size_t len)
{
	return e->len == len && memcmp(e->text, text, len) == 0;
}

/* The slot that has the word, or is free for it; NULL if neither is near. */
static uint32_t *find_slot(const struct word_table *t, const char *text, size_t len)
{
	size_t h = hash(text, len);

	for (size_t i = 0; i < PROBES_MAX; i++) {
		uint32_t *slot = &t->slots[(h + i) & (t->slot_count - 1)];

		if (*slot == 0 || is_word(&t->words.items[*slot - 1], text, len))
			return slot;
	}
	return NULL;
}

static int grow(struct word_table *t)
{
	struct word_table bigger = { .words = t->words,
				     .slot_count = t->slot_count ? t->slot_count * 2 : 1024 };

	bigger.slots = calloc(bigger.slot_count, sizeof(*bigger.slots));
	if (!bigger.slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < t->words.count; i++) {
		uint32_t *slot = find_slot(&bigger, t->words.items[i].text, t->words.items[i].len);

		if (!slot) {
			free(bigger.slots);
			return ERR_TOO_LARGE;
		}
		*slot = (uint32_t)i + 1;
	}
	free(t->slots);
	t->slots = bigger.slots;
	t->slot_count = bigger.slot_count;
	return 0;
}

int word_table_add(struct word_table *t, const char *text, size_t len, size_t *ret_number)
{
	uint32_t *slot;
	int r = 0;

	if ((t->words.count + 1) * SLOTS_FOR_WORD > t->slot_count)
		r = grow(t);
	if (r < 0)
		return r;
	slot = find_slot(t, text, len);
	if (!slot || t->words.count >= UINT32_MAX - 1)
		return ERR_TOO_LARGE;
	if (*slot == 0) {
		r = VEC_PUSH(&t->words, ((struct word_table_entry){ text, len }));
		if (r < 0)
			return r;
		*slot = (uint32_t)t->words.count;
	}
	*ret_number = *slot - 1;
	return 0;
}

size_t word_table_find(const struct word_table *t, const char *text, size_t len)
{
	uint32_t *slot = t->slot_count ? find_slot(t, text, len) : NULL;

	return slot && *slot ? *slot - 1 : SIZE_MAX;
}
