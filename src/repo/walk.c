/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/walk.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "repo/dsse.h"
#include "repo/evidence.h"
#include "repo/source.h"
#include "repo/submission.h"
#include "tuf/client.h"
#include "tuf/metadata.h"
#include "wire/recall.h"
#include "wire/target_custom.h"

struct walk {
	struct tuf_client *client;
	const struct walk_options *options;
	const struct tuf_role *role;
	const char *name;
	const char *tree;
	const json_t *evidence; /* the signed part of the role, or NULL; the client's */
	struct walk_result *result;
	size_t modules; /* of this role */
};

/* ---- The result ---- */

void walk_result_done(struct walk_result *result)
{
	json_decref(result->report);
	json_decref(result->bad);
	for (size_t i = 0; i < result->n_files; i++)
		free(result->files[i].path);
	free(result->files);
	*result = (struct walk_result){ 0 };
}

void walk_print_warnings(const struct walk_result *result)
{
	size_t i;
	json_t *warning;

	json_array_foreach (json_object_get(result->report, "warnings"), i, warning)
		fprintf(stderr, "warning: %s\n", json_string_value(warning));
}

static _printf_(2, 3) int warn(struct walk *w, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	/* It may hold names that somebody else chose. */
	if (text)
		error_clean_text(text);
	return text && json_array_append_new(json_object_get(w->result->report, "warnings"),
					     json_string(text)) == 0
		       ? 0
		       : ERR_NO_MEMORY;
}

static int note_file(struct walk *w, const char *path, const void *data, size_t len,
		     struct error *err)
{
	struct walk_result *result = w->result;
	struct walk_file file = { .path = strdup(path), .len = len };
	struct walk_file *grown =
		reallocarray(result->files, result->n_files + 1, sizeof(*result->files));

	if (grown)
		result->files = grown;
	if (!grown || !file.path || hash_sha256_hex(data, len, file.sha256) < 0) {
		free(file.path);
		return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	result->files[result->n_files++] = file;
	return 0;
}

/* What is fetched is noted: unless all of it is good, there is no result. */
static int fetch(void *user, const char *path, size_t max, struct buf *out, struct error *err)
{
	struct walk *w = user;
	size_t before = out->len;
	int r = tuf_fetch_folder((void *)w->tree, path, max, out, err);

	return r < 0 ? r : note_file(w, path, buf_str(out) + before, out->len - before, err);
}

/* ---- Targets ---- */

int walk_find_tree(const char *dir, char **ret, struct error *err)
{
	_cleanup_free_ char *inner = path_join(dir, "repository", "metadata", NULL);
	_cleanup_free_ char *own = path_join(dir, "metadata", NULL);

	if (!inner || !own)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!file_exists(inner) && !file_exists(own))
		return error_set(err, ERR_NOT_FOUND, "%s: not a repository", dir);
	*ret = file_exists(inner) ? path_join(dir, "repository", NULL) : strdup(dir);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

static int download(struct walk *w, const char *path, struct buf *out, struct error *err)
{
	struct tuf_target target;
	int r = tuf_role_find(w->role, path, &target, err);

	if (r == 0)
		r = tuf_client_download(w->client, &target, out, err);
	w->result->bytes += out->len;
	return r;
}

/* The record beside a module: the one that custom names, about this module. */
static int check_record(struct walk *w, const struct target_path_parts *parts,
			const struct target_custom *custom, struct submission *files,
			struct error *err)
{
	_cleanup_free_ char *path =
		target_path(w->name, parts->kernel, parts->build_id, parts->module, ".json");
	int r = path ? download(w, path, &files->text, err)
		     : error_set(err, ERR_NO_MEMORY, "no memory");

	if (r == 0)
		r = submission_check(files, err);
	return r < 0 ? r : submission_check_custom(files, parts, custom, err);
}

/* What `custom` says is known about the module. The files' hashes are looked at with their role. */
static int check_attestations(struct walk *w, const char *path,
			      const struct target_path_parts *parts,
			      const struct target_custom *custom, const struct submission *files,
			      struct error *err)
{
	struct attestation_subject subject;
	int r = evidence_subject(parts->module, parts->kernel, parts->build_id, &files->module,
				 &files->text, &subject, err);

