/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo config: settings of the working folder, shown and changed. */
#include "base/json.h"
#include "repo/commands.h"

static int set_one(struct settings *settings, const char *text, struct error *err)
{
	_cleanup_free_ char *key = strdup(text);
	char *equals = key ? strchr(key, '=') : NULL;

	if (!key)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!equals)
		return error_set(err, ERR_USAGE, "%s: not KEY=VALUE", text);
	*equals = '\0';
	return settings_set(settings, key, equals + 1, err);
}

static int print(const struct settings *settings, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT((size_t)1024 * 1024);
	_cleanup_json_ json_t *object = NULL;
	int r = settings_to_json(settings, &object, err);

	if (r == 0)
		r = json_append_pretty(object, &text);
	if (r == 0)
		fputs(buf_str(&text), stdout);
	return r;
}

int cmd_config(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = command_open(cli, &repo, err);

	for (size_t i = 1; r == 0 && i < cli_argc(cli); i++)
		r = set_one(repo->settings, cli_arg(cli, i), err);
	if (r == 0 && cli_argc(cli) > 1)
		r = settings_save(repo->settings, repo->dir, err);
	if (r == 0)
		r = print(repo->settings, err);
	return r < 0 ? r : EXIT_OK;
}
