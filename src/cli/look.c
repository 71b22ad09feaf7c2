/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs that only look: at files that sutured writes, and at the kernel. They work without it. */
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>

#include "base/file.h"
#include "cli/blocking.h"
#include "cli/check.h"
#include "cli/client.h"
#include "cli/render.h"
#include "cli/verbs.h"

#define STATUS_FILE     "/run/suture/status.json"
#define JOURNAL_FILE    "/var/lib/suture/journal.json"
#define STATUS_APPLYING 5
#define GONE_MS         2000 /* until it is noticed that sutured has ended */

static int load(const char *where, json_t **ret, struct error *err)
{
	_cleanup_free_ char *path = client_path(where);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return json_load_path(path, CLIENT_ANSWER_MAX, ret, err);
}

static int load_status(json_t **ret, struct error *err)
{
	int r = load(STATUS_FILE, ret, err);

	if (r == -ENOENT) {
		error_set(err, ERR_UNREACHABLE,
			  "there is no status: sutured has not run since boot");
		error_hint(err, "start it: `systemctl start sutured`");
		return ERR_UNREACHABLE;
	}
	return r;
}

/* What a sutured that is gone wrote last may be so no more, and nothing that is new comes. */
static int check_running(const json_t *status, struct error *err)
{
	const char *updated = json_string_value(json_object_get(status, "updated"));

	if (client_sutured_runs())
		return 0;
	error_set(err, ERR_UNREACHABLE, "sutured is not running: this is its last word, of %s",
		  updated ? updated : "an unknown time");
	error_hint(err,
		   "start it: `systemctl start sutured`; why it ended: `journalctl -u sutured`");
	return ERR_UNREACHABLE;
}

/* Waits until the file is replaced, then reads it; again while a patch is being applied. */
static int wait_settled(json_t **status, struct error *err)
{
	_cleanup_free_ char *path = client_path("/run/suture");
	_cleanup_close_ int fd = inotify_init1(IN_CLOEXEC);
	char events[4096];
	int r = 0;

	if (!path || fd < 0 || inotify_add_watch(fd, path, IN_MOVED_TO) < 0)
		return error_set_errno(err, errno, "watching the status");
	for (;;) {
		/* Again after the watch was set, so that no change is missed. */
		json_decref(*status);
		*status = NULL;
		r = load_status(status, err);
		if (r < 0 || render_exit_status(*status) != STATUS_APPLYING ||
		    !client_sutured_runs())
			return r;
		/* A sutured that ends changes nothing. */
		if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, GONE_MS) > 0 &&
		    read(fd, events, sizeof(events)) < 0 && errno != EINTR)
			return error_set_errno(err, errno, "watching the status");
	}
}

/* Where the kernel's files are (kernel/root.h). */
static const char *kernel_root(void)
{
	const char *root = getenv("SUTURE_ROOT");

	return root ? root : "";
}

static int print_as(const json_t *value, enum cli_format format, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(2 * CLIENT_ANSWER_MAX);
	int r = format == CLI_YAML ? render_yaml(value, &out) : json_append_pretty(value, &out);

	if (r < 0)
		return error_set(err, r, "too large to print");
	return file_write_fd(STDOUT_FILENO, out.data, out.len, err);
}

static int print_text(const struct buf *out, struct error *err)
{
	return file_write_fd(STDOUT_FILENO, buf_str(out), out->len, err);
}

int verb_status(struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(CLIENT_ANSWER_MAX);
	_cleanup_json_ json_t *status = NULL;
	enum render_detail detail = RENDER_NORMAL;
	enum cli_format format;
	int r;

	r = cli_get_format(cli, true, &format, err);
	if (r < 0)
		return r;
	r = cli_has(cli, "wait") ? wait_settled(&status, err) : load_status(&status, err);
	if (r < 0)
		return r;
	if (cli_has(cli, "summary"))
		detail = RENDER_SUMMARY;
	else if (cli_has(cli, "verbose"))
		detail = RENDER_VERBOSE;
	if (format != CLI_TEXT) {
		r = print_as(status, format, err);
	} else {
		r = render_status(status, detail, &out);
		if (r == 0)
			r = print_text(&out, err);
	}
	if (r == 0)
		r = check_running(status, err);
	return r < 0 ? r : render_exit_status(status);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

int verb_history(struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(CLIENT_ANSWER_MAX);
	_cleanup_json_ json_t *journal = NULL;
	json_t *history, *event;
	enum cli_format format;
	size_t i;
	int r;

	if ((r = cli_get_format(cli, false, &format, err)) < 0)
		return r;
	r = load(JOURNAL_FILE, &journal, err);
	if (r == -EACCES)
		error_hint(err, "run it with sudo");
	if (r == -ENOENT)
		return error_set(err, ERR_NOT_FOUND, "there is no history: sutured never ran here");
	if (r < 0)
		return r;
	history = json_object_get(journal, "history");
	if (format == CLI_JSON)
		return print_as(history, format, err);
	json_array_foreach (history, i, event) {
		r = render_event(event, &out);
		if (r < 0)
			return r;
	}
	return out.len ? print_text(&out, err) : 0;
}

int verb_check(struct cli *cli, struct error *err)
{
	_cleanup_(check_input_free) struct check_input input = { .root = "" };
	_cleanup_buf_ struct buf out = BUF_INIT(CLIENT_ANSWER_MAX);
	_cleanup_json_ json_t *list = NULL;
	struct check_report report = { 0 };
	enum cli_format format;
	int r;

	if ((r = cli_get_format(cli, false, &format, err)) < 0 ||
	    (r = check_input_load(kernel_root(), &input, err)) < 0)
		return r;
	check_kernel(&input, &report);
	check_patch(&input, &report);
	check_agent(&input, &report);
	if (format == CLI_JSON) {
		list = check_to_json(&report);
		r = list ? print_as(list, format, err) : ERR_NO_MEMORY;
	} else {
		r = check_render(&report, &out);
		if (r == 0)
			r = print_text(&out, err);
	}
	if (r < 0)
		return r;
	return check_worst(&report) == CHECK_FAIL ? EXIT_ERROR : EXIT_OK;
}

int verb_blocking(struct cli *cli, struct error *err)
{
	_cleanup_kernel_transition_ struct kernel_transition transition = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT(2 * CLIENT_ANSWER_MAX);
	_cleanup_json_ json_t *o = NULL;
	enum cli_format format;
	int r;

	if ((r = cli_get_format(cli, false, &format, err)) < 0 ||
	    (r = kernel_transition_read(kernel_root(), &transition, err)) < 0)
		return r;
	if (format == CLI_JSON) {
		o = blocking_to_json(&transition);
		return o ? print_as(o, format, err) : ERR_NO_MEMORY;
	}
	r = blocking_render(&transition, &out);
	return r < 0 ? r : print_text(&out, err);
}

int verb_uname(struct cli *cli, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(4096);
	_cleanup_json_ json_t *status = NULL;
	const char *version;
	int r;

	(void)cli;
	if ((r = load_status(&status, err)) < 0)
		return r;
	version = json_string_value(json_object_get(status, "version"));
	r = buf_printf(&out, "%s%s%s\n", text_of(status, "kernel"), version ? "+suture" : "",
		       version ? version : "");
	return r < 0 ? r : print_text(&out, err);
}