	for (size_t i = 0; r == 0 && i < custom->n_attestations; i++) {
		struct error why = { 0 };

		if (evidence_check_listed(w->evidence, w->tree, &subject, custom->attestations[i],
					  &why) == 0)
			w->result->attestations++;
		else if (warn(w, "%s: an attestation does not count: %s", path, why.message) < 0)
			r = error_set(err, ERR_NO_MEMORY, "no memory");
	}
	return r;
}

static int check_module(struct walk *w, const struct tuf_target *target, struct error *err)
{
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	_cleanup_submission_ struct submission files = submission_new();
	struct target_path_parts parts;
	int r = target_path_parse(target->path, &parts, err);

	if (r == 0)
		r = target_custom_parse(target->custom, &custom, err);
	if (r == 0)
		r = download(w, target->path, &files.module, err);
	if (r == 0)
		r = check_record(w, &parts, custom, &files, err);
	if (r == 0)
		r = check_attestations(w, target->path, &parts, custom, &files, err);
	w->modules++;
	return r < 0 ? error_prefix(err, r, "%s", target->path) : 0;
}

static int check_target(struct walk *w, const struct tuf_target *target, struct error *err)
{
	_cleanup_recall_ struct recall *recall = NULL;
	_cleanup_buf_ struct buf data = BUF_INIT(MAX(SOURCE_MAX, DSSE_MAX));
	int r;

	if (str_has_suffix(target->path, ".ko"))
		return check_module(w, target, err);
	r = download(w, target->path, &data, err);
	if (r == 0 && streq(target->path, TARGET_RECALL_PATH))
		r = recall_parse(data.data, data.len, &recall, err);
	return r;
}

/* ---- Roles ---- */

/* ISO 8601 sorts as text. */
static void note_expiry(struct walk *w, int64_t expires)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(expires, text);
	if (w->result->until[0] == '\0' || strcmp(text, w->result->until) < 0)
		memcpy(w->result->until, text, sizeof(text));
}

