/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/record.h"

#include "base/json.h"
#include "wire/field.h"

#define FORMAT 1

static void free_strings(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void free_files(struct record_file *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].name);
	free(list);
}

static void free_object(struct record_object *object)
{
	for (size_t i = 0; i < object->n_functions; i++) {
		free(object->functions[i].name);
		free(object->functions[i].mask);
	}
	free(object->functions);
}

void record_free(struct record *record)
{
	if (!record)
		return;
	for (size_t i = 0; i < record->n_objects; i++)
		free_object(&record->objects[i]);
	free(record->objects);
	free_files(record->patches, record->n_patches);
	free_files(record->inputs, record->n_inputs);
	free(record->states);
	free_strings(record->cves, record->n_cves);
	free_strings(record->new_functions, record->n_new_functions);
	free(record);
}

/* Reading. Counts rise with each element, so that record_free() works at any point. */

static bool hash_is_valid(const char *text)
{
	return hex_is_lower(text, SHA256_HEX_LEN);
}

/* A module's name, or "vmlinux": it becomes part of paths below /sys. */
static bool object_name_is_valid(const char *text)
{
	return text[0] && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_") == strlen(text);
}

/* Symbols of the kernel: any visible ASCII. */
static bool symbol_is_valid(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return text[0] != 0;
}

static bool file_name_is_valid(const char *text)
{
	return !strchr(text, '/') && !streq(text, "..") && !streq(text, ".");
}

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* A string of an array of strings, checked and copied. */
static int copy_item(const json_t *item, size_t max, bool (*valid)(const char *), char **ret,
		     struct error *err)
{
	const char *text = json_string_value(item);

	if (!text || json_string_length(item) > max || strlen(text) != json_string_length(item) ||
	    !valid(text))
		return error_set(err, ERR_INVALID, "bad name");
	*ret = strdup(text);
	return *ret ? 0 : no_memory(err);
}

static int parse_strings(const json_t *o, const char *key, size_t max_items, size_t max_len,
			 bool (*valid)(const char *), char ***ret, size_t *ret_n, struct error *err)
{
	json_t *list, *item;
	size_t i;
	int r;

	r = json_get_array(o, key, max_items, &list, err);
	if (r < 0)
		return r;
	*ret = calloc(json_array_size(list) + 1, sizeof(**ret));
	if (!*ret)
		return no_memory(err);
	json_array_foreach (list, i, item) {
		r = copy_item(item, max_len, valid, &(*ret)[i], err);
		if (r < 0)
			return error_prefix(err, r, "%s", key);
		(*ret_n)++;
	}
	return 0;
}

static int parse_mask(const json_t *o, struct record_function *f, struct error *err)
{
	json_t *list, *pair;
	uint64_t free_from = 0; /* the next interval may start here; no two touch */
	size_t i;
	int r;

	r = json_get_array(o, "mask", RECORD_MASKS_MAX, &list, err);
	if (r < 0)
		return r;
	f->mask = calloc(json_array_size(list) + 1, sizeof(*f->mask));
	if (!f->mask)
		return no_memory(err);
	json_array_foreach (list, i, pair) {
		json_t *offset = json_array_get(pair, 0), *length = json_array_get(pair, 1);
		json_int_t a, n;

		if (json_array_size(pair) != 2 || !json_is_integer(offset) ||
		    !json_is_integer(length))
			return error_set(err, ERR_INVALID, "mask: not [offset, length]");
		a = json_integer_value(offset);
		n = json_integer_value(length);
		if (a < 0 || n < 1 || a > f->size || n > f->size - a || (uint64_t)a < free_from)
			return error_set(err, ERR_INVALID, "mask: not ascending within the size");
		f->mask[i] = (struct record_mask){ .offset = (uint32_t)a, .length = (uint32_t)n };
		f->n_mask++;
		free_from = (uint64_t)(a + n) + 1;
	}
	return 0;
}

static int parse_function(const json_t *o, struct record_function *f, struct error *err)
{
	int64_t sympos, size;
	int r;

	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	r = copy_item(json_object_get(o, "name"), RECORD_SYMBOL_MAX, symbol_is_valid, &f->name,
		      err);
	if (r < 0)
		return error_prefix(err, r, "name");
	if ((r = json_get_int(o, "sympos", 0, RECORD_SYMPOS_MAX, &sympos, err)) < 0 ||
	    (r = json_get_int(o, "size", 1, RECORD_FUNCTION_SIZE_MAX, &size, err)) < 0 ||
	    (r = field_name(o, "sha256", hash_is_valid, sizeof(f->sha256), f->sha256, err)) < 0)
		return r;
	f->sympos = (uint32_t)sympos;
	f->size = (uint32_t)size;
	return parse_mask(o, f, err);
}

