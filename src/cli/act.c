/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs that ask sutured to do something. */
#include <openssl/evp.h>

#include "base/file.h"
#include "cli/client.h"
#include "cli/render.h"
#include "cli/verbs.h"
#include "wire/bundle.h"
#include "wire/names.h"

static int print(const struct buf *text, struct error *err)
{
	return file_write_fd(STDOUT_FILENO, text->data, text->len, err);
}

/* What the machine says after a job: one line, and why when something is wrong. */
static int print_outcome(const char *what, const json_t *status, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(CLIENT_ANSWER_MAX);
	const char *version = json_string_value(json_object_get(status, "version"));
	const json_t *failure = json_object_get(status, "error");
	int r;

	r = buf_printf(&out, "%s: %s, patch %s\n", what,
		       render_exit_meaning(render_exit_status(status)), version ? version : "none");
	if (r == 0 && json_is_object(failure))
		r = buf_printf(&out, "%s\n",
			       json_string_value(json_object_get(failure, "message")));
	return r < 0 ? r : print(&out, err);
}

/* POST and one line about it. */
static int act(const char *path, json_t *body, const char *what, struct error *err)
{
	_cleanup_json_ json_t *status = NULL;
	int r = client_post(path, body, &status, err);

	return r < 0 ? r : print_outcome(what, status, err);
}

static int encode_bundle(const char *path, json_t *body, struct error *err)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT(BUNDLE_MAX);
	_cleanup_free_ char *text = NULL;
	int r;

	r = file_read(path, &bytes, err);
	if (r < 0)
		return r;
	/* Refused here already, where the file's name is known. */
	_cleanup_bundle_ struct bundle *bundle = NULL;
	r = bundle_parse(bytes.data, bytes.len, &bundle, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	text = malloc(bytes.len / 3 * 4 + 8);
	if (!text)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	EVP_EncodeBlock((unsigned char *)text, bytes.data, (int)bytes.len);
	return json_set_str(body, "bundle", text) == 0 ? 0 : ERR_NO_MEMORY;
}

/* The machine's name as it is now: the unit of sutured has a name of its own, copied when it
 * started. */
static void put_hostname(json_t *body)
{
	_cleanup_free_ char *path = client_path("/proc/sys/kernel/hostname");
	_cleanup_free_ char *name = NULL;

	if (path && file_read_line(path, &name, NULL) == 0 && name[0] &&
	    json_set_str(body, "hostname", name) < 0)
		json_object_del(body, "hostname");
}

int verb_enable(struct cli *cli, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();
	_cleanup_free_ char *token = NULL;
	int r = 0;

	if (cli_get(cli, "trust"))
		r = encode_bundle(cli_get(cli, "trust"), body, err);
	if (r < 0)
		return r;
	r = cli_read_secret(cli_get(cli, "token-file"), "token", &token, err);
	if (r < 0)
		return r;
	json_set_str(body, "token", token);
	explicit_bzero(token, strlen(token));
	if (cli_get(cli, "tier"))
		json_set_str(body, "tier", cli_get(cli, "tier"));
	put_hostname(body);
	return act("/v1/enable", body, "enabled", err);
}

int verb_disable(struct cli *cli, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();
	bool unpatch = cli_has(cli, "unpatch");

	if (!cli_confirm(cli, unpatch ? "Forget this machine's identity and take its patch out?"
				      : "Forget this machine's identity? The patch stays until "
					"the next reboot.")) {
		error_set(err, ERR_USAGE, "disable: not confirmed");
		error_hint(err, "answer y, or say --yes");
		return ERR_USAGE;
	}
	json_object_set_new(body, "unpatch", json_boolean(unpatch));
	return act("/v1/disable", body, "disabled", err);
}

int verb_refresh(struct cli *cli, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();
	const char *from = cli_get(cli, "from");
	_cleanup_free_ char *path = from ? realpath(from, NULL) : NULL;

	if (from && !path)
		return error_set_errno(err, errno, "%s", from);
	if (json_set_str(body, "from", path) != 0)
		return error_set(err, ERR_INVALID, "%s: not UTF-8", path);
	return act("/v1/refresh", body, "checked", err);
}

int verb_rollback(struct cli *cli, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();
	struct patch_version version;

	if (cli_argc(cli) == 1) {
		if (patch_version_parse(cli_arg(cli, 0), &version) < 0)
			return error_set(err, ERR_USAGE,
					 "%s: not a version of the form MAJOR.MINOR",
					 cli_arg(cli, 0));
		json_set_str(body, "version", cli_arg(cli, 0));
	}
	return act("/v1/rollback", body, "rolled back", err);
}

int verb_retry(struct cli *cli, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();
	struct patch_version version;

	if (patch_version_parse(cli_arg(cli, 0), &version) < 0)
		return error_set(err, ERR_USAGE, "%s: not a version of the form MAJOR.MINOR",
				 cli_arg(cli, 0));
	json_set_str(body, "version", cli_arg(cli, 0));
	return act("/v1/retry", body, "may be tried again", err);
}

int verb_hold(struct cli *cli, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();

	(void)cli;
	return act("/v1/hold", body, "held", err);
}

int verb_unhold(struct cli *cli, struct error *err)
{
	_cleanup_json_ json_t *body = json_object();

	(void)cli;
	return act("/v1/unhold", body, "hold ended", err);
}
