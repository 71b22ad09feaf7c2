/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/recall.h"

#include "base/json.h"
#include "wire/field.h"
#include "wire/names.h"

static void entry_clear(struct recall_entry *e)
{
	free(e->version);
	field_list_free(e->kernels, e->n_kernels);
	free(e->reason);
}

void recall_free(struct recall *recall)
{
	if (!recall)
		return;
	for (size_t i = 0; i < recall->n_entries; i++)
		entry_clear(&recall->entries[i]);
	free(recall->entries);
	free(recall);
}

int recall_new(struct recall **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : ERR_NO_MEMORY;
}

static int read_entry(const json_t *object, struct recall_entry *ret, struct error *err)
{
	char version[PATCH_VERSION_MAX], reason[RECALL_REASON_MAX + 1];
	int r = field_name(object, "version", version_text_is_valid, sizeof(version), version, err);

	if (r == 0)
		r = field_text(object, "reason", 1, sizeof(reason), reason, err);
	if (r == 0)
		r = field_time(object, "time", &ret->time, err);
	if (r == 0)
		r = field_list(object, "kernels", 0, RECALL_MAX_KERNELS, RELEASE_MAX,
			       release_is_valid, &ret->kernels, &ret->n_kernels, err);
	if (r < 0)
		return r;
	ret->version = strdup(version);
	ret->reason = strdup(reason);
	return ret->version && ret->reason ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

int recall_parse(const void *data, size_t len, struct recall **ret, struct error *err)
{
	_cleanup_recall_ struct recall *recall = NULL;
	_cleanup_json_ json_t *object = NULL;
	json_t *withdrawn;
	int r = field_parse_object(data, len, RECALL_MAX, &object, err);

	if (r == 0)
		r = field_format(object, err);
	if (r == 0)
		r = json_get_array(object, "withdrawn", RECALL_MAX_ENTRIES, &withdrawn, err);
	if (r < 0)
		return error_prefix(err, r, "recall list");
	r = recall_new(&recall);
	if (r == 0)
		recall->entries = calloc(json_array_size(withdrawn) + 1, sizeof(*recall->entries));
	if (r < 0 || !recall->entries)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; i < json_array_size(withdrawn); i++) {
		recall->n_entries++;
		r = read_entry(json_array_get(withdrawn, i), &recall->entries[i], err);
		if (r < 0)
			return error_prefix(err, r, "recall list: entry %zu", i);
	}
	*ret = TAKE_PTR(recall);
	return 0;
}

