/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-repo init: keys, settings and the first version of every role. */
#include <dirent.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "repo/commands.h"
#include "repo/unfinished.h"
#include "wire/recall.h"
#include "wire/target_custom.h"

#define MAX_THRESHOLD 16

DEFINE_CLEANUP(DIR *, closedir);

/* One role of the new repository, with the keys made for it. */
struct new_role {
	const char *name;
	bool online;
	unsigned threshold;
	struct tuf_key *keys[MAX_THRESHOLD];
	char *paths[MAX_THRESHOLD];
	bool written[MAX_THRESHOLD];
};

struct plan {
	const char *dir;
	char *keys; /* absolute */
	char *made; /* the topmost folder that had to be made for the keys; NULL: none */
	char *online;
	int lock_fd, keys_lock_fd; /* of both folders; -1: not ours */
	char *passphrase;          /* for the offline keys, or NULL */
	struct settings *settings;
	struct new_role roles[SETTINGS_MAX_TIERS + 6];
	size_t n;
};

static void plan_free(struct plan *p)
{
	if (p->lock_fd >= 0)
		close(p->lock_fd);
	if (p->keys_lock_fd >= 0)
		close(p->keys_lock_fd);
	free(p->keys);
	free(p->made);
	free(p->online);
	command_wipe_text(&p->passphrase);
	settings_free(p->settings);
	for (size_t i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < MAX_THRESHOLD; k++) {
			tuf_key_free(p->roles[i].keys[k]);
			free(p->roles[i].paths[k]);
		}
	}
}

static struct new_role *plan_find(struct plan *p, const char *name, size_t len)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strlen(p->roles[i].name) == len && memcmp(p->roles[i].name, name, len) == 0)
			return &p->roles[i];
	}
	return NULL;
}

/* ---- An init that was ended ---- */

/* The list of keys (unfinished.h) comes first and goes when all is done, so the next init takes
 * back what one that was ended left. */
static int begin(const struct plan *p, struct error *err)
{
	_cleanup_buf_ struct buf list = BUF_INIT(UNFINISHED_MAX);
	int r = 0;

	for (size_t i = 0; i < p->n; i++) {
		for (unsigned k = 0; r == 0 && k < p->roles[i].threshold; k++)
			r = unfinished_add(&list, tuf_key_id(p->roles[i].keys[k]),
					   p->roles[i].paths[k], err);
	}
	return r < 0 ? r : unfinished_write(p->dir, &list, err);
}

static int clear_folder(const char *dir, struct error *err)
{
	static const char *const made[] = { "repository", "online-keys" };
	_cleanup_free_ char *settings = path_join(dir, SETTINGS_FILE, NULL);
	int r = settings ? file_remove(settings, err) : ERR_NO_MEMORY;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(made); i++) {
		_cleanup_free_ char *path = path_join(dir, made[i], NULL);

		r = path ? file_remove_tree(path, err) : ERR_NO_MEMORY;
	}
	return r;
}

/* The timestamp is written last: with it all of it is there, and only the mark is left over. What
 * is wrong with it then is no reason to take anything away. */
