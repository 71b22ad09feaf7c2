/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * src/tuf as a program for outside test suites: the command line of the public TUF conformance
 * suite's client under test.
 *
 *   tuf-client --metadata-dir D init ROOT
 *   tuf-client --metadata-dir D --metadata-url U refresh
 *   tuf-client --metadata-dir D --metadata-url U --target-name P... --target-base-url T
 *              --target-dir X download
 *
 * Exit status 0 or 1; the reason on standard error as `tuf-client: CODE: message`. Beyond the
 * suite: --poll (one request when nothing changed), --min-rate BYTES and --stall-seconds N.
 */
#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "http_get.h"
#include "tuf/client.h"

#define URL_MAX     ((size_t)16 * 1024)
#define NAMES_MAX   256
#define FILE_MAX    240 /* bytes of a file name in the target folder */
#define TARGET_MAX  ((size_t)1024 * 1024 * 1024)
#define MIN_RATE    256L /* bytes/s */
#define STALL_S     10L
#define PATH_CHARS  "/!$&'()*+,;=:@" /* what a path of RFC 3986 may hold besides: sub-delims, … */
/*
 * The public suite changes keys (adds fields to them) and leaves their key IDs as they are: its
 * references, python-tuf and go-tuf, take key IDs as names and no more. Section 4.3 wants them
 * computed again, and every program of ours does so.
 */
#define ANY_KEY_IDS true

struct options {
	const char *metadata_dir, *metadata_url, *target_base_url, *target_dir;
	const char *names[NAMES_MAX];
	size_t n_names;
	const char *command, *root;
	long min_rate, stall;
	bool poll;
};

struct driver {
	const struct options *options;
	struct http_get *http;
};

/* ---- URLs and file names ---- */

static int append_base(struct buf *url, const char *base)
{
	int r = buf_append_str(url, base);

	return r == 0 && !str_has_suffix(base, "/") ? buf_append_byte(url, '/') : r;
}

/* tuf_fetch_fn. Behind "metadata/" is one name, behind "targets/" a path. */
static int fetch(void *user, const char *path, size_t max, struct buf *out, struct error *err)
{
	struct driver *driver = user;
	_cleanup_buf_ struct buf url = BUF_INIT(URL_MAX);
	int r;

	if (str_has_prefix(path, "metadata/")) {
		r = append_base(&url, driver->options->metadata_url);
		if (r == 0)
			r = buf_append_percent(&url, path + strlen("metadata/"), "");
	} else {
		r = append_base(&url, driver->options->target_base_url);
		if (r == 0)
			r = buf_append_percent(&url, path + strlen("targets/"), PATH_CHARS);
	}
	if (r < 0)
		return error_set(err, r, "%s: the address is too long", path);
	return http_get(driver->http, buf_str(&url), max, out, err);
}

