/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo config: settings of the working folder, shown and changed. */
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "repo/commands.h"
#include "repo/role_keys.h"
#include "wire/target_custom.h"

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

/* A demand binds those who promote, not who can make what it demands himself. */
static int warn_of_demands(struct repository *repo, struct error *err)
{
	const struct settings *settings = repo->settings;
	_cleanup_free_ char *online = path_join(repo->dir, "online-keys", NULL);

	if (!online)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	/* Without them nothing here is online. */
	if (!file_exists(online) || key_store_add_folder(repo->keys, online, NULL) < 0 ||
	    !role_keys_online(repo, TARGET_EVIDENCE_ROLE))
		return 0;
	for (size_t i = 0; i < settings->n_tiers; i++) {
		if (settings->require[i] && !role_keys_online(repo, settings->tiers[i]))
			fprintf(stderr,
				"warning: tier %s demands evidence, whose key is online: who steals "
				"it makes his own evidence (the key may be moved from online-keys to "
				"the offline keys)\n",
				settings->tiers[i]);
	}
	return 0;
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
	if (r == 0)
		r = warn_of_demands(repo, err);
	return r < 0 ? r : EXIT_OK;
}
