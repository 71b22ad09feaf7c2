/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-fetch: the machine's end of HTTPS, without privileges. */
#include <curl/curl.h>
#include <signal.h>

#include "base/cli.h"
#include "base/log.h"
#include "fetch/fetcher.h"
#include "fetch/identity.h"
#include "fetch/link.h"
#include "fetch/privileges.h"

#define SOCKET_PATH "run/suture/fetch.sock"
#define FOLDER_PATH "var/cache/suture/fetch"

static int get_seconds(const struct cli *cli, const char *option, int64_t fallback, int *ret,
		       struct error *err)
{
	int64_t value;
	int r = cli_get_int(cli, option, 1, 86400, fallback, &value, err);

	if (r == 0)
		*ret = (int)value;
	return r;
}

static int get_limits(const struct cli *cli, struct http_limits *ret, struct error *err)
{
	int r = get_seconds(cli, "connect-timeout", 20, &ret->connect, err);

	if (r == 0)
		r = get_seconds(cli, "stall-timeout", 30, &ret->stall, err);
	if (r == 0)
		r = get_seconds(cli, "total-timeout", 900, &ret->total, err);
	ret->rate = 256;
	return r;
}

/* What a power cut left of an identity that was being written is a key, too. */
static void tidy(const char *folder)
{
	struct error err = { 0 };

	if (identity_remove_leftovers(folder, &err) < 0)
		log_warning("%s", err.message);
}

static int run(struct cli *cli, struct error *err)
{
	const char *root = getenv("SUTURE_ROOT");
	_cleanup_free_ char *socket = path_join(root && *root ? root : "/", SOCKET_PATH, NULL);
	_cleanup_free_ char *folder = path_join(root && *root ? root : "/", FOLDER_PATH, NULL);
	_cleanup_(fetcher_freep) struct fetcher *fetcher = NULL;
	bool keep_user = cli_has(cli, "keep-user");
	struct link_options options = { .path = socket, .peer = keep_user ? geteuid() : 0 };
	struct http_limits limits;
	int r = get_limits(cli, &limits, err);

	if (!socket || !folder)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (cli_has(cli, "debug"))
		log_set_level(LOG_LEVEL_DEBUG);
	if (r == 0)
		r = privileges_drop(folder, keep_user, err);
	if (r == 0)
		r = privileges_limit(err);
	if (r < 0)
		return r;
	tidy(folder);
	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERR_NO_MEMORY, "libcurl cannot be set up");
	r = fetcher_new(folder, &limits, &fetcher, err);
	if (r < 0)
		return r;
	return link_run(&options, fetcher, err);
}

static const struct cli_option options[] = {
	{ "connect-timeout", "SECONDS", "longest time to set up a connection (20)" },
	{ "stall-timeout", "SECONDS", "give up when so long almost nothing came (30)" },
	{ "total-timeout", "SECONDS", "longest time for one request (900)" },
	{ "keep-user", NULL,
	  "do not give up root, and serve a sutured of the same user: for tests" },
	{ "debug", NULL, "log more" },
	{ NULL },
};

static const struct cli_verb verbs[] = {
	{ "", "", 0, 0, "serve sutured", NULL, options, run },
	{ NULL },
};

static const struct cli_program program = {
	.name = "suture-fetch",
	.section = 8,
	.summary = "HTTPS to the server, for sutured",
	.description =
		"suture-fetch is the only part of Suture on a machine that talks to the network, and it "
		"has no privileges. It connects to the socket of sutured(8), waits for it if need be, "
		"and does one request at a time: fetch a file, post a report, enrol. All that it returns "
		"is checked by sutured, which trusts it no more than a mirror.\n"
		"\n"
		"Only HTTPS with TLS 1.2 or newer is spoken, only to the server that this machine is "
		"enrolled with, and only certificates that the trust bundle's server_ca signed are "
		"accepted: the system's certificate authorities do not count. Redirects are not "
		"followed. A proxy is taken from the environment variable https_proxy.\n"
		"\n"
		"Started by root, it becomes the user suture-fetch. It ends with SIGTERM.",
	.verbs = verbs,
	.files = "/run/suture/fetch.sock\n"
		 "\tThe socket of sutured.\n"
		 "\n"
		 "/var/cache/suture/fetch/identity.json\n"
		 "\tServer, certificate and key of this machine; mode 0600.\n"
		 "\n"
		 "The environment variable SUTURE_ROOT moves both, for tests.",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv, NULL);
}
