/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/repository.h"

#include <pthread.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "server/listing.h"
#include "tuf/client.h"
#include "wire/recall.h"
#include "wire/target_custom.h"

#define RETRY_MS  10000 /* after a failure, with the same timestamp.json */
#define ROLES_MAX 64

/* Which timestamp.json was read. */
struct stamp {
	dev_t device;
	ino_t inode;
	struct timespec changed;
	off_t size;
};

struct repository {
	char *dir, *metadata_dir, *timestamp_path, *first_root_path;
	pthread_mutex_t reading; /* held by the thread that reads */
	pthread_rwlock_t lock;   /* of all below */
	struct listing *listing; /* NULL until the first good reading */
	struct stamp stamp;
	int64_t tried; /* clock_monotonic_ms() of the last reading */
	int code;      /* of the last reading */
	struct error err;
};

int repository_new(const char *dir, const char *metadata_dir, struct repository **ret,
		   struct error *err)
{
	struct repository *repository = calloc(1, sizeof(*repository));

	if (!repository)
		return error_set(err, ERR_NO_MEMORY, "repository: out of memory");
	pthread_mutex_init(&repository->reading, NULL);
	pthread_rwlock_init(&repository->lock, NULL);
	repository->dir = strdup(dir);
	repository->metadata_dir = strdup(metadata_dir);
	repository->timestamp_path = path_join(dir, "metadata/timestamp.json", NULL);
	repository->first_root_path = path_join(dir, "metadata/1.root.json", NULL);
	if (!repository->dir || !repository->metadata_dir || !repository->timestamp_path ||
	    !repository->first_root_path) {
		repository_free(repository);
		return error_set(err, ERR_NO_MEMORY, "repository: out of memory");
	}
	repository->code = error_set(&repository->err, ERR_NOT_FOUND, "%s: not read yet", dir);
	*ret = repository;
	return 0;
}

void repository_free(struct repository *repository)
{
	if (!repository)
		return;
	listing_free(repository->listing);
	free(repository->dir);
	free(repository->metadata_dir);
	free(repository->timestamp_path);
	free(repository->first_root_path);
	pthread_rwlock_destroy(&repository->lock);
	pthread_mutex_destroy(&repository->reading);
	free(repository);
}

/* Opens a fresh client that trusts the repository's first root, and brings it up to date. */
static int open_client(struct repository *repository, int64_t now, struct tuf_client **ret,
		       struct error *err)
{
	struct tuf_client_options options = {
		.fetch = tuf_fetch_folder,
		.user = repository->dir,
	};
	_cleanup_tuf_client_ struct tuf_client *client = NULL;
	_cleanup_buf_ struct buf root = BUF_INIT(TUF_MAX_ROOT);
	int r = file_read(repository->first_root_path, &root, err);

	if (r == 0)
		r = tuf_client_init(repository->metadata_dir, root.data, root.len, false, err);
	if (r == 0)
		r = tuf_client_open(repository->metadata_dir, &options, &client, err);
	if (r == 0)
		r = tuf_client_refresh(client, now, err);
	if (r == 0)
		*ret = TAKE_PTR(client);
	return r;
}

/* The delegations of the targets role; borrowed from the client. */
static int load_roles(struct tuf_client *client, const json_t **ret, struct error *err)
{
	const struct tuf_role *targets;
	int r = tuf_client_load_role(client, "targets", &targets, err);

	if (r < 0)
		return r;
	*ret = json_object_get(json_object_get(tuf_role_signed(targets), "delegations"), "roles");
	if (json_array_size(*ret) > ROLES_MAX)
		return error_set(err, ERR_TOO_LARGE, "targets.json: over %d delegations",
				 ROLES_MAX);
	return 0;
}

/* As a machine finds it: a repository need not have recalled anything yet. */
static int load_recall(struct tuf_client *client, struct recall **ret, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(RECALL_MAX);
	const struct tuf_role *role;
	struct tuf_target target;
	int r = tuf_client_load_role(client, TARGET_RECALL_ROLE, &role, err);

	if (r == 0)
		r = tuf_role_find(role, TARGET_RECALL_PATH, &target, err);
	if (r == ERR_NOT_LISTED)
		return 0;
	if (r == 0)
		r = tuf_client_download(client, &target, &text, err);
	return r < 0 ? r : recall_parse(text.data, text.len, ret, err);
}

/* Adds one target; what is not a module is passed over. */
static int add_target(struct listing *listing, const struct tuf_target *target,
		      const struct recall *recall, struct error *err)
{
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	struct target_path_parts parts;
	struct patch_version version;
	bool withdrawn;
	int r;

	if (!str_has_suffix(target->path, ".ko"))
		return 0;
	r = target_path_parse(target->path, &parts, err);
	if (r == 0)
		r = target_custom_parse(target->custom, &custom, err);
	if (r == 0)
		r = patch_version_parse(custom->version, &version);
	if (r < 0)
		return r;
	withdrawn = recall && recall_lookup(recall, custom->version, parts.kernel);
	return listing_add(listing, parts.tier, parts.kernel, parts.build_id, version, withdrawn,
			   err);
}