static json_t *entry_to_json(const struct recall_entry *e)
{
	json_t *object = json_pack("{s:s, s:s}", "version", e->version, "reason", e->reason);

	if (!object)
		return NULL;
	if (field_set_list(object, "kernels", e->kernels, e->n_kernels) != 0 ||
	    field_set_time(object, "time", e->time) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

int recall_write(const struct recall *recall, struct buf *out, struct error *err)
{
	_cleanup_json_ json_t *object = json_pack("{s:i, s:[]}", "format", 1, "withdrawn");
	_cleanup_buf_ struct buf text = BUF_INIT(RECALL_MAX);
	struct recall *check = NULL;
	int r;

	for (size_t i = 0; i < recall->n_entries; i++) {
		json_t *entry = entry_to_json(&recall->entries[i]);

		if (json_array_append_new(json_object_get(object, "withdrawn"), entry) != 0)
			return error_set(err, ERR_INVALID, "recall list: entry %zu", i);
	}
	r = json_append_pretty(object, &text);
	if (r < 0)
		return error_set(err, r, "recall list: more than %zu bytes", RECALL_MAX);
	r = recall_parse(text.data, text.len, &check, err);
	recall_free(check);
	if (r < 0)
		return r;
	r = buf_append(out, text.data, text.len);
	return r < 0 ? error_set(err, r, "recall list: no room") : 0;
}

static bool entry_covers(const struct recall_entry *e, const char *version, const char *kernel)
{
	if (!streq(e->version, version))
		return false;
	for (size_t i = 0; i < e->n_kernels; i++) {
		if (streq(e->kernels[i], kernel))
			return true;
	}
	return e->n_kernels == 0;
}

const struct recall_entry *recall_lookup(const struct recall *recall, const char *version,
					 const char *kernel)
{
	for (size_t i = 0; i < recall->n_entries; i++) {
		if (entry_covers(&recall->entries[i], version, kernel))
			return &recall->entries[i];
	}
	return NULL;
}

/* Withdrawn already for all of `kernels`; none means every kernel. */
static bool covers_all(const struct recall *recall, const char *version, const char *const *kernels,
		       size_t n)
{
	/* No release is called "", so only an entry for every kernel matches it. */
	if (n == 0)
		return recall_lookup(recall, version, "") != NULL;
	for (size_t i = 0; i < n; i++) {
		if (!recall_lookup(recall, version, kernels[i]))
			return false;
	}
	return true;
}

static int fill_entry(struct recall_entry *e, const char *version, const char *const *kernels,
		      size_t n, const char *reason, int64_t time)
{
	*e = (struct recall_entry){
		.version = strdup(version),
		.kernels = n > 0 ? calloc(n, sizeof(*e->kernels)) : NULL,
		.reason = strdup(reason),
		.time = time,
	};
	if (!e->version || !e->reason || (n > 0 && !e->kernels))
		return ERR_NO_MEMORY;
	for (e->n_kernels = 0; e->n_kernels < n; e->n_kernels++) {
		e->kernels[e->n_kernels] = strdup(kernels[e->n_kernels]);
		if (!e->kernels[e->n_kernels])
			return ERR_NO_MEMORY;
	}
	return 0;
}

int recall_add(struct recall *recall, const char *version, const char *const *kernels,
	       size_t n_kernels, const char *reason, int64_t time, struct error *err)
{
	struct recall_entry *grown;

	if (!version_text_is_valid(version) || n_kernels > RECALL_MAX_KERNELS ||
	    reason[0] == '\0' || strlen(reason) > RECALL_REASON_MAX)
		return error_set(err, ERR_INVALID,
				 "recall: a version and a reason of 1 to %d bytes are needed",
				 RECALL_REASON_MAX);
	for (size_t i = 0; i < n_kernels; i++) {
		if (!release_is_valid(kernels[i]))
			return error_set(err, ERR_INVALID, "recall: %s is no kernel release",
					 kernels[i]);
	}
	if (covers_all(recall, version, kernels, n_kernels))
		return error_set(err, ERR_EXISTS, "recall: %s is withdrawn already", version);
	if (recall->n_entries >= RECALL_MAX_ENTRIES)
		return error_set(err, ERR_TOO_LARGE, "recall: the list is full");
	grown = reallocarray(recall->entries, recall->n_entries + 1, sizeof(*grown));
	if (!grown)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	recall->entries = grown;
	if (fill_entry(&grown[recall->n_entries], version, kernels, n_kernels, reason, time) < 0) {
		entry_clear(&grown[recall->n_entries]);
		return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	recall->n_entries++;
	return 0;
}

static void remove_entry(struct recall *recall, size_t i)
{
	entry_clear(&recall->entries[i]);
	memmove(&recall->entries[i], &recall->entries[i + 1],
		(recall->n_entries - i - 1) * sizeof(*recall->entries));
	recall->n_entries--;
}

/* Takes one kernel out of an entry; false when it does not name it. */
static bool remove_kernel(struct recall_entry *e, const char *kernel)
{
	for (size_t i = 0; i < e->n_kernels; i++) {
		if (!streq(e->kernels[i], kernel))
			continue;
		free(e->kernels[i]);
		e->kernels[i] = e->kernels[--e->n_kernels];
		return true;
	}
	return false;
}

/* For one kernel, or every one (NULL). An entry that names none is left whole by the former: it may
 * be about kernels that nobody knows here. */
static size_t remove_from(struct recall *recall, const char *version, const char *kernel)
{
	size_t removed = 0;

	for (size_t i = recall->n_entries; i-- > 0;) {
		struct recall_entry *e = &recall->entries[i];

		if (!streq(e->version, version) || (kernel && !remove_kernel(e, kernel)))
			continue;
		removed++;
		if (!kernel || e->n_kernels == 0)
			remove_entry(recall, i);
	}
	return removed;
}

int recall_remove(struct recall *recall, const char *version, const char *const *kernels,
		  size_t n_kernels, struct error *err)
{
	if (n_kernels == 0 && remove_from(recall, version, NULL) == 0)
		return error_set(err, ERR_NOT_FOUND, "recall: %s is not withdrawn", version);
	for (size_t i = 0; i < n_kernels; i++) {
		size_t removed = remove_from(recall, version, kernels[i]);

		if (recall_lookup(recall, version, kernels[i])) {
			error_set(err, ERR_NOT_FOUND,
				  "recall: %s is withdrawn for every kernel, not only for %s",
				  version, kernels[i]);
			error_hint(err, "Without --kernel that is undone; then withdraw it for the "
					"others");
			return ERR_NOT_FOUND;
		}
		if (removed == 0)
			return error_set(err, ERR_NOT_FOUND, "recall: %s is not withdrawn for %s",
					 version, kernels[i]);
	}
	return 0;
}
