/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/rate_limit.h"

#include <pthread.h>

#include "base/hash.h"

#define SLOTS    4096
#define SALT_LEN 16

struct slot {
	int64_t start; /* of the window, milliseconds */
	unsigned failures;
};

struct rate_limit {
	pthread_mutex_t lock;
	unsigned max;
	int64_t window_ms;
	uint8_t salt[SALT_LEN];
	struct slot slots[SLOTS];
};

int rate_limit_new(unsigned max, int window, struct rate_limit **ret, struct error *err)
{
	struct rate_limit *limit = calloc(1, sizeof(*limit));
	int r;

	if (!limit)
		return error_set(err, ERR_NO_MEMORY, "rate limit: out of memory");
	r = random_bytes(limit->salt, sizeof(limit->salt), err);
	if (r < 0) {
		free(limit);
		return r;
	}
	pthread_mutex_init(&limit->lock, NULL);
	limit->max = max;
	limit->window_ms = (int64_t)window * 1000;
	*ret = limit;
	return 0;
}

void rate_limit_free(struct rate_limit *limit)
{
	if (!limit)
		return;
	pthread_mutex_destroy(&limit->lock);
	free(limit);
}

static struct slot *find_slot(struct rate_limit *limit, const char *key)
{
	uint8_t digest[SHA256_LEN], text[SALT_LEN + 256] = { 0 };
	size_t len = strnlen(key, sizeof(text) - SALT_LEN);

	memcpy(text, limit->salt, SALT_LEN);
	memcpy(text + SALT_LEN, key, len);
	if (hash_sha256(text, SALT_LEN + len, digest) < 0)
		return &limit->slots[0];
	return &limit->slots[(digest[0] | digest[1] << 8) % SLOTS];
}

int rate_limit_wait(struct rate_limit *limit, const char *key, int64_t now)
{
	struct slot *slot = find_slot(limit, key);
	int64_t left;

	pthread_mutex_lock(&limit->lock);
	left = slot->failures >= limit->max ? slot->start + limit->window_ms - now : 0;
	pthread_mutex_unlock(&limit->lock);
	return left > 0 ? (int)((left + 999) / 1000) : 0;
}

void rate_limit_failed(struct rate_limit *limit, const char *key, int64_t now)
{
	struct slot *slot = find_slot(limit, key);

	pthread_mutex_lock(&limit->lock);
	if (slot->failures == 0 || now >= slot->start + limit->window_ms)
		*slot = (struct slot){ .start = now };
	if (slot->failures < limit->max)
		slot->failures++;
	pthread_mutex_unlock(&limit->lock);
}

void rate_limit_clear(struct rate_limit *limit, const char *key)
{
	struct slot *slot = find_slot(limit, key);

	pthread_mutex_lock(&limit->lock);
	slot->failures = 0;
	pthread_mutex_unlock(&limit->lock);
}
