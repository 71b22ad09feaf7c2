/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-server: enrols machines, answers their check-ins, serves the repository. */
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "base/cli.h"
#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "server/server.h"

/* Descriptors for all but machines: people, database, listeners, repository, log. */
#define OTHER_DESCRIPTORS 640
#define CONNECTIONS_MIN   8

static const struct config_key keys[] = {
	{ "listen", CONFIG_STRING, "0.0.0.0:8443", 0, 0, NULL, "where machines connect" },
	{ "listen-people", CONFIG_STRING, "127.0.0.1:8444", 0, 0, NULL, "where people connect" },
	{ "repository", CONFIG_STRING, NULL, 0, 0, NULL,
	  "folder of the signed repository; default: repository in the data folder" },
	{ "interval", CONFIG_INT, "3600", 1, CHECK_IN_INTERVAL_MAX, NULL,
	  "seconds between the check-ins of a machine" },
	{ "session", CONFIG_INT, "43200", 60, 30 * 86400, NULL, "seconds that a login lasts" },
	{ "connections", CONFIG_INT, "2000", CONNECTIONS_MIN, 100000, NULL,
	  "connections of machines at the same time" },
	{ "connections-per-address", CONFIG_INT, "256", 1, 100000, NULL,
	  "of these, from one address" },
	{ "header-timeout", CONFIG_INT, "20", 1, 600, NULL,
	  "seconds for TLS and the headers of a request, and between two requests" },
	{ "body-timeout", CONFIG_INT, "30", 1, 600, NULL,
	  "seconds for the body of a request; 64 kB/s give it more" },
	{ "answer-timeout", CONFIG_INT, "900", 1, 86400, NULL, "seconds for taking an answer" },
	{ 0 },
};

static const char *choose(const struct cli *cli, const char *option, const struct config *config)
{
	const char *given = cli_get(cli, option);

	return given ? given : config_str(config, option);
}

/* Before the data folder is made, so that a slip of the pen leaves nothing behind. */
static int check_address(const char *where, struct error *err)
{
	char address[64];
	uint16_t port;
	struct error why = { 0 };

	if (server_split_address(where, address, sizeof(address), &port, &why) < 0)
		return error_set(err, ERR_USAGE, "%s", why.message);
	return 0;
}

static int fill_options(const struct cli *cli, const struct config *config,
			struct server_options *options, struct error *err)
{
	*options = (struct server_options){
		.data = cli_get(cli, "data"),
		.listen = choose(cli, "listen", config),
		.listen_people = choose(cli, "listen-people", config),
		.repository = choose(cli, "repository", config),
		.interval = config_int(config, "interval"),
		.session = config_int(config, "session"),
		.connections = config_int(config, "connections"),
		.connections_per_address = config_int(config, "connections-per-address"),
		.header_s = config_int(config, "header-timeout"),
		.body_s = config_int(config, "body-timeout"),
		.answer_s = config_int(config, "answer-timeout"),
		.n_names = cli_count(cli, "name"),
	};
	if (options->n_names > SERVER_NAMES_MAX)
		return error_set(err, ERR_USAGE, "--name: at most %d are allowed",
				 SERVER_NAMES_MAX);
	for (size_t i = 0; i < options->n_names; i++)
		options->names[i] = cli_get_nth(cli, "name", i);
	int r = check_address(options->listen, err);
	return r < 0 ? r : check_address(options->listen_people, err);
}

/* Each connection needs its socket, and a file while it takes one. Without a descriptor left the
 * database and the people's listener would stand still too: fewer machines at a time are better. */
