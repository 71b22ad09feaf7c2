/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal as JSON: one pair of functions for each part of it. */
#include <stdio.h>

#include "agent/journal.h"
#include "base/clock.h"
#include "base/json.h"

#define FORMAT      1
#define TIME_MS_MAX (INT64_C(1) << 52)

static const char *const action_names[] = { NULL, "load", "unload" };

/* Writing. jansson's set functions return -1 without memory and accept NULL values as failures, so
 * the results are added up. */

static int put_time(json_t *object, const char *key, int64_t time)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(time, text);
	return json_set_str(object, key, text);
}

static int put_version(json_t *object, const char *key, const struct patch_version *version)
{
	char text[PATCH_VERSION_MAX];

	if (!version)
		return json_set_str(object, key, NULL);
	patch_version_format(*version, text);
	return json_set_str(object, key, text);
}

static int put_text_or_null(json_t *object, const char *key, const char *text)
{
	return json_set_str(object, key, text[0] ? text : NULL);
}

static json_t *write_step(const struct journal_step *step)
{
	json_t *o;
	int r;

	if (step->action == JOURNAL_NONE)
		return json_null();
	o = json_object();
	r = json_set_str(o, "action", action_names[step->action]);
	r += put_version(o, "version", &step->version);
	r += json_set_str(o, "kernel", step->kernel);
	r += json_set_str(o, "module", step->module);
	r += json_set_str(o, "sha256", step->sha256);
	r += json_set_str(o, "boot_id", step->boot_id);
	r += json_object_set_new(o, "stopped", json_boolean(step->stopped));
	r += json_object_set_new(o, "length", json_integer(step->length));
	r += put_time(o, "published", step->published);
	r += put_time(o, "time", step->time);
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *write_accepted(const struct journal_accepted *accepted)
{
	json_t *o;
	int r;

	if (!accepted->present)
		return json_null();
	o = json_object();
	r = put_version(o, "version", &accepted->version);
	r += json_set_str(o, "kernel", accepted->kernel);
	r += json_set_str(o, "build_id", accepted->build_id);
	r += json_set_str(o, "module", accepted->module);
	r += json_set_str(o, "sha256", accepted->sha256);
	r += json_object_set_new(o, "length", json_integer(accepted->length));
	r += put_time(o, "published", accepted->published);
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *write_evidence(const struct journal_evidence *evidence)
{
	json_t *o, *list;
	int r = 0;

	if (evidence->time == 0)
		return json_null();
	o = json_object();
	list = json_array();
	for (size_t i = 0; i < evidence->n; i++)
		r += json_array_append_new(list, json_string(evidence->ids[i]));
	r += put_time(o, "time", evidence->time);
	r += put_time(o, "time_floor", evidence->floor);
	r += json_object_set_new(o, "known", list);
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *write_interrupted(const struct journal_interrupted *interrupted)
{
	json_t *o;
	int r;

	if (!interrupted->present)
		return json_null();
	o = json_object();
	r = put_version(o, "version", &interrupted->version);
	r += json_set_str(o, "kernel", interrupted->kernel);
	r += put_time(o, "time", interrupted->time);
	r += json_object_set_new(o, "evidence", write_evidence(&interrupted->evidence));
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *write_watch(const struct journal_watch *watch)
{
	json_t *o;
	int r;

	if (!watch->present)
		return json_null();
	o = json_object();
	r = put_version(o, "version", &watch->version);
	r += json_set_str(o, "kernel", watch->kernel);
	r += put_text_or_null(o, "boot_id", watch->boot_id);
	r += json_object_set_new(o, "began_ms", json_integer(watch->began_ms));
	r += json_object_set_new(o, "carried_ms", json_integer(watch->carried_ms));
	r += put_time(o, "since", watch->since);
	r += json_object_set_new(o, "stopped", json_boolean(watch->stopped));
	r += json_object_set_new(o, "crashed", json_boolean(watch->crashed));
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *write_log(const struct journal_log *log)
{
	json_t *o;
	int r;

	if (!log->boot_id[0])
		return json_null();
	o = json_object();
	r = json_set_str(o, "boot_id", log->boot_id);
	r += json_object_set_new(o, "next", json_integer(log->next));
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *write_survived(const struct journal *journal)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < journal->n_survived; i++) {
		json_t *o = json_object();

		r += put_version(o, "version", &journal->survived[i].version);
		r += json_set_str(o, "kernel", journal->survived[i].kernel);
		r += json_array_append_new(list, o);
	}
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *write_failure(const struct journal_failure *failure)
{
	json_t *o;
	int r;

	if (!failure->code[0])
		return json_null();
	o = json_object();
	r = json_set_str(o, "code", failure->code);
	r += json_set_str(o, "message", failure->message);
	r += json_set_str(o, "hint", failure->hint);
	r += put_time(o, "time", failure->time);
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *write_quarantine(const struct journal *journal)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < journal->n_quarantine; i++) {
		const struct journal_quarantine *q = &journal->quarantine[i];
		json_t *o = json_object();

		r += put_version(o, "version", &q->version);
		r += json_set_str(o, "kernel", q->kernel);
		r += json_set_str(o, "code", q->code);
		r += json_set_str(o, "message", q->message);
		r += put_time(o, "time", q->time);
		r += json_array_append_new(list, o);
	}
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *write_history(const struct journal *journal)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < journal->n_history; i++) {
		const struct journal_event *e = &journal->history[i];
		json_t *o = json_object();

		r += put_time(o, "time", e->time);
		r += json_set_str(o, "event", e->event);
		r += put_version(o, "version", e->has_version ? &e->version : NULL);
		r += put_text_or_null(o, "code", e->code);
		r += put_text_or_null(o, "message", e->message);
		r += json_object_set_new(o, "sent", json_boolean(e->sent));
		r += json_array_append_new(list, o);
	}
	if (r == 0)
		return list;
	json_decref(list);
	return NULL;
}

int journal_save(const struct journal *journal, const char *path, struct error *err)
{
	_cleanup_json_ json_t *o = json_object();
	int r;

	r = journal_check(journal, err);
	if (r < 0)
		return r;
	r = json_object_set_new(o, "format", json_integer(FORMAT));
	r += put_text_or_null(o, "machine_id", journal->machine_id);
	r += put_text_or_null(o, "tier", journal->tier);
	r += json_object_set_new(o, "sequence", json_integer(journal->sequence));
	r += put_time(o, "time_floor", journal->time_floor);
	r += json_set_str(o, "state", machine_state_name(journal->state));
	r += json_object_set_new(o, "step", write_step(&journal->step));
	r += json_object_set_new(o, "accepted", write_accepted(&journal->accepted));
	r += put_version(o, "avoid", journal->has_avoid ? &journal->avoid : NULL);
	r += json_object_set_new(o, "hold", json_boolean(journal->hold));
	r += json_object_set_new(o, "interrupted", write_interrupted(&journal->interrupted));
	r += json_object_set_new(o, "watch", write_watch(&journal->watch));
	r += json_object_set_new(o, "survived", write_survived(journal));
	r += json_object_set_new(o, "evidence", write_evidence(&journal->evidence));
	r += json_object_set_new(o, "log", write_log(&journal->log));
	r += json_object_set_new(o, "quarantine", write_quarantine(journal));
	r += json_object_set_new(o, "error", write_failure(&journal->failure));
	r += json_object_set_new(o, "history", write_history(journal));
	if (r != 0)
		return error_set(err, ERR_NO_MEMORY, "journal: out of memory");
	r = json_save_path(o, path, 0600, err);
	if (r == -ENOSPC || r == -EDQUOT)
		error_hint(err, "free space on the file system of %s; nothing was changed", path);
	return r;
}

/* Reading. Every getter says which field is wrong. */

static int get_text(const json_t *o, const char *key, size_t size, bool optional, char *ret,
		    struct error *err)
{
	const char *text = NULL;
	int r;

	if (optional)
		r = json_get_str_opt(o, key, size - 1, &text, err);
	else
		r = json_get_str(o, key, size - 1, &text, err);
	if (r < 0)
		return r;
	snprintf(ret, size, "%s", text ? text : "");
	return 0;
}

static int get_checked(const json_t *o, const char *key, size_t size, bool (*valid)(const char *),
		       char *ret, struct error *err)
{
	int r = get_text(o, key, size, false, ret, err);

	if (r == 0 && !valid(ret))
		return error_set(err, ERR_INVALID, "%s: bad value", key);
	return r;
}

static int get_time(const json_t *o, const char *key, int64_t *ret, struct error *err)
{
	const char *text;
	int r = json_get_str(o, key, CLOCK_TEXT_MAX, &text, err);

	if (r == 0 && clock_parse(text, ret) < 0)
		return error_set(err, ERR_INVALID, "%s: not a time", key);
	return r;
}

static int get_version(const json_t *o, const char *key, bool *ret_present,
		       struct patch_version *ret, struct error *err)
{
	const char *text;
	int r = json_get_str_opt(o, key, PATCH_VERSION_MAX, &text, err);

	if (r < 0)
		return r;
	if (!text && !ret_present)
		return error_set(err, ERR_INVALID, "%s: missing", key);
	if (ret_present)
		*ret_present = text != NULL;
	if (text && patch_version_parse(text, ret) < 0)
		return error_set(err, ERR_INVALID, "%s: not a version", key);
	return 0;
}

static bool hash_is_valid(const char *text)
{
	return hex_is_lower(text, SHA256_HEX_LEN);
}

/* Module names become part of paths below /sys. */
static bool module_is_valid(const char *text)
{
	return text[0] && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_") == strlen(text);
}

static int read_step(const json_t *o, struct journal_step *step, struct error *err)
{
	char action[16];
	int r;

	if (json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	r = get_text(o, "action", sizeof(action), false, action, err);
	if (r < 0)
		return r;
	for (int i = JOURNAL_LOAD; i <= JOURNAL_UNLOAD; i++)
		if (streq(action, action_names[i]))
			step->action = (enum journal_action)i;
	if (step->action == JOURNAL_NONE)
		return error_set(err, ERR_INVALID, "action: bad value");
	if ((r = get_version(o, "version", NULL, &step->version, err)) < 0 ||
	    (r = get_checked(o, "kernel", sizeof(step->kernel), release_is_valid, step->kernel,
			     err)) < 0 ||
	    (r = json_get_bool_opt(o, "stopped", false, &step->stopped, err)) < 0 ||
	    (r = get_checked(o, "module", sizeof(step->module), module_is_valid, step->module,
			     err)) < 0 ||
	    (r = get_checked(o, "sha256", sizeof(step->sha256), hash_is_valid, step->sha256, err)) <
		    0 ||
	    (r = get_checked(o, "boot_id", sizeof(step->boot_id), uuid_is_valid, step->boot_id,
			     err)) < 0 ||
	    (r = json_get_int(o, "length", 1, INT32_MAX, &step->length, err)) < 0 ||
	    (r = get_time(o, "published", &step->published, err)) < 0 ||
	    (r = get_time(o, "time", &step->time, err)) < 0)
		return r;
	return 0;
}

static int read_accepted(const json_t *o, struct journal_accepted *a, struct error *err)
{
	int r;

	if (json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	a->present = true;
	if ((r = get_version(o, "version", NULL, &a->version, err)) < 0 ||
	    (r = get_checked(o, "kernel", sizeof(a->kernel), release_is_valid, a->kernel, err)) <
		    0 ||
	    (r = get_checked(o, "build_id", sizeof(a->build_id), build_id_is_valid, a->build_id,
			     err)) < 0 ||
	    (r = get_checked(o, "module", sizeof(a->module), module_is_valid, a->module, err)) <
		    0 ||
	    (r = get_checked(o, "sha256", sizeof(a->sha256), hash_is_valid, a->sha256, err)) < 0 ||
	    (r = json_get_int(o, "length", 1, INT32_MAX, &a->length, err)) < 0 ||
	    (r = get_time(o, "published", &a->published, err)) < 0)
		return r;
	return 0;
}

/* `floor`: what an older journal, which does not say it, is taken to have had. */
static int read_evidence(const json_t *o, int64_t floor, struct journal_evidence *e,
			 struct error *err)
{
	json_t *list, *item;
	size_t i;
	int r;

	if (!o || json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	e->floor = floor;
	if (json_object_get(o, "time_floor") && (r = get_time(o, "time_floor", &e->floor, err)) < 0)
		return r;
	if ((r = get_time(o, "time", &e->time, err)) < 0 ||
	    (r = json_get_array(o, "known", JOURNAL_EVIDENCE, &list, err)) < 0)
		return r;
	json_array_foreach (list, i, item) {
		const char *id = json_string_value(item);

		if (!id || !hex_is_lower(id, JOURNAL_EVIDENCE_ID - 1))
			return error_set(err, ERR_INVALID, "known: bad value");
		memcpy(e->ids[e->n++], id, JOURNAL_EVIDENCE_ID);
	}
	return 0;
}

static int read_interrupted(const json_t *o, const struct journal *journal,
			    struct journal_interrupted *i, struct error *err)
{
	const json_t *evidence;
	int r;

	if (!o || json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	i->present = true;
	if ((r = get_version(o, "version", NULL, &i->version, err)) < 0 ||
	    (r = get_checked(o, "kernel", sizeof(i->kernel), release_is_valid, i->kernel, err)) <
		    0 ||
	    (r = get_time(o, "time", &i->time, err)) < 0)
		return r;
	evidence = json_object_get(o, "evidence");
	if (evidence)
		return read_evidence(evidence, journal->time_floor, &i->evidence, err);
	/* An older journal knows that of the last load only. */
	i->evidence = journal->evidence;
	return 0;
}

static int read_watch(const json_t *o, struct journal_watch *w, struct error *err)
{
	int r;

	if (!o || json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	w->present = true;
	if ((r = get_version(o, "version", NULL, &w->version, err)) < 0 ||
	    (r = get_checked(o, "kernel", sizeof(w->kernel), release_is_valid, w->kernel, err)) <
		    0 ||
	    (r = get_text(o, "boot_id", sizeof(w->boot_id), true, w->boot_id, err)) < 0 ||
	    (r = json_get_int(o, "began_ms", 0, TIME_MS_MAX, &w->began_ms, err)) < 0 ||
	    (r = json_get_int(o, "carried_ms", 0, TIME_MS_MAX, &w->carried_ms, err)) < 0 ||
	    (r = get_time(o, "since", &w->since, err)) < 0 ||
	    (r = json_get_bool_opt(o, "stopped", false, &w->stopped, err)) < 0 ||
	    (r = json_get_bool_opt(o, "crashed", false, &w->crashed, err)) < 0)
		return r;
	if (w->boot_id[0] && !uuid_is_valid(w->boot_id))
		return error_set(err, ERR_INVALID, "boot_id: not a UUID");
	return 0;
}

static int read_log(const json_t *o, struct journal_log *log, struct error *err)
{
	int r;

	if (!o || json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	r = get_checked(o, "boot_id", sizeof(log->boot_id), uuid_is_valid, log->boot_id, err);
	return r < 0 ? r : json_get_int(o, "next", 0, INT64_MAX - 1, &log->next, err);
}

static int read_survived(const json_t *root, struct journal *journal, struct error *err)
{
	json_t *list, *o;
	size_t i;
	int r;

	/* A journal from before there were watches. */
	if (!json_object_get(root, "survived"))
		return 0;
	r = json_get_array(root, "survived", JOURNAL_SURVIVED, &list, err);
	if (r < 0)
		return r;
	json_array_foreach (list, i, o) {
		struct journal_survived *s = &journal->survived[i];

		if ((r = get_version(o, "version", NULL, &s->version, err)) < 0 ||
		    (r = get_checked(o, "kernel", sizeof(s->kernel), release_is_valid, s->kernel,
				     err)) < 0)
			return r;
		journal->n_survived++;
	}
	return 0;
}

static int read_failure(const json_t *o, struct journal_failure *f, struct error *err)
{
	int r;

	if (json_is_null(o))
		return 0;
	if (!json_is_object(o))
		return error_set(err, ERR_INVALID, "not an object");
	if ((r = get_text(o, "code", sizeof(f->code), false, f->code, err)) < 0 ||
	    (r = get_text(o, "message", sizeof(f->message), false, f->message, err)) < 0 ||
	    (r = get_text(o, "hint", sizeof(f->hint), true, f->hint, err)) < 0 ||
	    (r = get_time(o, "time", &f->time, err)) < 0)
		return r;
	return 0;
}

static int read_quarantine(const json_t *root, struct journal *journal, struct error *err)
{
	json_t *list, *o;
	size_t i;
	int r;

	r = json_get_array(root, "quarantine", JOURNAL_QUARANTINE, &list, err);
	if (r < 0)
		return r;
	json_array_foreach (list, i, o) {
		struct journal_quarantine *q = &journal->quarantine[i];

		if ((r = get_version(o, "version", NULL, &q->version, err)) < 0 ||
		    (r = get_checked(o, "kernel", sizeof(q->kernel), release_is_valid, q->kernel,
				     err)) < 0 ||
		    (r = get_text(o, "code", sizeof(q->code), false, q->code, err)) < 0 ||
		    (r = get_text(o, "message", sizeof(q->message), true, q->message, err)) < 0 ||
		    (r = get_time(o, "time", &q->time, err)) < 0)
			return r;
		journal->n_quarantine++;
	}
	return 0;
}

static int read_history(const json_t *root, struct journal *journal, struct error *err)
{
	json_t *list, *o;
	size_t i;
	int r;

	r = json_get_array(root, "history", JOURNAL_HISTORY, &list, err);
	if (r < 0)
		return r;
	json_array_foreach (list, i, o) {
		struct journal_event *e = &journal->history[i];

		if ((r = get_time(o, "time", &e->time, err)) < 0 ||
		    (r = get_text(o, "event", sizeof(e->event), false, e->event, err)) < 0 ||
		    (r = get_version(o, "version", &e->has_version, &e->version, err)) < 0 ||
		    (r = get_text(o, "code", sizeof(e->code), true, e->code, err)) < 0 ||
		    (r = get_text(o, "message", sizeof(e->message), true, e->message, err)) < 0 ||
		    (r = json_get_bool_opt(o, "sent", false, &e->sent, err)) < 0)
			return r;
		journal->n_history++;
	}
	return 0;
}

static int read_scalars(const json_t *root, struct journal *journal, struct error *err)
{
	char state[32];
	int64_t format;
	int r;

	r = json_get_int(root, "format", 1, INT32_MAX, &format, err);
	if (r < 0)
		return r;
	if (format != FORMAT)
		return error_set(err, ERR_UNSUPPORTED, "written by a newer version (format %lld)",
				 (long long)format);
	if ((r = get_text(root, "machine_id", sizeof(journal->machine_id), true,
			  journal->machine_id, err)) < 0 ||
	    (r = get_text(root, "tier", sizeof(journal->tier), true, journal->tier, err)) < 0 ||
	    (r = json_get_int(root, "sequence", 0, INT64_MAX - 1, &journal->sequence, err)) < 0 ||
	    (r = get_time(root, "time_floor", &journal->time_floor, err)) < 0 ||
	    (r = get_text(root, "state", sizeof(state), false, state, err)) < 0 ||
	    (r = get_version(root, "avoid", &journal->has_avoid, &journal->avoid, err)) < 0 ||
	    (r = json_get_bool_opt(root, "hold", false, &journal->hold, err)) < 0)
		return r;
	if (journal->machine_id[0] && !uuid_is_valid(journal->machine_id))
		return error_set(err, ERR_INVALID, "machine_id: not a UUID");
	if (journal->tier[0] && !tier_is_valid(journal->tier))
		return error_set(err, ERR_INVALID, "tier: bad value");
	if (machine_state_parse(state, &journal->state) < 0)
		return error_set(err, ERR_INVALID, "state: unknown: %s", state);
	return 0;
}

static int read_parts(const json_t *root, struct journal *journal, struct error *err)
{
	int r;

	r = read_step(json_object_get(root, "step"), &journal->step, err);
	if (r < 0)
		return error_prefix(err, r, "step");
	r = read_accepted(json_object_get(root, "accepted"), &journal->accepted, err);
	if (r < 0)
		return error_prefix(err, r, "accepted");
	r = read_evidence(json_object_get(root, "evidence"), journal->time_floor,
			  &journal->evidence, err);
	if (r < 0)
		return error_prefix(err, r, "evidence");
	r = read_interrupted(json_object_get(root, "interrupted"), journal, &journal->interrupted,
			     err);
	if (r < 0)
		return error_prefix(err, r, "interrupted");
	r = read_watch(json_object_get(root, "watch"), &journal->watch, err);
	if (r < 0)
		return error_prefix(err, r, "watch");
	r = read_log(json_object_get(root, "log"), &journal->log, err);
	if (r < 0)
		return error_prefix(err, r, "log");
	r = read_failure(json_object_get(root, "error"), &journal->failure, err);
	return r < 0 ? error_prefix(err, r, "error") : 0;
}

int journal_parse(const void *data, size_t len, struct journal **ret, struct error *err)
{
	_cleanup_json_ json_t *root = NULL;
	_cleanup_free_ struct journal *journal = journal_new();
	int r;

	if (!journal)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = json_parse(data, len, &root, err);
	if (r < 0)
		return r;
	if ((r = read_scalars(root, journal, err)) < 0 ||
	    (r = read_parts(root, journal, err)) < 0 ||
	    (r = read_survived(root, journal, err)) < 0 ||
	    (r = read_quarantine(root, journal, err)) < 0 ||
	    (r = read_history(root, journal, err)) < 0 || (r = journal_check(journal, err)) < 0)
		return r;
	*ret = TAKE_PTR(journal);
	return 0;
}
