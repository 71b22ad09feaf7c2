/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/listing.h"

struct entry {
	char kernel[RELEASE_MAX + 1];
	char build_id[BUILD_ID_MAX + 1];
	char tier[TIER_MAX + 1];
	struct patch_version version;
	bool withdrawn;
};

/* Sorted by kernel, build ID, tier, version. */
struct listing {
	struct entry *entries;
	size_t n, room;
};

int listing_new(struct listing **ret, struct error *err)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing)
		return error_set(err, ERR_NO_MEMORY, "listing: out of memory");
	*ret = listing;
	return 0;
}

void listing_free(struct listing *listing)
{
	if (!listing)
		return;
	free(listing->entries);
	free(listing);
}

static int grow(struct listing *listing, struct error *err)
{
	size_t room = listing->room ? 2 * listing->room : 64;
	struct entry *entries;

	if (listing->n >= LISTING_MAX)
		return error_set(err, ERR_TOO_LARGE, "the repository lists over %d modules",
				 LISTING_MAX);
	entries = reallocarray(listing->entries, room, sizeof(*entries));
	if (!entries)
		return error_set(err, ERR_NO_MEMORY, "listing: out of memory");
	listing->entries = entries;
	listing->room = room;
	return 0;
}

/* Copies a name that is known to fit, cut if it were not. */
static void copy_name(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = 0;
}

int listing_add(struct listing *listing, const char *tier, const char *kernel, const char *build_id,
		struct patch_version version, bool withdrawn, struct error *err)
{
	struct entry *entry;
	int r = listing->n == listing->room ? grow(listing, err) : 0;

	if (r < 0)
		return r;
	entry = &listing->entries[listing->n++];
	copy_name(entry->kernel, sizeof(entry->kernel), kernel);
	copy_name(entry->build_id, sizeof(entry->build_id), build_id);
	copy_name(entry->tier, sizeof(entry->tier), tier);
	entry->version = version;
	entry->withdrawn = withdrawn;
	return 0;
}

static int compare_build(const struct entry *a, const char *kernel, const char *build_id)
{
	int order = strcmp(a->kernel, kernel);

	return order ? order : strcmp(a->build_id, build_id);
}

static int compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = compare_build(a, b->kernel, b->build_id);

	if (order == 0)
		order = strcmp(a->tier, b->tier);
	return order ? order : patch_version_compare(a->version, b->version);
}

void listing_sort(struct listing *listing)
{
	if (listing->n > 0)
		qsort(listing->entries, listing->n, sizeof(*listing->entries), compare);
}

size_t listing_size(const struct listing *listing)
{
	return listing->n;
}

/* Index of the first entry of a kernel build, or of what would follow it. */
static size_t first_of_build(const struct listing *listing, const struct machine_facts *facts)
{
	size_t low = 0, high = listing->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_build(&listing->entries[middle], facts->kernel, facts->build_id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum check_in_reason listing_decide(const struct listing *listing,
				    const struct machine_facts *facts, const char *applied,
				    char ret_version[static PATCH_VERSION_MAX])
{
	struct patch_version now = { 0 };
	const struct entry *newest = NULL;
	size_t i = first_of_build(listing, facts), first = i;

	ret_version[0] = 0;
	for (; i < listing->n; i++) {
		const struct entry *entry = &listing->entries[i];

		if (compare_build(entry, facts->kernel, facts->build_id) != 0)
			break;
		if (streq(entry->tier, facts->tier) && !entry->withdrawn)
			newest = entry;
	}
	if (i == first)
		return REASON_NOT_COVERED;
	if (!newest)
		return REASON_NONE_AVAILABLE;
	if (applied[0] && (patch_version_parse(applied, &now) < 0 ||
			   patch_version_compare(newest->version, now) <= 0))
		return REASON_UP_TO_DATE;
	patch_version_format(newest->version, ret_version);
	return REASON_GRANTED;
}
