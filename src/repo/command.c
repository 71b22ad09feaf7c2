/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs share: opening the repository, secrets, small files. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "module/signature.h"
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

/* A repeat is normal; a slip of the pen would cost a key. */
int command_write_output(const char *path, const struct buf *data, command_kind_fn is_kind,
			 struct error *err)
{
	_cleanup_buf_ struct buf there = BUF_INIT(MODULE_FILE_MAX + SIGNATURE_MAX);

	if (file_exists(path) &&
	    (file_read(path, &there, NULL) < 0 || !is_kind(there.data, there.len))) {
		error_set(err, ERR_EXISTS, "%s: not written: a file of another kind is there",
			  path);
		error_hint(err, "Give another name, or move that file away");
		return ERR_EXISTS;
	}
	return file_write_atomic(path, data->data, data->len, 0644, err);
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
			   : error_set(err, ERR_NOT_FOUND,
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

static struct repository_options options_of(const struct cli *cli, bool published)
{
	return (struct repository_options){
		.keys = cli_get(cli, "keys"),
		.now = clock_now(),
		.published = published,
		.secret = find_secret,
		.user = (void *)cli,
	};
}

int command_open(const struct cli *cli, struct repository **ret, struct error *err)
{
	const struct repository_options options = { .now = clock_now(),
						    .published = true,
						    .no_keys = true };

	return repository_open(cli_arg(cli, 0), &options, ret, err);
}

int command_open_keys(const struct cli *cli, struct repository **ret, struct error *err)
{
	const struct repository_options options = options_of(cli, true);

	return repository_open(cli_arg(cli, 0), &options, ret, err);
}

int command_open_pending(const struct cli *cli, struct repository **ret, struct error *err)
{
	const struct repository_options options = options_of(cli, false);

	return repository_open(cli_arg(cli, 0), &options, ret, err);
}

int command_open_handed_over(const struct cli *cli, struct repository **ret, struct error *err)
{
	struct repository_options options = options_of(cli, false);

	options.handed_over = true;
	options.root = cli_get(cli, "root");
	return repository_open(cli_arg(cli, 0), &options, ret, err);
}

int command_open_change(const struct cli *cli, struct repository **ret, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	int r = command_open_pending(cli, &repo, err);

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

static int ask_twice(char **ret, struct error *err)
{
	_cleanup_secret_ char *first = NULL, *second = NULL;
	int r = cli_read_secret(NULL, "New passphrase", &first, err);

	if (r == 0)
		r = cli_read_secret(NULL, "Once more", &second, err);
	if (r == 0 && !streq(first, second))
		r = error_set(err, ERR_INVALID, "the two passphrases differ");
	if (r == 0)
		*ret = TAKE_PTR(first);
	return r;
}

int command_new_passphrase(const struct cli *cli, bool demanded, char **ret, struct error *err)
{
	const char *file = cli_get(cli, "passphrase-file");

	*ret = NULL;
	if (file)
		return cli_read_secret(file, file, ret, err);
	if (!demanded)
		return 0;
	if (isatty(STDIN_FILENO))
		return ask_twice(ret, err);
	error_set(err, ERR_DENIED, "the old keys are under a passphrase, and none is given");
	error_hint(err, "--passphrase-file FILE protects the new keys");
	return ERR_DENIED;
}