static int parse_object(const json_t *o, struct record_object *object, struct error *err)
{
	json_t *list, *item;
	size_t i;
	int r;

	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	if ((r = field_name(o, "name", object_name_is_valid, sizeof(object->name), object->name,
			    err)) < 0 ||
	    (r = field_name(o, "build_id", build_id_is_valid, sizeof(object->build_id),
			    object->build_id, err)) < 0 ||
	    (r = json_get_array(o, "functions", RECORD_FUNCTIONS_MAX, &list, err)) < 0)
		return r;
	if (!json_is_boolean(json_object_get(o, "callbacks")))
		return error_set(err, ERR_INVALID, "callbacks: not a boolean");
	object->callbacks = json_is_true(json_object_get(o, "callbacks"));
	if (json_array_size(list) == 0 && !object->callbacks)
		return error_set(err, ERR_INVALID, "functions: empty");
	object->functions = calloc(json_array_size(list) + 1, sizeof(*object->functions));
	if (!object->functions)
		return no_memory(err);
	json_array_foreach (list, i, item) {
		object->n_functions++;
		r = parse_function(item, &object->functions[i], err);
		if (r < 0)
			return error_prefix(err, r, "functions[%zu]", i);
	}
	return 0;
}

static int parse_objects(const json_t *o, struct record *record, struct error *err)
{
	json_t *list, *item;
	size_t i;
	int r;

	r = json_get_array(o, "objects", RECORD_OBJECTS_MAX, &list, err);
	if (r < 0)
		return r;
	if (json_array_size(list) == 0)
		return error_set(err, ERR_INVALID, "objects: empty");
	record->objects = calloc(json_array_size(list), sizeof(*record->objects));
	if (!record->objects)
		return no_memory(err);
	json_array_foreach (list, i, item) {
		record->n_objects++;
		r = parse_object(item, &record->objects[i], err);
		if (r < 0)
			return error_prefix(err, r, "objects[%zu]", i);
	}
	return 0;
}

static int parse_states(const json_t *o, struct record *record, struct error *err)
{
	json_t *list, *item;
	size_t i;
	int r;

	r = json_get_array(o, "states", RECORD_STATES_MAX, &list, err);
	if (r < 0)
		return r;
	record->states = calloc(json_array_size(list) + 1, sizeof(*record->states));
	if (!record->states)
		return no_memory(err);
	json_array_foreach (list, i, item) {
		struct record_state *s = &record->states[record->n_states];
		int64_t version;

		if (!json_is_object(item))
			return error_set(err, ERR_INVALID, "states[%zu]: not an object", i);
		r = json_get_int(item, "id", 1, RECORD_STATE_ID_MAX, &s->id, err);
		if (r == 0)
			r = json_get_int(item, "version", 0, UINT32_MAX, &version, err);
		if (r < 0)
			return error_prefix(err, r, "states[%zu]", i);
		for (size_t k = 0; k < i; k++)
			if (record->states[k].id == s->id)
				return error_set(err, ERR_INVALID, "states[%zu]: is there twice",
						 i);
		s->version = (uint32_t)version;
		record->n_states++;
	}
	return 0;
}

bool record_has_effects(const struct record *record)
{
	for (size_t i = 0; i < record->n_objects; i++)
		if (record->objects[i].callbacks)
			return true;
	return record->n_states > 0;
}

/* A list of {"name", "sha256"}. */
static int parse_files(const json_t *o, const char *key, size_t max_items, size_t max_len,
		       bool (*valid)(const char *), struct record_file **ret, size_t *ret_n,
		       struct error *err)
{
	json_t *list, *item;
	size_t i;
	int r;

	r = json_get_array(o, key, max_items, &list, err);
	if (r < 0)
		return r;
	*ret = calloc(json_array_size(list) + 1, sizeof(**ret));
	if (!*ret)
		return no_memory(err);
	json_array_foreach (list, i, item) {
		struct record_file *f = &(*ret)[i];

		(*ret_n)++;
		r = copy_item(json_object_get(item, "name"), max_len, valid, &f->name, err);
		if (r == 0)
			r = field_name(item, "sha256", hash_is_valid, sizeof(f->sha256), f->sha256,
				       err);
		if (r < 0)
			return error_prefix(err, r, "%s[%zu]", key, i);
	}
	return 0;
}

static int parse_inputs(const json_t *o, struct record *record, struct error *err)
{
	int r = parse_files(o, "patches", RECORD_PATCHES_MAX, RECORD_TEXT_MAX, file_name_is_valid,
			    &record->patches, &record->n_patches, err);

	if (r < 0)
		return r;
	if (record->n_patches == 0)
		return error_set(err, ERR_INVALID, "patches: empty");
	return parse_files(o, "inputs", RECORD_INPUTS_MAX, RECORD_INPUT_NAME_MAX, symbol_is_valid,
			   &record->inputs, &record->n_inputs, err);
}