static int check_unfinished(const char *dir, struct error *err)
{
	_cleanup_free_ char *last = path_join(dir, "repository/metadata/timestamp.json", NULL);
	struct stat st;
	int r;

	if (!last)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (stat(last, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : error_set_errno(err, errno, "%s", last);
	r = unfinished_end(dir, err);
	return r < 0 ? r
		     : error_set(err, ERR_EXISTS,
				 "%s: holds a repository, whose init came to its end", dir);
}

static int take_back_unfinished(const char *dir, struct error *err)
{
	int r = unfinished_is_there(dir) ? check_unfinished(dir, err) : 0;

	if (r < 0 || !unfinished_is_there(dir))
		return r;
	r = unfinished_take_back(dir, NULL, NULL, err);
	if (r == 0)
		r = clear_folder(dir, err);
	return r < 0 ? r : unfinished_end(dir, err);
}

/* ---- What was asked for ---- */

static int check_empty(const char *dir, struct error *err)
{
	_cleanup_(closedirp) DIR *folder = opendir(dir);
	struct dirent *entry;

	if (!folder)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", dir);
	if (unfinished_is_there(dir))
		return 0;
	while ((entry = readdir(folder))) {
		/* Of writing the list, before it had its name (file_write_atomic). */
		if (!streq(entry->d_name, ".") && !streq(entry->d_name, "..") &&
		    !str_has_prefix(entry->d_name, ".new-"))
			return error_set(err, ERR_EXISTS, "%s: exists and is not empty", dir);
	}
	return 0;
}

static int plan_tiers(struct plan *p, const struct cli *cli, struct error *err)
{
	static const char *const usual[] = { "edge", "beta", "candidate", "stable" };
	size_t given = cli_count(cli, "tier");
	int r = 0;

	for (size_t i = 0; r == 0 && i < (given ? given : ARRAY_SIZE(usual)); i++)
		r = settings_add_tier(p->settings, given ? cli_get_nth(cli, "tier", i) : usual[i],
				      err);
	return r;
}

static void plan_roles(struct plan *p)
{
	static const struct new_role fixed[] = {
		{ .name = "root" },
		{ .name = "targets" },
		{ .name = TARGET_RECALL_ROLE },
		{ .name = TARGET_EVIDENCE_ROLE },
		{ .name = "snapshot", .online = true },
		{ .name = "timestamp", .online = true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		p->roles[p->n++] = fixed[i];
	for (size_t i = 0; i < p->settings->n_tiers; i++)
		p->roles[p->n++].name = p->settings->tiers[i];
	for (size_t i = 0; i < p->n; i++)
		p->roles[i].threshold = 1;
}

static int plan_online(struct plan *p, const struct cli *cli, struct error *err)
{
	for (size_t i = 0; i < cli_count(cli, "online-tier"); i++) {
		const char *name = cli_get_nth(cli, "online-tier", i);
		size_t index;
		int r = settings_tier_index(p->settings, name, &index, err);

		if (r < 0)
			return r;
		plan_find(p, name, strlen(name))->online = true;
	}
	/* Who can add without the offline keys can also say what was added. */
	if (plan_find(p, p->settings->tiers[0], strlen(p->settings->tiers[0]))->online)
		plan_find(p, TARGET_EVIDENCE_ROLE, strlen(TARGET_EVIDENCE_ROLE))->online = true;
	return 0;
}

static int plan_thresholds(struct plan *p, const struct cli *cli, struct error *err)
{
	for (size_t i = 0; i < cli_count(cli, "threshold"); i++) {
		const char *text = cli_get_nth(cli, "threshold", i), *equals = strchr(text, '=');
		struct new_role *role = equals ? plan_find(p, text, (size_t)(equals - text)) : NULL;
		char *end;
		unsigned long n;

		if (!role)
			return error_set(err, ERR_USAGE,
					 "--threshold %s: not ROLE=N with a role "
					 "of this repository",
					 text);
		n = strtoul(equals + 1, &end, 10);
		if (equals[1] < '1' || equals[1] > '9' || *end != '\0' || n > MAX_THRESHOLD)
			return error_set(err, ERR_USAGE, "--threshold %s: N is 1 to %d", text,
					 MAX_THRESHOLD);
		role->threshold = (unsigned)n;
	}
	return 0;
}

/* Makes a folder if need be, and holds it: another init must neither write into it nor take it
 * back. */
static int claim(const char *dir, mode_t mode, int *ret_fd, struct error *err)
{
	_cleanup_close_ int fd = -1;
	int r = file_make_dirs(dir, mode, err);

	if (r < 0)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, errno, "%s", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? error_set(err, ERR_BAD_STATE,
							"%s: another suture-repo uses it", dir)
					    : error_set_errno(err, errno, "%s: lock", dir);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Cuts a path to the folder it is in; "" for the last name of a relative one. */
static void cut_to_parent(char *path)
{
	size_t n = strlen(path);

	while (n > 0 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	path[n] = '\0';
}

/* The topmost folder of a path that is not there yet; NULL when all are. */
static int find_missing(const char *path, char **ret, struct error *err)
{
	_cleanup_free_ char *at = strdup(path);

	while (at && *at && !file_exists(at)) {
		free(*ret);
		*ret = strdup(at);
		if (!*ret)
			return error_set(err, ERR_NO_MEMORY, "no memory");
		cut_to_parent(at);
	}
	return at ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

/* Empty folders that were made for the keys go, from the innermost up to the topmost. */
static void remove_made(const struct plan *p, const char *keys)
{
	_cleanup_free_ char *at = p->made ? strdup(keys) : NULL;

	while (at && strlen(at) >= strlen(p->made) && rmdir(at) == 0)
		cut_to_parent(at);
}

/* Offline keys inside DIR would be published or copied along with it. */
static int plan_folders(struct plan *p, const struct cli *cli, struct error *err)
{
	const char *keys = cli_get(cli, "keys");
	_cleanup_free_ char *dir = NULL;
	size_t n;
	_cleanup_free_ char *made = NULL;
	int r = find_missing(keys, &made, err);

	if (r == 0)
		r = claim(keys, 0700, &p->keys_lock_fd, err);
	if (r < 0)
		return r;
	p->made = TAKE_PTR(made);
	dir = realpath(p->dir, NULL);
	p->keys = realpath(keys, NULL);
	p->online = path_join(p->dir, "online-keys", NULL);
	if (!dir || !p->keys || !p->online)
		return error_set_errno(err, errno, "%s", keys);
	n = strlen(dir);
	if (strncmp(p->keys, dir, n) == 0 && (p->keys[n] == '/' || p->keys[n] == '\0'))
		return error_set(err, ERR_INVALID, "%s: offline keys belong outside %s", keys,
				 p->dir);
	p->settings->keys = strdup(p->keys);
	return p->settings->keys ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

/* ---- Keys ---- */

static int make_keys(struct plan *p, struct new_role *role, struct error *err)
{
	for (unsigned k = 0; k < role->threshold; k++) {
		const char *folder = role->online ? p->online : p->keys;
		int r = tuf_key_generate(TUF_KEY_ED25519, 0, &role->keys[k], err), n;

		if (r < 0)
			return r;
		n = k == 0 ? asprintf(&role->paths[k], "%s/%s.pem", folder, role->name)
			   : asprintf(&role->paths[k], "%s/%s-%u.pem", folder, role->name, k + 1);
		if (n < 0) {
			role->paths[k] = NULL;
			return error_set(err, ERR_NO_MEMORY, "no memory");
		}
		if (file_exists(role->paths[k]))
			return error_set(err, ERR_EXISTS, "%s: there is a key already",
					 role->paths[k]);
	}
	return 0;
}

static int write_keys(struct plan *p, struct error *err)
{
	int r = file_make_dirs(p->online, 0700, err);

	for (size_t i = 0; i < p->n; i++) {
		struct new_role *role = &p->roles[i];

		for (unsigned k = 0; r == 0 && k < role->threshold; k++) {
			r = key_store_write(role->keys[k], role->paths[k],
					    role->online ? NULL : p->passphrase, err);
			role->written[k] = r == 0;
		}
	}
	return r;
}

/* Nothing half-done stays behind. */
static void take_back(struct plan *p, const char *keys)
{
	for (size_t i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < MAX_THRESHOLD; k++) {
			if (p->roles[i].written[k])
				(void)file_remove(p->roles[i].paths[k], NULL);
		}
	}
	remove_made(p, keys);
	(void)file_remove_tree(p->dir, NULL);
}

/* ---- Metadata ---- */

static int add_recall_list(struct repository *repo, struct repo_role *role, struct error *err)
{
	_cleanup_recall_ struct recall *empty = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT(RECALL_MAX);
	int r = recall_new(&empty);

	if (r == 0)
		r = recall_write(empty, &text, err);
	if (r == 0)
		r = repository_put_target(repo, role, TARGET_RECALL_PATH, text.data, text.len, NULL,
					  err);
	return r;
}

/* Delegated roles: recall for its one file, a tier for "<tier>/<release>/<build id>/<file>", and
 * evidence likewise under its own name. */
static int add_delegation(struct repository *repo, const struct new_role *role, struct error *err)
{
	bool recall = streq(role->name, TARGET_RECALL_ROLE);
	char pattern[TIER_MAX + 16];
	const char *paths[] = { recall ? TARGET_RECALL_PATH : pattern };
	struct repo_role *added = repository_add_role(repo, role->name, err);
	int r;

	if (!added)
		return ERR_TOO_LARGE;
	snprintf(pattern, sizeof(pattern), "%s/*/*/*", role->name);
	r = tuf_metadata_new(TUF_TARGETS, repo->now, &added->md, err);
	if (r == 0)
		r = tuf_targets_delegate(repo->targets, role->name,
					 (const struct tuf_key *const *)role->keys, role->threshold,
					 role->threshold, paths, 1, true, err);
	if (r == 0 && recall)
		r = add_recall_list(repo, added, err);
	return r;
}

static bool is_delegated(const struct plan *p, const struct new_role *role)
{
	return streq(role->name, TARGET_RECALL_ROLE) || streq(role->name, TARGET_EVIDENCE_ROLE) ||
	       settings_tier_index(p->settings, role->name, &(size_t){ 0 }, NULL) == 0;
}

static int fill(struct plan *p, struct repository *repo, struct error *err)
{
	int r = tuf_metadata_new(TUF_ROOT, repo->now, &repo->root, err);

	if (r == 0)
		r = tuf_metadata_new(TUF_TARGETS, repo->now, &repo->targets, err);
	if (r == 0)
		r = tuf_metadata_new(TUF_SNAPSHOT, repo->now, &repo->snapshot, err);
	if (r == 0)
		r = tuf_metadata_new(TUF_TIMESTAMP, repo->now, &repo->timestamp, err);
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct new_role *role = &p->roles[i];

		if (is_delegated(p, role))
			r = add_delegation(repo, role, err);
		else
			r = tuf_root_set_role(repo->root, role->name,
					      (const struct tuf_key *const *)role->keys,
					      role->threshold, role->threshold, err);
	}
	repo->root_changed = repo->targets_changed = repo->snapshot_changed = true;
	return r;
}

/* The store owns the keys from here on. */
static int add_keys(struct plan *p, struct key_store *store, struct error *err)
{
	for (size_t i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < p->roles[i].threshold; k++) {
			_cleanup_json_ json_t *object = tuf_key_to_json(p->roles[i].keys[k]);
			struct tuf_key *public_key = NULL;
			int r = object ? tuf_key_from_json(object, &public_key, err)
				       : ERR_NO_MEMORY;

			if (r == 0)
				r = key_store_add(store, p->roles[i].keys[k], p->roles[i].paths[k]);
			if (r < 0) {
				tuf_key_free(public_key);
				return error_set(err, r, "no memory");
			}
			p->roles[i].keys[k] = public_key;
		}
	}
	return 0;
}

static int build(struct plan *p, struct error *err)
{
	_cleanup_repository_ struct repository *repo = NULL;
	_cleanup_settings_ struct settings *settings = NULL;
	_cleanup_key_store_ struct key_store *keys = NULL;
	int r = write_keys(p, err);

	if (r == 0)
		r = settings_save(p->settings, p->dir, err);
	if (r == 0)
		r = settings_load(p->dir, &settings, err);
	if (r == 0)
		r = key_store_new(&keys);
	if (r == 0)
		r = add_keys(p, keys, err);
	if (r == 0)
		r = repository_create(p->dir, TAKE_PTR(settings), TAKE_PTR(keys), clock_now(),
				      &repo, err);
	if (r == 0)
		r = fill(p, repo, err);
	return r < 0 ? r : repository_commit(repo, err);
}

int cmd_init(struct cli *cli, struct error *err)
{
	_cleanup_(plan_free) struct plan p = { .dir = cli_arg(cli, 0),
					       .lock_fd = -1,
					       .keys_lock_fd = -1 };
	int r = check_empty(p.dir, err);

	if (r == 0 && settings_new(&p.settings) < 0)
		r = error_set(err, ERR_NO_MEMORY, "no memory");
	if (r == 0)
		r = plan_tiers(&p, cli, err);
	if (r < 0)
		return r;
	plan_roles(&p);
	r = plan_online(&p, cli, err);
	if (r == 0)
		r = plan_thresholds(&p, cli, err);
	if (r < 0)
		return r;
	r = claim(p.dir, 0755, &p.lock_fd, err);
	if (r == 0)
		r = take_back_unfinished(p.dir, err);
	if (r == 0)
		r = check_empty(p.dir, err);
	if (r < 0)
		return r;
	r = plan_folders(&p, cli, err);
	if (r == 0)
		r = command_new_passphrase(cli, false, &p.passphrase, err);
	for (size_t i = 0; r == 0 && i < p.n; i++)
		r = make_keys(&p, &p.roles[i], err);
	if (r == 0)
		r = begin(&p, err);
	if (r == 0)
		r = build(&p, err);
	if (r == 0)
		r = unfinished_end(p.dir, err);
	if (r < 0) {
		take_back(&p, cli_get(cli, "keys"));
		return r;
	}
	printf("%s: a new repository with %zu tiers; offline keys in %s\n", p.dir,
	       p.settings->n_tiers, p.keys);
	return EXIT_OK;
}