static int make_room(struct server_options *options, struct error *err)
{
	rlim_t wanted = (rlim_t)options->connections * 2 + OTHER_DESCRIPTORS;
	struct rlimit limit;
	int64_t room;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return error_set_errno(err, errno, "limit of open files");
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = MIN(wanted, limit.rlim_max);
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return error_set_errno(err, errno, "limit of open files");
	}
	if (limit.rlim_cur >= wanted)
		return 0;
	room = ((int64_t)limit.rlim_cur - OTHER_DESCRIPTORS) / 2;
	if (room < CONNECTIONS_MIN)
		return error_set(err, ERR_UNSUPPORTED,
				 "the limit of %llu open files is too low, %d are needed",
				 (unsigned long long)limit.rlim_cur,
				 OTHER_DESCRIPTORS + 2 * CONNECTIONS_MIN);
	log_warning("at most %lld connections of machines at a time: the limit is %llu open files",
		    (long long)room, (unsigned long long)limit.rlim_cur);
	options->connections = room;
	return 0;
}

static int run(struct cli *cli, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(server_stopp) struct server *server = NULL;
	struct server_options options;
	sigset_t signals;
	int signal_number, r;

	if (cli_has(cli, "debug"))
		log_set_level(LOG_LEVEL_DEBUG);
	/* A missing file means the defaults only when nobody asked for it. */
	if (cli_has(cli, "config") && !file_exists(cli_get(cli, "config")))
		return error_set(err, -ENOENT, "%s: does not exist", cli_get(cli, "config"));
	r = config_load(cli_has(cli, "config") ? cli_get(cli, "config") : "/etc/suture/server.conf",
			keys, &config, err);
	if (r == 0)
		r = fill_options(cli, config, &options, err);
	if (r == 0)
		r = make_room(&options, err);
	if (r < 0)
		return r;
	/* Blocked before the first thread, so that only sigwait() sees them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = server_start(&options, &server, err);
	if (r < 0)
		return r;
	sd_notify(0, "READY=1");
	while (sigwait(&signals, &signal_number) != 0)
		;
	sd_notify(0, "STOPPING=1");
	log_info("stopping");
	return EXIT_OK;
}

static const struct cli_option options[] = {
	{ "data", "DIR", "folder of database, keys and certificates; made at the first start", true,
	  0 },
	{ "listen", "ADDRESS:PORT", "where machines connect (default 0.0.0.0:8443)", false, 0 },
	{ "listen-people", "ADDRESS:PORT",
	  "where people and monitors connect (default 127.0.0.1:8444)", false, 0 },
	{ "name", "NAME", "DNS name or IP address for the server's certificate; may be repeated",
	  false, 0 },
	{ "repository", "DIR", "the signed repository (default: repository in the data folder)",
	  false, 0 },
	{ "config", "FILE", "configuration (default /etc/suture/server.conf)", false, 0 },
	{ "debug", NULL, "log every detail", false, 0 },
	{ 0 },
};

static const struct cli_verb verbs[] = {
	{ "", "", 0, 0, "serve", NULL, options, run },
	{ 0 },
};

static const struct cli_program program = {
	.name = "suture-server",
	.section = 8,
	.summary = "enrols machines, answers their check-ins, serves the signed repository",
	.description =
		"The first start on an empty folder makes the database, a certificate authority with "
		"the server's certificate, and the first admin password in the file admin-password "
		"(mode 0600). Port 0 takes a free one. Once the server listens, the addresses are "
		"printed as one line of JSON and written to listen.json in the data folder.\n\n"
		"A machine must show a client certificate from its enrolment; only enrolment, the "
		"trust bundle and the repository need none. The repository and the file "
		"trust-bundle.json in the data folder are read as they are at each request, so both "
		"may be put there while the server runs.",
	.verbs = verbs,
	.settings_file = "/etc/suture/server.conf, or the file of --config",
	.settings = keys,
	.files = "DIR/suture.db, DIR/pki/, DIR/admin-password, DIR/listen.json, "
		 "DIR/trust-bundle.json, DIR/repository/, /etc/suture/server.conf",
	.examples = "suture-server --data /var/lib/suture-server --name patches.example.org",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv, NULL);
}
