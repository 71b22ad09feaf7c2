/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-admin: the command line of the server's admin API. */
#include <curl/curl.h>
#include <stdio.h>

#include "admin/verbs.h"

static const struct cli_option login_options[] = {
	{ "ca", "FILE", "the server's CA certificate (default: the system's)", false, 0 },
	{ "user", "NAME", "who logs in (default admin)", false, 0 },
	{ "password-file", "FILE", "read the password from a file (default: standard input)", false,
	  0 },
	{ 0 },
};

static const struct cli_option create_options[] = {
	{ "uses", "N", "how many machines may enrol with it (default 1)", false, 0 },
	{ "lifetime", "SPAN", "how long it is valid, such as 90s, 15m, 12h or 7d (default 1d)",
	  false, 0 },
	{ "note", "TEXT", "what it is for", false, 0 },
	{ "bundle", "FILE", "trust bundle: the token names its URL and hash", false, 0 },
	{ "output", "FILE", "write the token into a file of mode 0600", false, 'o' },
	CLI_FORMAT_OPTION,
	{ 0 },
};

static const struct cli_option format_options[] = { CLI_FORMAT_OPTION, { 0 } };

static const struct cli_option forget_options[] = {
	{ "yes", NULL, "do not ask", false, 0 },
	{ 0 },
};

static const struct cli_verb verbs[] = {
	{ "login", "URL", 1, 1, "log in to a server's people listener", NULL, login_options,
	  verb_login },
	{ "logout", "", 0, 0, "end the session", NULL, NULL, verb_logout },
	{ "token create", "", 0, 0, "make an enrolment token and print it, this once", NULL,
	  create_options, verb_token_create },
	{ "token list", "", 0, 0, "list tokens, without their secrets", NULL, format_options,
	  verb_token_list },
	{ "token revoke", "ID", 1, 1, "make a token worthless", NULL, NULL, verb_token_revoke },
	{ "machine list", "", 0, 0, "list machines as they last reported", NULL, format_options,
	  verb_machine_list },
	{ "machine show", "ID", 1, 1, "show one machine and its last events", NULL, format_options,
	  verb_machine_show },
	{ "machine forget", "ID", 1, 1, "remove a machine and its certificate", NULL,
	  forget_options, verb_machine_forget },
	{ 0 },
};

static const struct cli_program program = {
	.name = "suture-admin",
	.section = 1,
	.summary = "administers a Suture server",
	.verbs = verbs,
	.files = "$XDG_CONFIG_HOME/suture/session.json (0600): server, CA and session of the login",
	.examples =
		"suture-admin login https://patches.example.org:8444 --ca ca.pem\n\n"
		"suture-admin token create --uses 20 --lifetime 7d --bundle trust.json -o token",
};

int main(int argc, char **argv)
{
	int status;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		fprintf(stderr, "suture-admin: libcurl cannot start\n");
		return EXIT_ERROR;
	}
	status = cli_main(&program, argc, argv, NULL);
	curl_global_cleanup();
	return status;
}