#define NAME(field, valid) field_name(o, #field, valid, sizeof(record->field), record->field, err)
#define TEXT(field)        field_text(o, #field, 1, sizeof(record->field), record->field, err)

/* What a code record has too. */
static int parse_code(const json_t *o, struct record *record, struct error *err)
{
	int64_t format;
	json_t *run_pre;
	int r;

	r = json_get_int(o, "format", 1, INT32_MAX, &format, err);
	if (r < 0)
		return r;
	if (format != FORMAT)
		return error_set(err, ERR_UNSUPPORTED, "format %lld is newer than this program",
				 (long long)format);
	if ((r = NAME(kernel, release_is_valid)) < 0 ||
	    (r = NAME(build_id, build_id_is_valid)) < 0 ||
	    (r = json_get_object(o, "run_pre", 64, &run_pre, err)) < 0 ||
	    (r = json_get_int(run_pre, "compared", 0, INT32_MAX, &record->compared, err)) < 0 ||
	    (r = json_get_int(run_pre, "equal", 0, record->compared, &record->equal, err)) < 0)
		return r;
	return parse_objects(o, record, err);
}

static int parse_scalars(const json_t *o, struct record *record, struct error *err)
{
	int r;

	if ((r = NAME(version, version_text_is_valid)) < 0 ||
	    (r = NAME(module, object_name_is_valid)) < 0 ||
	    (r = NAME(module_sha256, hash_is_valid)) < 0 ||
	    (r = NAME(severity, severity_is_valid)) < 0 || (r = TEXT(vermagic)) < 0 ||
	    (r = TEXT(compiler)) < 0 || (r = TEXT(tool)) < 0)
		return r;
	return 0;
}

int record_parse(const void *data, size_t len, struct record **ret, struct error *err)
{
	_cleanup_json_ json_t *o = NULL;
	_cleanup_record_ struct record *record = calloc(1, sizeof(*record));
	int r;

	if (!record)
		return no_memory(err);
	if ((r = field_parse_object(data, len, RECORD_MAX, &o, err)) < 0 ||
	    (r = parse_code(o, record, err)) < 0 || (r = parse_scalars(o, record, err)) < 0 ||
	    (r = parse_states(o, record, err)) < 0 || (r = parse_inputs(o, record, err)) < 0 ||
	    (r = parse_strings(o, "cves", RECORD_CVES_MAX, CVE_MAX, cve_is_valid, &record->cves,
			       &record->n_cves, err)) < 0)
		return r;
	r = parse_strings(o, "new_functions", RECORD_NEW_FUNCTIONS_MAX, RECORD_SYMBOL_MAX,
			  symbol_is_valid, &record->new_functions, &record->n_new_functions, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(record);
	return 0;
}

int record_parse_code(const void *data, size_t len, struct record **ret, struct error *err)
{
	_cleanup_json_ json_t *o = NULL;
	_cleanup_record_ struct record *record = calloc(1, sizeof(*record));
	int r;

	if (!record)
		return no_memory(err);
	r = field_parse_object(data, len, RECORD_MAX, &o, err);
	if (r == 0)
		r = parse_code(o, record, err);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(record);
	return 0;
}

/* Writing. What cannot be represented makes jansson fail, and what breaks a bound is found by
 * parsing the result. */

/* Appends to a list, and frees the whole list (*list is NULL then) rather than leave an entry out.
 */
static void append(json_t **list, json_t *entry)
{
	/* Without a list it frees the entry and fails. */
	if (json_array_append_new(*list, entry) == 0)
		return;
	json_decref(*list);
	*list = NULL;
}

static json_t *write_strings(char *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		append(&array, json_string(list[i]));
	return array;
}

static json_t *write_function(const struct record_function *f)
{
	json_t *mask = json_array();

	for (size_t i = 0; i < f->n_mask; i++)
		append(&mask, json_pack("[II]", (json_int_t)f->mask[i].offset,
					(json_int_t)f->mask[i].length));
	return json_pack("{sssIsIsoss}", "name", f->name, "sympos", (json_int_t)f->sympos, "size",
			 (json_int_t)f->size, "mask", mask, "sha256", f->sha256);
}

static json_t *write_objects(const struct record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->n_objects; i++) {
		const struct record_object *object = &record->objects[i];
		json_t *functions = json_array();

		for (size_t j = 0; j < object->n_functions; j++)
			append(&functions, write_function(&object->functions[j]));
		append(&list,
		       json_pack("{sssssosb}", "name", object->name, "build_id", object->build_id,
				 "functions", functions, "callbacks", object->callbacks));
	}
	return list;
}

