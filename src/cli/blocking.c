/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/blocking.h"

#include <libsmartcols.h>
#include <stdio.h>

#define CELL_MAX KERNEL_STACK_MAX

DEFINE_CLEANUP(struct libscols_table *, scols_unref_table);

/* ---- Text ---- */

static const char *state_name(char state)
{
	switch (state) {
	case 'R': return "running";
	case 'S': return "sleeping";
	case 'D': return "uninterruptible";
	case 'T': return "stopped";
	case 't': return "traced";
	case 'Z': return "zombie";
	case 'I': return "idle";
	default: return "unknown";
	}
}

static void list_functions(const struct kernel_blocker *blocker, char *ret, size_t size)
{
	size_t n = 0;

	snprintf(ret, size, "%s", blocker->stack ? "none" : "not known");
	for (size_t i = 0; i < blocker->n_functions && n < size; i++)
		n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? "\n" : "",
				      blocker->functions[i]->name);
}

enum column { COLUMN_PID, COLUMN_TID, COLUMN_NAME, COLUMN_STATE, COLUMN_FUNCTIONS, COLUMN_STACK };

static int add_row(struct libscols_table *table, const struct kernel_blocker *blocker)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char cell[CELL_MAX];
	int bad;

	if (!line)
		return -1;
	snprintf(cell, sizeof(cell), "%d", blocker->pid);
	bad = scols_line_set_data(line, COLUMN_PID, cell);
	snprintf(cell, sizeof(cell), "%d", blocker->tid);
	bad |= scols_line_set_data(line, COLUMN_TID, cell);
	bad |= scols_line_set_data(line, COLUMN_NAME, blocker->name);
	bad |= scols_line_set_data(line, COLUMN_STATE, state_name(blocker->state));
	list_functions(blocker, cell, sizeof(cell));
	bad |= scols_line_set_data(line, COLUMN_FUNCTIONS, cell);
	snprintf(cell, sizeof(cell), "%s",
		 blocker->stack ? blocker->stack : "only root may see it");
	cell[strlen(cell) - (str_has_suffix(cell, "\n") ? 1 : 0)] = 0;
	bad |= scols_line_set_data(line, COLUMN_STACK, cell[0] ? cell : "none");
	return bad;
}

/* A cell's own line breaks stay, and no others come in. */
static int add_column(struct libscols_table *table, const char *heading, int flags)
{
	struct libscols_column *column = scols_table_new_column(table, heading, 0, flags);
	int bad = column ? 0 : -1;

	if (!bad && flags & SCOLS_FL_WRAP)
		bad = scols_column_set_safechars(column, "\n") ||
		      scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
						scols_wrapnl_nextchunk, NULL);
	return bad;
}

static int render_table(const struct kernel_transition *t, struct buf *out)
{
	static const struct {
		const char *heading;
		int flags;
	} columns[] = {
		{ "PID", SCOLS_FL_RIGHT },
		{ "TID", SCOLS_FL_RIGHT },
		{ "NAME", 0 },
		{ "STATE", 0 },
		{ "FUNCTIONS", SCOLS_FL_WRAP },
		{ "STACK", SCOLS_FL_WRAP },
	};
	_cleanup_(scols_unref_tablep) struct libscols_table *table = scols_new_table();
	_cleanup_free_ char *text = NULL;
	int bad = table ? 0 : -1;

	for (size_t i = 0; i < ARRAY_SIZE(columns) && !bad; i++)
		bad = add_column(table, columns[i].heading, columns[i].flags);
	for (size_t i = 0; i < t->n && !bad; i++)
		bad = add_row(table, &t->blockers[i]);
	if (bad || scols_print_table_to_string(table, &text) != 0)
		return ERR_NO_MEMORY;
	return buf_printf(out, "%s\n", text);
}

static int render_head(const struct kernel_transition *t, struct buf *out)
{
	int r = buf_printf(out, "%s is changing over %s the patch", t->livepatch,
			   t->target ? "into" : "out of");

	if (r == 0 && t->ms >= 0)
		r = buf_printf(out, ", for %lld s", (long long)t->ms / 1000);
	if (r == 0)
		r = buf_printf(out, ": %zu of %zu tasks have changed\n", t->count.changed,
			       t->count.tasks);
	if (r == 0 && t->signalled >= 0)
		r = buf_append_str(
			out, t->signalled ? "the kernel has signalled those that are left, "
					    "and does so every 15 s\n"
					  : "the kernel signals those that are left after 15 s\n");
	return r;
}

