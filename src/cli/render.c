/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/render.h"

#include "wire/event.h"

#define YAML_DEPTH_MAX 64

int render_exit_status(const json_t *status)
{
	const json_t *value = json_object_get(status, "exit_status");
	json_int_t number = json_is_integer(value) ? json_integer_value(value) : 1;

	return number >= 0 && number <= 8 && number != 2 ? (int)number : 1;
}

const char *render_exit_meaning(int exit_status)
{
	switch (exit_status) {
	case 0: return "protected";
	case 1: return "not known yet";
	case 3: return "not enabled";
	case 4: return "a newer patch waits";
	case 5: return "applying";
	case 6: return "failed";
	case 7: return "kernel not covered";
	case 8: return "reboot needed";
	default: return "unknown";
	}
}

static const char *text_of(const json_t *o, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : fallback;
}

/* One "name:  value" line; the names are aligned. Left out when the value is NULL. */
static int line(struct buf *out, const char *name, const char *value)
{
	return value ? buf_printf(out, "%-12s %s\n", name, value) : 0;
}

static int render_failure(const json_t *failure, const char *name, struct buf *out)
{
	const char *code = text_of(failure, "code", NULL), *hint = text_of(failure, "hint", "");
	int r;

	if (!code)
		return 0;
	r = buf_printf(out, "%-12s %s (%s)\n", name, text_of(failure, "message", ""), code);
	if (r == 0 && hint[0])
		r = line(out, "hint:", hint);
	return r;
}

static int render_check(const json_t *check, struct buf *out)
{
	int r;

	if (!json_is_object(check))
		return line(out, "last check:", "never");
	r = buf_printf(out, "%-12s %s, %s\n", "last check:", text_of(check, "time", "?"),
		       json_is_true(json_object_get(check, "ok")) ? "succeeded" : "failed");
	if (r == 0 && !json_is_true(json_object_get(check, "ok")))
		r = render_failure(check, "reason:", out);
	return r;
}

/* Nothing new is accepted on expired metadata; what is applied does not depend on it. */
static int render_metadata(const json_t *metadata, enum render_detail detail, struct buf *out)
{
	const char *expires = text_of(metadata, "expires", NULL);
	const char *role = text_of(metadata, "role", "?");
	int r;

	if (!expires)
		return 0;
	if (!json_is_true(json_object_get(metadata, "expired")))
		return detail == RENDER_VERBOSE ? buf_printf(out, "%-12s valid until %s (%s)\n",
							     "metadata:", expires, role)
						: 0;
	r = buf_printf(out, "%-12s expired since %s (%s)\n", "metadata:", expires, role);
	return r < 0 ? r : line(out, "", "no new patch is accepted; what is applied stays");
}

/* A transition that is under way, as far as sutured has counted. */
static int render_transition(const json_t *transition, struct buf *out)
{
	const json_t *tasks = json_object_get(transition, "tasks");
	const json_t *changed = json_object_get(transition, "changed");
	int r;

	if (!json_is_object(transition))
		return 0;
	r = buf_printf(out, "%-12s %s the patch, since %s", "transition:",
		       json_integer_value(json_object_get(transition, "target")) ? "into"
										 : "out of",
		       text_of(transition, "since", "?"));
	if (r == 0 && json_is_integer(tasks) && json_is_integer(changed))
		r = buf_printf(out, ", %lld of %lld tasks have changed",
			       (long long)json_integer_value(changed),
			       (long long)json_integer_value(tasks));
	return r == 0 ? buf_append_str(out, "\n") : r;
}

static int render_patch(const json_t *status, struct buf *out)
{
	const char *version = text_of(status, "version", NULL);
	const char *since = text_of(status, "applied_at", NULL);
	int r;

	if (!version)
		r = line(out, "patch:", "none");
	else if (since)
		r = buf_printf(out, "%-12s %s, since %s\n", "patch:", version, since);
	else
		r = line(out, "patch:", version);
	if (r == 0)
		r = line(out, "available:", text_of(status, "available", NULL));
	if (r == 0 && json_is_false(json_object_get(status, "covered")))
		r = line(out, "covered:", "no: the tier lists nothing for this kernel");
	if (r == 0 && json_is_object(json_object_get(status, "watch")))
		r = line(out,
			 "watch:", "it is new on this kernel: a crash would be held against it");
	if (r == 0 && json_is_true(json_object_get(status, "hold")))
		r = line(out, "hold:", "yes: new versions wait for `suture unhold`");
	if (r == 0 && text_of(status, "avoid", NULL))
		r = buf_printf(out, "%-12s %s and below wait for `suture unhold`\n",
			       "taken back:", text_of(status, "avoid", ""));
	return r;
}

