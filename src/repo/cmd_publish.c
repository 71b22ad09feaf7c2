/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo verify, trust-bundle, publish: what leaves the working folder. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "module/certificate.h"
#include "repo/commands.h"
#include "repo/publication.h"
#include "repo/upload.h"
#include "repo/walk.h"
#include "wire/bundle.h"

/* ---- verify ---- */

static void print_report(const struct walk_result *result)
{
	size_t i;
	json_t *role;

	json_array_foreach (json_object_get(result->report, "roles"), i, role) {
		printf("%-12s version %-6" JSON_INTEGER_FORMAT " until %s  %" JSON_INTEGER_FORMAT
		       " modules\n",
		       json_string_value(json_object_get(role, "role")),
		       json_integer_value(json_object_get(role, "version")),
		       json_string_value(json_object_get(role, "expires")),
		       json_integer_value(json_object_get(role, "modules")));
	}
	walk_print_warnings(result);
	printf("verified: %zu roles, %zu modules, %zu attestations, %zu bytes\n", result->roles,
	       result->modules, result->attestations, result->bytes);
}

int cmd_verify(struct cli *cli, struct error *err)
{
	_cleanup_walk_ struct walk_result result = { 0 };
	_cleanup_free_ char *tree = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT((size_t)64 * 1024 * 1024);
	const struct walk_options options = { .root = cli_get(cli, "root"), .now = clock_now() };
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = walk_find_tree(cli_arg(cli, 0), &tree, err);
	if (r == 0)
		r = walk_repository(tree, &options, &result, err);
	if (r < 0)
		return r;
	if (format == CLI_TEXT) {
		print_report(&result);
		return EXIT_OK;
	}
	r = json_append_pretty(result.report, &text);
	if (r < 0)
		return error_set(err, r, "the report is too large");
	fputs(buf_str(&text), stdout);
	return EXIT_OK;
}

/* ---- trust-bundle ---- */

/* What is signed with its key must be what machines and kernels can check. */
static int check_module_cert(const char *pem, struct error *err)
{
	_cleanup_(X509_freep) X509 *cert = NULL;
	enum signature_algorithm algorithm;
	int r = certificate_read(pem, &cert, err);

	return r < 0 ? r : certificate_classify(X509_get0_pubkey(cert), &algorithm, err);
}

static int fill_texts(const struct cli *cli, struct bundle *b, struct error *err)
{
	size_t n = cli_count(cli, "module-cert");
	int r;

	if (n > BUNDLE_MAX_CERTS)
		return error_set(err, ERR_USAGE, "--module-cert: at most %d", BUNDLE_MAX_CERTS);
	b->module_certificates = calloc(n + 1, sizeof(char *));
	b->url = strdup(cli_get(cli, "url"));
	if (!b->module_certificates || !b->url)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = command_read_text(cli_get(cli, "server-ca"), &b->server_ca, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = command_read_text(cli_get_nth(cli, "module-cert", i),
				      &b->module_certificates[i], err);
		b->n_module_certificates += r == 0;
		if (r == 0)
			r = check_module_cert(b->module_certificates[i], err);
	}
	return r;
}

static int fill_tiers(const struct cli *cli, const struct settings *s, struct bundle *b,
		      struct error *err)
{
	const char *tier = cli_get(cli, "default-tier");
	int r;

	b->tiers = calloc(s->n_tiers + 1, sizeof(char *));
	for (size_t i = 0; b->tiers && i < s->n_tiers; i++) {
		b->tiers[i] = strdup(s->tiers[i]);
		if (!b->tiers[i])
			return error_set(err, ERR_NO_MEMORY, "no memory");
		b->n_tiers++;
	}
	/* The last tier is the one for everybody else. */
	b->default_tier = strdup(tier ? tier : s->tiers[s->n_tiers - 1]);
	if (!b->tiers || !b->default_tier)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = settings_tier_index(s, b->default_tier, &(size_t){ 0 }, err);
	return r;
}

/* The exact bytes of the newest root. */
static int fill_root(const struct repository *repo, struct bundle *b, struct error *err)
{
	_cleanup_buf_ struct buf root = BUF_INIT(REPOSITORY_FILE_MAX);
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/metadata/%lld.root.json", repo->tree,
		     (long long)repo->root->version) < 0) {
		path = NULL;
		return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	r = file_read(path, &root, err);
	if (r < 0)
		return r;
	b->root = buf_take(&root, &b->root_len);
	return b->root ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

static bool is_bundle(const void *data, size_t len)
{
	_cleanup_bundle_ struct bundle *b = NULL;

	return bundle_parse(data, len, &b, NULL) == 0;
}

int cmd_trust_bundle(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_bundle_ struct bundle *b = calloc(1, sizeof(*b));
	_cleanup_buf_ struct buf text = BUF_INIT(BUNDLE_MAX);
	char sha256[SHA256_HEX_LEN + 1];
	int r = b ? command_open(cli, &repo, err) : ERR_NO_MEMORY;

	if (r == 0)
		r = fill_texts(cli, b, err);
	if (r == 0)
		r = fill_tiers(cli, repo->settings, b, err);
	if (r == 0)
		r = fill_root(repo, b, err);
	if (r == 0)
		r = bundle_write(b, &text, err);
	if (r == 0)
		r = hash_sha256_hex(text.data, text.len, sha256);
	if (r == 0)
		r = command_write_output(cli_get(cli, "output"), &text, is_bundle, err);
	if (r < 0)
		return r;
	printf("%s  %s\n", sha256, cli_get(cli, "output"));
	return EXIT_OK;
}

/* ---- publish ---- */

/* To a server: its people's listener, with the login of suture-admin. */
static int publish_to_server(struct publication *p, const char *session, struct error *err)
{
	_cleanup_upload_ struct upload *upload = NULL;
	int r = upload_new(p->to, session, &upload, err);

	if (r < 0)
		return r;
	p->get = upload_get;
	p->put = upload_put;
	p->user = upload;
	return publication_run(p, err);
}

/* Is that a folder of `suture-repo init`? */
static bool is_repository(const char *path)
{
	_cleanup_free_ char *settings = path_join(path, SETTINGS_FILE, NULL);

	return settings && file_exists(settings);
}

/* A role that expired, or lists what is not there, must not keep the others, a recall above all,
 * from being published. */
int cmd_publish(struct cli *cli, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_walk_ struct walk_result result = { 0 };
	struct walk_options options = { .expired_roles = true, .bad_targets = true };
	struct publication p = { .to = cli_get(cli, "to"), .what = &result };
	int r;

	if (!str_has_prefix(p.to, "https://") && strstr(p.to, "://"))
		return error_set(err, ERR_USAGE, "%s: neither a folder nor an https:// address",
				 p.to);
	if (!*p.to)
		return error_set(err, ERR_USAGE, "--to: a folder or an https:// address is needed");
	if (is_repository(p.to))
		return error_set(
			err, ERR_USAGE,
			"%s: a repository with its keys is there, which nobody is to serve", p.to);
	r = command_open(cli, &repo, err);
	if (r < 0)
		return r;
	options.now = repo->now;
	r = walk_repository(repo->tree, &options, &result, err);
	if (r < 0)
		return r;
	walk_print_warnings(&result);
	p.from = repo->tree;
	r = str_has_prefix(p.to, "https://") ? publish_to_server(&p, cli_get(cli, "session"), err)
					     : publication_run(&p, err);
	if (r < 0)
		return r;
	printf("%s: %zu files new, %zu as they were\n", p.to, p.copied, p.kept);
	return EXIT_OK;
}
