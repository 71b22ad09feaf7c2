/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's reading of a repository. */
#include "tuf_repo.h"

#include "server/repository.h"
#include "wire/target_custom.h"

#define KERNEL "6.1.0-41-amd64"
#define BUILD  "0123456789abcdef0123456789abcdef01234567"

static const char *const tier_paths[] = { "stable/*/*/*" };

struct world {
	struct repo repo;
	struct repository *reader;
	char *metadata;
};

static void list_version(struct repo *repo, const char *version)
{
	char path[256], hash[SHA256_HEX_LEN + 1];
	struct target_custom custom = {
		.version = (char *)version,
		.kernel = (char *)KERNEL,
		.build_id = (char *)BUILD,
		.published = REPO_NOW,
		.severity = (char *)"high",
		.record_length = 10,
	};
	json_t *object;

	memset(custom.record_sha256, 'a', SHA256_HEX_LEN);
	memset(hash, 'b', SHA256_HEX_LEN);
	hash[SHA256_HEX_LEN] = 0;
	assert_ok(target_custom_write(&custom, &object, &repo->err), &repo->err);
	snprintf(path, sizeof(path), "stable/" KERNEL "/" BUILD "/suture_m_%s.ko", version);
	*strrchr(strrchr(path, '/'), '.') = 0;
	for (char *p = strrchr(path, '/'); *p; p++)
		if (*p == '.')
			*p = '_';
	strncat(path, ".ko", sizeof(path) - strlen(path) - 1);
	assert_ok(tuf_targets_put(repo->stable, path, 100, hash, object, &repo->err), &repo->err);
	json_decref(object);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err = { 0 };

	repo_make(&w->repo);
	assert_ok(tuf_targets_delegate(w->repo.targets, "stable",
				       (const struct tuf_key *[]){ w->repo.keys[KEY_STABLE] }, 1, 1,
				       tier_paths, 1, true, &err),
		  &err);
	list_version(&w->repo, "1.1");
	repo_publish_next(&w->repo);
	w->metadata = path_join(w->repo.dir, "server-metadata", NULL);
	assert_ok(repository_new(w->repo.dir, w->metadata, &w->reader, &err), &err);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	repository_free(w->reader);
	free(w->metadata);
	repo_free(&w->repo);
	free(w);
	return 0;
}

static void expect(struct world *w, enum check_in_reason reason, const char *version)
{
	struct machine_facts facts = { .kernel = KERNEL, .build_id = BUILD, .tier = "stable" };
	char got[PATCH_VERSION_MAX];

	assert_int_equal(repository_decide(w->reader, &facts, "", got), reason);
	assert_string_equal(got, version);
}

static void reads_and_reads_again(void **state)
{
	struct world *w = *state;
	struct error err = { 0 };
	size_t modules;

	expect(w, REASON_PAUSED, "");
	assert_int_equal(repository_state(w->reader, &modules, &err), ERR_NOT_FOUND);
	repository_update(w->reader, REPO_NOW);
	assert_ok(repository_state(w->reader, &modules, &err), &err);
	assert_int_equal(modules, 1);
	expect(w, REASON_GRANTED, "1.1");
	list_version(&w->repo, "1.2");
	repo_publish_next(&w->repo);
	expect(w, REASON_GRANTED, "1.1");
	repository_update(w->reader, REPO_NOW);
	expect(w, REASON_GRANTED, "1.2");
}

static void keeps_what_was_good(void **state)
{
	struct world *w = *state;
	struct error err = { 0 };
	size_t modules;

	repository_update(w->reader, REPO_NOW);
	repo_write_at(&w->repo, "metadata/timestamp.json", "{}", 2);
	repository_update(w->reader, REPO_NOW);
	assert_true(repository_state(w->reader, &modules, &err) < 0);
	assert_int_equal(modules, 1);
	expect(w, REASON_GRANTED, "1.1");
	repo_publish_next(&w->repo);
	repository_update(w->reader, REPO_NOW);
	assert_ok(repository_state(w->reader, &modules, &err), &err);
}

static void expired_is_not_read(void **state)
{
	struct world *w = *state;
	struct error err = { 0 };
	size_t modules;

	repository_update(w->reader, REPO_EXPIRES + 1);
	assert_int_equal(repository_state(w->reader, &modules, &err), ERR_EXPIRED);
	expect(w, REASON_PAUSED, "");
}

static void no_repository(void **state)
{
	struct world *w = *state;
	size_t modules;

	repo_remove(&w->repo, "metadata/timestamp.json");
	repository_update(w->reader, REPO_NOW);
	assert_int_equal(repository_state(w->reader, &modules, NULL), ERR_NOT_FOUND);
	expect(w, REASON_PAUSED, "");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reads_and_reads_again),
		CASE(keeps_what_was_good),
		CASE(expired_is_not_read),
		CASE(no_repository),
	};

	return cmocka_run_group_tests_name("repository", tests, NULL, NULL);
}