static int render_names(const json_t *list, const char *name, struct buf *out)
{
	size_t i;
	json_t *item;
	int r = 0;

	json_array_foreach ((json_t *)list, i, item) {
		const char *text = json_is_object(item) ? text_of(item, "name", NULL)
							: json_string_value(item);
		const char *object = text_of(item, "object", NULL);

		if (!text || r < 0)
			continue;
		r = object ? buf_printf(out, "%-12s %s (%s)\n", i ? "" : name, text, object)
			   : line(out, i ? "" : name, text);
	}
	return r;
}

static int render_verbose(const json_t *status, struct buf *out)
{
	int r = 0;

	if ((r = line(out, "build ID:", text_of(status, "build_id", NULL))) < 0 ||
	    (r = line(out, "machine ID:", text_of(status, "machine_id", NULL))) < 0 ||
	    (r = line(out, "code check:", text_of(status, "code_check", NULL))) < 0 ||
	    (r = line(out, "booted:", text_of(status, "boot_time", NULL))) < 0 ||
	    (r = line(out, "agent:", text_of(status, "agent", NULL))) < 0 ||
	    (r = render_names(json_object_get(status, "functions"), "functions:", out)) < 0)
		return r;
	return render_names(json_object_get(status, "cves"), "CVEs fixed:", out);
}

int render_status(const json_t *status, enum render_detail detail, struct buf *out)
{
	const char *meaning = render_exit_meaning(render_exit_status(status));
	const char *version = text_of(status, "version", NULL);
	int r;

	if (detail == RENDER_SUMMARY)
		return buf_printf(out, "suture: %s%s%s%s\n", meaning, version ? " (" : "",
				  version ? version : "", version ? ")" : "");
	r = buf_printf(out, "%-12s %s (%s)\n", "state:", text_of(status, "state", "unknown"),
		       meaning);
	if (r < 0 || (r = line(out, "kernel:", text_of(status, "kernel", "unknown"))) < 0 ||
	    (r = render_patch(status, out)) < 0 ||
	    (r = render_transition(json_object_get(status, "transition"), out)) < 0)
		return r;
	if ((r = line(out, "tier:", text_of(status, "tier", NULL))) < 0 ||
	    (r = line(out, "server:", text_of(status, "server", NULL))) < 0 ||
	    (r = render_check(json_object_get(status, "last_check"), out)) < 0 ||
	    (r = render_metadata(json_object_get(status, "metadata"), detail, out)) < 0 ||
	    (r = render_failure(json_object_get(status, "error"), "error:", out)) < 0)
		return r;
	return detail == RENDER_VERBOSE ? render_verbose(status, out) : 0;
}

int render_event(const json_t *event, struct buf *out)
{
	const char *word = text_of(event, "event", "");
	const char *meaning = event_meaning(word), *message = text_of(event, "message", "");

	return buf_printf(out, "%s  %-12s %-8s %s%s%s\n", text_of(event, "time", ""), word,
			  text_of(event, "version", ""), meaning,
			  meaning[0] && message[0] ? ": " : "", message);
}

static int yaml_scalar(const json_t *value, struct buf *out)
{
	/* A JSON scalar is a YAML scalar. */
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	int r;

	if (!text)
		return ERR_NO_MEMORY;
	r = buf_printf(out, "%s\n", text);
	free(text);
	return r;
}

static int yaml_value(const json_t *value, unsigned int depth, bool in_list, struct buf *out);

static int yaml_object(const json_t *value, unsigned int depth, bool in_list, struct buf *out)
{
	const char *key;
	json_t *item;
	bool first = in_list; /* the first key stands behind the "- " */
	int r = 0;

	json_object_foreach ((json_t *)value, key, item) {
		bool nested = json_is_object(item) ? json_object_size(item) > 0
						   : json_array_size(item) > 0;

		if ((r = buf_printf(out, "%*s%s:%s", first ? 0 : (int)depth * 2, "", key,
				    nested ? "\n" : " ")) < 0 ||
		    (r = yaml_value(item, depth + 1, false, out)) < 0)
			return r;
		first = false;
	}
	return r;
}

static int yaml_array(const json_t *value, unsigned int depth, struct buf *out)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach ((json_t *)value, i, item) {
		if ((r = buf_printf(out, "%*s- ", (int)depth * 2, "")) < 0 ||
		    (r = yaml_value(item, depth + 1, true, out)) < 0)
			return r;
	}
	return r;
}

static int yaml_value(const json_t *value, unsigned int depth, bool in_list, struct buf *out)
{
	if (depth > YAML_DEPTH_MAX)
		return ERR_TOO_LARGE;
	if (json_is_object(value) && json_object_size(value))
		return yaml_object(value, depth, in_list, out);
	if (json_is_array(value) && json_array_size(value)) {
		int r = in_list ? buf_append_str(out, "\n") : 0;

		return r < 0 ? r : yaml_array(value, depth, out);
	}
	return yaml_scalar(value, out);
}

int render_yaml(const json_t *value, struct buf *out)
{
	return yaml_value(value, 0, false, out);
}
