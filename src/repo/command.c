/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs share: opening the repository, secrets, small files. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "repo/commands.h"

int command_read_text(const char *path, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(PEM_FILE_MAX);
	int r = buf_reserve(&text, PEM_FILE_MAX);

	if (r == 0)
		r = file_read(path, &text, err);
	if (r < 0)
		return r;
	*ret = strdup(buf_str(&text));
	explicit_bzero(text.data, text.len);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

void command_wipe_text(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

/* A file for all keys, or the terminal for each. A token may want no PIN. */
static int find_secret(void *user, const char *path, bool pin, char **ret, struct error *err)
{
	const struct cli *cli = user;
	const char *file = cli_get(cli, pin ? "pin-file" : "passphrase-file");
	_cleanup_free_ char *prompt = NULL;

	if (file)
		return cli_read_secret(file, file, ret, err);
	if (!isatty(STDIN_FILENO)) {
		*ret = NULL;
		return pin ? 0
			   : error_set(err, ERR_DENIED,
				       "%s: a passphrase protects it: "
				       "--passphrase-file FILE",
				       path);
	}
	if (asprintf(&prompt, "%s of %s", pin ? "PIN" : "Passphrase", path) < 0) {
		prompt = NULL;
		return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	return cli_read_secret(NULL, prompt, ret, err);
}

static int open_repository(const struct cli *cli, bool published, struct repository **ret,
			   struct error *err)
{
	const struct repository_options options = {
		.keys = cli_get(cli, "keys"),
		.now = clock_now(),
		.published = published,
		.secret = find_secret,
		.user = (void *)cli,
	};

	return repository_open(cli_arg(cli, 0), &options, ret, err);
}

int command_open(const struct cli *cli, struct repository **ret, struct error *err)
{
	return open_repository(cli, true, ret, err);
}

int command_open_pending(const struct cli *cli, struct repository **ret, struct error *err)
{
	return open_repository(cli, false, ret, err);
}

int command_open_change(const struct cli *cli, struct repository **ret, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = open_repository(cli, false, &repo, err);

	if (r < 0)
		return r;
	if (repo->waiting) {
		error_set(err, ERR_BAD_STATE, "%s: a change waits for signatures", repo->dir);
		error_hint(err, "suture-repo sign DIR --merge FILE adds them, --discard drops it");
		return ERR_BAD_STATE;
	}
	repo->may_wait = cli_has(cli, "pending");
	*ret = TAKE_PTR(repo);
	return 0;
}

int command_done(const struct repository *repo)
{
	if (repo->waiting)
		printf("not published yet: it waits for signatures; `suture-repo sign %s "
		       "--detached` shows them\n",
		       repo->dir);
	return EXIT_OK;
}

int command_new_passphrase(const struct cli *cli, char **ret, struct error *err)
{
	const char *file = cli_get(cli, "passphrase-file");

	*ret = NULL;
	return file ? cli_read_secret(file, file, ret, err) : 0;
}