static int report_role(struct walk *w, struct error *err)
{
	char expires[CLOCK_TEXT_MAX];

	clock_format(tuf_role_expires(w->role), expires);
	if (tuf_role_expires(w->role) <= w->options->now &&
	    warn(w, "role %s: expired on %s: machines take nothing from it", w->name, expires) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (json_array_append_new(json_object_get(w->result->report, "roles"),
				  json_pack("{s:s, s:I, s:s, s:I}", "role", w->name, "version",
					    (json_int_t)tuf_role_version(w->role), "expires",
					    expires, "modules", (json_int_t)w->modules)) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	w->result->roles++;
	w->result->modules += w->modules;
	return 0;
}

/* What was read for it is not among the files. */
static int leave_out(struct walk *w, const struct tuf_target *target, const struct error *why,
		     size_t n_files, struct error *err)
{
	struct walk_result *result = w->result;
	char advice[TUF_ROLE_NAME_MAX + 64] = "";

	while (result->n_files > n_files)
		free(result->files[--result->n_files].path);
	if (!w->options->copied)
		snprintf(advice, sizeof(advice),
			 " (suture-repo unlist DIR %s takes it off the list)", w->name);
	if (warn(w, "role %s: left out: %s: %s%s", w->name, target->path, why->message, advice) <
		    0 ||
	    json_array_append_new(result->bad, json_pack("{s:s, s:s}", "role", w->name, "path",
							 target->path)) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return 0;
}

static int check_or_leave_out(struct walk *w, const struct tuf_target *target, struct error *err)
{
	size_t n_files = w->result->n_files, modules = w->modules;
	struct error why = { 0 };
	int r = check_target(w, target, &why);

	if (r < 0 && r != ERR_NO_MEMORY && w->options->bad_targets &&
	    !streq(w->name, TARGET_RECALL_ROLE)) {
		w->modules = modules;
		return leave_out(w, target, &why, n_files, err);
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

static int walk_role(struct walk *w, const char *name, struct error *err)
{
	_cleanup_free_ struct tuf_target *list = NULL;
	size_t n = 0;
	int r = tuf_client_load_role(w->client, name, &w->role, err);

	w->name = name;
	w->modules = 0;
	if (r == 0)
		r = tuf_role_list(w->role, "", &list, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = check_or_leave_out(w, &list[i], err);
	return r < 0 ? r : report_role(w, err);
}

/* The role of evidence; a repository may have none. */
static int load_evidence(struct walk *w, struct error *err)
{
	const struct tuf_role *role;
	int r = tuf_client_load_role(w->client, TARGET_EVIDENCE_ROLE, &role, err);

	if (r == 0)
		w->evidence = tuf_role_signed(role);
	return r == ERR_NOT_LISTED ? 0 : r;
}

static int walk_roles(struct walk *w, struct error *err)
{
	const struct tuf_role *targets;
	const json_t *roles = NULL;
	int r = tuf_client_load_role(w->client, "targets", &targets, err);

	if (r == 0)
		roles = json_object_get(json_object_get(tuf_role_signed(targets), "delegations"),
					"roles");
	if (r == 0)
		r = load_evidence(w, err);
	for (size_t i = 0; r == 0 && i < json_array_size(roles); i++)
		r = walk_role(w,
			      json_string_value(json_object_get(json_array_get(roles, i), "name")),
			      err);
	return r;
}

/* ---- Roots and the whole ---- */

static int read_root(const char *tree, const char *root, struct buf *out, struct error *err)
{
	_cleanup_free_ char *first = path_join(tree, "metadata", "1.root.json", NULL);

	if (!first)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return file_read(root ? root : first, out, err);
}

/* The root before `next`, whose keys must have signed that one. ERR_NOT_FOUND. */
static int read_root_before(struct walk *w, const struct tuf_metadata *next,
			    struct tuf_metadata **ret, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	_cleanup_buf_ struct buf data = BUF_INIT(TUF_MAX_ROOT);
	char path[64];
	int r;

	snprintf(path, sizeof(path), "metadata/%" PRId64 ".root.json", next->version - 1);
	r = fetch(w, path, TUF_MAX_ROOT, &data, err);
	if (r == 0)
		r = tuf_metadata_parse(TUF_ROOT, path, data.data, data.len, &md, err);
	if (r == 0)
		r = tuf_root_verify_next(NULL, md, path, false, err);
	if (r == 0)
		r = tuf_root_verify_next(md, next, path, false, err);
	if (r == 0)
		*ret = TAKE_PTR(md);
	return r;
}

/* The roots up to the trusted one are for readers that begin with an earlier one: nothing is
 * believed of them but that they lead here. A repository may have dropped the oldest. */
static int walk_old_roots(struct walk *w, const struct buf *trusted, struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	struct error local = { 0 };
	char path[64];
	int r = tuf_metadata_parse(TUF_ROOT, "root.json", trusted->data, trusted->len, &md, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "metadata/%" PRId64 ".root.json", md->version);
	r = note_file(w, path, trusted->data, trusted->len, err);
	if (r < 0)
		return r;
	while (r == 0 && md->version > 1) {
		struct tuf_metadata *before = NULL;

		r = read_root_before(w, md, &before, &local);
		if (r < 0)
			break;
		tuf_metadata_free(md);
		md = before;
	}
	if (r < 0 && r != ERR_NOT_FOUND)
		return error_set(err, r, "%s", local.message);
	return 0;
}

static int walk_in(const char *trusted, struct walk *w, struct error *err)
{
	_cleanup_buf_ struct buf root = BUF_INIT(TUF_MAX_ROOT);
	struct tuf_client_options options = {
		.fetch = fetch,
		.user = w,
		.expired_roles = w->options->expired_roles,
	};
	int r = read_root(w->tree, w->options->root, &root, err);

	if (r == 0)
		r = tuf_client_init(trusted, root.data, root.len, false, err);
	if (r == 0)
		r = walk_old_roots(w, &root, err);
	if (r == 0)
		r = tuf_client_open(trusted, &options, &w->client, err);
	if (r == 0)
		r = tuf_client_refresh(w->client, w->options->now, err);
	for (enum tuf_type type = TUF_ROOT; r == 0 && type <= TUF_TARGETS; type++) {
		int64_t expires;

		r = tuf_client_info(w->client, tuf_type_name(type), NULL, &expires);
		if (r == 0)
			note_expiry(w, expires);
	}
	return r < 0 ? r : walk_roles(w, err);
}

int walk_repository(const char *tree, const struct walk_options *options, struct walk_result *ret,
		    struct error *err)
{
	const char *base = getenv("TMPDIR");
	_cleanup_free_ char *trusted = path_join(base ? base : "/tmp", "suture-repo-XXXXXX", NULL);
	struct walk w = { .options = options, .result = ret, .tree = tree };
	int r;

	*ret = (struct walk_result){ .report = json_pack("{s:[], s:[]}", "roles", "warnings") };
	ret->bad = json_array();
	if (!trusted || !ret->report || !ret->bad)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (!mkdtemp(trusted))
		return error_set_errno(err, errno, "%s", trusted);
	r = walk_in(trusted, &w, err);
	tuf_client_free(w.client);
	(void)file_remove_tree(trusted, NULL);
	return r;
}