static json_t *write_states(const struct record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->n_states; i++)
		append(&list, json_pack("{sIsI}", "id", (json_int_t)record->states[i].id, "version",
					(json_int_t)record->states[i].version));
	return list;
}

static json_t *write_files(const struct record_file *files, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		append(&list,
		       json_pack("{ssss}", "name", files[i].name, "sha256", files[i].sha256));
	return list;
}

/* What only a build record has: about the patch. */
static int write_patch(const struct record *record, json_t *o)
{
	int r = json_set_str(o, "version", record->version);

	r += json_set_str(o, "module", record->module);
	r += json_set_str(o, "vermagic", record->vermagic);
	r += json_set_str(o, "module_sha256", record->module_sha256);
	r += json_set_str(o, "severity", record->severity);
	r += json_object_set_new(o, "cves", write_strings(record->cves, record->n_cves));
	r += json_object_set_new(o, "states", write_states(record));
	r += json_object_set_new(o, "new_functions",
				 write_strings(record->new_functions, record->n_new_functions));
	r += json_object_set_new(o, "patches", write_files(record->patches, record->n_patches));
	r += json_object_set_new(o, "inputs", write_files(record->inputs, record->n_inputs));
	r += json_set_str(o, "compiler", record->compiler);
	r += json_set_str(o, "tool", record->tool);
	return r;
}

/* What both have: about the code. */
static int write_fields(const struct record *record, bool whole, json_t *o)
{
	int r = json_object_set_new(o, "format", json_integer(FORMAT));

	r += json_set_str(o, "kernel", record->kernel);
	r += json_set_str(o, "build_id", record->build_id);
	if (whole)
		r += write_patch(record, o);
	r += json_object_set_new(o, "objects", write_objects(record));
	r += json_object_set_new(o, "run_pre",
				 json_pack("{sIsI}", "compared", (json_int_t)record->compared,
					   "equal", (json_int_t)record->equal));
	return r;
}

/* One of the two kinds: what its own reader takes, and nothing else, is appended to `out`. */
static int write_kind(const struct record *record, bool whole, struct buf *out, struct error *err)
{
	const char *what = whole ? "build record" : "code record";
	_cleanup_json_ json_t *o = json_object();
	_cleanup_buf_ struct buf text = BUF_INIT(RECORD_MAX);
	_cleanup_record_ struct record *again = NULL;
	int r = write_fields(record, whole, o);

	if (r != 0)
		return error_set(err, ERR_INVALID, "%s: not UTF-8, or out of memory", what);
	r = whole ? json_append_pretty(o, &text) : json_append(o, &text);
	if (r < 0)
		return error_set(err, r, "%s: over %zu bytes", what, RECORD_MAX);
	r = whole ? record_parse(text.data, text.len, &again, err)
		  : record_parse_code(text.data, text.len, &again, err);
	if (r < 0)
		return error_prefix(err, r, "%s", what);
	r = buf_append(out, text.data, text.len);
	return r < 0 ? error_set(err, r, "%s: does not fit", what) : 0;
}

int record_write(const struct record *record, struct buf *out, struct error *err)
{
	return write_kind(record, true, out, err);
}

int record_write_code(const struct record *record, struct buf *out, struct error *err)
{
	return write_kind(record, false, out, err);
}

int record_code_sha256(const struct record *record, char ret[static SHA256_HEX_LEN + 1],
		       struct error *err)
{
	_cleanup_json_ json_t *o = json_object();
	_cleanup_buf_ struct buf text = BUF_INIT(RECORD_MAX);
	int r = json_set_str(o, "kernel", record->kernel);

	r += json_set_str(o, "build_id", record->build_id);
	r += json_object_set_new(o, "objects", write_objects(record));
	r += json_object_set_new(o, "states", write_states(record));
	if (r != 0)
		return error_set(err, ERR_INVALID, "build record: not UTF-8, or out of memory");
	r = json_append_sorted(o, &text);
	if (r < 0)
		return error_set(err, r, "build record: over %zu bytes", RECORD_MAX);
	r = hash_sha256_hex(text.data, text.len, ret);
	return r < 0 ? error_set(err, r, "out of memory") : 0;
}

int record_check_code(const struct record *record, const char *said, struct error *err)
{
	char sha256[SHA256_HEX_LEN + 1];
	int r = record_code_sha256(record, sha256, err);

	if (r < 0)
		return r;
	if (said && streq(said, sha256))
		return 0;
	error_set(err, ERR_HASH,
		  said ? "module %s was signed for code that its build record does not describe"
		       : "module %s does not say what code it was made for",
		  record->module);
	error_hint(err, "take module and record of one run of suture-build, as it wrote them");
	return ERR_HASH;
}