/* Where a target is stored: its whole path as one encoded name, or the hash of a longer one. */
static int target_file(const struct options *o, const char *name, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf encoded = BUF_INIT(URL_MAX);
	char hex[SHA256_HEX_LEN + 1];
	int r = buf_append_percent(&encoded, name, "");

	if (r < 0 || !path_is_safe_relative(name))
		return error_set(err, ERR_INVALID, "%s: not a path for a target", name);
	r = hash_sha256_hex(name, strlen(name), hex);
	if (r < 0)
		return error_set(err, r, "no memory");
	*ret = path_join(o->target_dir, encoded.len > FILE_MAX ? hex : buf_str(&encoded), NULL);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

/* ---- Commands ---- */

static int run_init(const struct options *o, struct error *err)
{
	_cleanup_buf_ struct buf root = BUF_INIT(TUF_MAX_ROOT);
	int r = file_read(o->root, &root, err);

	return r < 0 ? r : tuf_client_init(o->metadata_dir, root.data, root.len, ANY_KEY_IDS, err);
}

static int open_and_refresh(struct driver *driver, struct tuf_client **ret, struct error *err)
{
	const struct options *o = driver->options;
	struct tuf_client_options options = {
		.fetch = fetch,
		.user = driver,
		.any_key_ids = ANY_KEY_IDS,
		.poll = o->poll,
	};
	_cleanup_tuf_client_ struct tuf_client *client = NULL;
	int r = tuf_client_open(o->metadata_dir, &options, &client, err);

	if (r == 0)
		r = http_get_new(o->min_rate, o->stall, &driver->http, err);
	if (r == 0)
		r = tuf_client_refresh(client, clock_now(), err);
	if (r == 0)
		*ret = TAKE_PTR(client);
	return r;
}

static bool is_there(const struct tuf_target *target, const char *path)
{
	_cleanup_buf_ struct buf data = BUF_INIT(MIN((size_t)target->length, TARGET_MAX));

	return file_read(path, &data, NULL) == 0 &&
	       tuf_target_check(target, data.data, data.len, NULL) == 0;
}

static int download_one(struct driver *driver, struct tuf_client *client, const char *name,
			struct error *err)
{
	_cleanup_buf_ struct buf data = BUF_INIT(TARGET_MAX);
	_cleanup_free_ char *path = NULL;
	struct tuf_target target;
	int r = target_file(driver->options, name, &path, err);

	if (r == 0)
		r = tuf_client_find(client, name, &target, err);
	if (r < 0)
		return r;
	if (is_there(&target, path)) {
		printf("%s: already there\n", name);
		return 0;
	}
	r = tuf_client_download(client, &target, &data, err);
	if (r == 0)
		r = file_make_dirs(driver->options->target_dir, 0755, err);
	if (r == 0)
		r = file_write_atomic(path, data.data, data.len, 0644, err);
	if (r == 0)
		printf("%s: %zu bytes\n", name, data.len);
	return r;
}

/* What a killed run left in the target folder. */
static int sweep_targets(const struct options *o, struct error *err)
{
	_cleanup_close_ int fd = open(o->target_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", o->target_dir);
	return file_remove_matching(fd, NULL, err);
}

static int run_online(const struct options *o, bool download, struct error *err)
{
	struct driver driver = { .options = o };
	_cleanup_tuf_client_ struct tuf_client *client = NULL;
	int r = open_and_refresh(&driver, &client, err);

	if (r == 0 && download)
		r = sweep_targets(o, err);
	for (size_t i = 0; r == 0 && download && i < o->n_names; i++)
		r = download_one(&driver, client, o->names[i], err);
	http_get_free(driver.http);
	return r;
}

/* ---- The command line ---- */

static int take_long(const char *text, long *ret)
{
	char *end;

	*ret = strtol(text, &end, 10);
	return *end == '\0' && *ret > 0 ? 0 : ERR_USAGE;
}

static int take_option(int option, struct options *o)
{
	switch (option) {
	case 'd': o->metadata_dir = optarg; return 0;
	case 'u': o->metadata_url = optarg; return 0;
	case 'b': o->target_base_url = optarg; return 0;
	case 't': o->target_dir = optarg; return 0;
	case 'p': o->poll = true; return 0;
	case 'r': return take_long(optarg, &o->min_rate);
	case 's': return take_long(optarg, &o->stall);
	case 'n':
		if (o->n_names == NAMES_MAX)
			return ERR_USAGE;
		o->names[o->n_names++] = optarg;
		return 0;
	default: return ERR_USAGE;
	}
}

static int parse(int argc, char **argv, struct options *o, struct error *err)
{
	static const struct option longs[] = {
		{ "metadata-dir", required_argument, NULL, 'd' },
		{ "metadata-url", required_argument, NULL, 'u' },
		{ "target-name", required_argument, NULL, 'n' },
		{ "target-base-url", required_argument, NULL, 'b' },
		{ "target-dir", required_argument, NULL, 't' },
		{ "min-rate", required_argument, NULL, 'r' },
		{ "stall-seconds", required_argument, NULL, 's' },
		{ "poll", no_argument, NULL, 'p' },
		{ 0 },
	};
	int option;

	*o = (struct options){ .min_rate = MIN_RATE, .stall = STALL_S };
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (take_option(option, o) < 0)
			return error_set(err, ERR_USAGE, "an option is wrong");
	}
	o->command = optind < argc ? argv[optind++] : "";
	if (streq(o->command, "init") && optind < argc)
		o->root = argv[optind++];
	if (optind != argc || !o->metadata_dir)
		return error_set(err, ERR_USAGE,
				 "usage: --metadata-dir D init ROOT | refresh | download");
	return 0;
}

static int run(const struct options *o, struct error *err)
{
	if (streq(o->command, "init") && o->root)
		return run_init(o, err);
	if (streq(o->command, "refresh") && o->metadata_url)
		return run_online(o, false, err);
	if (streq(o->command, "download") && o->metadata_url && o->target_base_url &&
	    o->target_dir && o->n_names > 0)
		return run_online(o, true, err);
	return error_set(err, ERR_USAGE, "%s: not a command, or an option is missing", o->command);
}

int main(int argc, char **argv)
{
	struct options options;
	struct error err = { 0 };
	int r = parse(argc, argv, &options, &err);

	if (r == 0)
		r = run(&options, &err);
	if (r == 0)
		return 0;
	fprintf(stderr, "tuf-client: %s: %s\n", error_code_name(r), err.message);
	return 1;
}