/* What else there is to know, and what can be done. */
static int render_foot(const struct kernel_transition *t, struct buf *out)
{
	int r = 0;

	if (t->left_off)
		r = buf_printf(out, "and %zu more tasks\n", t->left_off);
	if (r == 0 && t->count.cut)
		r = buf_printf(out, "only %d tasks were looked at\n", KERNEL_TASKS_MAX);
	if (r == 0 && t->count.unreadable)
		r = buf_printf(out, "%zu tasks may only be looked at by root: run it with sudo\n",
			       t->count.unreadable);
	if (r == 0 && t->idle)
		r = buf_append_str(
			out, "every task of /proc has changed: what is left are the kernel's idle "
			     "tasks, one a processor (swapper/N), which are not in /proc and "
			     "change when their processor wakes up, or the kernel is about to "
			     "look again. It does both once a second: look again\n");
	if (r == 0 && (t->n || t->left_off))
		r = buf_append_str(
			out, "a task changes when it leaves the functions of the patch: end or "
			     "restart its program. sutured turns a transition back after "
			     "`transition-timeout`; nothing is ever forced\n");
	return r;
}

int blocking_render(const struct kernel_transition *transition, struct buf *out)
{
	int r;

	if (!transition->livepatch[0])
		return buf_append_str(out, "no transition is running\n");
	r = render_head(transition, out);
	if (r == 0 && transition->n)
		r = render_table(transition, out);
	return r == 0 ? render_foot(transition, out) : r;
}

/* ---- JSON ---- */

static json_t *list_stack(const char *stack)
{
	json_t *list;
	size_t len;

	if (!stack)
		return json_null();
	list = json_array();
	for (; *stack; stack += len + (stack[len] == '\n')) {
		len = strcspn(stack, "\n");
		json_array_append_new(list, json_stringn(stack, len));
	}
	return list;
}

static json_t *task_to_json(const struct kernel_blocker *blocker)
{
	char state[2] = { blocker->state, 0 };
	json_t *o = json_object(), *functions = blocker->stack ? json_array() : json_null();

	for (size_t i = 0; i < blocker->n_functions; i++)
		json_array_append_new(functions, json_pack("{s:s, s:s}", "object",
							   blocker->functions[i]->object, "name",
							   blocker->functions[i]->name));
	json_object_set_new(o, "pid", json_integer(blocker->pid));
	json_object_set_new(o, "tid", json_integer(blocker->tid));
	json_set_str(o, "name", blocker->name);
	json_set_str(o, "state", state);
	json_object_set_new(o, "kernel_thread", json_boolean(blocker->kernel_thread));
	json_object_set_new(o, "functions", functions);
	json_object_set_new(o, "stack", list_stack(blocker->stack));
	return o;
}

static json_t *count_to_json(bool known, size_t count)
{
	return known ? json_integer((json_int_t)count) : json_null();
}

json_t *blocking_to_json(const struct kernel_transition *t)
{
	bool runs = t->livepatch[0] != 0;
	json_t *o = json_object(), *tasks = json_array();
	int r;

	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(tasks, task_to_json(&t->blockers[i]));
	r = json_set_str(o, "livepatch", runs ? t->livepatch : NULL);
	r += json_object_set_new(o, "target", runs ? json_integer(t->target) : json_null());
	r += json_object_set_new(o, "seconds",
				 count_to_json(runs && t->ms >= 0, (size_t)MAX(t->ms, 0) / 1000));
	r += json_object_set_new(o, "signalled",
				 runs && t->signalled >= 0 ? json_boolean(t->signalled)
							   : json_null());
	r += json_object_set_new(o, "tasks", count_to_json(runs, t->count.tasks));
	r += json_object_set_new(o, "changed", count_to_json(runs, t->count.changed));
	r += json_object_set_new(o, "unreadable", count_to_json(runs, t->count.unreadable));
	r += json_object_set_new(o, "idle_tasks", runs ? json_boolean(t->idle) : json_null());
	r += json_object_set_new(o, "blocking", tasks);
	r += json_object_set_new(o, "left_off", count_to_json(runs, t->left_off));
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}
