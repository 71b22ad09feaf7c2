/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/settings.h"

#include "base/file.h"

const struct config_key settings_keys[] = {
	{ "tier", CONFIG_STRING, NULL, 0, 0, NULL,
	  "tier to follow instead of the one pinned at enrolment" },
	{ "require-grant", CONFIG_BOOL, "yes", 0, 0, NULL,
	  "apply only what the server's last answer granted; no: whatever the tier lists" },
	{ "check-interval", CONFIG_INT, "0", 0, 86400, NULL,
	  "seconds between check-ins; 0: what the server says" },
	{ "transition-timeout", CONFIG_INT, "120", 5, 3600, NULL,
	  "seconds until a transition that does not end is turned back" },
	{ "retry-delay", CONFIG_INT, "300", 0, 86400, NULL,
	  "seconds after boot before a patch is tried again that the machine went down with" },
	{ "watch-time", CONFIG_INT, "1800", 1, 1800, NULL,
	  "seconds that a version is watched after it is new on a kernel: a crash in that time is held "
	  "against it" },
	{ "on-oops", CONFIG_ENUM, "take-back", 0, 0, "take-back|report",
	  "what to do when the kernel's log tells of an oops in the patch" },
	{ "foreign-livepatch", CONFIG_ENUM, "refuse", 0, 0, "refuse|replace",
	  "what to do when somebody else's livepatch is in the kernel: ours would remove it" },
	{ "accept-recall", CONFIG_ENUM, "always", 0, 0, "always|never",
	  "whether a signed recall takes an applied patch back by itself" },
	{ "fetch-user", CONFIG_STRING, "suture-fetch", 0, 0, NULL,
	  "user that suture-fetch runs as; nobody else may hand over downloads" },
	{ 0 },
};

static char *below(const char *root, const char *path)
{
	return root[0] ? path_join(root, path + 1, NULL) : strdup(path);
}

int settings_paths_init(struct settings_paths *paths, const char *root, struct error *err)
{
	const struct {
		char **ret;
		const char *path;
	} all[] = {
		{ &paths->config, "/etc/suture/suture.conf" },
		{ &paths->state, "/var/lib/suture" },
		{ &paths->journal, "/var/lib/suture/journal.json" },
		{ &paths->trust, "/var/lib/suture/trust" },
		{ &paths->modules, "/var/lib/suture/modules" },
		{ &paths->run, "/run/suture" },
		{ &paths->status, "/run/suture/status.json" },
		{ &paths->control, "/run/suture/control.sock" },
		{ &paths->fetch, "/run/suture/fetch.sock" },
	};
	size_t len;

	*paths = (struct settings_paths){ 0 };
	if (!root)
		root = "";
	if (root[0] && root[0] != '/')
		return error_set(err, ERR_INVALID, "SUTURE_ROOT must be an absolute path: %s",
				 root);
	len = strlen(root);
	while (len > 0 && root[len - 1] == '/')
		len--;
	paths->root = strndup(root, len);
	if (!paths->root)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		*all[i].ret = below(paths->root, all[i].path);
		if (!*all[i].ret) {
			settings_paths_clear(paths);
			return error_set(err, ERR_NO_MEMORY, "out of memory");
		}
	}
	return 0;
}

void settings_paths_clear(struct settings_paths *paths)
{
	free(paths->root);
	free(paths->config);
	free(paths->state);
	free(paths->journal);
	free(paths->trust);
	free(paths->modules);
	free(paths->run);
	free(paths->status);
	free(paths->control);
	free(paths->fetch);
	*paths = (struct settings_paths){ 0 };
}
