/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine list, show, forget */
#include "admin/client.h"
#include "admin/show.h"
#include "admin/verbs.h"
#include "wire/names.h"

static const struct show_field columns[] = {
	{ "machine_id", "MACHINE" },
	{ "hostname", "HOSTNAME" },
	{ "kernel", "KERNEL" },
	{ "tier", "TIER" },
	{ "state", "STATE" },
	{ "version", "VERSION" },
	{ "granted", "GRANTED" },
	{ "last_check_in", "LAST CHECK-IN" },
	{ 0 },
};

static const struct show_field lines[] = {
	{ "machine_id", "machine" },
	{ "hostname", "hostname" },
	{ "kernel", "kernel" },
	{ "build_id", "build ID" },
	{ "arch", "architecture" },
	{ "agent", "agent" },
	{ "tier", "tier" },
	{ "state", "state" },
	{ "version", "version" },
	{ "granted", "granted" },
	{ "error", "error" },
	{ "code_check", "code check" },
	{ "hold", "hold" },
	{ "uptime", "uptime" },
	{ "enrolled", "enrolled" },
	{ "last_check_in", "last check-in" },
	{ 0 },
};

static const struct show_field event_columns[] = {
	{ "time", "TIME" }, { "event", "EVENT" },     { "version", "VERSION" },
	{ "code", "CODE" }, { "message", "MESSAGE" }, { 0 },
};

int verb_machine_list(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	_cleanup_json_ json_t *machines = NULL, *object = NULL;
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = session_load(NULL, &session, err);
	if (r == 0)
		r = client_list(&session, "/v1/admin/machines", "machines", &machines, err);
	if (r < 0)
		return r;
	if (format == CLI_TEXT)
		return show_table(machines, columns, err);
	object = json_pack("{s:O}", "machines", machines);
	return object ? show_json(object, err) : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* The path of the machine that the command line names. */
static int machine_path(const struct cli *cli, struct buf *out, struct error *err)
{
	const char *id = cli_arg(cli, 0);

	if (!uuid_is_valid(id))
		return error_set(err, ERR_USAGE, "\"%s\": not the ID of a machine", id);
	if (buf_printf(out, "/v1/admin/machines/%s", id) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return 0;
}

static int show_machine(const json_t *machine, struct error *err)
{
	const json_t *events = json_object_get(machine, "events");
	int r = show_fields(machine, lines, err);

	if (r < 0 || json_array_size(events) == 0)
		return r;
	r = show_line("", err);
	return r < 0 ? r : show_table(events, event_columns, err);
}

int verb_machine_show(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	_cleanup_json_ json_t *machine = NULL;
	_cleanup_buf_ struct buf path = BUF_INIT(256);
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = machine_path(cli, &path, err);
	if (r == 0)
		r = session_load(NULL, &session, err);
	if (r == 0)
		r = client_request(&session, "GET", buf_str(&path), NULL, &machine, err);
	if (r < 0)
		return r;
	return format == CLI_JSON ? show_json(machine, err) : show_machine(machine, err);
}

int verb_machine_forget(struct cli *cli, struct error *err)
{
	_cleanup_session_ struct session session = { 0 };
	_cleanup_buf_ struct buf path = BUF_INIT(256);
	int r = machine_path(cli, &path, err);

	if (r == 0)
		r = session_load(NULL, &session, err);
	if (r < 0)
		return r;
	if (!cli_confirm(cli, "Forget this machine? It will have to enrol anew.")) {
		error_set(err, ERR_BAD_STATE, "nothing was done: not confirmed");
		error_hint(err, "Scripts answer with --yes.");
		return ERR_BAD_STATE;
	}
	return client_request(&session, "DELETE", buf_str(&path), NULL, NULL, err);
}