static int add_role(struct listing *listing, struct tuf_client *client, const char *name,
		    const struct recall *recall, struct error *err)
{
	_cleanup_free_ struct tuf_target *targets = NULL;
	const struct tuf_role *role;
	size_t n = 0;
	int r = tuf_client_load_role(client, name, &role, err);

	if (r == 0)
		r = tuf_role_list(role, "", &targets, &n, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct error why = { 0 };

		r = add_target(listing, &targets[i], recall, &why);
		if (r == ERR_INVALID) {
			log_warning("repository: %s: %s", targets[i].path, why.message);
			r = 0;
		} else if (r < 0) {
			error_set(err, r, "%s", why.message);
		}
	}
	return r;
}

/* Reads all tiers into a new listing. A tier whose role cannot be used (expired) lists nothing,
 * which is what machines will find too. */
static int read_all(struct repository *repository, int64_t now, struct listing **ret,
		    struct error *err)
{
	_cleanup_tuf_client_ struct tuf_client *client = NULL;
	_cleanup_listing_ struct listing *listing = NULL;
	_cleanup_recall_ struct recall *recall = NULL;
	const json_t *roles = NULL;
	int r = open_client(repository, now, &client, err);

	if (r == 0)
		r = load_roles(client, &roles, err);
	if (r == 0)
		r = load_recall(client, &recall, err);
	if (r == 0)
		r = listing_new(&listing, err);
	for (size_t i = 0; r == 0 && i < json_array_size(roles); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(roles, i), "name"));
		struct error why = { 0 };

		if (!name || streq(name, TARGET_RECALL_ROLE))
			continue;
		r = add_role(listing, client, name, recall, &why);
		if (r < 0) {
			log_warning("repository: tier %s: %s", name, why.message);
			r = r == ERR_NO_MEMORY ? error_set(err, r, "%s", why.message) : 0;
		}
	}
	if (r < 0)
		return r;
	listing_sort(listing);
	*ret = TAKE_PTR(listing);
	return 0;
}

static struct stamp read_stamp(const struct repository *repository)
{
	struct stat st;

	if (stat(repository->timestamp_path, &st) < 0)
		return (struct stamp){ 0 };
	return (struct stamp){ st.st_dev, st.st_ino, st.st_ctim, st.st_size };
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool needs_reading(struct repository *repository, const struct stamp *stamp)
{
	bool needs;

	pthread_rwlock_rdlock(&repository->lock);
	needs = !same_stamp(stamp, &repository->stamp) || repository->tried == 0 ||
		(repository->code < 0 && clock_monotonic_ms() - repository->tried > RETRY_MS);
	pthread_rwlock_unlock(&repository->lock);
	return needs;
}

static void put_result(struct repository *repository, const struct stamp *stamp,
		       struct listing *listing, int code, const struct error *err)
{
	struct listing *old = NULL;

	pthread_rwlock_wrlock(&repository->lock);
	repository->stamp = *stamp;
	repository->tried = clock_monotonic_ms();
	repository->code = code;
	repository->err = *err;
	if (listing) {
		old = repository->listing;
		repository->listing = listing;
	}
	pthread_rwlock_unlock(&repository->lock);
	listing_free(old);
}

void repository_update(struct repository *repository, int64_t now)
{
	struct stamp stamp = read_stamp(repository);
	struct listing *listing = NULL;
	struct error err = { 0 };
	int r;

	if (!needs_reading(repository, &stamp) || pthread_mutex_trylock(&repository->reading) != 0)
		return;
	r = read_all(repository, now, &listing, &err);
	if (r == -ENOENT && stamp.inode == 0)
		log_info("there is no repository in %s yet: suture-repo publish puts it there",
			 repository->dir);
	else if (r < 0)
		log_info("repository: %s", err.message);
	else
		log_info("repository: %zu modules are listed", listing_size(listing));
	put_result(repository, &stamp, listing, r, &err);
	pthread_mutex_unlock(&repository->reading);
}

enum check_in_reason repository_decide(struct repository *repository,
				       const struct machine_facts *facts, const char *applied,
				       char ret_version[static PATCH_VERSION_MAX])
{
	enum check_in_reason reason = REASON_PAUSED;

	ret_version[0] = 0;
	pthread_rwlock_rdlock(&repository->lock);
	if (repository->listing)
		reason = listing_decide(repository->listing, facts, applied, ret_version);
	pthread_rwlock_unlock(&repository->lock);
	return reason;
}

int repository_state(struct repository *repository, size_t *ret_modules, struct error *err)
{
	int code;

	pthread_rwlock_rdlock(&repository->lock);
	code = repository->code;
	if (code < 0 && err)
		*err = repository->err;
	*ret_modules = repository->listing ? listing_size(repository->listing) : 0;
	pthread_rwlock_unlock(&repository->lock);
	return code;
}
